/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * write.c - random writes, singly and in batches, of either mode.
 */
#include "world.h"

uint64_t draw_any_number(struct world *w)
{
    uint64_t high = below(w, 1u << 28), low = below(w, 1u << 28), number = high << 28 | low;
    return number > 0 ? number : 1;
}

static uint64_t draw_number(struct world *w, const struct key *key)
{
    size_t choice = w->in_order ? 19 : below(w, 20);
    if (choice == 0 && key->count > 0)
        return key->versions[below(w, key->count)].at;
    if (choice < 6)
        return 1 + below(w, (size_t)w->clock + 1);
    if (choice == 6 && below(w, 16) == 0)
        return below(w, 2) ? draw_any_number(w) : FASTSKIP_SEQUENCE_MAX - below(w, 3);
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
    if (!refused(w, status, 1))
        EXPECT(w, status == (add_version(w, key, v) ? FASTSKIP_OK : FASTSKIP_EXISTS));
}

static void write_get_or_insert(struct world *w, struct key *key)
{
    struct version v = new_version(w, w->clock, FASTSKIP_PUT);
    fastskip_entry entry;
    int32_t inserted = 2, wanted = !lives(key, NOW);
    fastskip_status status = fastskip_get_or_insert(
        w->table, spell(w, key), key->size, fill_value(w, &v), v.size, &entry, &inserted);
    if (refused(w, status, (uint64_t)wanted)) {
        EXPECT(w, inserted == 2);
        return;
    }
    EXPECT(w, status == FASTSKIP_OK);
    EXPECT(w, inserted == wanted);
    if (inserted)
        add_version(w, key, v);
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
    if (refused(w, status, wanted == FASTSKIP_OK))
        return;
    EXPECT(w, status == wanted);
    if (status == FASTSKIP_OK)
        add_version(w, key, v);
}

/* ---- batches ---- */

/* The records of a batch; with close ones the same key comes again. */
#define BATCH_MOST 60

void add_record(struct world *w, fastskip_batch *batch, const struct record *r)
{
    const void *name = spell(w, r->key), *value = fill_value(w, &r->version);
    const struct version *v = &r->version;
    fastskip_status status =
        w->mode == FASTSKIP_SEQUENCE_CALLER
            ? fastskip_batch_put_at(batch, v->at, v->kind, name, r->key->size, value, v->size)
        : v->kind == FASTSKIP_DELETE ? fastskip_batch_delete(batch, name, r->key->size)
        : v->kind == FASTSKIP_PUT
            ? fastskip_batch_put(batch, name, r->key->size, value, v->size)
            : fastskip_batch_put_kind(batch, v->kind, name, r->key->size, value, v->size);
    EXPECT(w, status == FASTSKIP_OK);
}

struct record draw_record(struct world *w, struct key *key)
{
    struct record r = {key, new_version(w, w->clock, draw_kind(w))};
    if (w->mode == FASTSKIP_SEQUENCE_CALLER)
        r.version.at = draw_number(w, key);
    return r;
}

/* How many of the records are the last of their key. */
static uint64_t distinct(const struct record *records, size_t n)
{
    uint64_t keys = 0;
    for (size_t i = 0; i < n; i++) {
        size_t later = i + 1;
        while (later < n && records[later].key != records[i].key)
            later++;
        keys += later == n;
    }
    return keys;
}

static void require_batch_auto(struct world *w, fastskip_status status,
                               const struct record *records, size_t n)
{
    if (refused(w, status, distinct(records, n)))
        return;
    EXPECT(w, status == FASTSKIP_OK);
    /* All carry the same number in the model: the last of a key is the first to be added. */
    for (size_t i = n; i-- > 0;) {
        struct version v = records[i].version;
        v.at = w->clock;
        if (!add_version(w, records[i].key, v)) {
            w->hidden++;
            w->hidden_bytes += v.size;
        }
    }
}

static void require_batch_numbered(struct world *w, fastskip_status status,
                                   const struct record *records, size_t n)
{
    fastskip_status wanted = FASTSKIP_OK;
    if (refused(w, status, n))
        return;
    for (size_t i = 0; i < n && wanted == FASTSKIP_OK; i++)
        if (!add_version(w, records[i].key, records[i].version))
            wanted = FASTSKIP_EXISTS;
    EXPECT(w, status == wanted);
}

void write_records(struct world *w, fastskip_batch *batch, const struct record *records, size_t n)
{
    fastskip_status status;
    w->clock++;
    w->writes += n;
    EXPECT(w, fastskip_batch_count(batch) == n);
    status = fastskip_write(w->table, batch);
    if (w->mode == FASTSKIP_SEQUENCE_AUTO)
        require_batch_auto(w, status, records, n);
    else
        require_batch_numbered(w, status, records, n);
    EXPECT(w, fastskip_batch_count(batch) == n);
}

void write_batch(struct world *w, size_t from)
{
    struct record records[BATCH_MOST];
    size_t n = few(w, BATCH_MOST), span = below(w, 2) ? n + 1 : w->count;
    w->clock++;
    EXPECT(w, fastskip_batch_clear(w->batch) == FASTSKIP_OK);
    for (size_t i = 0; i < n; i++) {
        records[i] = draw_record(w, &w->keys[(from + below(w, span)) % w->count]);
        add_record(w, w->batch, &records[i]);
    }
    write_records(w, w->batch, records, n);
}
