/* skiplist.c - searching and inserting; see skiplist.h.  split.c holds what makes blocks. */
#include "skiplist.h"

#include "checksum.h"

/* Did the walk right end where the word beside leads?  Then that is what may lag. */
static int mend_beside(const fsk_list *l, const fsk_step *step)
{
    fsk_ref word;
    if (step->beside == FSK_NO_SLOT)
        return 0;
    word = fsk_load32_acquire(&step->parent->ref[step->beside]);
    if (fsk_list_fresh(l, fsk_block_at(&l->space, word)) != step->block)
        return 0;
    fsk_cas32_acq_rel(&step->parent->ref[step->beside], &word, fsk_ref_of(&l->space, step->block));
    return 1;
}

static void mend(fsk_list *l, fsk_writer *w, const fsk_step *step)
{
    fsk_ref word = step->word, fresh = fsk_ref_of(&l->space, step->fresh);
    if (step->parent == NULL) {
        if (step->block != step->fresh && w != NULL)
            fsk_list_grow(l, w, word, step->block);
        return;
    }
    if (fresh != word)
        fsk_cas32_acq_rel(&step->parent->ref[step->slot], &word, fresh);
    if (step->block != step->fresh && !mend_beside(l, step) &&
        fsk_list_append(l, step->parent, step->block) == FSK_NO_ROOM && w != NULL)
        fsk_list_split(l, w, step->parent);
}

/* Apart, so that the searches here need not keep their steps in memory. */
void fsk_list_mend(fsk_list *l, fsk_writer *w, const fsk_step *step)
{
    mend(l, w, step);
}

/* From the word in *step to the block on its level that holds the key. */
static inline void arrive(fsk_list *l, fsk_step *step, const fsk_key *k, uint32_t known,
                          uint32_t *part)
{
    fsk_block *b = fsk_list_fresh(l, fsk_block_at(&l->space, step->word));
    step->fresh = b;
    *part = fsk_block_part(&l->space, b, k, known);
    while (FSK_UNLIKELY(fsk_block_beyond(&l->space, b, k, *part))) {
        b = fsk_list_right(l, b);
        *part = fsk_block_part(&l->space, b, k, known);
    }
    step->block = b;
}

/* That a walk right ended where the word beside leads is no lag. */
static inline int lagged(const fsk_list *l, const fsk_step *step)
{
    if (FSK_UNLIKELY(step->block != step->fresh) &&
        (step->beside == FSK_NO_SLOT ||
         step->block !=
             fsk_block_at(&l->space, fsk_load32_acquire(&step->parent->ref[step->beside]))))
        return 1;
    return step->fresh != fsk_block_at(&l->space, step->word);
}

/* many: other searches go on meanwhile. */
static inline void descend(fsk_list *l, fsk_step *step, const fsk_key *k, uint32_t part, int many)
{
    step->parent = step->block;
    step->slot = many ? fsk_block_child_steady(&l->space, step->block, k, part, &step->beside)
                      : fsk_block_child(&l->space, step->block, k, part, 0, &step->beside);
    step->word = fsk_load32_acquire(&step->block->ref[step->slot]);
    fsk_block_prefetch(fsk_block_at(&l->space, step->word));
}

fsk_block *fsk_list_leaf(fsk_list *l, fsk_writer *w, const fsk_key *k, uint32_t *part)
{
    fsk_step step;
    uint32_t known = 0;
    step.parent = NULL;
    step.slot = 0;
    step.beside = FSK_NO_SLOT;
    step.word = fsk_load32_acquire(&l->root);
    for (;;) {
        arrive(l, &step, k, known, part);
        if (FSK_UNLIKELY(lagged(l, &step)))
            mend(l, w, &step);
        if (step.block->level == 0)
            return step.block;
        known = step.block->shared;
        descend(l, &step, k, *part, 0);
    }
}

fsk_block *fsk_list_block(fsk_list *l, unsigned level, const fsk_key *k)
{
    fsk_step step;
    uint32_t known = 0, part;
    step.word = fsk_load32_acquire(&l->root);
    while (k == NULL) { /* an index block's first word has the block's own low */
        step.block = fsk_list_fresh(l, fsk_block_at(&l->space, step.word));
        if (step.block->level == level)
            return step.block;
        step.word = fsk_load32_acquire(&step.block->ref[0]);
    }
    for (;;) {
        arrive(l, &step, k, known, &part);
        if (step.block->level == level)
            return step.block;
        known = step.block->shared;
        descend(l, &step, k, part, 0);
    }
}

