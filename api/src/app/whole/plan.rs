//! What of a merchant goes into an archive. Everything does but what is named here with a reason: whole tables,
//! columns that hold secrets, kinds of directory keys. A column that looks like a secret and is not named stays
//! out, and a test is red until somebody has decided about it.

use crate::error::Answer;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::{application, buyer, directory};
use qianpu_tenants::whole::{Column, Declared, Kind, Shape, shape};

/// What becomes of a column that is a secret, or looks like one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// Not in the archive. It comes back empty, or as a new random value where one has to be.
    Withheld(&'static str),
    /// Personal data that is sealed here for this purpose: opened for the archive, sealed anew when it comes back.
    Opened(&'static str),
    /// A password's hash: not in the archive; comes back as one that no password fits.
    Password,
    /// Only looks like a secret.
    Plain,
}

/// Tables that are not in an archive, and why.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("sessions", "log-ins of this installation"),
    ("refresh_tokens", "log-ins of this installation"),
    ("audit_links", "hashes over the log, made anew over its entries"),
    ("journal_links", "hashes over the books, made anew over their journals"),
    ("totp_secrets", "credentials; whoever had an authenticator app sets it up again"),
    ("recovery_codes", "credentials; new ones come with the authenticator app"),
    ("login_challenges", "log-ins of this installation"),
    ("email_changes", "links of mails that lead to this installation"),
    ("buyer_sessions", "log-ins of this installation"),
    ("buyer_codes", "log-ins of this installation"),
    ("buyer_sign_ins", "log-ins of this installation"),
    ("sms_senders", "the provider's"),
    ("sms_messages", "the provider's"),
    ("sms_counters", "the provider's"),
    ("buyer_settings", "the provider's"),
    ("buyer_person_links", "the provider's"),
    ("password_resets", "links of mails that lead to this installation"),
    ("staff_invitations", "links of mails that lead to this installation; invite again"),
    ("api_keys", "credentials; made anew where the merchant goes"),
    ("api_key_shops", "of API keys"),
    ("oauth_apps", "the provider's"),
    ("oauth_secrets", "the provider's"),
    ("oauth_authorisations", "consents to apps of this provider; asked again"),
    ("oauth_codes", "credentials of this installation"),
    ("oauth_tokens", "credentials of this installation"),
    (
        "ledger_findings",
        "what this installation's daily look found; the books are looked at anew where the merchant goes",
    ),
    ("jobs", "work of this installation; what has to go on is begun anew"),
    ("outbox_events", "events of this installation, told to others already"),
    ("listing_runs", "work of this installation; what is listed stands at the listings"),
    ("listing_run_accounts", "of runs"),
    ("listing_run_targets", "of runs"),
    ("message_templates", "the platform's; read anew where the merchant goes"),
    ("order_notices", "name templates of the platform; set anew where the merchant goes"),
    ("follower_notices", "what this installation sent, kept for a short time only"),
    ("follower_readings", "work of this installation; read anew where the merchant goes"),
    ("follower_taggings", "work of this installation; who has which tag stands at the followers"),
    ("inbox_messages", "pushes to this installation; the truth is asked of the platform"),
    ("idempotency_keys", "answers of this installation to requests it got"),
    ("channel_tokens", "credentials; the account is authorised again"),
    (
        "dispute_evidence",
        "sent by this installation; what was said stands in the dispute's history at the platform",
    ),
    ("exchange_logs", "calls of this installation, kept for a short time only"),
    ("link_intents", "attempts to link an account through this installation"),
    (
        "webhook_endpoints",
        "agreed between this installation and a receiver; registered anew, with a new secret",
    ),
    ("webhook_deliveries", "what this installation told a receiver, kept for a short time only"),
    ("webhook_attempts", "what this installation told a receiver, kept for a short time only"),
    ("exports", "archives lie in this installation"),
    ("merchant_deletions", "about leaving this installation"),
    ("invitations", "the provider's"),
    ("requirements", "the provider's"),
    ("agreements", "the provider's"),
    ("brands", "the provider's"),
    ("brand_authorisations", "the provider's"),
    ("provider_brands", "the provider's"),
    ("impersonations", "visits through this installation; the audit log goes along"),
    ("domains", "lead to this installation; claimed and proven anew"),
    ("mail_senders", "the provider's"),
    ("policy_rules", "the provider's"),
    ("categories", "the provider's; rows name a category by its code"),
    ("channel_apps", "the provider's"),
    ("app_authorisations", "the provider's"),
    ("plans", "the provider's; a subscription carries its own terms"),
    ("plan_versions", "the provider's; a subscription carries its own terms"),
];

