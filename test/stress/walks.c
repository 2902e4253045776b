/*
 * walks.c - iterators while the table grows under them.
 *
 * Owners insert keys that nobody writes twice, number after number.  So a view of one instant holds of
 * each owner the numbers from 1 to some n, without a gap: no less than was acknowledged before, no more
 * than was begun by then.  A walk must be in strict order, the same in both directions, and the same again.
 */
#include "stress.h"

#include <stdlib.h>
#include <string.h>

#define OWNERS 16

typedef struct {
    atomic_uint begun, acknowledged;
    char pad[56];
} owner_state;

/* In which order an owner's numbers become keys. */
typedef enum { UPWARDS, DOWNWARDS, AT_RANDOM, ORDERS } order;

typedef struct {
    fastskip_table *table;
    stress_shape shape;
    order order;
    unsigned owners, walkers, writes;
    atomic_uint writing;
    owner_state owner[OWNERS];
} shared;

typedef struct {
    fastskip_entry *entry;
    size_t n, room;
    unsigned low[OWNERS], high[OWNERS];
} list;

static void key_of(const shared *g, unsigned owner, unsigned number, stress_key *k)
{
    uint32_t at = number;
    if (g->order == DOWNWARDS)
        at = g->writes - number;
    else if (g->order == AT_RANDOM) /* an odd factor permutes the numbers below 2^16 */
        at = number * 40503u & 0xffff;
    stress_key_make(k, g->shape, at * OWNERS + owner);
}

static void write_all(shared *g, unsigned me)
{
    for (unsigned n = 1; n <= g->writes && !stress_failed(); n++) {
        stress_value v = {me, n, 0};
        stress_key k;
        key_of(g, me, n, &k);
        atomic_store(&g->owner[me].begun, n);
        OK(stress_put(g->table, &k, &v));
        atomic_store(&g->owner[me].acknowledged, n);
    }
    atomic_fetch_sub(&g->writing, 1);
}

/* ---- collecting ---- */

static void list_add(list *l, const fastskip_entry *e)
{
    if (l->n == l->room) {
        l->room = l->room != 0 ? l->room * 2 : 256;
        l->entry = realloc(l->entry, l->room * sizeof *l->entry);
        if (l->entry == NULL)
            abort();
    }
    l->entry[l->n++] = *e;
}

static int compare(const fastskip_entry *a, const fastskip_entry *b)
{
    return stress_key_compare(a->key, a->key_size, b->key, b->key_size);
}

static void collect_forwards(fastskip_iterator *it, list *l, int in_groups)
{
    fastskip_status status = fastskip_iterator_seek_first(it);
    fastskip_entry e[7];
    size_t n = 1;
    l->n = 0;
    while (status == FASTSKIP_OK) {
        if (in_groups) {
            status = fastskip_iterator_next_many(it, e, 7, &n);
        } else {
            OK(fastskip_iterator_entry(it, &e[0]));
            status = fastskip_iterator_next(it);
        }
        if (in_groups && status != FASTSKIP_OK)
            break;
        for (size_t i = 0; i < n; i++)
            list_add(l, &e[i]);
    }
    EXPECT(status, FASTSKIP_NOT_FOUND);
    REQUIRE(!fastskip_iterator_valid(it), "valid at the end");
}

static void collect_backwards(fastskip_iterator *it, list *l)
{
    fastskip_status status = fastskip_iterator_seek_last(it);
    l->n = 0;
    for (; status == FASTSKIP_OK; status = fastskip_iterator_prev(it)) {
        fastskip_entry e;
        OK(fastskip_iterator_entry(it, &e));
        list_add(l, &e);
    }
    EXPECT(status, FASTSKIP_NOT_FOUND);
    for (size_t i = 0; i < l->n / 2; i++) {
        fastskip_entry e = l->entry[i];
        l->entry[i] = l->entry[l->n - 1 - i];
        l->entry[l->n - 1 - i] = e;
    }
}

