//! What sealing makes of a list.

use std::fmt;

use super::walk::{Cursor, Iter, Snapshot};
use super::ConcurrentSkipList;

/// A sealed list, to be flushed and dropped; made by [`ConcurrentSkipList::seal`].
pub struct FrozenMemtable {
    pub(super) inner: ConcurrentSkipList,
}

impl FrozenMemtable {
    /// All keys, deleted ones included, in order.
    pub fn iter(&self) -> Iter<'_> {
        self.inner.iter()
    }

    /// The list, which does not change any more.
    pub fn snapshot(&self) -> Snapshot<'_> {
        self.inner.snapshot()
    }

    /// A cursor before the first entry.
    pub fn cursor(&self) -> Cursor<'_> {
        self.inner.cursor()
    }

    /// A cursor on the first key that is not before `target`, if there is one.
    pub fn cursor_at(&self, target: &[u8]) -> Option<Cursor<'_>> {
        self.inner.cursor_at(target)
    }

    /// How many keys are live.
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    /// Whether no key is live.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// Bytes in use.
    pub fn memory_usage(&self) -> usize {
        self.inner.memory_usage()
    }

    /// Bytes made usable.
    pub fn memory_reserved(&self) -> usize {
        self.inner.memory_reserved()
    }

    /// Usage by reserved: 0 to 1.
    pub fn memory_utilization(&self) -> f64 {
        self.inner.memory_utilization()
    }

    /// Reserved without usage.
    pub fn memory_idle(&self) -> usize {
        self.inner.memory_idle()
    }

    /// The value of a key, and whether it is deleted: then it is the last live one.
    pub fn get(&self, key: &[u8]) -> Option<(&[u8], bool)> {
        self.inner.get(key)
    }

    /// The value of a live key.
    pub fn get_live(&self, key: &[u8]) -> Option<&[u8]> {
        self.inner.get_live(key)
    }
}

impl fmt::Debug for FrozenMemtable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrozenMemtable")
            .field("len", &self.len())
            .field("memory_usage", &self.memory_usage())
            .finish()
    }
}
