/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Tables sealed, rotated, reset, and made of options that change afterwards.
 */
#include "api.h"
#include "orders.h"

START_TEST(sealed_tables_are_only_read)
{
    fastskip_table *table = letters();
    fastskip_batch *batch = NULL;
    fastskip_entry entry;
    int32_t inserted = 7;
    uint64_t versions = stat_of(table, FASTSKIP_STAT_VERSIONS);
    uint64_t writes = stat_of(table, FASTSKIP_STAT_WRITES);
    OK(fastskip_batch_new(&batch));
    OK(fastskip_batch_put(batch, STR("x"), STR("1")));
    ck_assert_int_eq(fastskip_table_is_sealed(table), 0);
    OK(fastskip_table_seal(table));
    OK(fastskip_table_seal(table));
    ck_assert_int_eq(fastskip_table_is_sealed(table), 1);
    ck_assert_int_eq(fastskip_put(table, STR("x"), STR("1")), FASTSKIP_SEALED);
    ck_assert_int_eq(fastskip_put_kind(table, 2, STR("x"), STR("1")), FASTSKIP_SEALED);
    ck_assert_int_eq(fastskip_delete(table, STR("b")), FASTSKIP_SEALED);
    ck_assert_int_eq(fastskip_insert(table, STR("x"), STR("1")), FASTSKIP_SEALED);
    ck_assert_int_eq(fastskip_insert(table, STR("b"), STR("1")), FASTSKIP_SEALED);
    ck_assert_int_eq(fastskip_get_or_insert(table, STR("b"), STR("1"), &entry, &inserted),
                     FASTSKIP_SEALED);
    ck_assert_int_eq(inserted, 7);
    ck_assert_int_eq(fastskip_write(table, batch), FASTSKIP_SEALED);
    fastskip_batch_free(batch);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_VERSIONS), versions);
    /* They were attempted. */
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_WRITES), writes + 7);
    ck_assert_str_eq(content(table, NULL, 0), "b=2 d=4 f=6 h=8 ");
    drop(table);
}
END_TEST

START_TEST(rotate_gives_a_fresh_table_like_the_old)
{
    fastskip_options *options = new_options((struct settings){
        .mode = FASTSKIP_SEQUENCE_CALLER, .shards = 3, .memory = 1 << 20, .entries = 3});
    OK(fastskip_options_set_comparator(options, compare_integers, NULL, NULL, "integers"));
    fastskip_table *old = table_of(options), *fresh = NULL, *none = NULL;
    OK(fastskip_put_at(old, 1, FASTSKIP_PUT, STR("aaaaaaaa"), STR("v")));
    OK(fastskip_table_rotate(old, &fresh));
    ck_assert_ptr_ne(old, fresh);
    ck_assert_int_eq(fastskip_table_is_sealed(old), 1);
    ck_assert_int_eq(fastskip_table_is_sealed(fresh), 0);
    ck_assert_int_eq(fastskip_table_rotate(old, &none), FASTSKIP_SEALED);
    ck_assert_ptr_null(none);
    ck_assert_uint_eq(stat_of(old, FASTSKIP_STAT_KEYS), 1);
    fastskip_table_unref(old);
    ck_assert_uint_eq(stat_of(fresh, FASTSKIP_STAT_KEYS), 0);
    ck_assert_uint_eq(stat_of(fresh, FASTSKIP_STAT_SHARDS), 3);
    ck_assert_uint_eq(stat_of(fresh, FASTSKIP_STAT_MEMORY_LIMIT), 1 << 20);
    uint64_t small = 1, large = 256;
    OK(fastskip_put_at(fresh, 7, FASTSKIP_PUT, &large, 8, STR("256")));
    OK(fastskip_put_at(fresh, 7, FASTSKIP_PUT, &small, 8, STR("1")));
    OK(fastskip_put_at(fresh, 8, FASTSKIP_PUT, &small, 8, STR("1")));
    ck_assert_int_eq(put_at(fresh, 9, "bbbbbbbb", "v"), FASTSKIP_FULL);
    fastskip_iterator *it = iterate(fresh, 0);
    fastskip_entry entry;
    OK(fastskip_iterator_seek_first(it));
    OK(fastskip_iterator_entry(it, &entry));
    ck_assert_mem_eq(entry.key, &small, 8);
    fastskip_iterator_free(it);
    drop(fresh);
}
END_TEST

