// SPDX-License-Identifier: Apache-2.0
// Refusals of answers, images and stores that are not what they should be.
#include "app/rotor/tour.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "boot/reason.h"

// ---- a replayed answer -----------------------------------------------------

enum replay { REPLAY_RECORD, REPLAY_AS_IT_WAS, REPLAY_PATCHED };

// On the way to the device: keeps an answer and gives it again.
struct replayer {
    struct relying_device device;
    enum replay mode;
    size_t size;
    uint8_t kept[WIRE_CLIENT_MAX];
    uint8_t core[WIRE_CLIENT_MAX];
};

// The old answer with the new nonce written into it.
static enum rotor_status patch(struct replayer *replayer,
                               struct rotor_bytes asked,
                               struct rotor_room *reply)
{
    struct wire_attest_req request;
    struct wire_attest_rsp response;
    struct wire_attest_core core;
    struct rotor_room room = ROOM_OF(replayer->core);
    TRY(wire_message_decode(&WIRE_LAYOUT_ATTEST_REQ, asked, &request));
    TRY(wire_message_decode(&WIRE_LAYOUT_ATTEST_RSP,
                            bytes_of(replayer->kept, replayer->size),
                            &response));
    TRY(wire_message_decode(&WIRE_LAYOUT_ATTEST_CORE, response.core, &core));
    core.sid = request.sid;
    core.nonce = request.nonce;
    TRY(wire_message_encode(&WIRE_LAYOUT_ATTEST_CORE, &core, &room));
    response.core = bytes_in(&room);
    return wire_message_encode(&WIRE_LAYOUT_ATTEST_RSP, &response, reply);
}

static enum rotor_status ask_replayer(void *context, uint64_t op,
                                      struct rotor_bytes payload,
                                      struct rotor_room *reply,
                                      struct relying_refusal *refusal)
{
    struct replayer *replayer = context;
    struct rotor_room kept = ROOM_OF(replayer->kept);
    bool is_attest = op == WIRE_OP_ATTEST;
    if (is_attest && replayer->mode == REPLAY_AS_IT_WAS) {
        return bytes_copy(reply, bytes_of(replayer->kept, replayer->size));
    }
    if (is_attest && replayer->mode == REPLAY_PATCHED) {
        return patch(replayer, payload, reply);
    }
    TRY(replayer->device.ask(replayer->device.context, op, payload, reply,
                             refusal));
    if (is_attest) {
        TRY(bytes_copy(&kept, bytes_in(reply)));
        replayer->size = kept.used;
    }
    return ROTOR_OK;
}

static bool replay_once(struct tour *tour, struct replayer *replayer,
                        struct tour_party *party, const char *words)
{
    const struct relying_device device = {replayer, ask_replayer};
    const struct relying_wish wish = {0};
    const struct relying_outcome *outcome = &party->report.outcome;
    party->report = (struct relying_report){.steps = 0};
    bool is_accepted =
        relying_attest(&party->party, &device, &wish, &party->report) &&
        verify_answer_is_accepted(&party->report.answer);
    if (words == NULL) {
        return is_accepted ||
               tour_fail(tour, "the first answer: %s", outcome->reason);
    }
    if (is_accepted || outcome->cause != CAUSE_EVIDENCE_REFUSED ||
        strstr(outcome->reason, words) == NULL) {
        return tour_fail(tour, "expected \"%s\", got \"%s\"", words,
                         is_accepted ? "accepted" : outcome->reason);
    }
    return true;
}

static bool replay_all(struct tour *tour, struct replayer *replayer,
                       struct tour_party *party)
{
    const struct relying_outcome *outcome = &party->report.outcome;
    replayer->mode = REPLAY_RECORD;
    if (!replay_once(tour, replayer, party, NULL)) {
        return false;
    }
    replayer->mode = REPLAY_AS_IT_WAS;
    if (!replay_once(tour, replayer, party, "another request")) {
        return false;
    }
    tour_text(tour, "code", cause_name(outcome->cause));
    tour_text(tour, "reason", outcome->reason);
    tour_say(tour, "as it was: %s", outcome->reason);
    replayer->mode = REPLAY_PATCHED;
    if (!replay_once(tour, replayer, party, "signature")) {
        return false;
    }
    tour_text(tour, "reason_patched", outcome->reason);
    tour_say(tour, "with the new nonce written into it: %s", outcome->reason);
    return true;
}

bool tour_replay(struct tour *tour)
{
    static struct replayer replayer;
    static struct tour_party party;
    struct rotor_client *client = NULL;
    if (!tour_party_open(tour, &party, "replayed")) {
        return false;
    }
    if (rotor_client_connect(&client, tour->plain.address) != ROTOR_OK) {
        relying_close(&party.party);
        return tour_fail(tour, "%s", strerror(errno));
    }
    replayer.device = relying_device_of(client);
    bool is_good = replay_all(tour, &replayer, &party);
    rotor_client_close(client);
    relying_close(&party.party);
    return is_good;
}

// ---- images ----------------------------------------------------------------

