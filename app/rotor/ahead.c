// SPDX-License-Identifier: Apache-2.0
#include "app/rotor/ahead.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "wire/cose.h"

#define BLOCK_ENTRIES 16u
#define BLOCK_SIZE    (8u * WIRE_ENTRY_MAX) // bytes
#define THREADS_MAX   64u
#define BLOCKS_EACH   4u // for each thread
#define CHECKS_MAX    4u // signatures of an entry: old, both of A, pop

// An answer that is there before it was asked for.
struct checked {
    struct wire_key key;
    struct rotor_bytes context; // a label: lives as long as the program
    struct rotor_bytes sign1;   // a view into the block
    bool valid;
};

struct item {
    struct rotor_bytes bytes; // a view into the block
    size_t count;
    struct checked checked[CHECKS_MAX];
    bool has_evidence; // the three below count
    struct rotor_bytes evidence;
    bool evidence_is_good;
    const char *why;
};

enum block_state { FREE = 0, FILLED, TAKEN, CHECKED };

struct block {
    enum block_state state; // under the lock
    struct wire_key before; // S of the entry in front of the first
    size_t count;
    size_t used; // bytes
    struct item items[BLOCK_ENTRIES];
    uint8_t bytes[BLOCK_SIZE];
};

struct ahead {
    struct ahead_source source;
    const struct verify_reference *reference;
    bool evidence_is_optional;
    enum rotor_status ended; // OK: the source has more
    struct wire_key before;  // of the block that is filled next

    pthread_t threads[THREADS_MAX];
    unsigned wanted;
    unsigned started;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    pthread_cond_t done;
    bool is_closing; // under the lock

    // A ring: [oldest, oldest + held) is in use, the judge is at the oldest.
    struct block *blocks;
    size_t block_count;
    size_t oldest;
    size_t held;
    size_t at; // entries of the oldest that were handed out
};

// ---- checks ----------------------------------------------------------------

static void check(struct item *item, struct rotor_bytes body,
                  const struct wire_key *key, struct rotor_bytes context,
                  struct rotor_bytes sign1)
{
    const struct chain_signature_question question = {key, context, body,
                                                      sign1};
    struct checked *made = &item->checked[item->count];
    if (!bytes_are_empty(sign1) &&
        chain_signature_check(&question, &made->valid) == ROTOR_OK) {
        made->key = *key;
        made->context = context;
        made->sign1 = sign1;
        item->count++;
    }
}

static void check_evidence(const struct ahead *ahead, struct item *item,
                           const struct chain_entry *entry)
{
    struct verify_entry_context context = {
        .reference = ahead->reference,
        .evidence_is_optional = ahead->evidence_is_optional,
    };
    struct chain_evidence_question question = {.body = &entry->body,
                                               .evidence = entry->evidence};
    item->has_evidence =
        !bytes_are_empty(entry->evidence) &&
        chain_report_of(question.body, &question.report) == ROTOR_OK &&
        chain_ud(&question.report, question.ud) == ROTOR_OK &&
        verify_entry_evidence(&context, &question, &item->evidence_is_good,
                              &item->why) == ROTOR_OK;
    item->evidence = entry->evidence;
}

// `before` becomes the entry's S.
static void check_item(const struct ahead *ahead, struct item *item,
                       struct wire_key *before)
{
    struct chain_entry entry;
    item->count = 0;
    item->has_evidence = false;
    if (chain_entry_decode(item->bytes, &entry) != ROTOR_OK) {
        *before = (struct wire_key){0};
        return;
    }
    const struct chain_body *body = &entry.body;
    bool is_step = body->kind == CHAIN_ROTATE || body->kind == CHAIN_CLOSE;
    if (is_step && body->suite_is_known) {
        check(item, body->bytes, &body->auth.ots,
              LABEL(WIRE_CONTEXT_ENTRY_AUTH), entry.sig_auth[0]);
        check(item, body->bytes, &body->auth.sign,
              LABEL(WIRE_CONTEXT_ENTRY_AUTH), entry.sig_auth[1]);
        check(item, body->bytes, before, LABEL(WIRE_CONTEXT_ENTRY_OLD),
              entry.sig_old);
    }
    if (body->suite_is_known) {
        check(item, body->bytes, &body->sign, LABEL(WIRE_CONTEXT_ENTRY_POP),
              entry.sig_pop);
        check_evidence(ahead, item, &entry);
    }
    *before = body->sign;
}

