// SPDX-License-Identifier: Apache-2.0
// rotor recover: brings the recovery authority's order to the device.
//
//     device     rotor recover request    -> REQUEST
//     authority  rotor authority sign     -> k signatures, offline
//     device     rotor recover apply REQUEST SIGNATURE...
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/rotor/authority.h"
#include "app/rotor/bundle.h"
#include "app/rotor/chain.h"
#include "base/bytes.h"
#include "wire/cbor.h"

#define ORDER_MAX     5120u
#define SIGNED_MAX    9216u
#define SIGNATURE_MAX 1024u

struct wish {
    struct authority authority; // from then on
    uint64_t suite;             // 0: the one in use
    bool without_old;
    bool has_supersedes;
    struct wire_head supersedes;
    const char *out;
};

// ---- what is superseded ----------------------------------------------------

// The device's entry at that place is the one that `head` names.
static bool is_at(struct rotor_client *client, uint32_t incarnation,
                  const struct wire_head *head)
{
    static struct entry_reader reader;
    const struct relying_device device = relying_device_of(client);
    struct rotor_bytes bytes;
    struct chain_entry entry;
    struct wire_digest hash;
    reader = (struct entry_reader){
        .device = &device, .from = {incarnation, head->epoch}
    };
    return entry_reader_next(&reader, &bytes) == ROTOR_OK &&
           chain_entry_decode(bytes, &entry) == ROTOR_OK &&
           entry.body.suite_is_known &&
           chain_body_hash(&entry.body, &hash) == ROTOR_OK &&
           wire_digest_equal(&hash, &head->body_hash);
}

// An RTP that dropped it refuses the entry of the recovery, and the AP has
// switched by then.  False: said why.
static bool is_held(struct run *run, struct rotor_client *client,
                    const struct wire_head *head, int *code)
{
    struct wire_client_status status;
    uint64_t first = 0;
    if (!daemon_status(run, client, &status, code)) {
        return false;
    }
    for (uint64_t i = status.incarnation + 1; i > 0; i--) {
        if (is_at(client, (uint32_t)(i - 1), head)) {
            return true;
        }
    }
    if (chain_first_held(run, client, &first, code)) {
        *code = fail(run, CAUSE_UNAVAILABLE,
                     "supersede an entry that rotor chain lists: the newest "
                     "good one, or the oldest of them",
                     "the device holds no entry of epoch %" PRIu64
                     " with that hash: its log begins at epoch %" PRIu64,
                     head->epoch, first);
    }
    return false;
}

// ---- request ---------------------------------------------------------------

static int request_then(struct run *run, const void *context,
                        struct rotor_client *client)
{
    const struct wish *wish = context;
    uint8_t memory[ORDER_MAX];
    struct rotor_room payload = ROOM_OF(memory);
    const struct wire_client_recover order = {
        .ra_set = wish->authority.bytes,
        .has_suite = wish->suite != 0,
        .suite = wish->suite,
        .has_supersedes = wish->has_supersedes,
        .supersedes = wish->supersedes,
        .with_old = wish->without_old ? 0 : 1,
    };
    struct rotor_completion answer;
    int code = EXIT_ACCEPTED;
    if (wish->has_supersedes &&
        !is_held(run, client, &wish->supersedes, &code)) {
        return code;
    }
    if (wire_message_encode(&WIRE_LAYOUT_CLIENT_RECOVER, &order, &payload) !=
        ROTOR_OK) {
        return fail(run, CAUSE_UNPARSABLE, NULL, "the set is too large");
    }
    const struct rotor_request request = {.op = WIRE_OP_RECOVER,
                                          .payload = bytes_in(&payload)};
    if (!daemon_ask(run, client, &request, &answer, &code) ||
        !write_file(run, wish->out, answer.payload, false, &code)) {
        return code;
    }
    if (run->is_json) {
        struct json out;
        begin_json(&out, "recover", true);
        json_text(&out, "request", wish->out);
        json_end(&out);
    } else {
        fprintf(stderr,
                "rotor: request: %s\n"
                "rotor: hint: rotor authority sign, by as many keys as the "
                "authority asks for; then rotor recover apply\n",
                wish->out);
    }
    return EXIT_ACCEPTED;
}

