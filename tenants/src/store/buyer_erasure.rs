//! Requests to erase a buyer's personal data, and the erasure itself: every column of the tenant that holds it.

use crate::db::TenantTx;
use crate::entity::{
    aftersale, buyer, buyer_code, buyer_erasure as row, buyer_identity, buyer_session, buyer_sign_in,
    idempotency_key, inbox_message, order, shipment,
};
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::follower::{follower_forget, follower_ids};
use crate::store::follower_message::message_delete;
use crate::store::follower_notice::notice_delete;
use crate::store::keyset::newest_first;
use crate::store::order_desk::erase_wishes;
use qianpu_domain::buyer::BuyerState;
use qianpu_domain::ids::{BuyerErasureId, BuyerId, OrderId, ShopId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr, Query, SelectStatement};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde_json::Value;

/// A request to erase.
#[derive(Clone, Debug)]
pub struct Erasure {
    /// Its id.
    pub id: BuyerErasureId,
    /// Whose data.
    pub buyer: BuyerId,
    /// The shop.
    pub shop: ShopId,
    /// `buyer` or `merchant`.
    pub requested_by: String,
    /// Why, in the merchant's words; empty when the buyer asked.
    pub reason: String,
    /// `waiting`, `cancelled` or `done`.
    pub state: String,
    /// Not before this moment.
    pub due_at: Timestamp,
    /// When it was done or taken back.
    pub ended_at: Option<Timestamp>,
    /// What was erased: a list of table, rows, what. Empty before.
    pub proof: Value,
    /// When it was asked for.
    pub created_at: Timestamp,
}

fn from_model(model: row::Model) -> StoreResult<Erasure> {
    Ok(Erasure {
        id: BuyerErasureId(model.id),
        buyer: BuyerId(model.buyer_id),
        shop: ShopId(model.shop_id),
        requested_by: model.requested_by,
        reason: model.reason,
        state: model.state,
        due_at: Timestamp::from_micros(model.due_at),
        ended_at: model.ended_at.map(Timestamp::from_micros),
        proof: serde_json::from_str(&model.proof).map_err(|_| StoreError::Corrupt("buyer_erasures.proof"))?,
        created_at: Timestamp::from_micros(model.created_at),
    })
}

/// Notes a request. `Conflict` when one waits already.
pub async fn erasure_insert(
    tx: &mut TenantTx,
    buyer: BuyerId,
    shop: ShopId,
    requested_by: &str,
    reason: &str,
    due_at: Timestamp,
) -> StoreResult<Erasure> {
    if erasure_waiting(tx, buyer).await?.is_some() {
        return Err(StoreError::Conflict("erasure"));
    }
    let model = row::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        buyer_id: buyer.0,
        shop_id: shop.0,
        requested_by: requested_by.to_owned(),
        reason: reason.to_owned(),
        state: "waiting".to_owned(),
        due_at: due_at.micros(),
        ended_at: None,
        proof: "[]".to_owned(),
        created_at: tx.now().micros(),
    };
    row::ActiveModel::from(model.clone()).insert(tx.conn()).await?;
    from_model(model)
}

/// A request by id.
pub async fn erasure_get(tx: &TenantTx, id: BuyerErasureId) -> StoreResult<Erasure> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// The request of a buyer that waits.
pub async fn erasure_waiting(tx: &TenantTx, buyer: BuyerId) -> StoreResult<Option<Erasure>> {
    let query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::BuyerId.eq(buyer.0))
        .filter(row::Column::State.eq("waiting"));
    query.one(tx.conn()).await?.map(from_model).transpose()
}

/// Requests that wait, of all buyers, newest first.
pub async fn erasures_waiting(tx: &TenantTx, page: PageRequest) -> StoreResult<Page<Erasure>> {
    let query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::State.eq("waiting"));
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let found = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    let key = |one: &Erasure| Cursor { at: one.created_at, id: one.id.0 };
    Ok(Page::from_rows(found, page.limit, key))
}

/// Requests of a buyer, newest first; at most 20.
pub async fn erasure_list(tx: &TenantTx, buyer: BuyerId) -> StoreResult<Vec<Erasure>> {
    let rows = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::BuyerId.eq(buyer.0))
        .order_by_desc(row::Column::CreatedAt)
        .order_by_desc(row::Column::Id)
        .limit(20)
        .all(tx.conn())
        .await?;
    rows.into_iter().map(from_model).collect()
}

