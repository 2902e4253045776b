/*
 * owners.c - keys that have one writer each.
 *
 * An owner writes 1, 2, 3 ... in turn to its keys: number n goes to key n modulo KEYS.  Some are
 * deletes.  It says before a write that it was begun, and after it that it was acknowledged.  So whoever
 * reads knows between which two numbers the answer must lie; and the state of an owner's keys at one
 * instant is that after some number n, entirely: no gap, nothing later.  A value also carries how far its
 * writer had seen another owner come, which every snapshot that has the value must have, too.
 */
#include "stress.h"

#include <stdlib.h>
#include <string.h>

#define OWNERS 24
#define KEYS 8
#define KEPT 6

typedef struct {
    atomic_uint begun, acknowledged;
    char pad[56];
} owner_state;

typedef struct {
    fastskip_table *table;
    stress_shape shape;
    unsigned owners, readers, snapshotters;
    unsigned writes; /* of each owner */
    atomic_uint writing;
    owner_state owner[OWNERS];
    stress_account account;
    stress_lock account_lock;
} shared;

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

static void key_of(const shared *g, unsigned owner, unsigned key, stress_key *k)
{
    stress_key_make(k, g->shape, key * OWNERS + owner);
}

static int is_delete(unsigned number)
{
    return number % 11 == 5;
}

/* The last number written to a key when the owner has come to n; 0: none. */
static unsigned last_for(unsigned key, unsigned n)
{
    unsigned back = (n % KEYS + KEYS - key) % KEYS;
    return n > back ? n - back : 0;
}

/* ---- writers ---- */

static void write_one(shared *g, unsigned me, unsigned number, stress_random *r,
                      stress_account *account)
{
    unsigned other = stress_below(r, g->owners);
    stress_value v = {me, number, 0};
    unsigned char bytes[STRESS_VALUE_ROOM];
    size_t size = 0;
    stress_key k;
    key_of(g, me, number % KEYS, &k);
    v.witness = (uint64_t)other << 32 | atomic_load(&g->owner[other].acknowledged);
    atomic_store(&g->owner[me].begun, number);
    if (is_delete(number)) {
        OK(fastskip_delete(g->table, k.data, k.size));
    } else {
        size = stress_value_make(bytes, &k, &v);
        if (number % 5 == 0)
            OK(fastskip_put_kind(g->table, 2 + number % 126, k.data, k.size, bytes, size));
        else
            OK(fastskip_put(g->table, k.data, k.size, bytes, size));
    }
    atomic_store(&g->owner[me].acknowledged, number);
    account->attempts++;
    account->versions++;
    account->value_bytes += size;
    if (number <= KEYS) {
        account->keys++;
        account->key_bytes += k.size;
    }
}

/* The writer itself always finds its last write. */
static void read_own(const shared *g, unsigned me, unsigned number)
{
    fastskip_entry e;
    stress_value v;
    stress_key k;
    key_of(g, me, number % KEYS, &k);
    if (is_delete(number)) {
        EXPECT(fastskip_get(g->table, NULL, k.data, k.size, &e), FASTSKIP_NOT_FOUND);
        if (OK(fastskip_get_raw(g->table, NULL, k.data, k.size, &e)))
            REQUIRE(e.kind == FASTSKIP_DELETE, "no tombstone at number %u", number);
    } else if (OK(fastskip_get(g->table, NULL, k.data, k.size, &e)) && stress_value_read(&e, &v)) {
        REQUIRE(v.owner == me && v.number == number, "owner %u wrote %u and reads %llu", me, number,
                (unsigned long long)v.number);
    }
}

static void write_all(shared *g, unsigned me, stress_random *r)
{
    stress_account account;
    memset(&account, 0, sizeof account);
    for (unsigned n = 1; n <= g->writes && !stress_failed(); n++) {
        write_one(g, me, n, r, &account);
        if (stress_below(r, 4) == 0)
            read_own(g, me, n);
    }
    atomic_fetch_sub(&g->writing, 1);
    stress_lock_take(&g->account_lock);
    g->account.attempts += account.attempts;
    g->account.versions += account.versions;
    g->account.value_bytes += account.value_bytes;
    g->account.keys += account.keys;
    g->account.key_bytes += account.key_bytes;
    stress_lock_leave(&g->account_lock);
}

