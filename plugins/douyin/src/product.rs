//! A product draft in the platform's words, and the rules that can be checked before sending it.

use crate::call::id_number;
use qianpu_sdk::wire::{id, integer};
use qianpu_sdk::{
    ChannelError, Context, ErrorClass, FieldError, Picture, ProductDraft, PublishedRefs, SkuDraft,
};
use serde_json::{Map, Value, json};

/// The platform's id for "no brand".
const NO_BRAND: &str = "596120136";
/// A product without specifications still needs one; its words are ours.
const ONLY_SPEC: (&str, &str) = ("规格", "默认");
/// Days until a parcel leaves, unless the account's settings say otherwise: ours, and what the platform assumes.
const DELIVERY_DAYS: i64 = 2;

pub(crate) const MAX_PICTURES: usize = 5;
const MAX_ALL_PICTURES: usize = 50;
const MAX_SPECS: usize = 3;
const MAX_COMBINATIONS: usize = 600;
const MAX_TITLE: usize = 60;
const MAX_PRICE_FEN: i64 = 999_999_999;

/// The platform counts a Chinese letter as two.
fn width(text: &str) -> usize {
    text.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum()
}

/// Checks what the documents say, so that the merchant sees it beside the field and no call is spent.
pub(crate) fn check(draft: &ProductDraft) -> Result<(), ChannelError> {
    let mut fields = Vec::new();
    let mut bad = |path: String, code: &str, message: &str| {
        fields.push(FieldError { path, code: code.to_owned(), message: message.to_owned() });
    };
    let title = width(draft.title.trim());
    if title == 0 || title > MAX_TITLE {
        bad("title".into(), "length", "抖店商品标题需要 1–30 个汉字（60 个字符）");
    }
    if draft.out_product_id.is_empty() || draft.out_product_id.chars().count() > 255 {
        bad("out_product_id".into(), "length", "商家商品编号为空或过长");
    }
    if draft.pictures.is_empty() {
        bad("pictures".into(), "count", "抖店商品需要至少 1 张主图");
    }
    if draft.description_pictures.len() + MAX_PICTURES > MAX_ALL_PICTURES {
        bad("description_pictures".into(), "count", "详情图片最多 45 张");
    }
    if draft.category_path.last().is_none_or(|leaf| leaf.parse::<u64>().is_err()) {
        bad("category_path".into(), "required", "请选择抖店类目（末级类目 ID）");
    }
    let specs = specs(draft);
    if specs.len() > MAX_SPECS {
        bad("skus".into(), "specs", "抖店商品最多 3 级规格");
    }
    let combinations: usize = specs.iter().map(|(_, values)| values.len()).product();
    if draft.skus.is_empty() || combinations > MAX_COMBINATIONS {
        bad("skus".into(), "count", "规格组合需要在 1–600 之间");
    }
    for (index, sku) in draft.skus.iter().enumerate() {
        let at = |field: &str| format!("skus[{index}].{field}");
        if !(1..=MAX_PRICE_FEN).contains(&sku.price.get()) {
            bad(at("price"), "range", "价格需要在 0.01–9,999,999.99 元之间");
        }
        if sku.stock < 0 {
            bad(at("stock"), "negative", "库存不能为负数");
        }
        // The characters between specifications and values.
        let odd = |text: &str| text.trim().is_empty() || text.contains(['|', '^', ',']);
        if sku.specs.iter().any(|spec| odd(&spec.name) || odd(&spec.value)) {
            bad(at("specs"), "letters", "规格名和规格值不能为空，不能包含 | ^ 和英文逗号");
        }
        if sku.specs.len() != draft.skus.first().map_or(0, |first| first.specs.len()) {
            bad(at("specs"), "uneven", "每个 SKU 的规格级数要一致");
        }
    }
    if fields.is_empty() {
        Ok(())
    } else {
        let detail = "the product does not meet the rules of the shop";
        Err(ChannelError::new(ErrorClass::FixRequest { fields }, detail))
    }
}

/// Every picture of a draft that still has to be uploaded, each once.
pub(crate) fn missing_pictures(draft: &ProductDraft, refs: &PublishedRefs) -> Vec<Picture> {
    let shown = draft.pictures.iter().take(MAX_PICTURES).chain(&draft.description_pictures);
    let mut missing: Vec<Picture> =
        shown.filter(|picture| !refs.pictures.contains_key(&picture.url)).cloned().collect();
    missing.sort_unstable();
    missing.dedup_by(|a, b| a.url == b.url);
    missing
}

/// Specification names with their values, in the order they first appear.
fn specs(draft: &ProductDraft) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for spec in draft.skus.iter().flat_map(|sku| &sku.specs) {
        let (name, value) = (spec.name.trim().to_owned(), spec.value.trim().to_owned());
        match found.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) if values.contains(&value) => {}
            Some((_, values)) => values.push(value),
            None => found.push((name, vec![value])),
        }
    }
    if found.is_empty() {
        found.push((ONLY_SPEC.0.to_owned(), vec![ONLY_SPEC.1.to_owned()]));
    }
    found
}

