//! Orders: search, detail, carriers, parcels, decryption.

use super::calls::{Answer, Call, DyError, Route, invalid, refused};
use super::{Order, Pack, order_view};
use crate::clock::random_hex;
use crate::state::{id_of, int_of, text_of};
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    ("/order/searchList", true, search),
    ("/order/orderDetail", true, detail),
    ("/order/logisticsCompanyList", true, companies),
    ("/order/logisticsAddSinglePack", true, add_pack),
    ("/order/batchDecrypt", true, decrypt),
];

const MAX_CIPHERS: usize = 50;
/// A virtual number works this long; the documents give no number.
const VIRTUAL_LIFE: u64 = 86_400;

/// Id, name, code.
const COMPANIES: &[(u64, &str, &str)] = &[
    (7, "圆通快递", "yuantong"),
    (8, "申通快递", "shentong"),
    (9, "韵达快递", "yunda"),
    (12, "顺丰快递", "shunfeng"),
    (15, "中通快递", "zhongtong"),
    (17, "邮政快递包裹", "youzhengguonei"),
    (20, "极兔速递", "jtexpress"),
    (25, "京东快递", "jd"),
    (28, "EMS", "ems"),
];

pub fn company_name(code: &str) -> &'static str {
    COMPANIES.iter().find(|(.., known)| *known == code).map_or("", |(_, name, _)| name)
}

fn companies(_call: &mut Call<'_>) -> Answer {
    let rows: Vec<Value> =
        COMPANIES.iter().map(|(id, name, code)| json!({"id": id, "name": name, "code": code})).collect();
    Ok(Value::Array(rows))
}

fn order<'a>(call: &'a mut Call<'_>, id: Option<u64>) -> Result<&'a mut Order, DyError> {
    let shop = call.shop_id;
    let found = id.and_then(|id| call.state.douyin.orders.get_mut(&id)).filter(|order| order.shop_id == shop);
    found.ok_or_else(|| refused("订单不存在"))
}

fn search(call: &mut Call<'_>) -> Answer {
    let (page, size) = (call.int("page").unwrap_or(0), call.int("size").unwrap_or(10));
    if page < 0 || !(1..=100).contains(&size) {
        return Err(invalid("page或size取值不正确"));
    }
    let within = |at: u64, from: &str, to: &str| {
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        call.int(from).is_none_or(|from| from == 0 || at >= from)
            && call.int(to).is_none_or(|to| to == 0 || at <= to)
    };
    let statuses: Vec<String> = call
        .params
        .get("combine_status")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .flat_map(|one| text_of(one.get("order_status")).split(',').map(str::to_owned).collect::<Vec<_>>())
        .filter(|status| !status.is_empty())
        .collect();
    let shop = call.shop_id;
    let mut chosen: Vec<&Order> = call
        .state
        .douyin
        .orders
        .values()
        .filter(|order| order.shop_id == shop)
        .filter(|order| within(order.create_time, "create_time_start", "create_time_end"))
        .filter(|order| within(order.update_time, "update_time_start", "update_time_end"))
        .filter(|order| statuses.is_empty() || statuses.contains(&order.status.to_string()))
        .collect();
    let by_update = call.text("order_by") == "update_time";
    chosen
        .sort_by_key(|order| (if by_update { order.update_time } else { order.create_time }, order.order_id));
    if call.params.get("order_asc").and_then(Value::as_bool) != Some(true) {
        chosen.reverse();
    }
    let (skip, take) = (usize::try_from(page * size).unwrap_or(0), usize::try_from(size).unwrap_or(0));
    let known = call.state.douyin.shops.get(&shop);
    let rows: Vec<Value> =
        chosen.iter().skip(skip).take(take).map(|order| order_view::view(order, known)).collect();
    Ok(json!({"page": page, "size": size, "total": chosen.len(), "shop_order_list": rows}))
}

fn detail(call: &mut Call<'_>) -> Answer {
    let id = call.id("shop_order_id")?;
    let shown = order(call, Some(id))?.clone();
    let shop = call.shop_id;
    Ok(json!({"shop_order_detail": order_view::view(&shown, call.state.douyin.shops.get(&shop))}))
}

/// What a call asks to be shipped: line and pieces.
fn wanted(call: &Call<'_>) -> Result<Vec<(u64, i64)>, DyError> {
    let rows = call.params.get("shipped_order_info").and_then(Value::as_array);
    let rows = rows.filter(|rows| !rows.is_empty()).ok_or_else(|| invalid("shipped_order_info不能为空"))?;
    rows.iter()
        .map(|row| {
            let pieces = int_of(row.get("shipped_num")).filter(|pieces| *pieces > 0);
            id_of(row.get("shipped_order_id"))
                .zip(pieces)
                .ok_or_else(|| invalid("shipped_order_id或shipped_num不正确"))
        })
        .collect()
}

