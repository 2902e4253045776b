//! What reads of a table and of a snapshot have in common.

use std::cmp::Ordering;
use std::os::raw::c_void;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use fastskip_sys as sys;

use crate::callbacks::State;
use crate::entry::{Entry, NO_ENTRY};
use crate::error::{check, check_found, Error, Result};

/// A table of the library, with what its callbacks need. Whoever owns one holds a reference to the
/// table.
pub(crate) struct Handle {
    pub raw: NonNull<sys::fastskip_table>,
    pub state: Option<Arc<State>>,
}

// SAFETY: any number of threads may use one table at once; so may they a State.
unsafe impl Send for Handle {}
unsafe impl Sync for Handle {}

impl Handle {
    #[inline]
    pub fn raw(&self) -> *mut sys::fastskip_table {
        self.raw.as_ptr()
    }

    /// Makes a call that may compare keys.
    #[inline]
    pub fn ordered<R>(&self, call: impl FnOnce() -> R) -> Result<R> {
        match &self.state {
            None => Ok(call()),
            Some(state) => state.ordered(call),
        }
    }

    /// Makes a call that compares none.
    #[inline]
    pub fn enter<R>(&self, call: impl FnOnce() -> R) -> Result<R> {
        match &self.state {
            None => Ok(call()),
            Some(state) => state.enter(call),
        }
    }

    /// Compares as the table does.
    #[inline]
    pub fn compare(&self, a: &[u8], b: &[u8]) -> Result<Ordering> {
        match &self.state {
            None => Ok(a.cmp(b)),
            Some(state) => state.compare(a, b),
        }
    }
}

/// A table at an instant, or now.
#[derive(Clone, Copy)]
pub(crate) struct View<'t> {
    pub handle: &'t Handle,
    /// NULL for now; else good for `'t`.
    pub snapshot: *const sys::fastskip_snapshot,
}

// SAFETY: snapshots may be used by many threads at once, as tables.
unsafe impl Send for View<'_> {}
unsafe impl Sync for View<'_> {}

type GetFn = unsafe extern "C" fn(
    *const sys::fastskip_table,
    *const sys::fastskip_snapshot,
    *const c_void,
    usize,
    *mut sys::fastskip_entry,
) -> sys::fastskip_status;

impl<'t> View<'t> {
    #[inline]
    fn find(self, get: GetFn, key: &[u8]) -> Result<Option<Entry<'t>>> {
        let mut entry = NO_ENTRY;
        // SAFETY: handles, slice and entry are good for the call.
        let status = self.handle.ordered(|| unsafe {
            let (data, size) = (key.as_ptr().cast(), key.len());
            get(self.handle.raw(), self.snapshot, data, size, &mut entry)
        })?;
        // SAFETY: the library wrote the entry, and whoever is borrowed for 't holds a reference.
        Ok(check_found(status)?.then(|| unsafe { Entry::from_raw(&entry) }))
    }

    #[inline]
    pub fn get(self, key: &[u8]) -> Result<Option<Entry<'t>>> {
        self.find(sys::fastskip_get, key)
    }

    #[inline]
    pub fn get_raw(self, key: &[u8]) -> Result<Option<Entry<'t>>> {
        self.find(sys::fastskip_get_raw, key)
    }

    #[inline]
    pub fn contains(self, key: &[u8]) -> Result<bool> {
        // SAFETY: as in `find`.
        let status = self.handle.ordered(|| unsafe {
            let (data, size) = (key.as_ptr().cast(), key.len());
            sys::fastskip_contains(self.handle.raw(), self.snapshot, data, size)
        })?;
        check_found(status)
    }

    pub fn get_many<K: AsRef<[u8]>>(self, keys: &[K]) -> Result<Vec<Option<Entry<'t>>>> {
        let n = keys.len();
        let mut pointers: Vec<*const c_void> = Vec::with_capacity(n);
        let mut sizes = Vec::with_capacity(n);
        for key in keys {
            let key = key.as_ref();
            if key.len() > sys::FASTSKIP_KEY_MAX {
                return Err(Error::TooLarge);
            }
            pointers.push(key.as_ptr().cast());
            sizes.push(key.len());
        }
        let mut entries: Vec<sys::fastskip_entry> = Vec::with_capacity(n);
        let mut statuses: Vec<sys::fastskip_status> = Vec::with_capacity(n);
        // SAFETY: each array has room for n.
        let status = self.handle.ordered(|| unsafe {
            sys::fastskip_get_many(
                self.handle.raw(),
                self.snapshot,
                n,
                pointers.as_ptr(),
                sizes.as_ptr(),
                entries.as_mut_ptr(),
                statuses.as_mut_ptr(),
            )
        })?;
        check(status)?;
        // SAFETY: it answered OK, so it wrote all n.
        unsafe {
            entries.set_len(n);
            statuses.set_len(n);
        }
        let mut found = Vec::with_capacity(n);
        for (entry, status) in entries.iter().zip(statuses) {
            // SAFETY: as in `find`.
            found.push(check_found(status)?.then(|| unsafe { Entry::from_raw(entry) }));
        }
        Ok(found)
    }

    /// An iterator of the library: of this instant, or in caller's mode of a number.
    pub fn iterator(
        self,
        sequence: Option<u64>,
        flags: u32,
    ) -> Result<NonNull<sys::fastskip_iterator>> {
        let (table, snapshot) = (self.handle.raw(), self.snapshot);
        let mut raw = ptr::null_mut();
        // SAFETY: handles and pointer are good for the call.
        let status = self.handle.ordered(|| unsafe {
            match sequence {
                None => sys::fastskip_iterator_new(table, snapshot, flags, &mut raw),
                Some(n) => sys::fastskip_iterator_new_at(table, n, flags, &mut raw),
            }
        })?;
        check(status)?;
        Ok(NonNull::new(raw).expect("OK without an iterator"))
    }
}
