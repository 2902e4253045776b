/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/*
 * The operations of the workloads.  Each body is its step in a loop; the compiler puts the step into the
 * loop, so that a peer's function is called directly.  The clock is read around each operation only when
 * latencies are asked for, never when the whole is timed.
 */
#include "bench.h"

#include <string.h>

#define BATCH 100u
#define SNAPSHOT_READS 100u
#define INLINE static inline __attribute__((always_inline))

/* Does the operation that begins at record i and returns how many records it took. */
typedef size_t (*step_fn)(job *j, size_t i);

INLINE void drive_latency(job *j, step_fn step)
{
    for (size_t i = j->from; i < j->to;) {
        uint64_t before = ticks(), spent;
        size_t taken = step(j, i);
        spent = ticks() - before;
        if (j->latency_count < j->latency_capacity)
            j->latency[j->latency_count++] = spent < UINT32_MAX ? (uint32_t)spent : UINT32_MAX;
        i += taken;
        j->ops += taken;
    }
}

INLINE void drive(job *j, step_fn step)
{
    do {
        if (j->latency != NULL) {
            drive_latency(j, step);
        } else {
            for (size_t i = j->from; i < j->to;) {
                size_t taken = step(j, i);
                i += taken;
                j->ops += taken;
                if (j->stop != NULL && atomic_load_explicit(j->stop, memory_order_relaxed))
                    return;
            }
        }
    } while (j->stop != NULL && !atomic_load_explicit(j->stop, memory_order_relaxed));
}

INLINE peer_bytes key_of(const key_record *r)
{
    peer_bytes key = {r + 1, r->size};
    return key;
}

INLINE peer_bytes value_of(const job *j, unsigned tag)
{
    return j->b->values[tag % TAGS];
}

INLINE size_t step_put(job *j, size_t i)
{
    const key_record *r = key_at(&j->keys, i);
    peer_put(j->worker, key_of(r), value_of(j, r->tag));
    return 1;
}

INLINE size_t step_overwrite(job *j, size_t i)
{
    const key_record *r = key_at(&j->keys, i);
    peer_put(j->worker, key_of(r), value_of(j, r->tag + 1u));
    return 1;
}

INLINE size_t step_delete(job *j, size_t i)
{
    peer_delete(j->worker, key_of(key_at(&j->keys, i)));
    return 1;
}

INLINE size_t step_batch(job *j, size_t i)
{
    peer_bytes keys[BATCH], values[BATCH];
    size_t n = j->to - i < BATCH ? j->to - i : BATCH;
    for (size_t k = 0; k < n; k++) {
        const key_record *r = key_at(&j->keys, i + k);
        keys[k] = key_of(r);
        values[k] = value_of(j, r->tag);
    }
    peer_batch(j->worker, n, keys, values);
    return n;
}

INLINE size_t step_get(job *j, size_t i)
{
    peer_bytes value;
    if (peer_get(j->worker, key_of(key_at(&j->keys, i)), &value)) {
        j->hits++;
        j->sum += peer_first_byte(value.data, value.size);
    }
    return 1;
}

/* The next key is known when the last value is: the sum of the bytes never has its highest bit, which neither the
 * compiler nor the processor can know. */
INLINE size_t step_get_dependent(job *j, size_t i)
{
    return step_get(j, i + (size_t)(j->sum >> 63));
}

INLINE size_t get_group(job *j, size_t i, size_t group)
{
    peer_bytes keys[64], values[64];
    size_t n = j->to - i < group ? j->to - i : group;
    for (size_t k = 0; k < n; k++)
        keys[k] = key_of(key_at(&j->keys, i + k));
    j->hits += peer_get_many(j->worker, n, keys, values);
    for (size_t k = 0; k < n; k++)
        if (values[k].data != NULL)
            j->sum += peer_first_byte(values[k].data, values[k].size);
    return n;
}

INLINE size_t step_get_16(job *j, size_t i)
{
    return get_group(j, i, 16);
}

INLINE size_t step_get_64(job *j, size_t i)
{
    return get_group(j, i, 64);
}

