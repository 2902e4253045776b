//! The interface of the crate fastskip 0.1, over libfastskip.
//!
//! A program written for that crate needs a new dependency and no new line, as a rule:
//!
//! ```
//! use fastskip::compat::ConcurrentSkipList; // or fastskip::ConcurrentSkipList
//!
//! let list = ConcurrentSkipList::with_shards(4);
//! assert!(list.insert(b"user:1001", b"alice"));
//! assert!(list.insert(b"user:1002", b"bob"));
//! assert!(!list.insert(b"user:1001", b"ALICE")); // the first one wins
//! assert!(list.delete(b"user:1002"));
//! assert_eq!(list.get(b"user:1002"), Some((&b"bob"[..], true)));
//!
//! let (frozen, fresh) = list.seal().unwrap();
//! for entry in frozen.iter() {
//!     println!("{:?} {:?} {}", entry.key, entry.value, entry.is_tombstone);
//! }
//! assert!(fresh.is_empty());
//! ```
//!
//! Names and signatures are those of 0.1.1. The names [`Entry`], [`Iter`], [`Snapshot`], [`Cursor`]
//! and [`SnapshotIter`] are only in this module: the first four mean something else at the root of
//! the crate. Its re-export of `fastarena` is not here.
//!
//! # What is different
//!
//! Each line is a fault of that crate, and what is done here instead.
//!
//! ## Threads
//!
//! | there | here |
//! |---|---|
//! | more threads than shards panic; the thread that made the list takes one, too | any number of threads on any number of shards |
//! | a thread keeps its shard when it ends: 20 short threads on 8 shards, 12 panic | nothing is left behind by a thread |
//! | a thread remembers 8 lists, then panics | there is nothing to remember |
//! | a new list at an old address gives two threads one shard: crashes, hangs; or a shard that the smaller list lacks: panics | shards are taken anew for each write |
//! | `reset` keeps the count of the threads that had shards | there is no such count |
//!
//! ## Memory
//!
//! | there | here |
//! |---|---|
//! | lengths are cut to 32 bits: a key of 4 GiB corrupts | [`InsertError::TooLarge`] for keys above 65,535 bytes and values above 4,294,901,759 |
//! | figures race with writers, the memory figure goes backwards | figures are exact at rest and do not go backwards |
//! | pointers are cut to 48 bits | no pointers are stored |
//! | memory is taken at once for every shard | memory is taken as it is used |
//! | each `seal` makes the blocks of the next list larger | the next list has the same options |
//!
//! ## The list
//!
//! | there | here |
//! |---|---|
//! | concurrent inserts put keys out of order, by thousands | keys are in order, always |
//! | upper levels are given up on: lookups get slow | lookups stay logarithmic |
//! | every lost race costs a node | its memory is used again |
//!
//! ## What calls mean
//!
//! | there | here |
//! |---|---|
//! | a snapshot changes under its reader | it is the state at one instant, for ever |
//! | a delete is visible to snapshots taken before it | it is not |
//! | a delete of an absent key records nothing, so that older files show through | a tombstone is recorded; the answer is still `false` |
//! | a key that was deleted can not be inserted again | it can: [`insert`](ConcurrentSkipList::insert) answers `true` |
//! | no overwriting | [`Table::put`](crate::Table::put), by [`ConcurrentSkipList::table`] |
//! | `get_or_insert` is not atomic, and says that it inserted when it is full, sealed, or the key deleted | it is atomic; `true` means inserted; [`try_get_or_insert`](ConcurrentSkipList::try_get_or_insert) says why not |
//! | a sealed list answers `DuplicateKey`, the entry limit `OutOfMemory` | [`InsertError::Sealed`], [`InsertError::EntryLimit`]: a `match` on the error needs arms for these and `TooLarge` |
//! | `cursor()` shows the head of the list as an entry with an empty key | it stands before the first entry; [`Cursor::entry`] is `None` there |
//! | `seek` wanders off into another list that it is handed | it answers `false`, and the cursor is not valid |
//!
//! ## Life and limits
//!
//! | there | here |
//! |---|---|
//! | `seal` needs the list alone, which an `Arc` makes hard | [`seal_shared`](ConcurrentSkipList::seal_shared) takes `&self`, and waits for the writes under way |
//! | "auto-seal" only refuses | so here; a list that refuses is sealed, and a fresh one had, by one call of `seal_shared` |
//! | limits are looked at before the write without its size; deletes and batches pass them | no limit is passed, by a byte or an entry, by any call; [`try_delete`](ConcurrentSkipList::try_delete) says so |
//! | live entries count against the entry limit | all do, tombstones included |
//! | the live count can wrap | it does not fall below 0 |
//! | averages are guesses from the memory figure | they are sums of sizes by counts |
//!
//! # What else to know
//!
//! - `max_memory_bytes` of 0 is 32 GiB, the most that a table can have; one below 64 KiB, less than
//!   a table needs, limits the bytes of the entries instead, and the memory figures then count
//!   those.
//! - The value that is shown with a tombstone is the last live one, as there. To find it costs a
//!   second look; [`get_live`](ConcurrentSkipList::get_live) does not pay for it.
//! - An iteration over a snapshot also passes over what was written since.
//! - Deletes of the same key wait for each other, for the answer to be exact; nothing else waits.

mod account;
mod figures;
mod frozen;
mod list;
mod walk;

use std::fmt;

pub use self::frozen::FrozenMemtable;
pub use self::list::ConcurrentSkipList;
pub use self::walk::{Cursor, Entry, Iter, Snapshot, SnapshotIter};

/// Why [`ConcurrentSkipList::try_insert`] did not insert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InsertError {
    /// The key is live.
    DuplicateKey,
    /// The memory limit is reached, or the system gave none.
    OutOfMemory,
    /// The list is sealed.
    Sealed,
    /// The limit of entries is reached.
    EntryLimit,
    /// The key or the value is over its limit.
    TooLarge,
}

impl fmt::Display for InsertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InsertError::DuplicateKey => "duplicate key",
            InsertError::OutOfMemory => "out of memory",
            InsertError::Sealed => "memtable is sealed",
            InsertError::EntryLimit => "entry limit reached",
            InsertError::TooLarge => "key or value too large",
        })
    }
}

impl std::error::Error for InsertError {}

/// Not all of [`ConcurrentSkipList::insert_batch`] was inserted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchError {
    /// Some were not.
    PartialFailure {
        /// How many were.
        succeeded: usize,
        /// How many were not.
        failed: usize,
    },
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BatchError::PartialFailure { succeeded, failed } = self;
        write!(
            f,
            "partial failure: {} succeeded, {} failed",
            succeeded, failed
        )
    }
}

impl std::error::Error for BatchError {}

/// Why a list was not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealError {
    /// It was before, or is by another thread meanwhile.
    AlreadySealed,
    /// There is no memory for a fresh list; this one is as it was.
    OutOfMemory,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SealError::AlreadySealed => "memtable is already sealed",
            SealError::OutOfMemory => "out of memory for a fresh memtable",
        })
    }
}

impl std::error::Error for SealError {}
