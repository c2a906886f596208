// SPDX-License-Identifier: Apache-2.0
// Quotes of a TPM that the test holds the keys of: each check refuses what all
// others take.
#include <stdlib.h>
#include <string.h>

#include <openssl/rsa.h>

#include "test/spec.h"
#include "test/spec/eventlog_maker.h"
#include "test/spec/tpm_maker.h"

// A quote that is accepted, and all that is asked of it.
struct scene {
    EVP_PKEY *key;
    struct made_scheme scheme;
    struct made_quote quote;
    struct made_bytes attest;
    struct made_bytes signature;
    struct made_bytes area;
    struct made_bytes spki;
    struct verify_pcrs pcrs;
    struct verify_pcr_selection selection;
    uint32_t reset_count;
    uint32_t restart_count;
    uint8_t report_data[64];
    struct verify_tpm_evidence evidence;
    struct verify_tpm_trust trust;
    struct verify_asked asked;
};

static struct scene scene;
static struct verify_tpm_work work;
static struct verify_verdict verdict;

static void sign_again(struct scene *s)
{
    made_attest(&s->quote, &s->attest);
    made_signature(s->key, &s->scheme, made_view(&s->attest), &s->signature);
    s->evidence.quote = made_view(&s->attest);
    s->evidence.signature = made_view(&s->signature);
}

static void set_area(struct scene *s, uint32_t attributes)
{
    made_public(
        s->key,
        &(struct made_area){attributes, s->scheme.scheme, s->scheme.hash},
        &s->area);
    s->evidence.ak_public = made_view(&s->area);
}

static struct scene *begin_with(EVP_PKEY *key, struct made_scheme scheme)
{
    struct scene *s = &scene;
    memset(s, 0, sizeof *s);
    s->key = key;
    s->scheme = scheme;
    s->quote = made_quote();
    made_values(&s->pcrs);
    made_spki(key, &s->spki);
    sign_again(s);
    set_area(s, MADE_AK_ATTRIBUTES);
    s->evidence.pcrs = &s->pcrs;
    s->selection.count = 1;
    s->selection.banks[0].algorithm = VERIFY_TPM_SHA256;
    s->selection.banks[0].registers = s->quote.registers;
    s->reset_count = s->quote.reset_count;
    s->restart_count = s->quote.restart_count;
    memset(s->report_data, 0x5e, 32);
    memset(s->report_data + 32, 0x99, 32);
    s->asked.report_data = BYTES_OF(s->report_data);
    s->trust = (struct verify_tpm_trust){
        .ak_spki = made_view(&s->spki),
        .selection = &s->selection,
        .reset_count = &s->reset_count,
        .restart_count = &s->restart_count,
        .firmware_version_min = s->quote.firmware,
        .needs_safe_clock = true,
    };
    return s;
}

static struct scene *begin(void)
{
    return begin_with(made_rsa(), (struct made_scheme){VERIFY_TPM_RSASSA,
                                                       VERIFY_TPM_SHA256, 0});
}

static bool is_accepted(const struct scene *s)
{
    assert_ok(verify_tpm(&s->evidence, &s->trust, &s->asked, &work, &verdict));
    return verify_verdict_is_accepted(&verdict);
}

static void assert_accepted(const struct scene *s)
{
    if (!is_accepted(s)) {
        print_message("%s\n", verdict.reason);
        fail();
    }
}

// That check refused, and no other one did.
static void assert_refused(const struct scene *s, const char *check)
{
    assert_false(is_accepted(s));
    for (size_t i = 0; i < verdict.row_count; i++) {
        if (verdict.rows[i].finding == VERIFY_FAILED) {
            assert_string_equal(verdict.rows[i].check, check);
        }
    }
    const struct verify_row *row = verify_row_named(&verdict, check);
    assert_non_null(row);
    assert_int_equal(row->finding, VERIFY_FAILED);
    assert_non_null(row->why);
    assert_string_equal(verdict.reason, row->why);
}

// ---- what is taken ---------------------------------------------------------

