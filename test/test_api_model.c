/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Random sequences of calls, each answer compared with a model. The model knows from the start all
 * keys that a run may use, sorted (the universe), and has for each the list of its versions: so a
 * lookup, a walk or a bound is plain arithmetic on ranks.
 *
 * FASTSKIP_TEST_SCALE is the number of rounds, each with a seed of its own; FASTSKIP_TEST_SEED is
 * the first seed. A failure names family, mode, seed and number of the call.
 */
#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fastskip.h"

/* ---- the model ------------------------------------------------------------------------------- */

#define NEVER SIZE_MAX
#define NOW UINT64_MAX
#define VIEWS 6
#define WALKERS 4
#define LONGEST_VALUE 20000

struct version {
    uint64_t at; /* caller's mode: its number; else the number of the call that wrote it */
    uint32_t kind, size, seed;
};

struct key {
    unsigned char *data;
    size_t size;
    struct version *versions; /* ascending by at */
    size_t count, room;
};

/* A state that can be read again: a snapshot, or in caller's mode a number. */
struct view {
    uint64_t at;
    fastskip_snapshot *snapshot;
};

struct walker {
    fastskip_iterator *it;
    uint64_t at;
    uint32_t flags;
    size_t low, high; /* ranks: its bounds */
    size_t rank, version;
    int valid;
};

struct order {
    fastskip_compare_fn compare;
    fastskip_abbreviate_fn abbreviate;
    int custom, caseless;
};

enum loading { RANDOM, ASCENDING, DESCENDING };

struct world;
struct family {
    const char *name;
    void (*make)(struct world *, size_t);
    size_t keys;
    enum loading loading;
    struct order order;
};

struct world {
    const struct family *family;
    uint32_t mode;
    uint64_t seed, random, clock, calls, writes;
    uint64_t hidden, hidden_bytes; /* versions that a later record of their batch replaced */
    fastskip_table *table;
    fastskip_batch *batch;
    struct key *keys;
    size_t count, room;
    struct view views[VIEWS];
    struct walker walkers[WALKERS];
    unsigned char *value, *spelled;
};

static void abort_run(struct world *w, const char *condition, int line)
{
    ck_abort_msg("line %d: %s; family %s, mode %u, seed %llu, call %llu", line, condition,
                 w->family->name, w->mode, (unsigned long long)w->seed,
                 (unsigned long long)w->calls);
}

/* ck_assert writes a record for each call: too slow for millions. */
#define REQUIRE(w, condition)                                                                      \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort_run(w, #condition, __LINE__);                                                    \
    } while (0)

