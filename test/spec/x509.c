// SPDX-License-Identifier: Apache-2.0
// Certificates that the openssl program made (x509_chains.sh), each with one
// thing wrong, and the clock moved instead of waited for.
#include "crypto/x509.h"
#include "test/spec.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bytes.h"

#define FILE_MAX_SIZE 8192u
#define LIST_MAX      12u
#define DAY           86400

struct file {
    uint8_t data[FILE_MAX_SIZE];
    size_t size;
};

// ---- what the script made --------------------------------------------------

static char folder[64];

static void drop_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    (void)!system(command);
}

static void make_folder(void)
{
    if (folder[0] != 0) {
        return;
    }
    char command[512];
    const char *scripts = getenv("ROTOR_SPEC");
    snprintf(folder, sizeof folder, "%s", "/tmp/rotor-x509-XXXXXX");
    assert_non_null(mkdtemp(folder));
    atexit(drop_folder);
    snprintf(command, sizeof command, "%s/x509_chains.sh %s",
             scripts != NULL ? scripts : "test/spec", folder);
    assert_int_equal(system(command), 0);
}

static struct file file_of(const char *name)
{
    struct file file;
    char path[256];
    make_folder();
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        fail_msg("no %s", path);
    }
    file.size = fread(file.data, 1, sizeof file.data, stream);
    fclose(stream);
    assert_in_range(file.size, 1, sizeof file.data - 1);
    return file;
}

static struct rotor_bytes bytes_of_file(const struct file *file)
{
    return (struct rotor_bytes){file->data, file->size};
}

static struct crypto_certificate certificate_of(const char *name)
{
    struct crypto_certificate certificate = {0};
    char path[64];
    snprintf(path, sizeof path, "%s.der", name);
    struct file file = file_of(path);
    assert_ok(crypto_certificate_open(&certificate, bytes_of_file(&file)));
    return certificate;
}

// ---- paths -----------------------------------------------------------------

struct path {
    const char *leaf;
    const char *anchors[LIST_MAX];
    const char *intermediates[LIST_MAX];
    const char *crls[LIST_MAX];
    bool needs_crls;
    int64_t days; // from now
};

static size_t open_all(const char *const names[LIST_MAX],
                       struct crypto_certificate certificates[LIST_MAX])
{
    size_t count = 0;
    while (count < LIST_MAX && names[count] != NULL) {
        certificates[count] = certificate_of(names[count]);
        count++;
    }
    return count;
}

static size_t open_crls(const char *const names[LIST_MAX],
                        struct crypto_crl crls[LIST_MAX])
{
    size_t count = 0;
    while (count < LIST_MAX && names[count] != NULL) {
        char path[64];
        snprintf(path, sizeof path, "%s.crl", names[count]);
        struct file file = file_of(path);
        crls[count] = (struct crypto_crl){0};
        assert_ok(crypto_crl_open(&crls[count], bytes_of_file(&file)));
        count++;
    }
    return count;
}

static struct crypto_chain_verdict verdict_of(const struct path *path)
{
    struct crypto_certificate leaf = certificate_of(path->leaf);
    struct crypto_certificate anchors[LIST_MAX];
    struct crypto_certificate intermediates[LIST_MAX];
    struct crypto_crl crls[LIST_MAX];
    struct crypto_chain chain = {
        .anchors = anchors,
        .anchor_count = open_all(path->anchors, anchors),
        .intermediates = intermediates,
        .intermediate_count = open_all(path->intermediates, intermediates),
        .crls = crls,
        .crl_count = open_crls(path->crls, crls),
        .needs_crls = path->needs_crls,
        .now_s = (int64_t)time(NULL) + path->days * DAY + 60,
    };
    struct crypto_chain_verdict verdict;
    assert_ok(crypto_chain_verify(&leaf, &chain, &verdict));
    crypto_certificate_close(&leaf);
    for (size_t i = 0; i < chain.anchor_count; i++) {
        crypto_certificate_close(&anchors[i]);
    }
    for (size_t i = 0; i < chain.intermediate_count; i++) {
        crypto_certificate_close(&intermediates[i]);
    }
    for (size_t i = 0; i < chain.crl_count; i++) {
        crypto_crl_close(&crls[i]);
    }
    return verdict;
}

