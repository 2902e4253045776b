/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_arena.c - lib/arena: the region, its chunks and shards, one thread at a time.  What threads do to
 * it at once is in test_arena_threads.c.
 */
#include "inside.h"

#include "arena.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

static fsk_arena arena;
static region_source source;

static void make_with(uint64_t limit, uint64_t chunk, uint32_t shards, region_source *from)
{
    fsk_arena_options o = {limit, chunk, shards, 1, {NULL, NULL, NULL, NULL}};
    if (from != NULL)
        o.source = (fsk_source){source_reserve, source_commit, source_release, from};
    REQUIRE_EQ(fsk_arena_init(&arena, &o), FASTSKIP_OK);
}

static void make(uint64_t limit, uint64_t chunk, uint32_t shards)
{
    make_with(limit, chunk, shards, NULL);
}

static uint64_t total(fsk_counter counter)
{
    return fsk_arena_total(&arena, counter);
}

static uint64_t taken(void)
{
    return fsk_load64_acquire(&arena.taken);
}

static uint64_t offset(fsk_ref ref)
{
    return (uint64_t)ref * FSK_UNIT;
}

/* One allocation as an operation of its own. */
static fsk_ref alloc_once(fsk_kind kind, uint64_t size, uint64_t align, fastskip_status *status)
{
    fsk_writer w;
    fsk_ref ref;
    fsk_arena_enter(&arena, &w);
    ref = fsk_arena_alloc(&w, kind, size, align);
    *status = w.status;
    fsk_arena_leave(&w);
    return ref;
}

/* Takes what the region still has, but for `but` bytes. */
static void exhaust(fsk_writer *w, uint64_t but)
{
    uint64_t left = arena.limit - taken();
    REQUIRE(left >= but);
    if (left > but)
        REQUIRE(fsk_arena_alloc_exact(w, left - but, FSK_UNIT) != 0);
}

START_TEST(pool_of_shards_with_a_block_size)
{
    static const uint32_t shards[] = {1, 2, 3, 8, 64, 1024};
    static const uint64_t sizes[] = {4 * KIB, 64 * KIB, 1 * MIB};
    for (size_t i = 0; i < sizeof shards / sizeof *shards; i++)
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            fastskip_status status;
            make(GIB, sizes[j], shards[i]);
            ck_assert_uint_eq(arena.shards, shards[i]);
            /* Nothing is taken for a shard before it is used. */
            ck_assert_uint_eq(total(FSK_COUNT_CHUNKS), 0);
            ck_assert_uint_eq(fsk_arena_committed(&arena), 0);
            ck_assert_uint_ne(alloc_once(FSK_ENTRIES, 100, FSK_UNIT, &status), 0);
            ck_assert_uint_eq(total(FSK_COUNT_CHUNKS), 1);
            ck_assert_uint_eq(total(FSK_COUNT_USED), 104);
            ck_assert_uint_eq(taken(), FSK_LINE + sizes[j]);
            fsk_arena_destroy(&arena);
        }
}
END_TEST

START_TEST(chunks_are_of_the_chosen_size)
{
    fsk_writer w;
    make(16 * MIB, 8 * KIB, 1);
    fsk_arena_enter(&arena, &w);
    for (int i = 0; i < 1000; i++) {
        REQUIRE(fsk_arena_alloc(&w, (fsk_kind)(i % 3), 1000, FSK_UNIT) != 0);
        REQUIRE_EQ(taken(), FSK_LINE + total(FSK_COUNT_CHUNKS) * 8 * KIB);
    }
    /* What is large beside a chunk is taken alone and spoils none. */
    for (int i = 0; i < 3; i++) {
        uint64_t before = taken();
        REQUIRE(fsk_arena_alloc(&w, FSK_ENTRIES, 20000, FSK_UNIT) != 0);
        REQUIRE_EQ(taken() - before, 20000);
    }
    fsk_arena_leave(&w);
    ck_assert_uint_eq(total(FSK_COUNT_USED), 1000 * 1000 + 3 * 20000);
    fsk_arena_destroy(&arena);
}
END_TEST

