//! The alliance 优选联盟 of a shop: promoters 带货者, products, plans 推广计划, shutting out 拉黑. Plans are changed in
//! `league_plans`.
//!
//! Written from `doc/store/shop/guide/connect/league` and `doc/store/shop/API/league/{promoter,item}/…` of
//! developers.weixin.qq.com (`api_updatetalent`, `api_gettalentproductdata`, `api_getpromoterlist`, `api_getitemlist`,
//! `api_getitem`, `api_listspupromotionplans`, `api_listspupromotiontalents`) and `doc/store/API/league/ecleague_getitem`;
//! where these were not at hand, by the samples of the open client library `SKIT.FlurlHttpClient.Wechat` (`ECLeague`), in the
//! form of 2026-03-30. A shop is outside until a tester opens it. What is answered about a promoter nobody knows is documented
//! for the older form only. Nothing documented says what becomes of plans when a promoter is shut out: they stay.

use crate::calls::{Auth, Call, Route, post};
use crate::control::{Reply, missing, refuse, reply};
use crate::core::Core;
use crate::errors::{Answer, WxError, error, invalid_args, ok, ok_with};
use crate::state::{AccountKind, LIMIT, State, id_of};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

pub const ROUTES: &[Route] = &[
    post("/channels/ec/league/promoter/list/get", Auth::Account, promoters),
    post("/channels/ec/league/promoter/get", Auth::Account, promoter),
    post("/channels/ec/league/talent/getproductdatalist", Auth::Account, promoted),
    post("/channels/ec/league/talent/update", Auth::Account, update),
    post("/channels/ec/league/item/list/get", Auth::Account, items),
    post("/channels/ec/league/item/get", Auth::Account, item),
    post("/channels/ec/league/promotion/plan/list", Auth::Account, plans),
    post("/channels/ec/league/promotion/talent/list", Auth::Account, plan_promoters),
];

pub(crate) const BAD: i64 = 10_023_000;
const NO_PROMOTER: i64 = 10_023_001;
const NOT_OPENED: i64 = 10_023_007;
pub(crate) const BAD_TYPE: i64 = 10_023_100;
pub(crate) const NO_ITEM: i64 = 10_023_103;

/// The alliance of one shop.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct League {
    pub opened: bool,
    pub talents: Vec<Talent>,
    pub plans: Vec<Plan>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Talent {
    pub talent_appid: String,
    pub nickname: String,
    #[serde(default)]
    pub level: Option<i64>,
    #[serde(default)]
    pub is_blacklisted: bool,
    /// `total_sale_gmv`, …, by the platform's names.
    #[serde(default)]
    pub data: Map<String, Value>,
    /// Rows with `spu_id`, `product_data`, `talent_commission_info`.
    #[serde(default)]
    pub products: Vec<Value>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    #[serde(default)]
    pub promotion_plan_id: u64,
    pub product_id: u64,
    pub promotion_plan_type: i64,
    /// What `item/get` tells beside the ids: `type`, `status`, `ratio`, `exclusive_info`, `ext_info`.
    pub item: Map<String, Value>,
    /// Who sells by it: `talent_appid`, `ratio`, `talent_relation_status`.
    #[serde(default)]
    pub talents: Vec<Value>,
}

pub(crate) fn league<'a>(call: &'a mut Call<'_>) -> Result<&'a mut League, WxError> {
    if call.account()?.kind != AccountKind::Store {
        return Err(error(48001));
    }
    let found = call.state.leagues.get_mut(&call.appid).filter(|league| league.opened);
    found.ok_or_else(|| error(NOT_OPENED))
}

/// Where a page begins and how long it is.
fn paging(call: &Call<'_>, most: i64) -> Result<(usize, usize), WxError> {
    let index = call.int("page_index").unwrap_or(1);
    let size = call.int("page_size").unwrap_or(0);
    if index < 1 || !(1..=most).contains(&size) {
        return Err(error(BAD));
    }
    let from = usize::try_from((index - 1).saturating_mul(size)).unwrap_or(usize::MAX);
    Ok((from, usize::try_from(size).unwrap_or_default()))
}

