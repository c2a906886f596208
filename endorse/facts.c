// SPDX-License-Identifier: Apache-2.0
#include "endorse/facts.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "base/bytes.h"
#include "crypto/x509.h"

// ---- words -----------------------------------------------------------------

// Text of somebody else as one line of ASCII for a terminal.
static void clean(struct rotor_bytes text, char words[ENDORSE_WORDS_SIZE])
{
    size_t size = 0;
    for (size_t i = 0; i < text.size && size + 1 < ENDORSE_WORDS_SIZE; i++) {
        uint8_t byte = text.data[i];
        words[size++] = byte >= 0x20 && byte < 0x7f ? (char)byte : '?';
    }
    words[size] = '\0';
}

// The common name in a DER Name; its organisation where it has none.
static void name_words(struct rotor_bytes name, char words[ENDORSE_WORDS_SIZE])
{
    static const uint8_t attributes[] = {0x03, 0x0a}; // 2.5.4.3, 2.5.4.10
    clean(bytes_of(NULL, 0), words);
    for (size_t a = 0; a < sizeof attributes && words[0] == '\0'; a++) {
        const uint8_t oid[] = {0x06, 0x03, 0x55, 0x04, attributes[a]};
        for (size_t i = 0; i + sizeof oid + 2 <= name.size; i++) {
            const uint8_t *at = name.data + i;
            size_t size = at[sizeof oid + 1]; // short form, as names have
            bool is_it = memcmp(at, oid, sizeof oid) == 0 && size < 0x80 &&
                         i + sizeof oid + 2 + size <= name.size;
            if (is_it) {
                clean(bytes_of(at + sizeof oid + 2, size), words);
            }
        }
    }
}

enum rotor_status endorse_time_read(const char *text, int64_t *seconds)
{
    struct tm parts = {0};
    struct tm again;
    char end = '\0';
    char more = '\0';
    int count = sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%c%c", &parts.tm_year,
                       &parts.tm_mon, &parts.tm_mday, &parts.tm_hour,
                       &parts.tm_min, &parts.tm_sec, &end, &more);
    bool has_form = count == 7 && end == 'Z' && strlen(text) == 20 &&
                    strspn(text, "0123456789-T:Z") == 20;
    if (!has_form || parts.tm_year < 1970) {
        return ROTOR_MALFORMED;
    }
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    again = parts;
    time_t at = timegm(&again);
    // timegm takes the 31st of June as the 1st of July.
    bool is_a_date =
        again.tm_mon == parts.tm_mon && again.tm_mday == parts.tm_mday &&
        again.tm_hour == parts.tm_hour && again.tm_min == parts.tm_min &&
        again.tm_sec == parts.tm_sec;
    if (!is_a_date) {
        return ROTOR_MALFORMED;
    }
    *seconds = (int64_t)at;
    return ROTOR_OK;
}

// ---- kinds -----------------------------------------------------------------

static enum rotor_status of_certificate(struct rotor_bytes der,
                                        struct endorse_facts *facts)
{
    struct crypto_certificate certificate = {0};
    struct crypto_certificate_facts seen;
    enum rotor_status status = crypto_certificate_open(&certificate, der);
    if (status == ROTOR_OK) {
        status = crypto_certificate_facts(&certificate, &seen);
    }
    if (status == ROTOR_OK) {
        name_words(seen.subject, facts->about);
        name_words(seen.issuer, facts->issuer);
        facts->begins_s = seen.not_before_s;
        facts->ends_s = seen.not_after_s;
        facts->is_root = seen.is_self_issued;
        status = crypto_hash(CRYPTO_SHA256, &seen.spki, 1, facts->key);
    }
    crypto_certificate_close(&certificate);
    return status;
}

static enum rotor_status of_crl(struct rotor_bytes der,
                                struct endorse_facts *facts)
{
    struct crypto_crl crl = {0};
    struct crypto_crl_facts seen;
    enum rotor_status status = crypto_crl_open(&crl, der);
    if (status == ROTOR_OK) {
        status = crypto_crl_facts(&crl, &seen);
    }
    if (status == ROTOR_OK) {
        name_words(seen.issuer, facts->issuer);
        (void)snprintf(facts->about, sizeof facts->about, "what it revoked");
        facts->begins_s = seen.this_update_s;
        facts->ends_s = seen.next_update_s;
    }
    crypto_crl_close(&crl);
    return status;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static enum rotor_status of_json(const struct endorse_item *item,
                                 struct endorse_facts *facts)
{
    bool is_tcb_info = item->kind == ENDORSE_TCB_INFO;
    json_error_t error;
    json_t *root = json_loadb((const char *)item->bytes.data, item->bytes.size,
                              JSON_REJECT_DUPLICATES, &error);
    const json_t *body =
        json_object_get(root, is_tcb_info ? "tcbInfo" : "enclaveIdentity");
    const char *id = text_of(body, "id");
    const char *platform = text_of(body, "fmspc");
    char words[ENDORSE_WORDS_SIZE];
    (void)snprintf(words, sizeof words, "%s%s%s", id[0] != '\0' ? id : "SGX",
                   platform[0] != '\0' ? " " : "", platform);
    clean(bytes_of(words, strlen(words)), facts->about);
    enum rotor_status status =
        endorse_time_read(text_of(body, "issueDate"), &facts->begins_s);
    if (status == ROTOR_OK) {
        status = endorse_time_read(text_of(body, "nextUpdate"), &facts->ends_s);
    }
    json_decref(root);
    return status;
}

enum rotor_status endorse_facts_read(const struct endorse_item *item,
                                     struct endorse_facts *facts)
{
    *facts = (struct endorse_facts){.ends_s = INT64_MAX};
    switch (item->kind) {
    case ENDORSE_CERTIFICATE:
        return of_certificate(item->bytes, facts);
    case ENDORSE_CRL:
        return of_crl(item->bytes, facts);
    case ENDORSE_TCB_INFO:
    case ENDORSE_QE_IDENTITY:
        return of_json(item, facts);
    case ENDORSE_KEY:
        return crypto_hash(CRYPTO_SHA256, &item->bytes, 1, facts->key);
    case ENDORSE_NONE:
    case ENDORSE_KIND_COUNT:
        break;
    }
    return ROTOR_MALFORMED;
}
