//! `/invitations`: a provider invites merchants by mail.

use crate::app::invitations::{self, Invite};
use crate::error::Answer;
use crate::http::describe::{Created, NoContent};
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use crate::pages::lang::Lang;
use qianpu_domain::ids::{InvitationId, TenantId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::invitation::Invitation;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.post("/invitations", invite_merchant, "Invite somebody to open a shop, by mail");
    api.get("/invitations", list_invitations, "Invitations, newest first");
    api.delete("/invitations/{invitation_id}", revoke_invitation, "Take an open invitation back");
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InviteBody {
    email: String,
    /// To greet with; may be left out.
    #[serde(default)]
    merchant_name: Option<String>,
    /// Language of the mail, `zh` or `en`.
    #[serde(default)]
    locale: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct InvitationView {
    #[schema(value_type = String)]
    id: Id<InvitationId>,
    email: String,
    merchant_name: String,
    locale: String,
    /// `open`, `used`, `revoked` or `expired`.
    state: &'static str,
    /// The merchant that came of it.
    #[schema(value_type = Option<String>)]
    merchant_id: Option<Id<TenantId>>,
    expires_at: Time,
    created_at: Time,
}

fn view(row: Invitation) -> InvitationView {
    InvitationView {
        id: Id(row.id),
        email: row.email,
        merchant_name: row.merchant_name,
        locale: row.locale,
        state: row.state,
        merchant_id: row.used_by.map(Id),
        expires_at: Time(row.expires_at),
        created_at: Time(row.created_at),
    }
}

async fn invite_merchant(
    auth: Authed<perm::MerchantInvite, Json<InviteBody>>,
) -> Answer<Created<InvitationView>> {
    let body = &auth.input.0;
    let command = Invite {
        email: body.email.clone(),
        merchant_name: body.merchant_name.clone().unwrap_or_default(),
        lang: body.locale.as_deref().and_then(Lang::parse).unwrap_or(auth.info.lang),
    };
    Ok(Created(view(invitations::invite(&auth.state, &auth.grant, &command).await?)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListInvitationsQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_invitations(
    auth: Authed<perm::MerchantInvite, Query<ListInvitationsQuery>>,
) -> Answer<Json<Page<InvitationView>>> {
    let query = &auth.input.0;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(invitations::list(&auth.state, &auth.grant, page).await?, view)))
}

async fn revoke_invitation(auth: Authed<perm::MerchantInvite, Path<InvitationId>>) -> Answer<NoContent> {
    invitations::revoke(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}