/* ---- judging ---- */

static void check_order(const list *l)
{
    for (size_t i = 1; i < l->n; i++)
        REQUIRE(compare(&l->entry[i - 1], &l->entry[i]) < 0, "entries %zu and %zu out of order",
                i - 1, i);
}

/* Of each owner 1 to n, n between low and high. */
static void check_complete(const shared *g, const list *l)
{
    unsigned count[OWNERS] = {0}, most[OWNERS] = {0};
    for (size_t i = 0; i < l->n; i++) {
        stress_value v;
        stress_key k;
        if (!stress_value_read(&l->entry[i], &v) || v.owner >= g->owners)
            return;
        key_of(g, v.owner, (unsigned)v.number, &k);
        REQUIRE(stress_key_compare(k.data, k.size, l->entry[i].key, l->entry[i].key_size) == 0,
                "a value under the key of another");
        count[v.owner]++;
        if (v.number > most[v.owner])
            most[v.owner] = (unsigned)v.number;
    }
    for (unsigned o = 0; o < g->owners; o++) {
        REQUIRE(count[o] == most[o], "owner %u: %u keys, the last is number %u", o, count[o],
                most[o]);
        REQUIRE(most[o] >= l->low[o], "owner %u: %u keys, %u were acknowledged before", o, most[o],
                l->low[o]);
        REQUIRE(most[o] <= l->high[o], "owner %u: %u keys, %u were begun", o, most[o], l->high[o]);
    }
}

static void check_same(const list *a, const list *b, const char *how)
{
    REQUIRE(a->n == b->n, "%s: %zu entries, then %zu", how, a->n, b->n);
    for (size_t i = 0; i < a->n && i < b->n; i++)
        REQUIRE(a->entry[i].value == b->entry[i].value, "%s: entry %zu differs", how, i);
}

/* Seeks and steps both ways from there, against the list. */
static void check_seeks(const shared *g, fastskip_iterator *it, const list *l, stress_random *r)
{
    for (unsigned i = 0; i < 8 && !stress_failed(); i++) {
        stress_key k;
        size_t at = 0;
        int exact, before = stress_below(r, 2) == 0;
        fastskip_status status;
        key_of(g, stress_below(r, OWNERS), stress_below(r, g->writes + 2), &k);
        while (at < l->n &&
               stress_key_compare(l->entry[at].key, l->entry[at].key_size, k.data, k.size) < 0)
            at++;
        exact = at < l->n &&
                stress_key_compare(l->entry[at].key, l->entry[at].key_size, k.data, k.size) == 0;
        if (before) {
            status = fastskip_iterator_seek_for_prev(it, k.data, k.size);
            at -= !exact;
        } else {
            status = fastskip_iterator_seek(it, k.data, k.size);
        }
        for (unsigned steps = 0; steps < 12 && !stress_failed(); steps++) {
            fastskip_entry e;
            int back = stress_below(r, 2) == 0;
            if (at >= l->n) { /* also one before the first */
                EXPECT(status, FASTSKIP_NOT_FOUND);
                break;
            }
            if (!OK(status))
                break;
            OK(fastskip_iterator_entry(it, &e));
            REQUIRE(e.value == l->entry[at].value, "a step led elsewhere");
            status = back ? fastskip_iterator_prev(it) : fastskip_iterator_next(it);
            at = back ? at - 1 : at + 1;
        }
    }
}

