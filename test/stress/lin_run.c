/*
 * lin_run.c - short histories from real threads, each judged by lin_check.
 *
 * The threads begin a round together; in it each makes a few operations on the same few keys, which are
 * new or hold what the round before left, in a leaf that other keys are put into meanwhile.  What
 * returned before what is learnt from counters that each thread brings on after an operation and all look
 * at before one; that only ever leaves out, so that a correct table is never blamed.
 */
#include "lin.h"
#include "stress.h"

#include <string.h>

#define THREADS 4
#define EACH 4 /* operations at most of one thread in a round */

typedef struct {
    lin_op op[EACH];
    unsigned seen[EACH][THREADS]; /* how many operations of each had returned */
    unsigned n;
    fastskip_snapshot *snapshot[EACH];
    char pad[64];
} thread_log;

typedef struct {
    fastskip_table *table;
    stress_shape shape;
    const char *mix;    /* of operations */
    int roles;          /* each thread keeps to one letter of it */
    unsigned each;      /* operations at most of one thread in a round */
    unsigned busy_keys; /* the first of LIN_KEYS, which single operations use */
    int whole_batches;  /* each puts all keys */
    int limited;        /* so little memory that writes are refused */
    unsigned threads, rounds, round;
    uint32_t neighbours; /* keys that the rounds do not look at */
    uint32_t keys[LIN_KEYS];
    uint32_t initial[LIN_KEYS];
    stress_barrier barrier;
    thread_log log[THREADS];
    struct {
        atomic_uint returned;
        char pad[60];
    } progress[THREADS];
} shared;

static void key_of(const shared *g, unsigned key, stress_key *k)
{
    stress_key_make(k, g->shape, g->keys[key]);
}

/* Values are numbers that are written once in a table's life. */
static uint32_t number_of(const shared *g, unsigned me, unsigned op, unsigned key)
{
    return ((g->round * THREADS + me) * EACH + op) * (LIN_KEYS + 1) + key + 1;
}

static uint32_t number_in(const fastskip_entry *e)
{
    stress_value v;
    return stress_value_read(e, &v) ? (uint32_t)v.number : 0;
}

static size_t value_of(unsigned char *bytes, const stress_key *k, unsigned me, uint32_t number)
{
    stress_value v = {me, number, 0};
    return stress_value_make(bytes, k, &v);
}

/* ---- operations ---- */

static uint32_t get(const shared *g, const fastskip_snapshot *s, unsigned key)
{
    fastskip_entry e;
    fastskip_status status;
    stress_key k;
    key_of(g, key, &k);
    status = fastskip_get(g->table, s, k.data, k.size, &e);
    if (status == FASTSKIP_NOT_FOUND)
        return 0;
    return OK(status) ? number_in(&e) : 0;
}

/* The outcome of a write that has no other than to be refused. */
static void settle(const shared *g, lin_op *op, fastskip_status status)
{
    if (status == FASTSKIP_FULL && g->limited)
        op->kind = LIN_REFUSED;
    else
        OK(status);
}

static void write_batch(shared *g, unsigned me, unsigned i, lin_op *op, fastskip_batch *b,
                        stress_random *r)
{
    OK(fastskip_batch_clear(b));
    op->keys = g->whole_batches ? (1u << LIN_KEYS) - 1 : 1 + stress_below(r, (1u << LIN_KEYS) - 1);
    for (unsigned key = 0; key < LIN_KEYS; key++) {
        unsigned char bytes[STRESS_VALUE_ROOM];
        size_t size;
        stress_key k;
        if ((op->keys >> key & 1) == 0)
            continue;
        key_of(g, key, &k);
        op->value[key] =
            !g->whole_batches && stress_below(r, 3) == 0 ? 0 : number_of(g, me, i, key);
        size = value_of(bytes, &k, me, op->value[key]);
        if (op->value[key] == 0)
            OK(fastskip_batch_delete(b, k.data, k.size));
        else
            OK(fastskip_batch_put(b, k.data, k.size, bytes, size));
    }
    settle(g, op, fastskip_write(g->table, b));
}