/* ---- one key at a time ---- */

/* A live read of one key.  `last` is what this thread saw of it before, and is brought on. */
static void read_live(const shared *g, unsigned owner, unsigned key, unsigned *last)
{
    unsigned low = atomic_load(&g->owner[owner].acknowledged), high, n;
    fastskip_entry e;
    fastskip_status status;
    stress_value v;
    stress_key k;
    key_of(g, owner, key, &k);
    status = fastskip_get(g->table, NULL, k.data, k.size, &e);
    high = atomic_load(&g->owner[owner].begun);
    n = last_for(key, low);
    if (n < *last)
        n = *last;
    if (status == FASTSKIP_OK) {
        if (!stress_value_read(&e, &v))
            return;
        REQUIRE(v.owner == owner && v.number % KEYS == key, "a value of another key");
        REQUIRE(v.number >= n, "owner %u key %u: %llu read after %u", owner, key,
                (unsigned long long)v.number, n);
        REQUIRE(v.number <= high, "owner %u key %u: %llu read before it was written", owner, key,
                (unsigned long long)v.number);
        *last = (unsigned)v.number;
        return;
    }
    EXPECT(status, FASTSKIP_NOT_FOUND);
    while (n != 0 && !is_delete(n) && n <= high)
        n += KEYS;
    REQUIRE(n <= high, "owner %u key %u: not found after %u, acknowledged %u, begun %u", owner, key,
            *last, low, high);
    *last = n;
}

static void read_all(shared *g, stress_random *r)
{
    unsigned last[OWNERS][KEYS];
    memset(last, 0, sizeof last);
    while (atomic_load(&g->writing) != 0 && !stress_failed()) {
        unsigned owner = stress_below(r, g->owners), key = stress_below(r, KEYS);
        for (unsigned i = stress_below(r, 4) + 1; i > 0; i--)
            read_live(g, owner, key, &last[owner][key]);
    }
}

/* ---- all keys at one instant ---- */

static void note(owner_view *o, unsigned key, const fastskip_entry *e)
{
    o->present[key] = e != NULL;
    o->at[key] = e != NULL ? e->value : NULL;
    if (e != NULL)
        stress_value_read(e, &o->value[key]);
}

static void view_by_get(const shared *g, const fastskip_snapshot *s, view *v)
{
    for (unsigned o = 0; o < g->owners; o++)
        for (unsigned i = 0; i < KEYS; i++) {
            fastskip_entry e;
            fastskip_status status;
            stress_key k;
            key_of(g, o, i, &k);
            status = fastskip_get(g->table, s, k.data, k.size, &e);
            note(&v->owner[o], i, status == FASTSKIP_OK ? &e : NULL);
        }
}

static void view_by_get_many(const shared *g, const fastskip_snapshot *s, many *m, view *v)
{
    unsigned n = g->owners * KEYS;
    for (unsigned i = 0; i < n; i++) {
        key_of(g, i / KEYS, i % KEYS, &m->key[i]);
        m->data[i] = m->key[i].data;
        m->size[i] = m->key[i].size;
    }
    OK(fastskip_get_many(g->table, s, n, m->data, m->size, m->entry, m->status));
    for (unsigned i = 0; i < n; i++)
        note(&v->owner[i / KEYS], i % KEYS, m->status[i] == FASTSKIP_OK ? &m->entry[i] : NULL);
}

static void view_by_iterator(const shared *g, const fastskip_snapshot *s, int backwards, view *v)
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

/* Are the owner's keys as they are after number n? */
static int is_after(const owner_view *o, unsigned n)
{
    for (unsigned i = 0; i < KEYS; i++) {
        unsigned last = last_for(i, n);
        int present = last != 0 && !is_delete(last);
        if (present != o->present[i] || (present && o->value[i].number != last))
            return 0;
    }
    return 1;
}

