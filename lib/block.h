/*
 * block.h - one block of the skip list: up to FSK_BLOCK_WORDS words over a range of keys.
 *
 * A leaf (level 0) has a word for each entry in its range; a block on level n + 1 has a word for each
 * block of level n that begins in it, as far as the promotions have come.  A word is a reference and a
 * part, 4 bytes of the key that the reference stands for: of the entry, or of the low end of the block.
 *
 * Invariants
 *   1. low, high, skip, shared, window, sample, level, sorted never change once the block is published.
 *      The range is [low, high); 0 means minus or plus infinity.
 *   2. Slots fill strictly from the left, each by one CAS of `ref` from 0, so the first empty one ends
 *      the block.  A leaf's `ref` never changes again; an index block's may be replaced by a block with
 *      the same low that the old one's forwards lead to.
 *   3. part[i] is FSK_UNKNOWN or the part of the key of ref[i].  It is stored after the CAS of ref[i], so
 *      a published word may still show FSK_UNKNOWN: read the key then.  A key beyond the block's prefix
 *      has FSK_UNKNOWN for good.
 *   4. The first `sorted` words were there from birth, in order.
 *   5. `fill` is a hint: every slot below it was taken.  It may lag and never ends a search.
 *   6. forward is 0 until the block is full, and is set once, to a block of the same low.  From then on
 *      nothing in the block but `next` changes.
 *   7. An index block holds from birth a word whose low is its own low, in slot 0; no two words of a
 *      block have one low.
 *   8. `next` is 0 exactly where high is 0; else it names a block whose low is this high, which may have
 *      been replaced since.
 *
 * Prefix.  All keys that the block had at birth share their first `skip` bytes (padded with zeros, see
 * key.h); a part is the 4 bytes after them.  A key below the prefix has part 0, one above FSK_UNKNOWN.
 * The last FSK_WINDOW bytes of the prefix stand in `window`, zeros before them where it is shorter, so
 * that comparing it reads no key; `sample` is an entry that has the whole of it.  All keys of an index
 * block's range share `shared` bytes: a search that comes from there has compared those.
 *
 * Rank.  In a caller's order without abbreviations a part is where the key stands among the words from
 * birth, which never change: 2 * i + 2 for word i itself, one more for what lies between it and the next,
 * FSK_RANK_BEYOND for the high end and above.  It orders as parts must, and costs a binary search: only the
 * few words that came between the same two need further comparisons.
 *
 * Memory order
 *   ref CAS and load: seq_cst on leaves (two readers must not see two inserts in different order),
 *     acq_rel and acquire above; the load pairs with the CAS and sees the entry or block behind it.
 *   forward: CAS seq_cst, load seq_cst; pairs likewise.  next: the same.
 *   part: relaxed both ways (invariant 3 asks nothing more).  fill: release and acquire: who sees
 *     fill > i sees that ref[i] was taken.
 *   On x86-64 seq_cst loads are plain loads.  Parts are compared by vector loads where there are some, each
 *   made once: see vector.h.
 *
 * Relies on: entry, key, parts, arena (references).  Used by: skiplist, iterator, check.
 */
#ifndef FSK_BLOCK_H
#define FSK_BLOCK_H

#include "arena.h"
#include "atomic.h"
#include "compiler.h"
#include "entry.h"
#include "key.h"
#include "parts.h"

#define FSK_RANK_BEYOND 0xfffffffeu
#define FSK_NO_SLOT FSK_BLOCK_WORDS      /* for the number of a slot: none */
#define FSK_ENTRY_HEAD sizeof(fsk_entry) /* bytes before an entry's key */

typedef struct {
    fsk_atomic32 forward, next, fill;
    fsk_ref low, high;
    uint32_t high_part; /* FSK_UNKNOWN where high is 0 */
    fsk_ref sample;     /* 0: no prefix */
    uint16_t skip, shared;
    uint8_t level, sorted;
    uint8_t pad[6];
    uint8_t window[FSK_WINDOW];
    fsk_atomic32 part[FSK_BLOCK_WORDS];
    fsk_atomic32 ref[FSK_BLOCK_WORDS];
} fsk_block;

