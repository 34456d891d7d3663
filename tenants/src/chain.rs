//! Chains of hashes over rows that are only ever added. Link n carries SHA-256 over the hash of link n−1 and the canonical
//! text of one row, so whoever changes, removes or inserts a row later breaks every hash after it.
//!
//! Links are made after the rows, by a job: a business transaction never waits for another one's row. A row may become
//! visible after a younger one was linked, because transactions end in another order than they began; so the job asks
//! which rows have no link, and never "which are younger than the last". What is linked, and to which text, is
//! [`crate::audit::chain`]'s and [`crate::store::ledger::chain`]'s.

use qianpu_domain::time::{Span, Timestamp};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What the first link follows.
pub const BEGIN: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// How much older than the last linked row one may be that appears late. No transaction lives for so long.
const LATE: Span = Span::days(2);

/// The newest link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many rows are linked.
    pub position: i64,
    /// The last hash, 64 hexadecimal digits.
    pub hash: String,
}

impl Head {
    /// Of a chain without links.
    pub fn begin() -> Self {
        Self { position: 0, hash: BEGIN.to_owned() }
    }
}

/// A link.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub position: i64,
    pub row: Uuid,
    pub hash: String,
}

/// What is wrong with a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A link is not there.
    LinkMissing,
    /// A row is not there.
    RowMissing,
    /// A row is not what was linked, or a link was changed.
    RowChanged,
    /// The link carries another hash than was noted down elsewhere.
    HeadDiffers,
}

/// Where a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokenAt {
    /// The first link that is wrong.
    pub position: i64,
    /// What is wrong.
    pub fault: Fault,
    /// The row, where one is known.
    pub row: Option<Uuid>,
}

/// Where looking at a chain stands.
#[derive(Clone, Debug)]
pub struct Progress {
    /// The last link that holds.
    pub head: Head,
    /// There are more to look at.
    pub more: bool,
}

/// Where linking goes on: by time, then by id.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    pub(crate) at: i64,
    pub(crate) id: Uuid,
}

impl Mark {
    /// Before all rows.
    pub(crate) fn beginning() -> Self {
        Self { at: i64::MIN, id: Uuid::nil() }
    }
    /// A while before a row that is linked.
    pub(crate) fn before(at: i64) -> Self {
        Self { at: Timestamp::from_micros(at).minus(LATE).micros(), id: Uuid::nil() }
    }
}

fn hash(previous: &str, text: &str) -> String {
    let digest = Sha256::new().chain_update(previous).chain_update("\n").chain_update(text).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The links of rows, with their texts, that follow a head.
pub(crate) fn links_after(head: Head, rows: impl Iterator<Item = (Uuid, String)>) -> Vec<Link> {
    let (mut position, mut last) = (head.position, head.hash);
    rows.map(|(row, text)| {
        position += 1;
        last = hash(&last, &text);
        Link { position, row, hash: last.clone() }
    })
    .collect()
}

/// Looks at links that should follow `after`, the last ones when there are no `more`; `text_of` has the text of a row that
/// is there. `noted` is a head that was written down elsewhere: its link has to carry that hash.
pub(crate) fn follow(
    after: &Head,
    links: Vec<Link>,
    more: bool,
    text_of: impl Fn(Uuid) -> Option<String>,
    noted: Option<&Head>,
) -> Result<Progress, BrokenAt> {
    let mut head = after.clone();
    for link in links {
        let position = head.position + 1;
        let broken = |fault, row| Err(BrokenAt { position, fault, row });
        if link.position != position {
            return broken(Fault::LinkMissing, None);
        }
        let Some(text) = text_of(link.row) else { return broken(Fault::RowMissing, Some(link.row)) };
        if hash(&head.hash, &text) != link.hash {
            return broken(Fault::RowChanged, Some(link.row));
        }
        if noted.is_some_and(|noted| noted.position == position && noted.hash != link.hash) {
            return broken(Fault::HeadDiffers, Some(link.row));
        }
        head = Head { position, hash: link.hash };
    }
    let cut_off = noted.filter(|noted| !more && noted.position > head.position);
    if cut_off.is_some() {
        return Err(BrokenAt { position: head.position + 1, fault: Fault::LinkMissing, row: None });
    }
    Ok(Progress { head, more })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    /// A row's text is its number, unless it was changed.
    fn text(of: Uuid) -> Option<String> {
        Some(of.to_string())
    }

    fn three() -> Vec<Link> {
        links_after(Head::begin(), (1..=3).map(|number| (row(number), row(number).to_string())))
    }

    #[test]
    fn what_is_wrong_is_found_at_its_place() {
        let all = follow(&Head::begin(), three(), false, text, None).unwrap();
        assert_eq!((all.head.position, all.head.hash.clone()), (3, three()[2].hash.clone()));
        // In two pieces it is the same.
        let first = follow(&Head::begin(), three()[..1].to_vec(), true, text, None).unwrap();
        let rest = follow(&first.head, three()[1..].to_vec(), false, text, None).unwrap();
        assert_eq!(rest.head, all.head);
        let at = |links: Vec<Link>, text_of: &dyn Fn(Uuid) -> Option<String>, noted: Option<&Head>| {
            let broken = follow(&Head::begin(), links, false, text_of, noted).unwrap_err();
            (broken.position, broken.fault, broken.row)
        };
        let without = |number: u128| move |of: Uuid| text(of).filter(|_| of != row(number));
        let changed = |number: u128| move |of: Uuid| if of == row(number) { text(row(9)) } else { text(of) };
        assert_eq!(at(three(), &without(2), None), (2, Fault::RowMissing, Some(row(2))));
        assert_eq!(at(three(), &changed(3), None), (3, Fault::RowChanged, Some(row(3))));
        let gap = vec![three()[0].clone(), three()[2].clone()];
        assert_eq!(at(gap, &text, None), (2, Fault::LinkMissing, None));
        let noted = Head { position: 2, hash: three()[0].hash.clone() };
        assert_eq!(at(three(), &text, Some(&noted)), (2, Fault::HeadDiffers, Some(row(2))));
        // The end cut off fits together; only what was noted down tells.
        assert_eq!(at(three()[..2].to_vec(), &text, Some(&all.head)), (3, Fault::LinkMissing, None));
    }
}
