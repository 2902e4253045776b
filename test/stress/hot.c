/*
 * hot.c - new keys are written some times each, and read at once by others, who have learned of them from
 * nothing but a relaxed counter: what the table tells of a key without a search is all that orders them.
 */
#include "stress.h"

#include <string.h>

#define HOT_WRITES 5u
#define HOT_KEYS (1u << 16) /* a writer's */

typedef struct {
    fastskip_table *table;
    stress_shape shape;
    unsigned threads, writers, keys;
    atomic_uint reached[STRESS_THREADS];
} shared;

static void key_of(const shared *g, stress_key *k, unsigned writer, unsigned number)
{
    stress_key_make(k, g->shape, writer * HOT_KEYS + number);
}

/* The number of a key's newest version; 0: it is not there. */
static uint64_t newest_of(const shared *g, unsigned writer, unsigned number)
{
    stress_value v;
    fastskip_entry e;
    stress_key k;
    fastskip_status status;
    memset(&v, 0, sizeof v);
    key_of(g, &k, writer, number);
    status = fastskip_get(g->table, NULL, k.data, k.size, &e);
    REQUIRE(status == FASTSKIP_OK || status == FASTSKIP_NOT_FOUND, "a read says: %s",
            fastskip_strerror(status));
    if (status == FASTSKIP_OK && stress_value_read(&e, &v))
        REQUIRE(v.owner == writer, "a value of writer %u under a key of %u", v.owner, writer);
    return v.number;
}

static void write_keys(shared *g, unsigned me)
{
    for (unsigned i = 0; i < g->keys && !stress_failed(); i++) {
        stress_key k;
        key_of(g, &k, me, i);
        atomic_store_explicit(&g->reached[me], i, memory_order_relaxed);
        for (unsigned n = 1; n <= HOT_WRITES; n++) {
            stress_value v = {me, n, 0};
            OK(stress_put(g->table, &k, &v));
            REQUIRE(newest_of(g, me, i) == n, "a writer does not see its own write");
        }
    }
}

static void read_keys(shared *g, stress_random *r)
{
    for (unsigned i = 0; i < g->keys * 2 && !stress_failed(); i++) {
        unsigned writer = stress_below(r, g->writers);
        unsigned number = atomic_load_explicit(&g->reached[writer], memory_order_relaxed);
        uint64_t first = newest_of(g, writer, number), second = newest_of(g, writer, number);
        REQUIRE(first <= second && second <= HOT_WRITES, "version %llu was followed by %llu",
                (unsigned long long)first, (unsigned long long)second);
    }
}

static void hot_body(void *context, unsigned me, stress_random *r)
{
    shared *g = context;
    if (me < g->writers)
        write_keys(g, me);
    else
        read_keys(g, r);
}

void stress_hot(stress_random *r)
{
    static const stress_shape shapes[] = {STRESS_SCATTERED, STRESS_ASCENDING, STRESS_LONG,
                                          STRESS_ZEROS};
    stress_limits limits = {FASTSKIP_SEQUENCE_AUTO, 0, 0, 0};
    static shared g;
    memset(&g, 0, sizeof g);
    g.shape = shapes[stress_below(r, 4)];
    g.writers = 1 + stress_below(r, 2);
    g.threads = g.writers + 1 + stress_below(r, 2);
    g.keys = stress_scaled(800);
    g.table = stress_table(r, &limits);
    stress_run(g.threads, hot_body, &g, r);
    for (unsigned w = 0; w < g.writers && !stress_failed(); w++)
        for (unsigned i = 0; i < g.keys; i++)
            REQUIRE(newest_of(&g, w, i) == HOT_WRITES, "a write is missing");
    stress_table_drop(g.table);
}
