//! Coupons of a store, and those that buyers received.
//!
//! From the documents (`/doc/store/shop/API/coupon/`, `/doc/store/shop/guide/marketing/coupon`): kinds 1 to 4 are for named
//! products, 101 to 104 for the whole shop; `discount_num` in hundreds and not below 2 tenths, `discount_fee` up to 200
//! yuan; a name of up to 10 characters; at most 2000 products; from 1 (draft) a coupon goes to 2, 4 or 5; lists are of one
//! status, 200 stands for 3 and 4. Only a draft can be changed and only one that is not in force can be deleted: the
//! sandbox's reading, as are numbers of errors the documents do not name.

use crate::calls::{Auth, Call, Route, post};
use crate::clock::Now;
use crate::errors::{Answer, WxError, error, error_with, ok, ok_with};
use crate::push::Event;
use crate::state::{Account, State, id_of, int_of, openid_of, text_of};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    post("/channels/ec/coupon/create", Auth::Account, create),
    post("/channels/ec/coupon/update", Auth::Account, update),
    post("/channels/ec/coupon/update_status", Auth::Account, update_status),
    post("/channels/ec/coupon/get", Auth::Account, get_one),
    post("/channels/ec/coupon/get_list", Auth::Account, get_list),
    post("/channels/ec/coupon/get_user_coupon_list", Auth::Account, get_user_list),
    post("/channels/ec/coupon/get_user_coupon", Auth::Account, get_user_one),
];

const MOST: usize = 1_000;
const COUPON_IDS: u64 = 9_200_000_000_000_000;
const USER_COUPON_IDS: u64 = 9_300_000_000_000_000;
const WRONG_STATE: i64 = 10_021_001;
const MISSING: i64 = 10_021_037;
const WRONG: i64 = 10_021_035;

const DRAFT: i64 = 1;
const LIVE: i64 = 2;
const EXPIRED: i64 = 3;
const WITHDRAWN: i64 = 4;
const DELETED: i64 = 5;
/// Expired or withdrawn.
const OVER: i64 = 200;

const USABLE: i64 = 100;
const USED: i64 = 102;

/// A coupon.
#[derive(Clone, Serialize, Deserialize)]
pub struct Coupon {
    pub coupon_id: u64,
    pub kind: i64,
    pub status: i64,
    pub info: Value,
    pub create_time: u64,
    pub update_time: u64,
    #[serde(default)]
    pub taken: Vec<Taken>,
}

/// One that a buyer received.
#[derive(Clone, Serialize, Deserialize)]
pub struct Taken {
    pub user_coupon_id: u64,
    pub openid: String,
    pub status: i64,
    pub create_time: u64,
    pub end_time: u64,
    #[serde(default)]
    pub order_id: u64,
}

fn number(value: &Value, name: &str) -> i64 {
    int_of(value.get(name)).unwrap_or(0)
}

fn part(body: &Value, name: &str) -> Value {
    body.get(name).cloned().unwrap_or_default()
}

impl Coupon {
    fn status(&self, now: Now) -> i64 {
        let end = number(&part(&self.info, "receive_info"), "end_time");
        let over = u64::try_from(end).is_ok_and(|end| end <= now.seconds());
        if self.status == LIVE && over { EXPIRED } else { self.status }
    }

    fn view(&self, now: Now) -> Value {
        let total = number(&part(&self.info, "receive_info"), "total_num");
        let received = i64::try_from(self.taken.len()).unwrap_or(i64::MAX);
        let used = self.taken.iter().filter(|one| one.status == USED).count();
        json!({
            "coupon_id": self.coupon_id.to_string(), "type": self.kind, "status": self.status(now),
            "create_time": self.create_time, "update_time": self.update_time, "coupon_info": self.info,
            "stock_info": { "issued_num": total - received, "receive_num": received, "used_num": used },
        })
    }
}