static int with_client(struct run *run, const void *context,
                       int (*then)(struct run *run, const void *context,
                                   struct rotor_client *client))
{
    struct rotor_client *client = NULL;
    int code = EXIT_ACCEPTED;
    if (!daemon_open(run, &client, &code)) {
        return code;
    }
    code = then(run, context, client);
    rotor_client_close(client);
    return code;
}

static int recover_request(struct run *run, int count, char **arguments)
{
    struct wish wish = {0};
    const char *set = NULL;
    const char *superseded = NULL;
    uint64_t epoch = UINT64_MAX;
    int code = 0;
    const struct flag flags[] = {
        {"--authority",   "SET",    FLAG_TEXT,   &set,              "who may recover from then on"},
        {"--suite",       "N",      FLAG_NUMBER, &wish.suite,
         "of the new root; default the one in use"                                                },
        {"--epoch",       "EPOCH",  FLAG_NUMBER, &epoch,
         "last good one; default the newest"                                                      },
        {"--body-hash",   "DIGEST", FLAG_TEXT,   &superseded,
         "of that epoch: rotor chain shows it"                                                    },
        {"--without-old", NULL,     FLAG_SWITCH, &wish.without_old,
         "the superseded root does not sign"                                                      },
        {"--out",         "FILE",   FLAG_TEXT,   &wish.out,         "the request"                 },
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    wish.has_supersedes = epoch != UINT64_MAX && superseded != NULL;
    wish.supersedes.epoch = epoch;
    bool is_half = (epoch != UINT64_MAX) != (superseded != NULL);
    bool is_digest = superseded == NULL ||
                     parse_digest(superseded, &wish.supersedes.body_hash);
    if (set == NULL || wish.out == NULL || count != 0 || is_half ||
        !is_digest || wish.suite > 3) {
        return fail(run, CAUSE_USAGE,
                    "rotor recover request --authority DIR/set --out REQUEST",
                    "expected --authority SET and --out FILE; --epoch and "
                    "--body-hash go together");
    }
    if (!authority_read(run, set, &wish.authority, &code)) {
        return code;
    }
    code = with_client(run, &wish, request_then);
    authority_forget(&wish.authority);
    return code;
}

// ---- apply -----------------------------------------------------------------

struct order {
    struct request request;
    uint8_t sigs[SIGNED_MAX];
    uint8_t sets[SIGNED_MAX];
    struct wire_recover_signed message;
};

static int apply_then(struct run *run, const void *context,
                      struct rotor_client *client)
{
    const struct order *order = context;
    uint8_t memory[SIGNED_MAX];
    struct rotor_room payload = ROOM_OF(memory);
    struct rotor_completion answer;
    struct wire_client_status status;
    int code = EXIT_ACCEPTED;
    // Since it was requested the log may have been pruned.
    if (!is_held(run, client, &order->request.body.supersedes, &code)) {
        return code;
    }
    if (wire_message_encode(&WIRE_LAYOUT_RECOVER_SIGNED, &order->message,
                            &payload) != ROTOR_OK) {
        return fail(run, CAUSE_UNPARSABLE, NULL, "too many signatures");
    }
    const struct rotor_request request = {.op = WIRE_OP_RECOVERED,
                                          .payload = bytes_in(&payload)};
    if (!daemon_ask(run, client, &request, &answer, &code) ||
        !daemon_status(run, client, &status, &code)) {
        return code;
    }
    if (run->is_json) {
        struct json out;
        begin_json(&out, "recover", true);
        json_digest(&out, "log_id", &status.log_id);
        json_number(&out, "incarnation", status.incarnation);
        json_number(&out, "epoch", status.epoch);
        json_digest(&out, "body_hash", &status.body_hash);
        json_digest(&out, "fingerprint", &status.sign_kid);
        json_end(&out);
        return EXIT_ACCEPTED;
    }
    char root[FINGERPRINT_SIZE];
    fingerprint(&status.sign_kid, root);
    printf("recovered: incarnation %" PRIu64 ", epoch %" PRIu64 ", root %s\n",
           status.incarnation, status.epoch, root);
    return EXIT_ACCEPTED;
}

static bool add_signature(const struct run *run, const char *path,
                          struct cbor_writer *out, int *code)
{
    struct rotor_bytes sign1;
    if (!read_file(run, path, SIGNATURE_MAX, &sign1, code)) {
        return false;
    }
    cbor_write_bytes(out, sign1);
    free((void *)(uintptr_t)sign1.data);
    return true;
}

static bool add_set(const struct run *run, const char *path,
                    struct cbor_writer *out, int *code)
{
    struct authority authority;
    if (!authority_read(run, path, &authority, code)) {
        return false;
    }
    cbor_write_raw(out, authority.bytes);
    authority_forget(&authority);
    return true;
}

// An array of what the files hold.
static bool gather(const struct run *run, const struct flag_list *paths,
                   bool (*add)(const struct run *run, const char *path,
                               struct cbor_writer *out, int *code),
                   struct rotor_room *array, int *code)
{
    struct cbor_writer out;
    cbor_writer_init(&out, array);
    cbor_write_array(&out, paths->count);
    for (size_t i = 0; i < paths->count; i++) {
        if (!add(run, paths->values[i], &out, code)) {
            return false;
        }
    }
    if (cbor_writer_finish(&out) != ROTOR_OK) {
        *code = fail(run, CAUSE_UNPARSABLE, NULL,
                     "too much: at most 32 signatures and two sets");
        return false;
    }
    return true;
}

static int apply_order(struct run *run, const struct flag_list *sets,
                       const struct flag_list *signatures, struct order *order)
{
    struct rotor_room sig_room = ROOM_OF(order->sigs);
    struct rotor_room set_room = ROOM_OF(order->sets);
    int code = EXIT_ACCEPTED;
    if (!gather(run, signatures, add_signature, &sig_room, &code) ||
        !gather(run, sets, add_set, &set_room, &code)) {
        return code;
    }
    order->message = (struct wire_recover_signed){
        .log_id = order->request.body.log_id,
        .body_hash = order->request.body_hash,
        .sig_ra = bytes_in(&sig_room),
        .ra_sets = bytes_in(&set_room),
    };
    return with_client(run, order, apply_then);
}

static int recover_apply(struct run *run, int count, char **arguments)
{
    struct flag_list sets = {0};
    struct flag_list signatures = {0};
    static struct order order;
    int code = 0;
    const struct flag flags[] = {
        {"--authority", "SET", FLAG_LIST, &sets,
         "whose keys signed; the old and a new one if it changes"},
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    bool is_whole = count >= 2 && (size_t)count - 1 <= FLAG_LIST_MAX &&
                    sets.count >= 1 && sets.count <= 2;
    if (!is_whole) {
        return fail(run, CAUSE_USAGE,
                    "rotor recover apply --authority DIR/set REQUEST 1.sig "
                    "2.sig",
                    "expected --authority SET (once or twice), a request and "
                    "its signatures");
    }
    for (int i = 1; i < count; i++) {
        signatures.values[signatures.count++] = arguments[i];
    }
    if (!request_read(run, arguments[0], &order.request, &code)) {
        return code;
    }
    code = apply_order(run, &sets, &signatures, &order);
    request_forget(&order.request);
    return code;
}

int main_recover(struct run *run, int count, char **arguments)
{
    static const struct verb verbs[] = {
        {"request", recover_request},
        {"apply",   recover_apply  },
    };
    return run_verb(run, verbs, COUNT_OF(verbs), count, arguments);
}
