/* read.c - lookups, one or many, and estimates; see memtable.h. */
#include "careful.h"
#include "memtable.h"

int fsk_table_seen_sound(fastskip_table *t, fsk_ref entry, uint64_t limit, fsk_seen *seen)
{
    const fsk_space *s = &t->list.space;
    fsk_ref newest;
    if (!fsk_checked(s))
        return fsk_table_seen(t, entry, limit, seen);
    if (!fsk_checked_inside(s, entry, sizeof(fsk_entry)))
        return FSK_DAMAGED;
    newest = fsk_load32_seq(&fsk_entry_at(s, entry)->newest);
    /* Else it is the first on the way. */
    if (newest != 0 && !fsk_checked_version(s, entry, entry))
        return FSK_DAMAGED;
    if (t->caller)
        return fsk_version_at_sequence(s, entry, limit, seen);
    return fsk_version_newest_slow(&t->clock, entry, fsk_version_head(&t->clock, entry, newest),
                                   limit, seen);
}

/* What a lookup answers for an entry (0: the key is not there). */
static fastskip_status answer(fastskip_table *t, fsk_ref found, uint64_t limit, int raw,
                              fastskip_entry *entry)
{
    fsk_seen seen;
    if (found == 0 || !fsk_table_seen(t, found, limit, &seen))
        return FASTSKIP_NOT_FOUND;
    if (seen.kind == FASTSKIP_DELETE && !raw)
        return FASTSKIP_NOT_FOUND;
    fsk_version_show(&t->list.space, found, &seen, entry);
    return FASTSKIP_OK;
}

/* The same, and the search, where the table has checks.  leaf NULL: it is not known yet. */
FSK_COLD static fastskip_status answer_checked(fastskip_table *t, const fsk_block *leaf,
                                               const fsk_key *key, uint32_t part, uint64_t limit,
                                               int raw, fastskip_entry *entry)
{
    const fsk_space *s = &t->list.space;
    fsk_seen seen;
    fsk_ref found;
    int n;
    if (leaf == NULL)
        leaf = fsk_careful_leaf(&t->list, NULL, key, &part);
    if (leaf == NULL)
        return FASTSKIP_CORRUPT;
    found = fsk_careful_find(s, leaf, key, part);
    if (found == 0)
        return fsk_checked_absent(s, leaf, key, part) ? FASTSKIP_NOT_FOUND : FASTSKIP_CORRUPT;
    n = fsk_table_seen_sound(t, found, limit, &seen);
    if (n <= 0)
        return n < 0 ? FASTSKIP_CORRUPT : FASTSKIP_NOT_FOUND;
    if (seen.kind == FASTSKIP_DELETE && !raw)
        return FASTSKIP_NOT_FOUND;
    fsk_version_show(s, found, &seen, entry);
    return FASTSKIP_OK;
}

fastskip_status fsk_table_get(fastskip_table *t, uint64_t limit, const void *data, size_t size,
                              int raw, fastskip_entry *entry)
{
    fsk_key key;
    fsk_block *leaf;
    fsk_ref hot = fsk_table_hot(t, data, size);
    uint32_t part;
    if (hot != 0)
        return answer(t, hot, limit, raw, entry);
    fsk_key_init(&key, &t->list.space.order, data, size);
    if (fsk_checked(&t->list.space))
        return answer_checked(t, NULL, &key, 0, limit, raw, entry);
    leaf = fsk_list_leaf(&t->list, NULL, &key, &part);
    return answer(t, fsk_block_find(&t->list.space, leaf, &key, part), limit, raw, entry);
}

/* Fetches the entry that a leaf is likely to answer with. */
static void prefetch_match(const fsk_space *s, const fsk_block *leaf, const fsk_key *k,
                           uint32_t part)
{
    uint64_t m = fsk_mask_tie(leaf->part, part);
    if (m != 0) {
        fsk_ref ref = fsk_load32_seq(&leaf->ref[fsk_lowest_bit(m)]);
        if (ref != 0)
            fsk_entry_prefetch(s, ref, FSK_ENTRY_HEAD + k->size);
    }
}

FSK_COLD static void get_group_checked(fastskip_table *t, uint64_t limit, unsigned n,
                                       const fsk_key *keys, const size_t *which,
                                       fastskip_entry *entries, fastskip_status *statuses)
{
    fsk_block *leaves[FSK_GROUP] = {NULL};
    uint32_t parts[FSK_GROUP] = {0};
    if (!fsk_paranoid(&t->list.space))
        fsk_list_leaves(&t->list, n, keys, leaves, parts);
    for (unsigned i = 0; i < n; i++)
        statuses[which[i]] =
            answer_checked(t, leaves[i], &keys[i], parts[i], limit, 0, &entries[which[i]]);
}

/* Up to FSK_GROUP lookups; `which` are their places in the caller's arrays. */
static void get_group(fastskip_table *t, uint64_t limit, unsigned n, const fsk_key *keys,
                      const size_t *which, fastskip_entry *entries, fastskip_status *statuses)
{
    fsk_block *leaves[FSK_GROUP];
    uint32_t parts[FSK_GROUP];
    if (fsk_checked(&t->list.space)) {
        get_group_checked(t, limit, n, keys, which, entries, statuses);
        return;
    }
    fsk_list_leaves(&t->list, n, keys, leaves, parts);
    for (unsigned i = 0; i < n; i++)
        prefetch_match(&t->list.space, leaves[i], &keys[i], parts[i]);
    for (unsigned i = 0; i < n; i++) {
        fsk_ref found = fsk_block_find(&t->list.space, leaves[i], &keys[i], parts[i]);
        statuses[which[i]] = answer(t, found, limit, 0, &entries[which[i]]);
    }
}

