/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * arenas.h - one arena, as the suites of lib/arena use it.
 */
#ifndef FSK_TEST_ARENAS_H
#define FSK_TEST_ARENAS_H

#include "inside.h"

#include "arena.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static fsk_arena arena;

/* from NULL: the library's own memory. */
static inline void arena_make(uint64_t limit, uint64_t chunk, uint32_t shards, region_source *from)
{
    fsk_arena_options o = {limit, chunk, shards, 1, {NULL, NULL, NULL, NULL}, 0};
    if (from != NULL)
        o.source = (fsk_source){source_reserve, source_commit, source_release, from};
    REQUIRE_EQ(fsk_arena_init(&arena, &o), FASTSKIP_OK);
}

static inline uint64_t total(fsk_counter counter)
{
    return fsk_arena_total(&arena, counter);
}

static inline uint64_t taken(void)
{
    return fsk_arena_taken(&arena);
}

static inline uint64_t offset(fsk_ref ref)
{
    return (uint64_t)ref * FSK_UNIT;
}

/* One allocation as an operation of its own. */
static inline fsk_ref alloc_once(fsk_kind kind, uint64_t size, uint64_t align,
                                 fastskip_status *status)
{
    fsk_writer w;
    fsk_ref ref;
    fsk_arena_enter(&arena, &w);
    ref = fsk_arena_alloc(&w, kind, size, align);
    *status = w.status;
    fsk_arena_leave(&w);
    return ref;
}

#endif
