//! The people who follow an account, and the tags the account puts on them.

use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;
use crate::wire;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Reading followers, and keeping tags.
pub trait Fans: Send + Sync {
    /// Reads one page of the ids of those who follow, behind the given one.
    fn list(&self, cx: &Context<'_>, after: Option<&str>) -> Turn<FanPage>;
    /// Goes on with [`Fans::list`].
    fn resume_list(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<FanPage>;

    /// Reads what the platform tells about people; at most 100 at once.
    fn details(&self, cx: &Context<'_>, open_ids: &[String]) -> Turn<Vec<Fan>>;
    /// Goes on with [`Fans::details`].
    fn resume_details(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Vec<Fan>>;

    /// Reads the account's tags.
    fn tags(&self, cx: &Context<'_>) -> Turn<Vec<FanTag>>;
    /// Goes on with [`Fans::tags`].
    fn resume_tags(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Vec<FanTag>>;

    /// Makes a tag. One that the account has already by this name is taken as it is: the answer to an earlier try may
    /// have been lost.
    fn create_tag(&self, cx: &Context<'_>, name: &str) -> Turn<FanTag>;
    /// Goes on with [`Fans::create_tag`].
    fn resume_create_tag(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<FanTag>;

    /// Gives a tag another name.
    fn rename_tag(&self, cx: &Context<'_>, tag: &TagName) -> Turn<()>;
    /// Goes on with [`Fans::rename_tag`].
    fn resume_rename_tag(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;

    /// Deletes a tag. One that is not there any more counts as deleted.
    fn delete_tag(&self, cx: &Context<'_>, tag_id: &str) -> Turn<()>;
    /// Goes on with [`Fans::delete_tag`].
    fn resume_delete_tag(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;

    /// Puts a tag on people, or takes it off; at most 50 at once. Doing it twice does no harm.
    fn mark(&self, cx: &Context<'_>, mark: &TagMark) -> Turn<()>;
    /// Goes on with [`Fans::mark`].
    fn resume_mark(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;
}

/// One page of the ids of people.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FanPage {
    /// How many follow in all.
    pub total: u64,
    /// Their ids at the account.
    pub open_ids: Vec<String>,
    /// Behind which the next page begins; none at the end.
    pub next: Option<String>,
}

/// What the platform tells about a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fan {
    /// The person's id at the account.
    pub open_id: String,
    /// Whether they follow. Of those who do not, nothing else is told.
    pub follows: bool,
    /// Since when.
    #[serde(default, with = "wire::time_opt")]
    pub followed_at: Option<Timestamp>,
    /// The person's id at all accounts of one owner.
    #[serde(default)]
    pub union_id: Option<String>,
    /// The scene of the code they followed by.
    #[serde(default)]
    pub scene: Option<String>,
    /// Ids of the tags on them.
    #[serde(default)]
    pub tag_ids: Vec<String>,
}

/// A tag of an account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FanTag {
    /// The platform's id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many people have it.
    pub count: u64,
    /// Whether the platform keeps it, so that nobody can change it.
    pub fixed: bool,
}

/// Another name of a tag.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TagName {
    /// The platform's id of the tag.
    pub id: String,
    /// The name it gets.
    pub name: String,
}

/// A tag to be put on people, or to be taken off.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TagMark {
    /// The platform's id of the tag.
    pub tag_id: String,
    /// The people, by their ids at the account.
    pub open_ids: Vec<String>,
    /// Whether it is put on.
    pub on: bool,
}
