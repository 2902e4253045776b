/*
 * overwrites.c - all threads write and read the same few keys; each key's history must be one of a
 * register (history.c).
 */
#include "stress.h"

#include <stdlib.h>
#include <string.h>

#define KEYS 5

typedef struct {
    fastskip_table *table;
    stress_shape shape;
    unsigned threads, operations, keys;
    stress_op *log[STRESS_THREADS][KEYS];
    size_t logged[STRESS_THREADS][KEYS];
} shared;

/* What a register holds, as one number. */
static uint64_t id_of(const stress_value *v)
{
    return (uint64_t)(v->owner + 1) << 32 | v->number;
}

static void log_op(shared *g, unsigned me, unsigned key, const stress_op *op)
{
    g->log[me][key][g->logged[me][key]++] = *op;
}

/* A write, through any of the ways there are. */
static fastskip_status write_value(shared *g, const stress_key *k, const stress_value *v,
                                   fastskip_batch *batch, stress_random *r)
{
    unsigned char bytes[STRESS_VALUE_ROOM];
    size_t size = stress_value_make(bytes, k, v);
    switch (stress_below(r, 4)) {
    case 0:
        OK(fastskip_batch_clear(batch));
        OK(fastskip_batch_put(batch, k->data, k->size, bytes, size));
        return fastskip_write(g->table, batch);
    case 1:
        return fastskip_put_kind(g->table, 2, k->data, k->size, bytes, size);
    default:
        return fastskip_put(g->table, k->data, k->size, bytes, size);
    }
}

/* Reads a key in one of the ways; NOT_FOUND or OK. */
static fastskip_status read_key(shared *g, const stress_key *k, fastskip_entry *e, stress_random *r)
{
    const void *data[2] = {k->data, k->data};
    const size_t sizes[2] = {k->size, k->size};
    fastskip_entry entries[2];
    fastskip_status statuses[2] = {FASTSKIP_OK, FASTSKIP_OK}, status;
    fastskip_snapshot *s = NULL;
    switch (stress_below(r, 6)) {
    case 0:
        OK(fastskip_get_many(g->table, NULL, 2, data, sizes, entries, statuses));
        REQUIRE(statuses[0] == statuses[1] && entries[0].value == entries[1].value,
                "get_many answers twice and not alike");
        *e = entries[0];
        return statuses[0];
    case 1:
        OK(fastskip_snapshot_new(g->table, &s));
        status = fastskip_get(g->table, s, k->data, k->size, e);
        fastskip_snapshot_free(s);
        return status;
    default:
        return fastskip_get(g->table, NULL, k->data, k->size, e);
    }
}

static void body(void *context, unsigned me, stress_random *r)
{
    shared *g = context;
    fastskip_batch *batch = NULL;
    OK(fastskip_batch_new(&batch));
    for (unsigned i = 0; i < g->operations && !stress_failed(); i++) {
        unsigned key = stress_below(r, g->keys);
        stress_value v = {me, i + 1, 0};
        stress_op op;
        fastskip_entry e;
        fastskip_status status;
        stress_key k;
        stress_key_make(&k, g->shape, key);
        op.is_write = stress_below(r, 2) == 0;
        op.begin = stress_tick();
        if (op.is_write)
            status = write_value(g, &k, &v, batch, r);
        else
            status = read_key(g, &k, &e, r);
        op.end = stress_tick();
        if (op.is_write) {
            OK(status);
        } else if (status == FASTSKIP_NOT_FOUND) {
            memset(&v, 0, sizeof v);
        } else if (!OK(status) || !stress_value_read(&e, &v)) {
            break;
        }
        op.value = status == FASTSKIP_NOT_FOUND ? 0 : id_of(&v);
        log_op(g, me, key, &op);
    }
    fastskip_batch_free(batch);
}

static void check_key(shared *g, unsigned key)
{
    stress_why why;
    size_t n = 0;
    stress_op *all = malloc((size_t)g->threads * g->operations * sizeof *all);
    if (all == NULL)
        abort();
    for (unsigned i = 0; i < g->threads; i++) {
        memcpy(all + n, g->log[i][key], g->logged[i][key] * sizeof *all);
        n += g->logged[i][key];
    }
    REQUIRE(stress_history_check(all, n, &why), "a key that all overwrite: %s", why.text);
    free(all);
}

void stress_overwrites(stress_random *r)
{
    static const unsigned threads[] = {2, 3, 8, 16, 64};
    static shared g;
    memset(&g, 0, sizeof g);
    g.table = stress_table(r, NULL);
    g.shape = (stress_shape)stress_below(r, STRESS_SHAPES);
    g.threads = threads[stress_below(r, 5)];
    g.operations = stress_scaled(1 + 12000 / g.threads);
    g.keys = 1 + stress_below(r, KEYS);
    for (unsigned i = 0; i < g.threads; i++)
        for (unsigned k = 0; k < g.keys; k++)
            if ((g.log[i][k] = malloc(g.operations * sizeof(stress_op))) == NULL)
                abort();
    stress_run(g.threads, body, &g, r);
    for (unsigned k = 0; k < g.keys && !stress_failed(); k++)
        check_key(&g, k);
    for (unsigned i = 0; i < g.threads; i++)
        for (unsigned k = 0; k < g.keys; k++)
            free(g.log[i][k]);
    stress_table_drop(g.table);
}
