//! What a merchant's owner and finance staff are told by mail about invoices, receipts and deposits, each in
//! their own language, queued in the transaction of what it tells.

use crate::error::Answer;
use crate::mail::Mail;
use crate::pages::catalogue::Catalogue;
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::access::Role;
use qianpu_domain::billing::date_in;
use qianpu_domain::deposit::{TrialLimit, TrialTerms};
use qianpu_domain::money::Fen;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::invoice::{Invoice, InvoiceLine};
use qianpu_tenants::store::plan_change::PlanChange;
use qianpu_tenants::store::receipt::Receipt;
use qianpu_tenants::store::staff::staff_with_roles;

const MONEY: &str = "/console/merchant/money";
const BILLS: &str = "/console/merchant/money/bills";
const DEPOSITS: &str = "/console/merchant/money/deposits";

pub(super) struct Notice<'a> {
    pub texts: &'static str,
    pub arguments: &'a [(&'static str, String)],
    /// The plan's name, in Chinese and in English, where it is about one.
    pub plan: Option<(&'a str, &'a str)>,
    /// In Chinese and in English.
    pub points: &'a [(String, String)],
    pub path: String,
}

pub(super) async fn tell(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    notice: &Notice<'_>,
) -> Answer<()> {
    let public_url = state.config.app.public_url.trim_end_matches('/');
    for person in staff_with_roles(tx, &[Role::MerchantOwner, Role::MerchantFinance]).await? {
        let lang = Lang::parse(&person.locale).unwrap_or(Lang::Zh);
        let arguments = notice.arguments.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let plan = notice.plan.map(|(zh, en)| ("plan".to_owned(), lang.pick(zh, en).to_owned()));
        let mail = Mail {
            to: person.email,
            lang,
            texts: notice.texts.into(),
            arguments: arguments.chain(plan).chain([("seller".to_owned(), seller.to_owned())]).collect(),
            points: notice.points.iter().map(|(zh, en)| lang.pick(zh, en).to_owned()).collect(),
            link: Some(format!("{public_url}{}", notice.path)),
            from_name: seller.to_owned(),
        };
        state.mailer.enqueue(tx, &mail).await?;
    }
    Ok(())
}

pub(super) fn yuan(fen: Fen) -> String {
    format!("¥{fen}")
}

/// An invoice was issued, or is overdue.
pub(super) async fn invoice(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    texts: &'static str,
    invoice: &Invoice,
    lines: &[InvoiceLine],
) -> Answer<()> {
    let due = match invoice.due_at {
        Some(at) => date_in(at, &invoice.zone)?.to_string(),
        None => String::new(),
    };
    let arguments = [
        ("number", invoice.number.clone().unwrap_or_default()),
        ("amount", yuan(invoice.due()?)),
        ("due", due),
    ];
    let mut points: Vec<(String, String)> = lines
        .iter()
        .map(|line| {
            let amount = yuan(line.amounts.total);
            (format!("{}：{amount}", line.description_zh), format!("{}: {amount}", line.description_en))
        })
        .collect();
    for (zh, en, part) in [
        ("已冲减", "credited", invoice.credited),
        ("预存余额已付", "paid from the wallet", invoice.from_wallet),
    ] {
        if part != Fen::ZERO {
            points.push((format!("{zh}：−{}", yuan(part)), format!("{en}: −{}", yuan(part))));
        }
    }
    let path = format!("{BILLS}/{}", invoice.id);
    tell(state, tx, seller, &Notice { texts, arguments: &arguments, plan: None, points: &points, path }).await
}

/// A merchant changed to another plan, will with the next period, or will not after all. `points` say what it costs.
pub(super) async fn plan_change(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    texts: &'static str,
    change: &PlanChange,
    points: &[(String, String)],
) -> Answer<()> {
    let arguments = [("day", change.effective_on.clone())];
    let plan = Some((change.target.name_zh.as_str(), change.target.name_en.as_str()));
    let notice = Notice { texts, arguments: &arguments, plan, points, path: MONEY.to_owned() };
    tell(state, tx, seller, &notice).await
}

/// A declared transfer was confirmed or refused, or its confirmation taken back.
pub(super) async fn receipt(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    receipt: &Receipt,
) -> Answer<()> {
    use qianpu_tenants::store::receipt::ReceiptFor;
    let texts = match receipt.state.as_str() {
        "refused" => "money.mail_receipt_refused.",
        "reversed" => "money.mail_receipt_reversed.",
        _ => "money.mail_receipt_confirmed.",
    };
    let arguments = [("amount", yuan(receipt.amount)), ("reference", receipt.bank_reference.clone())];
    let points: Vec<_> = receipt.reason.iter().map(|reason| (reason.clone(), reason.clone())).collect();
    let path = match receipt.pays {
        ReceiptFor::Invoice(id) => format!("{BILLS}/{id}"),
        ReceiptFor::Deposit(_) => DEPOSITS.to_owned(),
    };
    tell(state, tx, seller, &Notice { texts, arguments: &arguments, plan: None, points: &points, path }).await
}

/// A shop keeps less than its deposit; perhaps since its trial is over.
pub(super) async fn deposit_short(
    state: &AppState,
    tx: &mut TenantTx,
    seller: &str,
    shop: &str,
    missing: Fen,
    over: Option<(&TrialTerms, TrialLimit)>,
) -> Answer<()> {
    let arguments = [("shop", shop.to_owned()), ("amount", yuan(missing))];
    let said = |lang| {
        let catalogue = state.pages.catalogue();
        over.map(|(terms, limit)| trial_over(catalogue, lang, terms, limit))
    };
    let points: Vec<(String, String)> = said(Lang::Zh).zip(said(Lang::En)).into_iter().collect();
    let texts = match over {
        None => "money.mail_deposit_short.",
        Some(_) => "money.mail_trial_over.",
    };
    let path = DEPOSITS.to_owned();
    tell(state, tx, seller, &Notice { texts, arguments: &arguments, plan: None, points: &points, path }).await
}

/// Which limit of a trial was reached, in words.
pub fn trial_over(catalogue: &Catalogue, lang: Lang, terms: &TrialTerms, limit: TrialLimit) -> String {
    let key = ["money.trial_over_", limit.as_str()].concat();
    let (orders, turnover) = (terms.orders.to_string(), yuan(terms.turnover));
    catalogue.say(lang, &key, [("orders", orders.as_str()), ("turnover", turnover.as_str())])
}
