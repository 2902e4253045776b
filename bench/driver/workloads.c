/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/* The workloads by their names, what each starts from, and how its figures are written down. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOT_VERSIONS 100000u
#define HOT_OTHERS 100000u

enum state {
    EMPTY,  /* a fresh table */
    LOADED, /* all keys, once each */
    AS_IS   /* what the workload before has left */
};

typedef struct {
    const char *name;
    void (*body)(job *);
    enum section_id section;
    enum state needs;
    int keeps;             /* leaves a loaded table loaded */
    size_t divisor;        /* this many times fewer operations than the others */
    unsigned features;     /* of the peer */
    void (*beside)(job *); /* another thread's work until the others have ended */
} workload;

#define READS .needs = LOADED, .keeps = 1

static const workload workloads[] = {
    {"fillrandom", body_put, SECTION_WRITTEN, EMPTY, 1, 0, 0, NULL},
    {"fillseq", body_put, SECTION_ASCENDING, EMPTY, 0, 0, 0, NULL},
    {"fillbatch", body_batch, SECTION_WRITTEN, EMPTY, 0, 0, 0, NULL},
    {"readrandom", body_get, SECTION_ASKED, READS, .divisor = 1},
    {"readdependent", body_get_dependent, SECTION_ASKED, READS, .divisor = 1},
    {"readmissing", body_get, SECTION_MISSING, READS, .divisor = 1},
    {"multireadrandom16", body_get_16, SECTION_ASKED, READS, .divisor = 1},
    {"multireadrandom64", body_get_64, SECTION_ASKED, READS, .divisor = 1},
    {"seekrandom10", body_seek_10, SECTION_ASKED, READS, .divisor = 5, .features = PEER_SEEK},
    {"seekrandom100", body_seek_100, SECTION_ASKED, READS, .divisor = 20, .features = PEER_SEEK},
    {"readseq", body_scan_forward, SECTION_ASKED, READS, .divisor = 1},
    {"readreverse", body_scan_backward, SECTION_ASKED, READS, .divisor = 1,
     .features = PEER_REVERSE},
    {"overwrite", body_overwrite, SECTION_OVERWRITE, LOADED, 0, 1, PEER_OVERWRITE, NULL},
    {"overwritezipf", body_overwrite, SECTION_ZIPFIAN, LOADED, 0, 1, PEER_OVERWRITE, NULL},
    {"deleterandom", body_delete, SECTION_ASKED, LOADED, 0, 1, PEER_OVERWRITE, NULL},
    {"ycsba", body_ycsb, SECTION_YCSB_A, LOADED, 0, 1, PEER_OVERWRITE, NULL},
    {"ycsbb", body_ycsb, SECTION_YCSB_B, LOADED, 0, 1, PEER_OVERWRITE, NULL},
    {"ycsbc", body_ycsb, SECTION_YCSB_C, READS, .divisor = 1},
    {"ycsbd", body_ycsb, SECTION_YCSB_D, LOADED, 0, 1, 0, NULL},
    {"ycsbe", body_ycsb, SECTION_YCSB_E, LOADED, 0, 5, PEER_SEEK, NULL},
    {"ycsbf", body_ycsb, SECTION_YCSB_F, LOADED, 0, 1, PEER_OVERWRITE, NULL},
    {"readwhilewriting", body_get, SECTION_ASKED, LOADED, 0, 1, PEER_OVERWRITE, body_overwrite},
    {"snapshot", body_snapshot, SECTION_ASKED, LOADED, 0, 1, PEER_OVERWRITE | PEER_SNAPSHOT,
     body_overwrite},
    {"flush", body_flush, SECTION_ASKED, AS_IS, 0, 1, 0, NULL},
    {"walk4k", body_walk_4k, SECTION_ASKED, AS_IS, 0, 1, PEER_LIMITS, NULL},
    {"walkhuge", body_walk_huge, SECTION_ASKED, AS_IS, 0, 1, PEER_LIMITS, NULL},
    {"hotkeyput", body_hot_put, SECTION_WRITTEN, AS_IS, 0, 1, PEER_OVERWRITE, NULL},
    {"hotkeyget", body_hot_get, SECTION_WRITTEN, AS_IS, 0, 1, PEER_OVERWRITE, NULL},
    {"hotkeyothers", body_get, SECTION_WRITTEN, AS_IS, 0, 1, PEER_OVERWRITE, NULL},
};

static const workload *find_workload(const char *name)
{
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
        if (strcmp(workloads[i].name, name) == 0)
            return &workloads[i];
    fail("unknown workload: %s", name);
}

/* ---------------------------------------------------------------------------------------------- */
/* Figures */

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The smallest latency that a share of them does not exceed. */
static double percentile(const uint32_t *sorted, size_t n, double share)
{
    size_t rank = (size_t)(share * (double)n);
    if ((double)rank < share * (double)n)
        rank++;
    return (double)sorted[rank == 0 ? 0 : rank - 1] * tick_ns();
}

