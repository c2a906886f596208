// SPDX-License-Identifier: Apache-2.0
#include "endorse/set.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/pem.h>

#include "base/bytes.h"
#include "crypto/x509.h"
#include "verify/oak.h"
#include "verify/tpm_structures.h"

const char *endorse_kind_name(enum endorse_kind kind)
{
    static const char *const NAMES[ENDORSE_KIND_COUNT] = {
        [ENDORSE_NONE] = "nothing",
        [ENDORSE_CERTIFICATE] = "certificate",
        [ENDORSE_CRL] = "revocation list",
        [ENDORSE_TCB_INFO] = "TCB info",
        [ENDORSE_QE_IDENTITY] = "QE identity",
        [ENDORSE_KEY] = "public key",
    };
    return (unsigned)kind < COUNT_OF(NAMES) ? NAMES[kind] : "unknown";
}

// ---- the set ---------------------------------------------------------------

static void cut(struct endorse_set *set, size_t count)
{
    while (set->count > count) {
        free((void *)(uintptr_t)set->items[--set->count].bytes.data);
    }
}

void endorse_set_close(struct endorse_set *set)
{
    cut(set, 0);
    free(set->items);
    *set = (struct endorse_set){0};
}

static enum rotor_status make_room(struct endorse_set *set)
{
    if (set->count < set->room) {
        return ROTOR_OK;
    }
    if (set->count >= ENDORSE_ITEMS_MAX) {
        return ROTOR_TOO_SMALL;
    }
    size_t room = set->room == 0 ? 16 : set->room * 2;
    struct endorse_item *items = realloc(set->items, room * sizeof *items);
    if (items == NULL) {
        return ROTOR_PORT_FAILED;
    }
    set->items = items;
    set->room = room;
    return ROTOR_OK;
}

