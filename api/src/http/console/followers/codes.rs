//! Codes with a parameter: the list with who came by each, and a form for a new one.

use super::super::apply::may_be_mended;
use super::{Reach, of_account};
use crate::app::followers::codes::{self, TypedCode};
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qianpu_domain::access::Permission;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{AccountCodeId, ChannelAccountId};
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::account_code::AccountCode;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    let codes = "/console/merchant/channel_accounts/{channel_account_id}/codes";
    pages.get(codes, account_codes_page);
    pages.post(codes, make_code_form);
    pages.post("/console/merchant/account_codes/{account_code_id}/forget", forget_code_form);
}

#[derive(Deserialize, IntoParams)]
struct CodesQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct CodeRow {
    forget: String,
    name: String,
    scene: String,
    /// The code as a picture, for `src`.
    picture: String,
    expires_at: Option<i64>,
    over: bool,
    scans: i64,
    follows: i64,
    at: i64,
}

#[derive(Serialize)]
struct CodesView {
    form: FormView,
    reach: Reach,
    at: String,
    codes: Vec<CodeRow>,
    may_manage: bool,
    next_page: Option<String>,
}

/// The platform's document has us draw the picture ourselves from what it says.
fn picture(content: &str) -> Answer<String> {
    let svg = crate::auth::totp::picture(content)?;
    Ok(format!("data:image/svg+xml;base64,{}", STANDARD.encode(svg)))
}

async fn view<P: Perm, T>(
    auth: &Authed<P, T>,
    id: ChannelAccountId,
    page: PageRequest,
    form: Option<FormView>,
) -> Answer<CodesView> {
    let grant = auth.caller.grant::<perm::FollowerRead>()?;
    let (account, found) = codes::list(&auth.state, &grant, id, page).await?;
    let now = auth.state.clock().now();
    let at = of_account(id, "codes");
    let row = |code: AccountCode| -> Answer<CodeRow> {
        Ok(CodeRow {
            forget: format!("/console/merchant/account_codes/{}/forget", code.id),
            name: code.name,
            scene: code.scene,
            picture: picture(&code.content)?,
            over: code.expires_at.is_some_and(|end| end <= now),
            expires_at: code.expires_at.map(qianpu_domain::time::Timestamp::micros),
            scans: code.scans,
            follows: code.follows,
            at: code.created_at.micros(),
        })
    };
    Ok(CodesView {
        form: form.unwrap_or_default(),
        reach: Reach::of(&account, "codes"),
        next_page: found.next.map(|next| format!("{at}?cursor={}", cursor_text(&next))),
        at,
        codes: found.items.into_iter().map(row).collect::<Answer<_>>()?,
        may_manage: auth.caller.may(Permission::FollowerManage),
    })
}

async fn account_codes_page(
    auth: Authed<perm::FollowerRead, (Path<ChannelAccountId>, Query<CodesQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let page = page_request(Some(30), query.cursor.as_deref())?;
    let view = view(&auth, *id, page, None).await?;
    auth.page("followers/codes", view)
}

async fn make_code_form(auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let days = fields.text("days");
    let read = match days {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| FieldError::new("days", "range", "1 to 30 days", "应为 1 到 30 天")),
    };
    let outcome = match read {
        Ok(days) => {
            let (name, scene) = (fields.text("name").to_owned(), fields.text("scene").to_owned());
            codes::make(&auth.state, &auth.grant, *id, &TypedCode { name, scene, days }).await
        }
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(_) => Ok(auth.redirect_with(&Flash::success("followers.code_made"), &of_account(*id, "codes"))),
        Err(error) if may_be_mended(&error) || error.code().status() == 503 => {
            let form = FormView::refused_by(fields, &error, auth.info.lang);
            let view = view(&auth, *id, PageRequest::first(30), Some(form)).await?;
            auth.refused_page("followers/codes", view)
        }
        Err(error) => Err(error),
    }
}

async fn forget_code_form(auth: Authed<perm::FollowerManage, (Path<AccountCodeId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let account = codes::forget(&auth.state, &auth.grant, *id).await?;
    Ok(auth.redirect_with(&Flash::success("followers.code_forgotten"), &of_account(account, "codes")))
}