START_TEST(chunks_grow_with_the_table_and_end_small_in_a_small_region)
{
    static const struct {
        uint64_t limit, fill, most;
        uint32_t shards;
    } rows[] = {{GIB, 128 * MIB, 2 * MIB, 1}, {64 * MIB, 32 * MIB, 256 * KIB, 8}};
    for (size_t r = 0; r < 2; r++) {
        uint64_t before = FSK_LINE, last = 0;
        fsk_writer w;
        make(rows[r].limit, 0, rows[r].shards);
        fsk_arena_enter(&arena, &w);
        while (taken() < rows[r].fill) {
            REQUIRE(fsk_arena_alloc(&w, FSK_ENTRIES, 2048, FSK_UNIT) != 0);
            if (taken() == before)
                continue;
            uint64_t chunk = taken() - before;
            REQUIRE((chunk & (chunk - 1)) == 0 && chunk >= last && chunk >= 16 * KIB);
            last = chunk;
            before = taken();
        }
        ck_assert_uint_eq(last, rows[r].most);
        /* The index is a small part of a table. */
        REQUIRE(fsk_arena_alloc(&w, FSK_INDEX, 512, FSK_LINE) != 0);
        ck_assert_uint_eq(taken() - before, last / 8 < 16 * KIB ? 16 * KIB : last / 8);
        fsk_arena_leave(&w);
        fsk_arena_destroy(&arena);
    }
}
END_TEST

