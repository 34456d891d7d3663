//! Disputes 纠纷 about after-sale orders: what the merchant's calls read and say, what the buyer and the platform's people
//! do on the play page, and the time that passes for whoever has to give proof.
//!
//! Written from developers.weixin.qq.com/doc/store: `getcomplaintorder`, `addcomplaintproof`, `addcomplaintmaterial` with
//! their error codes, `channels_ec_complaint_update` with its states, and the guide `shop/guide/trade/complaint`.

use crate::aftersale::{self, TURNED_DOWN};
use crate::calls::{Auth, Call, Route, post};
use crate::clock::Now;
use crate::errors::{Answer, error, error_with, ok, ok_with};
use crate::product_rules::PICTURE_PREFIX;
use crate::state::{AfterSale, State};
use crate::trade::ComplaintEntry;
use serde_json::{Value, json};

pub const ROUTES: &[Route] = &[
    post("/channels/ec/aftersale/getcomplaintorder", Auth::Account, show),
    post("/channels/ec/aftersale/addcomplaintproof", Auth::Account, prove),
    post("/channels/ec/aftersale/addcomplaintmaterial", Auth::Account, leave_message),
];

const MOST_WORDS: usize = 500;
const MOST_PICTURES: usize = 20;
/// Entries of one dispute that are kept.
const MOST_ENTRIES: usize = 500;

/// The platform decided, or nobody wants it to.
const ENDED: [i64; 4] = [102, 112, 115, 116];

fn dispute_of<'a>(call: &'a mut Call<'_>) -> Result<&'a mut AfterSale, crate::errors::WxError> {
    let missing = || error_with(10021500, "纠纷单号不存在");
    let id = call.id("complaint_id").map_err(|_| missing())?;
    let appid = call.appid.clone();
    let of = |sale: &&mut AfterSale| sale.complaint_id == id && sale.appid == appid;
    call.state.aftersales.values_mut().find(of).ok_or_else(missing)
}

fn show(call: &mut Call<'_>) -> Answer {
    let sale = dispute_of(call)?;
    let entry = |entry: &ComplaintEntry| {
        let media: Vec<Value> = entry
            .media_ids
            .iter()
            .map(|id| {
                let url = format!("https://{PICTURE_PREFIX}{}/{id}", sale.appid);
                json!({"type": 1, "picture": {"media_id": id, "ticket_url": url}})
            })
            .collect();
        json!({"item_type": entry.item_type, "time": entry.time, "content": entry.content,
            "media_id_list": entry.media_ids, "media_infos": media})
    };
    // The newest first, as in the documents' example.
    let history: Vec<Value> = sale.complaint_history.iter().rev().map(entry).collect();
    Ok(ok_with(json!({"after_sale_order_id": sale.aftersale_id.to_string(),
        "order_id": sale.order_id.to_string(), "status": sale.complaint_status, "history": history})))
}

/// What a call wants to say, checked against what both calls have in common.
fn said(call: &mut Call<'_>) -> Result<(u64, String, Vec<String>), crate::errors::WxError> {
    let content = call.text("content").to_owned();
    let media = call.body.get("media_id_list").and_then(Value::as_array).cloned().unwrap_or_default();
    let media: Vec<String> = media.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let known = media.iter().all(|id| call.state.images.contains_key(id));
    let id = dispute_of(call)?.aftersale_id;
    if content.trim().is_empty() {
        return Err(error_with(40097, "invalid args, content"));
    }
    if content.chars().count() > MOST_WORDS {
        return Err(error_with(10021501, "单条留言文字数量过多"));
    }
    if !known {
        return Err(error(40007));
    }
    Ok((id, content, media))
}

fn prove(call: &mut Call<'_>) -> Answer {
    let (id, content, media) = said(call)?;
    if ![106, 108].contains(&dispute_of(call)?.complaint_status) {
        return Err(error_with(10021504, "不是待商家举证的状态，无法留言"));
    }
    if media.len() > MOST_PICTURES {
        return Err(error_with(40097, "invalid args, media_id_list"));
    }
    let now = call.now;
    step(call.state, now, id, Some(107), &[(8, &content, &media)]);
    Ok(ok())
}

fn leave_message(call: &mut Call<'_>) -> Answer {
    let (id, content, media) = said(call)?;
    let sale = dispute_of(call)?;
    if ![101, 103].contains(&sale.complaint_status) {
        return Err(error_with(10021503, "不是待客服处理的状态，无法留言"));
    }
    let messages = sale.complaint_history.iter().filter(|entry| entry.item_type == 3);
    if messages.map(|entry| entry.media_ids.len()).sum::<usize>() + media.len() > MOST_PICTURES {
        return Err(error_with(10021502, "所有留言图片总数过多"));
    }
    let now = call.now;
    step(call.state, now, id, None, &[(3, &content, &media)]);
    Ok(ok())
}

