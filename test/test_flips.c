/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * test_flips.c - with `checksum` every bit of every entry and version is turned, one at a time: what would
 * answer with it is CORRUPT, nothing answers wrongly, nothing is read outside; turned back, all is well.
 */
#include "flips.h"

/* An entry or a version. */
typedef struct {
    unsigned key, index; /* how many newer ones there are */
    int is_entry;
    uint8_t *start; /* of the word */
    size_t extent;  /* up to the end of the value */
} piece;

static piece pieces[FLIP_KEYS * FLIP_VERSIONS];
static unsigned piece_count;

static const fsk_space *space(void)
{
    return &t->list.space;
}

static void piece_add(unsigned key, fsk_ref entry, fsk_ref ref, unsigned index)
{
    piece *p = &pieces[piece_count++];
    const fsk_entry *e = fsk_entry_at(space(), ref);
    p->key = key;
    p->index = index;
    p->is_entry = ref == entry;
    p->start = (uint8_t *)(uintptr_t)e;
    p->extent = p->is_entry ? (size_t)(fsk_entry_value(e) - p->start) + fsk_entry_value_size(e)
                            : (size_t)fsk_version_bytes(fsk_version_at(space(), ref)->value_size);
}

static void find_pieces(void)
{
    piece_count = 0;
    for (unsigned n = 0; n < scene->keys; n++) {
        fsk_ref entry = flip_entry(2 * n), ref;
        const fsk_entry *e = fsk_entry_at(space(), entry);
        unsigned index = 0;
        REQUIRE(entry != 0);
        ref = fsk_load32_seq(&e->newest) != 0 ? fsk_load32_seq(&e->newest) : entry;
        for (; ref != 0; index++) {
            piece_add(2 * n, entry, ref, index);
            if (ref != entry)
                ref = fsk_load32_seq(&fsk_version_at(space(), ref)->older);
            else
                ref = scene->caller ? fsk_load32_seq(fsk_entry_older(e)) : 0;
        }
        REQUIRE_EQ(index, held[n].count);
    }
}

/* ---- one bit ---- */

static struct {
    const piece *piece;
    int is_link; /* to another version: what follows it may be one that was written */
} turned;

/* Has a read that goes down to version `index` of a key met the damage? */
static int must_be_found(unsigned key, unsigned index)
{
    return !turned.is_link && key == turned.piece->key &&
           (turned.piece->is_entry || turned.piece->index <= index);
}

/* May this be an answer for version `index` of the key? */
static void answer_verify(fastskip_status status, const fastskip_entry *e, unsigned key,
                          unsigned index)
{
    unsigned met;
    if (status == FASTSKIP_CORRUPT) { /* a version's damage is no other key's */
        REQUIRE(turned.piece->is_entry || turned.piece->key == key);
        return;
    }
    if (turned.is_link && key == turned.piece->key && status == FASTSKIP_NOT_FOUND)
        return;
    REQUIRE_EQ(status, FASTSKIP_OK);
    REQUIRE(!must_be_found(key, index));
    if (turned.is_link && key == turned.piece->key)
        REQUIRE(flip_was_held(key, flip_number(e, &met)));
    else
        REQUIRE_EQ(flip_number(e, &met), held[key / 2].number[index]);
    REQUIRE_EQ(met, key);
}

static void gets(void)
{
    uint8_t bytes[KEY_ROOM];
    fastskip_entry e;
    for (unsigned key = 0; key < 2 * scene->keys; key++) {
        size_t size = flip_key(bytes, key);
        if (key % 2 != 0) {
            fastskip_status status = fsk_table_get(t, fsk_table_latest(t), bytes, size, 1, &e);
            REQUIRE(status == FASTSKIP_NOT_FOUND || status == FASTSKIP_CORRUPT);
            continue;
        }
        for (unsigned i = 0; i < held[key / 2].count; i++)
            if (i == 0 || key == turned.piece->key)
                answer_verify(fsk_table_get(t, held[key / 2].limit[i], bytes, size, 1, &e), &e, key,
                              i);
    }
}

