/* lin_check.c - see lin.h. */
#include "lin.h"

#include <stdio.h>
#include <string.h>

#define STATES 8192 /* remembered; more than that are looked at again */

typedef struct {
    uint32_t done; /* operations that have had their turn */
    uint32_t value[LIN_KEYS];
} state;

typedef struct {
    const lin_op *ops;
    unsigned n;
    unsigned remembered;
    state hopeless[STATES];
    unsigned char used[STATES];
} search;

/* Lets an operation have its turn: 1 if its result is right there. */
static int apply(const lin_op *op, uint32_t *value)
{
    switch (op->kind) {
    case LIN_GET:
        return op->seen == value[op->key];
    case LIN_PUT:
        value[op->key] = op->written;
        return 1;
    case LIN_DELETE:
        value[op->key] = 0;
        return 1;
    case LIN_INSERT:
    case LIN_GET_OR_INSERT:
        if (!op->won)
            return value[op->key] != 0 && (op->kind == LIN_INSERT || op->seen == value[op->key]);
        if (value[op->key] != 0)
            return 0;
        value[op->key] = op->written;
        return 1;
    case LIN_BATCH:
        for (unsigned k = 0; k < LIN_KEYS; k++)
            if ((op->keys >> k & 1) != 0)
                value[k] = op->value[k];
        return 1;
    case LIN_REFUSED:
        return 1;
    default:
        return memcmp(op->value, value, sizeof op->value) == 0;
    }
}

static unsigned place_of(const search *g, const state *s)
{
    uint64_t h = s->done * UINT64_C(0x9e3779b97f4a7c15);
    for (unsigned k = 0; k < LIN_KEYS; k++)
        h = (h ^ s->value[k]) * UINT64_C(0xff51afd7ed558ccd);
    unsigned i = (unsigned)(h >> 40) % STATES;
    while (g->used[i] && memcmp(&g->hopeless[i], s, sizeof *s) != 0)
        i = (i + 1) % STATES;
    return i;
}

static int from(search *g, const state *s)
{
    unsigned place = place_of(g, s);
    if (s->done == (UINT32_C(1) << g->n) - 1)
        return 1;
    if (g->used[place])
        return 0;
    for (unsigned i = 0; i < g->n; i++) {
        state next = *s;
        if ((s->done >> i & 1) != 0 || (g->ops[i].after & ~s->done) != 0)
            continue;
        next.done |= UINT32_C(1) << i;
        if (apply(&g->ops[i], next.value) && from(g, &next))
            return 1;
    }
    place = place_of(g, s);
    if (g->remembered < STATES / 2) {
        g->remembered++;
        g->used[place] = 1;
        g->hopeless[place] = *s;
    }
    return 0;
}

int lin_check(const lin_op *ops, unsigned n, const uint32_t *initial)
{
    static search g; /* one thread judges */
    state s;
    g.ops = ops;
    g.n = n;
    g.remembered = 0;
    memset(g.used, 0, sizeof g.used);
    memset(&s, 0, sizeof s);
    memcpy(s.value, initial, sizeof s.value);
    return from(&g, &s);
}

static void print_values(const uint32_t *value, unsigned keys)
{
    for (unsigned k = 0; k < LIN_KEYS; k++)
        if ((keys >> k & 1) != 0)
            fprintf(stderr, " k%u=%x", k, value[k]);
}

void lin_print(const lin_op *ops, unsigned n, const uint32_t *initial)
{
    static const char *const names[] = {"get",           "put",   "delete", "insert",
                                        "get_or_insert", "batch", "view",   "refused"};
    fprintf(stderr, "at first");
    print_values(initial, (1u << LIN_KEYS) - 1);
    fprintf(stderr, "\n");
    for (unsigned i = 0; i < n; i++) {
        const lin_op *op = &ops[i];
        fprintf(stderr, "%2u %-13s", i, names[op->kind]);
        if (op->kind == LIN_BATCH || op->kind == LIN_VIEW)
            print_values(op->value, op->kind == LIN_VIEW ? ~0u : op->keys);
        else
            fprintf(stderr, " k%u wrote %x saw %x won %d", op->key, op->written, op->seen, op->won);
        fprintf(stderr, "  after");
        for (unsigned j = 0; j < n; j++)
            if ((op->after >> j & 1) != 0)
                fprintf(stderr, " %u", j);
        fprintf(stderr, "\n");
    }
}
