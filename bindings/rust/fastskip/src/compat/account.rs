//! What the list counts beside the table.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Only inserts and deletes are made, so these and the number of versions tell how many keys live.
#[derive(Default)]
pub(super) struct Deletes {
    /// Calls of the table.
    pub(super) tried: AtomicU64,
    /// Of keys that were live, and of keys that never were.
    pub(super) live: AtomicU64,
    pub(super) absent: AtomicU64,
    /// One delete of a key at a time, for its answer to be exact.
    locks: [Mutex<()>; 16],
}

/// A limit of the bytes of entries, taken before a write and given back if it fails.
pub(super) struct Budget {
    pub(super) limit: u64,
    taken: AtomicU64,
    pub(super) used: AtomicU64,
}

impl Budget {
    pub(super) fn new(limit: u64) -> Budget {
        let (taken, used) = Default::default();
        Budget { limit, taken, used }
    }

    pub(super) fn take(&self, bytes: u64) -> bool {
        let allowed = |taken: u64| taken.checked_add(bytes).filter(|t| *t <= self.limit);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, allowed)
            .is_ok()
    }

    pub(super) fn settle(&self, bytes: u64, written: bool) {
        if written {
            self.used.fetch_add(bytes, Ordering::Relaxed);
        } else {
            self.taken.fetch_sub(bytes, Ordering::Relaxed);
        }
    }
}

impl Deletes {
    pub(super) fn lock(&self, key: &[u8]) -> MutexGuard<'_, ()> {
        let hash = key.iter().fold(0u32, |hash, byte| {
            (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        });
        let lock = &self.locks[hash as usize % self.locks.len()];
        lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
