//! Guarantee claims 保障单: what the merchant's calls read and say, and what the buyer and the platform's people do on the
//! play page.
//!
//! Written from developers.weixin.qq.com/doc/store/shop: `searchguaranteeorder`, `getguaranteeorder`,
//! `merchantacceptguarantee`, `merchantrefuseguarantee`, `merchantmodifyguarantee`, `merchantproofguarantee` with their
//! error codes, `channels_ec_guarantee_update` with its states, and the guide `guide/trade/guarantee`. The shape of
//! `history_list` and what happens when nobody acts before `expire_time` are not documented: the first is left out, and
//! nothing happens.

use crate::calls::{Auth, Call, Route, post};
use crate::clock::Now;
use crate::errors::{Answer, WxError, error, error_with, ok, ok_with};
use crate::product_rules::PICTURE_PREFIX;
use crate::push::Event;
use crate::state::{LIMIT, State, id_of};
use crate::store_order::{DONE, SHIPPED};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    post("/channels/ec/aftersale/searchguaranteeorder", Auth::Account, search),
    post("/channels/ec/aftersale/getguaranteeorder", Auth::Account, show),
    post("/channels/ec/aftersale/merchantacceptguarantee", Auth::Account, accept),
    post("/channels/ec/aftersale/merchantrefuseguarantee", Auth::Account, refuse),
    post("/channels/ec/aftersale/merchantmodifyguarantee", Auth::Account, offer),
    post("/channels/ec/aftersale/merchantproofguarantee", Auth::Account, prove),
];

const IDS: u64 = 2_000_001_077_200_000;
/// Claims of one page. No ceiling is documented.
const MOST: usize = 100;

const FAKE: i64 = 1;
const DAMAGE: i64 = 2;
const LEVELS: [i64; 5] = [10, 30, 50, 80, 100];

const DECIDE: &str = "STATUS_WAIT_MERCHANT_HANDLE";
const PLATFORM: &str = "STATUS_WAIT_PLATFORM_HANDLE";
const CONFIRM: &str = "STATUS_WAIT_USER_CONFIRM";
const MERCHANT_PROOF: &str = "STATUS_WAIT_MERCHANT_PROOF";
const BUYER_PROOF: &str = "STATUS_WAIT_USER_PROOF";
const BOTH_PROOF: &str = "STATUS_WAIT_BOTH_PROOF";
const PAYING: &str = "STATUS_PAYING";
const BLOCKED: &str = "STATUS_PAY_BLOCK";

/// Numbers of the states in the filter `status_list`.
const NUMBERS: &[(&str, i64)] = &[
    (DECIDE, 10),
    (CONFIRM, 12),
    (PLATFORM, 15),
    (MERCHANT_PROOF, 20),
    (BUYER_PROOF, 25),
    (BOTH_PROOF, 30),
    ("STATUS_NO_NEED_PAY", 33),
    (PAYING, 35),
    (BLOCKED, 36),
    ("STATUS_PAY_SUCC", 40),
    ("STATUS_PAY_FAIL", 45),
    ("STATUS_USER_CANCEL", 50),
];

#[derive(Clone, Serialize, Deserialize)]
pub struct Claim {
    pub id: u64,
    pub appid: String,
    pub order_id: u64,
    pub openid: String,
    pub unionid: String,
    pub transaction_id: String,
    /// 1 fake, 2 damaged.
    pub kind: i64,
    pub status: String,
    pub reason: String,
    pub product: Value,
    pub price: i64,
    pub identify_fee: i64,
    pub bad_level: i64,
    pub content: String,
    pub offered: i64,
    pub remark: String,
    pub refusal: String,
    /// Media ids of the merchant's pictures, and the words of the proof.
    pub pictures: Vec<String>,
    pub proof: String,
    pub create_time: u64,
    pub update_time: u64,
    pub expire_time: u64,
    pub complete_time: u64,
}

impl Claim {
    /// Damage: the part of the price. Fake: what the examination cost and three times the price.
    fn amount(&self) -> i64 {
        let level = if self.offered > 0 { self.offered } else { self.bad_level };
        if self.kind == FAKE { self.identify_fee + self.price * 3 } else { self.price * level / 100 }
    }

