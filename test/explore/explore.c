/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * explore - the library's own code in every order of its atomic accesses, up to a number of preemptions.
 * explore_weak is the same program over memory.h: old values that loads see count as preemptions there.
 *
 *     explore [-p PREEMPTIONS] [-n SCHEDULES] [-s SEED] [SCENARIO...]
 *     explore -p PREEMPTIONS -r SCHEDULE SCENARIO     replays a finding
 *     explore -l                         says what there is
 *
 * With -n a scenario whose schedules would be more than that is explored with fewer preemptions, and what
 * is left of the number is used for random schedules with as many as asked for.
 */
#define _POSIX_C_SOURCE 200809L
#include "program.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int list(void)
{
    for (unsigned i = 0; i < scenarios_count; i++)
        printf("%-24s %s\n", scenarios[i].name, scenarios[i].about);
    return EXIT_SUCCESS;
}

static int is_wanted(const scenario *s, char **names, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], s->name) == 0)
            return 1;
    return n == 0;
}

static int explore(const scenario *s, schedule_task *task, const char *trail)
{
    schedule_outcome o;
    program_load(s, task);
    if (trail != NULL)
        schedule_replay(task, trail, &o);
    else
        schedule_explore(task, &o);
    printf("%-24s %10" PRIu64 " schedules, up to %u accesses, ", s->name, o.schedules, o.longest);
    if (o.complete > task->preemptions)
        printf("all with up to %u preemptions", task->preemptions);
    else if (o.complete > 0)
        printf("all with up to %u preemptions and some with %u", o.complete - 1, task->preemptions);
    else
        printf("some");
    printf("%s\n", o.failed ? ": FAILED" : "");
    if (o.wrong != NULL)
        printf("  %s\n", o.wrong);
    if (o.failed || trail != NULL)
        program_print();
    if (o.failed)
        printf("  again: -p %u -r %s %s\n", task->preemptions, o.trail, s->name);
    fflush(stdout);
    if (!o.failed)
        program_unload();
    return !o.failed;
}

int main(int argc, char **argv)
{
    schedule_task task = {.preemptions = 2, .seed = 1};
    const char *trail = NULL;
    unsigned passed = 0, failed = 0;
    int option;
    while ((option = getopt(argc, argv, "p:n:s:r:l")) != -1)
        switch (option) {
        case 'p':
            task.preemptions = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'n':
            task.limit = strtoull(optarg, NULL, 10);
            break;
        case 's':
            task.seed = strtoull(optarg, NULL, 10);
            break;
        case 'r':
            trail = optarg;
            break;
        case 'l':
            return list();
        default:
            fprintf(stderr, "usage: explore [-p PREEMPTIONS] [-n SCHEDULES] [-s SEED] "
                            "[-r SCHEDULE] [-l] [SCENARIO...]\n");
            return 2;
        }
    for (unsigned i = 0; i < scenarios_count && failed == 0; i++)
        if (is_wanted(&scenarios[i], argv + optind, argc - optind)) {
            if (explore(&scenarios[i], &task, trail))
                passed++;
            else
                failed++;
        }
    printf("%u passed, %u failed\n", passed, failed);
    return passed > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
