/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_write.c - lib/write: the ways that one write can go, and who counts a key.
 */
#include "tables.h"

/* A key that a batch made and never showed is counted by whoever completes a write of it first. */
START_TEST(the_key_of_an_aborted_batch_is_counted_when_it_is_written)
{
    for (int how = 0; how < 3; how++) {
        fastskip_table *t = table_make(MIB, 1);
        fsk_ref version, record = leave_pending(t, 5, &version);
        if (how == 0) /* a write while it is pending counts it */
            put(t, 5, 1);
        ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_KEYS), how == 0);
        if (how == 2) {
            ck_assert_int_eq(
                fsk_version_settle(&t->clock, version, fsk_record_commit(&t->clock, record)), 1);
        } else {
            fsk_record_abort(&t->clock, record);
            ck_assert_int_eq(fsk_version_settle(&t->clock, version, FSK_NEVER), 0);
            ck_assert_uint_eq(get(t, 5), how == 0 ? 1 : NOTHING);
            ck_assert_int_eq(insert(t, 5, 2), how == 0 ? FASTSKIP_EXISTS : FASTSKIP_OK);
            put(t, 5, 3);
            delete (t, 5);
            ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_KEYS), 1);
            ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_KEY_BYTES), strlen("user00000005"));
        }
        ck_assert_int_eq(fsk_table_check(t), FASTSKIP_OK);
        fsk_table_unref(t);
    }
}
END_TEST

/* ---- the ways of a write ---- */

static void begin_write(fsk_write *x, fastskip_table *t, fsk_writer *w, const void *key, size_t n,
                        const void *value, uint32_t size)
{
    memset(x, 0, sizeof *x);
    fsk_key_init(&x->key, &t->list.space.order, key, n);
    x->table = t;
    x->writer = w;
    x->value = value;
    x->value_size = size;
    x->word = t->caller ? fsk_word_numbered(FASTSKIP_PUT, 9) : fsk_word_single(FASTSKIP_PUT);
    x->sequence = 9;
}

/* Memory taken for an entry serves for a version where another put the key there meanwhile. */
START_TEST(an_entry_becomes_a_version)
{
    for (int caller = 0; caller < 2; caller++)
        for (uint32_t size = 0; size < 70000; size = size * 3 + 5) {
            struct fastskip_options o = options_of(4 * MIB, 2);
            uint8_t *value = malloc(size + 1);
            uint64_t wasted;
            fastskip_entry e;
            fastskip_table *t;
            fsk_writer w;
            fsk_write x;
            memset(value, 7, size + 1);
            o.sequence_mode = (uint32_t)caller;
            t = table_of(&o);
            ck_assert_int_eq(fsk_table_enter(t, &w), FASTSKIP_OK);
            begin_write(&x, t, &w, "user00000005", 12, value, size);
            ck_assert_int_eq(fsk_write_prepare(&x, 0), 1);
            ck_assert_int_eq(caller ? put_at(t, 8, 5, 1) : put(t, 5, 1), FASTSKIP_OK);
            wasted = fsk_arena_total(&t->arena, FSK_COUNT_WASTED);
            ck_assert_int_eq(fsk_write_publish(&x, NULL, 0), FASTSKIP_OK);
            ck_assert_uint_ne(x.version, x.entry);
            /* What a version does not need of it is lost, and known to be. */
            wasted = fsk_arena_total(&t->arena, FSK_COUNT_WASTED) - wasted;
            ck_assert_uint_eq(wasted,
                              fsk_round_up(x.size, 8) - fsk_round_up(fsk_version_bytes(size), 8));
            fsk_write_count(&x, 0);
            fsk_table_leave(&w);
            ck_assert_int_eq(fsk_table_get(t, fsk_table_latest(t), "user00000005", 12, 0, &e),
                             FASTSKIP_OK);
            ck_assert(e.value_size == size && memcmp(e.value, value, size) == 0);
            ck_assert_int_eq(fsk_table_check(t), FASTSKIP_OK);
            free(value);
            fsk_table_unref(t);
        }
}
END_TEST

