//! Brands that products are published with. A channel that has brands lets a shop use those it accepted; which they are
//! is asked of it each time.

use crate::app::channels::call::AccountCall;
use crate::app::qualifications;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::ChannelAccountId;
use qianpu_domain::qualification::platform_id;
use qianpu_sdk::{Brand, QualificationState};
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::store::channel_account::account_get;
use qianpu_tenants::store::listing::ListingBrand;

/// A brand that an account's shop may use, or that there is to be none. Only [`choose`] makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenBrand(Option<ListingBrand>);

impl ChosenBrand {
    /// The brand.
    pub const fn brand(&self) -> Option<&ListingBrand> {
        self.0.as_ref()
    }
}

/// Whether goods may be sold under it now.
fn in_force(brand: &Brand) -> bool {
    matches!(brand.standing.state, QualificationState::Accepted | QualificationState::Expiring)
}

fn kept(brand: Brand) -> ListingBrand {
    let name = [brand.name.name_zh.as_str(), brand.name.name_en.as_str()].join(" ").trim().to_owned();
    ListingBrand { id: brand.name.brand_id, name }
}

/// Checks with the platform what somebody chose: the id of a brand, or nothing for goods without one.
pub async fn choose(
    state: &AppState,
    grant: &Grant<perm::ListingWrite>,
    id: ChannelAccountId,
    typed: &str,
) -> Answer<ChosenBrand> {
    let tx = state.db.read(grant.ctx()).await?;
    let account = account_get(&tx, id).await?;
    drop(tx);
    if !grant.covers_shop(account.shop) {
        return Err(ApiError::not_found());
    }
    if typed.trim().is_empty() {
        return Ok(ChosenBrand(None));
    }
    if !qualifications::possible(&account) {
        let (en, zh) = ("this kind of account has no brands; leave it empty", "该类账号没有品牌可选，请留空");
        return Err(FieldError::new("brand_id", "no_brands", en, zh).into());
    }
    let brand_id = platform_id("brand_id", typed)?;
    let call = AccountCall::open(state, grant.ctx(), id).await?;
    let answer = call.host().brand(call.account_ref(), &brand_id).await;
    match call.settle(answer).await?.filter(in_force) {
        Some(brand) => Ok(ChosenBrand(Some(kept(brand)))),
        None => {
            let en = "the platform accepted no such brand for this account; choose an accepted one or none, or apply for it \
                on the account's page";
            let zh = "该账号没有这个已通过的品牌。请选择已通过的品牌或“无品牌”，也可以先到账号页申请品牌资质";
            Err(FieldError::new("brand_id", "not_accepted", en, zh).into())
        }
    }
}

/// Brands that an account's shop may use, as the platform has them now.
pub async fn offered<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ChannelAccountId,
) -> Answer<Vec<ListingBrand>> {
    let told = qualifications::brands(state, grant, id).await?;
    Ok(told.items.into_iter().filter(in_force).map(kept).collect())
}