static void expect(enum crypto_chain_fault fault, size_t depth,
                   const struct path *path)
{
    struct crypto_chain_verdict verdict = verdict_of(path);
    if (verdict.fault != fault || verdict.depth != depth) {
        fail_msg("%s: %s at %zu, not %s at %zu", path->leaf,
                 crypto_chain_fault_text(verdict.fault), verdict.depth,
                 crypto_chain_fault_text(fault), depth);
    }
}

static void expect_good(size_t anchor, const struct path *path)
{
    struct crypto_chain_verdict verdict = verdict_of(path);
    assert_string_equal(crypto_chain_fault_text(verdict.fault), "good");
    assert_int_equal(verdict.fault, CRYPTO_CHAIN_GOOD);
    assert_int_equal(verdict.anchor, anchor);
}

#define PATH(...)                                                              \
    &(struct path)                                                             \
    {                                                                          \
        .leaf = __VA_ARGS__                                                    \
    }

// ---- sentences -------------------------------------------------------------

SPEC("a chain to an anchor is good and says which anchor")
{
    expect_good(1, PATH("leaf", {"stranger", "root"}, {"mid"}));
    expect_good(0, PATH("vcek", {"ark"}));
}

SPEC("a chain is good from an anchor that does not sign itself")
{
    expect_good(0, PATH("leaf", {"mid"}));
    expect_good(0, PATH("leaf", {"mid"}, {"root"}));
}

SPEC("a leaf that is an anchor is good within its validity")
{
    expect_good(1, PATH("leaf", {"root", "leaf"}));
    expect(CRYPTO_CHAIN_EXPIRED, 0, PATH("leaf", {"leaf"}, .days = 1001));
    expect(CRYPTO_CHAIN_NOT_YET_VALID, 0, PATH("leaf", {"leaf"}, .days = -1));
}

SPEC("nothing is an anchor because it came along, or signed itself")
{
    expect(CRYPTO_CHAIN_NO_ISSUER, 2, PATH("leaf", {NULL}, {"mid", "root"}));
    expect(CRYPTO_CHAIN_NO_ISSUER, 1, PATH("leaf", {"stranger"}, {"mid"}));
    expect(CRYPTO_CHAIN_NO_ISSUER, 0, PATH("root", {"stranger"}));
    expect(CRYPTO_CHAIN_NO_ISSUER, 0, PATH("leaf", {"root"}));
}

SPEC("an anchor or an issuer of the same name with another key does not do")
{
    expect(CRYPTO_CHAIN_SIGNATURE, 1, PATH("leaf", {"other"}, {"mid"}));
    expect(CRYPTO_CHAIN_SIGNATURE, 0, PATH("forged", {"root"}, {"mid"}));
}

SPEC("a false issuer of the same name does not hide the true one")
{
    expect_good(0, PATH("leaf", {"root"}, {"twin", "mid"}));
    expect_good(0, PATH("leaf", {"root"}, {"mid", "twin"}));
    expect_good(1, PATH("leaf", {"other", "root"}, {"mid"}));
    expect(CRYPTO_CHAIN_SIGNATURE, 0,
           PATH("forged", {"root"}, {"mid", "path0"}));
}

SPEC("validity is judged at the time that was given, at every depth")
{
    expect(CRYPTO_CHAIN_EXPIRED, 0,
           PATH("brief", {"root"}, {"mid"}, .days = 11));
    expect(CRYPTO_CHAIN_EXPIRED, 1,
           PATH("leaf", {"root"}, {"mid"}, .days = 1001));
    expect(CRYPTO_CHAIN_NOT_YET_VALID, 2,
           PATH("leaf", {"root"}, {"mid"}, .days = -1));
    expect_good(0, PATH("brief", {"root"}, {"mid"}, .days = 9));
}

SPEC("an issuer that is no CA, says nothing, or may not sign is refused")
{
    expect(CRYPTO_CHAIN_NOT_A_CA, 1, PATH("leaf", {"root"}, {"noca"}));
    expect(CRYPTO_CHAIN_NOT_A_CA, 1, PATH("leaf", {"root"}, {"nobasic"}));
    expect(CRYPTO_CHAIN_NOT_A_CA, 1, PATH("leaf", {"root"}, {"nosign"}));
    expect(CRYPTO_CHAIN_NOT_A_CA, 1, PATH("leaf", {"noca"}));
    expect(CRYPTO_CHAIN_NOT_A_CA, 1, PATH("leaf", {"nosign"}));
}

