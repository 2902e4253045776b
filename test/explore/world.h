/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * world.h - the table of a scenario, the steps of its programs, and what came of them.
 *
 * A table is made once and put back for each schedule: its handle, its shards and what was used of its
 * region are copied, which takes a microsecond.
 */
#ifndef EXPLORE_WORLD_H
#define EXPLORE_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "../stress/lin.h"
#include "fastskip.h"
#include "program.h"

#define STEPS_MOST 16
#define FIRST_VALUE 0x100u /* of key n, plus n, at first */

typedef struct {
    char what, letter;
    unsigned thread, key, keys, deletes;
    uint64_t number;
    fastskip_batch *batch;
    /* What came of it. */
    fastskip_status status;
    int won;
    uint32_t value[LIN_KEYS]; /* 0: not there */
    uint32_t seen;            /* letters that a walk showed */
    int wrong;                /* it saw something that can not be */
    fastskip_snapshot *snapshot;
    uint64_t begin, end; /* both 0: it did not begin */
} step;

typedef struct {
    unsigned char byte[8];
} key_bytes;

extern struct world {
    const scenario *scene;
    fastskip_table *table;
    int gone; /* the last reference was dropped */
    unsigned threads, steps, first[SCHEDULE_THREADS + 1];
    step step[STEPS_MOST];
    uint32_t initial[LIN_KEYS];
    uint32_t letters;        /* bit n: letter 'A' + n was there at first */
    uint64_t keys, versions; /* at first */
    const char *complaint;
} world;

void world_make(void);
void world_restore(void);
void world_drop(void);

int key_number(char letter); /* of a key that is judged */
key_bytes key_of_letter(char letter);
key_bytes key_of_number(unsigned number);
uint32_t value_of(const step *s);
uint32_t value_in(const fastskip_entry *e);

void view_by_get(step *s, uint32_t *value);
void view_by_get_many(step *s);
void view_by_walk(step *s);

/* 1 if the schedule that just ended could have been one operation after another; else says why not. */
int judge_world(void);

#endif
