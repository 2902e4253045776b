/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * whole.c - all of a table and its figures, against all of the model.
 */
#include "world.h"

static uint64_t stat_of(struct world *w, uint32_t id)
{
    uint64_t number = 0;
    EXPECT(w, fastskip_table_stat(w->table, id, &number) == FASTSKIP_OK);
    return number;
}

void require_statistics(struct world *w)
{
    uint64_t keys = 0, live = 0, versions = 0, key_bytes = 0, value_bytes = 0;
    for (size_t i = 0; i < w->count; i++) {
        const struct key *key = &w->keys[i];
        keys += key->count > 0;
        live += (uint64_t)lives(key, NOW);
        versions += key->count;
        key_bytes += key->count > 0 ? key->size : 0;
        for (size_t v = 0; v < key->count; v++)
            value_bytes += key->versions[v].size;
    }
    EXPECT(w, stat_of(w, FASTSKIP_STAT_KEYS) == keys);
    EXPECT(w, stat_of(w, FASTSKIP_STAT_LIVE) == live);
    EXPECT(w, stat_of(w, FASTSKIP_STAT_TOMBSTONES) == keys - live);
    EXPECT(w, stat_of(w, FASTSKIP_STAT_KEY_BYTES) == key_bytes);
    EXPECT(w, stat_of(w, FASTSKIP_STAT_WRITES) == w->writes);
    /* Whether a version counts that a later record of its batch replaced is left open. */
    EXPECT(w, stat_of(w, FASTSKIP_STAT_VERSIONS) >= versions);
    EXPECT(w, stat_of(w, FASTSKIP_STAT_VERSIONS) <= versions + w->hidden);
    EXPECT(w, stat_of(w, FASTSKIP_STAT_VALUE_BYTES) >= value_bytes);
    EXPECT(w, stat_of(w, FASTSKIP_STAT_VALUE_BYTES) <= value_bytes + w->hidden_bytes);
    EXPECT(w, stat_of(w, FASTSKIP_STAT_MEMORY_USED) >= key_bytes + value_bytes);
    EXPECT(w, stat_of(w, FASTSKIP_STAT_MEMORY_USED) <= stat_of(w, FASTSKIP_STAT_MEMORY_RESERVED));
}

static void require_forwards(struct world *w, struct walker *all)
{
    stand_from(w, all, 0);
    EXPECT(w, (fastskip_iterator_seek_first(all->it) == FASTSKIP_OK) == all->valid);
    while (all->valid)
        take_many(w, all, 1 + (w->brief ? w->values : below(w, MANY - 1)) % (MANY - 1));
}

static void require_backwards(struct world *w, struct walker *all)
{
    stand_below(w, all, w->count);
    require_place(w, all, fastskip_iterator_seek_last(all->it));
    while (all->valid) {
        model_prev(w, all);
        require_place(w, all, fastskip_iterator_prev(all->it));
    }
}

/* All that the table shows by these flags. */
static void require_shown(struct world *w, uint32_t flags)
{
    struct walker all = {.at = NOW, .flags = flags, .high = w->count};
    EXPECT(w, fastskip_iterator_new(w->table, NULL, flags, &all.it) == FASTSKIP_OK);
    if (!w->brief || w->values / 3 % 2 == 0)
        require_forwards(w, &all);
    if (!w->brief || w->values / 3 % 2 == 1)
        require_backwards(w, &all);
    fastskip_iterator_free(all.it);
}

static void require_key(struct world *w, const struct key *key)
{
    fastskip_entry entry;
    fastskip_status live = lives(key, NOW) ? FASTSKIP_OK : FASTSKIP_NOT_FOUND;
    EXPECT(w, fastskip_get(w->table, NULL, key->data, key->size, &entry) == live);
    if (live == FASTSKIP_OK)
        require_entry(w, &entry, key, newest(key, NOW));
}

void require_everything(struct world *w)
{
    EXPECT(w, fastskip_table_check(w->table) == FASTSKIP_OK);
    require_statistics(w);
    for (uint32_t flags = 0; flags < 3; flags++)
        if (!w->brief || flags == w->values % 3)
            require_shown(w, flags);
    for (size_t i = 0; i < w->count; i++)
        if (!w->brief || (i + w->values) % (w->keys[i].count > 0 ? 2 : 8) == 0)
            require_key(w, &w->keys[i]);
}

void drop_handles(struct world *w)
{
    for (int i = 0; i < VIEWS; i++)
        fastskip_snapshot_free(w->views[i].snapshot);
    for (int i = 0; i < WALKERS; i++)
        fastskip_iterator_free(w->walkers[i].it);
    memset(w->views, 0, sizeof w->views);
    memset(w->walkers, 0, sizeof w->walkers);
}

void forget_everything(struct world *w)
{
    for (size_t i = 0; i < w->count; i++)
        w->keys[i].count = 0;
    w->clock = w->writes = w->entries = w->hidden = w->hidden_bytes = 0;
    w->sealed = 0;
}

void rotate(struct world *w)
{
    fastskip_table *fresh = NULL, *old = w->table;
    EXPECT(w, fastskip_table_rotate(old, &fresh) == FASTSKIP_OK);
    require_everything(w);
    fastskip_table_unref(old);
    w->table = fresh;
    forget_everything(w);
}
