// SPDX-License-Identifier: Apache-2.0
// A trust store of a long log: what opening reads, and when the rest is
// checked.  Entries are changed copies of one: a store does not judge them.
#include "app/rotor/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "test/spec.h"
#include "test/spec/chain_maker.h"

#define COUNTED (2u * STORE_CYCLE_ENTRIES + 5u) // entries that HEX.seen counts
#define BEHIND  300u                            // and that it does not

static struct {
    struct store store;
    char folder[32];
    char log[96];
    char seen[96];
    struct maker_log maker;
    struct maker_entry entry;
    size_t key_at; // in the entry's bytes
} s;

static struct rotor_bytes entry_of(uint32_t number)
{
    memcpy(&s.entry, &s.maker.entry, sizeof s.entry);
    bytes_put_be32(s.entry.bytes + s.key_at, number);
    return maker_bytes(&s.entry);
}

static void find_key(void)
{
    struct chain_entry entry;
    assert_ok(chain_entry_decode(maker_bytes(&s.maker.entry), &entry));
    struct rotor_bytes key = wire_key_bytes(&entry.body.sign);
    const uint8_t *found =
        memmem(s.maker.entry.bytes, s.maker.entry.size, key.data, key.size);
    assert_non_null(found);
    s.key_at = (size_t)(found - s.maker.entry.bytes);
}

static enum rotor_status open_again(void)
{
    store_close(&s.store);
    assert_ok(store_open(&s.store, s.folder));
    return store_select(&s.store, &s.maker.trust.log_id);
}

static void take(uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        if (s.store.count - s.store.committed == STORE_CYCLE_ENTRIES) {
            assert_ok(store_commit(&s.store, 1));
        }
        assert_ok(store_stage(&s.store, entry_of(i), &s.maker.trust));
    }
    assert_ok(store_commit(&s.store, 1));
}

static void begin(void)
{
    (void)snprintf(s.folder, sizeof s.folder, "/tmp/rotor-store-XXXXXX");
    assert_non_null(mkdtemp(s.folder));
    maker_log_open(&s.maker, 1);
    find_key();
    assert_ok(store_open(&s.store, s.folder));
    assert_ok(store_select(&s.store, &s.maker.trust.log_id));
    (void)snprintf(s.log, sizeof s.log, "%s/%s.log", s.folder, s.store.name);
    (void)snprintf(s.seen, sizeof s.seen, "%s/%s.seen", s.folder, s.store.name);
    take(0, COUNTED);
    assert_ok(open_again()); // closing counts them
    take(COUNTED, COUNTED + BEHIND);
    assert_ok(open_again());
}

static void end(void)
{
    static const char *const SUFFIXES[] = {"log", "seen", "trust", "lock"};
    char path[96];
    for (size_t i = 0; i < COUNT_OF(SUFFIXES); i++) {
        (void)snprintf(path, sizeof path, "%s/%s.%s", s.folder, s.store.name,
                       SUFFIXES[i]);
        assert_int_equal(unlink(path), 0);
    }
    store_close(&s.store);
    assert_int_equal(rmdir(s.folder), 0);
    maker_log_close(&s.maker);
}

// The offset of an entry: all have one size.
static long place(uint32_t number)
{
    return (long)number * (long)(4 + s.maker.entry.size);
}

static void flip(long at)
{
    FILE *file = fopen(s.log, "r+be");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    int byte = fgetc(file);
    assert_int_equal(fseek(file, at, SEEK_SET), 0);
    assert_int_not_equal(fputc(byte ^ 1, file), EOF);
    assert_int_equal(fclose(file), 0);
}

static void assert_has_all(uint32_t count)
{
    static uint8_t memory[WIRE_ENTRY_MAX];
    assert_int_equal(s.store.count, count);
    for (uint32_t i = 0; i < count; i += 7) {
        struct rotor_room room = ROOM_OF(memory);
        struct chain_entry entry;
        struct chain_fingerprint key;
        bool seen = false;
        assert_ok(store_entry(&s.store, i, &room));
        assert_true(bytes_equal(bytes_in(&room), entry_of(i)));
        assert_ok(chain_entry_decode(bytes_in(&room), &entry));
        assert_ok(chain_fingerprint_key(&entry.body.sign, &key));
        assert_ok(store_has_seen(&s.store, &key, &seen));
        assert_true(seen);
    }
}

