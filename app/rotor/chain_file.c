// SPDX-License-Identifier: Apache-2.0
// rotor chain export and prune: the log leaves the device, and its oldest
// entries the device's disk.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/rotor/bundle.h"
#include "app/rotor/chain.h"
#include "app/rotor/log_stream.h"
#include "base/bytes.h"

static int not_fetched(const struct run *run, enum rotor_status status,
                       const struct relying_refusal *refusal)
{
    return fail(run, status == ROTOR_AGAIN ? CAUSE_TIMEOUT : CAUSE_UNAVAILABLE,
                "see: rotor doctor", "rotord: %s",
                refusal->text[0] != '\0' ? refusal->text
                                         : rotor_status_name(status));
}

// ---- export ----------------------------------------------------------------

struct exporting {
    struct log_writer writer;
    enum rotor_status status; // of the file
    bool has_first;
    struct wire_order first;
};

static enum rotor_status take(void *context, struct rotor_bytes bytes)
{
    struct exporting *export = context;
    struct chain_entry entry;
    if (!export->has_first && chain_entry_decode(bytes, &entry) == ROTOR_OK) {
        export->has_first = true;
        export->first =
            (struct wire_order){entry.body.incarnation, entry.body.epoch};
    }
    export->status = log_writer_add(&export->writer, bytes);
    return export->status;
}

static int say_exported(const struct run *run, const struct exporting *export,
                        const char *path)
{
    const struct log_writer *writer = &export->writer;
    if (run->is_json && strcmp(path, "-") != 0) {
        struct json out;
        begin_json(&out, "chain", true);
        json_text(&out, "file", path);
        json_number(&out, "entries_exported", writer->count);
        json_number(&out, "first_epoch", export->first.epoch);
        json_number(&out, "size", writer->size);
        json_end(&out);
    } else {
        fprintf(stderr, "rotor: %" PRIu64 " entries, %" PRIu64 " bytes\n",
                writer->count, writer->size);
    }
    if (export->first.epoch != 0) {
        fprintf(stderr,
                "rotor: warning: the device holds its log from epoch %" PRIu64
                " on: keep the exports that have what came before\n",
                export->first.epoch);
    }
    return EXIT_ACCEPTED;
}

int chain_export(struct run *run, const char *path)
{
    struct exporting export = {.status = ROTOR_OK};
    struct rotor_client *client = NULL;
    const struct wire_order all = {0, 0};
    struct relying_refusal refusal = {0};
    int code = EXIT_ACCEPTED;
    if (!daemon_open(run, &client, &code)) {
        return code;
    }
    const struct relying_device device = relying_device_of(client);
    const struct entry_sink sink = {&export, take, NULL};
    enum rotor_status status = log_writer_open(&export.writer, path);
    export.status = status;
    if (status == ROTOR_OK) {
        status = entries_fetch(&device, &all, &sink, &refusal);
    }
    rotor_client_close(client);
    enum rotor_status closed =
        log_writer_close(&export.writer, status == ROTOR_OK);
    if (export.status != ROTOR_OK ||
        (status == ROTOR_OK && closed != ROTOR_OK)) {
        return fail(run, CAUSE_UNREADABLE, NULL, "%s: %s", path,
                    strerror(errno));
    }
    return status == ROTOR_OK ? say_exported(run, &export, path)
                              : not_fetched(run, status, &refusal);
}

// ---- prune -----------------------------------------------------------------

bool chain_first_held(struct run *run, struct rotor_client *client,
                      uint64_t *epoch, int *code)
{
    uint8_t memory[64];
    struct rotor_room payload = ROOM_OF(memory);
    const struct wire_log_get get = {.max = 1};
    struct wire_log_entries reply;
    struct rotor_completion answer;
    struct cbor_reader in;
    struct chain_entry entry;
    bool is_encoded =
        wire_message_encode(&WIRE_LAYOUT_LOG_GET, &get, &payload) == ROTOR_OK;
    const struct rotor_request request = {.op = WIRE_OP_LOG_GET,
                                          .payload = bytes_in(&payload)};
    if (!is_encoded || !daemon_ask(run, client, &request, &answer, code)) {
        return false;
    }
    bool is_there = wire_message_decode(&WIRE_LAYOUT_LOG_ENTRIES,
                                        answer.payload, &reply) == ROTOR_OK;
    if (is_there) {
        cbor_reader_init(&in, reply.entries);
        is_there = cbor_read_array(&in) != 0 &&
                   chain_entry_decode(cbor_read_item(&in), &entry) == ROTOR_OK;
    }
    if (!is_there) {
        *code = fail(run, CAUSE_UNAVAILABLE, NULL, "there is no log yet");
        return false;
    }
    *epoch = entry.body.epoch;
    return true;
}

static int say_pruned(const struct run *run, uint64_t keep, uint64_t first)
{
    if (run->is_json) {
        struct json out;
        begin_json(&out, "chain", true);
        json_number(&out, "keep", keep);
        json_number(&out, "first_epoch", first);
        json_end(&out);
        return EXIT_ACCEPTED;
    }
    printf("the log is held from epoch %" PRIu64 " on, %" PRIu64
           " entries at least from now on\n",
           first, keep);
    return EXIT_ACCEPTED;
}

int chain_prune(struct run *run, uint64_t keep)
{
    uint8_t memory[16];
    struct rotor_room payload = ROOM_OF(memory);
    const struct wire_client_prune prune = {keep};
    struct rotor_client *client = NULL;
    struct rotor_completion answer;
    uint64_t first = 0;
    int code = EXIT_ACCEPTED;
    if (keep < CHAIN_KEEP_MIN || keep > UINT32_MAX) {
        return fail(run, CAUSE_USAGE, "rotor chain export FILE comes first",
                    "prune: --keep N, at least %u", CHAIN_KEEP_MIN);
    }
    if (wire_message_encode(&WIRE_LAYOUT_CLIENT_PRUNE, &prune, &payload) !=
        ROTOR_OK) {
        return fail(run, CAUSE_PLATFORM, NULL, "the order cannot be made");
    }
    if (!daemon_open(run, &client, &code)) {
        return code;
    }
    const struct rotor_request request = {.op = WIRE_OP_PRUNE,
                                          .payload = bytes_in(&payload)};
    bool is_done = chain_first_held(run, client, &first, &code) &&
                   daemon_ask(run, client, &request, &answer, &code) &&
                   chain_first_held(run, client, &first, &code);
    rotor_client_close(client);
    return is_done ? say_pruned(run, keep, first) : code;
}