static void get_many(void)
{
    static uint8_t bytes[FLIP_KEYS][KEY_ROOM];
    const void *keys[FLIP_KEYS];
    size_t sizes[FLIP_KEYS];
    fastskip_entry e[FLIP_KEYS];
    fastskip_status status[FLIP_KEYS];
    for (unsigned n = 0; n < scene->keys; n++) {
        keys[n] = bytes[n];
        sizes[n] = flip_key(bytes[n], 2 * n);
    }
    fsk_table_get_many(t, fsk_table_latest(t), scene->keys, keys, sizes, e, status);
    for (unsigned n = 0; n < scene->keys; n++)
        if (held[n].number[0] != DELETED)
            answer_verify(status[n], &e[n], 2 * n, 0);
        else
            REQUIRE(
                status[n] == FASTSKIP_CORRUPT ||
                (!must_be_found(2 * n, 0) && (status[n] == FASTSKIP_NOT_FOUND || turned.is_link)));
}

/* What a key has become is no key, or another one. */
static void get_what_is_there(void)
{
    const fsk_entry *x = (const fsk_entry *)(const void *)turned.piece->start;
    fastskip_entry e;
    unsigned key;
    uint8_t bytes[KEY_ROOM];
    size_t size = flip_key(bytes, turned.piece->key);
    if (turned.is_link || !turned.piece->is_entry || x->key_size != size)
        return;
    memcpy(bytes, fsk_entry_key(x), size);
    if (fsk_table_get(t, fsk_table_latest(t), bytes, size, 1, &e) == FASTSKIP_OK)
        REQUIRE_EQ(flip_number(&e, &key), held[key / 2].number[0]);
}

/* ---- walks ---- */

/* Which row is shown: keys in order, with every version or the newest. */
static void row_verify(const fastskip_iterator *it, unsigned n, unsigned index)
{
    fastskip_entry e;
    unsigned key = 2 * flip_place(n);
    fsk_iterator_show(it, &e);
    answer_verify(FASTSKIP_OK, &e, key, index);
}

static void walk(uint32_t flags, int backwards)
{
    fastskip_iterator *it;
    fastskip_status status;
    int all = flags == FASTSKIP_ALL_VERSIONS;
    REQUIRE_EQ(fsk_iterator_new(t, fsk_table_latest(t), flags, &it), FASTSKIP_OK);
    status = backwards ? fsk_iterator_last(it) : fsk_iterator_first(it);
    for (unsigned i = 0; i < scene->keys; i++) {
        unsigned n = backwards ? scene->keys - 1 - i : i, key = 2 * flip_place(n);
        unsigned rows = all ? held[key / 2].count : 1;
        for (unsigned row = 0; row < rows && status == FASTSKIP_OK; row++) {
            if (all && turned.is_link && key == turned.piece->key)
                break; /* there may be fewer */
            row_verify(it, n, backwards ? rows - 1 - row : row);
            REQUIRE(!all || !must_be_found(key, rows - 1));
            status = backwards ? fsk_iterator_prev(it) : fsk_iterator_next(it);
        }
        if (all && turned.is_link && key == turned.piece->key)
            break;
        if (status != FASTSKIP_OK)
            break;
    }
    /* With every version shown all are looked at. */
    if (all && !turned.is_link)
        REQUIRE_EQ(status, FASTSKIP_CORRUPT);
    if (!all && must_be_found(turned.piece->key, 0))
        REQUIRE_EQ(status, FASTSKIP_CORRUPT);
    if (status == FASTSKIP_CORRUPT) {
        REQUIRE(!it->valid);
        REQUIRE_EQ(fsk_iterator_next(it), FASTSKIP_NOT_FOUND);
        REQUIRE_EQ(fsk_iterator_prev(it), FASTSKIP_NOT_FOUND);
    } else {
        REQUIRE(turned.is_link || status == FASTSKIP_NOT_FOUND);
    }
    fsk_iterator_free(it);
}

