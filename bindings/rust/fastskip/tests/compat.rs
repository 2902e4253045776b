//! The crate's own way of use: every name and signature of fastskip 0.1.1.

use std::sync::Arc;
use std::thread;

use fastskip::compat::{
    BatchError, ConcurrentSkipList, Cursor, Entry, FrozenMemtable, InsertError, Iter, SealError,
    Snapshot, SnapshotIter,
};

#[test]
fn names_at_the_root_are_the_same() {
    let list: fastskip::ConcurrentSkipList = ConcurrentSkipList::new();
    let sealed: Result<(fastskip::FrozenMemtable, _), fastskip::SealError> = list.seal();
    assert!(sealed.is_ok());
    assert_eq!(
        fastskip::InsertError::DuplicateKey,
        InsertError::DuplicateKey
    );
    let error = fastskip::BatchError::PartialFailure {
        succeeded: 1,
        failed: 2,
    };
    assert_eq!(error.to_string(), "partial failure: 1 succeeded, 2 failed");
}

/// As types, so that a changed signature does not compile.
#[test]
fn signatures() {
    signatures_of();
}

#[allow(clippy::type_complexity, clippy::extra_unused_lifetimes)]
fn signatures_of<'a>() {
    type List = ConcurrentSkipList;
    let _: fn() -> List = List::new;
    let _: fn(usize) -> List = List::with_shards;
    let _: fn(usize) -> List = List::with_capacity;
    let _: fn(usize, usize, usize, usize) -> List = List::with_capacity_and_shards;
    let _: fn() -> List = List::default;
    let _: fn(&List, &[u8], &[u8]) -> bool = List::insert;
    let _: fn(&List, &[u8], &[u8]) -> Result<(), InsertError> = List::try_insert;
    let _: fn(&List, &[(&[u8], &[u8])]) -> Result<usize, BatchError> = List::insert_batch;
    let _: for<'l> fn(&'l List, &[u8], &'l [u8]) -> (&'l [u8], bool) = List::get_or_insert;
    let _: fn(&List, &[u8]) -> bool = List::delete;
    let _: for<'l, 'k> fn(&'l List, &'k [u8]) -> Option<(&'l [u8], bool)> = List::get;
    let _: for<'l, 'k> fn(&'l List, &'k [u8]) -> Option<&'l [u8]> = List::get_live;
    let _: fn(&List, &[u8]) -> bool = List::contains_key;
    let _: for<'l, 'k> fn(&'l List, &'k [&'k [u8]]) -> Vec<Option<&'l [u8]>> = List::get_many;
    let _: for<'l> fn(&'l List) -> Iter<'l> = List::iter;
    let _: for<'l> fn(&'l List) -> Snapshot<'l> = List::snapshot;
    let _: for<'s> fn(&'s Snapshot<'a>) -> SnapshotIter<'a> = Snapshot::iter;
    let _: for<'l> fn(&'l List) -> Cursor<'l> = List::cursor;
    let _: for<'l, 'k> fn(&'l List, &'k [u8]) -> Option<Cursor<'l>> = List::cursor_at;
    let _: for<'c, 'k> fn(&'c mut Cursor<'a>, &'a List, &'k [u8]) -> bool = Cursor::seek;
    let _: for<'c> fn(&'c mut Cursor<'a>) -> bool = Cursor::next_entry;
    let _: for<'c> fn(&'c Cursor<'a>) -> Option<Entry<'a>> = Cursor::entry;
    let _: for<'c> fn(&'c Cursor<'a>) -> bool = Cursor::valid;
    let _: [fn(&List) -> usize; 7] = [
        List::len,
        List::memory_usage,
        List::memory_reserved,
        List::memory_idle,
        List::total_inserts,
        List::max_memory_bytes,
        List::max_entries,
    ];
    let _: [fn(&List) -> bool; 3] = [List::is_empty, List::is_sealed, List::is_under_backpressure];
    let _: [fn(&List) -> f64; 3] = [
        List::memory_utilization,
        List::avg_key_size,
        List::avg_value_size,
    ];
    let _: fn(List) -> Result<(FrozenMemtable, List), SealError> = List::seal;
    let _: unsafe fn(&mut List) = List::reset;
    type Frozen = FrozenMemtable;
    let _: for<'l> fn(&'l Frozen) -> Iter<'l> = Frozen::iter;
    let _: for<'l> fn(&'l Frozen) -> Snapshot<'l> = Frozen::snapshot;
    let _: for<'l> fn(&'l Frozen) -> Cursor<'l> = Frozen::cursor;
    let _: for<'l, 'k> fn(&'l Frozen, &'k [u8]) -> Option<Cursor<'l>> = Frozen::cursor_at;
    let _: for<'l, 'k> fn(&'l Frozen, &'k [u8]) -> Option<(&'l [u8], bool)> = Frozen::get;
    let _: for<'l, 'k> fn(&'l Frozen, &'k [u8]) -> Option<&'l [u8]> = Frozen::get_live;
    let _: [fn(&Frozen) -> usize; 4] = [
        Frozen::len,
        Frozen::memory_usage,
        Frozen::memory_reserved,
        Frozen::memory_idle,
    ];
    let _: fn(&Frozen) -> bool = Frozen::is_empty;
    let _: fn(&Frozen) -> f64 = Frozen::memory_utilization;
}

