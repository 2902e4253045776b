/*
 * batches.c - what is written in one batch is seen at once, or not at all.
 *
 * Bank: batches move money between accounts, of which their writer holds the locks; the sum is the same
 * in every view.  Groups: batches without any lock put their number into all keys of a group, or delete
 * all of them; single puts and inserts write over some.  All of a group that comes from batches comes
 * from one and the same, and the history of groups is that of a register.
 */
#include "stress.h"

#include <stdlib.h>
#include <string.h>

/* ---- views of a few keys at one instant, by all the ways there are ---- */

#define KEYS 12

typedef struct {
    int present[KEYS];
    stress_value value[KEYS];
} view;

typedef struct {
    fastskip_table *table;
    stress_shape shape;
    unsigned keys, threads, operations;
    stress_lock lock[KEYS];
    stress_op *log[STRESS_THREADS];
    size_t logged[STRESS_THREADS];
} shared;

static void note(view *v, unsigned i, const fastskip_entry *e)
{
    v->present[i] = e != NULL && stress_value_read(e, &v->value[i]);
}

static void look_by_get_many(shared *g, const fastskip_snapshot *s, view *v)
{
    stress_key keys[KEYS];
    const void *data[KEYS];
    size_t sizes[KEYS];
    fastskip_entry entries[KEYS];
    fastskip_status statuses[KEYS];
    for (unsigned i = 0; i < g->keys; i++) {
        stress_key_make(&keys[i], g->shape, i);
        data[i] = keys[i].data;
        sizes[i] = keys[i].size;
    }
    OK(fastskip_get_many(g->table, s, g->keys, data, sizes, entries, statuses));
    for (unsigned i = 0; i < g->keys; i++)
        note(v, i, statuses[i] == FASTSKIP_OK ? &entries[i] : NULL);
}

static void look_by_get(shared *g, const fastskip_snapshot *s, view *v)
{
    for (unsigned i = 0; i < g->keys; i++) {
        fastskip_entry e;
        stress_key k;
        stress_key_make(&k, g->shape, i);
        note(v, i,
             fastskip_get(g->table, s, k.data, k.size, &e) == FASTSKIP_OK ? &e : NULL);
    }
}

static void look_by_iterator(shared *g, const fastskip_snapshot *s, int backwards, view *v)
{
    fastskip_iterator *it = NULL;
    fastskip_status status;
    fastskip_entry e;
    memset(v->present, 0, sizeof v->present);
    if (!OK(fastskip_iterator_new(g->table, s, 0, &it)))
        return;
    status = backwards ? fastskip_iterator_seek_last(it) : fastskip_iterator_seek_first(it);
    for (; status == FASTSKIP_OK;
         status = backwards ? fastskip_iterator_prev(it) : fastskip_iterator_next(it)) {
        OK(fastskip_iterator_entry(it, &e));
        for (unsigned i = 0; i < g->keys; i++) {
            stress_key k;
            stress_key_make(&k, g->shape, i);
            if (stress_key_compare(k.data, k.size, e.key, e.key_size) == 0)
                note(v, i, &e);
        }
    }
    EXPECT(status, FASTSKIP_NOT_FOUND);
    fastskip_iterator_free(it);
}

static void look(shared *g, const fastskip_snapshot *s, unsigned how, view *v)
{
    if (how == 0)
        look_by_get_many(g, s, v);
    else if (how == 1 && s != NULL)
        look_by_get(g, s, v);
    else
        look_by_iterator(g, s, how == 2, v);
}

static int same(const shared *g, const view *a, const view *b)
{
    for (unsigned i = 0; i < g->keys; i++)
        if (a->present[i] != b->present[i] ||
            (a->present[i] && (a->value[i].number != b->value[i].number ||
                               a->value[i].owner != b->value[i].owner)))
            return 0;
    return 1;
}

/* The state at one instant; through a snapshot it is looked at twice. */
static void look_once(shared *g, view *v, stress_random *r)
{
    fastskip_snapshot *s = NULL;
    view again;
    if (stress_below(r, 2) == 0) {
        look(g, NULL, stress_below(r, 4), v);
        return;
    }
    OK(fastskip_snapshot_new(g->table, &s));
    look(g, s, stress_below(r, 4), v);
    look(g, s, stress_below(r, 4), &again);
    REQUIRE(same(g, v, &again), "a snapshot read twice differs");
    fastskip_snapshot_free(s);
}

