// SPDX-License-Identifier: Apache-2.0
// What is sealed to a TPM: who gets it out again, and what crosses the bus.
#include "port/linux/seal_tpm.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "crypto/crypto.h"
#include "test/spec.h"
#include "test/spec/software_tpm.h"

static struct software_tpm software;
static const uint8_t HW_SECRET[32] = {0x41, 0x50};

static uint8_t memory[SEAL_TPM_BLOB_MAX];
static struct rotor_room blob;
static uint8_t secret[SEAL_TPM_SECRET];
static uint8_t seen[SEAL_TPM_SECRET];

static void make_on(int fd, uint32_t registers)
{
    struct seal_tpm seal = {fd, HW_SECRET, registers, ""};
    blob = ROOM_OF(memory);
    enum rotor_status status = seal_tpm_make(&seal, secret, &blob);
    if (status != ROTOR_OK) {
        print_message("%s\n", seal.fault);
    }
    assert_ok(status);
}

static enum rotor_status open_on(int fd, uint32_t registers)
{
    struct seal_tpm seal = {fd, HW_SECRET, registers, ""};
    return seal_tpm_open(&seal, bytes_in(&blob), seen);
}

static void make(uint32_t registers)
{
    int fd = software_tpm_connect(&software);
    make_on(fd, registers);
    close(fd);
}

static enum rotor_status open_again(uint32_t registers)
{
    int fd = software_tpm_connect(&software);
    enum rotor_status status = open_on(fd, registers);
    close(fd);
    return status;
}

static void assert_nothing_seen(void)
{
    static const uint8_t zeros[SEAL_TPM_SECRET];
    assert_memory_equal(seen, zeros, sizeof seen);
}

SPEC("what was sealed comes out again, as often as asked and behind a restart")
{
    SOFTWARE_TPM_OR_SKIP(&software);
    make(0);
    // More than a TPM has room for objects and sessions: nothing is left there.
    for (int i = 0; i < 100; i++) {
        assert_ok(open_again(0));
        assert_memory_equal(seen, secret, sizeof seen);
    }
    software_tpm_restart(&software);
    assert_ok(open_again(0));
    assert_memory_equal(seen, secret, sizeof seen);
    software_tpm_stop(&software);
}

SPEC("two seals of one enclave hold two secrets")
{
    uint8_t first[SEAL_TPM_SECRET];
    SOFTWARE_TPM_OR_SKIP(&software);
    make(0);
    memcpy(first, secret, sizeof first);
    make(0);
    assert_memory_not_equal(first, secret, sizeof first);
    int fd = software_tpm_connect(&software);
    for (int i = 0; i < 20; i++) { // nothing is left in the TPM
        make_on(fd, 0x800000);
    }
    close(fd);
    software_tpm_stop(&software);
}

SPEC("another enclave gets nothing, and locks nobody out by trying")
{
    uint8_t other[32] = {0x42};
    SOFTWARE_TPM_OR_SKIP(&software);
    make(0);
    int fd = software_tpm_connect(&software);
    struct seal_tpm thief = {fd, other, 0, ""};
    for (int i = 0; i < 40; i++) {
        assert_int_equal(seal_tpm_open(&thief, bytes_in(&blob), seen),
                         ROTOR_FORBIDDEN);
        assert_non_null(strstr(thief.fault, "another enclave"));
        assert_nothing_seen();
    }
    assert_ok(open_on(fd, 0));
    close(fd);
    software_tpm_stop(&software);
}

SPEC("another TPM gets nothing, nor the same one that was cleared")
{
    SOFTWARE_TPM_OR_SKIP(&software);
    make(0);
    software_tpm_run(&software, "tpm2_clear -c p");
    assert_int_equal(open_again(0), ROTOR_FORBIDDEN);
    assert_nothing_seen();
    software_tpm_stop(&software);
    SOFTWARE_TPM_OR_SKIP(&software);
    assert_int_equal(open_again(0), ROTOR_FORBIDDEN);
    assert_nothing_seen();
    software_tpm_stop(&software);
}

