/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * How records go from the thread that reads the input to the writers: packed into parcels of some
 * 64 KiB, one bounded queue for each writer.
 */
#ifndef INGEST_PARCEL_H
#define INGEST_PARCEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control.h"
#include "record.h"

enum { PARCEL_BYTES = 64 << 10, QUEUE_PARCELS = 8 };

struct parcel {
    struct parcel *next;
    char *data;
    size_t size;
    size_t capacity;
};

/* A record as it lies in a parcel. */
struct packed_record {
    struct record record;
    /* Place in the input, from 1. */
    uint64_t number;
    /* Of the key. */
    uint64_t hash;
};

struct parcel *parcel_new(void);
void parcel_free(struct parcel *parcel);
void parcel_add(struct parcel *parcel, const struct packed_record *packed);

/* Walks through the records; *at begins at 0. The record is good as long as the parcel. */
bool parcel_next(const struct parcel *parcel, size_t *at, struct packed_record *packed);

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct control *control;
    struct parcel *first;
    struct parcel *last;
    size_t length;
    bool is_closed;
};

void queue_init(struct queue *queue, struct control *control);
void queue_destroy(struct queue *queue);

/* Waits while the queue is full. False if the run has failed: the parcel stays the caller's. */
bool queue_push(struct queue *queue, struct parcel *parcel);

/* Waits while the queue is empty. NULL once it is closed and empty, or the run has failed. */
struct parcel *queue_pop(struct queue *queue);
void queue_close(struct queue *queue);

#endif
