//! The control calls for accounts: registering, direct push addresses with their check, status.

use crate::clock::{Now, random_hex, random_nonce, random_text};
use crate::control::{Refusal, check_keys, check_push_address, missing, refuse, reply};
use crate::core::Core;
use crate::crypto::signature;
use crate::state::{Account, AccountKind, DirectPush, LIMIT};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/sandbox/api/accounts")
                .route(web::get().to(list_accounts))
                .route(web::post().to(register_account)),
        )
        .service(
            web::resource("/sandbox/api/accounts/{appid}/push")
                .route(web::post().to(set_push))
                .route(web::delete().to(remove_push)),
        )
        .service(web::resource("/sandbox/api/accounts/{appid}/status").route(web::post().to(set_status)));
}

#[derive(Deserialize)]
struct NewAccount {
    #[serde(default)]
    appid: String,
    #[serde(default)]
    secret: String,
    kind: AccountKind,
    nickname: String,
    #[serde(default)]
    user_name: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    principal_name: String,
    /// The open platform account it is bound to.
    #[serde(default)]
    open_platform: String,
    #[serde(default)]
    open_timestamp: Option<u64>,
    #[serde(default)]
    push: Option<NewPush>,
}

#[derive(Clone, Deserialize)]
struct NewPush {
    #[serde(flatten)]
    push: DirectPush,
    /// Ask the address for the echo before it is used, as the platform does.
    #[serde(default = "yes")]
    verify: bool,
}

fn yes() -> bool {
    true
}

fn furnished(account: &mut Account, now: Now) {
    let template = json!({"template_id": "1", "name": "全国包邮", "valuation_type": "PIECE",
        "send_time": "SendTime_FOUTYEIGHT_HOUR", "delivery_type": "EXPRESS", "shipping_method": "FREE",
        "is_default": true, "create_time": now.seconds(), "update_time": now.seconds()});
    account.freight_templates.insert("1".into(), template);
    let address = json!({"address_id": "1", "name": "仓库", "address_info": {"user_name": "仓管", "postal_code": "510000",
        "province_name": "广东省", "city_name": "广州市", "county_name": "海珠区", "detail_info": "新港中路397号",
        "tel_number": "02081167888"}, "send_addr": true, "recv_addr": true, "default_send": true,
        "default_recv": true, "create_time": now.seconds(), "update_time": now.seconds()});
    account.addresses.insert("1".into(), address);
}

async fn register_account(new: web::Json<NewAccount>, core: web::Data<Core>) -> HttpResponse {
    let new = new.into_inner();
    if let Some(push) = &new.push
        && let Err(refusal) = check_direct_push(&core, push, new.kind).await
    {
        return reply(Err(refusal));
    }
    reply(core.with(|state, now| {
        if new.nickname.is_empty() || new.nickname.chars().count() > 60 {
            return Err(refuse("nickname must have 1..=60 characters"));
        }
        let appid = if new.appid.is_empty() { format!("wx{}", random_hex(16)) } else { new.appid.clone() };
        if state.accounts.len() >= LIMIT && !state.accounts.contains_key(&appid) {
            return Err(refuse("too many accounts"));
        }
        let or = |text: &str, otherwise: &str| {
            if text.is_empty() { otherwise.to_owned() } else { text.to_owned() }
        };
        // Registering again changes the facts and keeps grants, products and orders.
        let mut account = state.accounts.remove(&appid).unwrap_or_else(|| {
            let mut account = Account {
                appid: appid.clone(),
                secret: random_text(32),
                kind: new.kind,
                nickname: String::new(),
                user_name: format!("gh_{}", random_hex(12)),
                subject: "企业".into(),
                principal_name: new.nickname.clone(),
                status: "open_finished".into(),
                open_timestamp: now.seconds(),
                push: None,
                open_platform: String::new(),
                grants: Default::default(),
                options: Default::default(),
                addresses: Default::default(),
                freight_templates: Default::default(),
                discounts: Vec::new(),
                coupons: Vec::new(),
                menu: None,
                fans: Default::default(),
                tags: Default::default(),
                message_keys: Default::default(),
                codes: Default::default(),
                drafts: Default::default(),
                publishings: Default::default(),
                finder: Default::default(),
                funds: Default::default(),
                qualifications: Default::default(),
                stable: Default::default(),
                basic_token: String::new(),
                clears: Default::default(),
            };
            furnished(&mut account, now);
            account
        });
        account.kind = new.kind;
        if new.kind == AccountKind::ChannelsAccount && account.finder.finder_id.is_empty() {
            account.finder.finder_id = format!("sph{}", random_text(12));
            account.finder.fans = 1_280;
        }
        account.nickname = new.nickname.clone();
        account.secret = or(&new.secret, &account.secret);
        account.user_name = or(&new.user_name, &account.user_name);
        account.subject = or(&new.subject, &account.subject);
        account.principal_name = or(&new.principal_name, &account.principal_name);
        account.open_platform = or(&new.open_platform, &account.open_platform);
        account.open_timestamp = new.open_timestamp.unwrap_or(account.open_timestamp);
        if let Some(push) = &new.push {
            account.push = Some(push.push.clone());
        }
        let shown = account_view(&account);
        state.accounts.insert(appid, account);
        Ok(shown)
    }))
}

