//! Many threads at once, and handles that go in any order.

// The clippy of Rust 1.63 would join each thread before the next one begins.
#![allow(clippy::needless_collect)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Barrier, Mutex, RwLock};
use std::thread;

use fastskip::{Batch, Error, Options, Stat, Table};

fn key(thread: u64, i: u64) -> Vec<u8> {
    format!("{:03}-{:06}", i % 1000, thread * 1_000_000 + i).into_bytes()
}

/// More writers than shards, readers beside them, all of one table.
#[test]
fn writers_and_readers() {
    const WRITERS: u64 = 8;
    const EACH: u64 = 3000;
    let table = Options::new().shards(2).build().unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut seen = 0;
                while !done.load(SeqCst) {
                    let keys: Vec<Vec<u8>> =
                        table.iter().map(|e| e.unwrap().key.to_vec()).collect();
                    assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
                    assert!(keys.len() >= seen, "a key is gone");
                    seen = keys.len();
                }
            });
        }
        let writers: Vec<_> = (0..WRITERS)
            .map(|thread| {
                let table = &table;
                scope.spawn(move || {
                    for i in 0..EACH {
                        let key = key(thread, i);
                        table.put(&key, &key).unwrap();
                        assert_eq!(table.get(&key).unwrap().unwrap().value, key);
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, SeqCst);
    });
    assert_eq!(table.stat(Stat::Keys).unwrap(), WRITERS * EACH);
    for thread in 0..WRITERS {
        for i in 0..EACH {
            assert!(table.contains_key(key(thread, i)).unwrap());
        }
    }
    table.check().unwrap();
}

/// Of several inserts of one key one succeeds, and get_or_insert agrees about the value.
#[test]
fn one_insert_wins() {
    let table = Table::new().unwrap();
    let won = AtomicU64::new(0);
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for thread in 0..4u64 {
            let (table, won, barrier) = (&table, &won, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for i in 0..2000u64 {
                    let value = thread.to_be_bytes();
                    let inserted = if i % 2 == 0 {
                        table.insert(i.to_be_bytes(), value).unwrap()
                    } else {
                        let (entry, new) = table.get_or_insert(i.to_be_bytes(), value).unwrap();
                        assert!(!new || entry.value == value);
                        new
                    };
                    won.fetch_add(u64::from(inserted), SeqCst);
                }
            });
        }
    });
    assert_eq!(won.load(SeqCst), 2000);
    assert_eq!(table.len().unwrap(), 2000);
}

/// A batch moves an amount between accounts; no reader ever sees another sum.
#[test]
fn batches_are_seen_whole() {
    const ACCOUNTS: u64 = 10;
    let table = Table::new().unwrap();
    for account in 0..ACCOUNTS {
        table
            .put(account.to_be_bytes(), 1000u64.to_be_bytes())
            .unwrap();
    }
    let done = AtomicBool::new(false);
    let number = |value: &[u8]| u64::from_be_bytes(value.try_into().unwrap());
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut batch = Batch::new().unwrap();
            for i in 0..3000u64 {
                let (from, to) = (i % ACCOUNTS, (i * 7 + 3) % ACCOUNTS);
                if from == to {
                    continue;
                }
                let has =
                    |account: u64| number(table.get(account.to_be_bytes()).unwrap().unwrap().value);
                batch.clear().unwrap();
                batch
                    .put(from.to_be_bytes(), (has(from) - 1).to_be_bytes())
                    .unwrap();
                batch
                    .put(to.to_be_bytes(), (has(to) + 1).to_be_bytes())
                    .unwrap();
                table.write(&mut batch).unwrap();
            }
            done.store(true, SeqCst);
        });
        scope.spawn(|| {
            while !done.load(SeqCst) {
                let snapshot = table.snapshot().unwrap();
                let sum: u64 = snapshot.iter().map(|e| number(e.unwrap().value)).sum();
                assert_eq!(sum, 1000 * ACCOUNTS);
                let all: Vec<[u8; 8]> = (0..ACCOUNTS).map(u64::to_be_bytes).collect();
                let many = table.get_many(&all).unwrap();
                let sum: u64 = many.iter().map(|e| number(e.unwrap().value)).sum();
                assert_eq!(sum, 1000 * ACCOUNTS);
            }
        });
    });
}

