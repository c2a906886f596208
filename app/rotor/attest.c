// SPDX-License-Identifier: Apache-2.0
// rotor attest: evidence over a verifier's nonce, with the log, as a file.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "app/rotor/bundle.h"
#include "app/rotor/command.h"
#include "app/rotor/leaf.h"
#include "app/rotor/platform.h"
#include "base/bytes.h"

struct attestation {
    uint8_t nonce[WIRE_NONCE_SIZE];
    bool wants_head;
    uint64_t since; // first epoch of the log in the bundle
    const char *out;
    const char *leaf_key; // --leaf
    struct leaf leaf;
    struct wire_attest_core core;
    size_t request_size;
    size_t response_size;
    uint8_t request[1024];
    uint8_t response[WIRE_CLIENT_MAX];
    struct entry_list log;
    uint8_t ud[CHAIN_UD_SIZE]; // that evidence of the platform is over
    struct platform_flags flags;
    struct rotor_room platform; // Evidence, on the heap
};

static int take_nonce(const struct run *run, const char *text,
                      struct attestation *a)
{
    struct rotor_room nonce = ROOM_OF(a->nonce);
    if (text == NULL) {
        return fail(run, CAUSE_USAGE,
                    "the verifier makes it: openssl rand -hex 32",
                    "no nonce: nobody could tell whether the evidence is "
                    "fresh");
    }
    if (!parse_hex(text, &nonce) || nonce.used != WIRE_NONCE_SIZE) {
        return fail(run, CAUSE_USAGE,
                    "the verifier makes it: openssl rand -hex 32",
                    "--nonce: expected 64 hex digits");
    }
    return EXIT_ACCEPTED;
}

static bool make_request(const struct run *run, struct attestation *a,
                         const struct wire_digest *log_id, int *code)
{
    uint8_t sid[WIRE_ID_SIZE];
    struct rotor_room room = ROOM_OF(a->request);
    if (getrandom(sid, sizeof sid, 0) != (ssize_t)sizeof sid) {
        *code = fail(run, CAUSE_PLATFORM, NULL, "no random numbers: %s",
                     strerror(errno));
        return false;
    }
    const struct wire_attest_req content = {
        .log_id = *log_id,
        .sid = BYTES_OF(sid),
        .nonce = BYTES_OF(a->nonce),
        .suites = {3, {1, 2, 3}},
        .purpose = a->wants_head ? WIRE_PURPOSE_HEAD : WIRE_PURPOSE_ATTEST,
        .want_evidence = 1,
        .peer_binding = bytes_of(a->leaf.binding,
                                 a->leaf_key != NULL ? LEAF_BINDING_SIZE : 0),
    };
    if (wire_message_encode(&WIRE_LAYOUT_ATTEST_REQ, &content, &room) !=
        ROTOR_OK) {
        *code = fail(run, CAUSE_PLATFORM, NULL, "the request cannot be made");
        return false;
    }
    a->request_size = room.used;
    return true;
}

static bool ask(struct run *run, struct rotor_client *client,
                struct attestation *a, int *code)
{
    struct wire_client_status status;
    struct rotor_completion answer;
    struct wire_attest_rsp response;
    struct rotor_room room = ROOM_OF(a->response);
    if (!daemon_status(run, client, &status, code) ||
        !make_request(run, a, &status.log_id, code)) {
        return false;
    }
    const struct rotor_request request = {
        .op = WIRE_OP_ATTEST,
        .payload = bytes_of(a->request, a->request_size),
    };
    if (!daemon_ask(run, client, &request, &answer, code)) {
        return false;
    }
    bool is_answer =
        bytes_copy(&room, answer.payload) == ROTOR_OK &&
        wire_message_decode(&WIRE_LAYOUT_ATTEST_RSP, bytes_in(&room),
                            &response) == ROTOR_OK &&
        wire_message_decode(&WIRE_LAYOUT_ATTEST_CORE, response.core,
                            &a->core) == ROTOR_OK;
    a->response_size = room.used;
    if (!is_answer) {
        *code = fail(run, CAUSE_NOT_SUPPORTED,
                     "rotor and rotord must be of one version",
                     "rotord speaks another version of the protocol");
    }
    return is_answer;
}

