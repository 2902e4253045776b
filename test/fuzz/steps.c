/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * steps.c - calls on a table and its model; see fuzz.h.
 */
#include "fuzz.h"

void walk_steps(struct world *w, step *const *steps, size_t n)
{
    for (; input_left() > 0; w->calls++)
        steps[input_below(n)](w);
}

/* ---- writing and reading ---- */

void write_step(struct world *w)
{
    write_one(w, some_key(w));
}

/* Many keys from few bytes of input, in one direction: deep structures come from runs. */
void run_step(struct world *w)
{
    size_t rank = below(w, w->count), n = 1 + few(w, 48), down = below(w, 2);
    for (; n > 0 && rank < w->count; n--, rank += down ? (size_t)-1 : 1) {
        struct key *key = &w->keys[rank];
        struct version v = {++w->clock, FASTSKIP_PUT, 3, ++w->values * 2654435761u};
        fastskip_status status =
            w->mode == FASTSKIP_SEQUENCE_AUTO
                ? fastskip_put(w->table, key->data, key->size, fill_value(w, &v), v.size)
                : fastskip_put_at(w->table, v.at, v.kind, key->data, key->size, fill_value(w, &v),
                                  v.size);
        w->writes++;
        if (!refused(w, status, 1))
            EXPECT(w, status == (add_version(w, key, v) ? FASTSKIP_OK : FASTSKIP_EXISTS));
    }
}

void batch_step(struct world *w)
{
    write_batch(w, below(w, w->count));
}

void view_step(struct world *w)
{
    renew_view(w);
}

void read_step(struct world *w)
{
    read_one(w, some_key(w));
}

void many_step(struct world *w)
{
    read_many(w, below(w, w->count));
}

void walk_step(struct world *w)
{
    walk(w);
}

/* ---- asking ---- */

/* Nothing to see where nothing was written since, and one byte of input is all that it takes. */
void check_step(struct world *w)
{
    if (w->checked == w->values)
        return;
    w->checked = w->values;
    EXPECT(w, fastskip_table_check(w->table) == FASTSKIP_OK);
}

void statistics_step(struct world *w)
{
    require_statistics(w);
}

/* An estimate; of so few keys that none is skipped it is exact. */
void count_step(struct world *w)
{
    size_t low = below(w, w->count), high = below(w, w->count), exact = 0, all = 0;
    int from = (int)below(w, 4) > 0, upto = (int)below(w, 4) > 0;
    uint64_t number = NOW;
    const struct key *l = &w->keys[low], *h = &w->keys[high];
    EXPECT(w, fastskip_table_approximate_count(w->table, from ? l->data : NULL, from ? l->size : 0,
                                               upto ? h->data : NULL, upto ? h->size : 0,
                                               &number) == FASTSKIP_OK);
    for (size_t i = 0; i < w->count; i++) {
        all += w->keys[i].count > 0;
        exact += w->keys[i].count > 0 && (!from || i >= low) && (!upto || i < high);
    }
    if (all < 64 || (!from && !upto) || (from && upto && low >= high))
        EXPECT(w, number == exact);
}

void pressure_step(struct world *w)
{
    uint64_t used = 0, limit = 0;
    EXPECT(w, fastskip_table_stat(w->table, FASTSKIP_STAT_MEMORY_USED, &used) == FASTSKIP_OK);
    EXPECT(w, fastskip_table_stat(w->table, FASTSKIP_STAT_MEMORY_LIMIT, &limit) == FASTSKIP_OK);
    EXPECT(w, fastskip_table_under_backpressure(w->table) ==
                  (2 * used >= limit || (w->entry_limit > 0 && 2 * w->entries >= w->entry_limit)));
}

/* ---- the life of a table ---- */

void seal_step(struct world *w)
{
    fastskip_table *fresh = NULL;
    EXPECT(w, fastskip_table_is_sealed(w->table) == w->sealed);
    if (w->sealed)
        EXPECT(w, fastskip_table_rotate(w->table, &fresh) == FASTSKIP_SEALED);
    EXPECT(w, fastskip_table_seal(w->table) == FASTSKIP_OK);
    w->sealed = 1;
    EXPECT(w, fastskip_table_is_sealed(w->table) == 1);
}

void rotate_step(struct world *w)
{
    if (w->sealed) {
        reset_step(w);
        return;
    }
    drop_handles(w);
    rotate(w);
}

static int is_held(const struct world *w)
{
    for (int i = 0; i < VIEWS; i++)
        if (w->views[i].snapshot != NULL)
            return 1;
    for (int i = 0; i < WALKERS; i++)
        if (w->walkers[i].it != NULL)
            return 1;
    return 0;
}

