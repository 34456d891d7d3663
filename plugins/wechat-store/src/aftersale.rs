//! After-sale orders (`channels/ec/aftersale/…`): the list is by the time they were made, a decision reads first.

use crate::WechatStore;
use crate::case::{self, Seen};
use crate::dispute;
use qianpu_domain::time::Span;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    Acceptance, AcceptanceStep, Aftersale, Answer, CaseChoices, CaseKind, CaseOutcome, CaseRef, CaseState,
    ChannelCase, ChannelError, Context, ErrorClass, Page, Refusal, RefusalReason, Request, ReturnAddress,
    Step, TimeWindow, Turn, decode_state, encode_state,
};
use qianpu_wechat_wire::call::{account_post, read, read_only};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Longer windows are refused by the platform.
const MAX_WINDOW: Span = Span::hours(24);
/// Addresses that are read one by one.
const MOST_ADDRESSES: usize = 20;
/// The platform's ceiling for words to the buyer.
const MOST_WORDS: usize = 200;

fn get(cx: &Context<'_>, case_id: &str) -> Result<Request, ChannelError> {
    let body = json!({ "after_sale_order_id": case_id });
    Ok(account_post(cx, "/channels/ec/aftersale/getaftersaleorder", &body)?.idempotent())
}

#[derive(Serialize, Deserialize)]
enum Reading {
    Case,
    /// The case is read, its dispute is asked for.
    Dispute(Box<ChannelCase>),
}

#[derive(Serialize, Deserialize)]
enum Choosing {
    /// Reasons and the list of addresses, with the scenes the reasons have to be for.
    Lists(Vec<i64>),
    Addresses(Vec<RefusalReason>),
}

#[derive(Serialize, Deserialize)]
enum Deciding<T> {
    Reading(T),
    Telling,
}

/// `reject_scene` of a reason: 1 refund only, 4 return, 5 exchange, 6 sending the new goods. The goods that came back
/// are refused with the reasons of a return.
fn scenes(kind: &CaseKind) -> Vec<i64> {
    match kind {
        CaseKind::RefundOnly => vec![1],
        CaseKind::ReturnRefund => vec![4],
        CaseKind::Exchange => vec![5, 6],
        CaseKind::Reship | CaseKind::Other(_) => Vec::new(),
    }
}

fn goods_move(case: &CaseRef) -> bool {
    case.kind != CaseKind::RefundOnly
}

fn told(body: &Value) -> Turn<CaseOutcome> {
    match body.get("errcode") {
        Some(_) => Ok(Step::Done(CaseOutcome::Taken)),
        None => Err(ChannelError::unexpected("the answer has no errcode")),
    }
}

impl Aftersale for WechatStore {
    fn list(&self, cx: &Context<'_>, window: TimeWindow, cursor: Option<&str>) -> Turn<Page<String>> {
        let length = window.to.since(window.from);
        if length.as_micros() < 0 || length > MAX_WINDOW {
            return Err(ChannelError::field("window", "range", "时间范围不能超过 24 小时"));
        }
        let body = json!({
            "begin_create_time": window.from.seconds(), "end_create_time": window.to.seconds(),
            "next_key": cursor.unwrap_or_default(),
        });
        let request = account_post(cx, "/channels/ec/aftersale/getaftersalelist", &body)?;
        Ok(Step::call(request.idempotent(), Vec::new()))
    }

