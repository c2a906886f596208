// SPDX-License-Identifier: Apache-2.0
// doc/PROTOCOL.evidence, TPM: the checks in its order.
#include "verify/tpm.h"

#include <string.h>

#include "base/bytes.h"
#include "verify/tpm_pcrs.h"

struct judge {
    const struct verify_tpm_evidence *evidence;
    const struct verify_tpm_trust *trust;
    const struct verify_asked *asked;
    struct verify_tpm_work *work;
    struct verify_verdict *verdict;

    struct rotor_bytes signed_part;
    struct verify_tpm_attest attest;
    struct verify_tpm_signature signature;
    bool has_area;
    struct verify_tpm_public area;
    struct rotor_bytes spki; // of the AK
    bool scheme_is_good;
};

// False: nothing after this check can be judged.
typedef enum rotor_status (*check)(struct judge *j, bool *go_on);

// ---- structures ------------------------------------------------------------

static enum rotor_status check_quote_format(struct judge *j, bool *go_on)
{
    struct rotor_bytes quote = j->evidence->quote;
    bool passed = verify_tpm_attest_decode(quote, &j->signed_part,
                                           &j->attest) == ROTOR_OK;
    *go_on = verify_check(
        j->verdict, passed,
        &(struct verify_row){.check = "quote format",
                             .expected = verify_text("TPMS_ATTEST"),
                             .seen = verify_bytes(quote),
                             .why = "the quote is truncated or malformed"});
    return ROTOR_OK;
}

static enum rotor_status check_magic(struct judge *j, bool *go_on)
{
    *go_on = verify_check(
        j->verdict, j->attest.magic == VERIFY_TPM_GENERATED,
        &(struct verify_row){.check = "quote magic",
                             .expected = verify_number(VERIFY_TPM_GENERATED),
                             .seen = verify_number(j->attest.magic),
                             .why = "not made inside a TPM"});
    return ROTOR_OK;
}

static enum rotor_status check_type(struct judge *j, bool *go_on)
{
    *go_on = verify_check(
        j->verdict, j->attest.type == VERIFY_TPM_ST_QUOTE,
        &(struct verify_row){.check = "quote type",
                             .expected = verify_number(VERIFY_TPM_ST_QUOTE),
                             .seen = verify_number(j->attest.type),
                             .why = "an attestation, but not a quote"});
    return ROTOR_OK;
}

static enum rotor_status check_signature_format(struct judge *j, bool *go_on)
{
    struct rotor_bytes signature = j->evidence->signature;
    bool passed =
        verify_tpm_signature_decode(signature, &j->signature) == ROTOR_OK;
    *go_on = verify_check(
        j->verdict, passed,
        &(struct verify_row){
            .check = "signature format",
            .expected = verify_text("TPMT_SIGNATURE"),
            .seen = verify_bytes(signature),
            .why = "the signature is cut off, or no TPMT_SIGNATURE"});
    return ROTOR_OK;
}

// ---- the attestation key ---------------------------------------------------

static enum rotor_status open_area(struct rotor_bytes bytes,
                                   struct verify_tpm_public *area,
                                   struct verify_tpm_work *work,
                                   struct rotor_bytes *spki)
{
    struct rotor_room room = ROOM_OF(work->spki);
    TRY(verify_tpm_public_decode(bytes, area));
    TRY(verify_tpm_spki(area, &room));
    *spki = bytes_in(&room);
    return ROTOR_OK;
}

static enum rotor_status spki_of(const struct crypto_certificate *certificate,
                                 struct rotor_bytes *spki)
{
    struct crypto_certificate_facts facts;
    TRY(crypto_certificate_facts(certificate, &facts));
    *spki = facts.spki;
    return ROTOR_OK;
}

// The first form is taken, the others must be the same.
static bool agree(struct rotor_bytes *spki, struct rotor_bytes other)
{
    if (other.size == 0) {
        return true;
    }
    if (spki->size == 0) {
        *spki = other;
    }
    return bytes_equal(*spki, other);
}

static enum rotor_status check_key_format(struct judge *j, bool *go_on)
{
    const struct verify_tpm_evidence *e = j->evidence;
    struct rotor_bytes certified = {NULL, 0};
    const char *why = NULL;
    j->has_area = e->ak_public.size != 0;
    if (e->ak_certificate != NULL) {
        TRY(spki_of(e->ak_certificate, &certified));
    }
    if (j->has_area &&
        open_area(e->ak_public, &j->area, j->work, &j->spki) != ROTOR_OK) {
        why = "the public area is malformed, or of an unknown kind";
    } else if (!agree(&j->spki, e->ak_spki) || !agree(&j->spki, certified)) {
        why = "the forms of the key name different keys";
    } else if (j->spki.size == 0) {
        j->spki = j->trust->ak_spki;
        why = j->spki.size == 0 ? "there is no key" : NULL;
    }
    *go_on = verify_check(
        j->verdict, why == NULL,
        &(struct verify_row){.check = "attestation key format",
                             .expected = verify_text("one key, in each form"),
                             .seen = verify_bytes(j->spki),
                             .why = why});
    return ROTOR_OK;
}

