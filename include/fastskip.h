/*
 * SPDX-License-Identifier: MIT
 * Copyright (c) The fastskip authors
 */

/**
 * @file fastskip.h
 * @brief libfastskip: the memtable of a log-structured storage engine.
 *
 * A table is an ordered map from byte-string keys to versions of values. Any number of threads
 * write and read it at once without a lock; snapshots cost nothing; when it is full it is sealed,
 * iterated into a sorted file and dropped in one go.
 *
 * @section conventions Conventions
 *
 * - Every handle is opaque. What a `_new` or `_ref` gave is given back by `_free` or `_unref`; all
 *   of these accept NULL and then do nothing.
 * - Functions return a #fastskip_status: 0 is success, failures are negative. Results come through
 *   out-parameters, which are written only on success unless a function says otherwise. errno is
 *   neither read nor promised. Answers of yes or no are an `int32_t`, 1 or 0.
 * - Keys and values are a pointer and a size in bytes, of any content and any alignment. A NULL
 *   pointer with size 0 is the empty string, with another size it is #FASTSKIP_INVALID. A key is 0
 *   to #FASTSKIP_KEY_MAX bytes, for writing and for reading; a value 0 to #FASTSKIP_VALUE_MAX
 *   bytes, and not more than the memory limit of the table. Above that: #FASTSKIP_TOO_LARGE.
 * - Every write copies key and value before it returns: the caller's memory is free for reuse.
 * - Every pointer argument is checked for NULL; NULL is #FASTSKIP_INVALID except where a function
 *   gives it a meaning. Arguments are checked first (#FASTSKIP_INVALID, #FASTSKIP_TOO_LARGE), then
 *   the state of the table (#FASTSKIP_SEALED, #FASTSKIP_FULL and so on).
 * - A write that did not return #FASTSKIP_OK changed nothing that a read can see. The one exception
 *   is fastskip_write() in caller's mode, which says so.
 *
 * @section threads Threads
 *
 * - Any number of threads may use one table at once; none registers, and nothing is left behind
 *   when a thread exits. Every operation takes effect at one instant between its call and its
 *   return.
 * - No operation waits for another thread: a thread stopped anywhere never stops the others
 *   (lock-free). fastskip_table_seal(), and fastskip_table_rotate() because it seals, are the
 *   exceptions: they wait for the writes already under way, and only they.
 * - Reads never allocate memory of the table and succeed in a full or sealed one.
 * - A thread may use a table only while a reference to it is held, by that thread or by one that
 *   outlasts the use. fastskip_table_reset() is the one call that nothing else on the same table
 *   may run beside.
 * - Snapshots may be used by many threads at once. Options, batches and iterators are used by one
 *   thread at a time; different ones are independent.
 * - No function may be called from a signal handler, nor, on the same table, from a callback.
 *
 * @section lifetime Lifetime
 *
 * A table counts its references: fastskip_table_new() gives one, every snapshot and every iterator
 * holds one. Reads hand out pointers into the table (#fastskip_entry); they are good, and what they
 * point to never changes, until the last reference is dropped or the table is reset. Nothing is
 * freed before that: a table's memory grows with every write and goes all at once.
 *
 * @section modes Sequence modes
 *
 * - #FASTSKIP_SEQUENCE_AUTO: the table numbers its versions. Snapshots, insert-if-absent and atomic
 *   batches exist.
 * - #FASTSKIP_SEQUENCE_CALLER: the caller numbers every write (an engine whose write-ahead log
 *   does). The numbers are the snapshots, and the caller publishes a number to its readers only
 *   when all writes up to it have returned.
 *
 * A table is in one of the modes for its whole life; a call of the other mode is #FASTSKIP_INVALID.
 *
 * @section limits Limits
 *
 * The memory limit and the entry limit are hard: a write that would pass one is #FASTSKIP_FULL.
 * #FASTSKIP_NO_MEMORY means that the limit would have allowed it, but the system, or the caller's
 * allocator, gave none. After either, smaller writes may still succeed.
 *
 * @section checks Damaged memory
 *
 * A table believes its memory, and what happens when that is damaged (a bit that turned, a stray
 * store of the program) is undefined. Two options change that; without them none of the functions
 * looks for damage but fastskip_table_check().
 *
 * - fastskip_options_set_checksum(): every entry and every version carries a checksum. A changed bit
 *   in one is #FASTSKIP_CORRUPT from every read that would answer with it, or that it would lead to
 *   a wrong answer, and from every write that looks at it; no such read or write answers wrongly.
 * - fastskip_options_set_paranoid(): searches and iterators check the structure that leads them to
 *   entries, and the order of keys.
 *
 * A call that answers #FASTSKIP_CORRUPT has written none of its out-parameters and changed nothing,
 * with the exceptions that the function names. The table may be used further; what is not
 * damaged is found, unless the way to it is. Callbacks that get keys must bear any bytes.
 */
#ifndef FASTSKIP_H
#define FASTSKIP_H

#include <stddef.h>
#include <stdint.h>

/** @name Version
 *
 * Of this header; fastskip_version() is that of the library at run time.
 * @{ */
/** Major version: programs must be built anew when it changes. @since 1.0 */
#define FASTSKIP_VERSION_MAJOR 1
/** Minor version: raised when functions or constants are added. @since 1.0 */
#define FASTSKIP_VERSION_MINOR 0
/** Patch version: raised by every other release. @since 1.0 */
#define FASTSKIP_VERSION_PATCH 0
/** All three as a string. @since 1.0 */
#define FASTSKIP_VERSION "1.0.0"
/** @} */

