//! The one menu table of the consoles. Add a row here when a page exists; it is shown to those whose roles
//! hold its permission. `bottom` entries also stand in the bar of phones (at most four; the fifth opens
//! the whole menu).

use super::home_row;
use qianpu_domain::access::{Permission, Surface};
use qianpu_tenants::authz::Caller;
use serde::Serialize;

/// A row of the menu.
pub struct MenuRow {
    pub surface: Surface,
    /// Section heading as a key of the catalogues; rows of one section stand together.
    pub section: &'static str,
    /// Name as a key of the catalogues.
    pub name: &'static str,
    pub href: &'static str,
    /// Symbol in `assets/icons.svg`.
    pub icon: &'static str,
    pub permission: Permission,
    pub bottom: bool,
}

const fn row(
    surface: Surface,
    section: &'static str,
    name: &'static str,
    href: &'static str,
    icon: &'static str,
    permission: Permission,
    bottom: bool,
) -> MenuRow {
    MenuRow { surface, section, name, href, icon, permission, bottom }
}

use Permission as P;
use Surface::{Merchant, Operator, Provider};

/// Every entry, in the order it is shown.
pub const MENU: &[MenuRow] = &[
    row(Operator, "menu.overview", "menu.home", "/console/operator", "home", P::SelfRead, true),
    row(
        Operator,
        "menu.providers",
        "menu.providers",
        "/console/operator/providers",
        "merchants",
        P::ProviderManage,
        true,
    ),
    row(
        Operator,
        "menu.operations",
        "menu.plugins",
        "/console/operator/plugins",
        "channels",
        P::PluginManage,
        true,
    ),
    row(Operator, "menu.people", "menu.staff", "/console/operator/staff", "staff", P::StaffManage, true),
    row(Provider, "menu.overview", "menu.home", "/console/provider", "home", P::SelfRead, true),
    row(
        Provider,
        "menu.merchants",
        "menu.applications",
        "/console/provider/applications",
        "applications",
        P::ApplicationRead,
        true,
    ),
    row(
        Provider,
        "menu.merchants",
        "menu.merchant_list",
        "/console/provider/merchants",
        "merchants",
        P::MerchantRead,
        true,
    ),
    row(Provider, "menu.merchants", "menu.shop_desk", "/console/provider/shops", "shops", P::ShopRead, false),
    row(
        Provider,
        "menu.merchants",
        "menu.renewals",
        "/console/provider/documents",
        "document",
        P::ApplicationReview,
        false,
    ),
    row(
        Provider,
        "menu.merchants",
        "menu.exports",
        "/console/provider/exports",
        "document",
        P::MerchantExport,
        false,
    ),
    row(
        Provider,
        "menu.merchants",
        "menu.invitations",
        "/console/provider/invitations",
        "mail",
        P::MerchantInvite,
        false,
    ),
    row(
        Provider,
        "menu.merchants",
        "menu.onboarding",
        "/console/provider/onboarding",
        "settings",
        P::PolicyRead,
        false,
    ),
    row(
        Provider,
        "menu.merchants",
        "menu.policies",
        "/console/provider/policies",
        "policy",
        P::PolicyRead,
        false,
    ),
    row(Merchant, "menu.overview", "menu.home", "/console/merchant", "home", P::SelfRead, true),
    row(Merchant, "menu.shop", "menu.my_shops", "/console/merchant/shops", "shops", P::ShopRead, false),
    row(
        Merchant,
        "menu.shop",
        "menu.application",
        "/console/merchant/application",
        "applications",
        P::ApplicationEdit,
        false,
    ),
    row(
        Merchant,
        "menu.shop",
        "menu.documents",
        "/console/merchant/documents",
        "document",
        P::ApplicationEdit,
        false,
    ),
    row(
        Merchant,
        "menu.goods",
        "menu.products",
        "/console/merchant/products",
        "products",
        P::ProductRead,
        true,
    ),
    row(Merchant, "menu.goods", "menu.stock", "/console/merchant/stock", "stock", P::ProductRead, false),
    row(Merchant, "menu.goods", "menu.imports", "/console/merchant/imports", "import", P::ImportRun, false),
    row(Merchant, "menu.orders", "menu.order_list", "/console/merchant/orders", "orders", P::OrderRead, true),
    row(
        Merchant,
        "menu.orders",
        "menu.aftersales",
        "/console/merchant/aftersales",
        "return",
        P::OrderRead,
        false,
    ),
    row(
        Merchant,
        "menu.orders",
        "menu.order_sources",
        "/console/merchant/order_sources",
        "channels",
        P::OrderRead,
        false,
    ),
    row(Merchant, "menu.orders", "menu.buyers", "/console/merchant/buyers", "person", P::BuyerRead, false),
    row(Merchant, "menu.orders", "menu.parcels", "/console/merchant/shipments", "truck", P::OrderRead, false),
    row(
        Provider,
        "menu.channels",
        "menu.text_messages",
        "/console/provider/text_messages",
        "mail",
        P::BuyerSettingsManage,
        false,
    ),
    row(
        Provider,
        "menu.channels",
        "menu.channel_apps",
        "/console/provider/channel_apps",
        "apps",
        P::ChannelAppManage,
        false,
    ),
    row(
        Provider,
        "menu.billing",
        "menu.receipts",
        "/console/provider/receipts",
        "finance",
        P::ProviderMoneyMove,
        true,
    ),
    row(
        Provider,
        "menu.billing",
        "menu.invoices",
        "/console/provider/invoices",
        "invoice",
        P::BillingRead,
        false,
    ),
    row(Provider, "menu.billing", "menu.plans", "/console/provider/plans", "plan", P::PlanManage, false),
    row(
        Provider,
        "menu.billing",
        "menu.subscriptions",
        "/console/provider/subscriptions",
        "shops",
        P::PlanManage,
        false,
    ),
    row(
        Provider,
        "menu.billing",
        "menu.deposits",
        "/console/provider/deposits",
        "deposit",
        P::BillingRead,
        false,
    ),
    row(
        Provider,
        "menu.billing",
        "menu.books",
        "/console/provider/books",
        "audit",
        P::ProviderLedgerRead,
        false,
    ),
    row(
        Provider,
        "menu.operations",
        "menu.health",
        "/console/provider/health",
        "check",
        P::MerchantRead,
        false,
    ),
    row(Provider, "menu.operations", "menu.jobs", "/console/provider/jobs", "jobs", P::JobRead, false),
    row(
        Provider,
        "menu.operations",
        "menu.webhooks",
        "/console/provider/webhooks",
        "link",
        P::WebhookManage,
        false,
    ),
    row(
        Merchant,
        "menu.channels",
        "menu.channel_accounts",
        "/console/merchant/channel_accounts",
        "channels",
        P::AccountRead,
        false,
    ),
    row(
        Merchant,
        "menu.channels",
        "menu.listings",
        "/console/merchant/listings",
        "listings",
        P::ListingRead,
        false,
    ),
    row(
        Merchant,
        "menu.channels",
        "menu.promotions",
        "/console/merchant/promotions",
        "tag",
        P::PromotionRead,
        false,
    ),
    row(Merchant, "menu.channels", "menu.live", "/console/merchant/live", "clock", P::LiveRead, false),
    row(
        Merchant,
        "menu.money",
        "menu.money_overview",
        "/console/merchant/money",
        "finance",
        P::LedgerRead,
        true,
    ),
    row(
        Merchant,
        "menu.money",
        "menu.channel_funds",
        "/console/merchant/funds",
        "deposit",
        P::FundsRead,
        false,
    ),
    row(
        Merchant,
        "menu.money",
        "menu.bills",
        "/console/merchant/money/bills",
        "invoice",
        P::BillingRead,
        false,
    ),
    row(
        Merchant,
        "menu.money",
        "menu.deposits",
        "/console/merchant/money/deposits",
        "deposit",
        P::BillingRead,
        false,
    ),
    row(
        Merchant,
        "menu.money",
        "menu.statements",
        "/console/merchant/money/statements",
        "document",
        P::LedgerRead,
        false,
    ),
    row(
        Merchant,
        "menu.money",
        "menu.trial_balance",
        "/console/merchant/money/trial_balance",
        "check",
        P::LedgerRead,
        false,
    ),
    row(
        Merchant,
        "menu.money",
        "menu.journals",
        "/console/merchant/money/journals",
        "audit",
        P::LedgerRead,
        false,
    ),
    row(Merchant, "menu.operations", "menu.health", "/console/merchant/health", "check", P::JobRead, false),
    row(Merchant, "menu.operations", "menu.jobs", "/console/merchant/jobs", "jobs", P::JobRead, false),
    row(Provider, "menu.people", "menu.brand", "/console/provider/brand", "image", P::BrandManage, false),
    row(
        Merchant,
        "menu.operations",
        "menu.webhooks",
        "/console/merchant/webhooks",
        "link",
        P::WebhookManage,
        false,
    ),
    row(Provider, "menu.people", "menu.domains", "/console/provider/domains", "link", P::DomainManage, false),
    row(Merchant, "menu.people", "menu.domains", "/console/merchant/domains", "link", P::DomainManage, false),
    row(
        Provider,
        "menu.people",
        "menu.impersonations",
        "/console/provider/impersonations",
        "person",
        P::ImpersonationManage,
        false,
    ),
    row(
        Merchant,
        "menu.people",
        "menu.impersonations",
        "/console/merchant/impersonations",
        "person",
        P::ImpersonationManage,
        false,
    ),
    row(Provider, "menu.people", "menu.staff", "/console/provider/staff", "staff", P::StaffManage, false),
    row(
        Provider,
        "menu.people",
        "menu.api_keys",
        "/console/provider/api_keys",
        "apps",
        P::ApiKeyManage,
        false,
    ),
    row(
        Provider,
        "menu.people",
        "menu.oauth_apps",
        "/console/provider/oauth_apps",
        "link",
        P::OauthAppManage,
        false,
    ),
    row(
        Provider,
        "menu.people",
        "menu.authorised_apps",
        "/console/provider/authorised_apps",
        "check",
        P::SelfManage,
        false,
    ),
    row(Merchant, "menu.people", "menu.staff", "/console/merchant/staff", "staff", P::StaffManage, false),
    row(Operator, "menu.people", "menu.audit_log", "/console/operator/audit", "audit", P::AuditRead, false),
    row(Provider, "menu.people", "menu.audit_log", "/console/provider/audit", "audit", P::AuditRead, false),
    row(Merchant, "menu.people", "menu.audit_log", "/console/merchant/audit", "audit", P::AuditRead, false),
    row(
        Merchant,
        "menu.people",
        "menu.exports",
        "/console/merchant/exports",
        "document",
        P::MerchantExport,
        false,
    ),
    row(
        Merchant,
        "menu.people",
        "menu.api_keys",
        "/console/merchant/api_keys",
        "apps",
        P::ApiKeyManage,
        false,
    ),
    row(
        Merchant,
        "menu.people",
        "menu.authorised_apps",
        "/console/merchant/authorised_apps",
        "check",
        P::SelfManage,
        false,
    ),
];

