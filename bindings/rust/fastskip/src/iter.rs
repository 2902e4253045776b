//! Iterators.
//!
//! Forwards, entries are fetched many at a time. One iterator of the library serves both ends, so
//! that both are of one instant; it is sought anew when the direction changes.

use std::cmp::Ordering;
use std::fmt;
use std::iter::FusedIterator;
use std::ops::Bound;

use crate::entry::{Entry, RawEntry};
use crate::error::{Error, Result};
use crate::raw::RawIterator;

const BATCH_LEAST: usize = 8;
const BATCH_MOST: usize = 256;

/// Entries in the order of their keys, from both ends; made by [`Table::iter`](crate::Table::iter)
/// and its like.
///
/// An item is an error if the comparator contradicts itself or panics, or there is no memory to
/// order the versions of a key; nothing follows it. So an iteration that ends without an error is
/// complete.
///
/// Taking from one end is fast; each change of the end costs a search.
pub struct Iter<'t> {
    /// `None` after the end.
    raw: Option<RawIterator<'t>>,
    /// Why there was no iterator.
    failed: Option<Error>,
    place: Place,
    /// Every version is shown.
    versions: bool,
    lower: Bound<Box<[u8]>>,
    upper: Bound<Box<[u8]>>,
    /// Fetched; those before `at` were handed out.
    buffer: Vec<RawEntry<'t>>,
    at: usize,
    /// What is in the buffer may be behind the end.
    limited: bool,
    batch: usize,
    /// Last handed out from the front before what is in the buffer; and from the back.
    front: Option<RawEntry<'t>>,
    back: Option<RawEntry<'t>>,
}

/// Where the library's iterator stands.
enum Place {
    Nowhere,
    /// Behind what is in the buffer.
    Front,
    /// On the entry last handed out from the back.
    Back,
}

impl<'t> Iter<'t> {
    pub(crate) fn new(
        raw: Result<RawIterator<'t>>,
        versions: bool,
        lower: Bound<Box<[u8]>>,
        upper: Bound<Box<[u8]>>,
    ) -> Iter<'t> {
        let (raw, failed) = match raw {
            Ok(raw) => (Some(raw), None),
            Err(error) => (None, Some(error)),
        };
        Iter {
            raw,
            failed,
            place: Place::Nowhere,
            versions,
            lower,
            limited: matches!(upper, Bound::Included(_)),
            upper,
            buffer: Vec::new(),
            at: 0,
            batch: BATCH_LEAST,
            front: None,
            back: None,
        }
    }

    /// Fetches this many at first.
    pub(crate) fn batch(mut self, entries: usize) -> Iter<'t> {
        self.batch = entries;
        self
    }

    /// Nothing comes any more, from either end.
    fn end(&mut self) {
        self.raw = None;
        self.buffer.clear();
        self.at = 0;
    }

    fn settle(&mut self, entry: Result<Option<RawEntry<'t>>>) -> Option<Result<Entry<'t>>> {
        match entry {
            Ok(Some(entry)) => Some(Ok(entry.show())),
            Ok(None) => {
                self.end();
                None
            }
            Err(error) => {
                self.end();
                Some(Err(error))
            }
        }
    }

    // ---- the front ----

    /// Last handed out from the front.
    fn front(&self) -> Option<&RawEntry<'t>> {
        match self.at {
            0 => self.front.as_ref(),
            at => self.buffer.get(at - 1),
        }
    }

    fn step(&mut self) -> Result<Option<RawEntry<'t>>> {
        if self.at == self.buffer.len() && !self.fill()? {
            return Ok(None);
        }
        let entry = self.buffer[self.at];
        if self.limited && self.is_behind(&entry)? {
            return Ok(None);
        }
        self.at += 1;
        Ok(Some(entry))
    }

    /// Fetches the next entries.
    fn fill(&mut self) -> Result<bool> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.front = self.front().copied();
        self.at = 0;
        self.buffer.clear();
        let Iter { raw, front, .. } = self;
        let raw = match raw {
            Some(raw) => raw,
            None => return Ok(false),
        };
        let found = match (&self.place, front) {
            (Place::Front, _) => true,
            (_, Some(front)) => seek_after(raw, front, self.versions)?,
            (_, None) => seek_first(raw, &self.lower)?,
        };
        self.place = Place::Front;
        let most = self.batch;
        self.batch = (most * 2).min(BATCH_MOST);
        Ok(found && raw.next_many(&mut self.buffer, most)?)
    }

    /// Is this entry behind the upper bound, or one that was handed out from the back?
    fn is_behind(&self, entry: &RawEntry<'t>) -> Result<bool> {
        if let Bound::Included(upper) = &self.upper {
            if self.compare(entry.show().key, upper)? == Ordering::Greater {
                return Ok(true);
            }
        }
        Ok(match &self.back {
            None => false,
            Some(back) if back.same_key(entry) => !self.versions || back.same_version(entry),
            Some(back) => self.compare(entry.show().key, back.show().key)? == Ordering::Greater,
        })
    }

    // ---- the back ----

    fn step_back(&mut self) -> Result<Option<RawEntry<'t>>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let Iter { raw, back, .. } = self;
        let raw = match raw {
            Some(raw) => raw,
            None => return Ok(None),
        };
        let found = match (&self.place, back, &self.upper) {
            (Place::Back, _, _) => raw.prev()?,
            (_, Some(back), _) => seek_before(raw, back, self.versions)?,
            (_, None, Bound::Included(upper)) => raw.seek_for_prev(upper)?,
            (_, None, _) => raw.last()?,
        };
        let entry = raw.entry();
        self.place = Place::Back;
        match entry {
            Some(entry) if found && !self.is_before(&entry)? => {
                self.back = Some(entry);
                self.limited = true;
                Ok(Some(entry))
            }
            _ => Ok(None),
        }
    }

    /// Is this entry at the lower bound that is left out, or one that was handed out from the front?
    fn is_before(&self, entry: &RawEntry<'t>) -> Result<bool> {
        if let Bound::Excluded(lower) = &self.lower {
            if self.compare(entry.show().key, lower)? != Ordering::Greater {
                return Ok(true);
            }
        }
        Ok(match self.front() {
            None => false,
            Some(front) if front.same_key(entry) => !self.versions || front.same_version(entry),
            Some(front) => self.compare(entry.show().key, front.show().key)? == Ordering::Less,
        })
    }

    fn compare(&self, a: &[u8], b: &[u8]) -> Result<Ordering> {
        match &self.raw {
            Some(raw) => raw.handle().compare(a, b),
            None => Ok(Ordering::Equal), // nothing is left to compare
        }
    }
}

