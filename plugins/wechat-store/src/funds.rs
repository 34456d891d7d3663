//! Money of a shop (`channels/ec/funds/…`, codes under `shop/funds/qrcode/…`).
//!
//! Field names: `bean/fund` and `enums` of the client library WxJava (`weixin-java-channel`). A withdrawal has no key of
//! ours at the platform, so our reference stands in its remark and is looked for before anything is asked for. The bank
//! account is read for showing and masked here.

use crate::WechatStore;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, offset};
use qianpu_domain::money::Fen;
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    Answer, Balance, BankAccount, ChannelError, CodePicture, CodeScanner, CodeStanding, CodeState, Context,
    ErrorClass, FlowKind, FlowQuery, Funds, FundsFlow, Page, Request, Step, TimeWindow, Turn,
    WantedWithdrawal, Withdrawal, WithdrawalAsked, WithdrawalState, decode_state, encode_state,
};
use qianpu_wechat_wire::call::{account_post, read, read_only, required_id, required_text};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Rows of a page; each is read by itself.
const PAGE: i64 = 10;
/// Pages that can be asked for without the platform's own key.
const MOST_PAGES: i64 = 999;
/// Withdrawals that are looked through before another is asked for.
const LOOKED_THROUGH: i64 = 20;
/// Clocks differ.
const LEEWAY: Span = Span::minutes(10);

const KINDS: &[(i64, FlowKind)] = &[
    (1, FlowKind::OrderIncome),
    (2, FlowKind::OrderFee),
    (3, FlowKind::Refund),
    (4, FlowKind::Withdrawal),
    (5, FlowKind::WithdrawalReturned),
    (6, FlowKind::GuideShare),
    (7, FlowKind::AllianceShare),
    (8, FlowKind::FreightInsurance),
    (9, FlowKind::AlliancePlatformFee),
    (10, FlowKind::AllianceCommission),
    (11, FlowKind::PlatformCommission),
    (12, FlowKind::LeaderCommission),
    (13, FlowKind::PopularityCard),
    (14, FlowKind::FastRefundAdvance),
    (15, FlowKind::FastRefundRepaid),
    (16, FlowKind::FreightInsurance),
    (99, FlowKind::Sharing),
];

#[derive(Serialize, Deserialize)]
enum Listing {
    /// A page of ids, and the number of the page.
    Ids(i64),
    /// The rows of that page, and where the next one begins.
    Rows(Option<String>),
}

#[derive(Serialize, Deserialize)]
enum Asking {
    /// Balance and recent withdrawals.
    Before(WantedWithdrawal),
    Rows(WantedWithdrawal),
    Telling,
}

fn amount(body: &Value, field: &str) -> Result<Fen, ChannelError> {
    integer(&body[field])
        .map(Fen::new)
        .ok_or_else(|| ChannelError::unexpected(format!("the answer has no {field}")))
}

fn ids(body: &Value, field: &str) -> Result<Vec<String>, ChannelError> {
    match &body[field] {
        // The platform leaves lists out when they are empty.
        Value::Null if body.get("errcode").is_some() => Ok(Vec::new()),
        Value::Array(rows) => rows
            .iter()
            .map(|row| id(row).ok_or_else(|| ChannelError::unexpected("the id of a row is no id")))
            .collect(),
        _ => Err(ChannelError::unexpected(format!("the answer has no {field}"))),
    }
}

fn moment(value: &Value) -> Option<Timestamp> {
    integer(value).filter(|seconds| *seconds > 0).map(Timestamp::from_seconds)
}

/// `bookkeeping_time` is text: seconds, or date and time of Beijing.
fn booked(value: &Value) -> Option<Timestamp> {
    let civil = || {
        let at: DateTime = text(value)?.parse().ok()?;
        let at = at.to_zoned(TimeZone::fixed(offset(8))).ok()?;
        Some(Timestamp::from_micros(at.timestamp().as_microsecond()))
    };
    moment(value).or_else(civil)
}

/// The last four of a number that is long enough to hide the rest.
fn tail(number: &str) -> String {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < 8 { String::new() } else { digits[digits.len() - 4..].iter().collect() }
}

