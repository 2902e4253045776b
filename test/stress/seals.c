/*
 * seals.c - sealing and rotating under writers.
 *
 * Seal: what was acknowledged when all is done is what was there when seal returned.  Rotate: writers go
 * from table to table as an engine's do; every acknowledged write is in exactly one of them.
 */
#include "stress.h"

#include <stdlib.h>
#include <string.h>

#define WRITERS 60

/* ---- seal ---- */

typedef struct {
    fastskip_table *table;
    stress_shape shape;
    unsigned writers, sealers;
    atomic_int sealed; /* a seal has returned */
    atomic_uint acknowledged[WRITERS];
    atomic_uint total; /* roughly, for the sealers to wait for */
    unsigned until;
    uint64_t versions[4]; /* what each sealer found */
} sealing;

static void key_of(stress_shape shape, unsigned owner, unsigned number, stress_key *k)
{
    stress_key_make(k, shape, number * WRITERS + owner);
}

/* One or a few writes; the number of the last one acknowledged. */
static fastskip_status write_some(fastskip_table *table, stress_shape shape, unsigned me,
                                  unsigned number, unsigned count, fastskip_batch *b)
{
    OK(fastskip_batch_clear(b));
    for (unsigned i = 0; i < count; i++) {
        stress_value v = {me, number + i, 0};
        unsigned char bytes[STRESS_VALUE_ROOM];
        size_t size;
        stress_key k;
        key_of(shape, me, number + i, &k);
        size = stress_value_make(bytes, &k, &v);
        if (count == 1)
            return number % 2 == 0 ? fastskip_put(table, k.data, k.size, bytes, size)
                                   : fastskip_insert(table, k.data, k.size, bytes, size);
        OK(fastskip_batch_put(b, k.data, k.size, bytes, size));
    }
    return fastskip_write(table, b);
}

static void write_until_sealed(sealing *g, unsigned me, stress_random *r)
{
    fastskip_batch *b = NULL;
    unsigned n = 0, late = 0;
    OK(fastskip_batch_new(&b));
    while (late < 3 && n < 100000 && !stress_failed()) {
        int was_sealed = atomic_load(&g->sealed);
        unsigned count = stress_below(r, 4) == 0 ? 2 + stress_below(r, 6) : 1;
        fastskip_status status = write_some(g->table, g->shape, me, n + 1, count, b);
        if (status == FASTSKIP_SEALED) {
            late++;
            continue;
        }
        if (!OK(status))
            break;
        REQUIRE(!was_sealed && late == 0, "a write after seal was acknowledged");
        n += count;
        atomic_store(&g->acknowledged[me], n);
        atomic_fetch_add(&g->total, count);
    }
    fastskip_batch_free(b);
}

static uint64_t count_entries(fastskip_table *table)
{
    fastskip_iterator *it = NULL;
    uint64_t n = 0;
    OK(fastskip_iterator_new(table, NULL, FASTSKIP_ALL_VERSIONS, &it));
    for (fastskip_status s = fastskip_iterator_seek_first(it); s == FASTSKIP_OK;
         s = fastskip_iterator_next(it))
        n++;
    fastskip_iterator_free(it);
    return n;
}

static void seal_now(sealing *g, unsigned which)
{
    while (atomic_load(&g->total) < g->until && !stress_failed())
        stress_pause();
    OK(fastskip_table_seal(g->table));
    atomic_store(&g->sealed, 1);
    REQUIRE(fastskip_table_is_sealed(g->table) == 1, "sealed, and does not say so");
    g->versions[which] = stress_stat(g->table, FASTSKIP_STAT_VERSIONS);
    REQUIRE(count_entries(g->table) == g->versions[which], "versions that no iterator shows");
}

static void seal_body(void *context, unsigned me, stress_random *r)
{
    sealing *g = context;
    if (me < g->writers)
        write_until_sealed(g, me, r);
    else
        seal_now(g, me - g->writers);
}

void stress_seal(stress_random *r)
{
    static const unsigned writers[] = {1, 3, 8, 24, WRITERS};
    static sealing g;
    uint64_t acknowledged = 0;
    memset(&g, 0, sizeof g);
    g.table = stress_table(r, NULL);
    g.shape = (stress_shape)stress_below(r, STRESS_SHAPES);
    g.writers = writers[stress_below(r, 5)];
    g.sealers = 1 + stress_below(r, 3);
    g.until = stress_below(r, stress_scaled(1500));
    stress_run(g.writers + g.sealers, seal_body, &g, r);
    for (unsigned i = 0; i < g.writers && !stress_failed(); i++) {
        unsigned n = atomic_load(&g.acknowledged[i]);
        acknowledged += n;
        for (unsigned number = 1; number <= n + 8; number++) {
            fastskip_status status;
            stress_key k;
            key_of(g.shape, i, number, &k);
            status = fastskip_contains(g.table, NULL, k.data, k.size);
            EXPECT(status, number <= n ? FASTSKIP_OK : FASTSKIP_NOT_FOUND);
        }
    }
    for (unsigned i = 0; i < g.sealers && !stress_failed(); i++)
        REQUIRE(g.versions[i] == acknowledged, "%llu versions after seal, %llu were acknowledged",
                (unsigned long long)g.versions[i], (unsigned long long)acknowledged);
    stress_table_drop(g.table);
}

