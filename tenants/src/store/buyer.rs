//! Buyers of shops and what they are known by.
//!
//! Invariant: within a shop a phone or an open id belongs to at most one buyer (unique in the database). A phone is
//! stored sealed, and found by a keyed hash that holds for one shop only; the plain number is in no column.

use crate::context::TenantCtx;
use crate::db::TenantTx;
use crate::entity::{buyer as row, buyer_identity as identity};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::secrets::Sealer;
use crate::store::keyset::newest_first;
use qianpu_domain::buyer::{BuyerState, PersonLink};
use qianpu_domain::ids::{BuyerId, ChannelAccountId, ShopId};
use qianpu_domain::subject::Phone;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};

/// What a phone is sealed for.
pub const PURPOSE_PHONE: &str = "buyer phone";

/// A buyer, without the phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buyer {
    /// Its id.
    pub id: BuyerId,
    /// The only shop where they are somebody.
    pub shop: ShopId,
    /// What they call themselves; empty when unknown.
    pub name: String,
    /// `zh` or `en`.
    pub locale: String,
    /// Active or erased.
    pub state: BuyerState,
    /// Whether they are joined with the same person elsewhere.
    pub person_link: PersonLink,
    /// When they signed in last; none for those known from orders only.
    pub last_seen_at: Option<Timestamp>,
    /// When the personal data was erased.
    pub erased_at: Option<Timestamp>,
    /// For guarded updates.
    pub version: i64,
    /// When we first knew of them.
    pub created_at: Timestamp,
}

fn from_model(model: row::Model) -> StoreResult<Buyer> {
    Ok(Buyer {
        id: BuyerId(model.id),
        shop: ShopId(model.shop_id),
        name: model.name,
        locale: model.locale,
        state: BuyerState::from_text(&model.state).ok_or(StoreError::Corrupt("buyers.state"))?,
        person_link: PersonLink::from_text(&model.person_link)
            .ok_or(StoreError::Corrupt("buyers.person_link"))?,
        last_seen_at: model.last_seen_at.map(Timestamp::from_micros),
        erased_at: model.erased_at.map(Timestamp::from_micros),
        version: model.version,
        created_at: Timestamp::from_micros(model.created_at),
    })
}

/// What a phone is found by in one shop.
pub fn phone_lookup(sealer: &Sealer, tx: &TenantTx, shop: ShopId, phone: &Phone) -> StoreResult<String> {
    lookup_of(sealer, tx.ctx(), shop, phone.reveal())
}

/// The same for a phone as it is stored, outside a transaction: the key is this installation's and this provider's,
/// so it is made anew for a merchant that comes from elsewhere.
pub fn lookup_of(sealer: &Sealer, ctx: &TenantCtx, shop: ShopId, phone: &str) -> StoreResult<String> {
    sealer.lookup(ctx, &format!("{PURPOSE_PHONE} {}", shop.0.simple()), phone)
}

/// Adds a buyer whom nothing identifies yet.
pub async fn buyer_insert(tx: &mut TenantTx, shop: ShopId, name: &str, locale: &str) -> StoreResult<Buyer> {
    let model = row::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        shop_id: shop.0,
        name: name.to_owned(),
        locale: locale.to_owned(),
        state: BuyerState::Active.as_str().to_owned(),
        person_link: PersonLink::None.as_str().to_owned(),
        last_seen_at: None,
        erased_at: None,
        version: 1,
        created_at: tx.now().micros(),
        updated_at: tx.now().micros(),
    };
    row::ActiveModel::from(model.clone()).insert(tx.conn()).await?;
    from_model(model)
}

/// A buyer of the tenant, whichever shop.
pub async fn buyer_get(tx: &TenantTx, id: BuyerId) -> StoreResult<Buyer> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// Who is known by this in the shop.
pub async fn buyer_by_identity(
    tx: &TenantTx,
    shop: ShopId,
    kind: &str,
    lookup: &str,
) -> StoreResult<Option<BuyerId>> {
    let found = identity::Entity::find()
        .filter(identity::Column::TenantId.eq(tx.tenant()))
        .filter(identity::Column::ShopId.eq(shop.0))
        .filter(identity::Column::Kind.eq(kind))
        .filter(identity::Column::Lookup.eq(lookup))
        .one(tx.conn())
        .await?;
    Ok(found.map(|found| BuyerId(found.buyer_id)))
}

/// The buyer of the shop with this phone.
pub async fn buyer_by_phone(
    tx: &TenantTx,
    sealer: &Sealer,
    shop: ShopId,
    phone: &Phone,
) -> StoreResult<Option<BuyerId>> {
    let lookup = phone_lookup(sealer, tx, shop, phone)?;
    buyer_by_identity(tx, shop, "phone", &lookup).await
}

