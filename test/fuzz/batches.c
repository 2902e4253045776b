/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * batches.c - fuzz target: several batches at once, collected in any order, written again and again, cleared,
 * of one key many times, of more than a limit allows, of the wrong mode; in both modes.
 */
#include "fuzz.h"

#define BATCHES 3
#define RECORDS_MOST 150

static struct collected {
    fastskip_batch *batch;
    struct record records[RECORDS_MOST];
    size_t count;
} batches[BATCHES];

static struct collected *some_batch(struct world *w)
{
    return &batches[below(w, BATCHES)];
}

static void record_step(struct world *w)
{
    struct collected *b = some_batch(w);
    if (b->count == RECORDS_MOST)
        return;
    w->clock++;
    b->records[b->count] = draw_record(w, some_key(w));
    add_record(w, b->batch, &b->records[b->count++]);
}

/* Neighbours, up or down, or one key again and again. */
static void records_step(struct world *w)
{
    struct collected *b = some_batch(w);
    size_t rank = below(w, w->count), way = below(w, 3), n = few(w, 80);
    w->clock++;
    for (; n > 0 && b->count < RECORDS_MOST && rank < w->count; n--) {
        struct record r = {&w->keys[rank], {w->clock, FASTSKIP_PUT, 4, ++w->values * 2654435761u}};
        b->records[b->count++] = r;
        add_record(w, b->batch, &r);
        rank += way == 0 ? (size_t)-1 : way == 1 ? 1 : 0;
        w->clock += way == 2;
    }
}

static void write_records_step(struct world *w)
{
    struct collected *b = some_batch(w);
    write_records(w, b->batch, b->records, b->count);
}

static void clear_step(struct world *w)
{
    struct collected *b = some_batch(w);
    EXPECT(w, fastskip_batch_clear(b->batch) == FASTSKIP_OK);
    EXPECT(w, fastskip_batch_count(b->batch) == 0);
    b->count = 0;
}

/* A record of the other mode makes a batch unfit, and no write of it changes anything. */
static void unfit_step(struct world *w)
{
    struct collected *b = some_batch(w);
    const struct key *key = some_key(w);
    fastskip_status status = w->mode == FASTSKIP_SEQUENCE_AUTO
                                 ? fastskip_batch_put_at(b->batch, 1 + below(w, 9), FASTSKIP_PUT,
                                                         key->data, key->size, "x", 1)
                                 : fastskip_batch_put(b->batch, key->data, key->size, "x", 1);
    EXPECT(w, status == FASTSKIP_OK);
    EXPECT(w, fastskip_batch_count(b->batch) == b->count + 1);
    EXPECT(w, fastskip_write(w->table, b->batch) == FASTSKIP_INVALID);
    EXPECT(w, fastskip_batch_clear(b->batch) == FASTSKIP_OK);
    b->count = 0;
}

/* A value that no table of this limit can hold. */
static void oversize_step(struct world *w)
{
    static const char large[(64 << 10) + 1];
    uint64_t limit = 0;
    struct collected *b = some_batch(w);
    const struct key *key = some_key(w);
    EXPECT(w, fastskip_table_stat(w->table, FASTSKIP_STAT_MEMORY_LIMIT, &limit) == FASTSKIP_OK);
    if (limit >= sizeof large)
        return;
    EXPECT(w, (w->mode == FASTSKIP_SEQUENCE_AUTO
                   ? fastskip_batch_put(b->batch, key->data, key->size, large, sizeof large)
                   : fastskip_batch_put_at(b->batch, 1, FASTSKIP_PUT, key->data, key->size, large,
                                           sizeof large)) == FASTSKIP_OK);
    EXPECT(w, fastskip_write(w->table, b->batch) == FASTSKIP_TOO_LARGE);
    EXPECT(w, fastskip_batch_clear(b->batch) == FASTSKIP_OK);
    b->count = 0;
}

static step *const steps[] = {
    record_step,  record_step,        record_step,        record_step,        records_step,
    records_step, write_records_step, write_records_step, write_records_step, write_records_step,
    clear_step,   clear_step,         unfit_step,         oversize_step,      write_step,
    run_step,     batch_step,         view_step,          read_step,          many_step,
    walk_step,    check_step,         statistics_step,    seal_step,          reset_step,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t mode = size > 0 ? data[size - 1] & 1 : 0;
    struct world *w = begin_world(data, size, mode);
    for (int i = 0; i < BATCHES; i++) {
        EXPECT(w, fastskip_batch_new(&batches[i].batch) == FASTSKIP_OK);
        batches[i].count = 0;
    }
    WALK_STEPS(w, steps);
    end_world(w);
    for (int i = 0; i < BATCHES; i++)
        fastskip_batch_free(batches[i].batch);
    return 0;
}
