//! The tree a new provider begins with. Data, not rules: a provider changes it as it likes. Deposits are
//! in the range that platforms of this kind ask for; the values are ours.

use qianpu_domain::category::Admission::{self, Closed, Invited, Open, Targeted};

/// A node; its parent is its code without the last part.
pub(super) struct Node {
    pub code: &'static str,
    pub zh: &'static str,
    pub en: &'static str,
    pub admission: Admission,
    pub deposit_yuan: i64,
}

const fn node(
    code: &'static str,
    zh: &'static str,
    en: &'static str,
    admission: Admission,
    deposit_yuan: i64,
) -> Node {
    Node { code, zh, en, admission, deposit_yuan }
}

pub(super) const FIRST_TREE: &[Node] = &[
    node("10", "服饰鞋包", "Clothing and bags", Open, 2_000),
    node("10.01", "女装", "Women's wear", Open, 2_000),
    node("10.01.01", "连衣裙", "Dresses", Open, 2_000),
    node("10.01.02", "T恤", "T-shirts", Open, 2_000),
    node("10.01.03", "外套", "Coats", Open, 2_000),
    node("10.02", "男装", "Men's wear", Open, 2_000),
    node("10.02.01", "衬衫", "Shirts", Open, 2_000),
    node("10.02.02", "裤装", "Trousers", Open, 2_000),
    node("10.03", "箱包", "Bags", Open, 3_000),
    node("10.03.01", "双肩包", "Backpacks", Open, 3_000),
    node("20", "食品饮料", "Food and drink", Open, 5_000),
    node("20.01", "茶叶", "Tea", Open, 5_000),
    node("20.01.01", "乌龙茶", "Oolong", Open, 5_000),
    node("20.01.02", "绿茶", "Green tea", Open, 5_000),
    node("20.01.03", "红茶", "Black tea", Open, 5_000),
    node("20.02", "零食", "Snacks", Open, 5_000),
    node("20.02.01", "坚果", "Nuts", Open, 5_000),
    node("20.02.02", "糕点", "Pastry", Open, 5_000),
    node("20.03", "生鲜", "Fresh food", Targeted, 10_000),
    node("20.03.01", "水果", "Fruit", Targeted, 10_000),
    node("30", "家居日用", "Home and living", Open, 1_000),
    node("30.01", "餐厨", "Kitchen and dining", Open, 1_000),
    node("30.01.01", "茶具", "Tea ware", Open, 1_000),
    node("30.01.02", "餐具", "Tableware", Open, 1_000),
    node("30.02", "收纳", "Storage", Open, 1_000),
    node("30.02.01", "收纳盒", "Boxes", Open, 1_000),
    node("40", "美妆个护", "Beauty and care", Open, 5_000),
    node("40.01", "护肤", "Skin care", Open, 5_000),
    node("40.01.01", "面膜", "Masks", Open, 5_000),
    node("40.02", "彩妆", "Make-up", Targeted, 10_000),
    node("40.02.01", "口红", "Lipstick", Targeted, 10_000),
    node("50", "数码家电", "Electronics", Open, 10_000),
    node("50.01", "手机配件", "Phone accessories", Open, 5_000),
    node("50.01.01", "手机壳", "Phone cases", Open, 5_000),
    node("50.02", "手机", "Phones", Invited, 50_000),
    node("50.02.01", "智能手机", "Smartphones", Invited, 50_000),
    node("60", "图书文创", "Books and stationery", Open, 1_000),
    node("60.01", "文具", "Stationery", Open, 1_000),
    node("60.01.01", "笔记本", "Notebooks", Open, 1_000),
    node("60.02", "图书", "Books", Targeted, 5_000),
    node("60.02.01", "少儿读物", "Children's books", Targeted, 5_000),
    node("90", "医疗健康", "Medical", Closed, 50_000),
    node("90.01", "药品", "Medicines", Closed, 50_000),
];
