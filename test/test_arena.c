/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_arena.c - lib/arena: the pool of shards, chunks, totals, reset, and what goes back; one thread at a
 * time.  The end of the region is in test_arena_limits.c, threads are in test_arena_threads.c.
 */
#include "arenas.h"

START_TEST(pool_of_shards_with_a_block_size)
{
    static const uint32_t shards[] = {1, 2, 3, 8, 64, 1024};
    static const uint64_t sizes[] = {4 * KIB, 64 * KIB, 1 * MIB};
    for (size_t i = 0; i < sizeof shards / sizeof *shards; i++)
        for (size_t j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            fastskip_status status;
            arena_make(GIB, sizes[j], shards[i], NULL);
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
    arena_make(16 * MIB, 8 * KIB, 1, NULL);
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
        arena_make(rows[r].limit, 0, rows[r].shards, NULL);
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
    arena_make(MIB, 4 * KIB, 4, NULL);
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
    arena_make(MIB, 4 * KIB, 2, NULL);
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
    arena_make(4 * MIB, 4 * KIB, 1, NULL);
    fsk_arena_enter(&arena, &w);
    for (int i = 0; i < 3000; i++) {
        uint64_t align = draw_below(&state, 2) ? FSK_LINE : FSK_UNIT;
        fsk_kind kind = (fsk_kind)draw_below(&state, 3);
        uint64_t size = 1 + draw_below(&state, 900);
        fsk_ref ref = fsk_arena_alloc(&w, kind, size, align);
        REQUIRE(ref != 0 && offset(ref) % align == 0 && offset(ref) >= FSK_LINE);
        REQUIRE(offset(ref) + size <= taken() && offset(ref) >= end[kind]);
        end[kind] = offset(ref) + size;
        memset(fsk_arena_at(&arena, ref), 0xff, (size_t)size);
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
    arena_make(MIB, 4 * KIB, 3, NULL);
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
                REQUIRE(w[i].shard->edge == 0);
            while ((ref = fsk_arena_alloc(&w[i], FSK_LEAVES, 512, FSK_LINE)) != 0 &&
                   taken() < (unsigned)(i + 1) * 200 * KIB) {
                if (i == 0 && total(FSK_COUNT_CHUNKS) == 1 && first == 0)
                    first = ref;
                memset(fsk_arena_at(&arena, ref), round, 512);
            }
            fsk_arena_spare_leave(&w[i], fsk_arena_alloc(&w[i], FSK_LEAVES, 512, FSK_LINE), 512);
            if (w[i].shard != NULL)
                w[i].shard->edge = 1;
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

/* Memory that is always in one place. Where the system maps memory next is its own affair. */
static void *place_reserve(void *context, size_t size, size_t alignment)
{
    (void)alignment;
    REQUIRE(size <= 128 * KIB);
    return context;
}

static int32_t place_commit(void *context, void *address, size_t size)
{
    (void)context;
    (void)address;
    (void)size;
    return 0;
}

static void place_release(void *context, void *address, size_t size)
{
    (void)size;
    REQUIRE(address == context);
}

/* Thousands on one thread, each where the last one was, with ever other numbers of shards: the seed
 * remembered shards by address, and crashed. */
START_TEST(arenas_come_and_go_at_one_address)
{
    static union {
        char bytes[128 * KIB + FSK_LINE];
        uint64_t aligned;
    } memory;
    char *place = memory.bytes + (FSK_LINE - (uintptr_t)memory.bytes % FSK_LINE);
    for (unsigned round = 0; round < scaled_alone(3000); round++) {
        fsk_arena_options o = {128 * KIB, 4 * KIB, round % 2 ? 1 : 2 + round % 63, 1,
                               {place_reserve, place_commit, place_release, place}, 0};
        fastskip_status status;
        fsk_ref ref;
        REQUIRE_EQ(fsk_arena_init(&arena, &o), FASTSKIP_OK);
        REQUIRE(arena.base == place);
        ref = alloc_once(FSK_ENTRIES, 200, FSK_UNIT, &status);
        REQUIRE(ref != 0);
        memset(fsk_arena_at(&arena, ref), 1, 200);
        REQUIRE_EQ(total(FSK_COUNT_USED), 200);
        fsk_arena_destroy(&arena);
    }
}
END_TEST

START_TEST(two_arenas_at_once)
{
    fsk_arena other;
    fsk_arena_options o = {MIB, 4 * KIB, 1, 0, {NULL, NULL, NULL, NULL}, 0};
    fsk_writer w, v;
    fsk_ref mine[500], theirs[500];
    arena_make(MIB, 4 * KIB, 1, NULL);
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

/* ---- giving back ---- */

START_TEST(what_was_not_published_goes_back)
{
    fsk_ref a, b, c;
    fsk_writer w;
    arena_make(MIB, 8 * KIB, 1, NULL);
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
    arena_make(MIB, 8 * KIB, 1, NULL);
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
    arena_make(MIB, 8 * KIB, 1, NULL);
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
        what_was_not_published_goes_back,
        a_piece_of_the_region_goes_back_to_it,
        spare_blocks_are_used_again,
    };
    return RUN_SUITE("arena", tests);
}
