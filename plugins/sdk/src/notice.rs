//! What a push says, in our words.

use crate::interaction::Interaction;
use crate::secret::Secret;
use crate::wire;
use qianpu_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One thing a push says. It only invalidates: the receiver fetches the subject afterwards.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Notice {
    /// The same for every delivery of the same push; unique within the binding it came through.
    pub dedup_key: String,
    /// The platform's name of the event.
    pub native_type: String,
    /// What it means.
    pub kind: NoticeKind,
    /// The account it is about, by its id, when the push names it (one address may serve many accounts).
    pub account_external_id: Option<String>,
    /// The account it is about by its second id (WeChat: `ToUserName`, `gh_…`), when the push names it.
    pub account_user_name: Option<String>,
    /// Id of the order, product, after-sale case … it is about.
    pub subject_id: Option<String>,
    /// When it happened, as the platform says.
    #[serde(with = "wire::time")]
    pub occurred_at: Timestamp,
    /// Details worth keeping, normalised by the plugin; never needed for correctness.
    pub hint: serde_json::Value,
    /// What the person did, of `message` and `follower.*`. It is the one thing of a push that cannot be fetched later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interaction: Option<Interaction>,
    /// The decrypted push as JSON, without what is in `secret`.
    pub raw: serde_json::Value,
    /// The ticket of `app.ticket`, the authorisation code of `account.authorized`. Never serialised: seal it.
    #[serde(skip)]
    pub secret: Option<Secret<String>>,
}

impl Notice {
    /// A notice of an event; the rest is filled in with `..`, so that a field that is added later breaks nobody.
    ///
    /// ```
    /// # use qianpu_sdk::{Notice, NoticeKind};
    /// # let at = qianpu_domain::time::Timestamp::from_seconds(1_700_000_000);
    /// let notice = Notice { subject_id: Some("1".to_owned()), ..Notice::new("paid:1", "paid", NoticeKind::OrderPaid, at) };
    /// assert!(notice.secret.is_none());
    /// ```
    pub fn new(
        dedup_key: impl Into<String>,
        native_type: impl Into<String>,
        kind: NoticeKind,
        occurred_at: Timestamp,
    ) -> Self {
        Self {
            dedup_key: dedup_key.into(),
            native_type: native_type.into(),
            kind,
            account_external_id: None,
            account_user_name: None,
            subject_id: None,
            occurred_at,
            hint: serde_json::json!({}),
            interaction: None,
            raw: serde_json::Value::Null,
            secret: None,
        }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        /// The meaning of a notice.
        #[derive(Clone, PartialEq, Eq, Debug)]
        pub enum NoticeKind {
            $($(#[$doc])* $name,)*
            /// An event we do not know; the raw name. Kept and acknowledged, never guessed.
            Unknown(String),
        }
        impl NoticeKind {
            /// Every known kind.
            pub const KNOWN: &'static [Self] = &[$(Self::$name),*];
            /// Stable name; `unknown` for the rest.
            pub const fn as_str(&self) -> &'static str {
                match self { $(Self::$name => $code,)* Self::Unknown(_) => "unknown" }
            }
        }
    };
}

kinds! {
    /// A new verify ticket for the channel app.
    AppTicket = "app.ticket";
    /// An account granted the app.
    AccountAuthorized = "account.authorized";
    /// An account took its grant back.
    AccountUnauthorized = "account.unauthorized";
    /// An account changed its grant.
    AccountUpdated = "account.updated";
    /// An account was renamed.
    AccountRenamed = "account.renamed";
    /// An account (shop) was closed.
    AccountClosed = "account.closed";
    /// A product's audit ended.
    ProductAudit = "product.audit";
    /// A product went on or off the shelf.
    ProductListing = "product.listing";
    /// A product changed otherwise.
    ProductChanged = "product.changed";
    /// An order was made.
    OrderCreated = "order.created";
    /// An order was paid.
    OrderPaid = "order.paid";
    /// An order was cancelled.
    OrderCancelled = "order.cancelled";
    /// An order was shipped, in part or whole.
    OrderShipped = "order.shipped";
    /// Receipt was confirmed.
    OrderConfirmed = "order.confirmed";
    /// The platform settled an order.
    OrderSettled = "order.settled";
    /// An order changed otherwise.
    OrderChanged = "order.changed";
    /// The buyer asks for an order to be shipped. Said once, and not to be fetched.
    OrderUrged = "order.urged";
    /// An after-sale case changed.
    AftersaleChanged = "aftersale.changed";
    /// A dispute changed.
    DisputeChanged = "dispute.changed";
    /// A claim under the platform's guarantee 保障单 changed. Names its order in the hint as `order_id`.
    GuaranteeChanged = "guarantee.changed";
    /// A gift that nobody took is refunded by the platform, or that moved on. Names its order in the hint as `order_id`.
    GiftAftersaleChanged = "gift_aftersale.changed";
    /// A buyer joined or left the shop's members, or their level or score changed.
    MemberChanged = "member.changed";
    /// Somebody became a sharer 分享员 of the shop, or is one no more.
    SharerChanged = "sharer.changed";
    /// A product of the agency's (团长) supply was added or changed.
    SupplierItemChanged = "supplier_item.changed";
    /// A buyer opened a talk with the shop.
    SessionEntered = "session.entered";
    /// A coupon changed, or a buyer received, used or lost one.
    CouponChanged = "coupon.changed";
    /// An application for a category was decided or withdrawn.
    CategoryAudit = "category.audit";
    /// A brand of the shop changed, or an application for it.
    BrandChanged = "brand.changed";
    /// Stock runs low.
    StockLow = "stock.low";
    /// A person wrote to the account.
    Message = "message";
    /// A person began to follow the account.
    FollowerSubscribed = "follower.subscribed";
    /// A person stopped following the account.
    FollowerUnsubscribed = "follower.unsubscribed";
    /// A person used a menu, scanned a code or came in.
    FollowerInteracted = "follower.interacted";
    /// The platform says what became of a notice by a template. See [`crate::Templates`] for its hint.
    MessageSettled = "message.settled";
    /// A publishing or mass-sending job ended.
    ContentPublished = "content.published";
    /// A withdrawal moved.
    FundsWithdrawal = "funds.withdrawal";
    /// The code of a withdrawal was scanned, confirmed, cancelled or ended.
    FundsCode = "funds.code";
    /// The bank account of the shop's funds changed.
    FundsAccount = "funds.account";
}

impl NoticeKind {
    /// From the stable name; anything else is unknown.
    pub fn parse(text: &str) -> Self {
        let known = Self::KNOWN.iter().find(|kind| kind.as_str() == text).cloned();
        known.unwrap_or_else(|| Self::Unknown(text.strip_prefix("unknown:").unwrap_or(text).to_owned()))
    }
    /// The name of the thing to fetch: `order`, `product`, `aftersale`, `account`, …: the part before the dot.
    pub fn subject(&self) -> &'static str {
        let name = self.as_str();
        name.split_once('.').map_or(name, |(subject, _)| subject)
    }
}

impl Serialize for NoticeKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unknown(raw) => serializer.collect_str(&format_args!("unknown:{raw}")),
            known => serializer.serialize_str(known.as_str()),
        }
    }
}

impl<'de> Deserialize<'de> for NoticeKind {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::parse(&text))
    }
}
