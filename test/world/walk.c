/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * walk.c - random walks of iterators: seeks, steps both ways, bounds, many entries at once.
 */
#include "world.h"

/* The first shown version of a key, going forwards; NEVER if it is not shown. */
static size_t shown(const struct walker *walker, const struct key *key)
{
    size_t i = newest(key, walker->at);
    if (i != NEVER && walker->flags == 0 && key->versions[i].kind == FASTSKIP_DELETE)
        return NEVER;
    return i;
}

void stand_from(struct world *w, struct walker *walker, size_t rank)
{
    walker->valid = 0;
    for (; rank < walker->high && !walker->valid; rank++) {
        walker->rank = rank;
        walker->version = shown(walker, &w->keys[rank]);
        walker->valid = walker->version != NEVER;
    }
}

void stand_below(struct world *w, struct walker *walker, size_t rank)
{
    walker->valid = 0;
    while (rank-- > walker->low && !walker->valid) {
        walker->rank = rank;
        walker->version = shown(walker, &w->keys[rank]);
        walker->valid = walker->version != NEVER;
    }
    if (walker->valid && walker->flags & FASTSKIP_ALL_VERSIONS)
        walker->version = 0;
}

static void model_next(struct world *w, struct walker *walker)
{
    if (!walker->valid)
        return;
    if (walker->flags & FASTSKIP_ALL_VERSIONS && walker->version > 0)
        walker->version--;
    else
        stand_from(w, walker, walker->rank + 1);
}

void model_prev(struct world *w, struct walker *walker)
{
    if (!walker->valid)
        return;
    if (walker->flags & FASTSKIP_ALL_VERSIONS &&
        walker->version < newest(&w->keys[walker->rank], walker->at))
        walker->version++;
    else
        stand_below(w, walker, walker->rank);
}

void require_place(struct world *w, struct walker *walker, fastskip_status status)
{
    fastskip_entry entry;
    EXPECT(w, status == (walker->valid ? FASTSKIP_OK : FASTSKIP_NOT_FOUND));
    EXPECT(w, fastskip_iterator_valid(walker->it) == walker->valid);
    EXPECT(w, fastskip_iterator_entry(walker->it, &entry) == status);
    if (walker->valid)
        require_entry(w, &entry, &w->keys[walker->rank], walker->version);
}

void take_many(struct world *w, struct walker *walker, size_t capacity)
{
    fastskip_entry entries[MANY];
    size_t count = NEVER;
    fastskip_status status = fastskip_iterator_next_many(walker->it, entries, capacity, &count);
    EXPECT(w, status == (walker->valid ? FASTSKIP_OK : FASTSKIP_NOT_FOUND));
    for (size_t i = 0; i < count; i++) {
        EXPECT(w, walker->valid);
        require_entry(w, &entries[i], &w->keys[walker->rank], walker->version);
        model_next(w, walker);
    }
    EXPECT(w, count == capacity || !walker->valid);
    EXPECT(w, fastskip_iterator_valid(walker->it) == walker->valid);
}

static void seek_somewhere(struct world *w, struct walker *walker)
{
    size_t rank = below(w, w->count), choice = below(w, 8);
    const struct key *key = &w->keys[rank];
    fastskip_status status;
    if (choice == 0) {
        stand_from(w, walker, walker->low);
        status = fastskip_iterator_seek_first(walker->it);
    } else if (choice == 1) {
        stand_below(w, walker, walker->high);
        status = fastskip_iterator_seek_last(walker->it);
    } else if (choice < 5) {
        stand_from(w, walker, rank < walker->low ? walker->low : rank);
        status = fastskip_iterator_seek(walker->it, spell(w, key), key->size);
    } else {
        stand_below(w, walker, rank + 1 > walker->high ? walker->high : rank + 1);
        status = fastskip_iterator_seek_for_prev(walker->it, spell(w, key), key->size);
    }
    require_place(w, walker, status);
}

static void draw_bounds(struct world *w, struct walker *walker)
{
    size_t low = below(w, w->count), high = below(w, w->count), choice = below(w, 8);
    const struct key *l = choice & 1 ? &w->keys[low] : NULL;
    const struct key *h = choice & 2 ? &w->keys[high] : NULL;
    /* Mostly near each other, so that both are met. */
    if (l && h && choice & 4) {
        high = low + below(w, 100);
        high = high < w->count ? high : w->count - 1;
        h = &w->keys[high];
    }
    walker->low = l ? low : 0;
    walker->high = h ? high : w->count;
    walker->valid = 0;
    EXPECT(w, fastskip_iterator_set_bounds(walker->it, l ? l->data : NULL, l ? l->size : 0,
                                           h ? h->data : NULL, h ? h->size : 0) == FASTSKIP_OK);
}

static void renew_walker(struct world *w, struct walker *walker)
{
    struct view view = draw_view(w);
    fastskip_status status;
    fastskip_iterator_free(walker->it);
    walker->it = NULL;
    walker->flags = (uint32_t)below(w, 4);
    walker->low = 0;
    walker->high = w->count;
    walker->at = view.at;
    walker->valid = 0;
    walker->born = w->clock;
    if (w->mode == FASTSKIP_SEQUENCE_CALLER && below(w, 2)) {
        walker->at = w->in_order ? below(w, (size_t)w->clock + 1) : draw_instant(w);
        status = fastskip_iterator_new_at(w->table, walker->at, walker->flags, &walker->it);
    } else {
        status = fastskip_iterator_new(w->table, view.snapshot, walker->flags, &walker->it);
        if (w->mode == FASTSKIP_SEQUENCE_AUTO && view.at == NOW)
            walker->at = w->clock;
    }
    EXPECT(w, status == FASTSKIP_OK);
    if (below(w, 2))
        draw_bounds(w, walker);
}

/* In caller's mode what was written since may show, or not, unless its number is above the iterator's. */
static int may_show_more(const struct world *w, const struct walker *walker)
{
    if (w->mode == FASTSKIP_SEQUENCE_AUTO || walker->born == w->clock)
        return 0;
    return !w->in_order || walker->at == NOW;
}

void walk(struct world *w)
{
    struct walker *walker = &w->walkers[below(w, WALKERS)];
    if (!walker->it || may_show_more(w, walker) || below(w, 6) == 0)
        renew_walker(w, walker);
    int turns = 2 + (int)few(w, 20), forward = (int)below(w, 2);
    for (int i = 0; i < turns; i++) {
        size_t choice = below(w, 16);
        if (!walker->valid || choice == 0) {
            seek_somewhere(w, walker);
        } else if (choice == 1) {
            take_many(w, walker, 1 + below(w, MANY - 1));
        } else {
            forward = choice == 2 ? !forward : forward;
            if (forward)
                model_next(w, walker);
            else
                model_prev(w, walker);
            require_place(w, walker,
                          forward ? fastskip_iterator_next(walker->it)
                                  : fastskip_iterator_prev(walker->it));
        }
    }
}
