/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_checksum.c - lib/checksum where a table is not at rest: versions without a stamp, lists of pending
 * batches, links that lead round, writes and splits that meet damage.  Tables at rest are in test_flips.c.
 */
#include "flips.h"

static const fsk_space *space(void)
{
    return &t->list.space;
}

/* ---- what is not at rest ---- */

static fastskip_status read_key(unsigned key, fastskip_entry *e)
{
    uint8_t bytes[KEY_ROOM];
    return fsk_table_get(t, fsk_table_latest(t), bytes, flip_key(bytes, key), 1, e);
}

static fastskip_status write_key(unsigned key, int condition)
{
    uint8_t bytes[KEY_ROOM];
    return fsk_table_write(t, 0, FASTSKIP_PUT, bytes, flip_key(bytes, key), "12345", 5, condition,
                           NULL);
}

/* Publishes a version of a key for a batch that does not end. */
static fsk_ref pending_version(unsigned key, fsk_ref *record)
{
    uint8_t bytes[KEY_ROOM];
    fsk_writer w;
    fsk_write x;
    REQUIRE_EQ(fsk_table_enter(t, &w), FASTSKIP_OK);
    *record = fsk_arena_alloc(&w, FSK_ENTRIES, sizeof(fsk_record), FSK_UNIT);
    fsk_init64(fsk_word_at(space(), *record), FSK_RECORD_PENDING);
    memset(&x, 0, sizeof x);
    fsk_key_init(&x.key, &space()->order, bytes, flip_key(bytes, key));
    x.table = t;
    x.writer = &w;
    x.owner = *record;
    x.word = fsk_word_of_batch(FASTSKIP_PUT, *record) | FSK_WORD_UNCOUNTED;
    REQUIRE_EQ(fsk_write_publish(&x, NULL, 0), FASTSKIP_OK);
    fsk_table_leave(&w);
    return x.version;
}

/* A bit of what a read of the key looks at, or a write; but that of a word which says that it has no stamp
 * yet: it can not be told from one that was given a stamp this moment. */
static void turn_unsettled(uint8_t *from, size_t size, unsigned key)
{
    uint64_t record = FSK_WORD_RECORD;
    size_t word = size < sizeof record ? 0 : 8 * sizeof record;
    for (size_t i = 0; i < size * 8; i++) {
        fastskip_entry e;
        if (i < word && ((uint8_t *)&record)[i / 8] >> i % 8 & 1)
            continue;
        from[i / 8] ^= (uint8_t)(1u << i % 8);
        if (read_key(key, &e) != FASTSKIP_CORRUPT ||
            write_key(key, FSK_ANYWAY) != FASTSKIP_CORRUPT ||
            write_key(key, FSK_IF_ABSENT) != FASTSKIP_CORRUPT ||
            fsk_table_check(t) != FASTSKIP_CORRUPT)
            ck_abort_msg("bit %zu of byte %zu is not found", i % 8, i / 8);
        from[i / 8] ^= (uint8_t)(1u << i % 8);
        REQUIRE_EQ(read_key(key, &e), FASTSKIP_OK);
    }
}

static const flip_scene plain = {"plain", .keys = 6, .checksum = 4};

static void build_open(const flip_scene *s)
{
    flip_build(s);
    fsk_init32(&t->sealed, 0);
}

