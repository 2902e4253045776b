//! The whole interface of tables, snapshots and batches.

use fastskip::{Batch, Error, HugePages, Kind, Options, SequenceMode, Stat, Table};

fn value(entry: fastskip::Result<Option<fastskip::Entry<'_>>>) -> Option<&[u8]> {
    entry.unwrap().map(|entry| entry.value)
}

#[test]
fn put_get_delete() {
    let t = Table::new().unwrap();
    assert!(t.is_empty().unwrap());
    t.put("apple", "red").unwrap();
    t.put(b"apple", vec![1u8, 2]).unwrap();
    t.put(String::from("pear"), b"green").unwrap();
    assert_eq!(value(t.get("apple")), Some(&[1u8, 2][..]));
    assert_eq!(value(t.get("fig")), None);
    t.delete("pear").unwrap();
    t.delete("absent").unwrap();
    assert_eq!(value(t.get("pear")), None);
    assert!(t.get_raw("pear").unwrap().unwrap().is_tombstone());
    let tombstone = t.get_raw("absent").unwrap().unwrap();
    assert_eq!(
        (tombstone.key, tombstone.kind),
        (&b"absent"[..], Kind::DELETE)
    );
    assert!(t.contains_key("apple").unwrap());
    assert!(!t.contains_key("pear").unwrap());
    t.put("pear", "again").unwrap();
    assert_eq!(value(t.get("pear")), Some(&b"again"[..]));
    assert_eq!(t.len().unwrap(), 2);
    t.check().unwrap();
}

#[test]
fn empty_and_longest() {
    let t = Table::new().unwrap();
    t.put("", "").unwrap();
    let entry = t.get("").unwrap().unwrap();
    assert_eq!((entry.key, entry.value), (&b""[..], &b""[..]));
    let longest = vec![7u8; fastskip::KEY_MAX];
    t.put(&longest, &longest).unwrap();
    assert_eq!(value(t.get(&longest)), Some(&longest[..]));
    let longer = vec![7u8; fastskip::KEY_MAX + 1];
    assert_eq!(t.put(&longer, ""), Err(Error::TooLarge));
    assert_eq!(t.get(&longer), Err(Error::TooLarge));
    assert_eq!(t.get_many(&[&longer]), Err(Error::TooLarge));
    assert_eq!(t.contains_key(&longer), Err(Error::TooLarge));
    assert_eq!(t.range(&longer[..]..).next(), Some(Err(Error::TooLarge)));
    let small = Options::new().memory_limit(64 << 10).build().unwrap();
    assert_eq!(small.put("k", vec![0u8; 70_000]), Err(Error::TooLarge));
}

#[test]
fn insert_and_get_or_insert() {
    let t = Table::new().unwrap();
    assert!(t.insert("k", "1").unwrap());
    assert!(!t.insert("k", "2").unwrap());
    let (entry, new) = t.get_or_insert("k", "3").unwrap();
    assert_eq!((entry.value, new), (&b"1"[..], false));
    t.delete("k").unwrap();
    let (entry, new) = t.get_or_insert("k", "4").unwrap();
    assert_eq!((entry.value, new), (&b"4"[..], true));
    t.delete("k").unwrap();
    assert!(t.insert("k", "5").unwrap());
    t.seal().unwrap();
    assert_eq!(t.insert("k", "6"), Err(Error::Sealed));
    assert_eq!(t.get_or_insert("k", "6"), Err(Error::Sealed));
}

#[test]
fn kinds() {
    assert_eq!(Kind::own(1), None);
    assert_eq!(Kind::own(128), None);
    assert_eq!((Kind::PUT.number(), Kind::DELETE.number()), (0, 1));
    let merge = Kind::own(2).unwrap();
    let t = Table::new().unwrap();
    t.put_kind(merge, "k", "+1").unwrap();
    let entry = t.get("k").unwrap().unwrap();
    assert_eq!((entry.kind, entry.value), (merge, &b"+1"[..]));
    assert_eq!(t.put_kind(Kind::PUT, "k", "v"), Err(Error::Invalid));
    assert_eq!(format!("{:?} {:?}", merge, Kind::PUT), "OWN(2) PUT");
}

#[test]
fn many_at_once() {
    let t = Table::new().unwrap();
    for i in 0..1000u32 {
        t.put(i.to_be_bytes(), i.to_le_bytes()).unwrap();
    }
    t.delete(500u32.to_be_bytes()).unwrap();
    let keys: Vec<[u8; 4]> = (490..1010u32).map(u32::to_be_bytes).collect();
    let found = t.get_many(&keys).unwrap();
    assert_eq!(found.len(), 520);
    for (i, entry) in (490..1010u32).zip(found) {
        let expected = (i != 500 && i < 1000).then(|| i.to_le_bytes());
        assert_eq!(
            entry.map(|e| e.value.to_vec()),
            expected.map(|v| v.to_vec())
        );
    }
    assert!(t.get_many::<&str>(&[]).unwrap().is_empty());
}

