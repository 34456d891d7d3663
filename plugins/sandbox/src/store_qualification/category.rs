//! `category/{add,audit/get,audit/cancel,list/get}`.

use super::{
    AUDIT_IDS, CategoryAudit, MOST, accepted, approved, documents, number, store_only, tell_category, wrong,
};
use crate::calls::{Auth, Call, Route, either, post};
use crate::errors::{Answer, WxError, error, error_with, ok, ok_with};
use crate::state::{id_of, text_of};
use crate::store_category;
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    post("/channels/ec/category/add", Auth::Account, add),
    post("/channels/ec/category/audit/get", Auth::Account, audit_get),
    post("/channels/ec/category/audit/cancel", Auth::Account, audit_cancel),
    either("/channels/ec/category/list/get", Auth::Account, list),
];

/// Kinds of documents beside the certificate.
const KINDS: &[&str] =
    &["baobeihan", "jingyingzhengming", "daihuokoubei", "ruzhuzhizhi", "jingyingliushui", "buchongcailiao"];
const PLATFORMS: &[&str] = &["taobao", "jd", "douyin", "kuaishou", "pdd", "other"];

/// The way to the leaf: the new tree's list, or three levels of the old one.
fn path(info: &Value) -> Result<Vec<u64>, WxError> {
    let listed = info.get("cats_v2").and_then(Value::as_array).filter(|cats| !cats.is_empty());
    let ids: Vec<u64> = match listed {
        Some(cats) => cats.iter().filter_map(|cat| id_of(cat.get("cat_id"))).collect(),
        None => ["level1", "level2", "level3"].iter().filter_map(|level| number(info, level)).collect(),
    };
    if store_category::is_path(&ids) { Ok(ids) } else { Err(error(10_020_017)) }
}

fn add(call: &mut Call<'_>) -> Answer {
    store_only(call.account()?)?;
    let info = call.body.get("category_info").cloned().unwrap_or_default();
    let path = path(&info)?;
    let cat_id = path.last().copied().unwrap_or_default();
    let rule = store_category::rule_of(cat_id).ok_or_else(|| error_with(10_020_017, "类目无需申请资质"))?;
    let own = &call.account()?.qualifications.categories;
    if own.len() >= MOST {
        return Err(error(45_009));
    }
    if own.iter().any(|one| one.cat_id == cat_id && one.status == 0) {
        return Err(error_with(10_020_051, "该类目已有审核中的申请"));
    }
    if approved(call.account()?, cat_id) {
        return Err(error_with(10_020_051, "该类目已经申请通过"));
    }
    if rule.invited_only {
        return Err(error_with(10_020_018, "该类目为定向准入类目,暂不支持申请"));
    }
    documents(call.state, info.get("certificate"), "certificate", usize::from(rule.mandatory), 10)?;
    for kind in KINDS {
        documents(call.state, info.get(kind), kind, 0, 10)?;
    }
    let platform = text_of(info.get("jingyingpingtai"));
    if !platform.is_empty() && !PLATFORMS.contains(&platform) {
        return Err(wrong("jingyingpingtai is unknown"));
    }
    let brands: Vec<u64> = info
        .get("brand_list")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|one| id_of(one.get("brand_id")))
        .collect();
    if rule.needs_brand && brands.is_empty() {
        return Err(wrong("brand_list is needed for this category"));
    }
    let account = call.account()?;
    if !brands.iter().all(|brand| accepted(account, *brand)) {
        return Err(error_with(10_020_051, "品牌未申请或未审核通过"));
    }
    let (now, appid) = (call.now, call.appid.clone());
    let audit_id = call.state.new_id(AUDIT_IDS);
    let create_time = now.seconds();
    let made = CategoryAudit { audit_id, cat_id, status: 0, reason: String::new(), info, create_time };
    call.account()?.qualifications.categories.push(made);
    tell_category(call.state, now, &appid, audit_id, 1, "");
    Ok(ok_with(json!({"audit_id": audit_id.to_string()})))
}

fn own<'a>(call: &'a mut Call<'_>) -> Result<&'a mut CategoryAudit, WxError> {
    store_only(call.account()?)?;
    let audit_id = call.id("audit_id")?;
    let list = &mut call.account()?.qualifications.categories;
    list.iter_mut().find(|one| one.audit_id == audit_id).ok_or_else(|| error_with(10_020_055, "申请单不存在"))
}

fn audit_get(call: &mut Call<'_>) -> Answer {
    let one = own(call)?;
    Ok(ok_with(json!({"data": {"status": one.status, "reject_reason": one.reason}})))
}

fn audit_cancel(call: &mut Call<'_>) -> Answer {
    let one = own(call)?;
    if one.status != 0 {
        return Err(error_with(10_020_051, "申请单状态不允许取消"));
    }
    one.status = 12;
    let (audit_id, now, appid) = (one.audit_id, call.now, call.appid.clone());
    tell_category(call.state, now, &appid, audit_id, 12, "");
    Ok(ok())
}

fn list(call: &mut Call<'_>) -> Answer {
    let own = &call.account()?.qualifications.categories;
    let passed = own.iter().filter(|one| one.status == 1);
    let list: Vec<Value> = passed
        .map(|one| json!({"cat_id": one.cat_id.to_string(), "qua_id": one.cat_id.to_string()}))
        .collect();
    Ok(ok_with(json!({"list": list})))
}
