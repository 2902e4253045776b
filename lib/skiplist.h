/*
 * skiplist.h - an ordered set of entries: levels of linked blocks, lock-free.
 *
 * A deterministic skip list (Munro, Papadakis, Sedgewick, "Deterministic skip lists", SODA 1992) whose
 * nodes are blocks (block.h), so that one cache miss finds the block and one the entry.  Each level is a
 * singly linked list of blocks that cover all keys from left to right; a word on level n + 1 names a
 * block of level n.
 *
 * Invariants
 *   1. Level 0 alone is the truth.  The levels above are hints that may lag behind: a search that lands
 *      too far left walks right.  No search ever starts right of its key.
 *   2. A full block is replaced by one CAS on its `forward`, from 0 to the left half, whose next is the
 *      right half.  That instant is the split.  Ranges are only ever refined.
 *   3. A word or a `next` is only ever replaced by a block of the same low, reached through `forward`
 *      alone; else keys would start right of themselves.
 *   4. The root grows by a CAS from the very reference that was read, which becomes the first word of the
 *      new root.
 *   5. Nothing is freed, so a reader inside a replaced block is safe, and what it reads there was true
 *      when it looked at `forward`.  `forward` is always looked at before the words; that look is the
 *      instant of an absent answer.
 *
 * Mending.  Searches repair what they found lagging, one attempt each, never in a loop: a word or next
 * that named a replaced block, a missing word for the block where the walk right ended, a root too low.
 * A reader never allocates: it leaves alone what would need a new block.  A search that began one word too
 * far left because parts did not tell (fsk_block_beside) mends the word that it walked to.  Without mending one lost
 * update of a stopped thread would lengthen every later path through it.
 *
 *   operation            atomic accesses on shared lines when nobody interferes
 *   find                 none written
 *   insert               one CAS (the slot), two stores (part, fill); one split in about W/2 inserts
 *   split                one CAS (forward), one CAS a level for the promotion
 *
 * Progress: walks along forward and next end because each lengthening is a split, and each split had a
 * completed insert since the block's birth.  A failed slot CAS filled a slot.  A promotion is repeated
 * only after a word went in, a split won, or the root rose.  All lock-free; no waiting.
 *
 * Any number of threads may call everything here at once; a writer belongs to its thread.
 *
 * Relies on: block, arena, checksum.  Used by: careful, version, memtable, iterator, check.
 */
#ifndef FSK_SKIPLIST_H
#define FSK_SKIPLIST_H

#include "arena.h"
#include "block.h"

typedef struct {
    fsk_space space;
    fsk_atomic32 first; /* a leaf whose forwards lead to the left-most one */
    fsk_atomic32 root;
} fsk_list;

/* Makes an empty list in an arena.  NO_MEMORY or FULL when there is no room for its first block. */
fastskip_status fsk_list_init(fsk_list *list, fsk_arena *arena, const fsk_order *order);

/* The leaf whose range holds the key, and the key's part in it.  writer NULL: a reader. */
fsk_block *fsk_list_leaf(fsk_list *list, fsk_writer *writer, const fsk_key *key, uint32_t *part);

/* The leaf that holds what lies just below a key that is some block's low; NULL: plus infinity. */
fsk_block *fsk_list_leaf_below(fsk_list *list, const fsk_key *key);

/* The same without a look at the leaf, of which nothing may be in the cache yet: it is fetched.  The leaf
 * that is wanted is this one, or what replaced it, or lies to its right. */
fsk_block *fsk_list_leaf_below_soon(fsk_list *list, const fsk_key *key);

/* The block of a level, not above the root's, whose range holds the key, without mending; key NULL: the
 * left-most. */
fsk_block *fsk_list_block(fsk_list *list, unsigned level, const fsk_key *key);

/* n searches at once, level by level, so that their cache misses overlap. */
#define FSK_GROUP 16
void fsk_list_leaves(fsk_list *list, unsigned n, const fsk_key *keys, fsk_block **leaves,
                     uint32_t *parts);

/* The right-most leaf that the writer's shard remembers, if the key belongs there; else NULL. */
fsk_block *fsk_list_edge(fsk_list *list, fsk_writer *writer, const fsk_key *key, uint32_t *part);

/*
 * Puts an entry into the first empty slot of a leaf.  `from` is what `fill` was before the leaf was
 * searched for the key without finding it: no slot may go uncompared.  The writer's shard remembers the
 * right-most leaf, and whether the key was the greatest there.
 * FSK_TAKEN; FSK_PRESENT: *present is the entry that has the key; FSK_NO_ROOM: the leaf is full.
 */
enum { FSK_TAKEN, FSK_PRESENT, FSK_NO_ROOM };
int fsk_list_take(fsk_list *list, fsk_writer *writer, fsk_block *leaf, uint32_t from, uint32_t part,
                  fsk_ref entry, const fsk_key *key, fsk_ref *present);

/* Splits a full block, or finds it split.  0: writer->status says why: no memory, or damage. */
int fsk_list_split(fsk_list *list, fsk_writer *writer, fsk_block *block);

/* Takes n blocks ahead for the leaf splits of this writer; 0: no memory, and none is kept.  What is left
 * over goes back. */
int fsk_list_reserve(fsk_list *list, fsk_writer *writer, uint64_t n);
void fsk_list_unreserve(fsk_list *list, fsk_writer *writer);