/* Versions that wait for a batch, and the list of them that a version above carries. */
START_TEST(a_pending_batch)
{
    fsk_ref record[2], version[2], head;
    fsk_version *v;
    fsk_list_below *l;
    build_open(&plain);
    for (int i = 0; i < 2; i++)
        version[i] = pending_version(0, &record[i]);
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
    for (int i = 1; i >= 0; i--) {
        v = fsk_version_at(space(), version[i]);
        turn_unsettled((uint8_t *)v, (size_t)fsk_version_bytes(0) + FSK_SUM_BYTES, 0);
    }
    REQUIRE_EQ(write_key(0, FSK_ANYWAY), FASTSKIP_OK);
    head = fsk_load32_seq(&fsk_entry_at(space(), flip_entry(0))->newest);
    v = fsk_version_at(space(), head);
    REQUIRE(v->list != 0);
    l = (fsk_list_below *)fsk_arena_at(&t->arena, v->list);
    REQUIRE_EQ(l->count, 2);
    turn_unsettled((uint8_t *)v, (size_t)fsk_version_bytes(5), 0);
    turn_unsettled((uint8_t *)&l->count, sizeof l->count, 0);
    for (uint32_t i = 0; i < 2; i++) {
        turn_unsettled((uint8_t *)&l->member[i].version, sizeof(fsk_ref), 0);
        turn_unsettled((uint8_t *)&l->member[i].record, sizeof(fsk_ref), 0);
    }
    v = fsk_version_at(space(), version[0]); /* it stands in the list */
    turn_unsettled((uint8_t *)v, sizeof v->word, 0);
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
    fsk_table_unref(t);
}
END_TEST

/* A single write that stopped after it was published: all but the stamp is covered. */
START_TEST(before_the_stamp)
{
    fastskip_entry e;
    fsk_version *v;
    fsk_ref head;
    uint64_t word, stamp;
    build_open(&plain);
    REQUIRE_EQ(write_key(0, FSK_ANYWAY), FASTSKIP_OK);
    head = fsk_load32_seq(&fsk_entry_at(space(), flip_entry(0))->newest);
    v = fsk_version_at(space(), head);
    word = fsk_load64_relaxed(&v->word);
    stamp = (word & FSK_WORD_STAMP) >> FSK_WORD_SHIFT;
    /* The stamp is gone, and the sum says that it was there: nobody gives it another. */
    fsk_init64(&v->word, word & ~FSK_WORD_STAMP);
    REQUIRE_EQ(read_key(0, &e), FASTSKIP_CORRUPT);
    REQUIRE_EQ(write_key(0, FSK_ANYWAY), FASTSKIP_CORRUPT);
    REQUIRE_EQ(fsk_load64_relaxed(&v->word), word & ~FSK_WORD_STAMP);
    /* The sum is as before publication, too. */
    fsk_checksum_stamped(space(), head, fsk_version_bytes(5), stamp);
    fsk_init64(&v->word, (word & ~FSK_WORD_STAMP) ^ 1);
    REQUIRE_EQ(read_key(0, &e), FASTSKIP_CORRUPT);
    REQUIRE_EQ(fsk_load64_relaxed(&v->word), (word & ~FSK_WORD_STAMP) ^ 1);
    fsk_init64(&v->word, word & ~FSK_WORD_STAMP);
    REQUIRE_EQ(read_key(0, &e), FASTSKIP_OK);
    REQUIRE(fsk_load64_relaxed(&v->word) != (word & ~FSK_WORD_STAMP));
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
    fsk_table_unref(t);
}
END_TEST

/* Links of the caller's numbers that lead round, or upwards. */
START_TEST(numbers_fall)
{
    static const flip_scene numbered = {"numbered", .keys = 6, .checksum = 4, .caller = 1};
    fastskip_entry e;
    fastskip_iterator *it;
    fsk_ref head, next;
    fsk_version *v;
    build_open(&numbered);
    head = fsk_load32_seq(&fsk_entry_at(space(), flip_entry(0))->newest);
    v = fsk_version_at(space(), head);
    next = fsk_load32_seq(&v->older);
    REQUIRE(head != 0 && next != 0);
    fsk_init32(&v->older, head);
    REQUIRE_EQ(read_key(0, &e), FASTSKIP_OK); /* it does not go so far */
    REQUIRE_EQ(fsk_iterator_new(t, UINT64_MAX, FASTSKIP_ALL_VERSIONS, &it), FASTSKIP_OK);
    REQUIRE_EQ(fsk_iterator_first(it), FASTSKIP_CORRUPT);
    fsk_iterator_free(it);
    it = NULL;
    REQUIRE_EQ(put_at(t, 1, 0, 1), FASTSKIP_CORRUPT);
    REQUIRE_EQ(fsk_table_get(t, 1, "user00000000", 12, 1, &e), FASTSKIP_CORRUPT);
    fsk_init32(&v->older, next);
    REQUIRE_EQ(put_at(t, 1, 0, 1), FASTSKIP_OK);
    fsk_table_unref(t);
}
END_TEST

