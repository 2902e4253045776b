/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Bad input: every argument that breaks the contract has the status that fastskip.h names, leaves
 * the out-parameters alone, and changes neither the content nor the figures of a table.
 */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fastskip.h"

#define STR(s) (s), sizeof(s) - 1
#define OK(call) ck_assert_int_eq((call), FASTSKIP_OK)
#define INVALID(call) ck_assert_int_eq((call), FASTSKIP_INVALID)
#define TOO_LARGE(call) ck_assert_int_eq((call), FASTSKIP_TOO_LARGE)

/* ---- what must not change -------------------------------------------------------------------- */

/* Two tables with something in them, one of each mode, and everything that hangs on them. */
static fastskip_table *table, *caller;
static fastskip_snapshot *snapshot;
static fastskip_iterator *it;
static fastskip_batch *batch;
static unsigned char *no_access; /* a page that crashes who touches it */

/* What fastskip_table_stat and a full walk say of a table. */
struct picture {
    uint64_t stats[18];
    uint64_t content;
};

static struct picture pictures[2];

static uint64_t mix(uint64_t sum, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ ((const unsigned char *)data)[i]) * 1099511628211u;
    return (sum ^ size) * 1099511628211u;
}

static struct picture look_at(fastskip_table *which)
{
    struct picture picture;
    fastskip_iterator *walk = NULL;
    fastskip_entry entry;
    memset(&picture, 0, sizeof picture);
    for (uint32_t id = FASTSKIP_STAT_KEYS; id <= FASTSKIP_STAT_SNAPSHOTS; id++)
        /* Whether a refused call is an attempt is left open. */
        if (id != FASTSKIP_STAT_WRITES)
            OK(fastskip_table_stat(which, id, &picture.stats[id]));
    OK(fastskip_iterator_new(which, NULL, FASTSKIP_ALL_VERSIONS, &walk));
    for (fastskip_status s = fastskip_iterator_seek_first(walk); s == FASTSKIP_OK;
         s = fastskip_iterator_next(walk)) {
        OK(fastskip_iterator_entry(walk, &entry));
        picture.content = mix(picture.content, entry.key, entry.key_size);
        picture.content = mix(picture.content, entry.value, entry.value_size);
        picture.content = mix(picture.content, &entry.sequence, sizeof entry.sequence);
        picture.content = mix(picture.content, &entry.kind, sizeof entry.kind);
    }
    fastskip_iterator_free(walk);
    return picture;
}

static void expect_nothing_changed(void)
{
    struct picture now[2] = {look_at(table), look_at(caller)};
    for (int t = 0; t < 2; t++) {
        for (uint32_t id = 0; id < 18; id++)
            ck_assert_msg(now[t].stats[id] == pictures[t].stats[id],
                          "statistic %u of table %d was %llu, is %llu", id, t,
                          (unsigned long long)pictures[t].stats[id],
                          (unsigned long long)now[t].stats[id]);
        ck_assert_uint_eq(now[t].content, pictures[t].content);
    }
    ck_assert_uint_eq(fastskip_batch_count(batch), 2);
    OK(fastskip_table_check(table));
    OK(fastskip_table_check(caller));
}

static void set_up(void)
{
    fastskip_options *options = NULL;
    char key[16];
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_memory_limit(options, 4 << 20));
    OK(fastskip_table_new(options, &table));
    OK(fastskip_options_set_sequence_mode(options, FASTSKIP_SEQUENCE_CALLER));
    OK(fastskip_table_new(options, &caller));
    fastskip_options_free(options);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "key%u", i);
        OK(fastskip_put(table, key, strlen(key), key, strlen(key)));
        OK(fastskip_put_at(caller, i + 1, i % 3, key, strlen(key), key, strlen(key)));
    }
    OK(fastskip_delete(table, STR("key7")));
    OK(fastskip_snapshot_new(table, &snapshot));
    OK(fastskip_iterator_new(table, NULL, 0, &it));
    OK(fastskip_iterator_seek(it, STR("key50")));
    OK(fastskip_batch_new(&batch));
    OK(fastskip_batch_put(batch, STR("key1"), STR("batched")));
    OK(fastskip_batch_delete(batch, STR("key2")));
    no_access = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(no_access != MAP_FAILED);
    pictures[0] = look_at(table);
    pictures[1] = look_at(caller);
}

