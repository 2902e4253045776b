//! Iterators, snapshots and cursors of the list: each key once, a tombstone with the value that it
//! hides.
//!
//! None of them owns anything, as there: a program may seal or drop a list while a variable that
//! held a snapshot or a cursor is still in scope. So there is no iterator of the library behind
//! them for longer than it takes to fetch a few entries, and a snapshot is no more than its number.

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

/// How many entries are fetched at a time, at first and later.
const FEW: usize = 8;
const MANY: usize = 32;

const NOTHING: Entry<'static> = Entry {
    key: &[],
    value: &[],
    is_tombstone: false,
};

/// Each key once, from all versions.
#[derive(Clone)]
pub(super) struct Walk<'a> {
    list: &'a ConcurrentSkipList,
    /// The greatest sequence number that is seen.
    sequence: u64,
    fetched: [Entry<'a>; MANY],
    count: usize,
    at: usize,
    ended: bool,
}

impl<'a> Walk<'a> {
    /// From the first key on that is not before `target`, of versions up to a number.
    pub(super) fn new(list: &'a ConcurrentSkipList, sequence: u64, target: &[u8]) -> Walk<'a> {
        let mut walk = Walk {
            list,
            sequence,
            fetched: [NOTHING; MANY],
            count: 0,
            at: 0,
            ended: false,
        };
        // No key is longer than this: what comes after a longer target comes after its beginning.
        walk.fetch(match target.get(..=KEY_MAX) {
            Some(_) => Bound::Excluded(&target[..KEY_MAX]),
            None => Bound::Included(target),
        });
        walk
    }

    fn fetch(&mut self, lower: Bound<&[u8]>) {
        let most = if self.count == 0 { FEW } else { MANY };
        let scan = self.list.table().scan().all_versions();
        let mut versions = scan
            .range((lower, Bound::Unbounded))
            .iter()
            .batch(most + 1)
            // The crate's iterators have no errors. What is left is no memory to sort versions in.
            .map(|version| version.unwrap_or_else(|error| panic!("fastskip: {}", error)))
            .filter(|version| version.sequence <= self.sequence);
        let (mut count, mut ahead) = (0, versions.next());
        while let (Some(newest), true) = (ahead, count < most) {
            ahead = versions.next();
            let mut hidden = newest.is_tombstone();
            let entry = &mut self.fetched[count];
            *entry = Entry {
                key: newest.key,
                value: newest.value,
                is_tombstone: hidden,
            };
            // All versions of a key show the one copy of it.
            while let Some(version) = ahead.filter(|v| std::ptr::eq(v.key, newest.key)) {
                if hidden && !version.is_tombstone() {
                    entry.value = version.value;
                    hidden = false;
                }
                ahead = versions.next();
            }
            count += 1;
        }
        self.at = 0;
        self.count = count;
        self.ended = ahead.is_none();
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        if self.at == self.count {
            if self.ended {
                return None;
            }
            let last = self.fetched[self.count - 1].key;
            self.fetch(Bound::Excluded(last));
            if self.count == 0 {
                return None;
            }
        }
        self.at += 1;
        Some(self.fetched[self.at - 1])
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
                f.debug_struct(stringify!($name)).field("ended", &self.0.ended).finish()
            }
        }
    };
}

iterator! {
    /// All keys, deleted ones included, in order. What is written meanwhile may show or not.
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
    /// No version is ever removed, so this is all it takes to see what there was.
    pub(super) sequence: u64,
}

impl<'a> Snapshot<'a> {
    /// All keys, deleted ones included, in order.
    pub fn iter(&self) -> SnapshotIter<'a> {
        SnapshotIter(Walk::new(self.list, self.sequence, b""))
    }
}

/// A position in the list that can be sought and goes forward. What is written meanwhile may show
/// or not.
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
            walk: Walk::new(list, u64::MAX, b""),
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
        self.walk = Walk::new(skiplist, u64::MAX, target);
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
