//! Two tenants, every operation: what belongs to somebody else is answered exactly like what does not exist, and
//! appears in no list. The rows of the victim are planted past the application, one in each table.

use qianpu_api::http::extract::Access;
use qianpu_api::http::route::Entry;
use qianpu_domain::access::{Permission, Role, Surface, allows};
use qianpu_domain::ids;
use qianpu_tenants::context::TenantCtx;
use qianpu_tests::app::TestApp;
use qianpu_tests::both;
use qianpu_tests::http::{Answer, Client};
use qianpu_tests::openapi;
use qianpu_tests::planted::{MARK, Victim, plant, planted_id_of};
use qianpu_tests::rows;
use serde_json::Value;
use uuid::Uuid;

/// What a parameter of a path, or a field of a body, names: the prefix of its public form and the table of its rows.
const NAMES: &[(&str, &str, &str)] = &[
    ("authorised_app_id", ids::AuthorisationId::PREFIX, "oauth_authorisations"),
    ("oauth_app_id", ids::OauthAppId::PREFIX, "oauth_apps"),
    ("oauth_secret_id", ids::OauthSecretId::PREFIX, "oauth_secrets"),
    ("aftersale_id", ids::AftersaleId::PREFIX, "aftersales"),
    ("funds_withdrawal_id", ids::FundsWithdrawalId::PREFIX, "funds_withdrawals"),
    ("account_code_id", ids::AccountCodeId::PREFIX, "account_codes"),
    ("api_key_id", ids::ApiKeyId::PREFIX, "api_keys"),
    ("app_authorisation_id", ids::AppAuthorisationId::PREFIX, "app_authorisations"),
    ("app_authorisation_id", ids::AppAuthorisationId::PREFIX, "app_authorisations"),
    ("application_id", ids::ApplicationId::PREFIX, "applications"),
    ("article_id", ids::ArticleId::PREFIX, "articles"),
    ("buyer_id", ids::BuyerId::PREFIX, "buyers"),
    ("buyer_session_id", ids::BuyerSessionId::PREFIX, "buyer_sessions"),
    ("category_id", ids::CategoryId::PREFIX, "categories"),
    ("channel_account_id", ids::ChannelAccountId::PREFIX, "channel_accounts"),
    ("channel_link_id", ids::LinkIntentId::PREFIX, "link_intents"),
    ("channel_app_id", ids::ChannelAppId::PREFIX, "channel_apps"),
    ("deletion_id", ids::DeletionId::PREFIX, "merchant_deletions"),
    ("deposit_id", ids::DepositId::PREFIX, "deposits"),
    ("deposit_case_id", ids::DepositCaseId::PREFIX, "deposit_cases"),
    ("coupon_id", ids::CouponId::PREFIX, "coupons"),
    ("qualification_id", ids::QualificationId::PREFIX, "qualifications"),
    ("discount_id", ids::DiscountId::PREFIX, "discounts"),
    ("document_id", ids::DocumentId::PREFIX, "application_documents"),
    ("export_id", ids::ExportId::PREFIX, "exports"),
    ("domain_id", ids::DomainId::PREFIX, "domains"),
    ("follower_tag_id", ids::FollowerTagId::PREFIX, "follower_tags"),
    ("follower_tagging_id", ids::FollowerTaggingId::PREFIX, "follower_taggings"),
    ("follower_id", ids::FollowerId::PREFIX, "followers"),
    ("grant_id", ids::StaffGrantId::PREFIX, "staff_grants"),
    ("impersonation_id", ids::ImpersonationId::PREFIX, "impersonations"),
    ("import_id", ids::ImportId::PREFIX, "imports"),
    ("invitation_id", ids::InvitationId::PREFIX, "invitations"),
    ("invoice_id", ids::InvoiceId::PREFIX, "invoices"),
    ("job_id", ids::JobId::PREFIX, "jobs"),
    ("journal_id", ids::JournalId::PREFIX, "journals"),
    ("ledger_finding_id", ids::LedgerFindingId::PREFIX, "ledger_findings"),
    ("ledger_account_id", ids::LedgerAccountId::PREFIX, "ledger_accounts"),
    ("live_plan_id", ids::LivePlanId::PREFIX, "live_plans"),
    ("listing_id", ids::ListingId::PREFIX, "listings"),
    ("listing_run_id", ids::ListingRunId::PREFIX, "listing_runs"),
    ("credit_note_id", ids::CreditNoteId::PREFIX, "credit_notes"),
    ("channel_mapping_id", ids::ChannelMappingId::PREFIX, "channel_mappings"),
    ("media_id", ids::MediaId::PREFIX, "media"),
    ("message_template_id", ids::MessageTemplateId::PREFIX, "message_templates"),
    ("merchant_id", ids::TenantId::PREFIX, "tenants"),
    ("order_id", ids::OrderId::PREFIX, "orders"),
    ("order_line_id", ids::OrderLineId::PREFIX, "order_lines"),
    ("plan_change_id", ids::PlanChangeId::PREFIX, "plan_changes"),
    ("plan_id", ids::PlanId::PREFIX, "plans"),
    ("plan_version_id", ids::PlanVersionId::PREFIX, "plan_versions"),
    ("push_id", ids::InboxId::PREFIX, "inbox_messages"),
    ("policy_id", ids::PolicyId::PREFIX, "policy_rules"),
    ("product_id", ids::ProductId::PREFIX, "products"),
    ("provider_id", ids::TenantId::PREFIX, "tenants"),
    ("receipt_id", ids::ReceiptId::PREFIX, "receipts"),
    ("reply_rule_id", ids::ReplyRuleId::PREFIX, "reply_rules"),
    ("requirement_id", ids::RequirementId::PREFIX, "requirements"),
    ("session_id", ids::SessionId::PREFIX, "sessions"),
    ("shipment_id", ids::ShipmentId::PREFIX, "shipments"),
    ("shop_id", ids::ShopId::PREFIX, "shops"),
    ("role_id", ids::RoleId::PREFIX, "custom_roles"),
    ("sku_id", ids::SkuId::PREFIX, "skus"),
    ("staff_invitation_id", ids::InvitationId::PREFIX, "staff_invitations"),
    ("subscription_id", ids::SubscriptionId::PREFIX, "subscriptions"),
    ("tenant_id", ids::TenantId::PREFIX, "tenants"),
    ("user_id", ids::UserId::PREFIX, "users"),
    ("webhook_delivery_id", ids::WebhookDeliveryId::PREFIX, "webhook_deliveries"),
    ("webhook_endpoint_id", ids::WebhookEndpointId::PREFIX, "webhook_endpoints"),
];