fn seek_first(raw: &mut RawIterator<'_>, lower: &Bound<Box<[u8]>>) -> Result<bool> {
    let mut found = raw.first()?;
    if let Bound::Excluded(lower) = lower {
        // Every version of that key.
        while let (true, Some(entry)) = (found, raw.entry()) {
            if raw.handle().compare(entry.show().key, lower)? != Ordering::Equal {
                break;
            }
            found = raw.next()?;
        }
    }
    Ok(found)
}

/// Goes to the first entry after `front`.
fn seek_after(raw: &mut RawIterator<'_>, front: &RawEntry<'_>, versions: bool) -> Result<bool> {
    let mut found = raw.seek(front.show().key)?;
    while let (true, Some(entry)) = (found, raw.entry()) {
        if !entry.same_key(front) {
            break;
        }
        found = raw.next()?;
        if !versions || entry.same_version(front) {
            break;
        }
    }
    Ok(found)
}

/// Goes to the last entry before `back`.
fn seek_before(raw: &mut RawIterator<'_>, back: &RawEntry<'_>, versions: bool) -> Result<bool> {
    let mut found = raw.seek_for_prev(back.show().key)?;
    while let (true, Some(entry)) = (found, raw.entry()) {
        if !entry.same_key(back) {
            break;
        }
        found = raw.prev()?;
        if !versions || entry.same_version(back) {
            break;
        }
    }
    Ok(found)
}

impl<'t> Iterator for Iter<'t> {
    type Item = Result<Entry<'t>>;

    #[inline]
    fn next(&mut self) -> Option<Result<Entry<'t>>> {
        if !self.limited {
            if let Some(entry) = self.buffer.get(self.at) {
                self.at += 1;
                return Some(Ok(entry.show()));
            }
        }
        let entry = self.step();
        self.settle(entry)
    }
}

impl<'t> DoubleEndedIterator for Iter<'t> {
    fn next_back(&mut self) -> Option<Result<Entry<'t>>> {
        let entry = self.step_back();
        self.settle(entry)
    }
}

impl FusedIterator for Iter<'_> {}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter")
            .field("ended", &self.raw.is_none())
            .finish()
    }
}
