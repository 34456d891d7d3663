//! Why a notice did not arrive. What is kept is a word, which is said in the language of whoever reads it; the platform's own
//! words are kept beside it and shown as they came.

use crate::pages::catalogue::Catalogue;
use crate::pages::lang::Lang;
use qianpu_domain::error::ErrorCode;
use qianpu_sdk::NoticeRefusal;

/// Where the texts of the words stand.
const TEXTS: &str = "followers.notice_reason.";

/// The word for a refusal.
pub(super) const fn of_refusal(why: NoticeRefusal) -> &'static str {
    match why {
        NoticeRefusal::NotFollowing => "not_following",
        NoticeRefusal::NotAgreed => "not_agreed",
        NoticeRefusal::NoTemplate => "no_template",
        NoticeRefusal::BadField => "bad_field",
    }
}

/// The word for what the platform's word for a failure means.
pub(super) fn of_failure(native: &str) -> &'static str {
    let native = native.to_lowercase();
    if native.contains("block") {
        "blocked"
    } else if native.contains("freq") {
        "too_often"
    } else {
        "not_delivered"
    }
}

/// A kept reason for a reader: our words and codes in their language. Anything else is the platform's, or a sentence that an
/// earlier release kept, and stays as it is.
pub fn said(catalogue: &Catalogue, lang: Lang, kept: &str) -> String {
    if let Some(text) = catalogue.find(lang, &format!("{TEXTS}{kept}")) {
        return text.to_owned();
    }
    let code = ErrorCode::ALL.iter().find(|code| code.as_str() == kept);
    code.map_or_else(|| kept.to_owned(), |code| lang.pick(code.title_zh(), code.title_en()).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_said_in_both_languages() {
        let catalogue = Catalogue::load().unwrap();
        let refusals = [
            NoticeRefusal::NotFollowing,
            NoticeRefusal::NotAgreed,
            NoticeRefusal::NoTemplate,
            NoticeRefusal::BadField,
        ];
        let failures = ["failed:user block", "failed: reach freq limit", "failed: system failed"];
        let own = refusals.into_iter().map(of_refusal).chain(failures.into_iter().map(of_failure));
        for kept in own.chain([ErrorCode::ChannelAccountUnusable.as_str()]) {
            let (zh, en) = (said(&catalogue, Lang::Zh, kept), said(&catalogue, Lang::En, kept));
            assert!(zh != kept && en.is_ascii() && en != kept, "{kept}: {zh} / {en}");
        }
        assert_eq!(said(&catalogue, Lang::En, "failed:user block"), "failed:user block");
    }
}
