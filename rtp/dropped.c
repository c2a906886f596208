// SPDX-License-Identifier: Apache-2.0
#include "rtp/dropped.h"

#include <string.h>

#include "base/bytes.h"

#define CHECK_AT (RTP_DROPPED_SIZE - 32u)

static uint8_t *group_at(const struct rtp_dropped *dropped, uint32_t i)
{
    return dropped->file + RTP_DROPPED_HEAD + (size_t)i * RTP_DROPPED_GROUP;
}

void rtp_dropped_init(struct rtp_dropped *dropped,
                      uint8_t file[RTP_DROPPED_SIZE])
{
    memset(file, 0, RTP_DROPPED_SIZE);
    *dropped = (struct rtp_dropped){.keep = RTP_LOG_KEEP, .file = file};
}

static enum rotor_status make_check(const uint8_t *file, uint8_t check[32])
{
    const struct rotor_bytes part = bytes_of(file, CHECK_AT);
    return crypto_hash(CRYPTO_SHA256, &part, 1, check);
}

static enum rotor_status decode(struct rtp_dropped *dropped,
                                struct rotor_bytes content)
{
    uint8_t check[32];
    if (content.size != RTP_DROPPED_SIZE) {
        return ROTOR_CORRUPT;
    }
    TRY(make_check(content.data, check));
    const struct rtp_dropped read = {
        .keep = bytes_be32(content.data),
        .covers = bytes_be64(content.data + 4),
        .count = bytes_be32(content.data + 12),
        .file = dropped->file,
    };
    bool is_sound = memcmp(check, content.data + CHECK_AT, sizeof check) == 0 &&
                    read.keep >= RTP_LOG_KEEP_MIN && read.count <= RTP_LOG_SEEN;
    if (!is_sound) {
        return ROTOR_CORRUPT;
    }
    *dropped = read;
    return ROTOR_OK;
}

enum rotor_status rtp_dropped_read(struct rtp_dropped *dropped,
                                   const struct rtp_ops *ops,
                                   uint8_t file[RTP_DROPPED_SIZE])
{
    struct rotor_room room = {file, RTP_DROPPED_SIZE, 0};
    rtp_dropped_init(dropped, file);
    enum rotor_status status =
        ops->store_read(ops->context, RTP_FILE_DROPPED, &room);
    if (status == ROTOR_OK && room.used != 0) {
        status = decode(dropped, bytes_in(&room));
    }
    if (status == ROTOR_OK && room.used != 0) {
        return ROTOR_OK;
    }
    rtp_dropped_init(dropped, file);
    return status == ROTOR_TOO_SMALL ? ROTOR_CORRUPT : status;
}

void rtp_dropped_make_room(struct rtp_dropped *dropped, uint32_t count)
{
    uint32_t most = RTP_LOG_SEEN - count;
    if (dropped->count <= most) {
        return;
    }
    memmove(group_at(dropped, 0), group_at(dropped, dropped->count - most),
            (size_t)most * RTP_DROPPED_GROUP);
    dropped->count = most;
}

void rtp_dropped_add(struct rtp_dropped *dropped,
                     const struct chain_fingerprints *all)
{
    uint8_t *group = group_at(dropped, dropped->count++);
    memset(group, 0, RTP_DROPPED_GROUP);
    memcpy(group, all->each, all->count * CHAIN_FINGERPRINT_SIZE);
}

static enum rotor_status fill_group(const uint8_t *group,
                                    struct chain_seen *seen)
{
    static const struct chain_fingerprint NONE = {{0}};
    for (size_t i = 0; i < CHAIN_SEEN_PER_ENTRY; i++) {
        struct chain_fingerprint one;
        memcpy(one.bytes, group + i * sizeof one.bytes, sizeof one.bytes);
        if (memcmp(&one, &NONE, sizeof one) != 0) {
            TRY(chain_seen_add(seen, &one));
        }
    }
    return ROTOR_OK;
}

enum rotor_status rtp_dropped_fill(const struct rtp_dropped *dropped,
                                   uint64_t count, struct chain_seen *seen)
{
    uint32_t first =
        dropped->count > count ? dropped->count - (uint32_t)count : 0;
    for (uint32_t i = first; i < dropped->count; i++) {
        TRY(fill_group(group_at(dropped, i), seen));
    }
    return ROTOR_OK;
}

enum rotor_status rtp_dropped_write(struct rtp_dropped *dropped,
                                    const struct rtp_ops *ops)
{
    uint8_t *file = dropped->file;
    bytes_put_be32(file, dropped->keep);
    bytes_put_be64(file + 4, dropped->covers);
    bytes_put_be32(file + 12, dropped->count);
    size_t used = (size_t)dropped->count * RTP_DROPPED_GROUP;
    memset(file + RTP_DROPPED_HEAD + used, 0,
           CHECK_AT - RTP_DROPPED_HEAD - used);
    TRY(make_check(file, file + CHECK_AT));
    return ops->store_write(ops->context, RTP_FILE_DROPPED,
                            bytes_of(file, RTP_DROPPED_SIZE));
}
