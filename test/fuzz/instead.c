/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * instead.c - what the linker puts in place of functions that would take most of an execution's time.
 *
 * memcmp: the address sanitizer's tells libFuzzer of each comparison what -use_cmp=0 then throws away: without
 * that 1.3 to 1.4 times the inputs run. Here, too, both ranges are checked.
 *
 * sysconf: the number of processors, of which a table asks, is read from a file each time.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

#include <sanitizer/asan_interface.h>

#include "fuzz.h"

typedef int compare_fn(const void *a, const void *b, size_t size);

compare_fn __wrap_memcmp, __wrap_bcmp;
long __wrap_sysconf(int name), __real_sysconf(int name);

/* That of the C library. */
static compare_fn *compare;

/* What is read here by itself is checked by the compiler. No gap between objects is below 16 bytes, and a
 * region has none. */
static void require_range(const void *p, size_t size)
{
    const volatile char *bytes = p, *bad;
    if (size == 0)
        return;
    (void)bytes[0];
    (void)bytes[size / 2];
    (void)bytes[size - 1];
    if (size <= 32 || pool_holds(p))
        return;
    bad = __asan_region_is_poisoned((void *)(uintptr_t)p, size);
    if (bad != NULL)
        (void)*bad; /* which is reported */
}

int __wrap_memcmp(const void *a, const void *b, size_t size)
{
    if (compare == NULL)
        *(void **)&compare = dlsym(RTLD_NEXT, "memcmp");
    require_range(a, size);
    require_range(b, size);
    return compare(a, b, size);
}

int __wrap_bcmp(const void *a, const void *b, size_t size)
{
    return __wrap_memcmp(a, b, size);
}

long __wrap_sysconf(int name)
{
    static long processors;
    if (name != _SC_NPROCESSORS_ONLN)
        return __real_sysconf(name);
    if (processors == 0)
        processors = __real_sysconf(name);
    return processors;
}