/* A seek and as many entries after it; those found are counted. */
INLINE size_t seek(job *j, size_t i, size_t limit)
{
    peer_bytes key = key_of(key_at(&j->keys, i));
    j->hits += peer_scan(j->worker, &key, limit, 0, &j->sum);
    return 1;
}

INLINE size_t step_seek_10(job *j, size_t i)
{
    return seek(j, i, 10);
}

INLINE size_t step_seek_100(job *j, size_t i)
{
    return seek(j, i, 100);
}

static void modify(job *j, peer_bytes key, unsigned tag)
{
    unsigned char changed[4096];
    peer_bytes value;
    size_t n;
    if (!peer_get(j->worker, key, &value))
        return;
    j->hits++;
    n = value.size < sizeof changed ? value.size : sizeof changed;
    if (n != 0) {
        memcpy(changed, value.data, n);
        changed[n - 1] ^= (unsigned char)tag;
    }
    peer_put(j->worker, key, (peer_bytes){changed, n});
}

INLINE size_t step_ycsb(job *j, size_t i)
{
    const key_record *r = key_at(&j->keys, i);
    peer_bytes key = key_of(r);
    switch (r->op) {
    case OP_READ:
        return step_get(j, i);
    case OP_UPDATE:
        return step_overwrite(j, i);
    case OP_INSERT:
        return step_put(j, i);
    case OP_SCAN:
        peer_refresh(j->worker);
        j->hits += peer_scan(j->worker, &key, r->length, 0, &j->sum);
        return 1;
    default:
        modify(j, key, r->tag);
        return 1;
    }
}

/* Takes a snapshot, reads through it, drops it. */
INLINE size_t step_snapshot(job *j, size_t i)
{
    size_t n = j->to - i < SNAPSHOT_READS ? j->to - i : SNAPSHOT_READS;
    void *snapshot = peer_snapshot_new(j->worker);
    for (size_t k = 0; k < n; k++) {
        peer_bytes value;
        if (peer_snapshot_get(j->worker, snapshot, key_of(key_at(&j->keys, i + k)), &value)) {
            j->hits++;
            j->sum += peer_first_byte(value.data, value.size);
        }
    }
    peer_snapshot_free(j->worker, snapshot);
    return n;
}

/* One key again and again. */
INLINE size_t step_hot_put(job *j, size_t i)
{
    peer_put(j->worker, key_of(key_at(&j->keys, 0)), value_of(j, (unsigned)(i % TAGS)));
    return 1;
}

INLINE size_t step_hot_get(job *j, size_t i)
{
    (void)i;
    step_get(j, 0);
    return 1;
}

void body_put(job *j)
{
    drive(j, step_put);
}

void body_batch(job *j)
{
    drive(j, step_batch);
}

void body_overwrite(job *j)
{
    drive(j, step_overwrite);
}

void body_delete(job *j)
{
    drive(j, step_delete);
}

void body_get(job *j)
{
    drive(j, step_get);
}

void body_get_dependent(job *j)
{
    drive(j, step_get_dependent);
}

void body_get_16(job *j)
{
    drive(j, step_get_16);
}

void body_get_64(job *j)
{
    drive(j, step_get_64);
}

void body_seek_10(job *j)
{
    drive(j, step_seek_10);
}

void body_seek_100(job *j)
{
    drive(j, step_seek_100);
}

void body_ycsb(job *j)
{
    drive(j, step_ycsb);
}

void body_snapshot(job *j)
{
    drive(j, step_snapshot);
}

void body_hot_put(job *j)
{
    drive(j, step_hot_put);
}

void body_hot_get(job *j)
{
    drive(j, step_hot_get);
}

/* One pass over the table; an operation is an entry. */
void body_scan_forward(job *j)
{
    j->ops = j->hits = peer_scan(j->worker, NULL, SIZE_MAX, 0, &j->sum);
}

void body_scan_backward(job *j)
{
    j->ops = j->hits = peer_scan(j->worker, NULL, j->to, 1, &j->sum);
}

void body_flush(job *j)
{
    j->ops = j->hits = peer_flush(j->worker, &j->sum);
}
