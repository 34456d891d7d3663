//! The product window 橱窗 of an account: which products of a shop it shows and may be sold in its rooms and videos.

use crate::context::Context;
use crate::http::Answer;
use crate::orders::Page;
use crate::step::Turn;
use qianpu_domain::money::Fen;
use serde::{Deserialize, Serialize};

/// Reading the window and changing what stands in it.
pub trait Showcase: Send + Sync {
    /// One page of what stands in the window, each with what the platform says of it.
    fn list(&self, cx: &Context<'_>, cursor: Option<&str>) -> Turn<Page<ShowcaseItem>>;
    /// Goes on with [`Showcase::list`].
    fn resume_list(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<ShowcaseItem>>;

    /// Puts a product into the window, and reads it back.
    fn add(&self, cx: &Context<'_>, item: &ShowcaseRef) -> Turn<ShowcaseItem>;
    /// Goes on with [`Showcase::add`].
    fn resume_add(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ShowcaseItem>;

    /// Asks for a product to be taken off, and reads it back: a platform may answer "done" and go on showing it.
    fn remove(&self, cx: &Context<'_>, item: &ShowcaseRef) -> Turn<ShowcaseItem>;
    /// Goes on with [`Showcase::remove`].
    fn resume_remove(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ShowcaseItem>;
}

/// Which product of which shop.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ShowcaseRef {
    /// The product's id at the platform.
    pub product_id: String,
    /// The id of the shop account it comes from; empty for a product of somebody else, sold for commission.
    pub source_id: String,
}

/// A product in the window.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ShowcaseItem {
    /// Which product.
    pub item: ShowcaseRef,
    /// Where it stands.
    pub state: ShowcaseState,
    /// Its title; `None` when the platform tells nothing of the product.
    pub title: Option<String>,
    /// Address of its picture.
    pub picture_url: Option<String>,
    /// The lowest price.
    #[serde(with = "crate::wire::fen_opt", default)]
    pub price: Option<Fen>,
    /// Pieces left.
    pub stock: Option<i64>,
    /// Whether it is kept off the window's own page while it may be sold in rooms and videos.
    pub hidden: bool,
    /// Why it may not be sold; a word of [`Barred`].
    pub barred: Option<Barred>,
}

/// Where a product in the window stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShowcaseState {
    /// People see it.
    Shown,
    /// It is not shown.
    Off,
    /// It was deleted where it comes from.
    Gone,
    /// A raw value we do not know; empty when nothing was told.
    Unknown(String),
}

/// Why a product may not be sold in the window.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Barred {
    /// Its category, or the product where it comes from, is barred.
    Category,
    /// Its category has to be applied for first.
    NotApplied,
    /// The branch it belongs to does not trade.
    BranchClosed,
    /// A raw value we do not know.
    Unknown(String),
}
