/*
 * views.c - all owners' keys at one instant, by all the ways there are; see owners.h.
 */
#include "owners.h"

#include <stdlib.h>
#include <string.h>

#define KEPT 6 /* snapshots at a time */
#define WAYS 6 /* to look at one */

/* What was seen of an owner's keys at one instant. */
typedef struct {
    int present[KEYS];
    stress_value value[KEYS];
    const void *at[KEYS];
} owner_view;

typedef struct {
    unsigned low[OWNERS], high[OWNERS];
    owner_view owner[OWNERS];
} view;

/* A snapshot with what was seen at first. */
typedef struct {
    fastskip_snapshot *snapshot;
    view view;
} kept;

/* The arrays of a get_many. */
typedef struct {
    stress_key key[OWNERS * KEYS];
    const void *data[OWNERS * KEYS];
    size_t size[OWNERS * KEYS];
    fastskip_entry entry[OWNERS * KEYS];
    fastskip_status status[OWNERS * KEYS];
} many;

/* What a thread that takes snapshots needs. */
typedef struct {
    kept keep[KEPT];
    view now;
    many many;
} workspace;

static void note(owner_view *o, unsigned key, const fastskip_entry *e)
{
    o->present[key] = e != NULL;
    o->at[key] = e != NULL ? e->value : NULL;
    if (e != NULL)
        stress_value_read(e, &o->value[key]);
}

static void view_by_get(const owners_shared *g, const fastskip_snapshot *s, view *v)
{
    for (unsigned o = 0; o < g->owners; o++)
        for (unsigned i = 0; i < KEYS; i++) {
            fastskip_entry e;
            fastskip_status status;
            stress_key k;
            owners_key(g, o, i, &k);
            status = fastskip_get(g->table, s, k.data, k.size, &e);
            note(&v->owner[o], i, status == FASTSKIP_OK ? &e : NULL);
        }
}

static void view_by_get_many(const owners_shared *g, const fastskip_snapshot *s, many *m, view *v)
{
    unsigned n = g->owners * KEYS;
    for (unsigned i = 0; i < n; i++) {
        owners_key(g, i / KEYS, i % KEYS, &m->key[i]);
        m->data[i] = m->key[i].data;
        m->size[i] = m->key[i].size;
    }
    OK(fastskip_get_many(g->table, s, n, m->data, m->size, m->entry, m->status));
    for (unsigned i = 0; i < n; i++)
        note(&v->owner[i / KEYS], i % KEYS, m->status[i] == FASTSKIP_OK ? &m->entry[i] : NULL);
}

static void view_by_iterator(const owners_shared *g, const fastskip_snapshot *s, int backwards,
                             view *v)
{
    fastskip_iterator *it = NULL;
    fastskip_status status;
    fastskip_entry e, before = {0};
    for (unsigned o = 0; o < g->owners; o++)
        for (unsigned i = 0; i < KEYS; i++)
            note(&v->owner[o], i, NULL);
    if (!OK(fastskip_iterator_new(g->table, s, 0, &it)))
        return;
    status = backwards ? fastskip_iterator_seek_last(it) : fastskip_iterator_seek_first(it);
    for (int first = 1; status == FASTSKIP_OK && !stress_failed(); first = 0) {
        stress_value value;
        OK(fastskip_iterator_entry(it, &e));
        if (stress_value_read(&e, &value) && value.owner < g->owners)
            note(&v->owner[value.owner], (unsigned)(value.number % KEYS), &e);
        if (!first) {
            int c = stress_key_compare(before.key, before.key_size, e.key, e.key_size);
            REQUIRE(backwards ? c > 0 : c < 0, "an iterator out of order");
        }
        before = e;
        status = backwards ? fastskip_iterator_prev(it) : fastskip_iterator_next(it);
    }
    fastskip_iterator_free(it);
}