#[test]
fn lookups() {
    let list = ConcurrentSkipList::new();
    assert!(list.is_empty());
    assert_eq!(list.get(b"nope"), None);
    assert!(list.insert(b"user:1001", b"alice"));
    assert!(list.insert(b"user:1002", b"bob"));
    assert!(!list.insert(b"user:1001", b"ALICE"));
    assert_eq!(
        list.try_insert(b"user:1001", b""),
        Err(InsertError::DuplicateKey)
    );
    let (value, tombstone) = list.get(b"user:1001").unwrap();
    assert_eq!((value, tombstone), (&b"alice"[..], false));
    assert!(list.delete(b"user:1002"));
    assert!(!list.delete(b"user:1002"));
    assert!(!list.delete(b"nonexistent"));
    assert_eq!(
        list.get(b"user:1002"),
        Some((&b"bob"[..], true)),
        "the value it had"
    );
    assert_eq!(
        list.get(b"nonexistent"),
        Some((&b""[..], true)),
        "it had none"
    );
    assert_eq!(list.get_live(b"user:1002"), None);
    assert!(list.contains_key(b"user:1001") && !list.contains_key(b"user:1002"));
    assert_eq!(list.len(), 1);
    let keys: &[&[u8]] = &[b"user:1001", b"user:1002", b"user:1003", &[0; 70_000]];
    assert_eq!(list.get_many(keys), [Some(&b"alice"[..]), None, None, None]);
    assert!(list.insert(b"", b""));
    assert_eq!(list.get(b""), Some((&b""[..], false)));
    assert_eq!(list.get(&[0; 70_000]), None);
    assert!(!list.contains_key(&[0; 70_000]));
}

#[test]
fn batches() {
    let list = ConcurrentSkipList::new();
    assert_eq!(
        list.insert_batch(&[(b"a", b"1"), (b"bb", b"22"), (b"c", b"3")]),
        Ok(3)
    );
    let again = list.insert_batch(&[(b"a", b"x"), (b"d", b"4")]);
    assert_eq!(
        again,
        Err(BatchError::PartialFailure {
            succeeded: 1,
            failed: 1
        })
    );
    assert_eq!(list.insert_batch(&[]), Ok(0));
    assert_eq!(list.len(), 4);
    let (value, new) = list.get_or_insert(b"a", b"other");
    assert_eq!((value, new), (&b"1"[..], false));
    let (value, new) = list.get_or_insert(b"e", b"5");
    assert_eq!((value, new), (&b"5"[..], true));
}

#[test]
fn iteration_shows_tombstones() {
    let list = ConcurrentSkipList::new();
    for key in [b"c", b"a", b"d", b"b"] {
        list.insert(key, b"v");
    }
    list.delete(b"b");
    list.delete(b"never");
    let shown: Vec<_> = list
        .iter()
        .map(|e| (e.key, e.value, e.is_tombstone))
        .collect();
    let expected: [(&[u8], &[u8], bool); 5] = [
        (b"a", b"v", false),
        (b"b", b"v", true),
        (b"c", b"v", false),
        (b"d", b"v", false),
        (b"never", b"", true),
    ];
    assert_eq!(shown, expected);
    let snapshot = list.snapshot();
    list.insert(b"e", b"v");
    let entries: SnapshotIter<'_> = snapshot.iter();
    assert_eq!(entries.count(), 5);
    assert_eq!(list.iter().count(), 6);
    let entries = list.snapshot().iter(); // outlives its snapshot, as there
    assert_eq!(entries.filter(|e| !e.is_tombstone).count(), 4);
    let many = ConcurrentSkipList::new();
    for i in 0..1000u32 {
        many.insert(&i.to_be_bytes(), b"1");
        if i % 2 == 0 {
            many.delete(&i.to_be_bytes());
            assert!(many.insert(&i.to_be_bytes(), b"2"));
            if i % 4 == 0 {
                many.delete(&i.to_be_bytes());
            }
        }
    }
    for (i, entry) in (0..1000u32).zip(many.iter()) {
        assert_eq!(entry.key, i.to_be_bytes());
        assert_eq!(entry.value, if i % 2 == 0 { b"2" } else { b"1" });
        assert_eq!(entry.is_tombstone, i % 4 == 0);
    }
    assert_eq!(many.iter().count(), 1000);
}