fn listed(rows: &[Value], (from, size): (usize, usize)) -> Value {
    let page: Vec<Value> = rows.iter().skip(from).take(size).cloned().collect();
    let more = from.saturating_add(size) < rows.len();
    ok_with(json!({"total_num": rows.len(), "continue_flag": more, "list": page}))
}

fn promoters(call: &mut Call<'_>) -> Answer {
    let page = paging(call, 200)?;
    let row = |one: &Talent| json!({"talent_appid": one.talent_appid, "nickname": one.nickname});
    let rows: Vec<Value> = league(call)?.talents.iter().map(row).collect();
    Ok(listed(&rows, page))
}

fn base(one: &Talent) -> Value {
    json!({"talent_appid": one.talent_appid, "nickname": one.nickname, "head_img": ""})
}

fn promoter(call: &mut Call<'_>) -> Answer {
    let wanted = call.text("talent_appid").to_owned();
    let found = league(call)?.talents.iter().find(|one| one.talent_appid == wanted);
    let one = found.ok_or_else(|| error(NO_PROMOTER))?;
    Ok(ok_with(json!({"talent": {
        "base_talent_info": base(one), "data": one.data,
        "feature_info": {"level": one.level, "is_blacklisted": one.is_blacklisted},
    }})))
}

fn promoted(call: &mut Call<'_>) -> Answer {
    let page = paging(call, 20)?;
    call.int("get_data_type").ok_or_else(|| error(BAD))?;
    let wanted = call.text("talent_appid").to_owned();
    let found = league(call)?.talents.iter().find(|one| one.talent_appid == wanted);
    Ok(listed(&found.ok_or_else(|| error(NO_PROMOTER))?.products, page))
}

fn update(call: &mut Call<'_>) -> Answer {
    let shut = match call.int("upd_talent_type") {
        Some(1) => true,
        Some(2) => false,
        _ => return Err(invalid_args("upd_talent_type")),
    };
    let wanted = call.text("talent_appid").to_owned();
    let found = league(call)?.talents.iter_mut().find(|one| one.talent_appid == wanted);
    found.ok_or_else(|| invalid_args("talent_appid"))?.is_blacklisted = shut;
    Ok(ok())
}

fn items(call: &mut Call<'_>) -> Answer {
    let (from, size) = paging(call, 100)?;
    if from.saturating_add(size) > 5_000 {
        return Err(error(BAD));
    }
    let total = call.body.get("need_total_num").and_then(Value::as_bool) == Some(true);
    let only = id_of(call.body.get("product_id"));
    let ids: BTreeSet<u64> = league(call)?.plans.iter().map(|plan| plan.product_id).collect();
    let ids: Vec<u64> = ids.into_iter().filter(|id| only.is_none_or(|only| only == *id)).collect();
    let rows: Vec<Value> =
        ids.iter().skip(from).take(size).map(|id| json!({"product_id": id.to_string()})).collect();
    let mut answer = ok_with(json!({"items": rows, "has_more": from.saturating_add(size) < ids.len()}));
    if total {
        answer["total_num"] = json!(ids.len());
    }
    Ok(answer)
}

fn item(call: &mut Call<'_>) -> Answer {
    let kind = call.int("type").filter(|kind| (1..=3).contains(kind)).ok_or_else(|| error(BAD_TYPE))?;
    let product = call.id("product_id")?;
    let wanted = id_of(call.body.get("promotion_plan_id"));
    let mine = |plan: &&Plan| {
        plan.product_id == product
            && crate::state::int_of(plan.item.get("type")) == Some(kind)
            && wanted.is_none_or(|wanted| wanted == plan.promotion_plan_id)
    };
    let found = league(call)?.plans.iter().find(mine).ok_or_else(|| error(NO_ITEM))?;
    let mut item = found.item.clone();
    item.insert("product_id".into(), json!(product));
    Ok(ok_with(json!({"item": item})))
}

fn plans(call: &mut Call<'_>) -> Answer {
    let page = paging(call, 20)?;
    let product = call.id("product_id")?;
    let kind = call.int("promotion_plan_type");
    let rows: Vec<Value> = league(call)?
        .plans
        .iter()
        .filter(|plan| plan.product_id == product && kind.is_none_or(|kind| kind == plan.promotion_plan_type))
        .map(|plan| {
            let (id, kind) = (plan.promotion_plan_id, plan.promotion_plan_type);
            json!({"promotion_plan_id": id, "promotion_plan_type": kind})
        })
        .collect();
    Ok(listed(&rows, page))
}

