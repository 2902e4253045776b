//! Snapshots.

use std::fmt;
use std::ptr::{self, NonNull};

use fastskip_sys as sys;

use crate::entry::Entry;
use crate::error::{check, Result};
use crate::iter::Iter;
use crate::range::KeyRange;
use crate::scan::{Cursor, Scan};
use crate::view::{Handle, View};

/// The state of a table at one instant, however long it is kept; made by
/// [`Table::snapshot`](crate::Table::snapshot).
///
/// It holds a reference of its own: it may outlive the handle that it was made from, and what is
/// read through it is good as long as it is borrowed.
pub struct Snapshot {
    raw: NonNull<sys::fastskip_snapshot>,
    /// Without a reference of its own: the snapshot's is enough.
    handle: Handle,
}

// SAFETY: snapshots may be used by many threads at once.
unsafe impl Send for Snapshot {}
unsafe impl Sync for Snapshot {}

impl Snapshot {
    pub(crate) fn new(handle: &Handle) -> Result<Snapshot> {
        let mut raw = ptr::null_mut();
        // SAFETY: handle and pointer are good for the call.
        check(handle.enter(|| unsafe { sys::fastskip_snapshot_new(handle.raw(), &mut raw) })?)?;
        Ok(Snapshot {
            raw: NonNull::new(raw).expect("OK without a snapshot"),
            handle: Handle {
                raw: handle.raw,
                state: handle.state.clone(),
            },
        })
    }

    #[inline]
    fn view(&self) -> View<'_> {
        View {
            handle: &self.handle,
            snapshot: self.raw.as_ptr(),
        }
    }

    /// It sees the versions up to this number. Later snapshots of the same table have the same
    /// number or a greater one.
    pub fn sequence(&self) -> u64 {
        // SAFETY: the handle is good.
        unsafe { sys::fastskip_snapshot_sequence(self.raw.as_ptr()) }
    }

    /// As [`Table::get`](crate::Table::get), at the snapshot's instant.
    #[inline]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Entry<'_>>> {
        self.view().get(key.as_ref())
    }

    /// As [`Table::get_raw`](crate::Table::get_raw), at the snapshot's instant.
    #[inline]
    pub fn get_raw(&self, key: impl AsRef<[u8]>) -> Result<Option<Entry<'_>>> {
        self.view().get_raw(key.as_ref())
    }

    /// As [`Table::contains_key`](crate::Table::contains_key), at the snapshot's instant.
    #[inline]
    pub fn contains_key(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        self.view().contains(key.as_ref())
    }

    /// As [`Table::get_many`](crate::Table::get_many), at the snapshot's instant.
    pub fn get_many<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<Option<Entry<'_>>>> {
        self.view().get_many(keys)
    }

    /// As [`Table::iter`](crate::Table::iter), at the snapshot's instant.
    pub fn iter(&self) -> Iter<'_> {
        self.scan().iter()
    }

    /// As [`Table::range`](crate::Table::range), at the snapshot's instant.
    pub fn range(&self, range: impl KeyRange) -> Iter<'_> {
        self.scan().range(range).iter()
    }

    /// As [`Table::cursor`](crate::Table::cursor), at the snapshot's instant.
    pub fn cursor(&self) -> Result<Cursor<'_>> {
        self.scan().cursor()
    }

    /// As [`Table::scan`](crate::Table::scan), at the snapshot's instant.
    pub fn scan(&self) -> Scan<'_> {
        Scan::new(self.view())
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        // SAFETY: made by `new`, freed once. The state goes after it.
        unsafe { sys::fastskip_snapshot_free(self.raw.as_ptr()) }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("sequence", &self.sequence())
            .finish()
    }
}

impl<'s> IntoIterator for &'s Snapshot {
    type Item = Result<Entry<'s>>;
    type IntoIter = Iter<'s>;

    fn into_iter(self) -> Iter<'s> {
        self.iter()
    }
}
