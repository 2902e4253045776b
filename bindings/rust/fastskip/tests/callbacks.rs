//! Comparators and allocators: what they may do, and what happens if they do something else.

use std::alloc::{alloc, dealloc, Layout};
use std::cmp::Ordering;
use std::panic;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use fastskip::{Allocator, Error, Options, Table};

fn reverse() -> Options {
    Options::new().comparator("reverse", |a, b| b.cmp(a))
}

fn keys(table: &Table) -> Vec<Vec<u8>> {
    let entries = table.iter().map(|entry| entry.unwrap().key.to_vec());
    entries.collect()
}

#[test]
fn own_order() {
    let table = reverse().build().unwrap();
    for key in ["a", "c", "b"] {
        table.put(key, key).unwrap();
    }
    assert_eq!(keys(&table), [b"c", b"b", b"a"]);
    assert_eq!(table.range("c".."a").count(), 2);
    assert_eq!(table.range("c"..="a").count(), 3);
    let fresh = table.rotate().unwrap();
    fresh.put("x", "").unwrap();
    fresh.put("y", "").unwrap();
    drop(table);
    assert_eq!(keys(&fresh), [b"y", b"x"]);
    fresh.check().unwrap();
}

/// Keys are numbers in little-endian.
#[test]
fn abbreviations_are_used() {
    fn number(key: &[u8]) -> u64 {
        let mut bytes = [0; 8];
        bytes[..key.len()].copy_from_slice(key);
        u64::from_le_bytes(bytes)
    }
    let count = |abbreviated: bool| {
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        let compare = move |a: &[u8], b: &[u8]| {
            counter.fetch_add(1, SeqCst);
            number(a).cmp(&number(b))
        };
        let options = match abbreviated {
            true => {
                Options::new().comparator_abbreviated("number", compare, |key| number(key) << 32)
            }
            false => Options::new().comparator("number", compare),
        };
        let table = options.build().unwrap();
        for i in 0..2000u32 {
            table.put((i * 7 % 2000).to_le_bytes(), "").unwrap();
        }
        let found: Vec<u64> = table.iter().map(|e| number(e.unwrap().key)).collect();
        assert_eq!(found, (0..2000).collect::<Vec<u64>>());
        calls.load(SeqCst)
    };
    let (with, without) = (count(true), count(false));
    assert!(with * 2 < without, "{} of {}", with, without);
}

#[test]
fn the_comparator_lives_as_long_as_it_is_needed() {
    struct Tell(Arc<AtomicBool>);
    impl Drop for Tell {
        fn drop(&mut self) {
            self.0.store(true, SeqCst);
        }
    }
    let gone = Arc::new(AtomicBool::new(false));
    let tell = Tell(Arc::clone(&gone));
    let options = Options::new().comparator("telling", move |a, b| {
        assert!(!tell.0.load(SeqCst));
        a.cmp(b)
    });
    let table = options.build().unwrap();
    drop(options);
    table.put("a", "").unwrap();
    let snapshot = table.snapshot().unwrap();
    let fresh = table.rotate().unwrap();
    drop(table);
    assert!(snapshot.contains_key("a").unwrap());
    drop(snapshot);
    fresh.put("b", "").unwrap();
    fresh.put("c", "").unwrap();
    assert!(!gone.load(SeqCst));
    drop(fresh);
    assert!(gone.load(SeqCst));
}

/// Panics when told to, and only then: `armed` counts down.
fn panicking(armed: &Arc<AtomicUsize>) -> Options {
    let armed = Arc::clone(armed);
    Options::new().comparator("panicking", move |a, b| {
        let now = armed.load(SeqCst);
        if now > 0 && armed.fetch_sub(1, SeqCst) == 1 {
            panic!("told to");
        }
        b.cmp(a)
    })
}

fn quietly<R>(run: impl FnOnce() -> R) -> R {
    static HOOK: Mutex<()> = Mutex::new(());
    let _alone = HOOK.lock();
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>();
        // Those that are no text are the evil ones.
        if text.map_or(payload.is::<String>(), |text| *text != "told to") {
            eprintln!("{}", info);
        }
    }));
    let answer = run();
    panic::set_hook(hook);
    answer
}

fn filled(armed: &Arc<AtomicUsize>) -> Table {
    let table = panicking(armed).build().unwrap();
    for i in 0..200u8 {
        table.put([i], "v").unwrap();
    }
    table
}

