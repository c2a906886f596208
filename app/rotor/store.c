// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/rotor/store_index.h"
#include "base/bytes.h"
#include "port/linux/folder.h"
#include "wire/layout.h"

#define SEEN_CAPACITY 8192u  // rule 9: what one cycle brings
#define SEEN_LAG      65536u // entries that HEX.seen may be behind
#define HEAD_MAX      2048u  // bytes of HEX.trust
#define SUM_SIZE      32u
#define FILE_NAME_MAX 56u // with ".new", what port/linux/folder.h takes
#define NAME_BYTES    16u // of a log_id: two logs of one name are told apart

// HEX.trust without its SHA-256.
struct head_file {
    uint64_t version;
    struct rotor_bytes trust;
    uint64_t count;
    uint64_t log_size;
    uint64_t learned_s;
    uint64_t is_established;
    uint64_t is_quarantined;
    uint64_t mark_n;
    struct rotor_bytes mark_boot;
    uint64_t mark_signatures;
    struct wire_digest held;
    uint64_t held_since_s;
    struct rotor_bytes log_sum;
};

static const struct wire_field HEAD_FIELDS[] = {
    UINT(0, head_file, version, 1),
    BYTES(1, head_file, trust, 1, CHAIN_TRUST_MAX),
    UINT(2, head_file, count, UINT32_MAX),
    UINT(3, head_file, log_size, INT64_MAX),
    UINT(4, head_file, learned_s, INT64_MAX),
    UINT(5, head_file, is_established, 1),
    UINT(6, head_file, is_quarantined, 1),
    UINT(7, head_file, mark_n, UINT64_MAX),
    BYTES(8, head_file, mark_boot, WIRE_ID_SIZE, WIRE_ID_SIZE),
    UINT(9, head_file, mark_signatures, UINT64_MAX),
    OF(MDIGEST, 10, head_file, held),
    UINT(11, head_file, held_since_s, INT64_MAX),
    BYTES(12, head_file, log_sum, SUM_SIZE, SUM_SIZE),
};
static const struct wire_layout HEAD_LAYOUT = {
    WIRE_NONE,
    false,
    sizeof(struct head_file),
    HEAD_FIELDS,
    COUNT_OF(HEAD_FIELDS),
};

// ---- the folder ------------------------------------------------------------

static bool make_folders(const char *path)
{
    char part[512];
    size_t size = strlen(path);
    if (size == 0 || size >= sizeof part) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(part, path, size + 1);
    for (size_t i = 1; i < size; i++) {
        if (part[i] != '/') {
            continue;
        }
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST) {
            return false;
        }
        part[i] = '/';
    }
    return true;
}

