//! Rules of listings: the merchant's for every account, an account's, and one listing's.

use crate::db::TenantTx;
use crate::entity::listing_rule as row;
use crate::error::{StoreError, StoreResult};
use qianpu_domain::ids::{ChannelAccountId, ListingId};
use qianpu_domain::listing_rule::ListingRule;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use uuid::Uuid;

/// Whose rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleOwner {
    /// The merchant's, for every account.
    Merchant,
    /// An account's.
    Account(ChannelAccountId),
    /// One listing's.
    Listing(ListingId),
}

impl RuleOwner {
    const fn id(self) -> Uuid {
        match self {
            Self::Merchant => Uuid::nil(),
            Self::Account(id) => id.0,
            Self::Listing(id) => id.0,
        }
    }
    /// The word as stored.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Merchant => "merchant",
            Self::Account(_) => "account",
            Self::Listing(_) => "listing",
        }
    }
}

/// A rule as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredRule {
    /// What it says.
    pub rule: ListingRule,
    /// Changes so far; 0 where nothing was ever said.
    pub version: i64,
    /// When it changed last.
    pub updated_at: Option<Timestamp>,
}

fn from_model(row: row::Model) -> StoredRule {
    StoredRule {
        rule: ListingRule {
            price_ppm: row.price_ppm,
            price_add_fen: row.price_add_fen,
            price_step_fen: row.price_step_fen,
            title_prefix: row.title_prefix,
            title_suffix: row.title_suffix,
            safety_stock: row.safety_stock,
            stock_ppm: row.stock_ppm,
        },
        version: row.version,
        updated_at: Some(Timestamp::from_micros(row.updated_at)),
    }
}

/// What an owner says; nothing where it never said anything.
pub async fn rule_get(tx: &TenantTx, owner: RuleOwner) -> StoreResult<StoredRule> {
    let found = row::Entity::find_by_id((tx.tenant(), owner.id())).one(tx.conn()).await?;
    Ok(found.map(from_model).unwrap_or_default())
}

/// What holds for a listing on an account: the listing's rule, then the account's, then the merchant's.
pub async fn rule_for(
    tx: &TenantTx,
    account: ChannelAccountId,
    listing: Option<ListingId>,
) -> StoreResult<ListingRule> {
    let owners =
        [Some(RuleOwner::Account(account)), Some(RuleOwner::Merchant), listing.map(RuleOwner::Listing)];
    let ids = owners.into_iter().flatten().map(RuleOwner::id);
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::OwnerId.is_in(ids))
        .all(tx.conn())
        .await?;
    let of = |kind: &str| {
        rows.iter().find(|row| row.owner_kind == kind).cloned().map(from_model).unwrap_or_default().rule
    };
    Ok(of("listing").or(&of("account")).or(&of("merchant")))
}

/// Says something new, if `seen` is still the newest.
pub async fn rule_put(tx: &mut TenantTx, owner: RuleOwner, rule: &ListingRule, seen: i64) -> StoreResult<()> {
    let now = tx.now().micros();
    if seen == 0 {
        let model = row::ActiveModel {
            tenant_id: Set(tx.tenant()),
            owner_id: Set(owner.id()),
            owner_kind: Set(owner.kind().to_owned()),
            price_ppm: Set(rule.price_ppm),
            price_add_fen: Set(rule.price_add_fen),
            price_step_fen: Set(rule.price_step_fen),
            title_prefix: Set(rule.title_prefix.clone()),
            title_suffix: Set(rule.title_suffix.clone()),
            safety_stock: Set(rule.safety_stock),
            stock_ppm: Set(rule.stock_ppm),
            version: Set(1),
            updated_at: Set(now),
        };
        let conflict = OnConflict::new().do_nothing().to_owned();
        let added =
            row::Entity::insert(model).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
        return if added == 1 { Ok(()) } else { Err(StoreError::VersionConflict) };
    }
    let done = row::Entity::update_many()
        .col_expr(row::Column::PricePpm, Expr::value(rule.price_ppm))
        .col_expr(row::Column::PriceAddFen, Expr::value(rule.price_add_fen))
        .col_expr(row::Column::PriceStepFen, Expr::value(rule.price_step_fen))
        .col_expr(row::Column::TitlePrefix, Expr::value(rule.title_prefix.clone()))
        .col_expr(row::Column::TitleSuffix, Expr::value(rule.title_suffix.clone()))
        .col_expr(row::Column::SafetyStock, Expr::value(rule.safety_stock))
        .col_expr(row::Column::StockPpm, Expr::value(rule.stock_ppm))
        .col_expr(row::Column::Version, Expr::col(row::Column::Version).add(1))
        .col_expr(row::Column::UpdatedAt, Expr::value(now))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::OwnerId.eq(owner.id()))
        .filter(row::Column::Version.eq(seen))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}
