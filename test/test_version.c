/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_version.c - lib/version: stamps, chains, batches that are pending, and what lies above them.  One
 * key, versions pushed by hand, one thread.  Long histories and the caller's numbers are in
 * test_version_history.c, what happens in the middle of a push in test_version_races.c.
 */
#include "versions.h"

static fsk_list_below *list_of(fsk_ref version)
{
    fsk_ref list = fsk_version_at(&now.space, version)->list;
    return list != 0 ? (fsk_list_below *)(void *)(now.space.base + (uint64_t)list * FSK_UNIT)
                     : NULL;
}

static uint64_t stamp_of(fsk_ref version)
{
    return fsk_version_stamp(&now, fsk_word_at(&now.space, version));
}

/* ---- stamps and snapshots ---- */

START_TEST(a_version_is_stamped_once)
{
    fsk_ref entry, v;
    versions_make(1 << 20);
    fsk_init64(&now.clock, 41);
    entry = entry_make(fsk_word_single(FASTSKIP_PUT), 1);
    ck_assert_uint_eq(read_at(entry, 40), NOTHING); /* whoever meets it stamps it */
    fsk_init64(&now.clock, 50);
    ck_assert_uint_eq(read_at(entry, 41), 1);
    ck_assert_uint_eq(stamp_of(entry), 41);
    v = push(entry, 2);
    fsk_init64(&now.clock, 60);
    ck_assert_uint_eq(stamp_of(v), 50);
    ck_assert_uint_eq(read_at(entry, 49), 1);
    ck_assert_uint_eq(read_at(entry, 50), 2);
    ck_assert_uint_eq(read_now(entry), 2);
    versions_drop();
}
END_TEST

START_TEST(the_head_is_stamped_before_it_is_covered)
{
    fsk_ref entry, v;
    versions_make(1 << 20);
    entry = entry_make(fsk_word_single(FASTSKIP_PUT), 1);
    fsk_init64(&now.clock, 7);
    v = push(entry, 2);
    ck_assert_uint_eq(
        (fsk_load64_seq(fsk_word_at(&now.space, entry)) & FSK_WORD_STAMP) >> FSK_WORD_SHIFT, 7);
    ck_assert_uint_eq(stamp_of(v), 7); /* of two at one instant the upper is the newer */
    ck_assert_uint_eq(read_at(entry, 7), 2);
    versions_drop();
}
END_TEST

START_TEST(a_snapshot_advances_the_clock)
{
    versions_make(1 << 20);
    for (uint64_t s = 1; s < 100; s++) {
        ck_assert_uint_eq(fsk_clock_snapshot(&now), s);
        ck_assert_uint_eq(fsk_load64_seq(&now.clock), s + 1);
    }
    versions_drop();
}
END_TEST

START_TEST(shown_as_they_were_written)
{
    static const uint32_t sizes[] = {0, 1, 7, 8, 65534, 65535, 65536, 100000};
    static uint8_t value[100000];
    versions_make(4 << 20);
    for (size_t i = 0; i < sizeof value; i++)
        value[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fsk_ref ref = alloc_now(fsk_entry_bytes(5, sizes[i]));
        fsk_entry *e = fsk_entry_at(&now.space, ref);
        fsk_seen seen = {ref, 9, 77, 0, 0};
        fastskip_entry shown;
        memset(&shown, 0xff, sizeof shown);
        fsk_init32(&e->newest, 0);
        e->key_size = 5;
        memcpy(fsk_entry_key(e), "abcde", 5);
        e->short_value_size = (uint16_t)(sizes[i] < FSK_LONG_VALUE ? sizes[i] : FSK_LONG_VALUE);
        if (sizes[i] >= FSK_LONG_VALUE)
            memcpy(fsk_entry_key(e) + 5, &sizes[i], 4);
        memcpy(fsk_entry_value(e), value, sizes[i]);
        fsk_version_show(&now.space, ref, &seen, &shown);
        ck_assert(shown.key_size == 5 && memcmp(shown.key, "abcde", 5) == 0);
        ck_assert(shown.value_size == sizes[i] && memcmp(shown.value, value, sizes[i]) == 0);
        ck_assert(shown.sequence == 77 && shown.kind == 9 && shown.reserved == 0);
        /* What was taken for an entry is room enough for a version. */
        for (uint64_t key = 0; key < 40; key++)
            ck_assert_uint_ge(fsk_entry_bytes(key, sizes[i]), fsk_version_bytes(sizes[i]));
    }
    versions_drop();
}
END_TEST

