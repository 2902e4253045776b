/*
 * check.c - looks whether every rule of a table's structure holds; see the invariants in block.h,
 * skiplist.h and version.h.
 *
 * It may run beside writes, so it asks only for what holds at every instant.  It is meant for damaged
 * memory too: no reference is followed before it is known to lie inside the region, and every walk is
 * bounded by how much the region can hold.  With sums it verifies them, and of a sealed table compares what
 * it met with what was counted.
 */
#include "memtable.h"

typedef struct {
    fastskip_table *table;
    const fsk_space *space;
    uint64_t keys, versions; /* met, with sums: what was counted when they were written */
} checking;

static int inside(const checking *g, fsk_ref ref, uint64_t size)
{
    return fsk_arena_inside(&g->table->arena, ref, size);
}

static int going(const checking *g, uint64_t steps, uint64_t size)
{
    return fsk_arena_going(&g->table->arena, steps, size);
}

static int entry_sound(checking *g, fsk_ref ref)
{
    const fsk_entry *e;
    if (!inside(g, ref, sizeof *e))
        return 0;
    e = fsk_entry_at(g->space, ref);
    if (!inside(g, ref, sizeof *e + e->key_size + sizeof(uint32_t)) &&
        e->short_value_size == FSK_LONG_VALUE)
        return 0;
    return inside(g, ref, (uint64_t)sizeof *e + e->key_size + fsk_entry_value_size(e));
}

static int bound_sound(checking *g, fsk_ref ref)
{
    return ref == 0 || entry_sound(g, ref);
}

static int compare_entries(const checking *g, fsk_ref a, fsk_ref b)
{
    const fsk_entry *x = fsk_entry_at(g->space, a), *y = fsk_entry_at(g->space, b);
    return fsk_compare(&g->space->order, fsk_entry_key(x), x->key_size, fsk_entry_key(y),
                       y->key_size);
}

/* What fsk_block_init made of the ends and the sample. */
static int prefix_sound(const checking *g, const fsk_block *b)
{
    fsk_block made;
    fsk_block_init(g->space, &made, b->level, b->low, b->high, b->sample, b->skip);
    return made.skip == b->skip && made.sample == b->sample && made.shared == b->shared &&
           made.high_part == b->high_part && memcmp(made.window, b->window, FSK_WINDOW) == 0;
}

static int block_sound(checking *g, fsk_ref ref, unsigned level)
{
    const fsk_block *b;
    if (!inside(g, ref, sizeof *b) || (uint64_t)ref * FSK_UNIT % FSK_LINE != 0)
        return 0;
    b = fsk_block_at(g->space, ref);
    return b->level == level && b->sorted <= FSK_BLOCK_WORDS && bound_sound(g, b->low) &&
           bound_sound(g, b->high) && bound_sound(g, b->sample) &&
           (b->low == 0 || b->high == 0 || compare_entries(g, b->low, b->high) < 0) &&
           prefix_sound(g, b);
}

/* Where forwards lead; NULL if not to a sound block of the same low. */
static fsk_block *fresh_sound(checking *g, fsk_ref ref, unsigned level)
{
    for (uint64_t steps = 0; going(g, steps, sizeof(fsk_block)) && block_sound(g, ref, level);
         steps++) {
        fsk_block *b = fsk_block_at(g->space, ref);
        fsk_ref forward = fsk_load32_seq(&b->forward);
        if (forward == 0)
            return b;
        if (!block_sound(g, forward, level) || fsk_block_at(g->space, forward)->low != b->low)
            return NULL;
        ref = forward;
    }
    return NULL;
}

/* ---- versions ---- */

static int list_sound(checking *g, fsk_ref ref)
{
    const fsk_list_below *l;
    if (ref == 0)
        return 1;
    if (!inside(g, ref, sizeof *l))
        return 0;
    l = fsk_list_below_at(g->space, ref);
    if (l->count > l->room || !inside(g, ref, sizeof *l + (uint64_t)l->room * sizeof l->member[0]))
        return 0;
    for (uint32_t i = 0; i < l->count; i++)
        if (!inside(g, l->member[i].version, sizeof(fsk_version)) ||
            !inside(g, l->member[i].record, sizeof(fsk_record)))
            return 0;
    return 1;
}

