/*
 * symver.h - binds a function to a version of an exported name.
 *
 * No part of the library as long as every name has one version only. abi/README.md says how a second one
 * is made; this file then moves to lib/. test/abi/test_versions.sh builds a library that uses it.
 *
 *   FASTSKIP_API size_t fsk_batch_count_1_0(const fastskip_batch *batch);
 *   FSK_SYMVER(fsk_batch_count_1_0, "fastskip_batch_count@FASTSKIP_1.0")   for programs linked before
 *   FASTSKIP_API fastskip_status fsk_batch_count_1_1(const fastskip_batch *batch, uint64_t *number);
 *   FSK_SYMVER(fsk_batch_count_1_1, "fastskip_batch_count@@FASTSKIP_1.1")  what is linked from now on
 *
 * It stands after the declaration and before the definition, without a semicolon. The function must be
 * FASTSKIP_API: the linker does not export what is hidden, under whatever name. Its own name stays
 * inside, as the map does not list it.
 */
#ifndef FSK_SYMVER_H
#define FSK_SYMVER_H

#if defined(__GNUC__) && __GNUC__ >= 10 && !defined(__clang__)
/* With link-time optimisation gcc puts a function and an asm() at file level into different objects,
 * and the assembler refuses; the attribute stays with the function. */
#define FSK_SYMVER(function, versioned)                                                            \
    extern __typeof__(function) function __attribute__((symver(versioned)));
#else
/* clang has no such attribute; its link-time optimisation understands this directive. */
#define FSK_SYMVER(function, versioned) __asm__(".symver " #function "," versioned);
#endif

#endif
