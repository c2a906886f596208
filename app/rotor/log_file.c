// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/log_file.h"

#include <stdlib.h>

#include "app/rotor/chain.h"
#include "base/bytes.h"

static bool encode(const struct run *run, const struct entry_list *list,
                   struct rotor_bytes *file, int *code)
{
    size_t capacity = list->size + 64;
    struct rotor_room room = {malloc(capacity), capacity, 0};
    if (room.data != NULL &&
        bundle_encode_log(bytes_of(list->memory, list->size), &room) ==
            ROTOR_OK) {
        *file = bytes_in(&room);
        return true;
    }
    free(room.data);
    *code = fail(run, CAUSE_PLATFORM, NULL, "out of memory");
    return false;
}

static bool fetch(const struct run *run, struct entry_list *list, int *code)
{
    struct rotor_client *client = NULL;
    const struct wire_order first = {0, 0};
    struct relying_refusal refusal;
    if (!daemon_open(run, &client, code)) {
        return false;
    }
    const struct relying_device device = relying_device_of(client);
    enum rotor_status status =
        entry_list_fetch(list, &device, &first, NULL, &refusal);
    rotor_client_close(client);
    if (status == ROTOR_OK) {
        return true;
    }
    *code = chain_not_fetched(run, status, &refusal);
    return false;
}

bool log_file_of_daemon(const struct run *run, struct rotor_bytes *file,
                        size_t *count, int *code)
{
    struct entry_list list = {.max = ENTRY_LIST_MAX};
    bool is_there = fetch(run, &list, code) && encode(run, &list, file, code);
    *count = list.count;
    entry_list_close(&list);
    return is_there;
}

static enum rotor_status read_store(struct store *store,
                                    struct entry_list *list)
{
    static uint8_t memory[WIRE_ENTRY_MAX];
    for (uint64_t i = 0; i < store->count; i++) {
        struct rotor_room room = ROOM_OF(memory);
        TRY(store_entry(store, i, &room));
        TRY(entry_list_append(list, bytes_in(&room)));
    }
    return ROTOR_OK;
}

bool log_file_of_store(const struct run *run, struct store *store,
                       struct rotor_bytes *file, int *code)
{
    struct entry_list list = {.max = ENTRY_LIST_MAX};
    enum rotor_status status = read_store(store, &list);
    bool is_there = status == ROTOR_OK && encode(run, &list, file, code);
    if (status != ROTOR_OK) {
        *code = fail(run, CAUSE_UNREADABLE, NULL, "the trust store's log: %s",
                     status == ROTOR_TOO_SMALL ? "more than a file may hold"
                                               : rotor_status_name(status));
    }
    entry_list_close(&list);
    return is_there;
}
