/*
 * groups.c - what is written in one batch is seen at once, or not at all.
 *
 * Batches without any lock put their number into all keys of a group, or delete all of them; single puts
 * and inserts write over some.  All of a group that comes from batches comes from one and the same, and
 * the history of the group is that of a register.  With little memory some batches are refused, or
 * aborted half way: nobody ever reads what they wrote.
 */
#include "few.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    few few;
    unsigned threads, operations;
    int deletes; /* a round with them has no history, as they look all the same */
    int limited; /* a round with little memory: writes may be refused */
    stress_op *log[STRESS_THREADS];
    size_t logged[STRESS_THREADS];
} shared;

#define SINGLE (UINT64_C(1) << 40) /* in the number of what was not written by a batch */

/* Was it written?  If not, there must have been a reason. */
static int written(const shared *g, fastskip_status status)
{
    if (status == FASTSKIP_FULL && g->limited)
        return 0;
    return OK(status);
}

static int write_group(const shared *g, fastskip_batch *b, unsigned me, uint64_t number,
                       int deletes, stress_random *r)
{
    stress_value v = {me, number, 0};
    unsigned from = stress_below(r, g->few.keys),
             step = stress_below(r, 2) != 0 ? 1 : g->few.keys - 1;
    OK(fastskip_batch_clear(b));
    for (unsigned i = 0; i < g->few.keys; i++) {
        unsigned char bytes[STRESS_VALUE_ROOM];
        size_t size;
        stress_key k;
        stress_key_make(&k, g->few.shape, (from + i * step) % g->few.keys);
        size = stress_value_make(bytes, &k, &v);
        if (deletes)
            OK(fastskip_batch_delete(b, k.data, k.size));
        else
            OK(fastskip_batch_put(b, k.data, k.size, bytes, size));
    }
    return written(g, fastskip_write(g->few.table, b));
}

static void write_single(const shared *g, unsigned me, uint64_t number, stress_random *r)
{
    stress_value v = {me, SINGLE | number, 0};
    unsigned char bytes[STRESS_VALUE_ROOM];
    size_t size;
    fastskip_status status;
    stress_key k;
    stress_key_make(&k, g->few.shape, stress_below(r, g->few.keys));
    size = stress_value_make(bytes, &k, &v);
    if (stress_below(r, 2) == 0) {
        written(g, fastskip_put(g->few.table, k.data, k.size, bytes, size));
        return;
    }
    status = fastskip_insert(g->few.table, k.data, k.size, bytes, size);
    if (status != FASTSKIP_EXISTS)
        written(g, status);
}

/* The batch that the view comes from: owner and number; 0 if nothing of it is left to be seen, or if it
 * was a delete. */
static uint64_t batch_of(const shared *g, const few_view *v, int *known)
{
    uint64_t batch = 0;
    int absent = 0;
    *known = 0;
    for (unsigned i = 0; i < g->few.keys; i++) {
        uint64_t id = (uint64_t)(v->value[i].owner + 1) << 32 | v->value[i].number;
        if (!v->present[i]) {
            absent = 1;
            continue;
        }
        if ((v->value[i].number & SINGLE) != 0)
            continue;
        REQUIRE(!*known || batch == id, "%llx and %llx in one group", (unsigned long long)batch,
                (unsigned long long)id);
        batch = id;
        *known = 1;
    }
    REQUIRE(!*known || !absent, "a key of batch %llx is missing", (unsigned long long)batch);
    return batch;
}

/* One operation on the group; 0 if there is nothing to log of it. */
static int operate(const shared *g, fastskip_batch *b, unsigned me, unsigned i, stress_op *op,
                   stress_random *r)
{
    few_view v;
    int known = 1;
    op->is_write = me % 4 < 2; /* two in four write batches; the fourth also writes singles */
    op->value = (uint64_t)(me + 1) << 32 | i;
    if (me % 4 == 3 && i % 2 == 0) {
        write_single(g, me, i, r);
        return 0;
    }
    op->begin = stress_tick();
    if (op->is_write)
        known = write_group(g, b, me, i, g->deletes && i % 3 == 0, r);
    else
        few_look(&g->few, &v, r);
    op->end = stress_tick();
    if (!op->is_write)
        op->value = batch_of(g, &v, &known);
    return known && !g->deletes;
}

static void body(void *context, unsigned me, stress_random *r)
{
    shared *g = context;
    fastskip_batch *b = NULL;
    OK(fastskip_batch_new(&b));
    for (unsigned i = 1; i <= g->operations && !stress_failed(); i++)
        if (operate(g, b, me, i, &g->log[me][g->logged[me]], r))
            g->logged[me]++;
    fastskip_batch_free(b);
}

static void check_history(shared *g)
{
    stress_op *all = malloc((size_t)g->threads * g->operations * sizeof *all);
    stress_why why;
    size_t n = 0;
    if (all == NULL)
        abort();
    for (unsigned i = 0; i < g->threads; i++) {
        memcpy(all + n, g->log[i], g->logged[i] * sizeof *all);
        n += g->logged[i];
    }
    REQUIRE(stress_history_check(all, n, &why), "a group of keys: %s", why.text);
    free(all);
}

static void groups_round(stress_random *r, const stress_limits *limits, unsigned operations)
{
    static const unsigned threads[] = {4, 6, 12, 48};
    static shared g;
    memset(&g, 0, sizeof g);
    g.few.table = stress_table(r, limits);
    g.few.shape = (stress_shape)stress_below(r, STRESS_SHAPES);
    g.few.keys = 2 + stress_below(r, 5);
    g.threads = threads[stress_below(r, 4)];
    g.operations = stress_scaled(1 + operations / g.threads);
    g.deletes = stress_below(r, 2) == 0;
    g.limited = limits != NULL;
    for (unsigned i = 0; i < g.threads; i++)
        if ((g.log[i] = malloc(g.operations * sizeof(stress_op))) == NULL)
            abort();
    stress_run(g.threads, body, &g, r);
    if (!stress_failed())
        check_history(&g);
    for (unsigned i = 0; i < g.threads; i++)
        free(g.log[i]);
    stress_table_drop(g.few.table);
}

void stress_groups(stress_random *r)
{
    groups_round(r, NULL, 4000);
}

void stress_aborts(stress_random *r)
{
    const stress_limits limits = {FASTSKIP_SEQUENCE_AUTO, 0, 65536 + stress_below(r, 65536), 0};
    groups_round(r, &limits, 2500);
}
