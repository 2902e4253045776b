//! Ranges of keys.

use std::ops::{
    Bound, Range, RangeBounds, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive,
};

/// A range of keys: each range of `std::ops`, over anything that is bytes.
///
/// It is what [`RangeBounds`] says of a range, without the type parameter: `b"a"..b"m"` and `..` would
/// leave that open. Generic code passes any `R: RangeBounds<K>` as its two bounds, as `count` does here.
///
/// ```
/// # fn main() -> fastskip::Result<()> {
/// # let table = fastskip::Table::new()?;
/// table.range("a".."mm");
/// table.range(b"a"..=b"m");
/// table.range(..);
/// table.range(vec![1u8, 2]..);
/// use std::ops::Bound::{Excluded, Unbounded};
/// table.range((Excluded("a"), Unbounded));
///
/// fn count<K: AsRef<[u8]>>(table: &fastskip::Table, keys: impl std::ops::RangeBounds<K>) -> usize {
///     table.range((keys.start_bound(), keys.end_bound())).count()
/// }
/// table.put(b"b", b"")?;
/// assert_eq!(count::<&str>(&table, "a".."c"), 1);
/// assert_eq!(count::<String>(&table, ..), 1);
/// # Ok(())
/// # }
/// ```
pub trait KeyRange {
    /// The first key, or what is before it.
    fn lower(&self) -> Bound<&[u8]>;
    /// The last key, or what is after it.
    fn upper(&self) -> Bound<&[u8]>;
}

fn bytes<K: AsRef<[u8]> + ?Sized>(bound: Bound<&K>) -> Bound<&[u8]> {
    match bound {
        Bound::Included(key) => Bound::Included(key.as_ref()),
        Bound::Excluded(key) => Bound::Excluded(key.as_ref()),
        Bound::Unbounded => Bound::Unbounded,
    }
}

macro_rules! key_range {
    ($($range:ty),*) => { $(
        impl<K: AsRef<[u8]>> KeyRange for $range {
            fn lower(&self) -> Bound<&[u8]> {
                bytes::<K>(RangeBounds::<K>::start_bound(self))
            }

            fn upper(&self) -> Bound<&[u8]> {
                bytes::<K>(RangeBounds::<K>::end_bound(self))
            }
        }
    )* };
}

key_range!(
    Range<K>,
    RangeInclusive<K>,
    RangeFrom<K>,
    RangeTo<K>,
    RangeToInclusive<K>,
    (Bound<K>, Bound<K>)
);

impl KeyRange for RangeFull {
    fn lower(&self) -> Bound<&[u8]> {
        Bound::Unbounded
    }

    fn upper(&self) -> Bound<&[u8]> {
        Bound::Unbounded
    }
}

/// A bound with a key of its own.
pub(crate) fn owned(bound: Bound<&[u8]>) -> Bound<Box<[u8]>> {
    match bound {
        Bound::Included(key) => Bound::Included(key.into()),
        Bound::Excluded(key) => Bound::Excluded(key.into()),
        Bound::Unbounded => Bound::Unbounded,
    }
}

/// What the library takes for a bound: a pointer, NULL for none, and a size.
pub(crate) fn pointer(bound: Bound<&[u8]>) -> (*const std::os::raw::c_void, usize) {
    match bound {
        Bound::Included(key) | Bound::Excluded(key) => (key.as_ptr().cast(), key.len()),
        Bound::Unbounded => (std::ptr::null(), 0),
    }
}
