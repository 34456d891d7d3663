//! Channels: the provider's apps, the merchants' linked accounts, and everything that comes from or goes to
//! a platform. Where things are:
//!
//! * [`apps`] the provider's channel apps; [`grants`] what accounts granted them;
//! * [`quota`], [`raise`], [`phases`], [`link`], [`link_direct`], [`attach`] linking; [`accounts`] looking after what is linked;
//! * [`push`] taking pushes in, [`push_app`] those to an app, `push_store` storing them,
//!   `push_clean` what no database takes; [`account_jobs`] what they lead
//!   to for an account;
//! * [`exchanges`] what was said to platforms, and how accounts fare by it;
//! * [`call`] making a call in an account's name. Orders and listings use it.

pub mod account_jobs;
pub mod accounts;
pub mod alliance;
pub mod alliance_plans;
pub mod analytics;
pub mod apps;
pub mod attach;
pub mod call;
pub mod call_quotas;
pub mod exchanges;
pub mod grants;
pub mod link;
pub mod link_direct;
pub mod phases;
pub mod push;
pub mod push_app;
mod push_clean;
mod push_known;
mod push_open;
mod push_queue;
pub mod push_route;
mod push_store;
pub mod pushes;
pub mod quota;
pub mod raise;

pub use push_known::KnownHooks;
pub use push_store::PushQueues;

use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::error::ErrorCode;
use qianpu_domain::ids::{ChannelAppId, TenantId};
use qianpu_host::AppRef;
use qianpu_sdk::{Channel, LinkMode, PushFormat};
use qianpu_tenants::context::{SystemCtx, TenantCtx};

/// A channel by its slug.
pub fn find(slug: &str) -> Answer<&'static dyn Channel> {
    qianpu_host::find(slug).ok_or_else(|| ApiError::new(ErrorCode::ChannelUnknown))
}

/// The channels that share one app of a provider.
pub fn family(name: &str) -> impl Iterator<Item = &'static dyn Channel> {
    qianpu_host::channels().into_iter().filter(move |channel| channel.info().app_family == Some(name))
}

/// The channel that links a kind of account, and how it does it through an app.
pub fn of_kind(family_name: &str, kind: &str) -> Option<(&'static dyn Channel, LinkMode)> {
    let channel = family(family_name).find(|channel| channel.info().kind(kind).is_some())?;
    let mode = channel.info().link_modes.iter().copied().find(|mode| mode.through_app())?;
    Some((channel, mode))
}

/// A format of pushes by its name.
pub fn format(text: &str) -> Option<PushFormat> {
    [PushFormat::Json, PushFormat::Xml].into_iter().find(|format| format.as_str() == text)
}

/// A provider's app as the host names it.
pub fn app_ref(channel: &dyn Channel, provider: TenantId, id: ChannelAppId) -> AppRef {
    AppRef { channel: channel.info().slug, tenant: provider, id }
}

/// The installation acting for a tenant that an event of another tenant is about.
pub(crate) async fn act_for(state: &AppState, from: &TenantCtx, tenant: TenantId) -> Answer<TenantCtx> {
    let system = SystemCtx::for_task("channel", from.request_id());
    Ok(TenantCtx::for_system(&state.db, &system, tenant).await?)
}