START_TEST(a_shard_for_each_writer)
{
    fsk_writer w[6];
    make(MIB, 4 * KIB, 4);
    for (int i = 0; i < 6; i++) {
        fsk_arena_enter(&arena, &w[i]);
        REQUIRE((w[i].shard == NULL) == (i >= 4));
        for (int j = 0; j < i && i < 4; j++)
            REQUIRE(w[i].shard != w[j].shard);
    }
    ck_assert_uint_eq(fsk_load32_seq(&arena.overflow), 2);
    fsk_arena_leave(&w[2]);
    fsk_arena_enter(&arena, &w[2]); /* the one that is free is found, wherever the walk begins */
    ck_assert_ptr_nonnull(w[2].shard);
    for (int i = 0; i < 6; i++)
        fsk_arena_leave(&w[i]);
    ck_assert_uint_eq(fsk_load32_seq(&arena.overflow), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_uint_eq(fsk_load32_seq(&arena.shard[i].busy), 0);
    /* Neighbours do not share lines. */
    ck_assert_uint_eq(sizeof(fsk_shard) % (2 * FSK_LINE), 0);
    ck_assert_uint_eq((uintptr_t)arena.shard % (2 * FSK_LINE), 0);
    fsk_arena_destroy(&arena);
}
END_TEST

START_TEST(totals_are_sums_over_shards_and_overflow)
{
    fsk_writer w[3];
    make(MIB, 4 * KIB, 2);
    for (unsigned i = 0; i < 3; i++)
        fsk_arena_enter(&arena, &w[i]);
    for (int c = 0; c < FSK_COUNTERS; c++)
        for (unsigned i = 0; i < 3; i++) {
            fsk_arena_count(&w[i], (fsk_counter)c, (i + 1) * 100u + (unsigned)c);
            fsk_arena_count(&w[i], (fsk_counter)c, UINT64_C(1) << (33 + i)); /* beyond 32 bits */
        }
    for (int c = 0; c < FSK_COUNTERS; c++)
        REQUIRE_EQ(total((fsk_counter)c), 600 + 3 * (unsigned)c + (UINT64_C(7) << 33));
    for (unsigned i = 0; i < 3; i++)
        fsk_arena_leave(&w[i]);
#ifdef FSK_TEST_HOOK
    { /* One access a shard; and an allocation from a chunk makes none at all. */
        long before = interruption.accesses;
        total(FSK_COUNT_USED);
        ck_assert_int_eq(interruption.accesses - before, 3);
        fsk_arena_enter(&arena, &w[0]);
        fsk_arena_alloc(&w[0], FSK_ENTRIES, 8, FSK_UNIT);
        before = interruption.accesses;
        for (int i = 0; i < 100; i++)
            fsk_arena_alloc(&w[0], FSK_ENTRIES, 8, FSK_UNIT);
        ck_assert_int_eq(interruption.accesses, before);
        fsk_arena_leave(&w[0]);
    }
#endif
    fsk_arena_destroy(&arena);
}
END_TEST

START_TEST(alignment_is_kept_and_nothing_is_reference_zero)
{
    uint64_t state = 1, end[FSK_KINDS] = {0};
    fsk_writer w;
    make(4 * MIB, 4 * KIB, 1);
    fsk_arena_enter(&arena, &w);
    for (int i = 0; i < 3000; i++) {
        uint64_t align = draw_below(&state, 2) ? FSK_LINE : FSK_UNIT;
        fsk_kind kind = (fsk_kind)draw_below(&state, 3);
        uint64_t size = 1 + draw_below(&state, 900);
        fsk_ref ref = fsk_arena_alloc(&w, kind, size, align);
        REQUIRE(ref != 0 && offset(ref) % align == 0 && offset(ref) >= FSK_LINE);
        REQUIRE(offset(ref) + size <= taken() && offset(ref) >= end[kind]);
        end[kind] = offset(ref) + size;
        memset(fsk_arena_at(&arena, ref), 0xff, size);
        REQUIRE(fsk_arena_ref(&arena, fsk_arena_at(&arena, ref)) == ref);
    }
    fsk_arena_leave(&w);
    fsk_arena_destroy(&arena);
}
END_TEST

START_TEST(reset_empties_all_shards_and_keeps_the_memory)
{
    fsk_ref first = 0;
    char *base = NULL;
    make(MIB, 4 * KIB, 3);
    for (int round = 0; round < 200; round++) {
        uint64_t committed = fsk_arena_committed(&arena);
        fsk_writer w[4];
        fsk_arena_reset(&arena);
        for (int c = 0; c < FSK_COUNTERS; c++)
            REQUIRE_EQ(total((fsk_counter)c), 0);
        REQUIRE_EQ(taken(), FSK_LINE);
        REQUIRE_EQ(fsk_arena_committed(&arena), committed);
        for (int i = 0; i < 4; i++) {
            fsk_ref ref;
            fsk_arena_enter(&arena, &w[i]);
            REQUIRE_EQ(fsk_arena_spare_take(&w[i], 512), 0);
            if (w[i].shard != NULL)
                REQUIRE(w[i].shard->edge == 0 && !w[i].shard->at_edge);
            while ((ref = fsk_arena_alloc(&w[i], FSK_LEAVES, 512, FSK_LINE)) != 0 &&
                   taken() < (unsigned)(i + 1) * 200 * KIB) {
                if (i == 0 && total(FSK_COUNT_CHUNKS) == 1 && first == 0)
                    first = ref;
                memset(fsk_arena_at(&arena, ref), round, 512);
            }
            fsk_arena_spare_leave(&w[i], fsk_arena_alloc(&w[i], FSK_LEAVES, 512, FSK_LINE), 512);
            if (w[i].shard != NULL)
                w[i].shard->edge = w[i].shard->at_edge = 1;
        }
        for (int i = 0; i < 4; i++)
            fsk_arena_leave(&w[i]);
        if (base == NULL)
            base = arena.base;
        REQUIRE(arena.base == base);
    }
    fsk_arena_reset(&arena);
    fastskip_status status;
    ck_assert_uint_eq(alloc_once(FSK_LEAVES, 512, FSK_LINE, &status), first);
    fsk_arena_destroy(&arena);
}
END_TEST

/* Thousands on one thread, each where the last one was, with ever other numbers of shards: the seed
 * remembered shards by address, and crashed. */
START_TEST(arenas_come_and_go_at_one_address)
{
    char *base = NULL;
    unsigned recycled = 0, rounds = scaled(3000);
    for (unsigned round = 0; round < rounds; round++) {
        uint32_t shards = round % 2 ? 1 : 2 + round % 63;
        fastskip_status status;
        fsk_ref ref;
        make(128 * KIB, 4 * KIB, shards);
        recycled += arena.base == base;
        base = arena.base;
        ref = alloc_once(FSK_ENTRIES, 200, FSK_UNIT, &status);
        REQUIRE(ref != 0);
        memset(fsk_arena_at(&arena, ref), 1, 200);
        REQUIRE_EQ(total(FSK_COUNT_USED), 200);
        fsk_arena_destroy(&arena);
    }
    ck_assert_uint_gt(recycled, rounds / 2);
}
END_TEST

START_TEST(two_arenas_at_once)
{
    fsk_arena other;
    fsk_arena_options o = {MIB, 4 * KIB, 1, 0, {NULL, NULL, NULL, NULL}};
    fsk_writer w, v;
    fsk_ref mine[500], theirs[500];
    make(MIB, 4 * KIB, 1);
    ck_assert_int_eq(fsk_arena_init(&other, &o), FASTSKIP_OK);
    fsk_arena_enter(&arena, &w);
    fsk_arena_enter(&other, &v); /* one's being busy is nothing to the other */
    ck_assert(w.shard == &arena.shard[0] && v.shard == &other.shard[0]);
    for (int i = 0; i < 500; i++) {
        mine[i] = fsk_arena_alloc(&w, FSK_ENTRIES, 64, FSK_UNIT);
        memset(fsk_arena_at(&arena, mine[i]), i, 64);
        theirs[i] = fsk_arena_alloc(&v, FSK_ENTRIES, 64, FSK_UNIT);
        memset(fsk_arena_at(&other, theirs[i]), ~i, 64);
        REQUIRE_EQ(mine[i], theirs[i]); /* places, not addresses */
    }
    fsk_arena_leave(&w);
    fsk_arena_leave(&v);
    for (int i = 0; i < 500; i++)
        for (int j = 0; j < 64; j++) {
            REQUIRE_EQ(((uint8_t *)fsk_arena_at(&arena, mine[i]))[j], (uint8_t)i);
            REQUIRE_EQ(((uint8_t *)fsk_arena_at(&other, theirs[i]))[j], (uint8_t)~i);
        }
    fsk_arena_destroy(&arena);
    fsk_arena_destroy(&other);
}
END_TEST

/* ---- the end of the region ---- */

START_TEST(the_limit_is_reached_and_not_passed)
{
    static const uint64_t limits[] = {64 * KIB, 64 * KIB + 8, 100001, 131071, 3 * MIB + 13};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        uint64_t bytes = 0, end = 0;
        fastskip_status status;
        fsk_writer w;
        fsk_ref ref;
        make_with(limits[i], 4 * KIB, 2, &source);
        fsk_arena_enter(&arena, &w);
        while ((ref = fsk_arena_alloc(&w, FSK_ENTRIES, 8, FSK_UNIT)) != 0) {
            memset(fsk_arena_at(&arena, ref), 1, 8);
            bytes += 8;
            if (offset(ref) + 8 > end)
                end = offset(ref) + 8;
        }
        ck_assert_int_eq(w.status, FASTSKIP_FULL);
        fsk_arena_leave(&w);
        ck_assert_uint_le(end, limits[i]);
        /* Whatever can be had is had: all but the line of reference 0. */
        ck_assert_uint_eq(bytes, limits[i] / 8 * 8 - FSK_LINE);
        ck_assert_uint_eq(total(FSK_COUNT_USED), bytes);
        ck_assert_uint_le(fsk_arena_committed(&arena), limits[i]);
        ck_assert_uint_eq(alloc_once(FSK_LEAVES, 1, FSK_UNIT, &status), 0);
        ck_assert_int_eq(status, FASTSKIP_FULL);
        ck_assert_uint_eq(alloc_once(FSK_LEAVES, UINT64_MAX / 2, FSK_UNIT, &status), 0);
        ck_assert_int_eq(status, FASTSKIP_FULL);
        fsk_arena_destroy(&arena);
    }
}
END_TEST

