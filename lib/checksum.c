/* checksum.c - see checksum.h. */
#include "checksum.h"

#include <stdlib.h>

fastskip_status fsk_checks_new(const fsk_arena *arena, uint32_t checksum, uint32_t paranoid,
                               int caller, fsk_checks **checks)
{
    struct {
        fsk_checks checks;
        fsk_crc32c_table table;
    } * made;
    int tables = checksum != 0 && !fsk_crc32c_instruction();
    made = malloc(tables ? sizeof *made : sizeof made->checks);
    if (made == NULL)
        return FASTSKIP_NO_MEMORY;
    made->checks.arena = arena;
    made->checks.checksum = checksum != 0;
    made->checks.paranoid = paranoid != 0;
    made->checks.caller = caller;
    made->checks.table = tables ? &made->table : NULL;
    if (tables)
        fsk_crc32c_fill(&made->table);
    *checks = &made->checks;
    return FASTSKIP_OK;
}

/* ---- where things are ---- */

int fsk_checked_inside(const fsk_space *s, fsk_ref ref, uint64_t size)
{
    return fsk_arena_inside(s->checks->arena, ref, size);
}

int fsk_checked_going(const fsk_space *s, uint64_t steps, uint64_t size)
{
    return fsk_arena_going(s->checks->arena, steps, size);
}

/* Bytes up to the end of the value. */
static uint64_t entry_extent(const fsk_entry *e)
{
    return (uint64_t)((uintptr_t)fsk_entry_value(e) - (uintptr_t)e) + fsk_entry_value_size(e);
}

static fsk_atomic32 *sum_after(const fsk_space *s, fsk_ref ref, uint64_t extent)
{
    return (fsk_atomic32 *)(void *)(s->base + (uint64_t)ref * FSK_UNIT +
                                    fsk_round_up(extent, FSK_SUM_BYTES));
}

static fsk_atomic32 *sum_of(const fsk_space *s, fsk_ref entry, fsk_ref version)
{
    uint64_t extent = version == entry ? entry_extent(fsk_entry_at(s, entry))
                                       : fsk_version_bytes(fsk_version_at(s, version)->value_size);
    return sum_after(s, version, extent);
}

static int entry_inside(const fsk_space *s, fsk_ref ref)
{
    const fsk_entry *e = fsk_entry_at(s, ref);
    fsk_ref first = s->checks->caller ? ref - FSK_OLDER_BYTES / FSK_UNIT : ref;
    if (!fsk_checked_inside(s, first, 0) || !fsk_checked_inside(s, ref, sizeof *e))
        return 0;
    if (e->short_value_size == FSK_LONG_VALUE &&
        !fsk_checked_inside(s, ref, sizeof *e + e->key_size + sizeof(uint32_t)))
        return 0;
    return fsk_checked_inside(s, ref, fsk_summed_bytes(s, entry_extent(e)));
}

static uint64_t list_bytes(const fsk_list_below *l)
{
    return sizeof *l + (uint64_t)l->count * sizeof l->member[0];
}

static int version_inside(const fsk_space *s, fsk_ref ref)
{
    const fsk_version *v = fsk_version_at(s, ref);
    if (!fsk_checked_inside(s, ref, sizeof *v) ||
        !fsk_checked_inside(s, ref, fsk_summed_bytes(s, fsk_version_bytes(v->value_size))))
        return 0;
    return v->list == 0 ||
           (fsk_checked_inside(s, v->list, sizeof(fsk_list_below)) &&
            fsk_checked_inside(s, v->list, list_bytes(fsk_list_below_at(s, v->list))));
}

/* ---- sums ---- */

static uint32_t extend(const fsk_space *s, uint32_t state, const void *data, size_t size)
{
    return fsk_crc32c_extend(s->checks->table, state, data, size);
}

/* What a word says for good. */
static uint64_t lasting(const fsk_space *s, uint64_t word)
{
    if (s->checks->caller)
        return word;
    if ((word & FSK_WORD_RECORD) != 0)
        return word & (FSK_WORD_BATCH | FSK_WORD_KIND);
    return word & (FSK_WORD_STAMP | FSK_WORD_BATCH | FSK_WORD_KIND);
}