SPEC("a path longer than an issuer allows is refused")
{
    expect_good(0, PATH("leaf", {"root"}, {"path0"}));
    expect(CRYPTO_CHAIN_TOO_LONG, 2,
           PATH("deep", {"root"}, {"path0", "below"}));
}

SPEC("a path of eight certificates is followed, one of nine is not")
{
    expect_good(0, PATH("step8", {"root"}, {"mid", "1", "2", "3", "4", "5"}));
    struct crypto_chain_verdict verdict = verdict_of(
        PATH("step9", {"root"}, {"mid", "1", "2", "3", "4", "5", "6"}));
    assert_int_equal(verdict.fault, CRYPTO_CHAIN_TOO_LONG);
}

SPEC("a critical extension that is not understood is refused")
{
    expect(CRYPTO_CHAIN_EXTENSION, 0, PATH("critical", {"root"}, {"mid"}));
    expect(CRYPTO_CHAIN_EXTENSION, 0, PATH("policy", {"root"}, {"mid"}));
}

SPEC("a name that its issuer may not name is refused")
{
    expect(CRYPTO_CHAIN_OTHER, 0, PATH("leaf", {"root"}, {"constrained"}));
}

SPEC("SHA-1, MD5 and RSA below 2048 bits are refused")
{
    expect(CRYPTO_CHAIN_WEAK, 0, PATH("sha1", {"root"}, {"mid"}));
    expect(CRYPTO_CHAIN_WEAK, 0, PATH("md5", {"ark"}));
    expect(CRYPTO_CHAIN_WEAK, 0, PATH("small", {"root"}, {"mid"}));
    expect(CRYPTO_CHAIN_WEAK, 1, PATH("underweak", {"weakroot"}));
    expect_good(0, PATH("exact", {"root"}, {"mid"}));
}

SPEC("a certificate on a list of its issuer is revoked, asked for or not")
{
    for (int needs = 0; needs < 2; needs++) {
        expect(CRYPTO_CHAIN_REVOKED, 0,
               PATH("leaf", {"root"}, {"mid"}, {"mid-leaf", "root"}, needs));
        expect(CRYPTO_CHAIN_REVOKED, 1,
               PATH("leaf", {"root"}, {"mid"}, {"mid", "root-mid"}, needs));
        expect_good(0, PATH("leaf", {"root"}, {"mid"}, {"mid", "root"}, needs));
        expect_good(
            0, PATH("brief", {"root"}, {"mid"}, {"mid-leaf", "root"}, needs));
    }
}

SPEC("where lists are needed each issuer must have one, an anchor's own aside")
{
    expect(CRYPTO_CHAIN_CRL_MISSING, 0,
           PATH("leaf", {"root"}, {"mid"}, {"root"}, true));
    expect(CRYPTO_CHAIN_CRL_MISSING, 1,
           PATH("leaf", {"root"}, {"mid"}, {"mid"}, true));
    expect(CRYPTO_CHAIN_CRL_MISSING, 0,
           PATH("leaf", {"root"}, {"mid"}, {NULL}, true));
    expect_good(0, PATH("leaf", {"mid"}, {NULL}, {"mid"}, true));
    expect_good(0, PATH("leaf", {"mid"}, {NULL}, {"mid", "root"}, true));
    expect(CRYPTO_CHAIN_CRL_MISSING, 0,
           PATH("leaf", {"mid"}, {NULL}, {"root"}, true));
}

SPEC("where lists are not needed those that are there are judged alone")
{
    expect_good(0, PATH("leaf", {"root"}, {"mid"}, {"root"}));
    expect_good(0, PATH("leaf", {"root"}, {"mid"}, {"stranger"}));
}

SPEC("a list of the issuer's name that cannot be used does not count as none")
{
    expect(CRYPTO_CHAIN_CRL_MISSING, 0,
           PATH("leaf", {"root"}, {"mid"}, {"mid-reasons"}));
    expect(CRYPTO_CHAIN_REVOKED, 0,
           PATH("leaf", {"root"}, {"mid"}, {"mid-reasons", "mid-leaf"}));
}