    fn resume_list(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<Page<String>> {
        let body = read_only(cx, answers)?;
        let rows = match &body["after_sale_order_id_list"] {
            // The platform leaves the list out when it is empty.
            Value::Null if body.get("errcode").is_some() => &[][..],
            Value::Array(rows) => rows,
            _ => return Err(ChannelError::unexpected("the answer has no after_sale_order_id_list")),
        };
        let items = rows
            .iter()
            .map(|row| id(row).ok_or_else(|| ChannelError::unexpected("the id of a case is no id")))
            .collect::<Result<Vec<_>, _>>()?;
        let more = body["has_more"].as_bool().unwrap_or(false);
        Ok(Step::Done(Page { items, next_cursor: text(&body["next_key"]).filter(|_| more) }))
    }

    fn fetch(&self, cx: &Context<'_>, case_id: &str) -> Turn<ChannelCase> {
        Ok(Step::call(get(cx, case_id)?, encode_state(&Reading::Case)?))
    }

    fn resume_fetch(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ChannelCase> {
        let body = read_only(cx, answers)?;
        match decode_state(state)? {
            Reading::Case => {
                let found = case::read(&body, cx.now)?;
                let Some(dispute) = &found.dispute else { return Ok(Step::Done(found)) };
                let request = dispute::get(cx, &dispute.external_id)?;
                Ok(Step::call(request, encode_state(&Reading::Dispute(Box::new(found.clone())))?))
            }
            Reading::Dispute(mut found) => {
                let id = found.dispute.take().map(|dispute| dispute.external_id).unwrap_or_default();
                found.dispute = Some(dispute::parse(&body, id)?);
                Ok(Step::Done(*found))
            }
        }
    }

    fn choices(&self, cx: &Context<'_>, wanted: &CaseRef) -> Turn<CaseChoices> {
        let mut requests =
            vec![account_post(cx, "/channels/ec/aftersale/rejectreason/get", &json!({}))?.idempotent()];
        if wanted.kind != CaseKind::RefundOnly {
            let page = json!({ "offset": 0, "limit": MOST_ADDRESSES });
            requests.push(account_post(cx, "/channels/ec/merchant/address/list", &page)?.idempotent());
        }
        let state = encode_state(&Choosing::Lists(scenes(&wanted.kind)))?;
        Ok(Step::Call { requests, parallel: true, state })
    }

    fn resume_choices(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<CaseChoices> {
        match decode_state(state)? {
            Choosing::Lists(scenes) => {
                let (first, rest) = answers
                    .split_first()
                    .ok_or_else(|| ChannelError::unexpected("no answer to the reasons"))?;
                let refusal_reasons = reasons(&read(first.response()?, cx.now)?, &scenes)?;
                let mut requests = Vec::new();
                for answer in rest {
                    let body = read(answer.response()?, cx.now)?;
                    let ids = body["address_id_list"].as_array().map(Vec::as_slice).unwrap_or_default();
                    for address in ids.iter().filter_map(id).take(MOST_ADDRESSES) {
                        let asked = json!({ "address_id": address });
                        let request = account_post(cx, "/channels/ec/merchant/address/get", &asked)?;
                        requests.push(request.idempotent());
                    }
                }
                if requests.is_empty() {
                    return Ok(Step::Done(CaseChoices { refusal_reasons, return_addresses: Vec::new() }));
                }
                let state = encode_state(&Choosing::Addresses(refusal_reasons))?;
                Ok(Step::Call { requests, parallel: true, state })
            }
            Choosing::Addresses(refusal_reasons) => {
                if answers.is_empty() {
                    return Err(ChannelError::unexpected("no answer to the addresses"));
                }
                let mut return_addresses: Vec<ReturnAddress> = Vec::new();
                for answer in answers {
                    return_addresses.extend(address(&read(answer.response()?, cx.now)?)?);
                }
                let chosen = id(&cx.settings["return_address_id"]);
                if return_addresses.iter().any(|one| Some(&one.address_id) == chosen.as_ref()) {
                    return_addresses
                        .iter_mut()
                        .for_each(|one| one.default = Some(&one.address_id) == chosen.as_ref());
                }
                Ok(Step::Done(CaseChoices { refusal_reasons, return_addresses }))
            }
        }
    }

    fn accept(&self, cx: &Context<'_>, acceptance: &Acceptance) -> Turn<CaseOutcome> {
        let goods_come = goods_move(&acceptance.case) && acceptance.step == AcceptanceStep::Agree;
        if goods_come && acceptance.address_id.is_none() {
            return Err(ChannelError::field("address_id", "required", "请选择退货地址"));
        }
        let state = encode_state(&Deciding::Reading(acceptance.clone()))?;
        Ok(Step::call(get(cx, &acceptance.case.case_id)?, state))
    }

    fn resume_accept(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<CaseOutcome> {
        let body = read_only(cx, answers)?;
        let acceptance: Acceptance = match decode_state(state)? {
            Deciding::Reading(acceptance) => acceptance,
            Deciding::Telling => return told(&body),
        };
        let found = case::read(&body, cx.now)?;
        match case::seen(&acceptance.case, &found, |state| case::follows_acceptance(acceptance.step, state)) {
            Seen::Unchanged => {}
            Seen::Done => return Ok(Step::Done(CaseOutcome::TakenBefore(Box::new(found)))),
            Seen::Moved => return Err(moved(&found)),
        }
        if acceptance.case.kind == CaseKind::Exchange && acceptance.step == AcceptanceStep::Received {
            let Some(parcel) = acceptance.parcel else {
                return Err(ChannelError::field("waybill", "required", "请填写新商品的快递公司与运单号"));
            };
            let asked = json!({
                "after_sale_order_id": acceptance.case.case_id, "waybill_id": parcel.waybill,
                "delivery_id": parcel.carrier,
            });
            let request = account_post(cx, "/channels/ec/aftersale/acceptexchangereship", &asked)?;
            return Ok(Step::call(request, encode_state(&Deciding::<Acceptance>::Telling)?));
        }
        let mut asked = json!({ "after_sale_order_id": acceptance.case.case_id });
        if let Some(fields) = asked.as_object_mut() {
            if let Some(address) = acceptance.address_id {
                fields.insert("address_id".to_owned(), json!(address));
            }
            // 1 agrees that goods come back, 2 that money goes back.
            let goods_come = goods_move(&acceptance.case) && acceptance.step == AcceptanceStep::Agree;
            fields.insert("accept_type".to_owned(), json!(if goods_come { 1 } else { 2 }));
        }
        // Not idempotent: after a lost answer the whole operation starts again and reads the case first.
        let request = account_post(cx, "/channels/ec/aftersale/acceptapply", &asked)?;
        Ok(Step::call(request, encode_state(&Deciding::<Acceptance>::Telling)?))
    }

    fn refuse(&self, cx: &Context<'_>, refusal: &Refusal) -> Turn<CaseOutcome> {
        if refusal.reason_code.parse::<i64>().is_err() {
            return Err(ChannelError::field("reason_code", "required", "请选择拒绝原因"));
        }
        if refusal.words.chars().count() > MOST_WORDS {
            return Err(ChannelError::field("words", "length", "拒绝说明最多 200 个字"));
        }
        let state = encode_state(&Deciding::Reading(refusal.clone()))?;
        Ok(Step::call(get(cx, &refusal.case.case_id)?, state))
    }

    fn resume_refuse(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<CaseOutcome> {
        let body = read_only(cx, answers)?;
        let refusal: Refusal = match decode_state(state)? {
            Deciding::Reading(refusal) => refusal,
            Deciding::Telling => return told(&body),
        };
        let found = case::read(&body, cx.now)?;
        match case::seen(&refusal.case, &found, |state| *state == CaseState::Refused) {
            Seen::Unchanged => {}
            Seen::Done => return Ok(Step::Done(CaseOutcome::TakenBefore(Box::new(found)))),
            Seen::Moved => return Err(moved(&found)),
        }
        let asked = json!({
            "after_sale_order_id": refusal.case.case_id, "reject_reason": refusal.words,
            "reject_reason_type": refusal.reason_code.parse::<i64>().unwrap_or_default(),
        });
        // New goods that are not sent are refused with a call of their own.
        let exchange = refusal.case.kind == CaseKind::Exchange && found.state == CaseState::Returning;
        let path = if exchange { "rejectexchangereship" } else { "rejectapply" };
        let request = account_post(cx, &format!("/channels/ec/aftersale/{path}"), &asked)?;
        Ok(Step::call(request, encode_state(&Deciding::<Refusal>::Telling)?))
    }
}

/// Somebody else was faster: nothing is decided on what was not seen.
fn moved(found: &ChannelCase) -> ChannelError {
    let detail = format!("售后单已变化，当前状态 {}，请刷新后再处理", found.native_state);
    ChannelError::new(ErrorClass::BusinessRefusal, detail)
}

/// The documents call the list `reason_list`, the platform was seen to answer `reject_reason_list`.
fn reasons(body: &Value, scenes: &[i64]) -> Result<Vec<RefusalReason>, ChannelError> {
    let lists = ["reason_list", "reject_reason_list"];
    let rows = lists
        .iter()
        .find_map(|name| body[*name].as_array())
        .ok_or_else(|| ChannelError::unexpected("the answer has no reason_list"))?;
    let fits = |row: &&Value| {
        integer(&row["reject_scene"]).is_none_or(|scene| scenes.is_empty() || scenes.contains(&scene))
    };
    let reason = |row: &Value| {
        Some(RefusalReason {
            code: id(&row["reject_reason_type"])?,
            title: text(&row["reject_reason_type_text"]).unwrap_or_default(),
            words: text(&row["reject_reason"]).unwrap_or_default(),
        })
    };
    Ok(rows.iter().filter(fits).filter_map(reason).collect())
}

/// An address of the merchant; none when it is not for goods that come back.
fn address(body: &Value) -> Result<Option<ReturnAddress>, ChannelError> {
    let detail = &body["address_detail"];
    let address_id = id(&detail["address_id"])
        .ok_or_else(|| ChannelError::unexpected("the answer has no address_detail.address_id"))?;
    if detail["recv_addr"].as_bool() == Some(false) {
        return Ok(None);
    }
    let info = &detail["address_info"];
    let fields = ["province_name", "city_name", "county_name", "detail_info", "house_number"];
    let place: String = fields.iter().filter_map(|field| text(&info[*field])).collect();
    let people = ["user_name", "tel_number"].iter().filter_map(|field| text(&info[*field]));
    let words: Vec<String> = std::iter::once(place).chain(people).filter(|word| !word.is_empty()).collect();
    let default = detail["default_recv"].as_bool().unwrap_or(false);
    Ok(Some(ReturnAddress { address_id, text: words.join(" "), default }))
}