/* What it takes to read the keys behind references. */
typedef struct {
    char *base;
    fsk_order order;
    const struct fsk_checks *checks; /* NULL: neither `checksum` nor `paranoid`; checksum.h */
} fsk_space;

/* A word read out of a block, with the entry whose key it stands for (0: minus infinity). */
typedef struct {
    uint32_t part;
    fsk_ref ref;
    fsk_ref key;
} fsk_word;

static inline fsk_entry *fsk_entry_at(const fsk_space *s, fsk_ref ref)
{
    return (fsk_entry *)(void *)(s->base + (uint64_t)ref * FSK_UNIT);
}

static inline fsk_block *fsk_block_at(const fsk_space *s, fsk_ref ref)
{
    return (fsk_block *)(void *)(s->base + (uint64_t)ref * FSK_UNIT);
}

static inline fsk_version *fsk_version_at(const fsk_space *s, fsk_ref ref)
{
    return (fsk_version *)(void *)(s->base + (uint64_t)ref * FSK_UNIT);
}

static inline fsk_list_below *fsk_list_below_at(const fsk_space *s, fsk_ref ref)
{
    return (fsk_list_below *)(void *)(s->base + (uint64_t)ref * FSK_UNIT);
}

static inline fsk_ref fsk_ref_of(const fsk_space *s, const void *p)
{
    return (fsk_ref)((uint64_t)((const char *)p - s->base) / FSK_UNIT);
}

/* Makes an empty block; parts FSK_UNKNOWN, refs 0.  The prefix is the first `skip` bytes of sample. */
void fsk_block_init(const fsk_space *s, fsk_block *b, unsigned level, fsk_ref low, fsk_ref high,
                    fsk_ref sample, size_t skip);

/* The same, with the prefix of another block of the level; high_part: the part of `high` in it. */
void fsk_block_init_like(fsk_block *b, const fsk_block *like, fsk_ref low, fsk_ref high,
                         uint32_t high_part);

/* Puts a word into an unpublished block, in order. */
void fsk_block_push(const fsk_space *s, fsk_block *b, fsk_ref ref, fsk_ref key);

/* Puts n words of known parts into an empty one. */
void fsk_block_fill(fsk_block *b, const fsk_word *words, unsigned n);

/* The part of an entry's key in this block. */
uint32_t fsk_block_part_of(const fsk_space *s, const fsk_block *b, const fsk_entry *e);

/*
 * The words of a leaf in order, each with its part in the upper half and its reference in the lower; how
 * many there are.  Reads only the keys of words that their parts do not tell apart.
 */
unsigned fsk_block_leaf_words(const fsk_space *s, const fsk_block *b, uint64_t *words);

/* The words of a block in order; how many there are.  Of a leaf's entries the first `span` bytes are
 * fetched into the cache. */
unsigned fsk_block_gather(const fsk_space *s, const fsk_block *b, fsk_word *words, size_t span);

/* Order of two words of one block. */
int fsk_word_compare(const fsk_space *s, const fsk_word *a, const fsk_word *b);

/* The entry that word `ref` of a block stands for; 0 is minus infinity. */
fsk_ref fsk_block_key_of(const fsk_space *s, const fsk_block *b, fsk_ref ref);

/* The part of a key in an order without abbreviations. */
uint32_t fsk_block_rank(const fsk_space *s, const fsk_block *b, const fsk_key *k);

int fsk_block_prefix_slow(const fsk_space *s, const fsk_block *b, const fsk_key *k, uint32_t known);
unsigned fsk_block_child_slow(const fsk_space *s, const fsk_block *b, const fsk_key *k,
                              uint32_t part, int strict, unsigned *beside);

/* For a search that wants what lies below key (NULL: plus infinity), strictly. */
int fsk_block_high_below(const fsk_space *s, const fsk_block *b, const fsk_key *k);
unsigned fsk_block_child_below(const fsk_space *s, const fsk_block *b, const fsk_key *k,
                               unsigned *beside);

