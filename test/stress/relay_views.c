/*
 * relay_views.c - all keys of a table at one instant, by all the ways there are; see relay.h.
 */
#include "relay.h"

#include <stdlib.h>
#include <string.h>

#define KEPT 3 /* snapshots at a time */

/* ---- what is shown ---- */

void relay_view_clear(const relay *g, relay_view *v)
{
    memset(v->state, 0, g->owners * g->keys * sizeof *v->state);
    memset(v->at, 0, g->owners * g->keys * sizeof *v->at);
}

void relay_note(relay_view *v, unsigned at, const fastskip_entry *e)
{
    v->state[at] = e->kind == FASTSKIP_DELETE ? RELAY_TOMBSTONE : RELAY_LIVE;
    v->at[at] = e->value;
    if (e->kind != FASTSKIP_DELETE)
        stress_value_read(e, &v->value[at]);
}

static int compare_at(const relay *g, unsigned at, const fastskip_entry *e)
{
    const stress_key *k = &g->key[g->order[at]];
    return stress_key_compare(k->data, k->size, e->key, e->key_size);
}

unsigned relay_find(const relay *g, const fastskip_entry *e, unsigned from)
{
    unsigned n = g->owners * g->keys;
    for (; from < n; from++) {
        int c = compare_at(g, from, e);
        if (c == 0)
            return from;
        if (c > 0)
            break;
    }
    FAIL("a key that nobody wrote, or out of order");
    return 0;
}

static unsigned find_backwards(const relay *g, const fastskip_entry *e, unsigned below)
{
    while (below > 0) {
        int c = compare_at(g, --below, e);
        if (c == 0)
            return below;
        if (c < 0)
            break;
    }
    FAIL("a key that nobody wrote, or out of order backwards");
    return 0;
}

/* ---- what that means ---- */

uint64_t relay_reached(const relay *g, const relay_view *v, unsigned owner, uint64_t start)
{
    uint64_t n = start;
    for (unsigned i = relay_at(g, owner, 0); i < relay_at(g, owner + 1, 0); i++)
        if (v->state[i] == RELAY_LIVE && v->value[i].number > n)
            n = v->value[i].number;
    while (relay_is_delete(g, n + 1) &&
           v->state[relay_at(g, owner, (unsigned)((n + 1) % g->keys))] == RELAY_TOMBSTONE)
        n++;
    return n;
}

static void judge_key(const relay *g, const relay_view *v, unsigned at, uint64_t number,
                      const uint64_t *reached, const char *how)
{
    relay_state expected = RELAY_ABSENT;
    const stress_value *value = &v->value[at];
    if (number != 0)
        expected = relay_is_delete(g, number) ? RELAY_TOMBSTONE : RELAY_LIVE;
    if (v->state[at] != expected) {
        FAIL("%s: owner %u key %u is in state %d, not %d, at number %llu", how, at / g->keys,
             at % g->keys, (int)v->state[at], (int)expected, (unsigned long long)number);
    } else if (expected == RELAY_LIVE) {
        REQUIRE(value->owner == at / g->keys && value->number == number,
                "%s: owner %u key %u is at %llu, not %llu", how, at / g->keys, at % g->keys,
                (unsigned long long)value->number, (unsigned long long)number);
        REQUIRE((value->witness & (UINT64_MAX >> 8)) <= reached[value->witness >> 56],
                "%s: owner %u had seen more of owner %u than is here", how, at / g->keys,
                (unsigned)(value->witness >> 56));
    }
}

void relay_judge(const relay *g, const relay_view *v, const uint64_t *start,
                 const uint64_t *reached, const char *how)
{
    for (unsigned o = 0; o < g->owners; o++) {
        REQUIRE(!relay_is_inside(reached[o]), "%s: owner %u is within a batch, at %llu", how, o,
                (unsigned long long)reached[o]);
        for (unsigned key = 0; key < g->keys && !stress_failed(); key++) {
            uint64_t n = relay_last(g, key, reached[o]);
            judge_key(g, v, relay_at(g, o, key), n > start[o] ? n : 0, reached, how);
        }
    }
}

/* ---- ways to look ---- */

