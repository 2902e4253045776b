//! What a scan shows, and cursors.

use std::fmt;
use std::ops::Bound;

use fastskip_sys as sys;

use crate::entry::Entry;
use crate::error::{Error, Result};
use crate::iter::Iter;
use crate::range::{owned, KeyRange};
use crate::raw::RawIterator;
use crate::view::View;

/// What a scan shows; made by [`Table::scan`](crate::Table::scan) and
/// [`Snapshot::scan`](crate::Snapshot::scan).
///
/// ```
/// # fn main() -> fastskip::Result<()> {
/// let table = fastskip::Table::new()?;
/// table.put("apple", "red")?;
/// table.delete("pear")?;
/// let shown = table.scan().tombstones().range("a"..="pear").iter();
/// assert_eq!(shown.count(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Scan<'t> {
    view: View<'t>,
    sequence: Option<u64>,
    flags: u32,
    lower: Bound<Box<[u8]>>,
    upper: Bound<Box<[u8]>>,
}

impl<'t> Scan<'t> {
    pub(crate) fn new(view: View<'t>) -> Scan<'t> {
        Scan {
            view,
            sequence: None,
            flags: 0,
            lower: Bound::Unbounded,
            upper: Bound::Unbounded,
        }
    }

    /// Also keys whose newest visible version is a tombstone: what a flush writes.
    pub fn tombstones(mut self) -> Scan<'t> {
        self.flags |= sys::FASTSKIP_TOMBSTONES;
        self
    }

    /// Every visible version, tombstones among them; newest first within a key.
    pub fn all_versions(mut self) -> Scan<'t> {
        self.flags |= sys::FASTSKIP_ALL_VERSIONS;
        self
    }

    /// Caller's mode: what is visible at this sequence number. Without it, every number is, and
    /// writes made since may or may not show.
    pub fn at(mut self, sequence: u64) -> Scan<'t> {
        self.sequence = Some(sequence);
        self
    }

    /// Only keys in this range.
    pub fn range(mut self, range: impl KeyRange) -> Scan<'t> {
        self.lower = owned(range.lower());
        self.upper = owned(range.upper());
        self
    }

    /// An iterator, of this instant. If it can not be had, its first item says why.
    pub fn iter(self) -> Iter<'t> {
        let versions = self.flags & sys::FASTSKIP_ALL_VERSIONS != 0;
        let raw = RawIterator::new(self.view, self.sequence, self.flags).and_then(|mut raw| {
            let (lower, upper) = (&self.lower, &self.upper);
            let lower = match lower {
                Bound::Included(key) | Bound::Excluded(key) => Some(&key[..]),
                Bound::Unbounded => None,
            };
            let upper = match upper {
                Bound::Excluded(key) => Some(&key[..]),
                Bound::Included(_) | Bound::Unbounded => None,
            };
            if lower.is_some() || upper.is_some() {
                raw.set_bounds(lower, upper)?;
            }
            Ok(raw)
        });
        Iter::new(raw, versions, self.lower, self.upper)
    }

    /// A cursor, of this instant, that stands nowhere yet.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for a range that leaves its lower bound out or takes its upper bound
    /// in.
    pub fn cursor(self) -> Result<Cursor<'t>> {
        let lower = match &self.lower {
            Bound::Included(key) => Some(&key[..]),
            Bound::Excluded(_) => return Err(Error::Unsupported),
            Bound::Unbounded => None,
        };
        let upper = match &self.upper {
            Bound::Excluded(key) => Some(&key[..]),
            Bound::Included(_) => return Err(Error::Unsupported),
            Bound::Unbounded => None,
        };
        let mut raw = RawIterator::new(self.view, self.sequence, self.flags)?;
        raw.set_bounds(lower, upper)?;
        Ok(Cursor { raw })
    }
}

impl fmt::Debug for Scan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan")
            .field("lower", &self.lower)
            .field("upper", &self.upper)
            .field("sequence", &self.sequence)
            .field("flags", &self.flags)
            .finish()
    }
}

/// A position in a table that is moved by hand; made by [`Table::cursor`](crate::Table::cursor) and
/// [`Scan::cursor`]. To go over many entries an [`Iter`] is faster.
///
/// It stands on an entry or not. A new one does not; one that ran past either end does not; only a
/// seek helps.
///
/// ```
/// # fn main() -> fastskip::Result<()> {
/// # let table = fastskip::Table::new()?;
/// # table.put("apple", "red")?;
/// # table.put("plum", "blue")?;
/// let mut cursor = table.cursor()?;
/// assert!(cursor.seek("b")?);
/// assert_eq!(cursor.entry().unwrap().key, b"plum");
/// assert!(cursor.move_prev()?);
/// assert_eq!(cursor.entry().unwrap().key, b"apple");
/// assert!(!cursor.move_prev()?);
/// assert!(cursor.entry().is_none());
/// # Ok(())
/// # }
/// ```
pub struct Cursor<'t> {
    raw: RawIterator<'t>,
}

impl<'t> Cursor<'t> {
    /// Goes to the first entry; whether there is one.
    pub fn seek_first(&mut self) -> Result<bool> {
        self.raw.first()
    }

    /// Goes to the last entry; whether there is one.
    pub fn seek_last(&mut self) -> Result<bool> {
        self.raw.last()
    }

    /// Goes to the first entry whose key is not before this one; whether there is one.
    pub fn seek(&mut self, key: impl AsRef<[u8]>) -> Result<bool> {
        self.raw.seek(key.as_ref())
    }

    /// Goes to the last entry whose key is not after this one; whether there is one.
    pub fn seek_for_prev(&mut self, key: impl AsRef<[u8]>) -> Result<bool> {
        self.raw.seek_for_prev(key.as_ref())
    }

    /// Goes to the next entry; whether there is one.
    pub fn move_next(&mut self) -> Result<bool> {
        self.raw.next()
    }

    /// Goes to the entry before; whether there is one.
    pub fn move_prev(&mut self) -> Result<bool> {
        self.raw.prev()
    }

    /// Whether it stands on an entry.
    pub fn valid(&self) -> bool {
        self.raw.valid()
    }

    /// The entry that it stands on.
    pub fn entry(&self) -> Option<Entry<'t>> {
        self.raw.entry().map(|entry| entry.show())
    }

    /// Limits it to keys from `lower` on and before `upper`. It stands nowhere afterwards.
    pub fn set_bounds(&mut self, lower: Option<&[u8]>, upper: Option<&[u8]>) -> Result<()> {
        self.raw.set_bounds(lower, upper)
    }
}

impl fmt::Debug for Cursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor")
            .field("entry", &self.entry())
            .finish()
    }
}
