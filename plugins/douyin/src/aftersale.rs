//! After-sale cases: `/afterSale/List`, `/afterSale/Detail`, `/afterSale/operate`. The list is by the time of change. A
//! decision carries the time of change that was seen (`update_time`): the platform refuses one about an older state.
//!
//! Numbers of operations: 201 and 202 (refund only) stand in the public client libraries, 101, 301 and 311 with what
//! they need in the parameters of the interface; 102, 111, 112, 302 and 312 follow the same scheme and are our reading.
//! For resends and repairs no number was found: they are decided at the platform.

use crate::call::{account_call, id_number, number, read, read_only, rows};
use crate::{Douyin, case};
use qianpu_domain::time::Span;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    Acceptance, AcceptanceStep, Aftersale, Answer, CaseChoices, CaseKind, CaseOutcome, CaseRef, CaseState,
    ChannelCase, ChannelError, Context, ErrorClass, Page, Refusal, RefusalReason, RemoteError, Request,
    ReturnAddress, Step, TimeWindow, Turn, decode_state, encode_state,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The platform's ceiling.
const PAGE: i64 = 100;
/// The list is read as the other platforms allow it.
const MAX_WINDOW: Span = Span::hours(24);
/// Addresses that are shown.
const MOST_ADDRESSES: i64 = 50;
const MOST_WORDS: usize = 200;

fn get(cx: &Context<'_>, case_id: &str) -> Result<Request, ChannelError> {
    Ok(account_call(cx, "/afterSale/Detail", &json!({ "after_sale_id": case_id }))?.idempotent())
}

/// `start:page`, as in the list of orders: cases that change while pages are read leave their place.
fn read_cursor(cursor: &str) -> Option<(i64, i64)> {
    let (start, page) = cursor.split_once(':')?;
    Some((start.parse().ok()?, page.parse().ok().filter(|page| *page >= 0)?))
}

#[derive(Serialize, Deserialize)]
enum Deciding<T> {
    Reading(T),
    Telling,
}

/// The number of an operation, by what is asked for and whether the goods are here.
fn operation(kind: &CaseKind, received: bool, accept: bool) -> Option<i64> {
    let first = match (kind, received) {
        (CaseKind::ReturnRefund, false) => 101,
        (CaseKind::ReturnRefund, true) => 111,
        (CaseKind::RefundOnly, _) => 201,
        (CaseKind::Exchange, false) => 301,
        (CaseKind::Exchange, true) => 311,
        (CaseKind::Reship | CaseKind::Other(_), _) => return None,
    };
    Some(if accept { first } else { first + 1 })
}

fn not_here() -> ChannelError {
    ChannelError::new(ErrorClass::BusinessRefusal, "这类售后请在抖店后台处理")
}

fn moved(found: &ChannelCase) -> ChannelError {
    let detail = format!("售后单已变化，当前状态 {}，请刷新后再处理", found.native_state);
    ChannelError::new(ErrorClass::BusinessRefusal, detail)
}

/// The one result of an operation.
fn told(data: &Value) -> Turn<CaseOutcome> {
    let row =
        rows(&data["items"]).first().ok_or_else(|| ChannelError::unexpected("the answer has no items"))?;
    match number(row, "status_code")? {
        0 | 10_000 => Ok(Step::Done(CaseOutcome::Taken)),
        code => {
            let message = text(&row["status_msg"]).unwrap_or_default();
            let remote = RemoteError { code: code.to_string(), message, rid: None };
            Err(ChannelError::remote(ErrorClass::BusinessRefusal, remote))
        }
    }
}

fn operate(cx: &Context<'_>, kind: i64, item: &Value) -> Result<Request, ChannelError> {
    account_call(cx, "/afterSale/operate", &json!({ "type": kind, "items": [item] }))
}

/// What became of a case since somebody decided about it.
fn unchanged(
    was: &CaseRef,
    found: ChannelCase,
    done: impl Fn(&CaseState) -> bool,
) -> Result<Option<CaseOutcome>, ChannelError> {
    if found.native_state == was.native_state && found.updated_at <= was.updated_at {
        Ok(None)
    } else if found.native_state != was.native_state && done(&found.state) {
        Ok(Some(CaseOutcome::TakenBefore(Box::new(found))))
    } else {
        Err(moved(&found))
    }
}