SPEC("a list that is expired, not yet valid, weak or by another is refused")
{
    expect(CRYPTO_CHAIN_CRL_EXPIRED, 0,
           PATH("leaf", {"root"}, {"mid"}, {"mid-brief", "root"}, true, 21));
    expect_good(
        0, PATH("leaf", {"root"}, {"mid"}, {"mid-brief", "root"}, true, 19));
    expect(CRYPTO_CHAIN_CRL_EXPIRED, 0,
           PATH("leaf", {"root"}, {"mid"}, {"mid", "root"}, true, -1));
    expect(CRYPTO_CHAIN_CRL_SIGNATURE, 0,
           PATH("leaf", {"root"}, {"mid"}, {"mid-foreign", "root"}, true));
    expect(CRYPTO_CHAIN_WEAK, 0,
           PATH("leaf", {"root"}, {"mid"}, {"mid-sha1", "root"}, true));
}

static void flip(struct file *file, size_t at)
{
    file->data[at] = (uint8_t)(file->data[at] ^ 1u << at % 8);
}

SPEC("a certificate with one bit changed is refused")
{
    struct file leaf = file_of("leaf.der");
    struct crypto_certificate anchor = certificate_of("mid");
    struct crypto_chain chain = {&anchor, 1, NULL,  0,
                                 NULL,    0, false, (int64_t)time(NULL) + 60};
    for (size_t i = 0; i < leaf.size; i++) {
        struct crypto_certificate changed = {0};
        struct crypto_chain_verdict verdict;
        flip(&leaf, i);
        if (crypto_certificate_open(&changed, bytes_of_file(&leaf)) ==
            ROTOR_OK) {
            assert_ok(crypto_chain_verify(&changed, &chain, &verdict));
            assert_int_not_equal(verdict.fault, CRYPTO_CHAIN_GOOD);
            crypto_certificate_close(&changed);
        }
        flip(&leaf, i);
    }
    crypto_certificate_close(&anchor);
}

SPEC("a list with one bit changed is no list of the issuer")
{
    struct file file = file_of("mid.crl");
    struct crypto_certificate leaf = certificate_of("leaf");
    struct crypto_certificate anchor = certificate_of("mid");
    struct crypto_crl crl = {0};
    struct crypto_chain chain = {&anchor, 1, NULL, 0,
                                 &crl,    1, true, (int64_t)time(NULL) + 60};
    for (size_t i = 0; i < file.size; i++) {
        struct crypto_chain_verdict verdict;
        flip(&file, i);
        if (crypto_crl_open(&crl, bytes_of_file(&file)) == ROTOR_OK) {
            assert_ok(crypto_chain_verify(&leaf, &chain, &verdict));
            assert_int_not_equal(verdict.fault, CRYPTO_CHAIN_GOOD);
            crypto_crl_close(&crl);
        }
        flip(&file, i);
    }
    crypto_certificate_close(&leaf);
    crypto_certificate_close(&anchor);
}

SPEC("what is cut short, has more behind it or is something else is malformed")
{
    struct file leaf = file_of("leaf.der");
    struct file crl = file_of("mid.crl");
    struct file spki = file_of("leaf.spki");
    struct crypto_certificate certificate = {0};
    struct crypto_crl list = {0};
    struct crypto_verifier key = {0};
    leaf.data[leaf.size] = 0;
    for (size_t size = 0; size <= leaf.size + 1; size++) {
        if (size != leaf.size) {
            assert_int_equal(crypto_certificate_open(&certificate,
                                                     bytes_of(leaf.data, size)),
                             ROTOR_MALFORMED);
        }
    }
    crl.data[crl.size] = 0;
    for (size_t size = 0; size <= crl.size + 1; size++) {
        if (size != crl.size) {
            assert_int_equal(crypto_crl_open(&list, bytes_of(crl.data, size)),
                             ROTOR_MALFORMED);
        }
    }
    spki.data[spki.size] = 0;
    for (size_t size = 0; size <= spki.size + 1; size++) {
        if (size != spki.size) {
            assert_int_equal(
                crypto_verifier_open(&key, bytes_of(spki.data, size)),
                ROTOR_MALFORMED);
        }
    }
    assert_int_equal(crypto_certificate_open(&certificate, bytes_of_file(&crl)),
                     ROTOR_MALFORMED);
    assert_int_equal(crypto_crl_open(&list, bytes_of_file(&leaf)),
                     ROTOR_MALFORMED);
    assert_int_equal(crypto_verifier_open(&key, bytes_of_file(&leaf)),
                     ROTOR_MALFORMED);
}