fn add_pack(call: &mut Call<'_>) -> Answer {
    let orders = call.params.get("order_id_list").and_then(Value::as_array).cloned().unwrap_or_default();
    let [id] = orders.as_slice() else { return Err(invalid("order_id_list需要一个父订单号")) };
    let id = id_of(Some(id));
    let (company, tracking_no) = (call.text("company_code"), call.text("logistics_code"));
    let request_id = call.text("request_id");
    if company_name(&company).is_empty() {
        return Err(invalid("物流公司编码不正确"));
    }
    if tracking_no.is_empty() || request_id.is_empty() {
        return Err(invalid("运单号和request_id不能为空"));
    }
    let lines = wanted(call)?;
    let refuses_refund = ["is_reject_refund", "is_refund_reject"]
        .iter()
        .any(|name| call.params.get(*name).and_then(Value::as_bool) == Some(true));
    // The same request again is answered with the first parcel and ships nothing.
    let key = format!("pack {} {request_id}", call.shop_id);
    if let Some(pack_id) = call.douyin().packs.get(&key) {
        return Ok(json!({"pack_id": pack_id}));
    }
    let now = call.now;
    let order = order(call, id)?;
    if ![2, 101, 105].contains(&order.status) {
        return Err(refused("订单状态不允许发货"));
    }
    for (line_id, pieces) in &lines {
        let line = order.lines.iter().find(|line| line.sku_order_id == *line_id);
        let line = line.ok_or_else(|| refused("子订单不存在"))?;
        if line.after_sale_status == 6 && !refuses_refund {
            return Err(refused("有退款申请需要处理，拒绝发货"));
        }
        if line.shipped + pieces > line.count || line.after_sale_status == 12 {
            return Err(refused("发货数量超过待发货数量"));
        }
    }
    for (line_id, pieces) in &lines {
        for line in order.lines.iter_mut().filter(|line| line.sku_order_id == *line_id) {
            line.shipped += pieces;
        }
    }
    let pack_id = random_hex(20);
    let pack = Pack { pack_id: pack_id.clone(), company, tracking_no, at: now.seconds(), lines };
    order.packs.push(pack);
    order.update_time = now.seconds();
    let whole = order.lines.iter().all(|line| line.shipped >= line.count || line.after_sale_status == 12);
    order.status = if whole { 3 } else { 101 };
    order.main_status = order.status;
    if whole {
        order.ship_time = now.seconds();
    }
    let order_id = order.order_id;
    call.douyin().packs.insert(key, pack_id.clone());
    call.state.douyin_order_pushed(now, order_id, if whole { "102" } else { "108" });
    Ok(json!({"pack_id": pack_id}))
}

fn decrypt(call: &mut Call<'_>) -> Answer {
    let infos = call.params.get("cipher_infos").and_then(Value::as_array).cloned().unwrap_or_default();
    if infos.is_empty() || infos.len() > MAX_CIPHERS {
        return Err(invalid("cipher_infos需要1到50条"));
    }
    let (shop, now) = (call.shop_id, call.now);
    let douyin = call.douyin();
    let is_virtual = douyin.shops.get(&shop).is_some_and(|shop| shop.virtual_tel);
    let rows: Vec<Value> = infos
        .iter()
        .map(|info| {
            let cipher = text_of(info.get("cipher_text"));
            let order = id_of(info.get("auth_id")).and_then(|id| douyin.orders.get(&id));
            let order = order.filter(|order| order.shop_id == shop);
            let at = order.and_then(|order| order.ciphers.iter().position(|known| known == cipher));
            let head = json!({"auth_id": info.get("auth_id"), "cipher_text": cipher});
            let rest = match (order, at) {
                (Some(order), Some(0)) => json!({"decrypt_text": order.address.name, "data_type": 2}),
                (Some(_), Some(1)) if is_virtual => {
                    json!({"decrypt_text": "17000000001-8001", "data_type": 3,
                    "is_virtual_tel": true, "phone_no_a": "17000000001", "phone_no_b": "8001",
                    "expire_time": now.seconds() + VIRTUAL_LIFE})
                }
                (Some(order), Some(1)) => json!({"decrypt_text": order.address.tel, "data_type": 3,
                    "is_virtual_tel": false, "phone_no_a": "", "phone_no_b": "", "expire_time": 0}),
                (Some(order), Some(_)) => json!({"decrypt_text": order.address.detail, "data_type": 1}),
                // The documents give no number for a cipher that does not open.
                _ => json!({"decrypt_text": "", "err_no": 300_008, "err_msg": "密文不合法"}),
            };
            let mut row = head;
            if let (Some(row), Value::Object(rest)) = (row.as_object_mut(), rest) {
                row.insert("err_no".into(), json!(0));
                row.insert("err_msg".into(), json!(""));
                row.extend(rest);
            }
            row
        })
        .collect();
    Ok(json!({"decrypt_infos": rows, "custom_err": {"err_code": 0, "err_msg": ""}}))
}
