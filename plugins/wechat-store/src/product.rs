//! A product draft in the platform's words, and the rules that can be checked before sending it.

use qianpu_sdk::{ChannelError, ErrorClass, FieldError, Picture, ProductDraft, PublishedRefs, SkuDraft};
use serde_json::{Value, json};

/// The platform's id for "no brand".
const NO_BRAND: &str = "2100000000";
/// Pictures already at the platform start so.
const PLATFORM_PICTURE: &str = "mmecimage.cn/p/";

const MAX_PICTURES: usize = 9;
const MAX_DESCRIPTION_PICTURES: usize = 50;
const MAX_SKUS: usize = 500;
const MAX_PRICE_FEN: i64 = 1_000_000_000;
const MAX_STOCK: i64 = 10_000_000;

/// Checks what the documents say, so that the merchant sees it beside the field and no call is spent.
pub(crate) fn check(draft: &ProductDraft) -> Result<(), ChannelError> {
    let mut fields = Vec::new();
    let mut bad = |path: String, code: &str, message: &str| {
        fields.push(FieldError { path, code: code.to_owned(), message: message.to_owned() });
    };
    let title = draft.title.trim().chars().count();
    if !(3..=60).contains(&title) {
        bad("title".into(), "length", "微信小店商品标题需要 3–60 个字");
    } else if draft.title.is_ascii() {
        bad("title".into(), "words", "微信小店商品标题不能只有数字、字母和符号");
    }
    if draft.out_product_id.is_empty() || draft.out_product_id.chars().count() > 128 {
        bad("out_product_id".into(), "length", "商家商品编号为空或过长");
    }
    if !(1..=MAX_PICTURES).contains(&draft.pictures.len()) {
        bad("pictures".into(), "count", "微信小店商品需要 1–9 张主图");
    }
    if draft.description_pictures.len() > MAX_DESCRIPTION_PICTURES {
        bad("description_pictures".into(), "count", "详情图片最多 50 张");
    }
    if draft.category_path.is_empty() {
        bad("category_path".into(), "required", "请选择微信小店类目");
    }
    if !(1..=MAX_SKUS).contains(&draft.skus.len()) {
        bad("skus".into(), "count", "规格数量需要在 1–500 之间");
    }
    for (index, sku) in draft.skus.iter().enumerate() {
        let at = |field: &str| format!("skus[{index}].{field}");
        let price = sku.price.get();
        if !(1..=MAX_PRICE_FEN).contains(&price) {
            bad(at("price"), "range", "价格需要在 0.01–10,000,000 元之间");
        }
        if sku.market_price.is_some_and(|market| market.get() < price) {
            bad(at("market_price"), "below_price", "市场价不能低于售价");
        }
        if !(0..=MAX_STOCK).contains(&sku.stock) {
            bad(at("stock"), "range", "库存需要在 0–10,000,000 之间");
        }
        let too_long = |text: &str| text.is_empty() || text.chars().count() > 40;
        if sku.specs.iter().any(|spec| too_long(&spec.name) || too_long(&spec.value)) {
            bad(at("specs"), "length", "规格名和规格值需要 1–40 个字");
        }
    }
    if fields.is_empty() {
        Ok(())
    } else {
        Err(ChannelError::new(
            ErrorClass::FixRequest { fields },
            "the product does not meet the rules of the shop",
        ))
    }
}

/// Every picture of a draft that still has to be uploaded, each once.
pub(crate) fn missing_pictures(draft: &ProductDraft, refs: &PublishedRefs) -> Vec<Picture> {
    let skus = draft.skus.iter().filter_map(|sku| sku.picture.as_ref());
    let mut missing: Vec<Picture> = draft
        .pictures
        .iter()
        .chain(&draft.description_pictures)
        .chain(skus)
        .filter(|picture| !at_platform(&picture.url) && !refs.pictures.contains_key(&picture.url))
        .cloned()
        .collect();
    missing.sort_unstable();
    missing.dedup_by(|a, b| a.url == b.url);
    missing
}

fn at_platform(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
    rest.starts_with(PLATFORM_PICTURE)
}

/// The body of `product/add`, or of `product/update` when the product has an id.
pub(crate) fn body(
    draft: &ProductDraft,
    refs: &PublishedRefs,
    freight_template_id: &str,
    return_address_id: Option<&str>,
) -> Value {
    let picture = |picture: &Picture| refs.pictures.get(&picture.url).unwrap_or(&picture.url).clone();
    let categories: Vec<Value> = draft.category_path.iter().map(|id| json!({ "cat_id": id })).collect();
    let mut body = json!({
        "out_product_id": draft.out_product_id,
        "title": draft.title.trim(),
        "head_imgs": draft.pictures.iter().map(picture).collect::<Vec<_>>(),
        "deliver_method": 0,
        "desc_info": {
            "desc": draft.description,
            "imgs": draft.description_pictures.iter().map(picture).collect::<Vec<_>>(),
        },
        "cats_v2": categories,
        "attrs": draft.attributes.iter()
            .map(|(key, value)| json!({ "attr_key": key, "attr_value": value })).collect::<Vec<_>>(),
        "brand_id": draft.brand_id.as_deref().unwrap_or(NO_BRAND),
        "express_info": { "template_id": freight_template_id, "weight": draft.weight_grams.unwrap_or(0) },
        "skus": draft.skus.iter().map(|sku| sku_body(sku, refs)).collect::<Vec<_>>(),
        // Listing is asked for by its own call: then its refusal is not mixed up with that of the draft.
        "listing": 0,
    });
    if draft.category_path.len() == 3 {
        body["cats"] = body["cats_v2"].clone();
    }
    if let Some(address) = return_address_id {
        body["after_sale_info"] = json!({ "after_sale_address_id": address });
    }
    if let Some(short) = &draft.short_title {
        body["short_title"] = json!(short);
    }
    if let Some(product_id) = &refs.product_id {
        body["product_id"] = json!(product_id);
    }
    body
}

fn sku_body(sku: &SkuDraft, refs: &PublishedRefs) -> Value {
    let mut body = json!({
        "out_sku_id": sku.out_sku_id,
        "sale_price": sku.price.get(),
        "stock_num": sku.stock,
        "sku_attrs": sku.specs.iter()
            .map(|spec| json!({ "attr_key": spec.name, "attr_value": spec.value })).collect::<Vec<_>>(),
        "sku_deliver_info": { "stock_type": 0 },
    });
    if let Some(sku_id) = refs.skus.get(&sku.out_sku_id) {
        body["sku_id"] = json!(sku_id);
    }
    if let Some(market) = sku.market_price {
        body["market_price"] = json!(market.get());
    }
    if let Some(code) = &sku.code {
        body["sku_code"] = json!(code);
    }
    if let Some(barcode) = &sku.barcode {
        body["bar_code"] = json!(barcode);
    }
    if let Some(picture) = &sku.picture {
        body["thumb_img"] = json!(refs.pictures.get(&picture.url).unwrap_or(&picture.url));
    }
    body
}
