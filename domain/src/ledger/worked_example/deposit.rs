//! F5: a deposit 保证金 of ¥2,000.00, from its top-up to its refund.

use super::{AT, Step, booked, fen, refused};
use crate::ledger::flows::*;
use crate::ledger::{AccountCode, JournalError};

const SCHEME: &str = "basic:shop";
const CASE: &str = "basic:shop/case1";
const CASE2: &str = "basic:shop/case2";

pub(super) fn whole() -> Result<Vec<Step>, JournalError> {
    let psp = ReceivedAt::Psp("wx".into());
    let (above, waited) = (fen(10_000), fen(161_000));
    Ok(vec![
        booked(
            "F5 a",
            deposit_topped_up("rcp1", SCHEME, fen(200_000), &psp, AT)?,
            &[(1020, "wx", 200_000), (2100, SCHEME, 200_000)],
        ),
        booked(
            "F1 c, its fee is not given back",
            psp_settled("settlement1", "wx", "icbc", fen(200_000), fen(1_200), AT)?,
            &[(1010, "icbc", 198_800), (5010, "wx", 1_200), (1020, "wx", 0)],
        ),
        booked(
            "F5 b",
            deposit_frozen(CASE, SCHEME, fen(50_000), AT)?,
            &[(2100, SCHEME, 150_000), (2110, CASE, 50_000)],
        ),
        booked(
            "F5 c",
            deposit_compensated("ded1", CASE, "rfd1", fen(30_000), AT)?,
            &[(2110, CASE, 20_000), (2500, "rfd1", 30_000)],
        ),
        booked(
            "F5 d",
            deposit_penalty("ded2", CASE, fen(5_000), AT)?,
            &[(2110, CASE, 15_000), (4040, "", 5_000)],
        ),
        refused(
            "F5 d, more than the case froze",
            deposit_penalty("ded3", CASE, fen(15_001), AT)?,
            AccountCode::DepositFrozen,
        ),
        booked(
            "F5 e",
            deposit_released(CASE, SCHEME, fen(15_000), AT)?,
            &[(2110, CASE, 0), (2100, SCHEME, 165_000)],
        ),
        booked(
            "F5 c, the buyer's money is put where it is paid from",
            escrow_topped_up("transfer1", "wechat", "icbc", fen(30_000), AT)?,
            &[(1030, "wechat", 30_000), (1010, "icbc", 168_800)],
        ),
        booked(
            "F5 c, paid",
            refund_done("rfd1", "wechat", fen(30_000), AT)?,
            &[(2500, "rfd1", 0), (1030, "wechat", 0)],
        ),
        booked(
            "F3 a",
            order_paid("ord1", "wechat", fen(10_000), AT)?,
            &[(1030, "wechat", 10_000), (2020, "", 10_000)],
        ),
        booked("F3 e", order_released("ord1", fen(10_000), AT)?, &[(2020, "", 0), (2010, "", 10_000)]),
        booked("F5 a'", deposit_swept("ord1", SCHEME, above, AT)?, &[(2010, "", 0), (2100, SCHEME, 175_000)]),
        booked(
            "F5 g, asked",
            payout_requested("pay1", &PaidOutOf::Deposit(SCHEME.into()), above, AT)?,
            &[(2100, SCHEME, 165_000), (2220, "pay1", 10_000)],
        ),
        booked(
            "F5 g, done",
            payout_done("pay1", &PaidBy::Escrow("wechat".into()), above, AT)?,
            &[(2220, "pay1", 0), (1030, "wechat", 0)],
        ),
        booked(
            "F5 h",
            deposit_closing("shop", SCHEME, fen(165_000), AT)?,
            &[(2100, SCHEME, 0), (2120, "", 165_000)],
        ),
        booked(
            "F5 i",
            deposit_frozen_waiting(CASE2, fen(10_000), AT)?,
            &[(2120, "", 155_000), (2110, CASE2, 10_000)],
        ),
        booked(
            "F5 c, another beneficiary",
            deposit_to_party("ded4", CASE2, "promoter", fen(4_000), AT)?,
            &[(2110, CASE2, 6_000), (2210, "promoter", 4_000)],
        ),
        booked(
            "F5 i, released while waiting",
            deposit_released_waiting(CASE2, fen(6_000), AT)?,
            &[(2110, CASE2, 0), (2120, "", 161_000)],
        ),
        booked(
            "F5 j, asked",
            payout_requested("pay2", &PaidOutOf::WaitingDeposit, waited, AT)?,
            &[(2120, "", 0), (2220, "pay2", 161_000)],
        ),
        booked(
            "F5 j, done",
            payout_done("pay2", &PaidBy::Bank("icbc".into()), waited, AT)?,
            &[(2220, "pay2", 0), (1010, "icbc", 7_800)],
        ),
    ])
}

