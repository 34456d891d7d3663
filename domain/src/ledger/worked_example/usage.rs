//! F2: 12,345 short messages at 4.5 fen each; and receipts that fit nothing.

use super::{AT, Step, TAX_PPM, booked, fen, refused};
use crate::ledger::flows::*;
use crate::ledger::rounding::{metered, tax_inside};
use crate::ledger::{AccountCode, JournalError};

pub(super) fn from_wallet_and_promo() -> Result<Vec<Step>, JournalError> {
    let bank = ReceivedAt::Bank("icbc".into());
    let gross = metered(12_345, fen(4_500_000))?;
    let tax = tax_inside(gross, TAX_PPM)?;
    let taken_back = Credited { used: fen(52_408), tax, ..Credited::default() };
    Ok(vec![
        booked(
            "F2 the wallet is filled",
            wallet_topped_up("rcp1", fen(100_000), &bank, AT)?,
            &[(1010, "icbc", 100_000), (2030, "", 100_000)],
        ),
        booked(
            "F2 issue",
            usage_invoice_issued("ivc1", gross, tax, AT)?,
            &[(1110, "", 55_553), (4020, "", 52_408), (2300, "", 3_145)],
        ),
        booked(
            "F2 from the wallet",
            invoice_paid_from_wallet("ivc1", gross, AT)?,
            &[(2030, "", 44_447), (1110, "", 0)],
        ),
        booked(
            "F2 grant",
            promo_granted("grant1", fen(20_000), AT)?,
            &[(5030, "", 20_000), (2040, "grant1", 20_000)],
        ),
        booked(
            "F2 another grant",
            promo_granted("grant2", fen(5_000), AT)?,
            &[(5030, "", 25_000), (2040, "grant2", 5_000)],
        ),
        booked(
            "F2 issue again",
            usage_invoice_issued("ivc2", gross, tax, AT)?,
            &[(1110, "", 55_553), (4020, "", 104_816), (2300, "", 6_290)],
        ),
        booked(
            "F2 use",
            promo_used("ivc2", "grant1", fen(20_000), AT)?,
            &[(2040, "grant1", 0), (1110, "", 35_553)],
        ),
        booked(
            "F2 use a part",
            promo_used("ivc2", "grant2", fen(3_000), AT)?,
            &[(2040, "grant2", 2_000), (1110, "", 32_553)],
        ),
        refused(
            "F2 expiry of more than is left",
            promo_expired("grant2", fen(2_001), AT)?,
            AccountCode::PromoCredit,
        ),
        booked(
            "F2 expiry",
            promo_expired("grant2", fen(2_000), AT)?,
            &[(2040, "grant2", 0), (5030, "", 23_000)],
        ),
        booked(
            "F2 the rest from the wallet",
            invoice_paid_from_wallet("ivc2", fen(32_553), AT)?,
            &[(2030, "", 11_894), (1110, "", 0)],
        ),
        booked(
            "F1 e for metered use",
            invoice_credited("note1", "", taken_back, AT)?,
            &[(4020, "", 52_408), (2300, "", 3_145), (2030, "", 67_447)],
        ),
        booked(
            "the wallet is given back: asked",
            payout_requested("pay1", &PaidOutOf::Wallet, fen(67_447), AT)?,
            &[(2030, "", 0), (2220, "pay1", 67_447)],
        ),
        booked(
            "the wallet is given back: done",
            payout_done("pay1", &PaidBy::Bank("icbc".into()), fen(67_447), AT)?,
            &[(2220, "pay1", 0), (1010, "icbc", 32_553)],
        ),
    ])
}

pub(super) fn receipts() -> Result<Vec<Step>, JournalError> {
    let psp = ReceivedAt::Psp("wx".into());
    Ok(vec![
        booked(
            "2900 it fits nothing",
            receipt_unmatched("rcp1", &psp, fen(60_000), AT)?,
            &[(1020, "wx", 60_000), (2900, "", 60_000)],
        ),
        booked(
            "F2 issue",
            usage_invoice_issued("ivc1", fen(55_553), fen(3_145), AT)?,
            &[(1110, "", 55_553), (4020, "", 52_408), (2300, "", 3_145)],
        ),
        booked(
            "2900 placed on the invoice",
            receipt_placed("rcp1/ivc1", &PlacedOn::Invoice, fen(55_553), AT)?,
            &[(2900, "", 4_447), (1110, "", 0)],
        ),
        booked(
            "2900 placed on the wallet",
            receipt_placed("rcp1/wallet", &PlacedOn::Wallet, fen(1_000), AT)?,
            &[(2900, "", 3_447), (2030, "", 1_000)],
        ),
        booked(
            "2900 placed on a deposit",
            receipt_placed("rcp1/deposit", &PlacedOn::Deposit("basic:shop".into()), fen(3_000), AT)?,
            &[(2900, "", 447), (2100, "basic:shop", 3_000)],
        ),
        refused(
            "2900 placed twice",
            receipt_placed("rcp1/again", &PlacedOn::Wallet, fen(1_000), AT)?,
            AccountCode::UnmatchedReceipts,
        ),
        booked(
            "2900 returned: asked",
            payout_requested("pay1", &PaidOutOf::Unmatched, fen(447), AT)?,
            &[(2900, "", 0), (2220, "pay1", 447)],
        ),
        booked(
            "2900 returned: done",
            payout_done("pay1", &PaidBy::Bank("icbc".into()), fen(447), AT)?,
            &[(2220, "pay1", 0), (1010, "icbc", -447)],
        ),
    ])
}
