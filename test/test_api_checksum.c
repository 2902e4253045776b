/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * The options checksum and paranoid from outside: what they cost in memory, and that a value which was
 * changed in a region of the caller's own is CORRUPT wherever it would be an answer. test_flips.c changes
 * everything.
 */
#include "api.h"

static unsigned char *region;
static size_t region_size;

static void *reserve(void *ctx, size_t size, size_t alignment)
{
    (void)ctx, (void)alignment;
    region_size = size;
    region = aligned_alloc(64, (size + 63) / 64 * 64);
    memset(region, 0, size);
    return region;
}

static int32_t commit(void *ctx, void *address, size_t size)
{
    (void)ctx, (void)address, (void)size;
    return 0;
}

static void release(void *ctx, void *address, size_t size)
{
    (void)ctx, (void)size;
    free(address);
}

static fastskip_options *checked(uint32_t mode, uint32_t checksum, uint32_t paranoid)
{
    fastskip_options *options = NULL;
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_sequence_mode(options, mode));
    OK(fastskip_options_set_shards(options, 1));
    OK(fastskip_options_set_memory_limit(options, 1 << 20));
    OK(fastskip_options_set_allocator(options, reserve, commit, release, NULL));
    OK(fastskip_options_set_checksum(options, checksum));
    OK(fastskip_options_set_paranoid(options, paranoid));
    return options;
}

static fastskip_table *table_checked(uint32_t mode, uint32_t checksum, uint32_t paranoid)
{
    return table_of(checked(mode, checksum, paranoid));
}

/* ---- memory ---- */

static size_t rounded(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

START_TEST(an_entry_takes_four_bytes_more)
{
    static char bytes[100];
    for (uint32_t mode = 0; mode < 2; mode++)
        for (size_t key = 8; key < 24; key++)
            for (size_t value = 0; value < 16; value++) {
                uint64_t used[2];
                for (uint32_t i = 0; i < 2; i++) {
                    fastskip_table *table = table_checked(mode, i * 4, 0);
                    used[i] = stat_of(table, FASTSKIP_STAT_MEMORY_USED);
                    if (mode == FASTSKIP_SEQUENCE_AUTO)
                        OK(fastskip_put(table, bytes, key, bytes, value));
                    else
                        OK(fastskip_put_at(table, 7, 0, bytes, key, bytes, value));
                    used[i] = stat_of(table, FASTSKIP_STAT_MEMORY_USED) - used[i];
                    drop(table);
                }
                used[0] -= 8 * mode; /* room for a link, which is apart */
                used[1] -= 8 * mode;
                ck_assert_uint_eq(used[0], rounded(16 + key + value, 8));
                ck_assert_uint_eq(used[1], rounded(rounded(16 + key + value, 4) + 4, 8));
            }
}
END_TEST

START_TEST(a_version_takes_four_bytes_more)
{
    static char bytes[100];
    for (size_t value = 0; value < 16; value++) {
        uint64_t used[2];
        for (uint32_t i = 0; i < 2; i++) {
            fastskip_table *table = table_checked(FASTSKIP_SEQUENCE_AUTO, i * 4, 0);
            OK(fastskip_put(table, STR("k"), bytes, value));
            used[i] = stat_of(table, FASTSKIP_STAT_MEMORY_USED);
            OK(fastskip_put(table, STR("k"), bytes, value));
            used[i] = stat_of(table, FASTSKIP_STAT_MEMORY_USED) - used[i];
            drop(table);
        }
        ck_assert_uint_eq(used[0], rounded(24 + value, 8));
        ck_assert_uint_eq(used[1], rounded(rounded(24 + value, 4) + 4, 8));
    }
}
END_TEST

START_TEST(memory_behind_the_region)
{
    static char value[1000];
    for (uint32_t i = 0; i < 4; i++) {
        fastskip_table *table = table_checked(FASTSKIP_SEQUENCE_AUTO, 4 * (i & 1), i >> 1);
        ck_assert_uint_eq(region_size, (1 << 20) + (i != 0 ? 65536 + 64 : 0));
        for (uint32_t key = 0;
             fastskip_put(table, &key, sizeof key, value, sizeof value) == FASTSKIP_OK;)
            key++;
        ck_assert_uint_le(stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED), 1 << 20);
        drop(table);
    }
}
END_TEST

/* ---- damage ---- */