/// Every write that was answered OK is in the table that was sealed under it, or in its successor.
#[test]
fn rotation_loses_nothing() {
    let table = Options::new().entry_limit(1000).build().unwrap();
    let current = RwLock::new(table);
    let sealed = Mutex::new(Vec::new());
    let rotate = |table: Table| {
        let mut current = current.write().unwrap();
        if !table.is_sealed() {
            *current = table.rotate().unwrap();
            sealed.lock().unwrap().push(table);
        }
    };
    thread::scope(|scope| {
        for thread in 0..3u64 {
            let (current, rotate) = (&current, &rotate);
            scope.spawn(move || {
                for i in 0..4000u64 {
                    loop {
                        let table = current.read().unwrap().clone();
                        match table.put(key(thread, i), "v") {
                            Ok(()) => break,
                            Err(Error::Sealed) => thread::yield_now(),
                            Err(Error::Full) => rotate(table),
                            Err(error) => panic!("{}", error),
                        }
                    }
                }
            });
        }
    });
    let mut tables = sealed.into_inner().unwrap();
    assert_eq!(tables.len(), 11);
    tables.push(current.into_inner().unwrap());
    let mut keys: Vec<Vec<u8>> = Vec::new();
    for table in &tables {
        keys.extend(table.iter().map(|entry| entry.unwrap().key.to_vec()));
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 12_000);
}

/// Several threads rotate at once: one gets the fresh table.
#[test]
fn one_rotation_wins() {
    for _ in 0..50 {
        let table = Table::new().unwrap();
        let barrier = Barrier::new(4);
        let fresh: Vec<_> = thread::scope(|scope| {
            let rotate = || {
                barrier.wait();
                table.rotate()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(rotate)).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(fresh.iter().filter(|fresh| fresh.is_ok()).count(), 1);
        assert!(fresh
            .iter()
            .flat_map(|f| f.as_ref().err())
            .all(|e| *e == Error::Sealed));
    }
}

/// Handles, snapshots, iterators and batches of one table end in other threads than they began in.
#[test]
fn handles_go_in_any_order() {
    for round in 0..20u64 {
        let table = Table::new().unwrap();
        for i in 0..300 {
            table.put(key(round, i), "value").unwrap();
        }
        let snapshots: Vec<_> = (0..4).map(|_| table.snapshot().unwrap()).collect();
        let handles: Vec<_> = (0..4).map(|_| Arc::new(table.clone())).collect();
        drop(table);
        let threads: Vec<_> = snapshots
            .into_iter()
            .zip(handles)
            .map(|(snapshot, handle)| {
                thread::spawn(move || {
                    let mut iter = snapshot.iter();
                    assert!(iter.next().is_some());
                    assert_eq!(
                        thread::scope(|s| s.spawn(|| iter.by_ref().count()).join().unwrap()),
                        299
                    );
                    drop(iter);
                    drop(handle);
                    assert_eq!(snapshot.iter().rev().count(), 300);
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

/// Reset beside handles that others drop: busy, or alone; never anything else.
#[test]
fn reset_waits_for_the_last_other_handle() {
    for _ in 0..100 {
        let mut table = Options::new().memory_limit(1 << 20).build().unwrap();
        let other = table.clone();
        let barrier = Arc::new(Barrier::new(2));
        let theirs = Arc::clone(&barrier);
        let thread = thread::spawn(move || {
            theirs.wait();
            other.put("k", "v").unwrap();
            assert_eq!(other.get("k").unwrap().unwrap().value, b"v");
        });
        barrier.wait();
        while let Err(error) = table.reset() {
            assert_eq!(error, Error::Busy);
            thread::yield_now();
        }
        assert!(table.is_empty().unwrap());
        thread.join().unwrap();
    }
}