/* A word's stamp is one that the clock has shown, or none; `last` is that of the single write above. */
static int word_sound(checking *g, fsk_ref version, uint64_t *last)
{
    uint64_t word = fsk_load64_acquire(fsk_word_at(g->space, version));
    uint64_t stamp = (word & FSK_WORD_STAMP) >> FSK_WORD_SHIFT;
    if ((word & FSK_WORD_RECORD) != 0)
        return inside(g, (fsk_ref)(word >> FSK_WORD_SHIFT), sizeof(fsk_record));
    if ((word & FSK_WORD_BATCH) != 0)
        return stamp == FSK_NEVER ||
               (stamp != 0 && stamp <= fsk_load64_seq(&g->table->clock.clock));
    if (stamp == 0)
        return 1; /* its writer is about to */
    if (stamp > fsk_load64_seq(&g->table->clock.clock) || stamp > *last)
        return 0;
    *last = stamp;
    return 1;
}

static int version_sound(checking *g, fsk_ref ref)
{
    const fsk_version *v;
    if (!inside(g, ref, sizeof *v))
        return 0;
    v = fsk_version_at(g->space, ref);
    return inside(g, ref, fsk_version_bytes(v->value_size));
}

/* Verifies the sums of all versions of an entry, its own among them, and adds up how many were counted: all
 * but those that nobody is ever to see. */
static int sums_sound(checking *g, fsk_ref entry)
{
    fastskip_table *t = g->table;
    size_t n;
    if (!fsk_summed(g->space))
        return 1;
    n = fsk_version_all(&t->clock, entry, fsk_table_latest(t), t->caller, NULL, 0);
    if (n == FSK_ALL_DAMAGED)
        return 0;
    g->versions += n;
    g->keys += n != 0;
    return 1;
}

/* Is a version that is marked what FSK_PLAIN says? */
static int plain_sound(const fsk_version *v)
{
    uint64_t word = fsk_load64_acquire(&v->word);
    return v->owner == 0 && v->list == 0 && (word & (FSK_WORD_RECORD | FSK_WORD_BATCH)) == 0 &&
           (word & FSK_WORD_STAMP) != 0;
}

static int chain_sound(checking *g, fsk_ref entry)
{
    const fsk_entry *e = fsk_entry_at(g->space, entry);
    uint64_t steps = 0, last = FSK_LATEST;
    fsk_ref newest = fsk_load32_seq(&e->newest);
    fsk_ref ref = fsk_version_head(&g->table->clock, entry, newest);
    for (; ref != entry; steps++) {
        const fsk_version *v;
        if (!going(g, steps, sizeof(fsk_version)) || !version_sound(g, ref))
            return 0;
        v = fsk_version_at(g->space, ref);
        if (!word_sound(g, ref, &last) || !list_sound(g, v->list))
            return 0;
        if (steps == 0 && (newest & g->table->clock.plain) != 0 && !plain_sound(v))
            return 0;
        ref = fsk_load32_seq(&v->older);
        if (ref == 0)
            return 0; /* it ends at the entry's own version */
    }
    return word_sound(g, entry, &last);
}

static int numbered_sound(checking *g, fsk_ref entry)
{
    const fsk_entry *e = fsk_entry_at(g->space, entry);
    uint64_t last = UINT64_MAX;
    fsk_ref ref = fsk_load32_seq(&e->newest);
    int inline_met = 0;
    if (ref == 0)
        ref = entry;
    while (ref != 0) { /* the numbers fall, so it ends */
        uint64_t number;
        if (ref != entry && !version_sound(g, ref))
            return 0;
        number = fsk_load64_relaxed(fsk_word_at(g->space, ref)) >> FSK_WORD_SHIFT;
        if (number == 0 || number >= last)
            return 0;
        last = number;
        inline_met |= ref == entry;
        ref = fsk_load32_seq(ref == entry ? fsk_entry_older(e)
                                          : &fsk_version_at(g->space, ref)->older);
    }
    return inline_met;
}

/* ---- blocks ---- */

