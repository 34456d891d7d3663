//! The menu at the bottom of an account's conversation.

use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;
use serde::{Deserialize, Serialize};

/// Reading and setting an account's menu.
pub trait AccountMenu: Send + Sync {
    /// Reads the menu that people see now; none when there is none.
    fn fetch(&self, cx: &Context<'_>) -> Turn<Option<Menu>>;
    /// Goes on with [`AccountMenu::fetch`].
    fn resume_fetch(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Option<Menu>>;

    /// Sets the menu; one without buttons takes it away.
    fn publish(&self, cx: &Context<'_>, menu: &Menu) -> Turn<()>;
    /// Goes on with [`AccountMenu::publish`].
    fn resume_publish(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()>;
}

/// A menu.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Menu {
    /// From left to right.
    pub buttons: Vec<MenuButton>,
}

/// A button. It has an action or buttons below it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MenuButton {
    /// What stands on it.
    pub name: String,
    /// What it does; none when it opens those below.
    #[serde(default)]
    pub action: Option<MenuAction>,
    /// From the bottom up, as platforms show them in order.
    #[serde(default)]
    pub below: Vec<MenuButton>,
}

/// What a button does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MenuAction {
    /// Opens a page.
    View {
        /// The page.
        url: String,
    },
    /// Sends its key, which opens a window for answers.
    Click {
        /// The key.
        key: String,
    },
    /// Opens a mini-program.
    MiniProgram {
        /// The mini-program.
        app_id: String,
        /// Its page.
        path: String,
        /// The page for those whose app is too old.
        url: String,
    },
    /// Something that was set at the platform and that we only show.
    Other {
        /// The platform's word.
        what: String,
    },
}
