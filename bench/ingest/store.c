/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * The store's opening, rotation and end; see store.h.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scratch.h"
#include "store_private.h"

uint64_t nanoseconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static fastskip_status set_options(fastskip_options *table_options,
                                   const struct store_options *options)
{
    fastskip_status status = fastskip_options_set_memory_limit(table_options, options->memory);
    if (status == FASTSKIP_OK && options->shards > 0)
        status = fastskip_options_set_shards(table_options, options->shards);
    if (status == FASTSKIP_OK)
        status = fastskip_options_set_backpressure(table_options, options->backpressure);
    if (status == FASTSKIP_OK && options->is_numbered)
        status = fastskip_options_set_sequence_mode(table_options, FASTSKIP_SEQUENCE_CALLER);
    return status;
}

bool store_open(struct store *store, const struct store_options *options)
{
    *store = (struct store){.options = *options};
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->changed, NULL);
    control_watch(options->control, &store->lock, &store->changed);
    fastskip_table *table = NULL;
    fastskip_status status = fastskip_options_new(&store->table_options);
    if (status == FASTSKIP_OK)
        status = set_options(store->table_options, options);
    if (status == FASTSKIP_OK)
        status = fastskip_table_new(store->table_options, &table);
    if (status != FASTSKIP_OK) {
        control_fail(options->control, "cannot make a table: %s", fastskip_strerror(status));
        return false;
    }
    store->view = view_new(table, NULL, 0, NULL, 0);
    fastskip_table_unref(table);
    store->has_flush_thread = pthread_create(&store->flush_thread, NULL, flush_main, store) == 0;
    if (!store->has_flush_thread)
        control_fail(options->control, "cannot start the flush thread");
    return store->has_flush_thread;
}

/* The view with a fresh active table, the one before at the head of the sealed ones. */
static struct view *rotated_view(const struct view *before, fastskip_table *fresh)
{
    size_t count = before->sealed_count + 1;
    fastskip_table **sealed = allocate(count * sizeof(fastskip_table *));
    sealed[0] = before->active;
    for (size_t i = 1; i < count; i++)
        sealed[i] = before->sealed[i - 1];
    struct view *view = view_new(fresh, sealed, count, before->runs, before->run_count);
    free(sealed);
    return view;
}

/*
 * Waits for the turn to rotate a table; the caller holds the lock. False: there is nothing to do
 * for this caller, since another one rotated the table, it must not wait, or the run has failed.
 */
static bool wait_for_turn(struct store *store, const fastskip_table *full, bool may_wait,
                          struct stalls *stalls)
{
    uint64_t stalled_at = 0;
    bool is_turn = false;
    while (!is_turn && store->view->active == full && !control_failed(store->options.control)) {
        bool is_crowded = store->view->sealed_count >= store->options.pending_max;
        if (is_crowded && stalled_at == 0 && may_wait)
            stalled_at = nanoseconds_now();
        is_turn = !is_crowded && !store->is_rotating;
        if (!is_turn && !may_wait)
            break;
        if (!is_turn)
            pthread_cond_wait(&store->changed, &store->lock);
    }
    if (stalled_at != 0) {
        stalls->count++;
        stalls->nanoseconds += nanoseconds_now() - stalled_at;
    }
    return is_turn;
}

/* Replaces the active table; nobody else does so meanwhile, and the lock is free. */
static fastskip_status rotate(struct store *store, fastskip_table *full)
{
    fastskip_table *fresh = NULL;
    fastskip_status status = fastskip_table_rotate(full, &fresh);
    if (status != FASTSKIP_OK)
        return status;
    pthread_mutex_lock(&store->lock);
    struct view *before = store_publish(store, rotated_view(store->view, fresh));
    pthread_mutex_unlock(&store->lock);
    view_drop(before);
    fastskip_table_unref(fresh);
    atomic_fetch_add_explicit(&store->tables_rotated, 1, memory_order_relaxed);
    return FASTSKIP_OK;
}

/* After there was no memory for a fresh table: waits until a sealed one less is there; the caller
 * holds the lock. A table that was flushed may still be in its last use: without sealed ones this
 * waits a moment. */
static void wait_for_memory(struct store *store, struct stalls *stalls)
{
    static const struct timespec moment = {.tv_nsec = 10000000};
    size_t waiting = store->view->sealed_count;
    uint64_t begin = nanoseconds_now();
    if (waiting == 0) {
        pthread_mutex_unlock(&store->lock);
        nanosleep(&moment, NULL);
        pthread_mutex_lock(&store->lock);
    }
    while (waiting > 0 && store->view->sealed_count >= waiting &&
           !control_failed(store->options.control))
        pthread_cond_wait(&store->changed, &store->lock);
    stalls->count++;
    stalls->nanoseconds += nanoseconds_now() - begin;
}

bool store_rotate(struct store *store, fastskip_table *full, bool may_wait, struct stalls *stalls)
{
    enum { TRIES_MAX = 20 };
    fastskip_status status = FASTSKIP_NO_MEMORY;
    int tries_left = may_wait ? TRIES_MAX : 1;
    while (status == FASTSKIP_NO_MEMORY && tries_left-- > 0) {
        pthread_mutex_lock(&store->lock);
        bool is_turn = wait_for_turn(store, full, may_wait, stalls);
        store->is_rotating |= is_turn;
        pthread_mutex_unlock(&store->lock);
        if (!is_turn)
            return !control_failed(store->options.control);
        status = rotate(store, full);
        pthread_mutex_lock(&store->lock);
        store->is_rotating = false;
        pthread_cond_broadcast(&store->changed);
        if (status == FASTSKIP_NO_MEMORY && tries_left > 0)
            wait_for_memory(store, stalls);
        pthread_mutex_unlock(&store->lock);
    }
    if (status == FASTSKIP_OK || (status == FASTSKIP_NO_MEMORY && !may_wait))
        return true;
    control_fail(store->options.control, "cannot rotate a table: %s", fastskip_strerror(status));
    return false;
}

static void end_flush_thread(struct store *store)
{
    if (!store->has_flush_thread)
        return;
    pthread_mutex_lock(&store->lock);
    store->is_finishing = true;
    pthread_cond_broadcast(&store->changed);
    pthread_mutex_unlock(&store->lock);
    pthread_join(store->flush_thread, NULL);
    store->has_flush_thread = false;
}

bool store_finish(struct store *store)
{
    fastskip_table *table = store_table(store);
    struct stalls unused = {0, 0};
    bool rotated = store_rotate(store, table, true, &unused);
    fastskip_table_unref(table);
    end_flush_thread(store);
    return rotated && !control_failed(store->options.control);
}

void store_close(struct store *store)
{
    end_flush_thread(store);
    view_drop(store->view);
    fastskip_options_free(store->table_options);
    pthread_cond_destroy(&store->changed);
    pthread_mutex_destroy(&store->lock);
}