SPEC("a certificate whose frame is not DER is malformed")
{
    // The outer length in more bytes than it needs.
    struct file leaf = file_of("leaf.der");
    struct crypto_certificate certificate = {0};
    assert_int_equal(leaf.data[1], 0x82);
    memmove(leaf.data + 3, leaf.data + 2, leaf.size - 2);
    leaf.data[1] = 0x83;
    leaf.data[2] = 0;
    leaf.size++;
    assert_int_equal(
        crypto_certificate_open(&certificate, bytes_of_file(&leaf)),
        ROTOR_MALFORMED);
}

SPEC("the facts of a certificate are what openssl put in")
{
    struct crypto_certificate leaf = certificate_of("leaf");
    struct crypto_certificate root = certificate_of("root");
    struct file der = file_of("leaf.der");
    struct file spki = file_of("leaf.spki");
    struct crypto_certificate_facts facts;
    static const uint8_t mid_name[] = {0x30, 0x0e, 0x31, 0x0c, 0x30, 0x0a,
                                       0x06, 0x03, 0x55, 0x04, 0x03, 0x0c,
                                       0x03, 'M',  'i',  'd'};
    static const uint8_t serial[] = {0x00, 0x80, 0xff};
    assert_ok(crypto_certificate_facts(&leaf, &facts));
    assert_true(bytes_equal(facts.der, bytes_of_file(&der)));
    assert_true(bytes_equal(facts.spki, bytes_of_file(&spki)));
    assert_true(bytes_equal(facts.issuer, BYTES_OF(mid_name)));
    assert_true(bytes_equal(facts.serial, BYTES_OF(serial)));
    assert_int_equal(facts.not_after_s - facts.not_before_s, 1000 * DAY);
    assert_in_range(facts.not_before_s, time(NULL) - 3600, time(NULL));
    assert_false(facts.is_ca);
    assert_false(facts.is_self_issued);
    assert_ok(crypto_certificate_facts(&root, &facts));
    assert_true(facts.is_ca);
    assert_true(facts.is_self_issued);
    crypto_certificate_close(&leaf);
    crypto_certificate_close(&root);
}

SPEC("the facts of a list are what openssl put in")
{
    struct file der = file_of("mid-brief.crl");
    struct crypto_crl crl = {0};
    struct crypto_crl_facts facts;
    assert_ok(crypto_crl_open(&crl, bytes_of_file(&der)));
    assert_ok(crypto_crl_facts(&crl, &facts));
    assert_true(bytes_equal(facts.der, bytes_of_file(&der)));
    assert_int_equal(facts.issuer.size, 16);
    assert_int_equal(facts.next_update_s - facts.this_update_s, 20 * DAY);
    crypto_crl_close(&crl);
}

SPEC("an extension is found by its identifier; two of one are malformed")
{
    static const uint8_t product[] = {0x2b, 6, 1, 4, 1, 0x9c, 0x78, 0x01, 2};
    static const uint8_t other[] = {0x2a, 3, 4, 5};
    static const uint8_t first[] = {0x2a, 3, 4, 6};
    struct crypto_certificate leaf = certificate_of("leaf");
    struct crypto_certificate twice = certificate_of("twice");
    struct rotor_bytes value;
    assert_ok(crypto_certificate_extension(&leaf, BYTES_OF(product), &value));
    assert_int_equal(value.size, 7);
    assert_memory_equal(value.data, "\x16\x05Milan", 7);
    assert_ok(crypto_certificate_extension(&leaf, BYTES_OF(other), &value));
    assert_int_equal(value.size, 0);
    assert_ok(crypto_certificate_extension(&twice, BYTES_OF(first), &value));
    assert_int_equal(value.size, 2);
    crypto_certificate_close(&leaf);
    crypto_certificate_close(&twice);
    // openssl does not make the same extension twice: make it by hand.
    struct file file = file_of("twice.der");
    for (size_t i = 0; i + 4 < file.size; i++) {
        if (memcmp(file.data + i, first, 4) == 0) {
            file.data[i + 3] = 5;
        }
    }
    assert_ok(crypto_certificate_open(&twice, bytes_of_file(&file)));
    assert_int_equal(
        crypto_certificate_extension(&twice, BYTES_OF(other), &value),
        ROTOR_MALFORMED);
    assert_int_equal(value.size, 0);
    crypto_certificate_close(&twice);
}

