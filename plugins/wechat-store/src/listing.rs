//! Reading a product's states, and moving it on and off the shelf.

use qianpu_domain::money::Fen;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    Answer, AuditState, ChannelError, Context, ListingState, RemoteListing, Request, ShelfState, Shown,
    ShownSku, Step, Turn, WithdrawnReason, decode_state, encode_state,
};
use qianpu_wechat_wire::call::{account_post, read_only};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The platform's code for a product that is not there.
pub(crate) const NO_PRODUCT: &str = "10020052";

/// `product/get` of what is online and of the draft.
pub(crate) fn get(cx: &Context<'_>, product_id: &str) -> Result<Request, ChannelError> {
    Ok(account_post(cx, "/channels/ec/product/get", &json!({ "product_id": product_id, "data_type": 3 }))?
        .idempotent())
}

/// Reads the answer of `product/get`.
pub(crate) fn read(body: &Value, product_id: &str) -> Result<RemoteListing, ChannelError> {
    let (online, draft) = (&body["product"], &body["edit_product"]);
    if !online.is_object() && !draft.is_object() {
        return Err(ChannelError::unexpected("the answer has neither product nor edit_product"));
    }
    let first = |field: &str, order: [&Value; 2]| order.into_iter().find_map(|part| integer(&part[field]));
    let status = first("status", [online, draft]);
    let edit_status = first("edit_status", [draft, online]);
    let status = status.ok_or_else(|| ChannelError::unexpected("the product has no status"))?;
    let shelf = shelf(status);
    let on_shelf = shelf == ShelfState::On && online.is_object();
    let audit = edit_status.map_or(AuditState::None, audit);
    let native = match edit_status {
        Some(edit_status) => format!("status={status} edit_status={edit_status}"),
        None => format!("status={status}"),
    };
    let mut skus = BTreeMap::new();
    for sku in [online, draft].into_iter().flat_map(|part| part["skus"].as_array().into_iter().flatten()) {
        if let (Some(out_sku_id), Some(sku_id)) = (text(&sku["out_sku_id"]), id(&sku["sku_id"])) {
            skus.insert(out_sku_id, sku_id);
        }
    }
    let reason = (audit == AuditState::Refused || audit == AuditState::WriteFailed)
        .then(|| ["reason", "reject_reason"].iter().find_map(|field| text(&draft["audit_info"][*field])))
        .flatten();
    Ok(RemoteListing {
        product_id: product_id.to_owned(),
        out_product_id: text(&draft["out_product_id"]).or_else(|| text(&online["out_product_id"])),
        skus,
        state: combine(&shelf, &audit, &native),
        shelf,
        audit,
        reason,
        native,
        shown: on_shelf.then(|| shown(online)),
    })
}

/// What buyers see. Both parts carry the stock of now.
fn shown(online: &Value) -> Shown {
    let skus = online["skus"].as_array().into_iter().flatten().filter_map(|sku| {
        let seen =
            ShownSku { price: integer(&sku["sale_price"]).map(Fen::new), stock: integer(&sku["stock_num"]) };
        Some((text(&sku["out_sku_id"])?, seen))
    });
    Shown { title: text(&online["title"]), skus: skus.collect() }
}

fn shelf(status: i64) -> ShelfState {
    match status {
        0 => ShelfState::New,
        5 => ShelfState::On,
        6 | 9 => ShelfState::Deleted,
        11 => ShelfState::Off,
        13 => ShelfState::Withdrawn(WithdrawnReason::Violation),
        14 => ShelfState::Withdrawn(WithdrawnReason::DepositShort),
        15 => ShelfState::Withdrawn(WithdrawnReason::BrandExpired),
        20 => ShelfState::Withdrawn(WithdrawnReason::Banned),
        other => ShelfState::Unknown(other.to_string()),
    }
}

fn audit(edit_status: i64) -> AuditState {
    match edit_status {
        0 => AuditState::None,
        1 => AuditState::Editing,
        2 => AuditState::Pending,
        3 => AuditState::Refused,
        4 => AuditState::Approved,
        5 | 7 => AuditState::Writing,
        8 => AuditState::WriteFailed,
        other => AuditState::Unknown(other.to_string()),
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
        (_, AuditState::Approved) => ListingState::Delisted,
        (ShelfState::Off, AuditState::None | AuditState::Editing | AuditState::Writing) => {
            ListingState::Delisted
        }
        (ShelfState::New, AuditState::None | AuditState::Editing | AuditState::Writing) => {
            ListingState::Publishing
        }
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

pub(crate) fn resume(
    cx: &Context<'_>,
    state: &[u8],
    answers: &[Answer],
    direction: Move,
) -> Turn<RemoteListing> {
    let (stage, product_id): (Stage, String) = decode_state(state)?;
    let body = read_only(cx, answers)?;
    match stage {
        Stage::Before => {
            let listing = read(&body, &product_id)?;
            let there = match direction {
                // In audit counts as there: the platform lists it by itself when the audit passes.
                Move::On => {
                    listing.audit == AuditState::Pending
                        || (listing.shelf == ShelfState::On && listing.audit == AuditState::Approved)
                }
                Move::Off => listing.shelf != ShelfState::On,
            };
            if there {
                return Ok(Step::Done(listing));
            }
            let path = match direction {
                Move::On => "/channels/ec/product/listing",
                Move::Off => "/channels/ec/product/delisting",
            };
            let request = account_post(cx, path, &json!({ "product_id": product_id }))?.idempotent();
            Ok(Step::call(request, encode_state(&(Stage::Acting, product_id))?))
        }
        Stage::Acting => Ok(Step::call(get(cx, &product_id)?, encode_state(&(Stage::After, product_id))?)),
        Stage::After => read(&body, &product_id).map(Step::Done),
    }
}
