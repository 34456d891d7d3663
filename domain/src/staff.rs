//! Rules of staff: which role may be given where, and that a tenant is never left without an owner.

use crate::access::{Role, Surface};
use crate::custom_role::{StaffRole, within};
use crate::error::{ErrorCode, FieldError};
use crate::ids::UserId;
use crate::permission_set::PermissionSet;

/// Most roles that one person may hold.
pub const MOST_GRANTS: usize = 50;

impl Role {
    /// Whether it owns its tenant: manages the staff, and cannot be limited to a shop.
    pub const fn is_owner(self) -> bool {
        matches!(self, Self::OperatorOwner | Self::ProviderOwner | Self::MerchantOwner)
    }

    /// Whether it may hold in single shops instead of the whole tenant.
    pub const fn may_be_limited(self) -> bool {
        matches!(self.surface(), Surface::Merchant) && !self.is_owner()
    }

    /// The roles that people of a tenant may have, in table order.
    pub fn of(surface: Surface) -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(move |role| role.surface() == surface)
    }
}

/// A role as a tenant may give it to its people; `limited` when it is to hold in one shop only. `found` is
/// the role that was asked for, built in or the tenant's own.
pub fn role_to_give(
    surface: Surface,
    found: Option<StaffRole>,
    limited: bool,
    holds: PermissionSet,
) -> Result<StaffRole, FieldError> {
    let Some(role) = found.filter(|role| role.belongs_to(surface)) else {
        let (en, zh) = ("choose one of the roles of this console", "请选择本后台的角色");
        return Err(FieldError::new("role", "invalid", en, zh));
    };
    if limited && !role.may_be_limited(surface) {
        let (en, zh) = ("this role holds everywhere; choose no shop", "该角色不能限定店铺，请不要选择店铺");
        return Err(FieldError::new("shop_id", "not_limited", en, zh));
    }
    within(holds, role.permissions())?;
    Ok(role)
}

/// Whether `leaving` may lose the owner's role or be disabled: somebody else has to own the tenant then.
/// `active_owners` are the people who may log in and own the tenant now.
pub fn may_stop_owning(active_owners: &[UserId], leaving: UserId) -> Result<(), ErrorCode> {
    let owns = active_owners.contains(&leaving);
    if owns && active_owners.iter().all(|owner| *owner == leaving) {
        return Err(ErrorCode::LastOwner);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn person(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    fn give(surface: Surface, role: Option<Role>, limited: bool) -> Result<StaffRole, FieldError> {
        let everything = crate::access::Permission::ALL.iter().copied().collect();
        role_to_give(surface, role.map(StaffRole::from), limited, everything)
    }

    #[test]
    fn the_last_active_owner_stays() {
        let (one, two, clerk) = (person(1), person(2), person(3));
        assert_eq!(may_stop_owning(&[one], one), Err(ErrorCode::LastOwner));
        assert_eq!(may_stop_owning(&[one, one], one), Err(ErrorCode::LastOwner));
        assert_eq!(may_stop_owning(&[one, two], one), Ok(()));
        // Who does not own the tenant, or is disabled already, may go.
        assert_eq!(may_stop_owning(&[one], clerk), Ok(()));
        assert_eq!(may_stop_owning(&[], clerk), Ok(()));
    }

    #[test]
    fn each_surface_has_one_owner_and_gives_its_own_roles_only() {
        for surface in [Surface::Operator, Surface::Provider, Surface::Merchant] {
            assert_eq!(Role::of(surface).filter(|role| role.is_owner()).count(), 1, "{surface:?}");
            for role in Role::ALL {
                let given = give(surface, Some(*role), false);
                assert_eq!(given.is_ok(), role.surface() == surface, "{surface:?} {}", role.as_str());
            }
            assert_eq!(give(surface, None, false).unwrap_err().path, "role");
        }
    }

    #[test]
    fn only_staff_of_merchants_is_limited_to_shops() {
        for role in Role::ALL {
            let given = give(role.surface(), Some(*role), true);
            let may = role.surface() == Surface::Merchant && *role != Role::MerchantOwner;
            assert_eq!(given.is_ok(), may, "{}", role.as_str());
            assert!(may || given.unwrap_err().path == "shop_id");
        }
    }
}