/// Tables that grow by an export itself. They are in the archive, and not in the hash over its content.
pub const GOES_ON: &[&str] = &["audit_entries"];

const AGAIN: &str = "the account is authorised again";
const OUR_APP: &str = "the provider's app through which it was linked; chosen again with the authorisation";

const ELSEWHERE: &str = "the log-in is another tenant's; enable the person anew";

/// Columns that hold secrets or look like it, of the tables that are in an archive.
pub const SECRETS: &[(&str, &str, Secret)] = &[
    ("users", "password_hash", Secret::Password),
    ("users", "home_tenant_id", Secret::Withheld(ELSEWHERE)),
    ("users", "home_user_id", Secret::Withheld(ELSEWHERE)),
    ("applications", "id_card_sealed", Secret::Opened(application::PURPOSE_ID_CARD)),
    ("applications", "contact_sealed", Secret::Opened(application::PURPOSE_CONTACT)),
    ("buyer_identities", "sealed", Secret::Opened(buyer::PURPOSE_PHONE)),
    ("channel_accounts", "secret", Secret::Withheld(AGAIN)),
    ("channel_accounts", "push_token", Secret::Withheld(AGAIN)),
    ("channel_accounts", "aes_key", Secret::Withheld(AGAIN)),
    ("channel_accounts", "previous_aes_key", Secret::Withheld(AGAIN)),
    ("channel_accounts", "hook_token", Secret::Withheld("part of this installation's push address")),
    ("channel_accounts", "channel_app_id", Secret::Withheld(OUR_APP)),
    ("funds_withdrawals", "ticket", Secret::Withheld("good for some minutes only, at the platform")),
    ("media", "sha256", Secret::Plain),
    ("listings", "sent_hash", Secret::Plain),
    ("shops", "name_key", Secret::Plain),
    ("products", "title_key", Secret::Plain),
    ("ledger_accounts", "owner_key", Secret::Plain),
    ("applications", "agreement_sha256", Secret::Plain),
];

/// Kinds of directory keys that a merchant takes along. All others are links and addresses of this installation.
pub const KEYS_KEPT: &[&str] =
    &[directory::LOGIN_EMAIL, directory::SHOP_SLUG, directory::SHOP_NAME, directory::EXTERNAL_ACCOUNT];

/// Kinds of directory keys that stay behind, and why.
pub const KEYS_LEFT: &[(&str, &str)] = &[
    (directory::PROVIDER_SLUG, "the provider's"),
    (directory::HOST, "leads to this installation; claimed and proven anew"),
    (directory::ACCOUNT_HOOK, "part of this installation's push address; made anew"),
    (directory::APP_HOOK, "the provider's"),
    (directory::API_KEY, "of an API key"),
    (directory::OAUTH_APP, "the provider's"),
    (directory::INVITATION, "a link of a mail"),
    (directory::PASSWORD_RESET, "a link of a mail"),
    (directory::EMAIL_CHANGE, "a link of a mail"),
    (directory::EMAIL_UNDO, "a link of a mail"),
    (directory::STAFF_INVITATION, "a link of a mail"),
    (directory::WEBHOOK_LISTENER, "the provider's"),
    (directory::LINK_STATE, "an attempt to link an account"),
    (directory::MEMBERSHIP, ELSEWHERE),
];

/// The table of directory keys: not in the tenant's place, and yet a part of it.
pub const KEYS: &str = "global_keys";

/// Columns every row has that are not written: whose it is follows from the archive and from where it goes.
pub const OWNERSHIP: &[&str] = &["tenant_id", "provider_id"];