/* ---- batches ---- */

START_TEST(a_batch_is_seen_when_it_is_committed)
{
    fsk_ref a, b, record, v, w;
    uint64_t before, stamp;
    versions_make(1 << 20);
    record = record_make();
    a = entry_make(fsk_word_single(FASTSKIP_PUT), 1);
    b = entry_make(fsk_word_of_batch(FASTSKIP_PUT, record) | FSK_WORD_UNCOUNTED, 2);
    v = push_batch(a, FASTSKIP_DELETE, record, 3);
    ck_assert_uint_eq(read_now(a), 1);
    ck_assert_uint_eq(read_now(b), NOTHING);
    ck_assert_uint_eq(stamp_of(v), FSK_PENDING);
    before = fsk_clock_snapshot(&now);
    stamp = fsk_record_commit(&now, record);
    ck_assert_uint_eq(stamp, before + 2); /* it advances the clock by one, to its own stamp */
    ck_assert_uint_eq(fsk_load64_seq(&now.clock), stamp);
    ck_assert_uint_eq(read_at(a, before), 1);
    ck_assert_uint_eq(read_at(b, before), NOTHING);
    for (int settled = 0; settled < 2; settled++) { /* the words change, the answers do not */
        ck_assert_uint_eq(read_at(a, stamp - 1), 1);
        ck_assert_uint_eq(read_at(a, stamp), DELETED);
        ck_assert_uint_eq(read_at(b, stamp), 2);
        ck_assert_uint_eq(read_now(a), DELETED);
        ck_assert_int_eq(fsk_version_settle(&now, v, stamp), 0);
        ck_assert_int_eq(fsk_version_settle(&now, b, stamp),
                         !settled); /* its key is counted once */
    }
    w = push(b, 4);
    ck_assert_ptr_null(list_of(w));
    ck_assert_uint_eq(read_now(b), 4);
    versions_drop();
}
END_TEST

START_TEST(an_aborted_batch_is_never_seen)
{
    fsk_ref entry, record, v;
    versions_make(1 << 20);
    record = record_make();
    entry = entry_make(fsk_word_of_batch(FASTSKIP_PUT, record) | FSK_WORD_UNCOUNTED, 1);
    v = push_batch(entry, FASTSKIP_PUT, record, 2);
    fsk_record_abort(&now, record);
    for (int settled = 0; settled < 2; settled++) {
        ck_assert_uint_eq(read_now(entry), NOTHING);
        ck_assert_uint_eq(read_at(entry, FSK_LATEST), NOTHING);
        ck_assert_uint_eq(stamp_of(v), FSK_NEVER);
        ck_assert_int_eq(fsk_version_settle(&now, v, FSK_NEVER), 0);
        ck_assert_int_eq(fsk_version_settle(&now, entry, FSK_NEVER), 0);
    }
    push(entry, 3);
    ck_assert_uint_eq(read_now(entry), 3);
    /* The count of the key is owed still, and goes to one. */
    ck_assert_int_eq(fsk_entry_claim_count(fsk_entry_at(&now.space, entry)), 1);
    ck_assert_int_eq(fsk_entry_claim_count(fsk_entry_at(&now.space, entry)), 0);
    ck_assert_uint_eq(stamp_of(entry), FSK_NEVER);
    versions_drop();
}
END_TEST

START_TEST(a_count_claimed_while_pending_is_not_owed)
{
    fsk_ref entry, record;
    versions_make(1 << 20);
    record = record_make();
    entry = entry_make(fsk_word_of_batch(FASTSKIP_PUT, record) | FSK_WORD_UNCOUNTED, 1);
    ck_assert_int_eq(fsk_entry_claim_count(fsk_entry_at(&now.space, entry)), 1);
    ck_assert_int_eq(fsk_version_settle(&now, entry, fsk_record_commit(&now, record)), 0);
    ck_assert_uint_eq(read_now(entry), 1);
    versions_drop();
}
END_TEST

