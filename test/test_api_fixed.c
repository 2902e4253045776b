/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * What never changes: the numbers of statuses, statistics, kinds, modes and flags, the limits, and the layout
 * of an entry. Programs that were built with an older header rely on them, and so do bindings.
 */
#include <stddef.h>

#include "api.h"

static void expect_numbers(const int64_t (*pairs)[2], size_t n)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(pairs[i][0], pairs[i][1]);
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

START_TEST(numbers_of_statuses)
{
    static const int64_t statuses[][2] = {
        {FASTSKIP_OK, 0},           {FASTSKIP_INVALID, -1},   {FASTSKIP_NO_MEMORY, -2},
        {FASTSKIP_NOT_FOUND, -3},   {FASTSKIP_EXISTS, -4},    {FASTSKIP_SEALED, -5},
        {FASTSKIP_FULL, -6},        {FASTSKIP_TOO_LARGE, -7}, {FASTSKIP_BUSY, -8},
        {FASTSKIP_UNSUPPORTED, -9}, {FASTSKIP_CORRUPT, -10},
    };
    expect_numbers(statuses, COUNT(statuses));
    ck_assert_uint_eq(sizeof(fastskip_status), 4);
}
END_TEST

START_TEST(numbers_of_statistics)
{
    static const int64_t ids[][2] = {
        {FASTSKIP_STAT_KEYS, 1},         {FASTSKIP_STAT_LIVE, 2},
        {FASTSKIP_STAT_VERSIONS, 3},     {FASTSKIP_STAT_TOMBSTONES, 4},
        {FASTSKIP_STAT_KEY_BYTES, 5},    {FASTSKIP_STAT_VALUE_BYTES, 6},
        {FASTSKIP_STAT_MEMORY_USED, 7},  {FASTSKIP_STAT_MEMORY_RESERVED, 8},
        {FASTSKIP_STAT_MEMORY_LIMIT, 9}, {FASTSKIP_STAT_MEMORY_WASTED, 10},
        {FASTSKIP_STAT_CHUNKS, 11},      {FASTSKIP_STAT_SHARDS, 12},
        {FASTSKIP_STAT_BLOCKS, 13},      {FASTSKIP_STAT_HEIGHT, 14},
        {FASTSKIP_STAT_WRITES, 15},      {FASTSKIP_STAT_RETRIES, 16},
        {FASTSKIP_STAT_SNAPSHOTS, 17},
    };
    expect_numbers(ids, COUNT(ids));
}
END_TEST

START_TEST(numbers_of_settings)
{
    static const int64_t settings[][2] = {
        {FASTSKIP_PUT, 0},
        {FASTSKIP_DELETE, 1},
        {FASTSKIP_KIND_OWN_MIN, 2},
        {FASTSKIP_KIND_MAX, 127},
        {FASTSKIP_TOMBSTONES, 1},
        {FASTSKIP_ALL_VERSIONS, 2},
        {FASTSKIP_SEQUENCE_AUTO, 0},
        {FASTSKIP_SEQUENCE_CALLER, 1},
        {FASTSKIP_HUGE_PAGES_NEVER, 0},
        {FASTSKIP_HUGE_PAGES_ASK, 1},
        {FASTSKIP_HUGE_PAGES_INSIST, 2},
        {FASTSKIP_KEY_MAX, 65535},
        {FASTSKIP_VALUE_MAX, 4294967295 - 65536},
        {FASTSKIP_SEQUENCE_MAX, ((int64_t)1 << 56) - 1},
    };
    expect_numbers(settings, COUNT(settings));
}
END_TEST

/* Each field right behind the one before, on machines with pointers of 4 and of 8 bytes. */
START_TEST(layout_of_an_entry)
{
    const size_t word = sizeof(void *);
    ck_assert_uint_eq(offsetof(fastskip_entry, key), 0);
    ck_assert_uint_eq(offsetof(fastskip_entry, key_size), word);
    ck_assert_uint_eq(offsetof(fastskip_entry, value), 2 * word);
    ck_assert_uint_eq(offsetof(fastskip_entry, value_size), 3 * word);
    ck_assert_uint_eq(offsetof(fastskip_entry, sequence), 4 * word);
    ck_assert_uint_eq(offsetof(fastskip_entry, kind), 4 * word + 8);
    ck_assert_uint_eq(offsetof(fastskip_entry, reserved), 4 * word + 12);
    ck_assert_uint_eq(sizeof(fastskip_entry), 4 * word + 16);
}
END_TEST

/* Constants, good for ever: the same pointer each time. */
START_TEST(words_stay_where_they_are)
{
    ck_assert_ptr_eq(fastskip_version(), fastskip_version());
    ck_assert_ptr_eq(fastskip_build(), fastskip_build());
    for (fastskip_status status = -12; status <= 2; status++)
        ck_assert_ptr_eq(fastskip_strerror(status), fastskip_strerror(status));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        numbers_of_statuses, numbers_of_statistics,     numbers_of_settings,
        layout_of_an_entry,  words_stay_where_they_are,
    };
    return RUN_SUITE("api_fixed", tests);
}
