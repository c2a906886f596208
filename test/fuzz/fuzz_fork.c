// SPDX-License-Identifier: Apache-2.0
// Proofs of forks as files, decoded and judged.
//
// What is taken has one encoding; a log that does not hold proves nothing.
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/rotor/fork_proof.h"
#include "base/bytes.h"
#include "test/fuzz/fuzz.h"

static const char *put(const uint8_t *data, size_t size)
{
    static char path[64];
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("proof", MFD_CLOEXEC);
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    FUZZ_CHECK(ftruncate(fd, 0) == 0);
    FUZZ_CHECK(pwrite(fd, data, size, 0) == (ssize_t)size);
    return path;
}

static void write_again(const struct fork_bodies *bodies,
                        struct rotor_bytes input)
{
    static uint8_t memory[2 * WIRE_ENTRY_MAX + 64];
    struct rotor_room room = ROOM_OF(memory);
    struct cbor_writer out;
    cbor_writer_init(&out, &room);
    cbor_write_text(&out, LABEL("rotor fork/2"));
    cbor_write_bytes(&out, bodies->accepted);
    cbor_write_bytes(&out, bodies->other);
    FUZZ_CHECK(cbor_writer_finish(&out) == ROTOR_OK);
    FUZZ_CHECK(room.used <= input.size);
    FUZZ_CHECK(bytes_equal(bytes_in(&room), bytes_of(input.data, room.used)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fork_proof proof;
    struct fork_finding finding;
    if (fork_proof_open(&proof, put(data, size)) != ROTOR_OK) {
        return 0;
    }
    write_again(&proof.bodies, bytes_of(data, size));
    enum rotor_status status = fork_proof_judge(&proof, &finding);
    FUZZ_CHECK(status == ROTOR_OK || status == ROTOR_MALFORMED);
    FUZZ_CHECK(status == ROTOR_OK || finding.fork == CHAIN_FORK_UNJUDGED);
    FUZZ_CHECK(finding.reason == NULL || finding.fork == CHAIN_FORK_UNJUDGED);
    fork_proof_close(&proof);
    return 0;
}
