//! The list itself.

use std::fmt;
use std::sync::atomic::Ordering;

use super::account::{Budget, Deletes};
use super::frozen::FrozenMemtable;
use super::walk::{Cursor, Iter, Snapshot, Walk};
use super::{BatchError, InsertError, SealError};
use crate::{Error, Options, Table, KEY_MAX};

const SHARDS_MOST: usize = 1024;
const BLOCK_LEAST: usize = 4 << 10;
const BLOCK_MOST: usize = 64 << 20;
const MEMORY_LEAST: u64 = 64 << 10;
const MEMORY_MOST: u64 = 32 << 30;
/// What an entry counts beside key and value, where the entries' bytes are limited.
const ENTRY_OVERHEAD: u64 = 32;

/// A list of keys with values that any number of threads write and read at once.
///
/// See the [module](super) for what is different from the crate's.
pub struct ConcurrentSkipList {
    table: Table,
    pub(super) max_memory_bytes: usize,
    pub(super) max_entries: usize,
    /// For limits below what a table can have.
    pub(super) budget: Option<Budget>,
    pub(super) deletes: Deletes,
}

impl ConcurrentSkipList {
    /// A list with as many shards as there are processors.
    pub fn new() -> Self {
        Self::make(Options::new(), 0, 0)
    }

    /// A list whose shards take `arena_bytes` at a time, rounded to a power of two from 4 KiB to
    /// 64 MiB.
    pub fn with_capacity(arena_bytes: usize) -> Self {
        let options = Options::new().block_size(block_size(arena_bytes));
        Self::make(options, 0, 0)
    }

    /// A list with this number of shards, 1024 at most.
    ///
    /// # Panics
    ///
    /// For 0 shards.
    pub fn with_shards(num_shards: usize) -> Self {
        Self::make(Options::new().shards(shards(num_shards)), 0, 0)
    }

    /// A list with limits; 0 is none.
    ///
    /// # Panics
    ///
    /// For 0 shards, or if there is no memory for a list.
    pub fn with_capacity_and_shards(
        arena_bytes: usize,
        num_shards: usize,
        max_memory_bytes: usize,
        max_entries: usize,
    ) -> Self {
        let options = Options::new()
            .block_size(block_size(arena_bytes))
            .shards(shards(num_shards));
        Self::make(options, max_memory_bytes, max_entries)
    }

    fn make(options: Options, max_memory_bytes: usize, max_entries: usize) -> Self {
        let options = options.entry_limit(max_entries as u64);
        let mut limit = match max_memory_bytes as u64 {
            0 => MEMORY_MOST,
            bytes => bytes.clamp(MEMORY_LEAST, MEMORY_MOST),
        };
        // No limit: as much address space as can be had.
        let table = loop {
            match options.clone().memory_limit(limit).build() {
                Ok(table) => break table,
                Err(Error::NoMemory) if max_memory_bytes == 0 && limit > MEMORY_LEAST => limit /= 2,
                Err(error) => panic!("fastskip: {}", error),
            }
        };
        Self::of(table, max_memory_bytes, max_entries)
    }

    fn of(table: Table, max_memory_bytes: usize, max_entries: usize) -> Self {
        let small = max_memory_bytes != 0 && (max_memory_bytes as u64) < MEMORY_LEAST;
        ConcurrentSkipList {
            table,
            max_memory_bytes,
            max_entries,
            budget: small.then(|| Budget::new(max_memory_bytes as u64)),
            deletes: Deletes::default(),
        }
    }

    /// The table beneath, which can do more. What is put and deleted there behind the list's back is
    /// missing from [`len`](Self::len) and from limits below 64 KiB.
    pub fn table(&self) -> &Table {
        &self.table
    }

    pub(super) fn is_same(&self, other: &ConcurrentSkipList) -> bool {
        self.table.as_raw() == other.table.as_raw()
    }

    // ---- writing ----

    /// Inserts a key that is not live; whether it did.
    #[inline]
    pub fn insert(&self, key: &[u8], value: &[u8]) -> bool {
        self.try_insert(key, value).is_ok()
    }

    /// Inserts a key that is not live, or says why not.
    #[inline]
    pub fn try_insert(&self, key: &[u8], value: &[u8]) -> Result<(), InsertError> {
        let written = self.within_budget(key, value, || self.table.insert(key, value))?;
        if written {
            Ok(())
        } else {
            Err(InsertError::DuplicateKey)
        }
    }

