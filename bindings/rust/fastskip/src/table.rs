//! Tables.

use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use fastskip_sys as sys;

use crate::batch::Batch;
use crate::callbacks::State;
use crate::entry::{Entry, Kind, NO_ENTRY};
use crate::error::{check, check_found, Error, Result};
use crate::iter::Iter;
use crate::options::Options;
use crate::range::{pointer, KeyRange};
use crate::scan::{Cursor, Scan};
use crate::snapshot::Snapshot;
use crate::stat::Stat;
use crate::view::{Handle, View};

/// An ordered map from byte strings to versions of values, which any number of threads write and
/// read at once without a lock.
///
/// A table is shared by reference (in an [`Arc`], say, or by scoped threads) or by cloning: a clone
/// is another handle of the same table. The memory goes, all at once, with the last handle,
/// snapshot and iterator.
pub struct Table {
    handle: Handle,
}

impl Table {
    /// An empty table with default options; see [`Options`] for others.
    pub fn new() -> Result<Table> {
        Options::new().build()
    }

    /// # Safety
    ///
    /// `raw` is a table of which the caller gives away one reference; `state` is what its callbacks
    /// need.
    pub(crate) unsafe fn from_raw(
        raw: *mut sys::fastskip_table,
        state: Option<Arc<State>>,
    ) -> Table {
        let raw = NonNull::new(raw).expect("OK without a table");
        Table {
            handle: Handle { raw, state },
        }
    }

    /// The handle of the C library, for calls that this crate does not make. It is good as long as
    /// this table is.
    pub fn as_raw(&self) -> *mut sys::fastskip_table {
        self.handle.raw()
    }

