// SPDX-License-Identifier: Apache-2.0
// Rule 9 on disk, for a log of any length.
#include "app/rotor/seen_file.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "port/linux/folder.h"
#include "test/spec.h"

static struct chain_fingerprint number(uint32_t i)
{
    struct chain_fingerprint made;
    uint8_t bytes[4];
    bytes_put_be32(bytes, i);
    const struct rotor_bytes part = BYTES_OF(bytes);
    assert_ok(crypto_hash(CRYPTO_SHA256, &part, 1, made.bytes));
    return made;
}

static void expect(const struct seen_file *file, uint32_t from, uint32_t to,
                   bool wanted)
{
    for (uint32_t i = from; i < to; i++) {
        struct chain_fingerprint one = number(i);
        bool has = !wanted;
        assert_ok(seen_file_has(file, &one, &has));
        assert_int_equal(has, wanted);
    }
}

static void add(struct seen_file *file, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        struct chain_fingerprint one = number(i);
        assert_ok(seen_file_add(file, &one));
    }
}

SPEC("the set on disk has what was added and nothing else, however it grows")
{
    char folder[] = "/tmp/rotor-seen-XXXXXX";
    struct seen_file file;
    int at = -1;
    const struct seen_mark mark = {4000, 12345678, {7}};
    assert_non_null(mkdtemp(folder));
    assert_ok(linux_folder_open(folder, &at));
    assert_ok(seen_file_open(&file, at, "set"));
    add(&file, 0, 20000);
    assert_true(file.slots >= 40000);
    expect(&file, 0, 20000, true);
    expect(&file, 20000, 22000, false);
    assert_ok(seen_file_sync(&file, &mark));
    add(&file, 20000, 20100);
    seen_file_close(&file); // cut: not synced
    assert_ok(seen_file_open(&file, at, "set"));
    assert_int_equal(file.mark.entries, mark.entries);
    assert_int_equal(file.mark.log_size, mark.log_size);
    assert_memory_equal(file.mark.sum, mark.sum, sizeof mark.sum);
    add(&file, 20000, 21000);
    expect(&file, 0, 21000, true);
    expect(&file, 21000, 23000, false);
    assert_ok(seen_file_clear(&file));
    expect(&file, 0, 100, false);
    seen_file_close(&file);
    assert_int_equal(unlinkat(at, "set", 0), 0);
    close(at);
    assert_int_equal(rmdir(folder), 0);
}
