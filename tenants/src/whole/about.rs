//! What a provider's own rows say about one of its merchants. They go with the merchant, in the provider's own
//! transaction.

use crate::db::TenantTx;
use crate::entity::{app_authorisation, brand_authorisation, buyer_person_link, invitation, policy_rule};
use crate::error::StoreResult;
use qianpu_domain::ids::TenantId;
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter};

macro_rules! about {
    ($tx:expr, $merchant:expr, $each:ident) => {{
        let (own, merchant) = ($tx.tenant(), $merchant.0);
        let mut found: Vec<(&'static str, u64)> = Vec::new();
        $each!(
            found,
            $tx,
            brand_authorisation,
            "brand_authorisations",
            Condition::all()
                .add(brand_authorisation::Column::TenantId.eq(own))
                .add(brand_authorisation::Column::MerchantId.eq(merchant))
        );
        $each!(
            found,
            $tx,
            app_authorisation,
            "app_authorisations",
            Condition::all()
                .add(app_authorisation::Column::TenantId.eq(own))
                .add(app_authorisation::Column::MerchantId.eq(merchant))
        );
        $each!(
            found,
            $tx,
            buyer_person_link,
            "buyer_person_links",
            Condition::all()
                .add(buyer_person_link::Column::TenantId.eq(own))
                .add(buyer_person_link::Column::MerchantId.eq(merchant))
        );
        $each!(
            found,
            $tx,
            invitation,
            "invitations",
            Condition::all()
                .add(invitation::Column::TenantId.eq(own))
                .add(invitation::Column::UsedBy.eq(merchant))
        );
        $each!(
            found,
            $tx,
            policy_rule,
            "policy_rules",
            Condition::all()
                .add(policy_rule::Column::TenantId.eq(own))
                .add(policy_rule::Column::Scope.eq("merchant"))
                .add(policy_rule::Column::AboutId.eq(merchant))
        );
        found.retain(|(_, rows)| *rows > 0);
        found
    }};
}

macro_rules! count {
    ($found:ident, $tx:expr, $entity:ident, $table:literal, $condition:expr) => {
        $found.push(($table, $entity::Entity::find().filter($condition).count($tx.conn()).await?));
    };
}
macro_rules! delete {
    ($found:ident, $tx:expr, $entity:ident, $table:literal, $condition:expr) => {
        let done = $entity::Entity::delete_many().filter($condition).exec($tx.conn()).await?;
        $found.push(($table, done.rows_affected));
    };
}

/// How many rows of the provider are about the merchant, by table.
pub async fn about_count(tx: &TenantTx, merchant: TenantId) -> StoreResult<Vec<(&'static str, u64)>> {
    Ok(about!(tx, merchant, count))
}

/// Removes them.
pub async fn about_delete(tx: &mut TenantTx, merchant: TenantId) -> StoreResult<Vec<(&'static str, u64)>> {
    Ok(about!(tx, merchant, delete))
}
