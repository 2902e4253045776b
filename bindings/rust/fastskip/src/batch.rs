//! Writes collected to be made at one instant.

use std::fmt;
use std::ptr::{self, NonNull};

use fastskip_sys as sys;

use crate::entry::Kind;
use crate::error::{check, Result};

/// Writes collected to be made at one instant by [`Table::write`](crate::Table::write).
///
/// It holds copies, and keeps them when it is written: it can be written again, also to another
/// table. Of several records of one key the last wins.
///
/// ```
/// # fn main() -> fastskip::Result<()> {
/// let table = fastskip::Table::new()?;
/// let mut batch = fastskip::Batch::new()?;
/// batch.put("a", "1")?;
/// batch.delete("b")?;
/// table.write(&mut batch)?; // both, or neither
/// # assert_eq!(table.get("a")?.unwrap().value, b"1");
/// # Ok(())
/// # }
/// ```
pub struct Batch {
    raw: NonNull<sys::fastskip_batch>,
}

// SAFETY: the library asks only that no two threads use one batch at the same time, other than to
// ask for its count; what changes it takes `&mut self`.
unsafe impl Send for Batch {}
unsafe impl Sync for Batch {}

impl Batch {
    /// An empty batch.
    pub fn new() -> Result<Batch> {
        let mut raw = ptr::null_mut();
        // SAFETY: the pointer is good for the call.
        check(unsafe { sys::fastskip_batch_new(&mut raw) })?;
        let raw = NonNull::new(raw).expect("OK without a batch");
        Ok(Batch { raw })
    }

    pub(crate) fn raw(&mut self) -> *mut sys::fastskip_batch {
        self.raw.as_ptr()
    }

    /// Adds the write of a value.
    pub fn put(&mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<()> {
        let (k, v) = (key.as_ref(), value.as_ref());
        // SAFETY: both slices are good for the call, which copies them. So below.
        check(unsafe {
            let (kp, vp) = (k.as_ptr().cast(), v.as_ptr().cast());
            sys::fastskip_batch_put(self.raw.as_ptr(), kp, k.len(), vp, v.len())
        })
    }

    /// Adds the record that a key is deleted.
    pub fn delete(&mut self, key: impl AsRef<[u8]>) -> Result<()> {
        let k = key.as_ref();
        // SAFETY: see `put`.
        check(unsafe { sys::fastskip_batch_delete(self.raw.as_ptr(), k.as_ptr().cast(), k.len()) })
    }

    /// Adds the write of a version of the engine's own kind.
    pub fn put_kind(
        &mut self,
        kind: Kind,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<()> {
        let (k, v) = (key.as_ref(), value.as_ref());
        let kind = u32::from(kind.number());
        // SAFETY: see `put`.
        check(unsafe {
            let (kp, vp) = (k.as_ptr().cast(), v.as_ptr().cast());
            sys::fastskip_batch_put_kind(self.raw.as_ptr(), kind, kp, k.len(), vp, v.len())
        })
    }

    /// Adds the write of a numbered version, for tables in caller's mode.
    pub fn put_at(
        &mut self,
        sequence: u64,
        kind: Kind,
        key: impl AsRef<[u8]>,
        value: impl AsRef<[u8]>,
    ) -> Result<()> {
        let (k, v) = (key.as_ref(), value.as_ref());
        let (raw, kind) = (self.raw.as_ptr(), u32::from(kind.number()));
        // SAFETY: see `put`.
        check(unsafe {
            let (kp, vp) = (k.as_ptr().cast(), v.as_ptr().cast());
            sys::fastskip_batch_put_at(raw, sequence, kind, kp, k.len(), vp, v.len())
        })
    }

    /// How many records it holds; each call that added one counts, also of the same key.
    pub fn len(&self) -> usize {
        // SAFETY: the handle is good.
        unsafe { sys::fastskip_batch_count(self.raw.as_ptr()) }
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Empties it, and keeps its memory for the next records.
    pub fn clear(&mut self) -> Result<()> {
        // SAFETY: the handle is good, and nobody else has it.
        check(unsafe { sys::fastskip_batch_clear(self.raw.as_ptr()) })
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // SAFETY: made by `new`, freed once.
        unsafe { sys::fastskip_batch_free(self.raw.as_ptr()) }
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("len", &self.len()).finish()
    }
}
