/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Random sequences of calls, each answer compared with a model (world/world.h), over families of keys and
 * orders, in both modes.
 *
 * FASTSKIP_TEST_SCALE is the number of rounds, each with a seed of its own; FASTSKIP_TEST_SEED is
 * the first seed. A failure names family, mode, seed and number of the call.
 */
#include "world/world.h"

/* ---- whole tables ---- */

static uint64_t stat_of(struct world *w, uint32_t id)
{
    uint64_t number = 0;
    EXPECT(w, fastskip_table_stat(w->table, id, &number) == FASTSKIP_OK);
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

static void require_everything(struct world *w)
{
    EXPECT(w, fastskip_table_check(w->table) == FASTSKIP_OK);
    require_statistics(w);
    for (uint32_t flags = 0; flags < 3; flags++) {
        struct walker all = {.at = NOW, .flags = flags, .high = w->count};
        EXPECT(w, fastskip_iterator_new(w->table, NULL, flags, &all.it) == FASTSKIP_OK);
        stand_from(w, &all, 0);
        EXPECT(w, (fastskip_iterator_seek_first(all.it) == FASTSKIP_OK) == all.valid);
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
        EXPECT(w, fastskip_get(w->table, NULL, w->keys[i].data, w->keys[i].size, &entry) == live);
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
        if (draw(&w->random) % 4 != 0)
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
        EXPECT(w, fastskip_table_reset(w->table) == FASTSKIP_BUSY);
}

static void rotate(struct world *w)
{
    fastskip_table *fresh = NULL, *old = w->table;
    EXPECT(w, fastskip_table_rotate(old, &fresh) == FASTSKIP_OK);
    require_everything(w);
    fastskip_table_unref(old);
    w->table = fresh;
    forget_everything(w);
}

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
    EXPECT(w, fastskip_options_new(&options) == FASTSKIP_OK);
    EXPECT(w, fastskip_options_set_sequence_mode(options, w->mode) == FASTSKIP_OK);
    EXPECT(w, fastskip_options_set_seed(options, w->seed) == FASTSKIP_OK);
    EXPECT(w, fastskip_options_set_shards(options, 1 + (uint32_t)below(w, 4)) == FASTSKIP_OK);
    if (order->custom)
        EXPECT(w, fastskip_options_set_comparator(options, order->compare, order->abbreviate, NULL,
                                                  w->family->name) == FASTSKIP_OK);
    EXPECT(w, fastskip_table_new(options, &w->table) == FASTSKIP_OK);
    fastskip_options_free(options);
    EXPECT(w, fastskip_batch_new(&w->batch) == FASTSKIP_OK);
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
    EXPECT(&w, fastskip_table_reset(w.table) == FASTSKIP_OK);
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
    suite_add(suite, every_answer_is_that_of_the_model, (int)(2 * family_count));
    return suite_run(suite);
}
