/*
 * limits.c - the memory limit and the entry limit, reached by many threads at once.
 *
 * What was acknowledged is there, what was refused is not, the figures are exact, and no figure passes
 * its limit or goes backwards meanwhile.
 */
#define _GNU_SOURCE
#include "stress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define THREADS 48
#define KEYS 4096 /* of each thread */
#define LARGE 6000

typedef struct {
    fastskip_table *table;
    stress_shape shape;
    unsigned threads;
    uint64_t memory_limit, entry_limit;
    int large_values;
    atomic_uint writing;
    unsigned *state[THREADS]; /* of each key: the number that it holds, 0 for none */
    stress_account account[THREADS];
} shared;

/* ---- memory that knows where the limit is ---- */

/* Bytes beyond the limit, which must stay as they are. */
#define BEYOND 8192
#define UNTOUCHED 0xa5

typedef struct {
    unsigned char *map, *base;
    size_t size, whole;
    uint64_t limit;
} region;

static void *region_reserve(void *context, size_t size, size_t alignment)
{
    region *g = context;
    g->whole = size + alignment + BEYOND;
    g->map = mmap(NULL, g->whole, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (g->map == MAP_FAILED)
        return NULL;
    g->base = g->map + (alignment - (uintptr_t)g->map % alignment) % alignment;
    g->size = size;
    REQUIRE(size == g->limit, "%zu bytes reserved for a limit of %llu", size,
            (unsigned long long)g->limit);
    memset(g->base + g->limit, UNTOUCHED, BEYOND);
    return g->base;
}

static int32_t region_commit(void *context, void *address, size_t size)
{
    const region *g = context;
    const unsigned char *from = address;
    REQUIRE(from >= g->base && size <= g->size && from + size <= g->base + g->size,
            "memory outside the reservation was asked for");
    return 0;
}

static void region_release(void *context, void *address, size_t size)
{
    const region *g = context;
    REQUIRE(address == g->base && size == g->size, "another reservation was released");
    for (size_t i = 0; i < BEYOND; i++)
        if (g->base[g->limit + i] != UNTOUCHED) {
            FAIL("byte %zu beyond the limit of %llu was written", i, (unsigned long long)g->limit);
            break;
        }
    munmap(g->map, g->whole);
}

static fastskip_table *table_with_limits(shared *g, region *memory, stress_random *r)
{
    fastskip_options *o = NULL;
    fastskip_table *t = NULL;
    OK(fastskip_options_new(&o));
    OK(fastskip_options_set_shards(o, 1 + stress_below(r, 4)));
    OK(fastskip_options_set_memory_limit(o, g->memory_limit));
    OK(fastskip_options_set_entry_limit(o, g->entry_limit));
    if (stress_below(r, 2) == 0)
        OK(fastskip_options_set_block_size(o, 4096));
    memory->limit = g->memory_limit;
    OK(fastskip_options_set_allocator(o, region_reserve, region_commit, region_release, memory));
    OK(fastskip_table_new(o, &t));
    fastskip_options_free(o);
    if (t == NULL)
        abort();
    return t;
}

/* ---- writers ---- */

static void key_of(const shared *g, unsigned me, unsigned key, stress_key *k)
{
    stress_key_make(k, g->shape, key * THREADS + me);
}

/* The value of a number: self-describing, and sometimes much larger. */
static size_t value_of(const shared *g, unsigned char *bytes, const stress_key *k, unsigned me,
                       unsigned number)
{
    stress_value v = {me, number, 0};
    size_t size = stress_value_make(bytes, k, &v);
    if (g->large_values && number % 5 == 0) { /* not readable as one then, only comparable */
        memset(bytes, (int)(number & 0xff), LARGE);
        return (size_t)(stress_mix(number) % LARGE);
    }
    return size;
}

static void acknowledged(shared *g, unsigned me, unsigned key, unsigned number, size_t size)
{
    stress_account *a = &g->account[me];
    stress_key k;
    key_of(g, me, key, &k);
    if (g->state[me][key] == 0) {
        a->keys++;
        a->key_bytes += k.size;
    }
    g->state[me][key] = number;
    a->versions++;
    a->value_bytes += size;
}

static fastskip_status write_single(shared *g, unsigned me, unsigned number, stress_random *r)
{
    unsigned char bytes[LARGE + STRESS_VALUE_ROOM];
    unsigned key = stress_below(r, number < KEYS ? number + 1 : KEYS);
    int insert = number % 3 == 0, live = g->state[me][key] != 0;
    size_t size;
    fastskip_status status;
    stress_key k;
    key_of(g, me, key, &k);
    size = value_of(g, bytes, &k, me, number);
    g->account[me].attempts++;
    if (insert)
        status = fastskip_insert(g->table, k.data, k.size, bytes, size);
    else
        status = fastskip_put(g->table, k.data, k.size, bytes, size);
    if (insert && live) /* an answer, also where there is no room */
        return EXPECT(status, FASTSKIP_EXISTS) ? FASTSKIP_OK : status;
    if (status == FASTSKIP_OK)
        acknowledged(g, me, key, number, size);
    return status;
}

static fastskip_status write_batch(shared *g, fastskip_batch *b, unsigned me, unsigned number,
                                   stress_random *r)
{
    unsigned char bytes[LARGE + STRESS_VALUE_ROOM];
    unsigned count = 2 + stress_below(r, 30), first = stress_below(r, KEYS - 32);
    size_t sizes[32];
    fastskip_status status;
    OK(fastskip_batch_clear(b));
    for (unsigned i = 0; i < count; i++) {
        stress_key k;
        key_of(g, me, first + i, &k);
        sizes[i] = value_of(g, bytes, &k, me, number);
        OK(fastskip_batch_put(b, k.data, k.size, bytes, sizes[i]));
    }
    g->account[me].attempts += count;
    status = fastskip_write(g->table, b);
    for (unsigned i = 0; i < count && status == FASTSKIP_OK; i++)
        acknowledged(g, me, first + i, number, sizes[i]);
    return status;
}

static void write_until_full(shared *g, unsigned me, stress_random *r)
{
    fastskip_batch *b = NULL;
    unsigned refused = 0;
    OK(fastskip_batch_new(&b));
    for (unsigned n = 1; refused < 40 && !stress_failed(); n++) {
        fastskip_status status =
            stress_below(r, 5) == 0 ? write_batch(g, b, me, n, r) : write_single(g, me, n, r);
        if (status == FASTSKIP_FULL)
            refused++;
        else
            OK(status);
    }
    fastskip_batch_free(b);
    atomic_fetch_sub(&g->writing, 1);
}

/* ---- a watch ---- */

static void watch(shared *g)
{
    uint64_t before[FASTSKIP_STAT_SNAPSHOTS + 1] = {0};
    while (atomic_load(&g->writing) != 0 && !stress_failed()) {
        for (uint32_t id = FASTSKIP_STAT_KEYS; id <= FASTSKIP_STAT_SNAPSHOTS; id++) {
            uint64_t now = 0;
            if (id == FASTSKIP_STAT_LIVE || id == FASTSKIP_STAT_TOMBSTONES)
                continue;
            OK(fastskip_table_stat(g->table, id, &now));
            REQUIRE(now >= before[id], "statistic %u went back from %llu to %llu", id,
                    (unsigned long long)before[id], (unsigned long long)now);
            before[id] = now;
        }
        REQUIRE(before[FASTSKIP_STAT_MEMORY_RESERVED] <= g->memory_limit, "over the memory limit");
        REQUIRE(g->entry_limit == 0 || before[FASTSKIP_STAT_VERSIONS] <= g->entry_limit,
                "over the entry limit");
        stress_pause();
    }
}

static void body(void *context, unsigned me, stress_random *r)
{
    shared *g = context;
    if (me < g->threads)
        write_until_full(g, me, r);
    else
        watch(g);
}

/* ---- afterwards ---- */

static void check_keys(shared *g, unsigned me)
{
    for (unsigned key = 0; key < KEYS && !stress_failed(); key++) {
        unsigned char bytes[LARGE + STRESS_VALUE_ROOM];
        unsigned number = g->state[me][key];
        fastskip_entry e;
        fastskip_status status;
        stress_key k;
        size_t size;
        key_of(g, me, key, &k);
        status = fastskip_get(g->table, NULL, k.data, k.size, &e);
        if (number == 0) {
            EXPECT(status, FASTSKIP_NOT_FOUND);
        } else if (OK(status)) {
            size = value_of(g, bytes, &k, me, number);
            REQUIRE(size == e.value_size && memcmp(bytes, e.value, size) == 0,
                    "thread %u key %u does not hold number %u", me, key, number);
        }
    }
}

static void add_up(const shared *g, stress_account *sum)
{
    memset(sum, 0, sizeof *sum);
    for (unsigned i = 0; i < g->threads; i++) {
        sum->attempts += g->account[i].attempts;
        sum->versions += g->account[i].versions;
        sum->value_bytes += g->account[i].value_bytes;
        sum->keys += g->account[i].keys;
        sum->key_bytes += g->account[i].key_bytes;
    }
}

/* At rest the room that is left can be written, to the last version. */
static void fill_up(shared *g, stress_random *r)
{
    stress_account sum;
    unsigned n = 1000000;
    while (!stress_failed()) {
        fastskip_status status = write_single(g, 0, n++, r);
        if (status == FASTSKIP_FULL)
            break;
        OK(status);
    }
    add_up(g, &sum);
    REQUIRE(sum.versions == g->entry_limit, "%llu versions at a limit of %llu",
            (unsigned long long)sum.versions, (unsigned long long)g->entry_limit);
    REQUIRE(fastskip_table_under_backpressure(g->table) == 1, "full, and no backpressure");
}

static void limit_round(shared *g, stress_random *r)
{
    static const unsigned threads[] = {1, 2, 4, 12, THREADS};
    stress_account sum;
    region memory;
    memset(&memory, 0, sizeof memory);
    g->table = table_with_limits(g, &memory, r);
    g->shape = (stress_shape)stress_below(r, STRESS_SHAPES);
    g->threads = threads[stress_below(r, 5)];
    atomic_init(&g->writing, g->threads);
    for (unsigned i = 0; i < g->threads; i++)
        if ((g->state[i] = calloc(KEYS, sizeof *g->state[i])) == NULL)
            abort();
    stress_run(g->threads + 1, body, g, r);
    if (g->entry_limit != 0)
        fill_up(g, r);
    add_up(g, &sum);
    if (!stress_failed())
        stress_account_check(g->table, &sum);
    REQUIRE(stress_stat(g->table, FASTSKIP_STAT_MEMORY_USED) <=
                stress_stat(g->table, FASTSKIP_STAT_MEMORY_RESERVED),
            "more memory used than made usable");
    for (unsigned i = 0; i < g->threads; i++) {
        check_keys(g, i);
        free(g->state[i]);
    }
    stress_table_drop(g->table);
}

void stress_memory_limit(stress_random *r)
{
    static shared g;
    memset(&g, 0, sizeof g);
    g.memory_limit =
        65536 + stress_below(r, stress_scaled(stress_below(r, 3) == 0 ? 3000000 : 200000));
    g.large_values = stress_below(r, 3) == 0;
    limit_round(&g, r);
}

void stress_entry_limit(stress_random *r)
{
    static shared g;
    memset(&g, 0, sizeof g);
    g.memory_limit = UINT64_C(1) << 28;
    g.entry_limit = 1 + stress_below(r, stress_scaled(20000));
    limit_round(&g, r);
}