void fsk_table_get_many(fastskip_table *t, uint64_t limit, size_t n, const void *const *keys,
                        const size_t *key_sizes, fastskip_entry *entries, fastskip_status *statuses)
{
    fsk_key group[FSK_GROUP];
    size_t which[FSK_GROUP];
    unsigned filled = 0;
    for (size_t i = 0; i < n; i++) {
        fsk_ref hot;
        memset(&entries[i], 0, sizeof entries[i]);
        if (keys[i] == NULL && key_sizes[i] != 0) {
            statuses[i] = FASTSKIP_INVALID;
        } else if (key_sizes[i] > FSK_KEY_MOST) {
            statuses[i] = FASTSKIP_TOO_LARGE;
        } else if ((hot = fsk_table_hot(t, keys[i], key_sizes[i])) != 0) {
            statuses[i] = answer(t, hot, limit, 0, &entries[i]);
        } else {
            fsk_key_init(&group[filled], &t->list.space.order, keys[i], key_sizes[i]);
            which[filled++] = i;
        }
        if (filled == FSK_GROUP || (i + 1 == n && filled != 0)) {
            get_group(t, limit, filled, group, which, entries, statuses);
            filled = 0;
        }
    }
}

/* ---- estimates ---- */

#define ENOUGH_WORDS 64 /* on a level, to take the words between two keys for a sample */

static int word_below(const fsk_space *s, const fsk_word *w, const fsk_key *k)
{
    return w->key == 0 || fsk_entry_compare(&s->order, fsk_entry_at(s, w->key), k) < 0;
}

/* Are a block and its keys sound, as far as the table is to look? */
FSK_COLD static int block_checked(const fsk_space *s, const fsk_block *b, unsigned level)
{
    return !fsk_checked(s) ||
           ((!fsk_paranoid(s) || fsk_careful_block(s, b, level)) && fsk_checked_block(s, b));
}

/* Words of a level from lower on and before upper. */
static uint64_t words_between(fastskip_table *t, unsigned level, const fsk_key *lower,
                              const fsk_key *upper)
{
    const fsk_space *s = &t->list.space;
    uint64_t n = 0;
    fsk_block *b = fsk_careful_level(&t->list, level, lower);
    if (b == NULL)
        return FSK_APPROXIMATE_DAMAGED;
    while (b != NULL) {
        fsk_word words[FSK_BLOCK_WORDS];
        unsigned filled;
        if (!block_checked(s, b, level))
            return FSK_APPROXIMATE_DAMAGED;
        filled = fsk_block_gather(s, b, words, FSK_ENTRY_HEAD);
        for (unsigned i = 0; i < filled; i++) {
            if (lower != NULL && word_below(s, &words[i], lower))
                continue;
            if (upper != NULL && !word_below(s, &words[i], upper))
                return n;
            n++;
        }
        if (!fsk_careful_next(&t->list, &b))
            return FSK_APPROXIMATE_DAMAGED;
    }
    return n;
}

/* Does the way to this end lead where it should? */
FSK_COLD static int end_checked(fastskip_table *t, const fsk_key *key)
{
    uint32_t part;
    const fsk_block *leaf = key != NULL ? fsk_careful_leaf(&t->list, NULL, key, &part) : NULL;
    return key == NULL || (leaf != NULL && fsk_checked_bounds(&t->list.space, leaf, key));
}

/*
 * The highest level on which there are enough words between the keys for a sample; each stands for as
 * many keys as a block of the level below holds on average.  On level 0 the words are counted.
 */
uint64_t fsk_table_approximate(fastskip_table *t, const fsk_key *lower, const fsk_key *upper)
{
    const fsk_arena *a = &t->arena;
    double leaves = (double)fsk_arena_total(a, FSK_COUNT_LEAVES);
    double index = (double)fsk_arena_total(a, FSK_COUNT_INDEX);
    double keys = (double)fsk_arena_total(a, FSK_COUNT_KEYS);
    double fan_out = index > 0 ? (leaves + index) / index : 1;
    unsigned level;
    if (lower == NULL && upper == NULL)
        return (uint64_t)keys;
    if (fsk_checked(&t->list.space) && (!end_checked(t, lower) || !end_checked(t, upper)))
        return FSK_APPROXIMATE_DAMAGED;
    level = fsk_block_at(&t->list.space, fsk_load32_acquire(&t->list.root))->level;
    for (; level > 0; level--) {
        uint64_t words = words_between(t, level, lower, upper);
        double each = keys / leaves;
        if (words == FSK_APPROXIMATE_DAMAGED)
            return words;
        if (words < ENOUGH_WORDS)
            continue;
        for (unsigned i = 1; i < level; i++)
            each *= fan_out;
        return (uint64_t)((double)words * each);
    }
    return words_between(t, 0, lower, upper);
}
