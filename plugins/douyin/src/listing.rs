//! Reading a product's states (`/product/detail`), and moving it on and off the shelf.

use crate::call::{account_call, id_number, number, read_only, rows};
use qianpu_domain::money::Fen;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    Answer, AuditState, ChannelError, Context, ListingState, RemoteListing, Request, ShelfState, Shown,
    ShownSku, Step, Turn, WithdrawnReason, decode_state, encode_state,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) fn get(cx: &Context<'_>, product_id: &str) -> Result<Request, ChannelError> {
    Ok(account_call(cx, "/product/detail", &json!({ "product_id": product_id }))?.idempotent())
}

/// Reads the answer of `/product/detail`.
pub(crate) fn read(data: &Value, product_id: &str) -> Result<RemoteListing, ChannelError> {
    let (status, check) = (number(data, "status")?, number(data, "check_status")?);
    let draft = integer(&data["draft_status"]).unwrap_or(0);
    let (shelf, audit) = (shelf(status, check), audit(check, draft));
    let on_shelf = shelf == ShelfState::On;
    let native = format!("status={status} check_status={check} draft_status={draft}");
    let mut skus = BTreeMap::new();
    for sku in rows(&data["spec_prices"]) {
        if let (Some(out_sku_id), Some(sku_id)) = (text(&sku["outer_sku_id"]), id(&sku["sku_id"])) {
            skus.insert(out_sku_id, sku_id);
        }
    }
    Ok(RemoteListing {
        product_id: product_id.to_owned(),
        out_product_id: text(&data["outer_product_id"]),
        skus,
        state: combine(&shelf, &audit, &native),
        shelf,
        audit,
        reason: None,
        native,
        shown: on_shelf.then(|| shown(data)),
    })
}

/// What buyers see: `/product/detail` answers with that unless the draft is asked for.
fn shown(data: &Value) -> Shown {
    let skus = rows(&data["spec_prices"]).iter().filter_map(|sku| {
        let seen =
            ShownSku { price: integer(&sku["price"]).map(Fen::new), stock: integer(&sku["stock_num"]) };
        Some((text(&sku["outer_sku_id"])?, seen))
    });
    Shown { title: text(&data["name"]), skus: skus.collect() }
}

/// Adds the platform's words for a refusal, from the answer of `/product/auditList`.
pub(crate) fn with_reason(listing: RemoteListing, data: &Value) -> RemoteListing {
    let record = rows(&data["records"]).first();
    let words: Vec<String> = record
        .and_then(|record| record["audit_reason"].as_object())
        .into_iter()
        .flatten()
        .flat_map(|(_, reasons)| rows(reasons).iter().filter_map(text))
        .collect();
    RemoteListing { reason: (!words.is_empty()).then(|| words.join("；")), ..listing }
}

/// The newest refusal of a product.
pub(crate) fn refusals(cx: &Context<'_>, product_id: &str) -> Result<Request, ChannelError> {
    let params = json!({ "product_id": id_number(product_id), "publish_status": 2, "page": 0, "size": 1 });
    Ok(account_call(cx, "/product/auditList", &params)?.idempotent())
}

/// `status` says where it stands in the shop, `check_status` how the version that is or would be there fared.
fn shelf(status: i64, check: i64) -> ShelfState {
    match (status, check) {
        (2, _) => ShelfState::Deleted,
        (_, 5) => ShelfState::Withdrawn(WithdrawnReason::Banned),
        // Never approved: no version of it was on sale.
        (0 | 1, 1 | 2 | 4) => ShelfState::New,
        (0, 3) => ShelfState::On,
        (1, 3) | (0 | 1, 7) => ShelfState::Off,
        (status, check) => ShelfState::Unknown(format!("{status}/{check}")),
    }
}

/// A draft beside an approved version has an audit of its own.
fn audit(check: i64, draft: i64) -> AuditState {
    match (check, draft) {
        (_, 1) => AuditState::Editing,
        (_, 2) => AuditState::Pending,
        (_, 4) => AuditState::Refused,
        (1, 0 | 3) => AuditState::Editing,
        (2, 0 | 3) => AuditState::Pending,
        (4, 0 | 3) => AuditState::Refused,
        (3 | 5 | 7, 0 | 3) => AuditState::Approved,
        (check, draft) => AuditState::Unknown(format!("{check}/{draft}")),
    }
}

fn combine(shelf: &ShelfState, audit: &AuditState, native: &str) -> ListingState {
    match (shelf, audit) {
        (ShelfState::Unknown(_), _) => ListingState::Unknown(native.to_owned()),
        (ShelfState::Deleted, _) => ListingState::Deleted,
        (ShelfState::Withdrawn(reason), _) => ListingState::Withdrawn(*reason),
        (ShelfState::On, _) => ListingState::Listed,
        (_, AuditState::Unknown(_)) => ListingState::Unknown(native.to_owned()),
        (_, AuditState::Pending) => ListingState::InAudit,
        (_, AuditState::Refused | AuditState::WriteFailed) => ListingState::Refused,
        (_, AuditState::Approved) | (ShelfState::Off, _) => ListingState::Delisted,
        (ShelfState::New, _) => ListingState::Publishing,
    }
}

/// Moving a product on or off the shelf: read, act if needed, read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    On,
    Off,
}

#[derive(Serialize, Deserialize)]
enum Stage {
    Before,
    Acting,
    After,
}

pub(crate) fn start(cx: &Context<'_>, product_id: &str) -> Turn<RemoteListing> {
    Ok(Step::call(get(cx, product_id)?, encode_state(&(Stage::Before, product_id))?))
}

pub(crate) fn put(cx: &Context<'_>, product_id: &str, direction: Move) -> Result<Request, ChannelError> {
    let path = match direction {
        Move::On => "/product/setOnline",
        Move::Off => "/product/setOffline",
    };
    Ok(account_call(cx, path, &json!({ "product_id": id_number(product_id) }))?.idempotent())
}

pub(crate) fn resume(
    cx: &Context<'_>,
    state: &[u8],
    answers: &[Answer],
    direction: Move,
) -> Turn<RemoteListing> {
    let (stage, product_id): (Stage, String) = decode_state(state)?;
    let data = read_only(cx, answers)?;
    match stage {
        Stage::Before => {
            let listing = read(&data, &product_id)?;
            let there = match direction {
                // In audit counts as there: the platform lists it by itself when the audit passes.
                Move::On => listing.shelf == ShelfState::On || listing.audit == AuditState::Pending,
                Move::Off => listing.shelf != ShelfState::On,
            };
            if there {
                return Ok(Step::Done(listing));
            }
            Ok(Step::call(put(cx, &product_id, direction)?, encode_state(&(Stage::Acting, product_id))?))
        }
        Stage::Acting => Ok(Step::call(get(cx, &product_id)?, encode_state(&(Stage::After, product_id))?)),
        Stage::After => read(&data, &product_id).map(Step::Done),
    }
}