#[test]
fn snapshots_do_not_change() {
    let t = Table::new().unwrap();
    t.put("a", "1").unwrap();
    let before = t.snapshot().unwrap();
    t.put("a", "2").unwrap();
    t.put("b", "3").unwrap();
    let between = t.snapshot().unwrap();
    t.delete("a").unwrap();
    assert!(before.sequence() < between.sequence());
    assert_eq!(value(before.get("a")), Some(&b"1"[..]));
    assert_eq!(value(between.get("a")), Some(&b"2"[..]));
    assert_eq!(value(t.get("a")), None);
    assert!(!before.contains_key("b").unwrap());
    assert!(between.contains_key("b").unwrap());
    assert_eq!(before.get_raw("b").unwrap(), None);
    let found = between.get_many(&["a", "b", "c"]).unwrap();
    let found: Vec<_> = found.iter().map(|e| e.map(|e| e.value)).collect();
    assert_eq!(found, [Some(&b"2"[..]), Some(&b"3"[..]), None]);
    assert_eq!(before.iter().count(), 1);
    assert_eq!(between.range("b"..).count(), 1);
    assert_eq!((&between).into_iter().count(), 2);
    assert!(between.cursor().unwrap().seek("b").unwrap());
    assert_eq!(before.scan().tombstones().iter().count(), 1);
    let numbered = t.get_at(between.sequence(), "a").unwrap().unwrap();
    assert_eq!(numbered.value, b"2");
    assert_eq!(t.stat(Stat::Snapshots).unwrap(), 2);
    // It outlives the handle that it was made from.
    drop(t);
    assert_eq!(value(before.get("a")), Some(&b"1"[..]));
}

#[test]
fn batches() {
    let t = Table::new().unwrap();
    t.put("gone", "x").unwrap();
    let mut b = Batch::new().unwrap();
    assert!(b.is_empty());
    b.put("a", "1").unwrap();
    b.put("a", "2").unwrap();
    b.delete("gone").unwrap();
    b.put_kind(Kind::own(9).unwrap(), "m", "+").unwrap();
    assert_eq!(b.len(), 4);
    t.write(&mut b).unwrap();
    assert_eq!(value(t.get("a")), Some(&b"2"[..]));
    assert_eq!(value(t.get("gone")), None);
    assert_eq!(t.get("m").unwrap().unwrap().kind.number(), 9);
    // It keeps what it holds, also for another table.
    let other = Table::new().unwrap();
    other.write(&mut b).unwrap();
    assert_eq!(other.len().unwrap(), 2);
    b.put_at(1, Kind::PUT, "n", "1").unwrap();
    assert_eq!(t.write(&mut b), Err(Error::Invalid));
    b.clear().unwrap();
    assert!(b.is_empty());
    t.write(&mut b).unwrap();
    // All or nothing.
    let small = Options::new().entry_limit(2).build().unwrap();
    for key in ["a", "b", "c"] {
        b.put(key, "v").unwrap();
    }
    assert_eq!(small.write(&mut b), Err(Error::Full));
    assert!(small.is_empty().unwrap());
    let longer = vec![0u8; fastskip::KEY_MAX + 1];
    assert_eq!(b.put(&longer, ""), Err(Error::TooLarge));
    assert_eq!(b.len(), 3);
}

#[test]
fn callers_sequence_mode() {
    let options = Options::new().sequence_mode(SequenceMode::Caller);
    let t = options.build().unwrap();
    t.put_at(5, Kind::PUT, "k", "five").unwrap();
    t.put_at(3, Kind::PUT, "k", "three").unwrap();
    t.put_at(7, Kind::DELETE, "k", "").unwrap();
    assert_eq!(t.put_at(5, Kind::PUT, "k", "x"), Err(Error::Exists));
    assert_eq!(t.put_at(0, Kind::PUT, "k", "x"), Err(Error::Invalid));
    let over = fastskip::SEQUENCE_MAX + 1;
    assert_eq!(t.put_at(over, Kind::PUT, "k", "x"), Err(Error::Invalid));
    assert_eq!(value(t.get_at(4, "k")), Some(&b"three"[..]));
    assert_eq!(value(t.get_at(6, "k")), Some(&b"five"[..]));
    assert!(t.get_at(8, "k").unwrap().unwrap().is_tombstone());
    assert_eq!(t.get_at(2, "k").unwrap(), None);
    assert_eq!(t.scan().at(4).iter().count(), 1);
    assert_eq!(t.scan().at(7).iter().count(), 0);
    let numbers =
        |flags: fastskip::Iter<'_>| -> Vec<u64> { flags.map(|e| e.unwrap().sequence).collect() };
    assert_eq!(numbers(t.scan().all_versions().iter()), [7, 5, 3]);
    assert_eq!(numbers(t.scan().all_versions().at(6).iter()), [5, 3]);
    let back: Vec<u64> = t
        .scan()
        .all_versions()
        .iter()
        .rev()
        .map(|e| e.unwrap().sequence)
        .collect();
    assert_eq!(back, [3, 5, 7]);
    // Calls of the other mode.
    assert_eq!(t.put("k", "v"), Err(Error::Invalid));
    assert!(matches!(t.snapshot(), Err(Error::Invalid)));
    let auto = Table::new().unwrap();
    assert_eq!(auto.put_at(1, Kind::PUT, "k", "v"), Err(Error::Invalid));
    assert_eq!(auto.scan().at(1).iter().next(), Some(Err(Error::Invalid)));
    let mut b = Batch::new().unwrap();
    b.put_at(10, Kind::PUT, "a", "1").unwrap();
    b.put_at(11, Kind::own(3).unwrap(), "a", "2").unwrap();
    t.write(&mut b).unwrap();
    assert_eq!(value(t.get("a")), Some(&b"2"[..]));
    assert_eq!(t.write(&mut b), Err(Error::Exists));
}

