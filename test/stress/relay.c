/*
 * relay.c - writers and readers of a chain of tables; see relay.h.
 */
#include "relay.h"

#include <stdlib.h>
#include <string.h>

/* ---- what follows from a number ---- */

int relay_is_delete(const relay *g, uint64_t n)
{
    /* Never twice in succession for a key, so that each leaves something to be seen. */
    return stress_mix(n) % 8 == 0 && (n <= g->keys || stress_mix(n - g->keys) % 8 != 0);
}

static int is_group(uint64_t number)
{
    return stress_mix(number / RELAY_GROUP + 1) % 4 == 0;
}

unsigned relay_batch(uint64_t number)
{
    if (!is_group(number))
        return 1;
    return RELAY_GROUP - (unsigned)(number % RELAY_GROUP);
}

int relay_is_inside(uint64_t number)
{
    return number != 0 && is_group(number) && number % RELAY_GROUP != RELAY_GROUP - 1;
}

uint64_t relay_last(const relay *g, unsigned key, uint64_t n)
{
    uint64_t back = (n % g->keys + g->keys - key) % g->keys;
    return n > back ? n - back : 0;
}

/* ---- writers ---- */

/* What an owner knows of its keys. */
typedef struct {
    unsigned me;
    uint64_t next;
    uint64_t in[RELAY_KEYS]; /* the generation of the table of its last write, plus 1 */
    fastskip_batch *batch;
    relay_hold hold;
} writer;

static size_t value_of(const relay *g, const writer *w, uint64_t number, stress_random *r,
                       unsigned char *bytes)
{
    unsigned other = stress_below(r, g->owners);
    stress_value v = {w->me, number, 0};
    v.witness = (uint64_t)other << 56 | relay_load(&g->owner[other].acknowledged);
    return stress_value_make(bytes, &g->key[relay_at(g, w->me, (unsigned)(number % g->keys))], &v);
}

static fastskip_status write_batch(relay *g, writer *w, unsigned count, stress_random *r)
{
    unsigned char bytes[STRESS_VALUE_ROOM];
    OK(fastskip_batch_clear(w->batch));
    for (uint64_t n = w->next; n < w->next + count; n++) {
        const stress_key *k = &g->key[relay_at(g, w->me, (unsigned)(n % g->keys))];
        if (relay_is_delete(g, n))
            OK(fastskip_batch_delete(w->batch, k->data, k->size));
        else
            OK(fastskip_batch_put(w->batch, k->data, k->size, bytes, value_of(g, w, n, r, bytes)));
    }
    return fastskip_write(w->hold.now->table, w->batch);
}

/* Insert or get-or-insert: it writes if the key's last write to this table, if any, was a delete. */
static fastskip_status insert_one(const writer *w, const stress_key *k, int is_live,
                                  const unsigned char *bytes, size_t size, stress_random *r)
{
    fastskip_table *t = w->hold.now->table;
    fastskip_status status;
    fastskip_entry e;
    int32_t inserted = 0;
    if (stress_below(r, 2) == 0) {
        status = fastskip_insert(t, k->data, k->size, bytes, size);
    } else {
        status = fastskip_get_or_insert(t, k->data, k->size, bytes, size, &e, &inserted);
        if (status == FASTSKIP_OK && !inserted)
            status = FASTSKIP_EXISTS;
    }
    if (status != FASTSKIP_SEALED)
        REQUIRE(status == (is_live ? FASTSKIP_EXISTS : FASTSKIP_OK), "an insert answers %s",
                fastskip_strerror(status));
    return status == FASTSKIP_EXISTS ? fastskip_put(t, k->data, k->size, bytes, size) : status;
}

static fastskip_status write_one(relay *g, writer *w, stress_random *r)
{
    unsigned key = (unsigned)(w->next % g->keys), how = stress_below(r, 16);
    uint64_t last = w->next > g->keys ? w->next - g->keys : 0;
    const stress_key *k = &g->key[relay_at(g, w->me, key)];
    fastskip_table *t = w->hold.now->table;
    unsigned char bytes[STRESS_VALUE_ROOM];
    size_t size;
    if (relay_is_delete(g, w->next))
        return fastskip_delete(t, k->data, k->size);
    size = value_of(g, w, w->next, r, bytes);
    if (how == 0)
        return fastskip_put_kind(t, 2 + (uint32_t)(w->next % 126), k->data, k->size, bytes, size);
    if (how <= 2) {
        int is_here = w->in[key] == w->hold.now->generation + 1;
        return insert_one(w, k, is_here && !relay_is_delete(g, last), bytes, size, r);
    }
    return fastskip_put(t, k->data, k->size, bytes, size);
}

