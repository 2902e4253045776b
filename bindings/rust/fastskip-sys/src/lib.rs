//! Raw declarations of libfastskip, as `fastskip.h` 1.0 has them.
//!
//! What each function does, takes and answers is written in that header; the `fastskip` crate is
//! the safe way to call them. Tests compare every declaration here with what bindgen makes of the
//! installed header, and with the list of names that the library exports.

#![allow(non_camel_case_types)]

use std::marker::{PhantomData, PhantomPinned};
use std::os::raw::{c_char, c_void};

// Constants have the type of the parameter that they are passed as, where C has enumerations.

/// One of the `FASTSKIP_*` statuses: 0 is success, failures are negative.
pub type fastskip_status = i32;

pub const FASTSKIP_VERSION_MAJOR: u32 = 1;
pub const FASTSKIP_VERSION_MINOR: u32 = 0;
pub const FASTSKIP_VERSION_PATCH: u32 = 0;
pub const FASTSKIP_VERSION: &[u8; 6] = b"1.0.0\0";
pub const FASTSKIP_KEY_MAX: usize = 65535;
pub const FASTSKIP_VALUE_MAX: u32 = 4294901759;
pub const FASTSKIP_SEQUENCE_MAX: u64 = 72057594037927935;
pub const FASTSKIP_KIND_OWN_MIN: u32 = 2;
pub const FASTSKIP_KIND_MAX: u32 = 127;
pub const FASTSKIP_OK: fastskip_status = 0;
pub const FASTSKIP_INVALID: fastskip_status = -1;
pub const FASTSKIP_NO_MEMORY: fastskip_status = -2;
pub const FASTSKIP_NOT_FOUND: fastskip_status = -3;
pub const FASTSKIP_EXISTS: fastskip_status = -4;
pub const FASTSKIP_SEALED: fastskip_status = -5;
pub const FASTSKIP_FULL: fastskip_status = -6;
pub const FASTSKIP_TOO_LARGE: fastskip_status = -7;
pub const FASTSKIP_BUSY: fastskip_status = -8;
pub const FASTSKIP_UNSUPPORTED: fastskip_status = -9;
pub const FASTSKIP_CORRUPT: fastskip_status = -10;
pub const FASTSKIP_SEQUENCE_AUTO: u32 = 0;
pub const FASTSKIP_SEQUENCE_CALLER: u32 = 1;
pub const FASTSKIP_HUGE_PAGES_NEVER: u32 = 0;
pub const FASTSKIP_HUGE_PAGES_ASK: u32 = 1;
pub const FASTSKIP_HUGE_PAGES_INSIST: u32 = 2;
pub const FASTSKIP_PUT: u32 = 0;
pub const FASTSKIP_DELETE: u32 = 1;
pub const FASTSKIP_TOMBSTONES: u32 = 1;
pub const FASTSKIP_ALL_VERSIONS: u32 = 2;
pub const FASTSKIP_STAT_KEYS: u32 = 1;
pub const FASTSKIP_STAT_LIVE: u32 = 2;
pub const FASTSKIP_STAT_VERSIONS: u32 = 3;
pub const FASTSKIP_STAT_TOMBSTONES: u32 = 4;
pub const FASTSKIP_STAT_KEY_BYTES: u32 = 5;
pub const FASTSKIP_STAT_VALUE_BYTES: u32 = 6;
pub const FASTSKIP_STAT_MEMORY_USED: u32 = 7;
pub const FASTSKIP_STAT_MEMORY_RESERVED: u32 = 8;
pub const FASTSKIP_STAT_MEMORY_LIMIT: u32 = 9;
pub const FASTSKIP_STAT_MEMORY_WASTED: u32 = 10;
pub const FASTSKIP_STAT_CHUNKS: u32 = 11;
pub const FASTSKIP_STAT_SHARDS: u32 = 12;
pub const FASTSKIP_STAT_BLOCKS: u32 = 13;
pub const FASTSKIP_STAT_HEIGHT: u32 = 14;
pub const FASTSKIP_STAT_WRITES: u32 = 15;
pub const FASTSKIP_STAT_RETRIES: u32 = 16;
pub const FASTSKIP_STAT_SNAPSHOTS: u32 = 17;