static void print_latencies(job *jobs, unsigned count)
{
    uint32_t *all;
    size_t n = 0, at = 0;
    for (unsigned i = 0; i < count; i++)
        n += jobs[i].latency_count;
    if (n == 0)
        return;
    all = malloc(n * sizeof *all);
    if (all == NULL)
        fail("no memory");
    for (unsigned i = 0; i < count; i++) {
        memcpy(all + at, jobs[i].latency, jobs[i].latency_count * sizeof *all);
        at += jobs[i].latency_count;
    }
    qsort(all, n, sizeof *all, by_size);
    printf(", \"p50_ns\": %.0f, \"p99_ns\": %.0f, \"p999_ns\": %.0f", percentile(all, n, 0.5),
           percentile(all, n, 0.99), percentile(all, n, 0.999));
    free(all);
}

/* One object: what the threads that do the same have taken, wall time from first start to last end. */
static void print_figure(const char *name, const char *part, job *jobs, unsigned count)
{
    double cpu = 0, begin = jobs[0].begin, end = jobs[0].end;
    uint64_t ops = 0, hits = 0;
    for (unsigned i = 0; i < count; i++) {
        ops += jobs[i].ops;
        hits += jobs[i].hits;
        cpu += jobs[i].cpu;
        begin = jobs[i].begin < begin ? jobs[i].begin : begin;
        end = jobs[i].end > end ? jobs[i].end : end;
    }
    printf("{\"workload\": \"%s%s\", \"threads\": %u, \"ops\": %llu, \"hits\": %llu, "
           "\"cpu_ns\": %.3f, \"wall_ns\": %.3f",
           name, part, count, (unsigned long long)ops, (unsigned long long)hits,
           cpu * 1e9 / (double)(ops != 0 ? ops : 1),
           (end - begin) * 1e9 / (double)(ops != 0 ? ops : 1));
    print_latencies(jobs, count);
}

/* ---------------------------------------------------------------------------------------------- */
/* Right answers */

static uint64_t first_byte_of(const bench *b, const key_record *r)
{
    return b->value_size != 0 ? 'a' + (uint64_t)r->tag : 0;
}

/* What the workloads that read a loaded table must have found. */
static void verify(const bench *b, const workload *w, const job *jobs, unsigned count)
{
    key_section all = keyfile_section_of(b->file, SECTION_WRITTEN);
    int pass = w->body == body_scan_forward || w->body == body_scan_backward;
    for (unsigned k = 0; k < count; k++) {
        const job *j = &jobs[k];
        uint64_t sum = 0, hits = w->section == SECTION_MISSING ? 0 : j->to - j->from;
        if (w->section == SECTION_MISSING) {
            sum = 0;
        } else if (pass && j->to < all.count) {
            continue; /* a part of the table: check.c has seen that it is the right one */
        } else if (pass) {
            hits = all.count;
            for (size_t i = 0; i < all.count; i++) {
                const key_record *r = key_at(&all, i);
                sum += first_byte_of(b, r) + *(const unsigned char *)(r + 1);
            }
        } else {
            for (size_t i = j->from; i < j->to; i++)
                sum += first_byte_of(b, key_at(&j->keys, i));
        }
        if (j->hits != hits || j->sum != sum)
            fail("%s: wrong answers: %llu found, %llu expected; sums %llu and %llu", w->name,
                 (unsigned long long)j->hits, (unsigned long long)hits, (unsigned long long)j->sum,
                 (unsigned long long)sum);
    }
}

static int can_verify(const workload *w)
{
    return w->needs == LOADED && w->keeps && w->body != body_seek_10 && w->body != body_seek_100;
}

/* ---------------------------------------------------------------------------------------------- */

/* Runs a part of what comes before a workload, untimed. */
static void prepare_with(bench *b, void (*body)(job *), enum section_id section, size_t n)
{
    job j = {.body = body, .keys = keyfile_section_of(b->file, section)};
    int latency = b->latency;
    j.to = j.keys.count < n ? j.keys.count : n;
    b->latency = 0;
    run_jobs(b, &j, 1);
    b->latency = latency;
    b->loaded = 0;
}

static void prepare(bench *b, const workload *w, unsigned threads)
{
    unsigned writers = w->keeps || w->beside != NULL ? 1 : threads;
    if (w->needs == EMPTY)
        new_table(b, threads);
    else if (w->needs == LOADED && (!b->loaded || b->writers < writers))
        load_table(b, writers);
    if (w->body == body_flush) { /* every fourth version is not the newest of its key */
        load_table(b, 1);
        if (peer_about.features & PEER_OVERWRITE)
            prepare_with(b, body_overwrite, SECTION_OVERWRITE, b->file->entries / 4);
    }
    if (w->body == body_hot_put) {
        new_table(b, 1);
        prepare_with(b, body_put, SECTION_WRITTEN, HOT_OTHERS);
    }
    if (b->table == NULL && (w->features & PEER_LIMITS))
        new_table(b, 1);
    if (b->table == NULL)
        fail("%s follows hotkeyput", w->name);
}