// Restricted: it signs nothing from outside that looks like an attestation.
static enum rotor_status check_key_attributes(struct judge *j, bool *go_on)
{
    const uint32_t wanted = VERIFY_TPM_FIXED_TPM | VERIFY_TPM_DATA_ORIGIN |
                            VERIFY_TPM_RESTRICTED | VERIFY_TPM_SIGN;
    struct verify_row row = {
        .check = "attestation key attributes",
        .expected = verify_text("fixedTPM sensitiveDataOrigin restricted sign"),
        .why = "a key that could sign what no TPM made, or leave it"};
    *go_on = true;
    if (!j->has_area) {
        verify_skip(j->verdict, &row);
        return ROTOR_OK;
    }
    uint32_t seen = j->area.attributes;
    row.seen = verify_number(seen);
    (void)verify_check(j->verdict,
                       (seen & (wanted | VERIFY_TPM_DECRYPT)) == wanted, &row);
    return ROTOR_OK;
}

// 2.23.133.8.3, tcg-kp-AIKCertificate, and 2.5.29.37.0, any, as they stand in
// an ExtKeyUsageSyntax.
static const uint8_t aik_usage[] = {0x06, 0x05, 0x67, 0x81, 0x05, 0x08, 0x03};
static const uint8_t any_usage[] = {0x06, 0x04, 0x55, 0x1d, 0x25, 0x00};

static bool has_usage(struct rotor_bytes usages, struct rotor_bytes usage)
{
    struct verify_cursor in = verify_cursor_over(usages);
    (void)verify_cursor_bytes(&in, 1);
    uint8_t length = verify_cursor_u8(&in);
    if (length != in.left.size) {
        return false; // longer than 127 bytes: not of an AK
    }
    while (in.left.size > 1 && !in.has_failed) {
        size_t size = in.left.data[1];
        struct rotor_bytes one = verify_cursor_bytes(&in, 2 + size);
        if (bytes_equal(one, usage)) {
            return true;
        }
    }
    return false;
}

// What signs for others under the same root, e.g. a TLS server, is no AK.
static enum rotor_status may_attest(const struct crypto_certificate *leaf,
                                    bool *passed)
{
    static const uint8_t extended_key_usage[] = {0x55, 0x1d, 0x25};
    struct rotor_bytes usages;
    enum rotor_status status = crypto_certificate_extension(
        leaf, BYTES_OF(extended_key_usage), &usages);
    *passed = status == ROTOR_OK &&
              (usages.size == 0 || has_usage(usages, BYTES_OF(aik_usage)) ||
               has_usage(usages, BYTES_OF(any_usage)));
    return status == ROTOR_MALFORMED ? ROTOR_OK : status;
}

static enum rotor_status judge_certificate(struct judge *j, const char **why)
{
    const struct crypto_certificate *leaf = j->evidence->ak_certificate;
    struct crypto_chain_verdict path;
    bool passed = false;
    TRY(crypto_chain_verify(leaf, j->trust->chain, &path));
    if (path.fault != CRYPTO_CHAIN_GOOD) {
        *why = crypto_chain_fault_text(path.fault);
        return ROTOR_OK;
    }
    TRY(may_attest(leaf, &passed));
    *why = passed ? NULL : "the certificate is not for attestation keys";
    return ROTOR_OK;
}

static enum rotor_status name_is_proven(struct judge *j, bool *proven)
{
    struct rotor_room name = ROOM_OF(j->work->name);
    *proven = false;
    if (!j->has_area || j->trust->ak_name.size == 0) {
        return ROTOR_OK;
    }
    enum rotor_status status = verify_tpm_name(&j->area, &name);
    *proven =
        status == ROTOR_OK && bytes_equal(bytes_in(&name), j->trust->ak_name);
    return status == ROTOR_MALFORMED ? ROTOR_OK : status;
}