macro_rules! opaque {
    ($(#[$doc:meta] $name:ident)*) => { $(
        #[$doc]
        #[repr(C)]
        pub struct $name {
            _unused: [u8; 0],
            // Neither Send nor Sync nor Unpin: nothing is known of what is behind the pointer.
            _marker: PhantomData<(*mut u8, PhantomPinned)>,
        }
    )* };
}

opaque! {
    /// Settings from which tables are made.
    fastskip_options
    /// An ordered map in one region of memory, counted by references.
    fastskip_table
    /// Writes collected to be made at one instant.
    fastskip_batch
    /// The state of one table at one instant.
    fastskip_snapshot
    /// A cursor over one table.
    fastskip_iterator
}

/// One version of a key, as reads hand it out.
#[repr(C)]
#[derive(Debug, Copy, Clone)]
pub struct fastskip_entry {
    pub key: *const c_void,
    pub key_size: usize,
    pub value: *const c_void,
    pub value_size: usize,
    pub sequence: u64,
    pub kind: u32,
    pub reserved: u32,
}

/// Order of keys.
pub type fastskip_compare_fn = Option<
    unsafe extern "C" fn(
        ctx: *mut c_void,
        a: *const c_void,
        a_size: usize,
        b: *const c_void,
        b_size: usize,
    ) -> i32,
>;
/// A number for a key that saves comparisons.
pub type fastskip_abbreviate_fn =
    Option<unsafe extern "C" fn(ctx: *mut c_void, key: *const c_void, size: usize) -> u64>;
/// Reserves the region of a table.
pub type fastskip_reserve_fn =
    Option<unsafe extern "C" fn(ctx: *mut c_void, size: usize, alignment: usize) -> *mut c_void>;
/// Makes a part of a region usable.
pub type fastskip_commit_fn =
    Option<unsafe extern "C" fn(ctx: *mut c_void, address: *mut c_void, size: usize) -> i32>;
/// Takes a region back.
pub type fastskip_release_fn =
    Option<unsafe extern "C" fn(ctx: *mut c_void, address: *mut c_void, size: usize)>;

