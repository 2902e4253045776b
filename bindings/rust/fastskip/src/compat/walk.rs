//! Iterators, snapshots and cursors of the list: each key once, a tombstone with the value that it
//! hides.

use std::fmt;
use std::iter::FusedIterator;
use std::ops::Bound;

use super::ConcurrentSkipList;
use crate::KEY_MAX;

/// A key, its value, and whether it is deleted.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The value; of a deleted key the last live one, or nothing if it never was live.
    pub value: &'a [u8],
    /// Whether the key is deleted.
    pub is_tombstone: bool,
}

/// Each key once, from all versions.
pub(super) struct Walk<'a> {
    versions: crate::Iter<'a>,
    /// The newest version of the next key.
    ahead: Option<crate::Entry<'a>>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(versions: crate::Iter<'a>) -> Walk<'a> {
        Walk {
            versions,
            ahead: None,
        }
    }

    /// From the first key on that is not before `target`.
    pub(super) fn from(list: &'a ConcurrentSkipList, target: &[u8]) -> Walk<'a> {
        // No key is longer than this: where the target is, all that come after what is left of it.
        let lower = match target.get(..=KEY_MAX) {
            Some(_) => Bound::Excluded(&target[..KEY_MAX]),
            None => Bound::Included(target),
        };
        let scan = list.table().scan().all_versions();
        Walk::new(scan.range((lower, Bound::Unbounded)).iter())
    }

    fn pull(&mut self) -> Option<crate::Entry<'a>> {
        let next = self.versions.next()?;
        // The crate's iterators have no errors. What is left is no memory to sort versions in.
        Some(next.unwrap_or_else(|error| panic!("fastskip: {}", error)))
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        let newest = match self.ahead.take() {
            Some(entry) => entry,
            None => self.pull()?,
        };
        let mut entry = Entry {
            key: newest.key,
            value: newest.value,
            is_tombstone: newest.is_tombstone(),
        };
        let mut hidden = entry.is_tombstone;
        while let Some(version) = self.pull() {
            // All versions of a key show the one copy of it.
            if !std::ptr::eq(version.key, newest.key) {
                self.ahead = Some(version);
                break;
            }
            if hidden && !version.is_tombstone() {
                entry.value = version.value;
                hidden = false;
            }
        }
        Some(entry)
    }
}

macro_rules! iterator {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name<'a>(pub(super) Walk<'a>);

        impl<'a> Iterator for $name<'a> {
            type Item = Entry<'a>;

            #[inline]
            fn next(&mut self) -> Option<Entry<'a>> {
                self.0.next()
            }
        }

        impl FusedIterator for $name<'_> {}

        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0.versions).finish()
            }
        }
    };
}

iterator! {
    /// All keys at the instant of [`ConcurrentSkipList::iter`], deleted ones included, in order.
    Iter
}

iterator! {
    /// All keys at the instant of a [`Snapshot`], deleted ones included, in order.
    SnapshotIter
}

/// The list at one instant.
#[derive(Debug)]
pub struct Snapshot<'a> {
    pub(super) list: &'a ConcurrentSkipList,
    pub(super) snapshot: crate::Snapshot,
}

impl<'a> Snapshot<'a> {
    /// All keys, deleted ones included, in order.
    pub fn iter(&self) -> SnapshotIter<'a> {
        SnapshotIter(Walk::new(self.snapshot.versions_of(self.list.table())))
    }
}

/// A position in the list that can be sought and goes forward.
///
/// As an [`Iterator`] it yields the entry that it stands on and those after it; one that was not
/// moved yet, all.
pub struct Cursor<'a> {
    list: &'a ConcurrentSkipList,
    walk: Walk<'a>,
    at: At<'a>,
}

enum At<'a> {
    Before,
    On(Entry<'a>),
    End,
}

impl<'a> Cursor<'a> {
    /// Before the first entry.
    pub(super) fn new(list: &'a ConcurrentSkipList) -> Cursor<'a> {
        Cursor {
            list,
            walk: Walk::from(list, b""),
            at: At::Before,
        }
    }

    /// Goes to the first key that is not before `target`, as the list is now; whether there is one.
    /// With another list than the cursor's own it goes nowhere: `false`.
    pub fn seek(&mut self, skiplist: &'a ConcurrentSkipList, target: &[u8]) -> bool {
        if !skiplist.is_same(self.list) {
            self.at = At::End;
            return false;
        }
        self.walk = Walk::from(skiplist, target);
        self.at = At::Before;
        self.next_entry()
    }

    /// Goes to the next entry; whether there is one.
    pub fn next_entry(&mut self) -> bool {
        if !matches!(self.at, At::End) {
            self.at = self.walk.next().map_or(At::End, At::On);
        }
        self.valid()
    }

    /// The entry that it stands on.
    pub fn entry(&self) -> Option<Entry<'a>> {
        match self.at {
            At::On(entry) => Some(entry),
            At::Before | At::End => None,
        }
    }

    /// Whether it stands on an entry.
    pub fn valid(&self) -> bool {
        matches!(self.at, At::On(_))
    }
}

impl<'a> Iterator for Cursor<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        if let At::Before = self.at {
            self.next_entry();
        }
        let entry = self.entry();
        self.next_entry();
        entry
    }
}

impl FusedIterator for Cursor<'_> {}

impl fmt::Debug for Cursor<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cursor")
            .field("entry", &self.entry())
            .finish()
    }
}