    /// Makes a write that answers whether it wrote.
    #[inline]
    fn within_budget(
        &self,
        key: &[u8],
        value: &[u8],
        write: impl FnOnce() -> crate::Result<bool>,
    ) -> Result<bool, InsertError> {
        let budget = match &self.budget {
            None => return write().map_err(|error| self.explain(error)),
            Some(budget) => budget,
        };
        let bytes = key.len() as u64 + value.len() as u64 + ENTRY_OVERHEAD;
        if !budget.take(bytes) {
            return Err(if self.table.is_sealed() {
                InsertError::Sealed
            } else if self.contains_key(key) {
                InsertError::DuplicateKey
            } else {
                InsertError::OutOfMemory
            });
        }
        let answer = write();
        budget.settle(bytes, answer == Ok(true));
        answer.map_err(|error| self.explain(error))
    }

    fn explain(&self, error: Error) -> InsertError {
        match error {
            Error::Exists => InsertError::DuplicateKey,
            Error::Sealed => InsertError::Sealed,
            Error::TooLarge => InsertError::TooLarge,
            Error::Full if self.entries() >= self.max_entries as u64 && self.max_entries != 0 => {
                InsertError::EntryLimit
            }
            Error::Full | Error::NoMemory => InsertError::OutOfMemory,
            other => panic!("fastskip: {}", other),
        }
    }

