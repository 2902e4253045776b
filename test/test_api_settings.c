/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * What each option does to the tables that are made of it, what it is by default, and that one that was
 * refused does nothing.
 */
#include <pthread.h>
#include <unistd.h>

#include "api.h"
#include "orders.h"

static fastskip_options *defaults(void)
{
    fastskip_options *options = NULL;
    OK(fastskip_options_new(&options));
    return options;
}

/* So many keys in a scattered order; each write is there. */
static void fill(fastskip_table *table, uint32_t keys)
{
    for (uint32_t i = 0; i < keys; i++) {
        uint32_t key = i * 2654435761u;
        REQUIRE(fastskip_put(table, &key, sizeof key, &i, sizeof i) == FASTSKIP_OK);
    }
}

START_TEST(defaults_are_as_documented)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    fastskip_table *by_options = table_of(defaults()), *by_null = NULL;
    OK(fastskip_table_new(NULL, &by_null));
    fastskip_table *tables[] = {by_options, by_null};
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(stat_of(tables[i], FASTSKIP_STAT_SHARDS), cpus < 1024 ? cpus : 1024);
        ck_assert_uint_eq(stat_of(tables[i], FASTSKIP_STAT_MEMORY_LIMIT), 1 << 30);
        /* AUTO, in the order of bytes, without a limit of entries. */
        put(tables[i], "b", "2");
        put(tables[i], "\xff", "3");
        put(tables[i], "a", "1");
        put(tables[i], "ab", "1");
        ck_assert_str_eq(content(tables[i], NULL, 0), "a=1 ab=1 b=2 \xff=3 ");
        drop(tables[i]);
    }
}
END_TEST

/* A fixed size of chunks is what each but the last adds to the memory that is usable. */
START_TEST(block_size_is_that_of_chunks)
{
    static const size_t sizes[] = {4096, 65536, 1 << 20};
    uint64_t chunks[3];
    for (int i = 0; i < 3; i++) {
        fastskip_options *options = new_options((struct settings){.shards = 1});
        OK(fastskip_options_set_block_size(options, sizes[i]));
        fastskip_table *table = table_of(options);
        fill(table, 50000);
        chunks[i] = stat_of(table, FASTSKIP_STAT_CHUNKS);
        ck_assert_uint_ge(chunks[i] * sizes[i], stat_of(table, FASTSKIP_STAT_MEMORY_USED));
        drop(table);
    }
    ck_assert_uint_gt(chunks[0], 8 * chunks[1]);
    ck_assert_uint_gt(chunks[1], 4 * chunks[2]);
}
END_TEST

/* By default they grow: the first takes little, a large table has few. */
START_TEST(chunks_grow_by_default)
{
    fastskip_table *table = new_table((struct settings){.shards = 1});
    put(table, "k", "v");
    ck_assert_uint_le(stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED), 65536);
    fill(table, 200000);
    uint64_t used = stat_of(table, FASTSKIP_STAT_MEMORY_USED);
    ck_assert_uint_lt(stat_of(table, FASTSKIP_STAT_CHUNKS), used / 65536);
    drop(table);
}
END_TEST

/* 90 percent by default, any other when asked for; a fresh table is like the one it replaces. */
START_TEST(backpressure_from_the_share_on)
{
    static const uint32_t percents[] = {0, 1, 33, 100};
    for (int i = 0; i < 4; i++) {
        fastskip_options *options = new_options((struct settings){.entries = 200});
        if (percents[i])
            OK(fastskip_options_set_backpressure(options, percents[i]));
        fastskip_table *table = table_of(options), *fresh = NULL;
        OK(fastskip_table_rotate(table, &fresh));
        drop(table);
        int from = 2 * (percents[i] ? (int)percents[i] : 90);
        for (int n = 0; n < 200; n++) {
            ck_assert_int_eq(fastskip_table_under_backpressure(fresh), n >= from);
            put(fresh, "k", "v");
        }
        ck_assert_int_eq(fastskip_table_under_backpressure(fresh), 1);
        drop(fresh);
    }
}
END_TEST

/* Puts, deletes, own kinds and records of batches are one each, also when they write a key again. */
START_TEST(each_version_counts_against_the_limit)
{
    fastskip_table *table = new_table((struct settings){.entries = 10});
    fastskip_batch *batch = NULL;
    fastskip_entry entry;
    int32_t inserted;
    put(table, "k", "1");
    put(table, "k", "2");
    OK(fastskip_delete(table, STR("k")));
    OK(fastskip_put_kind(table, 7, STR("k"), STR("3")));
    OK(fastskip_insert(table, STR("l"), STR("4")));
    OK(fastskip_get_or_insert(table, STR("m"), STR("5"), &entry, &inserted));
    OK(fastskip_get_or_insert(table, STR("m"), STR("6"), &entry, &inserted)); /* writes nothing */
    OK(fastskip_batch_new(&batch));
    OK(fastskip_batch_put(batch, STR("n"), STR("7")));
    OK(fastskip_batch_put(batch, STR("o"), STR("8")));
    OK(fastskip_batch_delete(batch, STR("k")));
    OK(fastskip_write(table, batch));
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VERSIONS), 9);
    ck_assert_int_eq(fastskip_write(table, batch), FASTSKIP_FULL);
    put(table, "k", "9");
    ck_assert_int_eq(fastskip_put(table, STR("k"), STR("10")), FASTSKIP_FULL);
    ck_assert_int_eq(fastskip_delete(table, STR("k")), FASTSKIP_FULL);
    fastskip_batch_free(batch);
    drop(table);
}
END_TEST