static void check_block(const struct ahead *ahead, struct block *block)
{
    struct wire_key before = block->before;
    for (size_t i = 0; i < block->count; i++) {
        check_item(ahead, &block->items[i], &before);
    }
}

// ---- threads ---------------------------------------------------------------

static struct block *block_at(struct ahead *ahead, size_t i)
{
    return &ahead->blocks[(ahead->oldest + i) % ahead->block_count];
}

// The first that waits for a thread; NULL: none.  Under the lock.
static struct block *take_filled(struct ahead *ahead)
{
    for (size_t i = 0; i < ahead->held; i++) {
        struct block *block = block_at(ahead, i);
        if (block->state == FILLED) {
            block->state = TAKEN;
            return block;
        }
    }
    return NULL;
}

static void *work(void *context)
{
    struct ahead *ahead = context;
    (void)pthread_mutex_lock(&ahead->lock);
    while (!ahead->is_closing) {
        struct block *block = take_filled(ahead);
        if (block == NULL) {
            (void)pthread_cond_wait(&ahead->filled, &ahead->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&ahead->lock);
        check_block(ahead, block);
        (void)pthread_mutex_lock(&ahead->lock);
        block->state = CHECKED;
        (void)pthread_cond_signal(&ahead->done);
    }
    (void)pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

// A log of one block is judged sooner than threads are started.
static void start_threads(struct ahead *ahead)
{
    while (ahead->started < ahead->wanted &&
           pthread_create(&ahead->threads[ahead->started], NULL, work, ahead) ==
               0) {
        ahead->started++;
    }
    ahead->wanted = ahead->started;
}

// ---- filling ---------------------------------------------------------------

static bool has_room(const struct block *block)
{
    return block->count < BLOCK_ENTRIES &&
           BLOCK_SIZE - block->used >= WIRE_ENTRY_MAX;
}

static void fill(struct ahead *ahead, struct block *block)
{
    block->before = ahead->before;
    block->count = 0;
    block->used = 0;
    while (ahead->ended == ROTOR_OK && has_room(block)) {
        struct rotor_bytes bytes;
        ahead->ended = ahead->source.next(ahead->source.context, &bytes);
        if (ahead->ended == ROTOR_OK && bytes.size > WIRE_ENTRY_MAX) {
            ahead->ended = ROTOR_MALFORMED;
        }
        if (ahead->ended == ROTOR_OK) {
            uint8_t *copy = block->bytes + block->used;
            memcpy(copy, bytes.data, bytes.size);
            block->used += bytes.size;
            block->items[block->count++] =
                (struct item){.bytes = bytes_of(copy, bytes.size)};
        }
    }
}

// What the next block's first entry is signed by, if this one's last parses.
static void note_before(struct ahead *ahead, const struct block *block)
{
    struct chain_entry entry;
    bool is_entry = chain_entry_decode(block->items[block->count - 1].bytes,
                                       &entry) == ROTOR_OK;
    ahead->before = is_entry ? entry.body.sign : (struct wire_key){0};
}

// One more block; false: the source has ended or the ring is full.
static bool read_block(struct ahead *ahead)
{
    if (ahead->ended != ROTOR_OK || ahead->held == ahead->block_count) {
        return false;
    }
    struct block *block = block_at(ahead, ahead->held);
    fill(ahead, block);
    if (block->count == 0) {
        return false;
    }
    note_before(ahead, block);
    (void)pthread_mutex_lock(&ahead->lock);
    block->state = FILLED;
    ahead->held++;
    (void)pthread_cond_signal(&ahead->filled);
    (void)pthread_mutex_unlock(&ahead->lock);
    if (ahead->held > 1 && ahead->started < ahead->wanted) {
        start_threads(ahead);
    }
    return true;
}

// ---- in order --------------------------------------------------------------

static void free_oldest(struct ahead *ahead)
{
    (void)pthread_mutex_lock(&ahead->lock);
    ahead->blocks[ahead->oldest].state = FREE;
    ahead->oldest = (ahead->oldest + 1) % ahead->block_count;
    ahead->held--;
    (void)pthread_mutex_unlock(&ahead->lock);
    ahead->at = 0;
}

// Until a thread has checked it, or, where none will, takes it as it is.
static void await_oldest(struct ahead *ahead)
{
    struct block *block = block_at(ahead, 0);
    (void)pthread_mutex_lock(&ahead->lock);
    if (ahead->started == 0 && block->state == FILLED) {
        block->state = CHECKED;
    }
    while (block->state != CHECKED) {
        (void)pthread_cond_wait(&ahead->done, &ahead->lock);
    }
    (void)pthread_mutex_unlock(&ahead->lock);
}

enum rotor_status ahead_next(struct ahead *ahead, struct rotor_bytes *entry)
{
    if (ahead->held != 0 && ahead->at == block_at(ahead, 0)->count) {
        free_oldest(ahead);
    }
    if (ahead->at == 0) {
        while (read_block(ahead)) {
        }
        if (ahead->held == 0) {
            return ahead->ended;
        }
        await_oldest(ahead);
    }
    *entry = block_at(ahead, 0)->items[ahead->at++].bytes;
    return ROTOR_OK;
}

// ---- answers ---------------------------------------------------------------

static const struct item *current(const struct ahead *ahead)
{
    return ahead->at == 0 ? NULL
                          : &ahead->blocks[ahead->oldest].items[ahead->at - 1];
}

// The very bytes: what lies elsewhere was not checked, even if it is equal.
static bool is_same_view(struct rotor_bytes a, struct rotor_bytes b)
{
    return a.data == b.data && a.size == b.size;
}

static bool is_of(const struct item *item, struct rotor_bytes body)
{
    return item != NULL && body.data >= item->bytes.data &&
           body.data + body.size <= item->bytes.data + item->bytes.size;
}

enum rotor_status
ahead_check_signature(const struct ahead *ahead,
                      const struct chain_signature_question *question,
                      bool *valid)
{
    const struct item *item = current(ahead);
    bool is_known = is_of(item, question->body);
    for (size_t i = 0; is_known && i < item->count; i++) {
        const struct checked *checked = &item->checked[i];
        if (is_same_view(checked->sign1, question->sign1) &&
            bytes_equal(checked->context, question->context) &&
            wire_key_equal(&checked->key, question->key)) {
            *valid = checked->valid;
            return ROTOR_OK;
        }
    }
    return chain_signature_check(question, valid);
}

bool ahead_knows_evidence(const struct ahead *ahead,
                          const struct chain_evidence_question *question,
                          bool *ok, const char **why)
{
    const struct item *item = current(ahead);
    bool is_known = is_of(item, question->body->bytes) && item->has_evidence &&
                    is_same_view(item->evidence, question->evidence);
    if (is_known) {
        *ok = item->evidence_is_good;
        *why = item->why;
    }
    return is_known;
}

// ---- open ------------------------------------------------------------------

static unsigned how_many(unsigned threads)
{
    long processors =
        threads != 0 ? (long)threads : sysconf(_SC_NPROCESSORS_ONLN);
    if (processors <= 1) {
        return 0; // the judge is a thread too
    }
    return processors > (long)THREADS_MAX ? THREADS_MAX : (unsigned)processors;
}

enum rotor_status ahead_open(struct ahead **made,
                             const struct ahead_source *source,
                             const struct wire_key *before,
                             const struct verify_entry_context *evidence,
                             unsigned threads)
{
    struct ahead *ahead = calloc(1, sizeof *ahead);
    if (ahead == NULL) {
        return ROTOR_PORT_FAILED;
    }
    ahead->source = *source;
    ahead->before = *before;
    ahead->reference = evidence->reference;
    ahead->evidence_is_optional = evidence->evidence_is_optional;
    ahead->wanted = how_many(threads);
    ahead->block_count = ahead->wanted == 0 ? 1 : BLOCKS_EACH * ahead->wanted;
    ahead->blocks = calloc(ahead->block_count, sizeof *ahead->blocks);
    bool is_made = ahead->blocks != NULL &&
                   pthread_mutex_init(&ahead->lock, NULL) == 0 &&
                   pthread_cond_init(&ahead->filled, NULL) == 0 &&
                   pthread_cond_init(&ahead->done, NULL) == 0;
    if (!is_made) {
        free(ahead->blocks);
        free(ahead);
        return ROTOR_PORT_FAILED;
    }
    *made = ahead;
    return ROTOR_OK;
}

void ahead_close(struct ahead *ahead)
{
    if (ahead == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&ahead->lock);
    ahead->is_closing = true;
    (void)pthread_cond_broadcast(&ahead->filled);
    (void)pthread_mutex_unlock(&ahead->lock);
    for (unsigned i = 0; i < ahead->started; i++) {
        (void)pthread_join(ahead->threads[i], NULL);
    }
    (void)pthread_cond_destroy(&ahead->done);
    (void)pthread_cond_destroy(&ahead->filled);
    (void)pthread_mutex_destroy(&ahead->lock);
    free(ahead->blocks);
    free(ahead);
}
