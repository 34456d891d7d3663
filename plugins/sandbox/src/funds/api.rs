//! The calls of a store's money.

use super::book::{Flow, available, flows, pending};
use super::{Withdrawal, submit};
use crate::calls::{Auth, Call, Route, either, post};
use crate::clock::china_time;
use crate::errors::{Answer, WxError, error, invalid_args, ok_with};
use crate::state::AccountKind;
use base64::Engine;
use fast_qr::{ECL, QRBuilder};
use serde_json::json;

pub const ROUTES: &[Route] = &[
    post("/channels/ec/funds/getbankacct", Auth::Account, bank),
    post("/channels/ec/funds/getfundsflowlist", Auth::Account, flow_list),
    post("/channels/ec/funds/getfundsflowdetail", Auth::Account, flow_get),
    post("/channels/ec/funds/submitwithdraw", Auth::Account, withdraw),
    post("/channels/ec/funds/getwithdrawlist", Auth::Account, withdraw_list),
    post("/channels/ec/funds/getwithdrawdetail", Auth::Account, withdraw_get),
    post("/shop/funds/qrcode/get", Auth::Account, code),
    post("/shop/funds/qrcode/check", Auth::Account, code_check),
];
pub const BALANCE: &[Route] = &[either("/channels/ec/funds/getbalance", Auth::Account, balance)];

/// Pages beyond need the key of the page before.
const DEEP: usize = 10_000;
const WIDEST: usize = 100;

fn only_store(call: &mut Call<'_>) -> Result<(), WxError> {
    if call.account()?.kind == AccountKind::Store { Ok(()) } else { Err(error(48001)) }
}

fn balance(call: &mut Call<'_>) -> Answer {
    let (available, pending) = (available(call.state, &call.appid), pending(call.state, &call.appid));
    Ok(ok_with(json!({"available_amount": available, "pending_amount": pending, "sub_mchid": "1900000109"})))
}

fn bank(call: &mut Call<'_>) -> Answer {
    only_store(call)?;
    let account = call.account()?;
    let (shown, number) = match &account.funds.bank {
        Some(bank) => (bank.account_bank4show.clone(), bank.account_number.clone()),
        None => ("中国工商银行".to_owned(), "6222023602001122334".to_owned()),
    };
    Ok(ok_with(json!({"account_info": {
        "bank_account_type": "ACCOUNT_TYPE_BUSINESS", "account_bank": "工商银行", "bank_address_code": "440100",
        "bank_branch_id": "102581000000", "bank_name": format!("{shown}广州海珠支行"), "account_number": number,
        "account_bank4show": shown, "account_name": account.principal_name,
    }})))
}

/// Page and size, both counted from one.
fn paged(call: &Call<'_>, page: &str) -> Result<(usize, usize), WxError> {
    let number = |name: &str, otherwise: i64| {
        usize::try_from(call.int(name).unwrap_or(otherwise)).ok().filter(|number| *number >= 1)
    };
    match (number(page, 1), number("page_size", 10)) {
        (Some(page), Some(size)) if size <= WIDEST => Ok((page, size)),
        _ => Err(invalid_args("page and page_size: expecting >= 1, and at most 100 rows")),
    }
}

fn within(call: &Call<'_>, at: u64) -> bool {
    let bound = |name: &str| call.int(name).and_then(|second| u64::try_from(second).ok()).filter(|s| *s > 0);
    bound("start_time").is_none_or(|from| at >= from) && bound("end_time").is_none_or(|to| at <= to)
}

fn flow_list(call: &mut Call<'_>) -> Answer {
    only_store(call)?;
    let (page, size) = paged(call, "page")?;
    if page.saturating_mul(size) >= DEEP && call.text("next_key").is_empty() {
        return Err(invalid_args("next_key is needed when page * page_size >= 10000"));
    }
    let wanted = call.int("flow_type");
    let transaction = call.text("transaction_id");
    let fits = |flow: &Flow| {
        within(call, flow.at)
            && wanted.is_none_or(|kind| flow.income == (kind == 1))
            && (transaction.is_empty() || flow.transaction_id == transaction)
    };
    let all: Vec<String> =
        flows(call.state, &call.appid).into_iter().filter(|flow| fits(flow)).map(|flow| flow.id).collect();
    let ids: Vec<&String> = all.iter().skip((page - 1) * size).take(size).collect();
    let more = all.len() > page * size;
    Ok(ok_with(json!({"flow_ids": ids, "has_more": more, "next_key": format!("k{page}")})))
}

