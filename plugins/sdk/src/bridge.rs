//! What crosses between the host and a plugin that is a WebAssembly component: names of operations and the JSON forms
//! of what goes in and comes out. The envelope around them is `wit/v0.1/channel.wit`.
//!
//! Types of the sdk that hold no secrets cross as their own JSON. Those that do have a form here in which secrets are
//! text: a handle inside the component, the value only where the host puts it back.

mod dispatch;
mod forms;
mod manifest;

pub use dispatch::{resume, start};
pub use forms::{
    AccessTokenForm, AuthorisationForm, AuthorisedAccountForm, ClearReceiverForm, TokenSetForm,
    VirtualPhoneForm,
};
pub use manifest::{
    AppShapeForm, BucketForm, Capability, HostForm, KindForm, MANIFEST_SCHEMA, Manifest, NamesForm,
    PushRuleForm,
};

/// Names of operations, as the exchange log has them too.
pub mod operation {
    /// See [`crate::AppAuth::request_ticket`]; `{}` → `null`.
    pub const APP_REQUEST_TICKET: &str = "app.request_ticket";
    /// See [`crate::AppAuth::app_token`]; `{}` → [`super::AccessTokenForm`].
    pub const APP_TOKEN: &str = "app.token";
    /// See [`crate::AppAuth::begin_link`]; [`crate::LinkRequest`] → [`crate::LinkInvitation`].
    pub const APP_BEGIN_LINK: &str = "app.begin_link";
    /// See [`crate::AppAuth::complete_link`]; `{code}` → [`super::AuthorisationForm`].
    pub const APP_COMPLETE_LINK: &str = "app.complete_link";
    /// See [`crate::AppAuth::authorised_accounts`]; `{cursor}` → a page of [`super::AuthorisedAccountForm`].
    pub const APP_AUTHORISED_ACCOUNTS: &str = "app.authorised_accounts";
    /// See [`crate::AppAuth::authorised_profile`]; `{external_id}` → [`crate::AccountProfile`].
    pub const APP_AUTHORISED_PROFILE: &str = "app.authorised_profile";
    /// See [`crate::AccountAuth::refresh`]; `{}` → [`super::TokenSetForm`].
    pub const ACCOUNT_REFRESH: &str = "account.refresh";
    /// See [`crate::AccountInfo::profile`]; `{}` → [`crate::AccountProfile`].
    pub const ACCOUNT_PROFILE: &str = "account.profile";
    /// See [`crate::PersonSignIn::address`]; [`crate::SignInRequest`] → text, at once.
    pub const PERSON_ADDRESS: &str = "person.address";
    /// See [`crate::PersonSignIn::person`]; `{code}` → [`crate::Person`].
    pub const PERSON_SIGN_IN: &str = "person.sign_in";
    /// See [`crate::Catalog::publish`]; `{draft, refs}` → [`crate::Published`].
    pub const PRODUCT_PUBLISH: &str = "product.publish";
    /// See [`crate::Catalog::fetch`]; `{product_id}` → [`crate::RemoteListing`].
    pub const PRODUCT_FETCH: &str = "product.fetch";
    /// See [`crate::Catalog::list`]; `{product_id}` → [`crate::RemoteListing`].
    pub const PRODUCT_LIST: &str = "product.list";
    /// See [`crate::Catalog::delist`]; `{product_id}` → [`crate::RemoteListing`].
    pub const PRODUCT_DELIST: &str = "product.delist";
    /// See [`crate::Stock::set_stock`]; `{refs, levels}` → a list of [`crate::StockOutcome`].
    pub const STOCK_SET: &str = "stock.set";
    /// See [`crate::Orders::list_changed`]; `{window, cursor}` → a page of text.
    pub const ORDER_LIST: &str = "order.list";
    /// See [`crate::Orders::fetch`]; `{order_id}` → [`crate::ChannelOrder`].
    pub const ORDER_FETCH: &str = "order.fetch";
    /// See [`crate::Reveal::receiver`]; `{order_id}` → [`super::ClearReceiverForm`].
    pub const ORDER_REVEAL: &str = "order.reveal";
    /// See [`crate::OrderDesk::note`]; `{order_id, words}` → `null`.
    pub const ORDER_NOTE: &str = "order.note";
    /// See [`crate::OrderDesk::reprice`]; [`crate::Repricing`] → `null`.
    pub const ORDER_REPRICE: &str = "order.reprice";
    /// See [`crate::OrderDesk::answer_address`]; `{order_id, agreed}` → [`crate::AddressAnswer`].
    pub const ORDER_ANSWER_ADDRESS: &str = "order.answer_address";
    /// See [`crate::OrderDesk::change_address`]; `{order_id, address}` ([`crate::NewAddress`]) → `null`.
    pub const ORDER_CHANGE_ADDRESS: &str = "order.change_address";
    /// See [`crate::Promotions::discounts`]; `{cursor}` → page of [`crate::Discount`].
    pub const DISCOUNT_LIST: &str = "discount.list";
    /// See [`crate::Promotions::add_discount`]; [`crate::NewDiscount`] → text.
    pub const DISCOUNT_ADD: &str = "discount.add";
    /// See [`crate::Promotions::end_discount`]; [`crate::DiscountEnding`] → `null`.
    pub const DISCOUNT_END: &str = "discount.end";
    /// See [`crate::Promotions::coupons`]; `{cursor}` → page of [`crate::Coupon`].
    pub const COUPON_LIST: &str = "coupon.list";
    /// See [`crate::Promotions::coupon`]; `{coupon_id}` → [`crate::Coupon`] or `null`.
    pub const COUPON_FETCH: &str = "coupon.fetch";
    /// See [`crate::Promotions::add_coupon`]; [`crate::NewCoupon`] → text.
    pub const COUPON_ADD: &str = "coupon.add";
    /// See [`crate::Promotions::change_coupon`]; [`crate::CouponChange`] → `null`.
    pub const COUPON_CHANGE: &str = "coupon.change";
    /// See [`crate::Promotions::move_coupon`]; [`crate::CouponMove`] → `null`.
    pub const COUPON_MOVE: &str = "coupon.move";
    /// See [`crate::Promotions::held_coupons`]; [`crate::CouponHolder`] → page of [`crate::HeldCoupon`].
    pub const COUPON_HELD: &str = "coupon.held";
    /// See [`crate::Fulfilment::carriers`]; `{}` → a list of [`crate::Carrier`].
    pub const CARRIER_LIST: &str = "carrier.list";
    /// See [`crate::Fulfilment::ship`]; [`crate::Shipment`] → [`crate::ShipOutcome`].
    pub const ORDER_SHIP: &str = "order.ship";
    /// See [`crate::Messaging::send`]; `{to, message}` → [`crate::SendOutcome`].
    pub const MESSAGE_SEND: &str = "message.send";
    /// See [`crate::Aftersale::list`]; `{window, cursor}` → a page of text.
    pub const AFTERSALE_LIST: &str = "aftersale.list";
    /// See [`crate::Aftersale::fetch`]; `{case_id}` → [`crate::ChannelCase`].
    pub const AFTERSALE_FETCH: &str = "aftersale.fetch";
    /// See [`crate::Aftersale::choices`]; [`crate::CaseRef`] → [`crate::CaseChoices`].
    pub const AFTERSALE_CHOICES: &str = "aftersale.choices";
    /// See [`crate::Aftersale::accept`]; [`crate::Acceptance`] → [`crate::CaseOutcome`].
    pub const AFTERSALE_ACCEPT: &str = "aftersale.accept";
    /// See [`crate::Aftersale::refuse`]; [`crate::Refusal`] → [`crate::CaseOutcome`].
    pub const AFTERSALE_REFUSE: &str = "aftersale.refuse";
    /// See [`crate::Disputes::answer`]; [`crate::DisputeEvidence`] → [`crate::EvidenceOutcome`].
    pub const DISPUTE_ANSWER: &str = "dispute.answer";
    /// See [`crate::Guarantees::list`]; [`crate::GuaranteeQuery`] → a page of [`crate::GuaranteeClaim`].
    pub const GUARANTEE_LIST: &str = "guarantee.list";
    /// See [`crate::Guarantees::fetch`]; `{claim_id}` → [`crate::GuaranteeClaim`] or `null`.
    pub const GUARANTEE_FETCH: &str = "guarantee.fetch";
    /// See [`crate::Guarantees::answer`]; [`crate::GuaranteeAnswer`] → [`crate::GuaranteeOutcome`].
    pub const GUARANTEE_ANSWER: &str = "guarantee.answer";
    /// See [`crate::AccountMenu::fetch`]; `{}` → [`crate::Menu`] or `null`.
    pub const MENU_FETCH: &str = "menu.fetch";
    /// See [`crate::AccountMenu::publish`]; [`crate::Menu`] → `null`.
    pub const MENU_PUBLISH: &str = "menu.publish";
    /// See [`crate::SceneCodes::make`]; [`crate::WantedCode`] → [`crate::SceneCode`].
    pub const CODE_MAKE: &str = "code.make";
    /// See [`crate::Fans::list`]; `{after}` → [`crate::FanPage`].
    pub const FAN_LIST: &str = "fan.list";
    /// See [`crate::Fans::details`]; `{open_ids}` → list of [`crate::Fan`].
    pub const FAN_DETAILS: &str = "fan.details";
    /// See [`crate::Fans::tags`]; `{}` → list of [`crate::FanTag`].
    pub const FAN_TAGS: &str = "fan.tags";
    /// See [`crate::Fans::create_tag`]; `{name}` → [`crate::FanTag`].
    pub const FAN_CREATE_TAG: &str = "fan.create_tag";
    /// See [`crate::Fans::rename_tag`]; [`crate::TagName`] → `null`.
    pub const FAN_RENAME_TAG: &str = "fan.rename_tag";
    /// See [`crate::Fans::delete_tag`]; `{tag_id}` → `null`.
    pub const FAN_DELETE_TAG: &str = "fan.delete_tag";
    /// See [`crate::Fans::mark`]; [`crate::TagMark`] → `null`.
    pub const FAN_MARK: &str = "fan.mark";
    /// See [`crate::Templates::list`]; `{kind}` → list of [`crate::MessageTemplate`].
    pub const TEMPLATE_LIST: &str = "template.list";
    /// See [`crate::Templates::send`]; `{to, notice}` → [`crate::NoticeOutcome`].
    pub const TEMPLATE_SEND: &str = "template.send";
    /// See [`crate::Content::save_draft`]; `{draft, refs}` → [`crate::ArticleRefs`].
    pub const ARTICLE_SAVE: &str = "article.save";
    /// See [`crate::Content::submit`]; `{draft_id}` → text.
    pub const ARTICLE_SUBMIT: &str = "article.submit";
    /// See [`crate::Content::publishing`]; `{publish_id}` → [`crate::Publishing`].
    pub const ARTICLE_PUBLISHING: &str = "article.publishing";
    /// See [`crate::Showcase::list`]; `{cursor}` → page of [`crate::ShowcaseItem`].
    pub const SHOWCASE_LIST: &str = "showcase.list";
    /// See [`crate::Showcase::add`]; [`crate::ShowcaseRef`] → [`crate::ShowcaseItem`].
    pub const SHOWCASE_ADD: &str = "showcase.add";
    /// See [`crate::Showcase::remove`]; [`crate::ShowcaseRef`] → [`crate::ShowcaseItem`].
    pub const SHOWCASE_REMOVE: &str = "showcase.remove";
    /// See [`crate::Live::now`]; `{}` → [`crate::LiveNow`].
    pub const LIVE_NOW: &str = "live.now";
    /// See [`crate::Live::day`]; [`crate::LiveDay`] → [`crate::LiveSessions`].
    pub const LIVE_DAY: &str = "live.day";
    /// See [`crate::Leads::forms`]; `{cursor}` → page of [`crate::LeadForm`].
    pub const LEAD_FORMS: &str = "lead.forms";
    /// See [`crate::Leads::leads`]; `{form_id, window, cursor}` → page of [`crate::Lead`].
    pub const LEAD_LIST: &str = "lead.list";
    /// See [`crate::ShopDesk::freight_templates`]; `{}` → a list of [`crate::FreightTemplate`].
    pub const FREIGHT_LIST: &str = "freight.list";
    /// See [`crate::ShopDesk::save_freight_template`]; [`crate::FreightTemplate`] → text.
    pub const FREIGHT_SAVE: &str = "freight.save";
    /// See [`crate::ShopDesk::addresses`]; `{}` → a list of [`crate::ShopAddress`].
    pub const SHOP_ADDRESS_LIST: &str = "shop_address.list";
    /// See [`crate::ShopDesk::save_address`]; [`crate::ShopAddress`] → text.
    pub const SHOP_ADDRESS_SAVE: &str = "shop_address.save";
    /// See [`crate::ShopDesk::remove_address`]; `{address_id}` → `null`.
    pub const SHOP_ADDRESS_REMOVE: &str = "shop_address.remove";
    /// See [`crate::Funds::balance`]; `{}` → [`crate::Balance`].
    pub const FUNDS_BALANCE: &str = "funds.balance";
    /// See [`crate::Funds::flows`]; [`crate::FlowQuery`] → page of [`crate::FundsFlow`].
    pub const FUNDS_FLOWS: &str = "funds.flows";
    /// See [`crate::Funds::withdrawals`]; `{window, cursor}` → page of [`crate::Withdrawal`].
    pub const WITHDRAWAL_LIST: &str = "withdrawal.list";
    /// See [`crate::Funds::withdrawal`]; `{withdrawal_id}` → [`crate::Withdrawal`].
    pub const WITHDRAWAL_FETCH: &str = "withdrawal.fetch";
    /// See [`crate::Funds::withdraw`]; [`crate::WantedWithdrawal`] → [`crate::WithdrawalAsked`].
    pub const WITHDRAWAL_ASK: &str = "withdrawal.ask";
    /// See [`crate::Funds::code`]; `{ticket}` → [`crate::CodePicture`].
    pub const WITHDRAWAL_CODE: &str = "withdrawal.code";
    /// See [`crate::Funds::code_standing`]; `{ticket}` → [`crate::CodeStanding`].
    pub const WITHDRAWAL_CODE_STANDING: &str = "withdrawal.code_standing";
    /// See [`crate::Qualifications::send_documents`]; `{documents}` → a list of text.
    pub const QUALIFICATION_SEND: &str = "qualification.send";
    /// See [`crate::Qualifications::approved_categories`]; `{}` → a list of [`crate::ApprovedCategory`].
    pub const CATEGORY_APPROVED: &str = "category.approved";
    /// See [`crate::Qualifications::search_categories`]; `{words}` → a list of [`crate::CategoryPlace`].
    pub const CATEGORY_SEARCH: &str = "category.search";
    /// See [`crate::Qualifications::category_terms`]; `{category_id}` → [`crate::CategoryTerms`].
    pub const CATEGORY_TERMS: &str = "category.terms";
    /// See [`crate::Qualifications::apply_for_category`]; [`crate::CategoryWish`] → text.
    pub const CATEGORY_APPLY: &str = "category.apply";
    /// See [`crate::Qualifications::category_application`]; `{application_id}` → [`crate::ApplicationStanding`].
    pub const CATEGORY_APPLICATION: &str = "category.application";
    /// See [`crate::Qualifications::withdraw_category`]; `{application_id}` → `null`.
    pub const CATEGORY_WITHDRAW: &str = "category.withdraw";
    /// See [`crate::Qualifications::brands`]; `{cursor}` → page of [`crate::Brand`].
    pub const BRAND_LIST: &str = "brand.list";
    /// See [`crate::Qualifications::brand`]; `{brand_id}` → [`crate::Brand`] or `null`.
    pub const BRAND_FETCH: &str = "brand.fetch";
    /// See [`crate::Qualifications::known_brands`]; `{cursor}` → page of [`crate::BrandName`].
    pub const BRAND_KNOWN: &str = "brand.known";
    /// See [`crate::Qualifications::apply_for_brand`]; [`crate::BrandWish`] → text.
    pub const BRAND_APPLY: &str = "brand.apply";
    /// See [`crate::Qualifications::withdraw_brand`]; [`crate::BrandApplication`] → `null`.
    pub const BRAND_WITHDRAW: &str = "brand.withdraw";
    /// See [`crate::Qualifications::delete_brand`]; `{brand_id}` → `null`.
    pub const BRAND_DELETE: &str = "brand.delete";
    /// See [`crate::CallQuotas::ask`]; `{interfaces}` → a list of [`crate::InterfaceQuota`].
    pub const QUOTA_ASK: &str = "quota.ask";
    /// See [`crate::CallQuotas::clear`]; `{}` → `null`.
    pub const QUOTA_CLEAR: &str = "quota.clear";
    /// See [`crate::Analytics::overview`]; [`crate::LiveDay`] → [`crate::DayFigures`].
    pub const ANALYTICS_OVERVIEW: &str = "analytics.overview";
    /// See [`crate::Analytics::products`]; [`crate::LiveDay`] → [`crate::ProductsOfDay`].
    pub const ANALYTICS_PRODUCTS: &str = "analytics.products";
    /// See [`crate::Analytics::product`]; [`crate::ProductOfDay`] → [`crate::ProductFigures`] or `null`.
    pub const ANALYTICS_PRODUCT: &str = "analytics.product";
    /// See [`crate::Analytics::people`]; [`crate::PeopleOfDay`] → [`crate::PeopleFigures`].
    pub const ANALYTICS_PEOPLE: &str = "analytics.people";
    /// See [`crate::Affiliate::promoters`]; [`crate::AllianceQuery`] → a page of [`crate::PromoterName`].
    pub const AFFILIATE_PROMOTERS: &str = "affiliate.promoters";
    /// See [`crate::Affiliate::promoter`]; `{promoter_id}` → [`crate::Promoter`] or `null`.
    pub const AFFILIATE_PROMOTER: &str = "affiliate.promoter";
    /// See [`crate::Affiliate::promoted`]; [`crate::PromotedQuery`] → a page of [`crate::PromotedProduct`].
    pub const AFFILIATE_PROMOTED: &str = "affiliate.promoted";
    /// See [`crate::Affiliate::products`]; [`crate::AllianceQuery`] → a page of [`crate::AllianceProduct`].
    pub const AFFILIATE_PRODUCTS: &str = "affiliate.products";
    /// See [`crate::Affiliate::plans`]; [`crate::PlansQuery`] → a page of [`crate::PromotionPlan`].
    pub const AFFILIATE_PLANS: &str = "affiliate.plans";
    /// See [`crate::Affiliate::terms`]; [`crate::PlanRef`] → [`crate::PlanTerms`] or `null`.
    pub const AFFILIATE_TERMS: &str = "affiliate.terms";
    /// See [`crate::Affiliate::plan_promoters`]; [`crate::PlanPromotersQuery`] → a page of [`crate::PlanPromoter`].
    pub const AFFILIATE_PLAN_PROMOTERS: &str = "affiliate.plan_promoters";
    /// See [`crate::Affiliate::block`]; [`crate::PromoterBlock`] → `null`.
    pub const AFFILIATE_BLOCK: &str = "affiliate.block";
    /// See [`crate::Affiliate::change_plan`]; [`crate::PlanChange`] → `null`.
    pub const AFFILIATE_CHANGE_PLAN: &str = "affiliate.change_plan";
    /// See [`crate::Affiliate::add_product`]; [`crate::AllianceAddition`] → [`crate::AllianceAdded`].
    pub const AFFILIATE_ADD_PRODUCT: &str = "affiliate.add_product";
}
