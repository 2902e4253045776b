/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Readers: pick acknowledged keys from the ledger, look them up, and compare; see workers.h.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scratch.h"
#include "workers.h"

enum { CLAIMS_AT_ONCE = 64 };

/* The claims of one round, and what the active table knows of their keys. */
struct round {
    struct claim claims[CLAIMS_AT_ONCE];
    const void *keys[CLAIMS_AT_ONCE];
    size_t key_sizes[CLAIMS_AT_ONCE];
    fastskip_entry entries[CLAIMS_AT_ONCE];
    fastskip_status statuses[CLAIMS_AT_ONCE];
    size_t count;
    struct run_buffer buffer;
};

/* splitmix64: a step of a counter, then a mix. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void add_claim(struct reader *reader, struct round *round, size_t slot)
{
    struct claim *claim = &round->claims[round->count];
    if (!ledger_read(reader->ledger, slot, claim))
        return;
    round->keys[round->count] = claim->key;
    round->key_sizes[round->count] = claim->key_size;
    round->count++;
}

static void compare(struct reader *reader, const struct claim *claim, bool is_found,
                    const struct record *record)
{
    reader->lookups++;
    bool is_live = is_found && !record->is_delete;
    bool is_same = claim->is_delete ? !is_live
                                    : is_live && record->value_size == claim->value_size &&
                                          ledger_value_hash(record->value, record->value_size) ==
                                              claim->value_hash;
    if (!ledger_is_settled(reader->ledger, claim))
        reader->overtaken++;
    else if (!is_same && !is_live)
        reader->misses++;
    else if (!is_same)
        reader->wrong++;
    if (is_live)
        reader->hits++;
    else if (is_found)
        reader->tombstones++;
}

/* Looks the claimed keys up: all in the active table at once, then those that are not live there
 * in everything, one by one. The view is newer than the claims, so it holds what they claim. */
static void look_up(struct reader *reader, struct round *round)
{
    struct view *view = store_view(reader->store);
    fastskip_status status = fastskip_get_many(view->active, NULL, round->count, round->keys,
                                               round->key_sizes, round->entries, round->statuses);
    if (status != FASTSKIP_OK)
        control_fail(reader->control, "lookups failed: %s", fastskip_strerror(status));
    for (size_t i = 0; status == FASTSKIP_OK && i < round->count; i++) {
        const struct claim *claim = &round->claims[i];
        const fastskip_entry *entry = &round->entries[i];
        struct record record = {.value = entry->value, .value_size = entry->value_size};
        int found = 1;
        if (round->statuses[i] != FASTSKIP_OK)
            found = view_find(view, reader->control, claim->key, claim->key_size, &round->buffer,
                              &record);
        if (found < 0)
            break;
        compare(reader, claim, found == 1, &record);
    }
    view_drop(view);
    round->count = 0;
}

/* There may be nothing to look up yet. */
static void rest(void)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    nanosleep(&pause, NULL);
}

void *reader_main(void *context)
{
    struct reader *reader = context;
    struct round *round = allocate(sizeof *round);
    round->count = 0;
    round->buffer = (struct run_buffer){NULL, 0};
    /* Acquire: pairs with the release in end_readers(), so that the last round sees all of it. */
    while (!atomic_load_explicit(reader->is_last_round, memory_order_acquire) &&
           !control_failed(reader->control)) {
        for (size_t i = 0; i < CLAIMS_AT_ONCE; i++)
            add_claim(reader, round, next_random(&reader->random) % LEDGER_SLOTS);
        if (round->count > 0)
            look_up(reader, round);
        else
            rest();
    }
    for (size_t slot = 0; slot < LEDGER_SLOTS && !control_failed(reader->control); slot++) {
        add_claim(reader, round, slot);
        if (round->count == CLAIMS_AT_ONCE)
            look_up(reader, round);
    }
    if (round->count > 0 && !control_failed(reader->control))
        look_up(reader, round);
    free(round->buffer.data);
    free(round);
    return NULL;
}
