/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/* Clocks, tables and threads of the driver, and its loop of commands. */
#define _GNU_SOURCE
#include "bench.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#define LATENCIES ((size_t)1 << 20)
#define THREADS_MOST 256u

void fail(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "%s: ", peer_about.name);
    vfprintf(stderr, format, list);
    fputc('\n', stderr);
    va_end(list);
    exit(EXIT_FAILURE);
}

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

double wall_seconds(void)
{
    return seconds(CLOCK_MONOTONIC);
}

double thread_cpu_seconds(void)
{
    return seconds(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t ticks(void)
{
#if defined(__x86_64__)
    unsigned processor;
    return __rdtscp(&processor);
#else
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
#endif
}

/* Nanoseconds of one tick, measured over 50 ms of work. */
double tick_ns(void)
{
    static double known;
    if (known == 0) {
        double start = wall_seconds(), now = start;
        uint64_t first = ticks();
        while (now < start + 0.05)
            now = wall_seconds();
        known = (now - start) * 1e9 / (double)(ticks() - first);
    }
    return known;
}

size_t resident_bytes(void)
{
    unsigned long size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL || fscanf(f, "%lu %lu", &size, &pages) != 2)
        pages = 0;
    if (f != NULL)
        fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/*
 * A virtual machine may have given free memory back to its host, who takes milliseconds for 2 MiB when they
 * are touched again: many times what any table does with them.  So as much as a workload is to take is
 * touched before it is timed, and let go; for each peer, whatever it takes its memory by.
 */
void warm_memory(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);
    if (p == MAP_FAILED)
        return;
    madvise(p, bytes, MADV_HUGEPAGE);
    for (size_t i = 0; i < bytes; i += page)
        *(volatile char *)(p + i) = 1;
    munmap(p, bytes);
}

void drop_table(bench *b)
{
    if (b->table != NULL)
        peer_free(b->table);
    b->table = NULL;
    b->loaded = 0;
    b->written = 0;
}

void new_table(bench *b, unsigned writers)
{
    drop_table(b);
    b->resident = resident_bytes();
    b->writers = writers;
    b->table = peer_new(b->file->key_bytes + b->file->entries * b->value_size, writers);
}

/* Makes a table and fills it with all keys in random order, untimed, in one thread. */
void load_table(bench *b, unsigned writers)
{
    job j = {.body = body_put, .keys = keyfile_section_of(b->file, SECTION_WRITTEN)};
    int latency = b->latency;
    j.to = j.keys.count;
    b->latency = 0;
    new_table(b, writers);
    run_jobs(b, &j, 1);
    b->latency = latency;
    b->loaded = 1;
    peer_settle(b->table);
}

size_t table_bytes(const bench *b)
{
    size_t own = peer_memory(b->table), now = resident_bytes();
    return own != 0 ? own : now > b->resident ? now - b->resident : 0;
}

typedef struct {
    job *job;
    pthread_barrier_t *ready;
    unsigned count;
    uint64_t first;
} start;

static void *run_job(void *argument)
{
    start *s = argument;
    job *j = s->job;
    j->worker = peer_worker_new(j->b->table, j->index, s->count, s->first);
    if (j->latency_capacity != 0) {
        j->latency = malloc(j->latency_capacity * sizeof *j->latency);
        if (j->latency == NULL)
            fail("no memory");
        memset(j->latency, 0, j->latency_capacity * sizeof *j->latency);
    }
    if (s->count > 1)
        pthread_barrier_wait(s->ready);
    j->begin = wall_seconds();
    j->cpu = thread_cpu_seconds();
    j->body(j);
    j->cpu = thread_cpu_seconds() - j->cpu;
    j->end = wall_seconds();
    peer_worker_free(j->worker);
    return NULL;
}

void run_jobs(bench *b, job *jobs, unsigned count)
{
    pthread_t threads[THREADS_MOST];
    start starts[THREADS_MOST];
    pthread_barrier_t ready;
    if (count > THREADS_MOST || pthread_barrier_init(&ready, NULL, count) != 0)
        fail("%u threads can not be started", count);
    for (unsigned i = 0; i < count; i++) {
        jobs[i].b = b;
        jobs[i].index = i;
        jobs[i].latency_capacity = b->latency ? LATENCIES : 0;
        starts[i] = (start){&jobs[i], &ready, count, b->written};
    }
    if (count == 1)
        run_job(&starts[0]);
    for (unsigned i = 0; i < count && count > 1; i++)
        if (pthread_create(&threads[i], NULL, run_job, &starts[i]) != 0)
            fail("a thread can not be started");
    for (unsigned i = 0; i < count && count > 1; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&ready);
    /* Numbers of writes are dealt out in turn: the busiest thread says which were used. */
    for (unsigned i = 0; i < count; i++)
        if (jobs[i].ops * count > b->written - starts[i].first)
            b->written = starts[i].first + jobs[i].ops * count;
}

/*
 * The values: TAGS of them, told apart by their first byte, few enough to stay in the processor's cache.
 */
static void make_values(bench *b)
{
    for (unsigned tag = 0; tag < TAGS; tag++) {
        char *value = malloc(b->value_size + 1);
        if (value == NULL)
            fail("no memory");
        for (size_t i = 0; i < b->value_size; i++)
            value[i] = (char)('a' + (tag + i) % TAGS);
        b->values[tag] = (peer_bytes){value, b->value_size};
    }
}

/* Commands, one a line: check; run WORKLOAD THREADS; latency WORKLOAD THREADS.  Each answers with a line. */
static void serve(bench *b)
{
    char line[256], name[128];
    unsigned threads;
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strcmp(line, "check\n") == 0) {
            check_peer(b);
        } else if (sscanf(line, "run %127s %u", name, &threads) == 2) {
            b->latency = 0;
            run_workload(b, name, threads);
        } else if (sscanf(line, "latency %127s %u", name, &threads) == 2) {
            b->latency = 1;
            run_workload(b, name, threads);
        } else {
            fail("unknown command: %s", line);
        }
        fflush(stdout);
    }
}

int main(int count, char **arguments)
{
    bench b = {0};
    if (count != 4)
        fail("usage: %s KEYFILE VALUE_BYTES OPERATIONS", arguments[0]);
    b.file = keyfile_map(arguments[1]);
    b.value_size = strtoull(arguments[2], NULL, 10);
    b.ops = strtoull(arguments[3], NULL, 10);
    make_values(&b);
    printf("{\"name\": \"%s\", \"version\": \"%s\", \"note\": \"%s\", \"features\": %u}\n",
           peer_about.name, peer_about.version, peer_about.note, peer_about.features);
    fflush(stdout);
    serve(&b);
    drop_table(&b);
    for (unsigned tag = 0; tag < TAGS; tag++)
        free((void *)(uintptr_t)b.values[tag].data);
    return EXIT_SUCCESS;
}