/* The leaf whose range ends at or beyond the key; `soon`: where the search for it begins on its level. */
static fsk_block *leaf_below(fsk_list *l, const fsk_key *k, int soon)
{
    fsk_step step;
    step.parent = NULL;
    step.slot = 0;
    step.beside = FSK_NO_SLOT;
    step.word = fsk_load32_acquire(&l->root);
    for (;;) {
        step.fresh = step.block = fsk_list_fresh(l, fsk_block_at(&l->space, step.word));
        while (fsk_block_high_below(&l->space, step.block, k))
            step.block = fsk_list_right(l, step.block);
        if (lagged(l, &step))
            mend(l, NULL, &step);
        if (step.block->level == 0)
            return step.block;
        step.parent = step.block;
        step.slot = fsk_block_child_below(&l->space, step.block, k, &step.beside);
        step.word = fsk_load32_acquire(&step.block->ref[step.slot]);
        if (soon && step.block->level == 1) {
            fsk_block_prefetch(fsk_block_at(&l->space, step.word));
            return fsk_block_at(&l->space, step.word);
        }
    }
}

fsk_block *fsk_list_leaf_below(fsk_list *l, const fsk_key *k)
{
    return leaf_below(l, k, 0);
}

fsk_block *fsk_list_leaf_below_soon(fsk_list *l, const fsk_key *k)
{
    return leaf_below(l, k, 1);
}

void fsk_list_leaves(fsk_list *l, unsigned n, const fsk_key *keys, fsk_block **leaves,
                     uint32_t *parts)
{
    fsk_step step[FSK_GROUP];
    uint32_t known[FSK_GROUP];
    fsk_ref root = fsk_load32_acquire(&l->root);
    unsigned level = fsk_block_at(&l->space, root)->level + 1u;
    for (unsigned i = 0; i < n; i++) {
        step[i].parent = NULL;
        step[i].slot = 0;
        step[i].beside = FSK_NO_SLOT;
        step[i].word = root;
        known[i] = 0;
    }
    while (level-- > 0)
        for (unsigned i = 0; i < n; i++) {
            arrive(l, &step[i], &keys[i], known[i], &parts[i]);
            if (FSK_UNLIKELY(lagged(l, &step[i])))
                mend(l, NULL, &step[i]);
            if (level == 0) {
                leaves[i] = step[i].block;
            } else {
                known[i] = step[i].block->shared;
                descend(l, &step[i], &keys[i], parts[i], 1);
            }
        }
}

fsk_block *fsk_list_edge(fsk_list *l, fsk_writer *w, const fsk_key *k, uint32_t *part)
{
    fsk_block *b;
    if (w->shard == NULL || w->shard->edge == 0)
        return NULL;
    b = fsk_list_fresh(l, fsk_block_at(&l->space, w->shard->edge));
    if (b->high != 0 && (b = fsk_list_right(l, b))->high != 0)
        return NULL; /* others went on far beyond: a search is shorter */
    if (b->low != 0 && fsk_entry_compare(&l->space.order, fsk_entry_at(&l->space, b->low), k) > 0)
        return NULL;
    *part = fsk_block_part(&l->space, b, k, 0);
    return b;
}

fsk_block *fsk_list_edge_above_own(const fsk_list *l, const fsk_writer *w, const uint8_t *key,
                                   size_t size, uint32_t *part, uint32_t *from)
{
    const fsk_order *o = &l->space.order;
    const fsk_entry *e = fsk_entry_at(&l->space, w->shard->greatest);
    fsk_block *b = fsk_block_at(&l->space, w->shard->edge);
    if (fsk_load32_seq(&b->forward) != 0 ||
        fsk_compare(o, fsk_entry_key(e), e->key_size, key, size) >= 0)
        return NULL;
    *part = fsk_has_ranks(o) ? 2 * (uint32_t)b->sorted + 1 : fsk_abbreviate(o, key, size);
    *from = w->shard->above;
    return b;
}

/* Is an entry's key above that of the greatest so far?  Parts that are equal in a caller's order say nothing. */
static int above_greatest(const fsk_list *l, const fsk_shard *shard, uint32_t last, uint32_t part,
                          fsk_ref entry)
{
    const fsk_entry *e = fsk_entry_at(&l->space, shard->greatest);
    const fsk_entry *n = fsk_entry_at(&l->space, entry);
    if (last != part || l->space.order.compare == NULL)
        return last < part;
    return fsk_compare(&l->space.order, fsk_entry_key(e), e->key_size, fsk_entry_key(n),
                       n->key_size) < 0;
}

