/*
 * atomic_ao.h - back end of atomic.h for libatomic_ops 7.6 and later, that is for compilers without
 * atomics of their own. Only atomic.h includes it.
 *
 * It needs headers alone, and of these only atomic_ops.h: the others of the package (stack, malloc)
 * are under the GPL.
 *
 * Sequential consistency. libatomic_ops has no operation that is: its strongest, _full, promises no
 * more than acquire and release together, and may be weaker than that where it is built on C11.
 * Only AO_nop_full orders a store before a later load of another word. So every _seq operation is
 * AO_nop_full followed by an acquire load or a _full read-modify-write. Between any two of them in
 * one thread there is then a full fence, which is the "leading fence" mapping of C11 to Power and
 * ARMv7, proven sound for RC11 (Lahav, Vafeiadis, Kang, Hur, Dreyer, "Repairing sequential
 * consistency in C/C++11", PLDI 2017). The fence also precedes the load of a CAS that fails. Reads
 * thus pay for a fence that the other back ends do without.
 *
 * ThreadSanitizer does not see that fence, but it sees the acquire and release that go with it, so
 * its reports are right all the same; GCC warns (-Wtsan) and must be told that it may.
 *
 * A failed AO_fetch_compare_and_swap_full acquires: it is the same read as one that succeeds. There
 * is no exchange, so it is a loop, which ends when no other thread writes the word between a load
 * and a CAS: lock-free, not wait-free.
 */
#ifndef FSK_ATOMIC_AO_H
#define FSK_ATOMIC_AO_H

#include <limits.h>

#if SIZE_MAX != UINT64_MAX
#error "fastskip: libatomic_ops has no 64-bit CAS on this target; use -Datomics=c11 or builtin"
#endif
#if UINT_MAX != UINT32_MAX
#error "fastskip: libatomic_ops has no 32-bit CAS on this target"
#endif

/*
 * tcc and pcc understand the inline assembly of libatomic_ops, but it must be told that they do: by
 * passing for a GCC too old for __atomic. pcc also does not know the __alignof__ of its assertions.
 */
#if defined(__TINYC__) && !defined(__GNUC__)
#define __GNUC__ 4
#define __GNUC_MINOR__ 1
#include <assert.h>
#include <atomic_ops.h>
#undef __GNUC__
#undef __GNUC_MINOR__
#elif defined(__PCC__) && __GNUC__ == 4 && __GNUC_MINOR__ == 3
#undef __GNUC_MINOR__
#define __GNUC_MINOR__ 1
#ifdef NDEBUG
#include <atomic_ops.h>
#else
#define NDEBUG
#include <atomic_ops.h>
#undef NDEBUG
#include <assert.h>
#endif
#undef __GNUC_MINOR__
#define __GNUC_MINOR__ 3
#else
#include <atomic_ops.h>
#endif

#if !defined(AO_HAVE_nop_full) || !defined(AO_HAVE_fetch_compare_and_swap_full) ||                 \
    !defined(AO_HAVE_fetch_and_add) || !defined(AO_HAVE_fetch_and_add_release) ||                  \
    !defined(AO_HAVE_fetch_and_add_full) || !defined(AO_HAVE_load_acquire) ||                      \
    !defined(AO_HAVE_store_release)
#error "fastskip: libatomic_ops lacks 64-bit operations on this target"
#endif
#if !defined(AO_HAVE_int_fetch_compare_and_swap_full) || !defined(AO_HAVE_int_fetch_and_add) ||    \
    !defined(AO_HAVE_int_fetch_and_add_release) || !defined(AO_HAVE_int_fetch_and_add_full) ||     \
    !defined(AO_HAVE_int_load_acquire) || !defined(AO_HAVE_int_store_release)
#error "fastskip: libatomic_ops lacks 32-bit operations on this target"
#endif

/* Both types are as wide as their size on every target that gets here, and aligned to it. */
typedef struct {
    unsigned int value;
} fsk_atomic32;

