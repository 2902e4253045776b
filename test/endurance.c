/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * endurance - a memtable's life for as long as one likes: does anything grow, how long does a writer wait?
 *
 *     endurance [-m MINUTES] [-s SECONDS] [-w WRITERS] [-l MEBIBYTES]
 *
 * Writers put records of 16 + 100 bytes under random keys into the active table, whose memory is limited (-l,
 * default 32 MiB), and rotate it when it is full or nearly so. A flush thread walks over each sealed table,
 * as if to write it to a file, and drops it. There are never more than TABLES of them; a writer who
 * would make one more waits, which is the flush thread's time, not the library's, and is told apart.
 *
 * Nothing may be lost: number and sum of what was acknowledged must be those of what was flushed, and every
 * table must be in order. Nothing may grow: once a second resident memory, mappings and file descriptors
 * are counted. Memory must stay below what TABLES tables may take, and be no more on average in the second
 * half of the run than in the first, give or take a table; when all threads have ended there must be as many
 * mappings and descriptors and as much memory as there were after a short run before. The times of the calls
 * are only stated.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fastskip.h"
#include "times.h"

#define TABLES 4
#define WRITERS_MOST 16
#define KEY 16
#define VALUE 100
#define PROGRAM_KIB (16 * 1024) /* what the program itself may take */
#define REST_KIB (4 * 1024)     /* by which memory may differ from run to run when all has ended */

/* ---- the engine ---- */

typedef struct {
    times put, rotate, pause;
    uint64_t acknowledged, sum;
} writer_log;

static struct {
    fastskip_options *options;
    pthread_mutex_t lock; /* of all tables */
    pthread_cond_t changed;
    fastskip_table *active, *sealed[TABLES];
    unsigned waiting, alive; /* sealed; all that are there */
    atomic_uint generation;
    atomic_int ending, writers;
    uint64_t flushed, flushed_sum, tables; /* by the flush thread */
    writer_log log[WRITERS_MOST];
} engine;

