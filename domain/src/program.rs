//! Rules of programs that use the API, which are API keys and third-party apps: what they may be called, and which
//! permissions a person may pass on to them.

use crate::access::Permission;
use crate::error::FieldError;
use crate::permission_set::PermissionSet;
use crate::subject::is_invisible;

/// Longest name of a key, an app or a publisher.
pub const LONGEST_NAME: usize = 60;

/// A name that people read on the pages where they trust it, so nothing invisible hides in it.
pub fn program_name(field: &'static str, text: &str) -> Result<String, FieldError> {
    let name = text.trim();
    if name.is_empty() {
        return Err(FieldError::required(field));
    }
    if name.chars().count() > LONGEST_NAME || name.chars().any(|c| c.is_control() || is_invisible(c)) {
        let en = format!("at most {LONGEST_NAME} characters, none of them invisible");
        let zh = format!("最多 {LONGEST_NAME} 个字，不能包含不可见字符");
        return Err(FieldError::new(field, "invalid", en, zh));
    }
    Ok(name.to_owned())
}

/// Permissions that can be passed on to a program by whom holds `held`. What everyone has need not be asked for.
pub fn can_be_given(held: PermissionSet) -> PermissionSet {
    held.iter().filter(|permission| permission.reaches_machines() && !permission.is_everyones()).collect()
}

/// The permissions a program is to have, as they were asked for. `held` is what the person who gives them holds where
/// the program is to act; `limited` when that is in single shops.
pub fn scopes_to_give<'a>(
    field: &'static str,
    held: PermissionSet,
    words: impl IntoIterator<Item = &'a str>,
    limited: bool,
) -> Result<PermissionSet, FieldError> {
    let mut scopes = PermissionSet::EMPTY;
    for word in words {
        let Some(permission) = Permission::parse(word) else {
            let (en, zh) = (format!("{word:?} is no permission"), format!("没有“{word}”这个权限"));
            return Err(FieldError::new(field, "unknown", en, zh));
        };
        if !can_be_given(held).contains(permission) {
            let en = format!("{word} cannot be given to a program by you here");
            let zh = format!("您不能在此授予程序“{word}”权限");
            return Err(FieldError::new(field, "not_given", en, zh));
        }
        if limited && !permission.reaches_single_shops() {
            let en = format!("{word} is about the whole merchant; leave it out, or choose no shop");
            let zh = format!("“{word}”涉及整个商家，请去掉该权限，或不限定店铺");
            return Err(FieldError::new(field, "whole_tenant", en, zh));
        }
        scopes = scopes.with(permission);
    }
    if scopes.is_empty() {
        let (en, zh) = ("choose at least one permission", "请至少选择一个权限");
        return Err(FieldError::new(field, "required", en, zh));
    }
    Ok(scopes)
}

/// Days a key is to live.
pub fn key_days(days: i64, most: i64) -> Result<i64, FieldError> {
    if (1..=most).contains(&days) {
        return Ok(days);
    }
    let (en, zh) = (format!("1 to {most} days"), format!("1 至 {most} 天"));
    Err(FieldError::new("expires_in_days", "range", en, zh))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role;

    #[test]
    fn nobody_passes_on_more_than_they_hold_or_what_is_for_people_only() {
        let owner = Role::MerchantOwner.permission_set();
        let given = scopes_to_give("scopes", owner, ["orders.read", "stock.write"], false).unwrap();
        assert_eq!(given.words(), "stock.write orders.read");
        for (words, code) in [
            (&["staff.manage"][..], "not_given"),
            (&["api_keys.manage"], "not_given"),
            (&["self.manage"], "not_given"),
            (&["self.read"], "not_given"),
            (&["orders.read", "plans.manage"], "not_given"),
            (&["orders.everything"], "unknown"),
            (&[], "required"),
        ] {
            let refused = scopes_to_give("scopes", owner, words.iter().copied(), false).unwrap_err();
            assert_eq!((refused.path.as_str(), refused.code), ("scopes", code), "{words:?}");
        }
        let limited = scopes_to_give("scopes", owner, ["ledger.read"], true).unwrap_err();
        assert_eq!(limited.code, "whole_tenant");
        assert!(scopes_to_give("scopes", owner, ["orders.read"], true).is_ok());
    }

    #[test]
    fn names_and_lives_are_bounded() {
        assert_eq!(program_name("name", "  ERP 对接 ").unwrap(), "ERP 对接");
        for bad in ["", " ", "a\u{202e}b", "a\nb", &"长".repeat(61)] {
            assert!(program_name("name", bad).is_err(), "{bad:?}");
        }
        assert!(key_days(1, 366).is_ok() && key_days(366, 366).is_ok());
        assert!(key_days(0, 366).is_err() && key_days(367, 366).is_err() && key_days(-1, 366).is_err());
    }
}
