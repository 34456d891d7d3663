//! Tags on the followers of a public account, and reading who follows it.
//!
//! Limits of the pages under `doc/service/api/usermanage/tag/` of developers.weixin.qq.com (`api_createtag`,
//! `api_batchtagging`), as of 2026-11: 100 tags for an account, 30 characters for a name, 20 tags for a follower. That
//! 50 people go into one call is in <https://developers.weixin.qq.com/doc/offiaccount/User_Management/User_Tag_Management.html>.

use crate::error::FieldError;

/// Tags an account may have.
pub const MOST_TAGS: usize = 100;
/// Tags a follower may have.
pub const MOST_OF_FOLLOWER: usize = 20;
/// People of one tagging call.
pub const MOST_PER_CALL: usize = 50;
/// People of one call for details.
pub const MOST_DETAILS: usize = 100;
/// Followers that can be chosen one by one.
pub const MOST_CHOSEN: usize = 500;
/// Longest name of a tag, in characters.
pub const LONGEST_NAME: usize = 30;

words! {
    /// How far the reading of an account's followers is.
    pub enum ReadingPhase {
        /// Their ids are read, page by page.
        List = "list",
        /// What the platform tells about each is read.
        Details = "details",
        /// Everybody was read.
        Done = "done",
        /// It ended before, with a reason.
        Failed = "failed",
    }
}

impl ReadingPhase {
    /// Whether it goes on.
    pub const fn goes_on(self) -> bool {
        matches!(self, Self::List | Self::Details)
    }
}

words! {
    /// How far the tagging of many followers is.
    pub enum TaggingState {
        /// It goes on.
        Running = "running",
        /// Everybody has a result.
        Done = "done",
        /// It ended before, with a reason.
        Failed = "failed",
    }
}

/// The name of a tag as it was typed.
pub fn tag_name(typed: &str) -> Result<String, FieldError> {
    let name = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return Err(FieldError::required("name"));
    }
    if name.chars().count() > LONGEST_NAME {
        let (en, zh) = (format!("at most {LONGEST_NAME} characters"), format!("最多 {LONGEST_NAME} 个字"));
        return Err(FieldError::new("name", "too_long", en, zh));
    }
    if name.chars().any(char::is_control) {
        return Err(FieldError::new("name", "invalid", "no control characters", "不能包含控制字符"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_trimmed() {
        assert_eq!(tag_name("  老 客\t户 ").unwrap(), "老 客 户");
        assert_eq!(tag_name(&"客".repeat(30)).unwrap().chars().count(), 30);
        assert_eq!(tag_name(&"客".repeat(31)).unwrap_err().code, "too_long");
        assert!(tag_name(" \n").is_err());
        assert_eq!(tag_name("a\u{7}").unwrap_err().code, "invalid");
    }
}