static void seek_verify(fastskip_iterator *it, fastskip_status status, unsigned key)
{
    fastskip_entry e;
    if (status == FASTSKIP_OK)
        fsk_iterator_show(it, &e);
    REQUIRE(status != FASTSKIP_NOT_FOUND);
    REQUIRE_EQ(it->valid, status == FASTSKIP_OK);
    if (status == FASTSKIP_OK)
        answer_verify(status, &e, key, 0);
}

/* To the key and its neighbours, and between bounds about them. */
static void seeks(void)
{
    fastskip_iterator *it;
    unsigned n = turned.piece->key / 2;
    REQUIRE_EQ(fsk_iterator_new(t, fsk_table_latest(t), FASTSKIP_TOMBSTONES, &it), FASTSKIP_OK);
    for (unsigned i = n > 0 ? n - 1 : 0; i <= n + 1 && i < scene->keys; i++) {
        uint8_t bytes[KEY_ROOM], after[KEY_ROOM];
        size_t size = flip_key(bytes, 2 * i);
        size_t after_size = flip_key(after, scene->descending && i > 0 ? 2 * i - 1 : 2 * i + 1);
        seek_verify(it, fsk_iterator_seek(it, bytes, size), 2 * i);
        seek_verify(it, fsk_iterator_seek_for_prev(it, bytes, size), 2 * i);
        if (scene->descending && i == 0)
            continue;
        REQUIRE_EQ(fsk_iterator_set_bounds(it, bytes, size, after, after_size), FASTSKIP_OK);
        seek_verify(it, fsk_iterator_first(it), 2 * i);
        seek_verify(it, fsk_iterator_last(it), 2 * i);
        REQUIRE_EQ(fsk_iterator_set_bounds(it, NULL, 0, NULL, 0), FASTSKIP_OK);
    }
    fsk_iterator_free(it);
}

/* From a key up to one a few further on, across leaves. */
static void walk_between(int backwards)
{
    fastskip_iterator *it;
    fastskip_status status;
    uint8_t lower[KEY_ROOM], upper[KEY_ROOM];
    unsigned most = scene->keys - 1, first = turned.piece->key / 2 % 3, last = first + 4;
    last = last < most ? last : most;
    REQUIRE_EQ(fsk_iterator_new(t, fsk_table_latest(t), FASTSKIP_TOMBSTONES, &it), FASTSKIP_OK);
    for (; last <= most; first += 3, last += 3) {
        size_t l = flip_key(lower, 2 * flip_place(first)),
               u = flip_key(upper, 2 * flip_place(last));
        unsigned rows = 0;
        REQUIRE_EQ(fsk_iterator_set_bounds(it, lower, l, upper, u), FASTSKIP_OK);
        status = backwards ? fsk_iterator_last(it) : fsk_iterator_first(it);
        for (; status == FASTSKIP_OK; rows++) {
            row_verify(it, backwards ? last - 1 - rows : first + rows, 0);
            status = backwards ? fsk_iterator_prev(it) : fsk_iterator_next(it);
        }
        REQUIRE(status == FASTSKIP_CORRUPT || rows == last - first);
    }
    fsk_iterator_free(it);
}

static void figures(void)
{
    uint64_t live = 0, tombstones = 0;
    fastskip_status a = fsk_table_stat(t, FASTSKIP_STAT_LIVE, &live);
    fastskip_status b = fsk_table_stat(t, FASTSKIP_STAT_TOMBSTONES, &tombstones);
    REQUIRE_EQ(a, b);
    REQUIRE(a == FASTSKIP_CORRUPT || (a == FASTSKIP_OK && live + tombstones == scene->keys));
    REQUIRE(a == FASTSKIP_CORRUPT || !must_be_found(turned.piece->key, 0));
}

