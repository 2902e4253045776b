/* walk.c - see walk.h. */
#include "walk.h"

#include "careful.h"

/* ---- one leaf ---- */

/* Notes whether an entry whose key decides something is sound. */
FSK_COLD static void check_key(fastskip_iterator *it, fsk_ref entry)
{
    if (!fsk_checked_key(&it->table->list.space, entry))
        it->damaged = 1;
}

static int word_against(fastskip_iterator *it, unsigned i, const uint8_t *key, size_t size)
{
    const fsk_space *s = &it->table->list.space;
    const fsk_entry *e = fsk_entry_at(s, fsk_walk_word(it, i));
    if (fsk_walk_checked(it))
        check_key(it, fsk_walk_word(it, i));
    return fsk_compare(&s->order, fsk_entry_key(e), e->key_size, key, size);
}

/* The first word that is not before the key (`after`: that is after it). */
static unsigned words_before(fastskip_iterator *it, const uint8_t *key, size_t size, int after)
{
    unsigned from = 0, to = it->count;
    while (from < to) {
        unsigned mid = (from + to) / 2;
        int c = word_against(it, mid, key, size);
        if (c < 0 || (after && c == 0))
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

/* The same by the key's part in the leaf; only words of the same part are read. */
static unsigned words_before_key(fastskip_iterator *it, const fsk_key *k, uint32_t part, int after)
{
    unsigned n = 0;
    while (n < it->count && it->words[n] >> 32 < part)
        n++;
    for (; n < it->count && it->words[n] >> 32 == part; n++) {
        int c = word_against(it, n, k->data, k->size);
        if (c > 0 || (c == 0 && !after))
            break;
    }
    return n;
}

/* Cuts off what lies outside the bounds. */
static void apply_bounds(fastskip_iterator *it)
{
    unsigned n;
    if (it->upper != NULL && it->count != 0 &&
        word_against(it, it->count - 1, it->upper, it->upper_size) >= 0) {
        it->count = words_before(it, it->upper, it->upper_size, 0);
        it->ends_high = 1;
    }
    if (it->lower != NULL && it->count != 0 && word_against(it, 0, it->lower, it->lower_size) < 0) {
        n = words_before(it, it->lower, it->lower_size, 0);
        it->count -= n;
        memmove(it->words, it->words + n, it->count * sizeof *it->words);
        it->ends_low = 1;
    }
}

/* Does the leaf's range end at or beyond the bound, so that nothing further is asked for? */
static int beyond_bound(fastskip_iterator *it, fsk_ref end, const uint8_t *bound, size_t size,
                        int sign)
{
    const fsk_space *s = &it->table->list.space;
    const fsk_entry *e;
    int c;
    if (end == 0)
        return 1;
    if (bound == NULL)
        return 0;
    if (fsk_walk_checked(it))
        check_key(it, end);
    e = fsk_entry_at(s, end);
    c = fsk_compare(&s->order, fsk_entry_key(e), e->key_size, bound, size);
    return sign > 0 ? c >= 0 : c <= 0;
}

/* ---- fetching ahead ---- */

FSK_FETCHER void fetch_block(const fsk_block *leaf)
{
    if (leaf != NULL)
        fsk_block_prefetch(leaf);
}

/* All entries of these parts of a leaf: before its words are put in order, so that this overlaps with the
 * misses. */
static void fetch_parts(fastskip_iterator *it, const fsk_block *leaf, uint32_t from, uint32_t to)
{
    for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++) {
        fsk_ref ref = fsk_load32_relaxed(&leaf->ref[i]);
        uint32_t part = fsk_load32_relaxed(&leaf->part[i]);
        if (ref == 0)
            break;
        if (part >= from && part <= to)
            fsk_entry_prefetch(&it->table->list.space, ref, it->span);
    }
}

/* The leaf to the right; NULL if there is none. */
static fsk_block *next_leaf(const fastskip_iterator *it, const fsk_block *leaf)
{
    fsk_ref next = fsk_load32_seq(&leaf->next);
    return next != 0 ? fsk_block_at(&it->table->list.space, next) : NULL;
}

/* What a search strictly below this leaf's range finds: the leaf to the left, as it is now, or (`soon`) where
 * that search begins on the leaves, which is fetched. */
static fsk_block *find_below(fastskip_iterator *it, const fsk_block *leaf, int soon)
{
    fsk_list *l = &it->table->list;
    const fsk_entry *e = fsk_entry_at(&l->space, leaf->low);
    fsk_key key;
    fsk_key_init(&key, &l->space.order, fsk_entry_key(e), e->key_size);
    if (fsk_checked(&l->space)) /* nothing is begun that is not known to be sound */
        return soon ? NULL : fsk_careful_leaf_below(l, &key);
    return soon ? fsk_list_leaf_below_soon(l, &key) : fsk_list_leaf_below(l, &key);
}

/* The leaf to come, whose block was begun; NULL: not known. */
static void set_ahead(fastskip_iterator *it, fsk_block *ahead)
{
    it->ahead = ahead;
    it->beyond = NULL;
    it->ahead_slot = -1;
    it->steps = 0;
}

/* What was fetched ahead is of no use to a walk that begins elsewhere, or turns round. */
static void begin_walk(fastskip_iterator *it, int backwards)
{
    it->backwards = backwards;
    set_ahead(it, NULL);
}

/* What replaced a block that is here, begun; NULL: nothing did. */
static fsk_block *begin_successor(const fastskip_iterator *it, const fsk_block *b)
{
    fsk_ref forward = fsk_load32_seq(&b->forward);
    fsk_block *successor = forward != 0 ? fsk_block_at(&it->table->list.space, forward) : NULL;
    fetch_block(successor);
    return successor;
}

/* The block of the leaf to come is here. */
static void look_at_ahead(fastskip_iterator *it)
{
    fsk_block *successor = begin_successor(it, it->ahead);
    if (successor != NULL) {
        set_ahead(it, successor);
        return;
    }
    it->ahead_slot = 0;
    if (!it->backwards) {
        it->beyond = next_leaf(it, it->ahead);
        fetch_block(it->beyond);
    } else if (it->ahead->low != 0) {
        fsk_entry_prefetch(&it->table->list.space, it->ahead->low, it->span);
    }
}

/* The block of the leaf after it is here, or what finds that leaf is. */
static void look_at_beyond(fastskip_iterator *it)
{
    fsk_block *successor;
    if (it->beyond != NULL) {
        successor = begin_successor(it, it->beyond);
        if (successor != NULL)
            it->beyond = successor;
    } else if (it->backwards && it->ahead_slot > FSK_HOP && it->ahead->low != 0) {
        it->beyond = find_below(it, it->ahead, 1);
    }
}

/* The line so many bytes into each entry of a group of the leaf to come.  An empty slot fetches the region's first
 * line, which does no harm and takes no branch. */
FSK_FETCHER void fetch_lines(const fastskip_iterator *it, int from, size_t offset)
{
    const char *base = it->table->list.space.base + offset;
    const fsk_atomic32 *ref = &it->ahead->ref[from];
    FSK_UNROLL
    for (int i = 0; i < FSK_FETCH; i++)
        FSK_PREFETCH(base + (uint64_t)fsk_load32_relaxed(&ref[i]) * FSK_UNIT);
}

static void fetch_group(fastskip_iterator *it)
{
    int at = it->ahead_slot;
    if (at < (int)FSK_BLOCK_WORDS) {
        fetch_lines(it, at, 0);
        it->ahead_slot += FSK_FETCH;
    }
    if (at >= FSK_FETCH)
        fetch_lines(it, at - FSK_FETCH, it->span < FSK_LINE ? it->span : FSK_LINE);
}

void fsk_walk_fetch_ahead(fastskip_iterator *it)
{
    if (it->ahead == NULL)
        return;
    if (it->steps % FSK_HOP == 0) {
        if (it->ahead_slot < 0)
            look_at_ahead(it);
        else
            look_at_beyond(it);
    }
    if (it->ahead_slot >= 0)
        fetch_group(it);
}

/* The entries of a leaf that the walk comes to: those that were not fetched on the way. */
static void fetch_rest(fastskip_iterator *it, const fsk_block *leaf)
{
    int i = it->ahead == leaf && it->ahead_slot > FSK_FETCH ? it->ahead_slot - FSK_FETCH : 0;
    for (; i < (int)FSK_BLOCK_WORDS; i++) {
        fsk_ref ref = fsk_load32_relaxed(&leaf->ref[i]);
        if (ref == 0)
            break;
        fsk_entry_prefetch(&it->table->list.space, ref, it->span);
    }
}

/* The walk is in this leaf, and is likely to go on. */
static void fetch_on(fastskip_iterator *it, const fsk_block *leaf)
{
    fsk_block *ahead = it->ahead == leaf ? it->beyond : NULL;
    if (it->backwards ? it->ends_low : it->ends_high) {
        set_ahead(it, NULL);
    } else if (ahead != NULL) { /* begun a leaf ago */
        set_ahead(it, ahead);
        fsk_walk_fetch_ahead(it);
    } else {
        ahead = it->backwards ? find_below(it, leaf, 1) : next_leaf(it, leaf);
        fetch_block(ahead);
        set_ahead(it, fsk_walk_checked(it) ? NULL : ahead);
    }
}

/* Before a leaf's words are read: what they name lies inside.  0: the leaf is taken for an empty one that
 * ends both ways, and the move fails. */
FSK_COLD static int leaf_checked(fastskip_iterator *it, const fsk_block *leaf)
{
    const fsk_space *s = &it->table->list.space;
    if (!fsk_paranoid(s) || fsk_careful_block(s, leaf, 0))
        return 1;
    it->damaged = 1;
    it->count = 0;
    it->ends_low = it->ends_high = 1;
    return 0;
}

/* The keys that decided the order of the leaf's words: those that their parts did not tell apart. */
FSK_COLD static void check_order(fastskip_iterator *it, const fsk_block *leaf)
{
    for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++) {
        fsk_ref ref = fsk_load32_seq(&leaf->ref[i]);
        if (ref == 0)
            break;
        if (fsk_load32_relaxed(&leaf->part[i]) == FSK_UNKNOWN)
            check_key(it, ref);
    }
    for (unsigned i = 0; i < it->count; i++)
        if ((i > 0 && it->words[i - 1] >> 32 == it->words[i] >> 32) ||
            (i + 1 < it->count && it->words[i + 1] >> 32 == it->words[i] >> 32))
            check_key(it, fsk_walk_word(it, i));
}

