/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * write.c - random writes, singly and in batches, of either mode.
 */
#include "world.h"

static uint64_t draw_number(struct world *w, const struct key *key)
{
    size_t choice = below(w, 20);
    if (choice == 0 && key->count > 0)
        return key->versions[below(w, key->count)].at;
    if (choice < 6)
        return 1 + draw(&w->random) % (w->clock + 1);
    if (choice == 6 && draw(&w->random) % 64 == 0)
        return FASTSKIP_SEQUENCE_MAX - draw(&w->random) % 3;
    return w->clock;
}

static uint32_t draw_kind(struct world *w)
{
    size_t choice = below(w, 10);
    return choice < 7   ? FASTSKIP_PUT
           : choice < 9 ? FASTSKIP_DELETE
                        : (uint32_t)(FASTSKIP_KIND_OWN_MIN + below(w, 126));
}

static void write_numbered(struct world *w, struct key *key)
{
    struct version v = new_version(w, draw_number(w, key), draw_kind(w));
    fastskip_status status = fastskip_put_at(w->table, v.at, v.kind, spell(w, key), key->size,
                                             fill_value(w, &v), v.size);
    w->writes++;
    EXPECT(w, status == (add_version(key, v) ? FASTSKIP_OK : FASTSKIP_EXISTS));
}

static void write_get_or_insert(struct world *w, struct key *key)
{
    struct version v = new_version(w, w->clock, FASTSKIP_PUT);
    fastskip_entry entry;
    int32_t inserted = 2, wanted = !lives(key, NOW);
    EXPECT(w, fastskip_get_or_insert(w->table, spell(w, key), key->size, fill_value(w, &v), v.size,
                                     &entry, &inserted) == FASTSKIP_OK);
    EXPECT(w, inserted == wanted);
    if (inserted)
        add_version(key, v);
    require_entry(w, &entry, key, newest(key, NOW));
}

void write_one(struct world *w, struct key *key)
{
    w->clock++;
    if (w->mode == FASTSKIP_SEQUENCE_CALLER) {
        write_numbered(w, key);
        return;
    }
    size_t choice = below(w, 20);
    struct version v = new_version(w, w->clock, choice < 14 ? FASTSKIP_PUT : FASTSKIP_DELETE);
    fastskip_status status = FASTSKIP_OK, wanted = FASTSKIP_OK;
    const void *name = spell(w, key);
    w->writes++;
    if (choice < 14) {
        status = fastskip_put(w->table, name, key->size, fill_value(w, &v), v.size);
    } else if (choice < 17) {
        status = fastskip_delete(w->table, name, key->size);
    } else if (choice == 17) {
        v.kind = (uint32_t)(FASTSKIP_KIND_OWN_MIN + below(w, 126));
        status = fastskip_put_kind(w->table, v.kind, name, key->size, fill_value(w, &v), v.size);
    } else if (choice == 18) {
        v.kind = FASTSKIP_PUT;
        wanted = lives(key, NOW) ? FASTSKIP_EXISTS : FASTSKIP_OK;
        status = fastskip_insert(w->table, name, key->size, fill_value(w, &v), v.size);
    } else {
        write_get_or_insert(w, key);
        return;
    }
    EXPECT(w, status == wanted);
    if (status == FASTSKIP_OK)
        add_version(key, v);
}

/* The records of a batch; with close ones the same key comes again. */
#define BATCH_MOST 60

static void batch_auto(struct world *w, struct key **keys, struct version *versions, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const void *name = spell(w, keys[i]), *value = fill_value(w, &versions[i]);
        uint32_t kind = versions[i].kind;
        fastskip_status status =
            kind == FASTSKIP_DELETE ? fastskip_batch_delete(w->batch, name, keys[i]->size)
            : kind == FASTSKIP_PUT
                ? fastskip_batch_put(w->batch, name, keys[i]->size, value, versions[i].size)
                : fastskip_batch_put_kind(w->batch, kind, name, keys[i]->size, value,
                                          versions[i].size);
        EXPECT(w, status == FASTSKIP_OK);
    }
    EXPECT(w, fastskip_write(w->table, w->batch) == FASTSKIP_OK);
    /* All carry the same number in the model: the last of a key is the first to be added. */
    for (size_t i = n; i-- > 0;) {
        if (!add_version(keys[i], versions[i])) {
            w->hidden++;
            w->hidden_bytes += versions[i].size;
        }
    }
}

static void batch_numbered(struct world *w, struct key **keys, struct version *versions, size_t n)
{
    fastskip_status wanted = FASTSKIP_OK;
    for (size_t i = 0; i < n; i++) {
        versions[i].at = draw_number(w, keys[i]);
        EXPECT(w, fastskip_batch_put_at(
                      w->batch, versions[i].at, versions[i].kind, spell(w, keys[i]), keys[i]->size,
                      fill_value(w, &versions[i]), versions[i].size) == FASTSKIP_OK);
    }
    for (size_t i = 0; i < n && wanted == FASTSKIP_OK; i++)
        wanted = add_version(keys[i], versions[i]) ? FASTSKIP_OK : FASTSKIP_EXISTS;
    EXPECT(w, fastskip_write(w->table, w->batch) == wanted);
}

void write_batch(struct world *w, size_t from)
{
    struct key *keys[BATCH_MOST];
    struct version versions[BATCH_MOST];
    size_t n = below(w, BATCH_MOST), span = draw(&w->random) % 2 ? n + 1 : w->count;
    w->clock++;
    for (size_t i = 0; i < n; i++) {
        keys[i] = &w->keys[(from + below(w, span)) % w->count];
        versions[i] = new_version(w, w->clock, draw_kind(w));
    }
    EXPECT(w, fastskip_batch_clear(w->batch) == FASTSKIP_OK);
    w->writes += n;
    if (w->mode == FASTSKIP_SEQUENCE_AUTO)
        batch_auto(w, keys, versions, n);
    else
        batch_numbered(w, keys, versions, n);
    EXPECT(w, fastskip_batch_count(w->batch) == n);
}
