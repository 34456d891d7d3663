//! `brand/…`: the platform's library of brands, and those of a store.

use super::{AUDIT_IDS, MOST, StoreBrand, documents, number, store_only, tell_brand, wrong};
use crate::calls::{Auth, Call, Route, post};
use crate::errors::{Answer, WxError, error, error_with, ok, ok_with};
use crate::state::{Account, State, text_of};
use serde_json::{Map, Value, json};

pub const ROUTES: &[Route] = &[
    post("/channels/ec/brand/all", Auth::Account, all),
    post("/channels/ec/brand/add", Auth::Account, add),
    post("/channels/ec/brand/update", Auth::Account, update),
    post("/channels/ec/brand/get", Auth::Account, get_one),
    post("/channels/ec/brand/list/get", Auth::Account, list),
    post("/channels/ec/brand/valid/list/get", Auth::Account, valid_list),
    post("/channels/ec/brand/delete", Auth::Account, delete),
    post("/channels/ec/brand/audit/cancel", Auth::Account, cancel),
];

const LIBRARY: u64 = 10_000_000;
/// Names that exist nowhere; the ids are the sandbox's own.
const NAMES: &[(&str, &str)] = &[
    ("山前", "Shanqian"),
    ("云岭茶", "Yunling Tea"),
    ("知夏", "Zhixia"),
    ("陶溪里", "Taoxili"),
    ("月白", "Yuebai"),
    ("", "Norrvind"),
    ("青穗", "Qingsui"),
    ("小满家", "Xiaoman Home"),
];
/// Further brands with plain names.
const FURTHER: u64 = 120;

fn library() -> impl Iterator<Item = (u64, String, String)> {
    let named = NAMES.iter().map(|(zh, en)| ((*zh).to_owned(), (*en).to_owned()));
    let plain = (1..=FURTHER).map(|number| (format!("示例品牌{number:03}"), format!("Sample {number:03}")));
    (LIBRARY..).zip(named.chain(plain)).map(|(id, (zh, en))| (id, zh, en))
}

/// The library's name of a brand.
pub fn name_of(brand_id: u64) -> Option<String> {
    let (_, zh, en) = library().find(|(id, ..)| *id == brand_id)?;
    Some(format!("{zh} {en}").trim().to_owned())
}

/// Whether a store's brand is in force.
pub fn accepted(account: &Account, brand_id: u64) -> bool {
    account.qualifications.brands.iter().any(|one| one.brand_id == brand_id && matches!(one.status, 3 | 5))
}

/// Size of a page (10 unless said, 50 at most) and where it begins.
fn page(call: &Call<'_>) -> Result<(usize, usize), WxError> {
    let size =
        usize::try_from(call.int("page_size").unwrap_or(10)).ok().filter(|size| (1..=50).contains(size));
    let size = size.ok_or_else(|| wrong("page_size: expecting 1 to 50"))?;
    let key = call.text("next_key");
    let from = if key.is_empty() { Some(0) } else { key.strip_prefix('p').and_then(|key| key.parse().ok()) };
    Ok((size, from.ok_or_else(|| wrong("next_key is not ours"))?))
}

fn all(call: &mut Call<'_>) -> Answer {
    let (size, from) = page(call)?;
    let mut rows: Vec<Value> = library()
        .skip(from)
        .take(size + 1)
        .map(|(id, zh, en)| json!({"brand_id": id.to_string(), "ch_name": zh, "en_name": en}))
        .collect();
    let more = rows.len() > size;
    rows.truncate(size);
    Ok(ok_with(json!({"brands": rows, "next_key": format!("p{}", from + size), "continue_flag": more})))
}

fn period(part: &Value, at: &str) -> Result<(), WxError> {
    if part.get("is_permanent").and_then(Value::as_bool) == Some(true) {
        return Ok(());
    }
    match (number(part, "start_time"), number(part, "end_time")) {
        (Some(from), Some(until)) if from < until => Ok(()),
        _ => Err(wrong(format!("{at}: expecting start_time < end_time, or is_permanent"))),
    }
}

fn needed(part: &Value, name: &str) -> Result<(), WxError> {
    let there = text_of(part.get(name));
    if there.is_empty() || there.chars().count() > 100 {
        Err(wrong(format!("{name} is missing or too long")))
    } else {
        Ok(())
    }
}

fn check(state: &State, brand: &Value) -> Result<u64, WxError> {
    let id = number(brand, "brand_id").ok_or_else(|| wrong("brand_id is missing"))?;
    let (_, zh, en) =
        library().find(|(known, ..)| *known == id).ok_or_else(|| wrong("brand_id is unknown"))?;
    if text_of(brand.get("ch_name")) != zh || text_of(brand.get("en_name")) != en {
        return Err(wrong("ch_name or en_name is not that of the brand"));
    }
    let class = text_of(brand.get("classification_no")).parse::<u64>().ok();
    if !class.is_some_and(|class| (1..=45).contains(&class)) {
        return Err(wrong("classification_no: expecting 1 to 45"));
    }
    let part = |name: &str| brand.get(name).cloned().unwrap_or_default();
    match number(brand, "trade_mark_symbol") {
        Some(1) => {
            let details = part("register_details");
            needed(&details, "registrant")?;
            needed(&details, "register_no")?;
            period(&details, "register_details")?;
            documents(state, details.get("register_certifications"), "register_certifications", 1, 1)?;
            documents(state, details.get("renew_certifications"), "renew_certifications", 0, 5)?;
        }
        Some(2) => {
            let details = part("application_details");
            needed(&details, "acceptance_no")?;
            number(&details, "acceptance_time").ok_or_else(|| wrong("acceptance_time is missing"))?;
            documents(state, details.get("acceptance_certification"), "acceptance_certification", 1, 1)?;
        }
        _ => return Err(wrong("trade_mark_symbol: expecting 1 or 2")),
    }
    match number(brand, "grant_type") {
        Some(1) => {}
        Some(2) => {
            let details = part("grant_details");
            if number(&details, "grant_level").is_none_or(|level| level > 3) {
                return Err(wrong("grant_level: expecting 1 to 3"));
            }
            period(&details, "grant_details")?;
            documents(state, details.get("grant_certifications"), "grant_certifications", 1, 9)?;
            documents(state, details.get("brand_owner_id_photos"), "brand_owner_id_photos", 0, 2)?;
        }
        _ => return Err(wrong("grant_type: expecting 1 or 2")),
    }
    Ok(id)
}

