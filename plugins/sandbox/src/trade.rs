//! Products, orders and after-sale orders as the sandbox keeps them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

#[derive(Clone, Serialize, Deserialize)]
pub struct Product {
    pub product_id: u64,
    pub appid: String,
    pub out_product_id: String,
    pub status: i64,
    pub edit_status: i64,
    pub ever_listed: bool,
    pub online: Option<Map<String, Value>>,
    pub draft: Option<Map<String, Value>>,
    pub stock: BTreeMap<u64, i64>,
    /// When the automatic auditor decides; nothing while a person is to decide.
    pub audit_due_ms: Option<u64>,
    pub upload_until_ms: Option<u64>,
    pub submit_after_upload: bool,
    pub audit_reason: String,
    pub create_time: u64,
    pub edit_time: u64,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Line {
    pub product_id: u64,
    pub sku_id: u64,
    pub title: String,
    pub thumb_img: String,
    pub sku_cnt: i64,
    pub sale_price: i64,
    pub market_price: i64,
    pub sku_code: String,
    pub sku_attrs: Value,
    pub out_product_id: String,
    pub out_sku_id: String,
    pub shipped: i64,
    /// The line's total after the merchant changed it.
    pub changed_total: Option<i64>,
    pub in_aftersale: i64,
    pub refunded: i64,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PostAddress {
    pub user_name: String,
    pub tel_number: String,
    pub postal_code: String,
    pub province_name: String,
    pub city_name: String,
    pub county_name: String,
    pub detail_info: String,
    pub house_number: String,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Order {
    pub order_id: u64,
    pub appid: String,
    pub openid: String,
    #[serde(default)]
    pub unionid: String,
    pub status: i64,
    pub create_time: u64,
    pub update_time: u64,
    pub lines: Vec<Line>,
    pub freight: i64,
    pub changed_freight: Option<i64>,
    pub address: PostAddress,
    pub scene: i64,
    pub finder_id: String,
    pub live_id: String,
    pub source: Option<Value>,
    pub customer_notes: String,
    pub merchant_notes: String,
    pub pay_time: Option<u64>,
    pub transaction_id: String,
    pub prepay_id: String,
    pub deliveries: Vec<Value>,
    pub ship_done_time: Option<u64>,
    pub confirm_time: Option<u64>,
    pub settle_time: Option<u64>,
    pub aftersale_ids: Vec<u64>,
    /// Where the buyer wishes it to go, and since when, while the merchant has to answer.
    #[serde(default)]
    pub address_wish: Option<PostAddress>,
    #[serde(default)]
    pub address_wish_time: u64,
    /// The merchant's address, while the buyer has to agree.
    #[serde(default)]
    pub proposed_address: Option<PostAddress>,
    #[serde(default)]
    pub price_changes: u32,
    #[serde(default)]
    pub address_changes: u32,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct AfterSale {
    pub aftersale_id: u64,
    pub appid: String,
    pub order_id: u64,
    pub openid: String,
    #[serde(default)]
    pub unionid: String,
    pub product_id: u64,
    pub sku_id: u64,
    pub count: i64,
    pub kind: String,
    pub status: String,
    pub reason: String,
    pub amount: i64,
    pub create_time: u64,
    pub update_time: u64,
    /// When the platform goes on by itself; 0 = never.
    #[serde(default)]
    pub deadline: u64,
    /// Of the parcel the goods come back in.
    #[serde(default)]
    pub waybill_id: String,
    #[serde(default)]
    pub delivery_id: String,
    #[serde(default)]
    pub address_id: String,
    #[serde(default)]
    pub reject_reason: String,
    /// Who agreed: 1 the merchant or nobody yet, 9 the platform after the deadline.
    #[serde(default)]
    pub refund_reason: i64,
    /// 0 = no complaint.
    #[serde(default)]
    pub complaint_id: u64,
    #[serde(default)]
    pub complaint_status: i64,
    /// Until when whoever has to give proof in it may; 0 = nobody has to.
    #[serde(default)]
    pub complaint_deadline: u64,
    /// What happened in it, oldest first.
    #[serde(default)]
    pub complaint_history: Vec<ComplaintEntry>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct ComplaintEntry {
    pub item_type: i64,
    pub time: u64,
    pub content: String,
    pub media_ids: Vec<String>,
}
