/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/*
 * What a cache miss costs: a chain of loads, each from where the one before says, through all cache lines
 * of as much memory as a table of these keys and values takes, in random order. With pages of 4 KiB each
 * step misses the translation buffer, too; with huge pages it does so less.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LINE ((size_t)64)
#define ENTRY_OVERHEAD                                                                             \
    ((size_t)45) /* bytes of an entry beyond key and value, in memtables of today */
#define STEPS ((size_t)2000000)
#define HUGE_PAGE ((size_t)2 << 20)

static uint64_t random_state = 12345;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* Sattolo's shuffle: one cycle through all lines, each holding the number of the next. */
static void make_cycle(char *memory, size_t lines)
{
    for (size_t i = 0; i < lines; i++)
        memcpy(memory + i * LINE, &i, sizeof i);
    for (size_t i = lines - 1; i > 0; i--) {
        size_t j = (size_t)(next_random() % i), a, b;
        memcpy(&a, memory + i * LINE, sizeof a);
        memcpy(&b, memory + j * LINE, sizeof b);
        memcpy(memory + i * LINE, &b, sizeof b);
        memcpy(memory + j * LINE, &a, sizeof a);
    }
}

/* The chain is made inside the body, so its clocks are read again where the walk begins. */
static void walk(job *j, int advice)
{
    const keyfile_header *file = j->b->file;
    size_t bytes = file->key_bytes + file->entries * (j->b->value_size + ENTRY_OVERHEAD);
    size_t lines = bytes / LINE + 2, mapped = lines * LINE + 2 * HUGE_PAGE, at = 0;
    char *base = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *memory = base + (HUGE_PAGE - (uintptr_t)base % HUGE_PAGE);
    if (base == MAP_FAILED)
        fail("walk: no memory");
    madvise(base, mapped, advice);
    make_cycle(memory, lines);
    j->begin = wall_seconds();
    j->cpu = thread_cpu_seconds();
    for (size_t i = 0; i < STEPS; i++)
        memcpy(&at, memory + at * LINE, sizeof at);
    j->ops = STEPS;
    j->sum = at;
    munmap(base, mapped);
}

void body_walk_4k(job *j)
{
    walk(j, MADV_NOHUGEPAGE);
}

void body_walk_huge(job *j)
{
    walk(j, MADV_HUGEPAGE);
}
