/*
 * lives.c - how long a table lives.
 *
 * Lives: every thread has a reference of its own and drops it when it likes; snapshots and iterators go
 * on without it; the region is given back once, at the very end.  Resets: a table is used, emptied and
 * used again; nothing of before comes back.
 */
#define _GNU_SOURCE /* posix_memalign */
#include "stress.h"

#include <stdlib.h>
#include <string.h>

#define THREADS 32

typedef struct {
    fastskip_table *table;
    stress_shape shape;
    unsigned threads, writes, epoch;
    atomic_int reserved, released;
} shared;

static void *reserve(void *context, size_t size, size_t alignment)
{
    shared *g = context;
    void *p = NULL;
    if (posix_memalign(&p, alignment, size) != 0)
        return NULL;
    atomic_fetch_add(&g->reserved, 1);
    return p;
}

static int32_t commit(void *context, void *address, size_t size)
{
    (void)context;
    (void)address;
    (void)size;
    return 0;
}

/* Freed, so that AddressSanitizer and others see any use that comes later. */
static void release(void *context, void *address, size_t size)
{
    shared *g = context;
    (void)size;
    atomic_fetch_add(&g->released, 1);
    free(address);
}

static fastskip_table *own_table(shared *g, stress_random *r)
{
    fastskip_options *o = NULL;
    fastskip_table *t = NULL;
    OK(fastskip_options_new(&o));
    OK(fastskip_options_set_shards(o, 1 + stress_below(r, 3)));
    OK(fastskip_options_set_memory_limit(o, 4u << 20));
    OK(fastskip_options_set_allocator(o, reserve, commit, release, g));
    OK(fastskip_table_new(o, &t));
    fastskip_options_free(o);
    if (t == NULL)
        abort();
    return t;
}

static void write_number(shared *g, unsigned me, unsigned number)
{
    stress_value v = {me, number, g->epoch};
    fastskip_status status;
    stress_key k;
    stress_key_make(&k, g->shape, number % 300 * THREADS + me);
    status = stress_put(g->table, &k, &v);
    if (status != FASTSKIP_FULL)
        OK(status);
}

/* ---- lives ---- */

/* All that an iterator still shows; the sum of the numbers, to be compared with a second walk. */
static uint64_t walk(shared *g, fastskip_iterator *it, int backwards)
{
    uint64_t sum = 0;
    fastskip_status s =
        backwards ? fastskip_iterator_seek_last(it) : fastskip_iterator_seek_first(it);
    for (; s == FASTSKIP_OK;
         s = backwards ? fastskip_iterator_prev(it) : fastskip_iterator_next(it)) {
        fastskip_entry e;
        stress_value v;
        OK(fastskip_iterator_entry(it, &e));
        if (stress_value_read(&e, &v))
            sum += stress_mix(v.number * THREADS + v.owner);
        REQUIRE(v.witness == g->epoch, "a value of before");
    }
    return sum;
}

static void lives_body(void *context, unsigned me, stress_random *r)
{
    shared *g = context;
    fastskip_snapshot *s = NULL;
    fastskip_iterator *one = NULL, *two = NULL;
    unsigned before = stress_below(r, g->writes), after = stress_below(r, g->writes);
    uint64_t sum;
    for (unsigned n = 0; n < before; n++)
        write_number(g, me, n);
    OK(fastskip_snapshot_new(g->table, &s));
    OK(fastskip_iterator_new(g->table, s, 0, &one));
    OK(fastskip_iterator_new(g->table, s, 0, &two));
    for (unsigned n = before; n < before + after; n++)
        write_number(g, me, n);
    fastskip_table_unref(g->table); /* this thread's; what follows needs none */
    if (stress_below(r, 2) == 0)
        stress_pause();
    sum = walk(g, one, 0);
    fastskip_snapshot_free(s);
    fastskip_iterator_free(one);
    REQUIRE(atomic_load(&g->released) == 0, "released while an iterator is there");
    REQUIRE(walk(g, two, 1) == sum, "an iterator that outlived its snapshot differs");
    fastskip_iterator_free(two);
}