fn plan_promoters(call: &mut Call<'_>) -> Answer {
    let page = paging(call, 20)?;
    let (product, wanted) = (call.id("product_id")?, call.id("promotion_plan_id")?);
    let league = league(call)?;
    let mine = |plan: &&Plan| plan.product_id == product && plan.promotion_plan_id == wanted;
    let plan = league.plans.iter().find(mine).ok_or_else(|| error(NO_ITEM))?;
    let row = |given: &Value| {
        let one = league.talents.iter().find(|one| given["talent_appid"] == one.talent_appid)?;
        let commission = json!({"promotion_plan_id": plan.promotion_plan_id,
            "promotion_plan_type": plan.promotion_plan_type, "ratio": given["ratio"]});
        let state = &given["talent_relation_status"];
        Some(
            json!({"base_talent_info": base(one), "commission_info": commission, "talent_relation_status": state}),
        )
    };
    let rows: Vec<Value> = plan.talents.iter().filter_map(row).collect();
    Ok(listed(&rows, page))
}

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .service(
            web::resource("/sandbox/api/league/{appid}")
                .route(web::get().to(show))
                .route(web::post().to(open)),
        )
        .service(web::resource("/sandbox/api/league/{appid}/talents").route(web::post().to(give_talent)))
        .service(web::resource("/sandbox/api/league/{appid}/plans").route(web::post().to(give_plan)));
}

fn of<'a>(state: &'a mut State, appid: &str) -> Result<&'a mut League, crate::control::Refusal> {
    if state.accounts.get(appid).is_none_or(|account| account.kind != AccountKind::Store) {
        return Err(missing("no such shop"));
    }
    Ok(state.leagues.entry(appid.to_owned()).or_default())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    opened: bool,
}

async fn open(core: web::Data<Core>, appid: web::Path<String>, new: web::Json<Opening>) -> HttpResponse {
    reply(core.with(|state, _| -> Reply {
        of(state, &appid)?.opened = new.opened;
        Ok(json!({"ok": true}))
    }))
}

async fn show(core: web::Data<Core>, appid: web::Path<String>) -> HttpResponse {
    reply(core.with(|state, _| -> Reply { Ok(json!(of(state, &appid)?)) }))
}

/// A promoter comes to the shop, or is told anew.
async fn give_talent(
    core: web::Data<Core>,
    appid: web::Path<String>,
    new: web::Json<Talent>,
) -> HttpResponse {
    reply(core.with(|state, _| -> Reply {
        let (league, new) = (of(state, &appid)?, new.into_inner());
        if new.talent_appid.is_empty() || new.talent_appid.len() > 64 || new.products.len() > 1_000 {
            return Err(refuse("talent_appid is short, products are at most 1000"));
        }
        league.talents.retain(|one| one.talent_appid != new.talent_appid);
        if league.talents.len() >= LIMIT {
            return Err(refuse("there are too many promoters"));
        }
        league.talents.push(new);
        Ok(json!({"ok": true}))
    }))
}

async fn give_plan(core: web::Data<Core>, appid: web::Path<String>, new: web::Json<Plan>) -> HttpResponse {
    reply(core.with(|state, _| -> Reply {
        let mut new = new.into_inner();
        if new.talents.len() > 1_000 || new.item.len() > 20 {
            return Err(refuse("promoters are at most 1000, members of item at most 20"));
        }
        state.sequence += 1;
        let number = 80_000_000_000 + state.sequence;
        let league = of(state, &appid)?;
        if league.plans.len() >= LIMIT {
            return Err(refuse("there are too many plans"));
        }
        if new.promotion_plan_id == 0 {
            new.promotion_plan_id = number;
        }
        league.plans.retain(|one| one.promotion_plan_id != new.promotion_plan_id);
        let id = new.promotion_plan_id;
        league.plans.push(new);
        Ok(json!({"promotion_plan_id": id}))
    }))
}
