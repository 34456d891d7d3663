//! What somebody applied for a brand with before, as he would type it: one who applies again mends it instead of typing
//! everything anew.

use super::wish::{TypedBrand, TypedGrant, TypedMark};
use super::{account_of, apply};
use crate::error::Answer;
use crate::state::AppState;
use jiff::tz::{TimeZone, offset};
use qianpu_domain::ids::{ChannelAccountId, MediaId};
use qianpu_domain::qualification::QualificationKind;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{BrandRight, BrandWish, Trademark, Validity};
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::error::StoreError;
use qianpu_tenants::store::media::media_get;
use qianpu_tenants::store::qualification::qualification_newest;

/// What the newest application for a brand was made with, without documents that are no longer here. One that was kept in
/// another shape is nothing to begin with.
pub async fn for_brand(
    state: &AppState,
    grant: &Grant<perm::ShopDeskManage>,
    id: ChannelAccountId,
    brand_id: &str,
) -> Answer<Option<TypedBrand>> {
    let tx = state.db.read(grant.ctx()).await?;
    account_of(&tx, grant, id).await?;
    let newest = qualification_newest(&tx, id, QualificationKind::Brand, brand_id).await?;
    let content = newest.map(|newest| serde_json::from_value::<BrandWish>(newest.content));
    let Some(Ok(mut wish)) = content else { return Ok(None) };
    for list in apply::papers(&mut wish) {
        let mut here = Vec::new();
        for text in list.drain(..) {
            let Ok(document) = text.parse::<MediaId>() else { continue };
            match media_get(&tx, document).await {
                Ok(_) => here.push(text),
                Err(StoreError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        *list = here;
    }
    Ok(Some(typed(wish)))
}

/// As somebody would type it.
fn typed(wish: BrandWish) -> TypedBrand {
    let ids = |list: Vec<String>| -> Vec<MediaId> { list.iter().filter_map(|id| id.parse().ok()).collect() };
    let span = |valid: Option<Validity>| valid.map(|valid| (valid.from, valid.until));
    let mark = match wish.mark {
        Trademark::Registered { registrant, number, valid, certificates, renewals } => TypedMark {
            registrant: Some(registrant),
            number,
            valid: span(valid),
            accepted_at: None,
            certificates: ids(certificates),
            renewals: ids(renewals),
        },
        Trademark::AppliedFor { accepted_at, number, certificates } => TypedMark {
            registrant: None,
            number,
            valid: None,
            accepted_at: Some(accepted_at),
            certificates: ids(certificates),
            renewals: Vec::new(),
        },
    };
    let granted = match wish.right {
        BrandRight::Own => None,
        BrandRight::Granted { level, valid, letters, owner_papers } => Some(TypedGrant {
            level,
            valid: span(valid),
            letters: ids(letters),
            owner_papers: ids(owner_papers),
        }),
    };
    let name = wish.name;
    TypedBrand {
        brand_id: name.brand_id,
        name_zh: name.name_zh,
        name_en: name.name_en,
        class: wish.class,
        mark,
        granted,
    }
}

/// A moment as the day in Beijing that people would type; none for one that no calendar has.
pub fn day_text(at: Timestamp) -> Option<String> {
    let at = jiff::Timestamp::from_second(at.seconds()).ok()?;
    Some(at.to_zoned(TimeZone::fixed(offset(8))).date().to_string())
}

#[cfg(test)]
mod tests {
    use super::day_text;
    use qianpu_domain::time::Timestamp;

    #[test]
    fn a_day_is_that_of_beijing_and_a_time_beyond_the_calendar_is_none() {
        let day = |seconds| day_text(Timestamp::from_seconds(seconds));
        assert_eq!(day(0).as_deref(), Some("1970-01-01"));
        assert_eq!(day(1_709_222_399).as_deref(), Some("2024-02-29"), "23:59:59 there");
        assert_eq!(day(1_709_222_400).as_deref(), Some("2024-03-01"));
        for beyond in [i64::MAX / 1_000_000, i64::MIN / 1_000_000, 300_000_000_000] {
            assert_eq!(day(beyond), None, "{beyond}");
        }
    }
}
