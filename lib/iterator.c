/* iterator.c - see iterator.h. */
#include "iterator.h"

#include <stdlib.h>

#include "careful.h"

fastskip_status fsk_iterator_new(fastskip_table *t, uint64_t limit, uint32_t flags,
                                 fastskip_iterator **iterator)
{
    fastskip_iterator *it = malloc(sizeof *it);
    if (it == NULL)
        return FASTSKIP_NO_MEMORY;
    fsk_table_ref(t);
    it->table = t;
    it->limit = limit;
    it->flags = flags;
    it->plain = (flags & FASTSKIP_ALL_VERSIONS) == 0 && !t->caller && !fsk_checked(&t->list.space);
    it->valid = it->damaged = 0;
    it->leaf = NULL;
    it->count = it->at = 0;
    it->ahead = it->below = NULL;
    it->ahead_slot = FSK_BLOCK_WORDS;
    it->span = FSK_LINE / 2;
    it->lower = it->upper = NULL;
    it->lower_size = it->upper_size = 0;
    it->versions = it->versions_inside;
    it->versions_room = FSK_VERSIONS_INSIDE;
    it->versions_count = it->version_at = 0;
    *iterator = it;
    return FASTSKIP_OK;
}

void fsk_iterator_free(fastskip_iterator *it)
{
    if (it->versions != it->versions_inside)
        free(it->versions);
    free(it->lower);
    free(it->upper);
    fsk_table_unref(it->table);
    free(it);
}

/* A copy that is never NULL, as the empty key is a bound too. */
static uint8_t *copy_of(const void *data, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    if (copy != NULL && size != 0)
        memcpy(copy, data, size);
    return copy;
}

fastskip_status fsk_iterator_set_bounds(fastskip_iterator *it, const void *lower, size_t lower_size,
                                        const void *upper, size_t upper_size)
{
    uint8_t *l = lower != NULL ? copy_of(lower, lower_size) : NULL;
    uint8_t *u = upper != NULL ? copy_of(upper, upper_size) : NULL;
    if ((lower != NULL && l == NULL) || (upper != NULL && u == NULL)) {
        free(l);
        free(u);
        return FASTSKIP_NO_MEMORY;
    }
    free(it->lower);
    free(it->upper);
    it->lower = l;
    it->upper = u;
    it->lower_size = lower_size;
    it->upper_size = upper_size;
    it->valid = 0;
    return FASTSKIP_OK;
}

/* ---- one leaf ---- */

static inline fsk_ref word_ref(const fastskip_iterator *it, unsigned i)
{
    return (fsk_ref)it->words[i];
}

static inline int is_checked(const fastskip_iterator *it)
{
    return fsk_checked(&it->table->list.space);
}

/* Notes whether an entry whose key decides something is sound. */
FSK_COLD static void check_key(fastskip_iterator *it, fsk_ref entry)
{
    if (!fsk_checked_key(&it->table->list.space, entry))
        it->damaged = 1;
}

static int word_against(fastskip_iterator *it, unsigned i, const uint8_t *key, size_t size)
{
    const fsk_space *s = &it->table->list.space;
    const fsk_entry *e = fsk_entry_at(s, word_ref(it, i));
    if (is_checked(it))
        check_key(it, word_ref(it, i));
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
    if (is_checked(it))
        check_key(it, end);
    e = fsk_entry_at(s, end);
    c = fsk_compare(&s->order, fsk_entry_key(e), e->key_size, bound, size);
    return sign > 0 ? c >= 0 : c <= 0;
}

/* ---- fetching ahead ---- */

/* With each step of a walk, an entry of the leaf to come: evenly, since only so many misses can be under way
 * at once.  An empty slot fetches the region's first line, which does no harm and takes no branch. */
static inline void fetch_step(fastskip_iterator *it)
{
    if (it->ahead_slot < FSK_BLOCK_WORDS) {
        fsk_ref ref = fsk_load32_relaxed(&it->ahead->ref[it->ahead_slot++]);
        fsk_entry_prefetch(&it->table->list.space, ref, it->span);
    }
}

FSK_FETCHER void fetch_block(const fsk_block *leaf)
{
    if (leaf != NULL)
        fsk_block_prefetch(leaf);
}

