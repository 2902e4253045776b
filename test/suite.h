/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * suite.h - what all suites share: assertions that cost nothing, random numbers, running.
 *
 * FASTSKIP_TEST_SCALE multiplies the rounds of what is random or races.
 */
#ifndef FSK_TEST_SUITE_H
#define FSK_TEST_SUITE_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "draw.h"

/* A ck_assert writes a record for each call: too slow for millions. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("%s", #condition);                                                        \
    } while (0)
#define REQUIRE_EQ(a, b)                                                                           \
    do {                                                                                           \
        long long is_ = (long long)(a), should_ = (long long)(b);                                  \
        if (is_ != should_)                                                                        \
            ck_abort_msg("%s is %lld, not %s, %lld", #a, is_, #b, should_);                        \
    } while (0)

static inline unsigned scaled(unsigned rounds)
{
    const char *text = getenv("FASTSKIP_TEST_SCALE");
    unsigned long factor = text != NULL ? strtoul(text, NULL, 10) : 1;
    return factor > 1 ? rounds * (unsigned)factor : rounds;
}

/* ---- running ---- */

/* What runs a suite has a shorter patience; this is for one that is run by hand, for long. */
#define TEST_SECONDS 3600

/* Adds a test, to be run so many times with _i from 0. */
static inline TCase *suite_add(Suite *suite, const TTest *test, int times)
{
    TCase *tcase = tcase_create(test->name);
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_loop_test(tcase, test, 0, times);
    suite_add_tcase(suite, tcase);
    return tcase;
}

static inline int suite_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int good;
    srunner_run_all(runner, CK_ENV);
    good = srunner_ntests_failed(runner) == 0 && srunner_ntests_run(runner) > 0;
    srunner_free(runner);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static inline int run_suite(const char *name, const TTest *const *tests, size_t n)
{
    Suite *suite = suite_create(name);
    for (size_t i = 0; i < n; i++)
        suite_add(suite, tests[i], 1);
    return suite_run(suite);
}

#define RUN_SUITE(name, tests) run_suite((name), (tests), sizeof(tests) / sizeof *(tests))

#endif
