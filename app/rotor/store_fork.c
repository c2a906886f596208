// SPDX-License-Identifier: Apache-2.0
// Second bodies for places of a log, kept beside it.
#include <stdio.h>

#include "app/rotor/store.h"
#include "base/bytes.h"
#include "port/linux/folder.h"

#define FORK_FILE     ".fork"
#define MISUSE_FILE   ".misuse"
#define FILE_NAME_MAX 56u // with ".new", what port/linux/folder.h takes

static void name_file(const struct store *store, const char *suffix,
                      char name[FILE_NAME_MAX])
{
    (void)snprintf(name, FILE_NAME_MAX, "%s%s", store->name, suffix);
}

enum rotor_status store_keep_fork(struct store *store, enum chain_fork fork,
                                  struct rotor_bytes accepted,
                                  struct rotor_bytes other)
{
    static uint8_t memory[STORE_FORK_MAX];
    char name[FILE_NAME_MAX];
    struct rotor_room room = ROOM_OF(memory);
    struct cbor_writer out;
    cbor_writer_init(&out, &room);
    cbor_write_array(&out, 2);
    cbor_write_bytes(&out, accepted);
    cbor_write_bytes(&out, other);
    TRY(cbor_writer_finish(&out));
    name_file(store, fork == CHAIN_FORK_DUPLICITY ? FORK_FILE : MISUSE_FILE,
              name);
    return linux_folder_replace(store->folder, name, bytes_in(&room));
}

enum rotor_status store_decode_fork(struct rotor_bytes file,
                                    struct store_fork *kept)
{
    struct cbor_reader in;
    cbor_reader_init(&in, file);
    cbor_read_array_of(&in, 2);
    kept->accepted = cbor_read_bytes_sized(&in, 0, WIRE_ENTRY_MAX);
    kept->other = cbor_read_bytes_sized(&in, 1, WIRE_ENTRY_MAX);
    return cbor_finished(&in) ? ROTOR_OK : ROTOR_CORRUPT;
}

enum rotor_status store_read_fork(const struct store *store,
                                  struct rotor_room *room,
                                  struct store_fork *kept, bool *found)
{
    static const char *const FILES[] = {FORK_FILE, MISUSE_FILE};
    *found = false;
    for (size_t i = 0; i < COUNT_OF(FILES) && !*found; i++) {
        char name[FILE_NAME_MAX];
        name_file(store, FILES[i], name);
        TRY(linux_folder_read(store->folder, name, room, found));
    }
    return *found ? store_decode_fork(bytes_in(room), kept) : ROTOR_OK;
}
