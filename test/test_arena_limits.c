/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_arena_limits.c - lib/arena at its ends: the limit to the byte, what is used up before it is
 * reached, 32 GiB, and a system that refuses.
 */
#include "arenas.h"

static region_source source;

/* Takes what the region still has, but for `but` bytes. */
static void exhaust(fsk_writer *w, uint64_t but)
{
    uint64_t left = arena.limit - taken();
    REQUIRE(left >= but);
    if (left > but)
        REQUIRE(fsk_arena_alloc_exact(w, left - but, FSK_UNIT) != 0);
}

/* ---- the end of the region ---- */

START_TEST(the_limit_is_reached_and_not_passed)
{
    static const uint64_t limits[] = {64 * KIB, 64 * KIB + 8, 100001, 131071, 3 * MIB + 13};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        uint64_t bytes = 0, end = 0;
        fastskip_status status;
        fsk_writer w;
        fsk_ref ref;
        arena_make(limits[i], 4 * KIB, 2, &source);
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
    arena_make(64 * KIB, 4 * KIB, 1, NULL);
    fsk_arena_enter(&arena, &w);
    for (int i = 0; i < 4; i++)
        rest = fsk_arena_alloc(&w, FSK_ENTRIES, 1000, FSK_UNIT);
    REQUIRE(fsk_arena_alloc(&w, FSK_INDEX, 64, FSK_LINE) != 0); /* so that the next one is apart */
    ref = fsk_arena_alloc(&w, FSK_ENTRIES, 1000, FSK_UNIT);     /* 96 bytes of the first are left */
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
    arena_make(64 * KIB, 8 * KIB, 3, NULL);
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
        32 * GIB, 0, 1, 0, {source_reserve, commit_the_end, source_release, &source}, 0};
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

/* ---- the system refuses ---- */

START_TEST(no_region)
{
    fsk_arena_options o = {MIB, 0, 1, 0, {source_reserve, source_commit, source_release, &source}, 0};
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
        arena_make(3 * MIB, 16 * KIB, 2, &source);
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

START_TEST(the_system_has_no_more)
{
    fastskip_status status;
    unsigned n = 0;
    memset(&source, 0, sizeof source);
    source.fail_at = 2;
    source.fail_on = 1;
    arena_make(MIB, 8 * KIB, 2, &source);
    while (alloc_once(FSK_ENTRIES, 64, FSK_UNIT, &status) != 0)
        n++;
    ck_assert_int_eq(status, FASTSKIP_NO_MEMORY);
    /* What could be had was used up, but for the last piece of a chunk that could not. */
    ck_assert_uint_le(FSK_LINE + n * 64, fsk_arena_committed(&arena));
    ck_assert_uint_gt(FSK_LINE + n * 64 + 8 * KIB, fsk_arena_committed(&arena));
    source.fail_at = 0;
    ck_assert_uint_ne(alloc_once(FSK_ENTRIES, 64, FSK_UNIT, &status), 0);
    fsk_arena_destroy(&arena);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_limit_is_reached_and_not_passed,
        the_rest_of_an_old_chunk_is_used_at_the_end,
        other_shards_are_asked_before_full,
        thirty_two_gibibytes,
        no_region,
        every_commit_fails_once,
        the_system_has_no_more,
    };
    return RUN_SUITE("arena limits", tests);
}
