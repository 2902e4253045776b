/*
 * relay.h - writers go from table to table as an engine's do, and everything is checked all the time;
 * shared by relay.c, relay_tables.c and relay_views.c.
 *
 * Made for long runs: each check costs about as much as the calls that it checks, whatever was done before.
 *
 * An owner writes 1, 2, 3 ... in turn to its keys, number n to key n modulo `keys`; no one else writes
 * them. Whether a number is a delete, and which numbers are one batch, follows from the number. An owner
 * says before a write that it was begun, and after it that it was acknowledged. So at any instant an
 * owner has come to some number, between what was acknowledged before and what was begun after, and its
 * keys are as they are after that number, exactly: no gap, nothing later, no half of a batch.
 *
 * A table of the chain holds of each owner the numbers from where the one before it ended. Where it ends
 * is found when it is sealed: it must hold all versions up to there and no other, and the next must go on
 * from there.
 *
 * A value also says how far its writer had seen another owner come; whatever shows the value must show
 * that, too.
 */
#ifndef STRESS_RELAY_H
#define STRESS_RELAY_H

#include "stress.h"

#define RELAY_OWNERS 8
#define RELAY_KEYS 256 /* of each, at most */
#define RELAY_GROUP 8  /* numbers: one batch, or single writes */

/*
 * What the threads tell one another must not order what the library should: else ThreadSanitizer sees no
 * race where the library leaves one. Relaxed is enough where a processor keeps loads and stores in order,
 * as those do for which there is a ThreadSanitizer in CI; calls of the library keep the compiler from
 * moving them.
 */
#if defined(STRESS_TSAN) && defined(__x86_64__)
#define RELAY_ACQUIRE memory_order_relaxed
#define RELAY_RELEASE memory_order_relaxed
#else
#define RELAY_ACQUIRE memory_order_seq_cst
#define RELAY_RELEASE memory_order_seq_cst
#endif

typedef struct {
    _Atomic uint64_t begun, acknowledged;
    char pad[48];
} relay_owner;

static inline uint64_t relay_load(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, RELAY_ACQUIRE);
}

static inline void relay_store(_Atomic uint64_t *number, uint64_t value)
{
    atomic_store_explicit(number, value, RELAY_RELEASE);
}

/* A table of the chain. */
typedef struct {
    fastskip_table *table;
    uint64_t generation;
    unsigned holders;             /* under the chain's lock */
    uint64_t start[RELAY_OWNERS]; /* where the table before ended */
    atomic_int started;           /* start is known */
    uint64_t versions;            /* once it is sealed */
} relay_leg;

/* What a thread works with: the table that is written to, and the one before it, which is sealed. */
typedef struct {
    relay_leg *now, *before;
} relay_hold;

typedef struct {
    unsigned owners, readers, lookers, keys;
    uint64_t writes;  /* of each owner */
    uint64_t a_table; /* writes in one, about */
    uint64_t a_look;  /* writes between two snapshots of a thread, about; 0: one after the other */
    stress_key key[RELAY_OWNERS * RELAY_KEYS];
    uint32_t order[RELAY_OWNERS * RELAY_KEYS]; /* the keys, ascending */
    relay_owner owner[RELAY_OWNERS];
    atomic_uint writing;
    stress_lock lock; /* of now, before and all holders */
    relay_leg *now, *before;
    _Atomic uint64_t generation; /* of now */
} relay;

/* ---- what follows from a number ---- */

int relay_is_delete(const relay *g, uint64_t number);
/* How many numbers from this one on are written at once. */
unsigned relay_batch(uint64_t number);
/* Is an owner that came to this number within a batch? */
int relay_is_inside(uint64_t number);
/* The last number up to n that was written to a key; 0: none. */
uint64_t relay_last(const relay *g, unsigned key, uint64_t n);

/* Writes of all owners. */
static inline uint64_t relay_acknowledged(const relay *g)
{
    uint64_t n = 0;
    for (unsigned o = 0; o < g->owners; o++)
        n += atomic_load_explicit(&g->owner[o].acknowledged, memory_order_relaxed);
    return n;
}

static inline unsigned relay_at(const relay *g, unsigned owner, unsigned key)
{
    return owner * g->keys + key;
}

/* ---- tables (relay_tables.c) ---- */

relay_leg *relay_leg_new(fastskip_table *table, uint64_t generation);
/* Takes the present table and the one before, or lets them go. */
void relay_take(relay *g, relay_hold *hold);
void relay_drop(relay *g, relay_hold *hold);
/* One more holder of a leg, or one less. */
void relay_keep(relay *g, relay_leg *leg);
void relay_let_go(relay *g, relay_leg *leg);
/* Takes the present table if another came since. */
static inline void relay_follow(relay *g, relay_hold *hold)
{
    if (relay_load(&g->generation) == hold->now->generation)
        return;
    relay_drop(g, hold);
    relay_take(g, hold);
}

/* Rotating is the work of one thread, beside its reading. */
typedef struct {
    uint64_t until; /* so many writes are acknowledged */
    void *inspection;
} relay_rotator;

void relay_rotate_begin(const relay *g, relay_rotator *rotator, stress_random *random);
/* Rotates if it is time, and checks the table that was sealed. */
void relay_rotate_once(relay *g, relay_rotator *rotator, stress_random *random);
/* Seals and checks the last table, when all is written. */
void relay_rotate_end(relay *g, relay_rotator *rotator);

/* ---- views (relay_views.c) ---- */

typedef enum { RELAY_ABSENT, RELAY_TOMBSTONE, RELAY_LIVE } relay_state;

/* What a table shows of each key at one instant, by relay_at. */
typedef struct {
    relay_state state[RELAY_OWNERS * RELAY_KEYS];
    const void *at[RELAY_OWNERS * RELAY_KEYS];
    stress_value value[RELAY_OWNERS * RELAY_KEYS];
} relay_view;

void relay_view_clear(const relay *g, relay_view *view);
void relay_note(relay_view *view, unsigned at, const fastskip_entry *entry);
/* Where an entry's key stands in order, looked for from `from` on; fails if it is nobody's. */
unsigned relay_find(const relay *g, const fastskip_entry *entry, unsigned from);
/* The number to which an owner has come, from what is shown; start: where its table began. */
uint64_t relay_reached(const relay *g, const relay_view *view, unsigned owner, uint64_t start);
/* Is every owner's every key as it is after the number that it has come to? */
void relay_judge(const relay *g, const relay_view *view, const uint64_t *start,
                 const uint64_t *reached, const char *how);

/* Takes snapshots and looks at them in every way, until all is written. */
void relay_look(relay *g, stress_random *random);

#endif
