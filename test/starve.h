/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * starve.h - no memory from malloc and, where STARVE_SYSTEM is defined, none from the system, for the library
 * within a program that includes this.
 */
#ifndef FSK_TEST_STARVE_H
#define FSK_TEST_STARVE_H

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The program's own malloc stands before that of the system for the library, too. Within a starved
 * call of this thread it gives nothing after so many calls. */
#if defined(__GNUC__)
#define UNINSTRUMENTED __attribute__((no_sanitize("thread", "address")))
#else
#define UNINSTRUMENTED
#endif

/* volatile: compilers know that malloc changes no variable. */
static _Thread_local volatile long malloc_budget = -1;
static _Thread_local volatile unsigned long malloc_calls;
static _Thread_local volatile int malloc_fails_once; /* and then gives again */
static _Thread_local volatile long malloc_live;      /* allocations less those freed */

/* Sanitizers that are linked into the program bring a malloc that must not be replaced. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define OWN_MALLOC 0
#endif
#endif
#ifndef OWN_MALLOC
#define OWN_MALLOC 1
#endif

#ifdef STARVE_SYSTEM
static _Thread_local volatile long long system_live; /* bytes of pages mapped less those unmapped */
#endif

#if OWN_MALLOC
UNINSTRUMENTED static int starved(void)
{
    malloc_calls++;
    if (malloc_budget < 0 || malloc_budget-- > 0)
        return 0;
    malloc_budget = malloc_fails_once ? -1 : 0;
    errno = ENOMEM;
    return 1;
}

/* Looking the real one up may itself allocate, before there is one. */
static char first_memory[4096];
static size_t first_used;

UNINSTRUMENTED static void *memory_before(size_t size)
{
    void *memory = first_memory + first_used;
    first_used += (size + 15) / 16 * 16;
    return first_used <= sizeof first_memory ? memory : NULL;
}

#define REAL(name, type)                                                                           \
    static type real;                                                                              \
    static int looking;                                                                            \
    if (!real && !looking) {                                                                       \
        looking = 1;                                                                               \
        void *symbol = dlsym(RTLD_NEXT, name);                                                     \
        memcpy(&real, &symbol, sizeof real);                                                       \
    }

UNINSTRUMENTED static void *counted(void *memory)
{
    malloc_live += memory != NULL;
    return memory;
}

typedef void (*free_type)(void *);
typedef void *(*malloc_type)(size_t);
typedef void *(*calloc_type)(size_t, size_t);
typedef void *(*realloc_type)(void *, size_t);
typedef int (*memalign_type)(void **, size_t, size_t);

UNINSTRUMENTED void *malloc(size_t size)
{
    REAL("malloc", malloc_type)
    return starved() ? NULL : counted(real ? real(size) : memory_before(size));
}

UNINSTRUMENTED void *calloc(size_t count, size_t size)
{
    REAL("calloc", calloc_type)
    return starved() ? NULL : counted(real ? real(count, size) : memory_before(count * size));
}

UNINSTRUMENTED void *realloc(void *old, size_t size)
{
    REAL("realloc", realloc_type)
    void *memory = starved() ? NULL : real ? real(old, size) : NULL;
    return old == NULL ? counted(memory) : memory;
}

UNINSTRUMENTED void free(void *memory)
{
    REAL("free", free_type)
    if (memory == NULL)
        return;
    malloc_live--;
    if (real &&
        ((char *)memory < first_memory || (char *)memory >= first_memory + sizeof first_memory))
        real(memory);
}

UNINSTRUMENTED void *aligned_alloc(size_t alignment, size_t size)
{
    REAL("aligned_alloc", calloc_type)
    return starved() ? NULL : counted(real ? real(alignment, size) : NULL);
}

UNINSTRUMENTED int posix_memalign(void **memory, size_t alignment, size_t size)
{
    REAL("posix_memalign", memalign_type)
    int error = starved() ? ENOMEM : real ? real(memory, alignment, size) : ENOMEM;
    malloc_live += error == 0;
    return error;
}

#ifdef STARVE_SYSTEM /* memory that comes from the system itself: its calls are counted and fail, too */
static long long whole_pages(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (long long)((size + page - 1) / page * page);
}

typedef void *(*mmap_type)(void *, size_t, int, int, int, off_t);
typedef int (*munmap_type)(void *, size_t);
typedef int (*mprotect_type)(void *, size_t, int);

UNINSTRUMENTED void *mmap(void *at, size_t size, int access, int flags, int file, off_t offset)
{
    REAL("mmap", mmap_type)
    void *memory = starved() || !real ? MAP_FAILED : real(at, size, access, flags, file, offset);
    if (memory != MAP_FAILED)
        system_live += whole_pages(size);
    return memory;
}

#ifdef __GLIBC__
typedef void *(*mmap64_type)(void *, size_t, int, int, int, off64_t);

UNINSTRUMENTED void *mmap64(void *at, size_t size, int access, int flags, int file, off64_t offset)
{
    REAL("mmap64", mmap64_type)
    void *memory = starved() || !real ? MAP_FAILED : real(at, size, access, flags, file, offset);
    if (memory != MAP_FAILED)
        system_live += whole_pages(size);
    return memory;
}
#endif

UNINSTRUMENTED int munmap(void *at, size_t size)
{
    REAL("munmap", munmap_type)
    system_live -= whole_pages(size);
    return real ? real(at, size) : -1;
}

UNINSTRUMENTED int mprotect(void *at, size_t size, int access)
{
    REAL("mprotect", mprotect_type)
    return starved() || !real ? -1 : real(at, size, access);
}
#endif
#endif

/* Whether the calls come here: not where the checker that runs the program has put its own malloc
 * in the way. Looks all of them up while there is one thread. */
static int can_starve(void)
{
    unsigned long before = malloc_calls;
    void *volatile memory = malloc(1);
    memory = realloc(memory, 2);
    free(memory);
    memory = calloc(1, 1);
    free(memory);
    memory = aligned_alloc(64, 64);
    free(memory);
    void *aligned = NULL;
    if (posix_memalign(&aligned, 64, 64) == 0)
        free(aligned);
    return malloc_calls == before + 5;
}

#endif
