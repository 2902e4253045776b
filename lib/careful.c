/* careful.c - see careful.h. */
#include "careful.h"

/* ---- blocks ---- */

static int key_inside(const fsk_space *s, fsk_ref entry)
{
    return fsk_checked_inside(s, entry, sizeof(fsk_entry));
}

static int bound_inside(const fsk_space *s, fsk_ref entry)
{
    return entry == 0 || key_inside(s, entry);
}

static fsk_block *block_sound(const fsk_space *s, fsk_ref ref, unsigned level)
{
    fsk_block *b = fsk_block_at(s, ref);
    uint32_t fill;
    if (!fsk_checked_inside(s, ref, sizeof *b) || (uint64_t)ref * FSK_UNIT % FSK_LINE != 0)
        return NULL;
    if (b->level != level || b->sorted > FSK_BLOCK_WORDS || (b->skip != 0 && b->sample == 0))
        return NULL;
    fill = fsk_load32_acquire(&b->fill);
    if (fill > FSK_BLOCK_WORDS || (fill > 0 && fsk_load32_seq(&b->ref[fill - 1]) == 0))
        return NULL;
    return bound_inside(s, b->low) && bound_inside(s, b->high) && bound_inside(s, b->sample) ? b
                                                                                             : NULL;
}

static int going(const fsk_space *s, uint64_t steps)
{
    return fsk_checked_going(s, steps, sizeof(fsk_block));
}

/* Where forwards lead. */
static fsk_block *fresh(const fsk_space *s, fsk_ref ref, unsigned level)
{
    fsk_block *b = block_sound(s, ref, level);
    for (uint64_t steps = 0; b != NULL && going(s, steps); steps++) {
        fsk_ref forward = fsk_load32_seq(&b->forward);
        fsk_block *next;
        if (forward == 0)
            return b;
        next = block_sound(s, forward, level);
        b = next != NULL && next->low == b->low ? next : NULL;
    }
    return NULL;
}

fsk_block *fsk_careful_right(const fsk_list *l, fsk_block *b)
{
    fsk_ref next = fsk_load32_seq(&b->next), ref;
    fsk_block *right;
    if (!fsk_paranoid(&l->space))
        return fsk_list_right(l, b);
    right = fresh(&l->space, next, b->level);
    if (right == NULL || right->low == 0 || right->low != b->high)
        return NULL;
    ref = fsk_ref_of(&l->space, right);
    if (ref != next)
        fsk_cas32_seq(&b->next, &next, ref);
    return right;
}

int fsk_careful_next(const fsk_list *l, fsk_block **block)
{
    fsk_block *b = *block;
    int is_last = fsk_load32_seq(&b->next) == 0;
    *block = is_last ? NULL : fsk_careful_right(l, b);
    return is_last ? b->high == 0 : *block != NULL;
}

fsk_block *fsk_careful_first(fsk_list *l)
{
    fsk_block *b;
    if (!fsk_paranoid(&l->space))
        return fsk_list_first(l);
    b = fresh(&l->space, fsk_load32_seq(&l->first), 0);
    return b != NULL && b->low == 0 ? fsk_list_first(l) : NULL;
}

static int words_inside(const fsk_space *s, const fsk_block *leaf)
{
    for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++) {
        fsk_ref ref = fsk_load32_seq(&leaf->ref[i]);
        if (ref == 0)
            break;
        if (!key_inside(s, ref))
            return 0;
    }
    return 1;
}

int fsk_careful_block(const fsk_space *s, const fsk_block *b, unsigned level)
{
    fsk_ref next = fsk_load32_seq(&b->next);
    if (next != 0 && fresh(s, next, level) == NULL)
        return 0;
    if (level == 0)
        return words_inside(s, b);
    for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++) {
        fsk_ref ref = fsk_load32_seq(&b->ref[i]);
        if (ref == 0)
            break;
        if (fresh(s, ref, level - 1) == NULL)
            return 0;
    }
    return 1;
}

