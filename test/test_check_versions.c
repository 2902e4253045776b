/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_check_versions.c - lib/check finds every kind of damage to chains of versions.
 */
#include "checks.h"

/* Three versions of key 0 above its first, under and over a batch's that is pending. */
static fsk_version *build_chain(fsk_ref *record)
{
    const fsk_space *s;
    fsk_writer w;
    fsk_write x;
    build(0, 10);
    s = &t->list.space;
    snapshot(t);
    put(t, 0, 1);
    ck_assert_int_eq(fsk_table_enter(t, &w), FASTSKIP_OK);
    *record = fsk_arena_alloc(&w, FSK_ENTRIES, sizeof(fsk_record), FSK_UNIT);
    fsk_init64(fsk_word_at(s, *record), FSK_RECORD_PENDING);
    memset(&x, 0, sizeof x);
    fsk_key_init(&x.key, &s->order, "user00000000", 12);
    x.table = t;
    x.writer = &w;
    x.owner = *record;
    x.word = fsk_word_of_batch(FASTSKIP_PUT, *record);
    ck_assert_int_eq(fsk_write_publish(&x, NULL, 0), FASTSKIP_OK);
    fsk_table_leave(&w);
    snapshot(t);
    put(t, 0, 2);
    return fsk_version_at(s, fsk_load32_seq(&fsk_entry_at(s, entry_with(0))->newest));
}

START_TEST(chains)
{
    fsk_list_below *list;
    fsk_version *v, *below;
    fsk_ref record, entry;
    fsk_entry *e;
    uint64_t clock;
    v = build_chain(&record);
    entry = entry_with(0);
    e = fsk_entry_at(&t->list.space, entry);
    below = fsk_version_at(&t->list.space, fsk_load32_seq(&v->older));
    list = (fsk_list_below *)(void *)(t->list.space.base + (uint64_t)v->list * FSK_UNIT);
    clock = fsk_load64_seq(&t->clock.clock);
    ck_assert_uint_eq(list->count, 1);
    FINDS(e->newest, FAR_AWAY);
    FINDS(v->older, 0); /* it does not end at the entry's own */
    FINDS(v->older, FAR_AWAY);
    FINDS(v->older, ref_of(v));
    FINDS(below->older, ref_of(v));
    FINDS(v->value_size, 0xfffffff0);
    FINDS(v->list, FAR_AWAY);
    FINDS(list->count, 2);
    FINDS(list->room, 0);
    FINDS(list->room, 0xfffffff0);
    FINDS(list->member[0].version, FAR_AWAY);
    FINDS(list->member[0].version, 0);
    FINDS(list->member[0].record, FAR_AWAY);
    FINDS(list->member[0].record, 0);
    FINDS(v->word, (clock + 5) << FSK_WORD_SHIFT); /* a stamp that the clock never showed */
    FINDS(e->word, clock << FSK_WORD_SHIFT);       /* newer than those above it */
    FINDS(below->word, FSK_WORD_RECORD | (uint64_t)FAR_AWAY << FSK_WORD_SHIFT);
    FINDS(below->word, FSK_WORD_BATCH | (clock + 5) << FSK_WORD_SHIFT);
    FINDS(below->word, FSK_WORD_BATCH); /* neither a record nor a stamp */
    drop();
}
END_TEST

/* A mark on what is not as it says. */
START_TEST(marks)
{
    fsk_version *v, *below;
    fsk_ref record, entry, head;
    fsk_entry *e;
    v = build_chain(&record);
    entry = entry_with(0);
    e = fsk_entry_at(&t->list.space, entry);
    head = fsk_load32_seq(&e->newest);
    below = fsk_version_at(&t->list.space, fsk_load32_seq(&v->older));
    FINDS(e->newest, head | FSK_PLAIN);          /* it has a list */
    FINDS(e->newest, ref_of(below) | FSK_PLAIN); /* it is a batch's */
    FINDS(e->newest, FSK_PLAIN);
    put(t, 100, 1); /* a key that is not hot yet, so that its second version is marked */
    put(t, 100, 2);
    e = fsk_entry_at(&t->list.space, entry_with(100));
    head = fsk_load32_seq(&e->newest);
    ck_assert_uint_ne(head & FSK_PLAIN, 0);
    v = fsk_version_at(&t->list.space, head & ~FSK_PLAIN);
    FINDS(v->word, FASTSKIP_PUT); /* it has no stamp */
    FINDS(v->word, FSK_WORD_BATCH | (uint64_t)1 << FSK_WORD_SHIFT);
    FINDS(v->word, FSK_WORD_RECORD | (uint64_t)record << FSK_WORD_SHIFT);
    FINDS(v->owner, record);
    ck_assert_int_eq(fsk_table_check(t), FASTSKIP_OK);
    drop();
}
END_TEST

START_TEST(numbered_chains)
{
    fsk_version *v;
    fsk_entry *e;
    fsk_ref entry;
    build(1, 10);
    put_at(t, 1000, 3, 1);
    put_at(t, 1001, 3, 1);
    put_at(t, 1, 3, 1);
    entry = entry_with(3);
    e = fsk_entry_at(&t->list.space, entry);
    v = fsk_version_at(&t->list.space, fsk_load32_seq(&e->newest));
    ck_assert_int_eq(fsk_table_check(t), FASTSKIP_OK);
    FINDS(v->word, UINT64_C(1000) << FSK_WORD_SHIFT); /* twice the same number */
    FINDS(v->word, 0);
    FINDS(v->older, 0); /* the inline one is not in the chain */
    FINDS(v->older, ref_of(v));
    FINDS(v->older, FAR_AWAY);
    FINDS(*fsk_entry_older(e), fsk_load32_seq(&e->newest));
    FINDS(*fsk_entry_older(e), FAR_AWAY);
    FINDS(e->word, UINT64_C(5000) << FSK_WORD_SHIFT);
    FINDS(e->newest, FAR_AWAY);
    drop();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        chains,
        marks,
        numbered_chains,
    };
    return RUN_SUITE("check versions", tests);
}