static unsigned char *find(const char *text)
{
    unsigned char *place = memmem(region, region_size, text, strlen(text));
    ck_assert_ptr_nonnull(place);
    ck_assert_ptr_null(
        memmem(place + 1, region_size - (size_t)(place + 1 - region), text, strlen(text)));
    return place;
}

#define CORRUPT(call) ck_assert_int_eq((call), FASTSKIP_CORRUPT)

/* The value of "fig", the second of three, is changed. */
static void reads_find(fastskip_table *table)
{
    const void *keys[] = {"apple", "fig", "pear", "plum"};
    const size_t sizes[] = {5, 3, 4, 4};
    fastskip_entry entry, entries[4];
    fastskip_status statuses[4];
    fastskip_iterator *it = iterate(table, 0);
    uint64_t number;
    size_t count;
    CORRUPT(fastskip_get(table, NULL, STR("fig"), &entry));
    CORRUPT(fastskip_get_raw(table, NULL, STR("fig"), &entry));
    CORRUPT(fastskip_get_at(table, 1000, STR("fig"), &entry));
    CORRUPT(fastskip_contains(table, NULL, STR("fig")));
    OK(fastskip_get_many(table, NULL, 4, keys, sizes, entries, statuses));
    ck_assert_int_eq(statuses[0], FASTSKIP_OK);
    ck_assert_int_eq(statuses[1], FASTSKIP_CORRUPT);
    ck_assert_ptr_null(entries[1].key);
    ck_assert_int_eq(statuses[2], FASTSKIP_OK);
    ck_assert_int_eq(statuses[3], FASTSKIP_NOT_FOUND);
    CORRUPT(fastskip_table_stat(table, FASTSKIP_STAT_LIVE, &number));
    CORRUPT(fastskip_table_stat(table, FASTSKIP_STAT_TOMBSTONES, &number));
    OK(fastskip_table_stat(table, FASTSKIP_STAT_KEYS, &number));
    CORRUPT(fastskip_table_approximate_count(table, STR("a"), STR("z"), &number));
    CORRUPT(fastskip_table_check(table));
    OK(fastskip_iterator_seek_first(it));
    CORRUPT(fastskip_iterator_next(it));
    ck_assert_int_eq(fastskip_iterator_valid(it), 0);
    OK(fastskip_iterator_seek_last(it));
    CORRUPT(fastskip_iterator_prev(it));
    CORRUPT(fastskip_iterator_seek(it, STR("b")));
    CORRUPT(fastskip_iterator_seek_for_prev(it, STR("g")));
    OK(fastskip_iterator_seek_first(it));
    CORRUPT(fastskip_iterator_next_many(it, entries, 4, &count));
    ck_assert_uint_eq(count, 0);
    ck_assert_int_eq(fastskip_iterator_next_many(it, entries, 4, &count), FASTSKIP_NOT_FOUND);
    fastskip_iterator_free(it);
    expect(table, NULL, "apple", "red");
    expect(table, NULL, "pear", "green");
    expect(table, NULL, "plum", NULL);
}

static void writes_find(fastskip_table *table)
{
    uint64_t versions = stat_of(table, FASTSKIP_STAT_VERSIONS);
    fastskip_batch *batch = NULL;
    fastskip_entry entry;
    int32_t inserted;
    CORRUPT(fastskip_put(table, STR("fig"), STR("x")));
    CORRUPT(fastskip_put_kind(table, 5, STR("fig"), STR("x")));
    CORRUPT(fastskip_delete(table, STR("fig")));
    CORRUPT(fastskip_insert(table, STR("fig"), STR("x")));
    CORRUPT(fastskip_get_or_insert(table, STR("fig"), STR("x"), &entry, &inserted));
    OK(fastskip_batch_new(&batch));
    OK(fastskip_batch_put(batch, STR("apple"), STR("x")));
    OK(fastskip_batch_put(batch, STR("fig"), STR("x")));
    CORRUPT(fastskip_write(table, batch));
    fastskip_batch_free(batch);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VERSIONS), versions);
    expect(table, NULL, "apple", "red");
}

static void fruit(fastskip_table *table)
{
    put(table, "pear", "green");
    put(table, "apple", "red");
    put(table, "fig", "the colour of violets");
}