static void tear_down(void)
{
    fastskip_batch_free(batch);
    fastskip_iterator_free(it);
    fastskip_snapshot_free(snapshot);
    fastskip_table_unref(caller);
    fastskip_table_unref(table);
    munmap(no_access, 4096);
}

/* Out-parameters are filled with a pattern before a call and compared after it. */
static const char pattern_source[sizeof(fastskip_entry)] = "\x5a\xa5pattern";

static fastskip_entry pattern(void)
{
    fastskip_entry entry;
    memcpy(&entry, pattern_source, sizeof entry);
    return entry;
}

static void expect_untouched(const fastskip_entry *entry)
{
    ck_assert_mem_eq(entry, pattern_source, sizeof *entry);
}

/* ---- NULL ------------------------------------------------------------------------------------ */

START_TEST(null_where_it_is_accepted)
{
    fastskip_options_free(NULL);
    fastskip_table_unref(NULL);
    fastskip_batch_free(NULL);
    fastskip_snapshot_free(NULL);
    fastskip_iterator_free(NULL);
    ck_assert_int_eq(fastskip_table_is_sealed(NULL), 0);
    ck_assert_int_eq(fastskip_table_under_backpressure(NULL), 0);
    ck_assert_int_eq(fastskip_iterator_valid(NULL), 0);
    ck_assert_uint_eq(fastskip_batch_count(NULL), 0);
    ck_assert_uint_eq(fastskip_snapshot_sequence(NULL), 0);
    expect_nothing_changed();
}
END_TEST

START_TEST(null_options)
{
    INVALID(fastskip_options_new(NULL));
    INVALID(fastskip_options_set_shards(NULL, 1));
    INVALID(fastskip_options_set_block_size(NULL, 4096));
    INVALID(fastskip_options_set_memory_limit(NULL, 1 << 20));
    INVALID(fastskip_options_set_entry_limit(NULL, 1));
    INVALID(fastskip_options_set_backpressure(NULL, 50));
    INVALID(fastskip_options_set_huge_pages(NULL, 0));
    INVALID(fastskip_options_set_sequence_mode(NULL, 0));
    INVALID(fastskip_options_set_comparator(NULL, NULL, NULL, NULL, NULL));
    INVALID(fastskip_options_set_allocator(NULL, NULL, NULL, NULL, NULL));
    INVALID(fastskip_options_set_seed(NULL, 1));
}
END_TEST

START_TEST(null_tables)
{
    fastskip_entry entry = pattern();
    fastskip_table *fresh = table;
    fastskip_snapshot *taken = snapshot;
    fastskip_iterator *made = it;
    fastskip_status status = 99;
    const void *key = "k";
    size_t one = 1;
    int32_t inserted = 77;
    uint64_t number = 42;
    INVALID(fastskip_table_ref(NULL));
    INVALID(fastskip_table_seal(NULL));
    INVALID(fastskip_table_rotate(NULL, &fresh));
    INVALID(fastskip_table_reset(NULL));
    INVALID(fastskip_put(NULL, STR("k"), STR("v")));
    INVALID(fastskip_delete(NULL, STR("k")));
    INVALID(fastskip_insert(NULL, STR("k"), STR("v")));
    INVALID(fastskip_get_or_insert(NULL, STR("k"), STR("v"), &entry, &inserted));
    INVALID(fastskip_put_at(NULL, 1, 0, STR("k"), STR("v")));
    INVALID(fastskip_put_kind(NULL, 2, STR("k"), STR("v")));
    INVALID(fastskip_write(NULL, batch));
    INVALID(fastskip_get(NULL, NULL, STR("k"), &entry));
    INVALID(fastskip_get(NULL, snapshot, STR("k"), &entry));
    INVALID(fastskip_get_raw(NULL, NULL, STR("k"), &entry));
    INVALID(fastskip_get_at(NULL, 1, STR("k"), &entry));
    INVALID(fastskip_contains(NULL, NULL, STR("k")));
    INVALID(fastskip_get_many(NULL, NULL, 1, &key, &one, &entry, &status));
    INVALID(fastskip_get_many(NULL, NULL, 0, NULL, NULL, NULL, NULL));
    INVALID(fastskip_snapshot_new(NULL, &taken));
    INVALID(fastskip_iterator_new(NULL, NULL, 0, &made));
    INVALID(fastskip_iterator_new_at(NULL, 1, 0, &made));
    INVALID(fastskip_table_stat(NULL, FASTSKIP_STAT_KEYS, &number));
    INVALID(fastskip_table_approximate_count(NULL, NULL, 0, NULL, 0, &number));
    INVALID(fastskip_table_check(NULL));
    expect_untouched(&entry);
    ck_assert_ptr_eq(fresh, table);
    ck_assert_ptr_eq(taken, snapshot);
    ck_assert_ptr_eq(made, it);
    ck_assert_int_eq(status, 99);
    ck_assert_int_eq(inserted, 77);
    ck_assert_uint_eq(number, 42);
    expect_nothing_changed();
}
END_TEST