#[test]
fn cursors() {
    let list = ConcurrentSkipList::new();
    for key in [b"b", b"d", b"f"] {
        list.insert(key, b"v");
    }
    let mut cursor = list.cursor();
    let mut seen = Vec::new();
    while cursor.next_entry() {
        seen.push(cursor.entry().unwrap().key);
    }
    assert_eq!(seen, [b"b", b"d", b"f"]);
    assert!(!cursor.next_entry() && cursor.entry().is_none() && cursor.next().is_none());
    assert!(cursor.seek(&list, b"c") && cursor.valid());
    assert_eq!(cursor.entry().unwrap().key, b"d");
    list.insert(b"cc", b"v");
    assert!(cursor.seek(&list, b"c"));
    assert_eq!(cursor.entry().unwrap().key, b"cc");
    assert!(!cursor.seek(&list, b"g") && !cursor.valid());
    assert!(list.cursor_at(b"g").is_none());
    if let Some(cursor) = list.cursor_at(b"b") {
        let found: Vec<_> = cursor
            .take_while(|e| e.key < b"e".as_slice())
            .map(|e| e.key)
            .collect();
        assert_eq!(found, [&b"b"[..], b"cc", b"d"]);
    }
    list.delete(b"d");
    let cursor = list.cursor_at(b"d").unwrap();
    assert!(cursor.entry().unwrap().is_tombstone);
    let shared = Arc::new(list);
    assert!(shared.cursor().seek(&shared, b"b"), "through an Arc");
    // A target that is longer than a key can be.
    let longest = vec![b'd'; fastskip::KEY_MAX];
    shared.insert(&longest, b"v");
    let longer = vec![b'd'; fastskip::KEY_MAX + 1];
    assert_eq!(
        shared.cursor_at(&longer).unwrap().entry().unwrap().key,
        b"f"
    );
}