SPEC(
    "a quote under each scheme is accepted, and the verdict says what it is of")
{
    static const struct made_scheme rsa[] = {
        {VERIFY_TPM_RSASSA, VERIFY_TPM_SHA256, 0                     },
        {VERIFY_TPM_RSAPSS, VERIFY_TPM_SHA256, RSA_PSS_SALTLEN_DIGEST},
        {VERIFY_TPM_RSAPSS, VERIFY_TPM_SHA256, RSA_PSS_SALTLEN_MAX   },
    };
    for (size_t i = 0; i < COUNT_OF(rsa); i++) {
        assert_accepted(begin_with(made_rsa(), rsa[i]));
    }
    struct scene *s = begin();
    assert_accepted(s);
    assert_int_equal(verdict.backend, VERIFY_BACKEND_TPM);
    assert_int_equal(verdict.level, VERIFY_LEVEL_PROCESS);
    assert_int_equal(verdict.bound, VERIFY_YES);
    assert_int_equal(verdict.fresh, VERIFY_YES);
    assert_int_equal(verdict.measurement.size, 32);
    assert_memory_equal(verdict.measurement.bytes, s->quote.pcr_digest, 32);
    assert_int_equal(verdict.instance.size, 32);
}

// Often enough that r or s is shorter than the curve once.
SPEC("ECDSA of each curve is accepted, with numbers of any length")
{
    static const char *const curves[] = {"P-256", "P-384", "P-521"};
    for (size_t i = 0; i < COUNT_OF(curves); i++) {
        EVP_PKEY *key = made_ec(curves[i]);
        bool was_short = false;
        for (int k = 0; k < 2000 && !was_short; k++) {
            struct scene *s =
                begin_with(key, (struct made_scheme){VERIFY_TPM_ECDSA,
                                                     VERIFY_TPM_SHA256, 0});
            size_t full = ((size_t)EVP_PKEY_get_bits(key) + 7) / 8;
            was_short = s->signature.size < 8 + 2 * full;
            assert_accepted(s);
        }
        assert_true(was_short);
        EVP_PKEY_free(key);
    }
}

SPEC("structures inside their TPM2B are the same")
{
    struct scene *s = begin();
    struct made_bytes quote = {.size = 0};
    struct made_bytes area = {.size = 0};
    made_be16(&quote, (uint16_t)s->attest.size);
    made_add(&quote, s->attest.bytes, s->attest.size);
    made_be16(&area, (uint16_t)s->area.size);
    made_add(&area, s->area.bytes, s->area.size);
    s->evidence.quote = made_view(&quote);
    s->evidence.ak_public = made_view(&area);
    assert_accepted(s);
}

SPEC("what nobody asked for is shown and not judged")
{
    struct scene *s = begin();
    s->trust = (struct verify_tpm_trust){.ak_spki = made_view(&s->spki)};
    s->asked = (struct verify_asked){.now_s = 0};
    s->evidence.pcrs = NULL;
    s->evidence.ak_public = bytes_of(NULL, 0);
    s->quote.safe = 0;
    sign_again(s);
    assert_accepted(s);
    assert_int_equal(verdict.bound, VERIFY_NOT_CHECKED);
    static const char *const names[] = {"report data",
                                        "pcr selection",
                                        "event log",
                                        "event log replay",
                                        "pcr digest",
                                        "reset count",
                                        "restart count",
                                        "clock",
                                        "event data",
                                        "firmware version",
                                        "attestation key attributes"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct verify_row *row = verify_row_named(&verdict, names[i]);
        assert_non_null(row);
        assert_int_equal(row->finding, VERIFY_NOT_ASKED);
    }
}

// ---- one bit, one byte, one field ------------------------------------------