/* Is the key of a word (0: minus infinity, in the index alone) inside the block's range? */
static int in_range(const checking *g, const fsk_block *b, fsk_ref key)
{
    if (key == 0)
        return b->low == 0;
    if (b->low != 0 && compare_entries(g, b->low, key) > 0)
        return 0;
    return b->high == 0 || compare_entries(g, key, b->high) < 0;
}

static int word_in_place(checking *g, const fsk_block *b, unsigned i, fsk_ref ref, fsk_ref *key)
{
    uint32_t part = fsk_load32_relaxed(&b->part[i]), right = 0;
    if (b->level > 0) {
        if (fresh_sound(g, ref, b->level - 1u) == NULL)
            return 0;
        *key = fsk_block_at(g->space, ref)->low;
    } else {
        if (!entry_sound(g, ref) ||
            !(g->table->caller ? numbered_sound(g, ref) : chain_sound(g, ref)) ||
            !sums_sound(g, ref))
            return 0;
        *key = ref;
    }
    if (!in_range(g, b, *key))
        return 0;
    if (*key != 0)
        right = fsk_block_part_of(g->space, b, fsk_entry_at(g->space, *key));
    return part == right || part == FSK_UNKNOWN;
}

static int words_sound(checking *g, const fsk_block *b)
{
    fsk_ref key[FSK_BLOCK_WORDS];
    unsigned n = 0, fill = fsk_load32_acquire(&b->fill);
    for (; n < FSK_BLOCK_WORDS; n++) {
        fsk_ref ref = fsk_load32_seq(&b->ref[n]);
        if (ref == 0)
            break;
        if (!word_in_place(g, b, n, ref, &key[n]))
            return 0;
        if (n > 0 && n < b->sorted &&
            (key[n] == 0 || (key[n - 1] != 0 && compare_entries(g, key[n - 1], key[n]) >= 0)))
            return 0;
        for (unsigned i = 0; i < n; i++) /* one word a key */
            if (key[i] == key[n] ||
                (key[i] != 0 && key[n] != 0 && compare_entries(g, key[i], key[n]) == 0))
                return 0;
    }
    if (n < b->sorted || n < fill || (b->level > 0 && (n == 0 || key[0] != b->low)))
        return 0;
    return 1;
}

static int level_sound(checking *g, fsk_block *b)
{
    unsigned level = b->level;
    if (b->low != 0)
        return 0;
    for (uint64_t steps = g->table->arena.limit / sizeof(fsk_block) + 1; steps > 0; steps--) {
        fsk_ref next;
        fsk_block *right;
        if (!words_sound(g, b))
            return 0;
        next = fsk_load32_seq(&b->next);
        if ((next == 0) != (b->high == 0))
            return 0;
        if (next == 0)
            return 1;
        right = fresh_sound(g, next, level);
        if (right == NULL || right->low != b->high)
            return 0;
        b = right;
    }
    return 0;
}

fastskip_status fsk_table_check(fastskip_table *t)
{
    checking g = {t, &t->list.space, 0, 0};
    /* Before the walk: from here on nothing is written. */
    int at_rest = fsk_load32_seq(&t->sealed) != 0 && fsk_arena_quiet(&t->arena);
    const fsk_block *first;
    fsk_ref root = fsk_load32_acquire(&t->list.root);
    if (!inside(&g, root, sizeof(fsk_block)))
        return FASTSKIP_CORRUPT;
    for (unsigned level = fsk_block_at(g.space, root)->level + 1u; level-- > 0;) {
        fsk_block *b = fresh_sound(&g, root, level);
        if (b == NULL || !level_sound(&g, b))
            return FASTSKIP_CORRUPT;
        root = fsk_load32_acquire(&b->ref[0]); /* the left-most block below */
    }
    first = fresh_sound(&g, fsk_load32_seq(&t->list.first), 0);
    if (first == NULL || first->low != 0)
        return FASTSKIP_CORRUPT;
    /* A link that was cut, or led past a version, leads to fewer than were counted. */
    if (fsk_summed(g.space) && at_rest &&
        (g.keys != fsk_arena_total(&t->arena, FSK_COUNT_KEYS) ||
         g.versions != fsk_arena_total(&t->arena, FSK_COUNT_VERSIONS)))
        return FASTSKIP_CORRUPT;
    return FASTSKIP_OK;
}