static void turn(uint8_t *byte, unsigned bit)
{
    *byte ^= (uint8_t)(1u << bit);
    if (fsk_table_check(t) != FASTSKIP_CORRUPT)
        ck_abort_msg("%s: key %u, version %u: bit %u of byte %ld is not found", scene->name,
                     turned.piece->key, turned.piece->index, bit,
                     (long)(byte - turned.piece->start));
    gets();
    get_many();
    get_what_is_there();
    for (int backwards = 0; backwards < 2; backwards++) {
        walk(FASTSKIP_TOMBSTONES, backwards);
        walk(FASTSKIP_ALL_VERSIONS, backwards);
        walk_between(backwards);
    }
    seeks();
    figures();
    *byte ^= (uint8_t)(1u << bit);
}

/* ---- all bits ---- */

/* One bit of a byte, each time another one, where all would take long: with a sanitizer, unless more is asked
 * for. */
static int left_out(size_t place, unsigned bit)
{
#ifdef __SANITIZE_ADDRESS__
    return scaled(1) == 1 && place % 8 != bit;
#else
    (void)place;
    (void)bit;
    return 0;
#endif
}

static void turn_bytes(const piece *p, uint8_t *from, size_t size, int is_link)
{
    turned.piece = p;
    turned.is_link = is_link;
    for (size_t i = 0; i < size; i++) {
        /* Of a long key or value some bytes. */
        if (size > 200 && i > 32 && i + 24 < size && i % (size / 16 + 1) != 0)
            continue;
        for (unsigned bit = 0; bit < 8; bit++)
            if (!left_out((size_t)(from - p->start) + i, bit))
                turn(from + i, bit);
    }
}

static void turn_piece(const piece *p)
{
    size_t word = sizeof(uint64_t), link = sizeof(fsk_ref);
    uint8_t *sum = p->start + fsk_round_up(p->extent, FSK_SUM_BYTES);
    turn_bytes(p, p->start, word, 0);
    turn_bytes(p, p->start + word, link, p->is_entry || scene->caller);
    turn_bytes(p, p->start + word + link, p->extent - word - link, 0);
    turn_bytes(p, sum, FSK_SUM_BYTES, 0);
    if (p->is_entry && scene->caller)
        turn_bytes(p, p->start - FSK_OLDER_BYTES, link, 1);
    REQUIRE_EQ(fsk_table_check(t), FASTSKIP_OK);
}

static const flip_scene scenes[] = {
    {"decimal", .keys = 20, .checksum = 4},
    {"binary", .keys = 20, .checksum = 4, .family = KEYS_BINARY},
    {"zeros", .keys = 20, .checksum = 4, .family = KEYS_ZEROS},
    {"long keys", .keys = 10, .checksum = 4, .family = KEYS_LONG},
    {"long keys, ascending", .keys = 16, .checksum = 4, .family = KEYS_LONG, .ascending = 1},
    {"long value", .keys = 6, .checksum = 4, .long_value = 1},
    {"descending", .keys = 12, .checksum = 4, .descending = 1},
    {"abbreviated", .keys = 12, .checksum = 4, .descending = 1, .abbreviated = 1},
    {"numbered", .keys = 20, .checksum = 4, .caller = 1},
    {"numbered, descending", .keys = 10, .checksum = 4, .caller = 1, .descending = 1},
    {"paranoid", .keys = 20, .checksum = 4, .paranoid = 1},
    {"paranoid, numbered", .keys = 10, .checksum = 4, .paranoid = 1, .caller = 1},
};

START_TEST(every_bit)
{
    for (unsigned i = 0; i < sizeof scenes / sizeof scenes[0]; i++) {
        flip_build(&scenes[i]);
        find_pieces();
        for (unsigned n = 0; n < piece_count; n++)
            turn_piece(&pieces[n]);
        fsk_table_unref(t);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {every_bit};
    return RUN_SUITE("flips", tests);
}