// Whoever may write here says which root is trusted.
static enum rotor_status is_ours(int folder)
{
    struct stat state;
    if (fstat(folder, &state) != 0) {
        return ROTOR_PORT_FAILED;
    }
    bool is_owner = state.st_uid == geteuid() || state.st_uid == 0;
    bool is_closed = (state.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    return is_owner && is_closed ? ROTOR_OK : ROTOR_FORBIDDEN;
}

enum rotor_status store_open(struct store *store, const char *folder)
{
    memset(store, 0, sizeof *store);
    store->folder = -1;
    store->lock = -1;
    store->seen_file.fd = -1;
    if (!make_folders(folder)) {
        return ROTOR_PORT_FAILED;
    }
    TRY(linux_folder_open(folder, &store->folder));
    return is_ours(store->folder);
}

static void forget_log(struct store *store)
{
    if (store->lock >= 0) {
        (void)close(store->lock);
    }
    free(store->offsets);
    free(store->staged);
    free(store->slots);
    seen_file_close(&store->seen_file);
    int folder = store->folder;
    memset(store, 0, sizeof *store);
    store->folder = folder;
    store->lock = -1;
    store->seen_file.fd = -1;
}

static enum rotor_status sync_seen(struct store *store)
{
    struct seen_mark mark = {store->committed, store->log_size, {0}};
    memcpy(mark.sum, store->committed_sum, sizeof mark.sum);
    return seen_file_sync(&store->seen_file, &mark);
}

// So that the next run has less to read.
static void settle_seen(struct store *store)
{
    bool is_far_behind =
        store->seen_file.fd >= 0 && store_has_log(store) &&
        store->committed - store->seen_file.mark.entries >= STORE_CYCLE_ENTRIES;
    if (is_far_behind) {
        (void)!sync_seen(store);
    }
}

void store_leave(struct store *store)
{
    settle_seen(store);
    forget_log(store);
}

void store_close(struct store *store)
{
    store_leave(store);
    if (store->folder >= 0) {
        (void)close(store->folder);
        store->folder = -1;
    }
}

static void name_file(const struct store *store, const char *suffix,
                      char name[FILE_NAME_MAX])
{
    (void)snprintf(name, FILE_NAME_MAX, "%s%s", store->name, suffix);
}

bool store_has_log(const struct store *store)
{
    return !chain_trust_is_empty(&store->trust);
}

// ---- entries ---------------------------------------------------------------

static enum rotor_status read_record(const struct store *store, uint64_t offset,
                                     struct rotor_room *room)
{
    char name[FILE_NAME_MAX];
    uint8_t head[4];
    struct rotor_room head_room = ROOM_OF(head);
    name_file(store, ".log", name);
    room->used = 0;
    TRY(linux_folder_read_at(store->folder, name, offset, &head_room));
    uint32_t size = head_room.used == 4 ? bytes_be32(head) : 0;
    if (size == 0 || size > WIRE_ENTRY_MAX || size > room->capacity) {
        return ROTOR_CORRUPT;
    }
    struct rotor_room body = {room->data, size, 0};
    TRY(linux_folder_read_at(store->folder, name, offset + 4, &body));
    room->used = body.used == size ? size : 0;
    return body.used == size ? ROTOR_OK : ROTOR_CORRUPT;
}

enum rotor_status store_entry(struct store *store, uint64_t number,
                              struct rotor_room *room)
{
    room->used = 0;
    if (number >= store->count) {
        return ROTOR_INVALID;
    }
    if (number < store->committed) {
        TRY(store_index_all(store));
        return read_record(store, store->offsets[number], room);
    }
    const uint8_t *at =
        store->staged + store->staged_at[number - store->committed];
    return bytes_copy(room, bytes_of(at + 4, bytes_be32(at)));
}

static enum rotor_status decode_entry(struct store *store, uint64_t number,
                                      struct rotor_room *room,
                                      struct chain_entry *entry)
{
    TRY(store_entry(store, number, room));
    return chain_entry_decode(bytes_in(room), entry) == ROTOR_OK
               ? ROTOR_OK
               : ROTOR_CORRUPT;
}

// ---- load ------------------------------------------------------------------

static enum rotor_status read_head(struct store *store, struct head_file *head,
                                   struct rotor_room *room, bool *found)
{
    char name[FILE_NAME_MAX];
    uint8_t sum[SUM_SIZE];
    name_file(store, ".trust", name);
    TRY(linux_folder_read(store->folder, name, room, found));
    if (!*found) {
        return ROTOR_OK;
    }
    if (room->used <= SUM_SIZE) {
        return ROTOR_CORRUPT;
    }
    struct rotor_bytes map = bytes_of(room->data, room->used - SUM_SIZE);
    TRY(crypto_hash(CRYPTO_SHA256, &map, 1, sum));
    bool is_whole = memcmp(sum, map.data + map.size, SUM_SIZE) == 0;
    return is_whole && wire_message_decode(&HEAD_LAYOUT, map, head) == ROTOR_OK
               ? ROTOR_OK
               : ROTOR_CORRUPT;
}

static void take_head(struct store *store, const struct head_file *head)
{
    store->log_size = head->log_size;
    store->learned_s = head->learned_s;
    store->is_established = head->is_established != 0;
    store->is_quarantined = head->is_quarantined != 0;
    store->mark.n = head->mark_n;
    memcpy(store->mark.boot, head->mark_boot.data, WIRE_ID_SIZE);
    store->mark.signatures = head->mark_signatures;
    store->held = head->held;
    store->held_since_s = head->held_since_s;
}

static enum rotor_status load(struct store *store,
                              const struct wire_digest *log_id)
{
    uint8_t memory[HEAD_MAX];
    struct rotor_room room = ROOM_OF(memory);
    struct head_file head;
    struct chain_trust trust;
    bool found = false;
    TRY(linux_folder_settle(store->folder));
    TRY(read_head(store, &head, &room, &found));
    name_file(store, ".seen", store->seen_name);
    TRY(chain_seen_init(&store->seen, store->slots, SEEN_CAPACITY));
    TRY(seen_file_open(&store->seen_file, store->folder, store->seen_name));
    if (!found) {
        return seen_file_clear(&store->seen_file);
    }
    if (chain_trust_decode(head.trust, &trust) != ROTOR_OK ||
        !wire_digest_equal(&trust.log_id, log_id) || head.count == 0) {
        return ROTOR_CORRUPT;
    }
    take_head(store, &head);
    TRY(store_index_open(store, head.count, head.log_sum.data));
    store->trust = trust;
    return ROTOR_OK;
}

static bool lock_log(struct store *store)
{
    char name[FILE_NAME_MAX];
    name_file(store, ".lock", name);
    store->lock = openat(store->folder, name,
                         O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    return store->lock >= 0 && flock(store->lock, LOCK_EX) == 0;
}

enum rotor_status store_select(struct store *store,
                               const struct wire_digest *log_id)
{
    forget_log(store);
    struct rotor_bytes id = wire_digest_bytes(log_id);
    for (size_t i = 0; i < NAME_BYTES && i < id.size; i++) {
        (void)snprintf(store->name + 2 * i, 3, "%02x", id.data[i]);
    }
    store->cycle = STORE_CYCLE_ENTRIES;
    store->staged = malloc(STORE_CYCLE_SIZE);
    store->slots = calloc(SEEN_CAPACITY, sizeof *store->slots);
    if (store->staged == NULL || store->slots == NULL) {
        errno = ENOMEM;
        return ROTOR_PORT_FAILED;
    }
    if (!lock_log(store)) {
        return ROTOR_PORT_FAILED;
    }
    enum rotor_status status = load(store, log_id);
    if (status != ROTOR_OK) {
        store->trust = (struct chain_trust){0};
    }
    return status;
}

// ---- change ----------------------------------------------------------------

enum rotor_status store_stage(struct store *store, struct rotor_bytes entry,
                              const struct chain_trust *next)
{
    struct chain_entry decoded;
    bool is_full = 4 + entry.size > STORE_CYCLE_SIZE - store->staged_size ||
                   store->count - store->committed == store->cycle;
    if (is_full) {
        return ROTOR_TOO_SMALL;
    }
    TRY(chain_entry_decode(entry, &decoded));
    TRY(store_index_sum(store->log_sum, entry));
    store->staged_at[store->count - store->committed] =
        (uint32_t)store->staged_size;
    bytes_put_be32(store->staged + store->staged_size, (uint32_t)entry.size);
    memcpy(store->staged + store->staged_size + 4, entry.data, entry.size);
    store->staged_size += 4 + entry.size;
    store->count++;
    store->trust = *next;
    return chain_seen_add_body(&store->seen, &decoded.body);
}

static enum rotor_status write_head(struct store *store)
{
    uint8_t trust_memory[CHAIN_TRUST_MAX];
    uint8_t memory[HEAD_MAX];
    char name[FILE_NAME_MAX];
    struct rotor_room trust = ROOM_OF(trust_memory);
    struct rotor_room map = {memory, HEAD_MAX - SUM_SIZE, 0};
    TRY(chain_trust_encode(&store->trust, &trust));
    const struct head_file head = {
        .version = 1,
        .trust = bytes_in(&trust),
        .count = store->count,
        .log_size = store->log_size + store->staged_size,
        .learned_s = store->learned_s,
        .is_established = store->is_established,
        .is_quarantined = store->is_quarantined,
        .mark_n = store->mark.n,
        .mark_boot = BYTES_OF(store->mark.boot),
        .mark_signatures = store->mark.signatures,
        .held = store->held,
        .held_since_s = store->held_since_s,
        .log_sum = BYTES_OF(store->log_sum),
    };
    TRY(wire_message_encode(&HEAD_LAYOUT, &head, &map));
    struct rotor_bytes written = bytes_in(&map);
    TRY(crypto_hash(CRYPTO_SHA256, &written, 1, memory + map.used));
    name_file(store, ".trust", name);
    return linux_folder_replace(store->folder, name,
                                bytes_of(memory, map.used + SUM_SIZE));
}

static enum rotor_status write_entries(struct store *store)
{
    char name[FILE_NAME_MAX];
    name_file(store, ".log", name);
    if (store->staged_size == 0) {
        return ROTOR_OK;
    }
    if (store->log_size == 0) {
        return linux_folder_replace(
            store->folder, name, bytes_of(store->staged, store->staged_size));
    }
    // What lies behind the head is of a write that was cut.
    TRY(linux_folder_truncate(store->folder, name, store->log_size));
    return linux_folder_append(store->folder, name,
                               bytes_of(store->staged, store->staged_size));
}

// What was staged is committed: it moves from memory to HEX.seen.
static enum rotor_status flush_seen(struct store *store)
{
    TRY(seen_file_expect(&store->seen_file, store->count));
    TRY(seen_file_add(&store->seen_file, store->slots, SEEN_CAPACITY));
    TRY(chain_seen_init(&store->seen, store->slots, SEEN_CAPACITY));
    return store->count - store->seen_file.mark.entries < SEEN_LAG
               ? ROTOR_OK
               : sync_seen(store);
}

enum rotor_status store_has_seen(const struct store *store,
                                 const struct chain_fingerprint *fingerprint,
                                 bool *seen)
{
    *seen = chain_seen_has(&store->seen, fingerprint);
    return *seen ? ROTOR_OK
                 : seen_file_has(&store->seen_file, fingerprint, seen);
}

enum rotor_status store_commit(struct store *store, uint64_t now_s)
{
    if (!store_has_log(store)) {
        return ROTOR_INVALID;
    }
    if (store->staged_size != 0) {
        store->learned_s = now_s;
    }
    TRY(write_entries(store));
    TRY(write_head(store));
    TRY(store_index_commit(store));
    bool is_new = store->staged_size != 0;
    store->log_size += store->staged_size;
    store->staged_size = 0;
    store->committed = store->count;
    return is_new ? flush_seen(store) : ROTOR_OK;
}

void store_revert(struct store *store)
{
    // What is on disk is whole; the next select reads it again.
    store->count = store->committed;
    store->staged_size = 0;
    store->trust = (struct chain_trust){0};
}

// ---- search ----------------------------------------------------------------

// From the head down by `prev`: what lies beside that line is void.
enum rotor_status store_find(void *context, const struct wire_head *head,
                             struct chain_trust *at, bool *found)
{
    static uint8_t memory[WIRE_ENTRY_MAX];
    struct store *store = context;
    struct wire_digest wanted = store->trust.body_hash;
    *found = false;
    for (uint64_t i = store->count; i > 0; i--) {
        struct rotor_room room = ROOM_OF(memory);
        struct chain_entry entry;
        struct wire_digest hash;
        TRY(decode_entry(store, i - 1, &room, &entry));
        TRY(chain_body_hash(&entry.body, &hash));
        if (!wire_digest_equal(&hash, &wanted)) {
            continue;
        }
        if (entry.body.epoch == head->epoch &&
            wire_digest_equal(&hash, &head->body_hash)) {
            *found = true;
            return chain_trust_of(&entry.body, at);
        }
        wanted = entry.body.prev;
    }
    return ROTOR_OK;
}

// ---- hosts -----------------------------------------------------------------

static enum rotor_status name_host(const char *address,
                                   char name[FILE_NAME_MAX])
{
    uint8_t hash[SUM_SIZE];
    const struct rotor_bytes text = bytes_of(address, strlen(address));
    TRY(crypto_hash(CRYPTO_SHA256, &text, 1, hash));
    memcpy(name, "host-", 6);
    for (size_t i = 0; i < NAME_BYTES; i++) {
        (void)snprintf(name + 5 + 2 * i, 3, "%02x", hash[i]);
    }
    return ROTOR_OK;
}

enum rotor_status store_host_read(const struct store *store,
                                  const char *address,
                                  struct wire_digest *log_id)
{
    uint8_t memory[WIRE_DIGEST_MAX + 8];
    char name[FILE_NAME_MAX];
    struct rotor_room room = ROOM_OF(memory);
    struct cbor_reader in;
    bool found = false;
    *log_id = (struct wire_digest){0};
    TRY(name_host(address, name));
    TRY(linux_folder_read(store->folder, name, &room, &found));
    if (!found) {
        return ROTOR_OK;
    }
    cbor_reader_init(&in, bytes_in(&room));
    wire_read_digest(&in, log_id);
    return cbor_finished(&in) ? ROTOR_OK : ROTOR_CORRUPT;
}

// Two first uses of one address: the later one sees what the earlier one wrote.
static int lock_hosts(const struct store *store)
{
    int lock = openat(store->folder, "hosts.lock",
                      O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock >= 0 && flock(lock, LOCK_EX) != 0) {
        (void)close(lock);
        return -1;
    }
    return lock;
}

enum rotor_status store_host_pin(const struct store *store, const char *address,
                                 const struct wire_digest *log_id)
{
    struct wire_digest pinned;
    int lock = lock_hosts(store);
    if (lock < 0) {
        return ROTOR_PORT_FAILED;
    }
    enum rotor_status status = store_host_read(store, address, &pinned);
    bool is_free = wire_digest_is_empty(&pinned);
    if (status == ROTOR_OK && is_free) {
        status = store_host_write(store, address, log_id);
    } else if (status == ROTOR_OK && !wire_digest_equal(&pinned, log_id)) {
        status = ROTOR_FORBIDDEN;
    }
    int cause = errno;
    (void)close(lock);
    errno = cause;
    return status;
}

enum rotor_status store_host_write(const struct store *store,
                                   const char *address,
                                   const struct wire_digest *log_id)
{
    uint8_t memory[WIRE_DIGEST_MAX + 8];
    char name[FILE_NAME_MAX];
    struct rotor_room room = ROOM_OF(memory);
    struct cbor_writer out;
    TRY(name_host(address, name));
    cbor_writer_init(&out, &room);
    wire_write_digest(&out, log_id);
    TRY(cbor_writer_finish(&out));
    return linux_folder_replace(store->folder, name, bytes_in(&room));
}
