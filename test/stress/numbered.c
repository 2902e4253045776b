/*
 * numbered.c - caller's sequence numbers.
 *
 * First, several threads race to write the same key and number: one is told that it did.  Second, numbers
 * are given out in order and published when all up to them are written, as an engine does; whoever reads
 * at a published number gets exactly what was written up to it.
 */
#include "stress.h"

#include <stdlib.h>
#include <string.h>

#define KEYS 16
#define NUMBERS 8192

typedef struct {
    fastskip_table *table;
    stress_shape shape;
    unsigned threads, keys, numbers;
    uint64_t salt;
    atomic_uint winners[NUMBERS + 1]; /* how many were told that they wrote it */
    atomic_uint winner[NUMBERS + 1];
    /* Of the second kind of round. */
    atomic_uint next, published;
    atomic_uchar done[NUMBERS + 2];
} shared;

static unsigned key_of(const shared *g, unsigned number)
{
    return (unsigned)(stress_mix(number ^ g->salt) % g->keys);
}

static uint32_t kind_of(unsigned number)
{
    return number % 9 == 4 ? FASTSKIP_DELETE : number % 7 == 3 ? 2 + number % 100 : FASTSKIP_PUT;
}

static fastskip_status write_number(shared *g, unsigned me, unsigned number)
{
    stress_value v = {me, number, 0};
    unsigned char bytes[STRESS_VALUE_ROOM];
    size_t size;
    stress_key k;
    stress_key_make(&k, g->shape, key_of(g, number));
    size = stress_value_make(bytes, &k, &v);
    return fastskip_put_at(g->table, number, kind_of(number), k.data, k.size, bytes, size);
}

/* The greatest number up to n that went to a key, or 0. */
static unsigned newest_for(const shared *g, unsigned key, unsigned n)
{
    while (n != 0 && key_of(g, n) != key)
        n--;
    return n;
}

/* Is the entry the version of this number? */
static void check_entry(const fastskip_entry *e, unsigned number)
{
    stress_value v;
    if (!stress_value_read(e, &v))
        return;
    REQUIRE(v.number == number && e->sequence == number, "number %llu where %u should be",
            (unsigned long long)e->sequence, number);
    REQUIRE(e->kind == kind_of(number), "number %u has kind %u", number, e->kind);
}

/* What a key answers at a number. */
static void check_at(const shared *g, unsigned key, unsigned n)
{
    unsigned newest = newest_for(g, key, n);
    fastskip_entry e;
    fastskip_status status;
    stress_key k;
    stress_key_make(&k, g->shape, key);
    status = fastskip_get_at(g->table, n, k.data, k.size, &e);
    if (newest == 0)
        EXPECT(status, FASTSKIP_NOT_FOUND);
    else if (OK(status))
        check_entry(&e, newest);
}

/* All versions up to a number, in either direction. */
static void check_walk(const shared *g, unsigned n, int backwards)
{
    fastskip_iterator *it = NULL;
    fastskip_status s;
    fastskip_entry e, last = {0};
    unsigned seen = 0;
    OK(fastskip_iterator_new_at(g->table, n, FASTSKIP_ALL_VERSIONS, &it));
    s = backwards ? fastskip_iterator_seek_last(it) : fastskip_iterator_seek_first(it);
    for (; s == FASTSKIP_OK && !stress_failed();
         s = backwards ? fastskip_iterator_prev(it) : fastskip_iterator_next(it)) {
        OK(fastskip_iterator_entry(it, &e));
        check_entry(&e, (unsigned)e.sequence);
        REQUIRE(e.sequence <= n, "number %llu at %u", (unsigned long long)e.sequence, n);
        if (seen++ != 0) {
            int c = stress_key_compare(last.key, last.key_size, e.key, e.key_size);
            if (c == 0)
                c = (last.sequence < e.sequence) - (last.sequence > e.sequence);
            REQUIRE(backwards ? c > 0 : c < 0, "versions out of order");
        }
        last = e;
    }
    REQUIRE(stress_failed() || seen == n, "%u versions up to number %u", seen, n);
    fastskip_iterator_free(it);
}

/* ---- racing for numbers ---- */

static void race_body(void *context, unsigned me, stress_random *r)
{
    shared *g = context;
    unsigned stride = 1;
    /* Everybody writes all numbers; some in order, some from the end, some in jumps. */
    if (stress_below(r, 3) == 0)
        stride = 1 + 2 * stress_below(r, g->numbers / 2);
    for (unsigned i = 0; i < g->numbers && !stress_failed(); i++) {
        unsigned number = 1 + (me % 4 == 1 ? g->numbers - 1 - i : i * stride % g->numbers);
        fastskip_status status = write_number(g, me, number);
        if (status == FASTSKIP_OK) {
            atomic_fetch_add(&g->winners[number], 1);
            atomic_store(&g->winner[number], me);
        } else {
            EXPECT(status, FASTSKIP_EXISTS);
        }
    }
}