/* The writer itself finds its last write, and nobody writes to the table before. */
static void check_own(relay *g, const writer *w, stress_random *r)
{
    uint64_t n = w->next - 1;
    const stress_key *k = &g->key[relay_at(g, w->me, (unsigned)(n % g->keys))];
    fastskip_entry e;
    stress_value v;
    if (OK(fastskip_get_raw(w->hold.now->table, NULL, k->data, k->size, &e))) {
        if (relay_is_delete(g, n))
            REQUIRE(e.kind == FASTSKIP_DELETE, "no tombstone at number %llu",
                    (unsigned long long)n);
        else if (stress_value_read(&e, &v))
            REQUIRE(v.number == n && v.owner == w->me, "%llu read after %llu was written",
                    (unsigned long long)v.number, (unsigned long long)n);
    }
    if (w->hold.before != NULL && stress_below(r, 8) == 0)
        EXPECT(fastskip_put(w->hold.before->table, k->data, k->size, NULL, 0), FASTSKIP_SEALED);
}

static void write_all(relay *g, unsigned me, stress_random *r)
{
    writer w;
    memset(&w, 0, sizeof w);
    w.me = me;
    OK(fastskip_batch_new(&w.batch));
    relay_take(g, &w.hold);
    for (w.next = 1; w.next <= g->writes && !stress_failed();) {
        unsigned count = relay_batch(w.next);
        fastskip_status status;
        relay_follow(g, &w.hold);
        relay_store(&g->owner[me].begun, w.next + count - 1);
        status = count > 1 ? write_batch(g, &w, count, r) : write_one(g, &w, r);
        if (status == FASTSKIP_SEALED) {
            stress_pause(); /* until there is the next */
            continue;
        }
        if (!OK(status))
            break;
        relay_store(&g->owner[me].acknowledged, w.next + count - 1);
        for (; count > 0; count--)
            w.in[w.next++ % g->keys] = w.hold.now->generation + 1;
        if (stress_below(r, 8) == 0)
            check_own(g, &w, r);
    }
    atomic_fetch_sub(&g->writing, 1);
    relay_drop(g, &w.hold);
    fastskip_batch_free(w.batch);
}

/* ---- one key at a time ---- */

/* The key's newest version in the newest of the two tables that has one. */
static fastskip_status read_newest(const relay_hold *hold, const stress_key *k, fastskip_entry *e)
{
    fastskip_status status = fastskip_get_raw(hold->now->table, NULL, k->data, k->size, e);
    if (status == FASTSKIP_NOT_FOUND && hold->before != NULL)
        status = fastskip_get_raw(hold->before->table, NULL, k->data, k->size, e);
    return status;
}

/* A number that is as good as `least`, or later, and a delete; 0: there is none up to `most`. */
static uint64_t next_delete(const relay *g, uint64_t least, uint64_t most)
{
    for (; least != 0 && least <= most; least += g->keys)
        if (relay_is_delete(g, least))
            return least;
    return 0;
}

/* `last` is what this thread saw of the key before, and is brought on. */
static void read_one(relay *g, relay_hold *hold, unsigned owner, unsigned key, uint64_t *last)
{
    const stress_key *k = &g->key[relay_at(g, owner, key)];
    uint64_t low = relay_last(g, key, relay_load(&g->owner[owner].acknowledged)), high;
    fastskip_status status;
    fastskip_entry e;
    stress_value v;
    relay_follow(g, hold);
    status = read_newest(hold, k, &e);
    high = relay_load(&g->owner[owner].begun);
    if (low < *last)
        low = *last;
    if (status == FASTSKIP_NOT_FOUND) { /* never written, or before the two tables */
        const relay_leg *oldest = hold->before != NULL ? hold->before : hold->now;
        if (atomic_load(&oldest->started))
            REQUIRE(low <= oldest->start[owner], "owner %u key %u: not found after %llu", owner,
                    key, (unsigned long long)low);
    } else if (OK(status) && e.kind == FASTSKIP_DELETE) {
        uint64_t n = next_delete(g, low != 0 ? low : key != 0 ? key : g->keys, high);
        REQUIRE(n != 0, "owner %u key %u: a tombstone after %llu, begun %llu", owner, key,
                (unsigned long long)low, (unsigned long long)high);
        *last = n;
    } else if (stress_value_read(&e, &v)) {
        REQUIRE(v.owner == owner && v.number % g->keys == key, "a value of another key");
        REQUIRE(v.number >= low && v.number <= high, "owner %u key %u: %llu read, not %llu to %llu",
                owner, key, (unsigned long long)v.number, (unsigned long long)low,
                (unsigned long long)high);
        *last = v.number;
    }
}

