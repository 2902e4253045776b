/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * halted.h - tables for test_halted.c, and what must be true of them: a model of every key.
 *
 * Keys are numbers, as text, so that all have a prefix. The region is always the same memory, for a table of
 * which a halted call holds a reference is never freed.
 */
#ifndef FSK_TEST_HALTED_H
#define FSK_TEST_HALTED_H

#include "inside.h"

#define NUMBERS 4000u /* keys are below */
#define REGION (1u << 20)
#define CHUNK 4096u

static _Alignas(4096) unsigned char region[REGION];

typedef struct {
    fastskip_table *table;
    uint32_t mode;
    uint64_t sequence;             /* the last, in caller's mode */
    unsigned filled;               /* keys at first */
    uint32_t value[NUMBERS];       /* 0: not there */
    unsigned char unsure[NUMBERS]; /* a halted call may have written it */
    uint64_t written;              /* versions acknowledged */
    long longest;                  /* most accesses of one call */
} world;

typedef struct {
    char text[12];
    size_t size;
} text_key;

static inline text_key key_of(uint32_t number)
{
    text_key k;
    k.size = (size_t)snprintf(k.text, sizeof k.text, "key%06u", number);
    return k;
}

static inline int number_in(const fastskip_entry *e)
{
    char text[8] = {0};
    memcpy(text, (const char *)e->key + 3, 6);
    return atoi(text);
}

/* ---- memory ---- */

static inline void *give_region(void *context, size_t size, size_t alignment)
{
    (void)context, (void)alignment;
    return size <= REGION ? region : NULL;
}

static inline int32_t commit_region(void *context, void *address, size_t size)
{
    (void)context, (void)address, (void)size;
    return 0;
}

static inline void take_region(void *context, void *address, size_t size)
{
    (void)context, (void)address, (void)size;
}

static inline uint64_t stat_of(const world *w, uint32_t id)
{
    uint64_t number = 0;
    REQUIRE_EQ(fastskip_table_stat(w->table, id, &number), FASTSKIP_OK);
    return number;
}

/* ---- calls, each counted in accesses ---- */

#define COUNTED(w, call)                                                                           \
    do {                                                                                           \
        long before_ = interruption.accesses;                                                      \
        REQUIRE_EQ((call), FASTSKIP_OK);                                                           \
        if (interruption.accesses - before_ > (w)->longest)                                        \
            (w)->longest = interruption.accesses - before_;                                        \
    } while (0)

static inline fastskip_status put_raw(world *w, uint32_t number, uint32_t value)
{
    text_key k = key_of(number);
    uint32_t kind = value != 0 ? FASTSKIP_PUT : FASTSKIP_DELETE;
    if (w->mode == FASTSKIP_SEQUENCE_CALLER)
        return fastskip_put_at(w->table, ++w->sequence, kind, k.text, k.size, &value,
                               value != 0 ? sizeof value : 0);
    return value != 0 ? fastskip_put(w->table, k.text, k.size, &value, sizeof value)
                      : fastskip_delete(w->table, k.text, k.size);
}

/* Value 0 deletes. */
static inline void put(world *w, uint32_t number, uint32_t value)
{
    COUNTED(w, put_raw(w, number, value));
    w->value[number] = value;
    w->unsure[number] = 0;
    w->written++;
}

static inline uint32_t value_in(const fastskip_entry *e)
{
    uint32_t value = 0;
    REQUIRE_EQ(e->value_size, sizeof value);
    memcpy(&value, e->value, sizeof value);
    return value;
}

static inline uint32_t get(const world *w, const fastskip_snapshot *s, uint32_t number)
{
    text_key k = key_of(number);
    fastskip_entry e;
    fastskip_status status = fastskip_get(w->table, s, k.text, k.size, &e);
    REQUIRE(status == FASTSKIP_OK || status == FASTSKIP_NOT_FOUND);
    return status == FASTSKIP_OK ? value_in(&e) : 0;
}

static inline world world_make(unsigned filled, uint32_t shards, uint32_t mode)
{
    static world w;
    fastskip_options *o = NULL;
    memset(&w, 0, sizeof w);
    w.mode = mode;
    w.filled = filled;
    REQUIRE_EQ(fastskip_options_new(&o), FASTSKIP_OK);
    fastskip_options_set_shards(o, shards);
    fastskip_options_set_memory_limit(o, REGION);
    fastskip_options_set_block_size(o, CHUNK);
    fastskip_options_set_sequence_mode(o, mode);
    fastskip_options_set_seed(o, 1);
    fastskip_options_set_allocator(o, give_region, commit_region, take_region, NULL);
    REQUIRE_EQ(fastskip_table_new(o, &w.table), FASTSKIP_OK);
    fastskip_options_free(o);
    for (unsigned i = 0; i < filled; i++)
        put(&w, 100 * (i + 1), 1 + i);
    return w;
}

/* ---- what must be true ---- */

/* Every key is what it was last written, and a walk shows them all, both ways. */
static inline void world_verify(world *w, int backwards)
{
    fastskip_snapshot *s = NULL;
    fastskip_iterator *it = NULL;
    fastskip_status status;
    uint32_t seen[NUMBERS] = {0};
    int last = backwards ? (int)NUMBERS : -1;
    if (w->mode == FASTSKIP_SEQUENCE_AUTO)
        COUNTED(w, fastskip_snapshot_new(w->table, &s));
    REQUIRE_EQ(fastskip_iterator_new(w->table, s, 0, &it), FASTSKIP_OK);
    status = backwards ? fastskip_iterator_seek_last(it) : fastskip_iterator_seek_first(it);
    while (status == FASTSKIP_OK) {
        long before = interruption.accesses;
        fastskip_entry e;
        int number;
        REQUIRE_EQ(fastskip_iterator_entry(it, &e), FASTSKIP_OK);
        number = number_in(&e);
        REQUIRE(backwards ? number < last : number > last);
        seen[last = number] = value_in(&e);
        status = backwards ? fastskip_iterator_prev(it) : fastskip_iterator_next(it);
        if (interruption.accesses - before > w->longest)
            w->longest = interruption.accesses - before;
    }
    REQUIRE_EQ(status, FASTSKIP_NOT_FOUND);
    fastskip_iterator_free(it);
    for (uint32_t n = 0; n < NUMBERS; n++) {
        if (!w->unsure[n])
            REQUIRE_EQ(seen[n], w->value[n]);
        if (w->unsure[n] || seen[n] != 0)
            REQUIRE_EQ(get(w, s, n), seen[n]);
    }
    fastskip_snapshot_free(s);
    REQUIRE_EQ(fastskip_table_check(w->table), FASTSKIP_OK);
}

#endif
