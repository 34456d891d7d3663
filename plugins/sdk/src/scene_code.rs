//! Codes with a parameter: whoever scans one is told with its scene.

use crate::context::Context;
use crate::http::Answer;
use crate::step::Turn;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Making codes with a parameter.
pub trait SceneCodes: Send + Sync {
    /// Makes a code.
    fn make(&self, cx: &Context<'_>, wanted: &WantedCode) -> Turn<SceneCode>;
    /// Goes on with [`SceneCodes::make`].
    fn resume_make(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<SceneCode>;
}

/// A code to be made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WantedCode {
    /// Comes back with whoever scans it: 1 to 64 letters, digits, hyphens.
    pub scene: String,
    /// How many seconds it is good for; none for a permanent one, of which platforms give few.
    pub seconds: Option<u32>,
}

/// A code.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SceneCode {
    /// The platform's name for it.
    pub ticket: String,
    /// What a picture of the code has to say.
    pub content: String,
    /// When it ends.
    #[serde(with = "crate::wire::time_opt")]
    pub expires_at: Option<Timestamp>,
}
