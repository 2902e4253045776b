/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_paranoid_ways.c - with `paranoid` searches end, and say so, where ways through blocks or versions lead
 * round, end too early or lead out; each way that a call may take is damaged by hand.  test_paranoid.c turns
 * every bit.
 */
#include "flips.h"

#include "careful.h"

#define FAR_AWAY 0x7fffff00u /* a reference to what is outside */
#define FIRST 12             /* of the keys that are written beside the scene's */
#define LAST (FIRST + 8 * FSK_BLOCK_WORDS)

static const flip_scene scenes[] = {
    {"plain", .keys = 6, .paranoid = 1},
    {"descending", .keys = 6, .paranoid = 1, .descending = 1},
    {"sums", .keys = 6, .paranoid = 1, .checksum = 4},
};
#define SCENES ((int)(sizeof scenes / sizeof scenes[0]))

static const fsk_space *space(void)
{
    return &t->list.space;
}

/* Enough keys for two levels, with blocks of any size; nothing lags. */
static void build_levels(int which)
{
    fastskip_entry e;
    flip_open(&scenes[which]);
    for (unsigned key = FIRST; key <= LAST; key++)
        REQUIRE_EQ(flip_put(key, FSK_ANYWAY), FASTSKIP_OK);
    for (unsigned key = FIRST; key <= LAST; key++)
        REQUIRE_EQ(flip_read(key, &e), FASTSKIP_OK);
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
}

static void end(void)
{
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
    fsk_table_unref(t);
}

static void key_init(fsk_key *k, uint8_t *bytes, unsigned key)
{
    fsk_key_init(k, &space()->order, bytes, flip_key(bytes, key));
}

static unsigned least(void)
{
    return scene->descending ? LAST : 0;
}

static unsigned greatest(void)
{
    return scene->descending ? 0 : LAST;
}

static unsigned height(void)
{
    return fsk_block_at(space(), fsk_load32_seq(&t->list.root))->level;
}

static fastskip_status write_batch(unsigned key)
{
    fastskip_status status;
    uint8_t bytes[KEY_ROOM];
    fastskip_batch b;
    memset(&b, 0, sizeof b);
    REQUIRE_EQ(fsk_batch_add(&b, 0, 0, FASTSKIP_PUT, bytes, flip_key(bytes, key), "1", 1),
               FASTSKIP_OK);
    status = fsk_table_write_batch(t, &b);
    batch_free(&b);
    return status;
}

/* Nothing that looks for this key says anything else, and nothing is written. */
static void is_corrupt(unsigned key)
{
    uint64_t versions = stat_of(t, FASTSKIP_STAT_VERSIONS);
    fastskip_iterator *it;
    fastskip_entry e;
    uint8_t bytes[KEY_ROOM];
    fsk_key k;
    REQUIRE_EQ(flip_read(key, &e), FASTSKIP_CORRUPT);
    REQUIRE_EQ(flip_put(key, FSK_ANYWAY), FASTSKIP_CORRUPT);
    REQUIRE_EQ(flip_put(key, FSK_IF_ABSENT), FASTSKIP_CORRUPT);
    REQUIRE_EQ(write_batch(key), FASTSKIP_CORRUPT);
    REQUIRE_EQ(stat_of(t, FASTSKIP_STAT_VERSIONS), versions);
    REQUIRE_EQ(fsk_iterator_new(t, fsk_table_latest(t), 0, &it), FASTSKIP_OK);
    REQUIRE_EQ(fsk_iterator_seek(it, bytes, flip_key(bytes, key)), FASTSKIP_CORRUPT);
    REQUIRE_EQ(fsk_iterator_seek_for_prev(it, bytes, flip_key(bytes, key)), FASTSKIP_CORRUPT);
    fsk_iterator_free(it);
    key_init(&k, bytes, key);
    REQUIRE_EQ(fsk_table_approximate(t, &k, NULL), FSK_APPROXIMATE_DAMAGED);
    REQUIRE_EQ(fsk_table_approximate(t, NULL, &k), FSK_APPROXIMATE_DAMAGED);
}