/* Checks each owner alone, then what the values witness of others. */
static void view_check(const shared *g, const view *v, const char *how)
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

static void view_compare(const shared *g, const view *a, const view *b, const char *how)
{
    for (unsigned o = 0; o < g->owners; o++)
        for (unsigned i = 0; i < KEYS; i++) {
            const owner_view *x = &a->owner[o], *y = &b->owner[o];
            REQUIRE(x->at[i] == y->at[i], "%s: owner %u key %u was %llu and is %llu", how, o, i,
                    x->present[i] ? (unsigned long long)x->value[i].number : 0,
                    y->present[i] ? (unsigned long long)y->value[i].number : 0);
        }
}

/* Looks at a snapshot again, in one of four ways. */
static void reread(const shared *g, const kept *k, workspace *w, unsigned how)
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
    default:
        view_by_iterator(g, k->snapshot, how == 2, &w->now);
        view_compare(g, &k->view, &w->now, how == 2 ? "backwards" : "forwards");
    }
}

static void take(shared *g, kept *k, workspace *w, stress_random *r)
{
    for (unsigned o = 0; o < g->owners; o++)
        k->view.low[o] = atomic_load(&g->owner[o].acknowledged);
    OK(fastskip_snapshot_new(g->table, &k->snapshot));
    for (unsigned o = 0; o < g->owners; o++)
        k->view.high[o] = atomic_load(&g->owner[o].begun);
    view_by_get(g, k->snapshot, &k->view);
    view_check(g, &k->view, "a snapshot");
    reread(g, k, w, stress_below(r, 4));
}

/* get_many without a snapshot is of one instant, too. */
static void look_now(shared *g, workspace *w)
{
    for (unsigned o = 0; o < g->owners; o++)
        w->now.low[o] = atomic_load(&g->owner[o].acknowledged);
    view_by_get_many(g, NULL, &w->many, &w->now);
    for (unsigned o = 0; o < g->owners; o++)
        w->now.high[o] = atomic_load(&g->owner[o].begun);
    view_check(g, &w->now, "get_many");
}

static void snapshot_all(shared *g, stress_random *r)
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
        reread(g, &w->keep[stress_below(r, n)], w, stress_below(r, 4));
        stress_pause();
    }
    for (unsigned i = 0; i < n; i++) {
        reread(g, &w->keep[i], w, i % 4);
        fastskip_snapshot_free(w->keep[i].snapshot);
    }
    free(w);
}

/* ---- rounds ---- */

static void body(void *context, unsigned me, stress_random *r)
{
    shared *g = context;
    if (me < g->owners)
        write_all(g, me, r);
    else if (me < g->owners + g->readers)
        read_all(g, r);
    else
        snapshot_all(g, r);
}

static void owners_round(stress_random *r, unsigned owners, unsigned readers, unsigned snapshotters,
                         unsigned writes)
{
    shared g;
    memset(&g, 0, sizeof g);
    g.table = stress_table(r, NULL);
    g.shape = (stress_shape)stress_below(r, STRESS_SHAPES);
    g.owners = owners;
    g.readers = readers;
    g.snapshotters = snapshotters;
    g.writes = stress_scaled(writes);
    atomic_init(&g.writing, owners);
    stress_run(owners + readers + snapshotters, body, &g, r);
    if (!stress_failed())
        stress_account_check(g.table, &g.account);
    stress_table_drop(g.table);
}

void stress_counters(stress_random *r)
{
    static const unsigned owners[] = {1, 3, 6, 24}, readers[] = {2, 5, 8, 40};
    unsigned i = stress_below(r, 4);
    owners_round(r, owners[i], readers[i], 0, i == 3 ? 300 : 3000 / owners[i]);
}

void stress_snapshots(stress_random *r)
{
    static const unsigned owners[] = {2, 4, 8, 20};
    unsigned i = stress_below(r, 4);
    owners_round(r, owners[i], stress_below(r, 3), 2 + stress_below(r, 3), 4000 / owners[i]);
}
