/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_memtable.c - lib/memtable: the door, limits of memory and of entries, figures, sealing and starting
 * again.
 */
#include "tables.h"

/* ---- the door ---- */

START_TEST(the_door)
{
    fastskip_table *t = table_make(MIB, 2);
    fsk_writer w[3];
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(fsk_table_enter(t, &w[i]), FASTSKIP_OK);
    for (int i = 0; i < 3; i++)
        fsk_table_leave(&w[i]);
    fsk_table_seal(t);
    fsk_table_seal(t);
    ck_assert_int_eq(fsk_table_enter(t, &w[0]), FASTSKIP_SEALED);
    ck_assert_uint_eq(fsk_load32_seq(&t->arena.overflow), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_uint_eq(fsk_load32_seq(&t->arena.shard[i].busy), 0);
    ck_assert_int_eq(put(t, 1, 1), FASTSKIP_SEALED);
    ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_WRITES), 1); /* it was attempted */
    ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_VERSIONS), 0);
    fsk_table_unref(t);
}
END_TEST

typedef struct {
    fastskip_table *t;
    unsigned number, written;
} writer_thread;

static void *write_until_sealed(void *context)
{
    writer_thread *x = context;
    while (put(x->t, x->written * 8 + x->number, x->written) == FASTSKIP_OK)
        x->written++;
    return NULL;
}

/* After seal returned nothing more is written, and everything that was acknowledged is there. */
START_TEST(seal_stops_every_writer)
{
    for (unsigned round = 0; round < scaled(30); round++) {
        fastskip_table *t = table_make(64 * MIB, 1 + round % 3);
        writer_thread x[8];
        pthread_t threads[8];
        uint64_t versions, total = 0;
        for (unsigned i = 0; i < 8; i++) {
            x[i] = (writer_thread){t, i, 0};
            REQUIRE(pthread_create(&threads[i], NULL, write_until_sealed, &x[i]) == 0);
        }
        while (stat_of(t, FASTSKIP_STAT_VERSIONS) < 200 * (round % 5))
            sched_yield();
        fsk_table_seal(t);
        versions = stat_of(t, FASTSKIP_STAT_VERSIONS);
        for (unsigned i = 0; i < 8; i++) {
            REQUIRE(pthread_join(threads[i], NULL) == 0);
            total += x[i].written;
        }
        REQUIRE_EQ(total, versions);
        REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_VERSIONS), versions);
        for (unsigned i = 0; i < 8; i++)
            for (unsigned j = 0; j < x[i].written; j++)
                REQUIRE_EQ(get(t, j * 8 + i), j);
        fsk_table_unref(t);
    }
}
END_TEST

/* ---- limits ---- */

START_TEST(admission)
{
    struct fastskip_options o = options_of(MIB, 1);
    fastskip_table *t = table_of(&o);
    ck_assert_int_eq(fsk_table_admit(t, UINT64_MAX), 1); /* no limit costs nothing */
    ck_assert_uint_eq(fsk_load64_relaxed(&t->admitted), 0);
    fsk_table_unref(t);
    o.entry_limit = 10;
    t = table_of(&o);
    ck_assert_int_eq(fsk_table_admit(t, 11), 0);
    ck_assert_int_eq(fsk_table_admit(t, UINT64_MAX), 0);
    ck_assert_int_eq(fsk_table_admit(t, 4), 1);
    ck_assert_int_eq(fsk_table_admit(t, 7), 0);
    ck_assert_int_eq(fsk_table_admit(t, UINT64_MAX - 3), 0); /* it does not wrap */
    ck_assert_int_eq(fsk_table_admit(t, 6), 1);
    ck_assert_int_eq(fsk_table_admit(t, 1), 0);
    fsk_table_dismiss(t, 3);
    ck_assert_int_eq(fsk_table_admit(t, 3), 1);
    ck_assert_int_eq(fsk_table_admit(t, 1), 0);
    fsk_table_unref(t);
}
END_TEST

static void *write_to_the_limit(void *context)
{
    writer_thread *x = context;
    for (unsigned i = 0; i < 200; i++) {
        fastskip_status status = i % 3 ? put(x->t, i * 8 + x->number, i) : delete (x->t, i);
        REQUIRE(status == FASTSKIP_OK || status == FASTSKIP_FULL);
        x->written += status == FASTSKIP_OK;
        REQUIRE(stat_of(x->t, FASTSKIP_STAT_VERSIONS) <= 1000);
        insert(x->t, 3, 3); /* some that are refused: their place is given back */
    }
    return NULL;
}