/* Slot i was taken by the first of the keys from slot `from` on that was not compared. */
static inline void remember(const fsk_list *l, fsk_shard *shard, const fsk_block *leaf,
                            uint32_t from, uint32_t i, uint32_t part, fsk_ref entry)
{
    uint64_t before = ((uint64_t)1 << i) - 1;
    fsk_ref edge = leaf->high == 0 ? fsk_ref_of(&l->space, leaf) : 0;
    int greatest = edge != 0 && i == from && i > 0;
    if (greatest && shard->greatest != 0 && shard->edge == edge && shard->above == i)
        greatest = above_greatest(l, shard, fsk_load32_relaxed(&leaf->part[i - 1]), part, entry);
    else if (greatest)
        greatest = (fsk_mask_less(leaf->part, part) & before) == before;
    shard->edge = edge;
    shard->greatest = greatest ? entry : 0;
    shard->above = i + 1;
}

int fsk_list_take(fsk_list *l, fsk_writer *w, fsk_block *leaf, uint32_t from, uint32_t part,
                  fsk_ref entry, const fsk_key *k, fsk_ref *present)
{
    for (uint32_t i = from; i < FSK_BLOCK_WORDS; i++) {
        fsk_ref there = fsk_load32_seq(&leaf->ref[i]);
        if (there == 0) {
            if (fsk_cas32_seq(&leaf->ref[i], &there, entry)) {
                fsk_store32_relaxed(&leaf->part[i], part);
                fsk_store32_release(&leaf->fill, i + 1);
                if (w->shard != NULL)
                    remember(l, w->shard, leaf, from, i, part, entry);
                return FSK_TAKEN;
            }
            fsk_arena_count(w, FSK_COUNT_RETRIES, 1);
        }
        if (fsk_entry_same(&l->space, fsk_entry_at(&l->space, there), k)) {
            *present = there;
            return FSK_PRESENT;
        }
    }
    return FSK_NO_ROOM;
}

unsigned fsk_list_word(const fsk_list *l, const fsk_block *parent, fsk_ref low, uint32_t part)
{
    if (parent->low == low)
        return 0;
    for (uint64_t m = fsk_mask_tie(parent->part, part); m != 0; m &= m - 1) {
        unsigned slot = fsk_lowest_bit(m);
        fsk_ref word = fsk_load32_acquire(&parent->ref[slot]);
        if (word == 0)
            break;
        if (fsk_block_at(&l->space, word)->low == low)
            return slot;
    }
    return FSK_NO_SLOT;
}

/* May an index block be given a word with the part of that key? */
FSK_COLD static int word_checked(const fsk_list *l, const fsk_block *parent, const fsk_block *block)
{
    const fsk_entry *low = fsk_entry_at(&l->space, block->low);
    fsk_key key;
    if (!fsk_checked_key(&l->space, block->low) || !fsk_checked_parts(&l->space, parent))
        return 0;
    fsk_key_set(&key, &l->space.order, fsk_entry_key(low), low->key_size);
    return fsk_checked_bounds(&l->space, parent, &key);
}

int fsk_list_append(fsk_list *l, fsk_block *parent, fsk_block *block)
{
    fsk_ref ref = fsk_ref_of(&l->space, block);
    uint32_t from = fsk_load32_acquire(&parent->fill); /* before the look: see fsk_list_take */
    uint32_t part;
    if (fsk_checked(&l->space) && !word_checked(l, parent, block))
        return FSK_DAMAGED;
    part = fsk_block_part_of(&l->space, parent, fsk_entry_at(&l->space, block->low));
    if (fsk_list_word(l, parent, block->low, part) != FSK_NO_SLOT)
        return FSK_PRESENT;
    for (uint32_t i = from; i < FSK_BLOCK_WORDS; i++) {
        fsk_ref there = fsk_load32_acquire(&parent->ref[i]);
        if (there == 0 && fsk_cas32_acq_rel(&parent->ref[i], &there, ref)) {
            fsk_store32_relaxed(&parent->part[i], part);
            fsk_store32_release(&parent->fill, i + 1);
            return FSK_PRESENT;
        }
        if (fsk_block_at(&l->space, there)->low == block->low)
            return FSK_PRESENT;
    }
    return FSK_NO_ROOM;
}