/// Ends a request that waits. False when it does not wait any more.
pub async fn erasure_end(
    tx: &mut TenantTx,
    id: BuyerErasureId,
    state: &str,
    proof: &Value,
) -> StoreResult<bool> {
    let done = row::Entity::update_many()
        .col_expr(row::Column::State, Expr::value(state))
        .col_expr(row::Column::Proof, Expr::value(proof.to_string()))
        .col_expr(row::Column::EndedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .filter(row::Column::State.eq("waiting"))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected == 1)
}

/// How many of a buyer's orders still need an address: not yet received, completed or cancelled.
pub async fn open_orders(tx: &TenantTx, buyer: BuyerId) -> StoreResult<u64> {
    let open = ["awaiting_payment", "paid", "part_shipped", "shipped"];
    let query = order::Entity::find()
        .filter(order::Column::TenantId.eq(tx.tenant()))
        .filter(order::Column::BuyerId.eq(buyer.0))
        .filter(order::Column::State.is_in(open));
    Ok(query.count(tx.conn()).await?)
}

/// What stands in the place of what was erased.
pub const ERASED: &str = "***";

/// What was erased from one table.
#[derive(Clone, Debug)]
pub struct Erased {
    /// The table.
    pub table: &'static str,
    /// What of it.
    pub what: &'static str,
    /// How many rows.
    pub rows: u64,
}

/// Erases everything personal that the tenant holds of a buyer. Orders, amounts and books stay.
pub async fn erase(tx: &mut TenantTx, id: BuyerId) -> StoreResult<Vec<Erased>> {
    let mut proof = Vec::new();
    let mut note = |table, what, rows| proof.push(Erased { table, what, rows });
    let identities = buyer_identity::Entity::find()
        .filter(buyer_identity::Column::TenantId.eq(tx.tenant()))
        .filter(buyer_identity::Column::BuyerId.eq(id.0))
        .all(tx.conn())
        .await?;
    // The open ids stand in pushes too; orders name them until the next statement but one.
    let pushes = erase_pushes(tx, id, identities.clone()).await?;
    note("inbox_messages", "payload", pushes);
    let (messages, followers) = erase_followers(tx, &identities).await?;
    note("follower_messages", "rows", messages);
    note("followers", "rows", followers);
    note("idempotency_keys", "response", erase_responses(tx, id).await?);
    note("shipments", "reason", erase_shipments(tx, id).await?);
    let own = own_orders(tx, id);
    note("order_desks", "receiver of the wish", erase_wishes(tx, own).await?);
    note("orders", "receiver, notes, open id, union id", erase_orders(tx, id).await?);
    note(
        "aftersales",
        "words, waybill of the return, history of the dispute",
        erase_aftersales(tx, id).await?,
    );
    let lookups: Vec<String> =
        identities.iter().filter(|one| one.kind == "phone").map(|one| one.lookup.clone()).collect();
    let codes = buyer_code::Entity::delete_many()
        .filter(buyer_code::Column::TenantId.eq(tx.tenant()))
        .filter(buyer_code::Column::Lookup.is_in(lookups))
        .exec(tx.conn())
        .await?;
    note("buyer_codes", "rows", codes.rows_affected);
    let sessions = buyer_session::Entity::delete_many()
        .filter(buyer_session::Column::TenantId.eq(tx.tenant()))
        .filter(buyer_session::Column::BuyerId.eq(id.0))
        .exec(tx.conn())
        .await?;
    note("buyer_sessions", "rows", sessions.rows_affected);
    let begun = buyer_sign_in::Entity::delete_many()
        .filter(buyer_sign_in::Column::TenantId.eq(tx.tenant()))
        .filter(buyer_sign_in::Column::BuyerId.eq(id.0))
        .exec(tx.conn())
        .await?;
    note("buyer_sign_ins", "rows", begun.rows_affected);
    let known = buyer_identity::Entity::delete_many()
        .filter(buyer_identity::Column::TenantId.eq(tx.tenant()))
        .filter(buyer_identity::Column::BuyerId.eq(id.0))
        .exec(tx.conn())
        .await?;
    note("buyer_identities", "rows", known.rows_affected);
    let now = tx.now().micros();
    let done = buyer::Entity::update_many()
        .col_expr(buyer::Column::Name, Expr::value(""))
        .col_expr(buyer::Column::State, Expr::value(BuyerState::Erased.as_str()))
        .col_expr(buyer::Column::PersonLink, Expr::value("none"))
        .col_expr(buyer::Column::ErasedAt, Expr::value(now))
        .col_expr(buyer::Column::UpdatedAt, Expr::value(now))
        .col_expr(buyer::Column::Version, Expr::col(buyer::Column::Version).add(1))
        .filter(buyer::Column::TenantId.eq(tx.tenant()))
        .filter(buyer::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    note("buyers", "name", done.rows_affected);
    Ok(proof)
}

fn own_orders(tx: &TenantTx, id: BuyerId) -> SelectStatement {
    Query::select()
        .column(order::Column::Id)
        .from(order::Entity)
        .and_where(order::Column::TenantId.eq(tx.tenant()))
        .and_where(order::Column::BuyerId.eq(id.0))
        .to_owned()
}

async fn erase_orders(tx: &mut TenantTx, id: BuyerId) -> StoreResult<u64> {
    use order::Column;
    let now = tx.now().micros();
    let nothing = || Expr::value(None::<String>);
    let done = order::Entity::update_many()
        .col_expr(Column::ReceiverName, Expr::value(ERASED))
        .col_expr(Column::ReceiverPhone, Expr::value(ERASED))
        .col_expr(Column::ReceiverRegion, Expr::value(""))
        .col_expr(Column::ReceiverDetail, Expr::value(ERASED))
        .col_expr(Column::PhoneTail, Expr::value(""))
        .col_expr(Column::BuyerNotes, Expr::value(""))
        .col_expr(Column::MerchantNotes, Expr::value(""))
        .col_expr(Column::BuyerOpenId, nothing())
        .col_expr(Column::BuyerUnionId, nothing())
        .col_expr(Column::PersonalErasedAt, Expr::value(now))
        .col_expr(Column::UpdatedAt, Expr::value(now))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::BuyerId.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected)
}