fn check(body: &Value, now: Now) -> Result<(), WxError> {
    let fail = |why: &'static str| Err(error_with(WRONG, why));
    let at = i64::try_from(now.seconds()).unwrap_or(i64::MAX);
    let kind = number(body, "type");
    if !matches!(kind, 1..=4 | 101..=104) {
        return fail("优惠券类型不正确");
    }
    if !(1..=10).contains(&text_of(body.get("name")).chars().count()) {
        return fail("优惠券名称为空或过长");
    }
    let gift = part(body, "discount_info");
    let condition = part(&gift, "discount_condition");
    let (pieces, price) = (number(&condition, "product_cnt"), number(&condition, "product_price"));
    let (rate, fee) = (number(&gift, "discount_num"), number(&gift, "discount_fee"));
    let by_rate = matches!(kind % 100, 1 | 3);
    if by_rate && (!(2_000..=10_000).contains(&rate) || rate % 100 != 0) {
        return fail("折扣数不正确");
    }
    if !by_rate && !(1..=20_000).contains(&fee) {
        return fail("减免金额不正确");
    }
    if (pieces > 0 && price > 0) || (kind % 100 == 1 && pieces < 1) || (kind % 100 == 2 && price <= fee) {
        return fail("使用门槛不正确");
    }
    let products = condition.get("product_ids").and_then(Value::as_array).map_or(0, Vec::len);
    if kind < 100 && !(1..=2_000).contains(&products) {
        return fail("商品券需要指定1至2000个商品");
    }
    let receive = part(body, "receive_info");
    let (start, end) = (number(&receive, "start_time"), number(&receive, "end_time"));
    if start <= 0 || end <= start || end <= at {
        return fail("领取时间不正确");
    }
    let (total, each) = (number(&receive, "total_num"), number(&receive, "limit_num_one_person"));
    if total < 1 || !(1..=total).contains(&each) {
        return fail("发放量或限领张数不正确");
    }
    let valid = part(body, "valid_info");
    let fits = match number(&valid, "valid_type") {
        1 => number(&valid, "start_time") > 0 && number(&valid, "end_time") > number(&valid, "start_time"),
        2 => number(&valid, "valid_day_num") > 0,
        _ => false,
    };
    if fits { Ok(()) } else { fail("优惠券有效期不正确") }
}

fn info_of(body: &Value) -> Value {
    let mut info = body.clone();
    if let Some(members) = info.as_object_mut() {
        members.remove("type");
        members.remove("coupon_id");
    }
    info
}

fn push(state: &mut State, now: Now, appid: &str, name: &'static str, body: Value, openid: Option<String>) {
    state.emit(now, appid, Event { name, openid, body });
}

fn about(id: u64, when: &str, now: Now) -> Value {
    json!({ "coupon_info": { "coupon_id": id.to_string(), when: now.seconds() } })
}

fn create(call: &mut Call<'_>) -> Answer {
    let (appid, now) = (call.appid.clone(), call.now);
    check(&call.body, now)?;
    let (kind, info) = (number(&call.body, "type"), info_of(&call.body));
    let coupon_id = call.state.new_id(COUPON_IDS);
    let account = call.account()?;
    if account.coupons.len() >= MOST {
        return Err(error_with(WRONG, "优惠券数量过多"));
    }
    let (create_time, update_time) = (now.seconds(), now.seconds());
    let coupon = Coupon { coupon_id, kind, status: DRAFT, info, create_time, update_time, taken: Vec::new() };
    account.coupons.push(coupon);
    push(call.state, now, &appid, "channels_ec_coupon_create", about(coupon_id, "create_time", now), None);
    Ok(ok_with(json!({ "data": { "coupon_id": coupon_id.to_string() } })))
}

fn coupon_of(account: &mut Account, id: u64) -> Result<&mut Coupon, WxError> {
    account.coupons.iter_mut().find(|one| one.coupon_id == id).ok_or_else(|| error(MISSING))
}

fn update(call: &mut Call<'_>) -> Answer {
    let (id, appid, now) = (call.id("coupon_id")?, call.appid.clone(), call.now);
    check(&call.body, now)?;
    let (kind, info) = (number(&call.body, "type"), info_of(&call.body));
    let coupon = coupon_of(call.account()?, id)?;
    if coupon.status != DRAFT || coupon.kind != kind {
        return Err(error(WRONG_STATE));
    }
    coupon.info = info;
    coupon.update_time = now.seconds();
    push(call.state, now, &appid, "channels_ec_coupon_info_change", about(id, "update_time", now), None);
    Ok(ok_with(json!({ "data": { "coupon_id": id.to_string() } })))
}