FSK_FETCHER void fsk_block_prefetch(const fsk_block *b)
{
    for (size_t i = 0; i < sizeof *b; i += FSK_LINE)
        FSK_PREFETCH((const char *)b + i);
}

/* The first `span` bytes of an entry, up to two lines. */
FSK_FETCHER void fsk_entry_prefetch(const fsk_space *s, fsk_ref ref, size_t span)
{
    const char *p = s->base + (uint64_t)ref * FSK_UNIT;
    FSK_PREFETCH(p);
    FSK_PREFETCH(p + (span < FSK_LINE ? span : FSK_LINE));
}

/* ---- where a key stands ---- */

/*
 * The part of a key in this block.  The caller knows that the key shares its first `known` bytes with
 * every key of the block's range.
 */
static inline uint32_t fsk_block_part(const fsk_space *s, const fsk_block *b, const fsk_key *k,
                                      uint32_t known)
{
    uint32_t skip = b->skip;
    const uint8_t *at;
    int c;
    if (FSK_UNLIKELY(s->order.compare != NULL))
        return fsk_has_ranks(&s->order) ? fsk_block_rank(s, b, k) : k->abbreviation;
    at = fsk_key_window(k, skip);
    if (FSK_LIKELY(at != NULL && skip <= known + FSK_WINDOW)) {
        const uint8_t *p = at - FSK_WINDOW;
        uint64_t differs = (fsk_load_raw64(p) ^ fsk_load_raw64(b->window)) |
                           (fsk_load_raw64(p + 8) ^ fsk_load_raw64(b->window + 8)) |
                           (fsk_load_raw64(p + 16) ^ fsk_load_raw64(b->window + 16));
        if (FSK_LIKELY(differs == 0))
            return fsk_big_endian32(at);
        c = memcmp(p, b->window, FSK_WINDOW);
    } else {
        c = fsk_block_prefix_slow(s, b, k, known);
        if (c == 0)
            return fsk_part_bytes(k->data, k->size, skip);
    }
    return c < 0 ? 0 : FSK_UNKNOWN;
}

/* Is the key at or beyond the block's high end? */
static inline int fsk_block_beyond(const fsk_space *s, const fsk_block *b, const fsk_key *k,
                                   uint32_t part)
{
    if (FSK_LIKELY(part != b->high_part)) /* plus infinity's is above all */
        return part > b->high_part;
    return b->high != 0 && fsk_entry_compare(&s->order, fsk_entry_at(s, b->high), k) <= 0;
}

static inline int fsk_entry_same(const fsk_space *s, const fsk_entry *e, const fsk_key *k)
{
    if (FSK_UNLIKELY(s->order.compare != NULL))
        return fsk_entry_compare(&s->order, e, k) == 0;
    return fsk_entry_has_key(e, k->data, k->size);
}

/*
 * The entry of a key in a leaf, or 0.  Sees every word that was there when it was called.  One pass: a
 * part that is stored between a look for it and a look for unknown ones would be missed by both, and a
 * read would miss what an earlier one saw, an insert put the key in twice (test/models/leaf.c).
 */
static inline fsk_ref fsk_block_find(const fsk_space *s, const fsk_block *b, const fsk_key *k,
                                     uint32_t part)
{
    for (uint64_t m = fsk_mask_tie(b->part, part); m != 0; m &= m - 1) {
        fsk_ref ref = fsk_load32_seq(&b->ref[fsk_lowest_bit(m)]);
        if (ref == 0)
            break;
        /* Where the value begins is wanted next, and is on another line in one of two entries. */
        FSK_PREFETCH((const char *)fsk_entry_at(s, ref) + FSK_ENTRY_HEAD + k->size);
        if (FSK_LIKELY(fsk_entry_same(s, fsk_entry_at(s, ref), k)))
            return ref;
    }
    return 0;
}