static enum rotor_status check_key(struct judge *j, bool *go_on)
{
    const struct verify_tpm_trust *trust = j->trust;
    bool is_proven = false;
    const char *why = "nobody vouches for the attestation key";
    const char *by = "a certificate";
    TRY(name_is_proven(j, &is_proven));
    if (trust->ak_spki.size != 0 && bytes_equal(trust->ak_spki, j->spki)) {
        by = "pinned";
        why = NULL;
    } else if (is_proven) {
        by = "a credential opened by its TPM";
        why = NULL;
    } else if (j->evidence->ak_certificate != NULL && trust->chain != NULL) {
        TRY(judge_certificate(j, &why));
    }
    bool passed = verify_check(
        j->verdict, why == NULL,
        &(struct verify_row){.check = "attestation key",
                             .expected = verify_text("pinned, proven by a "
                                                     "credential, certified"),
                             .seen = why == NULL ? verify_text(by)
                                                 : verify_bytes(j->spki),
                             .why = why});
    if (passed) {
        j->verdict->level = VERIFY_LEVEL_PROCESS;
    }
    *go_on = true;
    return ROTOR_OK;
}

// ---- the signature ---------------------------------------------------------

static bool scheme_is_of_key(const struct judge *j)
{
    const struct verify_tpm_signature *s = &j->signature;
    if (!j->has_area) {
        return true; // the crypto port compares form and key
    }
    bool is_ecdsa = s->scheme == VERIFY_TPM_ECDSA;
    bool is_fixed = j->area.scheme != VERIFY_TPM_NULL;
    return is_ecdsa == (j->area.type == VERIFY_TPM_ECC) &&
           (!is_fixed ||
            (s->scheme == j->area.scheme && s->hash == j->area.scheme_hash));
}

static const char *fault_of_scheme(const struct judge *j)
{
    uint16_t scheme = j->signature.scheme;
    uint16_t hash = j->signature.hash;
    if (scheme != VERIFY_TPM_RSASSA && scheme != VERIFY_TPM_RSAPSS &&
        scheme != VERIFY_TPM_ECDSA) {
        return "a signature scheme that is not supported";
    }
    if (hash == VERIFY_TPM_SHA1) {
        return "SHA-1 carries no signature";
    }
    if (verify_hash_of_tpm(hash) == CRYPTO_HASH_NONE) {
        return "a hash that is not supported";
    }
    return scheme_is_of_key(j) ? NULL : "not the scheme of the key";
}

static enum rotor_status check_scheme(struct judge *j, bool *go_on)
{
    const char *why = fault_of_scheme(j);
    uint64_t both = (uint64_t)j->signature.scheme << 16 | j->signature.hash;
    j->scheme_is_good = verify_check(
        j->verdict, why == NULL,
        &(struct verify_row){.check = "signature scheme",
                             .expected = verify_text("RSASSA, RSAPSS or ECDSA "
                                                     "with SHA-2"),
                             .seen = verify_number(both),
                             .why = why});
    // The digest of the registers is of the same hash.
    *go_on = verify_hash_of_tpm(j->signature.hash) != CRYPTO_HASH_NONE;
    return ROTOR_OK;
}

static enum rotor_status verify_signature(const struct judge *j,
                                          const struct crypto_verifier *key,
                                          bool *valid)
{
    const struct verify_tpm_signature *s = &j->signature;
    uint8_t memory[VERIFY_TPM_ECDSA_MAX];
    struct rotor_room der = ROOM_OF(memory);
    enum crypto_signature_form form = CRYPTO_SIGNATURE_RSA_PSS_ANY_SALT;
    struct rotor_bytes bytes = s->bytes;
    if (s->scheme == VERIFY_TPM_RSASSA) {
        form = CRYPTO_SIGNATURE_RSA_PKCS1;
    } else if (s->scheme == VERIFY_TPM_ECDSA) {
        form = CRYPTO_SIGNATURE_ECDSA_DER;
        if (verify_tpm_ecdsa_der(s, &der) != ROTOR_OK) {
            return ROTOR_OK; // longer than any curve's: not valid
        }
        bytes = bytes_in(&der);
    }
    return crypto_verifier_check(key, form, verify_hash_of_tpm(s->hash),
                                 j->signed_part, bytes, valid);
}

static enum rotor_status check_signature(struct judge *j, bool *go_on)
{
    struct crypto_verifier key = {0};
    bool valid = false;
    *go_on = true;
    if (!j->scheme_is_good) {
        return ROTOR_OK; // refused already, and the port is not asked
    }
    enum rotor_status status = crypto_verifier_open(&key, j->spki);
    const char *why = "not signed by the attestation key";
    if (status == ROTOR_OK) {
        status = verify_signature(j, &key, &valid);
    } else if (status == ROTOR_MALFORMED) {
        why = "the attestation key is none, or too weak";
        status = ROTOR_OK;
    }
    crypto_verifier_close(&key);
    (void)verify_check(
        j->verdict, valid,
        &(struct verify_row){.check = "quote signature",
                             .expected = verify_bytes(j->spki),
                             .seen = verify_bytes(j->evidence->signature),
                             .why = why});
    return status;
}

