//! The facts as the flows of the ledger book them: what is under test.

use super::facts::{Fact, PARTIES, Place, Purse};
use super::figures::Model;
use qianpu_domain::ledger::AccountCode::{CommissionPayable, MerchantAvailable};
use qianpu_domain::ledger::clawback::{Settled, refund_after_settlement};
use qianpu_domain::ledger::flows::*;
use qianpu_domain::ledger::{AccountRef, Journal, JournalError};
use qianpu_domain::money::{Currency, Fen};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::ledger::{Posted, account_balance, journal_find, journal_post, journal_reverse};

use super::super::AT;

/// The bank that everything arrives at.
fn bank() -> ReceivedAt {
    ReceivedAt::Bank("icbc".into())
}

fn by() -> PaidBy {
    PaidBy::Bank("icbc".into())
}

fn out_of(purse: &Purse) -> PaidOutOf {
    match purse {
        Purse::Available => PaidOutOf::Available,
        Purse::Wallet => PaidOutOf::Wallet,
        Purse::Deposit => PaidOutOf::Deposit("basic".into()),
        Purse::Waiting => PaidOutOf::WaitingDeposit,
        Purse::Party(party) => PaidOutOf::Commission((*party).to_owned()),
        Purse::Unmatched => PaidOutOf::Unmatched,
    }
}

/// Posts a journal that has to be new, and answers with it.
async fn post(tx: &mut TenantTx, journal: Result<Journal, JournalError>) -> Journal {
    let journal = journal.unwrap();
    let posted = journal_post(tx, &journal).await;
    assert!(matches!(posted, Ok(Posted::New(_))), "{posted:?}: {journal:?}");
    journal
}

async fn post_some(tx: &mut TenantTx, journal: Result<Option<Journal>, JournalError>) -> Option<Journal> {
    match journal.unwrap() {
        Some(journal) => Some(post(tx, Ok(journal)).await),
        None => None,
    }
}

async fn balance(tx: &TenantTx, account: AccountRef) -> Fen {
    account_balance(tx, Currency::Cny, &account).await.unwrap()
}

fn rule<'a>(line: &'a str, parties: &'a [(&'a str, i64)], model: &Model) -> CommissionRule<'a> {
    CommissionRule { line, rate_ppm: model.terms.commission_ppm, parties }
}

/// Books a fact as the product does. `model` is from before it.
pub async fn book(tx: &mut TenantTx, model: &Model, fact: &Fact) -> Vec<Journal> {
    let fen = Fen::new;
    let weights = model.terms.weights;
    let parties: Vec<(&str, i64)> = PARTIES.into_iter().zip(weights).collect();
    let made = match fact {
        Fact::Paid { order, fen: paid } => {
            let line = format!("line{order}");
            let parts = rule(&line, &parties, model).parts_on(fen(*paid)).unwrap();
            let first = post(tx, order_paid(&format!("order{order}"), "wechat", fen(*paid), AT)).await;
            let second = post_some(tx, commission_accrued(&line, &parts, AT)).await;
            return [Some(first), second].into_iter().flatten().collect();
        }
        Fact::Refund { order, refund, fen: part } => return refunded(tx, model, *order, refund, *part).await,
        Fact::Settled { order } => return settled(tx, model, *order).await,
        Fact::DepositTakenBack { receipt, .. } => {
            let booked = journal_find(tx, "deposit.topped_up", receipt).await.unwrap().unwrap();
            let posted = journal_reverse(tx, booked, AT).await;
            assert!(matches!(posted, Ok(Posted::New(_))), "{posted:?}");
            return Vec::new();
        }
        Fact::Earned { invoice, to } => {
            let of = &model.invoices[*invoice];
            let (net, parts) = (fen(of.gross - of.tax), (of.months, *to, 12));
            let sub = format!("sub{invoice}");
            let some = subscription_days_earned(&format!("ivc{invoice}"), &sub, net, parts, AT);
            return post_some(tx, some).await.into_iter().collect();
        }
        Fact::RefundDone { refund, fen: part } => refund_done(refund, "wechat", fen(*part), AT),
        Fact::Netted { id, party, fen: part } => {
            let debtor = party.map_or(Debtor::Merchant, |party| Debtor::Party(party.to_owned()));
            claim_netted(id, &debtor, fen(*part), AT)
        }
        Fact::GivenUp { id, fen: part } => claim_given_up(id, &Debtor::Merchant, fen(*part), AT),
        Fact::PayoutAsked { payout, purse, fen: part } => {
            payout_requested(payout, &out_of(purse), fen(*part), AT)
        }
        Fact::PayoutDone { payout, fen: part, .. } => payout_done(payout, &by(), fen(*part), AT),
        Fact::PayoutFailed { payout, purse, fen: part } => {
            payout_failed(payout, &out_of(purse), fen(*part), AT)
        }
        Fact::PayoutReturned { payout, purse, fen: part } => {
            payout_returned(payout, &by(), &out_of(purse), fen(*part), AT)
        }
        Fact::TaxWithheld { id, party, fen: part } => income_tax_withheld(id, party, fen(*part), AT),
        Fact::Received { receipt, fen: part } => receipt_unmatched(receipt, &bank(), fen(*part), AT),
        Fact::Placed { id, on, fen: part } => {
            let on = match on {
                Place::Wallet => PlacedOn::Wallet,
                Place::Deposit => PlacedOn::Deposit("basic".into()),
                Place::Invoice(_) => PlacedOn::Invoice,
            };
            receipt_placed(id, &on, fen(*part), AT)
        }
        other => of_deposit_or_invoice(model, other),
    };
    vec![post(tx, made).await]
}

