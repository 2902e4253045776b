/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * See parcel.h.
 */
#include "parcel.h"

#include <stdlib.h>
#include <string.h>

#include "scratch.h"

/* What stands before key and value, at any alignment. */
struct parcel_header {
    uint64_t number;
    uint64_t hash;
    uint64_t value_size;
    uint32_t key_size;
    uint32_t is_delete;
};

struct parcel *parcel_new(void)
{
    struct parcel *parcel = allocate(sizeof *parcel);
    *parcel = (struct parcel){.capacity = PARCEL_BYTES + PARCEL_BYTES / 4};
    parcel->data = allocate(parcel->capacity);
    return parcel;
}

void parcel_free(struct parcel *parcel)
{
    if (parcel == NULL)
        return;
    free(parcel->data);
    free(parcel);
}

void parcel_add(struct parcel *parcel, const struct packed_record *packed)
{
    const struct record *record = &packed->record;
    struct parcel_header header = {
        .number = packed->number,
        .hash = packed->hash,
        .value_size = record->value_size,
        .key_size = (uint32_t)record->key_size,
        .is_delete = record->is_delete,
    };
    size_t size = sizeof header + record->key_size + record->value_size;
    if (parcel->capacity - parcel->size < size) {
        parcel->capacity = parcel->size + size;
        parcel->data = reallocate(parcel->data, parcel->capacity);
    }
    char *at = parcel->data + parcel->size;
    memcpy(at, &header, sizeof header);
    memcpy(at + sizeof header, record->key, record->key_size);
    memcpy(at + sizeof header + record->key_size, record->value, record->value_size);
    parcel->size += size;
}

bool parcel_next(const struct parcel *parcel, size_t *at, struct packed_record *packed)
{
    if (*at == parcel->size)
        return false;
    struct parcel_header header;
    memcpy(&header, parcel->data + *at, sizeof header);
    const char *key = parcel->data + *at + sizeof header;
    packed->number = header.number;
    packed->hash = header.hash;
    packed->record = (struct record){
        .key = key,
        .key_size = header.key_size,
        .value = key + header.key_size,
        .value_size = header.value_size,
        .is_delete = header.is_delete != 0,
    };
    *at += sizeof header + header.key_size + header.value_size;
    return true;
}

void queue_init(struct queue *queue, struct control *control)
{
    *queue = (struct queue){.control = control};
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->changed, NULL);
    control_watch(control, &queue->lock, &queue->changed);
}

void queue_destroy(struct queue *queue)
{
    while (queue->first != NULL) {
        struct parcel *parcel = queue->first;
        queue->first = parcel->next;
        parcel_free(parcel);
    }
    pthread_cond_destroy(&queue->changed);
    pthread_mutex_destroy(&queue->lock);
}

/* The queue has one thread at each end, and never both of them wait: one condition does. */
bool queue_push(struct queue *queue, struct parcel *parcel)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->length == QUEUE_PARCELS && !control_failed(queue->control))
        pthread_cond_wait(&queue->changed, &queue->lock);
    bool taken = !control_failed(queue->control);
    if (taken) {
        parcel->next = NULL;
        if (queue->first == NULL)
            queue->first = parcel;
        else
            queue->last->next = parcel;
        queue->last = parcel;
        queue->length++;
        pthread_cond_signal(&queue->changed);
    }
    pthread_mutex_unlock(&queue->lock);
    return taken;
}

struct parcel *queue_pop(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->first == NULL && !queue->is_closed && !control_failed(queue->control))
        pthread_cond_wait(&queue->changed, &queue->lock);
    struct parcel *parcel = control_failed(queue->control) ? NULL : queue->first;
    if (parcel != NULL) {
        queue->first = parcel->next;
        queue->length--;
        pthread_cond_signal(&queue->changed);
    }
    pthread_mutex_unlock(&queue->lock);
    return parcel;
}

void queue_close(struct queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->is_closed = true;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}