/* ---- rotate ---- */

#define TABLES 64

typedef struct {
    stress_lock lock; /* of current, count and table */
    fastskip_table *current;
    fastskip_table *table[TABLES]; /* the sealed ones */
    unsigned count;
    stress_shape shape;
    unsigned writers, writes, rotators;
    atomic_uint writing;
    atomic_int enough; /* tables */
} chain;

static fastskip_table *current_of(chain *g)
{
    fastskip_table *t;
    stress_lock_take(&g->lock);
    t = g->current;
    OK(fastskip_table_ref(t));
    stress_lock_leave(&g->lock);
    return t;
}

static void chain_write(chain *g, unsigned me, stress_random *r)
{
    fastskip_batch *b = NULL;
    OK(fastskip_batch_new(&b));
    for (unsigned n = 1; n <= g->writes && !stress_failed();) {
        fastskip_table *t = current_of(g);
        unsigned count = stress_below(r, 4) == 0 ? 3 : 1;
        fastskip_status status = write_some(t, g->shape, me, n, count, b);
        fastskip_table_unref(t);
        if (status == FASTSKIP_SEALED) {
            stress_pause();
            continue;
        }
        if (!OK(status))
            break;
        n += count;
    }
    fastskip_batch_free(b);
    atomic_fetch_sub(&g->writing, 1);
}

static void chain_rotate(chain *g, stress_random *r)
{
    while (atomic_load(&g->writing) != 0 && !stress_failed()) {
        fastskip_table *t = current_of(g), *fresh = NULL;
        fastskip_status status = FASTSKIP_SEALED;
        for (unsigned i = stress_below(r, 50); i > 0; i--)
            stress_pause();
        if (!atomic_load(&g->enough))
            status = fastskip_table_rotate(t, &fresh);
        if (status == FASTSKIP_OK) {
            stress_lock_take(&g->lock);
            REQUIRE(g->current == t, "a table was rotated twice");
            g->table[g->count++] = t;
            g->current = fresh;
            if (g->count + g->rotators >= TABLES) /* each may have one under way */
                atomic_store(&g->enough, 1);
            stress_lock_leave(&g->lock);
        } else {
            EXPECT(status, FASTSKIP_SEALED);
            REQUIRE(fresh == NULL, "a table for the loser");
        }
        fastskip_table_unref(t);
    }
}

static void chain_body(void *context, unsigned me, stress_random *r)
{
    chain *g = context;
    if (me < g->writers)
        chain_write(g, me, r);
    else
        chain_rotate(g, r);
}

/* Marks what a table holds. */
static void chain_count(chain *g, fastskip_table *t, unsigned char *seen, size_t per_writer)
{
    fastskip_iterator *it = NULL;
    fastskip_status s;
    uint64_t n = 0;
    OK(fastskip_iterator_new(t, NULL, FASTSKIP_ALL_VERSIONS, &it));
    for (s = fastskip_iterator_seek_first(it); s == FASTSKIP_OK; s = fastskip_iterator_next(it)) {
        fastskip_entry e;
        stress_value v;
        OK(fastskip_iterator_entry(it, &e));
        if (!stress_value_read(&e, &v) || v.owner >= g->writers || v.number >= per_writer)
            break;
        REQUIRE(seen[v.owner * per_writer + v.number]++ == 0, "a write is in two tables");
        n++;
    }
    fastskip_iterator_free(it);
    REQUIRE(stress_stat(t, FASTSKIP_STAT_VERSIONS) == n, "versions that no iterator shows");
}

static void chain_check(chain *g)
{
    size_t per_writer = g->writes + 4, total = 0;
    unsigned char *seen = calloc(g->writers, per_writer);
    if (seen == NULL)
        abort();
    for (unsigned i = 0; i < g->count; i++)
        chain_count(g, g->table[i], seen, per_writer);
    chain_count(g, g->current, seen, per_writer);
    for (unsigned w = 0; w < g->writers; w++)
        for (unsigned n = 1; n <= g->writes; n++)
            REQUIRE(seen[w * per_writer + n] == 1, "write %u of writer %u is in no table", n, w);
    for (size_t i = 0; i < g->writers * per_writer; i++)
        total += seen[i];
    REQUIRE(total >= (size_t)g->writers * g->writes, "writes are missing");
    free(seen);
}

void stress_rotate(stress_random *r)
{
    static const unsigned writers[] = {1, 3, 8, 40};
    static chain g;
    memset(&g, 0, sizeof g);
    g.current = stress_table(r, NULL);
    g.shape = (stress_shape)stress_below(r, STRESS_SHAPES);
    g.writers = writers[stress_below(r, 4)];
    g.rotators = 1 + stress_below(r, 3);
    g.writes = stress_scaled(1 + 4000 / g.writers);
    atomic_init(&g.writing, g.writers);
    stress_run(g.writers + g.rotators, chain_body, &g, r);
    if (!stress_failed())
        chain_check(&g);
    for (unsigned i = 0; i < g.count; i++)
        stress_table_drop(g.table[i]);
    stress_table_drop(g.current);
}