static void begin(shared *g, stress_random *r)
{
    memset(g, 0, sizeof *g);
    g->table = stress_table(r, NULL);
    g->shape = (stress_shape)stress_below(r, STRESS_SHAPES);
}

static void end(shared *g)
{
    stress_table_drop(g->table);
}

/* ---- bank ---- */

#define MONEY 1000u

static void add(shared *g, fastskip_batch *b, unsigned account, unsigned me, uint64_t money)
{
    stress_value v = {me, money, 0};
    unsigned char bytes[STRESS_VALUE_ROOM];
    size_t size;
    stress_key k;
    (void)g;
    stress_key_make(&k, g->shape, account);
    size = stress_value_make(bytes, &k, &v);
    OK(fastskip_batch_put(b, k.data, k.size, bytes, size));
}

static uint64_t money_of(shared *g, unsigned account)
{
    stress_value v;
    fastskip_entry e;
    stress_key k;
    memset(&v, 0, sizeof v);
    stress_key_make(&k, g->shape, account);
    if (OK(fastskip_get(g->table, NULL, k.data, k.size, &e)))
        stress_value_read(&e, &v);
    return v.number;
}

static void transfer(shared *g, fastskip_batch *b, unsigned me, stress_random *r)
{
    unsigned x = stress_below(r, g->keys), y = stress_below(r, g->keys - 1);
    unsigned first, second;
    uint64_t has, gets, amount;
    y += y >= x;
    first = x < y ? x : y;
    second = x < y ? y : x;
    stress_lock_take(&g->lock[first]);
    stress_lock_take(&g->lock[second]);
    has = money_of(g, x);
    gets = money_of(g, y);
    amount = has != 0 ? stress_next(r) % has : 0;
    OK(fastskip_batch_clear(b));
    add(g, b, x, me, has + gets); /* overwritten by the next but one */
    add(g, b, y, me, gets + amount);
    add(g, b, x, me, has - amount);
    OK(fastskip_write(g->table, b));
    REQUIRE(money_of(g, x) == has - amount && money_of(g, y) == gets + amount,
            "an account does not hold what its batch wrote");
    stress_lock_leave(&g->lock[second]);
    stress_lock_leave(&g->lock[first]);
}

static void audit(shared *g, stress_random *r)
{
    uint64_t sum = 0;
    view v;
    look_once(g, &v, r);
    for (unsigned i = 0; i < g->keys; i++) {
        REQUIRE(v.present[i], "account %u is missing", i);
        sum += v.value[i].number;
    }
    REQUIRE(sum == (uint64_t)g->keys * MONEY, "the sum of %u accounts is %llu", g->keys,
            (unsigned long long)sum);
}

static void bank_body(void *context, unsigned me, stress_random *r)
{
    shared *g = context;
    fastskip_batch *b = NULL;
    OK(fastskip_batch_new(&b));
    for (unsigned i = 0; i < g->operations && !stress_failed(); i++)
        if (me % 2 == 0)
            transfer(g, b, me, r);
        else
            audit(g, r);
    fastskip_batch_free(b);
}

void stress_bank(stress_random *r)
{
    static const unsigned threads[] = {2, 4, 10, 40};
    static shared g;
    fastskip_batch *b = NULL;
    begin(&g, r);
    g.keys = 2 + stress_below(r, KEYS - 1);
    g.threads = threads[stress_below(r, 4)];
    g.operations = stress_scaled(1 + 3000 / g.threads);
    OK(fastskip_batch_new(&b));
    for (unsigned i = 0; i < g.keys; i++)
        add(&g, b, i, 0, MONEY);
    OK(fastskip_write(g.table, b));
    fastskip_batch_free(b);
    stress_run(g.threads, bank_body, &g, r);
    audit(&g, r);
    end(&g);
}

/* ---- groups ---- */

#define SINGLE (UINT64_C(1) << 40) /* in the number of what was not written by a batch */

