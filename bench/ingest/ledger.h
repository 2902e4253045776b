/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * What was acknowledged, for readers to hold the store to. Of every fourth key, chosen by its hash,
 * the last acknowledged write is remembered, as long as no other such key takes its slot.
 *
 * A writer announces a write before it starts (ledger_begin) and enters it when it is acknowledged
 * (ledger_commit). A reader copies a claim, looks its key up, and asks whether the slot is still as
 * it was (ledger_is_settled): if so, no write of that key has started since the claim was entered,
 * and the lookup must have given exactly what the claim says. This needs the writes of one key to
 * come one after the other.
 */
#ifndef INGEST_LEDGER_H
#define INGEST_LEDGER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parcel.h"

enum { LEDGER_SLOTS = 4096, LEDGER_KEY_MAX = 4096 };

struct ledger_slot {
    pthread_mutex_t lock;
    /* Grows whenever a write to the slot begins or is entered. */
    uint64_t version;
    /* Writes announced, but not entered. */
    unsigned in_flight;
    bool is_used;
    bool is_delete;
    char *key;
    size_t key_size;
    size_t key_capacity;
    size_t value_size;
    uint64_t value_hash;
};

struct ledger {
    struct ledger_slot slots[LEDGER_SLOTS];
};

/* A copy of what a slot says. */
struct claim {
    size_t slot;
    uint64_t version;
    bool is_delete;
    size_t key_size;
    size_t value_size;
    uint64_t value_hash;
    char key[LEDGER_KEY_MAX];
};

struct ledger *ledger_new(void);
void ledger_free(struct ledger *ledger);

/* Both do nothing for keys that are not remembered. */
void ledger_begin(struct ledger *ledger, const struct packed_record *packed);
void ledger_commit(struct ledger *ledger, const struct packed_record *packed);

/* False if the slot is empty, or a write to it under way. */
bool ledger_read(struct ledger *ledger, size_t slot, struct claim *claim);
bool ledger_is_settled(struct ledger *ledger, const struct claim *claim);

uint64_t ledger_value_hash(const char *value, size_t value_size);

#endif