START_TEST(reset_empties_and_keeps_memory)
{
    fastskip_table *table = new_table((struct settings){.shards = 1});
    char key[16];
    uint64_t empty_used = stat_of(table, FASTSKIP_STAT_MEMORY_USED), reserved = 0;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 5000; i++) {
            snprintf(key, sizeof key, "%05d", i * 3 + round);
            put(table, key, key);
        }
        if (round == 1)
            reserved = stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED);
        /* The same work needs no more memory than the time before. */
        if (round > 1)
            ck_assert_uint_le(stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED), reserved);
        OK(fastskip_table_check(table));
        OK(fastskip_table_seal(table));
        uint64_t before = stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED);
        OK(fastskip_table_reset(table));
        ck_assert_int_eq(fastskip_table_is_sealed(table), 0);
        for (uint32_t id = FASTSKIP_STAT_KEYS; id <= FASTSKIP_STAT_VALUE_BYTES; id++)
            ck_assert_uint_eq(stat_of(table, id), 0);
        ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_WRITES), 0);
        ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_HEIGHT), 1);
        ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_MEMORY_USED), empty_used);
        ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_MEMORY_RESERVED), before);
        ck_assert_str_eq(content(table, NULL, FASTSKIP_ALL_VERSIONS), "");
        expect(table, NULL, "00003", NULL);
    }
    drop(table);
}
END_TEST

/* Each figure is that of a fresh table, but for the memory that is kept. */
START_TEST(reset_sets_every_figure_back)
{
    fastskip_table *table = new_table((struct settings){.shards = 2});
    uint64_t fresh[FASTSKIP_STAT_SNAPSHOTS + 1];
    fastskip_snapshot *snapshot = NULL;
    char key[16];
    for (uint32_t id = FASTSKIP_STAT_KEYS; id <= FASTSKIP_STAT_SNAPSHOTS; id++)
        fresh[id] = stat_of(table, id);
    for (int i = 0; i < 5000; i++) {
        snprintf(key, sizeof key, "%d", i);
        put(table, key, key);
        OK(fastskip_delete(table, key, strlen(key)));
    }
    OK(fastskip_snapshot_new(table, &snapshot));
    fastskip_snapshot_free(snapshot);
    for (uint32_t id = FASTSKIP_STAT_KEYS; id <= FASTSKIP_STAT_SNAPSHOTS; id++)
        if (id != FASTSKIP_STAT_LIVE && id != FASTSKIP_STAT_MEMORY_LIMIT &&
            id != FASTSKIP_STAT_SHARDS && id != FASTSKIP_STAT_RETRIES)
            ck_assert_uint_gt(stat_of(table, id), fresh[id]);
    OK(fastskip_table_reset(table));
    for (uint32_t id = FASTSKIP_STAT_KEYS; id <= FASTSKIP_STAT_SNAPSHOTS; id++)
        if (id != FASTSKIP_STAT_MEMORY_RESERVED)
            REQUIRE_AT(stat_of(table, id) == fresh[id], id);
    drop(table);
}
END_TEST

START_TEST(reset_is_busy_while_others_hold)
{
    fastskip_table *table = letters();
    fastskip_snapshot *snapshot = NULL;
    OK(fastskip_table_ref(table));
    ck_assert_int_eq(fastskip_table_reset(table), FASTSKIP_BUSY);
    fastskip_table_unref(table);
    OK(fastskip_snapshot_new(table, &snapshot));
    ck_assert_int_eq(fastskip_table_reset(table), FASTSKIP_BUSY);
    fastskip_snapshot_free(snapshot);
    fastskip_iterator *it = iterate(table, 0);
    ck_assert_int_eq(fastskip_table_reset(table), FASTSKIP_BUSY);
    fastskip_iterator_free(it);
    ck_assert_str_eq(content(table, NULL, 0), "b=2 d=4 f=6 h=8 ");
    OK(fastskip_table_reset(table));
    ck_assert_str_eq(content(table, NULL, 0), "");
    drop(table);
}
END_TEST

START_TEST(options_are_copied)
{
    fastskip_options *options = NULL;
    fastskip_table *table = NULL, *by_default = NULL;
    OK(fastskip_options_new(&options));
    OK(fastskip_options_set_shards(options, 7));
    OK(fastskip_options_set_block_size(options, 1 << 14));
    OK(fastskip_options_set_huge_pages(options, FASTSKIP_HUGE_PAGES_NEVER));
    OK(fastskip_options_set_seed(options, 12345));
    OK(fastskip_table_new(options, &table));
    OK(fastskip_options_set_shards(options, 9));
    fastskip_options_free(options);
    ck_assert_uint_eq(stat_of(table, FASTSKIP_STAT_SHARDS), 7);
    OK(fastskip_table_new(NULL, &by_default));
    ck_assert_uint_eq(stat_of(by_default, FASTSKIP_STAT_MEMORY_LIMIT), 1 << 30);
    put(by_default, "a", "1");
    put(table, "a", "1");
    drop(table);
    drop(by_default);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        sealed_tables_are_only_read,     rotate_gives_a_fresh_table_like_the_old,
        reset_empties_and_keeps_memory,  reset_sets_every_figure_back,
        reset_is_busy_while_others_hold, options_are_copied,
    };
    return RUN_SUITE("api_life", tests);
}
