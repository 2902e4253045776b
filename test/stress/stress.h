/*
 * stress.h - what the concurrent tests share: budgets, threads, random numbers, keys and values that say
 * what they are, failures that say how to see them again.
 *
 * The tests use fastskip.h alone, so that they can be linked with an installed library.
 *
 * Environment
 *   FASTSKIP_TEST_SECONDS  how long the whole suite goes on, about; 0: one round of everything
 *   FASTSKIP_TEST_SCALE    factor for the size of a round (sanitizers want less than 1)
 *   FASTSKIP_TEST_SEED     where the random numbers start; printed with every failure
 *   FASTSKIP_TEST_TIMEOUT  seconds after which a scenario has failed
 *   FASTSKIP_TEST_CHECKS   the share of tables with the options checksum or paranoid or both (0.5); 1:
 *                          every table has both
 *   FASTSKIP_TEST_STALLS   0: threads are not stalled by signals
 *   FASTSKIP_TEST_VERBOSE  set: what was done is printed, rounds and counts of counted.h
 *   FASTSKIP_TEST_OPERATIONS, FASTSKIP_TEST_SNAPSHOTS, FASTSKIP_TEST_SEALS
 *                          each scenario goes on until it has done so many, too; operations are writes
 *                          and reads
 *
 * A failure is noted once, by whichever thread finds it first; everybody then stops soon.  Threads other
 * than the first must not use libcheck's assertions.
 */
#ifndef STRESS_H
#define STRESS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "counted.h"
#include "fastskip.h"

#define STRESS_THREADS 64
#define STRESS_KEY_ROOM 128

#if defined(__SANITIZE_THREAD__)
#define STRESS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define STRESS_TSAN 1
#endif
#endif

/* ---- random numbers ---- */

typedef struct {
    uint64_t state;
} stress_random;

uint64_t stress_next(stress_random *random);
/* 0 to n - 1. */
uint32_t stress_below(stress_random *random, uint32_t n);
uint64_t stress_mix(uint64_t number);

/* ---- failures ---- */

void stress_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int stress_failed(void);

#define FAIL(...) stress_fail(__FILE__, __LINE__, __VA_ARGS__)
#define REQUIRE(condition, ...) ((condition) ? (void)0 : FAIL(__VA_ARGS__))
/* A call that must answer a certain status. */
#define EXPECT(call, status) stress_expect(__FILE__, __LINE__, #call, (call), (status))
#define OK(call) stress_expect(__FILE__, __LINE__, #call, (call), FASTSKIP_OK)

/* 1 if it did. */
int stress_expect(const char *file, int line, const char *call, fastskip_status got,
                  fastskip_status expected);

/* ---- rounds ---- */

/* A number from the environment. */
double stress_number(const char *name, double otherwise);

/* n, scaled, at least 1. */
unsigned stress_scaled(unsigned n);

/* Repeats a round, each with random numbers of its own, for this scenario's share of the time, and
 * fails the test with the seed of the round that went wrong. */
void stress_rounds(const char *name, void (*round)(stress_random *random));

/* Says how many scenarios share the time, unless CK_RUN_CASE picks one, which gets all of it. */
void stress_share(unsigned scenarios);

/* Seconds after which a scenario is ended: far more than it takes, however slow the build. */
double stress_timeout(void);

/* ---- threads ----
 *
 * Two back ends.  threads.c runs them as threads of the system.  fibers.c runs them one at a time in one
 * thread, and decides at every atomic operation of the library who goes on, at random but repeatably:
 * the library is then built into the test with FSK_ATOMIC_HOOK.
 */

typedef void (*stress_body)(void *context, unsigned me, stress_random *random);

/* Runs body n times at once, and waits for all.  With threads signals stall them in about half of the
 * calls, anywhere, also inside the library. */
void stress_run(unsigned n, stress_body body, void *context, stress_random *random);

/* Lets others go on. */
void stress_pause(void);

/* A barrier for the n threads of a run; gives up when the test has failed. */
typedef struct {
    atomic_uint arrived, generation;
    unsigned n;
} stress_barrier;
void stress_barrier_init(stress_barrier *barrier, unsigned n);
void stress_barrier_wait(stress_barrier *barrier);

