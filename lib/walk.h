/*
 * walk.h - how an iterator goes from leaf to leaf: entering one, its bounds, fetching ahead.
 *
 * Each leaf and each entry costs a cache miss, so both are fetched ahead.  Once a walk has left its first
 * leaf, the entries of the leaf to come (`ahead`) are fetched while this one is walked over, one a step: evenly,
 * as only so many misses can be under way at once.  The block of the leaf after that (`beyond`) is fetched by
 * then, and named as follows, by hops FSK_HOP steps apart, so that what each reads is there:
 *
 *   to the right: `ahead->next`.  Until somebody has walked there it may name a leaf that was replaced: whoever
 *     first walks over a table, to flush it, meets many.  A hop goes on to what replaced it.
 *   to the left: one hop fetches the key where `ahead` begins; a later one searches for what lies below it.
 *
 * These are hints: where a walk goes is decided when it gets there.  A walk that has just begun may be short, and
 * fetches only what its first leaf has to show.  A table with checks begins nothing that it does not know to be
 * sound.  (Measured on AMD family 25: all entries of a leaf at once, when it is entered, took 1.3 to 1.4 times as
 * long; without `beyond` a first walk 1.15 times; hops 4 steps apart made walks backwards slower, 16 apart first
 * walks.)
 *
 * Relies on: iterator.h, careful.  Used by: iterator.
 */
#ifndef FSK_WALK_H
#define FSK_WALK_H

#include "iterator.h"

#define FSK_SLOTS ((int)FSK_BLOCK_WORDS)
#define FSK_HOP 8 /* steps of a walk, in which memory answers; a power of two */

/* Enters the left-most leaf, before its first word; the right-most, after its last.  0: damaged. */
int fsk_walk_first(fastskip_iterator *it);
int fsk_walk_last(fastskip_iterator *it);

/* Enters the leaf where a key belongs, at the first word that is not before it (`after`: after it). */
void fsk_walk_to(fastskip_iterator *it, const void *key, size_t size, int after);

/* Enters the leaf to the right, which the walk has reached. */
void fsk_walk_right(fastskip_iterator *it);

/* The leaf to the left.  CORRUPT: it is not there; a comparator that contradicts itself may lead
 * elsewhere. */
fastskip_status fsk_walk_below(fastskip_iterator *it);

static inline fsk_ref fsk_walk_word(const fastskip_iterator *it, unsigned i)
{
    return (fsk_ref)it->words[i];
}

static inline int fsk_walk_checked(const fastskip_iterator *it)
{
    return fsk_checked(&it->table->list.space);
}

/* A hop; see above. */
void fsk_walk_hop(fastskip_iterator *it);

/* With each step of a walk.  An empty slot fetches the region's first line, which does no harm and takes no
 * branch. */
static inline void fsk_walk_fetch(fastskip_iterator *it)
{
    int slot = it->ahead_slot;
    if (slot >= FSK_SLOTS)
        return;
    it->ahead_slot = slot + 1;
    if (FSK_LIKELY(slot >= 0))
        fsk_entry_prefetch(&it->table->list.space, fsk_load32_relaxed(&it->ahead->ref[slot]),
                           it->span);
    if (FSK_UNLIKELY(((unsigned)slot + 1) % FSK_HOP == 0))
        fsk_walk_hop(it);
}

#endif
