// SPDX-License-Identifier: Apache-2.0
// rotor authority: the recovery authority's own tool.  Runs where its keys
// are, never on the device, and asks nobody.
//
// A set is the file [k, keys]; its hash stands in the policy of every entry.
// A request is what `rotor recover request` wrote: body and Evidence, as
// RECOVER_BODY carries them.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/rotor/authority.h"
#include "app/rotor/pem.h"
#include "base/bytes.h"
#include "chain/entry.h"
#include "chain/hash.h"
#include "chain/sign.h"
#include "verify/evidence.h"
#include "wire/frame.h"

#define SET_MAX     4096u // bytes
#define REQUEST_MAX ((size_t)WIRE_PAYLOAD_MAX)

// ---- sets ------------------------------------------------------------------

bool authority_read(const struct run *run, const char *path,
                    struct authority *authority, int *code)
{
    *authority = (struct authority){0};
    if (!read_file(run, path, SET_MAX, &authority->bytes, code)) {
        return false;
    }
    if (chain_ra_set_decode(authority->bytes, &authority->set) != ROTOR_OK) {
        authority_forget(authority);
        *code = fail(run, CAUSE_UNPARSABLE, "rotor authority init makes one",
                     "%s: not a set of an authority", path);
        return false;
    }
    return true;
}

void authority_forget(struct authority *authority)
{
    free((void *)(uintptr_t)authority->bytes.data);
    *authority = (struct authority){0};
}

static bool add_key(const struct run *run, const char *path,
                    struct chain_ra_set *set, int *code)
{
    uint8_t memory[CRYPTO_PUBLIC_MAX];
    struct rotor_room raw = ROOM_OF(memory);
    enum crypto_scheme scheme = CRYPTO_SCHEME_NONE;
    struct crypto_key key = {0};
    if (!pem_public(run, path, &scheme, &raw, code)) {
        return false;
    }
    bool is_added =
        crypto_key_import_public(&key, scheme, bytes_in(&raw)) == ROTOR_OK &&
        wire_key_of(&key, &set->keys[set->count]) == ROTOR_OK;
    crypto_key_close(&key);
    if (!is_added) {
        *code = fail(run, CAUSE_UNPARSABLE, NULL, "%s: not a point", path);
        return false;
    }
    set->count++;
    return true;
}

static int say_set(const struct run *run, const struct chain_ra_set *set,
                   struct rotor_bytes bytes, const char *path)
{
    struct wire_digest digest;
    char text[FINGERPRINT_SIZE];
    struct json out;
    if (chain_hash_ra_set(CRYPTO_SHA256, bytes, &digest) != ROTOR_OK) {
        return fail(run, CAUSE_PLATFORM, NULL, "libcrypto made no hash");
    }
    fingerprint(&digest, text);
    if (run->is_json) {
        begin_json(&out, "authority", true);
        json_text(&out, "set", path);
        json_digest(&out, "fingerprint", &digest);
        json_number(&out, "threshold", set->k);
        json_open_list(&out, "keys");
    } else {
        printf("authority %s: %u of %zu keys\n", text, set->k, set->count);
    }
    for (size_t i = 0; i < set->count; i++) {
        struct wire_digest kid;
        if (wire_key_id(&set->keys[i], &kid) != ROTOR_OK) {
            return fail(run, CAUSE_PLATFORM, NULL, "libcrypto made no hash");
        }
        fingerprint(&kid, text);
        if (run->is_json) {
            json_text(&out, NULL, text);
        } else {
            printf("  key %s\n", text);
        }
    }
    if (run->is_json) {
        json_end(&out);
    }
    return EXIT_ACCEPTED;
}

static int write_set(const struct run *run, struct chain_ra_set *set,
                     const char *path)
{
    uint8_t memory[SET_MAX];
    struct rotor_room bytes = ROOM_OF(memory);
    int code = 0;
    if (chain_ra_set_encode(set, &bytes) != ROTOR_OK) {
        return fail(run, CAUSE_USAGE, "1 <= threshold <= keys, at most 16 keys",
                    "no such set: %u of %zu keys, or a key twice", set->k,
                    set->count);
    }
    if (!write_file(run, path, bytes_in(&bytes), false, &code)) {
        return code;
    }
    return say_set(run, set, bytes_in(&bytes), path);
}

