// SPDX-License-Identifier: Apache-2.0
#include "verify/dice.h"

#include <string.h>

#include "base/bytes.h"
#include "verify/claims.h"
#include "verify/der.h"
#include "verify/dice_link.h"

#define DER_SEQUENCE     0x30
#define ANDROID_SECURITY (-70005) // version, in the configuration descriptor
#define CERT_LIMIT       VERIFY_DICE_CHAIN_MAX

bool verify_dice_is_id(struct rotor_bytes text)
{
    for (size_t i = 0; i < text.size; i++) {
        bool is_digit = (text.data[i] >= '0' && text.data[i] <= '9') ||
                        (text.data[i] >= 'a' && text.data[i] <= 'f');
        if (!is_digit) {
            return false;
        }
    }
    return text.size == BOOT_DICE_ID_SIZE;
}

// ---- the list --------------------------------------------------------------

struct certificates {
    struct rotor_bytes each[CERT_LIMIT];
    size_t count;
    bool is_x509;
    bool is_android;
    struct verify_public first_key; // of Android's array
};

static const char *add(struct certificates *list, struct rotor_bytes one)
{
    if (list->count == CERT_LIMIT) {
        return "chain is longer than is taken";
    }
    list->each[list->count++] = one;
    return NULL;
}

static const char *split_der(struct rotor_bytes rest, struct certificates *list)
{
    const char *why = NULL;
    list->is_x509 = true;
    while (why == NULL && rest.size != 0) {
        struct verify_der_element element;
        if (verify_der_next(&rest, &element) != ROTOR_OK ||
            element.tag != DER_SEQUENCE) {
            return "not certificates one after the other";
        }
        why = add(list, element.whole);
    }
    return why;
}

// [COSE_Key, COSE_Sign1 ...]
static const char *split_array(const struct cbor_foreign *array,
                               struct certificates *list)
{
    struct cbor_foreign_walk walk;
    struct cbor_foreign item;
    list->is_android = true;
    cbor_foreign_walk(array, &walk);
    if (!cbor_foreign_next(&walk, &item)) {
        return "chain is empty";
    }
    const char *why = verify_public_decode(&item, &list->first_key);
    while (why == NULL && cbor_foreign_next(&walk, &item)) {
        why = add(list, item.bytes);
    }
    return why;
}

static bool is_android_array(const struct cbor_foreign *item)
{
    struct cbor_foreign_walk walk;
    struct cbor_foreign first;
    cbor_foreign_walk(item, &walk);
    return cbor_foreign_kind(item) == CBOR_FOREIGN_ARRAY &&
           cbor_foreign_next(&walk, &first) &&
           cbor_foreign_kind(&first) == CBOR_FOREIGN_MAP;
}

static const char *split_cbor(struct rotor_bytes rest,
                              struct certificates *list)
{
    struct cbor_foreign item;
    const char *why = NULL;
    if (cbor_foreign_open(rest, &item) && is_android_array(&item)) {
        return split_array(&item, list);
    }
    while (why == NULL && rest.size != 0) {
        if (!cbor_foreign_open_first(rest, &item, &rest)) {
            return "not certificates one after the other";
        }
        why = add(list, item.bytes);
    }
    return why;
}

static const char *split(struct rotor_bytes chain, struct certificates *list)
{
    *list = (struct certificates){0};
    bool is_der = chain.size != 0 && chain.data[0] == DER_SEQUENCE;
    const char *why = is_der ? split_der(chain, list) : split_cbor(chain, list);
    return why == NULL && list->count == 0 ? "chain is empty" : why;
}

// ---- one certificate -------------------------------------------------------

struct walk {
    const struct verify_dice_question *question;
    struct verify_verdict *verdict;
    struct certificates list;
    struct verify_public issuer; // of the certificate that is next
    struct rotor_bytes name;     // its subject's; empty: that of the root
    struct verify_dice_link link;
    size_t index;
    int64_t android; // version of the profile so far
};

static bool is_last(const struct walk *walk)
{
    return walk->index + 1 == walk->list.count;
}