    /// The value of a live key, or this one, inserted now; and whether it was inserted. If it can
    /// not be inserted, for a limit or because the list is sealed, the answer is the value passed,
    /// and `false`.
    pub fn get_or_insert<'a>(&'a self, key: &[u8], value: &'a [u8]) -> (&'a [u8], bool) {
        self.try_get_or_insert(key, value).unwrap_or((value, false))
    }

    /// As [`get_or_insert`](Self::get_or_insert), but says why it can not be inserted.
    pub fn try_get_or_insert(
        &self,
        key: &[u8],
        value: &[u8],
    ) -> Result<(&[u8], bool), InsertError> {
        if let Some(found) = self.get_live(key) {
            return Ok((found, false));
        }
        let mut answer = None;
        self.within_budget(key, value, || {
            let (entry, inserted) = self.table.get_or_insert(key, value)?;
            answer = Some((entry.value, inserted));
            Ok(inserted)
        })?;
        Ok(answer.expect("a write without an answer"))
    }

    /// Inserts each that is not live; how many, if all were.
    pub fn insert_batch(&self, entries: &[(&[u8], &[u8])]) -> Result<usize, BatchError> {
        let inserted = entries.iter().filter(|(k, v)| self.insert(k, v));
        let succeeded = inserted.count();
        match entries.len() - succeeded {
            0 => Ok(succeeded),
            failed => Err(BatchError::PartialFailure { succeeded, failed }),
        }
    }

    /// Records that a key is deleted; whether it was live.
    #[inline]
    pub fn delete(&self, key: &[u8]) -> bool {
        self.try_delete(key).unwrap_or(false)
    }

    /// Records that a key is deleted, and answers whether it was live, or says why it can not.
    pub fn try_delete(&self, key: &[u8]) -> Result<bool, InsertError> {
        let _alone = self.deletes.lock(key);
        let found = self.table.get_raw(key);
        let found = found.map_err(|error| self.explain(error))?;
        if found.map_or(false, |entry| entry.is_tombstone()) {
            return if self.table.is_sealed() {
                Err(InsertError::Sealed)
            } else {
                Ok(false)
            };
        }
        self.within_budget(key, b"", || {
            self.deletes.tried.fetch_add(1, Ordering::Relaxed);
            self.table.delete(key).map(|()| true)
        })?;
        // A live key stays live until its delete, which is this one. An absent one may have been
        // inserted just before the tombstone.
        let live = found.is_some() || self.hidden(key).is_some();
        let counter = match live {
            true => &self.deletes.live,
            false => &self.deletes.absent,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(live)
    }

    /// The newest live version below the newest tombstone.
    fn hidden(&self, key: &[u8]) -> Option<crate::Entry<'_>> {
        let versions = self.table.scan().all_versions().range(key..=key).iter();
        versions
            .map(|version| version.unwrap_or_else(|error| panic!("fastskip: {}", error)))
            .skip_while(|version| !version.is_tombstone())
            .find(|version| !version.is_tombstone())
    }

    // ---- reading ----

    /// The value of a key, and whether it is deleted: then it is the last live one.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<(&[u8], bool)> {
        let entry = self.table.get_raw(key).ok()??;
        if !entry.is_tombstone() {
            return Some((entry.value, false));
        }
        Some((self.hidden(key).map_or(&[], |hidden| hidden.value), true))
    }

    /// The value of a live key.
    #[inline]
    pub fn get_live(&self, key: &[u8]) -> Option<&[u8]> {
        Some(self.table.get(key).ok()??.value)
    }

    /// Whether a key is live.
    #[inline]
    pub fn contains_key(&self, key: &[u8]) -> bool {
        self.table.contains_key(key).unwrap_or(false)
    }

    /// The values of live keys, all of one instant.
    pub fn get_many<'a>(&'a self, keys: &[&[u8]]) -> Vec<Option<&'a [u8]>> {
        // No key is that long, so it is not there.
        let short: Vec<&[u8]> = keys
            .iter()
            .map(|key| if key.len() > KEY_MAX { b"" } else { *key })
            .collect();
        let found = self.table.get_many(&short);
        let found = found.unwrap_or_else(|error| panic!("fastskip: {}", error));
        let found = found.into_iter().zip(keys);
        found
            .map(|(entry, key)| entry.filter(|_| key.len() <= KEY_MAX).map(|e| e.value))
            .collect()
    }

    /// All keys, deleted ones included, in order. What is written meanwhile may show or not.
    pub fn iter(&self) -> Iter<'_> {
        Iter(Walk::new(self, u64::MAX, b""))
    }

    /// The list as it is now, for as long as it is kept.
    pub fn snapshot(&self) -> Snapshot<'_> {
        let snapshot = self.table.snapshot();
        let snapshot = snapshot.unwrap_or_else(|error| panic!("fastskip: {}", error));
        Snapshot {
            list: self,
            sequence: snapshot.sequence(),
        }
    }

    /// A cursor before the first entry.
    pub fn cursor(&self) -> Cursor<'_> {
        Cursor::new(self)
    }

    /// A cursor on the first key that is not before `target`, if there is one.
    pub fn cursor_at(&self, target: &[u8]) -> Option<Cursor<'_>> {
        let mut cursor = Cursor::new(self);
        cursor.seek(self, target).then_some(cursor)
    }

    // ---- life ----

    /// Seals this list, and makes a fresh one with the same options.
    ///
    /// # Errors
    ///
    /// The list is gone then; [`seal_shared`](Self::seal_shared) keeps it.
    pub fn seal(self) -> Result<(FrozenMemtable, ConcurrentSkipList), SealError> {
        let fresh = self.seal_shared()?;
        Ok((FrozenMemtable { inner: self }, fresh))
    }

    /// Seals this list where it is, shared or not, and makes a fresh one with the same options. When
    /// this has returned no write is under way here and none can start. Of several callers at once
    /// one gets the fresh list.
    pub fn seal_shared(&self) -> Result<ConcurrentSkipList, SealError> {
        match self.table.rotate() {
            Ok(table) => Ok(Self::of(table, self.max_memory_bytes, self.max_entries)),
            Err(Error::Sealed) => Err(SealError::AlreadySealed),
            Err(Error::NoMemory) => Err(SealError::OutOfMemory),
            Err(error) => panic!("fastskip: {}", error),
        }
    }

    /// Empties the list and keeps its memory.
    ///
    /// # Safety
    ///
    /// There is nothing to see to: `&mut` sees to it. The crate's is unsafe, so this is.
    ///
    /// # Panics
    ///
    /// If an iterator, cursor or snapshot was not dropped but forgotten.
    pub unsafe fn reset(&mut self) {
        let reset = self.table.reset();
        reset.unwrap_or_else(|error| panic!("fastskip: {}", error));
        self.deletes = Deletes::default();
        self.budget = self.budget.as_ref().map(|b| Budget::new(b.limit));
    }
}

fn block_size(bytes: usize) -> usize {
    bytes.clamp(BLOCK_LEAST, BLOCK_MOST).next_power_of_two()
}

fn shards(number: usize) -> u32 {
    assert!(number > 0, "a list needs a shard");
    number.min(SHARDS_MOST) as u32
}

impl Default for ConcurrentSkipList {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ConcurrentSkipList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConcurrentSkipList")
            .field("len", &self.len())
            .field("sealed", &self.is_sealed())
            .field("memory_usage", &self.memory_usage())
            .finish()
    }
}