/* The same before it has a stamp. */
static uint64_t unstamped(const fsk_space *s, uint64_t word)
{
    return s->checks->caller ? word : word & (FSK_WORD_BATCH | FSK_WORD_KIND);
}

static uint32_t with_word(const fsk_space *s, uint32_t state, uint64_t word)
{
    return ~extend(s, state, &word, sizeof word);
}

/* Sizes, key and value of an entry lie in one piece. */
static uint32_t entry_state(const fsk_space *s, fsk_ref ref)
{
    const fsk_entry *e = fsk_entry_at(s, ref);
    size_t before = offsetof(fsk_entry, key_size);
    return extend(s, UINT32_MAX, &e->key_size, (size_t)entry_extent(e) - before);
}

uint32_t fsk_checksum_version_begin(const fsk_space *s, fsk_ref entry, fsk_ref version)
{
    const fsk_version *v = fsk_version_at(s, version);
    size_t before = offsetof(fsk_version, value_size);
    uint32_t state =
        extend(s, UINT32_MAX, &v->value_size, (size_t)fsk_version_bytes(v->value_size) - before);
    return extend(s, state, &entry, sizeof entry);
}

static uint32_t version_links(const fsk_space *s, fsk_ref version, uint32_t state)
{
    const fsk_version *v = fsk_version_at(s, version);
    uint32_t link[2];
    link[0] = s->checks->caller ? 0 : fsk_load32_relaxed(&v->older);
    link[1] = v->list;
    state = extend(s, state, link, sizeof link);
    if (v->list != 0) {
        const fsk_list_below *l = fsk_list_below_at(s, v->list);
        state = extend(s, state, &l->count, sizeof l->count);
        state = extend(s, state, l->member, l->count * sizeof l->member[0]);
    }
    return state;
}

void fsk_checksum_entry(const fsk_space *s, fsk_ref entry)
{
    uint64_t word = fsk_load64_relaxed(&fsk_entry_at(s, entry)->word);
    fsk_init32(sum_of(s, entry, entry), with_word(s, entry_state(s, entry), unstamped(s, word)));
}

void fsk_checksum_version_end(const fsk_space *s, fsk_ref version, uint32_t state)
{
    const fsk_version *v = fsk_version_at(s, version);
    uint64_t word = fsk_load64_relaxed(&v->word);
    fsk_init32(sum_after(s, version, fsk_version_bytes(v->value_size)),
               with_word(s, version_links(s, version, state), unstamped(s, word)));
}

void fsk_checksum_stamped(const fsk_space *s, fsk_ref version, uint64_t extent, uint64_t stamp)
{
    uint64_t part = stamp << FSK_WORD_SHIFT;
    fsk_atomic32 *sum = sum_after(s, version, extent);
    /* Pairs with the acquire in word_fits: who sees this sum sees the stamp. */
    fsk_store32_release(sum, fsk_load32_relaxed(sum) ^ extend(s, 0, &part, sizeof part));
}

/* ---- is it sound? ---- */

/* Bits that exclude each other, and a record where there is none. */
static int word_possible(const fsk_space *s, fsk_ref entry, fsk_ref version, uint64_t word)
{
    uint64_t stamp = (word & FSK_WORD_STAMP) >> FSK_WORD_SHIFT;
    int pending = (word & FSK_WORD_RECORD) != 0;
    if (s->checks->caller)
        return 1;
    if ((word & FSK_WORD_UNCOUNTED) != 0 &&
        (version != entry || (word & FSK_WORD_BATCH) == 0 || (!pending && stamp != FSK_NEVER)))
        return 0;
    if (!pending)
        return 1;
    return (word & FSK_WORD_BATCH) != 0 && stamp <= UINT32_MAX &&
           (version == entry || fsk_version_at(s, version)->owner == stamp) &&
           fsk_checked_inside(s, (fsk_ref)stamp, sizeof(fsk_record));
}

