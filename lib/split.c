/*
 * split.c - making blocks: the first one, splits, promotion, a new root; see skiplist.h.
 *
 * A split builds both halves aside and publishes them by one CAS on `forward`.  Whoever needs it does it;
 * one wins, and the others keep their halves as spares.  The winner promotes: it brings the word for the
 * old block up to date and adds one for the right half, splitting the index block where it is full.  A
 * promotion that finds no memory, or whose thread stops, is made up for by the searches that walk right.
 */
#include "checksum.h"
#include "skiplist.h"

static fsk_block *block_alloc(fsk_list *l, fsk_writer *w, unsigned level)
{
    fsk_ref ref = level == 0 ? w->reserved : 0;
    if (ref != 0) {
        memcpy(&w->reserved, fsk_arena_at(w->arena, ref), sizeof ref);
        return fsk_block_at(&l->space, ref);
    }
    ref = fsk_arena_spare_take(w, sizeof(fsk_block));
    if (ref == 0)
        ref = fsk_arena_alloc(w, level == 0 ? FSK_LEAVES : FSK_INDEX, sizeof(fsk_block), FSK_LINE);
    return ref != 0 ? fsk_block_at(&l->space, ref) : NULL;
}

static void block_drop(fsk_list *l, fsk_writer *w, fsk_block *b)
{
    fsk_arena_spare_leave(w, fsk_ref_of(&l->space, b), sizeof(fsk_block));
}

int fsk_list_reserve(fsk_list *l, fsk_writer *w, uint64_t n)
{
    fsk_ref chain = 0;
    for (; n > 0; n--) {
        fsk_block *b = block_alloc(l, w, 0);
        if (b == NULL)
            break;
        memcpy(b, &chain, sizeof chain); /* a list through the blocks' first words */
        chain = fsk_ref_of(&l->space, b);
    }
    w->reserved = chain;
    if (n == 0)
        return 1;
    fsk_list_unreserve(l, w);
    return 0;
}

void fsk_list_unreserve(fsk_list *l, fsk_writer *w)
{
    while (w->reserved != 0) {
        fsk_ref ref = w->reserved;
        memcpy(&w->reserved, fsk_arena_at(w->arena, ref), sizeof ref);
        block_drop(l, w, fsk_block_at(&l->space, ref));
    }
}

fastskip_status fsk_list_init(fsk_list *l, fsk_arena *arena, const fsk_order *order)
{
    fsk_writer w;
    fsk_block *b;
    fsk_ref ref;
    l->space.base = arena->base;
    l->space.order = *order;
    l->space.checks = NULL;
    fsk_arena_enter(arena, &w);
    /* Straight from the region: an empty table takes no chunk. */
    ref = fsk_arena_alloc_exact(&w, sizeof(fsk_block), FSK_LINE);
    if (ref != 0) {
        b = fsk_block_at(&l->space, ref);
        fsk_block_init(&l->space, b, 0, 0, 0, 0, 0);
        fsk_arena_count(&w, FSK_COUNT_LEAVES, 1);
        fsk_init32(&l->first, ref);
        fsk_init32(&l->root, ref);
    }
    fsk_arena_leave(&w);
    return ref != 0 ? FASTSKIP_OK : w.status;
}

/* How many bytes two keys share; from their parts, if these tell, since keys cost cache misses. */
static size_t shared_by(const fsk_list *l, const fsk_block *b, const fsk_word *x, const fsk_word *y)
{
    const fsk_entry *d = fsk_entry_at(&l->space, x->key), *e = fsk_entry_at(&l->space, y->key);
    uint32_t differs = x->part ^ y->part;
    if (l->space.order.compare != NULL)
        return 0;
    if (differs != 0 && x->part != 0 && x->part != FSK_UNKNOWN && y->part != 0 &&
        y->part != FSK_UNKNOWN) /* so both have the prefix of the block */
        return b->skip + (differs > 0xffffff ? 0u
                          : differs > 0xffff ? 1u
                          : differs > 0xff   ? 2u
                                             : 3u);
    return fsk_shared_prefix(fsk_entry_key(d), d->key_size, fsk_entry_key(e), e->key_size,
                             FSK_KEY_MOST);
}

