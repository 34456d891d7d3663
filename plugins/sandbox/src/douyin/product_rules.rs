//! What the platform checks of a product before it takes it.

use super::calls::{DyError, invalid};
use super::{Sku, Version};
use crate::state::{id_of, int_of, text_of};
use serde_json::{Map, Value};

const MAX_TITLE: usize = 60;
const MAX_SKUS: usize = 600;

/// Category id, name, parent, whether it is a leaf: a small tree of our own.
pub const CATEGORIES: &[(u64, &str, u64, bool)] = &[
    (20_000, "食品饮料", 0, false),
    (20_001, "茶", 20_000, false),
    (20_002, "绿茶", 20_001, true),
    (20_003, "乌龙茶", 20_001, true),
    (21_000, "家居日用", 0, false),
    (21_001, "餐具茶具", 21_000, false),
    (21_002, "茶杯", 21_001, true),
    (21_003, "茶具套装", 21_001, true),
];

fn width(text: &str) -> usize {
    text.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum()
}

/// Reads and checks the parameters of add and edit. SKU ids are not given yet.
pub fn version(params: &Value) -> Result<Version, DyError> {
    let text = |name: &str| text_of(params.get(name));
    let title = width(text("name"));
    if title == 0 || title > MAX_TITLE {
        return Err(invalid("商品标题不能为空，且最多30个汉字"));
    }
    let leaf = id_of(params.get("category_leaf_id"));
    if !CATEGORIES.iter().any(|(id, .., is_leaf)| *is_leaf && Some(*id) == leaf) {
        return Err(invalid("类目不存在或不是末级类目"));
    }
    let pictures: Vec<&str> = text("pic").split('|').filter(|url| !url.is_empty()).collect();
    if pictures.is_empty() || pictures.len() > 5 {
        return Err(invalid("商品轮播图需要1到5张"));
    }
    let detail = text("description").split('|').filter(|url| !url.is_empty()).count();
    if detail == 0 || detail + pictures.len() > 50 {
        return Err(invalid("商品详情图片不能为空，图片总数不超过50张"));
    }
    if !matches!(int_of(params.get("reduce_type")), Some(1 | 2)) {
        return Err(invalid("reduce_type取值不正确"));
    }
    if int_of(params.get("freight_id")).is_none() {
        return Err(invalid("运费模板不能为空"));
    }
    let specs = specs(text("specs"))?;
    let skus = skus(text("spec_prices"), &specs)?;
    let mut fields = Map::new();
    for (name, value) in params.as_object().into_iter().flatten() {
        if !["specs", "spec_prices", "commit", "product_id"].contains(&name.as_str()) {
            fields.insert(name.clone(), value.clone());
        }
    }
    Ok(Version { fields, specs, skus })
}

/// `颜色|黑色,白色^尺码|S,M`
fn specs(text: &str) -> Result<Vec<(String, Vec<String>)>, DyError> {
    let mut found = Vec::new();
    for part in text.split('^') {
        let (name, values) = part.split_once('|').ok_or_else(|| invalid("规格格式不正确"))?;
        let values: Vec<String> =
            values.split(',').filter(|value| !value.is_empty()).map(str::to_owned).collect();
        if name.is_empty() || values.is_empty() {
            return Err(invalid("规格名和规格值不能为空"));
        }
        found.push((name.to_owned(), values));
    }
    if found.len() > 3 { Err(invalid("最多支持3级规格")) } else { Ok(found) }
}

fn skus(text: &str, specs: &[(String, Vec<String>)]) -> Result<Vec<Sku>, DyError> {
    let rows: Vec<Value> = serde_json::from_str(text).map_err(|_| invalid("spec_prices不是合法的json"))?;
    let combinations: usize = specs.iter().map(|(_, values)| values.len()).product();
    if rows.len() != combinations || rows.len() > MAX_SKUS {
        return Err(invalid("sku数量和规格组合数必须一致"));
    }
    let mut found: Vec<Sku> = Vec::new();
    for row in &rows {
        let values: Vec<String> = (1..=specs.len())
            .map(|level| text_of(row.get(format!("spec_detail_name{level}"))).to_owned())
            .collect();
        if !specs.iter().zip(&values).all(|((_, known), value)| known.contains(value)) {
            return Err(invalid("sku的规格值不在规格中"));
        }
        if found.iter().any(|sku| sku.specs == values) {
            return Err(invalid("sku的规格组合重复"));
        }
        let price = int_of(row.get("price")).filter(|price| *price > 0);
        let stock = int_of(row.get("stock_num")).filter(|stock| *stock >= 0);
        found.push(Sku {
            sku_id: 0,
            outer_sku_id: text_of(row.get("outer_sku_id")).to_owned(),
            code: text_of(row.get("code")).to_owned(),
            specs: values,
            price: price.ok_or_else(|| invalid("sku价格需要大于0"))?,
            stock: stock.ok_or_else(|| invalid("sku库存不能为负数"))?,
        });
    }
    Ok(found)
}
