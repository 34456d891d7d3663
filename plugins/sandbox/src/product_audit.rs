//! The platform's audit of product drafts: uploads that take their time, submission, the decision, and its effects.

use crate::clock::Now;
use crate::state::{Product, State, id_of, int_of};
use crate::store_product::{EDITING, IN_AUDIT, LISTED, PASSED, REFUSED, UPLOADING, skus_of};
use std::collections::BTreeMap;

pub fn begin_editing(state: &mut State, now: Now, id: u64, submit: bool) {
    let upload = state.settings.upload_delay_ms;
    if let Some(product) = state.products.get_mut(&id) {
        product.edit_status = EDITING;
        if upload > 0 {
            product.edit_status = UPLOADING;
            product.upload_until_ms = Some(now.millis() + upload);
            product.submit_after_upload = submit;
            return;
        }
    }
    if submit {
        submit_for_audit(state, now, id);
    }
}

pub fn submit_for_audit(state: &mut State, now: Now, id: u64) {
    let due = state.settings.audit_automatically.then(|| now.millis() + state.settings.audit_delay_ms);
    if let Some(product) = state.products.get_mut(&id) {
        product.edit_status = IN_AUDIT;
        product.audit_due_ms = due;
        product.audit_reason.clear();
    }
}

/// The platform's decision about the draft.
pub fn decide(state: &mut State, now: Now, id: u64, refusal: Option<&str>) -> bool {
    let Some(product) = state.products.get_mut(&id).filter(|p| p.edit_status == IN_AUDIT) else {
        return false;
    };
    product.audit_due_ms = None;
    if let Some(reason) = refusal {
        product.edit_status = REFUSED;
        product.audit_reason = reason.to_owned();
        state.push_product_audit(now, id, 2, reason);
        return true;
    }
    product.edit_status = PASSED;
    product.status = LISTED;
    if product.ever_listed {
        take_over_stock(product);
    }
    product.ever_listed = true;
    product.online = product.draft.clone();
    let current: Vec<u64> =
        product.online.iter().flat_map(skus_of).filter_map(|sku| id_of(sku.get("sku_id"))).collect();
    product.stock.retain(|sku, _| current.contains(sku));
    state.push_product_audit(now, id, 3, "");
    state.push_product_listing(now, id, "");
    true
}

/// A stock number written in an edit counts when the edit goes online and differs from what was online before.
fn take_over_stock(product: &mut Product) {
    let before: BTreeMap<u64, Option<i64>> = product
        .online
        .iter()
        .flat_map(skus_of)
        .filter_map(|sku| Some((id_of(sku.get("sku_id"))?, int_of(sku.get("stock_num")))))
        .collect();
    for sku in product.draft.iter().flat_map(skus_of) {
        let (Some(id), Some(wanted)) = (id_of(sku.get("sku_id")), int_of(sku.get("stock_num"))) else {
            continue;
        };
        if before.get(&id) != Some(&Some(wanted)) {
            product.stock.insert(id, wanted);
        }
    }
}

/// Uploads that ended and audits that are due; says whether anything happened.
pub fn let_time_pass(state: &mut State, now: Now) -> bool {
    let is_due = |at: Option<u64>| at.is_some_and(|at| at <= now.millis());
    let uploaded: Vec<(u64, bool)> = state
        .products
        .values_mut()
        .filter(|p| is_due(p.upload_until_ms))
        .map(|product| {
            product.upload_until_ms = None;
            product.edit_status = EDITING;
            (product.product_id, std::mem::take(&mut product.submit_after_upload))
        })
        .collect();
    for (id, submit) in &uploaded {
        if *submit {
            submit_for_audit(state, now, *id);
        }
    }
    let due: Vec<u64> =
        state.products.values().filter(|p| is_due(p.audit_due_ms)).map(|p| p.product_id).collect();
    for id in &due {
        decide(state, now, *id, None);
    }
    !uploaded.is_empty() || !due.is_empty()
}

/// The platform takes a product down, or lets it back, without asking.
pub fn force_status(state: &mut State, now: Now, id: u64, status: i64, reason: &str) -> Result<(), String> {
    if ![5, 11, 13, 14, 15, 20].contains(&status) {
        return Err("status must be 5, 11, 13, 14, 15 or 20".into());
    }
    let product = state.products.get_mut(&id).ok_or("no such product")?;
    if product.online.is_none() {
        return Err("the product was never online".into());
    }
    product.status = status;
    state.push_product_listing(now, id, reason);
    Ok(())
}
