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
#include "suite.h"
#include "world/world.h"

void abort_run(struct world *w, const char *condition, const char *file, int line)
{
    ck_abort_msg("%s:%d: %s; family %s, mode %u, seed %llu, call %llu", file, line, condition,
                 w->family->name, w->mode, (unsigned long long)w->seed,
                 (unsigned long long)w->calls);
}

size_t below(struct world *w, size_t n)
{
    return (size_t)(draw(&w->random) % n);
}

size_t few(struct world *w, size_t n)
{
    return below(w, n);
}

/* Some three quarters of the universe, so that lookups of absent keys are met everywhere. */
static void load(struct world *w, enum loading loading)
{
    for (size_t i = 0; i < w->count; i++, w->calls++) {
        size_t rank = loading == ASCENDING    ? i
                      : loading == DESCENDING ? w->count - 1 - i
                                              : below(w, w->count);
        if (below(w, 4) != 0)
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

/* ---- runs ------------------------------------------------------------------------------------ */

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
    make_universe(&w, family->keys);
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