/// What a buyer wrote about a case and in its dispute, and the parcel it came back in.
async fn erase_aftersales(tx: &mut TenantTx, id: BuyerId) -> StoreResult<u64> {
    use aftersale::Column;
    let own = own_orders(tx, id);
    let done = aftersale::Entity::update_many()
        .col_expr(Column::BuyerWords, Expr::value(""))
        .col_expr(Column::ReturnWaybill, Expr::value(None::<String>))
        .col_expr(Column::DisputeDetail, Expr::value(None::<String>))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::OrderId.in_subquery(own))
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected)
}

/// A platform's words about a parcel may repeat an address.
async fn erase_shipments(tx: &mut TenantTx, id: BuyerId) -> StoreResult<u64> {
    let own = own_orders(tx, id);
    let done = shipment::Entity::update_many()
        .col_expr(shipment::Column::Reason, Expr::value(None::<String>))
        .filter(shipment::Column::TenantId.eq(tx.tenant()))
        .filter(shipment::Column::OrderId.in_subquery(own))
        .filter(shipment::Column::Reason.is_not_null())
        .exec(tx.conn())
        .await?;
    Ok(done.rows_affected)
}

/// Ids and channel ids of all orders of a buyer.
async fn orders_of(tx: &TenantTx, id: BuyerId) -> StoreResult<Vec<(uuid::Uuid, Option<String>)>> {
    Ok(order::Entity::find()
        .select_only()
        .column(order::Column::Id)
        .column(order::Column::ExternalId)
        .filter(order::Column::TenantId.eq(tx.tenant()))
        .filter(order::Column::BuyerId.eq(id.0))
        .into_tuple()
        .all(tx.conn())
        .await?)
}