/* ---- writes ---- */

/* A write that meets a damaged key, value or bound changes nothing: the key is not there twice. */
static void write_turned(uint8_t *byte, unsigned bit, unsigned key)
{
    uint64_t versions = stat_of(t, FASTSKIP_STAT_VERSIONS);
    fastskip_batch b;
    uint8_t bytes[KEY_ROOM];
    memset(&b, 0, sizeof b);
    REQUIRE_EQ(fsk_batch_add(&b, 0, 0, FASTSKIP_PUT, bytes, flip_key(bytes, key), "1", 1),
               FASTSKIP_OK);
    *byte ^= (uint8_t)(1u << bit);
    REQUIRE_EQ(write_key(key, FSK_ANYWAY), FASTSKIP_CORRUPT);
    REQUIRE_EQ(write_key(key, FSK_IF_ABSENT), FASTSKIP_CORRUPT);
    REQUIRE_EQ(fsk_table_write_batch(t, &b), FASTSKIP_CORRUPT);
    *byte ^= (uint8_t)(1u << bit);
    batch_free(&b);
    REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_VERSIONS), versions);
}

START_TEST(a_write_changes_nothing)
{
    static const flip_scene once = {"once", .keys = 1, .checksum = 4};
    flip_build(&once);
    fsk_init32(&t->sealed, 0);
    for (unsigned key = 10; key < 10 + 2 * FSK_BLOCK_WORDS; key += 2)
        REQUIRE_EQ(write_key(key, FSK_ANYWAY), FASTSKIP_OK);
    for (unsigned key = 10; key < 10 + 2 * FSK_BLOCK_WORDS; key += 2) {
        fsk_entry *e = fsk_entry_at(space(), flip_entry(key));
        size_t extent = FSK_ENTRY_HEAD + e->key_size + 5;
        size_t sum = (size_t)fsk_round_up(extent, FSK_SUM_BYTES);
        for (size_t i = 0; i < sum + FSK_SUM_BYTES; i++)
            if ((i < 8 || i >= 12) &&
                (i < extent || i >= sum)) /* not the link, nor what fills up */
                write_turned((uint8_t *)e + i, (unsigned)(i % 8), key);
    }
    fsk_table_seal(t);
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
    fsk_table_unref(t);
}
END_TEST

/* A split would make a damaged key one that is looked for in the wrong place: there is none. */
START_TEST(no_split_of_a_damaged_block)
{
    unsigned key = 0;
    fsk_entry *e;
    fastskip_status status = FASTSKIP_OK;
    flip_build(&plain);
    fsk_init32(&t->sealed, 0);
    e = fsk_entry_at(space(), flip_entry(2));
    *((uint8_t *)(e + 1) + 11) ^= 4; /* 00000002 becomes 00000006 */
    for (key = 1; key < 400 * FSK_BLOCK_WORDS && status == FASTSKIP_OK; key += 2)
        status = write_key(key % 3 == 0 ? key : 4 + 2 * key, FSK_ANYWAY);
    REQUIRE_EQ(status, FASTSKIP_CORRUPT);
    *((uint8_t *)(e + 1) + 11) ^= 4;
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
    fsk_table_unref(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_pending_batch,
        before_the_stamp,
        numbers_fall,
        a_write_changes_nothing,
        no_split_of_a_damaged_block,
    };
    return RUN_SUITE("checksum", tests);
}
