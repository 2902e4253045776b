/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/* What the files of the driver share. */
#ifndef FSB_BENCH_H
#define FSB_BENCH_H

#include "keyfile.h"
#include "peer.h"

#include <stdatomic.h>

/* Ends the program with a message. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn, cold));

typedef struct bench bench;
typedef struct job job;

/* One thread's part of a workload. */
struct job {
    void (*body)(job *);
    const bench *b;
    peer_worker *worker;
    key_section keys;
    size_t from, to;  /* records of keys */
    unsigned index;   /* of its worker */
    atomic_int *stop; /* if not NULL: goes round and round until it is set */
    uint64_t ops, hits, sum;
    uint32_t *latency; /* ticks of each operation, or NULL: only the whole is timed */
    size_t latency_count, latency_capacity;
    double cpu, begin, end; /* seconds */
};

/* A process of the benchmark: one table at a time. */
struct bench {
    const keyfile_header *file;
    size_t value_size, ops; /* ops: operations of a workload at most */
    peer_bytes values[TAGS];
    peer_table *table;
    unsigned writers; /* at once, that the table was made for */
    int loaded;       /* the table holds SECTION_WRITTEN, each key once, and nothing else */
    uint64_t written; /* into the present table */
    size_t resident;  /* bytes of the process before the table was made */
    int latency;
};

/* bench.c */
double wall_seconds(void);
double thread_cpu_seconds(void);
uint64_t ticks(void);
double tick_ns(void);
size_t resident_bytes(void);
void warm_memory(size_t bytes);
void new_table(bench *b, unsigned writers);
void drop_table(bench *b);
void load_table(bench *b, unsigned writers);
size_t table_bytes(const bench *b);
/* Runs the jobs at once, each in a thread of its own; a single one in the caller's. */
void run_jobs(bench *b, job *jobs, unsigned count);

/* steps.c: bodies of jobs */
void body_put(job *j);
void body_batch(job *j);
void body_overwrite(job *j);
void body_delete(job *j);
void body_get(job *j);
void body_get_dependent(job *j);
void body_get_16(job *j);
void body_get_64(job *j);
void body_seek_10(job *j);
void body_seek_100(job *j);
void body_scan_forward(job *j);
void body_scan_backward(job *j);
void body_ycsb(job *j);
void body_snapshot(job *j);
void body_flush(job *j);
void body_hot_put(job *j);
void body_hot_get(job *j);

/* walk.c: a body, too */
void body_walk_4k(job *j);
void body_walk_huge(job *j);

/* workloads.c: prints one line of JSON, an array of figures */
void run_workload(bench *b, const char *name, unsigned threads);

/* check.c: prints one line of JSON, or ends the program with a message */
void check_peer(bench *b);

#endif
