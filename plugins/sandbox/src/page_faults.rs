//! The page on which somebody lets calls and pushes go wrong, for each platform in its own codes. The control calls in
//! `control_faults` can do the same and more.

use crate::control_faults::{FAULTS, PUSH_FAULTS};
use crate::core::Core;
use crate::page_forms::back;
use crate::pages::html;
use crate::push::{Push, Signer};
use crate::state::{CallFault, Platform, PushFault, State};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub fn routes(config: &mut web::ServiceConfig) {
    let form = |name: &str| web::resource(format!("/sandbox/forms/{name}"));
    config
        .service(web::resource("/faults").route(web::get().to(faults)))
        .service(form("fault").route(web::post().to(fault)))
        .service(form("push-fault").route(web::post().to(push_fault)))
        .service(form("clear-faults").route(web::post().to(clear_faults)));
}

const PLATFORMS: [Platform; 2] = [Platform::Wechat, Platform::Douyin];
/// Accounts and events that are offered.
const SHOWN: usize = 100;
const MOST_TIMES: u32 = 1_000;
const MOST_SECONDS: u64 = 120;

/// What can go wrong with a call.
#[derive(Clone, Copy)]
enum Trouble {
    /// The platform answers with a code, and a detailed one where it has such.
    Code(i64, &'static str),
    /// A code, although the work was done.
    AfterWork(i64, &'static str),
    Status(u16),
    Slow,
}

/// By the words of the page; from the tables of codes of the two platforms.
const fn troubles(platform: Platform) -> &'static [(&'static str, Trouble)] {
    use Trouble::{AfterWork, Code, Slow, Status};
    match platform {
        Platform::Wechat => &[
            ("token_expired", Code(42_001, "")),
            ("token_invalid", Code(40_001, "")),
            ("revoked", Code(61_003, "")),
            ("quota_day", Code(45_009, "")),
            ("too_often", Code(45_011, "")),
            ("busy", Code(-1, "")),
            ("done_but_busy", AfterWork(-1, "")),
            ("http_502", Status(502)),
            ("slow", Slow),
        ],
        Platform::Douyin => &[
            ("token_expired", Code(40_003, "isv.access-token-expired")),
            ("token_invalid", Code(40_003, "isv.access-token-no-existed")),
            ("revoked", Code(30_001, "dop.authorization-no-existed")),
            ("too_often", Code(60_000, "isv.call-limited")),
            ("busy", Code(20_000, "isp.service-error")),
            ("done_but_busy", AfterWork(20_000, "isp.service-error")),
            ("http_502", Status(502)),
            ("slow", Slow),
        ],
    }
}

/// Accounts by the id that calls and pushes about them carry.
fn accounts(state: &State, platform: Platform) -> Vec<(String, String)> {
    match platform {
        Platform::Wechat => {
            let accounts = state.accounts.values().map(|one| (one.appid.clone(), one.nickname.clone()));
            let apps = state.apps.keys().map(|id| (id.clone(), id.clone()));
            accounts.chain(apps).take(SHOWN).collect()
        }
        Platform::Douyin => {
            let shops = state.douyin.shops.values();
            shops.map(|shop| (shop.shop_id.to_string(), shop.name.clone())).take(SHOWN).collect()
        }
    }
}

fn is_of(push: &Push, platform: Platform) -> bool {
    matches!(push.signer, Signer::Douyin { .. }) == (platform == Platform::Douyin)
}

fn data(state: &State) -> Value {
    let shown = |platform: &Platform| {
        let events: BTreeSet<&str> = state
            .pushes
            .iter()
            .filter(|push| is_of(push, *platform))
            .map(|push| push.event.as_str())
            .collect();
        let accounts: Vec<Value> = accounts(state, *platform)
            .into_iter()
            .map(|(id, name)| json!({"id": id, "name": name}))
            .collect();
        let troubles: Vec<&str> = troubles(*platform).iter().map(|(name, _)| *name).collect();
        json!({"platform": platform, "accounts": accounts, "troubles": troubles, "kinds": PUSH_FAULTS,
            "events": events.into_iter().take(SHOWN).collect::<Vec<_>>()})
    };
    let calls: Vec<Value> = state
        .call_faults
        .iter()
        .map(|fault| {
            json!({"platform": fault.platform, "account": fault.appid, "path": fault.path, "code": fault.errcode,
                "sub_code": fault.sub_code, "status": fault.http_status, "seconds": fault.delay_ms / 1_000,
                "after": fault.after, "count": fault.count})
        })
        .collect();
    let pushes: Vec<Value> = state
        .push_faults
        .iter()
        .map(|fault| {
            json!({"platform": fault.platform, "account": fault.appid, "kind": fault.kind, "event": fault.event,
                "seconds": fault.delay_ms / 1_000, "count": fault.count})
        })
        .collect();
    json!({"platforms": PLATFORMS.iter().map(shown).collect::<Vec<_>>(), "calls": calls, "pushes": pushes})
}