START_TEST(what_is_dropped_goes_back)
{
    fastskip_table *t = table_make(MIB, 1);
    uint64_t used;
    fsk_writer w;
    fsk_write x;
    put(t, 1, 1);
    used = fsk_arena_total(&t->arena, FSK_COUNT_USED);
    for (int there = 0; there < 2; there++) {
        ck_assert_int_eq(fsk_table_enter(t, &w), FASTSKIP_OK);
        begin_write(&x, t, &w, "user00000002", 12, "value", 5);
        ck_assert_int_eq(fsk_write_prepare(&x, there ? fsk_load32_seq(&t->list.root) : 0), 1);
        fsk_write_drop(&x);
        fsk_write_drop(&x);
        fsk_table_leave(&w);
    }
    ck_assert_uint_eq(fsk_arena_total(&t->arena, FSK_COUNT_USED), used);
    ck_assert_uint_eq(fsk_arena_total(&t->arena, FSK_COUNT_WASTED), 0);
    fsk_table_unref(t);
}
END_TEST

START_TEST(the_callers_numbers)
{
    struct fastskip_options o = options_of(MIB, 1);
    fastskip_table *t;
    uint64_t used;
    o.sequence_mode = FASTSKIP_SEQUENCE_CALLER;
    o.entry_limit = 100;
    t = table_of(&o);
    ck_assert_int_eq(put_at(t, 10, 1, 10), FASTSKIP_OK);
    ck_assert_int_eq(put_at(t, 5, 1, 5), FASTSKIP_OK); /* older than the first */
    ck_assert_int_eq(put_at(t, 20, 1, 20), FASTSKIP_OK);
    used = fsk_arena_total(&t->arena, FSK_COUNT_USED);
    for (uint64_t n = 5; n <= 20; n += 5)
        ck_assert_int_eq(put_at(t, n, 1, 99), n == 15 ? FASTSKIP_OK : FASTSKIP_EXISTS);
    ck_assert_uint_eq(fsk_arena_total(&t->arena, FSK_COUNT_USED), used + 32);
    ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_VERSIONS), 4);
    ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_KEYS), 1);
    ck_assert_uint_eq(fsk_load64_relaxed(&t->admitted), 4);
    ck_assert_uint_eq(get_at(t, 1, 4), NOTHING);
    ck_assert_uint_eq(get_at(t, 1, 9), 5);
    ck_assert_uint_eq(get_at(t, 1, 19), 99);
    ck_assert_uint_eq(get(t, 1), 20);
    fsk_table_unref(t);
}
END_TEST

/* ---- marks ---- */

/* `newest` of the table's only key, which is written twice. */
static fsk_ref newest_of_two(fastskip_table *t)
{
    fastskip_entry shown;
    const fsk_entry *e;
    uint8_t key[KEY_ROOM];
    size_t n = key_make(key, keys_of_table, 7);
    if (t->caller) {
        put_at(t, 1, 7, 1);
        put_at(t, 2, 7, 2);
    } else {
        put(t, 7, 1);
        put(t, 7, 2);
    }
    ck_assert_int_eq(fsk_table_get(t, fsk_table_latest(t), key, n, 0, &shown), FASTSKIP_OK);
    ck_assert_uint_eq(number_of(&shown), 2);
    ck_assert_int_eq(fsk_table_check(t), FASTSKIP_OK);
    e = (const fsk_entry *)(const void *)((const uint8_t *)shown.key - sizeof *e);
    return fsk_load32_seq(&e->newest);
}

/* Where a reference may need the bit, or each head is looked at anyway, there are none. */
START_TEST(which_tables_mark)
{
    enum { PLAINLY, NUMBERED, SUMMED, PARANOID, AT_MOST, BEYOND, WAYS };
    for (int way = PLAINLY; way < WAYS; way++) {
        struct fastskip_options o = options_of(MIB, 1);
        fastskip_table *t = NULL;
        fastskip_status status;
        o.sequence_mode = way == NUMBERED;
        o.checksum = way == SUMMED ? 4 : 0;
        o.paranoid = way == PARANOID;
        if (way >= AT_MOST)
            o.memory_limit = FSK_PLAIN_REGION + (way == BEYOND ? MIB : 0);
        status = fsk_table_new(&o, &t);
        if (status != FASTSKIP_OK) { /* not so much address space */
            ck_assert(way >= AT_MOST && status == FASTSKIP_NO_MEMORY);
            continue;
        }
        ck_assert_uint_eq(newest_of_two(t) & FSK_PLAIN,
                          way == PLAINLY || way == AT_MOST ? FSK_PLAIN : 0);
        fsk_table_unref(t);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_key_of_an_aborted_batch_is_counted_when_it_is_written,
        an_entry_becomes_a_version,
        what_is_dropped_goes_back,
        the_callers_numbers,
        which_tables_mark,
    };
    return RUN_SUITE("write", tests);
}
