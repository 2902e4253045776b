/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * lists.h - a skip list in an arena, as the suites of lib/skiplist use it: one list, keys by number, and
 * a walk over all of it that holds every rule of skiplist.h and block.h against what is there.
 */
#ifndef FSK_TEST_LISTS_H
#define FSK_TEST_LISTS_H

#include "inside.h"

#include "skiplist.h"

#define MIB (1024 * UINT64_C(1024))

static fsk_arena arena;
static fsk_list list;
static int keys_of_list;

static inline void list_drop(void)
{
    if (arena.shard != NULL)
        fsk_arena_destroy(&arena);
    memset(&arena, 0, sizeof arena);
}

static inline void list_make_ordered(uint64_t limit, uint64_t chunk, uint32_t shards, int family,
                                     const fsk_order *order)
{
    fsk_arena_options o = {limit, chunk, shards, 0, {NULL, NULL, NULL, NULL}, 0};
    keys_of_list = family;
    if (arena.shard != NULL && arena.limit == limit && arena.chunk_size == chunk &&
        arena.shards == shards) {
        fsk_arena_reset(&arena); /* what was never zero is not now */
    } else {
        list_drop();
        REQUIRE_EQ(fsk_arena_init(&arena, &o), FASTSKIP_OK);
    }
    REQUIRE_EQ(fsk_list_init(&list, &arena, order), FASTSKIP_OK);
}

static inline void list_make(uint64_t limit, uint64_t chunk, uint32_t shards, int family)
{
    static const fsk_order bytewise;
    list_make_ordered(limit, chunk, shards, family, &bytewise);
}

static inline unsigned list_level(void)
{
    return fsk_block_at(&list.space, fsk_load32_acquire(&list.root))->level;
}

/* ---- entries: a key, and nothing else ---- */

static inline void numbered_key(fsk_key *k, uint8_t *bytes, unsigned number)
{
    fsk_key_init(k, &list.space.order, bytes, key_make(bytes, keys_of_list, number));
}

static inline int entry_is(fsk_ref ref, unsigned number)
{
    uint8_t bytes[KEY_ROOM];
    size_t size = key_make(bytes, keys_of_list, number);
    const fsk_entry *e = fsk_entry_at(&list.space, ref);
    return e->key_size == size && memcmp(fsk_entry_key(e), bytes, size) == 0;
}

static inline uint64_t entry_bytes(unsigned number)
{
    uint8_t bytes[KEY_ROOM];
    return fsk_round_up(fsk_entry_bytes(key_make(bytes, keys_of_list, number), 0), FSK_UNIT);
}

static inline int entry_drop(fsk_writer *w, fsk_ref entry, unsigned number, int answer)
{
    if (entry != 0)
        fsk_arena_give_back(w, entry, entry_bytes(number));
    return answer;
}

static inline fsk_ref entry_new(fsk_writer *w, unsigned number)
{
    uint8_t bytes[KEY_ROOM];
    size_t size = key_make(bytes, keys_of_list, number);
    fsk_ref ref = fsk_arena_alloc(w, FSK_ENTRIES, entry_bytes(number), FSK_UNIT);
    fsk_entry *e = fsk_entry_at(&list.space, ref);
    REQUIRE(ref != 0);
    memset(e, 0, sizeof *e);
    e->key_size = (uint16_t)size;
    memcpy(fsk_entry_key(e), bytes, size);
    return ref;
}

/* Finds the key, as a reader. */
static inline fsk_ref list_find(unsigned number)
{
    uint8_t bytes[KEY_ROOM];
    fsk_block *leaf;
    uint32_t part;
    fsk_key k;
    numbered_key(&k, bytes, number);
    leaf = fsk_list_leaf(&list, NULL, &k, &part);
    return fsk_block_find(&list.space, leaf, &k, part);
}

static inline fsk_ref entry_of(unsigned number)
{
    fsk_ref ref = list_find(number);
    REQUIRE(ref != 0);
    return ref;
}

/* The insert of write.c, without versions.  1: new; 0: it was there; -1: no memory for a split. */
static inline int list_insert_by(fsk_writer *w, unsigned number)
{
    uint8_t bytes[KEY_ROOM];
    fsk_ref entry = 0, there;
    fsk_key k;
    numbered_key(&k, bytes, number);
    for (;;) {
        uint32_t part, from;
        fsk_block *leaf = fsk_list_edge_above(&list, w, k.data, k.size, &part, &from);
        if (leaf != NULL) {
            if (entry == 0)
                entry = entry_new(w, number);
            if (fsk_list_edge_take(w, leaf, from, part, entry))
                return 1;
        }
        leaf = fsk_list_edge(&list, w, &k, &part);
        if (leaf == NULL)
            leaf = fsk_list_leaf(&list, w, &k, &part);
        from = fsk_load32_acquire(&leaf->fill);
        if (fsk_block_find(&list.space, leaf, &k, part) != 0)
            return entry_drop(w, entry, number, 0);
        if (entry == 0)
            entry = entry_new(w, number);
        switch (fsk_list_take(&list, w, leaf, from, part, entry, &k, &there)) {
        case FSK_TAKEN:
            return 1;
        case FSK_PRESENT:
            return entry_drop(w, entry, number, 0);
        default:
            if (!fsk_list_split(&list, w, leaf))
                return entry_drop(w, entry, number, -1);
        }
    }
}

