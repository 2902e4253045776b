/*
 * checksum.h - the options `checksum` and `paranoid`: what they look at in entries and versions.
 *
 * A table without them has no fsk_checks, and pays for that question alone.
 *
 * Sum.  With `checksum` an entry and a version end with 4 bytes more, aligned to 4: the CRC-32C of
 *
 *     entry     key size, value size, key, [long value size,] value, w
 *     version   value size, owner, value, the entry's reference, older, list, what is in the list, w
 *
 * where w, 8 bytes, is what its word says for good.  In caller's mode that is the whole word, and `older`
 * is left out, as it changes.  In AUTO mode it is stamp, part-of-a-batch and kind: FSK_WORD_UNCOUNTED and
 * the reference of a record come and go.  So a version is not taken for one of another key, and in AUTO
 * mode a sound head vouches for the chain below it.
 *
 * Stamps.  In caller's mode the word is known before publication, and the sum is exact from then on.  In
 * AUTO mode a stamp goes into the word after publication, by the owner of the write or by whoever helps,
 * and word and sum are not changed in one step.  Therefore:
 *
 *   1. Before publication the sum is that of w without a stamp: the mark.
 *   2. Only the owner changes it after that, once, when the stamp is in the word for good: at the end of
 *      a single write, when a batch is settled, FSK_NEVER too.  The CRC is linear, so the owner adds
 *      the stamp's part to what is there; nothing that was damaged meanwhile is made good by that.
 *   3. A reader accepts the sum of the word that it read, or the mark.
 *   4. If neither fits, it reads the word again: the word has changed, then from the beginning; or it has
 *      not, then it is damaged.  The sum is stored with release after the stamp's CAS and loaded with
 *      acquire, so a reader who saw the owner's sum sees the stamp on the second look.  A word changes
 *      three times at most: the look ends.
 *   5. That is decided before anybody helps to stamp: a bit that turns may make a stamp 0.
 *
 * So from the return of a write on its sum is exact.  Between publication and return the stamp, and the bit
 * that a record holds it, are without protection; all else is covered by the mark.  A thread that stops there
 * leaves it so.
 *
 * Bounds.  A reference is looked at only if what it names lies inside the memory given out, sizes included.
 * Searches compare keys by their size before a sum was looked at; a size that is wrong leads FSK_SLACK
 * bytes too far at most, which the arena keeps readable behind the region.
 *
 * What is found is verified before it is answered.  That nothing was found is verified too: a key that
 * turned into another one is not where its own search looks, or not equal; a bound that turned leads the
 * search astray.  So the bounds of the leaf, what the key's part was computed from (the sample; for a rank the
 * words from birth), and each entry whose part does not rule it out, must be sound, and the key must lie between the bounds.  A word's part is compared, never
 * computed anew from a key that was not verified first: splits and index words verify theirs.
 *
 * Not covered by sums: `newest`, and in caller's mode `older`, which change after publication: they may be
 * led to another sound version of the same key, and a check of a sealed table then misses the others by
 * their number.  Blocks: see careful.h.  FSK_WORD_UNCOUNTED of what an aborted batch left behind.
 *
 * Relies on: crc32c, block, arena.  Used by: skiplist and above.
 */
#ifndef FSK_CHECKSUM_H
#define FSK_CHECKSUM_H

#include "arena.h"
#include "block.h"
#include "crc32c.h"
#include "entry.h"

#define FSK_SLACK (UINT64_C(65536) + FSK_LINE)
#define FSK_SUM_BYTES 4u

/* What a look at versions answers beside yes (1) and no (0). */
#define FSK_DAMAGED (-1)

typedef struct fsk_checks {
    const fsk_arena *arena;
    int checksum, paranoid;
    int caller;                    /* caller's sequence mode */
    const fsk_crc32c_table *table; /* NULL: the processor has an instruction */
} fsk_checks;

/* NO_MEMORY, or OK with a block that free() takes. */
fastskip_status fsk_checks_new(const fsk_arena *arena, uint32_t checksum, uint32_t paranoid,
                               int caller, fsk_checks **checks);

static inline int fsk_checked(const fsk_space *s)
{
    if (FSK_UNLIKELY(s->checks != NULL))
        return 1;
    return 0;
}

static inline int fsk_summed(const fsk_space *s)
{
    return fsk_checked(s) && s->checks->checksum;
}

static inline int fsk_paranoid(const fsk_space *s)
{
    return fsk_checked(s) && s->checks->paranoid;
}

/* The memory of an entry or version of `size` bytes. */
static inline uint64_t fsk_summed_bytes(const fsk_space *s, uint64_t size)
{
    return fsk_summed(s) ? fsk_round_up(size, FSK_SUM_BYTES) + FSK_SUM_BYTES : size;
}

/* ---- by the owner; only where there are sums ---- */

/* Of an entry that is complete and not published. */
void fsk_checksum_entry(const fsk_space *s, fsk_ref entry);

/* The same of a version: first what does not depend on where it is pushed, then the rest, as often as it
 * takes. */
uint32_t fsk_checksum_version_begin(const fsk_space *s, fsk_ref entry, fsk_ref version);
void fsk_checksum_version_end(const fsk_space *s, fsk_ref version, uint32_t state);

/* The version's word has its stamp for good.  extent: its bytes up to the end of the value, as the owner
 * knows them; what stands in memory may have been damaged. */
void fsk_checksum_stamped(const fsk_space *s, fsk_ref version, uint64_t extent, uint64_t stamp);

/* ---- by everyone; only where there are checks ---- */

/* Does this lie in what was given out? */
int fsk_checked_inside(const fsk_space *s, fsk_ref ref, uint64_t size);

/* fsk_arena_going of the table. */
int fsk_checked_going(const fsk_space *s, uint64_t steps, uint64_t size);

/* Is the version of an entry (version == entry: its own) as it was written, and what its list names too?
 * Without sums: does all of it lie inside? */
int fsk_checked_version(const fsk_space *s, fsk_ref entry, fsk_ref version);

/* The same for a bound or a sample; 0 is none. */
static inline int fsk_checked_key(const fsk_space *s, fsk_ref entry)
{
    return entry == 0 || fsk_checked_version(s, entry, entry);
}

/* Is it true that a key that was not found in this leaf is not in the table? */
int fsk_checked_absent(const fsk_space *s, const fsk_block *leaf, const fsk_key *key,
                       uint32_t part);

/* Does the key lie between the leaf's bounds, and are these sound? */
int fsk_checked_bounds(const fsk_space *s, const fsk_block *leaf, const fsk_key *key);

/* Can the part of a key in this block be relied on: is what it was computed from sound? */
int fsk_checked_parts(const fsk_space *s, const fsk_block *b);

/* Are all keys of a block sound that a split reads? */
int fsk_checked_block(const fsk_space *s, const fsk_block *b);

#endif