static void fail(const char *what)
{
    fprintf(stderr, "endurance: %s\n", what);
    exit(EXIT_FAILURE);
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static fastskip_table *take_active(unsigned *generation)
{
    fastskip_table *t;
    pthread_mutex_lock(&engine.lock);
    t = engine.active;
    *generation = atomic_load(&engine.generation);
    fastskip_table_ref(t);
    pthread_mutex_unlock(&engine.lock);
    return t;
}

/* Room for one more table is waited for before the time of the rotation begins. */
static void rotate(fastskip_table *full, writer_log *log)
{
    fastskip_table *fresh = NULL;
    fastskip_status status;
    uint64_t start, end;
    pthread_mutex_lock(&engine.lock);
    while (engine.alive == TABLES && engine.active == full)
        pthread_cond_wait(&engine.changed, &engine.lock);
    if (engine.active != full) {
        pthread_mutex_unlock(&engine.lock);
        return;
    }
    engine.alive++;
    pthread_mutex_unlock(&engine.lock);
    start = now();
    status = fastskip_table_rotate(full, &fresh);
    end = now();
    pthread_mutex_lock(&engine.lock);
    if (status == FASTSKIP_OK) {
        times_note(&log->rotate, end - start);
        engine.sealed[engine.waiting++] = full; /* with the reference of the active one */
        engine.active = fresh;
        atomic_fetch_add(&engine.generation, 1);
    } else if (status == FASTSKIP_SEALED) {
        engine.alive--; /* another was first, and will soon say which is the next */
        while (engine.active == full)
            pthread_cond_wait(&engine.changed, &engine.lock);
    } else {
        fail(fastskip_strerror(status));
    }
    pthread_cond_broadcast(&engine.changed);
    pthread_mutex_unlock(&engine.lock);
}

static void *write_on(void *context)
{
    writer_log *log = context;
    uint64_t random = mix((uint64_t)(log - engine.log) + now());
    unsigned generation;
    fastskip_table *t = take_active(&generation);
    while (!atomic_load_explicit(&engine.ending, memory_order_relaxed)) {
        uint64_t key[KEY / 8], value[(VALUE + 7) / 8] = {++random};
        uint64_t begin = now(), start = begin, end;
        fastskip_status status;
        key[0] = mix(random);
        key[1] = random;
        for (;;) {
            if (atomic_load(&engine.generation) != generation) {
                fastskip_table_unref(t);
                t = take_active(&generation);
            }
            start = now();
            status = fastskip_put(t, key, KEY, value, VALUE);
            end = now();
            if (status == FASTSKIP_OK)
                break;
            if (status != FASTSKIP_FULL && status != FASTSKIP_SEALED)
                fail(fastskip_strerror(status));
            rotate(t, log);
        }
        times_note(&log->put, end - start);
        times_note(&log->pause, end - begin);
        log->acknowledged++;
        log->sum += mix(key[0] ^ value[0]);
        if (log->acknowledged % 64 == 0 && fastskip_table_under_backpressure(t))
            rotate(t, log);
    }
    fastskip_table_unref(t);
    atomic_fetch_sub(&engine.writers, 1);
    return NULL;
}

static void flush(fastskip_table *t)
{
    fastskip_iterator *it = NULL;
    fastskip_status status;
    uint64_t last[KEY / 8] = {0}, n = 0, versions;
    if (fastskip_iterator_new(t, NULL, FASTSKIP_ALL_VERSIONS, &it) != FASTSKIP_OK)
        fail("no iterator");
    for (status = fastskip_iterator_seek_first(it); status == FASTSKIP_OK;
         status = fastskip_iterator_next(it), n++) {
        fastskip_entry e;
        uint64_t key[KEY / 8], value;
        fastskip_iterator_entry(it, &e);
        if (e.key_size != KEY || e.value_size != VALUE)
            fail("a record of another size");
        memcpy(key, e.key, KEY);
        memcpy(&value, e.value, sizeof value);
        if (memcmp(last, key, KEY) > 0)
            fail("a table out of order");
        memcpy(last, key, KEY);
        engine.flushed_sum += mix(key[0] ^ value);
    }
    fastskip_iterator_free(it);
    fastskip_table_stat(t, FASTSKIP_STAT_VERSIONS, &versions);
    if (versions != n)
        fail("versions that no iterator shows");
    engine.flushed += n;
    engine.tables++;
}

static void *flush_on(void *context)
{
    (void)context;
    for (;;) {
        fastskip_table *t;
        pthread_mutex_lock(&engine.lock);
        while (engine.waiting == 0 && atomic_load(&engine.writers) != 0) {
            struct timespec until;
            clock_gettime(CLOCK_REALTIME, &until);
            until.tv_sec++;
            pthread_cond_timedwait(&engine.changed, &engine.lock, &until);
        }
        if (engine.waiting == 0) {
            pthread_mutex_unlock(&engine.lock);
            return NULL;
        }
        t = engine.sealed[0];
        pthread_mutex_unlock(&engine.lock);
        flush(t);
        fastskip_table_unref(t);
        pthread_mutex_lock(&engine.lock);
        memmove(engine.sealed, engine.sealed + 1, (TABLES - 1) * sizeof *engine.sealed);
        engine.waiting--;
        engine.alive--;
        pthread_cond_broadcast(&engine.changed);
        pthread_mutex_unlock(&engine.lock);
    }
}

/* ---- what may grow ---- */

typedef struct {
    uint64_t resident; /* KiB */
    unsigned mappings, descriptors;
} usage;

/* Of some seconds: the most of each, and the sum of resident memory. */
typedef struct {
    usage most;
    uint64_t sum, seconds;
} level;

static usage usage_now(void)
{
    usage u = {0, 0, 0};
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    DIR *d;
    if (f == NULL || fscanf(f, "%*u %lu", &pages) != 1)
        fail("no /proc/self/statm");
    fclose(f);
    u.resident = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
    if ((f = fopen("/proc/self/maps", "r")) == NULL)
        fail("no /proc/self/maps");
    for (int c; (c = getc(f)) != EOF;)
        u.mappings += c == '\n';
    fclose(f);
    if ((d = opendir("/proc/self/fd")) == NULL)
        fail("no /proc/self/fd");
    while (readdir(d) != NULL)
        u.descriptors++;
    closedir(d);
    return u;
}

static void level_note(level *l, usage u)
{
    l->sum += u.resident;
    l->seconds++;
    if (u.resident > l->most.resident)
        l->most.resident = u.resident;
    if (u.mappings > l->most.mappings)
        l->most.mappings = u.mappings;
    if (u.descriptors > l->most.descriptors)
        l->most.descriptors = u.descriptors;
}

static uint64_t level_mean(const level *l)
{
    return l->seconds != 0 ? l->sum / l->seconds : 0;
}

/* ---- a run ---- */

static void flush_rest(void)
{
    fastskip_table_seal(engine.active);
    flush(engine.active);
    fastskip_table_unref(engine.active);
}

/* Says in half[] what was used in each half. */
static void run(unsigned seconds, unsigned writers, level *half)
{
    pthread_t thread[WRITERS_MOST + 1];
    memset(engine.log, 0, sizeof engine.log);
    engine.flushed = engine.flushed_sum = engine.tables = 0;
    atomic_store(&engine.ending, 0);
    atomic_store(&engine.writers, (int)writers);
    engine.alive = 1;
    if (fastskip_table_new(engine.options, &engine.active) != FASTSKIP_OK)
        fail("no table");
    for (unsigned i = 0; i < writers; i++)
        if (pthread_create(&thread[i], NULL, write_on, &engine.log[i]) != 0)
            fail("no thread");
    if (pthread_create(&thread[writers], NULL, flush_on, NULL) != 0)
        fail("no thread");
    for (unsigned s = 0; s < seconds; s++) {
        sleep(1);
        level_note(&half[s >= seconds / 2], usage_now());
    }
    atomic_store(&engine.ending, 1);
    for (unsigned i = 0; i <= writers; i++)
        pthread_join(thread[i], NULL);
    flush_rest();
}

static int complain(const char *what)
{
    fprintf(stderr, "endurance: %s\n", what);
    return 0;
}

static int check(unsigned writers, unsigned limit, const level *half, usage before, usage after)
{
    uint64_t acknowledged = 0, sum = 0, table = (uint64_t)limit * 1024,
             most = half[0].most.resident;
    int good = 1;
    for (unsigned i = 0; i < writers; i++) {
        acknowledged += engine.log[i].acknowledged;
        sum += engine.log[i].sum;
    }
    if (half[1].most.resident > most)
        most = half[1].most.resident;
    if (acknowledged != engine.flushed || sum != engine.flushed_sum)
        good = complain("what was acknowledged is not what was flushed");
    if (most > TABLES * table + PROGRAM_KIB)
        good = complain("more memory than the tables may take");
    if (level_mean(&half[1]) > level_mean(&half[0]) + table)
        good = complain("memory grows");
    if (half[1].most.mappings > half[0].most.mappings + 2 * TABLES ||
        half[1].most.descriptors > half[0].most.descriptors)
        good = complain("mappings or file descriptors grow");
    if (after.mappings > before.mappings || after.descriptors > before.descriptors ||
        after.resident > before.resident + REST_KIB)
        good = complain("something is left");
    return good;
}

static void print_times(const char *name, const times *t)
{
    printf("  %-8s %12" PRIu64 "  p50 %.2f  p99 %.1f  p99.99 %.0f  longest %.0f us\n", name, t->n,
           times_quantile(t, 0.5), times_quantile(t, 0.99), times_quantile(t, 0.9999),
           (double)t->most / 1000);
}

static void print_usage(const level *half, usage before, usage after)
{
    printf("  resident KiB: mean %" PRIu64 ", then %" PRIu64 "; at most %" PRIu64 ", then %" PRIu64
           "; %" PRIu64 " before, %" PRIu64 " after\n",
           level_mean(&half[0]), level_mean(&half[1]), half[0].most.resident, half[1].most.resident,
           before.resident, after.resident);
    printf("  mappings: at most %u, then %u; %u before, %u after\n", half[0].most.mappings,
           half[1].most.mappings, before.mappings, after.mappings);
    printf("  file descriptors: at most %u, then %u; %u before, %u after\n",
           half[0].most.descriptors, half[1].most.descriptors, before.descriptors,
           after.descriptors);
}

static void report(unsigned seconds, unsigned writers, unsigned limit)
{
    static times put, rotation, pause;
    for (unsigned i = 0; i < writers; i++) {
        times_add(&put, &engine.log[i].put);
        times_add(&rotation, &engine.log[i].rotate);
        times_add(&pause, &engine.log[i].pause);
    }
    printf("endurance: %u s, %u writers, %u MiB a table: %" PRIu64 " writes, %" PRIu64
           " a second, %" PRIu64 " tables\n",
           seconds, writers, limit, engine.flushed, engine.flushed / seconds, engine.tables);
    print_times("put", &put);
    print_times("rotate", &rotation);
    print_times("pause", &pause); /* a record with all its rotating and waiting */
}

int main(int argc, char **argv)
{
    unsigned seconds = 60, writers = 2, limit = 32;
    static level half[2], ignored[2];
    usage before, after;
    for (int option; (option = getopt(argc, argv, "m:s:w:l:")) != -1;) {
        unsigned number = (unsigned)strtoul(optarg != NULL ? optarg : "0", NULL, 10);
        if (option == 'm')
            seconds = 60 * number;
        else if (option == 's')
            seconds = number;
        else if (option == 'w')
            writers = number;
        else if (option == 'l')
            limit = number;
        else
            return 2;
    }
    if (seconds < 2 || writers < 1 || writers > WRITERS_MOST || limit < 1)
        return 2;
    mallopt(M_ARENA_MAX, 1); /* so that mappings are the library's */
    pthread_mutex_init(&engine.lock, NULL);
    pthread_cond_init(&engine.changed, NULL);
    fastskip_options_new(&engine.options);
    fastskip_options_set_memory_limit(engine.options, (uint64_t)limit << 20);
    run(seconds < 100 ? 2 : seconds / 50, writers, ignored);
    before = usage_now();
    run(seconds, writers, half);
    after = usage_now();
    report(seconds, writers, limit);
    print_usage(half, before, after);
    fastskip_options_free(engine.options);
    if (!check(writers, limit, half, before, after)) {
        printf("0 passed, 1 failed\n");
        return EXIT_FAILURE;
    }
    printf("1 passed, 0 failed\n");
    return EXIT_SUCCESS;
}
