//! F3 and F4: an order of ¥128.00, take rate 2 %, commission 10 % of which the provider keeps a tenth; promoter and
//! leader share the rest 70 : 30.

use super::{AT, Step, TAX_PPM, booked, fen, refused, some};
use crate::ledger::clawback::{Settled, Sources, refund_after_settlement, refund_from_sources};
use crate::ledger::flows::*;
use crate::ledger::{AccountCode, Journal, JournalError};
use crate::money::Fen;

const WECHAT: &str = "wechat";
const TAKE_RATE_PPM: i64 = 20_000;
const RULE: CommissionRule<'_> = CommissionRule {
    line: "oln1",
    rate_ppm: 100_000,
    parties: &[("promoter", 63), ("leader", 27), ("platform", 10)],
};

fn promoter() -> PaidOutOf {
    PaidOutOf::Commission("promoter".into())
}

fn escrow() -> PaidBy {
    PaidBy::Escrow(WECHAT.into())
}

/// F3 a to g: what the buyer kept of the order is settled, and the promoter is paid.
fn until_the_promoter_is_paid() -> Result<Vec<Step>, JournalError> {
    let (paid, kept) = (fen(12_800), fen(9_800));
    let less = RULE.parts_less(paid, kept)?;
    let mut steps = vec![
        booked("F3 a", order_paid("ord1", WECHAT, paid, AT)?, &[(1030, WECHAT, 12_800), (2020, "", 12_800)]),
        booked(
            "F3 b",
            some(commission_accrued("oln1", &RULE.parts_on(paid)?, AT)?)?,
            &[
                (2020, "", 11_520),
                (2200, "oln1/promoter", 806),
                (2200, "oln1/leader", 346),
                (2200, "oln1/platform", 128),
            ],
        ),
        booked(
            "F3 c",
            some(commission_reversed("rfd1", &less, AT)?)?,
            &[
                (2200, "oln1/promoter", 617),
                (2200, "oln1/leader", 265),
                (2200, "oln1/platform", 98),
                (2020, "", 11_820),
            ],
        ),
        booked(
            "F3 c2, asked",
            refund_requested("rfd1", fen(3_000), AT)?,
            &[(2020, "", 8_820), (2500, "rfd1", 3_000)],
        ),
        booked(
            "F3 c2, done",
            refund_done("rfd1", WECHAT, fen(3_000), AT)?,
            &[(2500, "rfd1", 0), (1030, WECHAT, 9_800)],
        ),
        booked(
            "F3 d",
            some(take_rate_charged("ord1", kept, TAKE_RATE_PPM, TAX_PPM, AT)?)?,
            &[(2020, "", 8_624), (4030, "", 185), (2300, "", 11)],
        ),
        booked("F3 e", order_released("ord1", fen(8_624), AT)?, &[(2020, "", 0), (2010, "", 8_624)]),
    ];
    for part in RULE.parts_on(kept)? {
        steps.push(match part.owner.as_str() {
            "oln1/promoter" => booked(
                "F3 f, promoter",
                commission_settled(&part, "promoter", AT)?,
                &[(2200, "oln1/promoter", 0), (2210, "promoter", 617)],
            ),
            "oln1/leader" => booked(
                "F3 f, leader",
                commission_settled(&part, "leader", AT)?,
                &[(2200, "oln1/leader", 0), (2210, "leader", 265)],
            ),
            _ => booked(
                "F3 f, the provider's own",
                commission_kept(&part, TAX_PPM, AT)?,
                &[(2200, "oln1/platform", 0), (4030, "", 277), (2300, "", 17)],
            ),
        });
    }
    steps.extend([
        booked(
            "F3 g, asked",
            payout_requested("pay1", &promoter(), fen(617), AT)?,
            &[(2210, "promoter", 0), (2220, "pay1", 617)],
        ),
        booked(
            "F3 g'",
            payout_failed("pay1", &promoter(), fen(617), AT)?,
            &[(2220, "pay1", 0), (2210, "promoter", 617)],
        ),
        booked(
            "F3 g, asked with a new number",
            payout_requested("pay2", &promoter(), fen(617), AT)?,
            &[(2210, "promoter", 0), (2220, "pay2", 617)],
        ),
        booked(
            "F3 g, done",
            payout_done("pay2", &escrow(), fen(617), AT)?,
            &[(2220, "pay2", 0), (1030, WECHAT, 9_183)],
        ),
    ]);
    Ok(steps)
}

/// F3 h after that.
fn withdrawn() -> Result<Vec<Step>, JournalError> {
    let all = fen(8_624);
    let mut steps = until_the_promoter_is_paid()?;
    steps.extend([
        refused(
            "F3 h, more than there is",
            payout_requested("pay3", &PaidOutOf::Available, fen(8_625), AT)?,
            AccountCode::MerchantAvailable,
        ),
        booked(
            "F3 h, asked",
            payout_requested("pay3", &PaidOutOf::Available, all, AT)?,
            &[(2010, "", 0), (2220, "pay3", 8_624)],
        ),
        booked(
            "F3 h, done",
            payout_done("pay3", &escrow(), all, AT)?,
            &[(2220, "pay3", 0), (1030, WECHAT, 559)],
        ),
    ]);
    Ok(steps)
}