SPEC("a store of a long log has all its entries and keys, opened and opened "
     "again, while it is added to and without HEX.seen")
{
    begin();
    take(COUNTED + BEHIND, COUNTED + BEHIND + 10);
    assert_has_all(COUNTED + BEHIND + 10);
    take(COUNTED + BEHIND + 10, COUNTED + BEHIND + 20);
    assert_has_all(COUNTED + BEHIND + 20);
    assert_ok(open_again());
    assert_has_all(COUNTED + BEHIND + 20);
    assert_int_equal(unlink(s.seen), 0);
    assert_ok(open_again());
    assert_has_all(COUNTED + BEHIND + 20);
    end();
}

SPEC("what opening does not read is checked before the first entry is used")
{
    uint8_t memory[WIRE_ENTRY_MAX];
    struct rotor_room room = ROOM_OF(memory);
    const uint32_t wanted[] = {0, 1, COUNTED + BEHIND - 1};
    begin();
    flip(place(1) + 4 + (long)s.key_at);
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        assert_ok(open_again()); // it was not read
        assert_int_equal(store_entry(&s.store, wanted[i], &room),
                         ROTOR_CORRUPT);
        assert_true(s.store.is_damaged);
    }
    const struct wire_head head = {9, s.maker.trust.body_hash};
    struct chain_trust at;
    bool found = false;
    assert_ok(open_again());
    assert_int_equal(store_find(&s.store, &head, &at, &found), ROTOR_CORRUPT);
    assert_false(found);
    // Whoever reads it notices.
    assert_int_equal(unlink(s.seen), 0);
    assert_int_equal(open_again(), ROTOR_CORRUPT);
    end();
}

SPEC("what opening reads is checked then: each byte behind the mark")
{
    for (long part = 0; part < 8; part++) {
        begin();
        long first = place(COUNTED);
        long last = place(COUNTED + BEHIND) - 1;
        long at = first + (last - first) * part / 7;
        flip(at);
        assert_int_equal(open_again(), ROTOR_CORRUPT);
        flip(at);
        assert_ok(open_again());
        end();
    }
}

SPEC("a log that is shorter than the head says is not opened, whatever is read")
{
    begin();
    take(COUNTED + BEHIND, 2 * COUNTED);
    assert_ok(open_again()); // all is counted now
    struct stat now;
    assert_int_equal(stat(s.log, &now), 0);
    assert_int_equal(truncate(s.log, now.st_size - 1), 0);
    assert_int_equal(open_again(), ROTOR_CORRUPT);
    assert_int_equal(unlink(s.log), 0);
    assert_int_equal(open_again(), ROTOR_CORRUPT);
    assert_int_equal(close(open(s.log, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)),
                     0);
    end();
}

static struct wire_digest digest_of(uint8_t byte)
{
    struct wire_digest digest = {.alg = CRYPTO_SHA256};
    memset(digest.bytes, byte, 32);
    return digest;
}

static void remove_all(const char *folder)
{
    char command[96];
    (void)snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

SPEC("an address is pinned once; another log there needs somebody who names it")
{
    char folder[] = "/tmp/rotor-hosts-XXXXXX";
    struct store store;
    struct wire_digest found;
    const struct wire_digest one = digest_of(1);
    const struct wire_digest other = digest_of(2);
    assert_non_null(mkdtemp(folder));
    assert_ok(store_open(&store, folder));
    assert_ok(store_host_pin(&store, "host:1", &one));
    assert_ok(store_host_pin(&store, "host:1", &one));
    assert_int_equal(store_host_pin(&store, "host:1", &other), ROTOR_FORBIDDEN);
    assert_ok(store_host_read(&store, "host:1", &found));
    assert_true(wire_digest_equal(&found, &one));
    assert_ok(store_host_pin(&store, "host:2", &other));
    assert_ok(store_host_write(&store, "host:1", &other));
    assert_ok(store_host_pin(&store, "host:1", &other));
    store_close(&store);
    remove_all(folder);
}

SPEC("a trust store that others may write is not used")
{
    char folder[] = "/tmp/rotor-theirs-XXXXXX";
    struct store store;
    assert_non_null(mkdtemp(folder));
    for (mode_t bit = S_IWOTH; bit <= S_IWGRP; bit *= 8) {
        assert_int_equal(chmod(folder, S_IRWXU | bit), 0);
        assert_int_equal(store_open(&store, folder), ROTOR_FORBIDDEN);
        store_close(&store);
    }
    assert_int_equal(chmod(folder, S_IRWXU | S_IROTH), 0);
    assert_ok(store_open(&store, folder));
    store_close(&store);
    if (geteuid() == 0) {
        assert_int_equal(chown(folder, 65534, 65534), 0);
        assert_int_equal(store_open(&store, folder), ROTOR_FORBIDDEN);
        store_close(&store);
    }
    remove_all(folder);
}