/** Marks what the library exports. */
#ifndef FASTSKIP_API
#if defined(__GNUC__) && __GNUC__ >= 4
#define FASTSKIP_API __attribute__((visibility("default")))
#else
#define FASTSKIP_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** @name Limits
 * @{ */
/** Longest key, in bytes. @since 1.0 */
#define FASTSKIP_KEY_MAX 65535u
/** Longest value, in bytes: 2^32 - 1 - 64 KiB. @since 1.0 */
#define FASTSKIP_VALUE_MAX 4294901759u
/** Greatest sequence number of a write in caller's mode: 2^56 - 1. The smallest is 1. @since 1.0 */
#define FASTSKIP_SEQUENCE_MAX 72057594037927935ull
/** Smallest kind that is the caller's own. @since 1.0 */
#define FASTSKIP_KIND_OWN_MIN 2u
/** Greatest kind that is the caller's own. @since 1.0 */
#define FASTSKIP_KIND_MAX 127u
/** @} */

/** Result of a call: one of #fastskip_status_code. @since 1.0 */
typedef int32_t fastskip_status;

/** The statuses. Their numbers never change. @since 1.0 */
enum fastskip_status_code {
    /** Success. */
    FASTSKIP_OK = 0,
    /** An argument breaks the contract: NULL, out of range, or a call of the other mode. */
    FASTSKIP_INVALID = -1,
    /** The system gave no memory or address space; nothing changed. */
    FASTSKIP_NO_MEMORY = -2,
    /** No live version of the key is visible; also the end of an iteration. */
    FASTSKIP_NOT_FOUND = -3,
    /** Insert: the key is live. Caller's mode: this key and number are there. */
    FASTSKIP_EXISTS = -4,
    /** A write to a sealed table; nothing changed. */
    FASTSKIP_SEALED = -5,
    /** The memory limit or the entry limit is reached; nothing changed. */
    FASTSKIP_FULL = -6,
    /** A key or value is over its limit; nothing changed. */
    FASTSKIP_TOO_LARGE = -7,
    /** Reset of a table to which somebody else holds a reference. */
    FASTSKIP_BUSY = -8,
    /** Not in this build or not with this option. */
    FASTSKIP_UNSUPPORTED = -9,
    /** Damaged memory, or a comparator that contradicts itself. */
    FASTSKIP_CORRUPT = -10
};

/** Who numbers the versions, for fastskip_options_set_sequence_mode(). @since 1.0 */
enum fastskip_sequence_mode {
    /** The table does. */
    FASTSKIP_SEQUENCE_AUTO = 0,
    /** The caller does, with fastskip_put_at(). */
    FASTSKIP_SEQUENCE_CALLER = 1
};

/** Use of huge pages, for fastskip_options_set_huge_pages(). @since 1.0 */
enum fastskip_huge_pages {
    /** None. */
    FASTSKIP_HUGE_PAGES_NEVER = 0,
    /** Ask for transparent ones; do without if there are none. */
    FASTSKIP_HUGE_PAGES_ASK = 1,
    /** Refuse to make a table without them. */
    FASTSKIP_HUGE_PAGES_INSIST = 2
};

/**
 * Kinds of versions. #FASTSKIP_KIND_OWN_MIN to #FASTSKIP_KIND_MAX are the caller's own (a merge
 * operand, say): the table treats them as live and only hands the kind back. @since 1.0
 */
enum fastskip_kind {
    /** A value. */
    FASTSKIP_PUT = 0,
    /** A tombstone: the key is deleted. */
    FASTSKIP_DELETE = 1
};

/** What an iterator shows beyond the newest live version of each key; add them up. @since 1.0 */
enum fastskip_iterator_flag {
    /** Keys whose newest visible version is a tombstone, too. */
    FASTSKIP_TOMBSTONES = 1,
    /** Every visible version, tombstones among them; newest first within a key. */
    FASTSKIP_ALL_VERSIONS = 2
};

/** Figures of a table, for fastskip_table_stat(). Their numbers never change. @since 1.0 */
enum fastskip_stat_id {
    /** Distinct keys, deleted ones included. */
    FASTSKIP_STAT_KEYS = 1,
    /** Keys whose newest version is live. May cost a walk over the table. */
    FASTSKIP_STAT_LIVE = 2,
    /** Versions of all keys. */
    FASTSKIP_STAT_VERSIONS = 3,
    /** Keys whose newest version is a tombstone. May cost a walk over the table. */
    FASTSKIP_STAT_TOMBSTONES = 4,
    /** Bytes of the distinct keys. */
    FASTSKIP_STAT_KEY_BYTES = 5,
    /** Bytes of the values of all versions. */
    FASTSKIP_STAT_VALUE_BYTES = 6,
    /** Bytes of the region that are in use; a table's own handle is not part of the region. */
    FASTSKIP_STAT_MEMORY_USED = 7,
    /** Bytes of the region that were made usable so far. Never above the limit. */
    FASTSKIP_STAT_MEMORY_RESERVED = 8,
    /** The memory limit in bytes. */
    FASTSKIP_STAT_MEMORY_LIMIT = 9,
    /** Bytes used, yet reachable by no later search: blocks that a split has replaced, and memory
     *  of writes that lost a race. */
    FASTSKIP_STAT_MEMORY_WASTED = 10,
    /** Chunks that shards took from the region. */
    FASTSKIP_STAT_CHUNKS = 11,
    /** Shards of the arena. */
    FASTSKIP_STAT_SHARDS = 12,
    /** Blocks of the skip list in use, on all levels. */
    FASTSKIP_STAT_BLOCKS = 13,
    /** Levels, level 0 included: 1 for an empty table. */
    FASTSKIP_STAT_HEIGHT = 14,
    /** Writes attempted, whatever came of them; a batch counts as its number of records. */
    FASTSKIP_STAT_WRITES = 15,
    /** Compare-and-swaps of writers that failed, each because another write got ahead. */
    FASTSKIP_STAT_RETRIES = 16,
    /** Snapshots taken by fastskip_snapshot_new(). */
    FASTSKIP_STAT_SNAPSHOTS = 17
};

/** Settings from which tables are made. @since 1.0 */
typedef struct fastskip_options fastskip_options;
/** An ordered map in one region of memory, counted by references. @since 1.0 */
typedef struct fastskip_table fastskip_table;
/** Writes collected to be made at one instant. @since 1.0 */
typedef struct fastskip_batch fastskip_batch;
/** The state of one table at one instant. @since 1.0 */
typedef struct fastskip_snapshot fastskip_snapshot;
/** A cursor over one table. @since 1.0 */
typedef struct fastskip_iterator fastskip_iterator;

/**
 * One version of a key, as reads hand it out. The pointers lead into the table, promise no
 * alignment, and are good until its last reference is dropped or it is reset, whatever becomes of
 * the iterator or snapshot that they were read with. The layout is fixed.
 *
 * @since 1.0
 */
typedef struct fastskip_entry {
    /** The key as it was first written; not to be read when key_size is 0. */
    const void *key;
    /** Bytes of the key. */
    size_t key_size;
    /** The value; not to be read when value_size is 0. */
    const void *value;
    /** Bytes of the value. */
    size_t value_size;
    /** Caller's mode: the number given. Else the snapshots that see this version are those whose
     *  sequence is not below this number; versions of one key may then share a number. */
    uint64_t sequence;
    /** One of #fastskip_kind, or the caller's own. */
    uint32_t kind;
    /** 0. */
    uint32_t reserved;
} fastskip_entry;

/* ---------------------------------------------------------------------------------------------- */
/** @name Callbacks
 *
 * Each gets the ctx it was set with; the library never looks at it. Function and ctx must stay good
 * until the last table made with them, or made from such a table by fastskip_table_rotate(), is
 * freed. All may be called by any thread, by several at once, while the thread is inside a call of
 * this library. They must return normally (no longjmp, no C++ exception) and must not call
 * functions on the same table.
 * @{ */

/**
 * Order of keys: negative if a comes before b, 0 if they are the same key, positive if a comes
 * after b. It must be a total order that never changes and must not keep the pointers. A pointer of
 * size 0 is not to be read. If it contradicts itself, calls still end and stay within the table,
 * but what they find is undefined and iterators may answer #FASTSKIP_CORRUPT.
 *
 * @since 1.0
 */
typedef int32_t (*fastskip_compare_fn)(void *ctx, const void *a, size_t a_size, const void *b,
                                       size_t b_size);

/**
 * A number for a key that saves comparisons: a before b must imply abbreviate(a) <= abbreviate(b).
 * The same key always has the same number; the better the upper 32 bits tell keys apart, the
 * faster the table.
 *
 * @since 1.0
 */
typedef uint64_t (*fastskip_abbreviate_fn)(void *ctx, const void *key, size_t size);

/**
 * Reserves the region of a table: size bytes of address space, aligned to alignment (a power of
 * two), none of which need be usable yet. Called once for each table. NULL if there is none:
 * making the table is then #FASTSKIP_NO_MEMORY.
 *
 * @since 1.0
 */
typedef void *(*fastskip_reserve_fn)(void *ctx, size_t size, size_t alignment);

/**
 * Makes size bytes at address, inside the reservation, usable: readable and writable by all threads
 * from now on, of any content. 0 if they are; anything else means that there is no memory. Ranges
 * may overlap ranges committed before, whose content must stay as it is, and calls may come from
 * several threads at once: it must be idempotent.
 *
 * @since 1.0
 */
typedef int32_t (*fastskip_commit_fn)(void *ctx, void *address, size_t size);

/**
 * Takes the whole reservation back, as it was returned and as large as it was asked for. Called
 * once for each reservation, when no thread uses it any more.
 *
 * @since 1.0
 */
typedef void (*fastskip_release_fn)(void *ctx, void *address, size_t size);
/** @} */

/* ---------------------------------------------------------------------------------------------- */
/** @name Options
 *
 * An options object belongs to its maker, who frees it. A table copies what it needs: the options
 * may be changed or freed as soon as fastskip_table_new() has returned, and never affect tables
 * that exist. One thread at a time may change an options object; while nobody changes it, any
 * number may make tables from it. No setter waits; a setter that fails leaves the options as they
 * were.
 * @{ */

/**
 * Makes an options object with every setting at its default.
 *
 * @param[out] options where the handle goes; the caller owns it and frees it with
 *             fastskip_options_free()
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID options is NULL
 * @retval FASTSKIP_NO_MEMORY no memory for the object
 * @par Concurrency
 *      Any thread, at any time. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_options_new(fastskip_options **options);

/**
 * Frees an options object. Tables made from it are not affected.
 *
 * @param options may be NULL; not to be used afterwards
 * @par Concurrency
 *      No other call on the same options. Never waits.
 * @since 1.0
 */
FASTSKIP_API void fastskip_options_free(fastskip_options *options);

/**
 * Sets into how many shards the arena is divided. More of them let more threads write at once
 * without sharing a cache line; any number of threads works with any number of shards.
 *
 * @param options the options to change
 * @param shards 1 to 1024; by default the number of online CPUs, 1024 at most
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID options is NULL or shards is out of range
 * @par Concurrency
 *      No other call on the same options. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_options_set_shards(fastskip_options *options,
                                                         uint32_t shards);

/**
 * Sets how many bytes a shard takes from the region at a time.
 *
 * @param options the options to change
 * @param bytes a power of two from 4 KiB to 64 MiB; by default chunks grow with the table from
 *        16 KiB to 2 MiB. Near the memory limit chunks may be smaller than this.
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID options is NULL, or bytes is out of range or no power of two
 * @par Concurrency
 *      No other call on the same options. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_options_set_block_size(fastskip_options *options,
                                                             size_t bytes);

/**
 * Sets the hard limit of the table's region: FASTSKIP_STAT_MEMORY_RESERVED never passes it, not by
 * one byte. So much address space is reserved when a table is made; memory is taken as it is used.
 *
 * @param options the options to change
 * @param bytes 64 KiB to 32 GiB; 1 GiB by default. Where addresses have 32 bits, what can be
 *        reserved is less, and fastskip_table_new() answers #FASTSKIP_NO_MEMORY beyond it.
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID options is NULL or bytes is out of range
 * @par Concurrency
 *      No other call on the same options. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_options_set_memory_limit(fastskip_options *options,
                                                               uint64_t bytes);

/**
 * Sets the hard limit of versions that are written to a table; puts, deletes and records of batches
 * are one each, also when they write a key again. A record that a later one of its own batch replaces
 * is never written, and does not count.
 *
 * @param options the options to change
 * @param versions any number; 0, the default, for no limit
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID options is NULL
 * @par Concurrency
 *      No other call on the same options. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_options_set_entry_limit(fastskip_options *options,
                                                              uint64_t versions);

/**
 * Sets from which share of the memory limit or of the entry limit on
 * fastskip_table_under_backpressure() answers 1.
 *
 * @param options the options to change
 * @param percent 1 to 100; 90 by default
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID options is NULL or percent is out of range
 * @par Concurrency
 *      No other call on the same options. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_options_set_backpressure(fastskip_options *options,
                                                               uint32_t percent);

/**
 * Sets whether a table asks the system for huge pages. With an allocator of the caller's own pages
 * are the allocator's business: #FASTSKIP_HUGE_PAGES_INSIST then makes fastskip_table_new() answer
 * #FASTSKIP_UNSUPPORTED, the others are ignored.
 *
 * @param options the options to change
 * @param mode one of #fastskip_huge_pages; #FASTSKIP_HUGE_PAGES_ASK by default
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID options is NULL or mode is unknown
 * @par Concurrency
 *      No other call on the same options. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_options_set_huge_pages(fastskip_options *options,
                                                             uint32_t mode);

/**
 * Sets who numbers the versions of a table; see the sequence modes at the top.
 *
 * @param options the options to change
 * @param mode one of #fastskip_sequence_mode; #FASTSKIP_SEQUENCE_AUTO by default
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID options is NULL or mode is unknown
 * @par Concurrency
 *      No other call on the same options. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_options_set_sequence_mode(fastskip_options *options,
                                                                uint32_t mode);

/**
 * Sets the order of keys. By default they are ordered as strings of unsigned bytes, a prefix before
 * what it is a prefix of.
 *
 * @param options the options to change
 * @param compare the order; NULL, with the other three NULL too, for the default
 * @param abbreviate numbers that save comparisons, or NULL: every comparison then calls compare
 * @param ctx handed to both; may be NULL; stays the caller's, see Callbacks for how long it must
 *        be good
 * @param name a NUL-terminated string of at most 63 bytes for people who debug, or NULL; copied
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID options is NULL, compare is NULL and another is not, or name is too long
 * @par Concurrency
 *      No other call on the same options. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_options_set_comparator(fastskip_options *options,
                                                             fastskip_compare_fn compare,
                                                             fastskip_abbreviate_fn abbreviate,
                                                             void *ctx, const char *name);

/**
 * Sets where the region of a table comes from. By default the system is asked directly (mmap).
 * Handles, batches and iterators always come from malloc.
 *
 * @param options the options to change
 * @param reserve gives address space; NULL, with the other three NULL too, for the default
 * @param commit makes parts of it usable
 * @param release takes it back
 * @param ctx handed to all three; may be NULL; stays the caller's, see Callbacks for how long it
 *        must be good
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID options is NULL, or some but not all of the functions are NULL, or all
 *         are and ctx is not
 * @par Concurrency
 *      No other call on the same options. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_options_set_allocator(fastskip_options *options,
                                                            fastskip_reserve_fn reserve,
                                                            fastskip_commit_fn commit,
                                                            fastskip_release_fn release, void *ctx);

/**
 * Fixes every random choice that a table makes, so that tests can be repeated.
 *
 * @param options the options to change
 * @param seed any number; 0, the default, for one from the system
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID options is NULL
 * @par Concurrency
 *      No other call on the same options. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_options_set_seed(fastskip_options *options, uint64_t seed);

/**
 * Sets how many bytes of checksum (CRC-32C) each entry and each version carries. With 4, a bit that
 * has changed in a key, a value, their sizes, the kind, the sequence or the checksum itself shows:
 * what would answer with it answers #FASTSKIP_CORRUPT, see @ref checks. fastskip_table_check()
 * verifies every checksum, and of a sealed table also that no version is missing.
 *
 * Not covered: the link from a key to its newest version, and in caller's mode those to older ones,
 * which change as versions are added: a damaged one leads to #FASTSKIP_CORRUPT or to another version
 * that was written for that key, which a check of the sealed table finds; the sequence of a version
 * in AUTO mode while the write that made it has not yet returned; and what leads to the keys, which
 * fastskip_options_set_paranoid() and fastskip_table_check() look at.
 *
 * Each entry and version takes 4 bytes more, before alignment to 8. Behind the region 64 KiB more, and a
 * cache line, are reserved and made usable, beyond the memory limit; nothing is stored there. An
 * allocator is asked for that much more. Writes do without the short way that ascending keys have.
 *
 * @param options the options to change
 * @param bytes 0, the default, for none, or 4
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID options is NULL, or bytes is neither
 * @par Concurrency
 *      No other call on the same options. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_options_set_checksum(fastskip_options *options,
                                                           uint32_t bytes);

/**
 * Sets whether searches and iterators check what leads them: that references lie inside the memory
 * in use, that blocks stand on the level where they should, that the key looked for lies between
 * the ends of the block where the search ends, and, as an iterator goes, that keys are in strict
 * order and within their block. What does not hold is #FASTSKIP_CORRUPT, see @ref checks. Splits of
 * blocks, which some writes make, believe blocks beside the way to the key that is written.
 *
 * It goes together with fastskip_options_set_checksum(), which covers what the blocks lead to. It
 * reserves the same memory behind the region.
 *
 * @param options the options to change
 * @param on 0, the default, or 1
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID options is NULL, or on is neither
 * @par Concurrency
 *      No other call on the same options. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_options_set_paranoid(fastskip_options *options, uint32_t on);
/** @} */

/* ---------------------------------------------------------------------------------------------- */
/** @name Tables
 * @{ */

/**
 * Makes an empty table with one reference.
 *
 * @param options the settings, or NULL for the defaults; stays the caller's
 * @param[out] table where the handle goes; the caller owns the reference and drops it with
 *             fastskip_table_unref()
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID table is NULL
 * @retval FASTSKIP_NO_MEMORY no memory or address space, or no huge pages where they were insisted
 *         on; the region has been given back
 * @retval FASTSKIP_UNSUPPORTED the options ask for what this build or their combination can not do
 * @par Concurrency
 *      Any thread, at any time; nobody may change the options meanwhile. Never waits
 *      for another thread.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_table_new(const fastskip_options *options,
                                                fastskip_table **table);

/**
 * Takes one more reference. Only who holds a reference may take another.
 *
 * @param table the table
 * @retval FASTSKIP_OK the caller owns one more reference
 * @retval FASTSKIP_INVALID table is NULL
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_table_ref(fastskip_table *table);

/**
 * Drops one reference. With the last one the table is freed at once, and every pointer into it
 * becomes bad; a table need not be sealed for that.
 *
 * @param table may be NULL; the caller's reference is gone afterwards
 * @par Concurrency
 *      With every other call on the table by holders of other references, except
 *      fastskip_table_reset(). Never waits.
 * @since 1.0
 */
FASTSKIP_API void fastskip_table_unref(fastskip_table *table);

/**
 * Makes a table final. Writes that start afterwards are #FASTSKIP_SEALED; those under way are
 * waited for. When this has returned no write is under way and none can start: what an iterator
 * shows is all there will ever be. Sealing a sealed table is OK, and gives the same promise.
 *
 * @param table the table
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID table is NULL
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Waits for the
 *      writes under way when it was called, and for nothing else; not to be called by a thread that
 *      is inside a write (from a callback).
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_table_seal(fastskip_table *table);

/**
 * Asks whether a table is sealed. Writes that started before may still be under way until
 * fastskip_table_seal() has returned.
 *
 * @param table may be NULL
 * @return 1 or 0; 0 for NULL
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Never waits.
 * @since 1.0
 */
FASTSKIP_API int32_t fastskip_table_is_sealed(const fastskip_table *table);

/**
 * Makes an empty table with the same options, then seals this one, as fastskip_table_seal() does.
 * Of several callers at once one gets the fresh table, the others #FASTSKIP_SEALED.
 *
 * @param table the table to seal; its references stay as they are
 * @param[out] fresh where the handle of the new table goes; the caller owns its one reference
 * @retval FASTSKIP_OK table is sealed and final
 * @retval FASTSKIP_INVALID table or fresh is NULL
 * @retval FASTSKIP_SEALED table was sealed before, or by another meanwhile; its last writes may
 *         still be under way
 * @retval FASTSKIP_NO_MEMORY no memory or address space for a new table; table is as it was
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Waits for the
 *      writes under way when it was called.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_table_rotate(fastskip_table *table, fastskip_table **fresh);

/**
 * Empties a table, unseals it, sets its figures back, and keeps its memory for what is written
 * next. Every pointer that reads of this table have handed out becomes bad.
 *
 * @param table a table to which only the caller's one reference is held
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID table is NULL
 * @retval FASTSKIP_BUSY another reference is held, by somebody, a snapshot or an iterator; nothing
 *         changed
 * @par Concurrency
 *      No other call on the same table may run at the same time. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_table_reset(fastskip_table *table);
/** @} */

/* ---------------------------------------------------------------------------------------------- */
/** @name Writing
 *
 * Each write has taken effect for every thread when it returns #FASTSKIP_OK, and is in every read
 * that starts afterwards.
 * @{ */

/**
 * Writes a value, whether or not the key is there. Mode: AUTO.
 *
 * @param table the table
 * @param key,key_size the key, 0 to #FASTSKIP_KEY_MAX bytes; copied
 * @param value,value_size the value, 0 to #FASTSKIP_VALUE_MAX bytes; copied
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID table is NULL or in caller's mode, or a NULL pointer with a size
 * @retval FASTSKIP_TOO_LARGE key or value is over its limit, or value over the memory limit
 * @retval FASTSKIP_SEALED the table is sealed; nothing changed
 * @retval FASTSKIP_FULL the memory or entry limit is reached; nothing changed
 * @retval FASTSKIP_NO_MEMORY the system gave no memory; nothing changed
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks); nothing changed
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_put(fastskip_table *table, const void *key, size_t key_size,
                                          const void *value, size_t value_size);

/**
 * Records that a key is deleted, whether or not the key is there: the engine's older files may hold
 * it. The tombstone is a version like any other and counts against the limits. Mode: AUTO.
 *
 * @param table the table
 * @param key,key_size the key, 0 to #FASTSKIP_KEY_MAX bytes; copied
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID table is NULL or in caller's mode, or a NULL pointer with a size
 * @retval FASTSKIP_TOO_LARGE key is over its limit
 * @retval FASTSKIP_SEALED the table is sealed; nothing changed
 * @retval FASTSKIP_FULL the memory or entry limit is reached; nothing changed
 * @retval FASTSKIP_NO_MEMORY the system gave no memory; nothing changed
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks); nothing changed
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_delete(fastskip_table *table, const void *key,
                                             size_t key_size);

/**
 * Writes a value if the key has no live version: it was never written, or its newest version is a
 * tombstone. Of several inserts of one key at once one succeeds. Mode: AUTO.
 *
 * @param table the table
 * @param key,key_size the key, 0 to #FASTSKIP_KEY_MAX bytes; copied
 * @param value,value_size the value, 0 to #FASTSKIP_VALUE_MAX bytes; copied
 * @retval FASTSKIP_OK it was written
 * @retval FASTSKIP_EXISTS the key was live at an instant during the call; nothing changed
 * @retval FASTSKIP_INVALID table is NULL or in caller's mode, or a NULL pointer with a size
 * @retval FASTSKIP_TOO_LARGE key or value is over its limit, or value over the memory limit
 * @retval FASTSKIP_SEALED the table is sealed; nothing changed
 * @retval FASTSKIP_FULL the memory or entry limit is reached; nothing changed
 * @retval FASTSKIP_NO_MEMORY the system gave no memory; nothing changed
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks); nothing changed
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_insert(fastskip_table *table, const void *key,
                                             size_t key_size, const void *value, size_t value_size);

/**
 * Finds the live version of a key, or writes this one if there is none; both at one instant.
 * Mode: AUTO.
 *
 * @param table the table
 * @param key,key_size the key, 0 to #FASTSKIP_KEY_MAX bytes; copied
 * @param value,value_size the value if there is none yet, 0 to #FASTSKIP_VALUE_MAX bytes; copied
 * @param[out] entry the version that was found or written; its pointers are good until the table's
 *             last reference is dropped
 * @param[out] inserted 1 if it was written, 0 if it was found
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID table is NULL or in caller's mode, a NULL pointer with a size, or entry
 *         or inserted is NULL
 * @retval FASTSKIP_TOO_LARGE key or value is over its limit, or value over the memory limit
 * @retval FASTSKIP_SEALED the table is sealed, whether or not the key is live; nothing changed
 * @retval FASTSKIP_FULL the memory or entry limit is reached; nothing changed
 * @retval FASTSKIP_NO_MEMORY the system gave no memory; nothing changed
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks); nothing changed
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_get_or_insert(fastskip_table *table, const void *key,
                                                    size_t key_size, const void *value,
                                                    size_t value_size, fastskip_entry *entry,
                                                    int32_t *inserted);

/**
 * Writes a version of the caller's number and kind. Numbers of one key may come in any order.
 * Mode: CALLER.
 *
 * @param table the table
 * @param sequence the number, 1 to #FASTSKIP_SEQUENCE_MAX
 * @param kind #FASTSKIP_PUT, #FASTSKIP_DELETE or one of the caller's own, up to #FASTSKIP_KIND_MAX
 * @param key,key_size the key, 0 to #FASTSKIP_KEY_MAX bytes; copied
 * @param value,value_size the value, 0 to #FASTSKIP_VALUE_MAX bytes, of any kind; copied
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_EXISTS a version of this key with this number is there, of whatever kind;
 *         nothing changed
 * @retval FASTSKIP_INVALID table is NULL or in AUTO mode, sequence or kind is out of range, or a
 *         NULL pointer with a size
 * @retval FASTSKIP_TOO_LARGE key or value is over its limit, or value over the memory limit
 * @retval FASTSKIP_SEALED the table is sealed; nothing changed
 * @retval FASTSKIP_FULL the memory or entry limit is reached; nothing changed
 * @retval FASTSKIP_NO_MEMORY the system gave no memory; nothing changed
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks); nothing changed
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_put_at(fastskip_table *table, uint64_t sequence,
                                             uint32_t kind, const void *key, size_t key_size,
                                             const void *value, size_t value_size);

/**
 * Writes a version with a kind of the caller's own. It is live for every read, which tells it apart
 * by fastskip_entry::kind. Mode: AUTO.
 *
 * @param table the table
 * @param kind #FASTSKIP_KIND_OWN_MIN to #FASTSKIP_KIND_MAX
 * @param key,key_size the key, 0 to #FASTSKIP_KEY_MAX bytes; copied
 * @param value,value_size the value, 0 to #FASTSKIP_VALUE_MAX bytes; copied
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID table is NULL or in caller's mode, kind is out of range, or a NULL
 *         pointer with a size
 * @retval FASTSKIP_TOO_LARGE key or value is over its limit, or value over the memory limit
 * @retval FASTSKIP_SEALED the table is sealed; nothing changed
 * @retval FASTSKIP_FULL the memory or entry limit is reached; nothing changed
 * @retval FASTSKIP_NO_MEMORY the system gave no memory; nothing changed
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks); nothing changed
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_put_kind(fastskip_table *table, uint32_t kind,
                                               const void *key, size_t key_size, const void *value,
                                               size_t value_size);
/** @} */

/* ---------------------------------------------------------------------------------------------- */
/** @name Batches
 *
 * A batch collects copies of writes in memory of its own, for any table and any number of times:
 * writing it does not change what it holds. It is used by one thread at a time, also while it is
 * being written. Its records are either numbered (fastskip_batch_put_at()), for tables in caller's
 * mode, or not (the others), for tables in AUTO mode; which table it suits is looked at when it is
 * written.
 * @{ */

/**
 * Makes an empty batch.
 *
 * @param[out] batch where the handle goes; the caller owns it and frees it with
 *             fastskip_batch_free()
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID batch is NULL
 * @retval FASTSKIP_NO_MEMORY no memory for the object
 * @par Concurrency
 *      Any thread, at any time. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_batch_new(fastskip_batch **batch);

/**
 * Adds the write of a value, as fastskip_put() makes it. Of several records of a key in one batch
 * the last wins.
 *
 * @param batch the batch
 * @param key,key_size the key, 0 to #FASTSKIP_KEY_MAX bytes; copied
 * @param value,value_size the value, 0 to #FASTSKIP_VALUE_MAX bytes; copied
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID batch is NULL, or a NULL pointer with a size
 * @retval FASTSKIP_TOO_LARGE key or value is over its limit; the batch is as it was
 * @retval FASTSKIP_NO_MEMORY no memory for the record; the batch is as it was
 * @par Concurrency
 *      No other call on the same batch. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_batch_put(fastskip_batch *batch, const void *key,
                                                size_t key_size, const void *value,
                                                size_t value_size);

/**
 * Adds the record that a key is deleted, as fastskip_delete() makes it.
 *
 * @param batch the batch
 * @param key,key_size the key, 0 to #FASTSKIP_KEY_MAX bytes; copied
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID batch is NULL, or a NULL pointer with a size
 * @retval FASTSKIP_TOO_LARGE key is over its limit; the batch is as it was
 * @retval FASTSKIP_NO_MEMORY no memory for the record; the batch is as it was
 * @par Concurrency
 *      No other call on the same batch. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_batch_delete(fastskip_batch *batch, const void *key,
                                                   size_t key_size);

/**
 * Adds the write of a version with a kind of the caller's own, as fastskip_put_kind() makes it.
 *
 * @param batch the batch
 * @param kind #FASTSKIP_KIND_OWN_MIN to #FASTSKIP_KIND_MAX
 * @param key,key_size the key, 0 to #FASTSKIP_KEY_MAX bytes; copied
 * @param value,value_size the value, 0 to #FASTSKIP_VALUE_MAX bytes; copied
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID batch is NULL, kind is out of range, or a NULL pointer with a size
 * @retval FASTSKIP_TOO_LARGE key or value is over its limit; the batch is as it was
 * @retval FASTSKIP_NO_MEMORY no memory for the record; the batch is as it was
 * @par Concurrency
 *      No other call on the same batch. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_batch_put_kind(fastskip_batch *batch, uint32_t kind,
                                                     const void *key, size_t key_size,
                                                     const void *value, size_t value_size);

/**
 * Adds the write of a numbered version, as fastskip_put_at() makes it.
 *
 * @param batch the batch
 * @param sequence the number, 1 to #FASTSKIP_SEQUENCE_MAX
 * @param kind #FASTSKIP_PUT, #FASTSKIP_DELETE or one of the caller's own, up to #FASTSKIP_KIND_MAX
 * @param key,key_size the key, 0 to #FASTSKIP_KEY_MAX bytes; copied
 * @param value,value_size the value, 0 to #FASTSKIP_VALUE_MAX bytes, of any kind; copied
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID batch is NULL, sequence or kind is out of range, or a NULL pointer with
 *         a size
 * @retval FASTSKIP_TOO_LARGE key or value is over its limit; the batch is as it was
 * @retval FASTSKIP_NO_MEMORY no memory for the record; the batch is as it was
 * @par Concurrency
 *      No other call on the same batch. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_batch_put_at(fastskip_batch *batch, uint64_t sequence,
                                                   uint32_t kind, const void *key, size_t key_size,
                                                   const void *value, size_t value_size);

/**
 * Asks how many records a batch holds; each call that added one counts, also of the same key.
 *
 * @param batch may be NULL
 * @return the number; 0 for NULL
 * @par Concurrency
 *      No call that changes or writes the same batch. Never waits.
 * @since 1.0
 */
FASTSKIP_API size_t fastskip_batch_count(const fastskip_batch *batch);

/**
 * Empties a batch and keeps its memory for the next records.
 *
 * @param batch the batch
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID batch is NULL
 * @par Concurrency
 *      No other call on the same batch. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_batch_clear(fastskip_batch *batch);

/**
 * Frees a batch. What was written of it is not affected.
 *
 * @param batch may be NULL; not to be used afterwards
 * @par Concurrency
 *      No other call on the same batch. Never waits.
 * @since 1.0
 */
FASTSKIP_API void fastskip_batch_free(fastskip_batch *batch);

/**
 * Writes all of a batch. In AUTO mode at one instant, or none of it: no read, iterator or snapshot
 * sees a part. In caller's mode memory for all of it is taken first, so that a limit refuses all;
 * then its records are written one after the other, visible as their numbers say; the first
 * #FASTSKIP_EXISTS ends it, and what came before it stays. An empty batch writes nothing; a sealed
 * table refuses it all the same.
 *
 * @param table the table
 * @param batch the records; stays the caller's, with its content
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID table or batch is NULL, or a record belongs to the other mode; nothing
 *         changed
 * @retval FASTSKIP_EXISTS caller's mode: a record's key and number are there; the records before
 *         that one are written
 * @retval FASTSKIP_TOO_LARGE a value is over the memory limit of the table; nothing changed
 * @retval FASTSKIP_SEALED the table is sealed; nothing changed
 * @retval FASTSKIP_FULL the memory or entry limit does not allow all of it; nothing that a read can
 *         see changed
 * @retval FASTSKIP_NO_MEMORY the system gave no memory; nothing that a read can see changed
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks); nothing that a read can see changed; in
 *         caller's mode the records before the one that met it were written
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(); no other call
 *      on the same batch. Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_write(fastskip_table *table, fastskip_batch *batch);
/** @} */

/* ---------------------------------------------------------------------------------------------- */
/** @name Reading
 *
 * Where a read takes a snapshot, NULL means now: in AUTO mode the instant of the read, in caller's
 * mode every number that is there. A snapshot must be of the same table. A key over
 * #FASTSKIP_KEY_MAX bytes is #FASTSKIP_TOO_LARGE here too. Sealed and full tables are read like
 * any other.
 * @{ */

/**
 * Finds the newest version of a key, if it is live.
 *
 * @param table the table
 * @param snapshot the instant to read at, or NULL for now
 * @param key,key_size the key, 0 to #FASTSKIP_KEY_MAX bytes
 * @param[out] entry the version; its pointers are good until the table's last reference is dropped
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_NOT_FOUND no version is visible, or the newest visible one is a tombstone
 * @retval FASTSKIP_INVALID table or entry is NULL, snapshot is of another table, or a NULL key with
 *         a size
 * @retval FASTSKIP_TOO_LARGE key is over its limit
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks)
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_get(const fastskip_table *table,
                                          const fastskip_snapshot *snapshot, const void *key,
                                          size_t key_size, fastskip_entry *entry);

/**
 * Finds the newest version of a key, a tombstone too: an engine that then reads its older files
 * needs to know the difference.
 *
 * @param table the table
 * @param snapshot the instant to read at, or NULL for now
 * @param key,key_size the key, 0 to #FASTSKIP_KEY_MAX bytes
 * @param[out] entry the version, with kind #FASTSKIP_DELETE for a tombstone; its pointers are good
 *             until the table's last reference is dropped
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_NOT_FOUND no version is visible
 * @retval FASTSKIP_INVALID table or entry is NULL, snapshot is of another table, or a NULL key with
 *         a size
 * @retval FASTSKIP_TOO_LARGE key is over its limit
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks)
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_get_raw(const fastskip_table *table,
                                              const fastskip_snapshot *snapshot, const void *key,
                                              size_t key_size, fastskip_entry *entry);

/**
 * Finds the newest version of a key up to a sequence number, a tombstone too. In AUTO mode numbers
 * come from fastskip_snapshot_sequence(); the answer for one that no snapshot has had yet may
 * change. In caller's mode it may change while a write of a number up to this one is under way.
 * Both modes.
 *
 * @param table the table
 * @param sequence the greatest number to look at; any number, 0 finds nothing
 * @param key,key_size the key, 0 to #FASTSKIP_KEY_MAX bytes
 * @param[out] entry the version, with kind #FASTSKIP_DELETE for a tombstone; its pointers are good
 *             until the table's last reference is dropped
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_NOT_FOUND no version is visible at that number
 * @retval FASTSKIP_INVALID table or entry is NULL, or a NULL key with a size
 * @retval FASTSKIP_TOO_LARGE key is over its limit
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks)
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_get_at(const fastskip_table *table, uint64_t sequence,
                                             const void *key, size_t key_size,
                                             fastskip_entry *entry);

/**
 * Asks whether a key is live.
 *
 * @param table the table
 * @param snapshot the instant to read at, or NULL for now
 * @param key,key_size the key, 0 to #FASTSKIP_KEY_MAX bytes
 * @retval FASTSKIP_OK it is
 * @retval FASTSKIP_NOT_FOUND no version is visible, or the newest visible one is a tombstone
 * @retval FASTSKIP_INVALID table is NULL, snapshot is of another table, or a NULL key with a size
 * @retval FASTSKIP_TOO_LARGE key is over its limit
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks)
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_contains(const fastskip_table *table,
                                               const fastskip_snapshot *snapshot, const void *key,
                                               size_t key_size);

/**
 * Looks up many keys, as fastskip_get() does each, all at one instant (caller's mode: of the
 * numbers that are there), with their cache misses overlapped: much faster than one call after the
 * other. Keys may repeat and come in any order.
 *
 * @param table the table
 * @param snapshot the instant to read at, or NULL for now
 * @param n how many; 0 is OK, and the arrays may then be NULL
 * @param keys,key_sizes n keys, each 0 to #FASTSKIP_KEY_MAX bytes
 * @param[out] entries n versions; entries[i] is all zero where statuses[i] is not #FASTSKIP_OK; the
 *             pointers are good until the table's last reference is dropped
 * @param[out] statuses n statuses, each #FASTSKIP_OK, #FASTSKIP_NOT_FOUND, #FASTSKIP_INVALID (a
 *             NULL key with a size), #FASTSKIP_TOO_LARGE, or #FASTSKIP_CORRUPT (@ref checks)
 * @retval FASTSKIP_OK all were looked up, found or not; only then entries and statuses are written
 * @retval FASTSKIP_INVALID table is NULL, snapshot is of another table, or n is not 0 and an array
 *         is NULL
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_get_many(const fastskip_table *table,
                                               const fastskip_snapshot *snapshot, size_t n,
                                               const void *const *keys, const size_t *key_sizes,
                                               fastskip_entry *entries, fastskip_status *statuses);

/**
 * Takes a snapshot: the state of the table at one instant during the call. Reading it twice gives
 * the same answer for ever. It costs no memory of the table and slows nobody down. Mode: AUTO (in
 * caller's mode the numbers are the snapshots).
 *
 * @param table the table, of which the snapshot holds a reference
 * @param[out] snapshot where the handle goes; the caller owns it and frees it with
 *             fastskip_snapshot_free()
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID table or snapshot is NULL, or table is in caller's mode
 * @retval FASTSKIP_NO_MEMORY no memory for the handle
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_snapshot_new(fastskip_table *table,
                                                   fastskip_snapshot **snapshot);

/**
 * Asks for the sequence number of a snapshot: it sees the versions up to this number. Numbers of
 * later snapshots of the same table are greater or the same.
 *
 * @param snapshot may be NULL
 * @return the number; 0 for NULL
 * @par Concurrency
 *      With every other call except freeing this snapshot. Never waits.
 * @since 1.0
 */
FASTSKIP_API uint64_t fastskip_snapshot_sequence(const fastskip_snapshot *snapshot);

/**
 * Frees a snapshot and drops its reference to the table. Iterators made with it go on.
 *
 * @param snapshot may be NULL; not to be used afterwards
 * @par Concurrency
 *      No other call with the same snapshot; with every call on its table except
 *      fastskip_table_reset(). Never waits.
 * @since 1.0
 */
FASTSKIP_API void fastskip_snapshot_free(fastskip_snapshot *snapshot);
/** @} */

/* ---------------------------------------------------------------------------------------------- */
/** @name Iterating
 *
 * An iterator stands on an entry (is valid) or not. A new one is not valid until the first seek,
 * nor is one that has run past either end or whose bounds were set: only a seek makes it valid
 * again, and moving it before is #FASTSKIP_NOT_FOUND. It shows keys in ascending order, none twice
 * and none left out, whatever is written meanwhile.
 *
 * An iterator is used by one thread at a time. It runs beside every call on its table except
 * fastskip_table_reset(), which answers #FASTSKIP_BUSY as long as it exists.
 * @{ */

/**
 * Makes an iterator over a table.
 *
 * @param table the table, of which the iterator holds a reference
 * @param snapshot the instant to show; it may be freed before the iterator. NULL: in AUTO mode the
 *        instant of this call; in caller's mode every number: writes made since may or may not show
 * @param flags a sum of #fastskip_iterator_flag; 0 for the newest live version of each key
 * @param[out] iterator where the handle goes, not valid yet; the caller owns it and frees it with
 *             fastskip_iterator_free()
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID table or iterator is NULL, snapshot is of another table, or a flag is
 *         unknown
 * @retval FASTSKIP_NO_MEMORY no memory for the handle
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_iterator_new(fastskip_table *table,
                                                   const fastskip_snapshot *snapshot,
                                                   uint32_t flags, fastskip_iterator **iterator);

/**
 * Makes an iterator over what is visible at a sequence number. It repeats itself if all writes up
 * to that number have returned. Mode: CALLER.
 *
 * @param table the table, of which the iterator holds a reference
 * @param sequence the greatest number to show; any number, 0 shows nothing
 * @param flags a sum of #fastskip_iterator_flag; 0 for the newest live version of each key
 * @param[out] iterator where the handle goes, not valid yet; the caller owns it and frees it with
 *             fastskip_iterator_free()
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID table or iterator is NULL, table is in AUTO mode, or a flag is unknown
 * @retval FASTSKIP_NO_MEMORY no memory for the handle
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_iterator_new_at(fastskip_table *table, uint64_t sequence,
                                                      uint32_t flags, fastskip_iterator **iterator);

/**
 * Limits what an iterator shows to the keys from lower on and before upper. The iterator is not
 * valid afterwards. Bounds that leave nothing between them are OK.
 *
 * @param iterator the iterator
 * @param lower,lower_size the first key shown, 0 to #FASTSKIP_KEY_MAX bytes; copied. NULL with
 *        size 0 is no bound, not the empty key
 * @param upper,upper_size the first key after that is not shown, 0 to #FASTSKIP_KEY_MAX bytes;
 *        copied. NULL with size 0 is no bound, not the empty key
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID iterator is NULL, or a NULL pointer with a size; nothing changed
 * @retval FASTSKIP_TOO_LARGE a bound is over the limit of keys; nothing changed
 * @retval FASTSKIP_NO_MEMORY no memory for the copies; nothing changed
 * @par Concurrency
 *      No other call on the same iterator. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_iterator_set_bounds(fastskip_iterator *iterator,
                                                          const void *lower, size_t lower_size,
                                                          const void *upper, size_t upper_size);

/**
 * Goes to the first entry within the bounds.
 *
 * @param iterator the iterator
 * @retval FASTSKIP_OK it is valid
 * @retval FASTSKIP_NOT_FOUND there is no entry; it is not valid
 * @retval FASTSKIP_INVALID iterator is NULL
 * @retval FASTSKIP_NO_MEMORY #FASTSKIP_ALL_VERSIONS only: no memory to order the versions of a key;
 *         it is not valid
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks), or the comparator contradicts itself; it is
 *         not valid
 * @par Concurrency
 *      No other call on the same iterator. Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_iterator_seek_first(fastskip_iterator *iterator);

/**
 * Goes to the last entry within the bounds.
 *
 * @param iterator the iterator
 * @retval FASTSKIP_OK it is valid
 * @retval FASTSKIP_NOT_FOUND there is no entry; it is not valid
 * @retval FASTSKIP_INVALID iterator is NULL
 * @retval FASTSKIP_NO_MEMORY #FASTSKIP_ALL_VERSIONS only: no memory to order the versions of a key;
 *         it is not valid
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks), or the comparator contradicts itself; it is
 *         not valid
 * @par Concurrency
 *      No other call on the same iterator. Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_iterator_seek_last(fastskip_iterator *iterator);

/**
 * Goes to the first entry within the bounds whose key is not before this one; with every version
 * shown, to the newest of that key.
 *
 * @param iterator the iterator
 * @param key,key_size the key, 0 to #FASTSKIP_KEY_MAX bytes; NULL with size 0 is the empty key
 * @retval FASTSKIP_OK it is valid
 * @retval FASTSKIP_NOT_FOUND there is no such entry; it is not valid
 * @retval FASTSKIP_INVALID iterator is NULL, or a NULL key with a size; nothing changed
 * @retval FASTSKIP_TOO_LARGE key is over its limit; nothing changed
 * @retval FASTSKIP_NO_MEMORY #FASTSKIP_ALL_VERSIONS only: no memory to order the versions of a key;
 *         it is not valid
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks), or the comparator contradicts itself; it is
 *         not valid
 * @par Concurrency
 *      No other call on the same iterator. Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_iterator_seek(fastskip_iterator *iterator, const void *key,
                                                    size_t key_size);

/**
 * Goes to the last entry within the bounds whose key is not after this one; with every version
 * shown, to the oldest of that key.
 *
 * @param iterator the iterator
 * @param key,key_size the key, 0 to #FASTSKIP_KEY_MAX bytes; NULL with size 0 is the empty key
 * @retval FASTSKIP_OK it is valid
 * @retval FASTSKIP_NOT_FOUND there is no such entry; it is not valid
 * @retval FASTSKIP_INVALID iterator is NULL, or a NULL key with a size; nothing changed
 * @retval FASTSKIP_TOO_LARGE key is over its limit; nothing changed
 * @retval FASTSKIP_NO_MEMORY #FASTSKIP_ALL_VERSIONS only: no memory to order the versions of a key;
 *         it is not valid
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks), or the comparator contradicts itself; it is
 *         not valid
 * @par Concurrency
 *      No other call on the same iterator. Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_iterator_seek_for_prev(fastskip_iterator *iterator,
                                                             const void *key, size_t key_size);

/**
 * Goes to the entry after the present one. Directions mix freely.
 *
 * @param iterator the iterator
 * @retval FASTSKIP_OK it is valid
 * @retval FASTSKIP_NOT_FOUND there is none, or it was not valid; it is not valid
 * @retval FASTSKIP_INVALID iterator is NULL
 * @retval FASTSKIP_NO_MEMORY #FASTSKIP_ALL_VERSIONS only: no memory to order the versions of a key;
 *         it is not valid
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks), or the comparator contradicts itself; it is
 *         not valid
 * @par Concurrency
 *      No other call on the same iterator. Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_iterator_next(fastskip_iterator *iterator);

/**
 * Goes to the entry before the present one. Directions mix freely.
 *
 * @param iterator the iterator
 * @retval FASTSKIP_OK it is valid
 * @retval FASTSKIP_NOT_FOUND there is none, or it was not valid; it is not valid
 * @retval FASTSKIP_INVALID iterator is NULL
 * @retval FASTSKIP_NO_MEMORY #FASTSKIP_ALL_VERSIONS only: no memory to order the versions of a key;
 *         it is not valid
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks), or the comparator contradicts itself; it is
 *         not valid
 * @par Concurrency
 *      No other call on the same iterator. Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_iterator_prev(fastskip_iterator *iterator);

/**
 * Asks whether an iterator stands on an entry.
 *
 * @param iterator may be NULL
 * @return 1 or 0; 0 for NULL
 * @par Concurrency
 *      No call that moves the same iterator. Never waits.
 * @since 1.0
 */
FASTSKIP_API int32_t fastskip_iterator_valid(const fastskip_iterator *iterator);

/**
 * Reads the present entry.
 *
 * @param iterator the iterator
 * @param[out] entry the version; its pointers are good until the table's last reference is dropped,
 *             also after the iterator was moved or freed
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_NOT_FOUND the iterator is not valid
 * @retval FASTSKIP_INVALID iterator or entry is NULL
 * @par Concurrency
 *      No call that moves the same iterator. Never waits.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_iterator_entry(const fastskip_iterator *iterator,
                                                     fastskip_entry *entry);

/**
 * Reads entries from the present one on and goes to the one after them, for callers to whom each
 * call is dear. Entries remain if the iterator is still valid; if it is not, the next call answers
 * #FASTSKIP_NOT_FOUND.
 *
 * @param iterator the iterator
 * @param[out] entries room for capacity entries; the first count are written; their pointers are
 *             good until the table's last reference is dropped
 * @param capacity how many at most; not 0
 * @param[out] count how many were written: 1 to capacity on #FASTSKIP_OK; 0 on #FASTSKIP_NOT_FOUND,
 *             #FASTSKIP_NO_MEMORY and #FASTSKIP_CORRUPT
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_NOT_FOUND the iterator was not valid
 * @retval FASTSKIP_INVALID iterator, entries or count is NULL, or capacity is 0; nothing changed
 * @retval FASTSKIP_NO_MEMORY #FASTSKIP_ALL_VERSIONS only: no memory to order the versions of a key;
 *         it is not valid
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks), or the comparator contradicts itself; it is
 *         not valid
 * @par Concurrency
 *      No other call on the same iterator. Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_iterator_next_many(fastskip_iterator *iterator,
                                                         fastskip_entry *entries, size_t capacity,
                                                         size_t *count);

/**
 * Frees an iterator and drops its reference to the table.
 *
 * @param iterator may be NULL; not to be used afterwards
 * @par Concurrency
 *      No other call on the same iterator; with every call on its table except
 *      fastskip_table_reset(). Never waits.
 * @since 1.0
 */
FASTSKIP_API void fastskip_iterator_free(fastskip_iterator *iterator);
/** @} */

/* ---------------------------------------------------------------------------------------------- */
/** @name Asking
 * @{ */

/**
 * Asks for one figure of a table. Figures are exact while no write is under way, and do not go
 * backwards while the table grows, except LIVE and TOMBSTONES, which follow what is written.
 *
 * @param table the table
 * @param id one of #fastskip_stat_id
 * @param[out] number the figure
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID table or number is NULL
 * @retval FASTSKIP_UNSUPPORTED id is unknown to this version
 * @retval FASTSKIP_CORRUPT LIVE and TOMBSTONES only: damage was found (@ref checks)
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Lock-free;
 *      costs time in proportion to the number of shards, LIVE and TOMBSTONES to that of keys.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_table_stat(const fastskip_table *table, uint32_t id,
                                                 uint64_t *number);

/**
 * Asks whether a table is so near its memory limit or its entry limit that the engine should rotate
 * it or slow its writers down; see fastskip_options_set_backpressure().
 *
 * @param table may be NULL
 * @return 1 or 0; 0 for NULL
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Never waits.
 * @since 1.0
 */
FASTSKIP_API int32_t fastskip_table_under_backpressure(const fastskip_table *table);

/**
 * Estimates how many distinct keys, deleted ones included, lie from lower on and before upper.
 * Meant for planning; it costs much less than counting them.
 *
 * @param table the table
 * @param lower,lower_size the first key counted, 0 to #FASTSKIP_KEY_MAX bytes; NULL with size 0 is
 *        no bound
 * @param upper,upper_size the first key after that is not counted, 0 to #FASTSKIP_KEY_MAX bytes;
 *        NULL with size 0 is no bound
 * @param[out] number the estimate; 0 if upper is not after lower
 * @retval FASTSKIP_OK
 * @retval FASTSKIP_INVALID table or number is NULL, or a NULL bound with a size
 * @retval FASTSKIP_TOO_LARGE a bound is over the limit of keys
 * @retval FASTSKIP_CORRUPT damage was found (@ref checks)
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(). Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_table_approximate_count(const fastskip_table *table,
                                                              const void *lower, size_t lower_size,
                                                              const void *upper, size_t upper_size,
                                                              uint64_t *number);

/**
 * Walks over all of a table and looks whether every rule of its structure holds. For tests and for
 * doubts: it reads everything.
 *
 * @param table the table
 * @retval FASTSKIP_OK every rule holds
 * @retval FASTSKIP_CORRUPT memory is damaged, or the comparator contradicts itself
 * @retval FASTSKIP_INVALID table is NULL
 * @par Concurrency
 *      With every other call on the table except fastskip_table_reset(); beside writes
 *      it leaves out the rules that only hold at rest. Lock-free.
 * @since 1.0
 */
FASTSKIP_API fastskip_status fastskip_table_check(const fastskip_table *table);

/**
 * Asks for the version of the library that is running.
 *
 * @return the version, "1.0.0" or later; a constant, good for ever
 * @par Concurrency
 *      Any thread, at any time. Never waits.
 * @since 1.0
 */
FASTSKIP_API const char *fastskip_version(void);

/**
 * Asks how the library was built: compiler and atomics in use. For bug reports; the form may
 * change.
 *
 * @return a constant, good for ever, never NULL
 * @par Concurrency
 *      Any thread, at any time. Never waits.
 * @since 1.0
 */
FASTSKIP_API const char *fastskip_build(void);

/**
 * Asks for a short English description of a status.
 *
 * @param status any number
 * @return a constant, good for ever, never NULL, also for a number that is no status
 * @par Concurrency
 *      Any thread, at any time. Never waits.
 * @since 1.0
 */
FASTSKIP_API const char *fastskip_strerror(fastskip_status status);
/** @} */

#ifdef __cplusplus
}
#endif

#endif /* FASTSKIP_H */
