//! Each fault of the crate fastskip 0.1.1 that can be seen from outside, as a test that fails with
//! its way of doing it. What is left out, and tested in the C library: links of upper levels, and
//! pointers above 48 bits.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;

use fastskip::compat::{ConcurrentSkipList, InsertError, SealError};

fn limited(bytes: usize, entries: usize) -> ConcurrentSkipList {
    ConcurrentSkipList::with_capacity_and_shards(4096, 2, bytes, entries)
}

// ---- threads ----

#[test]
fn short_threads_outnumber_shards() {
    let list = Arc::new(ConcurrentSkipList::with_shards(8));
    for i in 0..20u8 {
        let list = Arc::clone(&list);
        let thread = thread::spawn(move || list.insert(&[i], b"v"));
        assert!(thread.join().expect("no thread panics"));
    }
    assert_eq!(list.len(), 20);
}

#[test]
fn threads_at_once_outnumber_shards() {
    let list = ConcurrentSkipList::with_shards(1);
    list.insert(b"by the thread that made it", b"");
    let barrier = Barrier::new(16);
    thread::scope(|scope| {
        for i in 0..16u8 {
            let (list, barrier) = (&list, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for j in 0..200u8 {
                    assert!(list.insert(&[i, j], b"v"));
                }
            });
        }
    });
    assert_eq!(list.len(), 16 * 200 + 1);
}

#[test]
fn a_thread_uses_many_lists() {
    let lists: Vec<_> = (0..20)
        .map(|_| ConcurrentSkipList::with_shards(1))
        .collect();
    for round in 0..3u8 {
        for list in &lists {
            assert!(list.insert(&[round], b"v"));
        }
    }
    assert!(lists.iter().all(|list| list.len() == 3));
}

/// Threads that live on while lists, of fewer shards each time, come and go where others were.
#[test]
fn lists_at_old_addresses() {
    let barrier = Barrier::new(4);
    let list = std::sync::Mutex::new(None);
    thread::scope(|scope| {
        for thread in 0..4u8 {
            let (barrier, list) = (&barrier, &list);
            scope.spawn(move || {
                for round in 0..30usize {
                    if barrier.wait().is_leader() {
                        let shards = 8 - round % 8;
                        *list.lock().unwrap() =
                            Some(Arc::new(ConcurrentSkipList::with_shards(shards)));
                    }
                    barrier.wait();
                    let mine = Arc::clone(list.lock().unwrap().as_ref().unwrap());
                    for i in 0..100u8 {
                        assert!(mine.insert(&[thread, i], &[i; 50]));
                    }
                    barrier.wait();
                    assert_eq!(mine.iter().count(), 400);
                }
            });
        }
    });
}

#[test]
fn reset_forgets_threads() {
    let mut list = ConcurrentSkipList::with_shards(2);
    for i in 0..10u8 {
        let inserted = thread::scope(|s| s.spawn(|| list.insert(&[i], b"v")).join());
        assert!(inserted.expect("no thread panics"));
        unsafe { list.reset() };
        assert!(list.is_empty());
    }
}

#[test]
fn reset_sets_figures_back() {
    let mut list = limited(1000, 0);
    for _ in 0..3 {
        assert!(list.insert(b"a", &[0; 200]) && list.insert(b"b", &[0; 200]));
        assert!(list.delete(b"a") && !list.delete(b"c"));
        assert_eq!((list.len(), list.total_inserts()), (1, 2));
        unsafe { list.reset() };
        assert_eq!(
            (list.len(), list.total_inserts(), list.memory_usage()),
            (0, 0, 0)
        );
    }
}

// ---- memory ----

#[test]
fn lengths_are_looked_at() {
    let list = ConcurrentSkipList::new();
    let long = vec![0u8; fastskip::KEY_MAX + 1];
    assert_eq!(list.try_insert(&long, b""), Err(InsertError::TooLarge));
    assert!(!list.insert(&long, b"") && !list.delete(&long));
    assert!(list.is_empty());
}

