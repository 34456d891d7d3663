//! Typed ids. Inside they are UUIDv7 made by the application; outside they are strings with a prefix
//! (`shp_01981b2c…`, 32 lower-case hex digits after the prefix), so that an id of one kind is never
//! taken for another.

use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// An id that could not be read: wrong prefix or not 32 hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id like {prefix}_ followed by 32 hex digits")]
pub struct IdError {
    /// The prefix that was expected.
    pub prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Uuid);

        impl $name {
            /// The prefix of the public form.
            pub const PREFIX: &'static str = $prefix;
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.as_simple())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                let error = IdError { prefix: $prefix };
                let hex = text.strip_prefix(concat!($prefix, "_")).ok_or(error.clone())?;
                if hex.len() != 32 || hex.bytes().any(|b| b.is_ascii_uppercase()) {
                    return Err(error);
                }
                Uuid::try_parse(hex).map(Self).map_err(|_| error)
            }
        }
        impl From<$name> for Uuid {
            fn from(id: $name) -> Uuid { id.0 }
        }
        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self { Self(id) }
        }
    )*};
}

ids! {
    /// A tenant: the operator, a provider or a merchant.
    TenantId = "ten";
    /// A person who logs in to a console.
    UserId = "usr";
    /// A (user, role, scope) triple.
    StaffGrantId = "sgr";
    /// A role of a tenant's own.
    RoleId = "rol";
    /// A console session or a family of refresh tokens.
    SessionId = "ses";
    /// An API key.
    ApiKeyId = "key";
    /// A third-party app.
    OauthAppId = "app";
    /// What a person allowed a third-party app.
    AuthorisationId = "aut";
    /// A secret of a third-party app.
    OauthSecretId = "osc";
    /// An invitation to open a shop or to join as staff.
    InvitationId = "inv";
    /// A merchant's application to open a shop.
    ApplicationId = "apl";
    /// A document of an application.
    DocumentId = "doc";
    /// A requirement a provider sets for applications.
    RequirementId = "req";
    /// A stored file.
    MediaId = "med";
    /// A shop.
    ShopId = "shp";
    /// A row of the policy calendar.
    PolicyId = "pol";
    /// A category of the provider's tree.
    CategoryId = "cat";
    /// A product (SPU).
    ProductId = "prd";
    /// A SKU.
    SkuId = "sku";
    /// A stock movement.
    StockMovementId = "smv";
    /// A stock hold of one order line.
    StockHoldId = "shd";
    /// A file import.
    ImportId = "imp";
    /// A provider's app at a channel (third-party platform).
    ChannelAppId = "cap";
    /// A linked channel account.
    ChannelAccountId = "cac";
    /// An account that granted a provider's app.
    AppAuthorisationId = "cau";
    /// An attempt to link an account.
    LinkIntentId = "lnk";
    /// A product published on an account.
    ListingId = "lst";
    /// A run that publishes many products on many accounts.
    ListingRunId = "lrn";
    /// A remembered category of a channel.
    ChannelMappingId = "chm";
    /// An exchange with a platform, in the log.
    ExchangeId = "exc";
    /// An inbox message (a verified push).
    InboxId = "inb";
    /// An order.
    OrderId = "ord";
    /// A line of an order.
    OrderLineId = "oln";
    /// Something that happened to an order.
    OrderEventId = "oev";
    /// A parcel sent for an order.
    ShipmentId = "shi";
    /// An account of the ledger.
    LedgerAccountId = "lac";
    /// A journal of the ledger.
    JournalId = "jrn";
    /// A finding of the daily look at the books.
    LedgerFindingId = "lfd";
    /// A leg of a journal.
    EntryId = "ent";
    /// A plan.
    PlanId = "pln";
    /// An immutable version of a plan.
    PlanVersionId = "plv";
    /// A subscription of a tenant to a plan.
    SubscriptionId = "sub";
    /// A change of a subscription to another plan.
    PlanChangeId = "pch";
    /// An invoice.
    InvoiceId = "ivc";
    /// A credit note.
    CreditNoteId = "crn";
    /// A line of a credit note.
    CreditNoteLineId = "crl";
    /// A line of an invoice.
    InvoiceLineId = "ivl";
    /// Reported use.
    UsageEventId = "uev";
    /// A movement of a deposit.
    DepositMovementId = "dpm";
    /// A domain of a tenant's own.
    DomainId = "dom";
    /// Somebody acting in a tenant below their own.
    ImpersonationId = "imp";
    /// A background job.
    JobId = "job";
    /// An event in the outbox.
    EventId = "evt";
    /// An audit entry.
    AuditId = "aud";
    /// An API request.
    RequestId = "rqs";
    /// A receipt of money declared by a merchant.
    ReceiptId = "rcp";
    /// A deposit obligation of a shop.
    DepositId = "dep";
    /// A violation case against a deposit.
    DepositCaseId = "dcs";
    /// A deduction from a case.
    DepositDeductionId = "ddn";
    /// An archive of a merchant.
    ExportId = "exp";
    /// A merchant's deletion.
    DeletionId = "del";
    /// A buyer of one shop.
    BuyerId = "byr";
    /// A session of a buyer.
    BuyerSessionId = "bse";
    /// A request to erase a buyer's personal data.
    BuyerErasureId = "ber";
    /// A text message.
    SmsMessageId = "sms";
    /// An after-sale case.
    AftersaleId = "afs";
    /// Something that happened to an after-sale case.
    AftersaleEventId = "afe";
    /// Something a merchant said in a dispute.
    EvidenceId = "evd";
    /// Where a tenant is told of events.
    WebhookEndpointId = "whe";
    /// An event on its way to an endpoint.
    WebhookDeliveryId = "whd";
    /// A follower of a public account.
    FollowerId = "fol";
    /// A message from or to a follower.
    FollowerMessageId = "fms";
    /// A template of notices of a public account.
    MessageTemplateId = "mtp";
    /// A notice by a template to a follower.
    FollowerNoticeId = "fnt";
    /// A tag on followers of a public account.
    FollowerTagId = "ftg";
    /// A tag being put on many followers.
    FollowerTaggingId = "ftb";
    /// An article of a public account.
    ArticleId = "art";
    /// A code with a parameter of a public account.
    AccountCodeId = "qrc";
    /// The checklist of a live session.
    LivePlanId = "lvp";
    /// A limited-time discount at a channel.
    DiscountId = "dsc";
    /// An application for a category or a brand at a channel.
    QualificationId = "qlf";
    /// A coupon at a channel.
    CouponId = "cpn";
    /// A withdrawal of a shop's money at its platform.
    FundsWithdrawalId = "fwd";
    /// A rule that answers followers.
    ReplyRuleId = "rpl";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_form_round_trips_and_refuses_other_kinds() {
        let id = ShopId(Uuid::from_u128(0x0198_1b2c_0000_7000_8000_0000_0000_0001));
        assert_eq!(id.to_string(), "shp_01981b2c000070008000000000000001");
        assert_eq!(id.to_string().parse::<ShopId>(), Ok(id));
        assert!(id.to_string().parse::<OrderId>().is_err());
        for bad in [
            "",
            "shp_",
            "shp_XYZ",
            "01981b2c000070008000000000000001",
            "shp_01981B2C000070008000000000000001",
        ] {
            assert!(bad.parse::<ShopId>().is_err(), "{bad}");
        }
    }
}
