/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * No memory from malloc: each allocation of a call fails in turn, calls that promise to need none get none.
 */
#include "api.h"
#include "starve.h"
#include "supply.h"

static long live_after; /* the last starved call; assertions allocate, too */

static fastskip_status fed(fastskip_status status)
{
    live_after = malloc_live;
    malloc_budget = -1;
    return status;
}

/* The call with room for so many allocations. */
#define STARVED(budget, call) (malloc_budget = (budget), fed(call))

/* Fails each allocation of a call in turn, until it has all it needs; what it had is given back. */
#define EXPECT_NO_MEMORY(handle, call)                                                             \
    do {                                                                                           \
        long budget = 0;                                                                           \
        fastskip_status answer;                                                                    \
        long live = malloc_live;                                                                   \
        while ((answer = STARVED(budget, call)) != FASTSKIP_OK) {                                  \
            REQUIRE_EQ(live_after, live);                                                          \
            ck_assert_int_eq(answer, FASTSKIP_NO_MEMORY);                                          \
            ck_assert_ptr_null(handle);                                                            \
            ck_assert_int_lt(budget++, 100);                                                       \
            live = malloc_live;                                                                    \
        }                                                                                          \
        ck_assert_int_gt(budget, 0);                                                               \
        ck_assert_ptr_nonnull(handle);                                                             \
    } while (0)

START_TEST(handles_without_memory)
{
    fastskip_options *options = NULL;
    fastskip_table *table = NULL, *by_default = NULL, *caller = NULL, *fresh = NULL;
    fastskip_snapshot *snapshot = NULL;
    fastskip_iterator *it = NULL, *it_at = NULL;
    fastskip_batch *batch = NULL;
    struct supply supply = new_supply();
    EXPECT_NO_MEMORY(options, fastskip_options_new(&options));
    EXPECT_NO_MEMORY(by_default, fastskip_table_new(NULL, &by_default));
    OK(fastskip_options_set_memory_limit(options, 1 << 20));
    OK(fastskip_options_set_allocator(options, reserve, commit, release, &supply));
    EXPECT_NO_MEMORY(table, fastskip_table_new(options, &table));
    /* What was reserved by the calls that failed has been given back. */
    ck_assert_uint_eq(supply.reserved, 1);
    OK(fastskip_options_set_sequence_mode(options, FASTSKIP_SEQUENCE_CALLER));
    OK(fastskip_options_set_checksum(options, 4));
    EXPECT_NO_MEMORY(caller, fastskip_table_new(options, &caller));
    OK(fastskip_put(table, STR("k"), STR("v")));
    EXPECT_NO_MEMORY(snapshot, fastskip_snapshot_new(table, &snapshot));
    EXPECT_NO_MEMORY(it, fastskip_iterator_new(table, snapshot, 0, &it));
    EXPECT_NO_MEMORY(it_at, fastskip_iterator_new_at(caller, 1, 0, &it_at));
    EXPECT_NO_MEMORY(batch, fastskip_batch_new(&batch));
    EXPECT_NO_MEMORY(fresh, fastskip_table_rotate(table, &fresh));
    ck_assert_uint_eq(supply.reserved, 3);
    fastskip_batch_free(batch);
    fastskip_iterator_free(it);
    fastskip_iterator_free(it_at);
    fastskip_snapshot_free(snapshot);
    fastskip_options_free(options);
    /* References taken by the calls that failed have been given back. */
    fastskip_table_unref(caller);
    fastskip_table_unref(fresh);
    fastskip_table_unref(table);
    ck_assert_uint_eq(supply.reserved, 0);
    fastskip_table_unref(by_default);
}
END_TEST

START_TEST(batch_without_memory_is_as_it_was)
{
    fastskip_table *table = NULL;
    fastskip_batch *batch = NULL;
    fastskip_entry entry;
    static const char value[99];
    uint32_t added = 0, most = 0;
    OK(fastskip_table_new(NULL, &table));
    OK(fastskip_batch_new(&batch));
    while (added < 1500) {
        fastskip_status status;
        uint32_t refused = 0; /* each allocation that this one asks for, in turn */
        while ((status = STARVED(refused, fastskip_batch_put(batch, &added, sizeof added, value,
                                                             sizeof value))) != FASTSKIP_OK) {
            REQUIRE(status == FASTSKIP_NO_MEMORY);
            REQUIRE(fastskip_batch_count(batch) == added);
            refused++;
        }
        most = refused > most ? refused : most;
        REQUIRE(fastskip_batch_count(batch) == ++added);
    }
    ck_assert_uint_ge(most, 3); /* room for more records is of three parts */
    fastskip_status status = STARVED(0, fastskip_write(table, batch));
    if (status != FASTSKIP_OK) {
        ck_assert_int_eq(status, FASTSKIP_NO_MEMORY);
        ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), 0);
        OK(fastskip_write(table, batch));
    }
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_KEYS), added);
    for (uint32_t key = 0; key < added; key++)
        REQUIRE(fastskip_get(table, NULL, &key, sizeof key, &entry) == FASTSKIP_OK);
    fastskip_batch_free(batch);
    fastskip_table_unref(table);
}
END_TEST