impl Aftersale for Douyin {
    fn list(&self, cx: &Context<'_>, window: TimeWindow, cursor: Option<&str>) -> Turn<Page<String>> {
        let length = window.to.since(window.from);
        if length.as_micros() < 0 || length > MAX_WINDOW {
            return Err(ChannelError::field("window", "range", "时间范围不能超过 24 小时"));
        }
        let (start, page) = match cursor {
            None => (window.from.seconds(), 0),
            Some(cursor) => read_cursor(cursor)
                .ok_or_else(|| ChannelError::field("cursor", "invalid", "翻页标记无法识别"))?,
        };
        let params = json!({
            "update_start_time": start, "update_end_time": window.to.seconds(),
            "page": page, "size": PAGE, "order_by": ["update_time asc"],
        });
        let request = account_call(cx, "/afterSale/List", &params)?.idempotent();
        Ok(Step::call(request, encode_state(&(start, page))?))
    }

    fn resume_list(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<String>> {
        let (start, page): (i64, i64) = decode_state(state)?;
        let data = read_only(cx, answers)?;
        let found =
            data["items"].as_array().ok_or_else(|| ChannelError::unexpected("the answer has no items"))?;
        let missing = || ChannelError::unexpected("a row has no aftersale_id");
        let items = found
            .iter()
            .map(|row| id(&row["aftersale_info"]["aftersale_id"]).ok_or_else(missing))
            .collect::<Result<Vec<_>, _>>()?;
        let more = data["has_more"].as_bool().unwrap_or(false);
        let last = found.last().and_then(|row| integer(&row["aftersale_info"]["update_time"]));
        let next_cursor = more.then(|| match last.filter(|at| *at > start) {
            Some(at) => format!("{at}:0"),
            None => format!("{start}:{}", page + 1),
        });
        Ok(Step::Done(Page { items, next_cursor }))
    }

    fn fetch(&self, cx: &Context<'_>, case_id: &str) -> Turn<ChannelCase> {
        Ok(Step::call(get(cx, case_id)?, Vec::new()))
    }

    fn resume_fetch(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<ChannelCase> {
        case::read(&read_only(cx, answers)?).map(Step::Done)
    }

    fn choices(&self, cx: &Context<'_>, wanted: &CaseRef) -> Turn<CaseChoices> {
        let asked = json!({ "aftersale_id": id_number(&wanted.case_id) });
        let mut requests = vec![account_call(cx, "/afterSale/rejectReasonCodeList", &asked)?.idempotent()];
        if matches!(wanted.kind, CaseKind::ReturnRefund | CaseKind::Exchange) {
            let page = json!({ "page_no": 1, "page_size": MOST_ADDRESSES });
            requests.push(account_call(cx, "/address/list", &page)?.idempotent());
        }
        Ok(Step::Call { requests, parallel: true, state: Vec::new() })
    }

    fn resume_choices(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<CaseChoices> {
        let (first, rest) =
            answers.split_first().ok_or_else(|| ChannelError::unexpected("no answer to the reasons"))?;
        let data = read(first.response()?, cx)?;
        let list =
            data["items"].as_array().ok_or_else(|| ChannelError::unexpected("the answer has no items"))?;
        let reason = |row: &Value| {
            // A reason that wants pictures is given at the platform, where they can be uploaded.
            if text(&row["evidence_need"]).is_some_and(|need| need.eq_ignore_ascii_case("y")) {
                return None;
            }
            let title = text(&row["reason"])?;
            Some(RefusalReason { code: id(&row["reject_reason_code"])?, words: title.clone(), title })
        };
        let refusal_reasons = list.iter().filter_map(reason).collect();
        let mut return_addresses = Vec::new();
        for answer in rest {
            let data = read(answer.response()?, cx)?;
            return_addresses.extend(rows(&data["address_list"]).iter().filter_map(address));
        }
        Ok(Step::Done(CaseChoices { refusal_reasons, return_addresses }))
    }

    fn accept(&self, cx: &Context<'_>, acceptance: &Acceptance) -> Turn<CaseOutcome> {
        let received = acceptance.step == AcceptanceStep::Received;
        let kind = &acceptance.case.kind;
        operation(kind, received, true).ok_or_else(not_here)?;
        let goods_move = matches!(kind, CaseKind::ReturnRefund | CaseKind::Exchange);
        if !received && goods_move && acceptance.address_id.is_none() {
            return Err(ChannelError::field("address_id", "required", "请选择退货地址"));
        }
        let state = encode_state(&Deciding::Reading(acceptance.clone()))?;
        Ok(Step::call(get(cx, &acceptance.case.case_id)?, state))
    }

    fn resume_accept(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<CaseOutcome> {
        let data = read_only(cx, answers)?;
        let acceptance: Acceptance = match decode_state(state)? {
            Deciding::Reading(acceptance) => acceptance,
            Deciding::Telling => return told(&data),
        };
        let received = acceptance.step == AcceptanceStep::Received;
        let done = |state: &CaseState| match state {
            CaseState::Refunding | CaseState::Done => true,
            CaseState::Accepted => !received,
            CaseState::ReceivedBack => received,
            _ => false,
        };
        if let Some(outcome) = unchanged(&acceptance.case, case::read(&data)?, done)? {
            return Ok(Step::Done(outcome));
        }
        let kind = operation(&acceptance.case.kind, received, true).ok_or_else(not_here)?;
        let mut item = json!({
            "aftersale_id": acceptance.case.case_id, "update_time": acceptance.case.updated_at.seconds(),
        });
        let mut logistics = serde_json::Map::new();
        if let Some(address) = &acceptance.address_id {
            logistics.insert("receiver_address_id".to_owned(), id_number(address));
        }
        if let Some(parcel) = &acceptance.parcel {
            logistics.insert("company_code".to_owned(), json!(parcel.carrier));
            logistics.insert("logistics_code".to_owned(), json!(parcel.waybill));
        }
        if let Some(fields) = item.as_object_mut().filter(|_| !logistics.is_empty()) {
            fields.insert("logistics".to_owned(), Value::Object(logistics));
        }
        // Not idempotent: after a lost answer the whole operation starts again and reads the case first.
        Ok(Step::call(operate(cx, kind, &item)?, encode_state(&Deciding::<Acceptance>::Telling)?))
    }

    fn refuse(&self, cx: &Context<'_>, refusal: &Refusal) -> Turn<CaseOutcome> {
        operation(&refusal.case.kind, false, false).ok_or_else(not_here)?;
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
        let data = read_only(cx, answers)?;
        let refusal: Refusal = match decode_state(state)? {
            Deciding::Reading(refusal) => refusal,
            Deciding::Telling => return told(&data),
        };
        let found = case::read(&data)?;
        let received = found.state == CaseState::Returning;
        if let Some(outcome) = unchanged(&refusal.case, found, |state| *state == CaseState::Refused)? {
            return Ok(Step::Done(outcome));
        }
        let kind = operation(&refusal.case.kind, received, false).ok_or_else(not_here)?;
        // The platform wants words with every refusal.
        let words =
            if refusal.words.trim().is_empty() { "不符合售后条件" } else { refusal.words.trim() };
        let item = json!({
            "aftersale_id": refusal.case.case_id, "update_time": refusal.case.updated_at.seconds(),
            "reject_reason_code": id_number(&refusal.reason_code), "reason": words, "remark": words,
        });
        Ok(Step::call(operate(cx, kind, &item)?, encode_state(&Deciding::<Refusal>::Telling)?))
    }
}

fn address(row: &Value) -> Option<ReturnAddress> {
    let named = |field: &str| {
        let place = &row[field];
        text(&place["name"]).or_else(|| text(&row[format!("{field}_name").as_str()])).unwrap_or_default()
    };
    let place: String = ["province", "city", "town", "street"].map(named).concat();
    let detail = text(&row["detail"]).unwrap_or_default();
    let people = ["receiver_name", "user_name", "mobile"].iter().filter_map(|field| text(&row[*field]));
    let words: Vec<String> =
        std::iter::once(format!("{place}{detail}")).chain(people).filter(|word| !word.is_empty()).collect();
    let default = integer(&row["is_default"]) == Some(1) || row["is_default"].as_bool() == Some(true);
    Some(ReturnAddress { address_id: id(&row["address_id"])?, text: words.join(" "), default })
}