static bool add_log(struct run *run, struct rotor_client *client,
                    struct attestation *a, int *code)
{
    const struct relying_device device = relying_device_of(client);
    const struct wire_order from = {0, a->since};
    struct relying_refusal refusal;
    enum rotor_status status =
        entry_list_fetch(&a->log, &device, &from, &a->core.body_hash, &refusal);
    if (status == ROTOR_OK) {
        return true;
    }
    *code = fail(
        run,
        status == ROTOR_TOO_SMALL ? CAUSE_NOT_SUPPORTED : CAUSE_DAEMON_DOWN,
        status == ROTOR_TOO_SMALL
            ? "--since EPOCH leaves out what the verifier knows"
            : NULL,
        "the log could not be fetched: %s%s%s", rotor_status_name(status),
        refusal.text[0] != '\0' ? ": " : "", refusal.text);
    return false;
}

// Over the UD that the answer's own Evidence carries.
static bool add_platform(const struct run *run, struct attestation *a,
                         int *code)
{
    if (platform_ud(bytes_of(a->request, a->request_size),
                    bytes_of(a->response, a->response_size),
                    a->ud) != ROTOR_OK) {
        *code = fail(run, CAUSE_PLATFORM, NULL, "the answer binds nothing");
        return false;
    }
    return platform_attest(run, &a->flags, a->ud, &a->platform, code);
}

// ---- the result ------------------------------------------------------------

static void json_base64(struct json *out, const char *key,
                        struct rotor_bytes bytes)
{
    char *text = malloc(4 * (bytes.size / 3 + 1) + 1);
    if (text == NULL) {
        json_null(out, key);
        return;
    }
    (void)EVP_EncodeBlock((unsigned char *)text, bytes.data, (int)bytes.size);
    json_text(out, key, text);
    free(text);
}

static void say_json(const struct attestation *a, struct rotor_bytes bundle)
{
    struct json out;
    begin_json(&out, "attest", true);
    json_digest(&out, "log_id", &a->core.log_id);
    json_number(&out, "epoch", a->core.epoch);
    json_digest(&out, "body_hash", &a->core.body_hash);
    json_hex(&out, "nonce", BYTES_OF(a->nonce));
    json_number(&out, "entries", a->log.count);
    json_number(&out, "size", bundle.size);
    json_hex(&out, "report_data", BYTES_OF(a->ud));
    if (a->out != NULL && strcmp(a->out, "-") != 0) {
        json_text(&out, "file", a->out);
    } else {
        json_base64(&out, "bundle_base64", bundle);
    }
    json_end(&out);
}

static int hand_out(const struct run *run, const struct attestation *a,
                    struct rotor_bytes bundle)
{
    bool is_file = a->out != NULL && strcmp(a->out, "-") != 0;
    int code = EXIT_UNABLE;
    if (is_file && !write_file(run, a->out, bundle, false, &code)) {
        return code;
    }
    if (run->is_json) {
        say_json(a, bundle);
        return EXIT_ACCEPTED;
    }
    if (!is_file && !write_file(run, "-", bundle, false, &code)) {
        return code;
    }
    char log[FINGERPRINT_SIZE];
    fingerprint(&a->core.log_id, log);
    fprintf(stderr, "rotor: attested: epoch %" PRIu64 ", log %s\n",
            a->core.epoch, log);
    return EXIT_ACCEPTED;
}

// A certificate around the bundle instead of the bundle.
static int certify(const struct run *run, const struct attestation *a,
                   struct rotor_bytes bundle)
{
    struct rotor_bytes pem;
    if (leaf_certify(&a->leaf, &a->core.log_id, bundle, &pem) != ROTOR_OK) {
        return fail(run, CAUSE_PLATFORM, NULL, "the certificate: not made");
    }
    int code = hand_out(run, a, pem);
    free((void *)(uintptr_t)pem.data);
    return code;
}

