/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * leaf.c - a model of one leaf of lib/block.c: slots that fill from the left, parts that are stored after
 * the reference, and a search that compares parts first. The leaf is the right-most one: a writer's shard
 * remembers the greatest entry that it put there, and a key above that one is not searched for.
 *
 *   leaf SCENARIO      explores it; exit 0 all orders are right, 1 one is not, 2 gave up
 *   -DFAULT=...        puts one of the faults below into the protocol
 *
 * What the operations answered must be what they would have answered one after another, and no key may
 * stand in two slots.
 */
#include "explorer.h"

enum {
    NONE,
    TWO_PASSES,   /* a search looks for its part first and for unknown parts afterwards */
    SKIP_UNKNOWN, /* it passes over words whose part is unknown */
    FILL_ENDS,    /* it ends at `fill` */
    FILL_LATE,    /* an insert goes on from a `fill` that it read after its search */
    PART_FIRST,   /* an insert stores the part before it takes the slot */
    NO_COMPARE,   /* an insert that loses a slot goes on without comparing the key that is there */
    EDGE_ANY,     /* a key that is not above the greatest is not searched for either */
    EDGE_LAST,    /* the last entry is taken for the greatest, whatever stands before it */
    EDGE_UNKNOWN  /* a word before it whose part is unknown is taken for a smaller one */
};
#ifndef FAULT
#define FAULT NONE
#endif

#define SLOTS 3
#define UNKNOWN 0xff
#define OPERATIONS 12 /* with the reads at the end */
#define KEYS 6

/* Keys 1 and 2 share a part; 5 lies beyond the prefix, so its part stays unknown. */
static const uint8_t part_of[KEYS] = {0, 1, 1, 3, 4, UNKNOWN};

typedef enum { END_OF_THREAD, GET, PUT } kind;

typedef struct {
    int8_t kind, key, value;
} operation;

#define EACH 4

typedef struct {
    const char *name;
    operation thread[THREADS_MOST][EACH];
} scenario;

static const scenario scenarios[] = {
    {"put-gets", {{{PUT, 1, 1}}, {{GET, 1}}, {{GET, 1}, {GET, 1}}}},
    {"same-key", {{{PUT, 1, 1}}, {{PUT, 1, 2}}, {{GET, 1}, {GET, 1}}}},
    {"same-part", {{{PUT, 1, 1}}, {{PUT, 2, 2}}, {{GET, 2}, {GET, 1}, {GET, 2}}}},
    {"three-writers", {{{PUT, 1, 1}, {GET, 3}}, {{PUT, 3, 2}, {GET, 1}}, {{PUT, 1, 3}}}},
    {"fill", {{{PUT, 3, 3}, {PUT, 1, 1}}, {{PUT, 1, 2}, {GET, 1}}, {{PUT, 2, 4}, {GET, 1}}}},
    {"beyond", {{{PUT, 5, 1}, {PUT, 1, 1}}, {{PUT, 5, 2}, {GET, 1}}, {{GET, 5}, {GET, 5}}}},
    {"four", {{{PUT, 1, 1}}, {{PUT, 2, 2}}, {{PUT, 1, 3}}, {{GET, 1}, {GET, 1}}}},
    {"edge", {{{PUT, 1, 1}, {PUT, 3, 2}, {PUT, 4, 3}}, {{PUT, 4, 4}, {GET, 3}}, {{GET, 4}}}},
    {"edge-edge",
     {{{PUT, 1, 1}, {PUT, 3, 2}, {PUT, 4, 3}}, {{PUT, 1, 4}, {PUT, 3, 5}, {PUT, 4, 6}}}},
    {"edge-again", {{{PUT, 1, 1}, {PUT, 3, 2}, {PUT, 1, 3}}, {{PUT, 4, 4}, {GET, 1}}}},
    {"edge-beyond", {{{PUT, 1, 1}, {PUT, 5, 2}, {PUT, 5, 3}}, {{PUT, 3, 4}, {GET, 5}}}},
};

static struct {
    uint8_t part[SLOTS], ref[SLOTS],
        fill; /* a reference is the number of the entry's operation + 1 */
    int8_t key[OPERATIONS + 1], value[OPERATIONS + 1]; /* of an entry */
    uint8_t greatest[THREADS_MOST],
        above[THREADS_MOST]; /* of a shard each: an entry, and the slot behind */
    uint16_t before[OPERATIONS], done;
    int8_t result[OPERATIONS];
} g;

static const scenario *scene;
static operation operations[OPERATIONS];
static int operation_count, operation_of[THREADS_MOST][EACH];

/* ---- the leaf ---- */

/* A reference never changes once it is there. */
static int ref_at(int i)
{
    return g.ref[i] != 0 ? g.ref[i] : LOAD(g.ref[i]);
}

/* The words that are named by a bit of `mask`. */
static int among(unsigned mask, int key)
{
    for (int i = 0; i < SLOTS; i++) {
        int ref;
        if ((mask >> i & 1) == 0)
            continue;
        ref = ref_at(i);
        if (ref == 0)
            break;
        if (g.key[ref] == key)
            return ref;
    }
    return 0;
}

/* Words with this part or that one. */
static unsigned mask_of(int part, int or_part, int end)
{
    unsigned mask = 0;
    for (int i = 0; i < end; i++) {
        int p = LOAD(g.part[i]);
        mask |= (unsigned)(p == part || p == or_part) << i;
    }
    return mask;
}

