/*
 * relay_tables.c - the chain of tables: who holds which, rotation, and what a sealed table must hold; see
 * relay.h.
 */
#include "relay.h"

#include <stdlib.h>
#include <string.h>

/* ---- holding ---- */

relay_leg *relay_leg_new(fastskip_table *table, uint64_t generation)
{
    relay_leg *leg = calloc(1, sizeof *leg);
    if (leg == NULL)
        abort();
    leg->table = table;
    leg->generation = generation;
    leg->holders = 1;
    return leg;
}

void relay_keep(relay *g, relay_leg *leg)
{
    stress_lock_take(&g->lock);
    leg->holders++;
    stress_lock_leave(&g->lock);
}

/* The last one looks whether the sealed table is still what it was. */
void relay_let_go(relay *g, relay_leg *leg)
{
    unsigned left;
    stress_lock_take(&g->lock);
    left = --leg->holders;
    stress_lock_leave(&g->lock);
    if (left != 0)
        return;
    if (!stress_failed())
        REQUIRE(stress_stat(leg->table, FASTSKIP_STAT_VERSIONS) == leg->versions,
                "a sealed table had %llu versions and has %llu", (unsigned long long)leg->versions,
                (unsigned long long)stress_stat(leg->table, FASTSKIP_STAT_VERSIONS));
    if (leg->generation % 4 == 0)
        stress_table_drop(leg->table);
    else
        fastskip_table_unref(leg->table);
    free(leg);
}

void relay_take(relay *g, relay_hold *hold)
{
    stress_lock_take(&g->lock);
    hold->now = g->now;
    hold->before = g->before;
    hold->now->holders++;
    if (hold->before != NULL)
        hold->before->holders++;
    stress_lock_leave(&g->lock);
}

void relay_drop(relay *g, relay_hold *hold)
{
    relay_let_go(g, hold->now);
    if (hold->before != NULL)
        relay_let_go(g, hold->before);
    hold->now = hold->before = NULL;
}

/* ---- what a sealed table must hold ---- */

typedef struct {
    relay_view view;
    uint64_t below[RELAY_OWNERS * RELAY_KEYS]; /* the number expected of a key's next version */
    stress_account account;
} inspection;

/* What is the newest of each key? */
static void inspect_newest(const relay *g, const relay_leg *leg, relay_view *view)
{
    fastskip_iterator *it = NULL;
    fastskip_status status;
    unsigned at = 0;
    relay_view_clear(g, view);
    OK(fastskip_iterator_new(leg->table, NULL, FASTSKIP_TOMBSTONES, &it));
    for (status = fastskip_iterator_seek_first(it); status == FASTSKIP_OK && !stress_failed();
         status = fastskip_iterator_next(it)) {
        fastskip_entry e;
        OK(fastskip_iterator_entry(it, &e));
        at = relay_find(g, &e, at);
        relay_note(view, g->order[at], &e);
    }
    fastskip_iterator_free(it);
}

/* One version, of which number is known what it must be. */
static void inspect_version(const relay *g, const relay_leg *leg, inspection *x, unsigned at,
                            const fastskip_entry *e, int first)
{
    unsigned owner = at / g->keys;
    uint64_t number = x->below[at];
    stress_value v;
    if (number <= leg->start[owner]) {
        FAIL("owner %u key %u: a version too many", owner, at % g->keys);
        return;
    }
    x->below[at] = number > g->keys ? number - g->keys : 0;
    x->account.versions++;
    x->account.value_bytes += e->value_size;
    if (first) {
        x->account.keys++;
        x->account.key_bytes += e->key_size;
    }
    if (relay_is_delete(g, number))
        REQUIRE(e->kind == FASTSKIP_DELETE, "no tombstone at number %llu",
                (unsigned long long)number);
    else if (e->kind == FASTSKIP_DELETE)
        FAIL("a tombstone at number %llu", (unsigned long long)number);
    else if (stress_value_read(e, &v))
        REQUIRE(v.owner == owner && v.number == number, "number %llu at %llu",
                (unsigned long long)v.number, (unsigned long long)number);
}

