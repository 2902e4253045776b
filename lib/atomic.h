/*
 * atomic.h - atomic words: the lowest layer.
 *
 * One contract, three back ends; no other file of the library uses an atomic operation of the
 * language, the compiler or a library.
 *
 *     FSK_ATOMICS_C11      atomic_c11.h      <stdatomic.h>
 *     FSK_ATOMICS_BUILTIN  atomic_builtin.h  the __atomic functions of GCC and Clang
 *     FSK_ATOMICS_AO       atomic_ao.h       libatomic_ops, for compilers that have neither
 *
 * The build defines exactly one of these (-Datomics=). Tests of memory order bring a fourth, a model of
 * memory: FSK_ATOMICS_MODEL is then the name of its header.
 *
 * A value sits in a struct, so that a plain access does not compile. fsk_atomic64 is aligned to 8
 * bytes on every target, also where a uint64_t is not. For N = 32 and 64:
 *
 *     fsk_initN(p, v)                     before the word is shared; not atomic
 *     fsk_loadN_relaxed(p)
 *     fsk_loadN_acquire(p)
 *     fsk_loadN_seq(p)
 *     fsk_storeN_relaxed(p, v)
 *     fsk_storeN_release(p, v)
 *     fsk_casN_acq_rel(p, &expected, v)   1 if p held expected and now holds v; 0 if not, and
 *     fsk_casN_seq(p, &expected, v)       expected is then what p held; never fails for no reason
 *     fsk_addN_relaxed(p, v)              these five return what p held before;
 *     fsk_addN_seq(p, v)                  they wrap around
 *     fsk_subN_acq_rel(p, v)
 *     fsk_subN_release(p, v)
 *     fsk_exchangeN_seq(p, v)
 *
 * Orders are those of C11. A failed cas_acq_rel is an acquire load, a failed cas_seq a sequentially
 * consistent one. All _seq operations, of all words, are in one total order that every thread
 * agrees on. There is no fence: ThreadSanitizer does not see fences, and no rule of this library
 * needs one.
 *
 * How each is made:
 *
 *     operation        C11 and builtins             libatomic_ops
 *     load_relaxed     load relaxed                 AO_load
 *     load_acquire     load acquire                 AO_load_acquire
 *     load_seq         load seq_cst                 AO_nop_full, AO_load_acquire
 *     store_relaxed    store relaxed                AO_store
 *     store_release    store release                AO_store_release
 *     cas_acq_rel      CAS strong acq_rel, acquire  AO_fetch_compare_and_swap_full
 *     cas_seq          CAS strong seq_cst, seq_cst  AO_nop_full, AO_fetch_compare_and_swap_full
 *     add_relaxed      fetch_add relaxed            AO_fetch_and_add
 *     add_seq          fetch_add seq_cst            AO_nop_full, AO_fetch_and_add_full
 *     sub_acq_rel      fetch_sub acq_rel            AO_fetch_and_add_full of -v
 *     sub_release      fetch_sub release            AO_fetch_and_add_release of -v
 *     exchange_seq     exchange seq_cst             AO_nop_full, then a loop of
 *                                                   AO_fetch_compare_and_swap_full
 *     init             atomic_init, or store        AO_store
 *
 * Every operation is lock-free; a target without a lock-free 64-bit CAS does not compile.
 *
 * Points. With FSK_ATOMIC_HOOK defined every operation first calls fsk_atomic_hook(), which a test
 * provides, with what it is about to do and the address of the word; a read-modify-write calls it
 * once more when it is done. A hook may yield there, or decide which thread goes next. It must not
 * use the operations below.
 */
#ifndef FSK_ATOMIC_H
#define FSK_ATOMIC_H

#include <stddef.h>
#include <stdint.h>

#if (defined(FSK_ATOMICS_C11) + defined(FSK_ATOMICS_BUILTIN) + defined(FSK_ATOMICS_AO) +           \
     defined(FSK_ATOMICS_MODEL)) != 1
#error "fastskip: define exactly one of FSK_ATOMICS_C11, FSK_ATOMICS_BUILTIN and FSK_ATOMICS_AO"
#endif

/*
 * A back end defines fsk_atomic32, fsk_atomic64, FSK_ATOMICS_NAME and one FSK_RAW_ macro for each
 * operation, whose first argument is the width as a literal 32 or 64.
 */
#if defined(FSK_ATOMICS_C11)
#include "atomic_c11.h"
#elif defined(FSK_ATOMICS_BUILTIN)
#include "atomic_builtin.h"
#elif defined(FSK_ATOMICS_AO)
#include "atomic_ao.h"
#else
#include FSK_ATOMICS_MODEL
#endif