START_TEST(null_batches_and_iterators)
{
    fastskip_entry entry = pattern();
    size_t count = 5;
    INVALID(fastskip_batch_put(NULL, STR("k"), STR("v")));
    INVALID(fastskip_batch_delete(NULL, STR("k")));
    INVALID(fastskip_batch_put_kind(NULL, 2, STR("k"), STR("v")));
    INVALID(fastskip_batch_put_at(NULL, 1, 0, STR("k"), STR("v")));
    INVALID(fastskip_batch_clear(NULL));
    INVALID(fastskip_write(table, NULL));
    INVALID(fastskip_write(caller, NULL));
    INVALID(fastskip_iterator_set_bounds(NULL, STR("a"), STR("b")));
    INVALID(fastskip_iterator_seek_first(NULL));
    INVALID(fastskip_iterator_seek_last(NULL));
    INVALID(fastskip_iterator_seek(NULL, STR("a")));
    INVALID(fastskip_iterator_seek_for_prev(NULL, STR("a")));
    INVALID(fastskip_iterator_next(NULL));
    INVALID(fastskip_iterator_prev(NULL));
    INVALID(fastskip_iterator_entry(NULL, &entry));
    INVALID(fastskip_iterator_next_many(NULL, &entry, 1, &count));
    expect_untouched(&entry);
    ck_assert_uint_eq(count, 5);
    expect_nothing_changed();
}
END_TEST

static void expect_at_key50(void)
{
    fastskip_entry entry;
    ck_assert_int_eq(fastskip_iterator_valid(it), 1);
    OK(fastskip_iterator_entry(it, &entry));
    ck_assert_uint_eq(entry.key_size, 5);
    ck_assert_mem_eq(entry.key, "key50", 5);
}

START_TEST(null_out_parameters)
{
    fastskip_entry entry = pattern();
    int32_t inserted = 77;
    size_t count = 5, size = 4;
    fastskip_status status = 99;
    const void *key = "key1";
    INVALID(fastskip_table_new(NULL, NULL));
    INVALID(fastskip_table_rotate(table, NULL));
    ck_assert_int_eq(fastskip_table_is_sealed(table), 0);
    INVALID(fastskip_batch_new(NULL));
    INVALID(fastskip_snapshot_new(table, NULL));
    INVALID(fastskip_iterator_new(table, NULL, 0, NULL));
    INVALID(fastskip_iterator_new_at(caller, 1, 0, NULL));
    INVALID(fastskip_get_or_insert(table, STR("new"), STR("v"), NULL, &inserted));
    INVALID(fastskip_get_or_insert(table, STR("new"), STR("v"), &entry, NULL));
    INVALID(fastskip_get_or_insert(table, STR("key1"), STR("v"), &entry, NULL));
    INVALID(fastskip_get(table, NULL, STR("key1"), NULL));
    INVALID(fastskip_get_raw(table, NULL, STR("key1"), NULL));
    INVALID(fastskip_get_at(table, 1, STR("key1"), NULL));
    INVALID(fastskip_get(table, NULL, STR("absent"), NULL));
    INVALID(fastskip_get_many(table, NULL, 1, NULL, &size, &entry, &status));
    INVALID(fastskip_get_many(table, NULL, 1, &key, NULL, &entry, &status));
    INVALID(fastskip_get_many(table, NULL, 1, &key, &size, NULL, &status));
    INVALID(fastskip_get_many(table, NULL, 1, &key, &size, &entry, NULL));
    INVALID(fastskip_table_stat(table, FASTSKIP_STAT_KEYS, NULL));
    INVALID(fastskip_table_approximate_count(table, NULL, 0, NULL, 0, NULL));
    INVALID(fastskip_iterator_entry(it, NULL));
    INVALID(fastskip_iterator_next_many(it, NULL, 1, &count));
    INVALID(fastskip_iterator_next_many(it, &entry, 1, NULL));
    INVALID(fastskip_iterator_next_many(it, &entry, 0, &count));
    expect_untouched(&entry);
    ck_assert_int_eq(inserted, 77);
    ck_assert_uint_eq(count, 5);
    ck_assert_int_eq(status, 99);
    expect_at_key50();
    expect_nothing_changed();
}
END_TEST

