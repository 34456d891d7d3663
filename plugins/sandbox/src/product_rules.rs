//! What the platform refuses in a product's draft, rule by rule with the documented number.

use crate::errors::{WxError, error, invalid_args};
use crate::state::{Account, id_of, int_of, text_of};
use crate::store_category;
use crate::store_qualification;
use serde_json::{Map, Value};

const TITLE_MIN: usize = 3;
const TITLE_MAX: usize = 60;
const HEAD_IMGS_MAX: usize = 9;
const DESC_IMGS_MAX: usize = 50;
const SKUS_MAX: usize = 500;
const PRICE_MAX: i64 = 1_000_000_000;
pub const STOCK_MAX: i64 = 10_000_000;
pub const PICTURE_PREFIX: &str = "mmecimage.cn/p/";

pub fn check(account: &Account, draft: &Map<String, Value>, check_images: bool) -> Result<(), WxError> {
    check_title(text_of(draft.get("title")))?;
    if text_of(draft.get("out_product_id")).chars().count() > 128 {
        return Err(error(10020036));
    }
    check_pictures(draft, check_images)?;
    let category = check_categories(account, draft)?;
    check_brand(account, category, draft.get("brand_id"))?;
    check_attributes(draft.get("attrs"), "attrs")?;
    check_delivery(account, draft)?;
    let skus = draft.get("skus").and_then(Value::as_array).ok_or_else(|| error(10020038))?;
    if skus.is_empty() {
        return Err(error(10020038));
    }
    if skus.len() > SKUS_MAX {
        return Err(error(10020013));
    }
    let mut seen = std::collections::BTreeSet::new();
    for (index, sku) in skus.iter().enumerate() {
        check_sku(index, sku, check_images)?;
        if skus.len() > 1 && !seen.insert(sku.get("sku_attrs").map(Value::to_string)) {
            return Err(invalid_args(&format!("skus[{index}].sku_attrs is repeated")));
        }
    }
    Ok(())
}

fn check_title(title: &str) -> Result<(), WxError> {
    let length = title.chars().count();
    if length == 0 {
        return Err(error(10020020));
    }
    if length < TITLE_MIN {
        return Err(error(10020042));
    }
    if length > TITLE_MAX {
        return Err(error(10020021));
    }
    // Only digits, letters and symbols of the ASCII block make no title.
    if title.is_ascii() {
        return Err(error(10020045));
    }
    Ok(())
}

fn check_pictures(draft: &Map<String, Value>, check_images: bool) -> Result<(), WxError> {
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let heads = list(draft.get("head_imgs"));
    let details = list(draft.get("desc_info").and_then(|d| d.get("imgs")));
    let qualifications = list(draft.get("qualifications"));
    if heads.is_empty() {
        return Err(error(10020022));
    }
    if heads.len() > HEAD_IMGS_MAX {
        return Err(error(10020023));
    }
    if details.len() > DESC_IMGS_MAX {
        return Err(error(10020025));
    }
    if qualifications.len() > 5 {
        return Err(error(10020027));
    }
    if check_images && !heads.iter().chain(&details).all(|url| is_platform_picture(text_of(Some(url)))) {
        return Err(error(10020035));
    }
    Ok(())
}

fn is_platform_picture(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
    rest.starts_with(PICTURE_PREFIX)
}

/// The leaf, if the store may sell there.
fn check_categories(account: &Account, draft: &Map<String, Value>) -> Result<u64, WxError> {
    let listed = |name: &str| draft.get(name).and_then(Value::as_array).filter(|c| !c.is_empty());
    let path = match (listed("cats_v2"), listed("cats")) {
        (Some(path), _) => path,
        (None, Some(path)) if path.len() == 3 => path,
        _ => return Err(error(10020011)),
    };
    let ids: Vec<u64> = path.iter().filter_map(|c| id_of(c.get("cat_id"))).collect();
    if ids.len() != path.len() || !store_category::is_path(&ids) {
        return Err(error(10020017));
    }
    let leaf = ids.last().copied().unwrap_or_default();
    match store_category::rule_of(leaf) {
        Some(_) if !store_qualification::approved(account, leaf) => Err(error(10020018)),
        _ => Ok(leaf),
    }
}

