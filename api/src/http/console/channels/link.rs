//! The wizard that links an account: what kind, what it will be allowed to do, and the way that suits it.

use super::accounts::{Gauge, HOME, shops_of};
use super::apps::without_secrets;
use super::words;
use crate::app::channels::link::{self, StartLink};
use crate::app::channels::link_direct::{self, LinkDirectly};
use crate::app::channels::quota;
use crate::error::{Answer, ApiError};
use crate::http::extract::{Authed, Fields, Path, Query};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use actix_web::http::header;
use qianpu_domain::ids::{LinkIntentId, ShopId};
use qianpu_sdk::LinkMode;
use qianpu_tenants::authz::perm;
use qianpu_tenants::secrets::Plain;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/channel_accounts/link", link_account_page);
    pages.post("/console/merchant/channel_accounts/link", link_account_form);
    pages.post("/console/merchant/channel_accounts/link/direct", link_directly_form);
    pages.get("/console/merchant/channel_accounts/links/{channel_link_id}", channel_link_page);
}

#[derive(Deserialize, IntoParams)]
struct WizardQuery {
    shop_id: Option<String>,
    channel: Option<String>,
    /// An account to authorise anew.
    external_id: Option<String>,
    /// Whether it is linked by its own keys, and gets new ones.
    direct: Option<bool>,
}

#[derive(Serialize)]
struct WizardView {
    shops: Vec<Choice>,
    shop_id: String,
    shop_name: String,
    trading: bool,
    kinds: Vec<KindChoice>,
    chosen: Option<Chosen>,
    form: FormView,
    /// The form of the account's own keys.
    own_form: FormView,
    /// Id of the rule that refused.
    rule: Option<String>,
    direct_open: bool,
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct KindChoice {
    channel: &'static str,
    /// Which words say what it does.
    texts: &'static str,
    name: String,
    gauge: Gauge,
}

#[derive(Serialize)]
struct Chosen {
    channel: &'static str,
    kind: &'static str,
    name: String,
    through_app: bool,
    /// Which words say how to link through the app.
    way: &'static str,
    /// What an account's id looks like.
    id_sample: &'static str,
    direct: bool,
    /// Whether a direct link is by an app that the merchant made, whose secret signs the pushes too.
    own_app: bool,
    /// Which words say what the channel does.
    texts: &'static str,
    formats: Vec<&'static str>,
    scopes: Vec<words::Scope>,
    gauge_full: bool,
    rule: String,
}

struct Wanted<'a> {
    shop: &'a str,
    channel: &'a str,
}

async fn wizard<T>(
    auth: &Authed<perm::AccountLink, T>,
    wanted: &Wanted<'_>,
    form: FormView,
    error: Option<&ApiError>,
) -> Answer<WizardView> {
    let lang = auth.info.lang;
    let shops = shops_of(auth).await?;
    let at = shops.iter().find(|(shop, _)| shop.id.to_string() == wanted.shop);
    // The first shop that may link, when none is named.
    let at = at.or_else(|| shops.iter().find(|(_, trading)| *trading)).or_else(|| shops.first());
    let (shop, trading) = at.ok_or_else(ApiError::not_found)?;
    let read = auth.caller.grant::<perm::AccountRead>()?;
    let quotas = quota::of_shop(&auth.state, &read, shop.id).await?;
    let mut kinds = Vec::new();
    let mut chosen = None;
    for one in quotas {
        let Some(channel) = qianpu_host::find(one.channel) else { continue };
        let info = channel.info();
        if one.channel == wanted.channel {
            let direct = info.link_modes.contains(&LinkMode::Direct);
            chosen = Some(Chosen {
                channel: info.slug,
                kind: one.kind,
                name: words::kind(one.kind, lang),
                through_app: info.link_modes.iter().any(|mode| mode.through_app()),
                way: words::way(info),
                id_sample: if info.app_family == Some("douyin") { "1234567" } else { "wx0000000000000000" },
                direct,
                own_app: info.app_shape.style.own_app(),
                texts: words::texts(info.slug),
                formats: info.formats(LinkMode::Direct).iter().map(|format| format.as_str()).collect(),
                scopes: words::asked(one.kind, lang),
                gauge_full: one.quota.used >= one.quota.limit,
                rule: one.quota.rule.0.clone(),
            });
        }
        kinds.push(KindChoice {
            channel: info.slug,
            texts: words::texts(info.slug),
            name: words::kind(one.kind, lang),
            gauge: Gauge::of(one, lang),
        });
    }
    Ok(WizardView {
        shop_id: shop.id.to_string(),
        shop_name: shop.name.clone(),
        trading: *trading,
        shops: shops
            .iter()
            .map(|(shop, _)| Choice { value: shop.id.to_string(), label: shop.name.clone() })
            .collect(),
        kinds,
        chosen,
        form,
        own_form: FormView::default(),
        rule: error.and_then(|error| error.rule().map(str::to_owned)),
        direct_open: false,
    })
}