/* Operations of a workload: what its section has, at most what was asked for. */
static size_t operations(const bench *b, const workload *w, size_t available)
{
    size_t n = available;
    if (w->body == body_hot_put || w->body == body_hot_get)
        return HOT_VERSIONS;
    if (w->body == body_get && w->section == SECTION_WRITTEN)
        return available < HOT_OTHERS ? available : HOT_OTHERS;
    if (w->divisor != 0 && n > b->ops)
        n = b->ops;
    if (w->divisor > 1)
        n /= w->divisor;
    return n != 0 ? n : 1;
}

/* What n writes may take: entries of the average size, and what peers add to them. */
static size_t memory_for(const bench *b, size_t n)
{
    size_t each = b->file->key_bytes / b->file->entries + b->value_size + 128;
    return n * each + ((size_t)64 << 20);
}

static void divide(const bench *b, const workload *w, job *jobs, unsigned threads)
{
    key_section keys = keyfile_section_of(b->file, w->section);
    size_t n = operations(b, w, keys.count);
    for (unsigned i = 0; i < threads; i++)
        jobs[i] = (job){
            .body = w->body, .keys = keys, .from = n * i / threads, .to = n * (i + 1) / threads};
}

/*
 * Workloads with a thread beside them: it begins with the others and ends when they have.  The jobs run
 * through a small body of their own, which counts those that are done.
 */
typedef struct {
    atomic_uint left;
    atomic_int stop;
    void (*body)(job *);
} crew;

static crew present;

static void body_of_crew(job *j)
{
    present.body(j);
    if (atomic_fetch_sub(&present.left, 1) == 1)
        atomic_store(&present.stop, 1);
}

static void run_beside(bench *b, const workload *w, job *jobs, unsigned threads)
{
    present.body = w->body;
    atomic_store(&present.left, threads);
    atomic_store(&present.stop, 0);
    for (unsigned i = 0; i < threads; i++)
        jobs[i].body = body_of_crew;
    jobs[threads] = (job){.body = w->beside,
                          .keys = keyfile_section_of(b->file, SECTION_OVERWRITE),
                          .stop = &present.stop};
    jobs[threads].to = jobs[threads].keys.count;
    run_jobs(b, jobs, threads + 1);
}

static void free_latencies(job *jobs, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        free(jobs[i].latency);
}

static void report(bench *b, const workload *w, job *jobs, unsigned threads)
{
    printf("[");
    if (w->beside == NULL) {
        print_figure(w->name, "", jobs, threads);
    } else {
        print_figure(w->name, ".read", jobs, threads);
        printf("}, ");
        print_figure(w->name, ".write", jobs + threads, 1);
    }
    if (w->needs == EMPTY)
        printf(", \"table_bytes\": %zu, \"resident_bytes\": %zu, \"data_bytes\": %llu",
               table_bytes(b), resident_bytes() - b->resident,
               (unsigned long long)(b->file->key_bytes + b->file->entries * b->value_size));
    printf("}]\n");
}

void run_workload(bench *b, const char *name, unsigned threads)
{
    const workload *w = find_workload(name);
    job jobs[257];
    int writes = w->needs == EMPTY || !w->keeps;
    if (threads < 1 || threads > 256)
        fail("%s: %u threads", name, threads);
    if ((w->features & ~peer_about.features) != 0 ||
        (threads > 1 && writes && !(peer_about.features & PEER_THREADS)) ||
        (b->value_size == 0 && !(peer_about.features & PEER_EMPTY_VALUES))) {
        printf("[{\"workload\": \"%s\", \"threads\": %u, \"unsupported\": true}]\n", name, threads);
        return;
    }
    prepare(b, w, threads);
    divide(b, w, jobs, threads);
    if (writes)
        warm_memory(memory_for(b, jobs[threads - 1].to));
    if (w->beside != NULL)
        run_beside(b, w, jobs, threads);
    else
        run_jobs(b, jobs, threads);
    if (can_verify(w))
        verify(b, w, jobs, threads);
    report(b, w, jobs, threads);
    free_latencies(jobs, threads + (w->beside != NULL));
    if (w->needs == EMPTY)
        b->loaded = w->keeps && threads == 1; /* several threads lay a table out otherwise */
    else if (!w->keeps)
        b->loaded = 0;
    if (w->needs == EMPTY && b->loaded)
        peer_settle(b->table);
}
