/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * read.c - random lookups, now and in the past, one by one and many at once.
 */
#include "world.h"

struct view draw_view(struct world *w)
{
    struct view now = {NOW, NULL};
    struct view *view = &w->views[below(w, VIEWS)];
    return w->mode == FASTSKIP_SEQUENCE_AUTO && view->snapshot ? *view : now;
}

void renew_view(struct world *w)
{
    struct view *view = &w->views[below(w, VIEWS)];
    if (w->mode == FASTSKIP_SEQUENCE_CALLER)
        return;
    fastskip_snapshot_free(view->snapshot);
    view->at = w->clock;
    EXPECT(w, fastskip_snapshot_new(w->table, &view->snapshot) == FASTSKIP_OK);
}

uint64_t draw_instant(struct world *w)
{
    size_t choice = below(w, 16);
    if (choice == 0)
        return draw_any_number(w);
    return choice == 1 ? NOW - below(w, 2) : below(w, (size_t)w->clock + 2);
}

void read_one(struct world *w, struct key *key)
{
    struct view view = draw_view(w);
    size_t found = newest(key, view.at);
    fastskip_entry entry;
    fastskip_status raw = found == NEVER ? FASTSKIP_NOT_FOUND : FASTSKIP_OK;
    fastskip_status live = lives(key, view.at) ? FASTSKIP_OK : FASTSKIP_NOT_FOUND;
    const void *name = spell(w, key);
    EXPECT(w, fastskip_get(w->table, view.snapshot, name, key->size, &entry) == live);
    if (live == FASTSKIP_OK)
        require_entry(w, &entry, key, found);
    EXPECT(w, fastskip_contains(w->table, view.snapshot, name, key->size) == live);
    EXPECT(w, fastskip_get_raw(w->table, view.snapshot, name, key->size, &entry) == raw);
    if (raw == FASTSKIP_OK)
        require_entry(w, &entry, key, found);
    uint64_t number = fastskip_snapshot_sequence(view.snapshot);
    if (w->mode == FASTSKIP_SEQUENCE_CALLER) {
        number = draw_instant(w);
        found = newest(key, number);
        raw = found == NEVER ? FASTSKIP_NOT_FOUND : FASTSKIP_OK;
    } else if (!view.snapshot) {
        return;
    }
    EXPECT(w, fastskip_get_at(w->table, number, name, key->size, &entry) == raw);
    if (raw == FASTSKIP_OK) {
        require_entry(w, &entry, key, found);
        EXPECT(w, entry.sequence <= number);
    }
}

void read_many(struct world *w, size_t from)
{
    static const fastskip_entry zero;
    struct key *keys[MANY];
    const void *names[MANY] = {NULL};
    size_t sizes[MANY] = {0}, n = few(w, MANY), span = below(w, 2) ? n + 1 : w->count;
    fastskip_entry entries[MANY];
    fastskip_status statuses[MANY];
    struct view view = draw_view(w);
    for (size_t i = 0; i < n; i++) {
        keys[i] = &w->keys[(from + below(w, span)) % w->count];
        names[i] = keys[i]->data;
        sizes[i] = keys[i]->size;
    }
    EXPECT(w, fastskip_get_many(w->table, view.snapshot, n, names, sizes, entries, statuses) ==
                  FASTSKIP_OK);
    for (size_t i = 0; i < n; i++) {
        int live = lives(keys[i], view.at);
        EXPECT(w, statuses[i] == (live ? FASTSKIP_OK : FASTSKIP_NOT_FOUND));
        if (live)
            require_entry(w, &entries[i], keys[i], newest(keys[i], view.at));
        else
            EXPECT(w, memcmp(&entries[i], &zero, sizeof zero) == 0);
    }
}