async fn link_account_page(auth: Authed<perm::AccountLink, Query<WizardQuery>>) -> PageAnswer {
    let Query(query) = &auth.input;
    let wanted = Wanted {
        shop: query.shop_id.as_deref().unwrap_or_default(),
        channel: query.channel.as_deref().unwrap_or_default(),
    };
    let external_id = query.external_id.clone().unwrap_or_default();
    let form = FormView::filled([("external_id", external_id.clone())]);
    let view = wizard(&auth, &wanted, form, None).await?;
    let own_app = view.chosen.as_ref().is_some_and(|chosen| chosen.own_app);
    let own_form = FormView::filled([(if own_app { "external_id" } else { "app_id" }, external_id)]);
    let direct_open = query.direct.unwrap_or_default();
    auth.page("channels/link", WizardView { own_form, direct_open, ..view })
}

fn shop_of(fields: &Fields) -> Answer<ShopId> {
    fields.text("shop_id").parse().map_err(|_| ApiError::not_found())
}

async fn link_account_form(auth: Authed<perm::AccountLink, Fields>) -> PageAnswer {
    let fields = &auth.input;
    let command = StartLink {
        shop: shop_of(fields)?,
        channel: fields.text("channel").to_owned(),
        kind: fields.text("kind").to_owned(),
        external_id: Some(fields.text("external_id").to_owned()),
    };
    match link::start(&auth.state, &auth.grant, &command).await {
        Ok(started) => {
            let to = match started.open {
                None => format!("/console/merchant/channel_accounts/links/{}", started.intent),
                Some(pages) if on_phone(&auth) => pages.mobile_url,
                Some(pages) => pages.desktop_url,
            };
            Ok(auth.redirect(&to))
        }
        Err(error) => refused(&auth, fields.clone(), error, false).await,
    }
}

/// The platform has a page for computers and one for phones.
fn on_phone<T>(auth: &Authed<perm::AccountLink, T>) -> bool {
    let agent = auth.request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    agent.is_some_and(|agent| agent.contains("Mobile") || agent.contains("MicroMessenger"))
}

async fn refused(
    auth: &Authed<perm::AccountLink, Fields>,
    fields: Fields,
    error: ApiError,
    direct: bool,
) -> PageAnswer {
    if error.code().status() == 404 || error.code().status() == 500 {
        return Err(error);
    }
    let kept = without_secrets(&fields);
    let form = FormView::refused_by(&kept, &error, auth.info.lang);
    let wanted = Wanted { shop: fields.text("shop_id"), channel: fields.text("channel") };
    let (form, own_form) = if direct { (FormView::default(), form) } else { (form, FormView::default()) };
    let view = wizard(auth, &wanted, form, Some(&error)).await?;
    auth.refused_page("channels/link", WizardView { own_form, direct_open: direct, ..view })
}

async fn link_directly_form(auth: Authed<perm::AccountLink, Fields>) -> PageAnswer {
    let fields = &auth.input;
    let plain = |name: &str| Plain::from(fields.text(name).to_owned());
    let given = |name: &str| Some(fields.text(name).to_owned()).filter(|text| !text.is_empty());
    let command = LinkDirectly {
        shop: shop_of(fields)?,
        channel: fields.text("channel").to_owned(),
        kind: fields.text("kind").to_owned(),
        app_id: fields.text("app_id").to_owned(),
        external_id: given("external_id"),
        secret: plain("secret"),
        token: given("token").map(Plain::from),
        encoding_aes_key: given("encoding_aes_key").map(Plain::from),
        format: given("format"),
        name: given("name"),
    };
    match link_direct::direct(&auth.state, &auth.grant, &command).await {
        Ok(id) => {
            Ok(auth.redirect_with(&Flash::success("channels.linked_directly"), &format!("{HOME}/{id}")))
        }
        Err(error) => refused(&auth, fields.clone(), error, true).await,
    }
}

#[derive(Serialize)]
struct LinkView {
    id: String,
    kind: String,
    shop_id: String,
    channel: String,
    external_id: Option<String>,
    mode: String,
    state: String,
    why: Option<String>,
    rule: Option<String>,
    account_id: Option<String>,
    expires_at: i64,
    steps: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    label: &'static str,
    state: &'static str,
}

async fn channel_link_page(auth: Authed<perm::AccountRead, Path<LinkIntentId>>) -> PageAnswer {
    let lang = auth.info.lang;
    let intent = link::link(&auth.state, &auth.grant, auth.input.0).await?;
    let (second, third) = match intent.state.as_str() {
        "pending" => ("current", "todo"),
        "linked" => ("done", "done"),
        _ => ("done", "current"),
    };
    let steps = vec![
        Step { label: lang.pick("选择账号类型", "Choose the kind"), state: "done" },
        Step { label: lang.pick("在平台授权", "Authorise at the platform"), state: second },
        Step { label: lang.pick("完成关联", "Linked"), state: third },
    ];
    auth.page(
        "channels/link_wait",
        LinkView {
            id: intent.id.to_string(),
            kind: words::kind(&intent.kind, lang),
            shop_id: intent.shop.to_string(),
            channel: intent.channel,
            external_id: intent.external_id,
            mode: intent.link_mode,
            state: intent.state,
            why: intent.outcome_code.as_deref().map(|code| words::code(code, lang)),
            rule: intent.outcome_rule,
            account_id: intent.account.map(|id| id.to_string()),
            expires_at: intent.expires_at.micros(),
            steps,
        },
    )
}