typedef enum {
    BY_GET_RAW,
    FORWARDS,
    BACKWARDS,
    ALL_VERSIONS,
    BY_NUMBER,
    TELLING, /* those before tell tombstones from keys that are not there */
    BY_GET = TELLING,
    BY_GET_MANY,
    IN_GROUPS,
    WAYS
} way;

typedef struct {
    const void *data[RELAY_OWNERS * RELAY_KEYS];
    size_t size[RELAY_OWNERS * RELAY_KEYS];
    fastskip_entry entry[RELAY_OWNERS * RELAY_KEYS];
    fastskip_status status[RELAY_OWNERS * RELAY_KEYS];
} many;

/* A snapshot with what was seen at first. */
typedef struct {
    relay_leg *leg;
    fastskip_snapshot *snapshot;
    relay_view view;
} kept;

typedef struct {
    kept keep[KEPT];
    relay_view now;
    many many;
} workspace;

static void look_up(const relay *g, const kept *k, way how, relay_view *v)
{
    for (unsigned i = 0; i < g->owners * g->keys; i++) {
        const stress_key *key = &g->key[i];
        fastskip_table *t = k->leg->table;
        fastskip_entry e;
        fastskip_status status;
        if (how == BY_GET_RAW)
            status = fastskip_get_raw(t, k->snapshot, key->data, key->size, &e);
        else if (how == BY_NUMBER)
            status = fastskip_get_at(t, fastskip_snapshot_sequence(k->snapshot), key->data,
                                     key->size, &e);
        else
            status = fastskip_get(t, k->snapshot, key->data, key->size, &e);
        if (status == FASTSKIP_OK)
            relay_note(v, i, &e);
        else
            EXPECT(status, FASTSKIP_NOT_FOUND);
    }
}

static void look_up_many(const relay *g, const kept *k, many *m, relay_view *v)
{
    unsigned n = g->owners * g->keys;
    for (unsigned i = 0; i < n; i++) {
        m->data[i] = g->key[i].data;
        m->size[i] = g->key[i].size;
    }
    OK(fastskip_get_many(k->leg->table, k->snapshot, n, m->data, m->size, m->entry, m->status));
    for (unsigned i = 0; i < n; i++)
        if (m->status[i] == FASTSKIP_OK)
            relay_note(v, i, &m->entry[i]);
}

static void walk(const relay *g, const kept *k, way how, relay_view *v)
{
    uint32_t flags = how == ALL_VERSIONS ? FASTSKIP_ALL_VERSIONS : FASTSKIP_TOMBSTONES;
    unsigned at = how == BACKWARDS ? g->owners * g->keys : 0;
    fastskip_iterator *it = NULL;
    fastskip_status status;
    const void *last = NULL;
    OK(fastskip_iterator_new(k->leg->table, k->snapshot, flags, &it));
    status = how == BACKWARDS ? fastskip_iterator_seek_last(it) : fastskip_iterator_seek_first(it);
    while (status == FASTSKIP_OK && !stress_failed()) {
        fastskip_entry e;
        OK(fastskip_iterator_entry(it, &e));
        at = how == BACKWARDS ? find_backwards(g, &e, at) : relay_find(g, &e, at);
        if (how != ALL_VERSIONS || e.key != last) {
            REQUIRE(v->state[g->order[at]] == RELAY_ABSENT, "a key is shown twice");
            relay_note(v, g->order[at], &e);
        }
        last = e.key;
        status = how == BACKWARDS ? fastskip_iterator_prev(it) : fastskip_iterator_next(it);
    }
    if (!stress_failed())
        EXPECT(status, FASTSKIP_NOT_FOUND);
    fastskip_iterator_free(it);
}

static void walk_in_groups(const relay *g, const kept *k, relay_view *v)
{
    fastskip_iterator *it = NULL;
    fastskip_status status;
    fastskip_entry e[7];
    unsigned at = 0;
    size_t n = 0;
    OK(fastskip_iterator_new(k->leg->table, k->snapshot, 0, &it));
    status = fastskip_iterator_seek_first(it);
    while (status == FASTSKIP_OK && !stress_failed()) {
        status = fastskip_iterator_next_many(it, e, 7, &n);
        for (size_t i = 0; i < n && status == FASTSKIP_OK; i++) {
            at = relay_find(g, &e[i], at);
            relay_note(v, g->order[at], &e[i]);
        }
    }
    fastskip_iterator_free(it);
}

