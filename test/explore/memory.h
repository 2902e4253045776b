/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * memory.h - atomic words as weak as C11 makes them, for the explorer's threads.
 *
 * A word has all the values that were ever stored to it, in order. A thread has for each word the oldest
 * of them that it may still see: its view. A load takes any of the 8 newest from there on: the newest at no
 * cost, an older one at that of a preemption (schedule_choose), so that old values are explored as orders
 * are. What it took is from then on the oldest that this thread sees. A store that releases keeps the view
 * of its thread with the value, and a load that acquires and takes that value adds it to its own. A
 * read-modify-write takes the newest value, and hands on the view that was kept with it. Sequentially
 * consistent accesses also see no older value than the last that one of them stored to the word. So a word whose order is
 * weaker than its use needs shows an old value, as it would on a processor or by a compiler that makes use
 * of the freedom.
 *
 * A word that is given its first value (init) by one thread and reached by another that does not know of
 * that, because an acquire or a release is missing on the way, ends the schedule: a race on plain memory.
 *
 * These are the usual rules of tools that run C11 programs (Vyukov's Relacy; Norris, Demsky, "CDSChecker",
 * OOPSLA 2013; Lidbury, Donaldson, "Dynamic race detection for C++11", POPL 2017). As there, a load takes
 * nothing from stores that come later in the schedule (load buffering), and stores to one word are in the
 * order in which they were made. Plain memory, bytes of keys and values and what of a block never changes,
 * is what ThreadSanitizer looks at.
 *
 * Before and after a schedule memory is memory: the words themselves hold the newest values. litmus.c shows
 * that all this is so.
 */
#ifndef EXPLORE_MEMORY_H
#define EXPLORE_MEMORY_H

#include <stdint.h>

enum { MEMORY_RELAXED, MEMORY_ACQUIRE, MEMORY_RELEASE, MEMORY_ACQ_REL, MEMORY_SEQ };

/* Words are of 4 or 8 bytes. */
void memory_init(void *p, unsigned bytes, uint64_t value);
uint64_t memory_load(const void *p, unsigned bytes, int order);
void memory_store(void *p, unsigned bytes, int order, uint64_t value);
uint64_t memory_add(void *p, unsigned bytes, int order, uint64_t value);
uint64_t memory_exchange(void *p, unsigned bytes, int order, uint64_t value);
int memory_cas32(void *p, int order, int failed, uint32_t *expected, uint32_t desired);
int memory_cas64(void *p, int order, int failed, uint64_t *expected, uint64_t desired);

/* Before a schedule: nothing was stored yet, and all threads see what there is. */
void memory_forget(void);

#endif
