/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * atomics.h - stands in for lib/atomic.h where Frama-C reads the library: words that no other thread
 * writes.  What is proved is arithmetic, which asks a word for its value and for nothing else.
 */
#ifndef FSK_ATOMIC_H
#define FSK_ATOMIC_H

#include <stddef.h>
#include <stdint.h>

#define DEFINE_WORD(N)                                                                             \
    typedef struct {                                                                               \
        uint##N##_t value;                                                                         \
    } fsk_atomic##N;                                                                               \
    static inline void fsk_init##N(fsk_atomic##N *p, uint##N##_t v)                                \
    {                                                                                              \
        p->value = v;                                                                              \
    }                                                                                              \
    static inline uint##N##_t fsk_load##N(const fsk_atomic##N *p)                                  \
    {                                                                                              \
        return p->value;                                                                           \
    }                                                                                              \
    static inline int fsk_cas##N(fsk_atomic##N *p, uint##N##_t *expected, uint##N##_t v)           \
    {                                                                                              \
        if (p->value != *expected) {                                                               \
            *expected = p->value;                                                                  \
            return 0;                                                                              \
        }                                                                                          \
        p->value = v;                                                                              \
        return 1;                                                                                  \
    }                                                                                              \
    static inline uint##N##_t fsk_add##N(fsk_atomic##N *p, uint##N##_t v)                          \
    {                                                                                              \
        uint##N##_t old = p->value;                                                                \
        p->value = old + v;                                                                        \
        return old;                                                                                \
    }                                                                                              \
    static inline uint##N##_t fsk_exchange##N(fsk_atomic##N *p, uint##N##_t v)                     \
    {                                                                                              \
        uint##N##_t old = p->value;                                                                \
        p->value = v;                                                                              \
        return old;                                                                                \
    }

DEFINE_WORD(32)
DEFINE_WORD(64)

/*@ requires \valid_read(p); assigns \nothing; ensures \result == p->value; */
static inline uint32_t fsk_load32(const fsk_atomic32 *p);
/*@ requires \valid_read(p); assigns \nothing; ensures \result == p->value; */
static inline uint64_t fsk_load64(const fsk_atomic64 *p);
/*@ requires \valid(p) && \valid(expected) && \separated(p, expected);
    assigns p->value, *expected;
    ensures \result == 1 ==> \old(p->value == *expected) && p->value == v;
    ensures \result == 0 ==> *expected == p->value == \old(p->value);
    ensures \result == 0 || \result == 1;
*/
static inline int fsk_cas64(fsk_atomic64 *p, uint64_t *expected, uint64_t v);

#define fsk_load32_relaxed fsk_load32
#define fsk_load32_acquire fsk_load32
#define fsk_load32_seq fsk_load32
#define fsk_store32_relaxed fsk_init32
#define fsk_store32_release fsk_init32
#define fsk_cas32_acq_rel fsk_cas32
#define fsk_cas32_seq fsk_cas32
#define fsk_add32_relaxed fsk_add32
#define fsk_add32_seq fsk_add32
#define fsk_sub32_acq_rel(p, v) fsk_add32((p), 0u - (v))
#define fsk_sub32_release(p, v) fsk_add32((p), 0u - (v))
#define fsk_exchange32_seq fsk_exchange32
#define fsk_load64_relaxed fsk_load64
#define fsk_load64_acquire fsk_load64
#define fsk_load64_seq fsk_load64
#define fsk_store64_relaxed fsk_init64
#define fsk_store64_release fsk_init64
#define fsk_cas64_acq_rel fsk_cas64
#define fsk_cas64_seq fsk_cas64
#define fsk_add64_relaxed fsk_add64
#define fsk_add64_seq fsk_add64
#define fsk_sub64_acq_rel(p, v) fsk_add64((p), UINT64_C(0) - (v))
#define fsk_sub64_release(p, v) fsk_add64((p), UINT64_C(0) - (v))
#define fsk_exchange64_seq fsk_exchange64

#endif