/// A brand has to be one the store may use, and a category with `is_limit_brand` takes no goods without one. The document
/// names no number for either: the refusals are the sandbox's reading.
fn check_brand(account: &Account, category: u64, brand_id: Option<&Value>) -> Result<(), WxError> {
    match id_of(brand_id) {
        None | Some(store_category::NO_BRAND_ID) => {
            match store_category::rule_of(category).is_some_and(|rule| rule.needs_brand) {
                true => Err(invalid_args("brand_id: the category takes no goods without a brand")),
                false => Ok(()),
            }
        }
        Some(id) if store_qualification::accepted(account, id) => Ok(()),
        Some(_) => Err(invalid_args("brand_id: the store may not use this brand")),
    }
}

fn check_attributes(attrs: Option<&Value>, at: &str) -> Result<(), WxError> {
    for (index, attr) in attrs.and_then(Value::as_array).into_iter().flatten().enumerate() {
        let (key, value) = (text_of(attr.get("attr_key")), text_of(attr.get("attr_value")));
        if key.is_empty() || value.is_empty() {
            return Err(invalid_args(&format!("{at}[{index}] needs attr_key and attr_value")));
        }
        if key.chars().count() > 40 {
            return Err(error(10020032));
        }
        if value.chars().count() > 40 {
            return Err(error(10020033));
        }
    }
    Ok(())
}

fn check_delivery(account: &Account, draft: &Map<String, Value>) -> Result<(), WxError> {
    let back = draft.get("after_sale_info").and_then(|info| info.get("after_sale_address_id"));
    if back.is_some() && !id_of(back).is_some_and(|id| account.addresses.contains_key(&id.to_string())) {
        return Err(invalid_args("after_sale_info.after_sale_address_id is unknown"));
    }
    let method = int_of(draft.get("deliver_method")).unwrap_or(0);
    if ![0, 1, 3].contains(&method) {
        return Err(invalid_args("deliver_method: expecting one of 0,1,3"));
    }
    let template = draft.get("express_info").and_then(|e| e.get("template_id"));
    match (method, id_of(template)) {
        (0, Some(id)) if account.freight_templates.contains_key(&id.to_string()) => Ok(()),
        (0, _) => Err(error(10020019)),
        _ => Ok(()),
    }
}

pub fn check_sku(index: usize, sku: &Value, check_images: bool) -> Result<(), WxError> {
    if !sku.is_object() {
        return Err(invalid_args(&format!("skus[{index}]: expecting an object")));
    }
    if text_of(sku.get("out_sku_id")).chars().count() > 128 {
        return Err(error(10020037));
    }
    if text_of(sku.get("sku_code")).chars().count() > 100 {
        return Err(error(10020029));
    }
    check_price(int_of(sku.get("sale_price")).unwrap_or(0), int_of(sku.get("market_price")))?;
    let stock = int_of(sku.get("stock_num")).unwrap_or(0);
    if !(0..=STOCK_MAX).contains(&stock) {
        return Err(invalid_args(&format!(
            "skus[{index}].stock_num: expecting 0..={STOCK_MAX}, actually {stock}"
        )));
    }
    let picture = text_of(sku.get("thumb_img"));
    if check_images && !picture.is_empty() && !is_platform_picture(picture) {
        return Err(error(10020035));
    }
    check_attributes(sku.get("sku_attrs"), "sku_attrs")
}

pub fn check_price(sale: i64, market: Option<i64>) -> Result<(), WxError> {
    if sale <= 0 {
        return Err(error(10020039));
    }
    if sale > PRICE_MAX {
        return Err(error(10020028));
    }
    match market {
        Some(market) if market > 0 && market < sale => Err(error(10020040)),
        _ => Ok(()),
    }
}