#[test]
fn lifecycle() {
    let list = Arc::new(ConcurrentSkipList::with_shards(8));
    let writers: Vec<_> = (0..4)
        .map(|thread| {
            let list = Arc::clone(&list);
            thread::spawn(move || {
                for i in 0..1000 {
                    let key = format!("t{}_k{:04}", thread, i);
                    assert!(list.insert(key.as_bytes(), format!("v{}", i).as_bytes()));
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    assert_eq!(list.len(), 4000);
    let list = Arc::try_unwrap(list).unwrap();
    list.delete(b"t0_k0000");
    let (frozen, fresh) = list.seal().unwrap();
    assert_eq!((frozen.len(), fresh.len()), (3999, 0));
    assert!(!frozen.is_empty() && fresh.is_empty());
    assert_eq!(frozen.get_live(b"t1_k0001"), Some(&b"v1"[..]));
    assert_eq!(frozen.get(b"t0_k0000"), Some((&b"v0"[..], true)));
    assert_eq!(frozen.snapshot().iter().count(), 4000);
    assert_eq!(frozen.cursor_at(b"t3").unwrap().count(), 1000);
    assert_eq!(frozen.cursor().count(), 4000);
    assert!(frozen.memory_usage() > 0);
    assert!(frozen.memory_reserved() >= frozen.memory_usage());
    assert_eq!(
        frozen.memory_idle(),
        frozen.memory_reserved() - frozen.memory_usage()
    );
    assert!(frozen.memory_utilization() > 0.0 && frozen.memory_utilization() <= 1.0);
    assert!(format!("{:?}", frozen).contains("len: 3999"));
    let frozen = Arc::new(frozen);
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let frozen = Arc::clone(&frozen);
            thread::spawn(move || frozen.iter().filter(|e| !e.is_tombstone).count())
        })
        .collect();
    for reader in readers {
        assert_eq!(reader.join().unwrap(), 3999);
    }
    drop(frozen);
    assert!(fresh.insert(b"k", b"v"));
    let mut fresh = fresh;
    unsafe { fresh.reset() };
    assert!(fresh.is_empty() && fresh.total_inserts() == 0);
    assert!(fresh.insert(b"k", b"v"));
}

#[test]
fn figures() {
    let list = ConcurrentSkipList::with_capacity_and_shards(1024, 2, 2048, 100);
    assert_eq!((list.max_memory_bytes(), list.max_entries()), (2048, 100));
    let list = ConcurrentSkipList::with_capacity(1 << 20);
    assert_eq!((list.max_memory_bytes(), list.max_entries()), (0, 0));
    assert_eq!((list.avg_key_size(), list.avg_value_size()), (0.0, 0.0));
    let before = list.memory_usage();
    list.insert(b"a", b"123");
    list.insert(b"a", b"2");
    list.insert(b"bcd", b"45");
    list.delete(b"a");
    assert_eq!(list.total_inserts(), 3);
    assert_eq!((list.avg_key_size(), list.avg_value_size()), (2.0, 2.5));
    assert!(list.memory_usage() > before);
    assert_eq!(
        list.memory_reserved() - list.memory_usage(),
        list.memory_idle()
    );
    assert!(!list.is_under_backpressure());
    let debug = format!("{:?}", list);
    assert!(
        debug.contains("ConcurrentSkipList") && debug.contains("len: 1"),
        "{}",
        debug
    );
    assert!(debug.contains("sealed: false"), "{}", debug);
}

/// Limits so small that no table is: the crate's own tests have such.
#[test]
fn small_limits() {
    let list = ConcurrentSkipList::with_capacity_and_shards(256, 4, 1000, 0);
    assert!(!list.is_under_backpressure());
    let mut i = 0;
    while list.insert(format!("key:{:04}", i).as_bytes(), &[b'x'; 20]) {
        i += 1;
        assert!(list.memory_usage() <= 1000);
    }
    assert!((5..40).contains(&i), "{}", i);
    assert!(list.is_under_backpressure());
    assert_eq!(
        list.try_insert(b"other", &[b'x'; 60]),
        Err(InsertError::OutOfMemory)
    );
    assert_eq!(
        list.try_insert(b"key:0000", b"x"),
        Err(InsertError::DuplicateKey)
    );
    assert_eq!(list.len(), i);
    let (frozen, fresh) = list.seal().unwrap();
    assert_eq!(frozen.len(), i);
    assert_eq!(fresh.max_memory_bytes(), 1000);
    for j in 0..200 {
        // What is refused costs nothing.
        assert_eq!(fresh.insert(b"key:0000", &[b'x'; 20]), j == 0);
    }
    assert!(
        fresh.insert(b"other", &[b'x'; 60]),
        "the fresh one has room"
    );
}

/// As there, variables that held a cursor or a snapshot may still be in scope when a list is sealed.
#[test]
fn nothing_needs_to_be_dropped() {
    let list = ConcurrentSkipList::new();
    list.insert(b"a", b"1");
    let iter = list.iter();
    let snapshot = list.snapshot();
    let entries = snapshot.iter();
    let mut cursor = list.cursor();
    assert!(cursor.next_entry());
    assert_eq!(iter.count() + entries.count(), 2);
    let (frozen, _fresh) = list.seal().unwrap();
    assert_eq!(frozen.len(), 1);
    // Were these to be dropped here, the line above would not compile.
    assert!(!std::mem::needs_drop::<(
        Snapshot,
        Cursor,
        Iter,
        SnapshotIter,
        Entry
    )>());
}

/// A live iterator goes on over what is written meanwhile, in order, and shows no key twice.
#[test]
fn writes_during_an_iteration() {
    let list = ConcurrentSkipList::new();
    for i in 0..200u8 {
        list.insert(&[i, 0], b"v");
    }
    let mut seen: Vec<Vec<u8>> = Vec::new();
    for entry in list.iter() {
        list.insert(&[entry.key[0], entry.key[1], 1], b"w");
        list.delete(entry.key);
        seen.push(entry.key.to_vec());
        assert!(seen.len() < 1000);
    }
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(seen.iter().filter(|key| key.len() == 2).count(), 200);
}