SPEC("the policy alone opens it: not the value as a password")
{
    uint8_t auth[32];
    char key[65];
    struct rotor_room room = ROOM_OF(auth);
    SOFTWARE_TPM_OR_SKIP(&software);
    assert_ok(crypto_expand(CRYPTO_SHA256, HW_SECRET, LABEL("rotor1 seal tpm"),
                            &room));
    for (size_t i = 0; i < 32; i++) {
        snprintf(key + 2 * i, 3, "%02x", auth[i]);
    }
    make(0x800000);
    size_t first = 2u + bytes_be16(blob.data);
    char path[100];
    snprintf(path, sizeof path, "%s/blob", software.folder);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(blob.data, 1, blob.used, file), blob.used);
    fclose(file);
    // The same key by a second implementation, TCG's template by its name.
    software_tpm_run(
        &software,
        "cd '%s' && head -c %zu blob >r && tail -c +%zu blob >u && "
        "tpm2_createprimary -Q -C o -G ecc -c p -a "
        "'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|"
        "restricted|decrypt' && tpm2_flushcontext -t && tpm2_load -Q -C p -r r "
        "-u u "
        "-c o && tpm2_flushcontext -t && ! tpm2_unseal -c o -p hex:%s && "
        "tpm2_flushcontext -t && tpm2_startauthsession --policy-session -S s "
        "&& tpm2_policypcr -Q -S s -l sha256:23 && tpm2_policyauthvalue -Q -S "
        "s && tpm2_unseal -c o -p session:s+hex:%s >out",
        software.folder, first, first + 1, key, key);
    snprintf(path, sizeof path, "%s/out", software.folder);
    file = fopen(path, "re");
    assert_non_null(file);
    assert_int_equal(fread(seen, 1, sizeof seen, file), sizeof seen);
    fclose(file);
    assert_memory_equal(seen, secret, sizeof seen);
    software_tpm_stop(&software);
}

SPEC("registers that changed, or another choice of them, open nothing")
{
    SOFTWARE_TPM_OR_SKIP(&software);
    make(0x810000);
    assert_ok(open_again(0x810000));
    assert_memory_equal(seen, secret, sizeof seen);
    assert_int_equal(open_again(0), ROTOR_FORBIDDEN);
    assert_int_equal(open_again(0x10000), ROTOR_FORBIDDEN);
    assert_nothing_seen();
    software_tpm_run(&software, "tpm2_pcrextend 23:sha256="
                                "00000000000000000000000000000000"
                                "00000000000000000000000000000001");
    assert_int_equal(open_again(0x810000), ROTOR_FORBIDDEN);
    assert_nothing_seen();
    software_tpm_run(&software, "tpm2_pcrreset 23");
    assert_ok(open_again(0x810000));
    assert_memory_equal(seen, secret, sizeof seen);
    software_tpm_stop(&software);
}

SPEC("registers that the TPM does not keep are refused, not passed over")
{
    SOFTWARE_TPM_OR_SKIP(&software);
    software_tpm_run(&software, "tpm2_pcrallocate sha1:all+sha256:none+"
                                "sha384:none+sha512:none");
    software_tpm_restart(&software);
    struct seal_tpm seal = {software_tpm_connect(&software), HW_SECRET, 0x80,
                            ""};
    blob = ROOM_OF(memory);
    assert_int_equal(seal_tpm_make(&seal, seen, &blob), ROTOR_PORT_FAILED);
    assert_non_null(strstr(seal.fault, "does not keep all registers"));
    assert_nothing_seen();
    close(seal.fd);
    software_tpm_stop(&software);
}

SPEC("a blob with one bit changed in any byte, cut or longer, opens nothing")
{
    SOFTWARE_TPM_OR_SKIP(&software);
    make(0);
    int fd = software_tpm_connect(&software);
    for (size_t i = 0; i < blob.used; i++) {
        memory[i] ^= 0x10;
        assert_int_not_equal(open_on(fd, 0), ROTOR_OK);
        assert_nothing_seen();
        memory[i] ^= 0x10;
    }
    size_t whole = blob.used;
    for (blob.used = 0; blob.used < whole; blob.used++) {
        assert_int_equal(open_on(fd, 0), ROTOR_FORBIDDEN);
    }
    assert_ok(open_on(fd, 0));
    memory[blob.used++] = 0;
    assert_int_equal(open_on(fd, 0), ROTOR_FORBIDDEN);
    close(fd);
    software_tpm_stop(&software);
}

SPEC("a TPM that does not answer, or whose owner has a password, is a fault")
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    shutdown(pair[1], SHUT_WR);
    struct seal_tpm seal = {pair[0], HW_SECRET, 0, ""};
    blob = ROOM_OF(memory);
    assert_int_equal(seal_tpm_make(&seal, seen, &blob), ROTOR_PORT_FAILED);
    assert_nothing_seen();
    close(pair[0]);
    close(pair[1]);
    SOFTWARE_TPM_OR_SKIP(&software);
    software_tpm_run(&software, "tpm2_changeauth -c o secret");
    seal.fd = software_tpm_connect(&software);
    assert_int_equal(seal_tpm_make(&seal, seen, &blob), ROTOR_FORBIDDEN);
    assert_non_null(strstr(seal.fault, "password"));
    assert_nothing_seen();
    close(seal.fd);
    software_tpm_stop(&software);
}

