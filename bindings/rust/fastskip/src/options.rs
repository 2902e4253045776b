//! Settings from which tables are made.

use std::cmp::Ordering;
use std::ffi::CString;
use std::fmt;
use std::os::raw::c_void;
use std::ptr;
use std::sync::Arc;

use fastskip_sys as sys;

use crate::callbacks::{self, Allocator, Callbacks, State};
use crate::error::{check, Error, Result};
use crate::table::Table;

/// Who numbers the versions of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SequenceMode {
    /// The table does. Snapshots, insert-if-absent and atomic batches exist.
    Auto,
    /// The caller does, with [`Table::put_at`]: an engine whose write-ahead log numbers the writes.
    Caller,
}

/// Use of huge pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HugePages {
    /// None.
    Never,
    /// Ask for transparent ones; do without if there are none. The default.
    Ask,
    /// Refuse to make a table without them.
    Insist,
}

/// Settings from which tables are made; what is not set is the library's default.
///
/// ```
/// # fn main() -> fastskip::Result<()> {
/// let table = fastskip::Options::new()
///     .memory_limit(64 << 20)
///     .entry_limit(1_000_000)
///     .shards(4)
///     .build()?;
/// # assert!(table.is_empty()?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Options {
    shards: Option<u32>,
    block_size: Option<usize>,
    memory_limit: Option<u64>,
    entry_limit: Option<u64>,
    backpressure: Option<u32>,
    huge_pages: Option<HugePages>,
    sequence_mode: Option<SequenceMode>,
    checksum: Option<u32>,
    paranoid: Option<bool>,
    seed: Option<u64>,
    name: String,
    callbacks: Callbacks,
}

impl Options {
    /// Every setting at its default.
    pub fn new() -> Options {
        Options::default()
    }

    /// Into how many shards the arena is divided: 1 to 1024, by default the number of processors.
    /// Any number of threads works with any number of shards.
    pub fn shards(mut self, shards: u32) -> Options {
        self.shards = Some(shards);
        self
    }

    /// How many bytes a shard takes from the region at a time: a power of two from 4 KiB to 64 MiB.
    /// By default they grow with the table from 16 KiB to 2 MiB.
    pub fn block_size(mut self, bytes: usize) -> Options {
        self.block_size = Some(bytes);
        self
    }

    /// The hard limit of the table's memory in bytes: 64 KiB to 32 GiB, 1 GiB by default. So much
    /// address space is reserved; memory is taken as it is used.
    pub fn memory_limit(mut self, bytes: u64) -> Options {
        self.memory_limit = Some(bytes);
        self
    }

    /// The hard limit of versions that are written; deletes and overwrites count. 0, the default,
    /// is no limit.
    pub fn entry_limit(mut self, versions: u64) -> Options {
        self.entry_limit = Some(versions);
        self
    }

    /// From which share of either limit on [`Table::under_backpressure`] answers `true`: 1 to 100
    /// per cent, 90 by default.
    pub fn backpressure(mut self, percent: u32) -> Options {
        self.backpressure = Some(percent);
        self
    }

    /// Whether a table asks for huge pages.
    pub fn huge_pages(mut self, mode: HugePages) -> Options {
        self.huge_pages = Some(mode);
        self
    }

    /// Who numbers the versions.
    pub fn sequence_mode(mut self, mode: SequenceMode) -> Options {
        self.sequence_mode = Some(mode);
        self
    }

    /// How many bytes of checksum each entry and version carries: 0, the default, or 4. What a
    /// changed bit would make wrong is then [`Error::Corrupt`].
    pub fn checksum(mut self, bytes: u32) -> Options {
        self.checksum = Some(bytes);
        self
    }

    /// Whether searches and iterators check the structure that leads them.
    pub fn paranoid(mut self, on: bool) -> Options {
        self.paranoid = Some(on);
        self
    }

    /// Fixes every random choice of a table, so that tests can be repeated; 0 is a seed from the
    /// system.
    pub fn seed(mut self, seed: u64) -> Options {
        self.seed = Some(seed);
        self
    }

    /// The order of keys, in place of that of byte strings. It must be a total order that never
    /// changes; if it contradicts itself, what is found is undefined, but nothing worse happens.
    ///
    /// If it panics, the call that ran it answers [`Error::CallbackPanicked`], and so does every
    /// later call on that table that looks at the order; rotating, sealing, figures, reset and
    /// dropping still work. It must not use a table that has callbacks: [`Error::Reentrant`].
    ///
    /// `name` is for people who debug: at most 63 bytes, none of them 0.
    pub fn comparator(
        mut self,
        name: &str,
        compare: impl Fn(&[u8], &[u8]) -> Ordering + Send + Sync + 'static,
    ) -> Options {
        self.name = name.to_owned();
        self.callbacks.compare = Some(Arc::new(compare));
        self.callbacks.abbreviate = None;
        self
    }

    /// Like [`comparator`](Options::comparator), with a number for each key that saves comparisons:
    /// `a` before `b` must imply `abbreviate(a) <= abbreviate(b)`.
    pub fn comparator_abbreviated(
        mut self,
        name: &str,
        compare: impl Fn(&[u8], &[u8]) -> Ordering + Send + Sync + 'static,
        abbreviate: impl Fn(&[u8]) -> u64 + Send + Sync + 'static,
    ) -> Options {
        self = self.comparator(name, compare);
        self.callbacks.abbreviate = Some(Arc::new(abbreviate));
        self
    }