/// Pushes are kept as they came, with the buyer's open id: those about the buyer's orders, and those that name it.
async fn erase_pushes(
    tx: &mut TenantTx,
    id: BuyerId,
    identities: Vec<buyer_identity::Model>,
) -> StoreResult<u64> {
    use inbox_message::Column;
    let mut rows = 0;
    let subjects: Vec<String> = orders_of(tx, id).await?.into_iter().filter_map(|(_, id)| id).collect();
    for subject in subjects {
        let done = inbox_message::Entity::update_many()
            .col_expr(Column::Payload, Expr::value("{}"))
            .filter(Column::TenantId.eq(tx.tenant()))
            .filter(Column::Subject.eq(subject))
            .exec(tx.conn())
            .await?;
        rows += done.rows_affected;
    }
    let mut ids: Vec<String> = Vec::new();
    for one in identities {
        ids.extend(one.open_id.clone());
        ids.extend(one.union_id.clone());
    }
    for known in ids {
        let done = inbox_message::Entity::update_many()
            .col_expr(Column::Payload, Expr::value("{}"))
            .filter(Column::TenantId.eq(tx.tenant()))
            .filter(Column::Payload.like(contains(&known)))
            .exec(tx.conn())
            .await?;
        rows += done.rows_affected;
    }
    Ok(rows)
}

/// What was said between the buyer and the public accounts that know them, and what else is known of them there.
async fn erase_followers(tx: &mut TenantTx, identities: &[buyer_identity::Model]) -> StoreResult<(u64, u64)> {
    let accounts: Vec<uuid::Uuid> = identities.iter().filter_map(|one| one.channel_account_id).collect();
    let open_ids: Vec<String> = identities.iter().filter_map(|one| one.open_id.clone()).collect();
    let union_ids: Vec<String> = identities.iter().filter_map(|one| one.union_id.clone()).collect();
    let followers = follower_ids(tx, &accounts, &open_ids, &union_ids).await?;
    let messages = message_delete(tx, &followers).await? + notice_delete(tx, &followers).await?;
    Ok((messages, follower_forget(tx, &followers).await?))
}

fn contains(text: &str) -> LikeExpr {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    LikeExpr::new(format!("%{escaped}%")).escape('\\')
}

/// Answers kept for repeated commands about the buyer's orders: what of them is personal.
async fn erase_responses(tx: &mut TenantTx, id: BuyerId) -> StoreResult<u64> {
    use idempotency_key::Column;
    let mut rows = 0;
    for (order, _) in orders_of(tx, id).await? {
        let kept = idempotency_key::Entity::find()
            .filter(Column::TenantId.eq(tx.tenant()))
            .filter(Column::Response.like(contains(&OrderId(order).to_string())))
            .all(tx.conn())
            .await?;
        for model in kept {
            let Some(mut body) =
                model.response.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok())
            else {
                continue;
            };
            blank(&mut body);
            idempotency_key::Entity::update_many()
                .col_expr(Column::Response, Expr::value(body.to_string()))
                .filter(Column::TenantId.eq(tx.tenant()))
                .filter(Column::Principal.eq(model.principal))
                .filter(Column::Method.eq(model.method))
                .filter(Column::Route.eq(model.route))
                .filter(Column::IdemKey.eq(model.idem_key))
                .exec(tx.conn())
                .await?;
            rows += 1;
        }
    }
    Ok(rows)
}

/// Blanks the fields of an answer that are about a person.
fn blank(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                match name.as_str() {
                    "receiver" => blank_texts(field),
                    "buyer_notes" | "merchant_notes" | "buyer_open_id" | "buyer_union_id" => {
                        *field = Value::Null;
                    }
                    _ => blank(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(blank),
        _ => {}
    }
}

fn blank_texts(value: &mut Value) {
    match value {
        Value::String(text) => ERASED.clone_into(text),
        Value::Object(fields) => fields.values_mut().for_each(blank_texts),
        Value::Array(items) => items.iter_mut().for_each(blank_texts),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_about_a_person_is_blanked_at_any_depth() {
        let mut body = json!({ "order": { "id": "ord_1", "receiver": { "name": "林", "phone": "138" },
            "buyer_notes": "call 138", "total": { "amount": 5 } }, "items": [{ "receiver": null }] });
        blank(&mut body);
        let expected = json!({ "order": { "id": "ord_1", "receiver": { "name": "***", "phone": "***" },
            "buyer_notes": null, "total": { "amount": 5 } }, "items": [{ "receiver": null }] });
        assert_eq!(body, expected);
    }
}
