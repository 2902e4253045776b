/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * calls.c - how many calls of the library all inputs made, said at the end: what an execution is worth. The
 * header that build.sh makes counts them.
 */
#include <stdio.h>

extern unsigned long long fuzz_calls;
unsigned long long fuzz_calls;

__attribute__((destructor)) static void say(void)
{
    fprintf(stderr, "stat::calls_of_the_library: %llu\n", fuzz_calls);
}