pub(super) fn whole() -> Result<Vec<Step>, JournalError> {
    let all = fen(8_624);
    let mut steps = withdrawn()?;
    steps.extend([
        booked(
            "F3 h, sent back by the bank",
            payout_returned("pay3", &escrow(), &PaidOutOf::Available, all, AT)?,
            &[(1030, WECHAT, 9_183), (2010, "", 8_624)],
        ),
        booked(
            "F3 h, asked again",
            payout_requested("pay4", &PaidOutOf::Available, all, AT)?,
            &[(2010, "", 0), (2220, "pay4", 8_624)],
        ),
        booked(
            "F3 h, done from the bank account",
            payout_done("pay4", &PaidBy::Bank("icbc".into()), all, AT)?,
            &[(2220, "pay4", 0), (1010, "icbc", -8_624)],
        ),
    ]);
    Ok(steps)
}

pub(super) fn fees() -> Result<Vec<Step>, JournalError> {
    let (paid, fee) = (fen(10_000), fen(60));
    Ok(vec![
        booked("F3 a", order_paid("ord1", WECHAT, paid, AT)?, &[(1030, WECHAT, 10_000), (2020, "", 10_000)]),
        booked(
            "5010 the merchant bears it",
            psp_fee_on_order("ord1", WECHAT, FeeBearer::Merchant, fee, AT)?,
            &[(2020, "", 9_940), (1030, WECHAT, 9_940)],
        ),
        booked(
            "F3 a, another",
            order_paid("ord2", WECHAT, paid, AT)?,
            &[(1030, WECHAT, 19_940), (2020, "", 19_940)],
        ),
        booked(
            "5010 the provider bears it",
            psp_fee_on_order("ord2", WECHAT, FeeBearer::Provider, fee, AT)?,
            &[(5010, WECHAT, 60), (1030, WECHAT, 19_880)],
        ),
        booked(
            "1030 the platform keeps a fee",
            platform_fee("charge1", WECHAT, OrderMoney::Pending, fen(500), AT)?,
            &[(2020, "", 19_440), (1030, WECHAT, 19_380)],
        ),
        booked("F3 e", order_released("ord1", fen(9_440), AT)?, &[(2020, "", 10_000), (2010, "", 9_440)]),
        booked(
            "1030 the platform keeps a fee later",
            platform_fee("charge2", WECHAT, OrderMoney::Available, fen(40), AT)?,
            &[(2010, "", 9_400), (1030, WECHAT, 19_340)],
        ),
    ])
}

/// F4, first part: the commission of what is refunded later comes back, the promoter's as a claim.
fn commission_back() -> Result<Journal, JournalError> {
    let back = RULE.parts_less(fen(9_800), Fen::ZERO)?;
    let amount = |party: &str| {
        let owner = format!("oln1/{party}");
        back.iter().find(|part| part.owner == owner).map_or(Fen::ZERO, |part| part.amount)
    };
    let parties = [
        TakenBack { party: "promoter".into(), amount: amount("promoter"), unpaid: Fen::ZERO },
        TakenBack { party: "leader".into(), amount: amount("leader"), unpaid: fen(265) },
    ];
    let own = OwnPart { before: amount("platform"), after: Fen::ZERO, tax_ppm: TAX_PPM };
    some(commission_taken_back("rfd2", &parties, own, AT)?)
}

fn settled() -> Settled {
    Settled { kept: fen(9_800), take_rate_ppm: TAKE_RATE_PPM, tax_ppm: TAX_PPM }
}

pub(super) fn refunded_later() -> Result<Vec<Step>, JournalError> {
    let rest = fen(9_800);
    let next = CommissionRule { line: "oln2", parties: &[("promoter", 1)], ..RULE };
    let next = next.parts_on(fen(10_000))?;
    let debtor = Debtor::Party("promoter".into());
    let mut steps = until_the_promoter_is_paid()?;
    steps.extend([
        booked(
            "F4 the commission comes back",
            commission_back()?,
            &[
                (1120, "promoter", 617),
                (2210, "leader", 0),
                (4030, "", 185),
                (2300, "", 11),
                (2010, "", 9_604),
            ],
        ),
        booked(
            "F4 the refund is asked",
            refund_after_settlement("rfd2", settled(), rest, fen(9_604), AT)?,
            &[(4030, "", 0), (2300, "", 0), (2010, "", 0), (2500, "rfd2", 9_800)],
        ),
        booked(
            "F4 top up first",
            escrow_topped_up("transfer1", WECHAT, "icbc", fen(617), AT)?,
            &[(1030, WECHAT, 9_800), (1010, "icbc", -617)],
        ),
        booked(
            "F4 the refund is done",
            refund_done("rfd2", WECHAT, rest, AT)?,
            &[(2500, "rfd2", 0), (1030, WECHAT, 0)],
        ),
        booked(
            "F3 a, the next order",
            order_paid("ord2", WECHAT, fen(10_000), AT)?,
            &[(1030, WECHAT, 10_000), (2020, "", 10_000)],
        ),
    ]);
    for part in next {
        steps.extend([
            booked(
                "F3 b, the next order",
                some(commission_accrued("oln2", std::slice::from_ref(&part), AT)?)?,
                &[(2020, "", 9_000), (2200, "oln2/promoter", 1_000)],
            ),
            booked(
                "F3 f, the next order",
                commission_settled(&part, "promoter", AT)?,
                &[(2200, "oln2/promoter", 0), (2210, "promoter", 1_000)],
            ),
        ]);
    }
    steps.extend([
        booked(
            "F4 netted before any payout",
            claim_netted("oln2/promoter", &debtor, fen(617), AT)?,
            &[(2210, "promoter", 383), (1120, "promoter", 0)],
        ),
        booked(
            "2300 income tax is withheld",
            income_tax_withheld("pay5", "promoter", fen(30), AT)?,
            &[(2210, "promoter", 353), (2300, "", 30)],
        ),
        booked(
            "F3 g, the rest",
            payout_requested("pay5", &promoter(), fen(353), AT)?,
            &[(2210, "promoter", 0), (2220, "pay5", 353)],
        ),
    ]);
    Ok(steps)
}