static void look_in(const relay *g, const kept *k, way how, many *m, relay_view *v)
{
    relay_view_clear(g, v);
    if (how == BY_GET_MANY)
        look_up_many(g, k, m, v);
    else if (how == IN_GROUPS)
        walk_in_groups(g, k, v);
    else if (how == FORWARDS || how == BACKWARDS || how == ALL_VERSIONS)
        walk(g, k, how, v);
    else
        look_up(g, k, how, v);
}

/* ---- looking ---- */

/* Again, in one way or another: every key shows the very same version. */
static void look_again(const relay *g, const kept *k, workspace *w, stress_random *r)
{
    way how = (way)stress_below(r, WAYS);
    look_in(g, k, how, &w->many, &w->now);
    for (unsigned i = 0; i < g->owners * g->keys && !stress_failed(); i++) {
        relay_state first = k->view.state[i], again = w->now.state[i];
        if (how >= TELLING && first == RELAY_TOMBSTONE)
            first = RELAY_ABSENT;
        REQUIRE(first == again && (again != RELAY_LIVE || k->view.at[i] == w->now.at[i]),
                "a snapshot read again, way %d: owner %u key %u differs", (int)how, i / g->keys,
                i % g->keys);
    }
}

static void take(relay *g, relay_hold *hold, kept *k, workspace *w, stress_random *r)
{
    uint64_t low[RELAY_OWNERS], high[RELAY_OWNERS], reached[RELAY_OWNERS];
    for (unsigned o = 0; o < g->owners; o++)
        low[o] = relay_load(&g->owner[o].acknowledged);
    relay_follow(g, hold);
    k->leg = hold->now;
    relay_keep(g, k->leg);
    OK(fastskip_snapshot_new(k->leg->table, &k->snapshot));
    for (unsigned o = 0; o < g->owners; o++)
        high[o] = relay_load(&g->owner[o].begun);
    look_in(g, k, (way)stress_below(r, TELLING), &w->many, &k->view);
    while (!atomic_load(&k->leg->started) && !stress_failed())
        stress_pause();
    for (unsigned o = 0; o < g->owners && !stress_failed(); o++) {
        reached[o] = relay_reached(g, &k->view, o, k->leg->start[o]);
        REQUIRE(reached[o] >= low[o] && reached[o] <= high[o],
                "a snapshot: owner %u is at %llu, not %llu to %llu", o,
                (unsigned long long)reached[o], (unsigned long long)low[o],
                (unsigned long long)high[o]);
    }
    if (!stress_failed())
        relay_judge(g, &k->view, k->leg->start, reached, "a snapshot");
    if (!stress_failed())
        look_again(g, k, w, r);
}

static void forget(relay *g, kept *k)
{
    fastskip_snapshot_free(k->snapshot);
    relay_let_go(g, k->leg);
}

void relay_look(relay *g, stress_random *r)
{
    workspace *w = calloc(1, sizeof *w);
    relay_hold hold;
    uint64_t next = 0;
    unsigned n = 0;
    if (w == NULL)
        abort();
    relay_take(g, &hold);
    while (atomic_load(&g->writing) != 0 && !stress_failed()) {
        unsigned i = stress_below(r, KEPT);
        if (relay_acknowledged(g) < next) {
            stress_pause();
            continue;
        }
        next = relay_acknowledged(g) + stress_below(r, (uint32_t)(2 * g->a_look + 1));
        if (n < KEPT)
            i = n++;
        else
            forget(g, &w->keep[i]);
        take(g, &hold, &w->keep[i], w, r);
        if (stress_below(r, 4) == 0 && !stress_failed())
            look_again(g, &w->keep[stress_below(r, n)], w, r);
    }
    for (unsigned i = 0; i < n; i++) {
        if (!stress_failed())
            look_again(g, &w->keep[i], w, r);
        forget(g, &w->keep[i]);
    }
    relay_drop(g, &hold);
    free(w);
}
