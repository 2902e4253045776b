//! An iterator of the library, freed in every case.

use std::marker::PhantomData;
use std::ptr::NonNull;

use fastskip_sys as sys;

use crate::entry::{RawEntry, NO_ENTRY};
use crate::error::{check, check_found, Result};
use crate::view::{Handle, View};

pub(crate) struct RawIterator<'t> {
    raw: NonNull<sys::fastskip_iterator>,
    handle: &'t Handle,
}

// SAFETY: an iterator is used by one thread at a time: what moves it takes `&mut self`, and the
// rest only reads.
unsafe impl Send for RawIterator<'_> {}
unsafe impl Sync for RawIterator<'_> {}

type Move = unsafe extern "C" fn(*mut sys::fastskip_iterator) -> sys::fastskip_status;
type Seek = unsafe extern "C" fn(
    *mut sys::fastskip_iterator,
    *const std::os::raw::c_void,
    usize,
) -> sys::fastskip_status;

impl<'t> RawIterator<'t> {
    pub fn new(view: View<'t>, sequence: Option<u64>, flags: u32) -> Result<RawIterator<'t>> {
        Ok(RawIterator {
            raw: view.iterator(sequence, flags)?,
            handle: view.handle,
        })
    }

    pub fn handle(&self) -> &'t Handle {
        self.handle
    }

    /// Shows only keys from `lower` on and before `upper`.
    pub fn set_bounds(&mut self, lower: Option<&[u8]>, upper: Option<&[u8]>) -> Result<()> {
        let pointer = |bound: Option<&[u8]>| match bound {
            Some(key) => (key.as_ptr().cast(), key.len()),
            None => (std::ptr::null(), 0),
        };
        let ((lower, lower_size), (upper, upper_size)) = (pointer(lower), pointer(upper));
        // SAFETY: the iterator is ours, and the bounds are good for the call, which copies them.
        check(self.handle.ordered(|| unsafe {
            let it = self.raw.as_ptr();
            sys::fastskip_iterator_set_bounds(it, lower, lower_size, upper, upper_size)
        })?)
    }

    #[inline]
    fn go(&mut self, to: Move) -> Result<bool> {
        // SAFETY: the iterator is ours.
        check_found(self.handle.ordered(|| unsafe { to(self.raw.as_ptr()) })?)
    }

    #[inline]
    fn go_to(&mut self, to: Seek, key: &[u8]) -> Result<bool> {
        // SAFETY: the iterator is ours, and the key is good for the call.
        check_found(
            self.handle
                .ordered(|| unsafe { to(self.raw.as_ptr(), key.as_ptr().cast(), key.len()) })?,
        )
    }

    pub fn first(&mut self) -> Result<bool> {
        self.go(sys::fastskip_iterator_seek_first)
    }

    pub fn last(&mut self) -> Result<bool> {
        self.go(sys::fastskip_iterator_seek_last)
    }

    #[inline]
    pub fn next(&mut self) -> Result<bool> {
        self.go(sys::fastskip_iterator_next)
    }

    #[inline]
    pub fn prev(&mut self) -> Result<bool> {
        self.go(sys::fastskip_iterator_prev)
    }

    pub fn seek(&mut self, key: &[u8]) -> Result<bool> {
        self.go_to(sys::fastskip_iterator_seek, key)
    }

    pub fn seek_for_prev(&mut self, key: &[u8]) -> Result<bool> {
        self.go_to(sys::fastskip_iterator_seek_for_prev, key)
    }

    #[inline]
    pub fn valid(&self) -> bool {
        // SAFETY: the iterator is good, and nobody moves it: that would take `&mut`.
        unsafe { sys::fastskip_iterator_valid(self.raw.as_ptr()) != 0 }
    }

    #[inline]
    pub fn entry(&self) -> Option<RawEntry<'t>> {
        let mut entry = NO_ENTRY;
        // SAFETY: as for `valid`; the entry is good to write to.
        let status = unsafe { sys::fastskip_iterator_entry(self.raw.as_ptr(), &mut entry) };
        (status == sys::FASTSKIP_OK).then_some(RawEntry(entry, PhantomData))
    }

    /// Puts up to `most` entries from the present one on into an empty buffer, and goes behind them;
    /// `false` if there was none.
    pub fn next_many(&mut self, buffer: &mut Vec<RawEntry<'t>>, most: usize) -> Result<bool> {
        buffer.clear();
        buffer.reserve(most);
        let (room, mut count) = (buffer.as_mut_ptr().cast(), 0);
        // SAFETY: there is room for `most`, and a RawEntry lies in memory as the library's.
        let status = self.handle.ordered(|| unsafe {
            sys::fastskip_iterator_next_many(self.raw.as_ptr(), room, most, &mut count)
        })?;
        let found = check_found(status)?;
        // SAFETY: the library wrote `count`, and it is 0 unless it answered OK.
        unsafe { buffer.set_len(if found { count } else { 0 }) };
        Ok(found)
    }
}

impl Drop for RawIterator<'_> {
    fn drop(&mut self) {
        // SAFETY: the iterator is ours, and freed once.
        unsafe { sys::fastskip_iterator_free(self.raw.as_ptr()) }
    }
}
