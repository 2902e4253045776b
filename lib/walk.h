/*
 * walk.h - how an iterator goes from leaf to leaf: entering one, its bounds, fetching ahead.
 *
 * Each leaf and each entry costs a cache miss, so they are fetched ahead.  Once a walk has left its first
 * leaf, the entries of the next one are fetched while this one is walked over, one a step, in the order of
 * its slots; a walk that has just begun may be short, and fetches only what its first leaf has to show.
 * Until somebody has walked there a `next` may name a leaf that was replaced: whoever first walks over a
 * table, to flush it, meets many.  Its successor is begun as soon as the replaced one can be read.
 *
 * Relies on: iterator.h, careful.  Used by: iterator.
 */
#ifndef FSK_WALK_H
#define FSK_WALK_H

#include "iterator.h"

#define FSK_SLOTS ((int)FSK_BLOCK_WORDS)

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

/* The leaf to come was replaced: its successor, whose memory will be there some steps from now. */
void fsk_walk_follow(fastskip_iterator *it);

/* With each step of a walk, an entry of the leaf to come: evenly, since only so many misses can be under way
 * at once.  An empty slot fetches the region's first line, which does no harm and takes no branch. */
static inline void fsk_walk_fetch(fastskip_iterator *it)
{
    int slot = it->ahead_slot;
    if (slot >= FSK_SLOTS)
        return;
    it->ahead_slot = slot + 1;
    if (FSK_LIKELY(slot >= 0))
        fsk_entry_prefetch(&it->table->list.space, fsk_load32_relaxed(&it->ahead->ref[slot]),
                           it->span);
    else if (slot == -1)
        fsk_walk_follow(it);
}

#endif