/// Who a channel account's open id is, in the shop: by that id, else by the union id.
pub async fn buyer_by_channel(
    tx: &TenantTx,
    shop: ShopId,
    known: &ChannelIdentity<'_>,
) -> StoreResult<Option<BuyerId>> {
    if let Some(found) = buyer_by_identity(tx, shop, "channel", &known.lookup()).await? {
        return Ok(Some(found));
    }
    let Some(union) = known.union_id else { return Ok(None) };
    let found = identity::Entity::find()
        .filter(identity::Column::TenantId.eq(tx.tenant()))
        .filter(identity::Column::ShopId.eq(shop.0))
        .filter(identity::Column::UnionId.eq(union))
        .order_by_asc(identity::Column::Id)
        .one(tx.conn())
        .await?;
    Ok(found.map(|found| BuyerId(found.buyer_id)))
}

/// An id that a channel account knows a person by.
#[derive(Clone, Copy, Debug)]
pub struct ChannelIdentity<'a> {
    /// The channel's slug.
    pub channel: &'a str,
    /// The account: open ids mean nothing at another.
    pub account: ChannelAccountId,
    /// The id.
    pub open_id: &'a str,
    /// The person across the accounts of one subject, when the channel tells.
    pub union_id: Option<&'a str>,
}

impl ChannelIdentity<'_> {
    fn lookup(&self) -> String {
        format!("{}:{}", self.account.0.simple(), self.open_id)
    }
}

/// Something a buyer is known by.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The phone, opened; only of a phone identity.
    pub phone: Option<Phone>,
    /// The channel's slug.
    pub channel: Option<String>,
    /// The channel account.
    pub account: Option<ChannelAccountId>,
    /// The id at the account.
    pub open_id: Option<String>,
    /// The person across accounts.
    pub union_id: Option<String>,
    /// When the buyer proved it; none when an order brought it.
    pub verified_at: Option<Timestamp>,
    /// When we first knew of it.
    pub created_at: Timestamp,
}

fn opened(tx: &TenantTx, sealer: &Sealer, model: identity::Model) -> StoreResult<Identity> {
    let phone = match &model.sealed {
        Some(sealed) => {
            let plain = sealer.open_text(tx.ctx(), PURPOSE_PHONE, sealed)?;
            Some(Phone::parse(plain.expose()).map_err(|_| StoreError::Corrupt("buyer_identities.sealed"))?)
        }
        None => None,
    };
    Ok(Identity {
        phone,
        channel: model.channel,
        account: model.channel_account_id.map(ChannelAccountId),
        open_id: model.open_id,
        union_id: model.union_id,
        verified_at: model.verified_at.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(model.created_at),
    })
}

/// The most identities read of one buyer.
const MOST_IDENTITIES: u64 = 50;

/// What a buyer is known by, oldest first.
pub async fn identity_list(tx: &TenantTx, sealer: &Sealer, buyer: BuyerId) -> StoreResult<Vec<Identity>> {
    let rows = identity::Entity::find()
        .filter(identity::Column::TenantId.eq(tx.tenant()))
        .filter(identity::Column::BuyerId.eq(buyer.0))
        .order_by_asc(identity::Column::Id)
        .limit(MOST_IDENTITIES)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(|model| opened(tx, sealer, model)).collect()
}

/// The phones of several buyers, for lists.
pub async fn phones_of(
    tx: &TenantTx,
    sealer: &Sealer,
    buyers: &[BuyerId],
) -> StoreResult<Vec<(BuyerId, Phone)>> {
    if buyers.is_empty() {
        return Ok(Vec::new());
    }
    let rows = identity::Entity::find()
        .filter(identity::Column::TenantId.eq(tx.tenant()))
        .filter(identity::Column::BuyerId.is_in(buyers.iter().map(|buyer| buyer.0)))
        .filter(identity::Column::Kind.eq("phone"))
        .all(tx.conn())
        .await?;
    let mut phones = Vec::with_capacity(rows.len());
    for model in rows {
        let buyer = BuyerId(model.buyer_id);
        if let Some(phone) = opened(tx, sealer, model)?.phone {
            phones.push((buyer, phone));
        }
    }
    Ok(phones)
}