static uint64_t draw(struct world *w)
{
    uint64_t z = w->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static size_t below(struct world *w, size_t n)
{
    return (size_t)(draw(w) % n);
}

static const void *fill_value(struct world *w, const struct version *v)
{
    uint32_t x = v->seed | 1;
    for (uint32_t i = 0; i < v->size; i++) {
        x = x * 1664525u + 1013904223u;
        w->value[i] = (unsigned char)(x >> 24);
    }
    return w->value;
}

static struct version new_version(struct world *w, uint64_t at, uint32_t kind)
{
    struct version v = {at, kind, (uint32_t)below(w, 50), (uint32_t)draw(w)};
    size_t rare = below(w, 1000);
    if (rare < 20)
        v.size = (uint32_t)below(w, rare == 0 ? LONGEST_VALUE : 3000);
    if (kind == FASTSKIP_DELETE && w->mode == FASTSKIP_SEQUENCE_AUTO)
        v.size = 0;
    return v;
}

/* False if the key has a version of that number. */
static int add_version(struct key *key, struct version v)
{
    size_t i = key->count;
    while (i > 0 && key->versions[i - 1].at > v.at)
        i--;
    if (i > 0 && key->versions[i - 1].at == v.at)
        return 0;
    if (key->count == key->room) {
        key->room = key->room ? 2 * key->room : 2;
        key->versions = realloc(key->versions, key->room * sizeof v);
        ck_assert_ptr_nonnull(key->versions);
    }
    memmove(&key->versions[i + 1], &key->versions[i], (key->count - i) * sizeof v);
    key->versions[i] = v;
    key->count++;
    return 1;
}

static size_t newest(const struct key *key, uint64_t at)
{
    size_t i = key->count;
    while (i > 0 && key->versions[i - 1].at > at)
        i--;
    return i == 0 ? NEVER : i - 1;
}

static int lives(const struct key *key, uint64_t at)
{
    size_t i = newest(key, at);
    return i != NEVER && key->versions[i].kind != FASTSKIP_DELETE;
}

/* The key as a caller may spell it: with letters of any case where the order ignores it. */
static const void *spell(struct world *w, const struct key *key)
{
    if (!w->family->order.caseless)
        return key->data;
    for (size_t i = 0; i < key->size; i++)
        w->spelled[i] = key->data[i] >= 'a' && key->data[i] <= 'z' && draw(w) % 2
                            ? (unsigned char)(key->data[i] - 32)
                            : key->data[i];
    return w->spelled;
}

static void require_entry(struct world *w, const fastskip_entry *entry, const struct key *key,
                          size_t i)
{
    const struct version *v = &key->versions[i];
    REQUIRE(w, entry->key_size == key->size);
    REQUIRE(w,
            w->family->order.compare(NULL, entry->key, entry->key_size, key->data, key->size) == 0);
    REQUIRE(w, entry->kind == v->kind);
    REQUIRE(w, entry->value_size == v->size);
    REQUIRE(w, v->size == 0 || memcmp(entry->value, fill_value(w, v), v->size) == 0);
    REQUIRE(w, entry->reserved == 0);
    REQUIRE(w, w->mode == FASTSKIP_SEQUENCE_AUTO || entry->sequence == v->at);
}

/* ---- writing --------------------------------------------------------------------------------- */

static uint64_t draw_number(struct world *w, const struct key *key)
{
    size_t choice = below(w, 20);
    if (choice == 0 && key->count > 0)
        return key->versions[below(w, key->count)].at;
    if (choice < 6)
        return 1 + draw(w) % (w->clock + 1);
    if (choice == 6 && draw(w) % 64 == 0)
        return FASTSKIP_SEQUENCE_MAX - draw(w) % 3;
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
    REQUIRE(w, status == (add_version(key, v) ? FASTSKIP_OK : FASTSKIP_EXISTS));
}

static void write_get_or_insert(struct world *w, struct key *key)
{
    struct version v = new_version(w, w->clock, FASTSKIP_PUT);
    fastskip_entry entry;
    int32_t inserted = 2, wanted = !lives(key, NOW);
    REQUIRE(w, fastskip_get_or_insert(w->table, spell(w, key), key->size, fill_value(w, &v), v.size,
                                      &entry, &inserted) == FASTSKIP_OK);
    REQUIRE(w, inserted == wanted);
    if (inserted)
        add_version(key, v);
    require_entry(w, &entry, key, newest(key, NOW));
}

static void write_one(struct world *w, struct key *key)
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
    REQUIRE(w, status == wanted);
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
        REQUIRE(w, status == FASTSKIP_OK);
    }
    REQUIRE(w, fastskip_write(w->table, w->batch) == FASTSKIP_OK);
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
        REQUIRE(w, fastskip_batch_put_at(
                       w->batch, versions[i].at, versions[i].kind, spell(w, keys[i]), keys[i]->size,
                       fill_value(w, &versions[i]), versions[i].size) == FASTSKIP_OK);
    }
    for (size_t i = 0; i < n && wanted == FASTSKIP_OK; i++)
        wanted = add_version(keys[i], versions[i]) ? FASTSKIP_OK : FASTSKIP_EXISTS;
    REQUIRE(w, fastskip_write(w->table, w->batch) == wanted);
}

