//! Articles of an account: a draft is kept at the platform, and published there in its own time.

use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;
use serde::{Deserialize, Serialize};

/// Writing and publishing articles.
pub trait Content: Send + Sync {
    /// Puts a draft at the platform, or brings the one that is there up to date; the cover is uploaded when it is new.
    fn save_draft(&self, cx: &Context<'_>, draft: &ArticleDraft, refs: &ArticleRefs) -> Turn<ArticleRefs>;
    /// Goes on with [`Content::save_draft`].
    fn resume_save_draft(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ArticleRefs>;

    /// Asks for a draft to be published; the platform's id of that work.
    fn submit(&self, cx: &Context<'_>, draft_id: &str) -> Turn<String>;
    /// Goes on with [`Content::submit`].
    fn resume_submit(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<String>;

    /// How far the publishing is.
    fn publishing(&self, cx: &Context<'_>, publish_id: &str) -> Turn<Publishing>;
    /// Goes on with [`Content::publishing`].
    fn resume_publishing(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Publishing>;
}

/// An article to be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ArticleDraft {
    /// Title.
    pub title: String,
    /// Who wrote it; may be empty.
    pub author: String,
    /// What stands below the title where the article is shared; may be empty.
    pub digest: String,
    /// HTML.
    pub content: String,
    /// Where "read the original" leads.
    pub source_url: Option<String>,
    /// The cover, by the name of the asset.
    pub cover: String,
    /// A product of a channel's shop whose card stands at the end: its id there.
    pub product_id: Option<String>,
}

/// What the platform knows of an article.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ArticleRefs {
    /// The cover that was uploaded last, and the platform's id for it.
    #[serde(default)]
    pub cover: Option<(String, String)>,
    /// The draft's id.
    #[serde(default)]
    pub draft_id: Option<String>,
}

/// How far a publishing is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Publishing {
    /// The platform works on it.
    Going,
    /// People can read it.
    Published {
        /// The platform's id of the article.
        article_id: String,
        /// Where it is read.
        url: String,
    },
    /// The platform did not publish it, or took it back.
    Refused {
        /// The platform's number or word for why.
        native: String,
    },
}
