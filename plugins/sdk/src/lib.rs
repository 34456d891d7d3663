//! What the author of a channel plugin sees.
//!
//! A plugin is a set of **pure functions**. It never opens a socket, reads a clock or draws a random number:
//! it *describes* requests and *reads* answers, and the host does the I/O. Tokens, limits, retries, masking
//! and logs therefore live in one place, and a plugin's test is a table of bytes in and values out.
//!
//! * [`Channel`] is the entry: who it is ([`ChannelInfo`]) and which capabilities it has. A capability it
//!   lacks is `None`; pages then show no button for it. No capability method has a default body.
//! * Operations are step machines ([`Step`]): `start` → `Call` → `resume` → … → `Done`.
//! * Pushes go through [`Webhook`]: verify, decode, acknowledge. Verification has no default.
//! * Failures are [`ChannelError`]s; their class tells the host and the merchant what to do next.
//!
//! # Example: one operation, driven by hand
//!
//! ```
//! use qianpu_sdk::{Answer, ChannelError, Context, Request, Response, Step, Turn};
//!
//! /// Asks a platform for the name of the shop.
//! fn shop_name(cx: &Context<'_>) -> Turn<String> {
//!     let token = cx.account_token()?;
//!     Ok(Step::call(Request::get("api", "/shop").secret_query("access_token", token.expose()), Vec::new()))
//! }
//! fn resume_shop_name(_cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<String> {
//!     let body: serde_json::Value = Answer::only(answers)?.json()?;
//!     let name = body["name"].as_str().ok_or_else(|| ChannelError::unexpected("no name"))?;
//!     Ok(Step::Done(name.to_owned()))
//! }
//!
//! # use qianpu_sdk::{AccountCredentials, AccessToken, Locale, Secret};
//! # use qianpu_domain::time::Timestamp;
//! let account = AccountCredentials {
//!     external_id: "wx1".into(),
//!     secret: None,
//!     access_token: Some(AccessToken { value: Secret::new("t".into()), expires_at: Timestamp::from_seconds(9) }),
//!     refresh_token: None,
//! };
//! let settings = serde_json::json!({});
//! let cx = Context { now: Timestamp::from_seconds(1), nonce: "0", app: None, account: Some(&account),
//!     settings: &settings, locale: Locale::Zh };
//! let Step::Call { requests, state, .. } = shop_name(&cx)? else { unreachable!() };
//! assert_eq!(requests[0].path, "/shop");
//! assert!(!format!("{:?}", requests[0]).contains("\"t\""), "tokens are masked");
//! let answer = Answer::Response(Response { status: 200, headers: vec![], body: br#"{"name":"x"}"#.to_vec() });
//! assert!(matches!(resume_shop_name(&cx, &state, &[answer])?, Step::Done(name) if name == "x"));
//! # Ok::<(), ChannelError>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod affiliate;
mod affiliate_plans;
mod aftersale;
mod analytics;
mod auth;
pub mod bridge;
mod call_quotas;
mod catalog;
mod channel;
mod content;
mod context;
mod coupons;
pub mod crypto;
mod dispute;
mod error;
mod fans;
mod fulfilment;
mod funds;
mod guarantee;
mod http;
mod info;
mod interaction;
mod leads;
mod live;
mod menu;
mod messaging;
mod notice;
mod order_desk;
mod orders;
mod promotions;
mod push;
mod qualifications;
mod reveal;
mod scene_code;
mod secret;
mod shop_desk;
mod showcase;
mod sign_in;
mod step;
mod templates;
pub mod wire;