SPEC("one bit changed in any byte of quote, signature or key is refused")
{
    struct scene *s = begin();
    struct made_bytes *parts[] = {&s->attest, &s->signature, &s->area};
    uint8_t name[34] = {0, 0x0b};
    EVP_Digest(s->area.bytes, s->area.size, name + 2, NULL, EVP_sha256(), NULL);
    // A pinned SubjectPublicKeyInfo does not cover all of the area, a name
    // does.
    s->trust.ak_spki = bytes_of(NULL, 0);
    s->trust.ak_name = BYTES_OF(name);
    for (size_t part = 0; part < COUNT_OF(parts); part++) {
        for (size_t i = 0; i < parts[part]->size; i++) {
            uint8_t bit = (uint8_t)(1u << (i * 5 + part) % 8);
            parts[part]->bytes[i] ^= bit;
            assert_false(is_accepted(s));
            parts[part]->bytes[i] ^= bit;
        }
    }
    assert_accepted(s);
}

SPEC(
    "quote, signature and key cut anywhere, or with a byte behind, are refused")
{
    struct scene *s = begin();
    struct rotor_bytes *views[] = {&s->evidence.quote, &s->evidence.signature,
                                   &s->evidence.ak_public};
    for (size_t part = 0; part < COUNT_OF(views); part++) {
        struct rotor_bytes whole = *views[part];
        for (size_t size = 1; size <= whole.size + 1; size++) {
            // On the heap, at its very size: a read beyond it is seen.
            uint8_t *cut = calloc(1, size);
            assert_non_null(cut);
            memcpy(cut, whole.data, size > whole.size ? whole.size : size);
            *views[part] = bytes_of(cut, size);
            assert_int_equal(is_accepted(s), size == whole.size);
            free(cut);
        }
        *views[part] = whole;
    }
}

struct change {
    const char *check;
    size_t offset; // in struct made_quote
    uint8_t bit;
};

// As a thief of the key would sign it, or a TPM in another state.
SPEC("a field changed and signed again is refused by its own check")
{
    static const struct change changes[] = {
        {"quote magic",      offsetof(struct made_quote, magic),           1  },
        {"quote type",       offsetof(struct made_quote, type),            2  },
        {"report data",      offsetof(struct made_quote, extra_data),      1  },
        {"report data",      offsetof(struct made_quote, extra_data) + 31, 128},
        {"reset count",      offsetof(struct made_quote, reset_count),     1  },
        {"restart count",    offsetof(struct made_quote, restart_count),   1  },
        {"clock",            offsetof(struct made_quote, safe),            1  },
        {"firmware version", offsetof(struct made_quote, firmware),        1  },
        {"pcr digest",       offsetof(struct made_quote, pcr_digest),      1  },
    };
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        struct scene *s = begin();
        ((uint8_t *)&s->quote)[changes[i].offset] ^= changes[i].bit;
        sign_again(s);
        assert_refused(s, changes[i].check);
    }
}

SPEC("other registers than the ones asked for are refused, also with values")
{
    struct scene *s = begin();
    uint8_t values[96];
    s->quote.registers |= 1u << 7;
    s->pcrs.banks[0].known |= 1u << 7;
    memset(values, 0xa0, 32);
    memset(values + 32, 0xa4, 32);
    memset(values + 64, 0, 32);
    EVP_Digest(values, sizeof values, s->quote.pcr_digest, NULL, EVP_sha256(),
               NULL);
    sign_again(s);
    assert_refused(s, "pcr selection");
    s->selection.banks[0].registers |= 1u << 7;
    assert_accepted(s);
    s->selection.count = 2;
    s->selection.banks[1].algorithm = VERIFY_TPM_SHA384;
    s->selection.banks[1].registers = 1;
    assert_refused(s, "pcr selection");
    s->selection.banks[1].registers = 0;
    assert_accepted(s);
}

SPEC("a clock that is neither safe nor unsafe is malformed")
{
    struct scene *s = begin();
    s->trust.needs_safe_clock = false;
    s->quote.safe = 2;
    sign_again(s);
    assert_refused(s, "quote format");
}