static int find(int key)
{
    int part = part_of[key], end = SLOTS;
    if (FAULT == FILL_ENDS)
        end = LOAD(g.fill);
    if (FAULT == TWO_PASSES) {
        int ref = among(mask_of(part, part, end), key);
        return ref != 0 ? ref : among(mask_of(UNKNOWN, UNKNOWN, end), key);
    }
    return among(mask_of(part, FAULT == SKIP_UNKNOWN ? part : UNKNOWN, end), key);
}

/* ---- the right edge ---- */

/* Is the key above all that the shard has seen? The greatest key's part says that it has the prefix. */
static int is_above(int thread, int key)
{
    int greatest = g.greatest[thread];
    if (greatest == 0 || (FAULT != EDGE_ANY && key <= g.key[greatest]))
        return 0;
    return LOAD(g.part[g.above[thread] - 1]) != UNKNOWN;
}

/* The entry went into slot i, the first from `from` on that was not compared. */
static void remember(int thread, int from, int i, int key, int own)
{
    int greatest = i == from && i > 0;
    for (int k = 0; k < i && greatest && FAULT != EDGE_LAST; k++) {
        int p = LOAD(g.part[k]);
        greatest = p < part_of[key] || (FAULT == EDGE_UNKNOWN && p == UNKNOWN);
    }
    g.greatest[thread] = (uint8_t)(greatest ? own : 0);
    g.above[thread] = (uint8_t)(i + 1);
}

/* The entry of the key, own if it went in; 0: no room. */
static int insert(int thread, int key, int own)
{
    int above = is_above(thread, key), from = above ? g.above[thread] : LOAD(g.fill);
    int there = above ? 0 : find(key);
    if (there != 0)
        return there;
    if (FAULT == FILL_LATE)
        from = LOAD(g.fill);
    for (int i = from; i < SLOTS; i++) {
        uint8_t expected = (uint8_t)ref_at(i);
        if (expected == 0) {
            if (FAULT == PART_FIRST)
                STORE(g.part[i], part_of[key]);
            if (CAS(g.ref[i], &expected, (uint8_t)own)) {
                if (FAULT != PART_FIRST)
                    STORE(g.part[i], part_of[key]);
                STORE(g.fill, (uint8_t)(i + 1));
                remember(thread, from, i, key, own);
                return own;
            }
        }
        if (FAULT != NO_COMPARE && g.key[expected] == key)
            return expected;
    }
    return 0;
}

/* ---- what a thread does ---- */

static void body(int thread)
{
    for (int i = 0; i < EACH && scene->thread[thread][i].kind != END_OF_THREAD; i++) {
        const operation *o = &scene->thread[thread][i];
        int n = operation_of[thread][i], ref;
        if (o->kind == PUT) {
            g.key[n + 1] = o->key;
            g.value[n + 1] = o->value;
        }
        BEGIN(g.before[n] = g.done);
        if (o->kind == GET) {
            ref = find(o->key);
            g.result[n] = ref != 0 ? LOAD(g.value[ref]) : 0;
        } else {
            ref = insert(thread, o->key, n + 1);
            if (ref == 0)
                FAIL("the scenario has more keys than slots");
            if (ref != n + 1) /* as if a version was pushed */
                STORE(g.value[ref], o->value);
        }
        END(g.done |= 1 << n);
    }
}

/* ---- was it right ---- */

static int is_linear(unsigned done, const int8_t *value)
{
    if (done == (1u << operation_count) - 1)
        return 1;
    for (int n = 0; n < operation_count; n++) {
        const operation *o = &operations[n];
        int8_t after[KEYS];
        if ((done >> n & 1) != 0 || (g.before[n] & ~done) != 0)
            continue;
        memcpy(after, value, sizeof after);
        if (o->kind == PUT)
            after[o->key] = o->value;
        else if (g.result[n] != value[o->key])
            continue;
        if (is_linear(done | 1u << n, after))
            return 1;
    }
    return 0;
}

static void at_end(void)
{
    static const int8_t absent[KEYS];
    int own = operation_count, seen[KEYS] = {0};
    for (int i = 0; i < SLOTS; i++)
        if (g.ref[i] != 0 && seen[g.key[g.ref[i]]]++ != 0)
            FAIL("a key stands in two slots");
    for (int8_t key = 1; key < KEYS; key++) { /* reads after all the others */
        int n = operation_count++, ref = find(key);
        operations[n] = (operation){GET, key, 0};
        g.result[n] = ref != 0 ? g.value[ref] : 0;
        g.before[n] = (uint16_t)((1 << own) - 1);
    }
    if (!is_linear(0, absent))
        FAIL("not linearizable");
    operation_count = own;
}

/* ---- setting out ---- */

int main(int argc, char **argv)
{
    int n;
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        if (argc < 2)
            printf("%s\n", scenarios[i].name);
        else if (strcmp(argv[1], scenarios[i].name) == 0)
            scene = &scenarios[i];
    }
    if (scene == NULL)
        return argc < 2 ? 0 : UNFINISHED;
    for (n = 0; n < THREADS_MOST && scene->thread[n][0].kind != END_OF_THREAD; n++)
        for (int i = 0; i < EACH && scene->thread[n][i].kind != END_OF_THREAD; i++) {
            operation_of[n][i] = operation_count;
            operations[operation_count++] = scene->thread[n][i];
        }
    memset(g.part, UNKNOWN, sizeof g.part);
    return explore(n, &g, sizeof g, body, at_end);
}
