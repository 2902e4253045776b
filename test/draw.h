/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * draw.h - random numbers, the same for the same seed.
 */
#ifndef FSK_TEST_DRAW_H
#define FSK_TEST_DRAW_H

#include <stdint.h>

/* splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014). */
static inline uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline unsigned draw_below(uint64_t *state, unsigned n)
{
    return (unsigned)(draw(state) % n);
}

#endif