static bool has(const struct endorse_set *set,
                const uint8_t name[ENDORSE_NAME_SIZE])
{
    for (size_t i = 0; i < set->count; i++) {
        if (memcmp(set->items[i].name, name, ENDORSE_NAME_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

static enum rotor_status add(struct endorse_set *set, enum endorse_kind kind,
                             struct rotor_bytes bytes)
{
    struct endorse_item item = {.kind = kind};
    TRY(crypto_hash(CRYPTO_SHA256, &bytes, 1, item.name));
    if (has(set, item.name)) {
        return ROTOR_OK;
    }
    TRY(make_room(set));
    uint8_t *copy = malloc(bytes.size + 1);
    if (copy == NULL) {
        return ROTOR_PORT_FAILED;
    }
    memcpy(copy, bytes.data, bytes.size);
    item.bytes = bytes_of(copy, bytes.size);
    set->items[set->count++] = item;
    return ROTOR_OK;
}

// ---- DER -------------------------------------------------------------------

static enum rotor_status add_certificate(struct endorse_set *set,
                                         struct rotor_bytes der)
{
    struct crypto_certificate certificate = {0};
    enum rotor_status status = crypto_certificate_open(&certificate, der);
    crypto_certificate_close(&certificate);
    return status == ROTOR_OK ? add(set, ENDORSE_CERTIFICATE, der) : status;
}

static enum rotor_status add_crl(struct endorse_set *set,
                                 struct rotor_bytes der)
{
    struct crypto_crl crl = {0};
    enum rotor_status status = crypto_crl_open(&crl, der);
    crypto_crl_close(&crl);
    return status == ROTOR_OK ? add(set, ENDORSE_CRL, der) : status;
}

static enum rotor_status add_key(struct endorse_set *set,
                                 struct rotor_bytes der)
{
    struct crypto_verifier key = {0};
    enum rotor_status status = crypto_verifier_open(&key, der);
    crypto_verifier_close(&key);
    return status == ROTOR_OK ? add(set, ENDORSE_KEY, der) : status;
}

static enum rotor_status read_der(struct endorse_set *set,
                                  struct rotor_bytes der)
{
    enum rotor_status (*const forms[])(struct endorse_set *,
                                       struct rotor_bytes) = {add_certificate,
                                                              add_crl, add_key};
    enum rotor_status status = ROTOR_MALFORMED;
    for (size_t i = 0; i < COUNT_OF(forms) && status == ROTOR_MALFORMED; i++) {
        status = forms[i](set, der);
    }
    return status;
}

// ---- PEM -------------------------------------------------------------------

static enum rotor_status add_block(struct endorse_set *set, const char *label,
                                   struct rotor_bytes der)
{
    if (strcmp(label, PEM_STRING_X509) == 0) {
        return add_certificate(set, der);
    }
    if (strcmp(label, PEM_STRING_X509_CRL) == 0) {
        return add_crl(set, der);
    }
    return strcmp(label, PEM_STRING_PUBLIC) == 0 ? add_key(set, der)
                                                 : ROTOR_MALFORMED;
}

static enum rotor_status next_block(struct endorse_set *set, BIO *text,
                                    bool *is_end)
{
    char *label = NULL;
    char *header = NULL;
    unsigned char *der = NULL;
    long size = 0;
    if (PEM_read_bio(text, &label, &header, &der, &size) != 1) {
        *is_end = true;
        return ROTOR_OK;
    }
    enum rotor_status status =
        size > 0 && header[0] == '\0'
            ? add_block(set, label, bytes_of(der, (size_t)size))
            : ROTOR_MALFORMED;
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_clear_free(der, (size_t)(size > 0 ? size : 0));
    return status;
}

static const char *find(struct rotor_bytes bytes, const char *text)
{
    return bytes.size == 0 ? NULL
                           : memmem(bytes.data, bytes.size, text, strlen(text));
}

// As many blocks as begin must come out of it: OpenSSL stops at a damaged one
// as it does at the end.
static size_t count_blocks(struct rotor_bytes text)
{
    static const char begin[] = "-----BEGIN ";
    size_t count = 0;
    const char *at = NULL;
    while ((at = find(text, begin)) != NULL) {
        size_t passed = (size_t)(at - (const char *)text.data) + 1;
        text = bytes_of(text.data + passed, text.size - passed);
        count++;
    }
    return count;
}

static enum rotor_status read_pem(struct endorse_set *set,
                                  struct rotor_bytes content)
{
    size_t expected = count_blocks(content);
    size_t count = 0;
    bool is_end = false;
    BIO *text = BIO_new_mem_buf(content.data, (int)content.size);
    enum rotor_status status = text != NULL ? ROTOR_OK : ROTOR_PORT_FAILED;
    while (status == ROTOR_OK && !is_end) {
        status = next_block(set, text, &is_end);
        count += is_end ? 0 : 1;
    }
    BIO_free(text);
    if (status != ROTOR_OK) {
        return status;
    }
    return expected != 0 && count == expected ? ROTOR_OK : ROTOR_MALFORMED;
}

// ---- JSON ------------------------------------------------------------------

// A collection has the signed object as text and its signature beside it: put
// together as the service hands them out, byte for byte.
static enum rotor_status add_signed(struct endorse_set *set, const char *name,
                                    const char *body, const char *signature)
{
    bool is_tcb_info = strcmp(name, "tcbInfo") == 0;
    bool is_hex =
        strspn(signature, "0123456789abcdefABCDEF") == strlen(signature);
    size_t room = strlen(body) + strlen(signature) + 64;
    char *text = is_hex ? malloc(room) : NULL;
    if (text == NULL) {
        return is_hex ? ROTOR_PORT_FAILED : ROTOR_MALFORMED;
    }
    int size = snprintf(text, room, "{\"%s\":%s,\"signature\":\"%s\"}", name,
                        body, signature);
    enum rotor_status status =
        add(set, is_tcb_info ? ENDORSE_TCB_INFO : ENDORSE_QE_IDENTITY,
            bytes_of(text, (size_t)size));
    free(text);
    return status;
}

static const char *member(const json_t *root, const char *name)
{
    const char *text = json_string_value(json_object_get(root, name));
    return text != NULL ? text : "";
}

static bool nibble(char c, uint8_t *value)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    const char *at = c != '\0' ? strchr(digits, c) : NULL;
    *value = at != NULL ? (uint8_t)((at - digits) & 15) : 0;
    return at != NULL;
}

// A list in a collection: hex of DER, or PEM.
static enum rotor_status read_list(struct endorse_set *set, const char *text)
{
    size_t size = strlen(text);
    if (strncmp(text, "-----BEGIN", 10) == 0) {
        return read_pem(set, bytes_of(text, size));
    }
    uint8_t *der = malloc(size / 2 + 1);
    bool is_hex = size % 2 == 0;
    for (size_t i = 0; der != NULL && i + 1 < size; i += 2) {
        uint8_t high = 0;
        uint8_t low = 0;
        is_hex = nibble(text[i], &high) && nibble(text[i + 1], &low) && is_hex;
        der[i / 2] = (uint8_t)(high << 4 | low);
    }
    enum rotor_status status = ROTOR_PORT_FAILED;
    if (der != NULL) {
        status =
            is_hex ? add_crl(set, bytes_of(der, size / 2)) : ROTOR_MALFORMED;
    }
    free(der);
    return status;
}

static enum rotor_status read_collection(struct endorse_set *set,
                                         const json_t *root)
{
    static const char *const chains[] = {
        "pck_crl_issuer_chain", "tcb_info_issuer_chain",
        "qe_identity_issuer_chain", "pck_certificate_chain"};
    static const char *const lists[] = {"root_ca_crl", "pck_crl"};
    for (size_t i = 0; i < COUNT_OF(chains); i++) {
        const char *pem = member(root, chains[i]);
        if (pem[0] != '\0') {
            TRY(read_pem(set, bytes_of(pem, strlen(pem))));
        }
    }
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        const char *list = member(root, lists[i]);
        if (list[0] != '\0') {
            TRY(read_list(set, list));
        }
    }
    TRY(add_signed(set, "tcbInfo", member(root, "tcb_info"),
                   member(root, "tcb_info_signature")));
    return add_signed(set, "enclaveIdentity", member(root, "qe_identity"),
                      member(root, "qe_identity_signature"));
}

static enum rotor_status read_json(struct endorse_set *set,
                                   struct rotor_bytes content)
{
    json_error_t error;
    json_t *root = json_loadb((const char *)content.data, content.size,
                              JSON_REJECT_DUPLICATES, &error);
    enum rotor_status status = ROTOR_MALFORMED;
    if (json_is_object(json_object_get(root, "tcbInfo"))) {
        status = add(set, ENDORSE_TCB_INFO, content);
    } else if (json_is_object(json_object_get(root, "enclaveIdentity"))) {
        status = add(set, ENDORSE_QE_IDENTITY, content);
    } else if (member(root, "tcb_info")[0] != '\0') {
        status = read_collection(set, root);
    }
    json_decref(root);
    return status;
}

// ---- a host's table --------------------------------------------------------

#define TABLE_ENTRY 24u // bytes: GUID 16, offset 4, size 4, little-endian

static enum rotor_status read_table(struct endorse_set *set,
                                    struct rotor_bytes table)
{
    static const uint8_t end[TABLE_ENTRY];
    for (size_t at = 0; at + TABLE_ENTRY <= table.size; at += TABLE_ENTRY) {
        const uint8_t *entry = table.data + at;
        size_t offset = bytes_le32(entry + 16);
        size_t size = bytes_le32(entry + 20);
        if (memcmp(entry, end, TABLE_ENTRY) == 0) {
            return ROTOR_OK;
        }
        if (offset > table.size || size > table.size - offset || size == 0) {
            return ROTOR_MALFORMED;
        }
        TRY(read_der(set, bytes_of(table.data + offset, size)));
    }
    return ROTOR_MALFORMED; // no end
}

// ---- a TPM's public area ---------------------------------------------------

// As tpm2_createak writes it; kept as the SubjectPublicKeyInfo that it stands
// for, so that one key is one statement.
static enum rotor_status read_area(struct endorse_set *set,
                                   struct rotor_bytes bytes)
{
    struct verify_tpm_public area;
    uint8_t memory[VERIFY_TPM_SPKI_MAX];
    struct rotor_room spki = ROOM_OF(memory);
    TRY(verify_tpm_public_decode(bytes, &area));
    TRY(verify_tpm_spki(&area, &spki));
    return add_key(set, bytes_in(&spki));
}

// ---- a file ----------------------------------------------------------------

static enum rotor_status read_any(struct endorse_set *set,
                                  struct rotor_bytes content)
{
    if (content.size == 0 || content.size > ENDORSE_FILE_MAX) {
        return ROTOR_MALFORMED;
    }
    if (content.data[0] == 0x30) { // DER SEQUENCE
        return read_der(set, content);
    }
    size_t at = 0;
    while (at < content.size && strchr(" \t\r\n", content.data[at]) != NULL &&
           content.data[at] != '\0') {
        at++;
    }
    bool is_json = at < content.size && content.data[at] == '{';
    if (is_json) {
        return read_json(set, content);
    }
    // What Oak has beside its evidence has the chip's certificate in it.
    struct rotor_bytes certificate;
    bool is_oak = verify_oak_certificate(content, &certificate) == ROTOR_OK;
    if (is_oak) {
        return add_certificate(set, certificate);
    }
    enum rotor_status (*const forms[])(
        struct endorse_set *, struct rotor_bytes) = {read_pem, read_table,
                                                     read_area};
    enum rotor_status status = ROTOR_MALFORMED;
    for (size_t i = 0; i < COUNT_OF(forms) && status == ROTOR_MALFORMED; i++) {
        status = forms[i](set, content);
    }
    return status;
}

enum rotor_status endorse_set_read(struct endorse_set *set,
                                   struct rotor_bytes content)
{
    size_t before = set->count;
    enum rotor_status status = read_any(set, content);
    if (status != ROTOR_OK) {
        cut(set, before);
    }
    return status;
}

void endorse_set_keep(struct endorse_set *set, enum endorse_kind kind)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].kind == kind) {
            set->items[kept++] = set->items[i];
        } else {
            free((void *)(uintptr_t)set->items[i].bytes.data);
        }
    }
    set->count = kept;
}
