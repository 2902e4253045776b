/*
 * atomic_c11.h - back end of atomic.h for C11. Only atomic.h includes it.
 */
#ifndef FSK_ATOMIC_C11_H
#define FSK_ATOMIC_C11_H

#if !defined(__STDC_VERSION__) || __STDC_VERSION__ < 201112L || defined(__STDC_NO_ATOMICS__)
#error "fastskip: this compiler, in this language version, has no C11 atomics"
#endif

#include <stdatomic.h>

/*
 * Without a 64-bit CAS the compiler calls libatomic, which takes a lock. ATOMIC_LLONG_LOCK_FREE is
 * about a long long as the ABI aligns it, and so not 2 with Clang on i386, where that is 4 bytes.
 */
#if ATOMIC_LLONG_LOCK_FREE != 2 && !defined(__GCC_HAVE_SYNC_COMPARE_AND_SWAP_8)
#error "fastskip: this target has no lock-free 64-bit CAS"
#endif

typedef struct {
    _Alignas(4) _Atomic uint32_t value;
} fsk_atomic32;

typedef struct {
    _Alignas(8) _Atomic uint64_t value;
} fsk_atomic64;

#define FSK_ATOMICS_NAME "c11"

#define FSK_RAW_INIT(N, p, v) atomic_init(&(p)->value, (v))
#define FSK_RAW_LOAD_RELAXED(N, p) atomic_load_explicit(&(p)->value, memory_order_relaxed)
#define FSK_RAW_LOAD_ACQUIRE(N, p) atomic_load_explicit(&(p)->value, memory_order_acquire)
#define FSK_RAW_LOAD_SEQ(N, p) atomic_load_explicit(&(p)->value, memory_order_seq_cst)
#define FSK_RAW_STORE_RELAXED(N, p, v) atomic_store_explicit(&(p)->value, (v), memory_order_relaxed)
#define FSK_RAW_STORE_RELEASE(N, p, v) atomic_store_explicit(&(p)->value, (v), memory_order_release)
#define FSK_RAW_CAS_ACQ_REL(N, p, expected, v)                                                     \
    atomic_compare_exchange_strong_explicit(&(p)->value, (expected), (v), memory_order_acq_rel,    \
                                            memory_order_acquire)
#define FSK_RAW_CAS_SEQ(N, p, expected, v)                                                         \
    atomic_compare_exchange_strong_explicit(&(p)->value, (expected), (v), memory_order_seq_cst,    \
                                            memory_order_seq_cst)
#define FSK_RAW_ADD_RELAXED(N, p, v)                                                               \
    atomic_fetch_add_explicit(&(p)->value, (v), memory_order_relaxed)
#define FSK_RAW_ADD_SEQ(N, p, v) atomic_fetch_add_explicit(&(p)->value, (v), memory_order_seq_cst)
#define FSK_RAW_SUB_ACQ_REL(N, p, v)                                                               \
    atomic_fetch_sub_explicit(&(p)->value, (v), memory_order_acq_rel)
#define FSK_RAW_SUB_RELEASE(N, p, v)                                                               \
    atomic_fetch_sub_explicit(&(p)->value, (v), memory_order_release)
#define FSK_RAW_EXCHANGE_SEQ(N, p, v)                                                              \
    atomic_exchange_explicit(&(p)->value, (v), memory_order_seq_cst)

#endif /* FSK_ATOMIC_C11_H */
