//! What journals are called where people read them: one table from a journal's code to its two names, and to the code and
//! the names of the journal that takes it back.

macro_rules! names {
    ($($code:literal, $en:literal, $zh:literal;)*) => {
        /// Every flow's code with its names, English first.
        pub const NAMES: &[(&str, &str, &str)] = &[$(($code, $en, $zh)),*];

        /// The same of the journals that take one back, beside the code of what they take back.
        const TAKEN_BACK: &[(&str, &str, &str, &str)] = &[
            $(($code, concat!($code, ".reversed"), concat!($en, ", taken back"), concat!($zh, "（冲销）"))),*
        ];
    };
}

names! {
    "invoice.issued", "Invoice issued", "账单开具";
    "invoice.paid", "Invoice paid", "账单付款";
    "invoice.credited", "Credit note", "账单冲减";
    "invoice.written_off", "Invoice written off", "账单坏账核销";
    "psp.settled", "Payment provider settled", "支付机构结算到账";
    "subscription.earned", "Subscription earned", "服务费确认收入";
    "wallet.topped_up", "Wallet top-up", "预存余额充值";
    "wallet.used", "Paid from the wallet", "预存余额支付";
    "promo.granted", "Promotional credit granted", "赠送余额发放";
    "promo.used", "Promotional credit used", "赠送余额抵扣";
    "promo.expired", "Promotional credit expired", "赠送余额过期";
    "receipt.unmatched", "Receipt not placed yet", "收款待认领";
    "receipt.placed", "Receipt placed", "收款认领";
    "order.paid", "Order paid", "订单收款";
    "order.psp_fee", "Payment fee of an order", "订单支付手续费";
    "order.platform_fee", "Fee kept by the platform", "平台扣费";
    "commission.accrued", "Commission reserved", "佣金预提";
    "commission.reversed", "Commission reversed", "佣金冲回";
    "commission.settled", "Commission settled", "佣金结算";
    "commission.taken_back", "Commission taken back", "佣金追回";
    "commission.tax_withheld", "Income tax withheld", "佣金代扣个税";
    "refund.requested", "Refund requested", "发起退款";
    "refund.done", "Refund done", "退款完成";
    "order.take_rate", "Transaction fee", "交易服务费";
    "order.released", "Order settled", "货款结算";
    "escrow.topped_up", "Buyers' money topped up", "代收货款补足";
    "claim.netted", "Claim netted", "应追回款抵扣";
    "claim.given_up", "Claim given up", "应追回款核销";
    "payout.requested", "Payout requested", "申请提现";
    "payout.done", "Payout done", "提现到账";
    "payout.failed", "Payout failed", "提现失败退回";
    "payout.returned", "Payout returned by the bank", "提现退票";
    "deposit.topped_up", "Deposit top-up", "保证金充值";
    "deposit.swept", "Deposit filled from takings", "货款转入保证金";
    "deposit.frozen", "Deposit frozen", "保证金冻结";
    "deposit.compensated", "Buyer compensated from deposit", "保证金赔付";
    "deposit.penalty", "Penalty from deposit", "保证金违约金";
    "deposit.advance_repaid", "Refund advance repaid from deposit", "保证金偿还退款垫付";
    "deposit.to_party", "Party compensated from deposit", "保证金赔付第三方";
    "deposit.beyond", "Deduction beyond the deposit", "保证金不足部分扣款";
    "deposit.released", "Deposit released", "保证金解冻";
    "deposit.closing", "Deposit waiting for refund", "保证金待退";
}

/// The English and the Chinese name of a journal's code; the code itself when it is not known.
pub fn names_of(code: &str) -> (&str, &str) {
    let taken_back = || TAKEN_BACK.iter().map(|(_, code, en, zh)| (code, en, zh));
    let flows = NAMES.iter().map(|(code, en, zh)| (code, en, zh));
    flows.chain(taken_back()).find(|(known, ..)| **known == code).map_or((code, code), |(_, en, zh)| (en, zh))
}

/// The code of the journal that takes back one with this code; none when no flow has it, as when it takes one back itself.
pub fn reversal_code(code: &str) -> Option<&'static str> {
    TAKEN_BACK.iter().find(|(of, ..)| *of == code).map(|(_, reversed, ..)| *reversed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// A flow without a name would be shown by its code.
    #[test]
    fn every_flow_has_a_name_once() {
        let known: BTreeSet<&str> = NAMES.iter().map(|(code, ..)| *code).collect();
        assert_eq!(known.len(), NAMES.len());
        let mut booked: BTreeSet<String> = BTreeSet::new();
        for folder in ["src/ledger", "src/ledger/flows"] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            for file in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if file.extension().is_none_or(|extension| extension != "rs") {
                    continue;
                }
                let text = std::fs::read_to_string(&file).unwrap();
                for rest in text.split("JournalBuilder::new(\"").skip(1) {
                    let code = rest.split('"').next().unwrap_or_default();
                    booked.insert(code.to_owned());
                }
            }
        }
        // The journal's own tests make one without a point, and so does this file.
        booked.retain(|code| code.contains('.'));
        assert_eq!(booked.iter().map(String::as_str).collect::<BTreeSet<_>>(), known);
        assert_eq!(names_of("x.y"), ("x.y", "x.y"));
        assert_eq!(names_of("invoice.paid.reversed"), ("Invoice paid, taken back", "账单付款（冲销）"));
        assert_eq!(reversal_code("invoice.paid"), Some("invoice.paid.reversed"));
        assert_eq!(reversal_code("invoice.paid.reversed"), None);
    }
}