fn update_status(call: &mut Call<'_>) -> Answer {
    let (id, now) = (call.id("coupon_id")?, call.now);
    let (appid, wanted) = (call.appid.clone(), call.int("status").unwrap_or(0));
    let coupon = coupon_of(call.account()?, id)?;
    if !matches!(
        (coupon.status(now), wanted),
        (DRAFT, LIVE | WITHDRAWN | DELETED) | (LIVE, WITHDRAWN) | (EXPIRED | WITHDRAWN, DELETED)
    ) {
        return Err(error(WRONG_STATE));
    }
    coupon.status = wanted;
    coupon.update_time = now.seconds();
    let (name, when) = match wanted {
        WITHDRAWN => ("channels_ec_coupon_invalid", "invalid_time"),
        DELETED => ("channels_ec_coupon_delete", "delete_time"),
        _ => ("channels_ec_coupon_info_change", "update_time"),
    };
    push(call.state, now, &appid, name, about(id, when, now), None);
    Ok(ok())
}

fn get_one(call: &mut Call<'_>) -> Answer {
    let (id, now) = (call.id("coupon_id")?, call.now);
    let coupon = coupon_of(call.account()?, id)?;
    if coupon.status == DELETED {
        return Err(error(MISSING));
    }
    Ok(ok_with(json!({ "coupon": coupon.view(now) })))
}

/// Page and size of a list.
fn page_of(call: &Call<'_>) -> Result<(usize, usize), WxError> {
    let (page, size) = (call.int("page").unwrap_or(0), call.int("page_size").unwrap_or(0));
    if page < 1 || !(1..=200).contains(&size) {
        return Err(error(40097));
    }
    let skip = usize::try_from((page - 1).saturating_mul(size)).unwrap_or(usize::MAX);
    Ok((skip, usize::try_from(size).unwrap_or(200)))
}

fn get_list(call: &mut Call<'_>) -> Answer {
    let (skip, size) = page_of(call)?;
    let (now, status) = (call.now, call.int("status"));
    let status = status.ok_or_else(|| error(40097))?;
    let account = call.account()?;
    let wanted = |one: &&Coupon| match status {
        OVER => [EXPIRED, WITHDRAWN].contains(&one.status(now)),
        status => one.status(now) == status,
    };
    let total = account.coupons.iter().filter(wanted).count();
    let page = account.coupons.iter().rev().filter(wanted).skip(skip).take(size);
    let rows: Vec<Value> = page.map(|one| json!({ "coupon_id": one.coupon_id.to_string() })).collect();
    Ok(ok_with(json!({ "coupons": rows, "total_num": total, "page_ctx": format!("ctx{skip}") })))
}

fn held_by(account: &Account, openid: &str) -> Vec<(u64, Taken)> {
    let of = |coupon: &Coupon| {
        let mine: Vec<_> = coupon.taken.iter().filter(|one| one.openid == openid).cloned().collect();
        mine.into_iter().map(|one| (coupon.coupon_id, one)).collect::<Vec<_>>()
    };
    account.coupons.iter().rev().flat_map(of).collect()
}

fn get_user_list(call: &mut Call<'_>) -> Answer {
    let (skip, size) = page_of(call)?;
    let (openid, status) = (call.text("openid").to_owned(), call.int("status"));
    if openid.is_empty() {
        return Err(error(40003));
    }
    let mut held = held_by(call.account()?, &openid);
    held.retain(|(_, one)| status.is_none_or(|status| one.status == status));
    let row = |(coupon, one): &(u64, Taken)| json!({ "user_coupon_id": one.user_coupon_id.to_string(), "coupon_id": coupon.to_string() });
    let rows: Vec<Value> = held.iter().skip(skip).take(size).map(row).collect();
    Ok(ok_with(
        json!({ "user_coupon_list": rows, "total_num": held.len(), "page_ctx": format!("ctx{skip}") }),
    ))
}