static bool check_read(struct walk *walk)
{
    struct rotor_bytes one = walk->list.each[walk->index];
    const char *why = walk->list.is_x509
                          ? verify_dice_read_x509(one, &walk->link)
                          : verify_dice_read_cose(one, &walk->link);
    return verify_check(
        walk->verdict, why == NULL,
        &(struct verify_row){.check = "certificate", .why = why});
}

static enum rotor_status verify_link(const struct walk *walk,
                                     const struct verify_cose_key *key,
                                     bool *valid)
{
    const struct verify_dice_link *link = &walk->link;
    if (!link->is_cose && key->verifier.impl == NULL) {
        return ROTOR_OK; // a root that signs no X.509
    }
    if (!link->is_cose) {
        return crypto_verifier_check(&key->verifier, link->form, link->hash,
                                     link->signed_bytes, link->signature,
                                     valid);
    }
    return verify_cose_check(
        &link->cose, key,
        &(struct verify_cose_input){.scratch = walk->question->scratch}, valid);
}

static enum rotor_status check_signature(struct walk *walk, bool *valid)
{
    struct verify_cose_key key = {0};
    *valid = false;
    enum rotor_status status = verify_cose_key_open(&key, &walk->issuer);
    if (status == ROTOR_OK) {
        status = verify_link(walk, &key, valid);
    }
    verify_cose_key_close(&key);
    (void)verify_check(
        walk->verdict, *valid,
        &(struct verify_row){.check = "certificate signature",
                             .why = "certificate is not signed by its issuer"});
    return status == ROTOR_MALFORMED ? ROTOR_OK : status;
}

// The id of a key is derived from it.
static enum rotor_status has_id(const struct verify_public *key,
                                struct rotor_bytes id, bool *is_its)
{
    uint8_t expected[BOOT_DICE_ID_SIZE];
    TRY(boot_dice_id(bytes_of(key->bytes, key->size), expected));
    *is_its = bytes_equal(id, BYTES_OF(expected));
    return ROTOR_OK;
}

static enum rotor_status check_issuer(struct walk *walk, bool *is_good)
{
    struct verify_row row = {.check = "certificate issuer",
                             .expected = verify_bytes(walk->name),
                             .seen = verify_bytes(walk->link.issuer),
                             .why = "certificate names another issuer"};
    *is_good = true;
    bool is_unnamed =
        walk->question->root_is_authority || walk->list.is_android;
    if (walk->index == 0 && is_unnamed) {
        verify_skip(walk->verdict, &row);
        return ROTOR_OK;
    }
    if (walk->index == 0) {
        TRY(has_id(&walk->issuer, walk->link.issuer_id, is_good));
    } else {
        *is_good = bytes_equal(walk->link.issuer, walk->name);
    }
    (void)verify_check(walk->verdict, *is_good, &row);
    return ROTOR_OK;
}

static enum rotor_status check_subject(struct walk *walk, bool *is_good)
{
    struct verify_row row = {.check = "certificate subject",
                             .seen = verify_bytes(walk->link.subject),
                             .why = "subject's name is not that of its key"};
    *is_good = true;
    if (walk->list.is_android) {
        verify_skip(walk->verdict, &row);
        return ROTOR_OK;
    }
    TRY(has_id(&walk->link.key, walk->link.subject_id, is_good));
    (void)verify_check(walk->verdict, *is_good, &row);
    return ROTOR_OK;
}

// Every key that issues may; the last one may do what it is asked for.
static bool check_usage(struct walk *walk)
{
    uint32_t wanted =
        is_last(walk) ? walk->question->leaf_usage : VERIFY_DICE_CERT_SIGN;
    uint32_t usage = walk->link.usage;
    if (walk->list.is_android && (usage & wanted) != wanted) {
        usage = walk->link.usage_reversed;
    }
    bool may_issue = is_last(walk) || walk->link.may_issue;
    return verify_check(
        walk->verdict, usage != 0 && (usage & wanted) == wanted && may_issue,
        &(struct verify_row){.check = "key usage",
                             .expected = verify_number(wanted),
                             .seen = verify_number(usage),
                             .why = "key is not certified for this use"});
}