    #[inline]
    pub(crate) fn view(&self) -> View<'_> {
        View {
            handle: &self.handle,
            snapshot: ptr::null(),
        }
    }

    // ---- writing ----

    /// Writes a value, whether or not the key is there.
    #[inline]
    pub fn put(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<()> {
        let (k, v) = (key.as_ref(), value.as_ref());
        // SAFETY: table and slices are good for the call, which copies them. So below.
        check(self.handle.ordered(|| unsafe {
            let (kp, vp) = (k.as_ptr().cast(), v.as_ptr().cast());
            sys::fastskip_put(self.handle.raw(), kp, k.len(), vp, v.len())
        })?)
    }

    /// Records that a key is deleted, whether or not it is there: older files may hold it.
    #[inline]
    pub fn delete(&self, key: impl AsRef<[u8]>) -> Result<()> {
        let k = key.as_ref();
        // SAFETY: see `put`.
        check(self.handle.ordered(|| unsafe {
            sys::fastskip_delete(self.handle.raw(), k.as_ptr().cast(), k.len())
        })?)
    }

    /// Writes a value if the key is not live; whether it did. Of several inserts of one key at once
    /// one succeeds.
    #[inline]
    pub fn insert(&self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<bool> {
        let (k, v) = (key.as_ref(), value.as_ref());
        // SAFETY: see `put`.
        let status = self.handle.ordered(|| unsafe {
            let (kp, vp) = (k.as_ptr().cast(), v.as_ptr().cast());
            sys::fastskip_insert(self.handle.raw(), kp, k.len(), vp, v.len())
        })?;
        match check(status) {
            Ok(()) => Ok(true),
            Err(Error::Exists) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The live version of a key, or this one, written now; and whether it was written.
    pub fn get_or_insert(
        &self,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<(Entry<'_>, bool)> {
        let (k, v) = (key.as_ref(), value.as_ref());
        let (mut entry, mut inserted) = (NO_ENTRY, 0);
        // SAFETY: see `put`; entry and inserted are good to write to.
        check(self.handle.ordered(|| unsafe {
            let (kp, vp) = (k.as_ptr().cast(), v.as_ptr().cast());
            let (e, i) = (&mut entry, &mut inserted);
            sys::fastskip_get_or_insert(self.handle.raw(), kp, k.len(), vp, v.len(), e, i)
        })?)?;
        // SAFETY: the library wrote the entry, and the borrow of self keeps a reference.
        Ok((unsafe { Entry::from_raw(&entry) }, inserted != 0))
    }

    /// Writes a version of the engine's own kind.
    pub fn put_kind(
        &self,
        kind: Kind,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<()> {
        let (k, v) = (key.as_ref(), value.as_ref());
        let kind = u32::from(kind.number());
        // SAFETY: see `put`.
        check(self.handle.ordered(|| unsafe {
            let (kp, vp) = (k.as_ptr().cast(), v.as_ptr().cast());
            sys::fastskip_put_kind(self.handle.raw(), kind, kp, k.len(), vp, v.len())
        })?)
    }

    /// Caller's mode: writes a version with the caller's number, 1 to [`crate::SEQUENCE_MAX`].
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if a version of this key with this number is there.
    pub fn put_at(
        &self,
        sequence: u64,
        kind: Kind,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<()> {
        let (k, v) = (key.as_ref(), value.as_ref());
        let kind = u32::from(kind.number());
        // SAFETY: see `put`.
        check(self.handle.ordered(|| unsafe {
            let (kp, vp) = (k.as_ptr().cast(), v.as_ptr().cast());
            sys::fastskip_put_at(self.handle.raw(), sequence, kind, kp, k.len(), vp, v.len())
        })?)
    }

    /// Writes all of a batch at one instant, or none of it. In caller's mode its records are visible
    /// as their numbers say, and the first [`Error::Exists`] ends it: what came before stays.
    pub fn write(&self, batch: &mut Batch) -> Result<()> {
        let batch = batch.raw();
        // SAFETY: both handles are good, and the batch is nobody else's.
        check(
            self.handle
                .ordered(|| unsafe { sys::fastskip_write(self.handle.raw(), batch) })?,
        )
    }

    // ---- reading ----

    /// The newest version of a key, if it is live.
    #[inline]
    pub fn get(&self, key: impl AsRef<[u8]>) -> Result<Option<Entry<'_>>> {
        self.view().get(key.as_ref())
    }

    /// The newest version of a key, a tombstone too: an engine that then reads its older files needs
    /// to know the difference.
    #[inline]
    pub fn get_raw(&self, key: impl AsRef<[u8]>) -> Result<Option<Entry<'_>>> {
        self.view().get_raw(key.as_ref())
    }

    /// The newest version of a key up to a sequence number, a tombstone too.
    pub fn get_at(&self, sequence: u64, key: impl AsRef<[u8]>) -> Result<Option<Entry<'_>>> {
        let k = key.as_ref();
        let mut entry = NO_ENTRY;
        // SAFETY: see `put`; the entry is good to write to.
        let status = self.handle.ordered(|| unsafe {
            let kp = k.as_ptr().cast();
            sys::fastskip_get_at(self.handle.raw(), sequence, kp, k.len(), &mut entry)
        })?;
        // SAFETY: the library wrote the entry, and the borrow of self keeps a reference.
        Ok(check_found(status)?.then(|| unsafe { Entry::from_raw(&entry) }))
    }

    /// Whether a key is live.
    #[inline]
    pub fn contains_key(&self, key: impl AsRef<[u8]>) -> Result<bool> {
        self.view().contains(key.as_ref())
    }

    /// Looks many keys up, all at one instant, with their cache misses overlapped: much faster than
    /// one call after the other. If one of them is too long for a key, none is looked up.
    pub fn get_many<K: AsRef<[u8]>>(&self, keys: &[K]) -> Result<Vec<Option<Entry<'_>>>> {
        self.view().get_many(keys)
    }

    /// The state of the table at one instant. It costs nothing to keep, and slows nobody down.
    /// In caller's mode the numbers are the snapshots, and this is [`Error::Invalid`].
    pub fn snapshot(&self) -> Result<Snapshot> {
        Snapshot::new(&self.handle)
    }

    // ---- iterating ----

    /// The newest live version of each key, at the instant of this call, in order, from both ends.
    pub fn iter(&self) -> Iter<'_> {
        self.scan().iter()
    }

    /// Those with keys in a range.
    pub fn range(&self, range: impl KeyRange) -> Iter<'_> {
        self.scan().range(range).iter()
    }

    /// A cursor over the newest live version of each key, at the instant of this call.
    pub fn cursor(&self) -> Result<Cursor<'_>> {
        self.scan().cursor()
    }

    /// What else an iterator or a cursor can show: tombstones, all versions, an earlier number.
    pub fn scan(&self) -> Scan<'_> {
        Scan::new(self.view())
    }

    // ---- life ----

    /// Makes the table final. When this has returned no write is under way and none can start:
    /// later ones are [`Error::Sealed`]. Sealing twice is fine.
    pub fn seal(&self) -> Result<()> {
        // SAFETY: the handle is good, and enter refuses threads that are inside a write.
        check(
            self.handle
                .enter(|| unsafe { sys::fastskip_table_seal(self.handle.raw()) })?,
        )
    }

    /// Whether the table is sealed.
    pub fn is_sealed(&self) -> bool {
        // SAFETY: the handle is good.
        unsafe { sys::fastskip_table_is_sealed(self.handle.raw()) != 0 }
    }

    /// Makes an empty table with the same options, then seals this one. Of several callers at once
    /// one gets the fresh table, the others [`Error::Sealed`].
    pub fn rotate(&self) -> Result<Table> {
        let mut fresh = ptr::null_mut();
        // SAFETY: as for `seal`.
        check(
            self.handle
                .enter(|| unsafe { sys::fastskip_table_rotate(self.handle.raw(), &mut fresh) })?,
        )?;
        let state = self.handle.state.as_ref().map(|s| Arc::new(s.fresh()));
        // SAFETY: the one reference of a new table is ours.
        Ok(unsafe { Table::from_raw(fresh, state) })
    }

    /// Empties the table, unseals it, and keeps its memory for what is written next. Entries and
    /// iterators borrow the table, so that none is left; another handle or a snapshot is
    /// [`Error::Busy`].
    pub fn reset(&mut self) -> Result<()> {
        // SAFETY: a handle that others have is one more reference, and the library looks at their
        // number before anything else: if there is none, `&mut self` is alone with the table.
        check(
            self.handle
                .enter(|| unsafe { sys::fastskip_table_reset(self.handle.raw()) })?,
        )?;
        if let Some(state) = &self.handle.state {
            state.clear();
        }
        Ok(())
    }

    // ---- asking ----

    /// One figure of the table. Exact while no write is under way.
    pub fn stat(&self, stat: Stat) -> Result<u64> {
        let mut number = 0;
        // SAFETY: the handle is good, and so is the number to write to.
        check(self.handle.enter(|| unsafe {
            sys::fastskip_table_stat(self.handle.raw(), stat as u32, &mut number)
        })?)?;
        Ok(number)
    }

    /// How many keys are live. It walks over the table.
    pub fn len(&self) -> Result<u64> {
        self.stat(Stat::Live)
    }

    /// Whether no key is live. It may walk over the table.
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.stat(Stat::Keys)? == 0 || self.len()? == 0)
    }

    /// Whether the table is so near a limit that it should be rotated, or writers slowed down.
    pub fn under_backpressure(&self) -> bool {
        // SAFETY: the handle is good.
        unsafe { sys::fastskip_table_under_backpressure(self.handle.raw()) != 0 }
    }

    /// Estimates how many distinct keys, deleted ones included, lie in a range; much cheaper than
    /// counting. Whether a bound itself belongs to the range is left out of account.
    pub fn approximate_count(&self, range: impl KeyRange) -> Result<u64> {
        let (lower, lower_size) = pointer(range.lower());
        let (upper, upper_size) = pointer(range.upper());
        let mut number = 0;
        // SAFETY: `range` keeps the bounds for the call.
        check(self.handle.ordered(|| unsafe {
            let (t, n) = (self.handle.raw(), &mut number);
            sys::fastskip_table_approximate_count(t, lower, lower_size, upper, upper_size, n)
        })?)?;
        Ok(number)
    }

    /// Walks over all of the table and looks whether every rule of its structure holds.
    ///
    /// # Errors
    ///
    /// [`Error::Corrupt`] if memory is damaged, or the comparator contradicts itself.
    pub fn check(&self) -> Result<()> {
        // SAFETY: the handle is good.
        check(
            self.handle
                .ordered(|| unsafe { sys::fastskip_table_check(self.handle.raw()) })?,
        )
    }
}

impl Clone for Table {
    /// Another handle of the same table.
    fn clone(&self) -> Table {
        // SAFETY: the handle is good; the new one owns the reference taken here.
        let status = unsafe { sys::fastskip_table_ref(self.handle.raw()) };
        assert_eq!(status, sys::FASTSKIP_OK);
        Table {
            handle: Handle {
                raw: self.handle.raw,
                state: self.handle.state.clone(),
            },
        }
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // SAFETY: the reference is ours, and dropped once. The state goes after it.
        unsafe { sys::fastskip_table_unref(self.handle.raw()) }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("keys", &self.stat(Stat::Keys).ok())
            .field("versions", &self.stat(Stat::Versions).ok())
            .field("memory_used", &self.stat(Stat::MemoryUsed).ok())
            .field("sealed", &self.is_sealed())
            .finish()
    }
}

impl<'t> IntoIterator for &'t Table {
    type Item = Result<Entry<'t>>;
    type IntoIter = Iter<'t>;

    fn into_iter(self) -> Iter<'t> {
        self.iter()
    }
}
