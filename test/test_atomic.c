/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * lib/atomic.h, in one thread: what each operation answers, what it leaves behind, and what the hook is told.
 */
#include "atomics.h"

#define WIDE UINT64_C(0x0123456789abcdef) /* does not fit half a word */

START_TEST(layout)
{
    struct {
        char offset;
        fsk_atomic32 word;
    } narrow;
    struct {
        char offset;
        fsk_atomic64 word;
    } wide;

    ck_assert_uint_eq(sizeof(fsk_atomic32), 4);
    ck_assert_uint_eq(sizeof(fsk_atomic64), 8);
    ck_assert_uint_eq((uintptr_t)&narrow.word % 4, 0);
    ck_assert_uint_eq((uintptr_t)&wide.word % 8, 0);
    ck_assert_uint_eq(sizeof(narrow), 8);
    ck_assert_uint_eq(sizeof(wide), 16);
    ck_assert_str_ne(FSK_ATOMICS_NAME, "");
}
END_TEST

/* An operation that answers what was there: on a word that holds big, with what it leaves behind. */
#define EXPECT_OLD(N, operation, argument, result)                                                 \
    do {                                                                                           \
        fsk_init##N(p, big);                                                                       \
        ck_assert_uint_eq(fsk_##operation(p, (argument)), big);                                    \
        hook_expect(FSK_POINT_CAS, p);                                                             \
        ck_assert_uint_eq(fsk_load##N##_relaxed(p), (result));                                     \
        hook_reset();                                                                              \
    } while (0)

/* Every operation of one width: its result, what it leaves behind, and what the hook is told. */
#define DEFINE_SINGLE(N, BIG)                                                                      \
    START_TEST(single##N)                                                                          \
    {                                                                                              \
        const uint##N##_t big = (BIG);                                                             \
        const uint##N##_t top = (uint##N##_t)0 - 1;                                                \
        uint##N##_t expected;                                                                      \
        fsk_atomic##N around[3];                                                                   \
        fsk_atomic##N *p = &around[1];                                                             \
                                                                                                   \
        fsk_init##N(&around[0], 0);                                                                \
        fsk_init##N(&around[2], 0);                                                                \
        fsk_init##N(p, big);                                                                       \
        hook_reset();                                                                              \
                                                                                                   \
        ck_assert_uint_eq(fsk_load##N##_relaxed(p), big);                                          \
        hook_expect(FSK_POINT_LOAD, p);                                                            \
        ck_assert_uint_eq(fsk_load##N##_acquire(p), big);                                          \
        hook_expect(FSK_POINT_LOAD, p);                                                            \
        ck_assert_uint_eq(fsk_load##N##_seq(p), big);                                              \
        hook_expect(FSK_POINT_LOAD, p);                                                            \
        fsk_store##N##_relaxed(p, top);                                                            \
        hook_expect(FSK_POINT_STORE, p);                                                           \
        ck_assert_uint_eq(fsk_load##N##_relaxed(p), top);                                          \
        hook_reset();                                                                              \
        fsk_store##N##_release(p, big);                                                            \
        hook_expect(FSK_POINT_STORE, p);                                                           \
        ck_assert_uint_eq(fsk_load##N##_relaxed(p), big);                                          \
        hook_reset();                                                                              \
                                                                                                   \
        expected = big - 1;                                                                        \
        ck_assert_int_eq(fsk_cas##N##_acq_rel(p, &expected, 7), 0);                                \
        hook_expect(FSK_POINT_CAS, p);                                                             \
        ck_assert_uint_eq(expected, big);                                                          \
        ck_assert_int_eq(fsk_cas##N##_acq_rel(p, &expected, 7), 1);                                \
        hook_expect(FSK_POINT_CAS, p);                                                             \
        ck_assert_uint_eq(expected, big);                                                          \
        ck_assert_uint_eq(fsk_load##N##_relaxed(p), 7);                                            \
        expected = big;                                                                            \
        hook_reset();                                                                              \
        ck_assert_int_eq(fsk_cas##N##_seq(p, &expected, 8), 0);                                    \
        hook_expect(FSK_POINT_CAS, p);                                                             \
        ck_assert_uint_eq(expected, 7);                                                            \
        ck_assert_int_eq(fsk_cas##N##_seq(p, &expected, big), 1);                                  \
        hook_expect(FSK_POINT_CAS, p);                                                             \
        ck_assert_uint_eq(expected, 7);                                                            \
                                                                                                   \
        EXPECT_OLD(N, exchange##N##_seq, 5, 5);                                                    \
        EXPECT_OLD(N, add##N##_relaxed, 5, big + 5);                                               \
        EXPECT_OLD(N, add##N##_relaxed, top, big - 1);                                             \
        EXPECT_OLD(N, add##N##_seq, 5, big + 5);                                                   \
        EXPECT_OLD(N, add##N##_seq, top, big - 1);                                                 \
        EXPECT_OLD(N, sub##N##_acq_rel, 5, big - 5);                                               \
        EXPECT_OLD(N, sub##N##_acq_rel, top, big + 1);                                             \
        EXPECT_OLD(N, sub##N##_release, 5, big - 5);                                               \
        EXPECT_OLD(N, sub##N##_release, top, big + 1);                                             \
                                                                                                   \
        ck_assert_uint_eq(fsk_load##N##_relaxed(&around[0]), 0);                                   \
        ck_assert_uint_eq(fsk_load##N##_relaxed(&around[2]), 0);                                   \
    }                                                                                              \
    END_TEST

DEFINE_SINGLE(32, UINT32_C(0x89abcdef))
DEFINE_SINGLE(64, WIDE)

int main(void)
{
    const TTest *const tests[] = {
        layout,
        single32,
        single64,
    };
    return RUN_SUITE("atomic " FSK_ATOMICS_NAME, tests);
}
