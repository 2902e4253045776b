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
        if (flip_read(key, &e) != FASTSKIP_CORRUPT ||
            flip_put(key, FSK_ANYWAY) != FASTSKIP_CORRUPT ||
            flip_put(key, FSK_IF_ABSENT) != FASTSKIP_CORRUPT ||
            fsk_table_check(t) != FASTSKIP_CORRUPT)
            ck_abort_msg("bit %zu of byte %zu is not found", i % 8, i / 8);
        from[i / 8] ^= (uint8_t)(1u << i % 8);
        REQUIRE_EQ(flip_read(key, &e), FASTSKIP_OK);
    }
}

static const flip_scene plain = {"plain", .keys = 6, .checksum = 4};

/* Versions that wait for a batch, and the list of them that a version above carries. */
START_TEST(a_pending_batch)
{
    fsk_ref record[2], version[2], head;
    fsk_version *v;
    fsk_list_below *l;
    flip_open(&plain);
    for (int i = 0; i < 2; i++)
        version[i] = flip_pending(0, &record[i]);
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
    for (int i = 1; i >= 0; i--) {
        v = fsk_version_at(space(), version[i]);
        turn_unsettled((uint8_t *)v, (size_t)fsk_version_bytes(0) + FSK_SUM_BYTES, 0);
    }
    REQUIRE_EQ(flip_put(0, FSK_ANYWAY), FASTSKIP_OK);
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

/* Bits of the word of a pending key.  That it waits to be counted nothing else says; a record elsewhere in the
 * region may say anything. */
static void turn_word(fsk_atomic64 *word, unsigned key)
{
    uint64_t before = fsk_load64_relaxed(word);
    unsigned outside = 0;
    fastskip_entry e;
    for (unsigned bit = 0; bit < 63; bit++) {
        uint64_t now = before ^ UINT64_C(1) << bit;
        uint64_t record = (now & FSK_WORD_STAMP) >> FSK_WORD_SHIFT;
        if ((now ^ before) == FSK_WORD_UNCOUNTED)
            continue;
        if (((now ^ before) & FSK_WORD_STAMP) != 0) {
            if (record <= UINT32_MAX &&
                fsk_checked_inside(space(), (fsk_ref)record, sizeof(fsk_record)))
                continue;
            outside++;
        }
        fsk_init64(word, now);
        REQUIRE_EQ(flip_read(key, &e), FASTSKIP_CORRUPT);
        REQUIRE_EQ(flip_put(key, FSK_IF_ABSENT), FASTSKIP_CORRUPT);
        fsk_init64(word, before);
    }
    REQUIRE(outside >= 32);
}

/* The same with new keys, which are not counted yet: of a batch that does not end, and of one that fails.  A
 * conditional write sees nothing there. */
START_TEST(a_pending_key)
{
    flip_open(&plain);
    for (unsigned key = 1; key <= 3; key += 2) {
        fastskip_entry e;
        fsk_ref record, version = flip_pending(key, &record);
        REQUIRE_EQ(version, flip_entry(key));
        if (key == 1) {
            turn_word(fsk_word_at(space(), version), key);
        } else {
            fsk_record_abort(&t->clock, record);
            REQUIRE_EQ(fsk_version_settle(&t->clock, version, FSK_NEVER), 0);
        }
        REQUIRE_EQ(flip_read(key, &e), FASTSKIP_NOT_FOUND);
        REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
        REQUIRE_EQ(flip_put(key, FSK_IF_ABSENT), FASTSKIP_OK);
        REQUIRE_EQ(flip_read(key, &e), FASTSKIP_OK);
        REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
    }
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
    flip_open(&plain);
    REQUIRE_EQ(flip_put(0, FSK_ANYWAY), FASTSKIP_OK);
    head = fsk_load32_seq(&fsk_entry_at(space(), flip_entry(0))->newest);
    v = fsk_version_at(space(), head);
    word = fsk_load64_relaxed(&v->word);
    stamp = (word & FSK_WORD_STAMP) >> FSK_WORD_SHIFT;
    /* The stamp is gone, and the sum says that it was there: nobody gives it another. */
    fsk_init64(&v->word, word & ~FSK_WORD_STAMP);
    REQUIRE_EQ(flip_read(0, &e), FASTSKIP_CORRUPT);
    REQUIRE_EQ(flip_put(0, FSK_ANYWAY), FASTSKIP_CORRUPT);
    REQUIRE_EQ(fsk_load64_relaxed(&v->word), word & ~FSK_WORD_STAMP);
    /* The sum is as before publication, too. */
    fsk_checksum_stamped(space(), head, fsk_version_bytes(5), stamp);
    fsk_init64(&v->word, (word & ~FSK_WORD_STAMP) ^ 1);
    REQUIRE_EQ(flip_read(0, &e), FASTSKIP_CORRUPT);
    REQUIRE_EQ(fsk_load64_relaxed(&v->word), (word & ~FSK_WORD_STAMP) ^ 1);
    fsk_init64(&v->word, word & ~FSK_WORD_STAMP);
    REQUIRE_EQ(flip_read(0, &e), FASTSKIP_OK);
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
    flip_open(&numbered);
    head = fsk_load32_seq(&fsk_entry_at(space(), flip_entry(0))->newest);
    v = fsk_version_at(space(), head);
    next = fsk_load32_seq(&v->older);
    REQUIRE(head != 0 && next != 0);
    fsk_init32(&v->older, head);
    REQUIRE_EQ(flip_read(0, &e), FASTSKIP_OK); /* it does not go so far */
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
    REQUIRE_EQ(flip_put(key, FSK_ANYWAY), FASTSKIP_CORRUPT);
    REQUIRE_EQ(flip_put(key, FSK_IF_ABSENT), FASTSKIP_CORRUPT);
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
        REQUIRE_EQ(flip_put(key, FSK_ANYWAY), FASTSKIP_OK);
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
        status = flip_put(key % 3 == 0 ? key : 4 + 2 * key, FSK_ANYWAY);
    REQUIRE_EQ(status, FASTSKIP_CORRUPT);
    *((uint8_t *)(e + 1) + 11) ^= 4;
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
    fsk_table_unref(t);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_pending_batch, a_pending_key,           before_the_stamp,
        numbers_fall,    a_write_changes_nothing, no_split_of_a_damaged_block,
    };
    return RUN_SUITE("checksum", tests);
}
