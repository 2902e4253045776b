/*
 * walk.h - how an iterator goes from leaf to leaf: entering one, its bounds, fetching ahead.
 *
 * Each leaf and each entry costs a cache miss, so both are fetched ahead.  Once a walk has left its first
 * leaf, it fetches FSK_FETCH entries of the leaf to come (`ahead`) every FSK_FETCH steps, and every FSK_HOP steps
 * makes one access to a block which finds the leaf after that (`beyond`); what the access reads was fetched by the
 * one before:
 *
 *   to the right: `ahead->next`.  Until somebody has walked there it may name a leaf that was replaced: whoever
 *     first walks over a table, to flush it, meets many.  An access goes on to what replaced it.
 *   to the left: one access fetches the key where `ahead` begins; a later one searches for what lies below it.
 *
 * A prefetch waits, with all that comes after it, until its page's address is translated, which may take as long as
 * a cache miss.  Translations overlap when the prefetches stand close together; but there can be only so many
 * misses at once.  Hence groups: of first lines, and then, as their pages are known by now, the second lines of the
 * group before.
 *
 * These are hints: where a walk goes is decided when it gets there.  A walk that has just begun may be short, and
 * fetches only what its first leaf has to show.  A table with checks begins nothing that it does not know to be
 * sound.
 *
 * Measured on AMD family 25, virtual.  1,000,000 entries: an entry a step took as long as four every four, eight
 * every eight 1.04 times (1.2 on a first walk), all of a leaf at once 1.3 times.  10,000,000, where translations
 * take longer: 1.1, 0.95 and 1.2 times.
 *
 * Relies on: iterator.h, careful.  Used by: iterator.
 */
#ifndef FSK_WALK_H
#define FSK_WALK_H

#include "iterator.h"

#define FSK_FETCH 4 /* entries that are fetched together; a power of two that divides FSK_BLOCK_WORDS */
#define FSK_HOP 8   /* steps of a walk, in which memory answers; a multiple of it */
#if FSK_BLOCK_WORDS % FSK_FETCH != 0
#error "fastskip: the last group of a block would be a part of one"
#endif

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

/* What is to be fetched now. */
void fsk_walk_fetch_ahead(fastskip_iterator *it);

/* With each step of a walk. */
static inline void fsk_walk_fetch(fastskip_iterator *it)
{
    if (FSK_UNLIKELY(++it->steps % FSK_FETCH == 0))
        fsk_walk_fetch_ahead(it);
}

#endif