SPEC("a register beyond 23 and a bank named twice are malformed")
{
    struct scene *s = begin();
    size_t at = s->attest.size - 34 - 3; // the bitmap
    s->attest.bytes[at - 1] = 4;         // of four bytes
    memmove(s->attest.bytes + at + 4, s->attest.bytes + at + 3, 34);
    s->attest.bytes[at + 3] = 0;
    s->attest.size++;
    made_signature(s->key, &s->scheme, made_view(&s->attest), &s->signature);
    s->evidence.quote = made_view(&s->attest);
    assert_accepted(s);
    s->attest.bytes[at + 3] = 1;
    made_signature(s->key, &s->scheme, made_view(&s->attest), &s->signature);
    assert_refused(s, "quote format");
    s = begin();
    at = s->attest.size - 34 - 6;
    memmove(s->attest.bytes + at + 6, s->attest.bytes + at, 40);
    s->attest.bytes[at - 1] = 2;
    s->attest.size += 6;
    made_signature(s->key, &s->scheme, made_view(&s->attest), &s->signature);
    s->evidence.quote = made_view(&s->attest);
    assert_refused(s, "quote format");
}

// ---- the signature ---------------------------------------------------------

SPEC("SHA-1 carries no signature, also where it verifies")
{
    struct scene *s =
        begin_with(made_rsa(),
                   (struct made_scheme){VERIFY_TPM_RSASSA, VERIFY_TPM_SHA1, 0});
    s->evidence.pcrs = NULL;
    assert_refused(s, "signature scheme");
    assert_null(verify_row_named(&verdict, "quote signature"));
}

SPEC("the crypto port takes SHA-1 for nothing but a digest")
{
    struct crypto_verifier verifier = {0};
    struct made_bytes spki;
    struct made_bytes signature;
    bool valid = true;
    uint8_t digest[20];
    uint8_t key[32] = {1};
    const struct rotor_bytes abc = bytes_of("abc", 3);
    assert_ok(crypto_hash(CRYPTO_SHA1, &abc, 1, digest));
    assert_memory_equal(digest,
                        "\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71"
                        "\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d",
                        20); // FIPS 180-4's sample
    assert_int_equal(crypto_hmac(CRYPTO_SHA1, BYTES_OF(key), &abc, 1, digest),
                     ROTOR_INVALID);
    struct rotor_room room = ROOM_OF(key);
    assert_int_equal(crypto_expand(CRYPTO_SHA1, digest, abc, &room),
                     ROTOR_INVALID);
    made_spki(made_rsa(), &spki);
    made_signature(made_rsa(),
                   &(struct made_scheme){VERIFY_TPM_RSASSA, VERIFY_TPM_SHA1, 0},
                   abc, &signature);
    assert_ok(crypto_verifier_open(&verifier, made_view(&spki)));
    assert_int_equal(crypto_verifier_check(
                         &verifier, CRYPTO_SIGNATURE_RSA_PKCS1, CRYPTO_SHA1,
                         abc, bytes_of(signature.bytes + 6, 256), &valid),
                     ROTOR_INVALID);
    assert_false(valid);
    crypto_verifier_close(&verifier);
}

SPEC("a scheme that the key is not for, or that nobody knows, is refused")
{
    struct scene *s = begin();
    s->scheme.scheme = VERIFY_TPM_RSAPSS;
    s->scheme.salt = RSA_PSS_SALTLEN_DIGEST;
    sign_again(s); // the area says RSASSA
    assert_refused(s, "signature scheme");
    s = begin();
    s->scheme.hash = VERIFY_TPM_SHA384;
    s->evidence.pcrs = NULL;
    sign_again(s);
    assert_refused(s, "signature scheme");
    static const uint8_t unknown[] = {0x00, 0x1b, 0x00, 0x0b, 0x00, 0x00};
    s = begin();
    s->evidence.signature = BYTES_OF(unknown); // SM2
    s->evidence.pcrs = NULL;
    assert_false(is_accepted(s));
    assert_string_equal(verdict.reason,
                        "a signature scheme that is not supported");
    // The bare signature, without its TPMT_SIGNATURE.
    static const uint8_t bare[256] = {0x5f, 0x8f, 0x00, 0x0b};
    s = begin();
    s->evidence.signature = BYTES_OF(bare);
    assert_refused(s, "signature format");
}