pub(super) fn refunded_with_nothing_left() -> Result<Vec<Step>, JournalError> {
    let rest = fen(9_800);
    let mut steps = withdrawn()?;
    steps.extend([
        booked(
            "F4 the commission comes back",
            commission_back()?,
            &[(1120, "promoter", 617), (2210, "leader", 0), (4030, "", 185), (2300, "", 11), (2010, "", 980)],
        ),
        refused(
            "F4 more than is available",
            refund_after_settlement("rfd2", settled(), rest, fen(9_604), AT)?,
            AccountCode::MerchantAvailable,
        ),
        booked(
            "F4 the provider advances the rest",
            refund_after_settlement("rfd2", settled(), rest, fen(980), AT)?,
            &[(4030, "", 0), (2300, "", 0), (2010, "", 0), (1120, "merchant", 8_624), (2500, "rfd2", 9_800)],
        ),
        booked(
            "F4 top up first",
            escrow_topped_up("transfer1", WECHAT, "icbc", fen(9_241), AT)?,
            &[(1030, WECHAT, 9_800), (1010, "icbc", -9_241)],
        ),
        booked(
            "F4 the refund is done",
            refund_done("rfd2", WECHAT, rest, AT)?,
            &[(2500, "rfd2", 0), (1030, WECHAT, 0)],
        ),
        booked(
            "F3 a, the next order",
            order_paid("ord2", WECHAT, fen(5_000), AT)?,
            &[(1030, WECHAT, 5_000), (2020, "", 5_000)],
        ),
        booked(
            "F3 e, the next order",
            order_released("ord2", fen(5_000), AT)?,
            &[(2020, "", 0), (2010, "", 5_000)],
        ),
        booked(
            "F4 netted with it",
            claim_netted("ord2", &Debtor::Merchant, fen(5_000), AT)?,
            &[(2010, "", 0), (1120, "merchant", 3_624)],
        ),
        booked(
            "F4 the rest is given up",
            claim_given_up("decision1", &Debtor::Merchant, fen(3_624), AT)?,
            &[(5040, "", 3_624), (1120, "merchant", 0)],
        ),
    ]);
    Ok(steps)
}

pub(super) fn refunded_from_every_source() -> Result<Vec<Step>, JournalError> {
    let sources =
        Sources { available: fen(980), pending: fen(2_000), frozen: Some(("basic:shop/case1", fen(3_000))) };
    let mut steps = withdrawn()?;
    steps.extend([
        booked(
            "F3 a, another order",
            order_paid("ord2", WECHAT, fen(2_000), AT)?,
            &[(1030, WECHAT, 2_559), (2020, "", 2_000)],
        ),
        booked(
            "F5 a",
            deposit_topped_up("rcp1", "basic:shop", fen(3_000), &ReceivedAt::Bank("icbc".into()), AT)?,
            &[(1010, "icbc", 3_000), (2100, "basic:shop", 3_000)],
        ),
        booked(
            "F5 b",
            deposit_frozen("basic:shop/case1", "basic:shop", fen(3_000), AT)?,
            &[(2100, "basic:shop", 0), (2110, "basic:shop/case1", 3_000)],
        ),
        booked(
            "F4 the commission comes back",
            commission_back()?,
            &[(1120, "promoter", 617), (2210, "leader", 0), (4030, "", 185), (2300, "", 11), (2010, "", 980)],
        ),
        booked(
            "F4 available, pending, deposit, claim",
            refund_from_sources("rfd2", settled(), fen(9_800), sources, AT)?,
            &[
                (4030, "", 0),
                (2300, "", 0),
                (2010, "", 0),
                (2020, "", 0),
                (2110, "basic:shop/case1", 0),
                (1120, "merchant", 3_624),
                (2500, "rfd2", 9_800),
            ],
        ),
    ]);
    Ok(steps)
}