// ---- someone in between ----------------------------------------------------

// Looks at all that passes, and may change a byte of one kind of answer.
struct between {
    int ours;
    int tpm;
    uint32_t command; // whose answers are changed
    size_t flip_at;   // a byte of them
    size_t last_size; // of such an answer
    bool saw_secret;
};

static void look(struct between *b, const uint8_t *bytes, size_t size)
{
    b->saw_secret |= memmem(bytes, size, secret, sizeof secret) != NULL;
}

static void *stand_between(void *context)
{
    struct between *b = context;
    uint8_t bytes[2048];
    for (;;) {
        ssize_t size = read(b->ours, bytes, sizeof bytes);
        if (size < 10) {
            return NULL;
        }
        look(b, bytes, (size_t)size);
        bool is_meant = bytes_be32(bytes + 6) == b->command;
        if (write(b->tpm, bytes, (size_t)size) != size ||
            (size = read(b->tpm, bytes, sizeof bytes)) < 10) {
            return NULL;
        }
        look(b, bytes, (size_t)size);
        b->last_size = is_meant ? (size_t)size : b->last_size;
        if (is_meant && b->flip_at < (size_t)size) {
            bytes[b->flip_at] ^= 0x40;
        }
        if (write(b->ours, bytes, (size_t)size) != size) {
            return NULL;
        }
    }
}

static int begin_between(struct between *b, pthread_t *thread)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    b->ours = pair[1];
    b->tpm = software_tpm_connect(&software);
    assert_int_equal(pthread_create(thread, NULL, stand_between, b), 0);
    return pair[0];
}

static void end_between(struct between *b, pthread_t thread, int fd)
{
    close(fd);
    pthread_join(thread, NULL);
    close(b->ours);
    close(b->tpm);
}

// The secret is known once it was made: what the bus carried is kept till then.
static uint8_t carried[1 << 16];
static size_t carried_size;

static void *keep_all(void *context)
{
    const struct between *b = context;
    for (bool is_ours = true;; is_ours = !is_ours) {
        uint8_t *at = carried + carried_size;
        ssize_t size =
            read(is_ours ? b->ours : b->tpm, at, sizeof carried - carried_size);
        if (size < 10 ||
            write(is_ours ? b->tpm : b->ours, at, (size_t)size) != size) {
            return NULL;
        }
        carried_size += (size_t)size;
    }
}

SPEC("neither secret nor value crosses the bus in the clear")
{
    struct between between;
    pthread_t thread;
    uint8_t auth[32];
    struct rotor_room room = ROOM_OF(auth);
    int pair[2];
    SOFTWARE_TPM_OR_SKIP(&software);
    assert_ok(crypto_expand(CRYPTO_SHA256, HW_SECRET, LABEL("rotor1 seal tpm"),
                            &room));
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    between.ours = pair[1];
    between.tpm = software_tpm_connect(&software);
    carried_size = 0;
    assert_int_equal(pthread_create(&thread, NULL, keep_all, &between), 0);
    make_on(pair[0], 0x810000);
    assert_ok(open_on(pair[0], 0x810000));
    assert_memory_equal(seen, secret, sizeof seen);
    end_between(&between, thread, pair[0]);
    assert_true(carried_size > 1000);
    assert_null(memmem(carried, carried_size, secret, sizeof secret));
    assert_null(memmem(carried, carried_size, auth, sizeof auth));
    software_tpm_stop(&software);
}

SPEC("an unsealed answer with one bit changed in any byte is not believed")
{
    struct between between = {.command = 0x15e, .flip_at = SIZE_MAX}; // Unseal
    pthread_t thread;
    SOFTWARE_TPM_OR_SKIP(&software);
    make(0);
    int fd = begin_between(&between, &thread);
    assert_ok(open_on(fd, 0));
    size_t size = between.last_size;
    for (size_t i = 2; i < size; i++) { // the tag is not looked at
        between.flip_at = i;
        assert_int_not_equal(open_on(fd, 0), ROTOR_OK);
        assert_nothing_seen();
    }
    between.flip_at = SIZE_MAX;
    assert_ok(open_on(fd, 0));
    assert_false(between.saw_secret);
    end_between(&between, thread, fd);
    software_tpm_stop(&software);
}