typedef struct {
    AO_t value;
} fsk_atomic64;

#define FSK_ATOMICS_NAME "libatomic_ops"

#define FSK_AO_DEFINE(N, type, AO)                                                                 \
    static inline uint##N##_t fsk_ao_load##N##_seq(const type *p)                                  \
    {                                                                                              \
        AO_nop_full();                                                                             \
        return AO##_load_acquire(p);                                                               \
    }                                                                                              \
    static inline int fsk_ao_cas##N(type *p, uint##N##_t *expected, uint##N##_t desired)           \
    {                                                                                              \
        uint##N##_t seen = AO##_fetch_compare_and_swap_full(p, *expected, desired);                \
        int won = seen == *expected;                                                               \
        *expected = seen;                                                                          \
        return won;                                                                                \
    }                                                                                              \
    static inline int fsk_ao_cas##N##_seq(type *p, uint##N##_t *expected, uint##N##_t desired)     \
    {                                                                                              \
        AO_nop_full();                                                                             \
        return fsk_ao_cas##N(p, expected, desired);                                                \
    }                                                                                              \
    static inline uint##N##_t fsk_ao_add##N##_seq(type *p, uint##N##_t value)                      \
    {                                                                                              \
        AO_nop_full();                                                                             \
        return AO##_fetch_and_add_full(p, value);                                                  \
    }                                                                                              \
    static inline uint##N##_t fsk_ao_exchange##N##_seq(type *p, uint##N##_t value)                 \
    {                                                                                              \
        uint##N##_t old = AO##_load(p);                                                            \
        AO_nop_full();                                                                             \
        while (!fsk_ao_cas##N(p, &old, value)) {                                                   \
        }                                                                                          \
        return old;                                                                                \
    }

FSK_AO_DEFINE(32, unsigned int, AO_int)
FSK_AO_DEFINE(64, AO_t, AO)

/* The name of an operation by width: FSK_AO(32, load) is AO_int_load, FSK_AO(64, load) AO_load. */
#define FSK_AO(N, name) FSK_AO_##N(name)
#define FSK_AO_32(name) AO_int_##name
#define FSK_AO_64(name) AO_##name

#define FSK_RAW_INIT(N, p, v) FSK_AO(N, store)(&(p)->value, (v))
#define FSK_RAW_LOAD_RELAXED(N, p) FSK_AO(N, load)(&(p)->value)
#define FSK_RAW_LOAD_ACQUIRE(N, p) FSK_AO(N, load_acquire)(&(p)->value)
#define FSK_RAW_LOAD_SEQ(N, p) fsk_ao_load##N##_seq(&(p)->value)
#define FSK_RAW_STORE_RELAXED(N, p, v) FSK_AO(N, store)(&(p)->value, (v))
#define FSK_RAW_STORE_RELEASE(N, p, v) FSK_AO(N, store_release)(&(p)->value, (v))
#define FSK_RAW_CAS_ACQ_REL(N, p, expected, v) fsk_ao_cas##N(&(p)->value, (expected), (v))
#define FSK_RAW_CAS_SEQ(N, p, expected, v) fsk_ao_cas##N##_seq(&(p)->value, (expected), (v))
#define FSK_RAW_ADD_RELAXED(N, p, v) FSK_AO(N, fetch_and_add)(&(p)->value, (v))
#define FSK_RAW_ADD_SEQ(N, p, v) fsk_ao_add##N##_seq(&(p)->value, (v))
#define FSK_RAW_SUB_ACQ_REL(N, p, v) FSK_AO(N, fetch_and_add_full)(&(p)->value, 0 - (v))
#define FSK_RAW_SUB_RELEASE(N, p, v) FSK_AO(N, fetch_and_add_release)(&(p)->value, 0 - (v))
#define FSK_RAW_EXCHANGE_SEQ(N, p, v) fsk_ao_exchange##N##_seq(&(p)->value, (v))

#endif /* FSK_ATOMIC_AO_H */