SPEC("a signature of another key is refused")
{
    struct scene *s = begin();
    EVP_PKEY *other = EVP_RSA_gen(2048);
    made_signature(other, &s->scheme, made_view(&s->attest), &s->signature);
    assert_refused(s, "quote signature");
    EVP_PKEY_free(other);
}

// ---- the key ---------------------------------------------------------------

SPEC("a key that nobody vouches for is refused")
{
    struct scene *s = begin();
    s->trust.ak_spki = bytes_of(NULL, 0);
    assert_refused(s, "attestation key");
    assert_int_equal(verdict.level, VERIFY_LEVEL_NONE);
    EVP_PKEY *other = made_ec("P-256");
    struct made_bytes spki;
    made_spki(other, &spki);
    s->trust.ak_spki = made_view(&spki);
    assert_refused(s, "attestation key");
    EVP_PKEY_free(other);
}

SPEC("a pinned key is enough where the evidence brings none")
{
    struct scene *s = begin();
    s->evidence.ak_public = bytes_of(NULL, 0);
    assert_accepted(s);
    s->trust.ak_spki = bytes_of(NULL, 0);
    assert_refused(s, "attestation key format");
}

SPEC("a name that a credential proved vouches for its key and for no other")
{
    struct scene *s = begin();
    uint8_t name[34] = {0, 0x0b};
    EVP_Digest(s->area.bytes, s->area.size, name + 2, NULL, EVP_sha256(), NULL);
    s->trust.ak_spki = bytes_of(NULL, 0);
    s->trust.ak_name = BYTES_OF(name);
    assert_accepted(s);
    // The name covers the attributes too.
    set_area(s, MADE_AK_ATTRIBUTES | 1u << 10);
    assert_refused(s, "attestation key");
    set_area(s, MADE_AK_ATTRIBUTES);
    name[33] ^= 1;
    assert_refused(s, "attestation key");
    name[33] ^= 1;
    s->evidence.ak_public = bytes_of(NULL, 0);
    s->evidence.ak_spki = made_view(&s->spki);
    assert_refused(s, "attestation key"); // there is nothing to name
}

SPEC("a key that may leave its TPM or sign what is not its own is refused")
{
    static const uint32_t wrong[] = {VERIFY_TPM_FIXED_TPM,
                                     VERIFY_TPM_DATA_ORIGIN,
                                     VERIFY_TPM_RESTRICTED, VERIFY_TPM_SIGN};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct scene *s = begin();
        set_area(s, MADE_AK_ATTRIBUTES & ~wrong[i]);
        assert_refused(s, "attestation key attributes");
    }
    struct scene *s = begin();
    s->area.bytes[4 + 1] |= 0x02; // decrypt, and still no symmetric cipher
    assert_refused(s, "attestation key attributes");
}

SPEC("forms of the key that name different keys are refused")
{
    struct scene *s = begin();
    EVP_PKEY *other = EVP_RSA_gen(2048);
    struct made_bytes spki;
    made_spki(other, &spki);
    s->evidence.ak_spki = made_view(&s->spki);
    assert_accepted(s);
    s->evidence.ak_spki = made_view(&spki);
    assert_refused(s, "attestation key format");
    EVP_PKEY_free(other);
}

// ---- certificates ----------------------------------------------------------

struct issued {
    EVP_PKEY *root_key;
    struct crypto_certificate root;
    struct crypto_certificate leaf;
    struct crypto_chain chain;
};

static void issue(struct issued *i, EVP_PKEY *key, const char *usage)
{
    struct made_bytes der;
    memset(i, 0, sizeof *i);
    i->root_key = made_ec("P-256");
    made_certificate(i->root_key, i->root_key,
                     &(struct made_names){"root", "root", NULL, true}, &der);
    assert_ok(crypto_certificate_open(&i->root, made_view(&der)));
    made_certificate(key, i->root_key,
                     &(struct made_names){"leaf", "root", usage, false}, &der);
    assert_ok(crypto_certificate_open(&i->leaf, made_view(&der)));
    i->chain = (struct crypto_chain){
        .anchors = &i->root, .anchor_count = 1, .now_s = 1800000000};
}