/* The walk arrives at a leaf: those of its entries that were not fetched on the way. */
static void fetch_rest(fastskip_iterator *it, const fsk_block *leaf)
{
    unsigned i = it->ahead == leaf ? it->ahead_slot : 0;
    for (; i < FSK_BLOCK_WORDS; i++) {
        fsk_ref ref = fsk_load32_relaxed(&leaf->ref[i]);
        if (ref == 0)
            break;
        fsk_entry_prefetch(&it->table->list.space, ref, it->span);
    }
}

/* The leaf to come next; NULL: none, or not known. */
static void fetch_leaf(fastskip_iterator *it, const fsk_block *next)
{
    it->ahead = next;
    it->ahead_slot = next != NULL ? 0 : FSK_BLOCK_WORDS;
}

/* All entries of these parts of a leaf in which a walk begins: before its words are put in order, so that
 * this overlaps with the misses. */
static void fetch_now(fastskip_iterator *it, const fsk_block *leaf, uint32_t from, uint32_t to)
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

/* Before a leaf's words are read: what they name lies inside.  0: the leaf is taken for an empty one that
 * ends both ways, and the move fails. */
FSK_COLD static int leaf_checked(fastskip_iterator *it, const fsk_block *leaf)
{
    const fsk_space *s = &it->table->list.space;
    if (!fsk_paranoid(s) || (fsk_careful_block(s, leaf, 0) && fsk_careful_words(s, leaf)))
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
            check_key(it, word_ref(it, i));
}

static void enter_leaf(fastskip_iterator *it, fsk_block *leaf)
{
    it->leaf = leaf;
    it->below = NULL;
    fetch_leaf(it, NULL);
    if (is_checked(it) && !leaf_checked(it, leaf))
        return;
    it->count = fsk_block_leaf_words(&it->table->list.space, leaf, it->words);
    if (is_checked(it))
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
        it->span = FSK_ENTRY_HEAD + fsk_entry_at(&it->table->list.space, word_ref(it, 0))->key_size;
}

/* The leaf to the right, which the walk has reached. */
static void enter_leaf_right(fastskip_iterator *it)
{
    fsk_block *leaf = is_checked(it) ? fsk_careful_right(&it->table->list, it->leaf)
                                     : fsk_list_right(&it->table->list, it->leaf);
    fsk_block *next;
    if (FSK_UNLIKELY(leaf == NULL)) {
        it->damaged = 1;
        return;
    }
    next = next_leaf(it, leaf);
    fetch_rest(it, leaf);
    fetch_block(next);
    enter_leaf(it, leaf);
    it->at = 0;
    take_span(it);
    fetch_leaf(it, it->ends_high ? NULL : next);
}

/* What a search strictly below this leaf's range finds: the leaf to the left, as it is now, or where that
 * search begins on the leaves. */
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

/* The leaf to the left.  A comparator that contradicts itself may lead elsewhere. */
static fastskip_status enter_leaf_below(fastskip_iterator *it)
{
    fsk_ref low = it->leaf->low;
    fsk_block *leaf = it->below, *below;
    leaf = leaf != NULL ? fsk_list_fresh(&it->table->list, leaf) : NULL;
    if (leaf == NULL || leaf->high != low) /* not the leaf that is wanted, or split since */
        leaf = find_below(it, it->leaf, 0);
    if (leaf == NULL || leaf->high != low)
        return FASTSKIP_CORRUPT;
    fetch_rest(it, leaf);
    below = leaf->low != 0 ? find_below(it, leaf, 1) : NULL;
    enter_leaf(it, leaf);
    it->at = it->count;
    take_span(it);
    fetch_leaf(it, it->ends_low ? NULL : below);
    it->below = below;
    return FASTSKIP_OK;
}

/* ---- what is seen of a key ---- */

/* All versions of the present word into it->versions.  NO_MEMORY when there is no room for them. */
static fastskip_status all_versions(fastskip_iterator *it)
{
    fastskip_table *t = it->table;
    for (;;) {
        size_t n = fsk_version_all(&t->clock, word_ref(it, it->at), it->limit, t->caller,
                                   it->versions, it->versions_room);
        fsk_seen *room;
        if (n == FSK_ALL_DAMAGED)
            return FASTSKIP_CORRUPT;
        it->versions_count = n;
        if (n <= it->versions_room)
            return FASTSKIP_OK;
        if (n > SIZE_MAX / sizeof *room / 2 || (room = malloc((n + n / 4) * sizeof *room)) == NULL)
            return FASTSKIP_NO_MEMORY;
        if (it->versions != it->versions_inside)
            free(it->versions);
        it->versions = room;
        it->versions_room = n + n / 4;
    }
}