START_TEST(the_rest_of_an_old_chunk_is_used_at_the_end)
{
    fsk_ref ref, rest;
    fsk_writer w;
    make(64 * KIB, 4 * KIB, 1);
    fsk_arena_enter(&arena, &w);
    for (int i = 0; i < 4; i++)
        rest = fsk_arena_alloc(&w, FSK_ENTRIES, 1000, FSK_UNIT);
    REQUIRE(fsk_arena_alloc(&w, FSK_INDEX, 64, FSK_LINE) != 0);  /* so that the next one is apart */
    ref = fsk_arena_alloc(&w, FSK_ENTRIES, 1000, FSK_UNIT); /* 96 bytes of the first are left */
    ck_assert_uint_eq(offset(ref), FSK_LINE + 8 * KIB);
    exhaust(&w, 0);
    for (int i = 0; i < 3; i++)
        REQUIRE(fsk_arena_alloc(&w, FSK_ENTRIES, 1000, FSK_UNIT) != 0);
    REQUIRE(fsk_arena_alloc(&w, FSK_ENTRIES, 96, FSK_UNIT) != 0);
    /* A kind that can not be had is replaced by another of the shard: the index chunk has room. */
    ref = fsk_arena_alloc(&w, FSK_LEAVES, 2000, FSK_UNIT);
    ck_assert_uint_eq(offset(ref), FSK_LINE + 4 * KIB + 64);
    REQUIRE(fsk_arena_alloc(&w, FSK_INDEX, 4 * KIB - 2064, FSK_UNIT) != 0);
    /* Last, what was left over when the first chunk was changed for the next. */
    ref = fsk_arena_alloc(&w, FSK_ENTRIES, 96, FSK_UNIT);
    ck_assert_uint_eq(offset(ref), offset(rest) + 1000);
    ck_assert_uint_eq(fsk_arena_alloc(&w, FSK_ENTRIES, 8, FSK_UNIT), 0);
    ck_assert_int_eq(w.status, FASTSKIP_FULL);
    fsk_arena_leave(&w);
    fsk_arena_destroy(&arena);
}
END_TEST