fn combinations(specs: &[(String, Vec<String>)]) -> Vec<Vec<String>> {
    specs.iter().fold(vec![Vec::new()], |made, (_, values)| {
        let longer = |start: &Vec<String>| {
            values
                .iter()
                .map(|value| start.iter().cloned().chain([value.clone()]).collect())
                .collect::<Vec<_>>()
        };
        made.iter().flat_map(longer).collect()
    })
}

fn sku_of<'a>(
    draft: &'a ProductDraft,
    specs: &[(String, Vec<String>)],
    values: &[String],
) -> Option<&'a SkuDraft> {
    draft.skus.iter().find(|sku| {
        sku.specs.is_empty()
            || specs.iter().zip(values).all(|((name, _), value)| {
                sku.specs.iter().any(|spec| spec.name.trim() == name && spec.value.trim() == value)
            })
    })
}

/// The platform wants a price for every combination; one that we do not sell has no stock.
fn prices(draft: &ProductDraft, specs: &[(String, Vec<String>)]) -> Value {
    let top = draft.skus.iter().map(|sku| sku.price.get()).max().unwrap_or(1);
    let rows = combinations(specs).into_iter().map(|values| {
        let mut row = Map::new();
        for level in 0..MAX_SPECS {
            let name = format!("spec_detail_name{}", level + 1);
            row.insert(name, json!(values.get(level).map_or("", String::as_str)));
        }
        let sku = sku_of(draft, specs, &values);
        row.insert("stock_num".to_owned(), json!(sku.map_or(0, |sku| sku.stock)));
        row.insert("price".to_owned(), json!(sku.map_or(top, |sku| sku.price.get())));
        row.insert("outer_sku_id".to_owned(), json!(sku.map_or("", |sku| &sku.out_sku_id)));
        row.insert("code".to_owned(), json!(sku.and_then(|sku| sku.code.as_deref()).unwrap_or_default()));
        Value::Object(row)
    });
    Value::Array(rows.collect())
}

/// The parameters of `/product/addV2`, or of `/product/editV2` when the product has an id.
pub(crate) fn params(cx: &Context<'_>, draft: &ProductDraft, refs: &PublishedRefs) -> Value {
    let picture = |picture: &Picture| refs.pictures.get(&picture.url).unwrap_or(&picture.url).clone();
    let main: Vec<String> = draft.pictures.iter().take(MAX_PICTURES).map(picture).collect();
    // The description is pictures only; without any the main pictures stand there.
    let detail: Vec<String> = draft.description_pictures.iter().map(picture).collect();
    let specs = specs(draft);
    let spec_words: Vec<String> =
        specs.iter().map(|(name, values)| format!("{name}|{}", values.join(","))).collect();
    let freight = draft.freight_template_id.clone().or_else(|| id(&cx.settings["freight_template_id"]));
    let mut params = json!({
        "outer_product_id": draft.out_product_id,
        "product_type": 0,
        "category_leaf_id": id_number(draft.category_path.last().map_or("", String::as_str)),
        "name": draft.title.trim(),
        "pic": main.join("|"),
        "description": if detail.is_empty() { main.join("|") } else { detail.join("|") },
        "pay_type": 1,
        "reduce_type": 1,
        // 0 = the seller pays the freight.
        "freight_id": freight.map_or_else(|| json!(0), |freight| id_number(&freight)),
        "delivery_delay_day": integer(&cx.settings["delivery_delay_day"]).unwrap_or(DELIVERY_DAYS),
        "presell_type": 0,
        "standard_brand_id": id_number(draft.brand_id.as_deref().unwrap_or(NO_BRAND)),
        "start_sale_type": 0,
        "specs": spec_words.join("^"),
        "spec_prices": prices(draft, &specs).to_string(),
        "commit": true,
    });
    if let Some(members) = params.as_object_mut() {
        if let Some(product_id) = &refs.product_id {
            members.insert("product_id".to_owned(), id_number(product_id));
        }
        if let Some(grams) = draft.weight_grams {
            members.insert("weight".to_owned(), json!(grams));
            members.insert("weight_unit".to_owned(), json!(1));
        }
        if let Some(mobile) = id(&cx.settings["mobile"]) {
            members.insert("mobile".to_owned(), json!(mobile));
        }
        let format: Map<String, Value> = draft
            .attributes
            .iter()
            .filter(|(property, _)| property.parse::<u64>().is_ok())
            .map(|(property, value)| {
                (property.clone(), json!([{ "value": 0, "name": value, "diy_type": 1 }]))
            })
            .collect();
        if !format.is_empty() {
            members.insert("product_format_new".to_owned(), json!(Value::Object(format).to_string()));
        }
    }
    params
}
