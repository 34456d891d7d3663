//! What a person did at an account, as a push tells it.

use serde::{Deserialize, Serialize};

/// What a person did at an account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub enum Interaction {
    /// Wrote a text.
    Said {
        /// The text.
        text: String,
    },
    /// Sent something else.
    SentOther {
        /// The platform's word for it, such as `image`.
        what: String,
    },
    /// Began to follow.
    Followed {
        /// The scene of the code they followed by, when it was one of the account's.
        scene: Option<String>,
    },
    /// Stopped following.
    Left,
    /// Scanned a code of the account, which they follow already.
    Scanned {
        /// The scene of the code.
        scene: String,
    },
    /// Pressed a button of the menu that sends its key.
    Clicked {
        /// The key.
        key: String,
    },
    /// Opened a page or a mini-program by a button of the menu.
    Opened {
        /// The page.
        page: String,
    },
}

impl std::fmt::Debug for Interaction {
    /// Without what the person wrote.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Said { .. } => "Said",
            Self::SentOther { .. } => "SentOther",
            Self::Followed { .. } => "Followed",
            Self::Left => "Left",
            Self::Scanned { .. } => "Scanned",
            Self::Clicked { .. } => "Clicked",
            Self::Opened { .. } => "Opened",
        })
    }
}
