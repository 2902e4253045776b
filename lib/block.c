/* block.c - see block.h. */
#include "block.h"

static void block_clear(fsk_block *b)
{
    memset(b->pad, 0, sizeof b->pad);
    memset(b->window, 0, sizeof b->window);
    fsk_init32(&b->forward, 0);
    fsk_init32(&b->next, 0);
    fsk_init32(&b->fill, 0);
    b->sorted = 0;
    for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++)
        fsk_init32(&b->part[i], FSK_UNKNOWN);
    for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++)
        fsk_init32(&b->ref[i], 0);
}

void fsk_block_init(const fsk_space *s, fsk_block *b, unsigned level, fsk_ref low, fsk_ref high,
                    fsk_ref sample, size_t skip)
{
    const fsk_entry *e = sample != 0 ? fsk_entry_at(s, sample) : NULL;
    block_clear(b);
    if (e == NULL || s->order.compare != NULL)
        skip = 0;
    b->level = (uint8_t)level;
    b->low = low;
    b->high = high;
    b->sample = skip != 0 ? sample : 0;
    b->skip = (uint16_t)skip;
    b->shared = 0;
    for (size_t i = skip > FSK_WINDOW ? skip - FSK_WINDOW : 0; i < skip; i++)
        b->window[i + FSK_WINDOW - skip] = fsk_padded_byte(fsk_entry_key(e), e->key_size, i);
    b->high_part = high != 0 ? fsk_block_part_of(s, b, fsk_entry_at(s, high)) : FSK_UNKNOWN;
    /* Nobody goes down from a leaf, and reading keys costs cache misses. */
    if (level > 0 && low != 0 && high != 0 && s->order.compare == NULL) {
        const fsk_entry *l = fsk_entry_at(s, low), *h = fsk_entry_at(s, high);
        b->shared = (uint16_t)fsk_shared_prefix(fsk_entry_key(l), l->key_size, fsk_entry_key(h),
                                                h->key_size, FSK_KEY_MOST);
    }
}

void fsk_block_init_like(fsk_block *b, const fsk_block *like, fsk_ref low, fsk_ref high,
                         uint32_t high_part)
{
    block_clear(b);
    b->level = like->level;
    b->low = low;
    b->high = high;
    b->sample = like->sample;
    b->skip = like->skip;
    b->shared = 0;
    memcpy(b->window, like->window, sizeof b->window);
    b->high_part = high != 0 ? high_part : FSK_UNKNOWN;
}

uint32_t fsk_block_part_of(const fsk_space *s, const fsk_block *b, const fsk_entry *e)
{
    fsk_key k;
    fsk_key_init(&k, &s->order, fsk_entry_key(e), e->key_size);
    return fsk_block_part(s, b, &k, 0);
}

uint32_t fsk_block_rank(const fsk_space *s, const fsk_block *b, const fsk_key *k)
{
    unsigned from = b->level > 0 && b->low == 0, to = b->sorted; /* minus infinity has no key */
    while (from < to) {
        unsigned mid = (from + to) / 2;
        fsk_ref key = fsk_block_key_of(s, b, fsk_load32_acquire(&b->ref[mid]));
        int c = fsk_entry_compare(&s->order, fsk_entry_at(s, key), k);
        if (c == 0)
            return 2 * mid + 2;
        if (c < 0)
            from = mid + 1;
        else
            to = mid;
    }
    if (from >= b->sorted && b->high != 0 &&
        fsk_entry_compare(&s->order, fsk_entry_at(s, b->high), k) <= 0)
        return FSK_RANK_BEYOND;
    return 2 * from + 1;
}

void fsk_block_push(const fsk_space *s, fsk_block *b, fsk_ref ref, fsk_ref key)
{
    unsigned i = b->sorted++;
    uint32_t part = 0; /* minus infinity, which is below every key whatever its part */
    if (key != 0) {
        const fsk_entry *e = fsk_entry_at(s, key);
        /* The block's own keys have its prefix. */
        part = fsk_has_ranks(&s->order)   ? 2 * i + 2
               : s->order.compare != NULL ? fsk_abbreviate(&s->order, fsk_entry_key(e), e->key_size)
                                          : fsk_part_bytes(fsk_entry_key(e), e->key_size, b->skip);
    }
    fsk_init32(&b->part[i], part);
    fsk_init32(&b->ref[i], ref);
    fsk_init32(&b->fill, i + 1);
}

void fsk_block_fill(fsk_block *b, const fsk_word *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        fsk_init32(&b->part[i], words[i].part);
        fsk_init32(&b->ref[i], words[i].ref);
    }
    b->sorted = (uint8_t)n;
    fsk_init32(&b->fill, n);
}

fsk_ref fsk_block_key_of(const fsk_space *s, const fsk_block *b, fsk_ref ref)
{
    return b->level == 0 ? ref : fsk_block_at(s, ref)->low;
}