SPEC("a subject with one common name has one, with two or none it has none")
{
    static const struct {
        const char *certificate;
        const char *name;
    } cases[] = {
        {"leaf",     "Leaf"},
        {"names",    ""    },
        {"nameless", ""    }
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct crypto_certificate certificate =
            certificate_of(cases[i].certificate);
        uint8_t memory[64];
        struct rotor_room name = ROOM_OF(memory);
        struct rotor_room small = {memory, 1, 0};
        assert_ok(crypto_certificate_common_name(&certificate, &name));
        assert_int_equal(name.used, strlen(cases[i].name));
        assert_memory_equal(memory, cases[i].name, name.used);
        assert_int_equal(crypto_certificate_common_name(&certificate, &small),
                         name.used > 1 ? ROTOR_TOO_SMALL : ROTOR_OK);
        crypto_certificate_close(&certificate);
    }
}

// ---- keys and signatures ---------------------------------------------------

struct signed_case {
    const char *key;
    const char *signature;
    enum crypto_signature_form form;
    enum crypto_hash hash;
};

static const struct signed_case signed_cases[] = {
    {"leaf",  "leaf.sig",  CRYPTO_SIGNATURE_ECDSA_DER, CRYPTO_SHA256   },
    {"wide",  "wide.sig",  CRYPTO_SIGNATURE_ECDSA_DER, CRYPTO_SHA512   },
    {"exact", "exact.sig", CRYPTO_SIGNATURE_RSA_PKCS1, CRYPTO_SHA256   },
    {"exact", "exact.pss", CRYPTO_SIGNATURE_RSA_PSS,   CRYPTO_SHA384   },
    {"ed",    "ed.sig",    CRYPTO_SIGNATURE_ED25519,   CRYPTO_HASH_NONE},
};

static struct crypto_verifier verifier_of(const char *name)
{
    struct crypto_verifier verifier = {0};
    char path[64];
    snprintf(path, sizeof path, "%s.spki", name);
    struct file spki = file_of(path);
    assert_ok(crypto_verifier_open(&verifier, bytes_of_file(&spki)));
    return verifier;
}

static bool is_signed(const struct crypto_verifier *verifier,
                      const struct signed_case *c, struct rotor_bytes message,
                      struct rotor_bytes signature)
{
    bool valid = true;
    assert_ok(crypto_verifier_check(verifier, c->form, c->hash, message,
                                    signature, &valid));
    return valid;
}

SPEC("a signature that openssl made verifies, and not one bit beside it")
{
    for (size_t i = 0; i < COUNT_OF(signed_cases); i++) {
        const struct signed_case *c = &signed_cases[i];
        struct crypto_verifier verifier = verifier_of(c->key);
        struct file message = file_of("message");
        struct file signature = file_of(c->signature);
        assert_true(is_signed(&verifier, c, bytes_of_file(&message),
                              bytes_of_file(&signature)));
        for (size_t at = 0; at < signature.size; at++) {
            signature.data[at] ^= 1;
            assert_false(is_signed(&verifier, c, bytes_of_file(&message),
                                   bytes_of_file(&signature)));
            signature.data[at] ^= 1;
        }
        message.data[0] ^= 1;
        assert_false(is_signed(&verifier, c, bytes_of_file(&message),
                               bytes_of_file(&signature)));
        crypto_verifier_close(&verifier);
    }
}

SPEC("a form that does not fit the key, or another hash, is not valid")
{
    struct file message = file_of("message");
    for (size_t i = 0; i < COUNT_OF(signed_cases); i++) {
        struct signed_case c = signed_cases[i];
        struct crypto_verifier verifier = verifier_of(c.key);
        struct file signature = file_of(c.signature);
        for (unsigned form = 1; form <= CRYPTO_SIGNATURE_ED25519; form++) {
            c.form = (enum crypto_signature_form)form;
            c.hash = CRYPTO_SHA256;
            bool is_it = c.form == signed_cases[i].form &&
                         (c.hash == signed_cases[i].hash ||
                          c.form == CRYPTO_SIGNATURE_ED25519);
            assert_int_equal(is_signed(&verifier, &c, bytes_of_file(&message),
                                       bytes_of_file(&signature)),
                             is_it);
        }
        crypto_verifier_close(&verifier);
    }
    // PSS with a salt of another size.
    struct crypto_verifier verifier = verifier_of("exact");
    struct file signature = file_of("exact.salt");
    assert_false(is_signed(&verifier, &signed_cases[3], bytes_of_file(&message),
                           bytes_of_file(&signature)));
    crypto_verifier_close(&verifier);
}

