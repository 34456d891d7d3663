//! Sets of permissions: what a role, a key or an app gives. One machine word, so that a request compares sets without
//! allocating.

use crate::access::{Permission, Role};

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct PermissionSet(u128);

// One bit per permission.
const _: () = assert!(Permission::ALL.len() <= 128, "a set has room for 128 permissions");

impl PermissionSet {
    /// No permission.
    pub const EMPTY: Self = Self(0);

    /// What everyone has.
    pub fn everyones() -> Self {
        Permission::ALL.iter().copied().filter(|permission| permission.is_everyones()).collect()
    }

    const fn bit(permission: Permission) -> u128 {
        1 << (permission as u32)
    }
    /// Whether it holds the permission.
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & Self::bit(permission) != 0
    }
    /// The set with one more.
    #[must_use]
    pub const fn with(self, permission: Permission) -> Self {
        Self(self.0 | Self::bit(permission))
    }
    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
    /// What is in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
    /// Its permissions, in table order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.contains(*permission))
    }
    /// From the wire forms. Words that are no permissions (any more) are left out.
    pub fn of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        words.into_iter().filter_map(Permission::parse).collect()
    }
    /// The wire forms between spaces, as scopes are written.
    pub fn words(self) -> String {
        self.iter().map(Permission::as_str).collect::<Vec<_>>().join(" ")
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl std::fmt::Debug for PermissionSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}]", self.words())
    }
}

impl Role {
    /// All it allows, what everyone has included.
    pub fn permission_set(self) -> PermissionSet {
        self.permissions().iter().copied().collect::<PermissionSet>().or(PermissionSet::everyones())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::allows;

    #[test]
    fn a_roles_set_says_what_the_policy_says() {
        for role in Role::ALL {
            for permission in Permission::ALL {
                let held = role.permission_set().contains(*permission);
                assert_eq!(held, allows(*role, *permission), "{} {}", role.as_str(), permission.as_str());
            }
        }
    }

    #[test]
    fn sets_are_read_as_they_are_written() {
        let set: PermissionSet = [Permission::OrderRead, Permission::StockWrite].into_iter().collect();
        assert_eq!(set.words(), "stock.write orders.read");
        assert_eq!(PermissionSet::of_words(set.words().split(' ')), set);
        assert_eq!(PermissionSet::of_words(["nothing.known", "orders.read"]).words(), "orders.read");
        assert_eq!(set.and(PermissionSet::EMPTY), PermissionSet::EMPTY);
        assert!(PermissionSet::of_words([]).is_empty() && !set.is_empty());
        assert!(set.or(PermissionSet::EMPTY.with(Permission::OrderShip)).contains(Permission::OrderShip));
    }
}
