/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * program.c - see program.h. world.c makes the tables, judge.c judges.
 */
#include "world.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading programs ---- */

static void add_step(const char *text, unsigned thread)
{
    step *s;
    if (world.steps == STEPS_MOST)
        abort();
    s = &world.step[world.steps++];
    memset(s, 0, sizeof *s);
    s->what = text[0];
    s->thread = thread;
    if (strchr("pdiogna", s->what) != NULL)
        s->key = (unsigned)key_number(text[1]);
    if (s->what == 'n' || s->what == 'a')
        s->number = (uint64_t)(text[2] - '0');
    if (s->what == '+')
        s->letter = text[1];
    if (s->what == 'b')
        for (const char *p = text + 1; *p != 0 && *p != ' '; p++) {
            unsigned key = (unsigned)key_number((char)toupper(*p));
            s->keys |= 1u << key;
            s->deletes |= (unsigned)(islower(*p) != 0) << key;
        }
}

static void read_programs(void)
{
    world.steps = 0;
    world.threads = 0;
    for (unsigned t = 0; t < SCHEDULE_THREADS && world.scene->program[t] != NULL; t++) {
        world.first[t] = world.steps;
        for (const char *p = world.scene->program[t]; p != NULL; p = strchr(p, ' '))
            add_step(p += *p == ' ', t);
        world.threads++;
    }
    world.first[world.threads] = world.steps;
}

/* ---- running them ---- */

static void write_one(step *s)
{
    key_bytes k = key_of_number(s->key);
    uint32_t value = value_of(s);
    int32_t inserted = 0;
    fastskip_entry e;
    switch (s->what) {
    case 'p':
        s->status = fastskip_put(world.table, k.byte, sizeof k.byte, &value, sizeof value);
        break;
    case 'd':
        s->status = fastskip_delete(world.table, k.byte, sizeof k.byte);
        break;
    case 'i':
        s->status = fastskip_insert(world.table, k.byte, sizeof k.byte, &value, sizeof value);
        break;
    case 'n':
        s->status = fastskip_put_at(world.table, s->number, FASTSKIP_PUT, k.byte, sizeof k.byte,
                                    &value, sizeof value);
        break;
    default:
        s->status = fastskip_get_or_insert(world.table, k.byte, sizeof k.byte, &value, sizeof value,
                                           &e, &inserted);
        s->won = inserted;
        s->value[s->key] = s->status == FASTSKIP_OK ? value_in(&e) : 0;
        break;
    }
}

static void get_one(step *s)
{
    key_bytes k = key_of_number(s->key);
    fastskip_entry e;
    if (s->what == 'a')
        s->status = fastskip_get_at(world.table, s->number, k.byte, sizeof k.byte, &e);
    else
        s->status = fastskip_get(world.table, NULL, k.byte, sizeof k.byte, &e);
    s->value[s->key] = s->status == FASTSKIP_OK ? value_in(&e) : 0;
}

static void put_other(step *s)
{
    key_bytes k = key_of_letter(s->letter);
    s->status = fastskip_put(world.table, k.byte, sizeof k.byte, NULL, 0);
}

static void perform(step *s)
{
    switch (s->what) {
    case 'p':
    case 'd':
    case 'i':
    case 'o':
    case 'n':
        write_one(s);
        break;
    case 'g':
    case 'a':
        get_one(s);
        break;
    case 'b':
        s->status = fastskip_write(world.table, s->batch);
        break;
    case '+':
        put_other(s);
        break;
    case 'v':
        s->status = fastskip_snapshot_new(world.table, &s->snapshot);
        view_by_get(s, s->value);
        break;
    case 'm':
        view_by_get_many(s);
        break;
    case 'w':
    case 'r':
        view_by_walk(s);
        break;
    case 's':
        s->status = fastskip_table_seal(world.table);
        view_by_walk(s);
        break;
    default:
        fastskip_table_unref(world.table);
        break;
    }
}

static void run_thread(void *context, unsigned me)
{
    (void)context;
    for (unsigned i = world.first[me]; i < world.first[me + 1]; i++) {
        world.step[i].begin = schedule_now();
        perform(&world.step[i]);
        world.step[i].end = schedule_now();
    }
}

static void prepare(void *context)
{
    (void)context;
    world_restore();
    for (unsigned i = 0; i < world.steps; i++) {
        step *s = &world.step[i];
        s->won = s->wrong = 0;
        s->seen = 0;
        s->begin = s->end = 0;
        memset(s->value, 0, sizeof s->value);
    }
}

static int judge(void *context)
{
    (void)context;
    return judge_world();
}

/* ---- scenarios ---- */

static void make_batches(void)
{
    for (unsigned i = 0; i < world.steps; i++) {
        step *s = &world.step[i];
        if (s->what != 'b')
            continue;
        if (fastskip_batch_new(&s->batch) != FASTSKIP_OK)
            abort();
        for (unsigned key = 0; key < LIN_KEYS; key++) {
            key_bytes k = key_of_number(key);
            uint32_t value = value_of(s);
            if ((s->deletes >> key & 1) != 0)
                fastskip_batch_delete(s->batch, k.byte, sizeof k.byte);
            else if ((s->keys >> key & 1) != 0)
                fastskip_batch_put(s->batch, k.byte, sizeof k.byte, &value, sizeof value);
        }
    }
}

void program_load(const scenario *scene, schedule_task *task)
{
    world.scene = scene;
    read_programs();
    make_batches();
    world_make();
    task->threads = world.threads;
    task->prepare = prepare;
    task->body = run_thread;
    task->judge = judge;
    task->context = NULL;
}

void program_unload(void)
{
    for (unsigned i = 0; i < world.steps; i++) {
        fastskip_batch_free(world.step[i].batch);
        world.step[i].batch = NULL;
    }
    world_drop();
}
