//! The entry of a plugin: who it is and what it can do.

use crate::affiliate::Affiliate;
use crate::aftersale::Aftersale;
use crate::analytics::Analytics;
use crate::auth::{AccountAuth, AccountProfile, AppAuth};
use crate::call_quotas::CallQuotas;
use crate::catalog::{Catalog, Stock};
use crate::content::Content;
use crate::context::Context;
use crate::dispute::Disputes;
use crate::fans::Fans;
use crate::fulfilment::Fulfilment;
use crate::funds::Funds;
use crate::guarantee::Guarantees;
use crate::http::Answer;
use crate::info::ChannelInfo;
use crate::leads::Leads;
use crate::live::Live;
use crate::menu::AccountMenu;
use crate::messaging::Messaging;
use crate::order_desk::OrderDesk;
use crate::orders::Orders;
use crate::promotions::Promotions;
use crate::push::Webhook;
use crate::qualifications::Qualifications;
use crate::reveal::Reveal;
use crate::scene_code::SceneCodes;
use crate::shop_desk::ShopDesk;
use crate::showcase::Showcase;
use crate::sign_in::PersonSignIn;
use crate::step::Turn;
use crate::templates::Templates;

/// A channel. Every accessor is mandatory: a plugin says `None` for what it does not have.
pub trait Channel: Send + Sync {
    /// Who it is.
    fn info(&self) -> &'static ChannelInfo;
    /// Linking accounts through the provider's channel app.
    fn app(&self) -> Option<&dyn AppAuth>;
    /// Keeping an account's token fresh.
    fn auth(&self) -> Option<&dyn AccountAuth>;
    /// Receiving pushes.
    fn webhook(&self) -> Option<&dyn Webhook>;
    /// Signing people in at the account.
    fn sign_in(&self) -> Option<&dyn PersonSignIn>;
    /// Reading the account's profile.
    fn account(&self) -> Option<&dyn AccountInfo>;
    /// Publishing products.
    fn catalog(&self) -> Option<&dyn Catalog>;
    /// Setting stock.
    fn stock(&self) -> Option<&dyn Stock>;
    /// Reading orders.
    fn orders(&self) -> Option<&dyn Orders>;
    /// Remarks, prices and addresses of orders.
    fn order_desk(&self) -> Option<&dyn OrderDesk>;
    /// Limited-time discounts and coupons.
    fn promotions(&self) -> Option<&dyn Promotions>;
    /// Shipping.
    fn fulfilment(&self) -> Option<&dyn Fulfilment>;
    /// Reading receivers' data in the clear.
    fn reveal(&self) -> Option<&dyn Reveal>;
    /// Writing to people who did something at the account.
    fn messaging(&self) -> Option<&dyn Messaging>;
    /// After-sale cases.
    fn aftersale(&self) -> Option<&dyn Aftersale>;
    /// Speaking in disputes about such cases.
    fn disputes(&self) -> Option<&dyn Disputes>;
    /// Reading and setting the account's menu.
    fn menu(&self) -> Option<&dyn AccountMenu>;
    /// Making codes with a parameter.
    fn codes(&self) -> Option<&dyn SceneCodes>;
    /// Reading followers and keeping tags.
    fn fans(&self) -> Option<&dyn Fans>;
    /// Sending notices by templates.
    fn templates(&self) -> Option<&dyn Templates>;
    /// Writing and publishing articles.
    fn content(&self) -> Option<&dyn Content>;
    /// The product window of an account.
    fn showcase(&self) -> Option<&dyn Showcase>;
    /// Reading live rooms.
    fn live(&self) -> Option<&dyn Live>;
    /// Reading what people left in forms.
    fn leads(&self) -> Option<&dyn Leads>;
    /// Freight templates and addresses.
    fn shop_desk(&self) -> Option<&dyn ShopDesk>;
    /// The shop's money at the platform.
    fn funds(&self) -> Option<&dyn Funds>;
    /// Categories and brands the shop may sell.
    fn qualifications(&self) -> Option<&dyn Qualifications>;
    /// Claims under the platform's guarantee.
    fn guarantees(&self) -> Option<&dyn Guarantees>;
    /// What is left of the account's calls.
    fn call_quotas(&self) -> Option<&dyn CallQuotas>;
    /// Figures of days that are over.
    fn analytics(&self) -> Option<&dyn Analytics>;
    /// The alliance: promoters and plans.
    fn affiliate(&self) -> Option<&dyn Affiliate>;
}

/// Reading the account's own profile with the account's token.
pub trait AccountInfo: Send + Sync {
    /// Asks for the profile. Doubles as the check that a direct link works.
    fn profile(&self, cx: &Context<'_>) -> Turn<AccountProfile>;
    /// Goes on with [`AccountInfo::profile`].
    fn resume_profile(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<AccountProfile>;
}