#[test]
fn seal_rotate_reset() {
    let mut t = Options::new().entry_limit(10).build().unwrap();
    t.put("k", "v").unwrap();
    let fresh = t.rotate().unwrap();
    assert!(t.is_sealed() && !fresh.is_sealed());
    assert_eq!(t.put("k", "w"), Err(Error::Sealed));
    assert_eq!(t.delete("k"), Err(Error::Sealed));
    assert!(matches!(t.rotate(), Err(Error::Sealed)));
    t.seal().unwrap();
    assert_eq!(value(t.get("k")), Some(&b"v"[..]));
    for i in 0..10u8 {
        fresh.put([i], "v").unwrap();
    }
    assert_eq!(
        fresh.put("more", "v"),
        Err(Error::Full),
        "rotation keeps options"
    );
    assert!(fresh.under_backpressure() && !t.under_backpressure());

    let other = t.clone();
    assert_eq!(t.reset(), Err(Error::Busy));
    drop(other);
    let snapshot = t.snapshot().unwrap();
    assert_eq!(t.reset(), Err(Error::Busy));
    drop(snapshot);
    std::mem::drop(t.iter());
    t.reset().unwrap();
    assert!(!t.is_sealed() && t.is_empty().unwrap());
    t.put("k", "new").unwrap();
    assert_eq!(value(t.get("k")), Some(&b"new"[..]));
}

#[test]
fn a_forgotten_iterator_makes_reset_busy() {
    let mut t = Table::new().unwrap();
    t.put("k", "v").unwrap();
    // Kept from the leak checker only.
    let forgotten: fastskip::Iter<'static> = unsafe { std::mem::transmute(t.iter()) };
    assert_eq!(t.reset(), Err(Error::Busy));
    assert_eq!(value(t.get("k")), Some(&b"v"[..]));
    drop(forgotten);
    t.reset().unwrap();
}

#[test]
fn limits() {
    let t = Options::new().memory_limit(64 << 10).build().unwrap();
    let mut i = 0u32;
    let error = loop {
        if let Err(error) = t.put(i.to_be_bytes(), [0; 100]) {
            break error;
        }
        i += 1;
    };
    assert_eq!(error, Error::Full);
    assert!(t.stat(Stat::MemoryReserved).unwrap() <= 64 << 10);
    assert_eq!(t.stat(Stat::Keys).unwrap(), u64::from(i));
    assert!(t.under_backpressure());
    t.check().unwrap();
}

#[test]
fn options() {
    let t = Options::new()
        .shards(3)
        .block_size(4096)
        .memory_limit(1 << 20)
        .entry_limit(5)
        .backpressure(40)
        .huge_pages(HugePages::Never)
        .sequence_mode(SequenceMode::Auto)
        .checksum(4)
        .paranoid(true)
        .seed(42)
        .build()
        .unwrap();
    assert_eq!(t.stat(Stat::Shards).unwrap(), 3);
    assert_eq!(t.stat(Stat::MemoryLimit).unwrap(), 1 << 20);
    t.put("a", "1").unwrap();
    assert!(!t.under_backpressure());
    t.put("a", "2").unwrap();
    assert!(t.under_backpressure());
    let refused = |options: Options| options.build().map(|_| ()).unwrap_err();
    assert_eq!(
        refused(Options::new().shards(0)),
        Error::InvalidOption("shards")
    );
    assert_eq!(
        refused(Options::new().checksum(3)),
        Error::InvalidOption("checksum")
    );
    assert_eq!(
        refused(Options::new().block_size(5000)),
        Error::InvalidOption("block_size")
    );
    assert_eq!(
        refused(Options::new().memory_limit(1)),
        Error::InvalidOption("memory_limit")
    );
    assert_eq!(
        refused(Options::new().backpressure(101)),
        Error::InvalidOption("backpressure")
    );
    let named = Options::new().comparator(&"n".repeat(64), |a, b| a.cmp(b));
    assert_eq!(refused(named), Error::InvalidOption("comparator"));
    assert!(format!("{:?}", Options::new().shards(3)).contains("shards: Some(3)"));
}

