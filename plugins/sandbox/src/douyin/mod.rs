//! The other side of the wire for a Douyin shop 抖店: written from the platform's documents and the field lists of its
//! public client libraries. What those do not say is decided here and listed in `docs/sandbox.md`.
//!
//! `calls` checks signature and token and takes a call to its handler; `token`, `product`, `order` are the families; `people` is what buyers and auditors do; `push` composes; `control` and `pages` are the player's side.

pub mod aftersale;
pub mod calls;
pub mod control;
pub mod order;
pub mod order_view;
pub mod pages;
pub mod people;
pub mod product;
pub mod product_rules;
pub mod push;
pub mod sign;
pub mod token;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Everything the sandbox remembers of this platform.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub struct Douyin {
    pub apps: BTreeMap<String, App>,
    pub shops: BTreeMap<u64, Shop>,
    pub tokens: BTreeMap<String, Token>,
    /// Refresh token → the access token it came with.
    pub refreshes: BTreeMap<String, Refresh>,
    pub codes: BTreeMap<String, Code>,
    pub products: BTreeMap<u64, Product>,
    pub orders: BTreeMap<u64, Order>,
    pub cases: BTreeMap<u64, aftersale::Case>,
    /// Parcels by shop and `request_id`.
    pub packs: BTreeMap<String, String>,
    pub token_life_seconds: u64,
    /// How far a call's time may be from ours; the documents give no number.
    pub max_age_seconds: u64,
}

impl Default for Douyin {
    fn default() -> Self {
        Self {
            apps: BTreeMap::new(),
            shops: BTreeMap::new(),
            tokens: BTreeMap::new(),
            refreshes: BTreeMap::new(),
            codes: BTreeMap::new(),
            products: BTreeMap::new(),
            orders: BTreeMap::new(),
            cases: BTreeMap::new(),
            packs: BTreeMap::new(),
            token_life_seconds: 7 * 86_400,
            max_age_seconds: 600,
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    pub app_key: String,
    pub app_secret: String,
    /// The service in the market that leads to this app.
    #[serde(default)]
    pub service_id: String,
    /// Where browsers are sent with the code.
    #[serde(default)]
    pub callback_url: String,
    #[serde(default)]
    pub push_url: String,
    /// A merchant's app for the own shop 自用型应用; otherwise a provider's tool app 工具型应用.
    #[serde(default)]
    pub self_use: bool,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Shop {
    pub shop_id: u64,
    pub name: String,
    /// Apps that the shop granted.
    pub grants: BTreeSet<String>,
    /// Whether phones are answered by a virtual number.
    #[serde(default)]
    pub virtual_tel: bool,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Token {
    pub app_key: String,
    pub shop_id: u64,
    pub expires: u64,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Refresh {
    pub app_key: String,
    pub shop_id: u64,
    pub expires: u64,
    pub access: String,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Code {
    pub app_key: String,
    pub shop_id: u64,
    pub expires: u64,
    pub used: bool,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Sku {
    pub sku_id: u64,
    pub outer_sku_id: String,
    pub code: String,
    pub specs: Vec<String>,
    pub price: i64,
    pub stock: i64,
}

/// One version of a product.
#[derive(Clone, Serialize, Deserialize)]
pub struct Version {
    pub fields: Map<String, Value>,
    /// Specification names with their values.
    pub specs: Vec<(String, Vec<String>)>,
    pub skus: Vec<Sku>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct AuditRecord {
    /// 1 passed, 2 refused.
    pub publish_status: i64,
    pub reason: String,
    pub at: u64,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Product {
    pub product_id: u64,
    pub shop_id: u64,
    pub outer_product_id: String,
    /// 0 online, 1 offline, 2 deleted.
    pub status: i64,
    /// 1 not submitted, 2 in audit, 3 passed, 4 refused, 5 banned, 7 passed and waiting.
    pub check_status: i64,
    /// The audit of the version beside the one that passed: 0 none, 1 not submitted, 2 in audit, 3 passed, 4 refused.
    pub draft_status: i64,
    pub current: Version,
    pub draft: Option<Version>,
    pub audit_due_ms: Option<u64>,
    pub records: Vec<AuditRecord>,
    pub create_time: u64,
    pub update_time: u64,
}

impl Product {
    pub fn in_audit(&self) -> bool {
        self.check_status == 2 || self.draft_status == 2
    }
    pub fn on_sale(&self) -> bool {
        self.status == 0 && self.check_status == 3
    }
    pub fn title(&self) -> &str {
        crate::state::text_of(self.current.fields.get("name"))
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Line {
    pub sku_order_id: u64,
    pub product_id: u64,
    pub sku_id: u64,
    pub outer_product_id: String,
    pub outer_sku_id: String,
    pub code: String,
    pub title: String,
    pub picture: String,
    /// Names and values of the specifications.
    pub specs: Vec<(String, String)>,
    pub price: i64,
    pub count: i64,
    pub shipped: i64,
    /// The state of its after-sale case; 0 = none.
    #[serde(default)]
    pub after_sale_status: i64,
    #[serde(default)]
    pub after_sale_type: i64,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Pack {
    pub pack_id: String,
    pub company: String,
    pub tracking_no: String,
    pub at: u64,
    /// Line number and pieces.
    pub lines: Vec<(u64, i64)>,
}

/// Where a sale came from, as `sku_order_list` tells it.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Source {
    pub author_id: u64,
    pub author_name: String,
    pub room_id: u64,
    pub video_id: String,
    /// 2 alliance, 8 the shop itself.
    pub c_biz: i64,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Address {
    pub name: String,
    pub tel: String,
    pub province: String,
    pub city: String,
    pub town: String,
    pub street: String,
    pub detail: String,
}

impl Address {
    /// Of a buyer who says nothing else.
    pub fn of(buyer: &str) -> Self {
        Self {
            name: buyer.to_owned(),
            tel: "13900139000".to_owned(),
            province: "浙江省".to_owned(),
            city: "杭州市".to_owned(),
            town: "西湖区".to_owned(),
            street: "转塘街道".to_owned(),
            detail: "象山路352号3幢201".to_owned(),
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Order {
    pub order_id: u64,
    pub shop_id: u64,
    pub buyer: String,
    /// 1 unpaid, 2 to ship, 101 partly shipped, 3 shipped, 4 cancelled, 5 done.
    pub status: i64,
    /// The same, and 21, 22, 39 for everything refunded.
    pub main_status: i64,
    pub create_time: u64,
    pub update_time: u64,
    pub pay_time: u64,
    pub ship_time: u64,
    pub finish_time: u64,
    pub lines: Vec<Line>,
    pub freight: i64,
    pub address: Address,
    pub source: Source,
    pub words: String,
    pub packs: Vec<Pack>,
    /// Name, phone, detail.
    pub ciphers: [String; 3],
}

impl Order {
    pub fn goods(&self) -> i64 {
        self.lines.iter().map(|line| line.price * line.count).sum()
    }
    pub fn total(&self) -> i64 {
        self.goods() + self.freight
    }
}