// r || s of a DER signature.
static void unpack(const struct file *der, size_t half, uint8_t *raw)
{
    size_t at = der->data[1] == 0x81 ? 3 : 2;
    memset(raw, 0, 2 * half);
    for (size_t i = 1; i <= 2; i++) {
        size_t size = der->data[at + 1];
        const uint8_t *number = der->data + at + 2;
        at += 2 + size;
        if (size > half) {
            number++;
            size--;
        }
        memcpy(raw + i * half - size, number, size);
    }
}

SPEC("r and s side by side are the same signature")
{
    struct file message = file_of("message");
    for (size_t i = 0; i < 2; i++) {
        struct signed_case c = signed_cases[i];
        size_t half = i == 0 ? 32 : 66;
        uint8_t raw[2 * 66 + 1] = {0};
        struct file der = file_of(c.signature);
        struct crypto_verifier verifier = verifier_of(c.key);
        unpack(&der, half, raw);
        c.form = CRYPTO_SIGNATURE_ECDSA_RAW;
        assert_true(is_signed(&verifier, &c, bytes_of_file(&message),
                              bytes_of(raw, 2 * half)));
        assert_false(is_signed(&verifier, &c, bytes_of_file(&message),
                               bytes_of(raw, 2 * half + 1)));
        assert_false(is_signed(&verifier, &c, bytes_of_file(&message),
                               bytes_of(raw, 2 * half - 1)));
        memset(raw, 0, sizeof raw);
        assert_false(is_signed(&verifier, &c, bytes_of_file(&message),
                               bytes_of(raw, 2 * half)));
        crypto_verifier_close(&verifier);
    }
}

SPEC("keys by their numbers are the keys that openssl wrote")
{
    struct file message = file_of("message");
    // P-256 and P-521: the point ends the key.  RSA: the modulus stands before
    // the exponent, which ends it.
    static const size_t halves[] = {32, 66};
    static const enum crypto_curve kinds[] = {CRYPTO_CURVE_P256,
                                              CRYPTO_CURVE_P521};
    struct crypto_verifier verifier = {0};
    for (size_t i = 0; i < 2; i++) {
        const struct signed_case *c = &signed_cases[i];
        char path[64];
        snprintf(path, sizeof path, "%s.spki", c->key);
        struct file spki = file_of(path);
        struct file signature = file_of(c->signature);
        uint8_t *x = spki.data + spki.size - 2 * halves[i];
        uint8_t *y = spki.data + spki.size - halves[i];
        assert_ok(crypto_verifier_open_ec(&verifier, kinds[i],
                                          bytes_of(x, halves[i]),
                                          bytes_of(y, halves[i])));
        assert_true(is_signed(&verifier, c, bytes_of_file(&message),
                              bytes_of_file(&signature)));
        crypto_verifier_close(&verifier);
        y[halves[i] - 1] ^= 1; // off the curve
        assert_int_equal(crypto_verifier_open_ec(&verifier, kinds[i],
                                                 bytes_of(x, halves[i]),
                                                 bytes_of(y, halves[i])),
                         ROTOR_MALFORMED);
        assert_int_equal(crypto_verifier_open_ec(&verifier, kinds[i],
                                                 bytes_of(x - 1, halves[i] + 1),
                                                 bytes_of(y, halves[i])),
                         ROTOR_MALFORMED);
        // Longer than the room for it: nothing is written before it.
        assert_int_equal(crypto_verifier_open_ec(&verifier, kinds[i],
                                                 bytes_of(spki.data, 200),
                                                 bytes_of(y, halves[i])),
                         ROTOR_MALFORMED);
        assert_int_equal(crypto_verifier_open_ec(&verifier, kinds[i],
                                                 bytes_of(x, halves[i]),
                                                 bytes_of(spki.data, 300)),
                         ROTOR_MALFORMED);
    }
    struct file spki = file_of("exact.spki");
    struct file signature = file_of("exact.sig");
    uint8_t *exponent = spki.data + spki.size - 3;
    struct rotor_bytes modulus = bytes_of(exponent - 2 - 256, 256);
    assert_ok(
        crypto_verifier_open_rsa(&verifier, modulus, bytes_of(exponent, 3)));
    assert_true(is_signed(&verifier, &signed_cases[2], bytes_of_file(&message),
                          bytes_of_file(&signature)));
    crypto_verifier_close(&verifier);
    assert_int_equal(crypto_verifier_open_rsa(&verifier,
                                              bytes_of(modulus.data + 1, 255),
                                              bytes_of(exponent, 3)),
                     ROTOR_MALFORMED);
    static const uint8_t one[] = {1};
    static const uint8_t even[] = {1, 0};
    assert_int_equal(
        crypto_verifier_open_rsa(&verifier, modulus, BYTES_OF(one)),
        ROTOR_MALFORMED);
    assert_int_equal(
        crypto_verifier_open_rsa(&verifier, modulus, BYTES_OF(even)),
        ROTOR_MALFORMED);
}