static void forget(struct issued *i)
{
    crypto_certificate_close(&i->root);
    crypto_certificate_close(&i->leaf);
    EVP_PKEY_free(i->root_key);
}

SPEC("a certificate for attestation keys vouches, one for servers does not")
{
    static const struct {
        const char *usage;
        bool is_accepted;
    } cases[] = {
        {NULL,                        true },
        {"2.23.133.8.3",              true },
        {"2.23.133.8.1,2.23.133.8.3", true },
        {"anyExtendedKeyUsage",       true },
        {"serverAuth",                false},
        {"serverAuth,clientAuth",     false},
        {"2.23.133.8.1",              false}, // of endorsement keys
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct issued issued;
        struct scene *s = begin();
        issue(&issued, s->key, cases[i].usage);
        s->trust.ak_spki = bytes_of(NULL, 0);
        s->trust.chain = &issued.chain;
        s->evidence.ak_certificate = &issued.leaf;
        if (cases[i].is_accepted) {
            assert_accepted(s);
        } else {
            assert_refused(s, "attestation key");
        }
        forget(&issued);
    }
}

SPEC("a certificate without a root that is trusted vouches for nothing")
{
    struct issued issued;
    struct scene *s = begin();
    issue(&issued, s->key, NULL);
    s->trust.ak_spki = bytes_of(NULL, 0);
    s->evidence.ak_certificate = &issued.leaf;
    assert_refused(s, "attestation key");
    s->evidence.ak_certificate = NULL;
    s->trust.chain = &issued.chain;
    assert_refused(s, "attestation key");
    forget(&issued);
}

SPEC("a key whose numbers do not fit its kind is malformed")
{
    struct made_bytes area;
    struct verify_tpm_public key;
    uint8_t memory[VERIFY_TPM_SPKI_MAX];
    struct rotor_room spki = ROOM_OF(memory);
    static const uint8_t long_number[67] = {1};
    EVP_PKEY *ec = made_ec("P-256");
    const struct made_area ak = {MADE_AK_ATTRIBUTES, VERIFY_TPM_NULL, 0};
    made_public(made_rsa(), &ak, &area);
    assert_ok(verify_tpm_public_decode(made_view(&area), &key));
    assert_ok(verify_tpm_spki(&key, &spki));
    key.rsa_bits = 1024;
    assert_int_equal(verify_tpm_spki(&key, &spki), ROTOR_MALFORMED);
    made_public(ec, &ak, &area);
    assert_ok(verify_tpm_public_decode(made_view(&area), &key));
    const struct verify_tpm_public good = key;
    key.x = BYTES_OF(long_number);
    assert_int_equal(verify_tpm_spki(&key, &spki), ROTOR_MALFORMED);
    key = good;
    key.y = BYTES_OF(long_number);
    assert_int_equal(verify_tpm_spki(&key, &spki), ROTOR_MALFORMED);
    key = good;
    key.curve = 0x10; // of pairings
    assert_int_equal(verify_tpm_spki(&key, &spki), ROTOR_MALFORMED);
    EVP_PKEY_free(ec);
}

SPEC("a certificate of another root, expired, or of another key is refused")
{
    struct issued issued;
    struct issued other;
    struct scene *s = begin();
    EVP_PKEY *other_key = made_ec("P-256");
    issue(&issued, s->key, NULL);
    issue(&other, other_key, NULL);
    s->trust.ak_spki = bytes_of(NULL, 0);
    s->trust.chain = &other.chain;
    s->evidence.ak_certificate = &issued.leaf;
    assert_refused(s, "attestation key");
    s->trust.chain = &issued.chain;
    assert_accepted(s);
    issued.chain.now_s = 1900000001;
    assert_refused(s, "attestation key");
    s->trust.chain = &other.chain;
    s->evidence.ak_certificate = &other.leaf;
    assert_refused(s, "attestation key format");
    forget(&issued);
    forget(&other);
    EVP_PKEY_free(other_key);
}