static int bundle_up(const struct run *run, const struct attestation *a)
{
    size_t capacity = a->log.size + a->platform.used + 2 * WIRE_CLIENT_MAX;
    struct rotor_room bundle = {malloc(capacity), capacity, 0};
    if (bundle.data == NULL) {
        return fail(run, CAUSE_PLATFORM, NULL, "out of memory");
    }
    const struct bundle_content content = {
        .request = bytes_of(a->request, a->request_size),
        .response = bytes_of(a->response, a->response_size),
        .entries = bytes_of(a->log.memory, a->log.size),
        .count = a->log.count,
        .platform = bytes_in(&a->platform),
    };
    enum rotor_status status = bundle_encode(&content, &bundle);
    int code = status == ROTOR_OK && a->leaf_key != NULL
                   ? certify(run, a, bytes_in(&bundle))
               : status == ROTOR_OK
                   ? hand_out(run, a, bytes_in(&bundle))
                   : fail(run, CAUSE_PLATFORM, NULL, "the bundle: %s",
                          rotor_status_name(status));
    free(bundle.data);
    return code;
}

int main_attest(struct run *run, int count, char **arguments)
{
    static struct attestation a;
    const char *nonce = NULL;
    struct rotor_client *client = NULL;
    int code = EXIT_ACCEPTED;
    const struct flag flags[] = {
        {"--nonce",        "HEX",   FLAG_TEXT,   &nonce,                "of the verifier, 32 bytes"},
        {"--out",          "FILE",  FLAG_TEXT,   &a.out,                "default: standard output" },
        {"--head",         NULL,    FLAG_SWITCH, &a.wants_head,
         "purpose 7: also proves that the log ends here"                                           },
        {"--leaf",         "KEY",   FLAG_TEXT,   &a.leaf_key,
         "a certificate for this private key, with the evidence in it"                             },
        {"--since",        "EPOCH", FLAG_NUMBER, &a.since,
         "leave out older entries; the verifier has them"                                          },
        {"--evidence",     "KIND",  FLAG_TEXT,   &a.flags.kind,
         "dice, always there; tpm: a quote; snp, tdx, tsm: a guest's report"                       },
        {"--tcti",         "TCTI",  FLAG_TEXT,   &a.flags.tcti,
         "how to reach the TPM, as tpm2-tss has it; default: its own"                              },
        {"--pcrs",         "LIST",  FLAG_TEXT,   &a.flags.registers,
         "registers to quote, e.g. 0-7,11; default: 0-7"                                           },
        {"--event-log",    "FILE",  FLAG_TEXT,   &a.flags.event_log,
         "of the firmware; default: the kernel's, if it has one"                                   },
        {"--tsm",          "DIR",   FLAG_TEXT,   &a.flags.tsm,
         "of a guest's reports; default: /sys/kernel/config/tsm/report"                            },
        {"--certificates", "FILE",  FLAG_TEXT,   &a.flags.certificates,
         "keep the table of certificates that the host hands out"                                  },
    };
    if (!flags_parse(run, flags, COUNT_OF(flags), &count, arguments, &code)) {
        return code;
    }
    if (count != 0) {
        return fail(run, CAUSE_USAGE, "rotor attest --help shows the flags",
                    "attest takes no argument: %s", arguments[0]);
    }
    if (!platform_is_known(run, &a.flags, &code)) {
        return code;
    }
    code = take_nonce(run, nonce, &a);
    if (code != EXIT_ACCEPTED) {
        return code;
    }
    if (a.out == NULL && !run->is_json && isatty(STDOUT_FILENO) == 1) {
        return fail(run, CAUSE_USAGE, "--out FILE, or > FILE",
                    "the evidence is binary and standard output is a terminal");
    }
    if (a.leaf_key != NULL && !leaf_open(run, a.leaf_key, &a.leaf, &code)) {
        return code;
    }
    if (!daemon_open(run, &client, &code)) {
        leaf_close(&a.leaf);
        return code;
    }
    if (ask(run, client, &a, &code) && add_log(run, client, &a, &code) &&
        add_platform(run, &a, &code)) {
        code = bundle_up(run, &a);
    }
    free(a.platform.data);
    rotor_client_close(client);
    entry_list_close(&a.log);
    leaf_close(&a.leaf);
    return code;
}