fsk_ref fsk_careful_find(const fsk_space *s, const fsk_block *leaf, const fsk_key *k, uint32_t part)
{
    if (!fsk_paranoid(s))
        return fsk_block_find(s, leaf, k, part);
    for (uint64_t m = fsk_mask_tie(leaf->part, part); m != 0; m &= m - 1) {
        fsk_ref ref = fsk_load32_seq(&leaf->ref[fsk_lowest_bit(m)]);
        if (ref == 0)
            break;
        if (key_inside(s, ref) && fsk_entry_same(s, fsk_entry_at(s, ref), k))
            return ref;
    }
    return 0;
}

/* ---- going down ---- */

/* The low of a word's block: not 0, as only slot 0 may have minus infinity.  NULL: damaged. */
static const fsk_entry *low_of(const fsk_space *s, const fsk_block *b, unsigned slot)
{
    fsk_block *child = block_sound(s, fsk_load32_acquire(&b->ref[slot]), b->level - 1u);
    return child != NULL && child->low != 0 ? fsk_entry_at(s, child->low) : NULL;
}

static int is_above(const fsk_space *s, const fsk_entry *x, const fsk_entry *y)
{
    return fsk_compare(&s->order, fsk_entry_key(x), x->key_size, fsk_entry_key(y), y->key_size) > 0;
}

/* The greatest child at or before the key (strict: before it), as child_by_keys in block.c.  key NULL is
 * plus infinity. */
static unsigned child(const fsk_space *s, const fsk_block *b, const fsk_key *k, uint32_t part,
                      int strict)
{
    unsigned best = 0;
    uint32_t best_part = fsk_load32_relaxed(&b->part[0]);
    if (fsk_load32_acquire(&b->ref[0]) == 0)
        return FSK_NO_SLOT;
    for (unsigned i = 1; i < FSK_BLOCK_WORDS && fsk_load32_acquire(&b->ref[i]) != 0; i++) {
        uint32_t p = fsk_load32_relaxed(&b->part[i]);
        int unknown = p == FSK_UNKNOWN, tie = p == best_part || best_part == FSK_UNKNOWN;
        const fsk_entry *low, *other;
        if (!unknown && (p > part || (p < part && p < best_part && best_part != FSK_UNKNOWN)))
            continue;
        low = p == part || unknown || tie ? low_of(s, b, i) : NULL;
        if ((p == part || unknown || tie) && low == NULL)
            return FSK_NO_SLOT;
        if ((p == part || unknown) && k != NULL) {
            int c = fsk_entry_compare(&s->order, low, k);
            if (c > 0 || (c == 0 && strict))
                continue;
        }
        if ((unknown || tie) && best != 0) {
            other = low_of(s, b, best);
            if (other == NULL)
                return FSK_NO_SLOT;
            if (!is_above(s, low, other))
                continue;
        } else if (!unknown && !tie && p < best_part) {
            continue;
        }
        best = i;
        best_part = p;
    }
    return best;
}

/* The key's part in a block; 0: a rank is found by keys of words, and these lie outside. */
static int part_in(const fsk_space *s, const fsk_block *b, const fsk_key *k, uint32_t *part)
{
    if (fsk_has_ranks(&s->order) && !fsk_careful_block(s, b, b->level))
        return 0;
    *part = fsk_block_part(s, b, k, 0);
    return 1;
}

/* To the block of a level that holds the key, from the word in *step.  0: damaged. */
static int arrive(fsk_list *l, fsk_step *step, unsigned level, const fsk_key *k, uint32_t *part)
{
    fsk_block *b = fresh(&l->space, step->word, level);
    step->fresh = b;
    for (uint64_t steps = 0; b != NULL && going(&l->space, steps); steps++) {
        if (!part_in(&l->space, b, k, part))
            return 0;
        step->block = b;
        if (!fsk_block_beyond(&l->space, b, k, *part))
            return 1;
        b = fsk_careful_right(l, b);
    }
    return 0;
}

