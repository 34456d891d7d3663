//! What templates see of endpoints and of types of events.

use crate::app::webhooks::event_types;
use crate::pages::lang::Lang;
use qianpu_domain::webhook::Origin;
use qianpu_tenants::context::TenantCtx;
use qianpu_tenants::store::webhook_endpoint::{Wanted, WebhookEndpoint};
use serde::Serialize;

/// An endpoint.
#[derive(Serialize)]
pub(super) struct EndpointLine {
    pub(super) id: String,
    url: String,
    description: String,
    pub(super) state: &'static str,
    disabled_for: Option<String>,
    /// None for all.
    types: Option<Vec<&'static str>>,
    merchants: bool,
    failing_since: Option<i64>,
    delivered_at: Option<i64>,
    old_secret_until: Option<i64>,
    created_at: i64,
}

pub(super) fn line(row: WebhookEndpoint) -> EndpointLine {
    EndpointLine {
        id: row.id.to_string(),
        url: row.url,
        description: row.description,
        state: row.state.as_str(),
        disabled_for: row.disabled_for,
        types: match row.wanted {
            Wanted::All => None,
            Wanted::Types(types) => Some(types.iter().map(|own| own.as_str()).collect()),
        },
        merchants: row.merchants,
        failing_since: row.failing_since.map(|at| at.micros()),
        delivered_at: row.delivered_at.map(|at| at.micros()),
        old_secret_until: row.old_secret.map(|(_, until)| until.micros()),
        created_at: row.created_at.micros(),
    }
}

/// A type that can be ticked.
#[derive(Serialize)]
pub(super) struct TypeBox {
    value: &'static str,
    label: &'static str,
    of_merchants: bool,
    ticked: bool,
}

pub(super) fn boxes(ctx: &TenantCtx, lang: Lang, chosen: &[String]) -> Vec<TypeBox> {
    event_types(ctx)
        .map(|own| TypeBox {
            value: own.as_str(),
            label: lang.pick(own.text_zh(), own.text_en()),
            of_merchants: own.origin() == Origin::MerchantAndProvider,
            ticked: chosen.iter().any(|code| code == own.as_str()),
        })
        .collect()
}
