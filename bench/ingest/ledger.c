/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * See ledger.h.
 */
#include "ledger.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "scratch.h"

struct ledger *ledger_new(void)
{
    struct ledger *ledger = allocate(sizeof *ledger);
    for (size_t i = 0; i < LEDGER_SLOTS; i++) {
        ledger->slots[i] = (struct ledger_slot){.version = 0};
        pthread_mutex_init(&ledger->slots[i].lock, NULL);
    }
    return ledger;
}

void ledger_free(struct ledger *ledger)
{
    if (ledger == NULL)
        return;
    for (size_t i = 0; i < LEDGER_SLOTS; i++) {
        pthread_mutex_destroy(&ledger->slots[i].lock);
        free(ledger->slots[i].key);
    }
    free(ledger);
}

uint64_t ledger_value_hash(const char *value, size_t value_size)
{
    return XXH3_64bits(value_size > 0 ? value : "", value_size);
}

/* The slot of a key, always the same; NULL for keys that are not remembered. Writers are told apart
 * by the upper bits of the hash, so these are the lower ones. */
static struct ledger_slot *slot_of(struct ledger *ledger, const struct packed_record *packed)
{
    if (packed->hash % 4 != 0 || packed->record.key_size > LEDGER_KEY_MAX)
        return NULL;
    return &ledger->slots[packed->hash / 4 % LEDGER_SLOTS];
}

void ledger_begin(struct ledger *ledger, const struct packed_record *packed)
{
    struct ledger_slot *slot = slot_of(ledger, packed);
    if (slot == NULL)
        return;
    pthread_mutex_lock(&slot->lock);
    slot->version++;
    slot->in_flight++;
    pthread_mutex_unlock(&slot->lock);
}

void ledger_commit(struct ledger *ledger, const struct packed_record *packed)
{
    struct ledger_slot *slot = slot_of(ledger, packed);
    if (slot == NULL)
        return;
    const struct record *record = &packed->record;
    uint64_t value_hash = ledger_value_hash(record->value, record->value_size);
    pthread_mutex_lock(&slot->lock);
    if (slot->key_capacity < record->key_size) {
        slot->key = reallocate(slot->key, record->key_size);
        slot->key_capacity = record->key_size;
    }
    if (record->key_size > 0)
        memcpy(slot->key, record->key, record->key_size);
    slot->key_size = record->key_size;
    slot->value_size = record->value_size;
    slot->value_hash = value_hash;
    slot->is_delete = record->is_delete;
    slot->is_used = true;
    slot->version++;
    slot->in_flight--;
    pthread_mutex_unlock(&slot->lock);
}

bool ledger_read(struct ledger *ledger, size_t index, struct claim *claim)
{
    struct ledger_slot *slot = &ledger->slots[index];
    pthread_mutex_lock(&slot->lock);
    bool is_good = slot->is_used && slot->in_flight == 0;
    if (is_good) {
        claim->slot = index;
        claim->version = slot->version;
        claim->is_delete = slot->is_delete;
        claim->key_size = slot->key_size;
        claim->value_size = slot->value_size;
        claim->value_hash = slot->value_hash;
        if (slot->key_size > 0)
            memcpy(claim->key, slot->key, slot->key_size);
    }
    pthread_mutex_unlock(&slot->lock);
    return is_good;
}

bool ledger_is_settled(struct ledger *ledger, const struct claim *claim)
{
    struct ledger_slot *slot = &ledger->slots[claim->slot];
    pthread_mutex_lock(&slot->lock);
    bool is_settled = slot->version == claim->version;
    pthread_mutex_unlock(&slot->lock);
    return is_settled;
}
