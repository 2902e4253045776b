/*
 * inserts.c - insert-if-absent has one winner.
 *
 * All threads go through the rounds together.  In each they race for the same key: inserts,
 * get-or-inserts, and in some rounds puts by batch and deletes.  What they were told must fit together.
 */
#include "stress.h"

#include <string.h>

typedef enum { INSERT, GET_OR_INSERT, BATCH, DELETE, GET, ACTS } act;

typedef struct {
    act act;
    fastskip_status status;
    int32_t inserted;
    int has_value;
    stress_value value; /* what was found */
} outcome;

typedef struct {
    fastskip_table *table;
    stress_shape shape;
    unsigned threads, rounds;
    int batches, deletes;
    stress_barrier barrier;
    outcome outcome[STRESS_THREADS];
} shared;

static act choose(const shared *g, stress_random *r)
{
    act a = (act)stress_below(r, ACTS);
    if ((a == BATCH && !g->batches) || (a == DELETE && !g->deletes))
        a = INSERT;
    return a;
}

static void act_now(shared *g, unsigned me, unsigned round, const stress_key *k, fastskip_batch *b,
                    outcome *o)
{
    stress_value v = {me, round, 0};
    unsigned char bytes[STRESS_VALUE_ROOM];
    size_t size = stress_value_make(bytes, k, &v);
    fastskip_entry e;
    o->has_value = 0;
    o->inserted = 0;
    switch (o->act) {
    case INSERT:
        o->status = fastskip_insert(g->table, k->data, k->size, bytes, size);
        o->inserted = o->status == FASTSKIP_OK;
        break;
    case GET_OR_INSERT:
        o->status =
            fastskip_get_or_insert(g->table, k->data, k->size, bytes, size, &e, &o->inserted);
        o->has_value = OK(o->status) && stress_value_read(&e, &o->value);
        break;
    case BATCH:
        OK(fastskip_batch_clear(b));
        OK(fastskip_batch_put(b, k->data, k->size, bytes, size));
        o->status = fastskip_write(g->table, b);
        OK(o->status);
        break;
    case DELETE:
        o->status = fastskip_delete(g->table, k->data, k->size);
        OK(o->status);
        break;
    default:
        o->status = fastskip_get(g->table, NULL, k->data, k->size, &e);
        o->has_value = o->status == FASTSKIP_OK && stress_value_read(&e, &o->value);
    }
}

/* Was this value written in this round, as far as the outcomes say? */
static int was_written(const shared *g, const stress_value *v, unsigned round)
{
    const outcome *o = &g->outcome[v->owner % STRESS_THREADS];
    return v->number == round && (o->inserted || o->act == BATCH);
}

static void judge(shared *g, unsigned round, const stress_key *k)
{
    unsigned winners = 0, deletes = 0, batches = 0, tries = 0;
    fastskip_entry e;
    stress_value last;
    int live = fastskip_get(g->table, NULL, k->data, k->size, &e) == FASTSKIP_OK;
    memset(&last, 0, sizeof last);
    if (live)
        stress_value_read(&e, &last);
    for (unsigned i = 0; i < g->threads; i++) {
        const outcome *o = &g->outcome[i];
        winners += o->inserted != 0;
        deletes += o->act == DELETE;
        batches += o->act == BATCH;
        tries += o->act == INSERT || o->act == GET_OR_INSERT;
        if (o->act == GET_OR_INSERT && o->has_value)
            REQUIRE(!o->inserted || o->value.owner == i, "inserted, and got the value of another");
        if (o->has_value)
            REQUIRE(was_written(g, &o->value, round), "a value of round %llu by %u in round %u",
                    (unsigned long long)o->value.number, o->value.owner, round);
    }
    REQUIRE(winners <= 1 + deletes, "%u inserts won with %u deletes", winners, deletes);
    REQUIRE(winners + batches > 0 || tries == 0, "%u inserts and nobody won", tries);
    REQUIRE(live || deletes > 0 || winners + batches == 0, "the key is lost");
    if (live)
        REQUIRE(was_written(g, &last, round), "the key holds what nobody wrote");
    if (live && deletes == 0 && batches > 0) /* after a batch no insert can win */
        REQUIRE(g->outcome[last.owner].act == BATCH, "an insert won over a batch");
    if (deletes == 0 && batches == 0)
        for (unsigned i = 0; i < g->threads; i++)
            if (g->outcome[i].has_value)
                REQUIRE(g->outcome[i].value.owner == last.owner, "two values of one insert");
}

static void body(void *context, unsigned me, stress_random *r)
{
    shared *g = context;
    fastskip_batch *b = NULL;
    OK(fastskip_batch_new(&b));
    for (unsigned round = 0; round < g->rounds && !stress_failed(); round++) {
        /* Each key twice: new, and again after it was deleted. */
        stress_key k;
        stress_key_make(&k, g->shape, round / 2);
        g->outcome[me].act = choose(g, r);
        stress_barrier_wait(&g->barrier);
        act_now(g, me, round, &k, b, &g->outcome[me]);
        stress_barrier_wait(&g->barrier);
        if (me == 0 && !stress_failed()) {
            judge(g, round, &k);
            OK(fastskip_delete(g->table, k.data, k.size));
        }
        stress_barrier_wait(&g->barrier);
    }
    fastskip_batch_free(b);
}

void stress_inserts(stress_random *r)
{
    static const unsigned threads[] = {2, 3, 4, 8, 32};
    static shared g;
    memset(&g, 0, sizeof g);
    g.table = stress_table(r, NULL);
    g.shape = (stress_shape)stress_below(r, STRESS_SHAPES);
    g.threads = threads[stress_below(r, 5)];
    g.rounds = stress_scaled(1 + 3000 / g.threads);
    g.batches = stress_below(r, 2) == 0;
    g.deletes = stress_below(r, 2) == 0;
    stress_barrier_init(&g.barrier, g.threads);
    stress_run(g.threads, body, &g, r);
    stress_table_drop(g.table);
}
