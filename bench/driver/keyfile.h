/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/*
 * The file of keys that all peers of a run map: made once, read in the order in which it is written, so
 * that an operation pays no cache miss for its own key.  A section is an array of records of one size: a
 * key_record and the key's bytes after it.
 */
#ifndef FSB_KEYFILE_H
#define FSB_KEYFILE_H

#include <stddef.h>
#include <stdint.h>

#define KEYFILE_MAGIC UINT64_C(0x3173796b62736601)
#define KEY_MOST 1024u
#define TAGS 16u

enum section_id {
    SECTION_WRITTEN,   /* all keys of the table, shuffled */
    SECTION_ASCENDING, /* the same in order */
    SECTION_ASKED,     /* keys of the table, shuffled otherwise; each at most once */
    SECTION_MISSING,   /* keys that are not there, each next to one that is */
    SECTION_OVERWRITE, /* keys of the table, drawn uniformly */
    SECTION_ZIPFIAN,   /* keys of the table, drawn from a zipfian distribution of 0.99 */
    SECTION_YCSB_A,
    SECTION_YCSB_B,
    SECTION_YCSB_C,
    SECTION_YCSB_D,
    SECTION_YCSB_E,
    SECTION_YCSB_F,
    SECTIONS
};

enum key_op { OP_READ, OP_UPDATE, OP_INSERT, OP_SCAN, OP_MODIFY };

typedef struct {
    uint8_t tag;     /* which of the TAGS values is written with this key */
    uint8_t op;      /* enum key_op, in the sections of YCSB */
    uint16_t size;   /* bytes of the key */
    uint16_t length; /* entries of a scan */
    uint16_t unused;
} key_record;

typedef struct {
    uint64_t offset, count;
} keyfile_section;

typedef struct {
    uint64_t magic, entries, stride, key_bytes; /* key_bytes: of all keys of SECTION_WRITTEN */
    keyfile_section section[SECTIONS];
} keyfile_header;

/* A section as the driver sees it. */
typedef struct {
    const char *base;
    size_t stride, count;
} key_section;

static inline const key_record *key_at(const key_section *s, size_t i)
{
    return (const key_record *)(const void *)(s->base + i * s->stride);
}

const keyfile_header *keyfile_map(const char *path);
key_section keyfile_section_of(const keyfile_header *file, enum section_id id);

#endif