/// Parameters of paths that name no row.
const NOT_ROWS: &[&str] = &[
    "name",
    "requirement",
    "slug",
    "channel",
    "token",
    "kind",
    "claim",
    "external_product",
    "promoter",
    "plan",
];

/// Values of fields that a rule of the body looks at, by the name of the field.
const VALUES: &[(&str, &str)] = &[
    ("admission", "open"),
    ("kind", "enterprise"),
    ("verdict", "accept"),
    ("occurred_at", "2026-11-21T03:00:00Z"),
];

/// Operations that do not get as far as the row with a body of the right shape only, because a rule about the body
/// speaks first. They must answer the same for a foreign and an unknown id. The list can only shrink.
const BODY_SPEAKS_FIRST: &[&str] = &["attach_application_document", "save_application_shop"];

/// An id that nobody has.
const NOBODYS: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_00ff_ffff_ffff);

pub struct Outsider {
    whose: &'static str,
    pub role: Role,
    pub at: TenantCtx,
}

impl Outsider {
    fn name(&self) -> String {
        format!("{} {}", self.whose, self.role.as_str())
    }
}

pub struct Stage {
    pub app: TestApp,
    pub victim: Uuid,
    /// The victim's own tenant, and its provider's.
    pub own: [TenantCtx; 2],
    /// Callers who are not the victim.
    pub outsiders: Vec<Outsider>,
}

pub async fn stage(db: qianpu_tests::TestDb) -> Stage {
    let app = TestApp::start(db).await;
    app.operator().await;
    let provider = app.provider("甲服务商").await;
    let victim = app.merchant(&provider, "甲商家").await;
    let sibling = app.merchant(&provider, "甲服务商的另一商家").await;
    let other_provider = app.provider("乙服务商").await;
    let stranger = app.merchant(&other_provider, "乙商家").await;
    let mut outsiders = Vec::new();
    for role in Role::ALL {
        let mut add = |whose, at: &TenantCtx| outsiders.push(Outsider { whose, role: *role, at: at.clone() });
        match role.surface() {
            Surface::Merchant => {
                add("a sibling's", &sibling);
                add("a stranger's", &stranger);
            }
            Surface::Provider => add("another provider's", &other_provider),
            Surface::Operator => {}
        }
    }
    let planted = Victim { tenant: victim.tenant().0, provider: provider.tenant().0 };
    // The victim itself is a row of `tenants` already.
    // A rule of the victim that asks an authenticator app of everybody would answer in place of every other guard.
    let connection = plant(&app.db, planted, &["tenants", "sign_in_rules"]).await;
    connection.close().await.unwrap();
    Stage { app, victim: victim.tenant().0, own: [victim, provider], outsiders }
}

