/*
 * walk.h - how an iterator goes from leaf to leaf: entering one, its bounds, fetching ahead.
 *
 * Each leaf and each entry costs a cache miss, so they are fetched ahead: all entries of a leaf at once when
 * the walk enters it, while its words are put in order, and by then the block of the leaf after the next one
 * to the right.  (One entry of the next leaf with each step took 1.4 to 1.7 times as long.  All entries of the
 * next leaf, a leaf sooner, gained little on later walks and made the first one as slow again.)  Until somebody
 * has walked there a `next` may name a leaf that was replaced: whoever first walks over a table, to flush it,
 * meets many.  Then it is its successor that is fetched.
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

#endif
