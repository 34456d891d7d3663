//! Who may do what: surfaces, permissions, roles, and the one policy table between them.
//!
//! Roles never carry a scope; a staff grant is a triple (user, role, scope) kept by the data boundary.

/// The three consoles, one per tier. Also the audience of access tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub enum Surface {
    /// Who runs this installation.
    Operator,
    /// A service provider 服务商.
    Provider,
    /// A merchant 商家.
    Merchant,
}

impl Surface {
    /// Wire form.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Provider => "provider",
            Self::Merchant => "merchant",
        }
    }
    /// From the wire form.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Operator, Self::Provider, Self::Merchant].into_iter().find(|surface| surface.as_str() == text)
    }
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        /// Something a role may allow.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
        pub enum Permission { $($(#[$doc])* $name,)* }
        impl Permission {
            /// Every permission, in table order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
            /// Wire form, `noun.verb`.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$name => $code),* } }
            /// From the wire form.
            pub fn parse(text: &str) -> Option<Self> { Self::ALL.iter().copied().find(|one| one.as_str() == text) }
        }
        /// Calls `$callback!` with every permission name, so that other rooms derive types from this one list.
        #[macro_export]
        macro_rules! for_each_permission { ($callback:ident) => { $callback! { $($name)* } }; }
    };
}

permissions! {
    /// See one's own person, tenant and session.
    SelfRead = "self.read";
    /// Change one's own log-in: password, sessions, switching tenants.
    SelfManage = "self.manage";
    /// Edit the own application to open a shop.
    ApplicationEdit = "applications.edit";
    /// See applications: a merchant its own, a provider its merchants'.
    ApplicationRead = "applications.read";
    /// Approve, return or reject applications.
    ApplicationReview = "applications.review";
    /// Invite merchants.
    MerchantInvite = "merchants.invite";
    /// See the provider's merchants.
    MerchantRead = "merchants.read";
    /// Set the provider's brand, mail server and domains.
    BrandManage = "brand.manage";
    /// Claim and give up domains: of the provider's pages, or of the merchant's shops.
    DomainManage = "domains.manage";
    /// Act in a merchant of the provider, or for the operator in a provider, for a while.
    Impersonate = "impersonations.start";
    /// See who of the provider or the operator acts in the own tenant, and end it.
    ImpersonationManage = "impersonations.manage";
    /// Suspend, resume and close the provider's merchants.
    MerchantManage = "merchants.manage";
    /// Set document requirements, categories and policies of the provider.
    PolicyManage = "policies.manage";
    /// See requirements, categories and policies that apply.
    PolicyRead = "policies.read";
    /// See shops.
    ShopRead = "shops.read";
    /// Change shops.
    ShopManage = "shops.manage";
    /// Suspend and resume shops of the provider's merchants.
    ShopSuspend = "shops.suspend";
    /// Record scores of shops of the provider's merchants.
    ShopScoreWrite = "shop_scores.write";
    /// Upload files.
    MediaWrite = "media.write";
    /// See files.
    MediaRead = "media.read";
    /// See products and stock.
    ProductRead = "products.read";
    /// Change products.
    ProductWrite = "products.write";
    /// Change stock.
    StockWrite = "stock.write";
    /// Run and see imports.
    ImportRun = "imports.run";
    /// Manage the provider's channel apps.
    ChannelAppManage = "channel_apps.manage";
    /// See linked channel accounts, their health and exchanges.
    AccountRead = "channel_accounts.read";
    /// Link and unlink channel accounts.
    AccountLink = "channel_accounts.link";
    /// See followers of public accounts and what was said.
    FollowerRead = "followers.read";
    /// Write to followers.
    FollowerAnswer = "followers.answer";
    /// Set what public accounts answer and show.
    FollowerManage = "followers.manage";
    /// See windows, live rooms, their figures and checklists.
    LiveRead = "live.read";
    /// Change windows and tick checklists of live sessions.
    LiveManage = "live.manage";
    /// Read what people left in forms; each reading is written down.
    LeadRead = "leads.read";
    /// Change freight templates and addresses of linked shops, and apply for categories and brands.
    ShopDeskManage = "shop_desk.manage";
    /// See money of linked shops at the platforms.
    FundsRead = "channel_funds.read";
    /// Take money of linked shops out.
    FundsWithdraw = "channel_funds.withdraw";
    /// See listings.
    ListingRead = "listings.read";
    /// Publish and take down listings.
    ListingWrite = "listings.write";
    /// See discounts and coupons at channels, and the alliance.
    PromotionRead = "promotions.read";
    /// Make and end discounts and coupons at channels, shut promoters out and let them back, change plans of the alliance.
    PromotionManage = "promotions.manage";
    /// See orders.
    OrderRead = "orders.read";
    /// Look at a receiver's data in the clear, order by order.
    OrderReveal = "orders.reveal";
    /// See buyers of the merchant's shops with their orders; phones stay masked.
    BuyerRead = "buyers.read";
    /// Hand out and erase buyers' personal data, for those who asked it.
    BuyerErase = "buyers.erase";
    /// Set the sender of text messages and how long erasure waits.
    BuyerSettingsManage = "buyer_settings.manage";
    /// Ship orders, write remarks and answer about addresses.
    OrderShip = "orders.ship";
    /// Change prices of orders that are not paid.
    OrderPrice = "orders.price";
    /// Agree to after-sale cases and refuse them.
    AftersaleHandle = "aftersales.handle";
    /// See subscriptions, invoices, receipts and deposits: a merchant its own, a provider its merchants'.
    BillingRead = "billing.read";
    /// See the merchant's own books and statements.
    LedgerRead = "ledger.read";
    /// Pay invoices and top up the deposit.
    MoneyMove = "money.move";
    /// See money across the provider's merchants.
    ProviderLedgerRead = "provider_ledger.read";
    /// Confirm receipts, issue invoices.
    ProviderMoneyMove = "provider_money.move";
    /// Open cases against deposits of the provider's shops, and decide them.
    DepositCaseManage = "deposit_cases.manage";
    /// Appeal in cases against the own deposit.
    DepositCaseAppeal = "deposit_cases.appeal";
    /// Manage plans and subscriptions.
    PlanManage = "plans.manage";
    /// Change subscriptions to other plans: a provider its merchants', a merchant its own where it may.
    PlanChange = "plans.change";
    /// See plans.
    PlanRead = "plans.read";
    /// Report what merchants used.
    UsageReport = "usage.report";
    /// See background jobs and dead letters.
    JobRead = "jobs.read";
    /// Retry dead letters.
    JobRetry = "jobs.retry";
    /// See the audit log.
    AuditRead = "audit.read";
    /// Manage staff and their grants.
    StaffManage = "staff.manage";
    /// Take archives of a merchant: the own one, or one of the provider's.
    MerchantExport = "exports.manage";
    /// Have a merchant deleted: the own one, or one of the provider's.
    MerchantDelete = "deletions.manage";
    /// Manage webhook endpoints and see what was sent to them.
    WebhookManage = "webhooks.manage";
    /// Make, rename and revoke API keys.
    ApiKeyManage = "api_keys.manage";
    /// Register third-party apps.
    OauthAppManage = "oauth_apps.manage";
    /// Create, suspend, resume and close providers.
    ProviderManage = "providers.manage";
    /// Take channel plugins in, put versions in force, go back.
    PluginManage = "plugins.manage";
}

macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $surface:ident, [$($permission:ident),* $(,)?];)*) => {
        /// A built-in role.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
        pub enum Role { $($(#[$doc])* $name,)* }
        impl Role {
            /// Every role, in table order.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
            /// Wire form.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$name => $code),* } }
            /// The console it belongs to.
            pub const fn surface(self) -> Surface { match self { $(Self::$name => Surface::$surface),* } }
            /// What it allows, besides what everyone has ([`Permission::is_everyones`]).
            pub const fn permissions(self) -> &'static [Permission] {
                match self { $(Self::$name => &[$(Permission::$permission),*]),* }
            }
            /// From the wire form.
            pub fn parse(text: &str) -> Option<Self> { Self::ALL.iter().copied().find(|role| role.as_str() == text) }
        }
    };
}

roles! {
    /// Runs the installation.
    OperatorOwner = "operator_owner", Operator, [ProviderManage, PluginManage, Impersonate, AuditRead, StaffManage, JobRead];
    /// Owns the provider.
    ProviderOwner = "provider_owner", Provider, [
        ApplicationRead, ApplicationReview, MerchantInvite, MerchantRead, MerchantManage, BrandManage, DomainManage, Impersonate, ImpersonationManage, PolicyManage, PolicyRead, ShopRead, ShopSuspend, ShopScoreWrite, MediaRead,
        MediaWrite, ChannelAppManage, BillingRead, ProviderLedgerRead, ProviderMoneyMove, DepositCaseManage, PlanManage, PlanChange, PlanRead, UsageReport, AuditRead, StaffManage, JobRead, JobRetry,
        MerchantExport, MerchantDelete, WebhookManage,
        ApiKeyManage, OauthAppManage, BuyerSettingsManage,
    ];
    /// Reviews applications.
    ProviderReviewer = "provider_reviewer", Provider, [ApplicationRead, ApplicationReview, MerchantInvite, MerchantRead, PolicyRead, ShopRead, ShopSuspend, ShopScoreWrite, MediaRead];
    /// Looks after the provider's money.
    ProviderFinance = "provider_finance", Provider, [MerchantRead, BillingRead, ProviderLedgerRead, ProviderMoneyMove, DepositCaseManage, PlanManage, PlanChange, PlanRead, UsageReport, PolicyRead];
    /// Helps merchants.
    ProviderSupport = "provider_support", Provider, [ApplicationRead, MerchantRead, Impersonate, ShopRead, ShopScoreWrite, PolicyRead, JobRead];
    /// Looks after channel apps.
    ProviderDeveloper = "provider_developer", Provider, [ChannelAppManage, ApiKeyManage, OauthAppManage, UsageReport, MerchantRead, PolicyRead, JobRead, JobRetry, WebhookManage, BuyerSettingsManage];
    /// Owns the merchant.
    MerchantOwner = "merchant_owner", Merchant, [
        ImpersonationManage, DomainManage, ApplicationEdit, ApplicationRead, PolicyRead, ShopRead, ShopManage, MediaRead, MediaWrite, ProductRead, ProductWrite, StockWrite, ImportRun, AccountRead,
        AccountLink, ListingRead, ListingWrite, OrderRead, OrderReveal, OrderShip, OrderPrice, BillingRead, LedgerRead, MoneyMove, DepositCaseAppeal, PlanChange, PlanRead, JobRead, JobRetry, AuditRead, StaffManage, MerchantExport, MerchantDelete, WebhookManage,
        ApiKeyManage, BuyerRead, BuyerErase, FollowerRead, FollowerAnswer, FollowerManage, LiveRead, LiveManage, LeadRead, AftersaleHandle, PromotionRead, PromotionManage,
        ShopDeskManage, FundsRead, FundsWithdraw,
    ];
    /// Runs the shop day by day.
    MerchantManager = "merchant_manager", Merchant, [
        PolicyRead, ShopRead, ShopManage, MediaRead, MediaWrite, ProductRead, ProductWrite, StockWrite, ImportRun, AccountRead, AccountLink,
        ListingRead, ListingWrite, OrderRead, OrderReveal, OrderShip, OrderPrice, BillingRead, LedgerRead, PlanRead, JobRead, JobRetry, BuyerRead, BuyerErase,
        FollowerRead, FollowerAnswer, FollowerManage, LiveRead, LiveManage, LeadRead, AftersaleHandle, PromotionRead, PromotionManage,
        ShopDeskManage, FundsRead,
    ];
    /// Looks after goods.
    MerchantGoods = "merchant_goods", Merchant, [PolicyRead, ShopRead, MediaRead, MediaWrite, ProductRead, ProductWrite, StockWrite, ImportRun, AccountRead, ListingRead, ListingWrite, LiveRead, LiveManage, PromotionRead, PromotionManage];
    /// Ships orders.
    MerchantOrders = "merchant_orders", Merchant, [ShopRead, ProductRead, OrderRead, OrderReveal, OrderShip, ImportRun, MediaRead];
    /// Looks after the merchant's money.
    MerchantFinance = "merchant_finance", Merchant, [ShopRead, OrderRead, BillingRead, LedgerRead, MoneyMove, DepositCaseAppeal, PlanRead, FundsRead, FundsWithdraw];
    /// Hosts live sessions.
    MerchantLiveHost = "merchant_live_host", Merchant, [ShopRead, ProductRead, ListingRead, MediaRead, LiveRead, LiveManage, PromotionRead];
    /// Answers buyers.
    MerchantServiceDesk = "merchant_service_desk", Merchant, [ShopRead, MediaRead, MediaWrite, ProductRead, OrderRead, BuyerRead, AccountRead, FollowerRead, FollowerAnswer, AftersaleHandle, LeadRead];
}

/// The role that somebody from above acts with in a tenant of this kind; none acts in the operator's.
pub const fn impersonated_role(surface: Surface) -> Option<Role> {
    match surface {
        Surface::Merchant => Some(Role::MerchantManager),
        Surface::Provider => Some(Role::ProviderSupport),
        Surface::Operator => None,
    }
}

impl Permission {
    /// Whether its commands may be given while the tenant is suspended: looking after one's own log-in may, and
    /// taking one's data and going; everything else waits. Reading always may.
    pub const fn works_while_suspended(self) -> bool {
        self.is_everyones() || matches!(self, Self::MerchantExport | Self::MerchantDelete)
    }

    /// Whether nobody who acts in somebody else's tenant has it, whatever role they act with. Every one that is not
    /// named stays out of reach: what is about money, log-ins, keys, staff, domains, taking data along, or acting in
    /// another tenant still.
    pub const fn never_impersonated(self) -> bool {
        !matches!(
            self,
            Self::SelfRead
                | Self::ApplicationRead
                | Self::MerchantRead
                | Self::PolicyRead
                | Self::ShopRead
                | Self::ShopManage
                | Self::MediaRead
                | Self::MediaWrite
                | Self::ProductRead
                | Self::ProductWrite
                | Self::StockWrite
                | Self::ImportRun
                | Self::AccountRead
                | Self::ListingRead
                | Self::ListingWrite
                | Self::PromotionRead
                | Self::OrderRead
                | Self::OrderShip
                | Self::BillingRead
                | Self::LedgerRead
                | Self::PlanRead
                | Self::JobRead
                | Self::JobRetry
        )
    }

    /// Whether it can be held in single shops. Every other one is about the whole tenant: a role that is
    /// limited to a shop does not give it.
    pub const fn reaches_single_shops(self) -> bool {
        matches!(
            self,
            Self::SelfRead
                | Self::SelfManage
                | Self::PolicyRead
                | Self::ShopRead
                | Self::ShopManage
                | Self::MediaRead
                | Self::MediaWrite
                | Self::ProductRead
                | Self::ProductWrite
                | Self::StockWrite
                | Self::ImportRun
                | Self::AccountRead
                | Self::AccountLink
                | Self::FollowerRead
                | Self::FollowerAnswer
                | Self::FollowerManage
                | Self::LiveRead
                | Self::LiveManage
                | Self::LeadRead
                | Self::ShopDeskManage
                | Self::ListingRead
                | Self::ListingWrite
                | Self::PromotionRead
                | Self::PromotionManage
                | Self::OrderRead
                | Self::OrderReveal
                | Self::BuyerRead
                | Self::BuyerErase
                | Self::AftersaleHandle
                | Self::OrderShip
                | Self::OrderPrice
        )
    }

    /// Whether everyone with any role has it.
    pub const fn is_everyones(self) -> bool {
        matches!(self, Self::SelfRead | Self::SelfManage)
    }

    /// Whether an API key or a third-party app may hold it. Every other one needs a person with a session: it is about
    /// that person, signs or decides in a person's name, or would let a program give itself or others more than it has.
    pub const fn reaches_machines(self) -> bool {
        matches!(
            self,
            Self::SelfRead
                | Self::ApplicationRead
                | Self::MerchantInvite
                | Self::MerchantRead
                | Self::PolicyManage
                | Self::PolicyRead
                | Self::ShopRead
                | Self::ShopManage
                | Self::ShopSuspend
                | Self::ShopScoreWrite
                | Self::MediaWrite
                | Self::MediaRead
                | Self::ProductRead
                | Self::ProductWrite
                | Self::StockWrite
                | Self::ImportRun
                | Self::AccountRead
                | Self::AccountLink
                | Self::FollowerRead
                | Self::FollowerAnswer
                | Self::FollowerManage
                | Self::LiveRead
                | Self::LiveManage
                | Self::ShopDeskManage
                | Self::FundsRead
                | Self::ListingRead
                | Self::ListingWrite
                | Self::PromotionRead
                | Self::PromotionManage
                | Self::OrderRead
                | Self::OrderShip
                | Self::OrderPrice
                | Self::AftersaleHandle
                | Self::BillingRead
                | Self::LedgerRead
                | Self::MoneyMove
                | Self::ProviderLedgerRead
                | Self::ProviderMoneyMove
                | Self::DepositCaseManage
                | Self::PlanManage
                | Self::PlanChange
                | Self::PlanRead
                | Self::JobRead
                | Self::JobRetry
                | Self::AuditRead
        )
    }
}

/// The policy table: whether `role` allows `permission`.
pub fn allows(role: Role, permission: Permission) -> bool {
    permission.is_everyones() || role.permissions().contains(&permission)
}

#[cfg(test)]
mod tests;
