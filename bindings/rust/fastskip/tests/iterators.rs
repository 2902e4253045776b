//! Iterators against a sorted list: both ends, mixed, ranges of every form, versions.

use std::ops::Bound;
use std::ops::Bound::{Excluded, Included, Unbounded};

use fastskip::{Entry, Iter, Kind, Options, SequenceMode, Table};

fn keys(iter: Iter<'_>) -> Vec<Vec<u8>> {
    iter.map(|entry| entry.unwrap().key.to_vec()).collect()
}

/// Keys 0, 2, 4, ... as two bytes, so that there is a key between any two.
fn evens(n: u16) -> Table {
    let table = Table::new().unwrap();
    // Scattered: 5 has no divisor in common with the power of two.
    for i in 0..n {
        let key = (i * 5 % n) * 2;
        table.put(key.to_be_bytes(), key.to_le_bytes()).unwrap();
    }
    table
}

#[test]
fn forwards_and_backwards() {
    for n in [0u16, 1, 7, 8, 9, 256, 264, 4096] {
        let table = evens(n.next_power_of_two());
        let expected: Vec<_> = (0..n.next_power_of_two())
            .map(|i| (i * 2).to_be_bytes().to_vec())
            .collect();
        assert_eq!(keys(table.iter()), expected);
        let mut back: Vec<_> = table
            .iter()
            .rev()
            .map(|e| e.unwrap().key.to_vec())
            .collect();
        back.reverse();
        assert_eq!(back, expected);
        assert_eq!((&table).into_iter().count(), expected.len());
    }
    let empty = Table::new().unwrap();
    assert_eq!(empty.iter().next(), None);
    assert_eq!(empty.iter().next_back(), None);
}

/// Takes from the ends as the bits of `pattern` say, until nothing is left, and a few times more.
fn both_ends(mut iter: Iter<'_>, pattern: u32) -> (Vec<Entry<'_>>, Vec<Entry<'_>>) {
    let (mut front, mut back) = (Vec::new(), Vec::new());
    let mut turn = 0;
    loop {
        let forward = pattern >> (turn % 32) & 1 == 0;
        turn += 1;
        let (next, side) = if forward {
            (iter.next(), &mut front)
        } else {
            (iter.next_back(), &mut back)
        };
        match next {
            Some(entry) => side.push(entry.unwrap()),
            None => break,
        }
    }
    for _ in 0..3 {
        assert!(iter.next().is_none() && iter.next_back().is_none());
    }
    back.reverse();
    (front, back)
}

/// In turns of several lengths, and at random.
fn patterns() -> impl Iterator<Item = u32> {
    let turns = [
        0x5555_5555,
        0xaaaa_aaaa,
        0x0000_ffff,
        0xffff_0000,
        0x7777_7777,
        0x8888_8888,
    ];
    let random = (1..60u32).map(|i| i.wrapping_mul(0x9e37_79b9).rotate_left(i));
    IntoIterator::into_iter(turns).chain(random)
}

#[test]
fn ends_meet() {
    let table = evens(1024);
    let expected = keys(table.iter());
    for pattern in patterns() {
        let (mut front, back) = both_ends(table.iter(), pattern);
        front.extend(back);
        let found: Vec<_> = front.iter().map(|e| e.key.to_vec()).collect();
        assert_eq!(found, expected, "{:x}", pattern);
    }
}

#[test]
fn ends_meet_among_versions() {
    let table = Table::new().unwrap();
    for round in 0..5u8 {
        for key in 0..20u8 {
            // Empty values and repeated tombstones: nothing but their place tells them apart.
            if (key + round) % 3 == 0 {
                table.delete([key]).unwrap();
            } else {
                table.put([key], vec![round; usize::from(key % 2)]).unwrap();
            }
        }
    }
    let all = |iter: Iter<'_>| -> Vec<_> {
        iter.map(|e| e.unwrap())
            .map(|e| (e.key.to_vec(), e.value.to_vec(), e.kind))
            .collect()
    };
    let expected = all(table.scan().all_versions().iter());
    assert_eq!(expected.len(), 100);
    let mut back = table
        .scan()
        .all_versions()
        .iter()
        .rev()
        .collect::<Result<Vec<_>, _>>()
        .unwrap();
    back.reverse();
    let shown = |e: &Entry<'_>| (e.key.to_vec(), e.value.to_vec(), e.kind);
    assert_eq!(back.iter().map(shown).collect::<Vec<_>>(), expected);
    for pattern in patterns() {
        let (mut front, back) = both_ends(table.scan().all_versions().iter(), pattern);
        front.extend(back);
        assert_eq!(
            front.iter().map(shown).collect::<Vec<_>>(),
            expected,
            "{:x}",
            pattern
        );
    }
}

