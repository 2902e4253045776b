/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * world.h - a model of a table, for random sequences of calls whose answers are compared with it. The model
 * knows from the start all keys that a run may use, sorted (the universe), and has for each the list of its
 * versions: so a lookup, a walk or a bound is plain arithmetic on ranks.
 *
 * Whoever uses it says where choices come from (below) and what becomes of a failure (abort_run): it serves
 * test_api_model.c and the fuzzers, and needs no libcheck.
 */
#ifndef FSK_TEST_WORLD_H
#define FSK_TEST_WORLD_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fastskip.h"

#define NEVER SIZE_MAX
#define NOW UINT64_MAX
#define VIEWS 6
#define WALKERS 4
#define LONGEST_VALUE 20000

struct version {
    uint64_t at; /* caller's mode: its number; else the number of the call that wrote it */
    uint32_t kind, size, seed;
};

struct key {
    unsigned char *data;
    size_t size;
    struct version *versions; /* ascending by at */
    size_t count, room;
};

/* A state that can be read again: a snapshot, or in caller's mode a number. */
struct view {
    uint64_t at;
    fastskip_snapshot *snapshot;
};

struct walker {
    fastskip_iterator *it;
    uint64_t at, born; /* what it shows; the clock when it was made */
    uint32_t flags;
    size_t low, high; /* ranks: its bounds */
    size_t rank, version;
    int valid;
};

struct order {
    fastskip_compare_fn compare;
    fastskip_abbreviate_fn abbreviate;
    int custom, caseless;
};

enum loading { RANDOM, ASCENDING, DESCENDING };

struct world;
struct family {
    const char *name;
    void (*make)(struct world *, size_t);
    size_t keys;
    enum loading loading;
    struct order order;
};

struct world {
    const struct family *family;
    uint32_t mode;
    uint64_t seed, random, clock, calls, writes;
    uint64_t entries;              /* versions in the table */
    uint64_t hidden, hidden_bytes; /* versions that a later record of their batch replaced */
    uint64_t entry_limit;          /* 0: none */
    int tight;                     /* the memory limit may be met at any write */
    int sealed, in_order;          /* in_order: numbers of the caller only grow */
    int brief;                     /* of whole tables a part that differs from run to run */
    uint32_t values, checked;      /* made so far; when the table was checked last */
    fastskip_table *table;
    fastskip_batch *batch;
    struct key *keys;
    size_t count, room;
    struct view views[VIEWS];
    struct walker walkers[WALKERS];
    unsigned char *value, *spelled;
};

/* ---- the model (world.c) ---- */

/* Says which family, mode, seed and call it was. */
#define EXPECT(w, condition)                                                                       \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort_run(w, #condition, __FILE__, __LINE__);                                          \
    } while (0)

/* All three are the user's. */
void abort_run(struct world *w, const char *condition, const char *file, int line);
size_t below(struct world *w, size_t n);
/* As below, of how many calls to make: a user with little time for each run may prefer the small ones. */
size_t few(struct world *w, size_t n);

const void *fill_value(struct world *w, const struct version *v);
struct version new_version(struct world *w, uint64_t at, uint32_t kind);
/* False if the key has a version of that number. */
int add_version(struct world *w, struct key *key, struct version v);
/* The newest version of a key at an instant, or NEVER. */
size_t newest(const struct key *key, uint64_t at);
int lives(const struct key *key, uint64_t at);
/* A write of so many versions that should have been OK was not, and rightly: nothing changed. */
int refused(struct world *w, fastskip_status status, uint64_t versions);
/* The key as a caller may spell it: with letters of any case where the order ignores it. */
const void *spell(struct world *w, const struct key *key);
void require_entry(struct world *w, const fastskip_entry *entry, const struct key *key, size_t i);

/* ---- calls (write.c, read.c, walk.c) ---- */

#define MANY 70 /* entries read by one call */

struct record {
    struct key *key;
    struct version version;
};

void write_one(struct world *w, struct key *key);
struct record draw_record(struct world *w, struct key *key);
void add_record(struct world *w, fastskip_batch *batch, const struct record *record);
/* Writes a batch that holds these records. */
void write_records(struct world *w, fastskip_batch *batch, const struct record *records, size_t n);
void write_batch(struct world *w, size_t from);
/* A number of the caller, any; an instant of which to ask, near the numbers in use or far away. */
uint64_t draw_any_number(struct world *w);
uint64_t draw_instant(struct world *w);
/* Now, or in AUTO mode a snapshot held since. */
struct view draw_view(struct world *w);
void renew_view(struct world *w);
void read_one(struct world *w, struct key *key);
void read_many(struct world *w, size_t from);
/* The first entry from a rank on, the last one below it, the one before. */
void stand_from(struct world *w, struct walker *walker, size_t rank);
void stand_below(struct world *w, struct walker *walker, size_t rank);
void model_prev(struct world *w, struct walker *walker);
/* The iterator stands where the model does. */
void require_place(struct world *w, struct walker *walker, fastskip_status status);
/* Up to MANY by one call. */
void take_many(struct world *w, struct walker *walker, size_t capacity);
/* In AUTO mode an iterator goes on where it stood, whatever was written since. */
void walk(struct world *w);

/* ---- whole tables (whole.c) ---- */

void require_statistics(struct world *w);
/* All that the table shows, by each flag and both ways, and all its figures. Brief: by one of the flags,
 * one way, half of the keys that are there, few of those that are not; which depends on how much was
 * written. */
void require_everything(struct world *w);
void drop_handles(struct world *w);
/* The model of an emptied table. */
void forget_everything(struct world *w);
/* Seals the table, looks at all of it, and goes on with a fresh one.  Handles must have been dropped. */
void rotate(struct world *w);

/* ---- families (families.c) ---- */

extern const struct family families[];
extern const size_t family_count;

unsigned char *add_key(struct world *w, const void *data, size_t size);
/* Sorts the keys, each of which then is there once. */
void sort_universe(struct world *w);
void make_universe(struct world *w, size_t keys);

#endif