START_TEST(threads_reach_the_entry_limit)
{
    for (unsigned round = 0; round < scaled(10); round++) {
        struct fastskip_options o = options_of(64 * MIB, 2);
        writer_thread x[8];
        uint64_t total = 0;
        fastskip_table *t;
        o.entry_limit = 1000;
        t = table_of(&o);
        put(t, 3, 3);
        for (unsigned i = 0; i < 8; i++)
            x[i] = (writer_thread){t, i, 0};
        run_threads(8, write_to_the_limit, x, sizeof *x);
        for (unsigned i = 0; i < 8; i++)
            total += x[i].written;
        /* One that was refused may have kept another out for a moment. */
        while (delete (t, 5) == FASTSKIP_OK)
            total++;
        REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_VERSIONS), 1000);
        REQUIRE(total + 1 <= 1000);
        fsk_table_unref(t);
    }
}
END_TEST

/* Up to the last byte, each write is there in full or not at all. */
START_TEST(the_memory_limit)
{
    for (unsigned size = 0; size < 3000; size = size * 2 + 7) {
        fastskip_table *t = table_make(64 * KIB + size, 2);
        unsigned n = 0, refused = 0;
        uint64_t used;
        for (unsigned i = 0; refused < 100; i++) {
            fastskip_status status = write_sized(t, i, FASTSKIP_PUT, i, size, FSK_ANYWAY);
            REQUIRE(status == FASTSKIP_OK || status == FASTSKIP_FULL);
            if (status == FASTSKIP_OK && n == i)
                n++;
            refused += status != FASTSKIP_OK;
            REQUIRE_EQ(get(t, i), status == FASTSKIP_OK ? i : NOTHING);
        }
        used = stat_of(t, FASTSKIP_STAT_MEMORY_USED);
        REQUIRE(used <= t->arena.limit);
        for (unsigned i = 0; i < n; i++)
            REQUIRE_EQ(get(t, i), i);
        REQUIRE_EQ(insert(t, 0, 1), FASTSKIP_EXISTS); /* an answer that needs no memory */
        REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
        REQUIRE_EQ(fsk_table_reset(t), FASTSKIP_OK);
        REQUIRE_EQ(put(t, 0, 9), FASTSKIP_OK);
        fsk_table_unref(t);
    }
}
END_TEST

START_TEST(backpressure_to_the_entry)
{
    for (uint32_t percent = 1; percent <= 100; percent += 11) {
        struct fastskip_options o = options_of(MIB, 1);
        fastskip_table *t;
        o.entry_limit = 77;
        o.backpressure = percent;
        t = table_of(&o);
        for (unsigned n = 0; n <= 77; n++) {
            int used = stat_of(t, FASTSKIP_STAT_MEMORY_USED) * 100 >= MIB * percent;
            REQUIRE_EQ(fsk_table_under_backpressure(t), used || n * 100 >= 77 * percent);
            put(t, n, n);
        }
        fsk_table_unref(t);
    }
}
END_TEST

/* Every commit fails once: NO_MEMORY, nothing is lost, and trying again works. */
START_TEST(the_system_refuses)
{
    uint32_t calls = 1;
    for (uint32_t n = 1; n <= calls; n++) {
        region_source s = {.fail_at = n};
        struct fastskip_options o = options_of(3 * MIB, 2);
        fastskip_table *t;
        unsigned failed = 0;
        options_source(&o, &s);
        if (fsk_table_new(&o, &t) != FASTSKIP_OK) {
            REQUIRE(s.reserves == s.releases);
            failed++;
            t = table_of(&o);
        }
        for (unsigned i = 0; i < 1500;) {
            fastskip_status status = write_sized(t, i, FASTSKIP_PUT, i, 900, FSK_ANYWAY);
            REQUIRE(status == FASTSKIP_OK || status == FASTSKIP_NO_MEMORY);
            failed += status != FASTSKIP_OK;
            REQUIRE_EQ(get(t, i), status == FASTSKIP_OK ? i : NOTHING);
            i += status == FASTSKIP_OK;
        }
        calls = fsk_load32_relaxed(&s.commits);
        REQUIRE(failed <= 1);
        for (unsigned i = 0; i < 1500; i++)
            REQUIRE_EQ(get(t, i), i);
        REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_KEYS), 1500);
        REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_WRITES), 1500 + failed - (n == 1));
        fsk_table_unref(t);
        REQUIRE(s.reserves == s.releases);
    }
    ck_assert_uint_gt(calls, 2);
}
END_TEST

/* ---- figures ---- */