    fn view(&self) -> Value {
        let mut view = json!({
            "guarantee_order_id": self.id, "type": self.kind, "order_id": self.order_id, "status": self.status,
            "create_time": self.create_time, "update_time": self.update_time, "apply_reason": self.reason,
            "product_info": [self.product], "expire_time": self.expire_time, "openid": self.openid,
            "unionid": self.unionid, "pay_amount": self.amount(), "merchant_refuse_reason": self.refusal,
            "order_pay_info": {"transaction_id": self.transaction_id}, "complete_time": self.complete_time,
            "apply_reason_type": 1, "order_type": 0,
        });
        if self.kind == FAKE {
            let paid = if self.status == "STATUS_PAY_SUCC" { self.amount() } else { 0 };
            view["fake_one_pay_four_info"] = json!({
                "identify_fee": self.identify_fee, "product_fee": self.price, "total_pay_fee": self.amount(),
                "identify_proof_pic_list": ["buyer1"], "fee_proof_pic_list": ["buyer2"], "apply_reason": 1,
                "acctual_pay": paid,
            });
        } else {
            let url = format!("https://{PICTURE_PREFIX}{}/guarantee-{}", self.appid, self.id);
            view["bad_pay_info"] = json!({
                "bad_level": self.bad_level, "content": self.content, "pic_list": ["buyer1"],
                "pay_fee": self.amount(), "merchant_modify_level": self.offered, "merchant_remark": self.remark,
                "platform_modify_level": 0, "refund_type": 1, "receive_product": 2,
                "title_pic_list": [{"title": 1, "pic_list": [url]}],
            });
        }
        view
    }

    /// For the play page.
    pub fn card(&self) -> Value {
        json!({"id": self.id.to_string(), "kind": self.kind, "status": self.status, "amount": self.amount(),
            "actions": actions(&self.status, self.kind)})
    }
}

fn wrong() -> WxError {
    error_with(9_700_224, "参数错误")
}

/// Ids are numbers in these calls.
fn claim<'a>(call: &'a mut Call<'_>) -> Result<&'a mut Claim, WxError> {
    let id = call.body["guarantee_order_id"].as_u64().ok_or_else(wrong)?;
    let appid = call.appid.clone();
    let found = call.state.guarantees.get_mut(&id).filter(|claim| claim.appid == appid);
    found.ok_or_else(|| error_with(10_021_057, "售后单不存在"))
}

fn search(call: &mut Call<'_>) -> Answer {
    let numbers = |field: &str| -> Result<Vec<u64>, WxError> {
        match &call.body[field] {
            Value::Null => Ok(Vec::new()),
            Value::Array(rows) => rows.iter().map(|row| row.as_u64().ok_or_else(wrong)).collect(),
            _ => Err(wrong()),
        }
    };
    let (ids, orders) = (numbers("guarantee_order_id_list")?, numbers("order_id_list")?);
    let states = numbers("status_list")?;
    let int = |field: &str| call.int(field).unwrap_or_default();
    let (kind, begin, end) = (int("type"), int("begin_time"), int("end_time"));
    let (Ok(offset), Some(limit)) = (usize::try_from(int("offset")), call.int("limit")) else {
        return Err(wrong());
    };
    let Some(limit) = usize::try_from(limit).ok().filter(|limit| (1..=MOST).contains(limit)) else {
        return Err(wrong());
    };
    let appid = &call.appid;
    let made = |claim: &Claim| i64::try_from(claim.create_time).unwrap_or(i64::MAX);
    let number =
        |claim: &Claim| NUMBERS.iter().find(|(word, _)| *word == claim.status).map_or(0, |(_, n)| *n);
    // The newest first.
    let found: Vec<&Claim> = (call.state.guarantees.values().rev())
        .filter(|claim| claim.appid == *appid && (kind == 0 || claim.kind == kind))
        .filter(|claim| ids.is_empty() || ids.contains(&claim.id))
        .filter(|claim| orders.is_empty() || orders.contains(&claim.order_id))
        .filter(|claim| states.is_empty() || u64::try_from(number(claim)).is_ok_and(|n| states.contains(&n)))
        .filter(|claim| made(claim) >= begin && (end == 0 || made(claim) <= end))
        .collect();
    let mut answer = json!({"total_num": found.len()});
    let page: Vec<Value> = found.iter().skip(offset).take(limit).map(|claim| claim.view()).collect();
    if !page.is_empty() {
        answer["guarantee_order_list"] = json!(page);
    }
    Ok(ok_with(answer))
}

