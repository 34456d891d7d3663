//! Categories and brands of a store: a small three-level tree that every store may sell in.

use crate::calls::{Auth, Call, Route, either, get, post};
use crate::errors::{Answer, error_with, ok_with};
use crate::state::id_of;
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    either("/channels/ec/category/all", Auth::Account, all),
    post("/channels/ec/category/detail", Auth::Account, detail),
    post("/channels/ec/category/availablesoncategories/get", Auth::Account, children),
    either("/channels/ec/category/list/get", Auth::Account, approved),
    post("/channels/ec/category/getcategoryrule", Auth::Account, rule),
    post("/channels/ec/brand/valid/list/get", Auth::Account, brands),
    post("/channels/ec/brand/list/get", Auth::Account, brand_applications),
    post("/channels/ec/brand/all", Auth::Account, brands),
    get("/channels/ec/category/league/all", Auth::Account, all),
];

pub const NO_BRAND: &str = "2100000000";

struct Category {
    id: u64,
    parent: u64,
    name: &'static str,
}

const fn category(id: u64, parent: u64, name: &'static str) -> Category {
    Category { id, parent, name }
}

/// Parents stand before their children. Names are common words; the ids are the sandbox's own.
const TREE: &[Category] = &[
    category(1000, 0, "服饰内衣"),
    category(1010, 1000, "女装"),
    category(1011, 1010, "连衣裙"),
    category(1012, 1010, "T恤"),
    category(1020, 1000, "男装"),
    category(1021, 1020, "衬衫"),
    category(1022, 1020, "夹克"),
    category(2000, 0, "食品饮料"),
    category(2010, 2000, "茶"),
    category(2011, 2010, "绿茶"),
    category(2012, 2010, "红茶"),
    category(2020, 2000, "休闲食品"),
    category(2021, 2020, "坚果"),
    category(2022, 2020, "糕点"),
    category(3000, 0, "家居日用"),
    category(3010, 3000, "餐具"),
    category(3011, 3010, "杯子"),
    category(3012, 3010, "碗盘"),
    category(3020, 3000, "家纺"),
    category(3021, 3020, "毛巾"),
    category(4000, 0, "数码家电"),
    category(4010, 4000, "手机配件"),
    category(4011, 4010, "手机壳"),
    category(4012, 4010, "充电器"),
    category(5000, 0, "美妆护肤"),
    category(5010, 5000, "面部护理"),
    category(5011, 5010, "面霜"),
    category(6000, 0, "图书文具"),
    category(6010, 6000, "文具"),
    category(6011, 6010, "笔记本"),
    category(6012, 6010, "钢笔"),
    category(6020, 6000, "图书"),
    category(6021, 6020, "文学"),
];

/// Root, branch, leaf, each the child of the one before.
pub fn is_path(ids: &[u64]) -> bool {
    let mut parent = 0;
    for id in ids {
        if !TREE.iter().any(|c| c.id == *id && c.parent == parent) {
            return false;
        }
        parent = *id;
    }
    is_leaf(parent)
}

fn is_leaf(id: u64) -> bool {
    TREE.iter().any(|c| c.id == id) && !TREE.iter().any(|c| c.parent == id)
}

fn level(category: &Category) -> u32 {
    match TREE.iter().find(|c| c.id == category.parent) {
        Some(parent) => level(parent) + 1,
        None => 1,
    }
}

fn view(category: &Category) -> Value {
    json!({
        "cat_id": category.id.to_string(),
        "f_cat_id": category.parent.to_string(),
        "name": category.name,
        "level": level(category),
        "leaf": is_leaf(category.id),
    })
}

fn path_to(leaf: &'static Category) -> Vec<&'static Category> {
    let mut path = match TREE.iter().find(|c| c.id == leaf.parent) {
        Some(parent) => path_to(parent),
        None => Vec::new(),
    };
    path.push(leaf);
    path
}

fn all(_call: &mut Call<'_>) -> Answer {
    let none = json!({"qua_id": "0", "need_to_apply": false, "tips": "", "mandatory": false, "name": ""});
    let paths: Vec<Value> = TREE
        .iter()
        .filter(|c| is_leaf(c.id))
        .map(|leaf| {
            let steps = path_to(leaf).into_iter();
            let steps: Vec<Value> =
                steps.map(|c| json!({"cat": view(c), "qua": none, "product_qua_list": []})).collect();
            json!({"cat_and_qua": steps})
        })
        .collect();
    Ok(ok_with(json!({"cats": paths, "cats_v2": paths})))
}

fn children(call: &mut Call<'_>) -> Answer {
    let parent = id_of(call.body.get("f_cat_id")).unwrap_or(0);
    let list: Vec<Value> = TREE.iter().filter(|c| c.parent == parent).map(view).collect();
    Ok(ok_with(json!({"cat_list": list, "cat_list_v2": list})))
}

fn detail(call: &mut Call<'_>) -> Answer {
    let id = call.id("cat_id")?;
    let found = TREE.iter().find(|c| c.id == id).ok_or_else(|| error_with(10020017, "类目非法"))?;
    let attribute = |name: &str, kind: &str, value: &str, required: bool| {
        json!({"name": name, "type": kind, "type_v2": kind, "value": value, "is_required": required,
            "hint": "", "append_allowed": true})
    };
    Ok(ok_with(json!({
        "info": {"cat_id": id.to_string(), "name": found.name},
        "attr": {
            "shop_no_shipment": false,
            "access_permit_required": false,
            "pre_sale": true,
            "seven_day_return": true,
            "brand_list": [{"brand_id": NO_BRAND, "name": "无品牌"}],
            "deposit": 1_000_000,
            "product_attr_list": [attribute("产地", "string", "", false), attribute("材质", "string", "", false)],
            "sale_attr_list": [attribute("颜色", "select_one", "黑色;白色;红色;蓝色", false),
                attribute("规格", "string", "", false)],
            "transactionfee_info": {"basis_point": 500, "original_basis_point": 500, "incentive_type": 0},
            "coupon_rule": {"discount_ratio_limit": 50, "discount_limit": 100_000},
            "floor_price": 1,
            "confirm_receipt_days": ["10"],
            "is_limit_brand": false,
            "product_requirement": {"product_title_requirement": "", "product_img_requirement": "",
                "product_desc_requirement": ""},
            "size_chart": {"is_support": false, "item_list": []},
        },
        "product_qua_list": [],
    })))
}

fn approved(_call: &mut Call<'_>) -> Answer {
    let leaves = TREE.iter().filter(|c| is_leaf(c.id));
    let list: Vec<Value> = leaves.map(|c| json!({"cat_id": c.id.to_string(), "qua_id": "0"})).collect();
    Ok(ok_with(json!({"list": list})))
}

fn rule(call: &mut Call<'_>) -> Answer {
    let id = call.id("category_id")?;
    if !TREE.iter().any(|c| c.id == id) {
        return Err(error_with(10020017, "类目非法"));
    }
    Ok(ok_with(json!({"deposit": 1_000_000})))
}

fn brands(_call: &mut Call<'_>) -> Answer {
    Ok(ok_with(json!({
        "brands": [{"brand_id": NO_BRAND, "ch_name": "无品牌", "en_name": "No brand"}],
        "total_num": 1,
        "next_key": "",
        "continue_flag": false,
    })))
}

fn brand_applications(_call: &mut Call<'_>) -> Answer {
    Ok(ok_with(json!({"brands": [], "total_num": 0})))
}