void reset_step(struct world *w)
{
    if (is_held(w)) {
        EXPECT(w, fastskip_table_reset(w->table) == FASTSKIP_BUSY);
        drop_handles(w);
    }
    EXPECT(w, fastskip_table_reset(w->table) == FASTSKIP_OK);
    forget_everything(w);
    require_statistics(w);
}

/* ---- what breaks the contract, and changes nothing ---- */

static fastskip_status bad_write(struct world *w, const void *name, size_t size)
{
    static const char byte[1] = "x";
    fastskip_table *t = w->table;
    int numbered = w->mode == FASTSKIP_SEQUENCE_CALLER;
    switch (below(w, 9)) {
    case 0:
        return numbered ? fastskip_put_at(t, 1, 128, name, size, byte, 1)
                        : fastskip_put_at(t, 1, 0, name, size, byte, 1);
    case 1:
        return numbered ? fastskip_put_at(t, 0, 0, name, size, byte, 1)
                        : fastskip_put_kind(t, (uint32_t)below(w, 2), name, size, byte, 1);
    case 2:
        return numbered ? fastskip_put_at(t, FASTSKIP_SEQUENCE_MAX + 1, 0, name, size, byte, 1)
                        : fastskip_put_kind(t, 128, name, size, byte, 1);
    case 3:
        return numbered ? fastskip_delete(t, name, size) : fastskip_delete(t, NULL, 1);
    case 4:
        return numbered ? fastskip_insert(t, name, size, byte, 1)
                        : fastskip_insert(t, name, size, NULL, 1);
    case 5:
        return fastskip_put(numbered ? t : NULL, name, size, byte, 1);
    case 6:
        return fastskip_batch_put_at(w->batch, 0, 0, name, size, byte, 1);
    case 7:
        return fastskip_batch_put_kind(w->batch, 1, name, size, byte, 1);
    default:
        return fastskip_contains(t, NULL, NULL, 1);
    }
}

static fastskip_status too_large(struct world *w)
{
    static char longest[FASTSKIP_KEY_MAX + 1];
    fastskip_entry entry;
    switch (below(w, 4)) {
    case 0:
        return fastskip_get(w->table, NULL, longest, sizeof longest, &entry);
    case 1:
        return fastskip_batch_put(w->batch, longest, sizeof longest, NULL, 0);
    case 2:
        return w->mode == FASTSKIP_SEQUENCE_AUTO
                   ? fastskip_put(w->table, longest, sizeof longest, NULL, 0)
                   : fastskip_put_at(w->table, 1, 0, longest, sizeof longest, NULL, 0);
    default:
        return fastskip_contains(w->table, NULL, longest, sizeof longest);
    }
}

/* Bad keys among good ones: each has a status of its own. */
static void bad_among_many(struct world *w)
{
    static char longest[FASTSKIP_KEY_MAX + 1];
    const struct key *key = some_key(w);
    const void *names[40];
    size_t sizes[40], n = 1 + below(w, 40), bad = below(w, n), large = below(w, n);
    fastskip_entry entries[40];
    fastskip_status statuses[40];
    for (size_t i = 0; i < n; i++) {
        names[i] = i == large ? (const void *)longest : i == bad ? NULL : key->data;
        sizes[i] = i == large ? sizeof longest : i == bad ? 1 : key->size;
    }
    EXPECT(w, fastskip_get_many(w->table, NULL, n, names, sizes, entries, statuses) == FASTSKIP_OK);
    for (size_t i = 0; i < n; i++) {
        EXPECT(w, statuses[i] == (i == large        ? FASTSKIP_TOO_LARGE
                                  : i == bad        ? FASTSKIP_INVALID
                                  : lives(key, NOW) ? FASTSKIP_OK
                                                    : FASTSKIP_NOT_FOUND));
        if (statuses[i] == FASTSKIP_OK)
            require_entry(w, &entries[i], key, newest(key, NOW));
        else
            EXPECT(w, entries[i].key == NULL && entries[i].sequence == 0);
    }
}

void bad_step(struct world *w)
{
    const struct key *key = some_key(w);
    size_t records = fastskip_batch_count(w->batch);
    size_t choice = below(w, 3);
    if (choice == 2)
        bad_among_many(w);
    else if (choice == 1)
        EXPECT(w, bad_write(w, key->data, key->size) == FASTSKIP_INVALID);
    else
        EXPECT(w, too_large(w) == FASTSKIP_TOO_LARGE);
    EXPECT(w, fastskip_batch_count(w->batch) == records);
}
