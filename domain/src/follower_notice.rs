//! Notices by templates to followers of a public account: what they tell of an order, and what became of them.
//!
//! The kinds are WeChat's template messages 模板消息 and subscription notices 订阅通知; that one key gets one message within
//! ten minutes is said of template messages only (see the plugin).

use crate::error::FieldError;
use crate::time::Span;

/// How long a notice without an answer may be sent again with the same key.
pub const AGAIN_WITHIN: Span = Span::minutes(9);
/// Fields of a template.
pub const MOST_FIELDS: usize = 20;
/// Longest text of a field.
pub const LONGEST_TEXT: usize = 200;

words! {
    /// What allows a notice.
    pub enum TemplateKind {
        /// That the person follows.
        Template = "template",
        /// That the person agreed to this template.
        Subscription = "subscription",
    }
}

words! {
    /// What of an order is told.
    pub enum NoticeEvent {
        /// It was paid.
        Paid = "paid",
        /// Everything of it was sent.
        Shipped = "shipped",
        /// Money went back to the buyer.
        Refunded = "refunded",
    }
}

words! {
    /// What stands in a field of a notice about an order.
    pub enum NoticeValue {
        /// The order's number.
        OrderNumber = "order_number",
        /// The first product, and how many others.
        Product = "product",
        /// What the buyer pays.
        Amount = "amount",
        /// What went back to the buyer.
        RefundAmount = "refund_amount",
        /// The carrier's name.
        Carrier = "carrier",
        /// The waybill's number.
        TrackingNumber = "tracking_number",
        /// The shop's name.
        Shop = "shop",
        /// When the order was made.
        PlacedAt = "placed_at",
    }
}

words! {
    /// Where a notice stands.
    pub enum NoticeState {
        /// It waits for its turn.
        Waiting = "waiting",
        /// It is on its way to the platform.
        Sending = "sending",
        /// The platform took it.
        Sent = "sent",
        /// The platform says that the person has it.
        Delivered = "delivered",
        /// The platform took it and could not bring it to the person.
        Failed = "failed",
        /// The platform refused it, or it was not sent at all.
        Refused = "refused",
        /// No answer came, so it may have been sent.
        Unknown = "unknown",
    }
}

/// What stands in a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldSource {
    /// A value of the order.
    Value(NoticeValue),
    /// The same text always.
    Text(String),
}

/// The text of a field as it was typed.
pub fn field_text(field: &str, typed: &str) -> Result<String, FieldError> {
    let text = typed.trim();
    if text.is_empty() {
        return Err(FieldError::required(field));
    }
    if text.chars().count() > LONGEST_TEXT || text.chars().any(char::is_control) {
        let (en, zh) = (
            format!("one line of at most {LONGEST_TEXT} characters"),
            format!("一行，最多 {LONGEST_TEXT} 个字"),
        );
        return Err(FieldError::new(field, "too_long", en, zh));
    }
    Ok(text.to_owned())
}

/// The first product and how many others: what people recognise an order by.
pub fn product_line(titles: &[&str]) -> String {
    match titles {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first, ..] => {
            let more = format!(" 等 {} 件", titles.len());
            // The number stays when a short field cuts the title.
            let room = 20_usize.saturating_sub(more.chars().count());
            format!("{}{more}", first.chars().take(room).collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_products_are_counted_within_a_short_field() {
        assert_eq!(product_line(&["明前龙井"]), "明前龙井");
        let long = "特级明前龙井春茶礼盒装二百五十克两罐";
        let line = product_line(&[long, "茶杯", "茶盘"]);
        assert!(line.ends_with(" 等 3 件") && line.chars().count() <= 20, "{line}");
        assert_eq!(product_line(&[]), "");
    }

    #[test]
    fn a_field_has_one_line_of_text() {
        assert_eq!(field_text("fields.thing1", " 感谢惠顾 ").unwrap(), "感谢惠顾");
        assert!(field_text("f", "  ").is_err());
        assert!(field_text("f", "a\nb").is_err());
        assert!(field_text("f", &"长".repeat(LONGEST_TEXT + 1)).is_err());
    }
}
