/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 *
 * The layout of run files, shared by what writes and what reads them; see run_file.h.
 */
#ifndef INGEST_RUN_FORMAT_H
#define INGEST_RUN_FORMAT_H

#include <stdint.h>

#define RUN_MAGIC UINT64_C(0x316e75725f6b7366) /* "fsk_run1" */

struct run_record_header {
    uint64_t key_size;
    uint64_t value_size;
    uint64_t is_delete;
};

struct run_footer {
    uint64_t count;
    uint64_t size;
    uint64_t checksum;
    uint64_t magic;
};

#endif
