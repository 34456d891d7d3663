//! An authenticator app in a person's hand.

use serde_json::json;
use totp_rs::{Builder, Secret};

use crate::app::TestApp;
use crate::http::Client;

/// The app of one person.
#[derive(Clone)]
pub struct Authenticator {
    secret: String,
}

impl Authenticator {
    pub fn with(secret: &str) -> Authenticator {
        Authenticator { secret: secret.to_owned() }
    }

    /// What it shows so many seconds from the application's now.
    pub fn code(&self, app: &TestApp, ahead: i64) -> String {
        let secret = Secret::try_from_base32(&self.secret).expect("the secret is base32");
        let now = u64::try_from(app.state.clock().now().seconds() + ahead).expect("a time after 1970");
        Builder::new().with_secret(secret).build().expect("a secret long enough").generate(now).to_string()
    }

    /// Sets it up for a person who is logged in; with the recovery codes. The clock is moved on, so that the next code
    /// is a new one.
    pub async fn set_up(app: &TestApp, person: &Client, password: &str) -> (Authenticator, Vec<String>) {
        let begun = person.post("/api/v1/me/totp", &json!({ "password": password }), 201).await;
        let own = Authenticator::with(&begun.text("/secret"));
        let confirm = json!({ "code": own.code(app, 0) });
        let codes = person.post("/api/v1/me/totp/confirm", &confirm, 200).await.json("/recovery_codes");
        app.advance(30);
        let codes = codes.as_array().expect("codes").iter();
        (own, codes.map(|code| code.as_str().expect("a code").to_owned()).collect())
    }
}

impl TestApp {
    /// The challenge of a log-in that waits for a code.
    pub async fn challenge(&self, email: &str, password: &str) -> String {
        let body = json!({ "email": email, "password": password });
        let asked = self.anonymous().post("/api/v1/auth/login", &body, 401).await;
        assert_eq!(asked.code(), "second_factor_needed");
        asked.text("/challenge")
    }
}