/* ---- between skiplist.c, split.c and careful.c ---- */

/* A step of a search: the word that it followed, and where that led. */
typedef struct {
    fsk_block *parent; /* NULL: the word is the root */
    unsigned slot;
    unsigned beside; /* of another word that the walk right may end at; FSK_NO_SLOT: none */
    fsk_ref word;
    fsk_block *fresh; /* where forwards alone lead from the word */
    fsk_block *block; /* where the walk right ended */
} fsk_step;

/* Repairs what lagged; writer NULL: a reader. */
void fsk_list_mend(fsk_list *list, fsk_writer *writer, const fsk_step *step);

/* The slot of the word whose low has this reference and part; FSK_NO_SLOT: there is none.  Only words
 * whose part does not tell them apart are followed, as each costs a cache miss. */
unsigned fsk_list_word(const fsk_list *list, const fsk_block *parent, fsk_ref low, uint32_t part);

/* Adds a word for a block to an index block.  FSK_PRESENT: it has one now; FSK_NO_ROOM; FSK_DAMAGED
 * (checksum.h): a key that this needs is, and nothing was done. */
int fsk_list_append(fsk_list *list, fsk_block *parent, fsk_block *block);

/* Makes a new root over root `old` and the block to its right.  0: another did, or writer->status says
 * why. */
int fsk_list_grow(fsk_list *list, fsk_writer *writer, fsk_ref old, fsk_block *right);

/* ---- walking ---- */

static inline fsk_block *fsk_list_fresh(const fsk_list *l, fsk_block *b)
{
    fsk_ref f;
    while (FSK_UNLIKELY((f = fsk_load32_seq(&b->forward)) != 0))
        b = fsk_block_at(&l->space, f);
    return b;
}

/* The block to the right, or NULL; a next that names a replaced block is mended. */
static inline fsk_block *fsk_list_right(const fsk_list *l, fsk_block *b)
{
    fsk_ref next = fsk_load32_seq(&b->next), ref;
    fsk_block *n;
    if (next == 0)
        return NULL;
    n = fsk_list_fresh(l, fsk_block_at(&l->space, next));
    ref = fsk_ref_of(&l->space, n);
    if (FSK_UNLIKELY(ref != next))
        fsk_cas32_seq(&b->next, &next, ref);
    return n;
}

/* The left-most leaf.  Mended like a next, or descending keys would make the way to it ever longer. */
static inline fsk_block *fsk_list_first(fsk_list *l)
{
    fsk_ref first = fsk_load32_seq(&l->first), ref;
    fsk_block *b = fsk_list_fresh(l, fsk_block_at(&l->space, first));
    ref = fsk_ref_of(&l->space, b);
    if (FSK_UNLIKELY(ref != first))
        fsk_cas32_seq(&l->first, &first, ref);
    return b;
}

/* ---- the right edge ---- */

/* What follows, in a caller's order; the shard has a greatest. */
fsk_block *fsk_list_edge_above_own(const fsk_list *l, const fsk_writer *w, const uint8_t *key,
                                   size_t size, uint32_t *part, uint32_t *from);

/*
 * The right-most leaf, if the key is above all that the writer's shard has seen there: no slot before *from
 * holds it, and nothing need be searched.  Else NULL, which is no answer.  Inline, as are the rest of a
 * write of ascending keys: these come in bulk.
 */
static inline fsk_block *fsk_list_edge_above(const fsk_list *l, const fsk_writer *w,
                                             const uint8_t *key, size_t size, uint32_t *part,
                                             uint32_t *from)
{
    const fsk_shard *shard = w->shard;
    const fsk_entry *e;
    fsk_block *b;
    size_t both, same;
    uint32_t known;
    if (shard == NULL || shard->greatest == 0)
        return NULL;
    if (FSK_UNLIKELY(l->space.order.compare != NULL))
        return fsk_list_edge_above_own(l, w, key, size, part, from);
    b = fsk_block_at(&l->space, shard->edge);
    e = fsk_entry_at(&l->space, shard->greatest);
    both = e->key_size < size ? e->key_size : size;
    same = both != 0 ? fsk_first_difference(fsk_entry_key(e), key, both) : 0;
    if (same < both ? fsk_entry_key(e)[same] > key[same] : e->key_size >= size)
        return NULL;
    /* The greatest key's part says that it has the block's prefix; this one has what they share. */
    known = fsk_load32_relaxed(&b->part[shard->above - 1]);
    if (same < b->skip || known == 0 || known == FSK_UNKNOWN || fsk_load32_seq(&b->forward) != 0)
        return NULL;
    *part = fsk_part_bytes(key, size, b->skip);
    *from = shard->above;
    return b;
}

/* Takes the slot that the above said; 0: another was there first. */
static inline int fsk_list_edge_take(fsk_writer *w, fsk_block *edge, uint32_t slot, uint32_t part,
                                     fsk_ref entry)
{
    fsk_ref there = 0;
    if (slot >= FSK_BLOCK_WORDS || !fsk_cas32_seq(&edge->ref[slot], &there, entry))
        return 0;
    fsk_store32_relaxed(&edge->part[slot], part);
    fsk_store32_release(&edge->fill, slot + 1);
    w->shard->greatest = entry;
    w->shard->above = slot + 1;
    return 1;
}

#endif
