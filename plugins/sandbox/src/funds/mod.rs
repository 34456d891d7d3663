//! Money of a store: what moved it, and taking it out with a code that an administrator has to scan.
//!
//! From `doc/channels/API/funds` of developers.weixin.qq.com by way of the client library WxJava. The documents are silent
//! about these, so they are the sandbox's reading: a code lives five minutes; money leaves the balance when the code
//! is confirmed; a withdrawal whose code ends is closed.

mod api;
mod book;
mod page;

use crate::clock::{Now, random_text};
use crate::push::Event;
use crate::state::{Account, AccountKind, State};
use actix_web::web;
pub use api::{BALANCE, ROUTES};
use book::available;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const MOST: usize = 1_000;
const CODE_SECONDS: u64 = 300;

pub fn routes(config: &mut web::ServiceConfig) {
    page::routes(config);
}

/// What a store keeps of its money beside its orders.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Funds {
    pub withdrawals: Vec<Withdrawal>,
    /// Money that came in without an order: fen and second.
    pub shares: Vec<(i64, u64)>,
    pub bank: Option<Bank>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Bank {
    pub account_bank4show: String,
    pub account_number: String,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Withdrawal {
    pub id: u64,
    pub ticket: String,
    pub amount: i64,
    pub remark: String,
    pub bank_memo: String,
    /// `INIT`, `CREATE_SUCCESS`, `SUCCESS`, `FAIL`, `REFUND`, `CLOSE`.
    pub status: String,
    /// 0 fresh, 1 confirmed, 2 cancelled, 3 ended, 4 scanned.
    pub code: i64,
    /// 0 no administrator, 1 administrator, 2 second administrator.
    pub scanner: i64,
    /// Why a confirmation was refused.
    pub problem: String,
    pub reason: String,
    pub created: u64,
    pub updated: u64,
    /// When the money left the balance.
    pub left: Option<u64>,
    /// When it came back.
    pub back: Option<u64>,
    /// When the bank is done, or the code ends.
    pub due_ms: u64,
}

/// The store with this id.
fn store<'a>(state: &'a mut State, appid: &str) -> Result<&'a mut Account, String> {
    let found = state.accounts.get_mut(appid).filter(|one| one.kind == AccountKind::Store);
    found.ok_or_else(|| format!("no store {appid}"))
}

/// Makes a withdrawal; its ticket.
fn submit(
    state: &mut State,
    now: Now,
    appid: &str,
    amount: i64,
    remark: &str,
    memo: &str,
) -> Result<String, String> {
    if amount < 1 || amount > available(state, appid) {
        return Err("amount: expecting 1..=the available amount".to_owned());
    }
    let id = state.new_id(8_800_000_000_000_000_000);
    let ticket = random_text(48);
    let own = &mut store(state, appid)?.funds.withdrawals;
    if own.len() >= MOST {
        return Err("too many withdrawals; reset the sandbox".to_owned());
    }
    own.push(Withdrawal {
        id,
        ticket: ticket.clone(),
        amount,
        remark: remark.to_owned(),
        bank_memo: memo.to_owned(),
        status: "INIT".to_owned(),
        code: 0,
        scanner: 0,
        problem: String::new(),
        reason: String::new(),
        created: now.seconds(),
        updated: now.seconds(),
        left: None,
        back: None,
        due_ms: now.millis() + CODE_SECONDS * 1_000,
    });
    notify(state, now, appid, id, 1);
    Ok(ticket)
}

fn notify(state: &mut State, now: Now, appid: &str, id: u64, event: i64) {
    let body = json!({"withdraw_info": {"event": event, "withdraw_id": id.to_string()}});
    state.emit(now, appid, Event { name: "channels_ec_withdraw_notify", openid: None, body });
}

fn tell_code(state: &mut State, now: Now, appid: &str, one: &Withdrawal) {
    let info = json!({"ticket": one.ticket, "status": one.code, "scan_user_type": one.scanner});
    let body = json!({"qrcode_info": info});
    state.emit(now, appid, Event { name: "qrcode_status", openid: None, body });
}

