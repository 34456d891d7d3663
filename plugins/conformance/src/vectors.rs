//! The data of one channel: documented examples and tables.

use qianpu_domain::time::Timestamp;
use qianpu_sdk::{Method, PushCredentials, PushFormat, PushOrigin, RawPush, Secret, Verified};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vectors {
    /// Where the examples come from.
    #[serde(rename = "source")]
    _source: String,
    pub(crate) credentials: Credentials,
    /// What the platform's pushes prove of themselves.
    #[serde(default)]
    pub(crate) proof: Proof,
    /// An answer that says "done" and nothing else.
    #[serde(default = "wechat_success")]
    pub(crate) success: Value,
    /// An answer whose code is no code.
    #[serde(default = "wechat_strange")]
    pub(crate) strange: Value,
    pub(crate) handshakes: Vec<Handshake>,
    pub(crate) pushes: Vec<Push>,
    pub(crate) messages: Vec<Message>,
    /// Genuine but senseless messages.
    pub(crate) unreadable: Vec<String>,
    pub(crate) acknowledgement: String,
    pub(crate) errors: Vec<ErrorRow>,
    /// Answers to "fetch the order" and the state they mean, written as JSON of the sdk.
    #[serde(default)]
    pub(crate) orders: Vec<StateRow>,
    /// The same for "fetch the product".
    #[serde(default)]
    pub(crate) listings: Vec<StateRow>,
    /// The same for "read the after-sale case".
    #[serde(default)]
    pub(crate) aftersales: Vec<StateRow>,
    /// Answers to reading a case with a dispute, with the state of the dispute.
    #[serde(default)]
    pub(crate) disputes: Vec<StateRow>,
    /// Answers to reading a claim under a guarantee, with its state.
    #[serde(default)]
    pub(crate) guarantees: Vec<StateRow>,
}

fn wechat_success() -> Value {
    serde_json::json!({"errcode": 0, "errmsg": "ok"})
}

fn wechat_strange() -> Value {
    serde_json::json!({"errcode": {"a": 1}})
}

/// What a push proves of itself, beside that it was signed with the token over its whole body.
#[derive(Deserialize, Clone, Copy)]
#[serde(deny_unknown_fields)]
pub(crate) struct Proof {
    /// It is encrypted with the key.
    pub(crate) key: bool,
    /// Its signature stands in the query; otherwise in headers.
    pub(crate) query: bool,
    /// The signature covers a time. A platform that signs none leaves replays to the dedup key.
    pub(crate) time: bool,
}

impl Default for Proof {
    fn default() -> Self {
        Self { key: true, query: true, time: true }
    }
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    pub(crate) token: String,
    pub(crate) encoding_aes_key: String,
    /// Another well-formed key, for forgeries.
    pub(crate) other_key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Handshake {
    pub(crate) now: i64,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) answer: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Push {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) format: Format,
    pub(crate) app_id: String,
    pub(crate) now: i64,
    #[serde(default)]
    pub(crate) query: Vec<(String, String)>,
    /// Names in lower case.
    #[serde(default)]
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) kind: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Message {
    pub(crate) format: Format,
    pub(crate) text: String,
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) subject_id: Option<String>,
    #[serde(default)]
    pub(crate) secret: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorRow {
    pub(crate) answer: Value,
    pub(crate) class: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StateRow {
    pub(crate) answer: Value,
    pub(crate) state: Value,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    App,
    Account,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    Json,
    Xml,
}

impl Vectors {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }
}

impl Format {
    pub(crate) fn value(self) -> PushFormat {
        match self {
            Self::Json => PushFormat::Json,
            Self::Xml => PushFormat::Xml,
        }
    }
    pub(crate) fn other(self) -> PushFormat {
        match self {
            Self::Json => PushFormat::Xml,
            Self::Xml => PushFormat::Json,
        }
    }
}

impl Origin {
    pub(crate) fn value(self) -> PushOrigin {
        match self {
            Self::App => PushOrigin::App,
            Self::Account => PushOrigin::Account,
        }
    }
}

impl Push {
    pub(crate) fn raw(&self) -> RawPush {
        RawPush {
            origin: self.origin.value(),
            method: Method::Post,
            query: self.query.clone(),
            headers: self.headers.clone(),
            body: self.body.clone().into_bytes(),
        }
    }
    pub(crate) fn credentials(&self, shared: &Credentials) -> PushCredentials {
        PushCredentials {
            app_ids: vec![self.app_id.clone()],
            token: Secret::new(shared.token.clone()),
            encoding_aes_key: Secret::new(shared.encoding_aes_key.clone()),
            previous_encoding_aes_key: None,
            formats: vec![self.format.value()],
            max_age: PushCredentials::DEFAULT_MAX_AGE,
        }
    }
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.now)
    }
}

/// A message as if verification had opened it.
pub(crate) fn opened(format: Format, text: &str) -> Verified {
    Verified {
        origin: PushOrigin::App,
        format: format.value(),
        plaintext: text.as_bytes().to_vec(),
        app_id: "app".to_owned(),
        signed_at: Timestamp::from_seconds(1_700_000_000),
    }
}