SPEC("RSA below 2048 bits, P-224, curves spelt out and weak points are no keys")
{
    static const char *const names[] = {"small.spki", "narrow.spki",
                                        "explicit.spki"};
    struct crypto_verifier verifier = {0};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct file spki = file_of(names[i]);
        assert_int_equal(crypto_verifier_open(&verifier, bytes_of_file(&spki)),
                         ROTOR_MALFORMED);
    }
    struct file spki = file_of("ed.spki");
    memset(spki.data + spki.size - 32, 0, 32); // a point of order 4
    assert_int_equal(crypto_verifier_open(&verifier, bytes_of_file(&spki)),
                     ROTOR_MALFORMED);
    assert_null(verifier.impl);
}

SPEC("a certificate's key verifies what its holder signed")
{
    struct crypto_certificate leaf = certificate_of("leaf");
    struct crypto_certificate small = certificate_of("small");
    struct crypto_verifier verifier = {0};
    struct file message = file_of("message");
    struct file signature = file_of("leaf.sig");
    assert_ok(crypto_certificate_verifier(&leaf, &verifier));
    crypto_certificate_close(&leaf); // the key lives on
    assert_true(is_signed(&verifier, &signed_cases[0], bytes_of_file(&message),
                          bytes_of_file(&signature)));
    crypto_verifier_close(&verifier);
    assert_int_equal(crypto_certificate_verifier(&small, &verifier),
                     ROTOR_MALFORMED);
    crypto_certificate_close(&small);
}

SPEC("handles that hold nothing are the caller's mistake, and close is safe")
{
    struct crypto_certificate certificate = {0};
    struct crypto_crl crl = {0};
    struct crypto_verifier verifier = {0};
    struct crypto_certificate_facts facts;
    struct crypto_crl_facts crl_facts;
    struct crypto_chain_verdict verdict;
    struct rotor_bytes none = {0};
    bool valid = true;
    crypto_certificate_close(&certificate);
    crypto_crl_close(&crl);
    crypto_verifier_close(&verifier);
    assert_int_equal(crypto_certificate_facts(&certificate, &facts),
                     ROTOR_INVALID);
    assert_int_equal(crypto_crl_facts(&crl, &crl_facts), ROTOR_INVALID);
    assert_int_equal(crypto_certificate_verifier(&certificate, &verifier),
                     ROTOR_INVALID);
    assert_int_equal(crypto_verifier_check(&verifier,
                                           CRYPTO_SIGNATURE_ECDSA_DER,
                                           CRYPTO_SHA256, none, none, &valid),
                     ROTOR_INVALID);
    assert_false(valid);
    struct crypto_certificate leaf = certificate_of("leaf");
    struct crypto_chain chain = {.anchors = &certificate, .anchor_count = 1};
    assert_int_equal(crypto_chain_verify(&leaf, &chain, &verdict),
                     ROTOR_INVALID);
    assert_int_equal(verdict.fault, CRYPTO_CHAIN_UNKNOWN);
    crypto_certificate_close(&leaf);
}