static enum rotor_status check_report_data(struct judge *j, bool *go_on)
{
    // Where it took the first 32 bytes of a UD: doc/PROTOCOL.evidence 1.3.
    struct verify_asked asked = *j->asked;
    bool is_cut =
        j->attest.extra_data.size == 32 && asked.report_data.size == 64;
    asked.report_data.size = is_cut ? 32 : asked.report_data.size;
    (void)verify_check_report_data(j->verdict, &asked, j->attest.extra_data);
    *go_on = true;
    return ROTOR_OK;
}

// ---- registers -------------------------------------------------------------

static enum rotor_status check_registers(struct judge *j, bool *go_on)
{
    const struct verify_tpm_pcrs_input input = {
        .attest = &j->attest,
        .hash = verify_hash_of_tpm(j->signature.hash),
        .wanted = j->trust->selection,
        .values = j->evidence->pcrs,
        .event_log = j->evidence->event_log,
    };
    *go_on = true;
    verify_value_set(&j->verdict->measurement, j->attest.pcr_digest);
    return verify_tpm_pcrs(&input, j->work, j->verdict);
}

// ---- the TPM's own state ---------------------------------------------------

static void check_counter(struct judge *j, const char *name,
                          const uint32_t *wanted, uint32_t seen)
{
    struct verify_row row = {.check = name,
                             .seen = verify_number(seen),
                             .why = "the platform was started again"};
    if (wanted == NULL) {
        verify_skip(j->verdict, &row);
        return;
    }
    row.expected = verify_number(*wanted);
    (void)verify_check(j->verdict, seen == *wanted, &row);
}

static enum rotor_status check_counters(struct judge *j, bool *go_on)
{
    check_counter(j, "reset count", j->trust->reset_count,
                  j->attest.reset_count);
    check_counter(j, "restart count", j->trust->restart_count,
                  j->attest.restart_count);
    struct verify_row row = {
        .check = "clock",
        .expected = verify_text("safe"),
        .seen = verify_text(j->attest.is_safe ? "safe" : "may have gone back"),
        .why = "the TPM's clock may have gone back"};
    if (j->trust->needs_safe_clock) {
        (void)verify_check(j->verdict, j->attest.is_safe, &row);
    } else {
        verify_skip(j->verdict, &row);
    }
    *go_on = true;
    return ROTOR_OK;
}

static enum rotor_status check_firmware(struct judge *j, bool *go_on)
{
    uint64_t floor = j->trust->firmware_version_min;
    uint8_t version[8];
    struct verify_row row = {.check = "firmware version",
                             .expected = verify_number(floor),
                             .seen = verify_number(j->attest.firmware_version),
                             .why =
                                 "firmware of the TPM is older than the floor"};
    bytes_put_be64(version, j->attest.firmware_version);
    verify_value_set(&j->verdict->tcb, BYTES_OF(version));
    if (floor == 0) {
        verify_skip(j->verdict, &row);
    } else {
        (void)verify_check(j->verdict, j->attest.firmware_version >= floor,
                           &row);
    }
    *go_on = true;
    return ROTOR_OK;
}

// ---- all of it -------------------------------------------------------------

static const check checks[] = {
    check_quote_format, check_magic,
    check_type,         check_signature_format,
    check_key_format,   check_key_attributes,
    check_key,          check_scheme,
    check_signature,    check_report_data,
    check_registers,    check_counters,
    check_firmware,
};

enum rotor_status verify_tpm(const struct verify_tpm_evidence *evidence,
                             const struct verify_tpm_trust *trust,
                             const struct verify_asked *asked,
                             struct verify_tpm_work *work,
                             struct verify_verdict *verdict)
{
    struct judge j = {.evidence = evidence,
                      .trust = trust,
                      .asked = asked,
                      .work = work,
                      .verdict = verdict};
    enum rotor_status status = ROTOR_OK;
    bool go_on = true;
    verify_begin(verdict, VERIFY_BACKEND_TPM);
    for (size_t i = 0; i < COUNT_OF(checks) && go_on; i++) {
        status = checks[i](&j, &go_on);
        if (status != ROTOR_OK) {
            verify_begin(verdict, VERIFY_BACKEND_TPM);
            return status;
        }
    }
    if (j.spki.size != 0) {
        uint8_t instance[32];
        TRY(crypto_hash(CRYPTO_SHA256, &j.spki, 1, instance));
        verify_value_set(&verdict->instance, BYTES_OF(instance));
    }
    verify_conclude(verdict);
    return ROTOR_OK;
}
