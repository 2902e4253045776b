/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * shim.h - what the Go package calls where fastskip.h itself does not suit cgo.
 *
 * Keys and values are `const uint8_t *`: cgo then knows without looking that nothing behind them is a
 * pointer, where it would have to search the memory behind a `const void *`.  Handles are numbers: cgo looks
 * behind pointers to types that it does not know, and allocates memory for that.  Results come by value: an
 * out-parameter would be a Go variable that escapes to the heap.  And entries are fsgo_view, whose addresses
 * are numbers: Go may then keep them in its own memory, which the garbage collector and cgo's checks need
 * not search.
 */
#ifndef FSGO_SHIM_H
#define FSGO_SHIM_H

#include <fastskip.h>

typedef uintptr_t fsgo_table;
typedef uintptr_t fsgo_snapshot;
typedef uintptr_t fsgo_batch;
typedef uintptr_t fsgo_iterator;

/* fastskip_entry, field by field, with the status of the read in place of `reserved`. */
typedef struct fsgo_view {
    uintptr_t key;
    size_t key_size;
    uintptr_t value;
    size_t value_size;
    uint64_t sequence;
    uint32_t kind;
    int32_t status;
} fsgo_view;

typedef struct fsgo_insertion {
    fsgo_view view;
    int32_t inserted;
} fsgo_insertion;

typedef struct fsgo_number {
    uint64_t number;
    int32_t status;
} fsgo_number;

typedef struct fsgo_count {
    size_t count;
    int32_t status;
} fsgo_count;

/* Options: ctx is a number that Go looks its callbacks up with. */
fastskip_status fsgo_set_comparator(fastskip_options *o, int abbreviates, uintptr_t ctx,
                                    const char *name);
fastskip_status fsgo_set_allocator(fastskip_options *o, uintptr_t ctx);

/* Writing. */
fastskip_status fsgo_put(fsgo_table t, const uint8_t *key, size_t key_size, const uint8_t *value,
                         size_t value_size);
fastskip_status fsgo_delete(fsgo_table t, const uint8_t *key, size_t key_size);
fastskip_status fsgo_insert(fsgo_table t, const uint8_t *key, size_t key_size, const uint8_t *value,
                            size_t value_size);
fsgo_insertion fsgo_get_or_insert(fsgo_table t, const uint8_t *key, size_t key_size,
                                  const uint8_t *value, size_t value_size);
fastskip_status fsgo_put_at(fsgo_table t, uint64_t sequence, uint32_t kind, const uint8_t *key,
                            size_t key_size, const uint8_t *value, size_t value_size);
fastskip_status fsgo_put_kind(fsgo_table t, uint32_t kind, const uint8_t *key, size_t key_size,
                              const uint8_t *value, size_t value_size);

fastskip_status fsgo_write(fsgo_table t, fsgo_batch b);

fastskip_status fsgo_batch_put(fsgo_batch b, const uint8_t *key, size_t key_size,
                               const uint8_t *value, size_t value_size);
fastskip_status fsgo_batch_delete(fsgo_batch b, const uint8_t *key, size_t key_size);
fastskip_status fsgo_batch_put_kind(fsgo_batch b, uint32_t kind, const uint8_t *key,
                                    size_t key_size, const uint8_t *value, size_t value_size);
fastskip_status fsgo_batch_put_at(fsgo_batch b, uint64_t sequence, uint32_t kind,
                                  const uint8_t *key, size_t key_size, const uint8_t *value,
                                  size_t value_size);

size_t fsgo_batch_count(fsgo_batch b);
fastskip_status fsgo_batch_clear(fsgo_batch b);

/* Reading. */
fsgo_view fsgo_get(fsgo_table t, fsgo_snapshot s, const uint8_t *key, size_t key_size);
fsgo_view fsgo_get_raw(fsgo_table t, fsgo_snapshot s, const uint8_t *key, size_t key_size);
fsgo_view fsgo_get_at(fsgo_table t, uint64_t sequence, const uint8_t *key, size_t key_size);
fastskip_status fsgo_contains(fsgo_table t, fsgo_snapshot s, const uint8_t *key, size_t key_size);
/* n keys, one after the other in `packed`, with these sizes; n views. */
fastskip_status fsgo_get_many(fsgo_table t, fsgo_snapshot s, size_t n, const uint8_t *packed,
                              const size_t *sizes, fsgo_view *views);

/* Iterating. */
fastskip_status fsgo_set_bounds(fsgo_iterator it, const uint8_t *lower, size_t lower_size,
                                const uint8_t *upper, size_t upper_size);

/* Where fsgo_fill starts to read. */
enum fsgo_from {
    FSGO_HERE = 0,  /* where the iterator stands */
    FSGO_FIRST = 1, /* at the first entry */
    FSGO_LAST = 2,  /* at the last */
    FSGO_GE = 3,    /* at the first not before key */
    FSGO_LE = 4,    /* at the last not after key */
    FSGO_BEYOND = 5 /* beyond the entry `mark`, whose key is key, in the direction of reading */
};

/* Reads up to capacity entries in ascending order, or in descending order if `backward` is not 0, and
 * leaves the iterator on the one after them. */
fsgo_count fsgo_fill(fsgo_iterator it, int from, int backward, const uint8_t *key, size_t key_size,
                     const fsgo_view *mark, fsgo_view *views, size_t capacity);

/* Asking. */
int32_t fsgo_is_sealed(fsgo_table t);
int32_t fsgo_under_backpressure(fsgo_table t);
uint64_t fsgo_snapshot_sequence(fsgo_snapshot s);
fsgo_number fsgo_stat(fsgo_table t, uint32_t id);
fsgo_number fsgo_approximate_count(fsgo_table t, const uint8_t *lower, size_t lower_size,
                                   const uint8_t *upper, size_t upper_size);

#endif
