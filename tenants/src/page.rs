//! Keyset pages: bounded, stable under inserts, without a total.

use qianpu_domain::time::Timestamp;
use uuid::Uuid;

/// The most rows a page may have.
pub const MAX_LIMIT: u64 = 100;

/// Where a page starts: strictly after this (time, id), newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The sort time of the last row of the page before.
    pub at: Timestamp,
    /// Its id, the tie-break.
    pub id: Uuid,
}

/// Which page is asked for.
#[derive(Clone, Copy, Debug)]
pub struct PageRequest {
    /// 1 to [`MAX_LIMIT`].
    pub limit: u64,
    /// None for the first page.
    pub cursor: Option<Cursor>,
}

impl PageRequest {
    /// The first page of `limit` rows.
    pub fn first(limit: u64) -> Self {
        Self { limit: limit.clamp(1, MAX_LIMIT), cursor: None }
    }
}

/// One page.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Where the next page starts; none on the last page.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// From up to `limit + 1` rows: the extra row only says that there is more.
    pub fn from_rows(mut items: Vec<T>, limit: u64, key: impl Fn(&T) -> Cursor) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = items.len() > limit;
        items.truncate(limit);
        let next = if more { items.last().map(key) } else { None };
        Self { items, next }
    }

    /// The same page of other values.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), next: self.next }
    }
}
