/*
 * atomic_builtin.h - back end of atomic.h for the __atomic functions of GCC 4.7, Clang 3.1 and
 * later, in any language version. Only atomic.h includes it.
 */
#ifndef FSK_ATOMIC_BUILTIN_H
#define FSK_ATOMIC_BUILTIN_H

#if !defined(__GNUC__) || !defined(__ATOMIC_SEQ_CST)
#error "fastskip: this compiler has no __atomic functions"
#endif

/*
 * Without a 64-bit CAS the compiler calls libatomic, which takes a lock. The first macro is about a
 * long long as the ABI aligns it, and so not 2 with Clang on i386, where that is 4 bytes.
 */
#if __GCC_ATOMIC_LLONG_LOCK_FREE != 2 && !defined(__GCC_HAVE_SYNC_COMPARE_AND_SWAP_8)
#error "fastskip: this target has no lock-free 64-bit CAS"
#endif

typedef struct {
    uint32_t value __attribute__((aligned(4)));
} fsk_atomic32;

typedef struct {
    uint64_t value __attribute__((aligned(8)));
} fsk_atomic64;

#define FSK_ATOMICS_NAME "builtin"

#define FSK_RAW_INIT(N, p, v) ((void)((p)->value = (v)))
#define FSK_RAW_LOAD_RELAXED(N, p) __atomic_load_n(&(p)->value, __ATOMIC_RELAXED)
#define FSK_RAW_LOAD_ACQUIRE(N, p) __atomic_load_n(&(p)->value, __ATOMIC_ACQUIRE)
#define FSK_RAW_LOAD_SEQ(N, p) __atomic_load_n(&(p)->value, __ATOMIC_SEQ_CST)
#define FSK_RAW_STORE_RELAXED(N, p, v) __atomic_store_n(&(p)->value, (v), __ATOMIC_RELAXED)
#define FSK_RAW_STORE_RELEASE(N, p, v) __atomic_store_n(&(p)->value, (v), __ATOMIC_RELEASE)
#define FSK_RAW_CAS_ACQ_REL(N, p, expected, v)                                                     \
    __atomic_compare_exchange_n(&(p)->value, (expected), (v), 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
#define FSK_RAW_CAS_SEQ(N, p, expected, v)                                                         \
    __atomic_compare_exchange_n(&(p)->value, (expected), (v), 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define FSK_RAW_ADD_RELAXED(N, p, v) __atomic_fetch_add(&(p)->value, (v), __ATOMIC_RELAXED)
#define FSK_RAW_ADD_SEQ(N, p, v) __atomic_fetch_add(&(p)->value, (v), __ATOMIC_SEQ_CST)
#define FSK_RAW_SUB_ACQ_REL(N, p, v) __atomic_fetch_sub(&(p)->value, (v), __ATOMIC_ACQ_REL)
#define FSK_RAW_SUB_RELEASE(N, p, v) __atomic_fetch_sub(&(p)->value, (v), __ATOMIC_RELEASE)
#define FSK_RAW_EXCHANGE_SEQ(N, p, v) __atomic_exchange_n(&(p)->value, (v), __ATOMIC_SEQ_CST)

#endif /* FSK_ATOMIC_BUILTIN_H */