#[test]
fn a_panic_of_the_comparator_is_an_error() {
    quietly(|| {
        let panicked = Err(Error::CallbackPanicked);
        type Call = fn(&mut Table) -> Result<(), Error>;
        let calls: [Call; 11] = [
            |t| t.put([70], "w"),
            |t| t.delete([70]),
            |t| t.insert([70, 1], "w").map(drop),
            |t| t.get_or_insert([70, 1], "w").map(drop),
            |t| t.get([70]).map(drop),
            |t| t.get_raw([70]).map(drop),
            |t| t.get_many(&[[70], [80]]).map(drop),
            |t| t.contains_key([70]).map(drop),
            |t| t.range([90u8]..).next().unwrap().map(drop),
            |t| t.range([90u8]..).next_back().unwrap().map(drop),
            |t| t.check(),
        ];
        for (number, call) in calls.iter().enumerate() {
            for countdown in 1..4 {
                let armed = Arc::new(AtomicUsize::new(0));
                let mut table = filled(&armed);
                armed.store(countdown, SeqCst);
                let answer = call(&mut table);
                if armed.swap(0, SeqCst) > 0 {
                    assert_eq!((answer, countdown), (Ok(()), 3), "call {}", number); // it compared but twice
                    continue;
                }
                assert_eq!(answer, panicked, "call {}, {}", number, countdown);
                // From now on, whatever looks at the order is refused.
                assert_eq!(table.get([3]).map(drop), panicked);
                assert_eq!(table.put([3], "w"), panicked);
                assert_eq!(table.iter().next().unwrap().map(drop), panicked);
                // The engine goes on with a fresh table, or with this one emptied.
                let fresh = table.rotate().unwrap();
                fresh.put("a", "1").unwrap();
                fresh.put("b", "1").unwrap();
                assert!(fresh.contains_key("b").unwrap());
                assert!(table.is_sealed());
                table.reset().unwrap();
                table.put("a", "1").unwrap();
                assert_eq!(table.iter().count(), 1);
            }
        }
    });
}

#[test]
fn an_iterator_ends_with_the_panic() {
    quietly(|| {
        let armed = Arc::new(AtomicUsize::new(0));
        let table = filled(&armed);
        let mut iter = table.range([150u8]..);
        assert!(iter.next().unwrap().is_ok());
        armed.store(1, SeqCst);
        assert_eq!(
            iter.next_back().unwrap().unwrap_err(),
            Error::CallbackPanicked
        );
        assert!(iter.next().is_none() && iter.next_back().is_none());
    });
}

#[test]
fn a_panic_in_one_thread_is_seen_by_the_others() {
    quietly(|| {
        let armed = Arc::new(AtomicUsize::new(0));
        let table = filled(&armed);
        armed.store(500, SeqCst);
        let ended = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for thread in 0..4u8 {
                let (table, ended) = (&table, &ended);
                scope.spawn(move || {
                    for i in 0.. {
                        let key = [thread, i as u8, (i >> 8) as u8];
                        if let Err(error) = table.put(key, "v") {
                            assert_eq!(error, Error::CallbackPanicked);
                            ended.fetch_add(1, SeqCst);
                            break;
                        }
                    }
                });
            }
        });
        assert_eq!(ended.load(SeqCst), 4);
    });
}

/// The payload's own drop panics, too.
#[test]
fn a_panic_with_an_evil_payload() {
    struct Evil;
    impl Drop for Evil {
        fn drop(&mut self) {
            panic::panic_any(()); // nothing that could be leaked
        }
    }
    quietly(|| {
        let (armed, calls) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicUsize::new(0)),
        );
        let (fire, counter) = (Arc::clone(&armed), Arc::clone(&calls));
        let options = Options::new().comparator("evil", move |a, b| {
            if fire.load(SeqCst) {
                counter.fetch_add(1, SeqCst);
                panic::panic_any(Evil);
            }
            a.cmp(b)
        });
        let table = options.build().unwrap();
        for i in 0..200u8 {
            table.put([i], "v").unwrap();
        }
        armed.store(true, SeqCst);
        assert_eq!(table.put([70, 1], "w"), Err(Error::CallbackPanicked));
        assert_eq!(table.put([80, 1], "w"), Err(Error::CallbackPanicked));
        assert_eq!(table.get([70]), Err(Error::CallbackPanicked));
        assert_eq!(calls.load(SeqCst), 1, "it is not asked again");
    });
}

#[test]
fn a_comparator_that_contradicts_itself_does_no_harm() {
    let state = AtomicUsize::new(1);
    let options = Options::new().comparator("random", move |_, _| {
        let next = state
            .load(SeqCst)
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        state.store(next, SeqCst);
        [Ordering::Less, Ordering::Equal, Ordering::Greater][(next >> 33) % 3]
    });
    let table = options.build().unwrap();
    for i in 0..2000u32 {
        table.put(i.to_be_bytes(), i.to_le_bytes()).unwrap();
        if let Some(entry) = table.get(i.to_be_bytes()).unwrap() {
            assert_eq!(entry.value.len(), 4);
        }
    }
    let mut seen = 0;
    for entry in table.iter().take(100_000) {
        match entry {
            Ok(entry) => assert_eq!(entry.key.len(), 4),
            Err(error) => assert_eq!(error, Error::Corrupt),
        }
        seen += 1;
    }
    assert!(seen > 0);
    drop(table);
}

