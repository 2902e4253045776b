/*
 * walk.h - how an iterator goes from leaf to leaf: entering one, its bounds, fetching ahead.
 *
 * Each leaf and each entry costs a cache miss, so they are fetched ahead.  Once a walk has left its first
 * leaf, the entries of the next one are fetched while this one is walked over, one a step, in the order of
 * its slots; a walk that has just begun may be short, and fetches only what its first leaf has to show.
 *
 * Relies on: iterator.h, careful.  Used by: iterator.
 */
#ifndef FSK_WALK_H
#define FSK_WALK_H

#include "iterator.h"

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

/* With each step of a walk, an entry of the leaf to come: evenly, since only so many misses can be under way
 * at once.  An empty slot fetches the region's first line, which does no harm and takes no branch. */
static inline void fsk_walk_fetch(fastskip_iterator *it)
{
    if (it->ahead_slot < FSK_BLOCK_WORDS) {
        fsk_ref ref = fsk_load32_relaxed(&it->ahead->ref[it->ahead_slot++]);
        fsk_entry_prefetch(&it->table->list.space, ref, it->span);
    }
}

#endif