/* There are such pages or there are not; a table either has them or is not made. */
START_TEST(huge_pages_are_a_wish_or_a_condition)
{
    for (uint32_t mode = FASTSKIP_HUGE_PAGES_NEVER; mode <= FASTSKIP_HUGE_PAGES_INSIST; mode++) {
        fastskip_options *options = new_options((struct settings){.memory = 8 << 20});
        fastskip_table *table = NULL;
        OK(fastskip_options_set_huge_pages(options, mode));
        fastskip_status status = fastskip_table_new(options, &table);
        fastskip_options_free(options);
        if (mode == FASTSKIP_HUGE_PAGES_INSIST && status != FASTSKIP_OK) {
            ck_assert_int_eq(status, FASTSKIP_NO_MEMORY);
            ck_assert_ptr_null(table);
            continue;
        }
        OK(status);
        fill(table, 20000);
        drop(table);
    }
}
END_TEST

/* With one seed the same writes make the same table, down to the last figure. */
START_TEST(seed_repeats_a_table)
{
    fastskip_table *tables[2];
    for (int i = 0; i < 2; i++) {
        fastskip_options *options = new_options((struct settings){.shards = 1});
        OK(fastskip_options_set_seed(options, 42));
        tables[i] = table_of(options);
        fill(tables[i], 30000);
    }
    for (uint32_t id = FASTSKIP_STAT_KEYS; id <= FASTSKIP_STAT_SNAPSHOTS; id++)
        ck_assert_uint_eq(stat_of(tables[0], id), stat_of(tables[1], id));
    drop(tables[0]);
    drop(tables[1]);
}
END_TEST

static int32_t descending_order(void *ctx, const void *a, size_t a_size, const void *b,
                                size_t b_size)
{
    return bytewise(ctx, b, b_size, a, a_size);
}

/* A setter that fails leaves what was set before, and not the default either. */
START_TEST(refused_settings_leave_those_before)
{
    char long_name[100];
    int ctx = 0;
    fastskip_options *options = new_options((struct settings){
        .mode = FASTSKIP_SEQUENCE_CALLER, .shards = 3, .memory = 2 << 20, .entries = 4});
    memset(long_name, 'n', sizeof long_name);
    long_name[99] = 0;
    OK(fastskip_options_set_backpressure(options, 50));
    OK(fastskip_options_set_comparator(options, descending_order, NULL, NULL, "descending"));
    INVALID(fastskip_options_set_shards(options, 0));
    INVALID(fastskip_options_set_memory_limit(options, 1));
    INVALID(fastskip_options_set_backpressure(options, 101));
    INVALID(fastskip_options_set_block_size(options, 5000));
    INVALID(fastskip_options_set_huge_pages(options, 9));
    INVALID(fastskip_options_set_sequence_mode(options, 9));
    INVALID(fastskip_options_set_comparator(options, bytewise, NULL, NULL, long_name));
    INVALID(fastskip_options_set_comparator(options, NULL, NULL, &ctx, NULL));
    INVALID(fastskip_options_set_allocator(options, NULL, NULL, NULL, &ctx));
    fastskip_table *table = table_of(options);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_SHARDS), 3);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_MEMORY_LIMIT), 2 << 20);
    OK(put_at(table, 1, "a", "1"));
    ck_assert_int_eq(fastskip_table_under_backpressure(table), 0);
    OK(put_at(table, 1, "b", "2"));
    ck_assert_int_eq(fastskip_table_under_backpressure(table), 1);
    ck_assert_str_eq(content(table, NULL, 0), "b=2 a=1 ");
    drop(table);
}
END_TEST

struct maker {
    const fastskip_options *options;
    int failed;
};

static void *make_tables(void *arg)
{
    struct maker *maker = arg;
    for (uint32_t i = 0; i < 200; i++) {
        fastskip_table *table = NULL;
        if (fastskip_table_new(maker->options, &table) != FASTSKIP_OK ||
            fastskip_put(table, &i, sizeof i, NULL, 0) != FASTSKIP_OK ||
            fastskip_put(table, &i, sizeof i, NULL, 0) != FASTSKIP_FULL)
            maker->failed = 1;
        fastskip_table_unref(table);
    }
    return NULL;
}

/* While nobody changes them, any number of threads may make tables of one options object. */
START_TEST(many_threads_make_tables_of_one_options_object)
{
    enum { N = 6 };
    fastskip_options *options = new_options((struct settings){.memory = 1 << 20, .entries = 1});
    struct maker makers[N];
    pthread_t threads[N];
    for (int i = 0; i < N; i++) {
        makers[i] = (struct maker){options, 0};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, make_tables, &makers[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        ck_assert(!makers[i].failed);
    }
    fastskip_options_free(options);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        defaults_are_as_documented,
        block_size_is_that_of_chunks,
        chunks_grow_by_default,
        backpressure_from_the_share_on,
        each_version_counts_against_the_limit,
        huge_pages_are_a_wish_or_a_condition,
        seed_repeats_a_table,
        refused_settings_leave_those_before,
        many_threads_make_tables_of_one_options_object,
    };
    return RUN_SUITE("api_settings", tests);
}