fn show(call: &mut Call<'_>) -> Answer {
    let view = claim(call)?.view();
    Ok(ok_with(json!({"guarantee_order": view})))
}

/// The claim when it stands at one of these.
fn at<'a>(call: &'a mut Call<'_>, states: &[&str]) -> Result<&'a mut Claim, WxError> {
    let claim = claim(call)?;
    if states.contains(&claim.status.as_str()) { Ok(claim) } else { Err(error(10_021_041)) }
}

fn accept(call: &mut Call<'_>) -> Answer {
    let id = at(call, &[DECIDE])?.id;
    let now = call.now;
    step(call.state, now, id, PAYING);
    Ok(ok())
}

/// The words of a field, and pictures that were uploaded; both have to be there.
fn said(call: &Call<'_>, field: &str) -> Result<(String, Vec<String>), WxError> {
    let words = call.text(field).trim().to_owned();
    let ids = call.body["pic_list"].as_array().cloned().unwrap_or_default();
    let ids: Vec<String> = ids.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    if words.is_empty() || ids.is_empty() {
        return Err(wrong());
    }
    if ids.iter().all(|id| call.state.images.contains_key(id)) { Ok((words, ids)) } else { Err(error(40007)) }
}

fn refuse(call: &mut Call<'_>) -> Answer {
    let (words, pictures) = said(call, "reason")?;
    let claim = at(call, &[DECIDE])?;
    (claim.refusal, claim.pictures) = (words, pictures);
    let (id, now) = (claim.id, call.now);
    step(call.state, now, id, PLATFORM);
    Ok(ok())
}

fn offer(call: &mut Call<'_>) -> Answer {
    let level = call.int("bad_level").filter(|level| LEVELS.contains(level)).ok_or_else(wrong)?;
    let remark = call.text("merchant_remark").to_owned();
    let claim = at(call, &[DECIDE])?;
    if claim.kind != DAMAGE {
        return Err(error(10_021_041));
    }
    (claim.offered, claim.remark) = (level, remark);
    let (id, now) = (claim.id, call.now);
    step(call.state, now, id, CONFIRM);
    Ok(ok())
}

fn prove(call: &mut Call<'_>) -> Answer {
    let (words, pictures) = said(call, "content")?;
    let claim = at(call, &[MERCHANT_PROOF, BOTH_PROOF])?;
    let next = if claim.status == BOTH_PROOF { BUYER_PROOF } else { PLATFORM };
    (claim.proof, claim.pictures) = (words, pictures);
    let (id, now) = (claim.id, call.now);
    step(call.state, now, id, next);
    Ok(ok())
}

/// Moves a claim and tells the merchant.
fn step(state: &mut State, now: Now, id: u64, status: &str) {
    let pause = state.settings.aftersale_seconds;
    let Some(claim) = state.guarantees.get_mut(&id) else { return };
    status.clone_into(&mut claim.status);
    claim.update_time = now.seconds();
    claim.expire_time = now.seconds() + pause;
    if ["STATUS_PAY_SUCC", "STATUS_NO_NEED_PAY", "STATUS_USER_CANCEL"].contains(&status) {
        claim.complete_time = now.seconds();
        claim.expire_time = 0;
    }
    let appid = claim.appid.clone();
    let body = json!({"finder_shop_guarantee_status_update": {
        "status": status, "guarantee_order_id": id.to_string(), "order_id": claim.order_id.to_string(),
    }});
    state.emit(now, &appid, Event { name: "channels_ec_guarantee_update", openid: None, body });
}

/// What a buyer claims.
#[derive(Deserialize)]
pub struct NewClaim {
    /// 1 fake, 2 damaged.
    #[serde(rename = "type")]
    pub kind: i64,
    #[serde(default)]
    pub sku_id: Value,
    #[serde(default)]
    pub reason: String,
    #[serde(default)]
    pub bad_level: Option<i64>,
    #[serde(default)]
    pub content: String,
    #[serde(default)]
    pub identify_fee: i64,
}

