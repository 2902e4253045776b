/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * See progress.h.
 */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "store.h"

static const char *const phase_names[] = {
    [PROGRESS_INGEST] = "ingest", [PROGRESS_MERGE] = "merge", [PROGRESS_VERIFY] = "verify"};

static size_t terminal_width(void)
{
    struct winsize window;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col < 20)
        return 80;
    return window.ws_col;
}

static uint64_t load(const atomic_ullong *number)
{
    return number != NULL ? atomic_load_explicit(number, memory_order_relaxed) : 0;
}

/* The bar itself into text, so many bytes with its brackets, and a NUL. */
static void draw_bar(char *text, size_t width, double share)
{
    size_t inside = width - 2;
    size_t filled = (size_t)((double)inside * share);
    text[0] = '[';
    memset(text + 1, '=', filled);
    memset(text + 1 + filled, ' ', inside - filled);
    if (filled < inside)
        text[1 + filled] = '>';
    text[width - 1] = ']';
    text[width] = '\0';
}

static void draw(const struct progress *progress)
{
    enum { BAR_MIN = 12, BAR_MAX = 40 };
    char bar[BAR_MAX + 1] = "";
    char share_text[8] = "";
    char figures[160];
    uint64_t done = load(progress->done);
    double seconds = (double)(nanoseconds_now() - progress->phase_began_at) / 1e9;
    int length = snprintf(figures, sizeof figures, " %llu records, %llu tables, %.0f s",
                          (unsigned long long)load(progress->records),
                          (unsigned long long)load(progress->tables), seconds);
    if (progress->phase == PROGRESS_INGEST && seconds > 0.05)
        snprintf(figures + length, sizeof figures - (size_t)length, ", %.1f MB/s",
                 (double)done / 1e6 / seconds);
    size_t width = terminal_width() - 1;
    size_t taken = strlen(phase_names[progress->phase]) + 1 + 5 + strlen(figures);
    if (progress->total > 0 && taken + BAR_MIN <= width) {
        double share = (double)done / (double)progress->total;
        share = share > 1 ? 1 : share;
        draw_bar(bar, width - taken < BAR_MAX ? width - taken : BAR_MAX, share);
        snprintf(share_text, sizeof share_text, " %3.0f%%", share * 100);
    }
    fprintf(
        stderr, "\r\033[K%s %s%s%.*s", phase_names[progress->phase], bar, share_text,
        (int)(width - strlen(phase_names[progress->phase]) - 1 - strlen(bar) - strlen(share_text)),
        figures);
    fflush(stderr);
}

static void *progress_main(void *context)
{
    struct progress *progress = context;
    pthread_mutex_lock(&progress->lock);
    while (!progress->is_ended) {
        draw(progress);
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += 100000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&progress->changed, &progress->lock, &until);
    }
    pthread_mutex_unlock(&progress->lock);
    fprintf(stderr, "\r\033[K");
    return NULL;
}

void progress_open(struct progress *progress, bool is_shown, const atomic_ullong *records,
                   const atomic_ullong *tables)
{
    *progress = (struct progress){.is_shown = is_shown, .records = records, .tables = tables};
    progress->phase_began_at = nanoseconds_now();
    pthread_mutex_init(&progress->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&progress->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (is_shown && pthread_create(&progress->thread, NULL, progress_main, progress) != 0)
        progress->is_shown = false;
}

void progress_begin(struct progress *progress, enum progress_phase phase, uint64_t total,
                    const atomic_ullong *done)
{
    pthread_mutex_lock(&progress->lock);
    progress->phase = phase;
    progress->phase_began_at = nanoseconds_now();
    progress->total = total;
    progress->done = done;
    pthread_cond_signal(&progress->changed);
    pthread_mutex_unlock(&progress->lock);
}

void progress_close(struct progress *progress)
{
    if (!progress->is_shown)
        return;
    pthread_mutex_lock(&progress->lock);
    progress->is_ended = true;
    pthread_cond_signal(&progress->changed);
    pthread_mutex_unlock(&progress->lock);
    pthread_join(progress->thread, NULL);
    progress->is_shown = false;
}
