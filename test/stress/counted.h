/*
 * counted.h - how much a stress test has done: every call of the library is counted by its kind.
 *
 * The counts are of the thread, and are added to those of the program when the thread ends. Refused calls
 * count too, but for seals: those are tables that were sealed.
 */
#ifndef STRESS_COUNTED_H
#define STRESS_COUNTED_H

#include <stddef.h>
#include <stdint.h>

#include "fastskip.h"

typedef struct {
    uint64_t writes;    /* records written, singly or in batches */
    uint64_t reads;     /* keys looked up */
    uint64_t steps;     /* of iterators: seeks, and entries moved to */
    uint64_t snapshots; /* taken, by name or by an iterator without one */
    uint64_t seals;
} stress_counts;

extern _Thread_local stress_counts stress_counted;

/* Adds the thread's counts to the program's. */
void stress_counts_add(void);

/* 1 if so much was done as the environment asks for. */
int stress_counts_suffice(void);

void stress_counts_print(const char *name, unsigned rounds, double seconds);

static inline fastskip_status stress_counted_seal(fastskip_status status)
{
    stress_counted.seals += status == FASTSKIP_OK;
    return status;
}

#define STRESS_COUNT(what, n, call) (stress_counted.what += (n), (call))

/* A name in parentheses is the function, not the macro. */
#define fastskip_put(...) STRESS_COUNT(writes, 1, (fastskip_put)(__VA_ARGS__))
#define fastskip_put_kind(...) STRESS_COUNT(writes, 1, (fastskip_put_kind)(__VA_ARGS__))
#define fastskip_put_at(...) STRESS_COUNT(writes, 1, (fastskip_put_at)(__VA_ARGS__))
#define fastskip_delete(...) STRESS_COUNT(writes, 1, (fastskip_delete)(__VA_ARGS__))
#define fastskip_insert(...) STRESS_COUNT(writes, 1, (fastskip_insert)(__VA_ARGS__))
#define fastskip_get_or_insert(...) STRESS_COUNT(writes, 1, (fastskip_get_or_insert)(__VA_ARGS__))
#define fastskip_write(table, batch)                                                               \
    STRESS_COUNT(writes, fastskip_batch_count(batch), (fastskip_write)((table), (batch)))
#define fastskip_get(...) STRESS_COUNT(reads, 1, (fastskip_get)(__VA_ARGS__))
#define fastskip_get_raw(...) STRESS_COUNT(reads, 1, (fastskip_get_raw)(__VA_ARGS__))
#define fastskip_get_at(...) STRESS_COUNT(reads, 1, (fastskip_get_at)(__VA_ARGS__))
#define fastskip_contains(...) STRESS_COUNT(reads, 1, (fastskip_contains)(__VA_ARGS__))
#define fastskip_get_many(table, snapshot, n, ...)                                                 \
    STRESS_COUNT(reads, (n), (fastskip_get_many)((table), (snapshot), (n), __VA_ARGS__))
#define fastskip_iterator_new(table, snapshot, ...)                                                \
    STRESS_COUNT(snapshots, (snapshot) == NULL,                                                    \
                 (fastskip_iterator_new)((table), (snapshot), __VA_ARGS__))
#define fastskip_iterator_seek_first(it) STRESS_COUNT(steps, 1, (fastskip_iterator_seek_first)(it))
#define fastskip_iterator_seek_last(it) STRESS_COUNT(steps, 1, (fastskip_iterator_seek_last)(it))
#define fastskip_iterator_seek(...) STRESS_COUNT(steps, 1, (fastskip_iterator_seek)(__VA_ARGS__))
#define fastskip_iterator_seek_for_prev(...)                                                       \
    STRESS_COUNT(steps, 1, (fastskip_iterator_seek_for_prev)(__VA_ARGS__))
#define fastskip_iterator_next(it) STRESS_COUNT(steps, 1, (fastskip_iterator_next)(it))
#define fastskip_iterator_prev(it) STRESS_COUNT(steps, 1, (fastskip_iterator_prev)(it))
#define fastskip_iterator_next_many(it, entries, capacity, count)                                  \
    STRESS_COUNT(steps, (capacity),                                                                \
                 (fastskip_iterator_next_many)((it), (entries), (capacity), (count)))
#define fastskip_snapshot_new(...) STRESS_COUNT(snapshots, 1, (fastskip_snapshot_new)(__VA_ARGS__))
#define fastskip_table_seal(table) stress_counted_seal((fastskip_table_seal)(table))
#define fastskip_table_rotate(...) stress_counted_seal((fastskip_table_rotate)(__VA_ARGS__))

#endif
