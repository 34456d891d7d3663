//! F1: ¥1,999.00 a year, 6 % tax inside.

use super::{AT, Step, TAX_PPM, booked, fen, some};
use crate::ledger::JournalError;
use crate::ledger::flows::*;
use crate::ledger::rounding::tax_inside;

pub(super) fn paid_and_upgraded() -> Result<Vec<Step>, JournalError> {
    let (psp, bank) = (ReceivedAt::Psp("wx".into()), ReceivedAt::Bank("icbc".into()));
    let gross = fen(199_900);
    let tax = tax_inside(gross, TAX_PPM)?;
    let net = gross.sub(tax)?;
    let fee = gross.ratio(6, 1_000)?;
    let earned = |k| some(subscription_days_earned("ivc1", "sub1", net, (k - 1, k, 12), AT)?);
    let credited = Credited { unearned: fen(110_008), tax: fen(6_600), ..Credited::default() };
    let dearer = fen(299_900);
    let dearer_tax = tax_inside(dearer, TAX_PPM)?;
    Ok(vec![
        booked(
            "F1 a",
            invoice_issued("ivc1", "sub1", gross, tax, AT)?,
            &[(1110, "", 199_900), (2400, "sub1", 188_585), (2300, "", 11_315)],
        ),
        booked("F1 b", invoice_paid("ivc1", gross, &psp, AT)?, &[(1020, "wx", 199_900), (1110, "", 0)]),
        booked(
            "F1 c",
            psp_settled("settlement1", "wx", "icbc", gross, fee, AT)?,
            &[(1010, "icbc", 198_701), (5010, "wx", 1_199), (1020, "wx", 0)],
        ),
        booked("F1 d, month 1", earned(1)?, &[(2400, "sub1", 172_870), (4010, "", 15_715)]),
        booked("F1 d, month 2", earned(2)?, &[(2400, "sub1", 157_154), (4010, "", 31_431)]),
        booked("F1 d, month 3", earned(3)?, &[(2400, "sub1", 141_439), (4010, "", 47_146)]),
        booked("F1 d, month 4", earned(4)?, &[(2400, "sub1", 125_723), (4010, "", 62_862)]),
        booked("F1 d, month 5", earned(5)?, &[(2400, "sub1", 110_008), (4010, "", 78_577)]),
        booked(
            "F1 e, the credit note",
            invoice_credited("note1", "sub1", credited, AT)?,
            &[(2400, "sub1", 0), (2300, "", 4_715), (2030, "", 116_608)],
        ),
        booked(
            "F1 e, the dearer plan's invoice",
            invoice_issued("ivc2", "sub2", dearer, dearer_tax, AT)?,
            &[(1110, "", 299_900), (2400, "sub2", 282_925), (2300, "", 21_690)],
        ),
        booked(
            "F1 e, offset",
            invoice_paid_from_wallet("ivc2", fen(116_608), AT)?,
            &[(2030, "", 0), (1110, "", 183_292)],
        ),
        booked(
            "F1 e, the rest is paid",
            invoice_paid("ivc2", fen(183_292), &bank, AT)?,
            &[(1010, "icbc", 381_993), (1110, "", 0)],
        ),
    ])
}

pub(super) fn not_paid() -> Result<Vec<Step>, JournalError> {
    let gross = fen(199_900);
    let tax = tax_inside(gross, TAX_PPM)?;
    let net = gross.sub(tax)?;
    let (unearned, earned) = (fen(110_008), fen(78_577));
    let void = Credited { unearned, earned, tax, unpaid: gross, ..Credited::default() };
    Ok(vec![
        booked(
            "F1 a",
            invoice_issued("ivc1", "sub1", gross, tax, AT)?,
            &[(1110, "", 199_900), (2400, "sub1", 188_585), (2300, "", 11_315)],
        ),
        booked(
            "F1 d, five months",
            some(subscription_days_earned("ivc1", "sub1", net, (0, 5, 12), AT)?)?,
            &[(2400, "sub1", 110_008), (4010, "", 78_577)],
        ),
        booked(
            "F1 f",
            invoice_written_off("ivc1", "sub1", gross, tax, unearned, AT)?,
            &[(5020, "", 78_577), (2400, "sub1", 0), (2300, "", 0), (1110, "", 0)],
        ),
        booked(
            "F1 a, another",
            invoice_issued("ivc2", "sub2", gross, tax, AT)?,
            &[(1110, "", 199_900), (2400, "sub2", 188_585), (2300, "", 11_315)],
        ),
        booked(
            "F1 d, five months of it",
            some(subscription_days_earned("ivc2", "sub2", net, (0, 5, 12), AT)?)?,
            &[(2400, "sub2", 110_008), (4010, "", 157_154)],
        ),
        booked(
            "F1 e, void: what is unpaid is no longer owed",
            invoice_credited("note1", "sub2", void, AT)?,
            &[(2400, "sub2", 0), (4010, "", 78_577), (2300, "", 0), (1110, "", 0)],
        ),
    ])
}