// Starts a device and expects that stage 0 refuses its enclave's slot.
static bool expect_no_boot(struct tour *tour, struct tour_device *device,
                           enum boot_reason reason)
{
    char wanted[160];
    char line[256] = "";
    (void)snprintf(wanted, sizeof wanted, "enclave: slot a refused: %s",
                   boot_reason_text(reason));
    bool is_refused = tour_device_start(tour, device, "no image that may run");
    pid_t enclave =
        device->rotord > 0 ? tour_child_of(device->rotord, "rotor-enclave") : 0;
    tour_device_stop(device);
    if (!is_refused || enclave != 0 ||
        !tour_line_with(device->log, wanted, line, sizeof line)) {
        (void)tour_line_with(device->log, "refused", line, sizeof line);
        return tour_fail(tour, "expected \"%s\", got \"%s\"", wanted, line);
    }
    tour_say(tour, "%s", line);
    tour_text(tour, "reason", boot_reason_text(reason));
    return true;
}

static bool flip_a_bit(const char *path)
{
    uint8_t byte = 0;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    off_t middle = fd >= 0 ? lseek(fd, 0, SEEK_END) / 2 : 0;
    bool is_read = fd >= 0 && pread(fd, &byte, 1, middle) == 1;
    byte ^= 0x10;
    bool is_done = is_read && pwrite(fd, &byte, 1, middle) == 1;
    if (fd >= 0) {
        close(fd);
    }
    return is_done;
}

bool tour_flipped_bit(struct tour *tour)
{
    struct tour_device device;
    char slot[TOUR_PATH_MAX + 32];
    if (!tour_device_copy(tour, &tour->plain, &device, "flipped")) {
        return false;
    }
    (void)snprintf(slot, sizeof slot, "%s/boot/enclave.a", device.state);
    if (!flip_a_bit(slot)) {
        return tour_fail(tour, "%s: %s", slot, strerror(errno));
    }
    bool is_good = expect_no_boot(tour, &device, BOOT_BAD_DIGEST);
    return tour_remove(device.state) && is_good;
}

static bool refuse_install(struct tour *tour)
{
    static struct tour_output output;
    char message[256];
    const char *const arguments[] = {
        "image",      "install", "--state", tour->plain.state,
        "--activate", "old.img", NULL};
    tour_run(tour, arguments, &output);
    bool is_refused =
        tour_was_refused(&output, "ROLLED_BACK", "below the floor", message);
    tour_text(tour, "install_code", "ROLLED_BACK");
    tour_text(tour, "install_reason", message);
    tour_say(tour, "rotor image install: %s", message);
    return is_refused || tour_fail(tour,
                                   "rotor image install: exit code %d "
                                   "%s",
                                   output.code, message);
}

bool tour_older_image(struct tour *tour)
{
    struct tour_device device;
    char old[TOUR_PATH_MAX];
    char slot[TOUR_PATH_MAX + 32];
    if (!refuse_install(tour) ||
        !tour_device_copy(tour, &tour->plain, &device, "older")) {
        return false;
    }
    // Past the tool, over the file of the slot.
    tour_path(tour, old, "old.img");
    (void)snprintf(slot, sizeof slot, "%s/boot/enclave.a", device.state);
    if (!tour_copy_file(old, slot, 0600)) {
        return tour_fail(tour, "%s: %s", slot, strerror(errno));
    }
    bool is_good = expect_no_boot(tour, &device, BOOT_BELOW_FLOOR);
    return tour_remove(device.state) && is_good;
}

// ---- a store that was put back ---------------------------------------------

static bool put_back(struct tour *tour, struct tour_device *device)
{
    char old[TOUR_PATH_MAX];
    char store[TOUR_PATH_MAX + 16];
    if (!tour_device_copy(tour, &tour->plain, device, "back")) {
        return false;
    }
    tour_path(tour, old, "enclave.old");
    (void)snprintf(store, sizeof store, "%s/enclave", device->state);
    return (tour_remove(store) && tour_copy_folder(old, store)) ||
           tour_fail(tour, "%s: %s", store, strerror(errno));
}

static bool refuse_answers(struct tour *tour, const struct tour_device *device)
{
    static const char nonce[] = "00112233445566778899aabbccddeeff"
                                "00112233445566778899aabbccddeeff";
    static struct tour_output output;
    char message[256] = "";
    char code[64] = "";
    const char *const arguments[] = {"attest",  "--state", device->state,
                                     "--nonce", nonce,     NULL};
    tour_run(tour, arguments, &output);
    (void)tour_find_text(output.text, "code", code, sizeof code);
    (void)tour_find_text(output.text, "message", message, sizeof message);
    tour_text(tour, "code", code);
    tour_say(tour, "rotor attest: %s: %s", code, message);
    return output.code == EXIT_UNABLE || output.code == EXIT_REFUSED ||
           tour_fail(tour, "it attests: exit code %d", output.code);
}

bool tour_rolled_back(struct tour *tour)
{
    static const char words[] = "alarm: enclave rolled back";
    struct tour_device device;
    char line[256] = "";
    if (!put_back(tour, &device) || !tour_device_start(tour, &device, words)) {
        return false;
    }
    (void)tour_line_with(device.log, words, line, sizeof line);
    tour_text(tour, "reason", line);
    tour_say(tour, "files and anchor of epoch 0 under an RTP that knows more");
    tour_say(tour, "%s", line);
    bool is_good = refuse_answers(tour, &device);
    tour_device_stop(&device);
    return tour_remove(device.state) && is_good;
}
