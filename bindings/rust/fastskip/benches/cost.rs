//! What a call costs: the C library called directly, this crate, and what the standard library has.
//!
//!     cargo bench --bench cost [-- ROUNDS]
//!
//! Each round runs every contender once, one after the other, each on a table or map of its own with
//! the same keys; what is printed is the median over the rounds of CPU time per entry, and of the
//! ratios within a round. One thread.

use std::collections::BTreeMap;
use std::os::raw::{c_long, c_void};
use std::ptr;
use std::sync::RwLock;

use fastskip::compat::ConcurrentSkipList;
use fastskip::{Options, Table};
use fastskip_sys as sys;

const ENTRIES: usize = 200_000;
const KEY: usize = 20;
const VALUE: usize = 100;
const MANY: usize = 64;

extern "C" {
    fn clock() -> c_long; // of libc: microseconds of CPU time
}

struct Data {
    keys: Vec<[u8; KEY]>,
    value: [u8; VALUE],
}

impl Data {
    fn new() -> Data {
        let key = |i: usize| {
            let mut key = [b'k'; KEY];
            let number = format!("{:016}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 12);
            key[..16].copy_from_slice(number.as_bytes());
            key
        };
        Data {
            keys: (0..ENTRIES).map(key).collect(),
            value: [b'v'; VALUE],
        }
    }
}

/// Makes the compiler believe that the value is used; `black_box` came with Rust 1.66.
#[inline(always)]
fn keep<T>(value: &T) {
    // SAFETY: a reference can be read, and what is read is not dropped.
    std::mem::forget(unsafe { ptr::read_volatile(value) });
}

/// Nanoseconds of CPU time per entry.
fn timed<R>(run: impl FnOnce() -> R) -> f64 {
    // SAFETY: clock takes nothing.
    let before = unsafe { clock() };
    keep(&run());
    let after = unsafe { clock() };
    (after - before) as f64 * 1000.0 / ENTRIES as f64
}

/// Put, get, many gets at once, scan; NaN where there is none.
type Costs = [f64; 4];
const CALLS: [&str; 4] = ["put", "get", "get, 64 at once", "scan"];

fn options() -> Options {
    Options::new().memory_limit(256 << 20).shards(4).seed(1)
}

/// The calls that a C program makes, on the same kind of table.
fn c(data: &Data) -> Costs {
    let table = options().build().unwrap();
    let t = table.as_raw();
    let mut entry = unsafe { std::mem::zeroed::<sys::fastskip_entry>() };
    let put = timed(|| {
        for key in &data.keys {
            let (k, v) = (key.as_ptr().cast(), data.value.as_ptr().cast());
            let status = unsafe { sys::fastskip_put(t, k, KEY, v, VALUE) };
            assert_eq!(status, sys::FASTSKIP_OK);
        }
    });
    let get = timed(|| {
        for key in &data.keys {
            let k = key.as_ptr().cast();
            let status = unsafe { sys::fastskip_get(t, ptr::null(), k, KEY, &mut entry) };
            assert_eq!(status, sys::FASTSKIP_OK);
            keep(&entry.value_size);
        }
    });
    let many = timed(|| {
        let mut entries = [entry; MANY];
        let mut statuses = [0; MANY];
        let sizes = [KEY; MANY];
        let mut pointers = [ptr::null::<c_void>(); MANY];
        for keys in data.keys.chunks_exact(MANY) {
            for (pointer, key) in pointers.iter_mut().zip(keys) {
                *pointer = key.as_ptr().cast();
            }
            let (p, s) = (pointers.as_ptr(), sizes.as_ptr());
            let (e, r) = (entries.as_mut_ptr(), statuses.as_mut_ptr());
            let status = unsafe { sys::fastskip_get_many(t, ptr::null(), MANY, p, s, e, r) };
            assert_eq!(status, sys::FASTSKIP_OK);
            for (entry, status) in entries.iter().zip(&statuses) {
                assert_eq!(*status, sys::FASTSKIP_OK);
                keep(&entry.value_size);
            }
        }
    });
    let scan = timed(|| unsafe {
        let mut it = ptr::null_mut();
        let mut count = 0;
        sys::fastskip_iterator_new(t, ptr::null(), 0, &mut it);
        let mut status = sys::fastskip_iterator_seek_first(it);
        while status == sys::FASTSKIP_OK {
            sys::fastskip_iterator_entry(it, &mut entry);
            keep(&entry.value_size);
            count += 1;
            status = sys::fastskip_iterator_next(it);
        }
        sys::fastskip_iterator_free(it);
        assert_eq!(count, ENTRIES);
    });
    [put, get, many, scan]
}

fn rust(data: &Data) -> Costs {
    let table: Table = options().build().unwrap();
    let put = timed(|| {
        for key in &data.keys {
            table.put(key, data.value).unwrap();
        }
    });
    let get = timed(|| {
        for key in &data.keys {
            let entry = table.get(key).unwrap().unwrap();
            keep(&entry.value.len());
        }
    });
    let many = timed(|| {
        for keys in data.keys.chunks_exact(MANY) {
            for entry in table.get_many(keys).unwrap() {
                keep(&entry.unwrap().value.len());
            }
        }
    });
    let scan = timed(|| {
        let mut count = 0;
        for entry in &table {
            keep(&entry.unwrap().value.len());
            count += 1;
        }
        assert_eq!(count, ENTRIES);
    });
    [put, get, many, scan]
}

fn compat(data: &Data) -> Costs {
    let list = ConcurrentSkipList::with_shards(4);
    let put = timed(|| {
        for key in &data.keys {
            assert!(list.insert(key, &data.value));
        }
    });
    let get = timed(|| {
        for key in &data.keys {
            keep(&list.get_live(key).unwrap().len());
        }
    });
    let many = timed(|| {
        for keys in data.keys.chunks_exact(MANY) {
            let keys: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
            for value in list.get_many(&keys) {
                keep(&value.unwrap().len());
            }
        }
    });
    let scan = timed(|| {
        let mut count = 0;
        for entry in list.iter() {
            keep(&entry.value.len());
            count += 1;
        }
        assert_eq!(count, ENTRIES);
    });
    [put, get, many, scan]
}

/// The map of the standard library behind a lock, as threads would share it. A get copies the value
/// out, for it may be gone when the lock is.
fn btree(data: &Data) -> Costs {
    let map: RwLock<BTreeMap<Vec<u8>, Vec<u8>>> = RwLock::default();
    let put = timed(|| {
        for key in &data.keys {
            let (key, value) = (key.to_vec(), data.value.to_vec());
            map.write().unwrap().insert(key, value);
        }
    });
    let get = timed(|| {
        for key in &data.keys {
            keep(&map.read().unwrap().get(&key[..]).cloned().unwrap().len());
        }
    });
    let scan = timed(|| {
        let mut count = 0;
        for (_, value) in map.read().unwrap().iter() {
            keep(&value.len());
            count += 1;
        }
        assert_eq!(count, ENTRIES);
    });
    [put, get, f64::NAN, scan]
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    numbers[numbers.len() / 2]
}

fn main() {
    let argument = std::env::args().skip(1).find_map(|a| a.parse().ok());
    let rounds: usize = argument.unwrap_or(16);
    let data = Data::new();
    let contenders: [fn(&Data) -> Costs; 4] = [c, rust, compat, btree];
    let mut costs = vec![[[0.0; 4]; 4]; rounds];
    for (number, round) in costs.iter_mut().enumerate() {
        // Each begins in turn, and every other round goes backwards: what one leaves of caches and
        // heap falls on the next.
        let step = if number % 2 == 0 { 1 } else { 3 };
        for i in 0..contenders.len() {
            let contender = (number / 2 + i * step) % contenders.len();
            round[contender] = contenders[contender](&data);
        }
    }
    let column = |of: &dyn Fn(&[Costs; 4]) -> f64| median(costs.iter().map(of).collect());
    println!("| call | C | fastskip | beyond C | compat | BTreeMap behind a lock | fastskip by BTreeMap |");
    println!("|---|---|---|---|---|---|---|");
    for (i, call) in CALLS.iter().enumerate() {
        let ns = |contender: usize| column(&|round| round[contender][i]);
        let map = match ns(3) {
            none if none.is_nan() => ["".to_owned(), "".to_owned()],
            map => [
                format!("{:.1} ns", map),
                format!("{:.2}", column(&|round| round[1][i] / round[3][i])),
            ],
        };
        println!(
            "| {} | {:.1} ns | {:.1} ns | {:+.1} ns | {:.1} ns | {} | {} |",
            call,
            ns(0),
            ns(1),
            column(&|round| round[1][i] - round[0][i]),
            ns(2),
            map[0],
            map[1]
        );
    }
}