static void view_by_get_many(const shared *g, lin_op *op)
{
    stress_key k[LIN_KEYS];
    const void *data[LIN_KEYS];
    size_t sizes[LIN_KEYS];
    fastskip_entry e[LIN_KEYS];
    fastskip_status status[LIN_KEYS];
    for (unsigned i = 0; i < LIN_KEYS; i++) {
        key_of(g, i, &k[i]);
        data[i] = k[i].data;
        sizes[i] = k[i].size;
    }
    OK(fastskip_get_many(g->table, NULL, LIN_KEYS, data, sizes, e, status));
    for (unsigned i = 0; i < LIN_KEYS; i++)
        op->value[i] = status[i] == FASTSKIP_OK ? number_in(&e[i]) : 0;
}

static void write_single(shared *g, unsigned me, unsigned i, lin_op *op)
{
    unsigned char bytes[STRESS_VALUE_ROOM];
    int32_t inserted = 0;
    fastskip_entry e;
    fastskip_status status;
    stress_key k;
    size_t size;
    key_of(g, op->key, &k);
    op->written = number_of(g, me, i, LIN_KEYS);
    size = value_of(bytes, &k, me, op->written);
    if (op->kind == LIN_PUT) {
        settle(g, op, fastskip_put(g->table, k.data, k.size, bytes, size));
    } else if (op->kind == LIN_DELETE) {
        settle(g, op, fastskip_delete(g->table, k.data, k.size));
    } else if (op->kind == LIN_INSERT) {
        status = fastskip_insert(g->table, k.data, k.size, bytes, size);
        op->won = status == FASTSKIP_OK;
        if (status != FASTSKIP_EXISTS)
            settle(g, op, status);
    } else {
        status = fastskip_get_or_insert(g->table, k.data, k.size, bytes, size, &e, &inserted);
        settle(g, op, status);
        op->won = inserted;
        op->seen = status == FASTSKIP_OK ? number_in(&e) : 0;
        REQUIRE(!inserted || op->seen == op->written, "inserted something else");
    }
}

/* Keys beside those of the round, so that their leaf is split. */
static void put_neighbours(shared *g, unsigned me, stress_random *r)
{
    lin_op ignored;
    for (unsigned n = stress_below(r, 5); n > 0; n--) {
        stress_value v = {me, 0, 0};
        stress_key k;
        stress_key_make(&k, g->shape, g->keys[0] + 4 + stress_below(r, 60));
        settle(g, &ignored, stress_put(g->table, &k, &v));
    }
}

/* What the operations of a table are drawn from: one letter each. */
static const char *const mixes[] = {
    "ggppdioBBvvv", /* everything */
    "gp",           /* and some that give one protocol more to do */
    "ggpv",         "BBv", "BBpv", "BBpB", "BBgpv", "BBigv", "ipgd", "BBidog",
};

static lin_kind draw(const shared *g, unsigned me, stress_random *r)
{
    unsigned letters = (unsigned)strlen(g->mix);
    switch (g->mix[g->roles ? me % letters : stress_below(r, letters)]) {
    case 'g':
        return LIN_GET;
    case 'p':
        return LIN_PUT;
    case 'd':
        return LIN_DELETE;
    case 'i':
        return LIN_INSERT;
    case 'o':
        return LIN_GET_OR_INSERT;
    case 'B':
        return LIN_BATCH;
    default:
        return LIN_VIEW;
    }
}

static void operate(shared *g, unsigned me, unsigned i, fastskip_batch *b, stress_random *r)
{
    thread_log *log = &g->log[me];
    lin_op *op = &log->op[i];
    memset(op, 0, sizeof *op);
    op->kind = draw(g, me, r);
    op->key = stress_below(r, g->busy_keys);
    log->snapshot[i] = NULL;
    for (unsigned t = 0; t < g->threads; t++)
        log->seen[i][t] = atomic_load_explicit(&g->progress[t].returned, memory_order_acquire);
    if (op->kind == LIN_GET)
        op->seen = get(g, NULL, op->key);
    else if (op->kind == LIN_BATCH)
        write_batch(g, me, i, op, b, r);
    else if (op->kind == LIN_VIEW && stress_below(r, 3) == 0)
        view_by_get_many(g, op);
    else if (op->kind == LIN_VIEW)
        OK(fastskip_snapshot_new(g->table, &log->snapshot[i]));
    else
        write_single(g, me, i, op);
    atomic_store_explicit(&g->progress[me].returned, i + 1, memory_order_release);
    for (unsigned key = 0; log->snapshot[i] != NULL && key < LIN_KEYS; key++)
        op->value[key] = get(g, log->snapshot[i], key);
}

/* ---- judging ---- */