fn get_user_one(call: &mut Call<'_>) -> Answer {
    let (id, openid) = (call.id("user_coupon_id")?, call.text("openid").to_owned());
    let held = held_by(call.account()?, &openid);
    let (coupon, one) =
        held.into_iter().find(|(_, one)| one.user_coupon_id == id).ok_or_else(|| error(MISSING))?;
    Ok(ok_with(json!({ "openid": openid, "user_coupon": {
        "user_coupon_id": id.to_string(), "coupon_id": coupon.to_string(), "status": one.status,
        "create_time": one.create_time, "update_time": one.create_time, "start_time": one.create_time,
        "end_time": one.end_time, "order_id": one.order_id.to_string(), "ext_info": {}, "discount_fee": 0,
    }})))
}

/// A buyer receives a coupon.
pub fn receive(state: &mut State, now: Now, appid: &str, id: u64, buyer: &str) -> Result<Value, String> {
    let user_coupon_id = state.new_id(USER_COUPON_IDS);
    let openid = openid_of(appid, buyer);
    let account = state.accounts.get_mut(appid).ok_or("no such account")?;
    let coupon = coupon_of(account, id).map_err(|error| error.text.to_string())?;
    let receive = part(&coupon.info, "receive_info");
    let mine = coupon.taken.iter().filter(|one| one.openid == openid).count();
    let room =
        |limit: &str, count: usize| i64::try_from(count).is_ok_and(|count| count < number(&receive, limit));
    if coupon.status(now) != LIVE
        || !room("total_num", coupon.taken.len())
        || !room("limit_num_one_person", mine)
    {
        return Err("it cannot be received".to_owned());
    }
    let valid = part(&coupon.info, "valid_info");
    let end = match number(&valid, "valid_type") {
        1 => u64::try_from(number(&valid, "end_time")).unwrap_or(0),
        _ => now.seconds() + 86_400 * u64::try_from(number(&valid, "valid_day_num")).unwrap_or(0),
    };
    let taken = Taken {
        user_coupon_id,
        openid: openid.clone(),
        status: USABLE,
        create_time: now.seconds(),
        end_time: end,
        order_id: 0,
    };
    coupon.taken.push(taken);
    let body = json!({ "receive_info": { "coupon_id": id.to_string(), "user_coupon_id": user_coupon_id.to_string(),
        "receive_time": now.seconds().to_string() } });
    push(state, now, appid, "channels_ec_coupon_receive", body, Some(openid.clone()));
    Ok(json!({ "user_coupon_id": user_coupon_id.to_string(), "openid": openid }))
}

/// A buyer uses a coupon for an order.
pub fn use_up(
    state: &mut State,
    now: Now,
    appid: &str,
    user_coupon: u64,
    order_id: u64,
) -> Result<Value, String> {
    let account = state.accounts.get_mut(appid).ok_or("no such account")?;
    let mut found = account.coupons.iter_mut().flat_map(|coupon| {
        let id = coupon.coupon_id;
        coupon.taken.iter_mut().map(move |one| (id, one))
    });
    let (coupon, one) = found.find(|(_, one)| one.user_coupon_id == user_coupon).ok_or("no such coupon")?;
    if one.status != USABLE {
        return Err("it was used or is over".to_owned());
    }
    (one.status, one.order_id) = (USED, order_id);
    let openid = one.openid.clone();
    let body = json!({ "use_info": { "coupon_id": coupon.to_string(), "user_coupon_id": user_coupon.to_string(),
        "order_id": order_id.to_string(), "use_time": now.seconds().to_string() } });
    push(state, now, appid, "channels_ec_user_coupon_use", body, Some(openid));
    Ok(json!({ "coupon_id": coupon.to_string() }))
}

/// The merchant withdraws a coupon in the platform's own console.
pub fn withdraw_by_hand(state: &mut State, now: Now, appid: &str, id: u64) -> Result<Value, String> {
    let account = state.accounts.get_mut(appid).ok_or("no such account")?;
    coupon_of(account, id).map_err(|error| error.text.to_string())?.status = WITHDRAWN;
    push(state, now, appid, "channels_ec_coupon_invalid", about(id, "invalid_time", now), None);
    Ok(json!({ "status": "withdrawn" }))
}

/// The id in a path of the control calls.
pub fn id_text(text: &str) -> Result<u64, String> {
    id_of(Some(&json!(text))).ok_or_else(|| "not an id".to_owned())
}
