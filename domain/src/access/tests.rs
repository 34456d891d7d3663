//! The policy table as a whole.

use super::*;

#[test]
fn owners_hold_all_that_their_staff_hold() {
    for (owner, surface) in
        [(Role::ProviderOwner, Surface::Provider), (Role::MerchantOwner, Surface::Merchant)]
    {
        for role in Role::ALL.iter().filter(|role| role.surface() == surface) {
            for permission in role.permissions() {
                assert!(allows(owner, *permission), "{} lacks {}", owner.as_str(), permission.as_str());
            }
        }
    }
}

#[test]
fn what_is_about_the_whole_merchant_is_never_held_in_a_shop() {
    for permission in [
        Permission::StaffManage,
        Permission::MerchantExport,
        Permission::LedgerRead,
        Permission::MoneyMove,
        Permission::BillingRead,
        Permission::AuditRead,
        Permission::JobRead,
        Permission::WebhookManage,
        Permission::ApplicationEdit,
    ] {
        assert!(!permission.reaches_single_shops(), "{}", permission.as_str());
    }
}

#[test]
fn nobody_who_acts_for_others_reaches_money_people_or_credentials() {
    for permission in [
        Permission::SelfManage,
        Permission::MoneyMove,
        Permission::FundsRead,
        Permission::FundsWithdraw,
        Permission::ProviderMoneyMove,
        Permission::StaffManage,
        Permission::ChannelAppManage,
        Permission::AccountLink,
        Permission::MerchantExport,
        Permission::DomainManage,
        Permission::BrandManage,
        Permission::ProviderManage,
        Permission::Impersonate,
        Permission::ImpersonationManage,
    ] {
        assert!(permission.never_impersonated(), "{}", permission.as_str());
    }
}

#[test]
fn programs_never_manage_people_programs_or_credentials() {
    for permission in [
        Permission::SelfManage,
        Permission::StaffManage,
        Permission::ApiKeyManage,
        Permission::OauthAppManage,
        Permission::ProviderManage,
        Permission::ChannelAppManage,
        Permission::ApplicationEdit,
        Permission::ApplicationReview,
    ] {
        assert!(!permission.reaches_machines(), "{}", permission.as_str());
    }
}

#[test]
fn who_is_stopped_may_look_after_the_log_in_and_take_the_data_along_and_nothing_else() {
    let rest: Vec<&str> = Permission::ALL
        .iter()
        .filter(|permission| permission.works_while_suspended() && !permission.is_everyones())
        .map(|permission| permission.as_str())
        .collect();
    assert_eq!(rest, ["exports.manage", "deletions.manage"]);
}

#[test]
fn nobody_outside_a_merchant_may_change_its_goods_or_see_its_books() {
    for role in Role::ALL.iter().filter(|role| role.surface() != Surface::Merchant) {
        for permission in [
            Permission::ProductWrite,
            Permission::StockWrite,
            Permission::OrderShip,
            Permission::AftersaleHandle,
            Permission::LedgerRead,
            Permission::MoneyMove,
        ] {
            assert!(!allows(*role, permission), "{} {}", role.as_str(), permission.as_str());
        }
    }
}