START_TEST(lists_name_what_was_pending_below)
{
    fsk_ref entry, record[3], batch[3], single, upper;
    versions_make(1 << 20);
    for (int i = 0; i < 3; i++)
        record[i] = record_make();
    entry = entry_make(fsk_word_single(FASTSKIP_PUT), 1);
    batch[0] = push_batch(entry, FASTSKIP_PUT, record[0], 2);
    ck_assert_ptr_null(list_of(batch[0]));
    batch[1] = push_batch(entry, FASTSKIP_PUT, record[1], 3);
    ck_assert_uint_eq(list_of(batch[1])->count, 1);
    single = push(entry, 4);
    ck_assert_uint_eq(list_of(single)->count, 2);
    for (int i = 0; i < 2; i++) { /* the head first, then the head's own */
        ck_assert_uint_eq(list_of(single)->member[i].version, batch[1 - i]);
        ck_assert_uint_eq(list_of(single)->member[i].record, record[1 - i]);
    }
    upper = push(entry, 5); /* nothing has changed: the list is shared */
    ck_assert_uint_eq(fsk_version_at(&now.space, upper)->list,
                      fsk_version_at(&now.space, single)->list);
    fsk_version_settle(&now, batch[1], fsk_record_commit(&now, record[1]));
    upper = push(entry, 6); /* the resolved one is left out */
    ck_assert_uint_eq(list_of(upper)->count, 1);
    ck_assert_uint_eq(list_of(upper)->member[0].version, batch[0]);
    batch[2] = push_batch(entry, FASTSKIP_PUT, record[2], 7);
    fsk_record_abort(&now, record[0]);
    upper = push(entry, 8);
    ck_assert_uint_eq(list_of(upper)->count, 1);
    ck_assert_uint_eq(list_of(upper)->member[0].version, batch[2]);
    fsk_record_abort(&now, record[2]);
    ck_assert_ptr_null(list_of(push(entry, 9)));
    ck_assert_uint_eq(fsk_arena_total(&arena, FSK_COUNT_WASTED), 0);
    versions_drop();
}
END_TEST

/* A batch that commits after a single write was pushed on top of it is the newer one all the same. */
START_TEST(a_late_commit_comes_through)
{
    for (int deletes = 0; deletes < 2; deletes++) {
        unsigned late = deletes ? DELETED : 2;
        fsk_ref entry, record, batch;
        uint64_t between, stamp;
        versions_make(1 << 20);
        record = record_make();
        entry = entry_make(fsk_word_single(FASTSKIP_PUT), 1);
        batch = push_batch(entry, deletes ? FASTSKIP_DELETE : FASTSKIP_PUT, record, 2);
        push(entry, 3);
        push(entry, 4);
        ck_assert_uint_eq(read_now(entry), 4);
        between = fsk_clock_snapshot(&now);
        stamp = fsk_record_commit(&now, record);
        for (int settled = 0; settled < 2; settled++) {
            ck_assert_uint_eq(read_now(entry), late);
            ck_assert_uint_eq(read_at(entry, between), 4);
            ck_assert_uint_eq(read_at(entry, stamp), late);
            fsk_version_settle(&now, batch, stamp);
        }
        push(entry, 5);
        ck_assert_uint_eq(read_now(entry), 5);
        ck_assert_uint_eq(read_at(entry, stamp), 5); /* no instant lies between them */
        fsk_clock_snapshot(&now);
        push(entry, 6);
        ck_assert_uint_eq(read_at(entry, stamp), 5);
    }
    versions_drop();
}
END_TEST

/* At equal stamps a single write is newer than a batch, and of two batches the one with the greater
 * record; wherever they lie in the chain. */
START_TEST(equal_stamps)
{
    for (int order = 0; order < 8; order++) {
        fsk_ref entry, record[2], all[4];
        fsk_seen seen[4];
        unsigned expected;
        versions_make(1 << 20);
        record[0] = record_make();
        record[1] = record_make();
        fsk_init64(&now.clock, 5);
        if (order & 1) { /* one of them inline: its record stands in the lists alone */
            entry = entry_make(fsk_word_of_batch(FASTSKIP_PUT, record[order >> 1 & 1]), 10);
            all[0] = entry;
        } else {
            entry = entry_make(fsk_word_single(FASTSKIP_PUT) | UINT64_C(1) << FSK_WORD_SHIFT, 9);
            all[0] = push_batch(entry, FASTSKIP_PUT, record[order >> 1 & 1], 10);
        }
        all[1] = push_batch(entry, FASTSKIP_PUT, record[~order >> 1 & 1], 11);
        if (order & 4)
            push(entry, 12);
        record_stamp_as(record[0], 5);
        record_stamp_as(record[1], 5);
        expected = order & 4 ? 12 : order & 2 ? 10 : 11;
        for (int settled = 0; settled < 3; settled++) {
            ck_assert_uint_eq(read_at(entry, 5), expected);
            ck_assert_uint_eq(read_now(entry), expected);
            ck_assert_uint_eq(read_at(entry, 4), order & 1 ? NOTHING : 9);
            size_t n = fsk_version_all(&now, entry, FSK_LATEST, 0, seen, 4), i = 0;
            ck_assert_uint_eq(n, order & 1 ? order & 4 ? 3 : 2 : order & 4 ? 4 : 3);
            if (order & 4)
                ck_assert_uint_eq(number_in(entry, &seen[i++]), 12);
            ck_assert_uint_eq(number_in(entry, &seen[i]), order & 2 ? 10 : 11);
            ck_assert_uint_eq(number_in(entry, &seen[i + 1]), order & 2 ? 11 : 10);
            if (settled < 2)
                fsk_version_settle(&now, all[settled], 5);
        }
    }
    versions_drop();
}
END_TEST