static void enter_leaf(fastskip_iterator *it, fsk_block *leaf)
{
    it->leaf = leaf;
    if (fsk_walk_checked(it) && !leaf_checked(it, leaf))
        return;
    it->count = fsk_block_leaf_words(&it->table->list.space, leaf, it->words);
    if (fsk_walk_checked(it))
        check_order(it, leaf);
    it->ends_high = beyond_bound(it, leaf->high, it->upper, it->upper_size, 1);
    it->ends_low = beyond_bound(it, leaf->low, it->lower, it->lower_size, -1);
    if (it->upper != NULL || it->lower != NULL)
        apply_bounds(it);
}

/* Where the keys of a leaf end, as its first one has it. */
static void take_span(fastskip_iterator *it)
{
    if (it->count != 0)
        it->span =
            FSK_ENTRY_HEAD + fsk_entry_at(&it->table->list.space, fsk_walk_word(it, 0))->key_size;
}

/* The walk comes to a leaf from the one beside it. */
static void arrive(fastskip_iterator *it, fsk_block *leaf)
{
    fetch_rest(it, leaf);
    enter_leaf(it, leaf);
    it->at = it->backwards ? it->count : 0;
    take_span(it);
    fetch_on(it, leaf);
}

void fsk_walk_right(fastskip_iterator *it)
{
    fsk_block *leaf = fsk_walk_checked(it) ? fsk_careful_right(&it->table->list, it->leaf)
                                           : fsk_list_right(&it->table->list, it->leaf);
    if (FSK_UNLIKELY(leaf == NULL)) {
        it->damaged = 1;
        return;
    }
    if (it->backwards)
        begin_walk(it, 0);
    arrive(it, leaf);
}

