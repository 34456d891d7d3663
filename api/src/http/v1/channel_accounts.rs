//! `/channel_accounts` and `/channel_links`: linked accounts and links under way.

use crate::app::channels::accounts::{self, AccountHealth, ChangeAccount, category_path, own_app_id};
use crate::app::channels::link::{self, StartLink};
use crate::app::channels::link_direct::{self, LinkDirectly};
use crate::app::channels::{quota, raise};
use crate::error::Answer;
use crate::http::describe::{Created, NoContent, Versioned};
use crate::http::extract::{Authed, IfMatch, Json, Path, Query};
use crate::http::route::Api;
use crate::http::v1::shop_scores::RaiseBody;
use crate::http::wire::{Id, Page, Time, page_request};
use qianpu_domain::ids::{ChannelAccountId, LinkIntentId, ShopId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::secrets::Plain;
use qianpu_tenants::store::link_intent::LinkIntent;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    api.get("/channel_accounts", list_channel_accounts, "Linked channel accounts, newest first");
    api.get("/channel_accounts/{channel_account_id}", get_channel_account, "A linked account and its health");
    api.patch("/channel_accounts/{channel_account_id}", change_channel_account, "Set an account's defaults");
    api.delete("/channel_accounts/{channel_account_id}", unlink_channel_account, "End a link");
    api.post(
        "/channel_accounts/{channel_account_id}/check",
        check_channel_account,
        "Ask the platform how it fares",
    );
    api.post("/channel_accounts/direct", link_channel_account, "Link an account by its own id and secret");
    api.get("/shops/{shop_id}/link_quotas", list_link_quotas, "How many accounts of each kind may be linked");
    api.post("/channel_links", start_channel_link, "Begin a link through the provider's app");
    api.get("/channel_links/{channel_link_id}", get_channel_link, "How a link fares");
    api.delete("/channel_links/{channel_link_id}", cancel_channel_link, "Give up a link");
}

#[derive(Debug, Serialize, ToSchema)]
struct ChannelAccountBody {
    id: String,
    shop_id: String,
    channel: String,
    kind: String,
    /// The account's id at the platform.
    external_id: String,
    /// The id of the account's own app, where it is called with one (Douyin: `app_key` of a self-use app).
    own_app_id: Option<String>,
    name: String,
    /// `direct`, `authorisation_link` or `purchase`.
    link_mode: String,
    /// `pending`, `active`, `limited`, `expired`, `revoked` or `closed`.
    state: &'static str,
    scopes: Vec<String>,
    /// Where the platform pushes.
    hook_url: String,
    /// `json` or `xml`.
    push_format: String,
    health: HealthBody,
    /// The channel's category ids for products without their own.
    category_path: Vec<String>,
    freight_template_id: Option<String>,
    version: i64,
    #[schema(value_type = String)]
    linked_at: Time,
}

#[derive(Debug, Serialize, ToSchema)]
struct HealthBody {
    #[schema(value_type = Option<String>)]
    token_expires_at: Option<Time>,
    #[schema(value_type = Option<String>)]
    last_push_at: Option<Time>,
    #[schema(value_type = Option<String>)]
    last_reconcile_at: Option<Time>,
    error_code: Option<String>,
    /// The last failure in plain words.
    error: Option<String>,
    /// Quantities that wait to be set at the account.
    stock_waiting: i64,
    /// Since when the oldest of them waits.
    #[schema(value_type = Option<String>)]
    stock_waits_since: Option<Time>,
}