fn masked(name: &str) -> String {
    let count = name.chars().count();
    let shown = if count > 6 { 2 } else { 1 };
    let last = if count > 6 { 2 } else { 0 };
    let letter = |(at, letter): (usize, char)| {
        if at < shown || at + last >= count { letter } else { '*' }
    };
    name.chars().enumerate().map(letter).collect()
}

fn bank(body: &Value) -> Option<BankAccount> {
    let info = body.get("account_info").filter(|info| info.is_object())?;
    let first = |fields: &[&str]| fields.iter().find_map(|field| text(&info[*field])).unwrap_or_default();
    Some(BankAccount {
        bank: first(&["account_bank4show", "bank_name", "account_bank"]),
        holder: masked(&first(&["account_name"])),
        tail: tail(&id(&info["account_number"]).unwrap_or_default()),
    })
}

fn flow(body: &Value) -> Result<FundsFlow, ChannelError> {
    let row = &body["funds_flow"];
    let number = integer(&row["funds_type"])
        .ok_or_else(|| ChannelError::unexpected("the movement has no funds_type"))?;
    let kind = KINDS.iter().find(|(known, _)| *known == number).map(|(_, kind)| kind.clone());
    let income = match integer(&row["flow_type"]) {
        Some(1) => true,
        Some(2) => false,
        _ => return Err(ChannelError::unexpected("the movement has no flow_type")),
    };
    let related = row["related_info_list"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of = |field: &str| related.iter().find_map(|one| id(&one[field]));
    let when = booked(&row["bookkeeping_time"])
        .or_else(|| related.iter().find_map(|one| booked(&one["bookkeeping_time"])));
    Ok(FundsFlow {
        flow_id: required_id(row, "flow_id")?,
        kind: kind.unwrap_or_else(|| FlowKind::Unknown(number.to_string())),
        income,
        amount: amount(row, "amount")?,
        balance: integer(&row["balance"]).map(Fen::new),
        booked_at: when,
        order_id: of("order_id"),
        case_id: of("aftersale_id"),
        withdrawal_id: of("withdraw_id"),
        remark: text(&row["remark"]).unwrap_or_default(),
    })
}

/// Reads the answer of `getwithdrawdetail`, which does not repeat the id.
fn withdrawal(body: &Value, withdrawal_id: String) -> Result<Withdrawal, ChannelError> {
    let native_state = required_text(body, "status")?;
    let state = match native_state.as_str() {
        "INIT" => WithdrawalState::Waiting,
        "CREATE_SUCCESS" => WithdrawalState::Accepted,
        "SUCCESS" => WithdrawalState::Paid,
        "FAIL" => WithdrawalState::Failed,
        "REFUND" => WithdrawalState::Returned,
        "CLOSE" => WithdrawalState::Closed,
        other => WithdrawalState::Unknown(other.to_owned()),
    };
    Ok(Withdrawal {
        withdrawal_id,
        amount: amount(body, "amount")?,
        state,
        native_state,
        remark: text(&body["remark"]).unwrap_or_default(),
        reason: text(&body["reason"]),
        bank: text(&body["bank_name"]),
        tail: id(&body["bank_num"]).map(|number| tail(&number)).filter(|tail| !tail.is_empty()),
        created_at: moment(&body["create_time"]),
        updated_at: moment(&body["update_time"]),
    })
}

fn detail(cx: &Context<'_>, withdrawal_id: &str) -> Result<Request, ChannelError> {
    let body = json!({ "withdraw_id": withdrawal_id });
    Ok(account_post(cx, "/channels/ec/funds/getwithdrawdetail", &body)?.idempotent())
}

fn recent(cx: &Context<'_>, window: TimeWindow, page: i64, size: i64) -> Result<Request, ChannelError> {
    let body = json!({
        "page_num": page, "page_size": size,
        "start_time": window.from.seconds(), "end_time": window.to.seconds(),
    });
    Ok(account_post(cx, "/channels/ec/funds/getwithdrawlist", &body)?.idempotent())
}

/// Rows with their ids, which the state has to carry because the answers do not.
#[derive(Serialize, Deserialize)]
struct WithIds<T> {
    ids: Vec<String>,
    rest: T,
}

fn rows(cx: &Context<'_>, ids: &[String], answers: &[Answer]) -> Result<Vec<Withdrawal>, ChannelError> {
    if ids.len() != answers.len() {
        return Err(ChannelError::unexpected("not every withdrawal was answered"));
    }
    ids.iter()
        .zip(answers)
        .map(|(one, answer)| withdrawal(&read(answer.response()?, cx.now)?, one.clone()))
        .collect()
}

/// The cursor of a page: its number, and the key the platform gave for it.
fn page_of(cursor: Option<&str>) -> Result<(i64, String), ChannelError> {
    let Some(cursor) = cursor else { return Ok((1, String::new())) };
    let (page, key) = cursor.split_once(':').unwrap_or((cursor, ""));
    match page.parse() {
        Ok(page) if (1..=MOST_PAGES).contains(&page) => Ok((page, key.to_owned())),
        _ => Err(ChannelError::field("cursor", "invalid", "翻页参数有误，请从第一页重新查看")),
    }
}

fn ask(cx: &Context<'_>, wanted: &WantedWithdrawal) -> Turn<WithdrawalAsked> {
    let body = json!({
        "amount": wanted.amount.get(), "remark": wanted.reference,
        "bank_memo": wanted.bank_memo.as_deref().unwrap_or_default(),
    });
    // Never sent twice: after a lost answer the reference is looked for.
    let request = account_post(cx, "/channels/ec/funds/submitwithdraw", &body)?;
    Ok(Step::call(request, encode_state(&Asking::Telling)?))
}

fn code_call(cx: &Context<'_>, what: &str, ticket: &str) -> Result<Request, ChannelError> {
    let path = format!("/shop/funds/qrcode/{what}");
    Ok(account_post(cx, &path, &json!({ "qrcode_ticket": ticket }))?.redacted("qrcode_ticket").idempotent())
}

impl Funds for WechatStore {
    fn balance(&self, cx: &Context<'_>) -> Turn<Balance> {
        let read = |path: &str| Ok(account_post(cx, path, &json!({}))?.idempotent());
        let requests: Result<Vec<Request>, ChannelError> =
            ["/channels/ec/funds/getbalance", "/channels/ec/funds/getbankacct"]
                .into_iter()
                .map(read)
                .collect();
        Ok(Step::Call { requests: requests?, parallel: true, state: Vec::new() })
    }
    fn resume_balance(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<Balance> {
        let [balance, account] = answers else {
            return Err(ChannelError::unexpected("expected the balance and the bank account"));
        };
        let body = read(balance.response()?, cx.now)?;
        let (available, pending) = (amount(&body, "available_amount")?, amount(&body, "pending_amount")?);
        // A shop without a bank account has a balance nevertheless.
        let bank = match read(account.response()?, cx.now) {
            Ok(body) => bank(&body),
            Err(error) if error.class == ErrorClass::BusinessRefusal => None,
            Err(error) => return Err(error),
        };
        Ok(Step::Done(Balance { available, pending, sub_merchant: id(&body["sub_mchid"]), bank }))
    }

    fn flows(&self, cx: &Context<'_>, wanted: &FlowQuery) -> Turn<Page<FundsFlow>> {
        let (page, key) = page_of(wanted.cursor.as_deref())?;
        let mut body = json!({
            "page": page, "page_size": PAGE,
            "start_time": wanted.window.from.seconds(), "end_time": wanted.window.to.seconds(),
        });
        if let Some(fields) = body.as_object_mut() {
            if let Some(income) = wanted.income {
                fields.insert("flow_type".to_owned(), json!(if income { 1 } else { 2 }));
            }
            if !key.is_empty() {
                fields.insert("next_key".to_owned(), json!(key));
            }
        }
        let request = account_post(cx, "/channels/ec/funds/getfundsflowlist", &body)?.idempotent();
        Ok(Step::call(request, encode_state(&Listing::Ids(page))?))
    }
    fn resume_flows(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<FundsFlow>> {
        match decode_state(state)? {
            Listing::Ids(page) => {
                let body = read_only(cx, answers)?;
                let ids = ids(&body, "flow_ids")?;
                if ids.is_empty() {
                    return Ok(Step::Done(Page { items: Vec::new(), next_cursor: None }));
                }
                let more = body["has_more"].as_bool().unwrap_or(false) && page < MOST_PAGES;
                let key = text(&body["next_key"]).unwrap_or_default();
                let next = more.then(|| format!("{}:{key}", page + 1));
                let one = |flow: &String| {
                    let body = json!({ "flow_id": flow });
                    Ok(account_post(cx, "/channels/ec/funds/getfundsflowdetail", &body)?.idempotent())
                };
                let requests = ids.iter().map(one).collect::<Result<Vec<_>, ChannelError>>()?;
                Ok(Step::Call { requests, parallel: true, state: encode_state(&Listing::Rows(next))? })
            }
            Listing::Rows(next_cursor) => {
                if answers.is_empty() {
                    return Err(ChannelError::unexpected("no answer to the movements"));
                }
                let items = answers
                    .iter()
                    .map(|answer| flow(&read(answer.response()?, cx.now)?))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(Step::Done(Page { items, next_cursor }))
            }
        }
    }

    fn withdrawals(
        &self,
        cx: &Context<'_>,
        window: TimeWindow,
        cursor: Option<&str>,
    ) -> Turn<Page<Withdrawal>> {
        let (page, _) = page_of(cursor)?;
        let state = WithIds { ids: Vec::new(), rest: Listing::Ids(page) };
        Ok(Step::call(recent(cx, window, page, PAGE)?, encode_state(&state)?))
    }
    fn resume_withdrawals(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Page<Withdrawal>> {
        let known: WithIds<Listing> = decode_state(state)?;
        match known.rest {
            Listing::Ids(page) => {
                let body = read_only(cx, answers)?;
                let ids = ids(&body, "withdraw_ids")?;
                if ids.is_empty() {
                    return Ok(Step::Done(Page { items: Vec::new(), next_cursor: None }));
                }
                let total = integer(&body["total_num"]).unwrap_or(0);
                let next = (total > page * PAGE && page < MOST_PAGES).then(|| (page + 1).to_string());
                let requests = ids.iter().map(|one| detail(cx, one)).collect::<Result<Vec<_>, _>>()?;
                let state = encode_state(&WithIds { ids, rest: Listing::Rows(next) })?;
                Ok(Step::Call { requests, parallel: true, state })
            }
            Listing::Rows(next_cursor) => {
                Ok(Step::Done(Page { items: rows(cx, &known.ids, answers)?, next_cursor }))
            }
        }
    }

    fn withdrawal(&self, cx: &Context<'_>, withdrawal_id: &str) -> Turn<Withdrawal> {
        Ok(Step::call(detail(cx, withdrawal_id)?, encode_state(&withdrawal_id)?))
    }
    fn resume_withdrawal(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Withdrawal> {
        let withdrawal_id: String = decode_state(state)?;
        withdrawal(&read_only(cx, answers)?, withdrawal_id).map(Step::Done)
    }

    fn withdraw(&self, cx: &Context<'_>, wanted: &WantedWithdrawal) -> Turn<WithdrawalAsked> {
        if wanted.amount < Fen::new(1) {
            return Err(ChannelError::field("amount", "range", "提现金额至少为 0.01 元"));
        }
        let window = TimeWindow { from: wanted.since.minus(LEEWAY), to: cx.now.plus(LEEWAY) };
        let balance = account_post(cx, "/channels/ec/funds/getbalance", &json!({}))?.idempotent();
        let requests = vec![balance, recent(cx, window, 1, LOOKED_THROUGH)?];
        let state = WithIds { ids: Vec::new(), rest: Asking::Before(wanted.clone()) };
        Ok(Step::Call { requests, parallel: true, state: encode_state(&state)? })
    }
    fn resume_withdraw(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<WithdrawalAsked> {
        if let Ok(Asking::Telling) = decode_state(state) {
            let ticket = required_text(&read_only(cx, answers)?, "qrcode_ticket")?;
            return Ok(Step::Done(WithdrawalAsked::Waits { ticket }));
        }
        let known: WithIds<Asking> = decode_state(state)?;
        match known.rest {
            Asking::Before(wanted) => {
                let [balance, list] = answers else {
                    return Err(ChannelError::unexpected("expected the balance and the withdrawals"));
                };
                let available = amount(&read(balance.response()?, cx.now)?, "available_amount")?;
                let ids = ids(&read(list.response()?, cx.now)?, "withdraw_ids")?;
                if ids.is_empty() {
                    return covered(available, &wanted).and_then(|()| ask(cx, &wanted));
                }
                // The balance comes first among the rows, so that it is as fresh as they are.
                let mut requests =
                    vec![account_post(cx, "/channels/ec/funds/getbalance", &json!({}))?.idempotent()];
                for one in &ids {
                    requests.push(detail(cx, one)?);
                }
                let state = encode_state(&WithIds { ids, rest: Asking::Rows(wanted) })?;
                Ok(Step::Call { requests, parallel: true, state })
            }
            Asking::Rows(wanted) => {
                let (balance, list) =
                    answers.split_first().ok_or_else(|| ChannelError::unexpected("no answer"))?;
                let there = rows(cx, &known.ids, list)?;
                if let Some(before) = there.into_iter().find(|one| one.remark == wanted.reference) {
                    return Ok(Step::Done(WithdrawalAsked::Before(Box::new(before))));
                }
                let available = amount(&read(balance.response()?, cx.now)?, "available_amount")?;
                covered(available, &wanted).and_then(|()| ask(cx, &wanted))
            }
            Asking::Telling => Err(ChannelError::unexpected("the state of the operation cannot be read")),
        }
    }

    fn code(&self, cx: &Context<'_>, ticket: &str) -> Turn<CodePicture> {
        Ok(Step::call(code_call(cx, "get", ticket)?, Vec::new()))
    }
    fn resume_code(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<CodePicture> {
        let base64 = required_text(&read_only(cx, answers)?, "qrcode_buf")?;
        Ok(Step::Done(CodePicture { base64 }))
    }

    fn code_standing(&self, cx: &Context<'_>, ticket: &str) -> Turn<CodeStanding> {
        Ok(Step::call(code_call(cx, "check", ticket)?, Vec::new()))
    }
    fn resume_code_standing(
        &self,
        cx: &Context<'_>,
        _state: &[u8],
        answers: &[Answer],
    ) -> Turn<CodeStanding> {
        let body = read_only(cx, answers)?;
        let status =
            integer(&body["status"]).ok_or_else(|| ChannelError::unexpected("the answer has no status"))?;
        let state = match status {
            0 => CodeState::Fresh,
            1 => CodeState::Confirmed,
            2 => CodeState::Cancelled,
            3 => CodeState::Expired,
            4 => CodeState::Scanned,
            other => CodeState::Unknown(other.to_string()),
        };
        // Nobody is told of as long as nobody scanned it: 0 would be "no administrator".
        let by = match integer(&body["scan_user_type"]).filter(|_| state != CodeState::Fresh) {
            Some(0) => Some(CodeScanner::Other),
            Some(1) => Some(CodeScanner::Administrator),
            Some(2) => Some(CodeScanner::SecondAdministrator),
            _ => None,
        };
        let refused = integer(&body["self_check_err_code"]).is_some_and(|code| code != 0);
        let problem = text(&body["self_check_err_msg"]).filter(|_| refused);
        Ok(Step::Done(CodeStanding { state, by, problem }))
    }
}

fn covered(available: Fen, wanted: &WantedWithdrawal) -> Result<(), ChannelError> {
    if wanted.amount > available {
        return Err(ChannelError::field("amount", "not_covered", "提现金额超过可提现余额"));
    }
    Ok(())
}