fn of_deposit_or_invoice(model: &Model, fact: &Fact) -> Result<Journal, JournalError> {
    let fen = Fen::new;
    let of = |invoice: &usize| (format!("ivc{invoice}"), format!("sub{invoice}"));
    match fact {
        Fact::DepositPaid { receipt, fen: part } => {
            deposit_topped_up(receipt, "basic", fen(*part), &bank(), AT)
        }
        Fact::Swept { id, fen: part } => deposit_swept(id, "basic", fen(*part), AT),
        Fact::Frozen { case, fen: part, waiting: false } => deposit_frozen(case, "basic", fen(*part), AT),
        Fact::Frozen { case, fen: part, .. } => deposit_frozen_waiting(case, fen(*part), AT),
        Fact::Penalty { id, case, fen: part } => deposit_penalty(id, case, fen(*part), AT),
        Fact::Compensated { id, case, refund, fen: part } => {
            deposit_compensated(id, case, refund, fen(*part), AT)
        }
        Fact::ToParty { id, case, party, fen: part } => deposit_to_party(id, case, party, fen(*part), AT),
        Fact::Beyond { id, fen: part } => deduction_beyond(id, &Beneficiary::Provider, fen(*part), AT),
        Fact::Released { case, fen: part, waiting: false } => deposit_released(case, "basic", fen(*part), AT),
        Fact::Released { case, fen: part, .. } => deposit_released_waiting(case, fen(*part), AT),
        Fact::Closing { shop, fen: part } => deposit_closing(shop, "basic", fen(*part), AT),
        Fact::Issued { invoice, fen: gross } => {
            let (ivc, sub) = of(invoice);
            invoice_issued(&ivc, &sub, fen(*gross), tax_of(model, *gross), AT)
        }
        Fact::UseBilled { id, fen: gross } => {
            usage_invoice_issued(id, fen(*gross), tax_of(model, *gross), AT)
        }
        Fact::InvoicePaid { invoice, fen: part } => {
            invoice_paid(&of(invoice).0, fen(*part), &ReceivedAt::Psp("wxpay".into()), AT)
        }
        Fact::PspSettled { id, fen: gross, fee } => {
            psp_settled(id, "wxpay", "icbc", fen(*gross), fen(*fee), AT)
        }
        Fact::FromWallet { invoice, fen: part } => invoice_paid_from_wallet(&of(invoice).0, fen(*part), AT),
        Fact::Credited { invoice, note } => {
            let is = &model.invoices[*invoice];
            let what = Credited {
                unearned: fen(is.gross - is.tax - is.earned(is.months)),
                tax: fen(is.tax - is.tax_earned()),
                unpaid: fen(is.unpaid),
                ..Credited::default()
            };
            invoice_credited(note, &of(invoice).1, what, AT)
        }
        Fact::WrittenOff { invoice } => {
            let (is, (ivc, sub)) = (&model.invoices[*invoice], of(invoice));
            let unearned = fen(is.gross - is.tax - is.earned(is.months));
            invoice_written_off(&ivc, &sub, fen(is.gross), fen(is.tax), unearned, AT)
        }
        Fact::WalletFilled { receipt, fen: part } => wallet_topped_up(receipt, fen(*part), &bank(), AT),
        Fact::Granted { fen: part } => promo_granted(&format!("grant{}", model.grants.len()), fen(*part), AT),
        Fact::GrantUsed { invoice, grant, fen: part } => {
            promo_used(&of(invoice).0, &format!("grant{grant}"), fen(*part), AT)
        }
        Fact::GrantOver { grant, fen: left } => promo_expired(&format!("grant{grant}"), fen(*left), AT),
        other => unreachable!("{other:?}"),
    }
}

