//! Why something could not be brought to a platform. The platform's words are kept as they are; ours are kept as a word for
//! programs and said in the language of whoever reads them.

use crate::pages::catalogue::Catalogue;
use crate::pages::lang::Lang;
use qianpu_domain::channel::AccountState;

const UNUSABLE: &str = "account_unusable:";

/// The account cannot be used as it stands.
pub(super) fn unusable(state: AccountState) -> String {
    [UNUSABLE, state.as_str()].concat()
}

/// What was kept, for a reader.
pub fn shown(catalogue: &Catalogue, lang: Lang, kept: String) -> String {
    let Some(state) = kept.strip_prefix(UNUSABLE).and_then(AccountState::from_text) else { return kept };
    let state = catalogue.badge(lang, "account", state.as_str()).text;
    catalogue.say(lang, "aftersales.account_unusable", [("state", state.as_str())])
}
