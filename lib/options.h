/*
 * options.h - the settings of a table, as fastskip_options holds them.
 *
 * Relies on: nothing.  Used by: memtable, api.
 */
#ifndef FSK_OPTIONS_H
#define FSK_OPTIONS_H

#include <stdint.h>

#include "fastskip.h"

#define FSK_NAME_ROOM 64

struct fastskip_options {
    uint32_t shards; /* 0: as many as processors are online */
    uint32_t backpressure;
    uint32_t huge_pages;
    uint32_t sequence_mode;
    uint64_t block_size; /* 0: grows with the table */
    uint64_t memory_limit;
    uint64_t entry_limit; /* 0: none */
    uint32_t checksum;    /* bytes: 0 or 4 */
    uint32_t paranoid;
    uint64_t seed; /* accepted and unused: this list draws no random heights */
    fastskip_compare_fn compare;
    fastskip_abbreviate_fn abbreviate;
    void *compare_context;
    char compare_name[FSK_NAME_ROOM];
    fastskip_reserve_fn reserve;
    fastskip_commit_fn commit;
    fastskip_release_fn release;
    void *allocator_context;
};

void fsk_options_default(struct fastskip_options *o);

#endif
