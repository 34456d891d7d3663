//! `/audit_entries` and `/audit_chain`: who did what, and that nobody changed it afterwards.

use crate::app::audit;
use crate::error::{Answer, ApiError};
use crate::http::audit_export::{Format, export};
use crate::http::extract::{Authed, Json, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use actix_web::HttpResponse;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{AuditId, TenantId};
use qianpu_tenants::audit::chain::Head;
use qianpu_tenants::audit::search::{AuditFilter, FoundEntry};
use qianpu_tenants::authz::perm;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/audit_entries", list_audit_entries, "Who did what, newest first");
    api.get("/audit_entries/export", export_audit_entries, "The same as a file, CSV or JSON lines");
    api.get(
        "/audit_chain",
        get_audit_chain,
        "The newest link of the chain over the log, to note down elsewhere",
    );
    api.post("/audit_chain/verify", verify_audit_chain, "Look for entries that were changed or removed");
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct AuditEntryView {
    #[schema(value_type = String)]
    id: Id<AuditId>,
    /// Whose log it stands in: of a provider's view its own, or a merchant's.
    #[schema(value_type = String)]
    tenant_id: Id<TenantId>,
    at: Time,
    actor: AuditActorView,
    /// A word such as `staff.invited`.
    action: String,
    target: AuditTargetView,
    /// What changed.
    detail: Value,
    request_id: String,
    /// Place in the chain and the hash there; null for a short while after it was written.
    link: Option<AuditLinkView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AuditActorView {
    /// `user`, `api_key`, `app`, `channel`, `job`, `buyer`, `visitor` or `system`.
    kind: String,
    id: String,
    /// At the time.
    name: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct AuditTargetView {
    kind: String,
    id: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct AuditLinkView {
    position: i64,
    hash: String,
}

impl From<FoundEntry> for AuditEntryView {
    fn from(found: FoundEntry) -> Self {
        let entry = found.entry;
        Self {
            id: Id(entry.id),
            tenant_id: Id(found.tenant),
            at: Time(entry.at),
            actor: AuditActorView { kind: entry.actor_kind, id: entry.actor_id, name: entry.actor_name },
            action: entry.action,
            target: AuditTargetView { kind: entry.target_kind, id: entry.target_id },
            detail: serde_json::from_str(&entry.detail).unwrap_or(Value::String(entry.detail)),
            request_id: found.request_id,
            link: found.link.map(|(position, hash)| AuditLinkView { position, hash }),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    limit: Option<u32>,
    cursor: Option<String>,
    /// Id of a person, key or app, or a part of its name.
    actor: Option<String>,
    /// A word such as `staff.invited`.
    action: Option<String>,
    /// Id of a thing.
    target: Option<String>,
    /// One tenant's log only.
    tenant_id: Option<String>,
    /// From this moment on, RFC 3339.
    from: Option<String>,
    /// Before this moment, RFC 3339.
    until: Option<String>,
}

fn parsed<T: std::str::FromStr>(field: &str, text: Option<&str>) -> Answer<Option<T>> {
    let wrong = || ApiError::field(FieldError::new(field, "invalid", "this is not valid", "填写不正确"));
    text.filter(|text| !text.is_empty()).map(|text| text.parse().map_err(|_| wrong())).transpose()
}

fn given(text: Option<&String>) -> Option<String> {
    text.map(|text| text.trim().chars().take(200).collect::<String>()).filter(|text| !text.is_empty())
}

impl AuditQuery {
    fn filter(&self) -> Answer<AuditFilter> {
        Ok(AuditFilter {
            actor: given(self.actor.as_ref()),
            action: given(self.action.as_ref()),
            target: given(self.target.as_ref()),
            tenant: parsed("tenant_id", self.tenant_id.as_deref())?,
            from: parsed("from", self.from.as_deref())?,
            until: parsed("until", self.until.as_deref())?,
        })
    }
}

async fn list_audit_entries(
    auth: Authed<perm::AuditRead, Query<AuditQuery>>,
) -> Answer<Json<Page<AuditEntryView>>> {
    let query = &auth.input.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = audit::search(&auth.state, &auth.grant, &query.filter()?, page).await?;
    Ok(Json(Page::of(found, AuditEntryView::from)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct AuditExportQuery {
    /// `csv` or `jsonl`.
    format: Option<String>,
    /// Id of a person, key or app, or a part of its name.
    actor: Option<String>,
    /// A word such as `staff.invited`.
    action: Option<String>,
    /// Id of a thing.
    target: Option<String>,
    /// One tenant's log only.
    tenant_id: Option<String>,
    /// From this moment on, RFC 3339.
    from: Option<String>,
    /// Before this moment, RFC 3339.
    until: Option<String>,
}

async fn export_audit_entries(
    auth: Authed<perm::AuditRead, Query<AuditExportQuery>>,
) -> Answer<HttpResponse> {
    let asked = &auth.input.0;
    let query = AuditQuery {
        limit: None,
        cursor: None,
        actor: asked.actor.clone(),
        action: asked.action.clone(),
        target: asked.target.clone(),
        tenant_id: asked.tenant_id.clone(),
        from: asked.from.clone(),
        until: asked.until.clone(),
    };
    let format = Format::parse(asked.format.as_deref().unwrap_or("jsonl"))?;
    export(&auth.state, &auth.grant, query.filter()?, format).await
}

#[derive(Debug, Serialize, ToSchema)]
struct AuditChainView {
    /// How many entries are linked.
    position: i64,
    /// The hash of the last link; null while there is none.
    hash: Option<String>,
}

async fn get_audit_chain(auth: Authed<perm::AuditRead>) -> Answer<Json<AuditChainView>> {
    let head = audit::head(&auth.state, &auth.grant).await?;
    Ok(Json(AuditChainView {
        position: head.as_ref().map_or(0, |head| head.position),
        hash: head.map(|head| head.hash),
    }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VerifyAuditBody {
    /// A head that was noted down before, `position:hash`: entries that were removed at the end are found with it only.
    #[serde(default)]
    #[schema(example = "")]
    head: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AuditVerdictView {
    /// Nothing was changed or removed.
    intact: bool,
    /// How far the chain holds.
    position: i64,
    hash: Option<String>,
    /// The first place where it does not.
    broken: Option<AuditBrokenView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AuditBrokenView {
    position: i64,
    /// `link_missing`, `entry_missing`, `entry_changed` or `head_differs`.
    fault: &'static str,
    #[schema(value_type = Option<String>)]
    entry_id: Option<Id<AuditId>>,
}

async fn verify_audit_chain(
    auth: Authed<perm::AuditRead, Json<VerifyAuditBody>>,
) -> Answer<Json<AuditVerdictView>> {
    let noted = audit::noted_head(auth.input.0.head.as_deref().unwrap_or_default())?;
    let verdict = audit::verify(&auth.state, &auth.grant, noted.as_ref()).await?;
    let Head { position, hash } = verdict.head;
    Ok(Json(AuditVerdictView {
        intact: verdict.broken.is_none(),
        position,
        hash: (position > 0).then_some(hash),
        broken: verdict.broken.map(|broken| AuditBrokenView {
            position: broken.position,
            fault: broken.fault,
            entry_id: broken.entry.map(Id),
        }),
    }))
}