/* The first reader rotates, too. */
static void read_all(relay *g, unsigned me, stress_random *r)
{
    uint64_t *last = calloc(RELAY_OWNERS * RELAY_KEYS, sizeof *last);
    relay_rotator rotator;
    relay_hold hold;
    if (last == NULL)
        abort();
    relay_rotate_begin(g, &rotator, r);
    relay_take(g, &hold);
    while (atomic_load(&g->writing) != 0 && !stress_failed()) {
        unsigned owner = stress_below(r, g->owners), key = stress_below(r, g->keys);
        for (unsigned i = stress_below(r, 4) + 1; i > 0; i--)
            read_one(g, &hold, owner, key, &last[relay_at(g, owner, key)]);
        if (me == 0)
            relay_rotate_once(g, &rotator, r);
    }
    relay_drop(g, &hold);
    if (me == 0)
        relay_rotate_end(g, &rotator);
    else
        free(rotator.inspection);
    free(last);
}

/* ---- rounds ---- */

static void body(void *context, unsigned me, stress_random *r)
{
    relay *g = context;
    if (me < g->owners)
        write_all(g, me, r);
    else if (me < g->owners + g->readers)
        read_all(g, me - g->owners, r);
    else
        relay_look(g, r);
}

static relay *keys_of_order;

static int by_key(const void *x, const void *y)
{
    const stress_key *a = &keys_of_order->key[*(const uint32_t *)x];
    const stress_key *b = &keys_of_order->key[*(const uint32_t *)y];
    return stress_key_compare(a->data, a->size, b->data, b->size);
}

static void make_keys(relay *g, stress_random *r)
{
    stress_shape shape = (stress_shape)stress_below(r, STRESS_SHAPES);
    unsigned n = g->owners * g->keys;
    for (unsigned i = 0; i < n; i++) {
        stress_key_make(&g->key[i], shape, i);
        g->order[i] = i;
    }
    keys_of_order = g;
    qsort(g->order, n, sizeof *g->order, by_key);
}

/*
 * 0 to n - 1. Under ThreadSanitizer the lower the likelier: there each word that a search looks at is a call,
 * so that tables of many keys and of many writers take the most time for the fewest meetings of threads.
 */
static unsigned fewer(stress_random *r, unsigned n)
{
    unsigned one = stress_below(r, n);
#ifdef STRESS_TSAN
    unsigned other = stress_below(r, n);
    one = one < other ? one : other;
#endif
    return one;
}

/* With as many readers a write there costs many reads; with more of them there are as many as elsewhere. */
#ifdef STRESS_TSAN
enum { FEWEST_READERS = 2, MOST_READERS = 5 };
#else
enum { FEWEST_READERS = 1, MOST_READERS = 3 };
#endif

void stress_relay(stress_random *r)
{
    static const unsigned owners[] = {1, 2, 3, RELAY_OWNERS}, keys[] = {12, 40, 100, RELAY_KEYS};
    static relay g;
    memset(&g, 0, sizeof g);
    g.owners = owners[fewer(r, 4)];
    g.keys = keys[fewer(r, 4)];
    g.readers = FEWEST_READERS + stress_below(r, MOST_READERS - FEWEST_READERS + 1);
    g.lookers = 1 + stress_below(r, 2);
    g.writes = stress_scaled(6000) / g.owners + 1;
    g.a_table = 1 + stress_below(r, stress_scaled(2000));
    g.a_look = stress_below(r, 32) != 0 ? g.a_table / 10 : 0;
    make_keys(&g, r);
    g.now = relay_leg_new(stress_table(r, NULL), 0);
    atomic_store(&g.now->started, 1);
    atomic_init(&g.writing, g.owners);
    stress_run(g.owners + g.readers + g.lookers, body, &g, r);
    if (g.before != NULL)
        relay_let_go(&g, g.before);
    relay_let_go(&g, g.now);
}