extern "C" {
    pub fn fastskip_options_new(options: *mut *mut fastskip_options) -> fastskip_status;
    pub fn fastskip_options_free(options: *mut fastskip_options);
    pub fn fastskip_options_set_shards(
        options: *mut fastskip_options,
        shards: u32,
    ) -> fastskip_status;
    pub fn fastskip_options_set_block_size(
        options: *mut fastskip_options,
        bytes: usize,
    ) -> fastskip_status;
    pub fn fastskip_options_set_memory_limit(
        options: *mut fastskip_options,
        bytes: u64,
    ) -> fastskip_status;
    pub fn fastskip_options_set_entry_limit(
        options: *mut fastskip_options,
        versions: u64,
    ) -> fastskip_status;
    pub fn fastskip_options_set_backpressure(
        options: *mut fastskip_options,
        percent: u32,
    ) -> fastskip_status;
    pub fn fastskip_options_set_huge_pages(
        options: *mut fastskip_options,
        mode: u32,
    ) -> fastskip_status;
    pub fn fastskip_options_set_sequence_mode(
        options: *mut fastskip_options,
        mode: u32,
    ) -> fastskip_status;
    pub fn fastskip_options_set_comparator(
        options: *mut fastskip_options,
        compare: fastskip_compare_fn,
        abbreviate: fastskip_abbreviate_fn,
        ctx: *mut c_void,
        name: *const c_char,
    ) -> fastskip_status;
    pub fn fastskip_options_set_allocator(
        options: *mut fastskip_options,
        reserve: fastskip_reserve_fn,
        commit: fastskip_commit_fn,
        release: fastskip_release_fn,
        ctx: *mut c_void,
    ) -> fastskip_status;
    pub fn fastskip_options_set_checksum(
        options: *mut fastskip_options,
        bytes: u32,
    ) -> fastskip_status;
    pub fn fastskip_options_set_paranoid(
        options: *mut fastskip_options,
        on: u32,
    ) -> fastskip_status;
    pub fn fastskip_options_set_seed(options: *mut fastskip_options, seed: u64) -> fastskip_status;
    pub fn fastskip_table_new(
        options: *const fastskip_options,
        table: *mut *mut fastskip_table,
    ) -> fastskip_status;
    pub fn fastskip_table_ref(table: *mut fastskip_table) -> fastskip_status;
    pub fn fastskip_table_unref(table: *mut fastskip_table);
    pub fn fastskip_table_seal(table: *mut fastskip_table) -> fastskip_status;
    pub fn fastskip_table_is_sealed(table: *const fastskip_table) -> i32;
    pub fn fastskip_table_rotate(
        table: *mut fastskip_table,
        fresh: *mut *mut fastskip_table,
    ) -> fastskip_status;
    pub fn fastskip_table_reset(table: *mut fastskip_table) -> fastskip_status;
    pub fn fastskip_put(
        table: *mut fastskip_table,
        key: *const c_void,
        key_size: usize,
        value: *const c_void,
        value_size: usize,
    ) -> fastskip_status;
    pub fn fastskip_delete(
        table: *mut fastskip_table,
        key: *const c_void,
        key_size: usize,
    ) -> fastskip_status;
    pub fn fastskip_insert(
        table: *mut fastskip_table,
        key: *const c_void,
        key_size: usize,
        value: *const c_void,
        value_size: usize,
    ) -> fastskip_status;
    pub fn fastskip_get_or_insert(
        table: *mut fastskip_table,
        key: *const c_void,
        key_size: usize,
        value: *const c_void,
        value_size: usize,
        entry: *mut fastskip_entry,
        inserted: *mut i32,
    ) -> fastskip_status;
    pub fn fastskip_put_at(
        table: *mut fastskip_table,
        sequence: u64,
        kind: u32,
        key: *const c_void,
        key_size: usize,
        value: *const c_void,
        value_size: usize,
    ) -> fastskip_status;
    pub fn fastskip_put_kind(
        table: *mut fastskip_table,
        kind: u32,
        key: *const c_void,
        key_size: usize,
        value: *const c_void,
        value_size: usize,
    ) -> fastskip_status;
    pub fn fastskip_batch_new(batch: *mut *mut fastskip_batch) -> fastskip_status;
    pub fn fastskip_batch_put(
        batch: *mut fastskip_batch,
        key: *const c_void,
        key_size: usize,
        value: *const c_void,
        value_size: usize,
    ) -> fastskip_status;
    pub fn fastskip_batch_delete(
        batch: *mut fastskip_batch,
        key: *const c_void,
        key_size: usize,
    ) -> fastskip_status;
    pub fn fastskip_batch_put_kind(
        batch: *mut fastskip_batch,
        kind: u32,
        key: *const c_void,
        key_size: usize,
        value: *const c_void,
        value_size: usize,
    ) -> fastskip_status;
    pub fn fastskip_batch_put_at(
        batch: *mut fastskip_batch,
        sequence: u64,
        kind: u32,
        key: *const c_void,
        key_size: usize,
        value: *const c_void,
        value_size: usize,
    ) -> fastskip_status;
    pub fn fastskip_batch_count(batch: *const fastskip_batch) -> usize;
    pub fn fastskip_batch_clear(batch: *mut fastskip_batch) -> fastskip_status;
    pub fn fastskip_batch_free(batch: *mut fastskip_batch);
    pub fn fastskip_write(
        table: *mut fastskip_table,
        batch: *mut fastskip_batch,
    ) -> fastskip_status;
    pub fn fastskip_get(
        table: *const fastskip_table,
        snapshot: *const fastskip_snapshot,
        key: *const c_void,
        key_size: usize,
        entry: *mut fastskip_entry,
    ) -> fastskip_status;
    pub fn fastskip_get_raw(
        table: *const fastskip_table,
        snapshot: *const fastskip_snapshot,
        key: *const c_void,
        key_size: usize,
        entry: *mut fastskip_entry,
    ) -> fastskip_status;
    pub fn fastskip_get_at(
        table: *const fastskip_table,
        sequence: u64,
        key: *const c_void,
        key_size: usize,
        entry: *mut fastskip_entry,
    ) -> fastskip_status;
    pub fn fastskip_contains(
        table: *const fastskip_table,
        snapshot: *const fastskip_snapshot,
        key: *const c_void,
        key_size: usize,
    ) -> fastskip_status;
    pub fn fastskip_get_many(
        table: *const fastskip_table,
        snapshot: *const fastskip_snapshot,
        n: usize,
        keys: *const *const c_void,
        key_sizes: *const usize,
        entries: *mut fastskip_entry,
        statuses: *mut fastskip_status,
    ) -> fastskip_status;
    pub fn fastskip_snapshot_new(
        table: *mut fastskip_table,
        snapshot: *mut *mut fastskip_snapshot,
    ) -> fastskip_status;
    pub fn fastskip_snapshot_sequence(snapshot: *const fastskip_snapshot) -> u64;
    pub fn fastskip_snapshot_free(snapshot: *mut fastskip_snapshot);
    pub fn fastskip_iterator_new(
        table: *mut fastskip_table,
        snapshot: *const fastskip_snapshot,
        flags: u32,
        iterator: *mut *mut fastskip_iterator,
    ) -> fastskip_status;
    pub fn fastskip_iterator_new_at(
        table: *mut fastskip_table,
        sequence: u64,
        flags: u32,
        iterator: *mut *mut fastskip_iterator,
    ) -> fastskip_status;
    pub fn fastskip_iterator_set_bounds(
        iterator: *mut fastskip_iterator,
        lower: *const c_void,
        lower_size: usize,
        upper: *const c_void,
        upper_size: usize,
    ) -> fastskip_status;
    pub fn fastskip_iterator_seek_first(iterator: *mut fastskip_iterator) -> fastskip_status;
    pub fn fastskip_iterator_seek_last(iterator: *mut fastskip_iterator) -> fastskip_status;
    pub fn fastskip_iterator_seek(
        iterator: *mut fastskip_iterator,
        key: *const c_void,
        key_size: usize,
    ) -> fastskip_status;
    pub fn fastskip_iterator_seek_for_prev(
        iterator: *mut fastskip_iterator,
        key: *const c_void,
        key_size: usize,
    ) -> fastskip_status;
    pub fn fastskip_iterator_next(iterator: *mut fastskip_iterator) -> fastskip_status;
    pub fn fastskip_iterator_prev(iterator: *mut fastskip_iterator) -> fastskip_status;
    pub fn fastskip_iterator_valid(iterator: *const fastskip_iterator) -> i32;
    pub fn fastskip_iterator_entry(
        iterator: *const fastskip_iterator,
        entry: *mut fastskip_entry,
    ) -> fastskip_status;
    pub fn fastskip_iterator_next_many(
        iterator: *mut fastskip_iterator,
        entries: *mut fastskip_entry,
        capacity: usize,
        count: *mut usize,
    ) -> fastskip_status;
    pub fn fastskip_iterator_free(iterator: *mut fastskip_iterator);
    pub fn fastskip_table_stat(
        table: *const fastskip_table,
        id: u32,
        number: *mut u64,
    ) -> fastskip_status;
    pub fn fastskip_table_under_backpressure(table: *const fastskip_table) -> i32;
    pub fn fastskip_table_approximate_count(
        table: *const fastskip_table,
        lower: *const c_void,
        lower_size: usize,
        upper: *const c_void,
        upper_size: usize,
        number: *mut u64,
    ) -> fastskip_status;
    pub fn fastskip_table_check(table: *const fastskip_table) -> fastskip_status;
    pub fn fastskip_version() -> *const c_char;
    pub fn fastskip_build() -> *const c_char;
    pub fn fastskip_strerror(status: fastskip_status) -> *const c_char;
}
