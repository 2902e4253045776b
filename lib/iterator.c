/* iterator.c - see iterator.h. */
#include "iterator.h"

#include <stdlib.h>

#include "careful.h"
#include "walk.h"

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
    it->ahead = it->beyond = NULL;
    it->ahead_slot = -1;
    it->steps = 0;
    it->backwards = 0;
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

/* ---- what is seen of a key ---- */

/* All versions of the present word into it->versions.  NO_MEMORY when there is no room for them. */
static fastskip_status all_versions(fastskip_iterator *it)
{
    fastskip_table *t = it->table;
    for (;;) {
        size_t n = fsk_version_all(&t->clock, fsk_walk_word(it, it->at), it->limit, t->caller,
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
    const fsk_entry *e = fsk_entry_at(s, fsk_walk_word(it, it->at)), *x;
    fsk_ref before = it->at > 0 ? fsk_walk_word(it, it->at - 1) : it->leaf->low;
    fsk_ref after = it->at + 1 < it->count ? fsk_walk_word(it, it->at + 1) : it->leaf->high;
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
    fsk_ref entry = fsk_walk_word(it, it->at);
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
    fsk_walk_fetch(it);
    return fsk_version_newest(&it->table->clock, fsk_walk_word(it, it->at), it->limit, &it->seen) &&
           (it->seen.kind != FASTSKIP_DELETE || it->flags != 0);
}

/* The same for every walk; OK if there is. */
static fastskip_status look(fastskip_iterator *it, int forwards)
{
    if (FSK_LIKELY(it->plain))
        return look_plainly(it) ? FASTSKIP_OK : FASTSKIP_NOT_FOUND;
    fsk_walk_fetch(it);
    if (fsk_walk_checked(it))
        return look_checked(it, forwards);
    if ((it->flags & FASTSKIP_ALL_VERSIONS) != 0)
        return look_at_all(it, forwards);
    return fsk_table_seen(it->table, fsk_walk_word(it, it->at), it->limit, &it->seen) &&
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
        fsk_walk_right(it);
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
        status = fsk_walk_below(it);
        if (status != FASTSKIP_OK)
            return status;
    }
}

fastskip_status fsk_iterator_first(fastskip_iterator *it)
{
    if (it->lower != NULL) {
        fsk_walk_to(it, it->lower, it->lower_size, 0);
    } else if (!fsk_walk_first(it)) {
        return FASTSKIP_CORRUPT;
    }
    return settle_forwards(it);
}

fastskip_status fsk_iterator_last(fastskip_iterator *it)
{
    if (it->upper != NULL) {
        fsk_walk_to(it, it->upper, it->upper_size, 1);
    } else if (!fsk_walk_last(it)) {
        return FASTSKIP_CORRUPT;
    }
    it->at = it->count;
    return settle_backwards(it);
}

fastskip_status fsk_iterator_seek(fastskip_iterator *it, const void *key, size_t size)
{
    const fsk_order *o = &it->table->list.space.order;
    if (it->lower != NULL && fsk_compare(o, key, size, it->lower, it->lower_size) < 0)
        return fsk_iterator_first(it);
    fsk_walk_to(it, key, size, 0);
    return settle_forwards(it);
}

fastskip_status fsk_iterator_seek_for_prev(fastskip_iterator *it, const void *key, size_t size)
{
    const fsk_order *o = &it->table->list.space.order;
    if (it->upper != NULL && fsk_compare(o, key, size, it->upper, it->upper_size) >= 0)
        return fsk_iterator_last(it);
    fsk_walk_to(it, key, size, 1);
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

/* The entries after the present one, as long as they are words of its leaf and each is shown by its only version,
 * a put; how many.  Moves to the last of them, but for `seen`: a move follows.  For a walk that is plain. */
static size_t show_run(fastskip_iterator *it, fastskip_entry *entries, size_t room)
{
    const fsk_space s = it->table->list.space; /* a copy, which no store to entries can change */
    const uint64_t limit = it->limit;
    const unsigned first = it->at + 1, rest = it->count - first;
    const uint64_t *word = it->words + first, *end = word + (room < rest ? room : rest);
    fastskip_entry *out = entries;
    for (; word < end; word++) {
        fsk_seen seen;
        if (FSK_UNLIKELY(!fsk_version_only(&s, (fsk_ref)*word, limit, &seen) ||
                         seen.kind == FASTSKIP_DELETE))
            break;
        fsk_version_show(&s, (fsk_ref)*word, &seen, out++);
        fsk_walk_fetch(it);
    }
    it->at += (unsigned)(out - entries);
    return (size_t)(out - entries);
}

fastskip_status fsk_iterator_next_many(fastskip_iterator *it, fastskip_entry *entries, size_t room,
                                       size_t *count)
{
    fastskip_status status = FASTSKIP_OK;
    size_t n = 0;
    while (n < room && it->valid) {
        fsk_iterator_show(it, &entries[n++]);
        if (FSK_LIKELY(it->plain))
            n += show_run(it, entries + n, room - n);
        status = fsk_iterator_next(it);
    }
    *count = n;
    return status;
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
