/*
 * test_stress.c - many threads at once against oracles; see stress/stress.h.
 *
 * Written against fastskip.h alone.  FASTSKIP_TEST_SECONDS and FASTSKIP_TEST_SCALE say how much.
 */
#include <check.h>
#include <stdlib.h>

#include "stress/stress.h"

static const struct {
    const char *name;
    void (*round)(stress_random *random);
} scenarios[] = {
    {"counters", stress_counters},
    {"snapshots", stress_snapshots},
    {"overwrites", stress_overwrites},
    {"bank", stress_bank},
    {"groups", stress_groups},
    {"aborts", stress_aborts},
    {"inserts", stress_inserts},
    {"walks", stress_walks},
    {"floods", stress_floods},
    {"seal", stress_seal},
    {"rotate", stress_rotate},
    {"hot", stress_hot},
    {"relay", stress_relay},
    {"memory_limit", stress_memory_limit},
    {"entry_limit", stress_entry_limit},
    {"numbered", stress_numbered},
    {"numbered_reads", stress_numbered_reads},
    {"lives", stress_lives},
    {"resets", stress_resets},
};

#define SCENARIOS (sizeof scenarios / sizeof scenarios[0])

START_TEST(scenario)
{
    stress_rounds(scenarios[_i].name, scenarios[_i].round);
}
END_TEST

/* Each is a test case of its own, so that CK_RUN_CASE=name runs one for all of the time. */
static void add(Suite *suite, int i)
{
    TCase *tcase = tcase_create(scenarios[i].name);
    tcase_set_timeout(tcase, stress_timeout());
    tcase_add_loop_test(tcase, scenario, i, i + 1);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("stress");
    SRunner *runner;
    int failed;
    stress_share(SCENARIOS);
    for (int i = 0; i < (int)SCENARIOS; i++)
        add(suite, i);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