static bool check_validity(struct walk *walk)
{
    const struct verify_dice_link *link = &walk->link;
    int64_t now_s = walk->question->asked.now_s;
    bool is_valid = now_s >= link->not_before_s && now_s <= link->not_after_s;
    return verify_check(
        walk->verdict, !link->has_validity || is_valid,
        &(struct verify_row){.check = "certificate validity",
                             .expected = verify_time(now_s),
                             .why = now_s < link->not_before_s
                                        ? "certificate is not yet valid"
                                        : "certificate has expired"});
}

// ---- inputs of a stage -----------------------------------------------------

static bool has_inputs(const struct verify_dice_link *link)
{
    return link->has_mode || link->code_hash.size != 0 ||
           link->configuration.data != NULL || link->authority_hash.size != 0;
}

static bool check_mode(struct walk *walk)
{
    static const char *const names[] = {"not configured", "normal", "debug",
                                        "recovery"};
    const struct verify_dice_link *link = &walk->link;
    bool is_mode = link->has_mode && link->mode < COUNT_OF(names);
    uint32_t taken = walk->question->modes_taken | (uint32_t)1
                                                       << BOOT_MODE_NORMAL;
    struct verify_row row = {.check = "mode",
                             .expected = verify_text("normal"),
                             .why = is_mode ? "mode is not normal"
                                            : "claim mode is missing or none"};
    if (is_mode) {
        row.seen = verify_text(names[link->mode]);
    }
    // Not configured: nothing there is kept from anyone.
    if (is_mode && (link->mode == BOOT_MODE_DEBUG ||
                    link->mode == BOOT_MODE_NOT_CONFIGURED)) {
        walk->verdict->debug = VERIFY_YES;
    } else if (walk->verdict->debug == VERIFY_NOT_CHECKED) {
        walk->verdict->debug = VERIFY_NO;
    }
    return verify_check(walk->verdict, is_mode && taken >> link->mode & 1,
                        &row);
}

// 64 bytes in the Open Profile, a hash of any size in Android's.
static bool is_input(const struct walk *walk, struct rotor_bytes input)
{
    return input.size == 64 ||
           (walk->list.is_android && (input.size == 32 || input.size == 48));
}

static bool check_hash(struct walk *walk, const char *check,
                       struct rotor_bytes input, const char *why)
{
    return verify_check(walk->verdict, is_input(walk, input),
                        &(struct verify_row){.check = check,
                                             .seen = verify_bytes(input),
                                             .why = why});
}

static enum crypto_hash hash_of_size(size_t size)
{
    return size == 32   ? CRYPTO_SHA256
           : size == 48 ? CRYPTO_SHA384
           : size == 64 ? CRYPTO_SHA512
                        : CRYPTO_HASH_NONE;
}

// The descriptor is hashed to the input, or is the input itself.
static enum rotor_status check_configuration(struct walk *walk, bool *is_good)
{
    const struct verify_dice_link *link = &walk->link;
    uint8_t digest[CRYPTO_HASH_MAX];
    struct verify_row row = {
        .check = "configuration",
        .seen = verify_bytes(link->configuration),
        .why = "configuration is missing or not the one of its hash"};
    *is_good = walk->list.is_android ? link->configuration.data != NULL
                                     : link->configuration.size == 64;
    if (link->has_configuration_hash) {
        size_t size = link->configuration_hash.size;
        *is_good = is_input(walk, link->configuration_hash) &&
                   link->configuration.data != NULL;
        if (*is_good) {
            TRY(crypto_hash(hash_of_size(size), &link->configuration, 1,
                            digest));
            *is_good =
                bytes_equal(link->configuration_hash, bytes_of(digest, size));
        }
    }
    (void)verify_check(walk->verdict, *is_good, &row);
    return ROTOR_OK;
}

// "android.N"; a chain's versions do not go down.
static bool check_profile(struct walk *walk)
{
    struct rotor_bytes profile = walk->link.profile;
    struct rotor_bytes prefix = LABEL("android.");
    if (!walk->list.is_android || profile.size == 0) {
        return true;
    }
    int64_t version = 0;
    bool is_android = profile.size > prefix.size &&
                      profile.size <= prefix.size + 4 &&
                      bytes_equal(bytes_of(profile.data, prefix.size), prefix);
    for (size_t i = prefix.size; is_android && i < profile.size; i++) {
        is_android = profile.data[i] >= '0' && profile.data[i] <= '9';
        version = version * 10 + (profile.data[i] - '0');
    }
    bool is_good = !is_android || version >= walk->android;
    walk->android = is_android && is_good ? version : walk->android;
    return verify_check(walk->verdict, is_good,
                        &(struct verify_row){
                            .check = "profile",
                            .seen = verify_bytes(profile),
                            .why = "profile is older than that of the issuer"});
}

