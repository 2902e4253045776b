//! Comparators and allocators: closures and objects of the caller behind C function pointers.
//!
//! No panic crosses into C. One of a comparator is caught, the call under way ends in byte order,
//! and the table is marked: what it holds may now be in two orders, so every later call that looks
//! at the order is refused. One of an allocator counts as having no memory.
//!
//! The library forbids calls on the same table from inside a callback. Safe code could try, with a
//! handle that the closure holds; so calls on any table with callbacks are refused there.

// The clippy of Rust 1.63 sees a constant in what thread_local! makes.
#![allow(clippy::declare_interior_mutable_const)]

use std::cell::Cell;
use std::cmp::Ordering;
use std::mem::forget;
use std::os::raw::c_void;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr::NonNull;
use std::slice;
use std::sync::atomic::{AtomicBool, Ordering as Memory};
use std::sync::Arc;

use crate::error::{Error, Result};

type Compare = dyn Fn(&[u8], &[u8]) -> Ordering + Send + Sync;
type Abbreviate = dyn Fn(&[u8]) -> u64 + Send + Sync;

/// Where the region of a table comes from, in place of the system.
///
/// # Safety
///
/// `reserve` must give address space that nobody else uses, of the size and alignment asked for,
/// until `release` takes it back. `commit` must have made its range readable and writable by all
/// threads when it answers `true`; ranges may overlap earlier ones, whose content must stay, and
/// calls may come from several threads at once.
pub unsafe trait Allocator: Send + Sync + 'static {
    /// Reserves `size` bytes of address space aligned to `alignment`, a power of two; none of them
    /// need be usable yet. `None` if there are none.
    fn reserve(&self, size: usize, alignment: usize) -> Option<NonNull<u8>>;

    /// Makes `size` bytes at `address`, inside a reservation, usable; `false` if there is no memory.
    ///
    /// # Safety
    ///
    /// The range lies inside a reservation that was not released.
    unsafe fn commit(&self, address: *mut u8, size: usize) -> bool;

    /// Takes a whole reservation back.
    ///
    /// # Safety
    ///
    /// `address` and `size` are those of a reservation, which nobody uses any more.
    unsafe fn release(&self, address: *mut u8, size: usize);
}

/// What the context pointers of the callbacks lead to.
#[derive(Clone, Default)]
pub(crate) struct Callbacks {
    pub compare: Option<Arc<Compare>>,
    pub abbreviate: Option<Arc<Abbreviate>>,
    pub allocator: Option<Arc<dyn Allocator>>,
}

/// Beside each table that has callbacks; it keeps them alive.
pub(crate) struct State {
    callbacks: Arc<Callbacks>,
    poisoned: AtomicBool,
}

thread_local! {
    /// This thread is inside a callback.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// A comparator panicked during the call that this thread is making.
    static PANICKED: Cell<bool> = const { Cell::new(false) };
}

impl State {
    pub fn new(callbacks: Arc<Callbacks>) -> State {
        State {
            callbacks,
            poisoned: AtomicBool::new(false),
        }
    }

    /// For a table that rotation made: the same callbacks, no mark.
    pub fn fresh(&self) -> State {
        State::new(Arc::clone(&self.callbacks))
    }

    pub fn clear(&self) {
        self.poisoned.store(false, Memory::Relaxed);
    }

    /// Makes a call that does not look at the order of keys.
    pub fn enter<R>(&self, call: impl FnOnce() -> R) -> Result<R> {
        if INSIDE.with(Cell::get) {
            return Err(Error::Reentrant);
        }
        Ok(call())
    }

    /// Makes a call that may run the comparator.
    pub fn ordered<R>(&self, call: impl FnOnce() -> R) -> Result<R> {
        if self.poisoned.load(Memory::Relaxed) {
            return Err(Error::CallbackPanicked);
        }
        let answer = self.enter(call)?;
        if PANICKED.with(|p| p.replace(false)) {
            self.poisoned.store(true, Memory::Relaxed);
            return Err(Error::CallbackPanicked);
        }
        Ok(answer)
    }

    /// Compares as the table does.
    pub fn compare(&self, a: &[u8], b: &[u8]) -> Result<Ordering> {
        self.ordered(|| self.callbacks.compare(a, b))
    }
}

impl Callbacks {
    fn compare(&self, a: &[u8], b: &[u8]) -> Ordering {
        match &self.compare {
            Some(compare) => guard(|| compare(a, b)).unwrap_or_else(|| a.cmp(b)),
            None => a.cmp(b),
        }
    }
}

/// Runs code of the caller, unless it has panicked in this call before; `None` if it does.
fn guard<R>(run: impl FnOnce() -> R) -> Option<R> {
    if PANICKED.with(Cell::get) {
        return None;
    }
    let answer = caught(run);
    if answer.is_none() {
        PANICKED.with(|p| p.set(true));
    }
    answer
}

fn caught<R>(run: impl FnOnce() -> R) -> Option<R> {
    let outer = INSIDE.with(|i| i.replace(true));
    let answer = catch_unwind(AssertUnwindSafe(run));
    INSIDE.with(|i| i.set(outer));
    match answer {
        Ok(answer) => Some(answer),
        Err(payload) => {
            // Its drop may panic, too, and so may that of what it panics with.
            let dropped = catch_unwind(AssertUnwindSafe(|| drop(payload)));
            dropped.unwrap_or_else(forget);
            None
        }
    }
}

/// # Safety
///
/// As the library promises its callbacks: `data` leads to `size` bytes.
unsafe fn key<'a>(data: *const c_void, size: usize) -> &'a [u8] {
    if size == 0 {
        &[]
    } else {
        slice::from_raw_parts(data.cast(), size)
    }
}

// The context of each is a Callbacks that a State of the table keeps.

pub(crate) unsafe extern "C" fn compare(
    context: *mut c_void,
    a: *const c_void,
    a_size: usize,
    b: *const c_void,
    b_size: usize,
) -> i32 {
    let callbacks = &*context.cast::<Callbacks>();
    callbacks.compare(key(a, a_size), key(b, b_size)) as i32
}

pub(crate) unsafe extern "C" fn abbreviate(
    context: *mut c_void,
    data: *const c_void,
    size: usize,
) -> u64 {
    let callbacks = &*context.cast::<Callbacks>();
    let run = callbacks.abbreviate.as_deref();
    run.and_then(|run| guard(|| run(key(data, size))))
        .unwrap_or(0)
}

pub(crate) unsafe extern "C" fn reserve(
    context: *mut c_void,
    size: usize,
    alignment: usize,
) -> *mut c_void {
    let callbacks = &*context.cast::<Callbacks>();
    let allocator = callbacks.allocator.as_deref();
    allocator
        .and_then(|a| caught(|| a.reserve(size, alignment)).flatten())
        .map_or(std::ptr::null_mut(), |p| p.as_ptr().cast())
}

pub(crate) unsafe extern "C" fn commit(
    context: *mut c_void,
    address: *mut c_void,
    size: usize,
) -> i32 {
    let callbacks = &*context.cast::<Callbacks>();
    let allocator = callbacks.allocator.as_deref();
    let done = allocator.and_then(|a| caught(|| a.commit(address.cast(), size)));
    i32::from(done != Some(true))
}

pub(crate) unsafe extern "C" fn release(context: *mut c_void, address: *mut c_void, size: usize) {
    let callbacks = &*context.cast::<Callbacks>();
    if let Some(allocator) = callbacks.allocator.as_deref() {
        caught(|| allocator.release(address.cast(), size));
    }
}