/// Somebody does something with a withdrawal: an administrator with the phone, or the bank.
pub fn act(
    state: &mut State,
    now: Now,
    appid: &str,
    id: u64,
    what: &str,
    scanner: i64,
) -> Result<(), String> {
    let have = available(state, appid);
    let delay = state.settings.audit_delay_ms;
    let own = &mut store(state, appid)?.funds.withdrawals;
    let one = own.iter_mut().find(|one| one.id == id).ok_or("no such withdrawal")?;
    let (open, going) = (one.status == "INIT", one.status == "CREATE_SUCCESS");
    let mut event = None;
    let mut code_moved = true;
    match what {
        "scan" if open => {
            one.code = 4;
            one.scanner = scanner.clamp(0, 2);
            one.problem.clear();
        }
        "confirm" if open && one.code == 4 && one.scanner > 0 && one.amount <= have => {
            one.code = 1;
            one.status = "CREATE_SUCCESS".to_owned();
            one.left = Some(now.seconds());
            one.due_ms = now.millis() + delay;
            event = Some(2);
        }
        "confirm" if open && one.code == 4 => {
            one.problem = if one.scanner == 0 { "请管理员扫码" } else { "可提现余额不足" }.to_owned();
        }
        "cancel" | "expire" if open => {
            one.code = if what == "cancel" { 2 } else { 3 };
            one.status = "CLOSE".to_owned();
        }
        "pay" if going => {
            one.status = "SUCCESS".to_owned();
            (event, code_moved) = (Some(3), false);
        }
        "fail" if going => {
            one.status = "FAIL".to_owned();
            one.reason = "收款银行账户状态异常".to_owned();
            one.back = Some(now.seconds());
            (event, code_moved) = (Some(4), false);
        }
        "return" if one.status == "SUCCESS" => {
            one.status = "REFUND".to_owned();
            one.reason = "银行退票：户名与账号不符".to_owned();
            one.back = Some(now.seconds());
            (event, code_moved) = (Some(4), false);
        }
        other => return Err(format!("{other} does not fit {} with code {}", one.status, one.code)),
    }
    one.updated = now.seconds();
    let told = one.clone();
    if code_moved {
        tell_code(state, now, appid, &told);
    }
    if let Some(event) = event {
        notify(state, now, appid, id, event);
    }
    Ok(())
}

/// Money comes in without an order.
pub fn share(state: &mut State, now: Now, appid: &str, amount: i64) -> Result<(), String> {
    let funds = &mut store(state, appid)?.funds;
    if !(1..=1_000_000_000_000).contains(&amount) || funds.shares.len() >= MOST {
        return Err("an amount of 1 to 10^12 fen".to_owned());
    }
    funds.shares.push((amount, now.seconds()));
    Ok(())
}

/// Another bank account is set in the store's own console.
pub fn set_bank(state: &mut State, now: Now, appid: &str, bank: Bank) -> Result<(), String> {
    store(state, appid)?.funds.bank = Some(bank);
    let body = json!({"account_info": {"event": 1}});
    state.emit(now, appid, Event { name: "channels_ec_acct_notify", openid: None, body });
    Ok(())
}

fn view(one: &Withdrawal) -> Value {
    json!({
        "id": one.id.to_string(), "amount": one.amount, "status": one.status, "code": one.code,
        "remark": one.remark, "bank_memo": one.bank_memo, "reason": one.reason, "problem": one.problem,
        "scanner": one.scanner, "created": one.created, "open": one.status == "INIT",
        "scanned": one.status == "INIT" && one.code == 4, "going": one.status == "CREATE_SUCCESS",
        "paid": one.status == "SUCCESS",
    })
}

/// The bank pays out, and codes end. A memo with 失败 is one the bank refuses.
pub fn let_time_pass(state: &mut State, now: Now) -> bool {
    let automatic = state.settings.audit_automatically;
    let mut due = Vec::new();
    for account in state.accounts.values() {
        for one in account.funds.withdrawals.iter().filter(|one| one.due_ms <= now.millis()) {
            match one.status.as_str() {
                "INIT" => due.push((account.appid.clone(), one.id, "expire")),
                "CREATE_SUCCESS" if automatic && one.bank_memo.contains("失败") => {
                    due.push((account.appid.clone(), one.id, "fail"));
                }
                "CREATE_SUCCESS" if automatic => due.push((account.appid.clone(), one.id, "pay")),
                _ => {}
            }
        }
    }
    for (appid, id, what) in &due {
        if let Err(error) = act(state, now, appid, *id, what, 1) {
            tracing::warn!(error, "a withdrawal did not go on");
        }
    }
    !due.is_empty()
}

/// When something of it happens next.
pub fn next_due(state: &State) -> u64 {
    let automatic = state.settings.audit_automatically;
    let waits = |one: &&Withdrawal| one.status == "INIT" || (automatic && one.status == "CREATE_SUCCESS");
    let of = |account: &Account| account.funds.withdrawals.iter().filter(waits).map(|one| one.due_ms).min();
    state.accounts.values().filter_map(of).min().unwrap_or(u64::MAX)
}