START_TEST(figures_are_counted)
{
    fastskip_table *t = table_make(16 * MIB, 1);
    uint64_t key_bytes = 0, values = 0, versions = 0;
    for (unsigned i = 0; i < 500; i++) {
        uint8_t bytes[KEY_ROOM];
        size_t size = i % 97;
        key_bytes += key_make(bytes, KEYS_DECIMAL, i);
        for (unsigned j = 0; j <= i % 3; j++, versions++) {
            ck_assert_int_eq(write_sized(t, i, FASTSKIP_PUT, i, size, FSK_ANYWAY), FASTSKIP_OK);
            values += size + sizeof i;
        }
        if (i % 5 == 0) {
            delete (t, i);
            versions++;
        }
        ck_assert_int_eq(insert(t, i, 1), i % 5 ? FASTSKIP_EXISTS : FASTSKIP_OK);
        if (i % 5 == 0) {
            versions++;
            values += sizeof i;
        }
        if (i % 10 == 0) {
            delete (t, i);
            versions++;
        }
    }
    delete (t, 1000); /* of a key that is not there: recorded */
    delete (t, 1001);
    put(t, 1001, 1);
    key_bytes += 24;
    values += sizeof(unsigned);
    versions += 3;
    ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_KEYS), 502);
    ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_LIVE), 451);
    ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_TOMBSTONES), 51);
    ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_VERSIONS), versions);
    ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_KEY_BYTES), key_bytes);
    ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_VALUE_BYTES), values);
    ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_WRITES), versions + 400);
    ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_SHARDS), 1);
    ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_MEMORY_LIMIT), 16 * MIB);
    ck_assert_uint_ge(stat_of(t, FASTSKIP_STAT_MEMORY_RESERVED),
                      stat_of(t, FASTSKIP_STAT_MEMORY_USED));
    ck_assert_uint_gt(stat_of(t, FASTSKIP_STAT_HEIGHT), 1);
    ck_assert_uint_ge(stat_of(t, FASTSKIP_STAT_BLOCKS), 502 / FSK_BLOCK_WORDS);
    ck_assert_uint_lt(stat_of(t, FASTSKIP_STAT_MEMORY_WASTED),
                      stat_of(t, FASTSKIP_STAT_MEMORY_USED));
    uint64_t number = 7;
    ck_assert_int_eq(fsk_table_stat(t, 99, &number), FASTSKIP_UNSUPPORTED);
    ck_assert_uint_eq(number, 7);
    fsk_table_unref(t);
}
END_TEST

/* ---- starting again ---- */

START_TEST(reset_and_references)
{
    fastskip_table *t = table_make(MIB, 2);
    uint64_t reserved;
    for (int round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 1000; i++)
            ck_assert_int_eq(put(t, i, i), FASTSKIP_OK);
        snapshot(t);
        fsk_table_ref(t);
        ck_assert_int_eq(fsk_table_reset(t), FASTSKIP_BUSY);
        ck_assert_uint_eq(get(t, 7), 7);
        fsk_table_unref(t);
        fsk_table_seal(t);
        reserved = stat_of(t, FASTSKIP_STAT_MEMORY_RESERVED);
        ck_assert_int_eq(fsk_table_reset(t), FASTSKIP_OK);
        ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_MEMORY_RESERVED), reserved);
        ck_assert_uint_eq(fsk_load64_seq(&t->clock.clock), 1);
        for (uint32_t id = FASTSKIP_STAT_KEYS; id <= FASTSKIP_STAT_VALUE_BYTES; id++)
            ck_assert_uint_eq(stat_of(t, id), 0);
        ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_WRITES), 0);
        ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_BLOCKS), 1);
        ck_assert_uint_eq(stat_of(t, FASTSKIP_STAT_HEIGHT), 1);
        ck_assert_uint_eq(get(t, 7), NOTHING);
        ck_assert_int_eq(fsk_table_check(t), FASTSKIP_OK);
    }
    fsk_table_unref(t);
}
END_TEST

START_TEST(rotation)
{
    region_source s = {.fail_reserve = 0};
    struct fastskip_options o = options_of(MIB, 2);
    fastskip_table *t, *fresh = NULL, *other = NULL;
    options_source(&o, &s);
    o.entry_limit = 3;
    t = table_of(&o);
    put(t, 1, 1);
    s.fail_reserve = 1;
    ck_assert_int_eq(fsk_table_rotate(t, &fresh), FASTSKIP_NO_MEMORY);
    ck_assert_ptr_null(fresh);
    ck_assert_int_eq(put(t, 2, 2), FASTSKIP_OK); /* it is as it was */
    s.fail_reserve = 0;
    ck_assert_int_eq(fsk_table_rotate(t, &fresh), FASTSKIP_OK);
    ck_assert_int_eq(put(t, 3, 3), FASTSKIP_SEALED);
    ck_assert_int_eq(fsk_table_rotate(t, &other), FASTSKIP_SEALED);
    ck_assert_ptr_null(other);
    ck_assert_int_eq(s.reserves - s.releases, 1 + 2); /* one that was refused, two that are here */
    ck_assert_uint_eq(get(fresh, 1), NOTHING);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_int_eq(put(fresh, i, i), FASTSKIP_OK);
    ck_assert_int_eq(put(fresh, 3, 3), FASTSKIP_FULL); /* the options went along */
    ck_assert_uint_eq(get(t, 2), 2);
    fsk_table_unref(t);
    fsk_table_unref(fresh);
    ck_assert_int_eq(s.reserves - s.releases, 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_door,
        seal_stops_every_writer,
        admission,
        threads_reach_the_entry_limit,
        the_memory_limit,
        backpressure_to_the_entry,
        the_system_refuses,
        figures_are_counted,
        reset_and_references,
        rotation,
    };
    return RUN_SUITE("memtable", tests);
}