/// An entry as the frame shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    pub name: &'static str,
    pub href: &'static str,
    pub icon: &'static str,
    pub current: bool,
    pub bottom: bool,
}

/// A section as the frame shows it.
#[derive(Debug, Clone, Serialize)]
pub struct Section {
    pub name: &'static str,
    pub items: Vec<Item>,
}

/// The caller's menu; the entry with the longest matching address is the current one.
pub fn menu_of(caller: &Caller, path: &str) -> Vec<Section> {
    let path = home_row::of(path);
    let visible = || MENU.iter().filter(|row| row.surface == caller.surface() && caller.may(row.permission));
    let inside =
        |href: &str| path == href || path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/'));
    let current = visible().filter(|row| inside(row.href)).map(|row| row.href).max_by_key(|href| href.len());
    let mut sections: Vec<Section> = Vec::new();
    for row in visible() {
        let item = Item {
            name: row.name,
            href: row.href,
            icon: row.icon,
            current: current == Some(row.href),
            bottom: row.bottom,
        };
        match sections.iter_mut().find(|section| section.name == row.section) {
            Some(section) => section.items.push(item),
            None => sections.push(Section { name: row.section, items: vec![item] }),
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_has_room_for_four() {
        for surface in [Surface::Operator, Surface::Provider, Surface::Merchant] {
            let bottom = MENU.iter().filter(|row| row.surface == surface && row.bottom).count();
            assert!(bottom <= 4, "{}", surface.as_str());
        }
    }
}
