//! Figures of a table.

use fastskip_sys as sys;

/// A figure of a table, for [`Table::stat`](crate::Table::stat).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum Stat {
    /// Distinct keys, deleted ones included.
    Keys = sys::FASTSKIP_STAT_KEYS,
    /// Keys whose newest version is live. Walks over the table.
    Live = sys::FASTSKIP_STAT_LIVE,
    /// Versions of all keys.
    Versions = sys::FASTSKIP_STAT_VERSIONS,
    /// Keys whose newest version is a tombstone. Walks over the table.
    Tombstones = sys::FASTSKIP_STAT_TOMBSTONES,
    /// Bytes of the distinct keys.
    KeyBytes = sys::FASTSKIP_STAT_KEY_BYTES,
    /// Bytes of the values of all versions.
    ValueBytes = sys::FASTSKIP_STAT_VALUE_BYTES,
    /// Bytes in use.
    MemoryUsed = sys::FASTSKIP_STAT_MEMORY_USED,
    /// Bytes made usable so far; never above the limit.
    MemoryReserved = sys::FASTSKIP_STAT_MEMORY_RESERVED,
    /// The memory limit in bytes.
    MemoryLimit = sys::FASTSKIP_STAT_MEMORY_LIMIT,
    /// Bytes used, yet reachable by no later search.
    MemoryWasted = sys::FASTSKIP_STAT_MEMORY_WASTED,
    /// Chunks that shards took.
    Chunks = sys::FASTSKIP_STAT_CHUNKS,
    /// Shards of the arena.
    Shards = sys::FASTSKIP_STAT_SHARDS,
    /// Blocks of the skip list, on all levels.
    Blocks = sys::FASTSKIP_STAT_BLOCKS,
    /// Levels of the skip list.
    Height = sys::FASTSKIP_STAT_HEIGHT,
    /// Writes attempted, whatever came of them.
    Writes = sys::FASTSKIP_STAT_WRITES,
    /// Compare-and-swaps that failed because another write got ahead.
    Retries = sys::FASTSKIP_STAT_RETRIES,
    /// Snapshots taken.
    Snapshots = sys::FASTSKIP_STAT_SNAPSHOTS,
}