/* ---- the mark ---- */

/* Only the head is marked, and only if it is a single write without a list. */
START_TEST(what_is_marked)
{
    fsk_ref entry, record, single, batch, above, ref;
    versions_make(1 << 20);
    entry = entry_make(fsk_word_single(FASTSKIP_PUT), 1);
    single = push(entry, 2);
    ck_assert_uint_eq(newest_of(entry), single | FSK_PLAIN);
    record = record_make();
    batch = push_batch(entry, FASTSKIP_PUT, record, 3);
    ck_assert_uint_eq(newest_of(entry), batch);
    fsk_version_mark(&now, entry, single); /* another is the head by now */
    ck_assert_uint_eq(newest_of(entry), batch);
    above = push(entry, 4); /* over what is pending */
    ck_assert_uint_ne(fsk_version_at(&now.space, above)->list, 0);
    ck_assert_uint_eq(newest_of(entry), above);
    fsk_record_commit(&now, record);
    above = push(entry, 5);
    ck_assert_uint_eq(newest_of(entry), above | FSK_PLAIN);
    push_as(entry, FASTSKIP_DELETE, 0, 0, 0, &ref);
    ck_assert_uint_eq(newest_of(entry), ref | FSK_PLAIN);
    ck_assert_int_eq(push_as(entry, FASTSKIP_PUT, 0, 1, 6, &ref), PUSHED);
    ck_assert_uint_eq(newest_of(entry), ref);
    versions_drop();
}
END_TEST

/* It is not looked at: what it is must have been true when it was marked. */
START_TEST(above_a_marked_version)
{
    fsk_ref entry, below, above;
    versions_make(1 << 20);
    entry = entry_make(fsk_word_single(FASTSKIP_PUT), 1);
    below = push(entry, 2);
    fsk_init64(fsk_word_at(&now.space, below), fsk_word_single(FASTSKIP_PUT));
    above = push(entry, 3);
    ck_assert_uint_eq(fsk_load64_relaxed(fsk_word_at(&now.space, below)),
                      fsk_word_single(FASTSKIP_PUT));
    ck_assert_uint_eq(fsk_load32_seq(&fsk_version_at(&now.space, above)->older), below);
    ck_assert_uint_eq(fsk_version_at(&now.space, above)->list, 0);
    versions_drop();
}
END_TEST

/* Nothing is marked where a reference may have that bit. */
START_TEST(references_with_the_bit_of_the_mark)
{
    fsk_ref entry, ref;
    versions_make(1 << 20);
    now.plain = 0; /* as in a region beyond FSK_PLAIN_REGION */
    entry = entry_make(fsk_word_single(FASTSKIP_PUT), 1);
    ref = push(entry, 2);
    ck_assert_uint_eq(newest_of(entry), ref);
    ck_assert_uint_eq(fsk_version_head(&now, entry, FSK_PLAIN + 7), FSK_PLAIN + 7);
    versions_drop();
}
END_TEST

/* ---- insert if absent ---- */