static void ends_corrupt(fastskip_status (*move)(fastskip_iterator *), uint32_t flags)
{
    fastskip_iterator *it;
    REQUIRE_EQ(fsk_iterator_new(t, fsk_table_latest(t), flags, &it), FASTSKIP_OK);
    REQUIRE_EQ(move(it), FASTSKIP_CORRUPT);
    REQUIRE(!it->valid);
    fsk_iterator_free(it);
}

/* ---- blocks ---- */

/* The last leaf ends where the one before it begins, and leads back there. */
START_TEST(leaves_in_a_ring)
{
    fsk_block *last, *before = NULL;
    build_levels(_i);
    for (last = fsk_list_first(&t->list); last->high != 0; last = fsk_list_right(&t->list, last))
        before = last;
    last->high = before->low;
    last->high_part = fsk_block_part_of(space(), last, fsk_entry_at(space(), before->low));
    fsk_init32(&last->next, fsk_ref_of(space(), before));
    is_corrupt(greatest());
    ends_corrupt(fsk_iterator_last, 0);
    fsk_init32(&last->next, 0);
    last->high = 0;
    last->high_part = FSK_UNKNOWN;
    end();
}
END_TEST

/* An index block whose first word is gone has no way down. */
START_TEST(an_index_block_without_words)
{
    fsk_block *root;
    fsk_ref word;
    fsk_key k;
    uint8_t bytes[KEY_ROOM];
    build_levels(_i);
    root = fsk_block_at(space(), fsk_load32_seq(&t->list.root));
    word = fsk_load32_seq(&root->ref[0]);
    fsk_init32(&root->ref[0], 0);
    is_corrupt(least());
    is_corrupt(greatest());
    ends_corrupt(fsk_iterator_last, 0);
    key_init(&k, bytes, greatest());
    REQUIRE(fsk_careful_level(&t->list, 0, &k) == NULL);
    fsk_init32(&root->ref[0], word);
    end();
}
END_TEST

/* The way down to a level, along the left side and to a key. */
START_TEST(levels)
{
    fsk_list *l;
    fsk_block *left;
    fsk_ref root;
    fsk_key k;
    uint8_t bytes[KEY_ROOM];
    build_levels(_i);
    l = &t->list;
    root = fsk_load32_seq(&l->root);
    key_init(&k, bytes, least());
    for (unsigned level = 0; level <= height(); level++) {
        REQUIRE(fsk_careful_level(l, level, NULL) == fsk_list_block(l, level, NULL));
        REQUIRE(fsk_careful_level(l, level, &k) == fsk_list_block(l, level, &k));
    }
    REQUIRE(fsk_careful_level(l, height() + 1, NULL) == NULL);
    REQUIRE(fsk_careful_level(l, height() + 1, &k) == NULL);
    fsk_init32(&l->root, FAR_AWAY);
    REQUIRE(fsk_careful_level(l, 0, NULL) == NULL);
    REQUIRE(fsk_careful_level(l, 0, &k) == NULL);
    is_corrupt(least());
    fsk_init32(&l->root, root);
    left = fsk_list_block(l, height() - 1, NULL);
    left->level ^= 1;
    REQUIRE(fsk_careful_level(l, height() - 1, NULL) == NULL);
    REQUIRE(fsk_careful_level(l, height() - 1, &k) == NULL);
    /* The way to the bound is sound, but for ranks, which need all words; what lies before it is not. */
    key_init(&k, bytes, greatest());
    REQUIRE_EQ(fsk_careful_level(l, 0, &k) == NULL, scene->descending);
    REQUIRE_EQ(fsk_table_approximate(t, NULL, &k), FSK_APPROXIMATE_DAMAGED);
    left->level ^= 1;
    REQUIRE(fsk_table_approximate(t, NULL, &k) != FSK_APPROXIMATE_DAMAGED);
    end();
}
END_TEST