int fsk_word_compare(const fsk_space *s, const fsk_word *a, const fsk_word *b)
{
    const fsk_entry *x, *y;
    if (a->part != b->part)
        return a->part < b->part ? -1 : 1;
    if (a->key == 0 || b->key == 0)
        return (a->key != 0) - (b->key != 0);
    x = fsk_entry_at(s, a->key);
    y = fsk_entry_at(s, b->key);
    return fsk_compare(&s->order, fsk_entry_key(x), x->key_size, fsk_entry_key(y), y->key_size);
}

/* By keys, where parts are equal; they are in order by their parts. */
static void sort_by_keys(const fsk_space *s, uint64_t *words, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        uint64_t w = words[i];
        const fsk_entry *e = fsk_entry_at(s, (fsk_ref)w);
        unsigned j = i;
        for (; j > 0 && words[j - 1] >> 32 == w >> 32; j--) {
            const fsk_entry *x = fsk_entry_at(s, (fsk_ref)words[j - 1]);
            if (fsk_compare(&s->order, fsk_entry_key(x), x->key_size, fsk_entry_key(e),
                            e->key_size) <= 0)
                break;
            words[j] = words[j - 1];
        }
        words[j] = w;
    }
}

/* Signed: all vector instructions compare such. */
static inline int32_t in_signed_order(uint32_t part)
{
    return (int32_t)(part ^ 0x80000000u);
}

/* How many are less.  All places, so that compilers make vectors of it. */
static inline unsigned count_less(const int32_t *parts, int32_t part)
{
    unsigned n = 0;
    FSK_UNROLL
    for (unsigned i = 0; i < FSK_BLOCK_WORDS; i++)
        n += parts[i] < part;
    return n;
}

/*
 * By parts.  The first `born` are in order: each that came later goes where as many are less, and those
 * fill the places between.  No branch depends on a part, save for equal ones: each would be mispredicted
 * half the time.
 */
static void sort_by_parts(const int32_t *parts, uint64_t *words, unsigned born, unsigned n)
{
    uint64_t late[FSK_BLOCK_WORDS], free = ((uint64_t)1 << n) - 1;
    uint8_t place[FSK_BLOCK_WORDS];
    for (unsigned i = born; i < n; i++) {
        unsigned at = count_less(parts, parts[i]);
        while (FSK_UNLIKELY((free >> at & 1) == 0))
            at++; /* taken by one of an equal part */
        free &= ~((uint64_t)1 << at);
        place[i] = (uint8_t)at;
        late[i] = words[i];
    }
    for (unsigned i = born; i-- > 0;) { /* from the end: none moves down */
        unsigned at = fsk_highest_bit(free);
        free ^= (uint64_t)1 << at;
        words[at] = words[i];
    }
    for (unsigned i = born; i < n; i++)
        words[place[i]] = late[i];
}

unsigned fsk_block_leaf_words(const fsk_space *s, const fsk_block *b, uint64_t *words)
{
    int32_t parts[FSK_BLOCK_WORDS];
    unsigned n = 0, born = b->sorted, disorder = 0;
    uint64_t equal = 0;
    for (; n < FSK_BLOCK_WORDS; n++) {
        fsk_ref ref = fsk_load32_seq(&b->ref[n]);
        uint32_t part;
        if (ref == 0)
            break;
        part = fsk_load32_relaxed(&b->part[n]);
        if (FSK_UNLIKELY(part == FSK_UNKNOWN))
            part = fsk_block_part_of(s, b, fsk_entry_at(s, ref));
        words[n] = (uint64_t)part << 32 | ref;
        parts[n] = in_signed_order(part);
    }
    for (unsigned i = n; i < FSK_BLOCK_WORDS; i++)
        parts[i] = INT32_MAX; /* never less */
    if (born == 0)
        born = n != 0;
    for (unsigned i = born; i < n; i++)
        disorder |= parts[i - 1] >= parts[i];
    if (disorder)
        sort_by_parts(parts, words, born, n);
    for (unsigned i = 1; i < n; i++) /* the sign: of less than 1 */
        equal |= ((words[i] >> 32) - (words[i - 1] >> 32) - 1);
    if (FSK_UNLIKELY(equal >> 63 != 0))
        sort_by_keys(s, words, n);
    return n;
}

static unsigned gather_leaf(const fsk_space *s, const fsk_block *b, fsk_word *words, size_t span)
{
    uint64_t packed[FSK_BLOCK_WORDS];
    unsigned n = fsk_block_leaf_words(s, b, packed);
    for (unsigned i = 0; i < n; i++) {
        words[i].ref = words[i].key = (fsk_ref)packed[i];
        words[i].part = (uint32_t)(packed[i] >> 32);
        if (span != 0)
            fsk_entry_prefetch(s, words[i].ref, span);
    }
    return n;
}

