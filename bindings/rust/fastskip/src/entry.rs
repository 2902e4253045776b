//! What reads hand out.

use std::fmt;
use std::marker::PhantomData;
use std::os::raw::c_void;

use fastskip_sys as sys;

/// What a version is: a value, a tombstone, or of the engine's own kind.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind(u8);

impl Kind {
    /// A value.
    pub const PUT: Kind = Kind(sys::FASTSKIP_PUT as u8);
    /// A tombstone: the key is deleted.
    pub const DELETE: Kind = Kind(sys::FASTSKIP_DELETE as u8);

    /// A kind of the engine's own (a merge operand, say), which the table treats as live: `number`
    /// is 2 to 127, else this is `None`.
    pub const fn own(number: u8) -> Option<Kind> {
        if number as u32 >= sys::FASTSKIP_KIND_OWN_MIN && number as u32 <= sys::FASTSKIP_KIND_MAX {
            Some(Kind(number))
        } else {
            None
        }
    }

    /// 0 for a value, 1 for a tombstone, else the engine's own number.
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Kind::PUT => f.write_str("PUT"),
            Kind::DELETE => f.write_str("DELETE"),
            Kind(number) => write!(f, "OWN({})", number),
        }
    }
}

/// One version of a key.
///
/// Key and value are not copied: they lie in the table, never change, and are good as long as the
/// table handle or the snapshot that they were read through is borrowed (`'t`).
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry<'t> {
    /// The key as it was first written.
    pub key: &'t [u8],
    /// The value; empty for a tombstone, unless the caller's mode gave it one.
    pub value: &'t [u8],
    /// Caller's mode: the number given. Else the snapshots that see this version are those whose
    /// sequence is not below this number.
    pub sequence: u64,
    /// A value, a tombstone, or the engine's own.
    pub kind: Kind,
}

impl<'t> Entry<'t> {
    /// Whether this version says that the key is deleted.
    #[inline]
    pub fn is_tombstone(&self) -> bool {
        self.kind == Kind::DELETE
    }

    /// # Safety
    ///
    /// The library wrote `raw`, and a reference to its table is held for all of `'t`.
    #[inline]
    pub(crate) unsafe fn from_raw(raw: &sys::fastskip_entry) -> Entry<'t> {
        Entry {
            key: bytes(raw.key, raw.key_size),
            value: bytes(raw.value, raw.value_size),
            sequence: raw.sequence,
            kind: Kind(raw.kind as u8),
        }
    }
}

impl fmt::Debug for Entry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &String::from_utf8_lossy(self.key))
            .field("value", &String::from_utf8_lossy(self.value))
            .field("sequence", &self.sequence)
            .field("kind", &self.kind)
            .finish()
    }
}

/// # Safety
///
/// `data` leads to `size` bytes that do not change and are good for all of `'t`; with `size` 0 it
/// may be anything.
#[inline]
unsafe fn bytes<'t>(data: *const c_void, size: usize) -> &'t [u8] {
    if size == 0 {
        &[]
    } else {
        std::slice::from_raw_parts(data.cast(), size)
    }
}

/// An entry for the library to write to.
pub(crate) const NO_ENTRY: sys::fastskip_entry = sys::fastskip_entry {
    key: std::ptr::null(),
    key_size: 0,
    value: std::ptr::null(),
    value_size: 0,
    sequence: 0,
    kind: 0,
    reserved: 0,
};

/// A raw entry that is kept beside a borrow of its table. Its layout is the library's.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct RawEntry<'t>(pub sys::fastskip_entry, pub PhantomData<&'t ()>);

// SAFETY: the memory behind the pointers never changes, and the borrow keeps it.
unsafe impl Send for RawEntry<'_> {}
unsafe impl Sync for RawEntry<'_> {}

impl<'t> RawEntry<'t> {
    /// Of the same key; a key is written once.
    pub fn same_key(&self, other: &RawEntry<'_>) -> bool {
        self.0.key == other.0.key && self.0.key_size == other.0.key_size
    }

    /// The same version: no two have their values at one address, empty ones included.
    pub fn same_version(&self, other: &RawEntry<'_>) -> bool {
        self.0.value == other.0.value
    }

    #[inline]
    pub fn show(&self) -> Entry<'t> {
        // SAFETY: whoever made it promised what from_raw asks for.
        unsafe { Entry::from_raw(&self.0) }
    }
}
