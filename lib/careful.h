/*
 * careful.h - searches that believe no block, for tables with `paranoid`.
 *
 * A block is used only if it lies inside the memory given out, on the level where it should be, with its
 * ends and sample inside, and beginning where the search expects it; chains of blocks are no longer than
 * the region has room for.  The leaf where a search ends must hold the key between its ends, compared by
 * the keys themselves: whatever an index says that is wrong leads to another leaf, and shows there.
 *
 * Without `paranoid` these are the searches of skiplist.h.  They mend as these do.
 *
 * Relies on: checksum, skiplist.  Used by: memtable, iterator.
 */
#ifndef FSK_CAREFUL_H
#define FSK_CAREFUL_H

#include "checksum.h"
#include "skiplist.h"

/* As fsk_list_leaf, a remembered right edge included; NULL: damaged. */
fsk_block *fsk_careful_leaf(fsk_list *list, fsk_writer *writer, const fsk_key *key, uint32_t *part);

/* As fsk_list_leaf_below; NULL: damaged. */
fsk_block *fsk_careful_leaf_below(fsk_list *list, const fsk_key *key);

/* As fsk_list_block; NULL: damaged. */
fsk_block *fsk_careful_level(fsk_list *list, unsigned level, const fsk_key *key);

/* As fsk_list_first, and fsk_list_right where there is a block to the right; NULL: damaged. */
fsk_block *fsk_careful_first(fsk_list *list);
fsk_block *fsk_careful_right(const fsk_list *list, fsk_block *block);

/* To the block to the right, or NULL at the end.  0: damaged. */
int fsk_careful_next(const fsk_list *list, fsk_block **block);

/* As fsk_block_find; passes over what is damaged, which fsk_checked_absent finds. */
fsk_ref fsk_careful_find(const fsk_space *s, const fsk_block *leaf, const fsk_key *key,
                         uint32_t part);

/* Does what the words of a block on this level that one of these has found name lie inside, and the block
 * to the right? */
int fsk_careful_block(const fsk_space *s, const fsk_block *b, unsigned level);

#endif