/* Every version there must be, and no other: of each key the numbers from reached down to start. */
static void inspect_versions(const relay *g, const relay_leg *leg, inspection *x,
                             const uint64_t *reached)
{
    fastskip_iterator *it = NULL;
    fastskip_status status;
    unsigned last = UINT32_MAX, at = 0;
    uint64_t expected = 0;
    memset(&x->account, 0, sizeof x->account);
    x->account.attempts = STRESS_UNCOUNTED; /* refused ones are attempts, too */
    for (unsigned o = 0; o < g->owners; o++) {
        expected += reached[o] - leg->start[o];
        for (unsigned key = 0; key < g->keys; key++)
            x->below[relay_at(g, o, key)] = relay_last(g, key, reached[o]);
    }
    OK(fastskip_iterator_new(leg->table, NULL, FASTSKIP_ALL_VERSIONS, &it));
    for (status = fastskip_iterator_seek_first(it); status == FASTSKIP_OK && !stress_failed();
         status = fastskip_iterator_next(it)) {
        fastskip_entry e;
        OK(fastskip_iterator_entry(it, &e));
        at = relay_find(g, &e, at);
        if (!stress_failed())
            inspect_version(g, leg, x, g->order[at], &e, at != last);
        last = at;
    }
    fastskip_iterator_free(it);
    REQUIRE(x->account.versions == expected, "%llu versions, %llu were acknowledged",
            (unsigned long long)x->account.versions, (unsigned long long)expected);
}

/* Says in reached where each owner ended. */
static void inspect(const relay *g, relay_leg *leg, inspection *x, uint64_t *reached)
{
    inspect_newest(g, leg, &x->view);
    for (unsigned o = 0; o < g->owners; o++)
        reached[o] = relay_reached(g, &x->view, o, leg->start[o]);
    if (!stress_failed())
        relay_judge(g, &x->view, leg->start, reached, "a sealed table");
    if (!stress_failed())
        inspect_versions(g, leg, x, reached);
    if (!stress_failed())
        stress_account_check(leg->table, &x->account);
    leg->versions = x->account.versions;
}

/* ---- rotating ---- */

static void next_table(relay *g, relay_leg *next)
{
    relay_leg *gone;
    stress_lock_take(&g->lock);
    gone = g->before;
    g->before = g->now;
    g->now = next;
    relay_store(&g->generation, next->generation);
    stress_lock_leave(&g->lock);
    if (gone != NULL)
        relay_let_go(g, gone);
}

/* What was acknowledged before the seal returned is in the table or an older one. */
static void check_sealed(const relay *g, relay_leg *leg, inspection *x, uint64_t *reached)
{
    uint64_t low[RELAY_OWNERS];
    for (unsigned o = 0; o < g->owners; o++)
        low[o] = relay_load(&g->owner[o].acknowledged);
    inspect(g, leg, x, reached);
    for (unsigned o = 0; o < g->owners; o++)
        REQUIRE(reached[o] <= low[o] || reached[o] <= relay_load(&g->owner[o].begun),
                "owner %u: %llu found, which was not begun", o, (unsigned long long)reached[o]);
}

void relay_rotate_once(relay *g, relay_rotator *rotator, stress_random *r)
{
    relay_leg *leg = g->now, *next;
    fastskip_table *fresh = NULL;
    if (relay_acknowledged(g) < rotator->until)
        return;
    rotator->until += 1 + stress_below(r, (uint32_t)(2 * g->a_table));
    if (!OK(fastskip_table_rotate(leg->table, &fresh)))
        return;
    next = relay_leg_new(fresh, leg->generation + 1);
    relay_keep(g, leg);
    next_table(g, next);
    check_sealed(g, leg, rotator->inspection, next->start);
    atomic_store(&next->started, 1);
    relay_let_go(g, leg);
}

void relay_rotate_begin(const relay *g, relay_rotator *rotator, stress_random *r)
{
    rotator->until = 1 + stress_below(r, (uint32_t)(2 * g->a_table));
    rotator->inspection = calloc(1, sizeof(inspection));
    if (rotator->inspection == NULL)
        abort();
}

/* Nobody writes any more: what was acknowledged is there to the last number. */
void relay_rotate_end(relay *g, relay_rotator *rotator)
{
    uint64_t reached[RELAY_OWNERS];
    OK(fastskip_table_seal(g->now->table));
    inspect(g, g->now, rotator->inspection, reached);
    for (unsigned o = 0; o < g->owners; o++)
        REQUIRE(reached[o] == relay_load(&g->owner[o].acknowledged),
                "owner %u: %llu in the tables, %llu acknowledged", o,
                (unsigned long long)reached[o],
                (unsigned long long)relay_load(&g->owner[o].acknowledged));
    free(rotator->inspection);
}