#[test]
fn figures_do_not_go_backwards() {
    let list = ConcurrentSkipList::with_shards(2);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut last = (0, 0, 0);
            while !done.load(SeqCst) {
                let now = (
                    list.memory_usage(),
                    list.memory_reserved(),
                    list.total_inserts(),
                );
                assert!(now.0 >= last.0 && now.1 >= last.1 && now.2 >= last.2);
                last = now;
            }
        });
        let writers: Vec<_> = (0..3u8)
            .map(|thread| {
                let list = &list;
                scope.spawn(move || {
                    for i in 0..5000u16 {
                        list.insert(&[i.to_be_bytes(), [thread % 2, 0]].concat(), b"value");
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, SeqCst);
    });
    assert_eq!((list.len(), list.total_inserts()), (10_000, 15_000));
}

#[test]
fn memory_is_taken_as_it_is_used() {
    let many = ConcurrentSkipList::with_capacity_and_shards(64 << 20, 64, 0, 0);
    assert!(
        many.memory_reserved() < 1 << 20,
        "{}",
        many.memory_reserved()
    );
}

#[test]
fn sealing_does_not_make_blocks_larger() {
    let mut list = ConcurrentSkipList::with_capacity(64 << 10);
    list.insert(b"k", &[0; 1000]);
    let first = list.memory_reserved();
    for _ in 0..10 {
        for i in 0..100u8 {
            list.insert(&[i], &[0; 1000]);
        }
        list = list.seal().unwrap().1;
    }
    list.insert(b"k", &[0; 1000]);
    assert_eq!(list.memory_reserved(), first);
}

// ---- the list ----

#[test]
fn keys_are_in_order() {
    let list = ConcurrentSkipList::with_shards(8);
    thread::scope(|scope| {
        for thread in 0..8u32 {
            let list = &list;
            scope.spawn(move || {
                for i in 0..2000u32 {
                    list.insert(&(i * 8 + thread).to_be_bytes(), b"v");
                }
            });
        }
    });
    let keys: Vec<_> = list.iter().map(|entry| entry.key).collect();
    assert_eq!(keys.len(), 16_000);
    assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
}

// ---- what calls mean ----

#[test]
fn a_snapshot_does_not_change() {
    let list = ConcurrentSkipList::new();
    thread::scope(|scope| {
        for thread in 0..2u32 {
            let list = &list;
            scope.spawn(move || {
                for i in 0..5000u32 {
                    list.insert(&(i * 2 + thread).to_le_bytes(), b"v");
                    if i % 3 == 0 {
                        list.delete(&(i * 2 + thread).to_le_bytes());
                    }
                }
            });
        }
        for _ in 0..50 {
            let snapshot = list.snapshot();
            let read = || -> Vec<_> { snapshot.iter().map(|e| (e.key, e.is_tombstone)).collect() };
            assert_eq!(read(), read());
        }
    });
}

#[test]
fn earlier_snapshots_do_not_see_a_delete() {
    let list = ConcurrentSkipList::new();
    list.insert(b"k", b"v");
    let before = list.snapshot();
    list.delete(b"k");
    assert!(!before.iter().next().unwrap().is_tombstone);
    assert!(list.snapshot().iter().next().unwrap().is_tombstone);
}

#[test]
fn a_delete_of_an_absent_key_is_recorded() {
    let list = ConcurrentSkipList::new();
    assert!(!list.delete(b"in an older file"));
    assert_eq!(list.get(b"in an older file"), Some((&b""[..], true)));
    let (frozen, _) = list.seal().unwrap();
    let entries: Vec<_> = frozen.iter().collect();
    assert!(entries.len() == 1 && entries[0].is_tombstone);
}

#[test]
fn a_deleted_key_can_be_written_again() {
    let list = ConcurrentSkipList::new();
    for round in 0..5u8 {
        assert!(list.insert(b"k", &[round]));
        assert!(list.delete(b"k"));
        assert_eq!(list.get(b"k"), Some((&[round][..], true)));
    }
    assert_eq!(list.get_or_insert(b"k", b"new"), (&b"new"[..], true));
    list.table().put(b"k", b"over").unwrap();
    assert_eq!(list.get_live(b"k"), Some(&b"over"[..]));
    for _ in 0..2 {
        list.table().delete(b"k").unwrap();
    }
    assert_eq!(list.get(b"k"), Some((&b"over"[..], true)));
    assert_eq!(list.iter().next().unwrap().value, b"over");
}

#[test]
fn get_or_insert_tells_the_truth() {
    let full = limited(0, 1);
    full.insert(b"a", b"1");
    assert_eq!(full.get_or_insert(b"b", b"2"), (&b"2"[..], false));
    assert_eq!(full.get_or_insert(b"a", b"2"), (&b"1"[..], false));
    assert_eq!(
        full.try_get_or_insert(b"b", b"2"),
        Err(InsertError::EntryLimit)
    );
    assert!(!full.contains_key(b"b"));
    let sealed = ConcurrentSkipList::new();
    let _fresh = sealed.seal_shared().unwrap();
    assert_eq!(sealed.get_or_insert(b"b", b"2"), (&b"2"[..], false));
    assert_eq!(
        sealed.try_get_or_insert(b"b", b"2"),
        Err(InsertError::Sealed)
    );
    let won = AtomicUsize::new(0);
    let list = ConcurrentSkipList::new();
    thread::scope(|scope| {
        for thread in 0..4u8 {
            let (list, won) = (&list, &won);
            scope.spawn(move || {
                for i in 0..1000u16 {
                    let mine = [thread];
                    let (value, new) = list.get_or_insert(&i.to_be_bytes(), &mine);
                    assert!(!new || value == mine);
                    won.fetch_add(usize::from(new), SeqCst);
                }
            });
        }
    });
    assert_eq!(won.load(SeqCst), 1000);
}

#[test]
fn refusals_say_why() {
    let list = limited(0, 2);
    list.insert(b"a", b"1");
    list.insert(b"b", b"1");
    assert_eq!(list.try_insert(b"c", b"1"), Err(InsertError::EntryLimit));
    assert_eq!(list.try_insert(b"a", b"1"), Err(InsertError::DuplicateKey));
    let _fresh = list.seal_shared().unwrap();
    assert_eq!(list.try_insert(b"c", b"1"), Err(InsertError::Sealed));
    assert_eq!(list.try_insert(b"a", b"1"), Err(InsertError::Sealed));
    assert_eq!(list.try_delete(b"a"), Err(InsertError::Sealed));
    let full = limited(64 << 10, 0);
    let mut i = 0u32;
    let error = loop {
        match full.try_insert(&i.to_be_bytes(), &[0; 100]) {
            Ok(()) => i += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error, InsertError::OutOfMemory);
}

#[test]
fn a_cursor_does_not_show_the_head() {
    let list = ConcurrentSkipList::new();
    assert!(list.cursor().entry().is_none() && list.cursor().next().is_none());
    list.insert(b"a", b"1");
    assert!(list.cursor().entry().is_none());
    assert_eq!(list.cursor().map(|e| e.key).collect::<Vec<_>>(), [b"a"]);
    list.insert(b"", b"0");
    assert_eq!(
        list.cursor().map(|e| e.key).collect::<Vec<_>>(),
        [&b""[..], b"a"]
    );
}

#[test]
fn a_cursor_keeps_to_its_list() {
    let (list, other) = (ConcurrentSkipList::new(), ConcurrentSkipList::new());
    list.insert(b"a", b"1");
    other.insert(b"b", b"1");
    let mut cursor = list.cursor();
    assert!(!cursor.seek(&other, b"b"));
    assert!(cursor.entry().is_none() && !cursor.next_entry());
    assert!(cursor.seek(&list, b"a"));
}

// ---- life and limits ----

#[test]
fn a_shared_list_is_sealed() {
    let list = Arc::new(ConcurrentSkipList::new());
    let writer = {
        let list = Arc::clone(&list);
        thread::spawn(move || {
            let mut inserted = 0u32;
            loop {
                match list.try_insert(&inserted.to_be_bytes(), b"v") {
                    Ok(()) => inserted += 1,
                    Err(error) => break (inserted, error),
                }
            }
        })
    };
    while list.len() < 1000 {
        thread::yield_now();
    }
    let fresh = list.seal_shared().unwrap();
    let at_seal = list.iter().count();
    let (inserted, error) = writer.join().unwrap();
    assert_eq!((inserted as usize, error), (at_seal, InsertError::Sealed));
    assert!(list.is_sealed() && fresh.is_empty() && fresh.insert(b"k", b"v"));
    assert_eq!(list.seal_shared().unwrap_err(), SealError::AlreadySealed);
    let list = Arc::try_unwrap(list).unwrap();
    assert_eq!(list.seal().unwrap_err(), SealError::AlreadySealed);
}

/// A list that refuses is sealed, and a fresh one had, by one call.
#[test]
fn a_full_list_is_replaced() {
    let mut list = limited(0, 100);
    let mut sealed = 0;
    for i in 0..1000u32 {
        if !list.insert(&i.to_be_bytes(), b"v") {
            let fresh = list.seal_shared().unwrap();
            assert_eq!(list.len(), 100);
            list = fresh;
            sealed += 1;
            assert!(list.insert(&i.to_be_bytes(), b"v"));
        }
    }
    assert_eq!(sealed, 9);
}

#[test]
fn no_call_passes_a_limit() {
    let list = limited(128 << 10, 0);
    assert!(
        !list.insert(b"larger than all", &vec![0; 200 << 10]),
        "its size counts"
    );
    while list
        .insert_batch(&[(&list.len().to_be_bytes(), &[0; 500])])
        .is_ok()
    {}
    let mut i = 0u32;
    while list.try_delete(&i.to_le_bytes()).is_ok() {
        i += 1;
    }
    assert_eq!(
        list.try_delete(&i.to_le_bytes()),
        Err(InsertError::OutOfMemory)
    );
    assert!(
        list.memory_reserved() <= 128 << 10,
        "{}",
        list.memory_reserved()
    );
    let few = limited(0, 3);
    let batch: &[(&[u8], &[u8])] = &[(b"a", b""), (b"b", b""), (b"c", b""), (b"d", b"")];
    assert!(few.insert_batch(batch).is_err());
    assert_eq!(few.len(), 3);
    assert_eq!(few.try_delete(b"e"), Err(InsertError::EntryLimit));
    let live_only = limited(0, 4);
    for _ in 0..2 {
        assert!(live_only.insert(b"a", b"") && live_only.delete(b"a"));
    }
    assert_eq!(
        live_only.try_insert(b"a", b""),
        Err(InsertError::EntryLimit)
    );
}

/// Deletes and inserts of few keys by many threads: each answer fits, and the count adds up.
#[test]
fn the_live_count_adds_up() {
    let list = ConcurrentSkipList::with_shards(2);
    let live = AtomicUsize::new(1000);
    thread::scope(|scope| {
        for thread in 0..4usize {
            let (list, live) = (&list, &live);
            scope.spawn(move || {
                for i in 0..4000usize {
                    let key = [((i * 7 + thread) % 10) as u8];
                    if (i + thread) % 2 == 0 {
                        live.fetch_add(usize::from(list.insert(&key, b"v")), SeqCst);
                    } else {
                        live.fetch_sub(usize::from(list.delete(&key)), SeqCst);
                    }
                    assert!(list.len() < 100);
                }
            });
        }
    });
    assert_eq!(list.len(), live.load(SeqCst) - 1000);
    assert_eq!(list.len(), list.iter().filter(|e| !e.is_tombstone).count());
    for i in 0..10u8 {
        list.delete(&[i]);
    }
    assert!(list.is_empty());
}

/// Each key is inserted by one thread and deleted by another, at about the same time.
#[test]
fn a_delete_beside_an_insert_answers_right() {
    const KEYS: u32 = 30_000;
    let list = ConcurrentSkipList::with_shards(2);
    let barrier = Barrier::new(2);
    let deleted = thread::scope(|scope| {
        scope.spawn(|| {
            for i in 0..KEYS {
                if i % 100 == 0 {
                    barrier.wait();
                }
                assert!(list.insert(&i.to_be_bytes(), b"v"));
            }
        });
        let delete = |i: u32| {
            if i % 100 == 0 {
                barrier.wait();
            }
            usize::from(list.delete(&i.to_be_bytes()))
        };
        (0..KEYS).map(delete).sum::<usize>()
    });
    assert_eq!(list.len(), KEYS as usize - deleted);
    assert_eq!(list.iter().filter(|e| !e.is_tombstone).count(), list.len());
}

#[test]
fn averages_are_exact() {
    let list = ConcurrentSkipList::new();
    for i in 0..100u32 {
        list.insert(&i.to_be_bytes(), &[0; 996]);
    }
    assert_eq!((list.avg_key_size(), list.avg_value_size()), (4.0, 996.0));
}
