/*
 * owners.c - writers that own their keys, and readers of one key at a time; see owners.h.
 */
#include "owners.h"

#include <string.h>

void owners_key(const owners_shared *g, unsigned owner, unsigned key, stress_key *k)
{
    stress_key_make(k, g->shape, key * OWNERS + owner);
}

int owners_is_delete(unsigned number)
{
    return number % 11 == 5;
}

unsigned owners_last(unsigned key, unsigned n)
{
    unsigned back = (n % KEYS + KEYS - key) % KEYS;
    return n > back ? n - back : 0;
}

/* ---- writers ---- */

static void write_one(owners_shared *g, unsigned me, unsigned number, stress_random *r,
                      stress_account *account)
{
    unsigned other = stress_below(r, g->owners);
    stress_value v = {me, number, 0};
    unsigned char bytes[STRESS_VALUE_ROOM];
    size_t size = 0;
    stress_key k;
    owners_key(g, me, number % KEYS, &k);
    v.witness = (uint64_t)other << 32 | atomic_load(&g->owner[other].acknowledged);
    atomic_store(&g->owner[me].begun, number);
    if (owners_is_delete(number)) {
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
static void read_own(const owners_shared *g, unsigned me, unsigned number)
{
    fastskip_entry e;
    stress_value v;
    stress_key k;
    owners_key(g, me, number % KEYS, &k);
    if (owners_is_delete(number)) {
        EXPECT(fastskip_get(g->table, NULL, k.data, k.size, &e), FASTSKIP_NOT_FOUND);
        if (OK(fastskip_get_raw(g->table, NULL, k.data, k.size, &e)))
            REQUIRE(e.kind == FASTSKIP_DELETE, "no tombstone at number %u", number);
    } else if (OK(fastskip_get(g->table, NULL, k.data, k.size, &e)) && stress_value_read(&e, &v)) {
        REQUIRE(v.owner == me && v.number == number, "owner %u wrote %u and reads %llu", me, number,
                (unsigned long long)v.number);
    }
}

static void write_all(owners_shared *g, unsigned me, stress_random *r)
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
static void read_live(const owners_shared *g, unsigned owner, unsigned key, unsigned *last)
{
    unsigned low = atomic_load(&g->owner[owner].acknowledged), high, n;
    fastskip_entry e;
    fastskip_status status;
    stress_value v;
    stress_key k;
    owners_key(g, owner, key, &k);
    status = fastskip_get(g->table, NULL, k.data, k.size, &e);
    high = atomic_load(&g->owner[owner].begun);
    n = owners_last(key, low);
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
    while (n != 0 && !owners_is_delete(n) && n <= high)
        n += KEYS;
    REQUIRE(n <= high, "owner %u key %u: not found after %u, acknowledged %u, begun %u", owner, key,
            *last, low, high);
    *last = n;
}

static void read_all(owners_shared *g, stress_random *r)
{
    unsigned last[OWNERS][KEYS];
    memset(last, 0, sizeof last);
    while (atomic_load(&g->writing) != 0 && !stress_failed()) {
        unsigned owner = stress_below(r, g->owners), key = stress_below(r, KEYS);
        for (unsigned i = stress_below(r, 4) + 1; i > 0; i--)
            read_live(g, owner, key, &last[owner][key]);
    }
}

/* ---- rounds ---- */

static void body(void *context, unsigned me, stress_random *r)
{
    owners_shared *g = context;
    if (me < g->owners)
        write_all(g, me, r);
    else if (me < g->owners + g->readers)
        read_all(g, r);
    else
        owners_look(g, r);
}

static void owners_round(stress_random *r, unsigned owners, unsigned readers, unsigned snapshotters,
                         unsigned writes)
{
    owners_shared g;
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