/*
 * The prefix of words [from, to): what its outermost keys share; less beside an open end, where keys to
 * come may leave it.  A lone word, as ascending keys make it, is measured against its neighbour to the
 * left, and keys are expected to go on counting: two bytes leave room for more than one carry.
 * Minus infinity, which has no key, is the first word of the left half, and never its only one.
 */
static size_t prefix_of(const fsk_list *l, const fsk_block *b, const fsk_word *words, unsigned from,
                        unsigned to, fsk_ref low, const fsk_word *high, fsk_ref *sample)
{
    const fsk_word *first = &words[from], *last = &words[to - 1];
    size_t skip, less = low == 0 || high->key == 0;
    if (first->key == 0)
        first++;
    if (first == last) {
        last = high;
        if (high->key == 0) { /* the right half, then */
            last = &words[from - 1];
            less = 2;
        }
    }
    *sample = first->key;
    if (first->key == last->key)
        return 0;
    skip = shared_by(l, b, first, last);
    return skip > less ? skip - less : 0;
}

/*
 * Words [from, to) of the full block b, from low to high.  Where the half has the prefix of b, its parts
 * are those of b, and no key is read.  Left of an ascending key that is so also if one byte more could be
 * skipped: its keys are many and close together.
 */
static void fill_half(fsk_list *l, fsk_block *half, const fsk_block *b, const fsk_word *words,
                      unsigned from, unsigned to, fsk_ref low, const fsk_word *high)
{
    fsk_ref sample;
    size_t skip = prefix_of(l, b, words, from, to, low, high, &sample);
    int ascending = to == FSK_BLOCK_WORDS - 1 && skip == b->skip + 1u;
    if (b->level == 0 && (skip == b->skip || ascending) && words[from].part != 0 &&
        words[to - 1].part != FSK_UNKNOWN && l->space.order.compare == NULL) {
        fsk_block_init_like(half, b, low, high->key, high->part);
        fsk_block_fill(half, words + from, to - from);
        return;
    }
    for (unsigned i = from; i < to && b->level == 0; i++)
        fsk_entry_prefetch(&l->space, words[i].ref, FSK_ENTRY_HEAD + skip + 4);
    fsk_block_init(&l->space, half, b->level, low, high->key, sample, skip);
    for (unsigned i = from; i < to; i++)
        fsk_block_push(&l->space, half, words[i].ref, words[i].key);
}

/* Where to cut.  Keys that arrive in ascending order leave full blocks behind them. */
static unsigned cut(const fsk_block *b, const fsk_word *words, unsigned n)
{
    if (b->high == 0 && words[n - 1].ref == fsk_load32_relaxed(&b->ref[n - 1]) &&
        (b->level > 0 || words[n - 2].ref == fsk_load32_relaxed(&b->ref[n - 2])))
        return n - 1;
    return n / 2;
}

/* The word whose low is that of the replaced block is brought to where its forwards lead, whichever
 * predecessor it names. */
static void refresh_word(fsk_list *l, fsk_block *parent, const fsk_block *replaced)
{
    fsk_ref low = replaced->low, word, fresh;
    uint32_t part =
        low != 0 ? fsk_block_part_of(&l->space, parent, fsk_entry_at(&l->space, low)) : 0;
    unsigned slot = fsk_list_word(l, parent, low, part);
    if (slot == FSK_NO_SLOT)
        return;
    word = fsk_load32_acquire(&parent->ref[slot]);
    fresh = fsk_ref_of(&l->space, fsk_list_fresh(l, fsk_block_at(&l->space, word)));
    if (fresh != word)
        fsk_cas32_acq_rel(&parent->ref[slot], &word, fresh);
}