/// Opens a claim about goods that were sent.
pub fn open(state: &mut State, now: Now, order_id: u64, new: NewClaim) -> Result<u64, String> {
    if state.guarantees.len() >= LIMIT {
        return Err("too many guarantee claims; reset the sandbox".into());
    }
    let level = new.bad_level.unwrap_or(50);
    if ![FAKE, DAMAGE].contains(&new.kind) || !LEVELS.contains(&level) {
        return Err("type must be 1 or 2, bad_level 10, 30, 50, 80 or 100".into());
    }
    if !(0..=10_000_000).contains(&new.identify_fee) {
        return Err("identify_fee must be 0..=10000000".into());
    }
    let id = state.new_id(IDS);
    let order = state.orders.get(&order_id).ok_or("no such order")?;
    if ![SHIPPED, DONE].contains(&order.status) {
        return Err(format!("the order's status {} does not allow this", order.status));
    }
    let wanted = id_of(Some(&new.sku_id));
    let line = order.lines.iter().find(|line| wanted.is_none_or(|id| line.sku_id == id));
    let line = line.ok_or("no such SKU in the order")?;
    let cut = |text: &str, usual: &str| -> String {
        let text = if text.is_empty() { usual } else { text };
        text.chars().take(200).collect()
    };
    let usual = if new.kind == FAKE { "假冒注册商标" } else { "商品坏损" };
    let claim = Claim {
        id,
        appid: order.appid.clone(),
        order_id,
        openid: order.openid.clone(),
        unionid: order.unionid.clone(),
        transaction_id: order.transaction_id.clone(),
        kind: new.kind,
        status: String::new(),
        reason: cut(&new.reason, usual),
        product: json!({"thumb_img": line.thumb_img, "title": line.title, "real_price": line.total(),
            "product_cnt": line.sku_cnt, "detail": "", "product_id": line.product_id.to_string(),
            "sku_id": line.sku_id.to_string()}),
        price: line.total(),
        identify_fee: new.identify_fee,
        bad_level: if new.kind == DAMAGE { level } else { 0 },
        content: if new.kind == DAMAGE { cut(&new.content, "收到时已经破损") } else { String::new() },
        offered: 0,
        remark: String::new(),
        refusal: String::new(),
        pictures: Vec::new(),
        proof: String::new(),
        create_time: now.seconds(),
        update_time: now.seconds(),
        expire_time: 0,
        complete_time: 0,
    };
    state.guarantees.insert(id, claim);
    step(state, now, id, DECIDE);
    Ok(id)
}

/// What the buyer and the platform's people can do now.
fn actions(status: &str, kind: i64) -> &'static [&'static str] {
    match status {
        DECIDE => &["withdraw"],
        PLATFORM => &["ask_merchant", "ask_buyer", "ask_both", "pay", "owe_nothing", "withdraw"],
        CONFIRM => &["take_offer", "refuse_offer", "withdraw"],
        MERCHANT_PROOF => &["pay", "owe_nothing", "withdraw"],
        BUYER_PROOF | BOTH_PROOF => &["prove", "withdraw"],
        PAYING if kind == FAKE => &["paid", "block", "fail"],
        PAYING => &["paid", "fail"],
        BLOCKED => &["pay"],
        _ => &[],
    }
}

/// Does one of them.
pub fn act(state: &mut State, now: Now, id: u64, action: &str) -> Result<(), String> {
    let claim = state.guarantees.get(&id).ok_or("no such guarantee claim")?;
    let status = claim.status.clone();
    if !actions(&status, claim.kind).contains(&action) {
        return Err(format!("the claim's status {status} does not allow this"));
    }
    let next = match action {
        "withdraw" => "STATUS_USER_CANCEL",
        "ask_merchant" => MERCHANT_PROOF,
        "ask_buyer" => BUYER_PROOF,
        "ask_both" => BOTH_PROOF,
        "pay" | "take_offer" => PAYING,
        "owe_nothing" => "STATUS_NO_NEED_PAY",
        "prove" if status == BOTH_PROOF => MERCHANT_PROOF,
        "paid" => "STATUS_PAY_SUCC",
        "block" => BLOCKED,
        "fail" => "STATUS_PAY_FAIL",
        _ => PLATFORM,
    };
    step(state, now, id, next);
    Ok(())
}

/// For the control call: what a tester wants to see.
pub fn told(state: &State, id: u64) -> Value {
    let Some(claim) = state.guarantees.get(&id) else { return Value::Null };
    json!({"guarantee_order_id": id.to_string(), "status": claim.status, "offered": claim.offered,
        "refusal": claim.refusal, "proof": claim.proof, "pictures": claim.pictures.len(),
        "amount": claim.amount()})
}
