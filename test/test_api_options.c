/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Options at both ends of their range and beyond, and in combinations that do not go together.
 */
#include "api.h"

static int32_t some_order(void *ctx, const void *a, size_t a_size, const void *b, size_t b_size)
{
    (void)ctx, (void)a, (void)b;
    return (a_size > b_size) - (a_size < b_size);
}

static uint64_t some_number(void *ctx, const void *key, size_t size)
{
    (void)ctx, (void)key, (void)size;
    return 0;
}

static void *some_reserve(void *ctx, size_t size, size_t alignment)
{
    (void)ctx;
    return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static int32_t some_commit(void *ctx, void *address, size_t size)
{
    (void)ctx, (void)address, (void)size;
    return 0;
}

static void some_release(void *ctx, void *address, size_t size)
{
    (void)ctx, (void)size;
    free(address);
}

static uint64_t stat_of_new(const fastskip_options *options, uint32_t id)
{
    fastskip_table *made = NULL;
    uint64_t number = 0;
    OK(fastskip_table_new(options, &made));
    OK(fastskip_table_stat(made, id, &number));
    OK(fastskip_put(made, STR("k"), STR("v")));
    fastskip_table_unref(made);
    return number;
}

START_TEST(numeric_options_at_both_ends)
{
    fastskip_options *options = NULL;
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_shards(options, 1));
    OK(fastskip_options_set_shards(options, 1024));
    INVALID(fastskip_options_set_shards(options, 0));
    INVALID(fastskip_options_set_shards(options, 1025));
    INVALID(fastskip_options_set_shards(options, UINT32_MAX));
    /* A refused value leaves the one before. */
    ck_assert_uint_eq(stat_of_new(options, FASTSKIP_STAT_SHARDS), 1024);
    OK(fastskip_options_set_shards(options, 1));
    OK(fastskip_options_set_memory_limit(options, 1ull << 35));
    OK(fastskip_options_set_memory_limit(options, 65536));
    INVALID(fastskip_options_set_memory_limit(options, 65535));
    INVALID(fastskip_options_set_memory_limit(options, 0));
    INVALID(fastskip_options_set_memory_limit(options, (1ull << 35) + 1));
    INVALID(fastskip_options_set_memory_limit(options, UINT64_MAX));
    ck_assert_uint_eq(stat_of_new(options, FASTSKIP_STAT_MEMORY_LIMIT), 65536);
    OK(fastskip_options_set_entry_limit(options, 0));
    OK(fastskip_options_set_entry_limit(options, 1));
    OK(fastskip_options_set_entry_limit(options, UINT64_MAX));
    OK(fastskip_options_set_backpressure(options, 1));
    OK(fastskip_options_set_backpressure(options, 100));
    INVALID(fastskip_options_set_backpressure(options, 0));
    INVALID(fastskip_options_set_backpressure(options, 101));
    INVALID(fastskip_options_set_backpressure(options, UINT32_MAX));
    OK(fastskip_options_set_checksum(options, 0));
    OK(fastskip_options_set_checksum(options, 4));
    INVALID(fastskip_options_set_checksum(options, 1));
    INVALID(fastskip_options_set_checksum(options, 8));
    INVALID(fastskip_options_set_checksum(options, UINT32_MAX));
    OK(fastskip_options_set_paranoid(options, 0));
    OK(fastskip_options_set_paranoid(options, 1));
    INVALID(fastskip_options_set_paranoid(options, 2));
    INVALID(fastskip_options_set_paranoid(options, UINT32_MAX));
    OK(fastskip_options_set_seed(options, 0));
    OK(fastskip_options_set_seed(options, UINT64_MAX));
    ck_assert_uint_eq(stat_of_new(options, FASTSKIP_STAT_MEMORY_LIMIT), 65536);
    fastskip_options_free(options);
}
END_TEST

START_TEST(block_sizes_are_powers_of_two)
{
    fastskip_options *options = NULL;
    OK(fastskip_options_new(&options));
    for (size_t size = 4096; size <= 64u << 20; size *= 2) {
        OK(fastskip_options_set_block_size(options, size));
        INVALID(fastskip_options_set_block_size(options, size - 1));
        INVALID(fastskip_options_set_block_size(options, size + 1));
        INVALID(fastskip_options_set_block_size(options, size + size / 2));
        ck_assert_uint_eq(stat_of_new(options, FASTSKIP_STAT_MEMORY_LIMIT), 1 << 30);
    }
    INVALID(fastskip_options_set_block_size(options, 0));
    INVALID(fastskip_options_set_block_size(options, 1));
    INVALID(fastskip_options_set_block_size(options, 2048));
    INVALID(fastskip_options_set_block_size(options, 128u << 20));
    INVALID(fastskip_options_set_block_size(options, SIZE_MAX));
    fastskip_options_free(options);
}
END_TEST