static int arrive_below(fsk_list *l, fsk_step *step, unsigned level, const fsk_key *k)
{
    fsk_block *b = fresh(&l->space, step->word, level);
    step->fresh = b;
    for (uint64_t steps = 0; b != NULL && going(&l->space, steps); steps++) {
        step->block = b;
        if (!fsk_block_high_below(&l->space, b, k))
            return 1;
        b = fsk_careful_right(l, b);
    }
    return 0;
}

static int begin(fsk_list *l, fsk_step *step, unsigned *level)
{
    step->parent = NULL;
    step->slot = 0;
    step->word = fsk_load32_acquire(&l->root);
    if (!fsk_checked_inside(&l->space, step->word, sizeof(fsk_block)))
        return 0;
    *level = fsk_block_at(&l->space, step->word)->level;
    return 1;
}

/* Takes the word of a child.  0: damaged. */
static int descend(fsk_list *l, fsk_step *step, unsigned slot)
{
    if (slot == FSK_NO_SLOT)
        return 0;
    step->parent = step->block;
    step->slot = slot;
    step->beside = FSK_NO_SLOT;
    step->word = fsk_load32_acquire(&step->block->ref[slot]);
    fsk_block_prefetch(fsk_block_at(&l->space, step->word));
    return 1;
}

static int lagged(const fsk_list *l, const fsk_step *step)
{
    return step->block != step->fresh || step->fresh != fsk_block_at(&l->space, step->word);
}

fsk_block *fsk_careful_leaf(fsk_list *l, fsk_writer *w, const fsk_key *k, uint32_t *part)
{
    fsk_step step;
    unsigned level;
    if (!fsk_paranoid(&l->space)) {
        fsk_block *edge = w != NULL ? fsk_list_edge(l, w, k, part) : NULL;
        return edge != NULL ? edge : fsk_list_leaf(l, w, k, part);
    }
    if (!begin(l, &step, &level))
        return NULL;
    for (;; level--) {
        if (!arrive(l, &step, level, k, part))
            return NULL;
        if (lagged(l, &step))
            fsk_list_mend(l, w, &step);
        if (level == 0)
            return fsk_checked_bounds(&l->space, step.block, k) ? step.block : NULL;
        if (!descend(l, &step, child(&l->space, step.block, k, *part, 0)))
            return NULL;
    }
}

fsk_block *fsk_careful_level(fsk_list *l, unsigned wanted, const fsk_key *k)
{
    fsk_step step;
    unsigned level;
    uint32_t part;
    if (!fsk_paranoid(&l->space))
        return fsk_list_block(l, wanted, k);
    if (!begin(l, &step, &level))
        return NULL;
    for (;; level--) {
        if (k != NULL ? !arrive(l, &step, level, k, &part)
                      : (step.block = fresh(&l->space, step.word, level)) == NULL)
            return NULL;
        if (level <= wanted)
            return level == wanted ? step.block : NULL;
        if (!descend(l, &step, k != NULL ? child(&l->space, step.block, k, part, 0) : 0))
            return NULL;
    }
}

fsk_block *fsk_careful_leaf_below(fsk_list *l, const fsk_key *k)
{
    fsk_step step;
    unsigned level;
    uint32_t part = FSK_UNKNOWN;
    if (!fsk_paranoid(&l->space))
        return fsk_list_leaf_below(l, k);
    if (!begin(l, &step, &level))
        return NULL;
    for (;; level--) {
        if (!arrive_below(l, &step, level, k))
            return NULL;
        if (lagged(l, &step))
            fsk_list_mend(l, NULL, &step);
        if (level == 0)
            return step.block;
        if (k != NULL && !part_in(&l->space, step.block, k, &part))
            return NULL;
        if (!descend(l, &step, child(&l->space, step.block, k, part, 1)))
            return NULL;
    }
}
