/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * table.c - a table of the input's choice, with its model; see fuzz.h.
 */
#include "fuzz.h"

/* The universes: made once, and used again with all versions forgotten. */
static struct world universes[32];
static const size_t universe_sizes[] = {12, 40, 120, UNIVERSE_MOST, 12, 40, 40, 120};

static unsigned char value[LONGEST_VALUE], spelled[FASTSKIP_KEY_MAX];

static struct world *some_universe(void)
{
    size_t family = input_below(family_count);
    struct world *w = &universes[family];
    struct key *keys = w->keys;
    size_t made = w->room;
    /* Keys of 64 KiB are for the target keys. */
    if (strcmp(families[family].name, "longest") == 0)
        return some_universe();
    if (keys == NULL) {
        w->family = &families[family];
        make_universe(w, UNIVERSE_MOST);
        keys = w->keys;
        made = w->room = w->count;
    }
    memset(w, 0, sizeof *w);
    w->family = &families[family];
    w->keys = keys;
    w->room = made;
    w->count = universe_sizes[input_below(sizeof universe_sizes / sizeof *universe_sizes)];
    if (w->count > made)
        w->count = made;
    return w;
}

void begin_table(struct world *w, uint64_t memory)
{
    static const uint64_t entry_limits[] = {0, 0, 0, 1, 7, 40, 90, 300};
    const struct order *order = &w->family->order;
    fastskip_options *options = NULL;
    w->value = value;
    w->spelled = spelled;
    w->brief = 1;
    w->entry_limit = entry_limits[input_below(sizeof entry_limits / sizeof *entry_limits)];
    w->seed = 1 + input_below(256);
    EXPECT(w, fastskip_options_new(&options) == FASTSKIP_OK);
    pool_use(w, options);
    EXPECT(w, fastskip_options_set_sequence_mode(options, w->mode) == FASTSKIP_OK);
    EXPECT(w, fastskip_options_set_seed(options, w->seed) == FASTSKIP_OK);
    EXPECT(w, fastskip_options_set_shards(options, w->seed % 8 == 0 ? 3 : 1) == FASTSKIP_OK);
    EXPECT(w, fastskip_options_set_memory_limit(options, memory) == FASTSKIP_OK);
    EXPECT(w, fastskip_options_set_entry_limit(options, w->entry_limit) == FASTSKIP_OK);
    EXPECT(w, fastskip_options_set_backpressure(options, 50) == FASTSKIP_OK);
    if (order->custom)
        EXPECT(w, fastskip_options_set_comparator(options, order->compare, order->abbreviate, NULL,
                                                  w->family->name) == FASTSKIP_OK);
    EXPECT(w, fastskip_table_new(options, &w->table) == FASTSKIP_OK);
    fastskip_options_free(options);
    EXPECT(w, fastskip_batch_new(&w->batch) == FASTSKIP_OK);
    forget_everything(w);
}

struct world *begin_world(const uint8_t *data, size_t size, uint32_t mode)
{
    struct world *w;
    uint64_t memory;
    input_begin(data, size);
    w = some_universe();
    w->mode = mode;
    memory = (uint64_t)64 << 10 << 2 * input_below(4); /* to 4 MiB */
    w->tight = 1;
    begin_table(w, memory);
    return w;
}

void end_world(struct world *w)
{
    require_everything(w);
    drop_handles(w);
    fastskip_batch_free(w->batch);
    fastskip_table_unref(w->table);
    EXPECT(w, pool_is_whole());
}

struct key *some_key(struct world *w)
{
    return &w->keys[below(w, w->count)];
}