/* Between two bounds there is what the list has between them. */
static void check_bounds(const shared *g, fastskip_iterator *it, const list *l, stress_random *r)
{
    stress_key lower, upper;
    list inside = {0};
    size_t i = 0;
    key_of(g, stress_below(r, OWNERS), stress_below(r, g->writes + 2), &lower);
    key_of(g, stress_below(r, OWNERS), stress_below(r, g->writes + 2), &upper);
    OK(fastskip_iterator_set_bounds(it, lower.data, lower.size, upper.data, upper.size));
    if (stress_below(r, 2) == 0)
        collect_forwards(it, &inside, stress_below(r, 2) == 0);
    else
        collect_backwards(it, &inside);
    for (size_t at = 0; at < l->n; at++) {
        const fastskip_entry *e = &l->entry[at];
        if (stress_key_compare(e->key, e->key_size, lower.data, lower.size) < 0 ||
            stress_key_compare(e->key, e->key_size, upper.data, upper.size) >= 0)
            continue;
        REQUIRE(i < inside.n && inside.entry[i].value == e->value, "missing between the bounds");
        i++;
    }
    REQUIRE(i == inside.n, "%zu entries between the bounds, not %zu", inside.n, i);
    OK(fastskip_iterator_set_bounds(it, NULL, 0, NULL, 0));
    free(inside.entry);
}

static void walk_once(shared *g, stress_random *r)
{
    fastskip_snapshot *s = NULL;
    fastskip_iterator *it = NULL;
    list one = {0}, two = {0};
    int shared_snapshot = stress_below(r, 2) == 0, backwards = stress_below(r, 2) == 0;
    for (unsigned o = 0; o < g->owners; o++)
        one.low[o] = atomic_load(&g->owner[o].acknowledged);
    if (shared_snapshot)
        OK(fastskip_snapshot_new(g->table, &s));
    if (!OK(fastskip_iterator_new(g->table, s, 0, &it)))
        return;
    for (unsigned o = 0; o < g->owners; o++)
        one.high[o] = atomic_load(&g->owner[o].begun);
    if (backwards)
        collect_backwards(it, &one);
    else
        collect_forwards(it, &one, stress_below(r, 2) == 0);
    check_order(&one);
    check_complete(g, &one);
    if (shared_snapshot) { /* another iterator of the same instant, after the snapshot is gone */
        fastskip_iterator_free(it);
        OK(fastskip_iterator_new(g->table, s, 0, &it));
        fastskip_snapshot_free(s);
    }
    if (backwards)
        collect_forwards(it, &two, stress_below(r, 2) == 0);
    else
        collect_backwards(it, &two);
    check_same(&one, &two, "the other way");
    check_seeks(g, it, &one, r);
    check_bounds(g, it, &one, r);
    fastskip_iterator_free(it);
    free(one.entry);
    free(two.entry);
}

/* ---- rounds ---- */

static void body(void *context, unsigned me, stress_random *r)
{
    shared *g = context;
    int last = 0;
    if (me < g->owners) {
        write_all(g, me);
        return;
    }
    while (!last && !stress_failed()) {
        last = atomic_load(&g->writing) == 0;
        walk_once(g, r);
    }
}

static void walk_round(stress_random *r, stress_shape shape, unsigned owners, unsigned walkers,
                       unsigned writes)
{
    static shared g;
    memset(&g, 0, sizeof g);
    g.table = stress_table(r, NULL);
    g.shape = shape;
    g.order = (order)stress_below(r, ORDERS);
    g.owners = owners;
    g.walkers = walkers;
    g.writes = stress_scaled(1 + writes / owners);
    if (g.writes > 60000)
        g.writes = 60000;
    atomic_init(&g.writing, owners);
    stress_run(owners + walkers, body, &g, r);
    stress_table_drop(g.table);
}

void stress_walks(stress_random *r)
{
    walk_round(r, (stress_shape)stress_below(r, STRESS_SHAPES), 1 + stress_below(r, OWNERS),
               1 + stress_below(r, 4), 2000);
}

/* Many writers on few leaves: all the keys of a moment lie side by side. */
void stress_floods(stress_random *r)
{
    static const stress_shape shapes[] = {STRESS_ASCENDING, STRESS_DESCENDING, STRESS_LONG,
                                          STRESS_ZEROS};
    walk_round(r, shapes[stress_below(r, 4)], OWNERS, 1, 6000);
}