START_TEST(bounds_without_memory_stay)
{
    static const char long_key[3000];
    fastskip_table *table = NULL;
    fastskip_iterator *it = NULL;
    fastskip_status status = FASTSKIP_NO_MEMORY;
    OK(fastskip_table_new(NULL, &table));
    OK(fastskip_put(table, STR("b"), STR("v")));
    OK(fastskip_iterator_new(table, NULL, 0, &it));
    OK(fastskip_iterator_set_bounds(it, STR("a"), STR("c")));
    for (long budget = 0; status != FASTSKIP_OK; budget++) {
        OK(fastskip_iterator_seek_first(it));
        status = STARVED(budget, fastskip_iterator_set_bounds(it, long_key, sizeof long_key,
                                                              long_key, sizeof long_key - 1));
        if (status == FASTSKIP_OK)
            break;
        ck_assert_int_eq(status, FASTSKIP_NO_MEMORY);
        ck_assert_int_eq(fastskip_iterator_valid(it), 1);
        OK(fastskip_iterator_seek(it, STR("a")));
        ck_assert_int_eq(fastskip_iterator_next(it), FASTSKIP_NOT_FOUND);
    }
    ck_assert_int_eq(fastskip_iterator_seek_first(it), FASTSKIP_NOT_FOUND);
    fastskip_iterator_free(it);
    fastskip_table_unref(table);
}
END_TEST

/* Calls whose statuses do not name NO_MEMORY need none, whatever the size of the table. */
START_TEST(reading_and_sealing_need_no_memory)
{
    enum { N = 3000 };
    static uint32_t numbers[N];
    static const void *keys[N];
    static size_t sizes[N];
    static fastskip_entry entries[N];
    static fastskip_status statuses[N];
    fastskip_table *table = NULL;
    fastskip_iterator *it = NULL;
    fastskip_entry entry;
    uint64_t number;
    size_t count;
    OK(fastskip_table_new(NULL, &table));
    for (uint32_t i = 0; i < N; i++) {
        numbers[i] = i;
        keys[i] = &numbers[i];
        sizes[i] = sizeof i;
        OK(fastskip_put(table, &i, sizeof i, STR("1")));
        OK(fastskip_put(table, &i, sizeof i, STR("2")));
    }
    OK(fastskip_iterator_new(table, NULL, FASTSKIP_ALL_VERSIONS, &it));
    for (uint32_t i = 0; i < N; i += 7) {
        REQUIRE(STARVED(0, fastskip_get(table, NULL, &i, sizeof i, &entry)) == FASTSKIP_OK);
        REQUIRE(STARVED(0, fastskip_contains(table, NULL, &i, sizeof i)) == FASTSKIP_OK);
        REQUIRE(STARVED(0, fastskip_iterator_seek(it, &i, sizeof i)) == FASTSKIP_OK);
        REQUIRE(STARVED(0, fastskip_iterator_seek_for_prev(it, &i, sizeof i)) == FASTSKIP_OK);
    }
    OK(STARVED(0, fastskip_get_many(table, NULL, N, keys, sizes, entries, statuses)));
    OK(STARVED(0, fastskip_iterator_seek_first(it)));
    OK(STARVED(0, fastskip_iterator_next_many(it, entries, N, &count)));
    ck_assert_uint_eq(count, N);
    while (STARVED(0, fastskip_iterator_prev(it)) == FASTSKIP_OK)
        count--;
    ck_assert_uint_eq(count, 0);
    for (uint32_t id = 1; id <= 17; id++)
        OK(STARVED(0, fastskip_table_stat(table, id, &number)));
    OK(STARVED(0, fastskip_table_approximate_count(table, STR("\1"), NULL, 0, &number)));
    OK(STARVED(0, fastskip_table_check(table)));
    OK(STARVED(0, fastskip_table_seal(table)));
    fastskip_iterator_free(it);
    OK(STARVED(0, fastskip_table_reset(table)));
    fastskip_table_unref(table);
}
END_TEST