static bool ek_is_taken(EVP_PKEY *key, uint32_t attributes,
                        const struct issued *issued, const char *check)
{
    struct made_bytes area;
    made_public(key, &(struct made_area){attributes, VERIFY_TPM_NULL, 0},
                &area);
    const struct verify_tpm_ek ek = {made_view(&area), &issued->leaf};
    verify_begin(&verdict, VERIFY_BACKEND_TPM);
    assert_ok(verify_tpm_endorsement(&ek, &issued->chain, &work, &verdict));
    verify_conclude(&verdict);
    bool taken = verify_verdict_is_accepted(&verdict);
    if (!taken) {
        assert_int_equal(verify_row_named(&verdict, check)->finding,
                         VERIFY_FAILED);
    }
    return taken;
}

SPEC("an endorsement key is one that decrypts in one TPM and is certified")
{
    struct issued issued;
    EVP_PKEY *key = made_rsa();
    EVP_PKEY *other = made_ec("P-256");
    const char *attributes = "endorsement key attributes";
    issue(&issued, key, NULL);
    assert_true(ek_is_taken(key, MADE_EK_ATTRIBUTES, &issued, NULL));
    for (unsigned bit = 1; bit < 19; bit++) {
        bool is_needed =
            (1u << bit & (VERIFY_TPM_FIXED_TPM | VERIFY_TPM_FIXED_PARENT |
                          VERIFY_TPM_DATA_ORIGIN | VERIFY_TPM_RESTRICTED |
                          VERIFY_TPM_DECRYPT)) != 0;
        bool is_forbidden = 1u << bit == VERIFY_TPM_SIGN;
        // Without decrypt the maker writes no cipher either.
        assert_int_equal(ek_is_taken(key, MADE_EK_ATTRIBUTES ^ 1u << bit,
                                     &issued, attributes),
                         !is_needed && !is_forbidden);
    }
    assert_false(
        ek_is_taken(other, MADE_EK_ATTRIBUTES, &issued, "endorsement key"));
    issued.chain.now_s = 1;
    assert_false(
        ek_is_taken(key, MADE_EK_ATTRIBUTES, &issued, "endorsement key"));
    forget(&issued);
    EVP_PKEY_free(other);
}

// ---- registers -------------------------------------------------------------

SPEC("values that the digest is not of, missing ones and other sizes are "
     "refused")
{
    struct scene *s = begin();
    s->pcrs.banks[0].values[4][31] ^= 1;
    assert_refused(s, "pcr digest");
    s = begin();
    s->pcrs.banks[0].known &= ~(1u << 4);
    assert_refused(s, "pcr digest");
    s = begin();
    s->pcrs.bank_count = 0;
    assert_refused(s, "pcr digest");
}

// Two lists of values whose bytes join to the same are not both right.
SPEC("values of another size than their hash are refused")
{
    struct scene *s = begin();
    uint8_t joined[64];
    memset(joined, 0xa0, 32);
    memset(joined + 32, 0xa4, 32);
    s->pcrs.banks[0].size = 64;
    s->pcrs.banks[0].known = 1u << 0;
    memcpy(s->pcrs.banks[0].values[0], joined, 64);
    s->quote.registers = 1;
    s->selection.banks[0].registers = 1;
    sign_again(s);
    assert_refused(s, "pcr digest");
}

static const struct made_bank ONE[] = {
    {VERIFY_TPM_SHA256, 32}
};

// Registers 0 and 4 extended once each, and a quote of where that leads.
static struct scene *begin_with_log(struct made_log *log)
{
    struct scene *s = begin();
    uint8_t values[64];
    uint8_t input[64] = {0};
    *log = (struct made_log){.size = 0};
    add_spec_id(log, ONE, 1, bytes_of("", 0));
    add_event(log, (const uint32_t[2]){0, 1}, ONE, 1, 0x10);
    add_event(log, (const uint32_t[2]){4, 1}, ONE, 1, 0x14);
    memset(input + 32, 0x10, 32);
    EVP_Digest(input, 64, values, NULL, EVP_sha256(), NULL);
    memset(input + 32, 0x14, 32);
    EVP_Digest(input, 64, values + 32, NULL, EVP_sha256(), NULL);
    memcpy(s->pcrs.banks[0].values[0], values, 32);
    memcpy(s->pcrs.banks[0].values[4], values + 32, 32);
    EVP_Digest(values, 64, s->quote.pcr_digest, NULL, EVP_sha256(), NULL);
    sign_again(s);
    s->evidence.event_log = made(log);
    return s;
}

