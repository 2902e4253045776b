/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * tables.h - tables as the suites of lib/memtable and above use them: keys and values by number.
 */
#ifndef FSK_TEST_TABLES_H
#define FSK_TEST_TABLES_H

#include "inside.h"

#include "iterator.h"
#include "memtable.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

static int keys_of_table;

static inline struct fastskip_options options_of(uint64_t memory, uint32_t shards)
{
    struct fastskip_options o;
    fsk_options_default(&o);
    o.memory_limit = memory;
    o.shards = shards;
    o.huge_pages = FASTSKIP_HUGE_PAGES_NEVER;
    return o;
}

static inline void options_source(struct fastskip_options *o, region_source *s)
{
    o->reserve = source_reserve;
    o->commit = source_commit;
    o->release = source_release;
    o->allocator_context = s;
}

static inline fastskip_table *table_of(const struct fastskip_options *o)
{
    fastskip_table *t = NULL;
    REQUIRE_EQ(fsk_table_new(o, &t), FASTSKIP_OK);
    return t;
}

static inline fastskip_table *table_make(uint64_t memory, uint32_t shards)
{
    struct fastskip_options o = options_of(memory, shards);
    return table_of(&o);
}

static inline uint64_t stat_of(fastskip_table *t, uint32_t id)
{
    uint64_t number = UINT64_MAX;
    REQUIRE_EQ(fsk_table_stat(t, id, &number), FASTSKIP_OK);
    return number;
}

#define VALUE_ROOM 8192

/* The value of a key: its number, and as many bytes more as asked for. */
static inline fastskip_status write_sized(fastskip_table *t, unsigned key, uint32_t kind,
                                          unsigned value, size_t size, int condition)
{
    uint8_t bytes[KEY_ROOM], data[VALUE_ROOM];
    size_t n = key_make(bytes, keys_of_table, key);
    REQUIRE(size + sizeof value <= sizeof data);
    memset(data, 0, size + sizeof value);
    memcpy(data, &value, sizeof value);
    return fsk_table_write(t, 0, kind, bytes, n, data, size + sizeof value, condition, NULL);
}

static inline fastskip_status put(fastskip_table *t, unsigned key, unsigned value)
{
    return write_sized(t, key, FASTSKIP_PUT, value, 0, FSK_ANYWAY);
}

static inline fastskip_status delete (fastskip_table *t, unsigned key)
{
    uint8_t bytes[KEY_ROOM];
    size_t n = key_make(bytes, keys_of_table, key);
    return fsk_table_write(t, 0, FASTSKIP_DELETE, bytes, n, NULL, 0, FSK_ANYWAY, NULL);
}

static inline fastskip_status insert(fastskip_table *t, unsigned key, unsigned value)
{
    return write_sized(t, key, FASTSKIP_PUT, value, 0, FSK_IF_ABSENT);
}

static inline fastskip_status put_at(fastskip_table *t, uint64_t sequence, unsigned key,
                                     unsigned value)
{
    uint8_t bytes[KEY_ROOM];
    size_t n = key_make(bytes, keys_of_table, key);
    return fsk_table_write(t, sequence, FASTSKIP_PUT, bytes, n, &value, sizeof value, FSK_ANYWAY,
                           NULL);
}

/* What a read sees: the number that was written, DELETED, or NOTHING. */
#define NOTHING 0xfffffffeu
#define DELETED 0xfffffffdu

static inline unsigned number_of(const fastskip_entry *e)
{
    unsigned number;
    if (e->kind == FASTSKIP_DELETE)
        return DELETED;
    REQUIRE(e->value_size >= sizeof number);
    memcpy(&number, e->value, sizeof number);
    return number;
}

static inline unsigned get_at(fastskip_table *t, unsigned key, uint64_t limit)
{
    uint8_t bytes[KEY_ROOM];
    size_t n = key_make(bytes, keys_of_table, key);
    fastskip_entry e;
    if (fsk_table_get(t, limit, bytes, n, 1, &e) != FASTSKIP_OK)
        return NOTHING;
    REQUIRE(e.key_size == n && memcmp(e.key, bytes, n) == 0);
    return number_of(&e);
}

static inline unsigned get(fastskip_table *t, unsigned key)
{
    return get_at(t, key, fsk_table_latest(t));
}

static inline uint64_t snapshot(fastskip_table *t)
{
    return fsk_clock_snapshot(&t->clock);
}

/* ---- batches ---- */

static inline void batch_add(fastskip_batch *b, unsigned key, uint32_t kind, unsigned value)
{
    uint8_t bytes[KEY_ROOM];
    size_t n = key_make(bytes, keys_of_table, key);
    REQUIRE_EQ(fsk_batch_add(b, 0, 0, kind, bytes, n, &value, sizeof value), FASTSKIP_OK);
}

static inline void batch_free(fastskip_batch *b)
{
    free(b->buffer);
    free(b->records);
    free(b->work);
    free(b->order);
    memset(b, 0, sizeof *b);
}

/* Leaves the write of a key by a batch of its own pending: the key is there and nobody counts it yet.
 * Answers with the batch's record; its end is to settle the version. */
static inline fsk_ref leave_pending(fastskip_table *t, unsigned key, fsk_ref *version)
{
    uint8_t bytes[KEY_ROOM];
    fsk_writer w;
    fsk_write x;
    fsk_ref record;
    REQUIRE_EQ(fsk_table_enter(t, &w), FASTSKIP_OK);
    record = fsk_arena_alloc(&w, FSK_ENTRIES, sizeof(fsk_record), FSK_UNIT);
    fsk_init64(fsk_word_at(&t->list.space, record), FSK_RECORD_PENDING);
    memset(&x, 0, sizeof x);
    fsk_key_init(&x.key, &t->list.space.order, bytes, key_make(bytes, keys_of_table, key));
    x.table = t;
    x.writer = &w;
    x.owner = record;
    x.word = fsk_word_of_batch(FASTSKIP_PUT, record) | FSK_WORD_UNCOUNTED;
    REQUIRE_EQ(fsk_write_publish(&x, NULL, 0), FASTSKIP_OK);
    *version = x.version;
    fsk_table_leave(&w);
    return record;
}

/* Uses up the memory of a table with one shard, but for the last `but` bytes of its region. */
static inline void exhaust(fastskip_table *t, uint64_t but)
{
    uint64_t left = t->arena.limit - fsk_arena_taken(&t->arena);
    fsk_writer w;
    REQUIRE_EQ(fsk_table_enter(t, &w), FASTSKIP_OK);
    REQUIRE(t->arena.shards == 1 && left >= but);
    if (left > but)
        REQUIRE(fsk_arena_alloc_exact(&w, left - but, FSK_UNIT) != 0);
    for (int kind = 0; kind < FSK_KINDS; kind++) {
        fsk_chunk *c = &w.shard->chunk[kind];
        w.used += c->end - c->cursor;
        c->cursor = c->end;
    }
    fsk_table_leave(&w);
}

#endif