static void expect_refused_or_ok(fastskip_iterator *it, fastskip_status status)
{
    fastskip_entry entry;
    ck_assert(status == FASTSKIP_OK || status == FASTSKIP_NO_MEMORY);
    ck_assert_int_eq(fastskip_iterator_valid(it), status == FASTSKIP_OK);
    ck_assert_int_eq(fastskip_iterator_entry(it, &entry),
                     status == FASTSKIP_OK ? FASTSKIP_OK : FASTSKIP_NOT_FOUND);
}

/* To put thousands of versions of a key in order may take memory: what an iterator is refused it
 * says, and gets later. */
START_TEST(every_version_without_memory)
{
    uint32_t mode = (uint32_t)_i;
    fastskip_table *table = new_table((struct settings){.mode = mode});
    fastskip_iterator *it = NULL;
    fastskip_entry entries[3];
    size_t count = 7;
    for (uint32_t i = 1; i <= 5000; i++)
        REQUIRE((mode == FASTSKIP_SEQUENCE_CALLER
                     ? fastskip_put_at(table, i, 0, i < 2 ? "a" : "k", 1, &i, sizeof i)
                     : fastskip_put(table, i < 2 ? "a" : "k", 1, &i, sizeof i)) == FASTSKIP_OK);
    OK(fastskip_iterator_new(table, NULL, FASTSKIP_ALL_VERSIONS, &it));
    expect_refused_or_ok(it, STARVED(0, fastskip_iterator_seek(it, STR("k"))));
    expect_refused_or_ok(it, STARVED(0, fastskip_iterator_seek_last(it)));
    OK(fastskip_iterator_seek_first(it));
    expect_refused_or_ok(it, STARVED(0, fastskip_iterator_next(it)));
    OK(fastskip_iterator_seek_first(it));
    fastskip_status status = STARVED(0, fastskip_iterator_next_many(it, entries, 3, &count));
    expect_refused_or_ok(it, status);
    ck_assert_uint_eq(count, status == FASTSKIP_OK ? 3 : 0);
    OK(fastskip_iterator_seek_first(it));
    for (count = 1; fastskip_iterator_next(it) == FASTSKIP_OK;)
        count++;
    ck_assert_uint_eq(count, 5000);
    OK(fastskip_iterator_seek_last(it));
    for (count = 1; fastskip_iterator_prev(it) == FASTSKIP_OK;)
        count++;
    ck_assert_uint_eq(count, 5000);
    fastskip_iterator_free(it);
    fastskip_table_unref(table);
}
END_TEST

/* Nor does reading ask for any when there is plenty. */
START_TEST(get_never_allocates)
{
    fastskip_table *table = NULL, *fresh = NULL;
    fastskip_entry entry;
    OK(fastskip_table_new(NULL, &table));
    for (uint32_t i = 0; i < 5000; i++)
        REQUIRE(fastskip_put(table, &i, sizeof i, STR("v")) == FASTSKIP_OK);
    uint64_t used = stat_of(table, FASTSKIP_STAT_MEMORY_USED);
    unsigned long before = malloc_calls;
    for (uint32_t i = 0; i < 10000; i++)
        REQUIRE(fastskip_get(table, NULL, &i, sizeof i, &entry) ==
                (i < 5000 ? FASTSKIP_OK : FASTSKIP_NOT_FOUND));
    ck_assert_uint_eq(malloc_calls, before);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_MEMORY_USED), used);
    /* The count counts. */
    OK(fastskip_table_rotate(table, &fresh));
    ck_assert_uint_gt(malloc_calls, before);
    fastskip_table_unref(fresh);
    fastskip_table_unref(table);
}
END_TEST

int main(void)
{
    Suite *suite;
    if (!can_starve()) {
        puts("skipped: malloc can not be replaced here");
        return 77;
    }
    suite = suite_create("api_malloc");
    suite_add(suite, handles_without_memory, 1);
    suite_add(suite, batch_without_memory_is_as_it_was, 1);
    suite_add(suite, bounds_without_memory_stay, 1);
    suite_add(suite, reading_and_sealing_need_no_memory, 1);
    suite_add(suite, every_version_without_memory, 2);
    suite_add(suite, get_never_allocates, 1);
    return suite_run(suite);
}
