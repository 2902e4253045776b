/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/*
 * makekeys KIND ENTRIES OPERATIONS FILE - makes the file of keys that all peers of a run map.
 *
 * Everything that a workload needs to know is drawn here, from a fixed seed: which keys, in which order,
 * and, for those of YCSB, which operation.  Prints what it made as a line of JSON.
 */
#define _GNU_SOURCE
#include "keyfile.h"
#include "keykinds.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ZIPFIAN 0.99
#define SCAN_MOST 100u
#define FRACTION 20u /* one of so many operations of YCSB D and E inserts */

typedef struct {
    key_kind kind;
    uint64_t n, ops;
    char *base;
    keyfile_header *header;
    uint32_t *order; /* a permutation of the numbers of the keys */
} maker;

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static key_record *record(const maker *m, enum section_id id, size_t i)
{
    return (key_record *)(void *)(m->base + m->header->section[id].offset + i * m->header->stride);
}

static void write_key(maker *m, enum section_id id, size_t i, uint64_t number, unsigned missing)
{
    key_record *r = record(m, id, i);
    uint64_t rank;
    r->size = (uint16_t)key_make(&m->kind, number, missing, (char *)(r + 1), &rank);
    r->tag = (uint8_t)(key_mix(number + 1) % TAGS);
}

static void shuffle(maker *m)
{
    for (size_t i = m->n - 1; i > 0; i--) {
        size_t j = (size_t)(key_random() % (i + 1));
        uint32_t swap = m->order[i];
        m->order[i] = m->order[j];
        m->order[j] = swap;
    }
}

/* ---------------------------------------------------------------------------------------------- */
/* Gray's way of drawing from a zipfian distribution, as YCSB does it */

typedef struct {
    double n, alpha, zeta, eta;
} zipfian;

static zipfian zipfian_of(uint64_t n)
{
    zipfian z = {.n = (double)n, .alpha = 1 / (1 - ZIPFIAN)};
    for (uint64_t i = 1; i <= n; i++)
        z.zeta += pow((double)i, -ZIPFIAN);
    z.eta = (1 - pow(2 / z.n, 1 - ZIPFIAN)) / (1 - (1 + pow(2, -ZIPFIAN)) / z.zeta);
    return z;
}

static uint64_t draw_rank(const zipfian *z)
{
    double u = key_random_share(), uz = u * z->zeta;
    uint64_t rank;
    if (uz < 1)
        return 0;
    if (uz < 1 + pow(0.5, ZIPFIAN))
        return 1;
    rank = (uint64_t)(z->n * pow(z->eta * u - z->eta + 1, z->alpha));
    return rank < (uint64_t)z->n ? rank : (uint64_t)z->n - 1;
}

/* The popular keys lie all over the table. */
static uint64_t draw(const maker *m, const zipfian *z)
{
    return key_mix(draw_rank(z) + 0x5eed) % m->n;
}

/* ---------------------------------------------------------------------------------------------- */
/* YCSB's mixes, in percent; the rest reads */

typedef struct {
    enum section_id id;
    unsigned update, insert, scan, modify;
    int latest; /* reads what was inserted last rather than what is popular */
} mix;

static const mix mixes[] = {{SECTION_YCSB_A, 50, 0, 0, 0, 0}, {SECTION_YCSB_B, 5, 0, 0, 0, 0},
                            {SECTION_YCSB_C, 0, 0, 0, 0, 0},  {SECTION_YCSB_D, 0, 5, 0, 0, 1},
                            {SECTION_YCSB_E, 0, 5, 95, 0, 0}, {SECTION_YCSB_F, 0, 0, 0, 50, 0}};

static void make_mix(maker *m, const mix *x, const zipfian *z)
{
    uint64_t there = m->n, inserts = m->n + m->header->section[x->id].count / FRACTION;
    for (size_t i = 0; i < m->header->section[x->id].count; i++) {
        uint64_t dice = key_random() % 100, rank, number;
        enum key_op op = OP_READ;
        if (dice < x->update)
            op = OP_UPDATE;
        else if (dice < x->update + x->insert && there < inserts)
            op = OP_INSERT;
        else if (dice < x->update + x->insert + x->scan)
            op = OP_SCAN;
        else if (dice < x->update + x->insert + x->scan + x->modify)
            op = OP_MODIFY;
        rank = draw_rank(z);
        number = x->latest ? there - 1 - rank : key_mix(rank + 0x5eed) % m->n;
        write_key(m, x->id, i, op == OP_INSERT ? there++ : number, 0);
        record(m, x->id, i)->op = (uint8_t)op;
        record(m, x->id, i)->length = (uint16_t)(1 + key_random() % SCAN_MOST);
    }
}