fn flow_get(call: &mut Call<'_>) -> Answer {
    only_store(call)?;
    let wanted = call.text("flow_id");
    let found = flows(call.state, &call.appid).into_iter().find(|flow| flow.id == wanted);
    let flow = found.ok_or_else(|| invalid_args("flow_id is unknown"))?;
    Ok(ok_with(json!({"funds_flow": {
        "flow_id": flow.id, "funds_type": flow.kind, "flow_type": if flow.income { 1 } else { 2 },
        "amount": flow.amount, "balance": flow.balance, "related_info_list": [flow.related],
        "bookkeeping_time": china_time(flow.at), "remark": flow.remark,
    }})))
}

fn withdraw(call: &mut Call<'_>) -> Answer {
    only_store(call)?;
    let amount = call.int("amount").ok_or_else(|| invalid_args("amount is missing"))?;
    let (now, appid) = (call.now, call.appid.clone());
    let (remark, memo) = (call.text("remark").to_owned(), call.text("bank_memo").to_owned());
    if remark.chars().count() > 56 || memo.chars().count() > 32 {
        return Err(invalid_args("remark or bank_memo is too long"));
    }
    let made = submit(call.state, now, &appid, amount, &remark, &memo);
    let ticket = made.map_err(|why| invalid_args(&why))?;
    Ok(ok_with(json!({"qrcode_ticket": ticket})))
}

fn withdraw_list(call: &mut Call<'_>) -> Answer {
    only_store(call)?;
    let (page, size) = paged(call, "page_num")?;
    let own = call.account()?.funds.withdrawals.clone();
    let all: Vec<String> =
        own.iter().rev().filter(|one| within(call, one.created)).map(|one| one.id.to_string()).collect();
    let ids: Vec<&String> = all.iter().skip((page - 1) * size).take(size).collect();
    Ok(ok_with(json!({"withdraw_ids": ids, "total_num": all.len()})))
}

fn withdraw_get(call: &mut Call<'_>) -> Answer {
    only_store(call)?;
    let id = call.id("withdraw_id")?;
    let found = call.account()?.funds.withdrawals.iter().find(|one| one.id == id).cloned();
    let one = found.ok_or_else(|| invalid_args("withdraw_id is unknown"))?;
    Ok(ok_with(json!({
        "amount": one.amount, "create_time": one.created, "update_time": one.updated, "reason": one.reason,
        "remark": one.remark, "bank_memo": one.bank_memo, "bank_name": "中国工商银行",
        "bank_num": "6222023602001122334", "status": one.status,
    })))
}

fn by_ticket(call: &mut Call<'_>) -> Result<Withdrawal, WxError> {
    only_store(call)?;
    let ticket = call.text("qrcode_ticket").to_owned();
    let found = call.account()?.funds.withdrawals.iter().find(|one| one.ticket == ticket).cloned();
    found.ok_or_else(|| invalid_args("qrcode_ticket is unknown"))
}

/// A black-and-white PNG of a code that leads to the ticket.
fn picture(ticket: &str) -> Option<Vec<u8>> {
    const QUIET: usize = 4;
    const SCALE: usize = 5;
    let code = QRBuilder::new(format!("http://weixin.qq.com/w/{ticket}")).ecl(ECL::M).build().ok()?;
    let side = (code.size + 2 * QUIET) * SCALE;
    let dark = |x: usize, y: usize| {
        let (x, y) = ((x / SCALE).checked_sub(QUIET), (y / SCALE).checked_sub(QUIET));
        match (x, y) {
            (Some(x), Some(y)) if x < code.size && y < code.size => code[y][x].value(),
            _ => false,
        }
    };
    let pixels: Vec<u8> =
        (0..side * side).map(|at| if dark(at % side, at / side) { 0 } else { 255 }).collect();
    let length = u32::try_from(side).ok()?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, length, length);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&pixels).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

fn code(call: &mut Call<'_>) -> Answer {
    let one = by_ticket(call)?;
    let bytes = picture(&one.ticket).ok_or_else(|| error(-1))?;
    Ok(ok_with(json!({"qrcode_buf": base64::engine::general_purpose::STANDARD.encode(bytes)})))
}

fn code_check(call: &mut Call<'_>) -> Answer {
    let one = by_ticket(call)?;
    Ok(ok_with(json!({
        "status": one.code, "scan_user_type": one.scanner,
        "self_check_err_code": i64::from(!one.problem.is_empty()), "self_check_err_msg": one.problem,
    })))
}