static inline int list_insert(unsigned number)
{
    fsk_writer w;
    int done;
    fsk_arena_enter(&arena, &w);
    done = list_insert_by(&w, number);
    fsk_arena_leave(&w);
    return done;
}

/* Uses up the arena but for n blocks, as long as the arena has one shard. */
static inline void leave_blocks(fsk_writer *w, uint64_t n)
{
    fsk_ref kept[8];
    REQUIRE(n <= 8);
    for (uint64_t i = 0; i < n; i++)
        REQUIRE((kept[i] = fsk_arena_alloc(w, FSK_LEAVES, sizeof(fsk_block), FSK_LINE)) != 0);
    for (uint64_t size = 4096; size > 0; size = size > 8 ? size / 2 : 0)
        while (fsk_arena_alloc(w, FSK_ENTRIES, size, FSK_UNIT) != 0)
            ;
    while (n > 0)
        fsk_arena_spare_leave(w, kept[--n], sizeof(fsk_block));
}

/* ---- the whole list ---- */

static inline int compare_refs(fsk_ref a, fsk_ref b)
{
    const fsk_entry *x = fsk_entry_at(&list.space, a), *y = fsk_entry_at(&list.space, b);
    return fsk_compare_bytes(fsk_entry_key(x), x->key_size, fsk_entry_key(y), y->key_size);
}

/* The rules of block.h for one block. */
static inline unsigned block_verify(const fsk_block *b, fsk_word *words)
{
    unsigned n = fsk_block_gather(&list.space, b, words, 0), slots = 0;
    while (slots < FSK_BLOCK_WORDS && fsk_load32_seq(&b->ref[slots]) != 0)
        slots++;
    REQUIRE(slots == n && b->sorted <= n && fsk_load32_seq(&b->fill) <= n);
    REQUIRE(fsk_load32_seq(&b->forward) == 0);
    for (unsigned i = slots; i < FSK_BLOCK_WORDS; i++)
        REQUIRE(fsk_load32_seq(&b->ref[i]) == 0);
    for (unsigned i = 0; i < slots; i++) {
        fsk_ref key = fsk_block_key_of(&list.space, b, fsk_load32_seq(&b->ref[i]));
        uint32_t part = fsk_load32_seq(&b->part[i]);
        if (key != 0 && part != FSK_UNKNOWN)
            REQUIRE_EQ(part, fsk_block_part_of(&list.space, b, fsk_entry_at(&list.space, key)));
    }
    for (unsigned i = 0; i < n; i++) {
        REQUIRE(words[i].key != 0 || (i == 0 && b->low == 0 && b->level > 0));
        if (words[i].key == 0)
            continue;
        REQUIRE(b->low == 0 || compare_refs(b->low, words[i].key) <= 0);
        REQUIRE(b->high == 0 || compare_refs(words[i].key, b->high) < 0);
        REQUIRE(i == 0 || words[i - 1].key == 0 ||
                compare_refs(words[i - 1].key, words[i].key) < 0);
    }
    if (b->level > 0)
        REQUIRE(n > 0 && words[0].key == b->low);
    return n;
}

/* Every level from left to right; every word of an index names a block that begins where it says. */
static inline void levels_verify(void)
{
    fsk_word words[FSK_BLOCK_WORDS];
    for (unsigned level = list_level() + 1; level-- > 0;) {
        fsk_ref low = 0;
        fsk_block *b = fsk_list_block(&list, level, NULL);
        for (; b != NULL; b = fsk_list_right(&list, b)) {
            unsigned n = block_verify(b, words);
            REQUIRE(b->low == low && b->level == level);
            low = b->high;
            REQUIRE((b->high == 0) == (fsk_load32_seq(&b->next) == 0));
            for (unsigned i = 0; level > 0 && i < n; i++) {
                fsk_block *child = fsk_list_fresh(&list, fsk_block_at(&list.space, words[i].ref));
                REQUIRE(child->level + 1u == level && child->low == words[i].key);
            }
        }
        REQUIRE(low == 0);
    }
}