static int sum_fits(const fsk_space *s, uint32_t state, uint32_t sum, uint64_t word)
{
    uint64_t now = lasting(s, word), mark = unstamped(s, word);
    return sum == with_word(s, state, now) || (now != mark && sum == with_word(s, state, mark));
}

static int word_fits(const fsk_space *s, fsk_ref entry, fsk_ref version, uint32_t state)
{
    const fsk_atomic64 *at = &fsk_version_at(s, version)->word;
    uint64_t word = fsk_load64_acquire(at), again;
    const fsk_atomic32 *sum = s->checks->checksum ? sum_of(s, entry, version) : NULL;
    for (;;) {
        if (word_possible(s, entry, version, word) &&
            (sum == NULL || sum_fits(s, state, fsk_load32_acquire(sum), word)))
            return 1;
        again = fsk_load64_acquire(at);
        if (again == word)
            return 0;
        word = again;
    }
}

/* Without what its list names. */
static int version_sound(const fsk_space *s, fsk_ref entry, fsk_ref version)
{
    uint32_t state = 0;
    if (version == entry ? !entry_inside(s, entry) : !version_inside(s, version))
        return 0;
    if (s->checks->checksum && version == entry)
        state = entry_state(s, entry);
    else if (s->checks->checksum)
        state = version_links(s, version, fsk_checksum_version_begin(s, entry, version));
    return word_fits(s, entry, version, state);
}

int fsk_checked_version(const fsk_space *s, fsk_ref entry, fsk_ref version)
{
    const fsk_list_below *l;
    fsk_ref list;
    if (!version_sound(s, entry, version))
        return 0;
    list = version != entry ? fsk_version_at(s, version)->list : 0;
    if (list == 0)
        return 1;
    l = fsk_list_below_at(s, list);
    for (uint32_t i = 0; i < l->count; i++)
        if (!version_sound(s, entry, l->member[i].version))
            return 0;
    return 1;
}

/* ---- keys of blocks ---- */

int fsk_checked_bounds(const fsk_space *s, const fsk_block *leaf, const fsk_key *key)
{
    if (!fsk_checked_key(s, leaf->low) || !fsk_checked_key(s, leaf->high))
        return 0;
    if (leaf->low != 0 && fsk_entry_compare(&s->order, fsk_entry_at(s, leaf->low), key) > 0)
        return 0;
    return leaf->high == 0 || fsk_entry_compare(&s->order, fsk_entry_at(s, leaf->high), key) > 0;
}

/* Of the first n words. */
static int words_checked(const fsk_space *s, const fsk_block *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        fsk_ref ref = fsk_load32_seq(&b->ref[i]);
        if (ref == 0)
            break;
        if (b->level > 0 && !fsk_checked_inside(s, ref, sizeof *b))
            return 0;
        if (!fsk_checked_key(s, fsk_block_key_of(s, b, ref)))
            return 0;
    }
    return 1;
}

int fsk_checked_parts(const fsk_space *s, const fsk_block *b)
{
    if (!fsk_checked_key(s, b->sample))
        return 0;
    return !fsk_has_ranks(&s->order) || words_checked(s, b, b->sorted);
}

int fsk_checked_absent(const fsk_space *s, const fsk_block *leaf, const fsk_key *key, uint32_t part)
{
    if (!fsk_checked_bounds(s, leaf, key) || !fsk_checked_parts(s, leaf))
        return 0;
    for (uint64_t m = fsk_mask_tie(leaf->part, part); m != 0; m &= m - 1) {
        fsk_ref ref = fsk_load32_seq(&leaf->ref[fsk_lowest_bit(m)]);
        if (ref == 0)
            break;
        if (!fsk_checked_version(s, ref, ref))
            return 0;
    }
    return 1;
}

int fsk_checked_block(const fsk_space *s, const fsk_block *b)
{
    if (!fsk_checked_key(s, b->low) || !fsk_checked_key(s, b->high) ||
        !fsk_checked_key(s, b->sample))
        return 0;
    return words_checked(s, b, FSK_BLOCK_WORDS);
}
