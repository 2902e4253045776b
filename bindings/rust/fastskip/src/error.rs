//! Why a call failed.

use std::ffi::CStr;
use std::fmt;

use fastskip_sys as sys;

/// Why a call failed. A write that failed changed nothing that a read can see.
///
/// That a key is not there is no error: reads answer `None` or `false`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// An argument breaks the contract, or the table is in the other sequence mode.
    Invalid,
    /// This option is out of range, found when the table is made.
    InvalidOption(&'static str),
    /// The system, or the allocator, gave no memory or address space.
    NoMemory,
    /// Caller's mode: this key and number are there.
    Exists,
    /// The table is sealed.
    Sealed,
    /// The memory limit or the entry limit is reached.
    Full,
    /// A key or a value is over its limit.
    TooLarge,
    /// Reset of a table to which another handle, a snapshot or an iterator exists.
    Busy,
    /// Not in this build of the library, or not with these options.
    Unsupported,
    /// Damaged memory, or a comparator that contradicts itself.
    Corrupt,
    /// The comparator panicked, now or earlier: the order of this table is no longer to be trusted.
    CallbackPanicked,
    /// A comparator or allocator called a table that has one itself.
    Reentrant,
    /// A status that this crate does not know.
    Unknown(i32),
}

/// What calls answer.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn from_status(status: sys::fastskip_status) -> Error {
        match status {
            sys::FASTSKIP_INVALID => Error::Invalid,
            sys::FASTSKIP_NO_MEMORY => Error::NoMemory,
            sys::FASTSKIP_EXISTS => Error::Exists,
            sys::FASTSKIP_SEALED => Error::Sealed,
            sys::FASTSKIP_FULL => Error::Full,
            sys::FASTSKIP_TOO_LARGE => Error::TooLarge,
            sys::FASTSKIP_BUSY => Error::Busy,
            sys::FASTSKIP_UNSUPPORTED => Error::Unsupported,
            sys::FASTSKIP_CORRUPT => Error::Corrupt,
            other => Error::Unknown(other),
        }
    }

    /// The number that the C library has for this, if it has one.
    pub fn status(self) -> Option<i32> {
        Some(match self {
            Error::Invalid | Error::InvalidOption(_) => sys::FASTSKIP_INVALID,
            Error::NoMemory => sys::FASTSKIP_NO_MEMORY,
            Error::Exists => sys::FASTSKIP_EXISTS,
            Error::Sealed => sys::FASTSKIP_SEALED,
            Error::Full => sys::FASTSKIP_FULL,
            Error::TooLarge => sys::FASTSKIP_TOO_LARGE,
            Error::Busy => sys::FASTSKIP_BUSY,
            Error::Unsupported => sys::FASTSKIP_UNSUPPORTED,
            Error::Corrupt => sys::FASTSKIP_CORRUPT,
            Error::Unknown(status) => status,
            Error::CallbackPanicked | Error::Reentrant => return None,
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Error::InvalidOption(name) => write!(f, "option {} is out of range", name),
            Error::CallbackPanicked => f.write_str("the table's comparator panicked"),
            Error::Reentrant => f.write_str("called from inside a comparator or allocator"),
            other => f.write_str(&describe(other.status().unwrap_or(0))),
        }
    }
}

impl std::error::Error for Error {}

/// The library's own words.
fn describe(status: i32) -> String {
    // SAFETY: fastskip_strerror answers a constant string for any number.
    let words = unsafe { CStr::from_ptr(sys::fastskip_strerror(status)) };
    words.to_string_lossy().into_owned()
}

/// `OK` or the error.
pub(crate) fn check(status: sys::fastskip_status) -> Result<()> {
    match status {
        sys::FASTSKIP_OK => Ok(()),
        other => Err(Error::from_status(other)),
    }
}

/// `OK` is true, `NOT_FOUND` is false, all else is an error.
pub(crate) fn check_found(status: sys::fastskip_status) -> Result<bool> {
    match status {
        sys::FASTSKIP_OK => Ok(true),
        sys::FASTSKIP_NOT_FOUND => Ok(false),
        other => Err(Error::from_status(other)),
    }
}