/* The same by number; a tombstone is an answer then. */
static void view_by_sequence(const owners_shared *g, const fastskip_snapshot *s, view *v)
{
    uint64_t sequence = fastskip_snapshot_sequence(s);
    for (unsigned o = 0; o < g->owners; o++)
        for (unsigned i = 0; i < KEYS; i++) {
            fastskip_entry e;
            fastskip_status status;
            stress_key k;
            owners_key(g, o, i, &k);
            status = fastskip_get_at(g->table, sequence, k.data, k.size, &e);
            note(&v->owner[o], i, status == FASTSKIP_OK && e.kind != FASTSKIP_DELETE ? &e : NULL);
        }
}

/*
 * The number of a version that is shown below the one with number `above` (0: not known, or it is the
 * first of its key).  A tombstone says nothing, but no two of them follow one another.
 */
static uint64_t number_below(const fastskip_entry *e, uint64_t above, int first,
                             stress_value *value)
{
    uint64_t number = above > KEYS ? above - KEYS : 0;
    if (e->kind == FASTSKIP_DELETE) {
        REQUIRE(above == 0 || owners_is_delete((unsigned)number), "a tombstone below number %llu",
                (unsigned long long)above);
        return number;
    }
    if (!stress_value_read(e, value))
        return 0;
    REQUIRE(above == 0 || value->number == number, "number %llu below %llu",
            (unsigned long long)value->number, (unsigned long long)above);
    REQUIRE(first || above != 0 || owners_is_delete((unsigned)value->number + KEYS),
            "a tombstone above number %llu", (unsigned long long)value->number);
    return value->number;
}

/* Every version of every key: its numbers, newest first, down to the first that the key had. */
static void view_by_versions(const owners_shared *g, const fastskip_snapshot *s, view *v)
{
    fastskip_iterator *it = NULL;
    fastskip_status status;
    const void *key = NULL;
    uint64_t number = 0;
    for (unsigned o = 0; o < g->owners; o++)
        for (unsigned i = 0; i < KEYS; i++)
            note(&v->owner[o], i, NULL);
    OK(fastskip_iterator_new(g->table, s, FASTSKIP_ALL_VERSIONS, &it));
    for (status = fastskip_iterator_seek_first(it); status == FASTSKIP_OK && !stress_failed();
         status = fastskip_iterator_next(it)) {
        stress_value value;
        fastskip_entry e;
        int first;
        OK(fastskip_iterator_entry(it, &e));
        first = e.key != key;
        REQUIRE(!first || number <= KEYS, "a key's first version is number %llu",
                (unsigned long long)number);
        key = e.key;
        number = number_below(&e, first ? 0 : number, first, &value);
        if (first && e.kind != FASTSKIP_DELETE && !stress_failed())
            note(&v->owner[value.owner % OWNERS], (unsigned)(value.number % KEYS), &e);
    }
    fastskip_iterator_free(it);
}

/* Are the owner's keys as they are after number n? */
static int is_after(const owner_view *o, unsigned n)
{
    for (unsigned i = 0; i < KEYS; i++) {
        unsigned last = owners_last(i, n);
        int present = last != 0 && !owners_is_delete(last);
        if (present != o->present[i] || (present && o->value[i].number != last))
            return 0;
    }
    return 1;
}

/* Checks each owner alone, then what the values witness of others. */
static void view_check(const owners_shared *g, const view *v, const char *how)
{
    unsigned furthest[OWNERS];
    for (unsigned o = 0; o < g->owners; o++) {
        unsigned n = v->high[o];
        while (n > v->low[o] && !is_after(&v->owner[o], n))
            n--;
        REQUIRE(is_after(&v->owner[o], n), "%s: owner %u is at no number from %u to %u", how, o,
                v->low[o], v->high[o]);
        furthest[o] = n;
    }
    for (unsigned o = 0; o < g->owners; o++)
        for (unsigned i = 0; i < KEYS; i++) {
            uint64_t witness = v->owner[o].value[i].witness;
            if (v->owner[o].present[i])
                REQUIRE((uint32_t)witness <= furthest[witness >> 32],
                        "%s: owner %u had seen %u of owner %u, where %u is the last", how, o,
                        (unsigned)(uint32_t)witness, (unsigned)(witness >> 32),
                        furthest[witness >> 32]);
        }
}