/* The largest of each at once. With so many shards even the smallest region takes a key. */
START_TEST(extreme_tables_work)
{
    static const uint64_t limits[] = {65536, 65537, 1ull << 35};
    static const size_t block_sizes[] = {4096, 64u << 20};
    fastskip_options *options = NULL;
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_shards(options, 1024));
    for (int i = 0; i < 6; i++) {
        OK(fastskip_options_set_memory_limit(options, limits[i % 3]));
        OK(fastskip_options_set_block_size(options, block_sizes[i / 3]));
        /* 32 GiB of address space may not be had on a small machine. */
        fastskip_table *made = NULL;
        fastskip_status status = fastskip_table_new(options, &made);
        ck_assert(status == FASTSKIP_OK || (i % 3 == 2 && status == FASTSKIP_NO_MEMORY));
        if (made)
            OK(fastskip_put(made, STR("k"), STR("v")));
        fastskip_table_unref(made);
    }
    fastskip_options_free(options);
}
END_TEST

START_TEST(unknown_modes)
{
    fastskip_options *options = NULL;
    fastskip_table *made = NULL;
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_sequence_mode(options, FASTSKIP_SEQUENCE_AUTO));
    OK(fastskip_options_set_sequence_mode(options, FASTSKIP_SEQUENCE_CALLER));
    INVALID(fastskip_options_set_sequence_mode(options, 2));
    INVALID(fastskip_options_set_sequence_mode(options, UINT32_MAX));
    for (uint32_t mode = 0; mode <= 2; mode++)
        OK(fastskip_options_set_huge_pages(options, mode));
    OK(fastskip_options_set_huge_pages(options, FASTSKIP_HUGE_PAGES_NEVER));
    INVALID(fastskip_options_set_huge_pages(options, 3));
    INVALID(fastskip_options_set_huge_pages(options, UINT32_MAX));
    OK(fastskip_table_new(options, &made));
    OK(fastskip_put_at(made, 1, 0, STR("k"), STR("v")));
    fastskip_table_unref(made);
    fastskip_options_free(options);
}
END_TEST

START_TEST(half_a_comparator)
{
    fastskip_options *options = NULL;
    char name[65];
    int ctx = 0;
    memset(name, 'n', sizeof name);
    name[64] = 0;
    OK(fastskip_options_new(&options));
    INVALID(fastskip_options_set_comparator(options, NULL, some_number, NULL, NULL));
    INVALID(fastskip_options_set_comparator(options, NULL, NULL, &ctx, NULL));
    INVALID(fastskip_options_set_comparator(options, NULL, NULL, NULL, "name"));
    INVALID(fastskip_options_set_comparator(options, some_order, NULL, NULL, name));
    name[63] = 0;
    OK(fastskip_options_set_comparator(options, some_order, NULL, NULL, name));
    OK(fastskip_options_set_comparator(options, some_order, some_number, &ctx, ""));
    OK(fastskip_options_set_comparator(options, some_order, NULL, NULL, NULL));
    OK(fastskip_options_set_comparator(options, NULL, NULL, NULL, NULL));
    fastskip_options_free(options);
}
END_TEST

START_TEST(half_an_allocator)
{
    fastskip_options *options = NULL;
    fastskip_table *table = auto_table(), *made = table;
    int ctx = 0;
    OK(fastskip_options_new(&options));
    for (unsigned set = 1; set < 7; set++)
        INVALID(fastskip_options_set_allocator(options, set & 1 ? some_reserve : NULL,
                                               set & 2 ? some_commit : NULL,
                                               set & 4 ? some_release : NULL, &ctx));
    INVALID(fastskip_options_set_allocator(options, NULL, NULL, NULL, &ctx));
    OK(fastskip_options_set_allocator(options, NULL, NULL, NULL, NULL));
    OK(fastskip_options_set_allocator(options, some_reserve, some_commit, some_release, NULL));
    OK(fastskip_options_set_memory_limit(options, 1 << 20));
    ck_assert_uint_eq(stat_of_new(options, FASTSKIP_STAT_MEMORY_LIMIT), 1 << 20);
    OK(fastskip_options_set_huge_pages(options, FASTSKIP_HUGE_PAGES_INSIST));
    ck_assert_int_eq(fastskip_table_new(options, &made), FASTSKIP_UNSUPPORTED);
    ck_assert_ptr_eq(made, table);
    fastskip_table_unref(table);
    fastskip_options_free(options);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        numeric_options_at_both_ends,
        block_sizes_are_powers_of_two,
        extreme_tables_work,
        unknown_modes,
        half_a_comparator,
        half_an_allocator,
    };
    return RUN_SUITE("api_options", tests);
}