static void check_snapshots(shared *g, unsigned me)
{
    thread_log *log = &g->log[me];
    for (unsigned i = 0; i < log->n; i++) {
        if (log->snapshot[i] == NULL)
            continue;
        for (unsigned key = 0; key < LIN_KEYS; key++) {
            uint32_t again = get(g, log->snapshot[i], key);
            REQUIRE(again == log->op[i].value[key], "a snapshot had %x of key %u and has %x",
                    log->op[i].value[key], key, again);
        }
        fastskip_snapshot_free(log->snapshot[i]);
    }
}

static void judge(shared *g)
{
    lin_op all[LIN_OPS];
    unsigned n = 0, first[THREADS];
    for (unsigned t = 0; t < g->threads; t++) {
        first[t] = n;
        n += g->log[t].n;
    }
    for (unsigned t = 0; t < g->threads; t++)
        for (unsigned i = 0; i < g->log[t].n; i++) {
            lin_op *op = &all[first[t] + i];
            *op = g->log[t].op[i];
            for (unsigned u = 0; u < g->threads; u++)
                for (unsigned j = 0; j < g->log[t].seen[i][u]; j++)
                    op->after |= UINT32_C(1) << (first[u] + j);
        }
    /* What the keys hold in the end is a view after all, and what the next round may begin with. */
    memset(&all[n], 0, sizeof all[n]);
    all[n].kind = LIN_VIEW;
    all[n].after = (UINT32_C(1) << n) - 1;
    for (unsigned key = 0; key < LIN_KEYS; key++)
        all[n].value[key] = get(g, NULL, key);
    n++;
    if (!stress_failed() && !lin_check(all, n, g->initial)) {
        lin_print(all, n, g->initial);
        FAIL("a history that is not linearizable");
    }
    memcpy(g->initial, all[n - 1].value, sizeof g->initial);
}

/* The keys of the next round: new ones, or the same. */
static void prepare(shared *g, stress_random *r)
{
    g->round++;
    for (unsigned t = 0; t < g->threads; t++)
        atomic_store(&g->progress[t].returned, 0);
    if (g->round > 1 && stress_below(r, 3) == 0)
        return;
    g->keys[0] = g->neighbours + 64 * stress_below(r, 4);
    g->neighbours = g->keys[0] + 64;
    for (unsigned key = 1; key < LIN_KEYS; key++)
        g->keys[key] = g->keys[0] + key;
    memset(g->initial, 0, sizeof g->initial);
}

static void body(void *context, unsigned me, stress_random *r)
{
    shared *g = context;
    fastskip_batch *b = NULL;
    OK(fastskip_batch_new(&b));
    for (unsigned round = 0; round < g->rounds && !stress_failed(); round++) {
        unsigned operations = 1 + stress_below(r, g->each);
        if (me == 0)
            prepare(g, r);
        g->log[me].n = 0;
        stress_barrier_wait(&g->barrier);
        if (stress_below(r, 4) == 0)
            put_neighbours(g, me, r);
        for (unsigned i = 0; i < operations && !stress_failed(); i++) {
            operate(g, me, i, b, r);
            g->log[me].n = i + 1;
        }
        stress_barrier_wait(&g->barrier);
        check_snapshots(g, me);
        if (me == 0 && !stress_failed())
            judge(g);
        stress_barrier_wait(&g->barrier);
    }
    fastskip_batch_free(b);
}

void stress_lin(stress_random *r)
{
    static shared g;
    stress_limits limits = {FASTSKIP_SEQUENCE_AUTO, 0, 0, 0};
    memset(&g, 0, sizeof g);
    g.limited = stress_below(r, 4) == 0;
    if (g.limited)
        limits.memory_limit = 65536 + stress_below(r, 40000);
    g.table = stress_table(r, &limits);
    g.shape = (stress_shape)stress_below(r, STRESS_SHAPES);
    g.mix = mixes[stress_below(r, sizeof mixes / sizeof mixes[0])];
    g.roles = stress_below(r, 2) == 0;
    g.each = 1 + stress_below(r, EACH);
    g.busy_keys = 1 + stress_below(r, LIN_KEYS);
    g.whole_batches = stress_below(r, 2) == 0;
    g.threads = 2 + stress_below(r, THREADS - 1);
    g.rounds = stress_scaled(200);
    stress_barrier_init(&g.barrier, g.threads);
    stress_run(g.threads, body, &g, r);
    stress_table_drop(g.table);
}
