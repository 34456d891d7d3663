//! Roles a tenant makes itself: a name and permissions. Never more than the console's owner has, and never
//! more than whoever makes or gives one holds.

use crate::access::{Permission, Role, Surface};
use crate::error::FieldError;
use crate::ids::RoleId;
use crate::permission_set::PermissionSet;
use crate::subject::is_invisible;

/// Most roles that a tenant makes.
pub const MOST_CUSTOM_ROLES: usize = 50;
/// Longest name, in characters.
pub const LONGEST_NAME: usize = 40;

/// A role of a tenant's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomRole {
    /// Its id.
    pub id: RoleId,
    /// What the tenant calls it.
    pub name: String,
    /// What it allows, besides what everyone has.
    pub permissions: PermissionSet,
    /// Counts its changes.
    pub version: i64,
}

/// A role as people hold it: built in, or of the tenant's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StaffRole {
    /// Built in.
    BuiltIn(Role),
    /// The tenant's own.
    Custom(CustomRole),
}

impl From<Role> for StaffRole {
    fn from(role: Role) -> Self {
        Self::BuiltIn(role)
    }
}

impl StaffRole {
    /// The word or the id it is stored and asked for by.
    pub fn key(&self) -> String {
        match self {
            Self::BuiltIn(role) => role.as_str().to_owned(),
            Self::Custom(role) => role.id.to_string(),
        }
    }
    /// The tenant's own name; none of a built-in one, whose name is in the catalogues.
    pub fn own_name(&self) -> Option<&str> {
        match self {
            Self::BuiltIn(_) => None,
            Self::Custom(role) => Some(&role.name),
        }
    }
    /// The built-in role.
    pub fn built_in(&self) -> Option<Role> {
        match self {
            Self::BuiltIn(role) => Some(*role),
            Self::Custom(_) => None,
        }
    }
    /// Whether it owns its tenant.
    pub fn is_owner(&self) -> bool {
        self.built_in().is_some_and(Role::is_owner)
    }
    /// All it allows, what everyone has included.
    pub fn permissions(&self) -> PermissionSet {
        match self {
            Self::BuiltIn(role) => role.permission_set(),
            Self::Custom(role) => role.permissions.or(PermissionSet::everyones()),
        }
    }
    /// Whether it may be given in a console.
    pub fn belongs_to(&self, surface: Surface) -> bool {
        // The store reads a tenant's own roles from that tenant only.
        self.built_in().is_none_or(|role| role.surface() == surface)
    }
    /// Whether it may hold in single shops instead of the whole tenant.
    pub fn may_be_limited(&self, surface: Surface) -> bool {
        match self {
            Self::BuiltIn(role) => role.may_be_limited(),
            Self::Custom(role) => may_be_limited(surface, role.permissions),
        }
    }
}

/// What a role of a console may allow: all that its owner has.
pub fn grantable(surface: Surface) -> PermissionSet {
    let owner = Role::of(surface).find(|role| role.is_owner());
    owner.map_or(PermissionSet::EMPTY, |role| role.permissions().iter().copied().collect())
}

/// A role with these permissions may be limited to a shop when nothing of it is about the whole merchant.
pub fn may_be_limited(surface: Surface, permissions: PermissionSet) -> bool {
    surface == Surface::Merchant && permissions.iter().all(Permission::reaches_single_shops)
}

/// Whether somebody who holds `holds` everywhere may make, change, give or take what allows `permissions`.
pub fn within(holds: PermissionSet, permissions: PermissionSet) -> Result<(), FieldError> {
    if permissions.and(holds) == permissions {
        return Ok(());
    }
    let (en, zh) = (
        "this allows more than you may do yourself; ask an owner",
        "该角色的权限超出您自己的权限，请联系管理员操作",
    );
    Err(FieldError::new("role", "more_than_own", en, zh))
}

/// The permissions of a role to be, as they were asked for.
pub fn chosen<'a>(
    surface: Surface,
    words: impl IntoIterator<Item = &'a str>,
    holds: PermissionSet,
) -> Result<PermissionSet, FieldError> {
    let may = grantable(surface);
    let mut set = PermissionSet::EMPTY;
    for word in words {
        let Some(permission) = Permission::parse(word).filter(|permission| may.contains(*permission)) else {
            let (en, zh) = ("choose permissions of this console", "请选择本后台的权限");
            return Err(FieldError::new("permissions", "unknown", en, zh));
        };
        if !holds.contains(permission) {
            let (en, zh) = ("you may give only what you hold yourself", "只能给予您自己拥有的权限");
            return Err(FieldError::new("permissions", "more_than_own", en, zh));
        }
        set = set.with(permission);
    }
    if set.is_empty() {
        let (en, zh) = ("choose at least one permission", "请至少选择一项权限");
        return Err(FieldError::new("permissions", "required", en, zh));
    }
    Ok(set)
}

/// A name as it is kept.
pub fn name(text: &str) -> Result<String, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(FieldError::required("name"));
    }
    if text.chars().count() > LONGEST_NAME || text.chars().any(|c| c.is_control() || is_invisible(c)) {
        let (en, zh) = ("at most 40 characters, none of them invisible", "最多 40 个字，不能包含不可见字符");
        return Err(FieldError::new("name", "too_long", en, zh));
    }
    // Programs tell roles of the product by their words.
    if Role::parse(text).is_some() {
        return Err(name_taken());
    }
    Ok(text.to_owned())
}

/// For a name that another role has.
pub fn name_taken() -> FieldError {
    FieldError::new("name", "taken", "another role has this name", "已有同名角色")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_allows_what_its_maker_holds_and_the_console_knows() {
        let manager = Role::MerchantManager.permission_set();
        let ask = |surface, words: &[&'static str], holds| {
            chosen(surface, words.iter().copied(), holds)
                .map(PermissionSet::words)
                .map_err(|error| error.code)
        };
        let owner = grantable(Surface::Merchant);
        assert_eq!(
            ask(Surface::Merchant, &["orders.ship", "orders.read"], owner),
            Ok("orders.read orders.ship".into())
        );
        assert_eq!(ask(Surface::Merchant, &["orders.read", "staff.manage"], manager), Err("more_than_own"));
        for foreign in ["plans.manage", "providers.manage", "self.read", "king"] {
            let everything = Permission::ALL.iter().copied().collect();
            assert_eq!(ask(Surface::Merchant, &[foreign], everything), Err("unknown"), "{foreign}");
        }
        assert_eq!(ask(Surface::Merchant, &[], owner), Err("required"));
    }

    #[test]
    fn a_name_is_short_visible_and_no_word_of_ours() {
        assert_eq!(name("  夜班打包 ").unwrap(), "夜班打包");
        for wrong in ["", "  ", "a\u{200b}b", "merchant_owner", &"长".repeat(41)] {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn only_what_reaches_shops_is_limited_to_them() {
        let set = |permissions: &[Permission]| permissions.iter().copied().collect();
        let shops = set(&[Permission::OrderRead, Permission::OrderShip]);
        assert!(may_be_limited(Surface::Merchant, shops));
        assert!(!may_be_limited(Surface::Provider, shops));
        assert!(!may_be_limited(Surface::Merchant, shops.with(Permission::LedgerRead)));
    }

    #[test]
    fn nobody_gives_more_than_they_hold() {
        let manager = Role::MerchantManager.permission_set();
        assert!(within(manager, Role::MerchantOrders.permission_set()).is_ok());
        assert!(within(manager, Role::MerchantOwner.permission_set()).is_err());
        assert!(within(PermissionSet::EMPTY, manager).is_err());
    }
}
