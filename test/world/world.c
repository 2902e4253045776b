/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * world.c - the model itself: keys, their versions, and what an entry must be.
 */
#include "world.h"

const void *fill_value(struct world *w, const struct version *v)
{
    uint32_t x = v->seed | 1;
    for (uint32_t i = 0; i < v->size; i++) {
        x = x * 1664525u + 1013904223u;
        w->value[i] = (unsigned char)(x >> 24);
    }
    return w->value;
}

struct version new_version(struct world *w, uint64_t at, uint32_t kind)
{
    struct version v = {at, kind, (uint32_t)below(w, 50), ++w->values * 2654435761u};
    size_t rare = below(w, 1000);
    if (rare < 20)
        v.size = (uint32_t)below(w, rare == 0 ? LONGEST_VALUE : 3000);
    if (kind == FASTSKIP_DELETE && w->mode == FASTSKIP_SEQUENCE_AUTO)
        v.size = 0;
    return v;
}

int add_version(struct world *w, struct key *key, struct version v)
{
    size_t i = key->count;
    while (i > 0 && key->versions[i - 1].at > v.at)
        i--;
    if (i > 0 && key->versions[i - 1].at == v.at)
        return 0;
    if (key->count == key->room) {
        key->room = key->room ? 2 * key->room : 2;
        key->versions = realloc(key->versions, key->room * sizeof v);
        EXPECT(w, key->versions);
    }
    memmove(&key->versions[i + 1], &key->versions[i], (key->count - i) * sizeof v);
    key->versions[i] = v;
    key->count++;
    w->entries++;
    return 1;
}

size_t newest(const struct key *key, uint64_t at)
{
    size_t i = key->count;
    while (i > 0 && key->versions[i - 1].at > at)
        i--;
    return i == 0 ? NEVER : i - 1;
}

int lives(const struct key *key, uint64_t at)
{
    size_t i = newest(key, at);
    return i != NEVER && key->versions[i].kind != FASTSKIP_DELETE;
}

/* The greatest key and value, and blocks. */
#define RECORD_MOST (FASTSKIP_KEY_MAX + LONGEST_VALUE + 8192)

/* Is so little of the region left that so many versions may find no place? */
static int is_full(struct world *w, uint64_t versions)
{
    uint64_t reserved = 0, limit = 0;
    EXPECT(w,
           fastskip_table_stat(w->table, FASTSKIP_STAT_MEMORY_RESERVED, &reserved) == FASTSKIP_OK);
    EXPECT(w, fastskip_table_stat(w->table, FASTSKIP_STAT_MEMORY_LIMIT, &limit) == FASTSKIP_OK);
    return reserved + versions * RECORD_MOST >= limit;
}

int refused(struct world *w, fastskip_status status, uint64_t versions)
{
    fastskip_status wanted = FASTSKIP_OK;
    if (w->sealed)
        wanted = FASTSKIP_SEALED;
    else if (versions > 0 && w->entry_limit > 0 && w->entries + versions > w->entry_limit)
        wanted = FASTSKIP_FULL;
    else if (versions > 0 && w->tight && status == FASTSKIP_FULL)
        return is_full(w, versions);
    if (wanted != FASTSKIP_OK)
        EXPECT(w, status == wanted);
    return wanted != FASTSKIP_OK;
}

const void *spell(struct world *w, const struct key *key)
{
    if (!w->family->order.caseless)
        return key->data;
    for (size_t i = 0; i < key->size; i++)
        w->spelled[i] = key->data[i] >= 'a' && key->data[i] <= 'z' && below(w, 2)
                            ? (unsigned char)(key->data[i] - 32)
                            : key->data[i];
    return w->spelled;
}

void require_entry(struct world *w, const fastskip_entry *entry, const struct key *key, size_t i)
{
    const struct version *v = &key->versions[i];
    EXPECT(w, entry->key_size == key->size);
    EXPECT(w,
           w->family->order.compare(NULL, entry->key, entry->key_size, key->data, key->size) == 0);
    EXPECT(w, entry->kind == v->kind);
    EXPECT(w, entry->value_size == v->size);
    EXPECT(w, v->size == 0 || memcmp(entry->value, fill_value(w, v), v->size) == 0);
    EXPECT(w, entry->reserved == 0);
    EXPECT(w, w->mode == FASTSKIP_SEQUENCE_AUTO || entry->sequence == v->at);
}