/// Gives a buyer a phone. False when somebody of the shop has it.
pub async fn phone_insert(
    tx: &mut TenantTx,
    sealer: &Sealer,
    buyer: &Buyer,
    phone: &Phone,
) -> StoreResult<bool> {
    let sealed = sealer.seal(tx.ctx(), PURPOSE_PHONE, phone.reveal().as_bytes())?;
    let model = identity::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        buyer_id: buyer.id.0,
        shop_id: buyer.shop.0,
        kind: "phone".to_owned(),
        lookup: phone_lookup(sealer, tx, buyer.shop, phone)?,
        sealed: Some(sealed),
        channel: None,
        channel_account_id: None,
        open_id: None,
        union_id: None,
        verified_at: Some(tx.now().micros()),
        created_at: tx.now().micros(),
    };
    identity_insert(tx, model).await
}

/// Gives a buyer a channel's id. False when somebody of the shop has it.
pub async fn channel_insert(
    tx: &mut TenantTx,
    buyer: &Buyer,
    known: &ChannelIdentity<'_>,
    verified: bool,
) -> StoreResult<bool> {
    let model = identity::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        buyer_id: buyer.id.0,
        shop_id: buyer.shop.0,
        kind: "channel".to_owned(),
        lookup: known.lookup(),
        sealed: None,
        channel: Some(known.channel.to_owned()),
        channel_account_id: Some(known.account.0),
        open_id: Some(known.open_id.to_owned()),
        union_id: known.union_id.map(str::to_owned),
        verified_at: verified.then_some(tx.now().micros()),
        created_at: tx.now().micros(),
    };
    identity_insert(tx, model).await
}

async fn identity_insert(tx: &mut TenantTx, model: identity::Model) -> StoreResult<bool> {
    let conflict = OnConflict::columns([
        identity::Column::TenantId,
        identity::Column::ShopId,
        identity::Column::Kind,
        identity::Column::Lookup,
    ])
    .do_nothing()
    .to_owned();
    let active = model.into_active_model().reset_all();
    let rows =
        identity::Entity::insert(active).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
    Ok(rows == 1)
}

/// What of a buyer changes.
#[derive(Clone, Debug, Default)]
pub struct BuyerChange<'a> {
    /// What they call themselves.
    pub name: Option<&'a str>,
    /// Their language.
    pub locale: Option<&'a str>,
    /// Whether they are joined with the same person elsewhere.
    pub person_link: Option<PersonLink>,
    /// They are here now.
    pub seen: bool,
}

/// Changes an active buyer. `NotFound` when they were erased.
pub async fn buyer_change(tx: &mut TenantTx, id: BuyerId, change: &BuyerChange<'_>) -> StoreResult<()> {
    use row::Column;
    let now = tx.now().micros();
    let mut query = row::Entity::update_many()
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1));
    if let Some(name) = change.name {
        query = query.col_expr(Column::Name, Expr::value(name));
    }
    if let Some(locale) = change.locale {
        query = query.col_expr(Column::Locale, Expr::value(locale));
    }
    if let Some(link) = change.person_link {
        query = query.col_expr(Column::PersonLink, Expr::value(link.as_str()));
    }
    if change.seen {
        query = query.col_expr(Column::LastSeenAt, Expr::value(now));
    }
    let done = query
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Id.eq(id.0))
        .filter(Column::State.eq(BuyerState::Active.as_str()))
        .exec(tx.conn())
        .await?;
    if done.rows_affected == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

/// Which buyers a list is about.
#[derive(Clone, Debug, Default)]
pub struct BuyerFilter<'a> {
    /// Only of these shops.
    pub shops: Option<Vec<ShopId>>,
    /// Only with exactly this name.
    pub name: Option<&'a str>,
    /// Only with one of these phones' hashes; the caller makes one for each shop it may see.
    pub lookups: Option<Vec<String>>,
}

/// Buyers, newest first.
pub async fn buyer_list(
    tx: &TenantTx,
    filter: &BuyerFilter<'_>,
    page: PageRequest,
) -> StoreResult<Page<Buyer>> {
    let mut query = row::Entity::find().filter(row::Column::TenantId.eq(tx.tenant()));
    if let Some(shops) = &filter.shops {
        query = query.filter(row::Column::ShopId.is_in(shops.iter().map(|shop| shop.0)));
    }
    if let Some(name) = filter.name {
        query = query.filter(row::Column::Name.eq(name));
    }
    if let Some(lookups) = &filter.lookups {
        let known = Query::select()
            .column(identity::Column::BuyerId)
            .from(identity::Entity)
            .and_where(identity::Column::TenantId.eq(tx.tenant()))
            .and_where(identity::Column::Kind.eq("phone"))
            .and_where(identity::Column::Lookup.is_in(lookups.iter().map(String::as_str)))
            .to_owned();
        query = query.filter(row::Column::Id.in_subquery(known));
    }
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |buyer| Cursor { at: buyer.created_at, id: buyer.id.0 }))
}