impl From<AccountHealth> for ChannelAccountBody {
    fn from(view: AccountHealth) -> Self {
        let account = view.account;
        Self {
            id: account.id.to_string(),
            shop_id: account.shop.to_string(),
            category_path: category_path(&account),
            own_app_id: own_app_id(&account).map(str::to_owned),
            freight_template_id: account.settings["freight_template_id"].as_str().map(str::to_owned),
            channel: account.channel,
            kind: account.kind,
            external_id: account.external_id,
            name: account.name,
            link_mode: account.link_mode,
            state: account.state.as_str(),
            scopes: account.scopes,
            hook_url: view.hook_url,
            push_format: account.push_format,
            health: HealthBody {
                token_expires_at: view.token_expires_at.map(Time),
                last_push_at: account.last_push_at.map(Time),
                last_reconcile_at: account.last_reconcile_at.map(Time),
                error_code: account.error_code,
                error: account.error_text,
                stock_waiting: view.stock.waiting,
                stock_waits_since: view.stock.oldest.map(Time),
            },
            version: account.version,
            linked_at: Time(account.linked_at),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct AccountQuery {
    #[param(value_type = Option<String>)]
    shop_id: Option<Id<ShopId>>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_channel_accounts(
    auth: Authed<perm::AccountRead, Query<AccountQuery>>,
) -> Answer<Json<Page<ChannelAccountBody>>> {
    let Query(query) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    let found = accounts::list(&auth.state, &auth.grant, query.shop_id.map(|id| id.0), page).await?;
    Ok(Json(Page::of(found, ChannelAccountBody::from)))
}

async fn get_channel_account(
    auth: Authed<perm::AccountRead, Path<ChannelAccountId>>,
) -> Answer<Versioned<ChannelAccountBody>> {
    let view = accounts::get(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(Versioned { version: view.account.version, body: view.into() })
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeAccountBody {
    /// The channel's category ids from the top to the leaf; an empty list removes them.
    category_path: Option<Vec<String>>,
    /// An empty text removes it; then the channel's own default is used.
    freight_template_id: Option<String>,
}

async fn change_channel_account(
    auth: Authed<perm::AccountLink, (Path<ChannelAccountId>, IfMatch, Json<ChangeAccountBody>)>,
) -> Answer<Versioned<ChannelAccountBody>> {
    let Authed { call, caller, grant, input: (Path(id), IfMatch(seen), Json(body)) } = auth;
    let command =
        ChangeAccount { category_path: body.category_path, freight_template_id: body.freight_template_id };
    accounts::change(&call.state, &grant, id, seen, &command).await?;
    let view = accounts::get(&call.state, &caller.grant::<perm::AccountRead>()?, id).await?;
    Ok(Versioned { version: view.account.version, body: view.into() })
}

async fn unlink_channel_account(
    auth: Authed<perm::AccountLink, Path<ChannelAccountId>>,
) -> Answer<NoContent> {
    accounts::unlink(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}

async fn check_channel_account(
    auth: Authed<perm::AccountLink, Path<ChannelAccountId>>,
) -> Answer<Json<ChannelAccountBody>> {
    accounts::check(&auth.state, &auth.grant, auth.input.0).await?;
    let grant = auth.caller.grant::<perm::AccountRead>()?;
    Ok(Json(accounts::get(&auth.state, &grant, auth.input.0).await?.into()))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DirectLinkBody {
    #[schema(value_type = String)]
    shop_id: Id<ShopId>,
    channel: String,
    kind: String,
    /// The account's id (WeChat: the AppID). Where a merchant makes an app of their own for the account (Douyin: a
    /// self-use app 自用型应用), that app's id (`app_key`).
    app_id: String,
    /// The account's id at the platform where `app_id` is that of its own app (Douyin: the shop's id); else left out.
    external_id: Option<String>,
    secret: String,
    /// The token of pushes, at platforms where the merchant chooses one (WeChat).
    token: Option<String>,
    /// The key of pushes, at platforms where the merchant chooses one (WeChat).
    encoding_aes_key: Option<String>,
    /// `json` or `xml`; left out it is the platform's own default.
    format: Option<String>,
    /// Tells accounts apart where the platform gives no name.
    name: Option<String>,
}

async fn link_channel_account(
    auth: Authed<perm::AccountLink, Json<DirectLinkBody>>,
) -> Answer<Created<ChannelAccountBody>> {
    let Authed { call, caller, grant, input: Json(body) } = auth;
    let command = LinkDirectly {
        shop: body.shop_id.0,
        channel: body.channel,
        kind: body.kind,
        app_id: body.app_id,
        external_id: body.external_id,
        secret: Plain::from(body.secret),
        token: body.token.map(Plain::from),
        encoding_aes_key: body.encoding_aes_key.map(Plain::from),
        format: body.format,
        name: body.name,
    };
    let id = link_direct::direct(&call.state, &grant, &command).await?;
    let view = accounts::get(&call.state, &caller.grant::<perm::AccountRead>()?, id).await?;
    Ok(Created(view.into()))
}

#[derive(Debug, Serialize, ToSchema)]
struct LinkQuotaBody {
    channel: &'static str,
    kind: &'static str,
    used: u32,
    limit: u32,
    /// The limit without a raise.
    usual: u32,
    /// Id of the rule that sets the limit.
    rule: String,
    /// Whether the shop may link at all: only a trading shop may.
    shop_trading: bool,
    /// `open`, `closed` to new links, or `off`: accounts of the kind are retired.
    phase: &'static str,
    /// Id of the rule that closes the kind or switches it off.
    phase_rule: Option<String>,
    /// The next change that is known.
    next_phase: Option<NextPhase>,
}

#[derive(Debug, Serialize, ToSchema)]
struct NextPhase {
    /// From when.
    at: Time,
    /// `open`, `closed` or `off`.
    phase: &'static str,
    rule: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LinkQuotasBody {
    items: Vec<LinkQuotaBody>,
    /// Where the shop stands with the raised quota.
    raise: RaiseBody,
}

async fn list_link_quotas(auth: Authed<perm::AccountRead, Path<ShopId>>) -> Answer<Json<LinkQuotasBody>> {
    let quotas = quota::of_shop(&auth.state, &auth.grant, auth.input.0).await?;
    let body = |one: quota::KindQuota| LinkQuotaBody {
        channel: one.channel,
        kind: one.kind,
        used: one.quota.used,
        limit: one.quota.limit,
        usual: one.quota.usual,
        rule: one.quota.rule.0,
        shop_trading: one.shop_trading,
        phase: one.phase.now.phase.as_str(),
        phase_rule: one.phase.now.rule.map(|rule| rule.0),
        next_phase: one.phase.next.map(|next| NextPhase {
            at: Time(next.at),
            phase: next.now.phase.as_str(),
            rule: next.now.rule.map(|rule| rule.0),
        }),
    };
    let raise = raise::of_shop(&auth.state, auth.grant.ctx(), auth.input.0).await?.into();
    Ok(Json(LinkQuotasBody { items: quotas.into_iter().map(body).collect(), raise }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct StartLinkBody {
    #[schema(value_type = String)]
    shop_id: Id<ShopId>,
    channel: String,
    kind: String,
    /// The account it will be, when known.
    external_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct LinkStartedBody {
    id: String,
    /// `open` one of the addresses, or `buy_in_market` of the platform.
    next: &'static str,
    desktop_url: Option<String>,
    mobile_url: Option<String>,
    #[schema(value_type = String)]
    expires_at: Time,
}

async fn start_channel_link(
    auth: Authed<perm::AccountLink, Json<StartLinkBody>>,
) -> Answer<Created<LinkStartedBody>> {
    let Authed { call, grant, input: Json(body), .. } = auth;
    let command = StartLink {
        shop: body.shop_id.0,
        channel: body.channel,
        kind: body.kind,
        external_id: body.external_id,
    };
    let started = link::start(&call.state, &grant, &command).await?;
    let next = if started.open.is_some() { "open" } else { "buy_in_market" };
    let (desktop_url, mobile_url) = started.open.map(|pages| (pages.desktop_url, pages.mobile_url)).unzip();
    let id = started.intent.to_string();
    Ok(Created(LinkStartedBody { id, next, desktop_url, mobile_url, expires_at: Time(started.expires_at) }))
}

#[derive(Debug, Serialize, ToSchema)]
struct ChannelLinkBody {
    id: String,
    shop_id: String,
    channel: String,
    kind: String,
    external_id: Option<String>,
    /// `pending`, `linked`, `refused` or `cancelled`.
    state: String,
    /// Code of the refusal.
    refusal: Option<String>,
    /// Id of the rule that refused.
    rule: Option<String>,
    channel_account_id: Option<String>,
    #[schema(value_type = String)]
    expires_at: Time,
}

impl From<LinkIntent> for ChannelLinkBody {
    fn from(intent: LinkIntent) -> Self {
        Self {
            id: intent.id.to_string(),
            shop_id: intent.shop.to_string(),
            channel: intent.channel,
            kind: intent.kind,
            external_id: intent.external_id,
            state: intent.state,
            refusal: intent.outcome_code,
            rule: intent.outcome_rule,
            channel_account_id: intent.account.map(|id| id.to_string()),
            expires_at: Time(intent.expires_at),
        }
    }
}

async fn get_channel_link(
    auth: Authed<perm::AccountRead, Path<LinkIntentId>>,
) -> Answer<Json<ChannelLinkBody>> {
    Ok(Json(link::link(&auth.state, &auth.grant, auth.input.0).await?.into()))
}

async fn cancel_channel_link(auth: Authed<perm::AccountLink, Path<LinkIntentId>>) -> Answer<NoContent> {
    link::cancel(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}