static bool is_size(uint64_t keys, uint64_t threshold)
{
    return keys >= 1 && keys <= CHAIN_RA_KEYS_MAX && threshold >= 1 &&
           threshold <= keys;
}

static int authority_init(struct run *run, int count, char **arguments)
{
    const char *folder = NULL;
    const char *curve = "p256";
    uint64_t keys = 3;
    uint64_t threshold = 2;
    int code = 0;
    const struct flag flags[] = {
        {"--keys",      "N",    FLAG_NUMBER, &keys,      "how many; default 3"     },
        {"--threshold", "K",    FLAG_NUMBER, &threshold,
         "how many must sign; default 2"                                           },
        {"--curve",     "NAME", FLAG_TEXT,   &curve,     "p256 (default) or p384"  },
        {"--out",       "DIR",  FLAG_TEXT,   &folder,    "new folder: keys and set"},
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    enum crypto_scheme scheme = pem_curve(curve);
    if (folder == NULL || count != 0 || scheme == CRYPTO_SCHEME_NONE ||
        !is_size(keys, threshold)) {
        return fail(run, CAUSE_USAGE,
                    "rotor authority init --keys 3 --threshold 2 --out DIR",
                    "expected --out DIR, at most 16 keys, a threshold within "
                    "them, p256 or p384");
    }
    if (mkdir(folder, 0700) != 0) {
        return fail(run, CAUSE_UNREADABLE, "name a folder that is not there",
                    "%s: %s", folder, strerror(errno));
    }
    struct chain_ra_set set = {.k = (uint32_t)threshold};
    char path[512];
    for (uint64_t i = 1; i <= keys; i++) {
        (void)snprintf(path, sizeof path, "%s/key-%" PRIu64 ".pem", folder, i);
        if (!pem_make(run, path, scheme, &code) ||
            !add_key(run, path, &set, &code)) {
            return code;
        }
    }
    (void)snprintf(path, sizeof path, "%s/set", folder);
    return write_set(run, &set, path);
}

static int authority_set(struct run *run, int count, char **arguments)
{
    const char *path = NULL;
    uint64_t threshold = 0;
    int code = 0;
    const struct flag flags[] = {
        {"--threshold", "K",    FLAG_NUMBER, &threshold, "how many must sign"},
        {"--out",       "FILE", FLAG_TEXT,   &path,      "the set"           },
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (path == NULL || count < 1 || !is_size((uint64_t)count, threshold)) {
        return fail(run, CAUSE_USAGE,
                    "rotor authority set --threshold 2 --out set a.pem b.pem "
                    "c.pem",
                    "expected --threshold K, --out FILE and up to 16 keys, "
                    "private or public");
    }
    struct chain_ra_set set = {.k = (uint32_t)threshold};
    for (int i = 0; i < count; i++) {
        if (!add_key(run, arguments[i], &set, &code)) {
            return code;
        }
    }
    return write_set(run, &set, path);
}

static int authority_show(struct run *run, int count, char **arguments)
{
    struct authority authority;
    int code = 0;
    if (!flags_parse(run, NULL, 0, &count, arguments, &code)) {
        return code;
    }
    if (count != 1) {
        return fail(run, CAUSE_USAGE, "rotor authority show DIR/set",
                    "expected one set");
    }
    if (!authority_read(run, arguments[0], &authority, &code)) {
        return code;
    }
    code = say_set(run, &authority.set, authority.bytes, arguments[0]);
    authority_forget(&authority);
    return code;
}

// ---- requests --------------------------------------------------------------

bool request_read(const struct run *run, const char *path,
                  struct request *request, int *code)
{
    *request = (struct request){0};
    if (!read_file(run, path, REQUEST_MAX, &request->bytes, code)) {
        return false;
    }
    struct wire_recover_body message;
    bool is_one =
        wire_message_decode(&WIRE_LAYOUT_RECOVER_BODY, request->bytes,
                            &message) == ROTOR_OK &&
        chain_body_decode(message.body, &request->body) == ROTOR_OK &&
        chain_body_hash(&request->body, &request->body_hash) == ROTOR_OK &&
        chain_kind_is_recovery(request->body.kind);
    request->evidence = message.evidence;
    if (!is_one) {
        request_forget(request);
        *code = fail(run, CAUSE_UNPARSABLE,
                     "rotor recover request writes one, on the device",
                     "%s: not a request to an authority", path);
    }
    return is_one;
}

void request_forget(struct request *request)
{
    free((void *)(uintptr_t)request->bytes.data);
    *request = (struct request){0};
}

struct signing {
    const char *key_path;
    const char *out;
    struct flag_list measurements;
    bool any_measurement;
    bool is_sure;
    struct wire_digest wanted[FLAG_LIST_MAX];
    struct verify_reference reference;
    struct verify_record record;
};

static bool settle(const struct run *run, struct signing *signing, int *code)
{
    for (size_t i = 0; i < signing->measurements.count; i++) {
        if (!parse_digest(signing->measurements.values[i],
                          &signing->wanted[i])) {
            *code = fail(run, CAUSE_USAGE, "rotor status shows it",
                         "--measurement: not a digest");
            return false;
        }
    }
    signing->reference = (struct verify_reference){
        .measurements = signing->wanted,
        .measurement_count = signing->measurements.count,
        .any_measurement = signing->any_measurement,
    };
    return true;
}

// Evidence of purpose 4 over this very body, from an image that is wanted.
static bool judge(const struct run *run, const struct request *request,
                  struct signing *signing, int *code)
{
    struct chain_report report;
    uint8_t ud[CHAIN_UD_SIZE];
    struct verify_record *record = &signing->record;
    bool is_judged = chain_report_of(&request->body, &report) == ROTOR_OK &&
                     chain_ud(&report, ud) == ROTOR_OK &&
                     verify_evidence(request->evidence, ud, &signing->reference,
                                     record) == ROTOR_OK;
    if (!is_judged) {
        *code = fail(run, CAUSE_PLATFORM, NULL, "the evidence was not judged");
        return false;
    }
    bool is_known = signing->any_measurement ||
                    verify_measurement_is_wanted(&signing->reference,
                                                 &request->body.measurement);
    bool is_wanted = verify_record_is_accepted(record) && is_known;
    if (!is_wanted) {
        *code =
            fail(run, CAUSE_EVIDENCE_REFUSED,
                 "sign for an image that you know: --measurement DIGEST", "%s",
                 verify_record_is_accepted(record)
                     ? "the body names an image that is not wanted"
                     : record->reason);
    }
    return is_wanted;
}

// What the RTP wrote and the authority alone can change: to be read before it
// is signed.
static void say_policy(const struct chain_policy *policy)
{
    char ra[FINGERPRINT_SIZE];
    char control[FINGERPRINT_SIZE];
    fingerprint(&policy->ra, ra);
    fingerprint(&policy->control, control);
    fprintf(stderr,
            "authority    %s from then on\n"
            "control      %s, who may command\n"
            "policy       %" PRIu32 " s period, %" PRIu32 " s grace, %" PRIu32
            " s between, %" PRIu32 " a day, suite %" PRIu32
            " or higher, others wait %" PRIu32 " s\n",
            ra, control, policy->cryptoperiod_s, policy->grace_s,
            policy->min_interval_s, policy->max_per_day, policy->suite_floor,
            policy->hold_down_s);
}

static void say_request(const struct request *request)
{
    const struct chain_body *body = &request->body;
    char log[FINGERPRINT_SIZE];
    char hash[FINGERPRINT_SIZE];
    char old[FINGERPRINT_SIZE];
    char image[FINGERPRINT_SIZE];
    fingerprint(&body->log_id, log);
    fingerprint(&request->body_hash, hash);
    fingerprint(&body->supersedes.body_hash, old);
    fingerprint(&body->measurement, image);
    fprintf(stderr,
            "log          %s\n"
            "order        %s, incarnation %" PRIu32 ", epoch %" PRIu64 "\n"
            "body         %s\n"
            "supersedes   epoch %" PRIu64 ", %s\n"
            "made by      %s\n",
            log, body->kind == CHAIN_RECOVER ? "recover" : "begin anew",
            body->incarnation, body->epoch, hash, body->supersedes.epoch, old,
            image);
    say_policy(&body->policy);
}

static int sign_request(const struct run *run, const struct request *request,
                        const struct signing *signing)
{
    uint8_t public_bytes[CRYPTO_PUBLIC_MAX];
    uint8_t bytes[512];
    struct rotor_room public_key = ROOM_OF(public_bytes);
    struct rotor_room sign1 = ROOM_OF(bytes);
    struct crypto_key key = {0};
    int code = EXIT_ACCEPTED;
    if (!pem_private(run, signing->key_path, &key, &public_key, &code)) {
        return code;
    }
    enum rotor_status status = chain_sign_ra(&key, request->body.bytes, &sign1);
    crypto_key_close(&key);
    if (status != ROTOR_OK) {
        return fail(run, CAUSE_PLATFORM, NULL, "no signature was made: %s",
                    rotor_status_name(status));
    }
    if (!write_file(run, signing->out, bytes_in(&sign1), false, &code)) {
        return code;
    }
    if (run->is_json) {
        struct json out;
        begin_json(&out, "authority", true);
        json_text(&out, "signature", signing->out);
        json_digest(&out, "log_id", &request->body.log_id);
        json_digest(&out, "body_hash", &request->body_hash);
        json_number(&out, "epoch", request->body.epoch);
        json_number(&out, "incarnation", request->body.incarnation);
        json_end(&out);
    } else {
        fprintf(stderr, "rotor: signed: %s\n", signing->out);
    }
    return EXIT_ACCEPTED;
}

static int authority_sign(struct run *run, int count, char **arguments)
{
    struct signing signing = {0};
    struct request request;
    int code = 0;
    const struct flag flags[] = {
        {"--key",             "PEM",    FLAG_TEXT,   &signing.key_path,        "one of the set"},
        {"--out",             "FILE",   FLAG_TEXT,   &signing.out,             "signature"     },
        {"--measurement",     "DIGEST", FLAG_LIST,   &signing.measurements,
         "of an image that may hold the root; repeatable"                                      },
        {"--any-measurement", NULL,     FLAG_SWITCH, &signing.any_measurement,
         "show it, do not judge it"                                                            },
        {"--yes",             NULL,     FLAG_SWITCH, &signing.is_sure,         "sign it"       },
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (count != 1 || signing.key_path == NULL || signing.out == NULL) {
        return fail(run, CAUSE_USAGE,
                    "rotor authority sign --key key-1.pem --measurement "
                    "SHA256:... --out 1.sig --yes REQUEST",
                    "expected --key PEM, --out FILE and one request");
    }
    if (!settle(run, &signing, &code) ||
        !request_read(run, arguments[0], &request, &code)) {
        return code;
    }
    if (judge(run, &request, &signing, &code)) {
        say_request(&request);
        code = signing.is_sure
                   ? sign_request(run, &request, &signing)
                   : fail(run, CAUSE_USAGE, "--yes signs it",
                          "nothing was signed: read the order above first");
    }
    request_forget(&request);
    return code;
}

int main_authority(struct run *run, int count, char **arguments)
{
    static const struct verb verbs[] = {
        {"init", authority_init},
        {"set",  authority_set },
        {"show", authority_show},
        {"sign", authority_sign},
    };
    return run_verb(run, verbs, COUNT_OF(verbs), count, arguments);
}
