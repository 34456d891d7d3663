//! `/channel_accounts/{id}/codes` and `/account_codes`: codes with a parameter of public accounts.

use crate::app::followers::codes::{self, TypedCode};
use crate::error::Answer;
use crate::http::describe::{Created, NoContent};
use crate::http::extract::{Authed, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::ids::{AccountCodeId, ChannelAccountId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::account_code::AccountCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    let codes = "/channel_accounts/{channel_account_id}/codes";
    api.get(codes, list_account_codes, "Codes with a parameter, newest first, with who came by them");
    api.post(codes, make_account_code, "Make a code at the platform");
    api.delete("/account_codes/{account_code_id}", forget_account_code, "Forget a code and its counts");
}

#[derive(Debug, Serialize, ToSchema)]
struct AccountCodeView {
    #[schema(value_type = String)]
    id: Id<AccountCodeId>,
    #[schema(value_type = String)]
    channel_account_id: Id<ChannelAccountId>,
    name: String,
    /// Comes with whoever scans it; rules with the trigger `scene` answer it.
    scene: String,
    /// What a picture of the code has to say.
    content: String,
    /// Null for a permanent one.
    #[schema(value_type = Option<String>)]
    expires_at: Option<Time>,
    /// Scans by people who follow already.
    scans: i64,
    /// People who began to follow by it.
    follows: i64,
    #[schema(value_type = String)]
    created_at: Time,
}

fn view(code: AccountCode) -> AccountCodeView {
    AccountCodeView {
        id: Id(code.id),
        channel_account_id: Id(code.account),
        name: code.name,
        scene: code.scene,
        content: code.content,
        expires_at: code.expires_at.map(Time),
        scans: code.scans,
        follows: code.follows,
        created_at: Time(code.created_at),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListCodesQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_account_codes(
    auth: Authed<perm::FollowerRead, (Path<ChannelAccountId>, Query<ListCodesQuery>)>,
) -> Answer<Json<Page<AccountCodeView>>> {
    let (Path(account), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(codes::list(&auth.state, &auth.grant, *account, page).await?.1, view)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MakeCodeBody {
    /// Up to 40 characters.
    name: String,
    /// 1 to 64 letters, digits, hyphens; one code of an account has it.
    scene: String,
    /// 1 to 30; a permanent code without it, of which the platform gives 100 000.
    #[serde(default)]
    days: Option<u32>,
}

async fn make_account_code(
    auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, Json<MakeCodeBody>)>,
) -> Answer<Created<AccountCodeView>> {
    let (Path(account), Json(body)) = &auth.input;
    let typed = TypedCode { name: body.name.clone(), scene: body.scene.clone(), days: body.days };
    Ok(Created(view(codes::make(&auth.state, &auth.grant, *account, &typed).await?)))
}

async fn forget_account_code(auth: Authed<perm::FollowerManage, Path<AccountCodeId>>) -> Answer<NoContent> {
    codes::forget(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}
