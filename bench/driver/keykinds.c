/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */
#define _GNU_SOURCE
#include "keykinds.h"
#include "keyfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS16, BE8, USER20, SHARED56, URLS, LINES };

/* Half of the numbers of 16 digits, and one that has no divisor with it: multiplying permutes them. */
#define HALF UINT64_C(5000000000000000)
#define STEP UINT64_C(3141592653589793)

static const char shared[] = "tenant/0042/table/orders/region/eu-west/";

uint64_t key_mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9);
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

uint64_t key_random(void)
{
    static uint64_t state = 42;
    state += UINT64_C(0x9e3779b97f4a7c15);
    return key_mix(state);
}

double key_random_share(void)
{
    return (double)(key_random() >> 11) * 0x1p-53;
}

static void put_digits(char *to, uint64_t x)
{
    for (int i = 15; i >= 0; i--, x /= 10)
        to[i] = (char)('0' + x % 10);
}

/* Hosts of very different sizes, a few sections on each, a title and a number. */
static size_t put_url(char *to, uint64_t number, unsigned missing)
{
    static const char *const words[] = {"market", "winter", "report", "garden", "energy", "review",
                                        "travel", "summer", "policy", "camera", "health", "island",
                                        "design", "python", "recipe", "guitar"};
    static const char *const sections[] = {"news",         "blog",         "wiki",
                                           "products",     "users",        "archive/2019",
                                           "archive/2023", "forum/threads"};
    static const char *const domains[] = {"com", "org", "net", "co.uk", "de", "io"};
    uint64_t x = key_mix(number + 77), host = x % 1024 * (x >> 10 & 1023) >> 10;
    return (size_t)sprintf(to, "https://www.%s-%s.%s/%s/%s-%s-%s-%llu", words[host & 15],
                           words[host >> 4 & 15], domains[host % 6], sections[x >> 20 & 7],
                           words[x >> 24 & 15], words[x >> 28 & 15], words[x >> 32 & 15],
                           (unsigned long long)(number * 2 + missing));
}

static size_t put_line(const key_kind *kind, char *to, uint64_t number, unsigned missing)
{
    size_t n;
    if (number >= kind->line_count) {
        fprintf(stderr, "makekeys: the file has too few lines\n");
        exit(EXIT_FAILURE);
    }
    n = strlen(kind->lines[number]);
    memcpy(to, kind->lines[number], n);
    if (missing)
        to[n++] = '\n'; /* no line has one */
    return n;
}

size_t key_make(const key_kind *kind, uint64_t number, unsigned missing, char *key, uint64_t *rank)
{
    uint64_t x;
    *rank = 0;
    switch (kind->form) {
    case DIGITS16:
        put_digits(key, *rank = number * 2 + missing);
        return 16;
    case BE8:
        *rank = x = key_mix(number * 2 + missing);
        for (int i = 7; i >= 0; i--, x >>= 8)
            key[i] = (char)(x & 255);
        return 8;
    case USER20:
        x = (uint64_t)((unsigned __int128)number * STEP % HALF) * 2 + missing;
        memcpy(key, "user", 4);
        put_digits(key + 4, *rank = x);
        return 20;
    case SHARED56:
        memcpy(key, shared, 40);
        put_digits(key + 40, *rank = number * 2 + missing);
        return 56;
    case URLS:
        return put_url(key, number, missing);
    default:
        return put_line(kind, key, number, missing);
    }
}

/* ---------------------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Distinct lines of a file, shuffled; those that are empty, hold a zero byte or are too long are left. */
static void read_lines(key_kind *kind, const char *path)
{
    size_t capacity = 0, room = 0, kept = 0;
    ssize_t n;
    char *line = NULL;
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    while ((n = getline(&line, &capacity, f)) > 0) {
        if (line[n - 1] == '\n')
            line[--n] = '\0';
        if (n == 0 || (size_t)n >= KEY_MOST || strlen(line) != (size_t)n)
            continue;
        if (kind->line_count == room) {
            room = room != 0 ? room * 2 : 1024;
            kind->lines = realloc(kind->lines, room * sizeof *kind->lines);
        }
        if (kind->lines == NULL || (kind->lines[kind->line_count++] = strdup(line)) == NULL)
            exit(EXIT_FAILURE);
    }
    fclose(f);
    free(line);
    if (kind->line_count < 2) {
        fprintf(stderr, "makekeys: %s has no lines\n", path);
        exit(EXIT_FAILURE);
    }
    qsort(kind->lines, kind->line_count, sizeof *kind->lines, by_text);
    for (size_t i = 0; i < kind->line_count; i++)
        if (kept == 0 || strcmp(kind->lines[kept - 1], kind->lines[i]) != 0)
            kind->lines[kept++] = kind->lines[i];
        else
            free(kind->lines[i]);
    kind->line_count = kept;
    for (size_t i = kept - 1; i > 0; i--) {
        size_t j = (size_t)(key_random() % (i + 1));
        char *swap = kind->lines[i];
        kind->lines[i] = kind->lines[j];
        kind->lines[j] = swap;
    }
    for (size_t i = 0; i < kept; i++)
        if (strlen(kind->lines[i]) + 1 > kind->longest)
            kind->longest = strlen(kind->lines[i]) + 1;
}

key_kind key_kind_of(const char *name)
{
    static const struct {
        const char *name;
        key_kind kind;
    } known[] = {{"digits16", {DIGITS16, NULL, 0, 16}},
                 {"be8", {BE8, NULL, 0, 8}},
                 {"user20", {USER20, NULL, 0, 20}},
                 {"shared56", {SHARED56, NULL, 0, 56}},
                 {"urls", {URLS, NULL, 0, 104}}};
    key_kind kind = {LINES, NULL, 0, 0};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].kind;
    if (strncmp(name, "file:", 5) != 0) {
        fprintf(stderr, "makekeys: unknown kind of keys: %s\n", name);
        exit(EXIT_FAILURE);
    }
    read_lines(&kind, name + 5);
    return kind;
}

void key_kind_free(key_kind *kind)
{
    for (size_t i = 0; i < kind->line_count; i++)
        free(kind->lines[i]);
    free(kind->lines);
}