/* A lock that may be held over calls of the library. */
typedef struct {
    atomic_int taken;
} stress_lock;
void stress_lock_take(stress_lock *lock);
void stress_lock_leave(stress_lock *lock);

/* ---- keys ---- */

typedef struct {
    unsigned char data[STRESS_KEY_ROOM];
    size_t size;
} stress_key;

/* How keys are made of numbers (below 2^24); different numbers give different keys in each. */
typedef enum {
    STRESS_SCATTERED,  /* at random */
    STRESS_ASCENDING,  /* decimal, with a prefix */
    STRESS_DESCENDING, /* the same, backwards */
    STRESS_LONG,       /* a long prefix that all share */
    STRESS_ZEROS,      /* zero bytes at the end: equal when padded */
    STRESS_NESTED,     /* keys that begin with other keys */
    STRESS_SHORT,      /* as short as can be; 0 is the empty key */
    STRESS_SHAPES
} stress_shape;

void stress_key_make(stress_key *key, stress_shape shape, uint32_t number);
int stress_key_compare(const void *a, size_t a_size, const void *b, size_t b_size);

/* ---- values ---- */

/* What a value says: who wrote it, as the how-manieth of that writer, and something that the writer
 * had seen before. */
typedef struct {
    uint32_t owner;
    uint64_t number;
    uint64_t witness;
} stress_value;

#define STRESS_VALUE_ROOM 4096
/* Writes the value of a key into buffer; how many bytes it takes. */
size_t stress_value_make(unsigned char *buffer, const stress_key *key, const stress_value *value);
/* Reads it back; 0, and a failure noted, if it is not such a value of this key. */
int stress_value_read(const fastskip_entry *entry, stress_value *value);

/* ---- tables ---- */

typedef struct {
    uint32_t mode;         /* of sequence */
    uint32_t shards;       /* 0: 1 to 3, or the default */
    uint64_t memory_limit; /* 0: the default */
    uint64_t entry_limit;  /* 0: none */
} stress_limits;

fastskip_table *stress_table(stress_random *random, const stress_limits *limits);
/* Checks a table at rest, its figures, versions and structure, and drops a reference. */
void stress_table_drop(fastskip_table *table);

uint64_t stress_stat(const fastskip_table *table, uint32_t id);

/* What was acknowledged, to be compared with the statistics of a table at rest. */
typedef struct {
    uint64_t versions, value_bytes, keys, key_bytes, attempts;
} stress_account;
#define STRESS_UNCOUNTED UINT64_MAX /* as attempts: nobody counted them */
void stress_account_check(const fastskip_table *table, const stress_account *account);

fastskip_status stress_put(fastskip_table *table, const stress_key *key, const stress_value *value);

/* ---- histories of one register (history.c) ---- */

/* One operation on a register: `value` was written, or read; 0 is what it held at first.  Times are
 * from stress_tick, no value is written twice, and every write that was begun is logged. */
typedef struct {
    uint64_t begin, end, value;
    int is_write;
} stress_op;

uint64_t stress_tick(void);

typedef struct {
    char text[160];
} stress_why;

/* Could all of these have happened one after the other?  If not, why says what is wrong.  Sorts them. */
int stress_history_check(stress_op *ops, size_t n, stress_why *why);

/* ---- scenarios ---- */

void stress_counters(stress_random *random);
void stress_snapshots(stress_random *random);
void stress_overwrites(stress_random *random);
void stress_bank(stress_random *random);
void stress_groups(stress_random *random);
void stress_aborts(stress_random *random);
void stress_inserts(stress_random *random);
void stress_walks(stress_random *random);
void stress_floods(stress_random *random);
void stress_seal(stress_random *random);
void stress_rotate(stress_random *random);
void stress_memory_limit(stress_random *random);
void stress_entry_limit(stress_random *random);
void stress_numbered(stress_random *random);
void stress_numbered_reads(stress_random *random);
void stress_lives(stress_random *random);
void stress_resets(stress_random *random);
void stress_hot(stress_random *random);
void stress_relay(stress_random *random);
void stress_lin(stress_random *random);

#endif
