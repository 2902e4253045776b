/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * orders.h - orders of keys that several suites give to their tables.
 */
#ifndef FSK_TEST_ORDERS_H
#define FSK_TEST_ORDERS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* That of the library itself. */
static inline int32_t bytewise(void *ctx, const void *a, size_t a_size, const void *b,
                               size_t b_size)
{
    size_t common = a_size < b_size ? a_size : b_size;
    int order = common ? memcmp(a, b, common) : 0;
    (void)ctx;
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

/* An abbreviation for it. */
static inline uint64_t leading_bytes(void *ctx, const void *key, size_t size)
{
    uint64_t number = 0;
    (void)ctx;
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | (i < size ? ((const unsigned char *)key)[i] : 0);
    return number;
}

/* A byte of a key, letters of either case as the small ones. */
static inline int folded(const void *key, size_t i)
{
    int c = ((const unsigned char *)key)[i];
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

/* Keys are integers in the machine's own byte order, at any alignment. */
static inline uint64_t abbreviate_integer(void *ctx, const void *key, size_t size)
{
    uint64_t number = 0;
    (void)ctx;
    memcpy(&number, key, size < sizeof number ? size : sizeof number);
    return number;
}

static inline int32_t compare_integers(void *ctx, const void *a, size_t a_size, const void *b,
                                       size_t b_size)
{
    uint64_t x = abbreviate_integer(ctx, a, a_size), y = abbreviate_integer(ctx, b, b_size);
    return (x > y) - (x < y);
}

#endif