static void promote(fsk_list *l, fsk_writer *w, const fsk_block *replaced, fsk_block *right)
{
    const fsk_entry *low = fsk_entry_at(&l->space, right->low);
    fsk_key key;
    fsk_key_init(&key, &l->space.order, fsk_entry_key(low), low->key_size);
    for (;;) {
        fsk_ref root = fsk_load32_acquire(&l->root);
        fsk_block *parent;
        if (fsk_block_at(&l->space, root)->level <= right->level) {
            w->status = FASTSKIP_OK;
            if (fsk_list_grow(l, w, root, right) || w->status != FASTSKIP_OK)
                return;
            continue;
        }
        parent = fsk_list_block(l, right->level + 1u, &key);
        refresh_word(l, parent, replaced);
        if (fsk_list_append(l, parent, right) != FSK_NO_ROOM)
            return;
        if (!fsk_list_split(l, w, parent))
            return;
    }
}

int fsk_list_grow(fsk_list *l, fsk_writer *w, fsk_ref old, fsk_block *right)
{
    fsk_block *left = fsk_list_fresh(l, fsk_block_at(&l->space, old)), *root;
    if (fsk_checked(&l->space) && !fsk_checked_key(&l->space, right->low)) {
        w->status = FASTSKIP_CORRUPT;
        return 0;
    }
    root = block_alloc(l, w, right->level + 1u);
    if (root == NULL)
        return 0;
    fsk_block_init(&l->space, root, right->level + 1u, 0, 0, right->low, left->skip);
    fsk_block_push(&l->space, root, old, 0);
    fsk_block_push(&l->space, root, fsk_ref_of(&l->space, right), right->low);
    if (fsk_cas32_acq_rel(&l->root, &old, fsk_ref_of(&l->space, root))) {
        fsk_arena_count(w, FSK_COUNT_INDEX, 1);
        return 1;
    }
    fsk_arena_count(w, FSK_COUNT_RETRIES, 1);
    block_drop(l, w, root);
    return 0;
}

int fsk_list_split(fsk_list *l, fsk_writer *w, fsk_block *b)
{
    fsk_word words[FSK_BLOCK_WORDS], high;
    fsk_block *left, *right;
    fsk_ref forward = 0;
    unsigned n, mid;
    if (fsk_load32_seq(&b->forward) != 0)
        return 1;
    if (fsk_checked(&l->space) && !fsk_checked_block(&l->space, b)) {
        w->status = FASTSKIP_CORRUPT; /* its halves would be made of wrong keys */
        return 0;
    }
    n = fsk_block_gather(&l->space, b, words, 0);
    mid = cut(b, words, n);
    if (b->level > 0) /* the words may have been mended since: take what is there now */
        for (unsigned i = 0; i < n; i++)
            words[i].ref =
                fsk_ref_of(&l->space, fsk_list_fresh(l, fsk_block_at(&l->space, words[i].ref)));
    left = block_alloc(l, w, b->level);
    right = left != NULL ? block_alloc(l, w, b->level) : NULL;
    if (right == NULL) {
        if (left != NULL)
            block_drop(l, w, left);
        return fsk_load32_seq(&b->forward) != 0; /* another may have had the memory */
    }
    high.ref = 0;
    high.key = b->high;
    high.part = b->high_part;
    fill_half(l, left, b, words, 0, mid, b->low, &words[mid]);
    fill_half(l, right, b, words, mid, n, words[mid].key, &high);
    fsk_init32(&left->next, fsk_ref_of(&l->space, right));
    fsk_init32(&right->next, fsk_load32_seq(&b->next));
    if (!fsk_cas32_seq(&b->forward, &forward, fsk_ref_of(&l->space, left))) {
        fsk_arena_count(w, FSK_COUNT_RETRIES, 1);
        block_drop(l, w, right);
        block_drop(l, w, left);
        return 1;
    }
    fsk_arena_count(w, b->level == 0 ? FSK_COUNT_LEAVES : FSK_COUNT_INDEX, 1);
    fsk_arena_count(w, FSK_COUNT_REPLACED, 1);
    /* The key that asked for this may belong there: the retry looks there first. */
    if (b->level == 0 && right->high == 0 && w->shard != NULL) {
        w->shard->edge = fsk_ref_of(&l->space, right);
        w->shard->greatest = words[n - 1].ref;
        w->shard->above = n - mid;
    }
    promote(l, w, b, right);
    return 1;
}