static enum rotor_status check_inputs(struct walk *walk, bool *is_good)
{
    const struct verify_dice_link *link = &walk->link;
    bool is_uds = walk->index == 0 && walk->question->root_is_authority &&
                  !is_last(walk) && !has_inputs(link);
    *is_good = true;
    if (is_uds) {
        return ROTOR_OK;
    }
    *is_good = check_mode(walk) &&
               check_hash(walk, "code hash", link->code_hash,
                          "claim codeHash is missing or of another length") &&
               check_hash(walk, "authority hash", link->authority_hash,
                          "claim authorityHash is missing or of another "
                          "length") &&
               check_profile(walk);
    return *is_good ? check_configuration(walk, is_good) : ROTOR_OK;
}

// ---- chain -----------------------------------------------------------------

static enum rotor_status check_link(struct walk *walk, bool *is_good)
{
    *is_good = false;
    if (!check_read(walk)) {
        return ROTOR_OK;
    }
    TRY(check_signature(walk, is_good));
    if (*is_good) {
        TRY(check_issuer(walk, is_good));
    }
    if (*is_good) {
        TRY(check_subject(walk, is_good));
    }
    *is_good = *is_good && check_usage(walk) && check_validity(walk);
    return *is_good ? check_inputs(walk, is_good) : ROTOR_OK;
}

static enum rotor_status describe(const struct walk *walk,
                                  struct verify_verdict *verdict)
{
    uint8_t digest[32];
    struct rotor_bytes root = {walk->question->root.bytes,
                               walk->question->root.size};
    struct cbor_foreign descriptor;
    TRY(crypto_hash(CRYPTO_SHA256, &root, 1, digest));
    verdict->level = walk->question->level;
    verify_value_set(&verdict->instance, BYTES_OF(digest));
    verify_value_set(&verdict->measurement, walk->link.code_hash);
    verify_value_set(&verdict->signer, walk->link.authority_hash);
    if (walk->list.is_android &&
        cbor_foreign_open(walk->link.configuration, &descriptor)) {
        int64_t version = verify_claim_integer(&descriptor, ANDROID_SECURITY);
        verdict->security_version = version > 0 ? (uint64_t)version : 0;
    }
    return ROTOR_OK;
}

static enum rotor_status judge(const struct verify_dice_question *question,
                               struct verify_verdict *verdict,
                               struct verify_public *leaf)
{
    struct walk walk = {
        .question = question, .verdict = verdict, .issuer = question->root};
    const char *why = split(question->chain, &walk.list);
    if (why == NULL && walk.list.is_android &&
        !verify_public_equal(&walk.list.first_key, &question->root)) {
        why = "chain begins with another key than the root's";
    }
    bool is_good =
        verify_check(verdict, why == NULL,
                     &(struct verify_row){.check = "chain", .why = why});
    for (; is_good && walk.index < walk.list.count; walk.index++) {
        TRY(check_link(&walk, &is_good));
        walk.issuer = walk.link.key;
        walk.name = walk.link.subject;
    }
    if (!is_good) {
        return ROTOR_OK;
    }
    TRY(describe(&walk, verdict));
    // No chain carries any: who asked for some is refused.
    if (verify_check_report_data(verdict, &question->asked,
                                 (struct rotor_bytes){0})) {
        *leaf = walk.issuer;
    }
    return ROTOR_OK;
}

enum rotor_status verify_dice(const struct verify_dice_question *question,
                              struct verify_verdict *verdict,
                              struct verify_public *leaf)
{
    *leaf = (struct verify_public){0};
    verify_begin(verdict, VERIFY_BACKEND_DICE);
    TRY(judge(question, verdict, leaf));
    verify_conclude(verdict);
    return ROTOR_OK;
}