START_TEST(other_shards_are_asked_before_full)
{
    fsk_writer w[4];
    fsk_ref ref, first;
    make(64 * KIB, 8 * KIB, 3);
    for (int i = 0; i < 4; i++)
        fsk_arena_enter(&arena, &w[i]);
    REQUIRE((first = fsk_arena_alloc(&w[0], FSK_LEAVES, 64, FSK_LINE)) != 0);
    exhaust(&w[1], 0);
    /* All that is left is in a shard that is taken. */
    ck_assert_uint_eq(fsk_arena_alloc(&w[1], FSK_ENTRIES, 100, FSK_UNIT), 0);
    ck_assert_uint_eq(fsk_arena_alloc(&w[3], FSK_ENTRIES, 100, FSK_UNIT), 0);
    ck_assert_int_eq(w[3].status, FASTSKIP_FULL);
    fsk_arena_leave(&w[0]);
    /* Now it is there for the asking: the rest of the chunk changes its shard. */
    ref = fsk_arena_alloc(&w[1], FSK_ENTRIES, 100, FSK_UNIT);
    ck_assert_uint_eq(offset(ref), offset(first) + 64);
    ck_assert_uint_eq(fsk_load32_seq(&w[0].shard->busy), 0);
    ck_assert_uint_eq(fsk_arena_alloc(&w[2], FSK_ENTRIES, 100, FSK_UNIT), 0);
    fsk_arena_leave(&w[1]);
    /* A writer without a shard keeps the one that has something, and leaves both doors. */
    ref = fsk_arena_alloc(&w[3], FSK_ENTRIES, 100, FSK_UNIT);
    ck_assert_uint_ne(ref, 0);
    ck_assert_ptr_eq(w[3].shard, w[1].shard);
    ck_assert_uint_eq(fsk_load32_seq(&arena.overflow), 1);
    fsk_arena_leave(&w[3]);
    fsk_arena_leave(&w[2]);
    ck_assert_uint_eq(fsk_load32_seq(&arena.overflow), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(fsk_load32_seq(&arena.shard[i].busy), 0);
    fsk_arena_destroy(&arena);
}
END_TEST

/* References are 32 bits of 8 bytes: sizes and places beyond 4 GiB are not cut short. */
static int32_t commit_the_end(void *context, void *address, size_t size)
{
    region_source *s = context;
    uint64_t end = (uint64_t)((char *)address + size - arena.base), from = 32 * GIB - 2 * MIB;
    fsk_add32_relaxed(&s->commits, 1);
    return end > from ? mprotect(arena.base + from, (size_t)(end - from), PROT_READ | PROT_WRITE)
                      : 0;
}

START_TEST(thirty_two_gibibytes)
{
    fsk_arena_options o = {
        32 * GIB, 0, 1, 0, {source_reserve, commit_the_end, source_release, &source}};
    fsk_writer w;
    fsk_ref ref, last = 0;
    if (sizeof(size_t) < 8 || fsk_arena_init(&arena, &o) != FASTSKIP_OK)
        return; /* so much address space is not to be had here */
    fsk_arena_enter(&arena, &w);
    REQUIRE(fsk_arena_alloc(&w, FSK_ENTRIES, 5 * GIB, FSK_UNIT) != 0);
    REQUIRE(fsk_arena_alloc(&w, FSK_ENTRIES, 27 * GIB - MIB, FSK_UNIT) != 0);
    while ((ref = fsk_arena_alloc(&w, FSK_ENTRIES, 4096, FSK_UNIT)) != 0) {
        ck_assert_ptr_eq(fsk_arena_at(&arena, ref), arena.base + offset(ref));
        ck_assert_uint_eq(fsk_arena_ref(&arena, fsk_arena_at(&arena, ref)), ref);
        memset(fsk_arena_at(&arena, ref), 1, 4096);
        last = ref > last ? ref : last;
    }
    ck_assert_uint_gt(offset(last), 32 * GIB - 8 * KIB);
    fsk_arena_leave(&w);
    ck_assert_uint_gt(total(FSK_COUNT_USED), 32 * GIB - 8 * KIB);
    fsk_arena_destroy(&arena);
}
END_TEST

/* ---- giving back ---- */

START_TEST(what_was_not_published_goes_back)
{
    fsk_ref a, b, c;
    fsk_writer w;
    make(MIB, 8 * KIB, 1);
    fsk_arena_enter(&arena, &w);
    a = fsk_arena_alloc(&w, FSK_ENTRIES, 100, FSK_UNIT);
    b = fsk_arena_alloc(&w, FSK_LEAVES, 512, FSK_LINE);
    c = fsk_arena_alloc(&w, FSK_ENTRIES, 60, FSK_UNIT);
    fsk_arena_give_back(&w, c, 60); /* last first: to the cursor */
    fsk_arena_give_back(&w, a, 100);
    fsk_arena_give_back(&w, b, 512);
    ck_assert_uint_eq(fsk_arena_alloc(&w, FSK_ENTRIES, 100, FSK_UNIT), a);
    ck_assert_uint_eq(fsk_arena_alloc(&w, FSK_LEAVES, 512, FSK_LINE), b);
    fsk_arena_leave(&w);
    ck_assert_uint_eq(total(FSK_COUNT_USED), 104 + 512);
    ck_assert_uint_eq(total(FSK_COUNT_WASTED), 0);

    fsk_arena_enter(&arena, &w); /* not the last: lost, and counted as that */
    a = fsk_arena_alloc(&w, FSK_ENTRIES, 100, FSK_UNIT);
    b = fsk_arena_alloc(&w, FSK_ENTRIES, 100, FSK_UNIT);
    fsk_arena_give_back(&w, a, 100);
    ck_assert_uint_ne(fsk_arena_alloc(&w, FSK_ENTRIES, 100, FSK_UNIT), a);
    fsk_arena_leave(&w);
    ck_assert_uint_eq(total(FSK_COUNT_WASTED), 104);
    ck_assert_uint_eq(total(FSK_COUNT_USED), 104 + 512 + 3 * 104);
    fsk_arena_destroy(&arena);
}
END_TEST

START_TEST(a_piece_of_the_region_goes_back_to_it)
{
    uint64_t before;
    fsk_writer w[2];
    fsk_ref a, b;
    make(MIB, 8 * KIB, 1);
    fsk_arena_enter(&arena, &w[0]);
    fsk_arena_enter(&arena, &w[1]); /* no shard is left for it */
    before = taken();
    for (int i = 0; i < 2; i++) { /* so too what is large for a chunk */
        a = fsk_arena_alloc(&w[1 - i], FSK_ENTRIES, 5000, FSK_UNIT);
        b = fsk_arena_alloc(&w[1 - i], FSK_ENTRIES, 6001, FSK_UNIT);
        fsk_arena_give_back(&w[1 - i], b, 6001);
        fsk_arena_give_back(&w[1 - i], a, 5000);
        ck_assert_uint_eq(taken(), before);
    }
    a = fsk_arena_alloc(&w[1], FSK_ENTRIES, 5000, FSK_UNIT);
    b = fsk_arena_alloc(&w[0], FSK_ENTRIES, 64, FSK_UNIT); /* another took memory meanwhile */
    fsk_arena_give_back(&w[1], a, 5000);
    fsk_arena_leave(&w[0]);
    fsk_arena_leave(&w[1]);
    ck_assert_uint_eq(total(FSK_COUNT_WASTED), 5000);
    ck_assert_uint_eq(total(FSK_COUNT_USED), 5064);
    fsk_arena_destroy(&arena);
}
END_TEST

START_TEST(spare_blocks_are_used_again)
{
    fsk_ref block[5], other;
    fsk_writer w[2];
    make(MIB, 8 * KIB, 1);
    fsk_arena_enter(&arena, &w[0]);
    fsk_arena_enter(&arena, &w[1]);
    for (int i = 0; i < 5; i++)
        block[i] = fsk_arena_alloc(&w[0], FSK_LEAVES, 512, FSK_LINE);
    for (int i = 0; i < 4; i++)
        fsk_arena_spare_leave(&w[0], block[i], 512);
    fsk_arena_spare_leave(&w[0], block[4], 512); /* the last of its chunk goes back there */
    for (int i = 3; i >= 0; i--)
        ck_assert_uint_eq(fsk_arena_spare_take(&w[0], 512), block[i]);
    ck_assert_uint_eq(fsk_arena_spare_take(&w[0], 512), 0);
    ck_assert_uint_eq(fsk_arena_alloc(&w[0], FSK_LEAVES, 512, FSK_LINE), block[4]);
    fsk_arena_spare_leave(&w[0], block[1], 512);
    fsk_arena_leave(&w[0]);
    ck_assert_uint_eq(total(FSK_COUNT_USED), 4 * 512);
    fsk_arena_enter(&arena, &w[0]); /* it stays for the next owner */
    ck_assert_uint_eq(fsk_arena_spare_take(&w[0], 512), block[1]);
    fsk_arena_leave(&w[0]);
    ck_assert_uint_eq(total(FSK_COUNT_USED), 5 * 512);

    /* Without a shard there is one place; what it held before is lost, and counted. */
    ck_assert_uint_eq(fsk_arena_spare_take(&w[1], 512), 0);
    block[0] = fsk_arena_alloc(&w[1], FSK_LEAVES, 512, FSK_LINE);
    other = fsk_arena_alloc(&w[1], FSK_LEAVES, 512, FSK_LINE);
    fsk_arena_spare_leave(&w[1], block[0], 512);
    fsk_arena_spare_leave(&w[1], other, 512);
    ck_assert_uint_eq(total(FSK_COUNT_WASTED), 512);
    ck_assert_uint_eq(fsk_arena_spare_take(&w[1], 512), other);
    ck_assert_uint_eq(fsk_arena_spare_take(&w[1], 512), 0);
    fsk_arena_leave(&w[1]);
    ck_assert_uint_eq(total(FSK_COUNT_USED), 7 * 512);
    fsk_arena_destroy(&arena);
}
END_TEST

/* ---- the system refuses ---- */

START_TEST(no_region)
{
    fsk_arena_options o = {
        MIB, 0, 1, 0, {source_reserve, source_commit, source_release, &source}};
    source.fail_reserve = 1;
    ck_assert_int_eq(fsk_arena_init(&arena, &o), FASTSKIP_NO_MEMORY);
    ck_assert_int_eq(source.releases, 0);
    source.fail_reserve = 0;
    source.shift = 8; /* blocks would not lie on lines */
    ck_assert_int_eq(fsk_arena_init(&arena, &o), FASTSKIP_NO_MEMORY);
    ck_assert_int_eq(source.releases, 1);
    source.shift = 0;
    ck_assert_int_eq(fsk_arena_init(&arena, &o), FASTSKIP_OK);
    fsk_arena_destroy(&arena);
    ck_assert_int_eq(source.releases, 2);
    ck_assert_int_eq(source.reserves, 3);
}
END_TEST

/* The n-th call fails, for every n: what was there stays, the answer says why, and trying again works. */
START_TEST(every_commit_fails_once)
{
    uint32_t calls = 1;
    for (uint32_t n = 1; n <= calls; n++) {
        fsk_ref refs[400];
        unsigned failed = 0, count = 0;
        memset(&source, 0, sizeof source);
        source.fail_at = n;
        make_with(3 * MIB, 16 * KIB, 2, &source);
        while (count < 400) {
            fastskip_status status;
            uint64_t before = taken(), used = total(FSK_COUNT_USED);
            fsk_ref ref = alloc_once((fsk_kind)(count % 3), 7000, FSK_LINE, &status);
            if (ref == 0) {
                REQUIRE_EQ(status, FASTSKIP_NO_MEMORY);
                REQUIRE(taken() == before && total(FSK_COUNT_USED) == used);
                failed++;
                continue;
            }
            memset(fsk_arena_at(&arena, ref), (int)count, 7000);
            refs[count++] = ref;
        }
        calls = fsk_load32_relaxed(&source.commits);
        /* What fails may be made up for within the call: an exact piece where a chunk is refused. */
        ck_assert_uint_le(failed, 1);
        for (unsigned i = 0; i < count; i++)
            for (unsigned j = 0; j < 7000; j += 77)
                REQUIRE_EQ(((uint8_t *)fsk_arena_at(&arena, refs[i]))[j], (uint8_t)i);
        fsk_arena_destroy(&arena);
    }
    ck_assert_uint_gt(calls, 2);
}
END_TEST

START_TEST(what_is_there_is_used_up_when_the_system_has_no_more)
{
    fastskip_status status;
    unsigned n = 0;
    memset(&source, 0, sizeof source);
    source.fail_at = 2;
    source.fail_on = 1;
    make_with(MIB, 8 * KIB, 2, &source);
    while (alloc_once(FSK_ENTRIES, 64, FSK_UNIT, &status) != 0)
        n++;
    ck_assert_int_eq(status, FASTSKIP_NO_MEMORY);
    ck_assert_uint_eq(n, (fsk_arena_committed(&arena) - FSK_LINE) / 64);
    source.fail_at = 0;
    ck_assert_uint_ne(alloc_once(FSK_ENTRIES, 64, FSK_UNIT, &status), 0);
    fsk_arena_destroy(&arena);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        pool_of_shards_with_a_block_size,
        chunks_are_of_the_chosen_size,
        chunks_grow_with_the_table_and_end_small_in_a_small_region,
        a_shard_for_each_writer,
        totals_are_sums_over_shards_and_overflow,
        alignment_is_kept_and_nothing_is_reference_zero,
        reset_empties_all_shards_and_keeps_the_memory,
        arenas_come_and_go_at_one_address,
        two_arenas_at_once,
        the_limit_is_reached_and_not_passed,
        the_rest_of_an_old_chunk_is_used_at_the_end,
        other_shards_are_asked_before_full,
        thirty_two_gibibytes,
        what_was_not_published_goes_back,
        a_piece_of_the_region_goes_back_to_it,
        spare_blocks_are_used_again,
        no_region,
        every_commit_fails_once,
        what_is_there_is_used_up_when_the_system_has_no_more,
    };
    return RUN_SUITE("arena", tests);
}