fn missing() -> WxError {
    error_with(10_020_055, "品牌资质不存在")
}

fn add(call: &mut Call<'_>) -> Answer {
    store_only(call.account()?)?;
    let brand = call.body.get("brand").cloned().unwrap_or_default();
    let brand_id = check(call.state, &brand)?;
    let own = &call.account()?.qualifications.brands;
    if own.iter().any(|one| one.brand_id == brand_id) {
        return Err(error_with(10_020_051, "品牌资质已存在"));
    }
    if own.len() >= MOST {
        return Err(error(45_009));
    }
    let (now, appid) = (call.now, call.appid.clone());
    let audit_id = call.state.new_id(AUDIT_IDS);
    let (create_time, update_time) = (now.seconds(), now.seconds());
    let made =
        StoreBrand { brand_id, audit_id, status: 1, reason: String::new(), brand, create_time, update_time };
    call.account()?.qualifications.brands.push(made.clone());
    tell_brand(call.state, now, &appid, &made, 1);
    Ok(ok_with(json!({"audit_id": audit_id.to_string()})))
}

fn update(call: &mut Call<'_>) -> Answer {
    store_only(call.account()?)?;
    let brand = call.body.get("brand").cloned().unwrap_or_default();
    let brand_id = check(call.state, &brand)?;
    let (now, appid) = (call.now, call.appid.clone());
    let audit_id = call.state.new_id(AUDIT_IDS);
    let list = &mut call.account()?.qualifications.brands;
    let one = list.iter_mut().find(|one| one.brand_id == brand_id).ok_or_else(missing)?;
    if one.status == 1 {
        return Err(error_with(10_020_051, "品牌资质审核中,不能修改"));
    }
    one.audit_id = audit_id;
    one.status = 1;
    one.reason.clear();
    one.brand = brand;
    one.update_time = now.seconds();
    let told = one.clone();
    tell_brand(call.state, now, &appid, &told, 2);
    Ok(ok_with(json!({"audit_id": audit_id.to_string()})))
}

fn view(one: &StoreBrand) -> Map<String, Value> {
    let mut brand = one.brand.as_object().cloned().unwrap_or_default();
    brand.insert("brand_id".into(), json!(one.brand_id.to_string()));
    brand.insert("status".into(), json!(one.status));
    brand.insert("create_time".into(), json!(one.create_time));
    brand.insert("update_time".into(), json!(one.update_time));
    brand
}

fn get_one(call: &mut Call<'_>) -> Answer {
    let brand_id = call.id("brand_id")?;
    let own = &call.account()?.qualifications.brands;
    let one = own.iter().find(|one| one.brand_id == brand_id).ok_or_else(missing)?;
    let mut brand = view(one);
    let result = json!({"audit_id": one.audit_id.to_string(), "reject_reason": one.reason});
    brand.insert("audit_result".into(), result);
    Ok(ok_with(json!({"brand": brand})))
}

fn listed(call: &mut Call<'_>, fits: impl Fn(&StoreBrand) -> bool) -> Answer {
    let (size, from) = page(call)?;
    let own = &call.account()?.qualifications.brands;
    let all: Vec<&StoreBrand> = own.iter().rev().filter(|one| fits(one)).collect();
    let rows: Vec<Map<String, Value>> = all.iter().skip(from).take(size).map(|one| view(one)).collect();
    Ok(ok_with(json!({"brands": rows, "total_num": all.len(), "next_key": format!("p{}", from + size)})))
}

fn list(call: &mut Call<'_>) -> Answer {
    let wanted = call.int("status");
    listed(call, |one| wanted.is_none_or(|status| status == 0 || status == one.status))
}

fn valid_list(call: &mut Call<'_>) -> Answer {
    listed(call, |one| matches!(one.status, 3 | 5))
}

fn delete(call: &mut Call<'_>) -> Answer {
    let brand_id = call.id("brand_id")?;
    let (now, appid) = (call.now, call.appid.clone());
    let list = &mut call.account()?.qualifications.brands;
    let at = list.iter().position(|one| one.brand_id == brand_id).ok_or_else(missing)?;
    if list.get(at).is_some_and(|one| one.status == 1) {
        return Err(error_with(10_020_051, "品牌资质审核中,不能删除"));
    }
    let gone = list.remove(at);
    tell_brand(call.state, now, &appid, &gone, 6);
    Ok(ok())
}

fn cancel(call: &mut Call<'_>) -> Answer {
    let (brand_id, audit_id) = (call.id("brand_id")?, call.id("audit_id")?);
    let (now, appid) = (call.now, call.appid.clone());
    let list = &mut call.account()?.qualifications.brands;
    let one = list.iter_mut().find(|one| one.brand_id == brand_id && one.audit_id == audit_id);
    let one = one.ok_or_else(missing)?;
    if one.status != 1 {
        return Err(error_with(10_020_051, "品牌资质状态不允许撤回"));
    }
    one.status = 4;
    one.update_time = now.seconds();
    let told = one.clone();
    tell_brand(call.state, now, &appid, &told, 3);
    Ok(ok())
}
