//! Outgoing webhooks: the public table of event types, when a delivery is tried again, and when an endpoint
//! is given up. The wire is Standard Webhooks 1.0.0.

use crate::time::{Span, Timestamp};

/// In whose tenant an event happens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A merchant's, and of no concern to its provider.
    Merchant,
    /// A merchant's, and told to its provider too when the provider's endpoint asks for it.
    MerchantAndProvider,
    /// A provider's own.
    Provider,
    /// Anybody's.
    Anybody,
}

macro_rules! event_types {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $origin:ident, $en:literal, $zh:literal;)*) => {
        /// Something that happened, as receivers know it. A code never changes; a new one may be added.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
        pub enum EventType { $(#[doc = $en] $name,)* }

        impl EventType {
            /// Every type, in table order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
            /// The wire form.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$name => $code),* } }
            /// In whose tenant it happens.
            pub const fn origin(self) -> Origin { match self { $(Self::$name => Origin::$origin),* } }
            /// What it says, in English.
            pub const fn text_en(self) -> &'static str { match self { $(Self::$name => $en),* } }
            /// What it says, in Chinese.
            pub const fn text_zh(self) -> &'static str { match self { $(Self::$name => $zh),* } }
            /// From the wire form.
            pub fn parse(text: &str) -> Option<Self> { Self::ALL.iter().copied().find(|own| own.as_str() == text) }
        }
    };
}

event_types! {
    OrderCreated = "order.created", Merchant, "An order was placed", "订单已创建";
    OrderPaid = "order.paid", Merchant, "An order was paid", "订单已付款";
    OrderShipped = "order.shipped", Merchant, "Everything of an order was sent", "订单已全部发货";
    OrderReceived = "order.received", Merchant, "The buyer has an order", "买家已收货";
    OrderCompleted = "order.completed", Merchant, "An order is completed", "订单已完成";
    OrderCancelled = "order.cancelled", Merchant, "An order was cancelled", "订单已取消";
    OrderSettled = "order.settled", Merchant, "The money of an order is the merchant's", "订单已结算";
    OrderStockShort = "order.stock_short", Merchant, "Stock does not suffice for an order", "订单库存不足";
    AftersaleOpened = "aftersale.opened", Merchant, "A buyer asked for a refund, a return, an exchange or a resend", "买家发起了售后";
    AftersaleChanged = "aftersale.changed", Merchant, "An after-sale case moved on", "售后单状态已变化";
    AftersaleRefunded = "aftersale.refunded", Merchant, "The buyer of an after-sale case has the money back", "售后退款已完成";
    ShipmentRefused = "shipment.refused", Merchant, "The platform refused a parcel", "平台拒绝了包裹";
    ProductChanged = "product.changed", Merchant, "A product was made or changed", "商品已新增或修改";
    ProductStateChanged = "product.state_changed", Merchant, "A product was put on or taken off sale, or deleted", "商品已上架、下架或删除";
    ApplicationSaved = "application.saved", MerchantAndProvider, "A step of an application was saved", "入驻申请已保存";
    ApplicationSubmitted = "application.submitted", MerchantAndProvider, "An application was handed in", "入驻申请已提交";
    ApplicationResubmitted = "application.resubmitted", MerchantAndProvider, "An application was handed in again", "入驻申请已重新提交";
    ApplicationReviewStarted = "application.review_started", MerchantAndProvider, "Review of an application began", "入驻申请开始审核";
    ApplicationDocumentReviewed = "application.document_reviewed", MerchantAndProvider, "A document of an application was judged", "入驻资料已审核";
    ApplicationApproved = "application.approved", MerchantAndProvider, "An application was approved", "入驻申请已通过";
    ApplicationReturned = "application.returned", MerchantAndProvider, "An application was returned for mending", "入驻申请已退回";
    ApplicationRejected = "application.rejected", MerchantAndProvider, "An application was rejected", "入驻申请已拒绝";
    ApplicationAgreementSigned = "application.agreement_signed", MerchantAndProvider, "The agreement was signed", "入驻协议已签署";
    ShopOpened = "shop.opened", MerchantAndProvider, "A shop was opened", "店铺已开通";
    ShopStartedTrading = "shop.started_trading", MerchantAndProvider, "A shop started trading", "店铺已开张";
    ShopSuspended = "shop.suspended", MerchantAndProvider, "A shop was suspended", "店铺已暂停营业";
    ShopResumed = "shop.resumed", MerchantAndProvider, "A shop may trade again", "店铺已恢复营业";
    ShopClosed = "shop.closed", MerchantAndProvider, "A shop was closed", "店铺已关闭";
    SubscriptionStarted = "subscription.started", MerchantAndProvider, "A subscription to a plan began", "套餐订阅已开始";
    SubscriptionEnded = "subscription.ended", MerchantAndProvider, "A subscription to a plan ended", "套餐订阅已结束";
    PlanChangePlanned = "plan_change.planned", MerchantAndProvider, "A change to another plan will take place with the next period", "已预约下一期更换套餐";
    PlanChangeMade = "plan_change.made", MerchantAndProvider, "A merchant is on another plan", "已更换套餐";
    PlanChangeWithdrawn = "plan_change.withdrawn", MerchantAndProvider, "A change to another plan that waited was withdrawn", "已撤回更换套餐";
    CreditNoteIssued = "credit_note.issued", MerchantAndProvider, "A credit note was issued", "冲减单已出具";
    InvoiceIssued = "invoice.issued", MerchantAndProvider, "An invoice was issued", "账单已出具";
    InvoiceOverdue = "invoice.overdue", MerchantAndProvider, "An invoice is overdue", "账单已逾期";
    InvoicePaid = "invoice.paid", MerchantAndProvider, "An invoice was paid", "账单已付清";
    InvoiceReopened = "invoice.reopened", MerchantAndProvider, "The payment of an invoice was taken back, and it is owed again", "账单付款已撤销，重新待付";
    ReceiptDeclared = "receipt.declared", MerchantAndProvider, "A transfer was declared", "已登记转账";
    ReceiptConfirmed = "receipt.confirmed", MerchantAndProvider, "A transfer was confirmed", "转账已确认";
    ReceiptRefused = "receipt.refused", MerchantAndProvider, "A transfer was refused", "转账未通过";
    ReceiptReversed = "receipt.reversed", MerchantAndProvider, "The confirmation of a transfer was taken back", "转账确认已撤销";
    DepositStateChanged = "deposit.state_changed", MerchantAndProvider, "A margin deposit changed its state", "保证金状态已变化";
    DepositCaseOpened = "deposit_case.opened", MerchantAndProvider, "A case against a shop's deposit was opened", "已对店铺保证金立案";
    DepositCaseAppealed = "deposit_case.appealed", MerchantAndProvider, "A merchant appealed in a case", "商家已对案件申诉";
    DepositCaseDecided = "deposit_case.decided", MerchantAndProvider, "A case was decided", "案件已裁定";
    DepositCaseDeducted = "deposit_case.deducted", MerchantAndProvider, "Part of a deposit was deducted for a case", "案件已扣款";
    DepositCaseClosed = "deposit_case.closed", MerchantAndProvider, "A case was closed", "案件已结案";
    InvitationSent = "invitation.sent", Provider, "A merchant was invited", "已邀请商家";
    PlanCreated = "plan.created", Provider, "A plan was created", "套餐已创建";
    PlanVersionAdded = "plan.version_added", Provider, "A plan has a new version", "套餐已发布新版本";
    WebhookEndpointDisabled = "webhook_endpoint.disabled", Anybody, "A webhook endpoint was disabled because it did not answer", "Webhook 端点因无响应已停用";
    WebhookTest = "webhook.test", Anybody, "A test that somebody asked for", "测试事件";
}

impl EventType {
    /// Whether the endpoints of a merchant (`false`: of a provider) can choose it.
    pub fn reaches(self, merchant: bool) -> bool {
        match self.origin() {
            Origin::Merchant => merchant,
            Origin::MerchantAndProvider | Origin::Anybody => true,
            Origin::Provider => !merchant,
        }
    }
}

/// Pauses before the second and each later try; the first is at once.
pub const SCHEDULE: [Span; 9] = [
    Span::seconds(5),
    Span::minutes(5),
    Span::minutes(30),
    Span::hours(2),
    Span::hours(5),
    Span::hours(10),
    Span::hours(14),
    Span::hours(20),
    Span::hours(24),
];
/// The longest pause a receiver may ask for.
pub const LONGEST_PAUSE: Span = Span::hours(24);
/// An endpoint that answered nothing well for this long is disabled.
pub const FAILING_FOR: Span = Span::days(5);
/// How long the old secret signs too after a rotation, unless asked otherwise.
pub const OVERLAP: Span = Span::hours(24);
/// The longest overlap that can be asked for, in hours.
pub const LONGEST_OVERLAP_HOURS: i64 = 168;

/// What a try came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// 2xx.
    Delivered,
    /// 410: nobody wants it any more.
    Gone,
    /// Anything else, or no answer. The receiver may have said when to come again.
    Failed {
        /// From `Retry-After` of a 429 or 503.
        asked_pause: Option<Span>,
    },
}

