//! The memtable of a log-structured storage engine, by libfastskip.
//!
//! A [`Table`] is an ordered map in memory, from byte strings to versions of values. Any number of
//! threads write and read it at once without a lock; snapshots cost nothing; batches of writes
//! become visible at one instant; when it is full it is sealed, iterated into a sorted file, and
//! dropped in one go.
//!
//! ```
//! use fastskip::{Result, Table};
//!
//! fn main() -> Result<()> {
//!     let table = Table::new()?;
//!     table.put("apple", "red")?; // any number of threads may do so at once
//!     table.put("pear", "green")?;
//!
//!     let before = table.snapshot()?; // the state now, for as long as it is kept
//!     table.put("apple", "yellow")?;
//!     table.delete("pear")?;
//!     assert_eq!(table.get("apple")?.unwrap().value, b"yellow");
//!     assert_eq!(before.get("apple")?.unwrap().value, b"red");
//!
//!     let fresh = table.rotate()?; // full? writers go on in a fresh table
//!     for entry in table.scan().tombstones().iter() {
//!         let entry = entry?; // what a real engine writes to a sorted file
//!         println!("{:?} {:?}", entry.key, entry.kind);
//!     }
//!     drop((table, before)); // the memory goes in one go
//!     fresh.put("fig", "violet")
//! }
//! ```
//!
//! # What can not go wrong
//!
//! Entries are not copied: key and value lie in the table. They borrow the table handle or the
//! snapshot that they were read through, so that they can not outlive it:
//!
//! ```compile_fail,E0505
//! # fn main() -> fastskip::Result<()> {
//! let table = fastskip::Table::new()?;
//! table.put("apple", "red")?;
//! let entry = table.get("apple")?.unwrap();
//! drop(table); // error[E0505]: cannot move out of `table` because it is borrowed
//! println!("{:?}", entry.value);
//! # Ok(())
//! # }
//! ```
//!
//! nor can an iterator, and a table in use can not be reset:
//!
//! ```compile_fail,E0597
//! # fn main() -> fastskip::Result<()> {
//! let entries = {
//!     let table = fastskip::Table::new()?;
//!     table.iter() // error[E0597]: `table` does not live long enough
//! };
//! # Ok(())
//! # }
//! ```
//!
//! ```compile_fail,E0502
//! # fn main() -> fastskip::Result<()> {
//! let mut table = fastskip::Table::new()?;
//! table.put("apple", "red")?;
//! let entry = table.get("apple")?.unwrap();
//! table.reset()?; // error[E0502]: cannot borrow `table` as mutable
//! println!("{:?}", entry.value);
//! # Ok(())
//! # }
//! ```
//!
//! A table that was dropped is out of reach, so it is neither used nor dropped again:
//!
//! ```compile_fail,E0382
//! # fn main() -> fastskip::Result<()> {
//! let table = fastskip::Table::new()?;
//! drop(table);
//! table.put("apple", "red")?; // error[E0382]: borrow of moved value: `table`
//! # Ok(())
//! # }
//! ```
//!
//! Tables, snapshots, cursors and iterators are [`Send`] and [`Sync`]. Everything is given back when
//! it is dropped. Panics of comparators do not cross into C; see [`Options::comparator`].
//!
//! # Coming from the crate fastskip 0.1
//!
//! The module [`compat`] has that crate's interface; its names that this crate does not use for
//! itself are here, too, so that `use fastskip::ConcurrentSkipList` still works.

#![warn(missing_docs)]

mod batch;
mod callbacks;
pub mod compat;
mod entry;
mod error;
mod iter;
mod options;
mod range;
mod raw;
mod scan;
mod snapshot;
mod stat;
mod table;
mod view;

use std::ffi::CStr;

use fastskip_sys as sys;

pub use crate::batch::Batch;
pub use crate::callbacks::Allocator;
pub use crate::compat::{BatchError, ConcurrentSkipList, FrozenMemtable, InsertError, SealError};
pub use crate::entry::{Entry, Kind};
pub use crate::error::{Error, Result};
pub use crate::iter::Iter;
pub use crate::options::{HugePages, Options, SequenceMode};
pub use crate::range::KeyRange;
pub use crate::scan::{Cursor, Scan};
pub use crate::snapshot::Snapshot;
pub use crate::stat::Stat;
pub use crate::table::Table;

/// Longest key in bytes.
pub const KEY_MAX: usize = sys::FASTSKIP_KEY_MAX;
/// Longest value in bytes; a table's memory limit may be less.
pub const VALUE_MAX: u32 = sys::FASTSKIP_VALUE_MAX;
/// Greatest sequence number of a write in caller's mode. The smallest is 1.
pub const SEQUENCE_MAX: u64 = sys::FASTSKIP_SEQUENCE_MAX;

/// The version of the library that is running.
pub fn version() -> &'static str {
    // SAFETY: the library answers a constant string.
    let text = unsafe { CStr::from_ptr(sys::fastskip_version()) };
    text.to_str().unwrap_or("?")
}

/// How the library was built, for bug reports; the form may change.
pub fn build() -> &'static str {
    // SAFETY: as above.
    let text = unsafe { CStr::from_ptr(sys::fastskip_build()) };
    text.to_str().unwrap_or("?")
}

/// README's programs are tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