unsigned fsk_block_gather(const fsk_space *s, const fsk_block *b, fsk_word *words, size_t span)
{
    unsigned n = 0, born = b->sorted;
    if (b->level == 0)
        return gather_leaf(s, b, words, span);
    for (; n < FSK_BLOCK_WORDS; n++) {
        fsk_ref ref = fsk_load32_seq(&b->ref[n]);
        if (ref == 0)
            break;
        words[n].ref = ref;
        words[n].part = fsk_load32_relaxed(&b->part[n]);
        words[n].key = fsk_block_key_of(s, b, ref);
        if (words[n].part ==
            FSK_UNKNOWN) /* so it is not minus infinity, whose part is 0 at birth */
            words[n].part = fsk_block_part_of(s, b, fsk_entry_at(s, words[n].key));
    }
    for (unsigned i = born > 1 ? born : 1; i < n; i++) {
        fsk_word w = words[i];
        unsigned j = i;
        for (; j > 0 && fsk_word_compare(s, &w, &words[j - 1]) < 0; j--)
            words[j] = words[j - 1];
        words[j] = w;
    }
    return n;
}

int fsk_block_prefix_slow(const fsk_space *s, const fsk_block *b, const fsk_key *k, uint32_t known)
{
    const fsk_entry *e;
    const uint8_t *key;
    size_t both, i = known;
    if (b->skip == 0)
        return 0;
    e = fsk_entry_at(s, b->sample);
    key = fsk_entry_key(e);
    both = k->size < e->key_size ? k->size : e->key_size;
    if (both > b->skip)
        both = b->skip;
    if (i < both) {
        int c = memcmp(k->data + i, key + i, both - i);
        if (c != 0)
            return c;
        i = both;
    }
    for (; i < b->skip; i++) {
        int c = fsk_padded_byte(k->data, k->size, i) - fsk_padded_byte(key, e->key_size, i);
        if (c != 0)
            return c;
    }
    return 0;
}

/* Is the low of word i above that of word `best`?  The low of slot 0 is the block's own, below all. */
static int low_above(const fsk_space *s, const fsk_block *b, unsigned i, unsigned best)
{
    const fsk_entry *x, *y;
    if (best == 0)
        return 1;
    x = fsk_entry_at(s, fsk_block_at(s, fsk_load32_acquire(&b->ref[i]))->low);
    y = fsk_entry_at(s, fsk_block_at(s, fsk_load32_acquire(&b->ref[best]))->low);
    return fsk_compare(&s->order, fsk_entry_key(x), x->key_size, fsk_entry_key(y), y->key_size) > 0;
}

/* Does word i, whose part does not tell, lie at or before the key (strict: before it)? */
static int low_fits(const fsk_space *s, const fsk_block *b, unsigned i, const fsk_key *k,
                    int strict)
{
    int c;
    if (k == NULL)
        return 1;
    c = fsk_entry_compare(&s->order,
                          fsk_entry_at(s, fsk_block_at(s, fsk_load32_acquire(&b->ref[i]))->low), k);
    return c < 0 || (c == 0 && !strict);
}

/*
 * The greatest child at or before the key (strict: before it), reading lows only where parts do not
 * decide.  key NULL is plus infinity.  Slot 0 holds the block's own low, so that there is always one.
 */
static unsigned child_by_keys(const fsk_space *s, const fsk_block *b, const fsk_key *k,
                              uint32_t part, int strict)
{
    unsigned best = 0;
    uint32_t best_part = fsk_load32_relaxed(&b->part[0]);
    for (unsigned i = 1; i < FSK_BLOCK_WORDS && fsk_load32_acquire(&b->ref[i]) != 0; i++) {
        uint32_t p = fsk_load32_relaxed(&b->part[i]);
        if (p != FSK_UNKNOWN && p > part)
            continue;
        if ((p == part || p == FSK_UNKNOWN) && !low_fits(s, b, i, k, strict))
            continue;
        if (p == FSK_UNKNOWN || best_part == FSK_UNKNOWN || p == best_part) {
            if (!low_above(s, b, i, best))
                continue;
        } else if (p < best_part) {
            continue;
        }
        best = i;
        best_part = p;
    }
    return best;
}

unsigned fsk_block_child_slow(const fsk_space *s, const fsk_block *b, const fsk_key *k,
                              uint32_t part, int strict, unsigned *beside)
{
    *beside = FSK_NO_SLOT;
    return child_by_keys(s, b, k, part, strict);
}

unsigned fsk_block_child_below(const fsk_space *s, const fsk_block *b, const fsk_key *k,
                               unsigned *beside)
{
    return k != NULL ? fsk_block_child(s, b, k, fsk_block_part(s, b, k, 0), 1, beside)
                     : fsk_block_child_slow(s, b, NULL, FSK_UNKNOWN, 1, beside);
}

int fsk_block_high_below(const fsk_space *s, const fsk_block *b, const fsk_key *k)
{
    if (b->high == 0)
        return 0;
    return k == NULL || fsk_entry_compare(&s->order, fsk_entry_at(s, b->high), k) < 0;
}