/* Looks at all versions of the present word, from the near end in this direction. */
static fastskip_status look_at_all(fastskip_iterator *it, int forwards)
{
    fastskip_status status = all_versions(it);
    if (status != FASTSKIP_OK)
        return status;
    if (it->versions_count == 0)
        return FASTSKIP_NOT_FOUND;
    it->version_at = forwards ? 0 : it->versions_count - 1;
    it->seen = it->versions[it->version_at];
    return FASTSKIP_OK;
}

/* Is the present key above the word before it and below the one after it, or within the leaf's range? */
static int in_order(const fastskip_iterator *it)
{
    const fsk_space *s = &it->table->list.space;
    const fsk_entry *e = fsk_entry_at(s, word_ref(it, it->at)), *x;
    fsk_ref before = it->at > 0 ? word_ref(it, it->at - 1) : it->leaf->low;
    fsk_ref after = it->at + 1 < it->count ? word_ref(it, it->at + 1) : it->leaf->high;
    int c = -1;
    if (before != 0) {
        x = fsk_entry_at(s, before);
        c = fsk_compare(&s->order, fsk_entry_key(x), x->key_size, fsk_entry_key(e), e->key_size);
    }
    if (c > 0 || (c == 0 && it->at > 0))
        return 0;
    if (after == 0)
        return 1;
    x = fsk_entry_at(s, after);
    return fsk_compare(&s->order, fsk_entry_key(e), e->key_size, fsk_entry_key(x), x->key_size) < 0;
}

FSK_COLD static fastskip_status look_checked(fastskip_iterator *it, int forwards)
{
    const fsk_space *s = &it->table->list.space;
    fsk_ref entry = word_ref(it, it->at);
    int seen;
    if (it->damaged || (fsk_paranoid(s) && !in_order(it)))
        return FASTSKIP_CORRUPT;
    /* Down to the entry's own, with which its key is sound. */
    if ((it->flags & FASTSKIP_ALL_VERSIONS) != 0)
        return look_at_all(it, forwards);
    seen = fsk_table_seen_sound(it->table, entry, it->limit, &it->seen);
    if (seen < 0)
        return FASTSKIP_CORRUPT;
    return seen && (it->seen.kind != FASTSKIP_DELETE || it->flags != 0) ? FASTSKIP_OK
                                                                        : FASTSKIP_NOT_FOUND;
}

/* Is there something to show of the present word?  For a walk that is plain. */
static inline int look_plainly(fastskip_iterator *it)
{
    fetch_step(it);
    return fsk_version_newest(&it->table->clock, word_ref(it, it->at), it->limit, &it->seen) &&
           (it->seen.kind != FASTSKIP_DELETE || it->flags != 0);
}

/* The same for every walk; OK if there is. */
static fastskip_status look(fastskip_iterator *it, int forwards)
{
    if (FSK_LIKELY(it->plain))
        return look_plainly(it) ? FASTSKIP_OK : FASTSKIP_NOT_FOUND;
    fetch_step(it);
    if (is_checked(it))
        return look_checked(it, forwards);
    if ((it->flags & FASTSKIP_ALL_VERSIONS) != 0)
        return look_at_all(it, forwards);
    return fsk_table_seen(it->table, word_ref(it, it->at), it->limit, &it->seen) &&
                   (it->seen.kind != FASTSKIP_DELETE || it->flags != 0)
               ? FASTSKIP_OK
               : FASTSKIP_NOT_FOUND;
}

/* ---- moving ---- */

/* From word it->at on (it may be one past the end) to the next that shows something. */
static fastskip_status settle_forwards(fastskip_iterator *it)
{
    it->valid = 0;
    for (;;) {
        for (; it->at < it->count; it->at++) {
            fastskip_status status = look(it, 1);
            if (status == FASTSKIP_NOT_FOUND)
                continue;
            it->valid = status == FASTSKIP_OK;
            return status;
        }
        if (FSK_UNLIKELY(it->damaged))
            return FASTSKIP_CORRUPT;
        if (it->ends_high)
            return FASTSKIP_NOT_FOUND;
        enter_leaf_right(it);
    }
}