/* ---- data ------------------------------------------------------------------------------------ */

/* What every function that takes a key says of one; value and outs are good. */
static void expect_of_key(fastskip_status wanted, const void *key, size_t size)
{
    fastskip_entry entry = pattern();
    int32_t inserted = 77;
    uint64_t number = 42;
    struct {
        const char *name;
        fastskip_status got;
    } calls[] = {
        {"put", fastskip_put(table, key, size, STR("v"))},
        {"delete", fastskip_delete(table, key, size)},
        {"insert", fastskip_insert(table, key, size, STR("v"))},
        {"get_or_insert", fastskip_get_or_insert(table, key, size, STR("v"), &entry, &inserted)},
        {"put_kind", fastskip_put_kind(table, 2, key, size, STR("v"))},
        {"put_at", fastskip_put_at(caller, 1, 0, key, size, STR("v"))},
        {"batch_put", fastskip_batch_put(batch, key, size, STR("v"))},
        {"batch_delete", fastskip_batch_delete(batch, key, size)},
        {"batch_put_kind", fastskip_batch_put_kind(batch, 2, key, size, STR("v"))},
        {"batch_put_at", fastskip_batch_put_at(batch, 1, 0, key, size, STR("v"))},
        {"get", fastskip_get(table, NULL, key, size, &entry)},
        {"get at a snapshot", fastskip_get(table, snapshot, key, size, &entry)},
        {"get_raw", fastskip_get_raw(table, NULL, key, size, &entry)},
        {"get_at", fastskip_get_at(table, 1, key, size, &entry)},
        {"contains", fastskip_contains(table, NULL, key, size)},
        {"seek", fastskip_iterator_seek(it, key, size)},
        {"seek_for_prev", fastskip_iterator_seek_for_prev(it, key, size)},
        {"lower bound", fastskip_iterator_set_bounds(it, key, size, NULL, 0)},
        {"upper bound", fastskip_iterator_set_bounds(it, NULL, 0, key, size)},
        {"count lower", fastskip_table_approximate_count(table, key, size, NULL, 0, &number)},
        {"count upper", fastskip_table_approximate_count(table, NULL, 0, key, size, &number)},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        ck_assert_msg(calls[i].got == wanted, "%s: %d instead of %d for a key of %zu bytes",
                      calls[i].name, (int)calls[i].got, (int)wanted, size);
    expect_untouched(&entry);
    ck_assert_int_eq(inserted, 77);
    ck_assert_uint_eq(number, 42);
    expect_at_key50();
    expect_nothing_changed();
}

/* What every function that takes a value says of one; the key is good. */
static void expect_of_value(fastskip_status wanted, const void *value, size_t size)
{
    fastskip_entry entry = pattern();
    int32_t inserted = 77;
    struct {
        const char *name;
        fastskip_status got;
    } calls[] = {
        {"put", fastskip_put(table, STR("k"), value, size)},
        {"put over a live key", fastskip_put(table, STR("key1"), value, size)},
        {"insert", fastskip_insert(table, STR("k"), value, size)},
        {"get_or_insert", fastskip_get_or_insert(table, STR("k"), value, size, &entry, &inserted)},
        {"put_kind", fastskip_put_kind(table, 2, STR("k"), value, size)},
        {"put_at", fastskip_put_at(caller, 1, 0, STR("k"), value, size)},
        {"tombstone with a value", fastskip_put_at(caller, 1, 1, STR("k"), value, size)},
        {"batch_put", fastskip_batch_put(batch, STR("k"), value, size)},
        {"batch_put_kind", fastskip_batch_put_kind(batch, 2, STR("k"), value, size)},
        {"batch_put_at", fastskip_batch_put_at(batch, 1, 0, STR("k"), value, size)},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        ck_assert_msg(calls[i].got == wanted, "%s: %d instead of %d for a value of %zu bytes",
                      calls[i].name, (int)calls[i].got, (int)wanted, size);
    expect_untouched(&entry);
    ck_assert_int_eq(inserted, 77);
    expect_nothing_changed();
}

START_TEST(null_data_with_a_size)
{
    expect_of_key(FASTSKIP_INVALID, NULL, 1);
    expect_of_key(FASTSKIP_INVALID, NULL, FASTSKIP_KEY_MAX);
    expect_of_value(FASTSKIP_INVALID, NULL, 1);
    expect_of_value(FASTSKIP_INVALID, NULL, 4096);
}
END_TEST

/* Sizes are looked at before data: the page would crash. Beyond 2^32 a size cut to 32 bits would be
 * small and pass. */
START_TEST(keys_over_the_limit)
{
    expect_of_key(FASTSKIP_TOO_LARGE, no_access, FASTSKIP_KEY_MAX + 1);
    expect_of_key(FASTSKIP_TOO_LARGE, no_access, 131072 + 3);
    expect_of_key(FASTSKIP_TOO_LARGE, no_access, UINT32_MAX);
    expect_of_key(FASTSKIP_TOO_LARGE, no_access, SIZE_MAX);
#if SIZE_MAX > UINT32_MAX
    expect_of_key(FASTSKIP_TOO_LARGE, no_access, (size_t)UINT32_MAX + 1);
    expect_of_key(FASTSKIP_TOO_LARGE, no_access, (size_t)UINT32_MAX + 4);
#endif
}
END_TEST

START_TEST(values_over_the_limit)
{
    expect_of_value(FASTSKIP_TOO_LARGE, no_access, (size_t)FASTSKIP_VALUE_MAX + 1);
    expect_of_value(FASTSKIP_TOO_LARGE, no_access, UINT32_MAX);
    expect_of_value(FASTSKIP_TOO_LARGE, no_access, SIZE_MAX);
    expect_of_value(FASTSKIP_TOO_LARGE, no_access, SIZE_MAX - 7);
#if SIZE_MAX > UINT32_MAX
    expect_of_value(FASTSKIP_TOO_LARGE, no_access, (size_t)UINT32_MAX + 1);
    expect_of_value(FASTSKIP_TOO_LARGE, no_access, (size_t)UINT32_MAX + 4);
#endif
}
END_TEST

/* Both at once: an argument that is INVALID and one that is TOO_LARGE are still refused. */
START_TEST(key_and_value_both_bad)
{
    fastskip_status status = fastskip_put(table, NULL, 1, no_access, SIZE_MAX);
    ck_assert(status == FASTSKIP_INVALID || status == FASTSKIP_TOO_LARGE);
    status = fastskip_put(table, no_access, SIZE_MAX, no_access, SIZE_MAX);
    ck_assert_int_eq(status, FASTSKIP_TOO_LARGE);
    expect_nothing_changed();
}
END_TEST

START_TEST(longest_keys_are_good_everywhere)
{
    static unsigned char key[FASTSKIP_KEY_MAX];
    fastskip_entry entry;
    int32_t inserted;
    uint64_t number;
    memset(key, 0xff, sizeof key);
    OK(fastskip_put(table, key, sizeof key, STR("1")));
    OK(fastskip_delete(table, key, sizeof key));
    OK(fastskip_insert(table, key, sizeof key, STR("2")));
    OK(fastskip_get_or_insert(table, key, sizeof key, STR("3"), &entry, &inserted));
    ck_assert_int_eq(inserted, 0);
    OK(fastskip_put_kind(table, 2, key, sizeof key, STR("4")));
    OK(fastskip_put_at(caller, 1, 0, key, sizeof key, STR("5")));
    OK(fastskip_batch_put(batch, key, sizeof key, STR("6")));
    OK(fastskip_write(table, batch));
    /* One byte less is another key. */
    OK(fastskip_put(table, key, sizeof key - 1, STR("7")));
    OK(fastskip_get(table, NULL, key, sizeof key, &entry));
    ck_assert_uint_eq(entry.key_size, sizeof key);
    ck_assert_mem_eq(entry.key, key, sizeof key);
    ck_assert_mem_eq(entry.value, "6", 1);
    OK(fastskip_iterator_set_bounds(it, key, sizeof key - 1, NULL, 0));
    ck_assert_int_eq(fastskip_iterator_seek(it, key, sizeof key), FASTSKIP_NOT_FOUND);
    OK(fastskip_table_approximate_count(table, key, sizeof key - 1, key, sizeof key, &number));
    OK(fastskip_table_check(table));
}
END_TEST

/* The region has 4 MiB: one byte more can never fit, exactly that many could if nothing else were
 * there. */
START_TEST(values_that_the_region_can_not_hold)
{
    size_t limit = 4 << 20;
    unsigned char *value = calloc(limit + 1, 1);
    fastskip_entry entry = pattern();
    int32_t inserted = 77;
    fastskip_batch *large = NULL;
    ck_assert_ptr_nonnull(value);
    TOO_LARGE(fastskip_put(table, STR("k"), value, limit + 1));
    TOO_LARGE(fastskip_insert(table, STR("k"), value, limit + 1));
    TOO_LARGE(fastskip_put_kind(table, 2, STR("k"), value, limit + 1));
    TOO_LARGE(fastskip_put_at(caller, 1, 0, STR("k"), value, limit + 1));
    TOO_LARGE(fastskip_get_or_insert(table, STR("k"), value, limit + 1, &entry, &inserted));
    TOO_LARGE(fastskip_put(table, STR("k"), no_access, FASTSKIP_VALUE_MAX));
    ck_assert_int_eq(fastskip_put(table, STR("k"), value, limit), FASTSKIP_FULL);
    ck_assert_int_eq(fastskip_put_at(caller, 1, 0, STR("k"), value, limit), FASTSKIP_FULL);
    OK(fastskip_batch_new(&large));
    OK(fastskip_batch_put(large, STR("k1"), STR("v")));
    OK(fastskip_batch_put(large, STR("k2"), value, limit + 1));
    TOO_LARGE(fastskip_write(table, large));
    fastskip_batch_free(large);
    free(value);
    expect_untouched(&entry);
    ck_assert_int_eq(inserted, 77);
    ck_assert_int_eq(fastskip_contains(table, NULL, STR("k")), FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_contains(table, NULL, STR("k1")), FASTSKIP_NOT_FOUND);
    ck_assert_uint_eq(look_at(table).content, pictures[0].content);
    OK(fastskip_put(table, STR("k"), STR("still small enough")));
}
END_TEST

START_TEST(numbers_and_kinds_out_of_range)
{
    static const uint64_t bad_numbers[] = {0, FASTSKIP_SEQUENCE_MAX + 1, UINT64_MAX};
    static const uint32_t bad_kinds[] = {128, 255, 256, 257, UINT32_MAX};
    for (int i = 0; i < 3; i++) {
        INVALID(fastskip_put_at(caller, bad_numbers[i], 0, STR("k"), STR("v")));
        INVALID(fastskip_batch_put_at(batch, bad_numbers[i], 0, STR("k"), STR("v")));
    }
    for (int i = 0; i < 5; i++) {
        INVALID(fastskip_put_at(caller, 1, bad_kinds[i], STR("k"), STR("v")));
        INVALID(fastskip_batch_put_at(batch, 1, bad_kinds[i], STR("k"), STR("v")));
        INVALID(fastskip_put_kind(table, bad_kinds[i], STR("k"), STR("v")));
        INVALID(fastskip_batch_put_kind(batch, bad_kinds[i], STR("k"), STR("v")));
    }
    for (uint32_t kind = 0; kind < 2; kind++) {
        INVALID(fastskip_put_kind(table, kind, STR("k"), STR("v")));
        INVALID(fastskip_batch_put_kind(batch, kind, STR("k"), STR("v")));
    }
    expect_nothing_changed();
}
END_TEST

/* ---- handles that do not go together --------------------------------------------------------- */

START_TEST(snapshots_of_another_table)
{
    fastskip_table *other = NULL;
    fastskip_iterator *made = it;
    OK(fastskip_table_new(NULL, &other));
    OK(fastskip_put(other, STR("key1"), STR("v")));
    fastskip_table *tables[] = {other, caller};
    for (int i = 0; i < 2; i++) {
        fastskip_entry entry = pattern();
        fastskip_status status = 99;
        const void *key = "key1";
        size_t size = 4;
        INVALID(fastskip_get(tables[i], snapshot, STR("key1"), &entry));
        INVALID(fastskip_get_raw(tables[i], snapshot, STR("key1"), &entry));
        INVALID(fastskip_contains(tables[i], snapshot, STR("key1")));
        INVALID(fastskip_get_many(tables[i], snapshot, 1, &key, &size, &entry, &status));
        INVALID(fastskip_get_many(tables[i], snapshot, 0, NULL, NULL, NULL, NULL));
        INVALID(fastskip_iterator_new(tables[i], snapshot, 0, &made));
        expect_untouched(&entry);
        ck_assert_int_eq(status, 99);
        ck_assert_ptr_eq(made, it);
    }
    fastskip_table_unref(other);
    expect_nothing_changed();
}
END_TEST

START_TEST(unknown_iterator_flags)
{
    static const uint32_t bad[] = {4, 5, 8, 0x80000000u, UINT32_MAX};
    fastskip_iterator *made = it;
    for (int i = 0; i < 5; i++) {
        INVALID(fastskip_iterator_new(table, NULL, bad[i], &made));
        INVALID(fastskip_iterator_new(table, snapshot, bad[i], &made));
        INVALID(fastskip_iterator_new_at(caller, 1, bad[i], &made));
    }
    ck_assert_ptr_eq(made, it);
    expect_nothing_changed();
}
END_TEST

/* Arguments are checked before the state of the table. */
START_TEST(bad_input_to_a_sealed_table)
{
    OK(fastskip_table_seal(table));
    INVALID(fastskip_put(table, NULL, 1, STR("v")));
    INVALID(fastskip_put(table, STR("k"), NULL, 1));
    INVALID(fastskip_put_at(table, 1, 0, STR("k"), STR("v")));
    INVALID(fastskip_put_kind(table, 1, STR("k"), STR("v")));
    TOO_LARGE(fastskip_put(table, no_access, 65536, STR("v")));
    TOO_LARGE(fastskip_put(table, STR("k"), no_access, SIZE_MAX));
    ck_assert_int_eq(fastskip_put(table, STR("k"), STR("v")), FASTSKIP_SEALED);
    expect_nothing_changed();
}
END_TEST

START_TEST(outs_stay_as_they_are_when_nothing_is_found)
{
    fastskip_entry entry = pattern();
    ck_assert_int_eq(fastskip_get(table, NULL, STR("absent"), &entry), FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_get(table, NULL, STR("key7"), &entry), FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_get_raw(table, snapshot, STR("absent"), &entry), FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_get_at(caller, 1, STR("key9"), &entry), FASTSKIP_NOT_FOUND);
    ck_assert_int_eq(fastskip_get_at(caller, 0, STR("key0"), &entry), FASTSKIP_NOT_FOUND);
    while (fastskip_iterator_next(it) == FASTSKIP_OK)
        continue;
    ck_assert_int_eq(fastskip_iterator_entry(it, &entry), FASTSKIP_NOT_FOUND);
    expect_untouched(&entry);
    expect_nothing_changed();
}
END_TEST

/* ---- options --------------------------------------------------------------------------------- */

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
    fastskip_table *made = table;
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
    fastskip_options_free(options);
}
END_TEST

/* ---- the suite ------------------------------------------------------------------------------- */

static void group(Suite *suite, const char *name, const TTest *const *tests, size_t count)
{
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 300);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

int main(void)
{
    const TTest *const nulls[] = {
        null_where_it_is_accepted,  null_options,        null_tables,
        null_batches_and_iterators, null_out_parameters,
    };
    const TTest *const data[] = {
        null_data_with_a_size,
        keys_over_the_limit,
        values_over_the_limit,
        key_and_value_both_bad,
        longest_keys_are_good_everywhere,
        values_that_the_region_can_not_hold,
        numbers_and_kinds_out_of_range,
        snapshots_of_another_table,
        unknown_iterator_flags,
        bad_input_to_a_sealed_table,
        outs_stay_as_they_are_when_nothing_is_found,
    };
    const TTest *const settings[] = {
        numeric_options_at_both_ends,
        block_sizes_are_powers_of_two,
        extreme_tables_work,
        unknown_modes,
        half_a_comparator,
        half_an_allocator,
    };
    Suite *suite = suite_create("api_bad");
    group(suite, "nulls", nulls, COUNT(nulls));
    group(suite, "data", data, COUNT(data));
    group(suite, "settings", settings, COUNT(settings));
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner), run = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