fn account_view(account: &Account) -> Value {
    let push = account.push.as_ref();
    json!({
        "appid": account.appid,
        "secret": account.secret,
        "kind": account.kind,
        "nickname": account.nickname,
        "user_name": account.user_name,
        "subject": account.subject,
        "principal_name": account.principal_name,
        "open_platform": account.open_platform,
        "status": account.status,
        "authorized_to": account.grants.keys().collect::<Vec<_>>(),
        "push": push.map(|p| json!({"url": p.url, "format": p.format, "mode": p.mode})),
        "menu": account.menu,
        "drafts": account.drafts.values().take(100).collect::<Vec<_>>(),
        "published": account.publishings.iter().rev().take(100)
            .map(|one| json!({"status": one.status, "url": one.url, "articles": one.articles}))
            .collect::<Vec<_>>(),
        "tags": account.tags,
        "fans": account.fans.iter().take(100)
            .map(|(openid, fan)| json!({"openid": openid, "nickname": fan.nickname,
                "subscribed": fan.subscribed, "tags": fan.tags, "received": fan.received}))
            .collect::<Vec<_>>(),
    })
}

async fn list_accounts(core: web::Data<Core>) -> HttpResponse {
    reply(core.peek(|state| {
        let accounts: Vec<Value> = state.accounts.values().take(1_000).map(account_view).collect();
        Ok(json!({"accounts": accounts}))
    }))
}

async fn check_direct_push(core: &Core, push: &NewPush, kind: AccountKind) -> Result<(), Refusal> {
    use crate::state::{Format, Mode};
    let direct = &push.push;
    check_push_address(&direct.url)?;
    check_keys(&direct.token, &direct.encoding_aes_key)?;
    if kind == AccountKind::Store && (direct.format != Format::Json || direct.mode != Mode::Secure) {
        return Err(refuse("a store is pushed to in secure mode and JSON only"));
    }
    if !push.verify {
        return Ok(());
    }
    let (timestamp, nonce, echo) = (core.now().seconds().to_string(), random_nonce(), random_nonce());
    let mut url = url::Url::parse(&direct.url).map_err(|error| refuse(error.to_string()))?;
    url.query_pairs_mut().extend_pairs([
        ("signature", signature(&[&direct.token, &timestamp, &nonce]).as_str()),
        ("timestamp", &timestamp),
        ("nonce", &nonce),
        ("echostr", &echo),
    ]);
    let failed = |why: String| Refusal(StatusCode::UNPROCESSABLE_ENTITY, format!("url check failed: {why}"));
    let response = core.http.get(url).send().await.map_err(|error| failed(error.to_string()))?;
    let status = response.status();
    let answer = response.text().await.map_err(|error| failed(error.to_string()))?;
    if status.is_success() && answer.trim() == echo {
        Ok(())
    } else {
        let start: String = answer.chars().take(200).collect();
        Err(failed(format!("expected {echo}, was answered {status} {start}")))
    }
}

async fn set_push(appid: web::Path<String>, push: web::Json<NewPush>, core: web::Data<Core>) -> HttpResponse {
    let Some(kind) = core.peek(|state| state.accounts.get(appid.as_str()).map(|a| a.kind)) else {
        return reply(Err(missing("no such account")));
    };
    if let Err(refusal) = check_direct_push(&core, &push, kind).await {
        return reply(Err(refusal));
    }
    reply(core.with(|state, _| {
        let account = state.accounts.get_mut(appid.as_str()).ok_or_else(|| missing("no such account"))?;
        account.push = Some(push.push.clone());
        Ok(account_view(account))
    }))
}

async fn remove_push(appid: web::Path<String>, core: web::Data<Core>) -> HttpResponse {
    reply(core.with(|state, _| {
        let account = state.accounts.get_mut(appid.as_str()).ok_or_else(|| missing("no such account"))?;
        account.push = None;
        Ok(account_view(account))
    }))
}

#[derive(Deserialize)]
struct NewStatus {
    status: String,
}

async fn set_status(
    appid: web::Path<String>,
    new: web::Json<NewStatus>,
    core: web::Data<Core>,
) -> HttpResponse {
    reply(core.with(|state, _| {
        if !["opening", "open_finished", "closing", "close_finished"].contains(&new.status.as_str()) {
            return Err(refuse("status must be opening, open_finished, closing or close_finished"));
        }
        let account = state.accounts.get_mut(appid.as_str()).ok_or_else(|| missing("no such account"))?;
        account.status = new.status.clone();
        Ok(account_view(account))
    }))
}
