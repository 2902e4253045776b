/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * What calls.py measures, in C: the share of each call that is the library's own.
 *
 *   calls ENTRIES    prints nanoseconds of CPU time for each entry: put, get, scan
 */
#define _POSIX_C_SOURCE 199309L /* clock_gettime */
#include <fastskip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEY = 20, VALUE = 100, CHUNK = 512 };

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void check(fastskip_status status)
{
    if (status != FASTSKIP_OK) {
        fprintf(stderr, "calls: %s\n", fastskip_strerror(status));
        exit(1);
    }
}

static void put_all(fastskip_table *table, const char *keys, size_t n)
{
    char value[VALUE];

    memset(value, 'v', sizeof(value));
    for (size_t i = 0; i < n; i++)
        check(fastskip_put(table, keys + i * KEY, KEY, value, VALUE));
}

static void get_all(fastskip_table *table, const char *keys, size_t n)
{
    fastskip_entry entry;

    for (size_t i = 0; i < n; i++)
        check(fastskip_get(table, NULL, keys + i * KEY, KEY, &entry));
}

static void scan_all(fastskip_table *table, size_t n)
{
    static fastskip_entry entries[CHUNK];
    fastskip_iterator *iterator;
    size_t count, sum = 0;

    check(fastskip_iterator_new(table, NULL, 0, &iterator));
    check(fastskip_iterator_seek_first(iterator));
    while (fastskip_iterator_next_many(iterator, entries, CHUNK, &count) == FASTSKIP_OK)
        sum += count;
    fastskip_iterator_free(iterator);
    if (sum != n)
        exit(1);
}

int main(int argc, char **argv)
{
    size_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
    char *keys = malloc(n * KEY + 1);
    fastskip_table *table;
    double times[4];

    if (keys == NULL || n == 0)
        return 1;
    for (size_t i = 0; i < n; i++)
        snprintf(keys + i * KEY, KEY + 1, "%0*zu", KEY, i * 7919 % n); /* as calls.py */
    check(fastskip_table_new(NULL, &table));
    times[0] = now();
    put_all(table, keys, n);
    times[1] = now();
    get_all(table, keys, n);
    times[2] = now();
    scan_all(table, n);
    times[3] = now();
    fastskip_table_unref(table);
    free(keys);
    for (int i = 0; i < 3; i++)
        printf("%.1f ", (times[i + 1] - times[i]) / (double)n);
    printf("\n");
    return 0;
}