/// Entries of a dispute's history: their kind, words and pictures.
type Entries<'a> = &'a [(i64, &'a str, &'a [String])];

/// Adds entries, moves the dispute when it moves, and tells the merchant.
fn step(state: &mut State, now: Now, id: u64, status: Option<i64>, entries: Entries<'_>) {
    let pause = state.settings.complaint_seconds;
    let Some(sale) = state.aftersales.get_mut(&id) else { return };
    for (item_type, content, media_ids) in entries {
        if sale.complaint_history.len() < MOST_ENTRIES {
            let content = (*content).to_owned();
            let media_ids = media_ids.to_vec();
            sale.complaint_history.push(ComplaintEntry {
                item_type: *item_type,
                time: now.seconds(),
                content,
                media_ids,
            });
        }
    }
    if let Some(status) = status {
        sale.complaint_status = status;
        let proof = [104, 106, 108].contains(&status);
        sale.complaint_deadline = if proof { now.seconds() + pause } else { 0 };
    }
    sale.update_time = now.seconds();
    state.push_complaint(now, id);
}

/// What the buyer and the platform's people can do now.
pub fn actions(sale: &AfterSale) -> &'static [&'static str] {
    match sale.complaint_status {
        0 => &[],
        status if ENDED.contains(&status) => &[],
        104 | 108 => &["buyer_proof", "expire_proof", "withdraw_complaint"],
        106 => &["expire_proof", "side_with_buyer", "side_with_merchant", "withdraw_complaint"],
        _ => &[
            "take_up",
            "ask_merchant",
            "ask_buyer",
            "ask_both",
            "buyer_message",
            "side_with_buyer",
            "side_with_merchant",
            "withdraw_complaint",
        ],
    }
}

/// Does one of them. None: it is nothing about a dispute.
pub fn act(
    state: &mut State,
    now: Now,
    id: u64,
    action: &str,
    complaint_id: u64,
) -> Option<Result<(), String>> {
    let sale = state.aftersales.get_mut(&id)?;
    if action == "complain" {
        if !TURNED_DOWN.contains(&sale.status.as_str()) || sale.complaint_id != 0 {
            return Some(Err(format!("the case's status {} does not allow this", sale.status)));
        }
        sale.complaint_id = complaint_id;
        step(state, now, id, Some(100), &[(1, "商家不同意，请平台介入", &[]), (10, "", &[])]);
        return Some(Ok(()));
    }
    let (status, entries): (Option<i64>, Entries<'_>) = match action {
        "queue" => (Some(101), &[(11, "", &[])]),
        "take_up" => (Some(103), &[(13, "", &[])]),
        "ask_buyer" => (Some(104), &[(14, "", &[])]),
        "ask_merchant" => (Some(106), &[(16, "请提供发货凭证", &[])]),
        "ask_both" => (Some(108), &[(18, "请双方提供凭证", &[])]),
        "confirm_merchant" => (Some(110), &[(20, "", &[])]),
        "buyer_message" => (None, &[(2, "到现在还没有收到货", &[])]),
        "buyer_proof" => (Some(105), &[(7, "这是与客服的聊天记录", &[])]),
        "withdraw_complaint" => (Some(102), &[(12, "", &[])]),
        "side_with_buyer" => (Some(112), &[(31, "", &[]), (22, "", &[])]),
        "side_with_merchant" => (Some(116), &[(30, "", &[]), (26, "", &[])]),
        "expire_proof" => {
            if sale.complaint_deadline == 0 {
                return Some(Err(format!("the dispute's status {} has no deadline", sale.complaint_status)));
            }
            sale.complaint_deadline = 1;
            let_time_pass(state, now);
            return Some(Ok(()));
        }
        _ => return None,
    };
    let open = sale.complaint_status != 0 && !ENDED.contains(&sale.complaint_status);
    if !open || (action == "buyer_proof" && ![104, 108].contains(&sale.complaint_status)) {
        return Some(Err(format!("the dispute's status {} does not allow this", sale.complaint_status)));
    }
    step(state, now, id, status, entries);
    if action == "side_with_buyer" {
        aftersale::change(state, now, id, "MERCHANT_REFUND_SUCCESS");
    }
    Some(Ok(()))
}

/// Whoever had to give proof and gave none.
pub fn let_time_pass(state: &mut State, now: Now) -> bool {
    let late: Vec<(u64, i64)> = state
        .aftersales
        .values()
        .filter(|sale| sale.complaint_deadline > 0 && sale.complaint_deadline <= now.seconds())
        .map(|sale| {
            let next = match sale.complaint_status {
                104 => 305,
                106 => 307,
                _ => 109,
            };
            (sale.aftersale_id, next)
        })
        .collect();
    for (id, next) in &late {
        let entries: Entries<'_> = if *next == 307 { &[(6, "", &[])] } else { &[] };
        step(state, now, *id, Some(*next), entries);
    }
    !late.is_empty()
}
