/*
 * iterator.h - a cursor over a table at an instant.
 *
 * It reads a leaf at a time: its words, in order, are copied out, and it walks over the copy.  Every
 * entry that its instant sees was in the leaf before the instant, hence before the copy.  The next leaf
 * begins where this one's range ends, whatever has been split since, so that no key comes twice and none
 * is missed; `forward` is followed after every `next`, before words are read.  Backwards, the leaf whose
 * high is this low is looked for by a search strictly below it; ranges are only refined, so there is one.
 *
 * Checks.  With `checksum` the entry and the versions of each word are verified before it is decided whether
 * it is shown, and each key that a seek or a bound is compared with; so are keys of one part when a leaf is
 * entered, whose order they decide.  With `paranoid` each key must lie above the one before it in the leaf,
 * and within the leaf's range; leaves join by the very reference of the key between them.  What fails ends
 * the walk.
 *
 * One thread at a time uses an iterator.  It holds a reference to its table.
 *
 * Relies on: memtable and below, walk.  Used by: api.
 */
#ifndef FSK_ITERATOR_H
#define FSK_ITERATOR_H

#include "memtable.h"

#define FSK_VERSIONS_INSIDE 4

struct fastskip_iterator {
    fastskip_table *table;
    uint64_t limit; /* newest stamp or number that it sees */
    uint32_t flags;
    int plain; /* it shows one version of a key, and the table numbers them */
    int valid;
    int damaged; /* something that the present move looked at was */
    /* The leaf that it is in. */
    fsk_block *leaf;
    unsigned count, at; /* words; and which one is the present */
    /* The leaf to come and the one after it, for fetching; see walk.h.  NULL: not known. */
    fsk_block *ahead, *beyond;
    int ahead_slot; /* of `ahead`: the first whose entry was not fetched; -1: its block is being fetched */
    unsigned steps; /* since that began */
    int backwards;  /* they lie to the left */
    size_t span; /* bytes of an entry to fetch ahead: up to the value, as the last leaf had it */
    int ends_low, ends_high; /* the bounds cut words off, or nothing lies beyond */
    fsk_seen seen;           /* the present version */
    /* All versions of the present key, when they are asked for. */
    fsk_seen *versions;
    size_t versions_count, versions_room, version_at;
    /* Bounds; NULL where there is none. */
    uint8_t *lower, *upper;
    size_t lower_size, upper_size;
    uint64_t words[FSK_BLOCK_WORDS]; /* the lower half is the reference; see fsk_block_leaf_words */
    fsk_seen versions_inside[FSK_VERSIONS_INSIDE];
};

fastskip_status fsk_iterator_new(fastskip_table *table, uint64_t limit, uint32_t flags,
                                 fastskip_iterator **iterator);
fastskip_status fsk_iterator_set_bounds(fastskip_iterator *it, const void *lower, size_t lower_size,
                                        const void *upper, size_t upper_size);
fastskip_status fsk_iterator_first(fastskip_iterator *it);
fastskip_status fsk_iterator_last(fastskip_iterator *it);
fastskip_status fsk_iterator_seek(fastskip_iterator *it, const void *key, size_t size);
fastskip_status fsk_iterator_seek_for_prev(fastskip_iterator *it, const void *key, size_t size);
fastskip_status fsk_iterator_next(fastskip_iterator *it);
/* Shows the present entry and those after it, up to room, and moves beyond them: the status of the last move. */
fastskip_status fsk_iterator_next_many(fastskip_iterator *it, fastskip_entry *entries, size_t room,
                                       size_t *count);
fastskip_status fsk_iterator_prev(fastskip_iterator *it);
void fsk_iterator_free(fastskip_iterator *it);

/* Inline: it is half of what a walk does. */
static inline void fsk_iterator_show(const fastskip_iterator *it, fastskip_entry *entry)
{
    fsk_version_show(&it->table->list.space, (fsk_ref)it->words[it->at], &it->seen, entry);
}

#endif
