// SPDX-License-Identifier: Apache-2.0
#include "test/spec/dcap_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "endorse/intel_json.h"
#include "test/spec.h"
#include "verify/pem.h"

bool dcap_has_files(void)
{
    struct vectors v;
    struct rotor_bytes content;
    if (!vectors_open_bytes(&v, "SOURCES.tsv", &content)) {
        return false;
    }
    vectors_close(&v);
    return true;
}

const char *dcap_in(const char *folder, const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

void dcap_files_open(struct dcap_files *files)
{
    *files = (struct dcap_files){0};
    files->tcb_infos = calloc(2, sizeof *files->tcb_infos);
    files->qe_identities = calloc(2, sizeof *files->qe_identities);
    assert_non_null(files->tcb_infos);
    assert_non_null(files->qe_identities);
    files->given = (struct verify_dcap_endorsements){
        .anchors = files->anchors,
        .certificates = files->certificates,
        .crls = files->crls,
        .tcb_infos = files->tcb_infos,
        .qe_identities = files->qe_identities,
    };
}

void dcap_files_close(struct dcap_files *files)
{
    for (size_t i = 0; i < files->given.anchor_count; i++) {
        crypto_certificate_close(&files->anchors[i]);
    }
    for (size_t i = 0; i < files->given.certificate_count; i++) {
        crypto_certificate_close(&files->certificates[i]);
    }
    for (size_t i = 0; i < files->given.crl_count; i++) {
        crypto_crl_close(&files->crls[i]);
    }
    crypto_certificate_close(&files->pck);
    for (size_t i = 0; i < files->text_count; i++) {
        vectors_close(&files->texts[i]);
    }
    free(files->tcb_infos);
    free(files->qe_identities);
    *files = (struct dcap_files){0};
}

static struct vectors *next_text(struct dcap_files *files)
{
    assert_true(files->text_count < DCAP_FILES_MAX);
    return &files->texts[files->text_count++];
}

static const char *whole(const char *path)
{
    static char name[256];
    snprintf(name, sizeof name, "sgx-tdx/%s", path);
    return name;
}

struct rotor_bytes dcap_content(struct dcap_files *files, const char *path)
{
    struct rotor_bytes content;
    assert_true(vectors_open_bytes(next_text(files), whole(path), &content));
    return content;
}

struct rotor_bytes dcap_hex_content(struct dcap_files *files, const char *path)
{
    const char *text = (const char *)dcap_content(files, path).data;
    bool has_prefix = text[0] == '0' && text[1] == 'x';
    return vectors_hex(&files->texts[files->text_count - 1],
                       has_prefix ? text + 2 : text);
}

static void open_pem(struct rotor_bytes text,
                     struct crypto_certificate *certificates, size_t *count,
                     size_t max)
{
    uint8_t bytes[8192];
    struct rotor_room room = ROOM_OF(bytes);
    struct rotor_bytes der;
    enum rotor_status status =
        verify_pem_next(&text, LABEL("CERTIFICATE"), &room, &der);
    while (status == ROTOR_OK) {
        assert_true(*count < max);
        assert_ok(crypto_certificate_open(&certificates[(*count)++], der));
        status = verify_pem_next(&text, LABEL("CERTIFICATE"), &room, &der);
    }
    assert_int_equal(status, ROTOR_AGAIN);
}

void dcap_anchor(struct dcap_files *files, const char *pem_path)
{
    open_pem(dcap_content(files, pem_path), files->anchors,
             &files->given.anchor_count, COUNT_OF(files->anchors));
}

void dcap_certificates(struct dcap_files *files, const char *pem_path)
{
    open_pem(dcap_content(files, pem_path), files->certificates,
             &files->given.certificate_count, COUNT_OF(files->certificates));
}

void dcap_pck(struct dcap_files *files, const char *pem_path)
{
    size_t count = 0;
    open_pem(dcap_content(files, pem_path), &files->pck, &count, 1);
    files->given.pck = &files->pck;
}

static void add_crl(struct dcap_files *files, struct rotor_bytes der)
{
    assert_true(files->given.crl_count < COUNT_OF(files->crls));
    assert_ok(crypto_crl_open(&files->crls[files->given.crl_count++], der));
}

void dcap_crl(struct dcap_files *files, const char *der_path)
{
    add_crl(files, dcap_content(files, der_path));
}

// Our own reader of PEM takes certificates only: the name is changed.
void dcap_crl_pem(struct dcap_files *files, const char *pem_path)
{
    static const char begin[] = "-----BEGIN X509 CRL-----";
    static const char end[] = "-----END X509 CRL-----";
    const char *text = (const char *)dcap_content(files, pem_path).data;
    assert_memory_equal(text, begin, sizeof begin - 1);
    const char *stop = strstr(text, end);
    assert_non_null(stop);
    char renamed[4096];
    int size = snprintf(renamed, sizeof renamed,
                        "-----BEGIN CERTIFICATE-----%.*s"
                        "-----END CERTIFICATE-----",
                        (int)(stop - text) - (int)(sizeof begin - 1),
                        text + sizeof begin - 1);
    assert_in_range(size, 1, sizeof renamed - 1);
    uint8_t bytes[4096];
    struct rotor_room room = ROOM_OF(bytes);
    struct rotor_bytes rest = bytes_of(renamed, (size_t)size);
    struct rotor_bytes der;
    assert_ok(verify_pem_next(&rest, LABEL("CERTIFICATE"), &room, &der));
    add_crl(files, der);
}

static bool add_statement(struct dcap_files *files,
                          const struct endorse_intel_envelope *envelope)
{
    struct verify_dcap_endorsements *given = &files->given;
    const struct verify_dcap_statement *said = NULL;
    if (envelope->kind == ENDORSE_INTEL_TCB_INFO) {
        struct verify_dcap_tcb_info *info =
            &files->tcb_infos[given->tcb_info_count++];
        assert_true(given->tcb_info_count <= 2);
        if (endorse_intel_tcb_info(envelope, info) != ROTOR_OK) {
            return false;
        }
        said = &info->statement;
    } else {
        struct verify_dcap_qe_identity *identity =
            &files->qe_identities[given->qe_identity_count++];
        assert_true(given->qe_identity_count <= 2);
        if (endorse_intel_qe_identity(envelope, identity) != ROTOR_OK) {
            return false;
        }
        said = &identity->statement;
    }
    if (said->issued_s > files->issued_s) {
        files->issued_s = said->issued_s;
    }
    return true;
}

bool dcap_statement(struct dcap_files *files, const char *json_path)
{
    struct endorse_intel_envelope envelope;
    return endorse_intel_read(dcap_content(files, json_path), &envelope) ==
               ROTOR_OK &&
           add_statement(files, &envelope);
}

static struct rotor_bytes text_of(const json_t *object, const char *key)
{
    const char *text = vectors_text(object, key);
    return bytes_of(text, strlen(text));
}

static void add_from(struct dcap_files *files, struct vectors *v,
                     enum endorse_intel_kind kind, const char *key)
{
    char signature_key[64];
    snprintf(signature_key, sizeof signature_key, "%s_signature", key);
    struct endorse_intel_envelope envelope = {
        .kind = kind,
        .body = text_of(v->root, key),
    };
    struct rotor_bytes signature = vectors_bytes(v, v->root, signature_key);
    assert_int_equal(signature.size, sizeof envelope.signature);
    memcpy(envelope.signature, signature.data, signature.size);
    assert_true(add_statement(files, &envelope));
}

static struct vectors *add_issuers(struct dcap_files *files,
                                   const char *json_path)
{
    static const char *const chains[] = {"pck_crl_issuer_chain",
                                         "tcb_info_issuer_chain",
                                         "qe_identity_issuer_chain"};
    struct vectors *v = next_text(files);
    assert_true(vectors_open(v, whole(json_path)));
    for (size_t i = 0; i < COUNT_OF(chains); i++) {
        open_pem(text_of(v->root, chains[i]), files->certificates,
                 &files->given.certificate_count,
                 COUNT_OF(files->certificates));
    }
    return v;
}

void dcap_issuers(struct dcap_files *files, const char *json_path)
{
    (void)add_issuers(files, json_path);
}

void dcap_collection(struct dcap_files *files, const char *json_path)
{
    struct vectors *v = add_issuers(files, json_path);
    add_crl(files, vectors_bytes(v, v->root, "root_ca_crl"));
    add_crl(files, vectors_bytes(v, v->root, "pck_crl"));
    add_from(files, v, ENDORSE_INTEL_TCB_INFO, "tcb_info");
    add_from(files, v, ENDORSE_INTEL_QE_IDENTITY, "qe_identity");
}