static void begin(shared *g, stress_random *r)
{
    const stress_limits limits = {FASTSKIP_SEQUENCE_CALLER, 0, 0, 0};
    memset(g, 0, sizeof *g);
    g->table = stress_table(r, &limits);
    g->shape = (stress_shape)stress_below(r, STRESS_SHAPES);
    g->keys = 1 + stress_below(r, KEYS);
    g->salt = stress_next(r);
}

void stress_numbered(stress_random *r)
{
    static const unsigned threads[] = {2, 3, 8, 32};
    static shared g;
    begin(&g, r);
    g.threads = threads[stress_below(r, 4)];
    g.numbers = 64u << stress_below(r, 4); /* a power of two, which odd strides permute */
    stress_run(g.threads, race_body, &g, r);
    for (unsigned n = 1; n <= g.numbers && !stress_failed(); n++) {
        fastskip_entry e;
        stress_value v;
        stress_key k;
        REQUIRE(atomic_load(&g.winners[n]) == 1, "number %u was written by %u", n,
                atomic_load(&g.winners[n]));
        stress_key_make(&k, g.shape, key_of(&g, n));
        if (OK(fastskip_get_at(g.table, n, k.data, k.size, &e)) && stress_value_read(&e, &v))
            REQUIRE(v.number == n && v.owner == atomic_load(&g.winner[n]),
                    "number %u holds what another wrote", n);
        check_at(&g, stress_below(r, g.keys), n);
    }
    if (!stress_failed()) {
        check_walk(&g, g.numbers, 0);
        check_walk(&g, g.numbers, 1);
        REQUIRE(stress_stat(g.table, FASTSKIP_STAT_VERSIONS) == g.numbers, "versions miscounted");
    }
    stress_table_drop(g.table);
}

/* ---- reading at published numbers ---- */

/* Brings `published` on over what is done. */
static void publish(shared *g)
{
    unsigned n = atomic_load(&g->published);
    while (n < g->numbers && atomic_load(&g->done[n + 1]))
        if (atomic_compare_exchange_weak(&g->published, &n, n + 1))
            n++;
}

/* A few consecutive numbers, by batch or one by one. */
static void write_run(shared *g, unsigned me, fastskip_batch *b, stress_random *r)
{
    unsigned count = 1 + stress_below(r, 5), first = atomic_fetch_add(&g->next, count) + 1;
    int batch = stress_below(r, 2) == 0;
    OK(fastskip_batch_clear(b));
    for (unsigned n = first; n < first + count && n <= g->numbers; n++) {
        stress_value v = {me, n, 0};
        unsigned char bytes[STRESS_VALUE_ROOM];
        size_t size;
        stress_key k;
        stress_key_make(&k, g->shape, key_of(g, n));
        size = stress_value_make(bytes, &k, &v);
        if (batch)
            OK(fastskip_batch_put_at(b, n, kind_of(n), k.data, k.size, bytes, size));
        else
            OK(fastskip_put_at(g->table, n, kind_of(n), k.data, k.size, bytes, size));
    }
    if (batch)
        OK(fastskip_write(g->table, b));
    for (unsigned n = first; n < first + count && n <= g->numbers; n++)
        atomic_store(&g->done[n], 1);
    publish(g);
}

static void publish_body(void *context, unsigned me, stress_random *r)
{
    shared *g = context;
    fastskip_batch *b = NULL;
    if (me % 3 != 2) {
        OK(fastskip_batch_new(&b));
        while (atomic_load(&g->next) < g->numbers && !stress_failed())
            write_run(g, me, b, r);
        fastskip_batch_free(b);
    }
    while (me % 3 == 2 && !stress_failed()) {
        unsigned n = atomic_load(&g->published);
        for (unsigned i = 0; i < 20; i++)
            check_at(g, stress_below(r, g->keys), i % 2 == 0 ? n : stress_below(r, n + 1));
        check_walk(g, n, stress_below(r, 2) == 0);
        if (n == g->numbers)
            break;
        stress_pause();
    }
}

void stress_numbered_reads(stress_random *r)
{
    static const unsigned threads[] = {3, 6, 15};
    static shared g;
    begin(&g, r);
    g.threads = threads[stress_below(r, 3)];
    g.numbers = stress_scaled(1500) < NUMBERS ? stress_scaled(1500) : NUMBERS;
    stress_run(g.threads, publish_body, &g, r);
    REQUIRE(atomic_load(&g.published) == g.numbers, "number %u is missing",
            atomic_load(&g.published) + 1);
    stress_table_drop(g.table);
}