fn tax_of(model: &Model, gross: i64) -> Fen {
    qianpu_domain::ledger::rounding::tax_inside(Fen::new(gross), model.terms.tax_ppm).unwrap()
}

/// A refund inside the window, or after it.
async fn refunded(tx: &mut TenantTx, model: &Model, order: usize, refund: &str, part: i64) -> Vec<Journal> {
    let parties: Vec<(&str, i64)> = PARTIES.into_iter().zip(model.terms.weights).collect();
    let line = format!("line{order}");
    let rule = rule(&line, &parties, model);
    let kept = Fen::new(model.orders[order].kept);
    let (part, left) = (Fen::new(part), Fen::new(model.orders[order].kept - part));
    let less = rule.parts_less(kept, left).unwrap();
    if !model.orders[order].settled {
        let back = post_some(tx, commission_reversed(refund, &less, AT)).await;
        let asked = post(tx, refund_requested(refund, part, AT)).await;
        return back.into_iter().chain([asked]).collect();
    }
    let mut others = Vec::new();
    for (one, party) in less.iter().zip(PARTIES).take(2) {
        let unpaid = balance(tx, AccountRef::owned(CommissionPayable, party)).await;
        others.push(TakenBack { party: party.to_owned(), amount: one.amount, unpaid });
    }
    let own = |base| rule.parts_on(base).unwrap().last().unwrap().amount;
    let own = OwnPart { before: own(kept), after: own(left), tax_ppm: model.terms.tax_ppm };
    let back = post_some(tx, commission_taken_back(refund, &others, own, AT)).await;
    let (take_rate_ppm, tax_ppm) = (model.terms.take_rate_ppm, model.terms.tax_ppm);
    let available = balance(tx, AccountRef::of(MerchantAvailable)).await;
    let settled = Settled { kept, take_rate_ppm, tax_ppm };
    let asked = post(tx, refund_after_settlement(refund, settled, part, available, AT)).await;
    back.into_iter().chain([asked]).collect()
}

async fn settled(tx: &mut TenantTx, model: &Model, order: usize) -> Vec<Journal> {
    let parties: Vec<(&str, i64)> = PARTIES.into_iter().zip(model.terms.weights).collect();
    let (line, id) = (format!("line{order}"), format!("order{order}"));
    let kept = Fen::new(model.orders[order].kept);
    let parts = rule(&line, &parties, model).parts_on(kept).unwrap();
    let (rate, tax) = (model.terms.take_rate_ppm, model.terms.tax_ppm);
    let fee = kept.ppm(rate).unwrap();
    let mut rest = kept.sub(fee).unwrap();
    for part in &parts {
        rest = rest.sub(part.amount).unwrap();
    }
    let mut made = Vec::new();
    made.extend(post_some(tx, take_rate_charged(&id, kept, rate, tax, AT)).await);
    made.push(post(tx, order_released(&id, rest, AT)).await);
    for (part, party) in parts.iter().zip(PARTIES).filter(|(part, _)| part.amount > Fen::ZERO) {
        let journal = match party {
            "platform" => commission_kept(part, tax, AT),
            _ => commission_settled(part, party, AT),
        };
        made.push(post(tx, journal).await);
    }
    made
}