pub use affiliate::{
    AFFILIATE_FIELD, AFFILIATE_NOT_OPENED, Affiliate, AllianceProduct, AllianceQuery, CommissionShare,
    PlanKind, PlanPromoter, PlanPromotersQuery, PlanRef, PlanState, PlanTerms, PlanWay, PlansQuery,
    PromotedProduct, PromotedQuery, Promoter, PromoterBlock, PromoterName, PromoterSales, PromotionPlan,
};
pub use affiliate_plans::{AllianceAdded, AllianceAddition, COMMISSION_MOST, PlanChange, PlanWish};
pub use aftersale::{
    Acceptance, AcceptanceStep, Aftersale, CaseChoices, CaseKind, CaseLine, CaseOutcome, CaseParty, CaseRef,
    CaseState, ChannelCase, Refusal, RefusalReason, ReturnAddress, ReturnParcel,
};
pub use analytics::{
    Analytics, DayFigures, FigureName, Figures, PeopleFigures, PeopleGroup, PeopleKind, PeopleOfDay,
    PeopleTrait, ProductFigures, ProductOfDay, ProductsOfDay, PromoterFigures, PromoterRow,
};
pub use auth::{
    AccountAuth, AccountProfile, AppAuth, Authorisation, AuthorisedAccount, LinkInvitation, LinkRequest,
    TokenSet,
};
pub use call_quotas::{CallQuotas, CallRate, DailyCalls, InterfaceQuota};
pub use catalog::{
    AuditState, Catalog, ListingState, Picture, ProductDraft, Published, PublishedRefs, RemoteListing,
    ShelfState, Shown, ShownSku, SkuDraft, Spec, Stock, StockLevel, StockOutcome, WithdrawnReason,
};
pub use channel::{AccountInfo, Channel};
pub use content::{ArticleDraft, ArticleRefs, Content, Publishing};
pub use context::{AccessToken, AccountCredentials, AppCredentials, Context, Locale, PushCredentials};
pub use coupons::{
    Coupon, CouponChange, CouponGift, CouponHolder, CouponMove, CouponState, CouponStep, CouponTerms,
    CouponValidity, HeldCoupon, HeldState, NewCoupon,
};
pub use dispute::{
    ChannelDispute, DisputeAct, DisputeEntry, DisputeEvidence, DisputePicture, DisputeStanding, DisputeStep,
    Disputes, EvidenceKind, EvidenceOutcome,
};
pub use error::{ChannelError, ErrorClass, FieldError, RemoteError};
pub use fans::{Fan, FanPage, FanTag, Fans, TagMark, TagName};
pub use fulfilment::{Carrier, Fulfilment, Parcel, ParcelLine, ShipOutcome, Shipment};
pub use funds::{
    Balance, BankAccount, CodePicture, CodeScanner, CodeStanding, CodeState, FlowKind, FlowQuery, Funds,
    FundsFlow, WantedWithdrawal, Withdrawal, WithdrawalAsked, WithdrawalState,
};
pub use guarantee::{
    GuaranteeAnswer, GuaranteeClaim, GuaranteeDamage, GuaranteeFake, GuaranteeGoods, GuaranteeKind,
    GuaranteeMove, GuaranteeOutcome, GuaranteeQuery, GuaranteeState, Guarantees,
};
pub use http::{Answer, Body, Method, Part, PartContent, Request, Response};
pub use info::{
    AccountKind, AppSetting, AppShape, AppStyle, Bucket, ChannelInfo, HostName, LinkMode, PushFormat,
    PushRule,
};
pub use interaction::Interaction;
pub use leads::{Lead, LeadForm, LeadFormState, Leads};
pub use live::{
    Live, LiveAccount, LiveDay, LiveFigures, LiveNow, LiveProduct, LiveReservation, LiveRoom, LiveSession,
    LiveSessions,
};
pub use menu::{AccountMenu, Menu, MenuAction, MenuButton};
pub use messaging::{Messaging, OutgoingMessage, SendOutcome};
pub use notice::{Notice, NoticeKind};
pub use order_desk::{AddressAnswer, AddressWish, LinePrice, NewAddress, OrderDesk, Repricing};
pub use orders::{
    Attribution, CancelReason, ChannelOrder, ChannelOrderLine, ChannelParcel, MaskedAddress, OrderAmounts,
    OrderState, Orders, Page, Relation, Scene, SourceAccount, TimeWindow,
};
pub use promotions::{
    Discount, DiscountEnd, DiscountEnding, DiscountSku, DiscountState, NewDiscount, Promotions,
};
pub use push::{PushOrigin, PushRefusal, PushReply, RawPush, Received, Verified, Webhook};
pub use qualifications::{
    ApplicationStanding, ApprovedCategory, Brand, BrandApplication, BrandName, BrandRight, BrandWish,
    CategoryPlace, CategoryStep, CategoryTerms, CategoryWish, DocumentKind, GoodsQualification,
    QualificationState, Qualifications, SentDocuments, Trademark, Validity,
};
pub use reveal::{ClearReceiver, Reveal, VirtualPhone};
pub use scene_code::{SceneCode, SceneCodes, WantedCode};
pub use secret::Secret;
pub use shop_desk::{
    Area, FreeFrom, FreightCharge, FreightRule, FreightTemplate, FreightUnit, ShopAddress, ShopDesk,
};
pub use showcase::{Barred, Showcase, ShowcaseItem, ShowcaseRef, ShowcaseState};
pub use sign_in::{Person, PersonSignIn, PlatformNames, SignInRequest, SignInScope};
pub use step::{Step, Turn, decode_state, encode_state};
pub use templates::{
    MessageTemplate, NoticeOutcome, NoticeRefusal, TemplateField, TemplateKind, TemplateNotice, Templates,
};