/*
 * What to do about words that the part does not decide.  To compare the key costs two cache misses, one after the
 * other.  A search that goes on from the greatest word of a part below walks right to the block of such a word if
 * that is at or before the key; a lone one is in slot *beside (FSK_NO_SLOT: there is none), and fetched with the
 * other if it may well be the one.  False: there are several, or the key is beyond the prefix; compare the keys.
 */
static inline int fsk_block_beside(const fsk_space *s, const fsk_block *b, uint32_t part,
                                   uint64_t tie, unsigned *beside)
{
    unsigned slot;
    fsk_ref word;
    *beside = FSK_NO_SLOT;
    /* Unpublished slots are at the end, so the first such word tells. */
    if (tie == 0 || (word = fsk_load32_acquire(&b->ref[slot = fsk_lowest_bit(tie)])) == 0)
        return 1;
    tie &= tie - 1;
    if (part == FSK_UNKNOWN || (tie != 0 && fsk_load32_acquire(&b->ref[fsk_lowest_bit(tie)]) != 0))
        return 0;
    *beside = slot;
    if (fsk_load32_relaxed(&b->part[slot]) == part)
        fsk_block_prefetch(fsk_block_at(s, word));
    return 1;
}

/*
 * The slot of the greatest word of an index block whose low is <= key (strict: < key), or of the one before it:
 * then the greatest is in *beside.  The block's range holds such a key, so slot 0, whose low is the block's own,
 * always does.
 *
 * There are two ways.  The second has no branch that is often mispredicted, but it takes longer until the slot is
 * known.  So the first is for one search after the other, the second, which is not strict, for many at once.
 */
static inline unsigned fsk_block_child(const fsk_space *s, const fsk_block *b, const fsk_key *k,
                                       uint32_t part, int strict, unsigned *beside)
{
    fsk_order_masks m = fsk_mask_order(b->part, part);
    uint64_t born = ((uint64_t)1 << b->sorted) - 1, late;
    unsigned slot;
    uint32_t best;
    if (FSK_UNLIKELY(!fsk_block_beside(s, b, part, m.tie, beside) || (m.less & born & 1) == 0))
        return fsk_block_child_slow(s, b, k, part, strict, beside);
    /* Words from birth are in order, so those that are less are the lowest bits. */
    slot = fsk_lowest_bit(~(m.less & born)) - 1;
    best = fsk_load32_relaxed(&b->part[slot]);
    /* Of those that came later few lie between that one and the key. */
    late = m.less & ~born & ~fsk_mask_less(b->part, best);
    for (; FSK_UNLIKELY(late != 0); late &= late - 1) {
        unsigned i = fsk_lowest_bit(late);
        uint32_t p = fsk_load32_relaxed(&b->part[i]);
        if (p == best)
            return fsk_block_child_slow(s, b, k, part, strict, beside);
        if (p > best) {
            best = p;
            slot = i;
        }
    }
    /* A part may be seen before its ref where loads are not ordered. */
    return fsk_load32_acquire(&b->ref[slot]) != 0
               ? slot
               : fsk_block_child_slow(s, b, k, part, strict, beside);
}

static inline unsigned fsk_block_child_steady(const fsk_space *s, const fsk_block *b,
                                              const fsk_key *k, uint32_t part, unsigned *beside)
{
    fsk_child_masks m = fsk_mask_child(b->part, part);
    unsigned slot;
    if (FSK_UNLIKELY(!fsk_block_beside(s, b, part, m.tie, beside) || m.below == 0))
        return fsk_block_child_slow(s, b, k, part, 0, beside);
    /* Words from birth are in order, also where their parts are equal. */
    if (FSK_UNLIKELY((m.below & (m.below - 1)) != 0 && m.below >> b->sorted != 0))
        return fsk_block_child_slow(s, b, k, part, 0, beside);
    slot = fsk_highest_bit(m.below);
    return fsk_load32_acquire(&b->ref[slot]) != 0 ? slot
                                                  : fsk_block_child_slow(s, b, k, part, 0, beside);
}

#endif