static void write_batch(struct world *w, size_t from)
{
    struct key *keys[BATCH_MOST];
    struct version versions[BATCH_MOST];
    size_t n = below(w, BATCH_MOST), span = draw(w) % 2 ? n + 1 : w->count;
    w->clock++;
    for (size_t i = 0; i < n; i++) {
        keys[i] = &w->keys[(from + below(w, span)) % w->count];
        versions[i] = new_version(w, w->clock, draw_kind(w));
    }
    REQUIRE(w, fastskip_batch_clear(w->batch) == FASTSKIP_OK);
    w->writes += n;
    if (w->mode == FASTSKIP_SEQUENCE_AUTO)
        batch_auto(w, keys, versions, n);
    else
        batch_numbered(w, keys, versions, n);
    REQUIRE(w, fastskip_batch_count(w->batch) == n);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Now, or in AUTO mode a snapshot held since. */
static struct view draw_view(struct world *w)
{
    struct view now = {NOW, NULL};
    struct view *view = &w->views[below(w, VIEWS)];
    return w->mode == FASTSKIP_SEQUENCE_AUTO && view->snapshot ? *view : now;
}

static void renew_view(struct world *w)
{
    struct view *view = &w->views[below(w, VIEWS)];
    if (w->mode == FASTSKIP_SEQUENCE_CALLER)
        return;
    fastskip_snapshot_free(view->snapshot);
    view->at = w->clock;
    REQUIRE(w, fastskip_snapshot_new(w->table, &view->snapshot) == FASTSKIP_OK);
}

static void read_one(struct world *w, struct key *key)
{
    struct view view = draw_view(w);
    size_t found = newest(key, view.at);
    fastskip_entry entry;
    fastskip_status raw = found == NEVER ? FASTSKIP_NOT_FOUND : FASTSKIP_OK;
    fastskip_status live = lives(key, view.at) ? FASTSKIP_OK : FASTSKIP_NOT_FOUND;
    const void *name = spell(w, key);
    REQUIRE(w, fastskip_get(w->table, view.snapshot, name, key->size, &entry) == live);
    if (live == FASTSKIP_OK)
        require_entry(w, &entry, key, found);
    REQUIRE(w, fastskip_contains(w->table, view.snapshot, name, key->size) == live);
    REQUIRE(w, fastskip_get_raw(w->table, view.snapshot, name, key->size, &entry) == raw);
    if (raw == FASTSKIP_OK)
        require_entry(w, &entry, key, found);
    uint64_t number = fastskip_snapshot_sequence(view.snapshot);
    if (w->mode == FASTSKIP_SEQUENCE_CALLER) {
        number = draw(w) % (w->clock + 2);
        found = newest(key, number);
        raw = found == NEVER ? FASTSKIP_NOT_FOUND : FASTSKIP_OK;
    } else if (!view.snapshot) {
        return;
    }
    REQUIRE(w, fastskip_get_at(w->table, number, name, key->size, &entry) == raw);
    if (raw == FASTSKIP_OK) {
        require_entry(w, &entry, key, found);
        REQUIRE(w, entry.sequence <= number);
    }
}

#define MANY 70

static void read_many(struct world *w, size_t from)
{
    static const fastskip_entry zero;
    struct key *keys[MANY];
    const void *names[MANY] = {NULL};
    size_t sizes[MANY] = {0}, n = below(w, MANY), span = draw(w) % 2 ? n + 1 : w->count;
    fastskip_entry entries[MANY];
    fastskip_status statuses[MANY];
    struct view view = draw_view(w);
    for (size_t i = 0; i < n; i++) {
        keys[i] = &w->keys[(from + below(w, span)) % w->count];
        names[i] = keys[i]->data;
        sizes[i] = keys[i]->size;
    }
    REQUIRE(w, fastskip_get_many(w->table, view.snapshot, n, names, sizes, entries, statuses) ==
                   FASTSKIP_OK);
    for (size_t i = 0; i < n; i++) {
        int live = lives(keys[i], view.at);
        REQUIRE(w, statuses[i] == (live ? FASTSKIP_OK : FASTSKIP_NOT_FOUND));
        if (live)
            require_entry(w, &entries[i], keys[i], newest(keys[i], view.at));
        else
            REQUIRE(w, memcmp(&entries[i], &zero, sizeof zero) == 0);
    }
}

/* ---- walking --------------------------------------------------------------------------------- */

/* The first shown version of a key, going forwards; NEVER if it is not shown. */
static size_t shown(const struct walker *walker, const struct key *key)
{
    size_t i = newest(key, walker->at);
    if (i != NEVER && walker->flags == 0 && key->versions[i].kind == FASTSKIP_DELETE)
        return NEVER;
    return i;
}

static void stand_from(struct world *w, struct walker *walker, size_t rank)
{
    walker->valid = 0;
    for (; rank < walker->high && !walker->valid; rank++) {
        walker->rank = rank;
        walker->version = shown(walker, &w->keys[rank]);
        walker->valid = walker->version != NEVER;
    }
}

static void stand_below(struct world *w, struct walker *walker, size_t rank)
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

static void model_prev(struct world *w, struct walker *walker)
{
    if (!walker->valid)
        return;
    if (walker->flags & FASTSKIP_ALL_VERSIONS &&
        walker->version < newest(&w->keys[walker->rank], walker->at))
        walker->version++;
    else
        stand_below(w, walker, walker->rank);
}

static void require_place(struct world *w, struct walker *walker, fastskip_status status)
{
    fastskip_entry entry;
    REQUIRE(w, status == (walker->valid ? FASTSKIP_OK : FASTSKIP_NOT_FOUND));
    REQUIRE(w, fastskip_iterator_valid(walker->it) == walker->valid);
    REQUIRE(w, fastskip_iterator_entry(walker->it, &entry) == status);
    if (walker->valid)
        require_entry(w, &entry, &w->keys[walker->rank], walker->version);
}

static void take_many(struct world *w, struct walker *walker)
{
    fastskip_entry entries[MANY];
    size_t capacity = 1 + below(w, MANY - 1), count = NEVER;
    fastskip_status status = fastskip_iterator_next_many(walker->it, entries, capacity, &count);
    REQUIRE(w, status == (walker->valid ? FASTSKIP_OK : FASTSKIP_NOT_FOUND));
    for (size_t i = 0; i < count; i++) {
        REQUIRE(w, walker->valid);
        require_entry(w, &entries[i], &w->keys[walker->rank], walker->version);
        model_next(w, walker);
    }
    REQUIRE(w, count == capacity || !walker->valid);
    REQUIRE(w, fastskip_iterator_valid(walker->it) == walker->valid);
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
    REQUIRE(w, fastskip_iterator_set_bounds(walker->it, l ? l->data : NULL, l ? l->size : 0,
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
    if (w->mode == FASTSKIP_SEQUENCE_CALLER && draw(w) % 2) {
        walker->at = draw(w) % (w->clock + 2);
        status = fastskip_iterator_new_at(w->table, walker->at, walker->flags, &walker->it);
    } else {
        status = fastskip_iterator_new(w->table, view.snapshot, walker->flags, &walker->it);
        if (w->mode == FASTSKIP_SEQUENCE_AUTO && view.at == NOW)
            walker->at = w->clock;
    }
    REQUIRE(w, status == FASTSKIP_OK);
    if (draw(w) % 2)
        draw_bounds(w, walker);
}

/* In AUTO mode an iterator goes on where it stood, whatever was written since. */
static void walk(struct world *w)
{
    struct walker *walker = &w->walkers[below(w, WALKERS)];
    if (!walker->it || w->mode == FASTSKIP_SEQUENCE_CALLER || draw(w) % 6 == 0)
        renew_walker(w, walker);
    int turns = 2 + (int)below(w, 20), forward = 1;
    for (int i = 0; i < turns; i++) {
        size_t choice = below(w, 16);
        if (!walker->valid || choice == 0) {
            seek_somewhere(w, walker);
        } else if (choice == 1) {
            take_many(w, walker);
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

/* ---- whole tables ---------------------------------------------------------------------------- */

static uint64_t stat_of(struct world *w, uint32_t id)
{
    uint64_t number = 0;
    REQUIRE(w, fastskip_table_stat(w->table, id, &number) == FASTSKIP_OK);
    return number;
}

static void require_statistics(struct world *w)
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
    REQUIRE(w, stat_of(w, FASTSKIP_STAT_KEYS) == keys);
    REQUIRE(w, stat_of(w, FASTSKIP_STAT_LIVE) == live);
    REQUIRE(w, stat_of(w, FASTSKIP_STAT_TOMBSTONES) == keys - live);
    REQUIRE(w, stat_of(w, FASTSKIP_STAT_KEY_BYTES) == key_bytes);
    REQUIRE(w, stat_of(w, FASTSKIP_STAT_WRITES) == w->writes);
    /* Whether a version counts that a later record of its batch replaced is left open. */
    REQUIRE(w, stat_of(w, FASTSKIP_STAT_VERSIONS) >= versions);
    REQUIRE(w, stat_of(w, FASTSKIP_STAT_VERSIONS) <= versions + w->hidden);
    REQUIRE(w, stat_of(w, FASTSKIP_STAT_VALUE_BYTES) >= value_bytes);
    REQUIRE(w, stat_of(w, FASTSKIP_STAT_VALUE_BYTES) <= value_bytes + w->hidden_bytes);
    REQUIRE(w, stat_of(w, FASTSKIP_STAT_MEMORY_USED) >= key_bytes + value_bytes);
    REQUIRE(w, stat_of(w, FASTSKIP_STAT_MEMORY_USED) <= stat_of(w, FASTSKIP_STAT_MEMORY_RESERVED));
}

static void require_everything(struct world *w)
{
    REQUIRE(w, fastskip_table_check(w->table) == FASTSKIP_OK);
    require_statistics(w);
    for (uint32_t flags = 0; flags < 3; flags++) {
        struct walker all = {.at = NOW, .flags = flags, .high = w->count};
        REQUIRE(w, fastskip_iterator_new(w->table, NULL, flags, &all.it) == FASTSKIP_OK);
        stand_from(w, &all, 0);
        REQUIRE(w, (fastskip_iterator_seek_first(all.it) == FASTSKIP_OK) == all.valid);
        while (all.valid)
            take_many(w, &all);
        stand_below(w, &all, w->count);
        require_place(w, &all, fastskip_iterator_seek_last(all.it));
        while (all.valid) {
            model_prev(w, &all);
            require_place(w, &all, fastskip_iterator_prev(all.it));
        }
        fastskip_iterator_free(all.it);
    }
    for (size_t i = 0; i < w->count; i++) {
        fastskip_entry entry;
        fastskip_status live = lives(&w->keys[i], NOW) ? FASTSKIP_OK : FASTSKIP_NOT_FOUND;
        REQUIRE(w, fastskip_get(w->table, NULL, w->keys[i].data, w->keys[i].size, &entry) == live);
        if (live == FASTSKIP_OK)
            require_entry(w, &entry, &w->keys[i], newest(&w->keys[i], NOW));
    }
}

static void drop_handles(struct world *w)
{
    for (int i = 0; i < VIEWS; i++)
        fastskip_snapshot_free(w->views[i].snapshot);
    for (int i = 0; i < WALKERS; i++)
        fastskip_iterator_free(w->walkers[i].it);
    memset(w->views, 0, sizeof w->views);
    memset(w->walkers, 0, sizeof w->walkers);
}

static void forget_everything(struct world *w)
{
    for (size_t i = 0; i < w->count; i++)
        w->keys[i].count = 0;
    w->clock = w->writes = w->hidden = w->hidden_bytes = 0;
}

/* Some three quarters of the universe, so that lookups of absent keys are met everywhere. */
static void load(struct world *w, enum loading loading)
{
    for (size_t i = 0; i < w->count; i++, w->calls++) {
        size_t rank = loading == ASCENDING    ? i
                      : loading == DESCENDING ? w->count - 1 - i
                                              : below(w, w->count);
        if (draw(w) % 4 != 0)
            write_one(w, &w->keys[rank]);
        if (i % 512 == 0)
            renew_view(w);
    }
}

static void mixed_calls(struct world *w, size_t calls)
{
    for (size_t i = 0; i < calls; i++, w->calls++) {
        size_t rank = below(w, w->count), choice = below(w, 100);
        if (choice < 40)
            write_one(w, &w->keys[rank]);
        else if (choice < 43)
            write_batch(w, rank);
        else if (choice < 45)
            renew_view(w);
        else if (choice < 75)
            read_one(w, &w->keys[rank]);
        else if (choice < 80)
            read_many(w, rank);
        else
            walk(w);
    }
}

static void require_busy(struct world *w)
{
    int held = 0;
    for (int i = 0; i < VIEWS; i++)
        held |= w->views[i].snapshot != NULL;
    for (int i = 0; i < WALKERS; i++)
        held |= w->walkers[i].it != NULL;
    if (held)
        REQUIRE(w, fastskip_table_reset(w->table) == FASTSKIP_BUSY);
}

static void rotate(struct world *w)
{
    fastskip_table *fresh = NULL, *old = w->table;
    REQUIRE(w, fastskip_table_rotate(old, &fresh) == FASTSKIP_OK);
    require_everything(w);
    fastskip_table_unref(old);
    w->table = fresh;
    forget_everything(w);
}

/* ---- families of keys ------------------------------------------------------------------------ */

static unsigned char *add_key(struct world *w, const void *data, size_t size)
{
    if (w->count == w->room) {
        w->room = w->room ? 2 * w->room : 1024;
        w->keys = realloc(w->keys, w->room * sizeof *w->keys);
        ck_assert_ptr_nonnull(w->keys);
    }
    struct key *key = &w->keys[w->count++];
    memset(key, 0, sizeof *key);
    key->data = malloc(size + 1);
    ck_assert_ptr_nonnull(key->data);
    if (size > 0)
        memcpy(key->data, data, size);
    key->size = size;
    return key->data;
}

/* All strings over three bytes, the zero byte among them: each is a prefix of others. */
static void make_short(struct world *w, size_t n)
{
    static const unsigned char alphabet[] = {0, 'a', 0xff};
    unsigned char text[16];
    for (size_t size = 0, of_size = 1; w->count < n; size++, of_size *= 3) {
        for (size_t i = 0; i < of_size && w->count < n; i++) {
            for (size_t at = 0, rest = i; at < size; at++, rest /= 3)
                text[at] = alphabet[rest % 3];
            add_key(w, text, size);
        }
    }
}

/* Keys that begin with the same 40, 130, 300 or 5,000 bytes, which begin alike themselves. */
static void make_prefixed(struct world *w, size_t n)
{
    static const size_t sizes[] = {40, 130, 300, 5000};
    unsigned char *text = malloc(5000 + 8);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < n; i++) {
        size_t size = sizes[i % 16 == 0 ? 3 : i % 3], tail = below(w, 7);
        for (size_t at = 0; at < 5000; at++)
            text[at] = (unsigned char)(at * 7);
        for (size_t at = 0; at < tail; at++)
            text[size + at] = (unsigned char)(draw(w) % 4 * 85);
        /* Some end inside the common prefix. */
        add_key(w, text, i % 20 == 0 ? below(w, size) : size + tail);
    }
    free(text);
}

static void make_integers(struct world *w, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t number = i % 2 ? draw(w) : 0x100000000u * below(w, 9) + below(w, n);
        unsigned char text[8];
        for (int at = 0; at < 8; at++)
            text[at] = (unsigned char)(number >> (56 - 8 * at));
        add_key(w, text, 8);
    }
}

static void make_users(struct world *w, size_t n)
{
    char text[32];
    for (size_t i = 0; i < n; i++) {
        snprintf(text, sizeof text, "user%016zu", i * 3);
        add_key(w, text, 20);
    }
}

static void make_longest(struct world *w, size_t n)
{
    unsigned char *text = malloc(FASTSKIP_KEY_MAX);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < n; i++) {
        memset(text, 'k', FASTSKIP_KEY_MAX);
        size_t at = i % 3 == 0   ? FASTSKIP_KEY_MAX - 1 - below(w, 4)
                    : i % 3 == 1 ? below(w, 8)
                                 : below(w, FASTSKIP_KEY_MAX);
        text[at] = (unsigned char)draw(w);
        add_key(w, text, FASTSKIP_KEY_MAX - (i % 4 == 0 ? below(w, 3) : 0));
    }
    free(text);
}

static void make_words(struct world *w, size_t n)
{
    char text[16];
    for (size_t i = 0; i < n; i++) {
        size_t size = below(w, 12);
        for (size_t at = 0; at < size; at++)
            text[at] = (char)(draw(w) % 5 == 0 ? '0' + draw(w) % 50 : 'a' + draw(w) % 26);
        /* Upper case is how they are spelled, not how they are named. */
        for (size_t at = 0; at < size; at++)
            text[at] = (char)(text[at] >= 'A' && text[at] <= 'Z' ? text[at] + 32 : text[at]);
        add_key(w, text, size);
    }
}

/* ---- orders ---------------------------------------------------------------------------------- */

static int32_t by_bytes(void *ctx, const void *a, size_t a_size, const void *b, size_t b_size)
{
    size_t common = a_size < b_size ? a_size : b_size;
    int order = common ? memcmp(a, b, common) : 0;
    (void)ctx;
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

static int32_t backwards(void *ctx, const void *a, size_t a_size, const void *b, size_t b_size)
{
    return by_bytes(ctx, b, b_size, a, a_size);
}

static uint64_t leading_bytes(void *ctx, const void *key, size_t size)
{
    uint64_t number = 0;
    (void)ctx;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | (i < size ? ((const unsigned char *)key)[i] : 0);
    return number;
}

static uint64_t backwards_bytes(void *ctx, const void *key, size_t size)
{
    return ~leading_bytes(ctx, key, size);
}

static int folded(const void *key, size_t i)
{
    int c = ((const unsigned char *)key)[i];
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* Shorter keys first, then by letters of any case: an order that shares nothing with that of bytes. */
static int32_t caseless(void *ctx, const void *a, size_t a_size, const void *b, size_t b_size)
{
    (void)ctx;
    if (a_size != b_size)
        return a_size < b_size ? -1 : 1;
    for (size_t i = 0; i < a_size; i++)
        if (folded(a, i) != folded(b, i))
            return folded(a, i) - folded(b, i);
    return 0;
}

static uint64_t caseless_size(void *ctx, const void *key, size_t size)
{
    (void)ctx;
    return (uint64_t)size << 40 | (uint64_t)(size ? folded(key, 0) : 0) << 32;
}

/* Few values only, so that nearly every comparison has to look at the keys. */
static uint64_t first_byte(void *ctx, const void *key, size_t size)
{
    (void)ctx;
    return size ? (uint64_t) * (const unsigned char *)key << 56 : 0;
}

static const struct family families[] = {
    {"short", make_short, 9000, RANDOM, {by_bytes, NULL, 0, 0}},
    {"short, descending", make_short, 9000, DESCENDING, {by_bytes, NULL, 0, 0}},
    {"prefixed", make_prefixed, 6000, RANDOM, {by_bytes, NULL, 0, 0}},
    {"prefixed, ascending", make_prefixed, 6000, ASCENDING, {by_bytes, NULL, 0, 0}},
    {"integers", make_integers, 30000, RANDOM, {by_bytes, NULL, 0, 0}},
    {"users", make_users, 30000, RANDOM, {by_bytes, NULL, 0, 0}},
    {"users, ascending", make_users, 40000, ASCENDING, {by_bytes, NULL, 0, 0}},
    {"users, descending", make_users, 40000, DESCENDING, {by_bytes, NULL, 0, 0}},
    {"few users", make_users, 40, RANDOM, {by_bytes, NULL, 0, 0}},
    {"longest", make_longest, 150, RANDOM, {by_bytes, NULL, 0, 0}},
    {"backwards", make_short, 8000, RANDOM, {backwards, NULL, 1, 0}},
    {"backwards, abbreviated", make_users, 15000, ASCENDING, {backwards, backwards_bytes, 1, 0}},
    {"own bytes, abbreviated", make_prefixed, 4000, RANDOM, {by_bytes, leading_bytes, 1, 0}},
    {"own bytes, one byte", make_integers, 10000, DESCENDING, {by_bytes, first_byte, 1, 0}},
    {"caseless", make_words, 8000, RANDOM, {caseless, NULL, 1, 1}},
    {"caseless, abbreviated", make_words, 12000, RANDOM, {caseless, caseless_size, 1, 1}},
};

#define FAMILIES (sizeof families / sizeof families[0])

/* ---- runs ------------------------------------------------------------------------------------ */

static fastskip_compare_fn sort_order;

static int compare_keys(const void *a, const void *b)
{
    const struct key *x = a, *y = b;
    return sort_order(NULL, x->data, x->size, y->data, y->size);
}

static void make_universe(struct world *w)
{
    size_t kept = 0;
    w->family->make(w, w->family->keys);
    sort_order = w->family->order.compare;
    qsort(w->keys, w->count, sizeof *w->keys, compare_keys);
    for (size_t i = 0; i < w->count; i++) {
        if (kept > 0 && compare_keys(&w->keys[kept - 1], &w->keys[i]) == 0)
            free(w->keys[i].data);
        else
            w->keys[kept++] = w->keys[i];
    }
    w->count = kept;
}

static void make_table(struct world *w)
{
    const struct order *order = &w->family->order;
    fastskip_options *options = NULL;
    REQUIRE(w, fastskip_options_new(&options) == FASTSKIP_OK);
    REQUIRE(w, fastskip_options_set_sequence_mode(options, w->mode) == FASTSKIP_OK);
    REQUIRE(w, fastskip_options_set_seed(options, w->seed) == FASTSKIP_OK);
    REQUIRE(w, fastskip_options_set_shards(options, 1 + (uint32_t)below(w, 4)) == FASTSKIP_OK);
    if (order->custom)
        REQUIRE(w, fastskip_options_set_comparator(options, order->compare, order->abbreviate, NULL,
                                                   w->family->name) == FASTSKIP_OK);
    REQUIRE(w, fastskip_table_new(options, &w->table) == FASTSKIP_OK);
    fastskip_options_free(options);
    REQUIRE(w, fastskip_batch_new(&w->batch) == FASTSKIP_OK);
}

static void run(const struct family *family, uint32_t mode, uint64_t seed)
{
    struct world w = {.family = family, .mode = mode, .seed = seed, .random = seed};
    w.value = malloc(LONGEST_VALUE);
    w.spelled = malloc(FASTSKIP_KEY_MAX);
    ck_assert(w.value && w.spelled);
    make_universe(&w);
    make_table(&w);
    mixed_calls(&w, 200);
    load(&w, family->loading);
    mixed_calls(&w, 6000);
    require_everything(&w);
    require_busy(&w);
    drop_handles(&w);
    rotate(&w);
    mixed_calls(&w, 1500);
    drop_handles(&w);
    REQUIRE(&w, fastskip_table_reset(w.table) == FASTSKIP_OK);
    forget_everything(&w);
    require_everything(&w);
    load(&w, (enum loading)below(&w, 3));
    mixed_calls(&w, 1500);
    require_everything(&w);
    drop_handles(&w);
    fastskip_batch_free(w.batch);
    fastskip_table_unref(w.table);
    for (size_t i = 0; i < w.count; i++) {
        free(w.keys[i].data);
        free(w.keys[i].versions);
    }
    free(w.keys);
    free(w.value);
    free(w.spelled);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

START_TEST(every_answer_is_that_of_the_model)
{
    uint64_t seed = from_environment("FASTSKIP_TEST_SEED", 1);
    uint64_t rounds = from_environment("FASTSKIP_TEST_SCALE", 1);
    for (uint64_t round = 0; round < rounds; round++)
        run(&families[(size_t)_i / 2], (uint32_t)_i % 2, seed + round);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_model");
    TCase *tcase = tcase_create("model");
    tcase_set_timeout(tcase, 3600);
    tcase_add_loop_test(tcase, every_answer_is_that_of_the_model, 0, (int)(2 * FAMILIES));
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner), run_count = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && run_count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