/* ---------------------------------------------------------------------------------------------- */

typedef struct {
    uint64_t rank;
    const key_record *record;
} ordered;

static int by_key(const void *a, const void *b)
{
    const ordered *x = a, *y = b;
    size_t n;
    int order;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    n = x->record->size < y->record->size ? x->record->size : y->record->size;
    order = memcmp(x->record + 1, y->record + 1, n);
    return order != 0 ? order
                      : (x->record->size > y->record->size) - (x->record->size < y->record->size);
}

/* The written keys again, in order. */
static void make_ascending(maker *m)
{
    ordered *sorted = malloc(m->n * sizeof *sorted);
    char key[KEY_MOST + 8];
    if (sorted == NULL)
        die("makekeys");
    for (size_t i = 0; i < m->n; i++) {
        key_make(&m->kind, m->order[i], 0, key, &sorted[i].rank);
        sorted[i].record = record(m, SECTION_WRITTEN, i);
    }
    qsort(sorted, m->n, sizeof *sorted, by_key);
    for (size_t i = 0; i < m->n; i++)
        memcpy(record(m, SECTION_ASCENDING, i), sorted[i].record, m->header->stride);
    free(sorted);
}

static void make_sections(maker *m)
{
    zipfian z = zipfian_of(m->n);
    shuffle(m);
    for (size_t i = 0; i < m->n; i++) {
        write_key(m, SECTION_WRITTEN, i, m->order[i], 0);
        m->header->key_bytes += record(m, SECTION_WRITTEN, i)->size;
    }
    make_ascending(m);
    shuffle(m);
    for (size_t i = 0; i < m->ops; i++)
        write_key(m, SECTION_ASKED, i, m->order[i], 0);
    shuffle(m);
    for (size_t i = 0; i < m->ops; i++)
        write_key(m, SECTION_MISSING, i, m->order[i], 1);
    for (size_t i = 0; i < m->ops; i++)
        write_key(m, SECTION_OVERWRITE, i, key_random() % m->n, 0);
    for (size_t i = 0; i < m->ops; i++)
        write_key(m, SECTION_ZIPFIAN, i, draw(m, &z), 0);
    for (size_t i = 0; i < sizeof mixes / sizeof *mixes; i++)
        make_mix(m, &mixes[i], &z);
}

/* Lays out the file and maps it. */
static void make_file(maker *m, const char *path)
{
    uint64_t stride = (sizeof(key_record) + m->kind.longest + 3) / 4 * 4, end = 4096;
    keyfile_header header = {.magic = KEYFILE_MAGIC, .entries = m->n, .stride = stride};
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    for (int i = 0; i < SECTIONS; i++) {
        header.section[i].offset = end;
        header.section[i].count = i <= SECTION_ASCENDING ? m->n : m->ops;
        end += (header.section[i].count * stride + 63) / 64 * 64;
    }
    if (fd < 0 || ftruncate(fd, (off_t)end) != 0)
        die(path);
    m->base = mmap(NULL, end, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (m->base == MAP_FAILED)
        die(path);
    close(fd);
    m->header = (keyfile_header *)(void *)m->base;
    *m->header = header;
}

int main(int count, char **arguments)
{
    maker m = {0};
    if (count != 5) {
        fprintf(stderr, "usage: makekeys KIND ENTRIES OPERATIONS FILE\n");
        return EXIT_FAILURE;
    }
    m.kind = key_kind_of(arguments[1]);
    m.n = strtoull(arguments[2], NULL, 10);
    m.ops = strtoull(arguments[3], NULL, 10);
    if (m.kind.lines != NULL) { /* some lines are left for inserts */
        uint64_t most = m.kind.line_count - m.kind.line_count / FRACTION - 1;
        m.n = m.n < most ? m.n : most;
    }
    if (m.n < 2 || m.n > UINT32_MAX / 2 || m.ops < 1) {
        fprintf(stderr, "makekeys: no entries or no operations\n");
        return EXIT_FAILURE;
    }
    m.ops = m.ops < m.n ? m.ops : m.n;
    m.order = malloc(m.n * sizeof *m.order);
    if (m.order == NULL)
        die("makekeys");
    for (size_t i = 0; i < m.n; i++)
        m.order[i] = (uint32_t)i;
    make_file(&m, arguments[4]);
    make_sections(&m);
    printf("{\"entries\": %llu, \"operations\": %llu, \"key_bytes\": %llu}\n",
           (unsigned long long)m.n, (unsigned long long)m.ops,
           (unsigned long long)m.header->key_bytes);
    free(m.order);
    key_kind_free(&m.kind);
    return EXIT_SUCCESS;
}
