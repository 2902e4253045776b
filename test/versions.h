/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * versions.h - one key and its versions, as the suites of lib/version use them: pushed by hand, each
 * step where the test wants it.
 */
#ifndef FSK_TEST_VERSIONS_H
#define FSK_TEST_VERSIONS_H

#include "inside.h"

#include "version.h"

static fsk_arena arena;
static fsk_clock now;
static fsk_atomic64 allocated; /* bytes that the test itself took */

static inline void versions_make(uint64_t limit)
{
    fsk_arena_options o = {limit, 4096, 2, 0, {NULL, NULL, NULL, NULL}, 0};
    if (arena.shard != NULL && arena.limit == limit) {
        fsk_arena_reset(&arena);
    } else {
        if (arena.shard != NULL)
            fsk_arena_destroy(&arena);
        REQUIRE_EQ(fsk_arena_init(&arena, &o), FASTSKIP_OK);
    }
    memset(&now.space, 0, sizeof now.space);
    now.space.base = arena.base;
    now.plain = FSK_PLAIN;
    fsk_init64(&now.clock, 1);
    fsk_init64(&allocated, 0);
}

static inline void versions_drop(void)
{
    fsk_arena_destroy(&arena);
    memset(&arena, 0, sizeof arena);
}

static inline fsk_ref alloc_now(uint64_t size)
{
    fsk_writer w;
    fsk_ref ref;
    fsk_arena_enter(&arena, &w);
    ref = fsk_arena_alloc(&w, FSK_ENTRIES, size, FSK_UNIT);
    fsk_arena_leave(&w);
    REQUIRE(ref != 0);
    fsk_add64_relaxed(&allocated, fsk_round_up(size, FSK_UNIT));
    return ref;
}

/* An entry with a one-byte key and this number for a value; the 8 bytes before it are there, too. */
static inline fsk_ref entry_make(uint64_t word, unsigned number)
{
    fsk_ref ref = alloc_now(FSK_OLDER_BYTES + fsk_entry_bytes(1, sizeof number)) + 1;
    fsk_entry *e = fsk_entry_at(&now.space, ref);
    fsk_init32(fsk_entry_older(e), 0);
    fsk_init64(&e->word, word);
    fsk_init32(&e->newest, 0);
    e->key_size = 1;
    e->short_value_size = sizeof number;
    *fsk_entry_key(e) = 'k';
    memcpy(fsk_entry_value(e), &number, sizeof number);
    return ref;
}

static inline fsk_ref version_make(uint64_t word, uint32_t owner, unsigned number)
{
    fsk_ref ref = alloc_now(fsk_version_bytes(sizeof number));
    fsk_version *v = fsk_version_at(&now.space, ref);
    fsk_init64(&v->word, word);
    fsk_init32(&v->older, 0);
    v->list = 0;
    v->value_size = sizeof number;
    v->owner = owner;
    memcpy(fsk_version_value(v), &number, sizeof number);
    return ref;
}

static inline fsk_ref record_make(void)
{
    fsk_ref ref = alloc_now(sizeof(fsk_record));
    fsk_init64(&((fsk_record *)(void *)(now.space.base + (uint64_t)ref * FSK_UNIT))->state,
               FSK_RECORD_PENDING);
    return ref;
}

/* As if a batch had been given this stamp; commits at once may share one. */
static inline void record_stamp_as(fsk_ref record, uint64_t stamp)
{
    fsk_init64(&((fsk_record *)(void *)(now.space.base + (uint64_t)record * FSK_UNIT))->state,
               stamp * 4 + FSK_RECORD_COMMITTED);
}

/* What a push came to. */
enum { PUSHED = FSK_PUSHED, EXISTS = FSK_LIVE, VOID = 100 };

static inline int push_as(fsk_ref entry, uint32_t kind, fsk_ref record, int if_absent,
                          unsigned number, fsk_ref *ref)
{
    fsk_writer w;
    fsk_seen live;
    int is_void, outcome;
    *ref = version_make(record != 0 ? fsk_word_of_batch(kind, record) : fsk_word_single(kind),
                        if_absent ? FSK_CONDITIONAL : record, number);
    fsk_arena_enter(&arena, &w);
    outcome = fsk_version_push(&now, &w, entry, *ref, &live, &is_void);
    fsk_arena_leave(&w);
    if (outcome == FSK_PUSHED)
        fsk_version_mark(&now, entry, *ref);
    REQUIRE(!is_void || outcome == FSK_LIVE);
    if (outcome == FSK_LIVE)
        REQUIRE(live.kind != FASTSKIP_DELETE && live.ref != 0);
    return is_void ? VOID : outcome;
}

static inline fsk_ref newest_of(fsk_ref entry)
{
    return fsk_load32_seq(&fsk_entry_at(&now.space, entry)->newest);
}

static inline fsk_ref push(fsk_ref entry, unsigned number)
{
    fsk_ref ref;
    REQUIRE_EQ(push_as(entry, FASTSKIP_PUT, 0, 0, number, &ref), PUSHED);
    return ref;
}

static inline fsk_ref push_batch(fsk_ref entry, uint32_t kind, fsk_ref record, unsigned number)
{
    fsk_ref ref;
    REQUIRE_EQ(push_as(entry, kind, record, 0, number, &ref), PUSHED);
    return ref;
}

/* What a read sees: the number that was written, DELETED, or NOTHING. */
#define NOTHING 0xfffffffeu
#define DELETED 0xfffffffdu

static inline unsigned number_in(fsk_ref entry, const fsk_seen *seen)
{
    fastskip_entry shown;
    unsigned number;
    if (seen->kind == FASTSKIP_DELETE)
        return DELETED;
    fsk_version_show(&now.space, entry, seen, &shown);
    REQUIRE(shown.value_size == sizeof number && shown.key_size == 1);
    memcpy(&number, shown.value, sizeof number);
    return number;
}

static inline unsigned read_at(fsk_ref entry, uint64_t limit)
{
    fsk_seen seen;
    return fsk_version_newest(&now, entry, limit, &seen) ? number_in(entry, &seen) : NOTHING;
}

static inline unsigned read_now(fsk_ref entry)
{
    return read_at(entry, FSK_LATEST);
}

#endif