void stress_lives(stress_random *r)
{
    static shared g;
    memset(&g, 0, sizeof g);
    g.table = own_table(&g, r);
    g.shape = (stress_shape)stress_below(r, STRESS_SHAPES);
    g.threads = 1 + stress_below(r, THREADS);
    g.writes = stress_scaled(1 + 2000 / g.threads);
    g.epoch = 1;
    for (unsigned i = 1; i < g.threads; i++)
        OK(fastskip_table_ref(g.table));
    OK(fastskip_table_check(g.table));
    stress_run(g.threads, lives_body, &g, r);
    REQUIRE(atomic_load(&g.reserved) == 1 && atomic_load(&g.released) == 1,
            "%d regions, %d released", atomic_load(&g.reserved), atomic_load(&g.released));
}

/* ---- resets ---- */

static void resets_body(void *context, unsigned me, stress_random *r)
{
    shared *g = context;
    for (unsigned n = 1; n <= g->writes && !stress_failed(); n++) {
        fastskip_entry e;
        stress_value v;
        stress_key k;
        write_number(g, me, n);
        stress_key_make(&k, g->shape, stress_below(r, 300) * THREADS + stress_below(r, g->threads));
        if (fastskip_get(g->table, NULL, k.data, k.size, &e) == FASTSKIP_OK &&
            stress_value_read(&e, &v))
            REQUIRE(v.witness == g->epoch, "a value of epoch %llu in epoch %u",
                    (unsigned long long)v.witness, g->epoch);
    }
}

/* Somebody holds it: a snapshot, an iterator or another. */
static void try_in_vain(fastskip_table *t, unsigned who)
{
    fastskip_snapshot *s = NULL;
    fastskip_iterator *it = NULL;
    uint64_t versions = stress_stat(t, FASTSKIP_STAT_VERSIONS);
    if (who == 0)
        OK(fastskip_snapshot_new(t, &s));
    else if (who == 1)
        OK(fastskip_iterator_new(t, NULL, 0, &it));
    else
        OK(fastskip_table_ref(t));
    EXPECT(fastskip_table_reset(t), FASTSKIP_BUSY);
    REQUIRE(stress_stat(t, FASTSKIP_STAT_VERSIONS) == versions, "a reset that failed changed it");
    fastskip_snapshot_free(s);
    fastskip_iterator_free(it);
    if (who == 2)
        fastskip_table_unref(t);
}

static void check_empty(fastskip_table *t, stress_shape shape)
{
    static const stress_account nothing;
    fastskip_iterator *it = NULL;
    for (unsigned i = 0; i < 300 * THREADS; i++) {
        fastskip_entry e;
        stress_key k;
        stress_key_make(&k, shape, i);
        EXPECT(fastskip_get(t, NULL, k.data, k.size, &e), FASTSKIP_NOT_FOUND);
    }
    REQUIRE(fastskip_table_is_sealed(t) == 0, "sealed after a reset");
    stress_account_check(t, &nothing);
    REQUIRE(stress_stat(t, FASTSKIP_STAT_SNAPSHOTS) == 0, "snapshots counted after a reset");
    OK(fastskip_iterator_new(t, NULL, FASTSKIP_ALL_VERSIONS, &it));
    EXPECT(fastskip_iterator_seek_first(it), FASTSKIP_NOT_FOUND);
    EXPECT(fastskip_iterator_seek_last(it), FASTSKIP_NOT_FOUND);
    fastskip_iterator_free(it);
}

void stress_resets(stress_random *r)
{
    static shared g;
    memset(&g, 0, sizeof g);
    g.table = own_table(&g, r);
    for (g.epoch = 1; g.epoch <= 4 && !stress_failed(); g.epoch++) {
        uint64_t reserved;
        g.shape = (stress_shape)stress_below(r, STRESS_SHAPES);
        g.threads = 1 + stress_below(r, THREADS);
        g.writes = stress_scaled(1 + 2000 / g.threads);
        stress_run(g.threads, resets_body, &g, r);
        if (stress_below(r, 2) == 0)
            OK(fastskip_table_seal(g.table));
        OK(fastskip_table_check(g.table));
        reserved = stress_stat(g.table, FASTSKIP_STAT_MEMORY_RESERVED);
        try_in_vain(g.table, stress_below(r, 3));
        OK(fastskip_table_reset(g.table));
        REQUIRE(stress_stat(g.table, FASTSKIP_STAT_MEMORY_RESERVED) == reserved,
                "a reset does not keep the memory");
        check_empty(g.table, g.shape);
    }
    stress_table_drop(g.table);
    REQUIRE(atomic_load(&g.released) == 1, "released %d times", atomic_load(&g.released));
}