/// The outcome of an answer's status.
pub fn outcome(status: Option<u16>, retry_after: Option<Span>) -> Outcome {
    match status {
        Some(200..=299) => Outcome::Delivered,
        Some(410) => Outcome::Gone,
        Some(429 | 503) => Outcome::Failed { asked_pause: retry_after },
        _ => Outcome::Failed { asked_pause: None },
    }
}

/// The pause after the `attempt`-th try (1 for the first); none when it was the last. `jitter` in 0..=1000
/// thousandths lengthens it by up to a tenth, so that receivers are not met by everybody at once.
pub fn pause_after(attempt: i64, asked_pause: Option<Span>, jitter: i64) -> Option<Span> {
    let index = usize::try_from(attempt.checked_sub(1)?).ok()?;
    let planned = SCHEDULE.get(index)?;
    let spread = planned.as_micros() / 10 / 1000 * jitter.clamp(0, 1000);
    let planned = Span::micros(planned.as_micros() + spread);
    let asked = asked_pause.unwrap_or(Span::micros(0)).min(LONGEST_PAUSE);
    Some(planned.max(asked))
}

/// Whether an endpoint that has failed since then is to be given up.
pub fn given_up(failing_since: Timestamp, now: Timestamp) -> bool {
    now.since(failing_since) >= FAILING_FOR
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_short() {
        let codes: BTreeSet<&str> = EventType::ALL.iter().map(|own| own.as_str()).collect();
        assert_eq!(codes.len(), EventType::ALL.len());
        for own in EventType::ALL {
            let code = own.as_str();
            assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'.'), "{code}");
            assert_eq!(EventType::parse(code), Some(*own));
        }
        assert_eq!(EventType::parse("order.nothing"), None);
    }

    #[test]
    fn a_merchant_does_not_choose_what_happens_at_its_provider() {
        assert!(EventType::OrderPaid.reaches(true) && !EventType::OrderPaid.reaches(false));
        assert!(EventType::InvoicePaid.reaches(true) && EventType::InvoicePaid.reaches(false));
        assert!(!EventType::PlanCreated.reaches(true) && EventType::PlanCreated.reaches(false));
    }

    #[test]
    fn the_schedule_is_that_of_the_standard_with_up_to_a_tenth_more() {
        let plain: Vec<i64> = (1..=9).map(|n| pause_after(n, None, 0).map_or(0, Span::as_seconds)).collect();
        assert_eq!(plain, [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]);
        assert_eq!(pause_after(10, None, 0), None);
        assert_eq!(pause_after(0, None, 0), None);
        assert_eq!(pause_after(2, None, 1000), Some(Span::seconds(330)));
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_within_a_day() {
        let asked = |seconds| pause_after(1, Some(Span::seconds(seconds)), 0).map(Span::as_seconds);
        assert_eq!((asked(1), asked(600), asked(10_000_000)), (Some(5), Some(600), Some(86_400)));
        assert_eq!(asked(-7), Some(5));
        let busy = |status| outcome(Some(status), Some(Span::seconds(9)));
        assert_eq!(busy(503), Outcome::Failed { asked_pause: Some(Span::seconds(9)) });
        assert_eq!(busy(500), Outcome::Failed { asked_pause: None });
    }

    #[test]
    fn statuses_lead_to_outcomes() {
        assert_eq!(outcome(Some(204), None), Outcome::Delivered);
        assert_eq!(outcome(Some(410), None), Outcome::Gone);
        for status in [Some(301), Some(404), Some(500), None] {
            assert_eq!(outcome(status, None), Outcome::Failed { asked_pause: None });
        }
        let now = Timestamp::from_seconds(1_000_000);
        assert!(given_up(now.minus(Span::days(5)), now));
        assert!(!given_up(now.minus(Span::hours(119)), now));
    }
}