/// Whether a column says whose a row is.
pub fn owns(table: &str, column: &str) -> bool {
    OWNERSHIP.contains(&column) || (table == "tenants" && column == "parent_id")
}

/// Columns that name a category of the provider; written as its code.
pub const CATEGORIES: &[(&str, &str)] =
    &[("shops", "category_id"), ("products", "category_id"), ("applications", "category_id")];

/// Whether a line is a buyer's phone. What it is found by is keyed by installation and provider, so it is not written,
/// and made anew from the phone itself.
pub fn finds_by_phone(table: &str, line: &serde_json::Map<String, serde_json::Value>) -> bool {
    table == "buyer_identities"
        && line.get("kind").is_some_and(|kind| kind == "phone")
        && line.get("sealed").is_some_and(serde_json::Value::is_string)
}

/// The column whose rows have to come in one statement: they lie side by side in an archive, and the database looks at
/// them when the statement ends.
pub fn together(table: &str) -> Option<&'static str> {
    (table == "ledger_entries").then_some("journal_id")
}

/// Why a table is not in an archive; none when it is.
pub fn left_out(table: &str) -> Option<&'static str> {
    LEFT_OUT.iter().find(|(name, _)| *name == table).map(|(_, reason)| *reason)
}

/// Whether somebody has to decide about a column: its name speaks of a secret or of another tenant, or it holds bytes.
pub fn looks_secret(column: &Column) -> bool {
    const WORDS: &[&str] = &[
        "secret",
        "token",
        "password",
        "passcode",
        "sealed",
        "hash",
        "sha256",
        "key",
        "ticket",
        "otp",
        "pin",
        "recovery",
        "salt",
        "private",
        "signature",
        "nonce",
        "cookie",
        "credential",
        "verifier",
    ];
    let names_a_tenant = column.name != "tenant_id" && column.name.ends_with("tenant_id");
    column.kind == Kind::Bytes
        || names_a_tenant
        || column.name == "merchant_id"
        || column.name.split('_').any(|word| WORDS.contains(&word))
}

/// What was decided about a column; none when nothing had to be.
pub fn decided(table: &str, column: &str) -> Option<Secret> {
    SECRETS.iter().find(|(of, name, _)| *of == table && *name == column).map(|(_, _, secret)| *secret)
}

/// What becomes of a column. One that nobody has decided about stays out.
pub fn treatment(table: &str, column: &Column) -> Secret {
    match decided(table, &column.name) {
        Some(secret) => secret,
        None if looks_secret(column) => Secret::Withheld("not decided about yet"),
        None => Secret::Plain,
    }
}

/// The tables of an archive, in the order in which they can be written back.
pub fn tables() -> Vec<Declared> {
    let tables = qianpu_migrations::tables();
    tables
        .into_iter()
        .filter(|table| left_out(table.name).is_none())
        .map(|table| Declared { name: table.name, columns: table.columns })
        .collect()
}

/// The tables of an archive as they are in this database.
pub async fn shapes(tx: &TenantTx) -> Answer<Vec<Shape>> {
    let mut shapes = Vec::new();
    for declared in tables() {
        shapes.push(shape(tx, declared).await?);
    }
    Ok(shapes)
}

/// Columns of a table that are in the archive.
pub fn written(shape: &Shape) -> impl Iterator<Item = (usize, &Column, Secret)> {
    let table = shape.table();
    shape
        .columns()
        .iter()
        .enumerate()
        .filter(move |(_, column)| !owns(table, &column.name))
        .map(move |(at, column)| (at, column, treatment(table, column)))
        .filter(|(_, _, secret)| matches!(secret, Secret::Plain | Secret::Opened(_)))
}

/// Columns of a table that are kept back, with the reason.
pub fn withheld(shape: &Shape) -> Vec<(String, &'static str)> {
    let reason = |column: &Column| match treatment(shape.table(), column) {
        Secret::Withheld(reason) => Some(reason),
        Secret::Password => Some("people set a new password by mail"),
        Secret::Opened(_) | Secret::Plain => None,
    };
    shape
        .columns()
        .iter()
        .filter_map(|column| reason(column).map(|reason| (column.name.clone(), reason)))
        .collect()
}