impl Stage {
    /// The first outsider of each kind whose role may call the operation.
    fn callers(&self, permission: Permission) -> Vec<&Outsider> {
        let mut callers: Vec<&Outsider> = Vec::new();
        for outsider in &self.outsiders {
            let known = callers.iter().any(|caller| caller.whose == outsider.whose);
            if !known && allows(outsider.role, permission) {
                callers.push(outsider);
            }
        }
        callers
    }

    /// The public form of the victim's row that a name stands for.
    pub fn foreign(&self, name: &str) -> Option<String> {
        let (_, prefix, table) = NAMES.iter().find(|(known, ..)| *known == name)?;
        let id = if *table == "tenants" { self.victim } else { planted_id_of(table)? };
        Some(format!("{prefix}_{}", id.as_simple()))
    }
}

pub fn value_or(name: &str, id: Option<String>) -> Option<String> {
    VALUES.iter().find(|(field, _)| *field == name).map(|(_, value)| (*value).to_owned()).or(id)
}

/// Every name that stands for a row.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, ..)| *name)
}

fn unknown(name: &str) -> Option<String> {
    let (_, prefix, _) = NAMES.iter().find(|(known, ..)| *known == name)?;
    Some(format!("{prefix}_{}", NOBODYS.as_simple()))
}

/// The names of the parameters of a path.
pub fn parameters(path: &str) -> Vec<&str> {
    path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect()
}

pub fn fill(path: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut filled = path.to_owned();
    for name in parameters(path) {
        filled = filled.replace(&format!("{{{name}}}"), &value(name).unwrap_or_else(|| "nothing".to_owned()));
    }
    filled
}

pub async fn ask(client: &Client, entry: &Entry, path: &str, body: Option<&Value>) -> Answer {
    let key = qianpu_tenants::random::token();
    let headers = [("Idempotency-Key", key.as_str()), ("If-Match", "\"1\"")];
    client.try_send(entry.method.as_str().parse().unwrap(), path, body, &headers).await
}

/// A problem without what differs from request to request, and without the ids that were asked for.
fn comparable(answer: &Answer) -> (u16, String) {
    let mut body: Value =
        serde_json::from_str(&answer.body).unwrap_or_else(|_| Value::String(answer.body.clone()));
    if let Some(fields) = body.as_object_mut() {
        fields.remove("request_id");
        fields.remove("instance");
    }
    (answer.status, body.to_string())
}

