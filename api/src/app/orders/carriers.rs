//! The carriers of a channel, asked for once a day, and finding one by what a person typed.

use crate::app::channels::call::{AccountCall, CallError};
use crate::state::AppState;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::shipping::{CarrierCode, CarrierError};
use qianpu_domain::time::{Span, Timestamp};
use qianpu_sdk::Carrier;
use qianpu_tenants::context::TenantCtx;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How long a list is good.
const FRESH: Span = Span::days(1);
/// Channels whose list is kept.
const MOST: usize = 64;

/// A list and when it was read.
type Kept = (Timestamp, Arc<[Carrier]>);

/// Lists by channel: they are the platform's, the same for all its accounts.
#[derive(Debug, Default)]
pub struct Carriers(Mutex<HashMap<String, Kept>>);

impl Carriers {
    fn fresh(&self, channel: &str, now: Timestamp) -> Option<Arc<[Carrier]>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(channel).filter(|(at, _)| now.since(*at) < FRESH).map(|(_, list)| Arc::clone(list))
    }
    fn stale(&self, channel: &str) -> Option<Arc<[Carrier]>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(channel).map(|(_, list)| Arc::clone(list))
    }
    fn keep(&self, channel: &str, now: Timestamp, list: &Arc<[Carrier]>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(channel.to_owned(), (now, Arc::clone(list)));
    }
}

/// The carriers of an account's channel; of our own storefront when there is no account. When the platform
/// does not answer, an older list; with none, the common ones.
pub async fn of(state: &AppState, ctx: &TenantCtx, account: Option<ChannelAccountId>) -> Arc<[Carrier]> {
    let Some(account) = account else { return common() };
    match ask(state, ctx, account).await {
        Ok(list) => list,
        Err(error) => {
            tracing::info!(account_id = %account, %error, "the carriers of a channel could not be read");
            common()
        }
    }
}

async fn ask(
    state: &AppState,
    ctx: &TenantCtx,
    account: ChannelAccountId,
) -> Result<Arc<[Carrier]>, CallError> {
    let call = AccountCall::open(state, ctx, account).await?;
    let (channel, now) = (call.account().channel.clone(), state.clock().now());
    if let Some(list) = state.carriers.fresh(&channel, now) {
        return Ok(list);
    }
    let answer = call.host().carriers(call.account_ref()).await;
    match call.settle(answer).await {
        Ok(list) => {
            let list: Arc<[Carrier]> = list.into();
            state.carriers.keep(&channel, now, &list);
            Ok(list)
        }
        Err(error) => state.carriers.stale(&channel).ok_or(error),
    }
}

fn common() -> Arc<[Carrier]> {
    let carrier = |(code, name, _): &(&str, &str, _)| Carrier {
        carrier_id: (*code).to_owned(),
        name: (*name).to_owned(),
    };
    CarrierCode::COMMON.iter().map(carrier).collect()
}

/// The carrier a person means by a code, a name or a usual short name.
pub fn find(list: &[Carrier], text: &str) -> Result<Carrier, CarrierError> {
    let text = text.trim();
    let by_id = |id: &str| list.iter().find(|carrier| carrier.carrier_id.eq_ignore_ascii_case(id));
    let by_name = list.iter().find(|carrier| carrier.name == text);
    if let Some(found) = by_id(text).or(by_name) {
        return Ok(found.clone());
    }
    let code = CarrierCode::parse(text)?;
    let short = code.title_zh().get(..6).unwrap_or(code.title_zh());
    let named =
        || list.iter().find(|carrier| carrier.name == code.title_zh() || carrier.name.starts_with(short));
    by_id(code.as_str()).or_else(named).cloned().ok_or(CarrierError)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let list: Vec<Carrier> =
            [("SF", "顺丰速运"), ("ZTO", "中通快递"), ("JTEXPRESS", "极兔快递"), ("OTHER", "其他")]
                .map(|(id, name)| Carrier { carrier_id: id.into(), name: name.into() })
                .into();
        let got = find(&list, text).ok();
        assert_eq!(got.as_ref().map(|carrier| carrier.carrier_id.as_str()), expected, "{text}");
    }

    #[test]
    fn carriers_by_what_people_type() {
        check("SF", Some("SF"));
        check(" sf ", Some("SF"));
        check("顺丰", Some("SF"));
        check("顺丰速运", Some("SF"));
        check("中通", Some("ZTO"));
        check("极兔", Some("JTEXPRESS"));
        check("其他", Some("OTHER"));
        check("HTKY", None);
        check("某某快递", None);
        check("", None);
    }
}