/* The leaf of a key by every way there is. */
static inline void locate_verify(unsigned number, fsk_ref entry)
{
    uint8_t bytes[KEY_ROOM];
    fsk_block *leaf, *leaves[FSK_GROUP];
    uint32_t part, parts[FSK_GROUP];
    fsk_key k[3];
    numbered_key(&k[0], bytes, number);
    k[1] = k[2] = k[0];
    leaf = fsk_list_leaf(&list, NULL, &k[0], &part);
    REQUIRE(fsk_block_find(&list.space, leaf, &k[0], part) == entry);
    REQUIRE(fsk_list_block(&list, 0, &k[0]) == leaf);
    fsk_list_leaves(&list, 3, k, leaves, parts);
    for (int i = 0; i < 3; i++)
        REQUIRE(leaves[i] == leaf && parts[i] == part);
    if (leaf->low != 0 && leaf->low == entry) { /* what is just below it is in the leaf before */
        fsk_block *below = fsk_list_leaf_below(&list, &k[0]);
        REQUIRE(below->high == entry && fsk_list_right(&list, below) == leaf);
    }
}

/* in[i]: key i is in the list; and no other is.  Nobody else uses the list. */
static inline void list_verify(const char *in, unsigned n)
{
    fsk_word words[FSK_BLOCK_WORDS];
    unsigned number = 0;
    fsk_block *last = NULL;
    levels_verify();
    for (fsk_block *b = fsk_list_first(&list); b != NULL; b = fsk_list_right(&list, b)) {
        unsigned count = fsk_block_gather(&list.space, b, words, 0);
        for (unsigned i = 0; i < count; i++, number++) {
            while (number < n && !in[number])
                number++;
            REQUIRE(number < n && entry_is(words[i].ref, number));
            locate_verify(number, words[i].ref);
        }
        last = b;
    }
    for (unsigned i = 0; i < n; i++)
        if (!in[i])
            locate_verify(i, 0);
    while (number < n && !in[number])
        number++;
    REQUIRE_EQ(number, n);
    REQUIRE(fsk_list_leaf_below(&list, NULL) == last);
}

/* All memory in use is that of blocks and of entries: what lost a race went back, or is known to be lost.
 * Nobody is inside, and all came out. */
static inline void list_accounts(const char *in, unsigned n)
{
    uint64_t bytes = fsk_arena_total(&arena, FSK_COUNT_WASTED);
    bytes += sizeof(fsk_block) *
             (fsk_arena_total(&arena, FSK_COUNT_LEAVES) + fsk_arena_total(&arena, FSK_COUNT_INDEX) +
              fsk_arena_total(&arena, FSK_COUNT_REPLACED));
    for (unsigned i = 0; i < n; i++)
        if (in[i])
            bytes += entry_bytes(i);
    REQUIRE_EQ(fsk_arena_total(&arena, FSK_COUNT_USED), bytes);
}

/* ---- what lags behind ---- */

static inline unsigned blocks_on(unsigned level)
{
    unsigned n = 0;
    for (fsk_block *b = fsk_list_block(&list, level, NULL); b; b = fsk_list_right(&list, b))
        n++;
    return n;
}

static inline unsigned words_on(unsigned level)
{
    fsk_word words[FSK_BLOCK_WORDS];
    unsigned n = 0;
    for (fsk_block *b = fsk_list_block(&list, level, NULL); b; b = fsk_list_right(&list, b))
        n += fsk_block_gather(&list.space, b, words, 0);
    return n;
}

/* How many blocks have no word on the level above. */
static inline unsigned words_missing(void)
{
    unsigned missing = blocks_on(list_level()) - 1;
    for (unsigned level = 0; level < list_level(); level++)
        missing += blocks_on(level) - words_on(level + 1);
    return missing;
}

enum { BY_READER, BY_GROUP, FROM_BELOW, BY_WRITER, WAYS };

/* Every search mends what it meets, by one attempt. */
static inline void search(int way, fsk_ref entry)
{
    const fsk_entry *e = fsk_entry_at(&list.space, entry);
    fsk_block *leaf;
    uint32_t part;
    fsk_writer w;
    fsk_key k;
    fsk_key_init(&k, &list.space.order, fsk_entry_key(e), e->key_size);
    if (way == BY_WRITER) {
        fsk_arena_enter(&arena, &w);
        fsk_list_leaf(&list, &w, &k, &part);
        fsk_arena_leave(&w);
    } else if (way == BY_READER) {
        fsk_list_leaf(&list, NULL, &k, &part);
    } else if (way == BY_GROUP) {
        fsk_list_leaves(&list, 1, &k, &leaf, &part);
    } else {
        fsk_list_leaf_below(&list, &k);
    }
}

#endif