fn bounds() -> Vec<Bound<u16>> {
    let mut all = vec![Unbounded];
    for key in [0u16, 1, 2, 17, 18, 19, 62, 63, 64] {
        all.push(Included(key));
        all.push(Excluded(key));
    }
    all
}

fn bytes(bound: Bound<u16>) -> Bound<[u8; 2]> {
    match bound {
        Included(key) => Included(key.to_be_bytes()),
        Excluded(key) => Excluded(key.to_be_bytes()),
        Unbounded => Unbounded,
    }
}

fn expected_in(lower: Bound<u16>, upper: Bound<u16>, descending: bool) -> Vec<Vec<u8>> {
    let after = |key: u16| match lower {
        Included(bound) => {
            if descending {
                key <= bound
            } else {
                key >= bound
            }
        }
        Excluded(bound) => {
            if descending {
                key < bound
            } else {
                key > bound
            }
        }
        Unbounded => true,
    };
    let before = |key: u16| match upper {
        Included(bound) => {
            if descending {
                key >= bound
            } else {
                key <= bound
            }
        }
        Excluded(bound) => {
            if descending {
                key > bound
            } else {
                key < bound
            }
        }
        Unbounded => true,
    };
    let mut all: Vec<u16> = (0..32)
        .map(|i| i * 2)
        .filter(|key| after(*key) && before(*key))
        .collect();
    if descending {
        all.reverse();
    }
    all.iter().map(|key| key.to_be_bytes().to_vec()).collect()
}

#[test]
fn every_range() {
    let ascending = evens(32);
    let descending = Options::new()
        .comparator("descending", |a, b| b.cmp(a))
        .build()
        .unwrap();
    for entry in &ascending {
        let entry = entry.unwrap();
        descending.put(entry.key, entry.value).unwrap();
    }
    for (table, down) in [(&ascending, false), (&descending, true)] {
        for lower in bounds() {
            for upper in bounds() {
                let expected = expected_in(lower, upper, down);
                let range = || table.range((bytes(lower), bytes(upper)));
                assert_eq!(keys(range()), expected, "{:?} {:?} {}", lower, upper, down);
                let mut back: Vec<_> = range().rev().map(|e| e.unwrap().key.to_vec()).collect();
                back.reverse();
                assert_eq!(back, expected, "back, {:?} {:?} {}", lower, upper, down);
                let (mut front, back) = both_ends(range(), 0x6666_6666);
                front.extend(back);
                assert_eq!(
                    front.len(),
                    expected.len(),
                    "{:?} {:?} {}",
                    lower,
                    upper,
                    down
                );
            }
        }
    }
}

#[test]
fn ranges_of_all_types() {
    let table = Table::new().unwrap();
    for key in ["a", "b", "c", "d"] {
        table.put(key, "").unwrap();
    }
    let count = |iter: Iter<'_>| iter.count();
    assert_eq!(count(table.range("b".."d")), 2);
    assert_eq!(count(table.range(b"b"..=b"d")), 3);
    assert_eq!(count(table.range(vec![b'b']..)), 3);
    assert_eq!(count(table.range(.."c")), 2);
    assert_eq!(count(table.range(..=String::from("c"))), 3);
    assert_eq!(count(table.range(..)), 4);
    assert_eq!(count(table.range(&b"b"[..]..&b"bb"[..])), 1);
    assert_eq!(count(table.range((Excluded("a"), Unbounded))), 3);
    fn any<R: std::ops::RangeBounds<Vec<u8>>>(table: &Table, range: R) -> usize {
        table
            .range((range.start_bound(), range.end_bound()))
            .count()
    }
    assert_eq!(any(&table, vec![b'b']..=vec![b'c']), 2);
    // No key is left out or let in because it is the longest one.
    let longest = vec![0xffu8; fastskip::KEY_MAX];
    table.put(&longest, "").unwrap();
    assert_eq!(count(table.range(..=&longest)), 5);
    assert_eq!(count(table.range((Excluded(&longest), Unbounded))), 0);
}

