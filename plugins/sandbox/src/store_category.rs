//! Categories of a store: a small three-level tree. In most of it every store may sell; for some leaves it has to apply
//! (`store_qualification`).

use crate::calls::{Auth, Call, Route, either, get, post};
use crate::errors::{Answer, error_with, ok_with};
use crate::state::id_of;
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    either("/channels/ec/category/all", Auth::Account, all),
    post("/channels/ec/category/detail", Auth::Account, detail),
    post("/channels/ec/category/availablesoncategories/get", Auth::Account, children),
    post("/channels/ec/category/getcategoryrule", Auth::Account, rule),
    get("/channels/ec/category/league/all", Auth::Account, all),
];

pub const NO_BRAND: &str = "2100000000";
pub const NO_BRAND_ID: u64 = 2_100_000_000;

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
    category(2030, 2000, "酒类"),
    category(2031, 2030, "白酒"),
    category(2032, 2030, "黄酒"),
    category(5020, 5000, "香水彩妆"),
    category(5021, 5020, "口红"),
    category(7000, 0, "珠宝文玩"),
    category(7010, 7000, "文玩收藏"),
    category(7011, 7010, "紫砂壶"),
    category(7012, 7010, "字画"),
];

/// What a category asks of a store.
pub struct Rule {
    pub id: u64,
    pub name: &'static str,
    pub tips: &'static str,
    /// Whether an application needs a certificate.
    pub mandatory: bool,
    pub invited_only: bool,
    pub needs_brand: bool,
    /// What goods need beside.
    pub of_goods: &'static [(&'static str, bool)],
    pub deposit: i64,
}

const RULES: &[Rule] = &[
    Rule {
        id: 2031,
        name: "酒类经营许可",
        tips: "请提供食品经营许可证（含酒类）与酒类流通备案登记表",
        mandatory: true,
        invited_only: false,
        needs_brand: false,
        of_goods: &[("质检报告", true)],
        deposit: 2_000_000,
    },
    Rule {
        id: 2032,
        name: "酒类经营许可",
        tips: "请提供食品经营许可证（含酒类）",
        mandatory: true,
        invited_only: false,
        needs_brand: false,
        of_goods: &[],
        deposit: 2_000_000,
    },
    Rule {
        id: 5021,
        name: "化妆品经营资质",
        tips: "进口化妆品请提供备案凭证",
        mandatory: false,
        invited_only: false,
        needs_brand: true,
        of_goods: &[("化妆品备案凭证", true)],
        deposit: 1_000_000,
    },
    Rule {
        id: 7011,
        name: "工艺品经营资质",
        tips: "请提供产地证明，涉及名人或大师作品的另附授权证明",
        mandatory: true,
        invited_only: false,
        needs_brand: false,
        of_goods: &[("作品授权证明/大师资质证明", false), ("鉴定证书", false)],
        deposit: 500_000,
    },
    Rule {
        id: 7012,
        name: "艺术品经营资质",
        tips: "定向准入类目，仅限受邀店铺",
        mandatory: true,
        invited_only: true,
        needs_brand: false,
        of_goods: &[],
        deposit: 5_000_000,
    },
];

/// What a leaf asks for; none = every store may sell there.
pub fn rule_of(id: u64) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

pub fn name_of(id: u64) -> &'static str {
    TREE.iter().find(|c| c.id == id).map_or("", |c| c.name)
}

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
    let qua = |id: u64| match rule_of(id) {
        Some(rule) => json!({"qua_id": id.to_string(), "need_to_apply": true, "tips": rule.tips,
            "mandatory": rule.mandatory, "name": rule.name}),
        None => json!({"qua_id": "0", "need_to_apply": false, "tips": "", "mandatory": false, "name": ""}),
    };
    let paths: Vec<Value> = TREE
        .iter()
        .filter(|c| is_leaf(c.id))
        .map(|leaf| {
            let steps = path_to(leaf).into_iter();
            let steps: Vec<Value> = steps
                .map(|c| json!({"cat": view(c), "qua": qua(c.id), "product_qua_list": of_goods(c.id)}))
                .collect();
            json!({"cat_and_qua": steps})
        })
        .collect();
    Ok(ok_with(json!({"cats": paths, "cats_v2": paths})))
}

fn of_goods(id: u64) -> Vec<Value> {
    let rows = rule_of(id).map_or(&[][..], |rule| rule.of_goods);
    let row = |(index, (name, mandatory)): (usize, &(&str, bool))| {
        json!({"qua_id": format!("{id}{index}"), "need_to_apply": true, "tips": name, "mandatory": mandatory,
            "name": name})
    };
    rows.iter().enumerate().map(row).collect()
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
    let asked = rule_of(id);
    Ok(ok_with(json!({
        "info": {"cat_id": id.to_string(), "name": found.name},
        "attr": {
            "shop_no_shipment": false,
            "access_permit_required": asked.is_some_and(|rule| rule.invited_only),
            "pre_sale": true,
            "seven_day_return": true,
            "brand_list": [{"brand_id": NO_BRAND, "name": "无品牌"}],
            "deposit": asked.map_or(1_000_000, |rule| rule.deposit),
            "product_attr_list": [attribute("产地", "string", "", false), attribute("材质", "string", "", false)],
            "sale_attr_list": [attribute("颜色", "select_one", "黑色;白色;红色;蓝色", false),
                attribute("规格", "string", "", false)],
            "transactionfee_info": {"basis_point": 500, "original_basis_point": 500, "incentive_type": 0},
            "coupon_rule": {"discount_ratio_limit": 50, "discount_limit": 100_000},
            "floor_price": 1,
            "confirm_receipt_days": ["10"],
            "is_limit_brand": asked.is_some_and(|rule| rule.needs_brand),
            "product_requirement": {"product_title_requirement": "", "product_img_requirement": "",
                "product_desc_requirement": ""},
            "size_chart": {"is_support": false, "item_list": []},
        },
        "product_qua_list": of_goods(id),
    })))
}

fn rule(call: &mut Call<'_>) -> Answer {
    let id = call.id("category_id")?;
    if !TREE.iter().any(|c| c.id == id) {
        return Err(error_with(10020017, "类目非法"));
    }
    Ok(ok_with(json!({"deposit": rule_of(id).map_or(1_000_000, |rule| rule.deposit)})))
}