/* Keys above all that blocks were made for have no parts there: the end is found by the keys. */
START_TEST(the_end_beyond_all_parts)
{
    fastskip_iterator *it;
    fastskip_status status;
    fastskip_entry e;
    char bytes[KEY_ROOM];
    unsigned rows = 0;
    build_levels(_i);
    for (unsigned i = 0; i < 4 * FSK_BLOCK_WORDS; i++) {
        size_t size = (size_t)snprintf(bytes, sizeof bytes, "zebra%08u", i);
        REQUIRE_EQ(fsk_table_write(t, 0, FASTSKIP_PUT, bytes, size, "1", 1, FSK_ANYWAY, NULL),
                   FASTSKIP_OK);
    }
    REQUIRE_EQ(fsk_iterator_new(t, fsk_table_latest(t), FASTSKIP_TOMBSTONES, &it), FASTSKIP_OK);
    status = fsk_iterator_last(it);
    REQUIRE_EQ(status, FASTSKIP_OK);
    fsk_iterator_show(it, &e);
    REQUIRE_EQ(memcmp(e.key, "zebra", 5) == 0, !scene->descending);
    for (; status == FASTSKIP_OK; rows++)
        status = fsk_iterator_prev(it);
    REQUIRE_EQ(status, FASTSKIP_NOT_FOUND);
    REQUIRE_EQ(rows, stat_of(t, FASTSKIP_STAT_KEYS));
    fsk_iterator_free(it);
    end();
}
END_TEST

#ifdef FSK_TEST_HOOK

static uint64_t estimate;

static void approximate(void *upper)
{
    estimate = fsk_table_approximate(t, NULL, upper);
}

static void overfill(void *block)
{
    fsk_init32(&((fsk_block *)block)->fill, FSK_BLOCK_WORDS + 1);
}

/* A block on the way that is damaged after the way to the bound was found sound. */
START_TEST(an_estimate_meanwhile)
{
    uint8_t bytes[KEY_ROOM];
    unsigned damaged = 0;
    fsk_key k;
    for (long point = 0;; point++) {
        fsk_block *left;
        uint64_t sound;
        int is_over;
        build_levels(_i);
        key_init(&k, bytes, greatest());
        sound = fsk_table_approximate(t, NULL, &k);
        left = fsk_list_block(&t->list, height() - 1, NULL);
        is_over = !interrupted(point, approximate, &k, overfill, left);
        REQUIRE(estimate == sound || estimate == FSK_APPROXIMATE_DAMAGED);
        damaged += estimate != sound;
        fsk_table_unref(t);
        if (is_over)
            break;
    }
    REQUIRE(damaged > 10);
}
END_TEST

#endif

/* ---- versions ---- */

/* A version that leads to itself: whoever looks for an older one comes to an end. */
START_TEST(versions_in_a_ring)
{
    static const flip_scene open = {"open", .keys = 6, .paranoid = 1};
    uint8_t bytes[KEY_ROOM];
    fastskip_entry e;
    fsk_version *v;
    fsk_ref head, older;
    uint64_t early;
    flip_open(&open);
    early = snapshot(t);
    REQUIRE_EQ(flip_put(0, FSK_ANYWAY), FASTSKIP_OK);
    head = fsk_load32_seq(&fsk_entry_at(space(), flip_entry(0))->newest);
    v = fsk_version_at(space(), head);
    older = fsk_load32_seq(&v->older);
    fsk_init32(&v->older, head);
    REQUIRE_EQ(flip_read(0, &e), FASTSKIP_OK); /* it is the newest */
    REQUIRE_EQ(fsk_table_get(t, early, bytes, flip_key(bytes, 0), 1, &e), FASTSKIP_CORRUPT);
    ends_corrupt(fsk_iterator_first, FASTSKIP_ALL_VERSIONS);
    fsk_init32(&v->older, older);
    REQUIRE_EQ(fsk_table_get(t, early, bytes, flip_key(bytes, 0), 1, &e), FASTSKIP_OK);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("paranoid ways");
    suite_add(suite, leaves_in_a_ring, SCENES);
    suite_add(suite, an_index_block_without_words, SCENES);
    suite_add(suite, levels, SCENES);
    suite_add(suite, the_end_beyond_all_parts, SCENES);
    suite_add(suite, versions_in_a_ring, 1);
#ifdef FSK_TEST_HOOK
    suite_add(suite, an_estimate_meanwhile, SCENES);
#endif
    return suite_run(suite);
}
