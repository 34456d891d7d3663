//! What a merchant has of the things that its plan limits. Counted where another one is made, behind the tenant's row, so that
//! two at once cannot pass together.

use crate::db::TenantTx;
use crate::entity::{channel_account, product, shop, tenant, user};
use crate::error::{StoreError, StoreResult};
use qianpu_domain::billing::Limited;
use qianpu_domain::channel::AccountState;
use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

/// Takes the tenant's row until the end of the transaction: until then nobody else counts to make something.
pub async fn limit_gate(tx: &mut TenantTx) -> StoreResult<()> {
    let row = tenant::Entity::find_by_id(tx.tenant()).lock(LockType::NoKeyUpdate).one(tx.conn()).await?;
    row.map(|_| ()).ok_or(StoreError::NotFound)
}

/// How many there are now. Closed shops, disabled people, accounts without a link and deleted products do not count.
pub async fn limit_used(tx: &TenantTx, what: Limited) -> StoreResult<i64> {
    let own = tx.tenant();
    let count = match what {
        Limited::Shops => {
            let query = shop::Entity::find().filter(shop::Column::TenantId.eq(own));
            query.filter(shop::Column::State.ne("closed")).count(tx.conn()).await?
        }
        Limited::Staff => {
            let query = user::Entity::find().filter(user::Column::TenantId.eq(own));
            query.filter(user::Column::State.eq("active")).count(tx.conn()).await?
        }
        Limited::LinkedAccounts => {
            let counted = AccountState::ALL.iter().filter(|state| state.counts()).map(|state| state.as_str());
            let query = channel_account::Entity::find().filter(channel_account::Column::TenantId.eq(own));
            query.filter(channel_account::Column::State.is_in(counted)).count(tx.conn()).await?
        }
        Limited::Products => {
            let query = product::Entity::find().filter(product::Column::TenantId.eq(own));
            query.filter(product::Column::State.ne("deleted")).count(tx.conn()).await?
        }
    };
    Ok(i64::try_from(count).unwrap_or(i64::MAX))
}