#[test]
fn an_iterator_is_of_one_instant() {
    let table = evens(64);
    let mut iter = table.iter();
    let snapshot = table.snapshot().unwrap();
    for i in 0..64u16 {
        table.put((i * 2 + 1).to_be_bytes(), "").unwrap();
        table.delete((i * 2).to_be_bytes()).unwrap();
    }
    assert!(iter.next_back().is_some());
    assert_eq!(iter.by_ref().count(), 63);
    assert_eq!(snapshot.iter().count(), 64);
    assert_eq!(table.iter().count(), 64);
    assert_eq!(table.scan().tombstones().iter().count(), 128);
}

#[test]
fn callers_mode_shows_what_comes_in_order() {
    let options = Options::new().sequence_mode(SequenceMode::Caller);
    let table = options.build().unwrap();
    for i in (0..100u8).step_by(2) {
        table.put_at(1, Kind::PUT, [i], "").unwrap();
    }
    // Writes while both ends are under way: none may come twice or out of order.
    let mut iter = table.iter();
    let (mut front, mut back) = (Vec::new(), Vec::new());
    for turn in 0.. {
        table
            .put_at(2 + turn, Kind::PUT, [(turn * 7 % 100) as u8], "")
            .unwrap();
        let hidden = [(turn * 13 % 100) as u8];
        table.put_at(1000 + turn, Kind::DELETE, hidden, "").unwrap();
        match iter.next() {
            Some(entry) => front.push(entry.unwrap().key[0]),
            None => break,
        }
        match iter.next_back() {
            Some(entry) => back.push(entry.unwrap().key[0]),
            None => break,
        }
    }
    back.reverse();
    front.extend(back);
    assert!(
        front.windows(2).all(|pair| pair[0] < pair[1]),
        "{:?}",
        front
    );
    assert!(front.len() > 10);
}

#[test]
fn cursors() {
    let table = evens(8);
    let mut cursor = table.cursor().unwrap();
    assert!(!cursor.valid() && cursor.entry().is_none());
    assert!(!cursor.move_next().unwrap() && !cursor.move_prev().unwrap());
    let key = |c: &fastskip::Cursor<'_>| c.entry().unwrap().key.to_vec();
    assert!(cursor.seek_first().unwrap());
    assert_eq!(key(&cursor), [0, 0]);
    assert!(cursor.seek_last().unwrap());
    assert_eq!(key(&cursor), [0, 14]);
    assert!(!cursor.move_next().unwrap());
    assert!(cursor.seek([0, 3]).unwrap());
    assert_eq!(key(&cursor), [0, 4]);
    assert!(cursor.seek_for_prev([0, 3]).unwrap());
    assert_eq!(key(&cursor), [0, 2]);
    assert!(cursor.move_next().unwrap() && cursor.move_prev().unwrap());
    assert_eq!(key(&cursor), [0, 2]);
    cursor.set_bounds(Some(&[0, 4]), Some(&[0, 8])).unwrap();
    assert!(!cursor.valid());
    assert!(cursor.seek_last().unwrap());
    assert_eq!(key(&cursor), [0, 6]);
    cursor.set_bounds(None, None).unwrap();
    assert!(cursor.seek([0, 14]).unwrap());
    assert!(!cursor.seek([0, 15]).unwrap());
    let mut ranged = table.scan().range([0, 4]..[0, 8]).cursor().unwrap();
    assert!(ranged.seek_first().unwrap());
    assert_eq!(key(&ranged), [0, 4]);
    let inclusive = table.scan().range(..=[0, 8]).cursor();
    assert!(matches!(inclusive, Err(fastskip::Error::Unsupported)));
    let entry = cursor.entry();
    drop(cursor);
    assert_eq!(entry, None);
}

/// What was read stays good when the iterator, the cursor or the snapshot's iterator is gone.
#[test]
fn entries_outlive_what_they_were_read_with() {
    let table = evens(512);
    let entries: Vec<Entry<'_>> = table.iter().map(|e| e.unwrap()).collect();
    for i in 0..512u16 {
        table.put((i * 2).to_be_bytes(), "overwritten").unwrap();
    }
    for (i, entry) in (0..512u16).zip(&entries) {
        assert_eq!(entry.key, (i * 2).to_be_bytes());
        assert_eq!(entry.value, (i * 2).to_le_bytes());
    }
    let snapshot = table.snapshot().unwrap();
    drop(entries);
    drop(table);
    let kept: Vec<Entry<'_>> = snapshot.iter().map(|e| e.unwrap()).collect();
    assert!(kept.iter().all(|e| e.value == b"overwritten"));
}