fastskip_status fsk_walk_below(fastskip_iterator *it)
{
    fsk_ref low = it->leaf->low;
    fsk_block *leaf;
    if (!it->backwards)
        begin_walk(it, 1);
    leaf = it->ahead != NULL ? fsk_list_fresh(&it->table->list, it->ahead) : NULL;
    if (leaf == NULL || leaf->high != low) /* not the leaf that is wanted, or split since */
        leaf = find_below(it, it->leaf, 0);
    if (leaf == NULL || leaf->high != low)
        return FASTSKIP_CORRUPT;
    arrive(it, leaf);
    return FASTSKIP_OK;
}

/* Does a search for this key end where it should, with a part that can be relied on?  If not, the move
 * fails. */
FSK_COLD static int end_checked(fastskip_iterator *it, const fsk_block *leaf, const fsk_key *key)
{
    const fsk_space *s = &it->table->list.space;
    if (leaf != NULL && fsk_checked_bounds(s, leaf, key) && fsk_checked_parts(s, leaf))
        return 1;
    it->damaged = 1;
    it->count = it->at = 0;
    return 0;
}

void fsk_walk_to(fastskip_iterator *it, const void *data, size_t size, int after)
{
    fsk_key key;
    uint32_t part;
    fsk_block *leaf;
    fsk_key_init(&key, &it->table->list.space.order, data, size);
    leaf = fsk_careful_leaf(&it->table->list, NULL, &key, &part);
    it->damaged = 0;
    begin_walk(it, after);
    if (fsk_walk_checked(it) && !end_checked(it, leaf, &key))
        return;
    it->span = FSK_ENTRY_HEAD + size; /* a guess: that other keys are as long */
    fetch_parts(it, leaf, after ? 0 : part, after ? part : FSK_UNKNOWN);
    if (!after) /* it is likely to go on to the right */
        fetch_block(next_leaf(it, leaf));
    enter_leaf(it, leaf);
    if (it->upper == NULL && it->lower == NULL)
        it->at = words_before_key(it, &key, part, after);
    else
        it->at = words_before(it, data, size, after);
}

int fsk_walk_first(fastskip_iterator *it)
{
    fsk_block *leaf = fsk_careful_first(&it->table->list);
    it->valid = it->damaged = 0;
    begin_walk(it, 0);
    if (leaf == NULL)
        return 0;
    fetch_rest(it, leaf);
    fetch_block(next_leaf(it, leaf));
    enter_leaf(it, leaf);
    it->at = 0;
    return 1;
}

int fsk_walk_last(fastskip_iterator *it)
{
    fsk_block *leaf = fsk_careful_leaf_below(&it->table->list, NULL);
    it->valid = it->damaged = 0;
    begin_walk(it, 1);
    if (leaf == NULL)
        return 0;
    fetch_rest(it, leaf);
    enter_leaf(it, leaf);
    return 1;
}
