/* counted.c - see counted.h. */
#include "stress.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

_Thread_local stress_counts stress_counted;

static stress_counts all; /* of the threads that have ended */
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;

void stress_counts_add(void)
{
    pthread_mutex_lock(&all_lock);
    all.writes += stress_counted.writes;
    all.reads += stress_counted.reads;
    all.steps += stress_counted.steps;
    all.snapshots += stress_counted.snapshots;
    all.seals += stress_counted.seals;
    pthread_mutex_unlock(&all_lock);
    memset(&stress_counted, 0, sizeof stress_counted);
}

int stress_counts_suffice(void)
{
    stress_counts_add();
    return (double)(all.writes + all.reads) >= stress_number("FASTSKIP_TEST_OPERATIONS", 0) &&
           (double)all.snapshots >= stress_number("FASTSKIP_TEST_SNAPSHOTS", 0) &&
           (double)all.seals >= stress_number("FASTSKIP_TEST_SEALS", 0);
}

void stress_counts_print(const char *name, unsigned rounds, double seconds)
{
    stress_counts_add();
    fprintf(stderr,
            "%s: %u rounds, %llu operations (%llu writes, %llu reads), %llu steps, "
            "%llu snapshots, %llu seals in %.0f s\n",
            name, rounds, (unsigned long long)(all.writes + all.reads),
            (unsigned long long)all.writes, (unsigned long long)all.reads,
            (unsigned long long)all.steps, (unsigned long long)all.snapshots,
            (unsigned long long)all.seals, seconds);
}
