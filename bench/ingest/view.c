/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * Views of the store: their making and end, and lookups; see store.h.
 */
#include <stdlib.h>
#include <string.h>

#include "scratch.h"
#include "store_private.h"

struct view *view_new(fastskip_table *active, fastskip_table *const *sealed, size_t sealed_count,
                      struct run *const *runs, size_t run_count)
{
    struct view *view = allocate(sizeof *view);
    *view = (struct view){
        .active = active,
        .sealed = allocate(sealed_count * sizeof(fastskip_table *)),
        .sealed_count = sealed_count,
        .runs = allocate(run_count * sizeof(struct run *)),
        .run_count = run_count,
    };
    atomic_init(&view->references, 1);
    fastskip_table_ref(active);
    for (size_t i = 0; i < sealed_count; i++) {
        view->sealed[i] = sealed[i];
        fastskip_table_ref(sealed[i]);
    }
    for (size_t i = 0; i < run_count; i++)
        view->runs[i] = run_ref(runs[i]);
    return view;
}

void view_drop(struct view *view)
{
    /* Release: this thread's use of the view comes before its end; acquire: in the thread that ends
     * it, after every other's. */
    if (view == NULL || atomic_fetch_sub_explicit(&view->references, 1, memory_order_acq_rel) > 1)
        return;
    fastskip_table_unref(view->active);
    for (size_t i = 0; i < view->sealed_count; i++)
        fastskip_table_unref(view->sealed[i]);
    for (size_t i = 0; i < view->run_count; i++)
        run_unref(view->runs[i]);
    free(view->sealed);
    free(view->runs);
    free(view);
}

struct view *store_view(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    struct view *view = store->view;
    atomic_fetch_add_explicit(&view->references, 1, memory_order_relaxed);
    pthread_mutex_unlock(&store->lock);
    return view;
}

fastskip_table *store_table(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    fastskip_table *table = store->view->active;
    fastskip_table_ref(table);
    pthread_mutex_unlock(&store->lock);
    return table;
}

struct view *store_publish(struct store *store, struct view *view)
{
    struct view *before = store->view;
    store->view = view;
    pthread_cond_broadcast(&store->changed);
    return before;
}

static int find_in_table(const fastskip_table *table, struct control *control, const char *key,
                         size_t key_size, struct record *record)
{
    fastskip_entry entry;
    fastskip_status status = fastskip_get_raw(table, NULL, key, key_size, &entry);
    if (status == FASTSKIP_NOT_FOUND)
        return 0;
    if (status != FASTSKIP_OK) {
        control_fail(control, "a lookup failed: %s", fastskip_strerror(status));
        return -1;
    }
    *record = (struct record){
        .key = entry.key,
        .key_size = entry.key_size,
        .value = entry.value,
        .value_size = entry.value_size,
        .is_delete = entry.kind == FASTSKIP_DELETE,
    };
    return 1;
}

int view_find(const struct view *view, struct control *control, const char *key, size_t key_size,
              struct run_buffer *buffer, struct record *record)
{
    int found = find_in_table(view->active, control, key, key_size, record);
    for (size_t i = 0; found == 0 && i < view->sealed_count; i++)
        found = find_in_table(view->sealed[i], control, key, key_size, record);
    for (size_t i = 0; found == 0 && i < view->run_count; i++)
        found = run_find(view->runs[i], key, key_size, buffer, record);
    return found;
}