async fn faults(
    request: HttpRequest,
    query: web::Query<BTreeMap<String, String>>,
    core: web::Data<Core>,
) -> HttpResponse {
    let mut data = core.peek(data);
    if let Some(problem) = query.get("problem") {
        data["problem"] = json!(problem);
    }
    html(&core, &request, "faults", data)
}

/// One of the platform's accounts, or none for all of them.
fn chosen(state: &State, platform: Platform, account: &str) -> Result<Option<String>, String> {
    if account.is_empty() {
        return Ok(None);
    }
    let known = accounts(state, platform).into_iter().find(|(id, _)| id == account);
    known.map(|(id, _)| Some(id)).ok_or_else(|| format!("no account {account}"))
}

fn within(count: u32, seconds: u64) -> Result<(), String> {
    if (1..=MOST_TIMES).contains(&count) && seconds <= MOST_SECONDS {
        return Ok(());
    }
    Err(format!("1 to {MOST_TIMES} times, and at most {MOST_SECONDS} seconds"))
}

#[derive(Deserialize)]
struct FaultForm {
    platform: Platform,
    #[serde(default)]
    account: String,
    trouble: String,
    path: String,
    #[serde(default)]
    seconds: u64,
    count: u32,
}

async fn fault(form: web::Form<FaultForm>, core: web::Data<Core>) -> HttpResponse {
    let form = form.into_inner();
    let outcome = core.with(|state, _| {
        within(form.count, form.seconds)?;
        if form.path != "*" && !form.path.starts_with('/') {
            return Err("path must be * or begin with /".to_owned());
        }
        if state.call_faults.len() >= FAULTS {
            return Err("too many faults".to_owned());
        }
        let known = troubles(form.platform).iter().find(|(name, _)| *name == form.trouble);
        let (_, trouble) = known.ok_or_else(|| format!("unknown trouble {}", form.trouble))?;
        let mut fault = CallFault {
            platform: Some(form.platform),
            appid: chosen(state, form.platform, &form.account)?,
            path: form.path,
            errcode: None,
            sub_code: None,
            http_status: None,
            delay_ms: 0,
            after: false,
            count: form.count,
        };
        match *trouble {
            Trouble::Code(code, detailed) | Trouble::AfterWork(code, detailed) => {
                fault.errcode = Some(code);
                fault.sub_code = Some(detailed.to_owned()).filter(|code| !code.is_empty());
                fault.after = matches!(trouble, Trouble::AfterWork(..));
            }
            Trouble::Status(status) => fault.http_status = Some(status),
            Trouble::Slow if form.seconds == 0 => return Err("say how many seconds".to_owned()),
            Trouble::Slow => fault.delay_ms = form.seconds * 1_000,
        }
        state.call_faults.push(fault);
        Ok(())
    });
    back("/faults", &[], outcome)
}

#[derive(Deserialize)]
struct PushFaultForm {
    platform: Platform,
    #[serde(default)]
    account: String,
    kind: String,
    #[serde(default)]
    event: String,
    #[serde(default)]
    seconds: u64,
    count: u32,
}

async fn push_fault(form: web::Form<PushFaultForm>, core: web::Data<Core>) -> HttpResponse {
    let form = form.into_inner();
    let outcome = core.with(|state, _| {
        within(form.count, form.seconds)?;
        if !PUSH_FAULTS.contains(&form.kind.as_str()) || state.push_faults.len() >= FAULTS {
            return Err("unknown kind, or too many faults".to_owned());
        }
        if form.kind == "delay" && form.seconds == 0 {
            return Err("say how many seconds".to_owned());
        }
        let waits = matches!(form.kind.as_str(), "delay" | "reorder");
        state.push_faults.push(PushFault {
            platform: Some(form.platform),
            appid: chosen(state, form.platform, &form.account)?,
            event: Some(form.event.trim().to_owned()).filter(|event| !event.is_empty()),
            delay_ms: if waits { form.seconds * 1_000 } else { 0 },
            kind: form.kind,
            count: form.count,
        });
        Ok(())
    });
    back("/faults", &[], outcome)
}

async fn clear_faults(core: web::Data<Core>) -> HttpResponse {
    core.with(|state, _| {
        state.call_faults.clear();
        state.push_faults.clear();
    });
    back("/faults", &[], Ok(()))
}