SPEC("a log that leads to the quoted registers is accepted, with values or "
     "alone")
{
    struct made_log log;
    struct scene *s = begin_with_log(&log);
    assert_accepted(s);
    assert_int_equal(verify_row_named(&verdict, "event log replay")->finding,
                     VERIFY_PASSED);
    s->evidence.pcrs = NULL;
    assert_accepted(s);
}

SPEC("a log with one bit changed, one event more or one less is refused")
{
    struct made_log log;
    struct scene *s = begin_with_log(&log);
    size_t first = 32 + 29 + 4; // the events, behind the list of hashes
    for (int alone = 0; alone < 2; alone++) {
        s->evidence.pcrs = alone ? NULL : &s->pcrs;
        for (size_t i = first + 16; i < first + 40; i++) {
            log.bytes[i] ^= 0x10;
            assert_false(is_accepted(s));
            log.bytes[i] ^= 0x10;
        }
        assert_accepted(s);
        s->evidence.event_log.size -= 50;
        assert_false(is_accepted(s));
        s->evidence.event_log.size += 50;
    }
    add_event(&log, (const uint32_t[2]){4, 1}, ONE, 1, 0x14);
    s->evidence.event_log = made(&log);
    s->evidence.pcrs = &s->pcrs;
    assert_refused(s, "event log replay");
}

SPEC("a log without the quoted bank, or with a gap in it, proves nothing")
{
    static const struct made_bank two[] = {
        {VERIFY_TPM_SHA1,   20},
        {VERIFY_TPM_SHA256, 32},
    };
    struct made_log log;
    struct scene *s = begin_with_log(&log);
    log = (struct made_log){.size = 0};
    add_spec_id(&log, two, 1, bytes_of("", 0));
    s->evidence.event_log = made(&log);
    assert_refused(s, "event log replay");
    log = (struct made_log){.size = 0};
    add_spec_id(&log, two, 2, bytes_of("", 0));
    add_event(&log, (const uint32_t[2]){0, 1}, ONE, 1, 0x10);
    add_event(&log, (const uint32_t[2]){4, 1}, ONE, 1, 0x14);
    s->evidence.event_log = made(&log);
    assert_accepted(s); // SHA-1 has gaps, and is not quoted
    add_event(&log, (const uint32_t[2]){4, 1}, two, 1, 0x14);
    s->evidence.event_log = made(&log);
    assert_refused(s, "event log replay");
}

SPEC("a log that is silent on a register of the firmware says that it was not "
     "used")
{
    struct made_log log;
    struct scene *s = begin_with_log(&log);
    s->evidence.event_log.size -= 50; // without the event of PCR 4
    assert_refused(s, "event log replay");
}

SPEC("a register above 7 that the log is silent on may hold anything")
{
    struct made_log log;
    struct scene *s = begin_with_log(&log);
    uint8_t values[96];
    s->quote.registers |= 1u << 8;
    s->selection.banks[0].registers |= 1u << 8;
    s->pcrs.banks[0].known |= 1u << 8;
    memset(s->pcrs.banks[0].values[8], 0x77, 32);
    memcpy(values, s->pcrs.banks[0].values[0], 32);
    memcpy(values + 32, s->pcrs.banks[0].values[4], 32);
    memcpy(values + 64, s->pcrs.banks[0].values[8], 32);
    EVP_Digest(values, 96, s->quote.pcr_digest, NULL, EVP_sha256(), NULL);
    sign_again(s);
    assert_accepted(s);
}

SPEC("a malformed log is refused with its fault")
{
    struct made_log log;
    struct scene *s = begin_with_log(&log);
    s->evidence.event_log.size--;
    assert_refused(s, "event log");
    assert_string_equal(verdict.reason, "an event is cut off");
}
