//! The policy calendar by page: what holds for each kind of rule and who said so, and a form per kind whose
//! fields are its parameters. Amounts are typed in yuan, rates in percent.

mod calendar;
mod form;

use self::form::{Field, day_start, fields_of, params_of, refused_at_fields, shown};
use super::apply::may_be_mended;
use crate::app::merchants;
use crate::app::policies::{self, ListedRule, SetPolicy};
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Call, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::{Permission, Surface};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{PolicyId, TenantId};
use qianpu_domain::policy::{PolicyKind, PolicyScope};
use qianpu_domain::time::Timestamp;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::page::{MAX_LIMIT, PageRequest};
use serde::Serialize;

const HOME: &str = "/console/provider/policies";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    calendar::routes(pages);
    pages.get(HOME, policies_page);
    pages.get("/console/provider/policies/{kind}", policy_page);
    pages.post("/console/provider/policies/{kind}", policy_form);
    pages.post("/console/provider/policies/{policy_id}/end", end_policy_form);
}

/// A merchant to choose, and the name of one that a row is for.
#[derive(Debug, Clone, Serialize)]
struct MerchantOption {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct ParameterItem {
    label: String,
    value: String,
}

#[derive(Serialize)]
struct RowItem {
    id: String,
    scope: &'static str,
    merchant: String,
    parameters: Vec<ParameterItem>,
    from: i64,
    to: Option<i64>,
    /// `now` when it decides, `later` when it has not begun, `hidden` when a narrower row decides.
    standing: &'static str,
    /// The provider's own rows can be ended.
    own: bool,
}

#[derive(Serialize)]
struct KindItem {
    kind: &'static str,
    href: String,
    rows: Vec<RowItem>,
}

#[derive(Serialize)]
struct PoliciesView {
    kinds: Vec<KindItem>,
    may_change: bool,
}

/// This page belongs to the provider; merchants see what holds for them where it matters.
fn for_providers<P>(auth: &Authed<P, impl Sized>) -> Answer<()>
where
    P: qianpu_tenants::authz::Perm,
{
    if auth.caller.surface() == Surface::Provider { Ok(()) } else { Err(ApiError::not_found()) }
}

async fn merchants_of(call: &Call, grant: Option<Grant<perm::MerchantRead>>) -> Answer<Vec<MerchantOption>> {
    let Some(grant) = grant else { return Ok(Vec::new()) };
    let rows = merchants::list(&call.state, &grant, PageRequest::first(MAX_LIMIT)).await?.items;
    Ok(rows.into_iter().map(|row| MerchantOption { value: row.id.to_string(), label: row.name }).collect())
}

fn row_item(call: &Call, listed: ListedRule, merchants: &[MerchantOption], now: Timestamp) -> RowItem {
    let rule = listed.rule;
    let merchant = match rule.scope {
        PolicyScope::Merchant(id) => {
            let id = id.to_string();
            let known = merchants.iter().find(|merchant| merchant.value == id);
            known.map_or(id, |merchant| merchant.label.clone())
        }
        PolicyScope::Platform | PolicyScope::Provider(_) => String::new(),
    };
    let kind = rule.params.kind();
    let parameters = rule.params.to_pairs().into_iter();
    RowItem {
        scope: rule.scope.as_str(),
        parameters: parameters
            .map(|(key, value)| {
                let field = Field::of(call, kind, &key);
                ParameterItem { value: shown(call, &field, &value), label: field.label }
            })
            .collect(),
        from: rule.effective_from.micros(),
        to: rule.effective_to.map(Timestamp::micros),
        standing: match (rule.holds_at(now), rule.scope) {
            (false, _) => "later",
            (true, PolicyScope::Merchant(_)) => "now",
            (true, _) if listed.in_force => "now",
            (true, _) => "hidden",
        },
        own: rule.scope != PolicyScope::Platform,
        merchant,
        id: rule.id.0,
    }
}

async fn policies_page(auth: Authed<perm::PolicyRead>) -> PageAnswer {
    for_providers(&auth)?;
    let merchants = merchants_of(&auth, auth.caller.grant().ok()).await?;
    let listed = policies::list(&auth.state, &auth.grant).await?;
    let now = auth.state.clock().now();
    let kinds = PolicyKind::ALL
        .iter()
        .map(|kind| KindItem {
            kind: kind.as_str(),
            href: format!("{HOME}/{kind}"),
            rows: listed
                .iter()
                .filter(|row| row.rule.params.kind() == *kind)
                .map(|row| row_item(&auth, row.clone(), &merchants, now))
                .collect(),
        })
        .collect();
    let may_change = auth.caller.may(Permission::PolicyManage);
    auth.page("policies/list", PoliciesView { kinds, may_change })
}

#[derive(Serialize)]
struct PolicyView {
    form: FormView,
    kind: &'static str,
    at: String,
    fields: Vec<Field>,
    merchants: Vec<MerchantOption>,
}

type Manage<T> = Authed<perm::PolicyManage, T>;

async fn view<T>(auth: &Manage<T>, kind: PolicyKind, form: Option<FormView>) -> Answer<PolicyView> {
    for_providers(auth)?;
    let reading = auth.caller.grant::<perm::PolicyRead>()?;
    let listed = policies::list(&auth.state, &reading).await?;
    let in_force = listed.iter().find(|row| row.in_force && row.rule.params.kind() == kind);
    let pairs = in_force.map(|row| row.rule.params.to_pairs()).unwrap_or_default();
    let fields = fields_of(auth, kind);
    let stored = || {
        FormView::filled(fields.iter().map(|field| {
            let value = pairs.iter().find(|(key, _)| *key == field.key).map(|(_, value)| value.as_str());
            // An installation without a limit: a rule has to name one, so the field stays empty.
            let value = value.filter(|value| !(kind == PolicyKind::RequestRate && *value == "0"));
            (field.name.clone(), value.map_or_else(String::new, |value| field.typed(value)))
        }))
    };
    Ok(PolicyView {
        form: form.unwrap_or_else(stored),
        kind: kind.as_str(),
        at: format!("{HOME}/{kind}"),
        merchants: merchants_of(auth, auth.caller.grant().ok()).await?,
        fields,
    })
}

fn kind_of(word: &str) -> Answer<PolicyKind> {
    PolicyKind::from_text(word).ok_or_else(ApiError::not_found)
}

async fn policy_page(auth: Manage<Path<String>>) -> PageAnswer {
    let kind = kind_of(&auth.input.0)?;
    let view = view(&auth, kind, None).await?;
    auth.page("policies/policy", view)
}

async fn policy_form(auth: Manage<(Path<String>, Fields)>) -> PageAnswer {
    let (Path(word), typed) = auth.input.clone();
    let kind = kind_of(&word)?;
    match set(&auth, kind, &typed).await {
        Ok(()) => Ok(auth.redirect_with(&Flash::success("policies.saved"), &format!("{HOME}#{kind}"))),
        Err(error) if may_be_mended(&error) => {
            let error = refused_at_fields(error);
            let form = FormView::refused_by(&typed, &error, auth.info.lang);
            let view = view(&auth, kind, Some(form)).await?;
            auth.refused_page("policies/policy", view)
        }
        Err(error) => Err(error),
    }
}

async fn set(auth: &Manage<(Path<String>, Fields)>, kind: PolicyKind, typed: &Fields) -> Answer<()> {
    let mut errors = Vec::new();
    let params = params_of(auth, kind, typed, &mut errors);
    let merchant: Option<TenantId> = typed.parsed("merchant", &mut errors);
    let now = auth.state.clock().now();
    let effective_from = day_start(auth, typed, "effective_from", 0, &mut errors)?;
    // The last day is typed; the row holds until that day is over.
    let effective_to = day_start(auth, typed, "effective_to", 1, &mut errors)?;
    if !errors.is_empty() {
        return Err(errors.into());
    }
    // Today means from now on: its beginning is past.
    let today = day_start(auth, typed, "effective_from", 1, &mut errors)?.is_some_and(|end| end > now);
    let effective_from = effective_from.filter(|from| *from > now || !today);
    let command = SetPolicy { kind, params, merchant, effective_from, effective_to };
    policies::set(&auth.state, &auth.grant, &command).await.map(drop).map_err(|error| {
        if merchant.is_some() && error.code().status() == 404 {
            return FieldError::new("merchant", "unknown", "no such merchant", "没有该商家").into();
        }
        error
    })
}

async fn end_policy_form(auth: Manage<(Path<PolicyId>, Fields)>) -> PageAnswer {
    policies::end(&auth.state, &auth.grant, auth.input.0.0).await?;
    Ok(auth.redirect_with(&Flash::success("policies.ended"), HOME))
}