both! {
    async fn what_is_somebody_elses_is_answered_like_what_is_not_there(db: TestDb) {
        let stage = stage(db).await;
        let routes = qianpu_api::http::routes();
        let document = openapi::document(&routes);
        let before = rows::stored(&stage.app.db, Some(stage.victim)).await;
        let mut wrong = Vec::new();
        let mut spoke_first = Vec::new();
        for entry in routes.entries().iter().filter(|entry| entry.summary.is_some()) {
            let Access::Needs(permission) = entry.access else { continue };
            let names: Vec<&str> =
                parameters(&entry.path).into_iter().filter(|name| !NOT_ROWS.contains(name)).collect();
            if names.is_empty() {
                continue;
            }
            let unnamed = names.iter().find(|name| unknown(name).is_none() || stage.foreign(name).is_none());
            if let Some(name) = unnamed {
                wrong.push(format!("{}: add the parameter {name} to the table of names", entry.path));
                continue;
            }
            let method = entry.method.as_str();
            for outsider in stage.callers(permission) {
                // A person of its own for each operation: some end the session, some change what one may do.
                let client = &stage.app.person(&outsider.at, outsider.role).await;
                let body = openapi::body(&document, method, &entry.path, &|name| value_or(name, stage.foreign(name)));
                let foreign = fill(&entry.path, |name| stage.foreign(name));
                let foreign = comparable(&ask(client, entry, &foreign, body.as_ref()).await);
                let body = openapi::body(&document, method, &entry.path, &|name| value_or(name, unknown(name)));
                let nobodys = fill(&entry.path, unknown);
                let nobodys = comparable(&ask(client, entry, &nobodys, body.as_ref()).await);
                if foreign != nobodys {
                    let who = outsider.name();
                    wrong.push(format!("{method} {} by {who}: {foreign:?}, unknown: {nobodys:?}", entry.path));
                } else if foreign.0 != 404 && !BODY_SPEAKS_FIRST.contains(&entry.id) {
                    spoke_first.push(format!("{} ({method} {}): {} {}", entry.id, entry.path, foreign.0, foreign.1));
                }
            }
        }
        spoke_first.dedup();
        assert!(wrong.is_empty(), "a foreign row is not like an unknown one:\n{}", wrong.join("\n"));
        assert!(spoke_first.is_empty(), "neither was answered with 404:\n{}", spoke_first.join("\n"));
        let after = rows::stored(&stage.app.db, Some(stage.victim)).await;
        rows::assert_unchanged(&before, &after, "after calls of others");
        stage.app.stop().await;
    }

    async fn no_answer_shows_what_is_somebody_elses(db: TestDb) {
        let stage = stage(db).await;
        let routes = qianpu_api::http::routes();
        let mut wrong = Vec::new();
        for entry in routes.entries().iter().filter(|entry| entry.method.as_str() == "GET") {
            let Access::Needs(permission) = entry.access else { continue };
            let path = fill(&entry.path, |name| stage.foreign(name));
            for outsider in stage.callers(permission) {
                let answer = if entry.summary.is_some() {
                    let client = stage.app.person(&outsider.at, outsider.role).await;
                    ask(&client, entry, &path, None).await
                } else {
                    let visitor = stage.app.visitor(&outsider.at, outsider.role).await;
                    let cookie = [("Cookie", visitor.cookie.as_str())];
                    visitor.client.try_send(reqwest::Method::GET, &path, None, &cookie).await
                };
                // A console page of another surface sends people to their own log-in.
                let away = entry.summary.is_none() && (300..400).contains(&answer.status);
                let foreign = parameters(&entry.path).iter().any(|name| !NOT_ROWS.contains(name));
                let shown = answer.body.contains(MARK) || answer.body.contains("de0000");
                if shown || answer.status >= 500 || (foreign && answer.status != 404 && !away) {
                    let start: String = answer.body.chars().take(400).collect();
                    wrong.push(format!("GET {path} by {}: {} {start}", outsider.name(), answer.status));
                }
            }
        }
        assert!(wrong.is_empty(), "somebody else's rows are shown:\n{}", wrong.join("\n"));
        stage.app.stop().await;
    }

    async fn forms_about_what_is_somebody_elses_change_nothing(db: TestDb) {
        let stage = stage(db).await;
        let routes = qianpu_api::http::routes();
        let before = rows::stored(&stage.app.db, Some(stage.victim)).await;
        let mut wrong = Vec::new();
        for entry in routes.entries().iter().filter(|entry| entry.summary.is_none()) {
            let Access::Needs(permission) = entry.access else { continue };
            let foreign = parameters(&entry.path).iter().any(|name| !NOT_ROWS.contains(name));
            if entry.method.as_str() != "POST" || !foreign {
                continue;
            }
            for outsider in stage.callers(permission) {
                let visitor = stage.app.visitor(&outsider.at, outsider.role).await;
                let mut answers = Vec::new();
                for path in [fill(&entry.path, |name| stage.foreign(name)), fill(&entry.path, unknown)] {
                    let request = visitor.client.request(reqwest::Method::POST, &path);
                    let request = request.header("Cookie", &visitor.cookie);
                    let response = request.form(&[("_csrf", &visitor.form_token)]).send().await.unwrap();
                    answers.push(Answer::of(response).await);
                }
                let [theirs, nobodys] = answers.as_slice() else { continue };
                if theirs.status != nobodys.status || theirs.status < 300 || theirs.status >= 500 {
                    let statuses = (theirs.status, nobodys.status);
                    wrong.push(format!("POST {} by {}: {statuses:?}", entry.path, outsider.name()));
                }
            }
        }
        assert!(wrong.is_empty(), "a form takes somebody else's row:\n{}", wrong.join("\n"));
        let after = rows::stored(&stage.app.db, Some(stage.victim)).await;
        rows::assert_unchanged(&before, &after, "after forms of others");
        stage.app.stop().await;
    }
}
