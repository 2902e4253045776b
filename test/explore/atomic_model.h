/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * atomic_model.h - a back end of ../../lib/atomic.h whose words are those of memory.h. Only atomic.h
 * includes it.
 */
#ifndef EXPLORE_ATOMIC_MODEL_H
#define EXPLORE_ATOMIC_MODEL_H

#include "memory.h"

typedef struct {
    _Alignas(4) uint32_t value;
} fsk_atomic32;

typedef struct {
    _Alignas(8) uint64_t value;
} fsk_atomic64;

#define FSK_ATOMICS_NAME "model"

#define FSK_RAW_INIT(N, p, v) memory_init(&(p)->value, N / 8, (v))
#define FSK_RAW_LOAD_RELAXED(N, p) (uint##N##_t) memory_load(&(p)->value, N / 8, MEMORY_RELAXED)
#define FSK_RAW_LOAD_ACQUIRE(N, p) (uint##N##_t) memory_load(&(p)->value, N / 8, MEMORY_ACQUIRE)
#define FSK_RAW_LOAD_SEQ(N, p) (uint##N##_t) memory_load(&(p)->value, N / 8, MEMORY_SEQ)
#define FSK_RAW_STORE_RELAXED(N, p, v) memory_store(&(p)->value, N / 8, MEMORY_RELAXED, (v))
#define FSK_RAW_STORE_RELEASE(N, p, v) memory_store(&(p)->value, N / 8, MEMORY_RELEASE, (v))
#define FSK_RAW_CAS_ACQ_REL(N, p, expected, v)                                                     \
    memory_cas##N(&(p)->value, MEMORY_ACQ_REL, MEMORY_ACQUIRE, (expected), (v))
#define FSK_RAW_CAS_SEQ(N, p, expected, v)                                                         \
    memory_cas##N(&(p)->value, MEMORY_SEQ, MEMORY_SEQ, (expected), (v))
#define FSK_RAW_ADD_RELAXED(N, p, v)                                                               \
    (uint##N##_t) memory_add(&(p)->value, N / 8, MEMORY_RELAXED, (v))
#define FSK_RAW_ADD_SEQ(N, p, v) (uint##N##_t) memory_add(&(p)->value, N / 8, MEMORY_SEQ, (v))
#define FSK_RAW_SUB_ACQ_REL(N, p, v)                                                               \
    (uint##N##_t) memory_add(&(p)->value, N / 8, MEMORY_ACQ_REL, 0 - (uint##N##_t)(v))
#define FSK_RAW_SUB_RELEASE(N, p, v)                                                               \
    (uint##N##_t) memory_add(&(p)->value, N / 8, MEMORY_RELEASE, 0 - (uint##N##_t)(v))
#define FSK_RAW_EXCHANGE_SEQ(N, p, v)                                                              \
    (uint##N##_t) memory_exchange(&(p)->value, N / 8, MEMORY_SEQ, (v))

#endif
