/*
 * threads.c - the threads of a stress test are threads of the system; see stress.h.
 */
#define _GNU_SOURCE
#include "stress.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    stress_body body;
    void *context;
    unsigned me;
    stress_random random;
    pthread_barrier_t *start;
    atomic_uint *finished;
} thread_work;

static void *thread_main(void *argument)
{
    thread_work *w = argument;
    pthread_barrier_wait(w->start);
    w->body(w->context, w->me, &w->random);
    stress_counts_add();
    atomic_fetch_add(w->finished, 1);
    return NULL;
}

/* Runs on the thread that is stalled. */
static void stall(int signal_number)
{
    static _Thread_local uint32_t state;
    struct timespec t = {0, 0};
    int saved = errno;
    (void)signal_number;
    if (state == 0)
        state = (uint32_t)((uintptr_t)&state >> 4) | 1u;
    state = state * 1664525u + 1013904223u;
    if (state >> 30 == 0) {
        sched_yield();
    } else {
        t.tv_nsec = (long)(state >> 12) % 200000;
        nanosleep(&t, NULL);
    }
    errno = saved;
}

/* ThreadSanitizer hands signals on only where the program calls the system, which the library does not. */
static int stalls_wanted(stress_random *r)
{
#ifdef STRESS_TSAN
    (void)r;
    return 0;
#else
    return stress_number("FASTSKIP_TEST_STALLS", 1) != 0 && stress_below(r, 2) == 0;
#endif
}

static void send_stalls(const pthread_t *threads, unsigned n, atomic_uint *finished,
                        stress_random *r)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = stall;
    action.sa_flags = SA_RESTART;
    sigaction(SIGURG, &action, NULL);
    while (atomic_load(finished) < n) {
        struct timespec pause = {0, (long)stress_below(r, 60000)};
        pthread_kill(threads[stress_below(r, n)], SIGURG);
        nanosleep(&pause, NULL);
    }
}

void stress_run(unsigned n, stress_body body, void *context, stress_random *random)
{
    pthread_t threads[STRESS_THREADS];
    thread_work work[STRESS_THREADS];
    pthread_barrier_t start;
    atomic_uint finished = 0;
    pthread_barrier_init(&start, NULL, n + 1);
    for (unsigned i = 0; i < n; i++) {
        work[i].body = body;
        work[i].context = context;
        work[i].me = i;
        work[i].random.state = stress_next(random);
        work[i].start = &start;
        work[i].finished = &finished;
        if (pthread_create(&threads[i], NULL, thread_main, &work[i]) != 0)
            abort();
    }
    pthread_barrier_wait(&start);
    if (stalls_wanted(random))
        send_stalls(threads, n, &finished, random);
    for (unsigned i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&start);
}

void stress_pause(void)
{
    sched_yield();
}