START_TEST(insert_if_absent)
{
    fsk_ref entry, record, ref;
    versions_make(1 << 20);
    entry = entry_make(fsk_word_single(FASTSKIP_PUT), 1);
    ck_assert_int_eq(push_as(entry, FASTSKIP_PUT, 0, 1, 2, &ref), EXISTS);
    ck_assert_uint_eq(newest_of(entry), 0);
    push_as(entry, FASTSKIP_DELETE, 0, 0, 0, &ref);
    ck_assert_int_eq(push_as(entry, FASTSKIP_PUT, 0, 1, 3, &ref), PUSHED);
    ck_assert_uint_eq(read_now(entry), 3);
    push_as(entry, FASTSKIP_DELETE, 0, 0, 0, &ref);
    record = record_make(); /* what is pending is not there; its commit comes after */
    push_batch(entry, FASTSKIP_PUT, record, 4);
    ck_assert_int_eq(push_as(entry, FASTSKIP_PUT, 0, 1, 5, &ref), PUSHED);
    ck_assert_uint_eq(read_now(entry), 5);
    fsk_record_commit(&now, record);
    ck_assert_uint_eq(read_now(entry), 4);
    versions_drop();
}
END_TEST

/* The insert was decided while the batch was pending, and stamped after its commit: it is void if the
 * batch made the key live, and everyone says so. */
START_TEST(a_void_insert_is_seen_by_nobody)
{
    for (int deletes = 0; deletes < 2; deletes++)
        for (int chained = 0; chained < 2; chained++) {
            fsk_ref entry, record, ref;
            fsk_seen seen[4];
            unsigned should = deletes ? 3 : 2;
            uint64_t stamp;
            versions_make(1 << 20);
            record = record_make();
            entry = entry_make(fsk_word_single(FASTSKIP_DELETE), 0);
            push_batch(entry, deletes ? FASTSKIP_DELETE : FASTSKIP_PUT, record, 2);
            ck_assert_int_eq(push_as(entry, FASTSKIP_PUT, 0, 1, 3, &ref), PUSHED);
            /* As if the stamp had come later than the commit. */
            fsk_init64(fsk_word_at(&now.space, ref), fsk_word_single(FASTSKIP_PUT));
            stamp = fsk_record_commit(&now, record);
            stamp_of(ref);
            if (chained) { /* above it: the list is inherited */
                fsk_clock_snapshot(&now);
                push_as(entry, FASTSKIP_DELETE, 0, 0, 0, &ref);
            }
            ck_assert_uint_eq(read_at(entry, stamp), should);
            ck_assert_uint_eq(read_now(entry), chained ? DELETED : should);
            ck_assert_uint_eq(fsk_version_all(&now, entry, FSK_LATEST, 0, seen, 4),
                              2u + (unsigned)(deletes + chained));
            ck_assert_uint_eq(number_in(entry, &seen[chained]), should);
        }
    versions_drop();
}
END_TEST

START_TEST(no_memory_for_a_list)
{
    fsk_ref entry, record, version;
    fsk_writer w;
    fsk_seen live;
    int is_void;
    versions_make(16384);
    record = record_make();
    entry = entry_make(fsk_word_single(FASTSKIP_PUT), 1);
    push_batch(entry, FASTSKIP_PUT, record, 2);
    version = version_make(fsk_word_single(FASTSKIP_PUT), 0, 3);
    fsk_arena_enter(&arena, &w);
    while (fsk_arena_alloc(&w, FSK_ENTRIES, 8, FSK_UNIT) != 0)
        ;
    ck_assert_int_eq(fsk_version_push(&now, &w, entry, version, &live, &is_void), FSK_NO_MEMORY);
    ck_assert_int_eq(w.status, FASTSKIP_FULL);
    fsk_arena_leave(&w);
    ck_assert_uint_eq(read_now(entry), 1); /* it was not published */
    fsk_record_commit(&now, record);
    ck_assert_uint_eq(read_now(entry), 2);
    fsk_arena_enter(&arena, &w); /* no list is needed now */
    ck_assert_int_eq(fsk_version_push(&now, &w, entry, version, &live, &is_void), FSK_PUSHED);
    fsk_arena_leave(&w);
    ck_assert_uint_eq(read_now(entry), 3);
    versions_drop();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_version_is_stamped_once,
        the_head_is_stamped_before_it_is_covered,
        a_snapshot_advances_the_clock,
        shown_as_they_were_written,
        a_batch_is_seen_when_it_is_committed,
        an_aborted_batch_is_never_seen,
        a_count_claimed_while_pending_is_not_owed,
        lists_name_what_was_pending_below,
        a_late_commit_comes_through,
        equal_stamps,
        what_is_marked,
        above_a_marked_version,
        references_with_the_bit_of_the_mark,
        insert_if_absent,
        a_void_insert_is_seen_by_nobody,
        no_memory_for_a_list,
    };
    return RUN_SUITE("version", tests);
}