#[test]
fn statistics() {
    let t = Table::new().unwrap();
    for i in 0..100u32 {
        t.put(i.to_be_bytes(), [0; 10]).unwrap();
    }
    t.put(0u32.to_be_bytes(), [0; 20]).unwrap();
    t.delete(1u32.to_be_bytes()).unwrap();
    let stat = |stat| t.stat(stat).unwrap();
    assert_eq!(stat(Stat::Keys), 100);
    assert_eq!(stat(Stat::Live), 99);
    assert_eq!(stat(Stat::Tombstones), 1);
    assert_eq!(stat(Stat::Versions), 102);
    assert_eq!(stat(Stat::KeyBytes), 400);
    assert_eq!(stat(Stat::ValueBytes), 1020);
    assert_eq!(stat(Stat::Writes), 102);
    assert_eq!(stat(Stat::Retries), 0);
    assert!(stat(Stat::MemoryUsed) > 1420);
    assert!(stat(Stat::MemoryReserved) >= stat(Stat::MemoryUsed));
    assert!(stat(Stat::Chunks) >= 1);
    assert!(stat(Stat::Blocks) >= 3);
    assert!(stat(Stat::Height) >= 1);
    assert!(stat(Stat::MemoryWasted) < stat(Stat::MemoryUsed));
    let about = t
        .approximate_count(10u32.to_be_bytes()..60u32.to_be_bytes())
        .unwrap();
    assert!((25..=100).contains(&about), "{}", about);
    assert!(t.approximate_count(..).unwrap() >= 50);
    assert_eq!(t.approximate_count("b".."a").unwrap(), 0);
    let shown = format!("{:?}", t);
    assert!(
        shown.contains("keys: Some(100)") && shown.contains("sealed: false"),
        "{}",
        shown
    );
}

#[test]
fn errors_are_errors() {
    let error: Box<dyn std::error::Error + Send + Sync> = Box::new(Error::Sealed);
    assert_eq!(error.to_string(), "the table is sealed");
    assert_eq!(Error::Sealed.status(), Some(-5));
    assert_eq!(Error::CallbackPanicked.status(), None);
    assert_eq!(
        Error::InvalidOption("shards").to_string(),
        "option shards is out of range"
    );
    let all = [
        Error::Invalid,
        Error::NoMemory,
        Error::Exists,
        Error::Full,
        Error::TooLarge,
        Error::Busy,
        Error::Unsupported,
        Error::Corrupt,
        Error::CallbackPanicked,
        Error::Reentrant,
    ];
    let words: std::collections::HashSet<String> = all.iter().map(|e| e.to_string()).collect();
    assert_eq!(words.len(), all.len());
    assert!(fastskip::version().starts_with("1."));
    assert!(!fastskip::build().is_empty());
}

/// Every function that the library exports is called by this crate.
#[test]
fn nothing_is_left_out() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = std::fs::read_to_string(here.join("../../../abi/fastskip.symbols")).unwrap();
    let mut source = String::new();
    for file in std::fs::read_dir(here.join("src")).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            source += &std::fs::read_to_string(path).unwrap();
        }
    }
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split('@').next())
        .collect();
    assert!(names.len() >= 62);
    for name in names {
        let called = source
            .match_indices(&format!("sys::{}", name))
            .any(|(at, found)| {
                let next = source[at + found.len()..].chars().next();
                !next.map_or(false, |c| c.is_alphanumeric() || c == '_')
            });
        assert!(called, "{} is not called", name);
    }
}

fn is_shared<T: Send + Sync>() {}

#[test]
fn everything_can_be_sent_and_shared() {
    is_shared::<Table>();
    is_shared::<fastskip::Snapshot>();
    is_shared::<Batch>();
    is_shared::<fastskip::Iter<'_>>();
    is_shared::<fastskip::Cursor<'_>>();
    is_shared::<fastskip::Scan<'_>>();
    is_shared::<fastskip::Entry<'_>>();
    is_shared::<Options>();
    is_shared::<Error>();
    is_shared::<fastskip::compat::ConcurrentSkipList>();
    is_shared::<fastskip::compat::FrozenMemtable>();
    is_shared::<fastskip::compat::Snapshot<'_>>();
    is_shared::<fastskip::compat::Cursor<'_>>();
    is_shared::<fastskip::compat::Iter<'_>>();
}