/// Safe code can get hold of the table inside its comparator.
#[test]
fn calls_from_inside_a_comparator_are_refused() {
    type Shared = Arc<Mutex<(Option<Table>, Vec<Error>)>>;
    let shared: Shared = Arc::default();
    let inside = Arc::clone(&shared);
    let plain = Table::new().unwrap();
    let other = plain.clone();
    let options = Options::new().comparator("nosy", move |a, b| {
        let mut inside = inside.lock().unwrap();
        if let (Some(table), errors) = &mut *inside {
            errors.extend(table.get(a).err());
            errors.extend(table.put(a, "x").err());
            errors.extend(table.seal().err());
            errors.extend(table.rotate().err());
            errors.extend(table.iter().next().unwrap().err());
            errors.extend(table.clone().reset().err());
        }
        other.put(a, "seen").unwrap(); // another table is another matter
        a.cmp(b)
    });
    let table = options.build().unwrap();
    table.put("a", "1").unwrap();
    shared.lock().unwrap().0 = Some(table.clone());
    table.put("b", "1").unwrap();
    let errors = std::mem::take(&mut shared.lock().unwrap().1);
    assert!(errors.len() >= 6 && errors.len() % 6 == 0, "{:?}", errors);
    assert!(errors.iter().all(|error| *error == Error::Reentrant));
    assert!(plain.contains_key("b").unwrap() || plain.contains_key("a").unwrap());
    let table_in_comparator = shared.lock().unwrap().0.take();
    drop(table_in_comparator); // else the table would keep itself
    assert_eq!(keys(&table), [b"a", b"b"]);
}

/// Takes regions from the heap, counts them, and fails when told to.
#[derive(Default)]
struct Heap {
    regions: Mutex<Vec<(usize, Layout)>>,
    released: AtomicUsize,
    committed: AtomicUsize,
    refuse: AtomicBool,
    panic: AtomicBool,
}

struct Shared(Arc<Heap>);

// SAFETY: regions are allocations of their own, all of them usable at once.
unsafe impl Allocator for Shared {
    fn reserve(&self, size: usize, alignment: usize) -> Option<NonNull<u8>> {
        let layout = Layout::from_size_align(size, alignment).unwrap();
        let region = NonNull::new(unsafe { alloc(layout) })?;
        let mut regions = self.0.regions.lock().unwrap();
        regions.push((region.as_ptr() as usize, layout));
        Some(region)
    }

    unsafe fn commit(&self, address: *mut u8, size: usize) -> bool {
        let regions = self.0.regions.lock().unwrap();
        let inside = |(base, layout): &(usize, Layout)| {
            address as usize >= *base && address as usize + size <= base + layout.size()
        };
        assert!(regions.iter().any(inside));
        drop(regions);
        if self.0.panic.load(SeqCst) {
            panic!("told to");
        }
        self.0.committed.fetch_add(1, SeqCst);
        !self.0.refuse.load(SeqCst)
    }

    unsafe fn release(&self, address: *mut u8, size: usize) {
        let mut regions = self.0.regions.lock().unwrap();
        let at = regions
            .iter()
            .position(|region| region.0 == address as usize);
        let (_, layout) = regions.remove(at.unwrap());
        assert_eq!(layout.size(), size);
        dealloc(address, layout);
        self.0.released.fetch_add(1, SeqCst);
    }
}

#[test]
fn own_memory() {
    let heap = Arc::new(Heap::default());
    let options = Options::new()
        .memory_limit(1 << 20)
        .allocator(Shared(Arc::clone(&heap)));
    let table = options.build().unwrap();
    drop(options);
    let fresh = table.rotate().unwrap();
    assert_eq!(heap.regions.lock().unwrap().len(), 2);
    for i in 0..1000u32 {
        fresh.put(i.to_be_bytes(), [0; 50]).unwrap();
    }
    assert!(heap.committed.load(SeqCst) > 2);
    let snapshot = fresh.snapshot().unwrap();
    drop(table);
    drop(fresh);
    assert_eq!(heap.released.load(SeqCst), 1);
    assert_eq!(snapshot.iter().count(), 1000);
    drop(snapshot);
    assert_eq!(heap.released.load(SeqCst), 2);
    assert!(heap.regions.lock().unwrap().is_empty());
    assert_eq!(Arc::strong_count(&heap), 1);
}

#[test]
fn an_allocator_without_memory_and_one_that_panics() {
    quietly(|| {
        let heap = Arc::new(Heap::default());
        let options = Options::new()
            .memory_limit(1 << 20)
            .allocator(Shared(Arc::clone(&heap)));
        let table = options.build().unwrap();
        for flag in [&heap.refuse, &heap.panic] {
            flag.store(true, SeqCst);
            let error = loop {
                if let Err(error) = table.put("key", [0; 1000]) {
                    break error;
                }
            };
            assert_eq!(error, Error::NoMemory);
            assert_eq!(options.build().unwrap_err(), Error::NoMemory);
            assert!(table.contains_key("key").unwrap());
            flag.store(false, SeqCst);
            table.put("key", [0; 1000]).unwrap();
        }
        let insist = options.huge_pages(fastskip::HugePages::Insist);
        assert_eq!(insist.build().unwrap_err(), Error::Unsupported);
    });
}
