/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Faults that the library before this one had, each as a test that fails with its way of doing it.
 * Every test names its fault. Here those of its list and its levels.
 *
 * A new node for every failed CAS is seen here as memory, the nodes themselves are not; unchecked links of
 * upper levels, and linking that is given up, as keys out of order and as the number of comparisons, each
 * single word of the index is not.
 */
#include <stdatomic.h>

#include "api.h"
#include "crowd.h"
#include "orders.h"

/* Links behind a successor that was not looked at: thousands of keys out of order. */
START_TEST(fault_inversions)
{
    for (int round = 0; round < 5; round++) {
        struct crowd crowd = {.threads = 8, .keys = 1500, .pattern = INTERLEAVED};
        crowd.table = new_table((struct settings){0});
        run_crowd(&crowd);
        expect_crowd(&crowd, crowd.table);
        fastskip_table_unref(crowd.table);
    }
}
END_TEST

static int32_t count_comparisons(void *ctx, const void *a, size_t a_size, const void *b,
                                 size_t b_size)
{
    atomic_fetch_add_explicit((atomic_ullong *)ctx, 1, memory_order_relaxed);
    return bytewise(NULL, a, a_size, b, b_size);
}

/* Comparisons a lookup takes, on average, after the crowd has written. */
static double comparisons_after(uint32_t threads, uint32_t keys)
{
    static atomic_ullong calls;
    struct crowd crowd = {.threads = threads, .keys = keys, .pattern = INTERLEAVED};
    fastskip_options *options = new_options((struct settings){0});
    unsigned char key[8];
    OK(fastskip_options_set_comparator(options, count_comparisons, leading_bytes, &calls, NULL));
    crowd.table = table_of(options);
    run_crowd(&crowd);
    ck_assert_uint_ge(stat_of(crowd.table, FASTSKIP_STAT_HEIGHT), 3);
    atomic_store(&calls, 0);
    for (uint32_t i = 0; i < 2000; i++) {
        make_key(key, i * 7919 % keys, i % threads);
        REQUIRE(fastskip_contains(crowd.table, NULL, key, 8) == FASTSKIP_OK);
    }
    fastskip_table_unref(crowd.table);
    return (double)atomic_load(&calls) / 2000;
}

/* Without its upper levels a list of 60,000 keys takes hundreds of steps or thousands. */
START_TEST(fault_top_levels_never_linked)
{
    ck_assert_double_lt(comparisons_after(1, 60000), 150);
}
END_TEST

START_TEST(fault_linking_given_up_after_two_failures)
{
    ck_assert_double_lt(comparisons_after(8, 7500), 150);
}
END_TEST

/* 8 threads insert the same keys: 7 of 8 lose, and the memory of the losers is used again. */
START_TEST(fault_new_node_for_every_failed_cas)
{
    struct crowd alone = {.threads = 1, .keys = 20000, .pattern = SAME_KEYS};
    struct crowd crowd = {.threads = 8, .keys = 20000, .pattern = SAME_KEYS};
    alone.table = new_table((struct settings){.shards = 8});
    crowd.table = new_table((struct settings){.shards = 8});
    run_crowd(&alone);
    run_crowd(&crowd);
    expect_crowd(&crowd, crowd.table);
    ck_assert_uint_eq(atomic_load(&crowd.written), crowd.keys);
    ck_assert_uint_eq(stat_of(crowd.table, FASTSKIP_STAT_VERSIONS), crowd.keys);
    /* Splits come out differently; seven further nodes for a key would be many times as much. */
    uint64_t used = stat_of(crowd.table, FASTSKIP_STAT_MEMORY_USED);
    ck_assert_uint_le(used, 2 * stat_of(alone.table, FASTSKIP_STAT_MEMORY_USED));
    fastskip_table_unref(alone.table);
    fastskip_table_unref(crowd.table);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        fault_inversions,
        fault_top_levels_never_linked,
        fault_linking_given_up_after_two_failures,
        fault_new_node_for_every_failed_cas,
    };
    return RUN_SUITE("api_seed_list", tests);
}