pub(super) fn beyond() -> Result<Vec<Step>, JournalError> {
    let deposit = fen(20_000);
    let to = |beneficiary, name, rest| deduction_beyond(name, &beneficiary, fen(rest), AT);
    Ok(vec![
        booked(
            "F5 a",
            deposit_topped_up("rcp1", SCHEME, deposit, &ReceivedAt::Bank("icbc".into()), AT)?,
            &[(1010, "icbc", 20_000), (2100, SCHEME, 20_000)],
        ),
        booked(
            "F5 b",
            deposit_frozen(CASE, SCHEME, deposit, AT)?,
            &[(2100, SCHEME, 0), (2110, CASE, 20_000)],
        ),
        booked(
            "F5 c",
            deposit_compensated("ded1", CASE, "rfd1", deposit, AT)?,
            &[(2110, CASE, 0), (2500, "rfd1", 20_000)],
        ),
        booked(
            "F5 f, to the buyer",
            to(Beneficiary::Buyer("rfd1".into()), "ded2", 6_000)?,
            &[(1120, "merchant", 6_000), (2500, "rfd1", 26_000)],
        ),
        booked(
            "F5 f, to a party",
            to(Beneficiary::Party("promoter".into()), "ded3", 300)?,
            &[(1120, "merchant", 6_300), (2210, "promoter", 300)],
        ),
        booked(
            "F5 f, a penalty",
            to(Beneficiary::Provider, "ded4", 700)?,
            &[(1120, "merchant", 7_000), (4040, "", 700)],
        ),
        booked(
            "F5 a, again",
            deposit_topped_up("rcp2", SCHEME, fen(800), &ReceivedAt::Bank("icbc".into()), AT)?,
            &[(1010, "icbc", 20_800), (2100, SCHEME, 800)],
        ),
        booked(
            "F5 b, again",
            deposit_frozen(CASE2, SCHEME, fen(800), AT)?,
            &[(2100, SCHEME, 0), (2110, CASE2, 800)],
        ),
        refused(
            "F5 c, an advance, more than the case froze",
            deposit_advance_repaid("ded5", CASE2, fen(801), AT)?,
            AccountCode::DepositFrozen,
        ),
        booked(
            "F5 c, an advance",
            deposit_advance_repaid("ded5", CASE2, fen(500), AT)?,
            &[(2110, CASE2, 300), (1120, "merchant", 6_500)],
        ),
        booked(
            "F3 a",
            order_paid("ord1", "wechat", fen(10_000), AT)?,
            &[(1030, "wechat", 10_000), (2020, "", 10_000)],
        ),
        booked("F3 e", order_released("ord1", fen(10_000), AT)?, &[(2020, "", 0), (2010, "", 10_000)]),
        refused(
            "F5 f, netted with more than is owed",
            claim_netted("ord1", &Debtor::Merchant, fen(6_501), AT)?,
            AccountCode::ClawbackReceivable,
        ),
        booked(
            "F5 f, netted",
            claim_netted("ord1", &Debtor::Merchant, fen(6_500), AT)?,
            &[(2010, "", 3_500), (1120, "merchant", 0)],
        ),
    ])
}