static void view_compare(const owners_shared *g, const view *a, const view *b, const char *how)
{
    for (unsigned o = 0; o < g->owners; o++)
        for (unsigned i = 0; i < KEYS; i++) {
            const owner_view *x = &a->owner[o], *y = &b->owner[o];
            REQUIRE(x->at[i] == y->at[i], "%s: owner %u key %u was %llu and is %llu", how, o, i,
                    x->present[i] ? (unsigned long long)x->value[i].number : 0,
                    y->present[i] ? (unsigned long long)y->value[i].number : 0);
        }
}

/* Looks at a snapshot again, in one of WAYS ways. */
static void reread(const owners_shared *g, const kept *k, workspace *w, unsigned how)
{
    switch (how) {
    case 0:
        view_by_get(g, k->snapshot, &w->now);
        view_compare(g, &k->view, &w->now, "a snapshot read again");
        break;
    case 1:
        view_by_get_many(g, k->snapshot, &w->many, &w->now);
        view_compare(g, &k->view, &w->now, "get_many of a snapshot");
        break;
    case 2:
        view_by_sequence(g, k->snapshot, &w->now);
        view_compare(g, &k->view, &w->now, "get_at");
        break;
    case 3:
        view_by_versions(g, k->snapshot, &w->now);
        view_compare(g, &k->view, &w->now, "all versions");
        break;
    default:
        view_by_iterator(g, k->snapshot, how == 4, &w->now);
        view_compare(g, &k->view, &w->now, how == 4 ? "backwards" : "forwards");
    }
}

static void take(owners_shared *g, kept *k, workspace *w, stress_random *r)
{
    for (unsigned o = 0; o < g->owners; o++)
        k->view.low[o] = atomic_load(&g->owner[o].acknowledged);
    OK(fastskip_snapshot_new(g->table, &k->snapshot));
    for (unsigned o = 0; o < g->owners; o++)
        k->view.high[o] = atomic_load(&g->owner[o].begun);
    view_by_get(g, k->snapshot, &k->view);
    view_check(g, &k->view, "a snapshot");
    reread(g, k, w, stress_below(r, WAYS));
}

/* get_many without a snapshot is of one instant, too. */
static void look_now(owners_shared *g, workspace *w)
{
    for (unsigned o = 0; o < g->owners; o++)
        w->now.low[o] = atomic_load(&g->owner[o].acknowledged);
    view_by_get_many(g, NULL, &w->many, &w->now);
    for (unsigned o = 0; o < g->owners; o++)
        w->now.high[o] = atomic_load(&g->owner[o].begun);
    view_check(g, &w->now, "get_many");
}

void owners_look(owners_shared *g, stress_random *r)
{
    workspace *w = calloc(1, sizeof *w);
    unsigned n = 0;
    int last = 0;
    if (w == NULL)
        abort();
    while (!last && !stress_failed()) {
        unsigned i = stress_below(r, KEPT);
        last = atomic_load(&g->writing) == 0;
        if (stress_below(r, 3) == 0)
            look_now(g, w);
        if (n < KEPT)
            i = n++;
        else
            fastskip_snapshot_free(w->keep[i].snapshot);
        take(g, &w->keep[i], w, r);
        reread(g, &w->keep[stress_below(r, n)], w, stress_below(r, WAYS));
        stress_pause();
    }
    for (unsigned i = 0; i < n; i++) {
        reread(g, &w->keep[i], w, i % WAYS);
        fastskip_snapshot_free(w->keep[i].snapshot);
    }
    free(w);
}
