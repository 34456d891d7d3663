//! What the platform tells of a shop: name and scores (`/shop/reputation`), and what comes with a token.

use crate::call::{account_call, read_only};
use crate::{Douyin, SHOP};
use qianpu_sdk::wire::{id, text};
use qianpu_sdk::{AccountInfo, AccountProfile, Answer, ChannelError, Context, Step, Turn};
use serde_json::{Value, json};

impl AccountInfo for Douyin {
    fn profile(&self, cx: &Context<'_>) -> Turn<AccountProfile> {
        Ok(Step::call(account_call(cx, "/shop/reputation", &json!({}))?.idempotent(), Vec::new()))
    }

    fn resume_profile(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<AccountProfile> {
        let data = read_only(cx, answers)?;
        let shop =
            id(&data["shop_id"]).ok_or_else(|| ChannelError::unexpected("the answer has no shop_id"))?;
        Ok(Step::Done(AccountProfile {
            external_id: Some(shop),
            kind: Some(SHOP.to_owned()),
            name: text(&data["shop_name"]),
            // The platform answers this call for shops that trade; it names no state.
            active: Some(true),
            ..AccountProfile::default()
        }))
    }
}

/// The shop as the exchange of a code tells it.
pub(crate) fn profile_of_token(data: &Value) -> Result<AccountProfile, ChannelError> {
    let shop = id(&data["shop_id"]).or_else(|| id(&data["authority_id"])).filter(|shop| shop != "0");
    let shop = shop.ok_or_else(|| ChannelError::unexpected("the answer has no shop_id"))?;
    let scope = text(&data["scope"]).unwrap_or_default();
    Ok(AccountProfile {
        external_id: Some(shop),
        kind: Some(SHOP.to_owned()),
        name: text(&data["shop_name"]),
        active: Some(true),
        scopes: scope.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect(),
        ..AccountProfile::default()
    })
}