/* What an operation is about to do, for the hook. */
enum {
    FSK_POINT_LOAD = 0,
    FSK_POINT_STORE = 1,
    FSK_POINT_CAS = 2, /* any read-modify-write */
    FSK_POINT_DONE = 3 /* after a read-modify-write; an explorer of interleavings may ignore it */
};

#ifdef FSK_ATOMIC_HOOK
void fsk_atomic_hook(int op, const volatile void *address);
#define FSK_ATOMIC_POINT(op, address) fsk_atomic_hook((op), (address))
#else
#define FSK_ATOMIC_POINT(op, address) ((void)0)
#endif

#define FSK_ATOMIC_DEFINE_READ_MODIFY_WRITE(N, name, RAW)                                          \
    static inline uint##N##_t fsk_##name(fsk_atomic##N *p, uint##N##_t value)                      \
    {                                                                                              \
        uint##N##_t old;                                                                           \
        FSK_ATOMIC_POINT(FSK_POINT_CAS, p);                                                        \
        old = RAW(N, p, value);                                                                    \
        FSK_ATOMIC_POINT(FSK_POINT_DONE, p);                                                       \
        return old;                                                                                \
    }

#define FSK_ATOMIC_DEFINE_CAS(N, name, RAW)                                                        \
    static inline int fsk_##name(fsk_atomic##N *p, uint##N##_t *expected, uint##N##_t desired)     \
    {                                                                                              \
        int won;                                                                                   \
        FSK_ATOMIC_POINT(FSK_POINT_CAS, p);                                                        \
        won = RAW(N, p, expected, desired);                                                        \
        FSK_ATOMIC_POINT(FSK_POINT_DONE, p);                                                       \
        return won;                                                                                \
    }

#define FSK_ATOMIC_DEFINE_LOAD(N, name, RAW)                                                       \
    static inline uint##N##_t fsk_##name(const fsk_atomic##N *p)                                   \
    {                                                                                              \
        FSK_ATOMIC_POINT(FSK_POINT_LOAD, p);                                                       \
        return RAW(N, p);                                                                          \
    }

#define FSK_ATOMIC_DEFINE_STORE(N, name, RAW)                                                      \
    static inline void fsk_##name(fsk_atomic##N *p, uint##N##_t value)                             \
    {                                                                                              \
        FSK_ATOMIC_POINT(FSK_POINT_STORE, p);                                                      \
        RAW(N, p, value);                                                                          \
    }

#define FSK_ATOMIC_DEFINE(N)                                                                       \
    static inline void fsk_init##N(fsk_atomic##N *p, uint##N##_t value)                            \
    {                                                                                              \
        FSK_RAW_INIT(N, p, value);                                                                 \
    }                                                                                              \
    FSK_ATOMIC_DEFINE_LOAD(N, load##N##_relaxed, FSK_RAW_LOAD_RELAXED)                             \
    FSK_ATOMIC_DEFINE_LOAD(N, load##N##_acquire, FSK_RAW_LOAD_ACQUIRE)                             \
    FSK_ATOMIC_DEFINE_LOAD(N, load##N##_seq, FSK_RAW_LOAD_SEQ)                                     \
    FSK_ATOMIC_DEFINE_STORE(N, store##N##_relaxed, FSK_RAW_STORE_RELAXED)                          \
    FSK_ATOMIC_DEFINE_STORE(N, store##N##_release, FSK_RAW_STORE_RELEASE)                          \
    FSK_ATOMIC_DEFINE_CAS(N, cas##N##_acq_rel, FSK_RAW_CAS_ACQ_REL)                                \
    FSK_ATOMIC_DEFINE_CAS(N, cas##N##_seq, FSK_RAW_CAS_SEQ)                                        \
    FSK_ATOMIC_DEFINE_READ_MODIFY_WRITE(N, add##N##_relaxed, FSK_RAW_ADD_RELAXED)                  \
    FSK_ATOMIC_DEFINE_READ_MODIFY_WRITE(N, add##N##_seq, FSK_RAW_ADD_SEQ)                          \
    FSK_ATOMIC_DEFINE_READ_MODIFY_WRITE(N, sub##N##_acq_rel, FSK_RAW_SUB_ACQ_REL)                  \
    FSK_ATOMIC_DEFINE_READ_MODIFY_WRITE(N, sub##N##_release, FSK_RAW_SUB_RELEASE)                  \
    FSK_ATOMIC_DEFINE_READ_MODIFY_WRITE(N, exchange##N##_seq, FSK_RAW_EXCHANGE_SEQ)

FSK_ATOMIC_DEFINE(32)
FSK_ATOMIC_DEFINE(64)

#endif /* FSK_ATOMIC_H */