static void write_group(shared *g, fastskip_batch *b, unsigned me, uint64_t number, int deletes,
                        stress_random *r)
{
    stress_value v = {me, number, 0};
    unsigned from = stress_below(r, g->keys), step = stress_below(r, 2) != 0 ? 1 : g->keys - 1;
    OK(fastskip_batch_clear(b));
    for (unsigned i = 0; i < g->keys; i++) {
        unsigned char bytes[STRESS_VALUE_ROOM];
        size_t size;
        stress_key k;
        stress_key_make(&k, g->shape, (from + i * step) % g->keys);
        size = stress_value_make(bytes, &k, &v);
        if (deletes)
            OK(fastskip_batch_delete(b, k.data, k.size));
        else
            OK(fastskip_batch_put(b, k.data, k.size, bytes, size));
    }
    OK(fastskip_write(g->table, b));
}

static void write_single(shared *g, unsigned me, uint64_t number, stress_random *r)
{
    stress_value v = {me, SINGLE | number, 0};
    unsigned char bytes[STRESS_VALUE_ROOM];
    size_t size;
    fastskip_status status;
    stress_key k;
    stress_key_make(&k, g->shape, stress_below(r, g->keys));
    size = stress_value_make(bytes, &k, &v);
    if (stress_below(r, 2) == 0) {
        OK(fastskip_put(g->table, k.data, k.size, bytes, size));
        return;
    }
    status = fastskip_insert(g->table, k.data, k.size, bytes, size);
    if (status != FASTSKIP_EXISTS)
        OK(status);
}

/* The batch that the view comes from: owner and number; 0 if nothing of it is left to be seen, or if it
 * was a delete. */
static uint64_t batch_of(const shared *g, const view *v, int *known)
{
    uint64_t batch = 0;
    int absent = 0;
    *known = 0;
    for (unsigned i = 0; i < g->keys; i++) {
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

static void log_op(shared *g, unsigned me, const stress_op *op)
{
    g->log[me][g->logged[me]++] = *op;
}

static void groups_body(void *context, unsigned me, stress_random *r)
{
    shared *g = context;
    unsigned what = me % 4; /* two in four write batches, one reads, one writes singles and reads */
    int deletes = g->keys % 2; /* a round with deletes has no history, as they look all the same */
    fastskip_batch *b = NULL;
    OK(fastskip_batch_new(&b));
    for (unsigned i = 1; i <= g->operations && !stress_failed(); i++) {
        stress_op op;
        int known;
        view v;
        if (what == 3 && i % 2 == 0) {
            write_single(g, me, i, r);
            continue;
        }
        op.is_write = what < 2;
        op.value = (uint64_t)(me + 1) << 32 | i;
        op.begin = stress_tick();
        if (op.is_write)
            write_group(g, b, me, i, deletes && i % 3 == 0, r);
        else
            look_once(g, &v, r);
        op.end = stress_tick();
        if (!op.is_write) {
            op.value = batch_of(g, &v, &known);
            if (!known)
                continue;
        }
        if (!deletes)
            log_op(g, me, &op);
    }
    fastskip_batch_free(b);
}

void stress_groups(stress_random *r)
{
    static const unsigned threads[] = {4, 6, 12, 48};
    static shared g;
    stress_op *all;
    size_t n = 0;
    begin(&g, r);
    g.keys = 2 + stress_below(r, 5);
    g.threads = threads[stress_below(r, 4)];
    g.operations = stress_scaled(1 + 4000 / g.threads);
    all = malloc((size_t)g.threads * g.operations * sizeof *all);
    for (unsigned i = 0; i < g.threads; i++)
        if ((g.log[i] = malloc(g.operations * sizeof(stress_op))) == NULL || all == NULL)
            abort();
    stress_run(g.threads, groups_body, &g, r);
    for (unsigned i = 0; i < g.threads; i++) {
        memcpy(all + n, g.log[i], g.logged[i] * sizeof *all);
        n += g.logged[i];
        free(g.log[i]);
    }
    if (!stress_failed())
        stress_history_check(all, n, "a group of keys");
    free(all);
    end(&g);
}
