/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * input.c - an input as a sequence of choices, and what becomes of a difference; see fuzz.h.
 *
 * Every choice takes as few bytes as it needs, so that a changed byte changes one choice.
 */
#include "fuzz.h"

static const uint8_t *input;
static size_t left;

void input_begin(const uint8_t *data, size_t size)
{
    input = data;
    left = size;
}

size_t input_left(void)
{
    return left;
}

uint64_t input_number(size_t bytes)
{
    uint64_t number = 0;
    for (; bytes > 0 && left > 0; bytes--, left--)
        number = number << 8 | *input++;
    return number;
}

size_t input_below(size_t n)
{
    size_t bytes = 0;
    for (size_t most = n - 1; most > 0; most >>= 8)
        bytes++;
    return (size_t)input_number(bytes) % n;
}

size_t below(struct world *w, size_t n)
{
    (void)w;
    return input_below(n);
}

/* All are possible, a fifth of n in the mean: in the time of one long input many short ones run. */
size_t few(struct world *w, size_t n)
{
    uint64_t byte = input_number(1);
    (void)w;
    return (size_t)(byte * byte * byte * byte * n >> 32);
}

void abort_run(struct world *w, const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s; keys %s, mode %u, call %llu, %zu bytes of input left\n", file, line,
            condition, w->family ? w->family->name : "none", w->mode, (unsigned long long)w->calls,
            left);
    abort();
}