/* From the word before it->at down. */
static fastskip_status settle_backwards(fastskip_iterator *it)
{
    fastskip_status status;
    it->valid = 0;
    for (;;) {
        while (it->at > 0) {
            it->at--;
            status = look(it, 0);
            if (status == FASTSKIP_NOT_FOUND)
                continue;
            it->valid = status == FASTSKIP_OK;
            return status;
        }
        if (FSK_UNLIKELY(it->damaged))
            return FASTSKIP_CORRUPT;
        if (it->ends_low)
            return FASTSKIP_NOT_FOUND;
        status = enter_leaf_below(it);
        if (status != FASTSKIP_OK)
            return status;
    }
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

/* Enters the leaf where a key belongs, at the first word that is not before it (`after`: after it). */
static void enter_at(fastskip_iterator *it, const void *data, size_t size, int after)
{
    fsk_key key;
    uint32_t part;
    fsk_block *leaf;
    fsk_key_init(&key, &it->table->list.space.order, data, size);
    leaf = fsk_careful_leaf(&it->table->list, NULL, &key, &part);
    it->damaged = 0;
    if (is_checked(it) && !end_checked(it, leaf, &key))
        return;
    it->span = FSK_ENTRY_HEAD + size; /* a guess: that other keys are as long */
    fetch_now(it, leaf, after ? 0 : part, after ? part : FSK_UNKNOWN);
    if (!after) /* it is likely to go on to the right */
        fetch_block(next_leaf(it, leaf));
    enter_leaf(it, leaf);
    if (it->upper == NULL && it->lower == NULL)
        it->at = words_before_key(it, &key, part, after);
    else
        it->at = words_before(it, data, size, after);
}

fastskip_status fsk_iterator_first(fastskip_iterator *it)
{
    if (it->lower != NULL) {
        enter_at(it, it->lower, it->lower_size, 0);
    } else {
        fsk_block *leaf = fsk_careful_first(&it->table->list);
        it->valid = it->damaged = 0;
        if (leaf == NULL)
            return FASTSKIP_CORRUPT;
        fetch_now(it, leaf, 0, FSK_UNKNOWN);
        fetch_block(next_leaf(it, leaf));
        enter_leaf(it, leaf);
        it->at = 0;
    }
    return settle_forwards(it);
}

fastskip_status fsk_iterator_last(fastskip_iterator *it)
{
    if (it->upper != NULL) {
        enter_at(it, it->upper, it->upper_size, 1);
    } else {
        fsk_block *leaf = fsk_careful_leaf_below(&it->table->list, NULL);
        it->valid = it->damaged = 0;
        if (leaf == NULL)
            return FASTSKIP_CORRUPT;
        fetch_now(it, leaf, 0, FSK_UNKNOWN);
        enter_leaf(it, leaf);
    }
    it->at = it->count;
    return settle_backwards(it);
}

fastskip_status fsk_iterator_seek(fastskip_iterator *it, const void *key, size_t size)
{
    const fsk_order *o = &it->table->list.space.order;
    if (it->lower != NULL && fsk_compare(o, key, size, it->lower, it->lower_size) < 0)
        return fsk_iterator_first(it);
    enter_at(it, key, size, 0);
    return settle_forwards(it);
}

fastskip_status fsk_iterator_seek_for_prev(fastskip_iterator *it, const void *key, size_t size)
{
    const fsk_order *o = &it->table->list.space.order;
    if (it->upper != NULL && fsk_compare(o, key, size, it->upper, it->upper_size) >= 0)
        return fsk_iterator_last(it);
    enter_at(it, key, size, 1);
    return settle_backwards(it);
}

fastskip_status fsk_iterator_next(fastskip_iterator *it)
{
    if (!it->valid)
        return FASTSKIP_NOT_FOUND;
    if (FSK_UNLIKELY(!it->plain) && it->version_at + 1 < it->versions_count) {
        it->seen = it->versions[++it->version_at];
        return FASTSKIP_OK;
    }
    it->at++;
    /* The common case in line: the next word of the leaf shows something. */
    if (FSK_LIKELY(it->plain && it->at < it->count)) {
        if (FSK_LIKELY(look_plainly(it)))
            return FASTSKIP_OK;
        it->at++;
    }
    return settle_forwards(it);
}

fastskip_status fsk_iterator_prev(fastskip_iterator *it)
{
    if (!it->valid)
        return FASTSKIP_NOT_FOUND;
    if (FSK_UNLIKELY(!it->plain) && it->version_at > 0) {
        it->seen = it->versions[--it->version_at];
        return FASTSKIP_OK;
    }
    if (FSK_LIKELY(it->plain && it->at > 0)) {
        it->at--;
        if (FSK_LIKELY(look_plainly(it)))
            return FASTSKIP_OK;
    }
    return settle_backwards(it);
}