    /// Where the memory of tables comes from, in place of the system. A panic in it counts as
    /// having no memory.
    pub fn allocator(mut self, allocator: impl Allocator) -> Options {
        self.callbacks.allocator = Some(Arc::new(allocator));
        self
    }

    /// Makes a table.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidOption`] names a setting that is out of range; [`Error::NoMemory`] is for
    /// memory, address space, or huge pages that were insisted on; [`Error::Unsupported`] for a
    /// combination that can not be.
    pub fn build(&self) -> Result<Table> {
        let raw = RawOptions::new()?;
        let state = self.apply(&raw)?;
        let mut table = ptr::null_mut();
        // SAFETY: both pointers are good for the call; what the callbacks need is in `state`.
        let mut make = || unsafe { sys::fastskip_table_new(raw.0, &mut table) };
        let status = match &state {
            Some(state) => state.enter(make)?,
            None => make(),
        };
        check(status)?;
        // SAFETY: the one reference of a new table is ours.
        Ok(unsafe { Table::from_raw(table, state) })
    }

    fn apply(&self, raw: &RawOptions) -> Result<Option<Arc<State>>> {
        let o = raw.0;
        // SAFETY, here and below: `o` is a good handle that nobody else has.
        unsafe {
            if let Some(n) = self.shards {
                set("shards", sys::fastskip_options_set_shards(o, n))?;
            }
            if let Some(n) = self.block_size {
                set("block_size", sys::fastskip_options_set_block_size(o, n))?;
            }
            if let Some(n) = self.memory_limit {
                set("memory_limit", sys::fastskip_options_set_memory_limit(o, n))?;
            }
            if let Some(n) = self.entry_limit {
                set("entry_limit", sys::fastskip_options_set_entry_limit(o, n))?;
            }
            if let Some(n) = self.backpressure {
                set("backpressure", sys::fastskip_options_set_backpressure(o, n))?;
            }
            if let Some(mode) = self.huge_pages {
                let mode = mode as u32;
                set("huge_pages", sys::fastskip_options_set_huge_pages(o, mode))?;
            }
            if let Some(mode) = self.sequence_mode {
                let status = sys::fastskip_options_set_sequence_mode(o, mode as u32);
                set("sequence_mode", status)?;
            }
            if let Some(n) = self.checksum {
                set("checksum", sys::fastskip_options_set_checksum(o, n))?;
            }
            if let Some(on) = self.paranoid {
                set("paranoid", sys::fastskip_options_set_paranoid(o, on.into()))?;
            }
            if let Some(n) = self.seed {
                set("seed", sys::fastskip_options_set_seed(o, n))?;
            }
        }
        self.apply_callbacks(raw)
    }

    fn apply_callbacks(&self, raw: &RawOptions) -> Result<Option<Arc<State>>> {
        let callbacks = Arc::new(self.callbacks.clone());
        let context = Arc::as_ptr(&callbacks) as *mut c_void;
        let mut any = false;
        if callbacks.compare.is_some() {
            let name =
                CString::new(self.name.as_str()).map_err(|_| Error::InvalidOption("comparator"))?;
            let abbreviate: sys::fastskip_abbreviate_fn = match callbacks.abbreviate {
                Some(_) => Some(callbacks::abbreviate),
                None => None,
            };
            // SAFETY: the state below keeps the context as long as a table made with it.
            let status = unsafe {
                let compare: sys::fastskip_compare_fn = Some(callbacks::compare);
                let name = name.as_ptr();
                sys::fastskip_options_set_comparator(raw.0, compare, abbreviate, context, name)
            };
            set("comparator", status)?;
            any = true;
        }
        if callbacks.allocator.is_some() {
            // SAFETY: as above.
            let status = unsafe {
                sys::fastskip_options_set_allocator(
                    raw.0,
                    Some(callbacks::reserve),
                    Some(callbacks::commit),
                    Some(callbacks::release),
                    context,
                )
            };
            set("allocator", status)?;
            any = true;
        }
        Ok(any.then(|| Arc::new(State::new(callbacks))))
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("shards", &self.shards)
            .field("block_size", &self.block_size)
            .field("memory_limit", &self.memory_limit)
            .field("entry_limit", &self.entry_limit)
            .field("backpressure", &self.backpressure)
            .field("huge_pages", &self.huge_pages)
            .field("sequence_mode", &self.sequence_mode)
            .field("checksum", &self.checksum)
            .field("paranoid", &self.paranoid)
            .field("seed", &self.seed)
            .field("comparator", &self.name)
            .field("allocator", &self.callbacks.allocator.is_some())
            .finish()
    }
}

fn set(name: &'static str, status: sys::fastskip_status) -> Result<()> {
    check(status).map_err(|error| match error {
        Error::Invalid => Error::InvalidOption(name),
        other => other,
    })
}

/// The handle of the library's own options, freed in every case.
struct RawOptions(*mut sys::fastskip_options);

impl RawOptions {
    fn new() -> Result<RawOptions> {
        let mut raw = ptr::null_mut();
        // SAFETY: the pointer is good for the call.
        check(unsafe { sys::fastskip_options_new(&mut raw) })?;
        Ok(RawOptions(raw))
    }
}

impl Drop for RawOptions {
    fn drop(&mut self) {
        // SAFETY: made by `new`, freed once; tables have copied what they need.
        unsafe { sys::fastskip_options_free(self.0) }
    }
}