START_TEST(a_changed_value)
{
    for (uint32_t paranoid = 0; paranoid < 2; paranoid++) {
        fastskip_table *table = table_checked(FASTSKIP_SEQUENCE_AUTO, 4, paranoid), *fresh = NULL;
        unsigned char *place;
        fruit(table);
        place = find("the colour of violets") + 4;
        *place = 'k';
        reads_find(table);
        writes_find(table);
        *place = 'c';
        OK(fastskip_table_check(table));
        expect(table, NULL, "fig", "the colour of violets");
        /* A fresh table has the options, too; and so has one that was emptied. */
        OK(fastskip_table_rotate(table, &fresh));
        fruit(fresh);
        ++*find("the colour of violets");
        reads_find(fresh);
        fastskip_table_unref(fresh);
        drop(table);
        table = table_checked(FASTSKIP_SEQUENCE_AUTO, 4, paranoid);
        fruit(table);
        OK(fastskip_table_reset(table));
        memset(find("the colour of violets"), 0, 21);
        fruit(table);
        OK(fastskip_table_check(table));
        ++*find("the colour of violets");
        reads_find(table);
        fastskip_table_unref(table);
    }
}
END_TEST

/* A full table answers a conditional write only from what is sound. */
START_TEST(at_the_entry_limit)
{
    for (uint32_t paranoid = 0; paranoid < 2; paranoid++) {
        fastskip_options *options = checked(FASTSKIP_SEQUENCE_AUTO, 4, paranoid);
        fastskip_table *table;
        fastskip_entry entry;
        unsigned char *place;
        int32_t inserted = 7;
        OK(fastskip_options_set_entry_limit(options, 3));
        table = table_of(options);
        fruit(table);
        ck_assert_int_eq(fastskip_put(table, STR("fig"), STR("x")), FASTSKIP_FULL);
        ck_assert_int_eq(fastskip_insert(table, STR("kiwi"), STR("x")), FASTSKIP_FULL);
        ck_assert_int_eq(fastskip_insert(table, STR("fig"), STR("x")), FASTSKIP_EXISTS);
        OK(fastskip_get_or_insert(table, STR("fig"), STR("x"), &entry, &inserted));
        ck_assert_int_eq(inserted, 0);
        place = find("the colour of violets");
        ++*place; /* the value */
        CORRUPT(fastskip_insert(table, STR("fig"), STR("x")));
        --*place;
        ++place[-1]; /* the key: it is "fih" now */
        CORRUPT(fastskip_insert(table, STR("fig"), STR("x")));
        --place[-1];
        ck_assert_int_eq(fastskip_insert(table, STR("fig"), STR("x")), FASTSKIP_EXISTS);
        ck_assert_int_eq(fastskip_insert(table, STR("apple"), STR("x")), FASTSKIP_EXISTS);
        drop(table);
    }
}
END_TEST

START_TEST(without_the_option_nothing_is_verified)
{
    fastskip_table *table = table_checked(FASTSKIP_SEQUENCE_AUTO, 0, 1);
    fruit(table);
    *find("the colour of violets") = 'T';
    expect(table, NULL, "fig", "The colour of violets");
    drop(table);
}
END_TEST

START_TEST(a_changed_number)
{
    fastskip_table *table = table_checked(FASTSKIP_SEQUENCE_CALLER, 4, 0);
    fastskip_batch *batch = NULL;
    fastskip_entry entry;
    unsigned char *place;
    OK(put_at(table, 10, "fig", "the first"));
    OK(put_at(table, 20, "fig", "the second"));
    place = find("the first");
    ++*place;
    OK(fastskip_get_at(table, 20, STR("apple"), &entry) == FASTSKIP_NOT_FOUND ? FASTSKIP_OK : 1);
    CORRUPT(fastskip_get_at(table, 10, STR("fig"), &entry));
    CORRUPT(put_at(table, 5, "fig", "x"));
    OK(fastskip_batch_new(&batch));
    OK(fastskip_batch_put_at(batch, 30, FASTSKIP_PUT, STR("apple"), STR("red")));
    OK(fastskip_batch_put_at(batch, 5, FASTSKIP_PUT, STR("fig"), STR("x")));
    OK(fastskip_batch_put_at(batch, 31, FASTSKIP_PUT, STR("pear"), STR("green")));
    CORRUPT(fastskip_write(table, batch));
    expect(table, NULL, "apple", "red"); /* what comes before it stays */
    expect(table, NULL, "pear", NULL);
    fastskip_batch_free(batch);
    --*place;
    OK(put_at(table, 5, "fig", "x"));
    drop(table);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_entry_takes_four_bytes_more,
        a_version_takes_four_bytes_more,
        memory_behind_the_region,
        a_changed_value,
        at_the_entry_limit,
        without_the_option_nothing_is_verified,
        a_changed_number,
    };
    return RUN_SUITE("api checksum", tests);
}
