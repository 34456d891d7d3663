//! Keeping a product: the checks, then product, pictures, SKUs and stock in one transaction.

use super::code_taken;
use super::input::{ProductInput, SkuInput, StockInput};
use crate::app::money::limits;
use crate::error::{Answer, ApiError};
use qianpu_domain::audit::AuditAction;
use qianpu_domain::billing::Limited;
use qianpu_domain::catalog::{ProductDraft, SkuDraft};
use qianpu_domain::error::FieldError;
use qianpu_domain::ids::{ProductId, ShopId};
use qianpu_domain::sku_facts::{check_barcode, check_market_price, check_subtitle, check_weight};
use qianpu_domain::webhook::EventType;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::outbox::outbox_append;
use qianpu_tenants::store::media::media_get;
use qianpu_tenants::store::product::{
    Product, ProductContent, picture_replace, product_insert, product_save,
};
use qianpu_tenants::store::sku::{
    Sku, SkuContent, SkuState, sku_insert, sku_list_with_removed, sku_remove, sku_save,
};
use qianpu_tenants::store::stock::{MovementNote, stock_adjust, stock_open, stock_set, stock_tell};
use serde_json::json;

/// Everything that is wrong with an input by itself.
pub(crate) fn draft_errors(input: &ProductInput) -> Vec<FieldError> {
    let draft = ProductDraft {
        title: input.title.clone(),
        description: input.description.clone(),
        pictures: input.pictures.clone(),
        category: input.category,
        code: input.code.clone(),
        specifications: input.specifications.clone(),
        skus: input
            .skus
            .iter()
            .map(|sku| SkuDraft {
                values: sku.values.clone(),
                price: sku.price,
                // A change may be negative; the stock rules judge it when it is applied.
                stock: if let StockInput::Change(_) = sku.stock { 0 } else { sku.stock.opening() },
                code: sku.code.clone(),
            })
            .collect(),
    };
    let mut errors = draft.errors();
    check_subtitle(&input.subtitle, &mut errors);
    for (index, sku) in input.skus.iter().enumerate() {
        let path = |field: &str| format!("skus[{index}].{field}");
        check_market_price(&path("market_price"), sku.price, sku.market_price, &mut errors);
        check_barcode(&path("barcode"), sku.barcode.as_deref(), &mut errors);
        check_weight(&path("weight_g"), sku.weight_g, &mut errors);
    }
    errors
}

fn content(input: &ProductInput) -> ProductContent<'_> {
    ProductContent {
        category: input.category,
        code: input.code.as_deref(),
        title: input.title.trim(),
        subtitle: input.subtitle.trim(),
        description: input.description.trim_end(),
        specifications: &input.specifications,
    }
}

fn sku_content(position: i64, sku: &SkuInput) -> SkuContent<'_> {
    SkuContent {
        position,
        values: &sku.values,
        price: sku.price,
        market_price: sku.market_price,
        code: sku.code.as_deref(),
        barcode: sku.barcode.as_deref(),
        weight_g: sku.weight_g,
    }
}

/// Makes a draft in a shop that is there. `errors` are those found so far; with any, nothing is written.
pub(crate) async fn create_in(
    tx: &mut TenantTx,
    shop: ShopId,
    input: &ProductInput,
    mut errors: Vec<FieldError>,
) -> Answer<ProductId> {
    pictures_exist(tx, input, &mut errors).await?;
    for (index, sku) in input.skus.iter().enumerate() {
        if sku.id.is_some() {
            errors.push(unknown_sku(index));
        }
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    limits::allow_in(tx, Limited::Products).await?;
    let id = product_insert(tx, shop, &content(input)).await.map_err(coded)?;
    picture_replace(tx, id, &input.pictures).await?;
    for (position, sku) in (0_i64..).zip(&input.skus) {
        let made = sku_insert(tx, id, &sku_content(position, sku)).await?;
        stock_open(tx, made, sku.stock.opening()).await?;
    }
    note(tx, AuditAction::ProductCreated, id, 1, input).await?;
    Ok(id)
}

/// Changes a product that was read in this transaction.
pub(super) async fn update_in(
    tx: &mut TenantTx,
    was: &Product,
    input: &ProductInput,
    mut errors: Vec<FieldError>,
) -> Answer<()> {
    pictures_exist(tx, input, &mut errors).await?;
    let known = sku_list_with_removed(tx, was.id).await?;
    let matched = match_skus(&known, input, &mut errors);
    if !errors.is_empty() {
        return Err(errors.into());
    }
    let version = product_save(tx, was, was.version, &content(input)).await.map_err(coded)?;
    picture_replace(tx, was.id, &input.pictures).await?;
    for sku in known.iter().filter(|sku| sku.state == SkuState::Active) {
        if !matched.iter().any(|found| found.is_some_and(|found| found.id == sku.id)) {
            sku_remove(tx, sku.id).await?;
            stock_tell(tx, sku.id).await?;
        }
    }
    for (index, (sku, found)) in input.skus.iter().zip(&matched).enumerate() {
        let position = i64::try_from(index).unwrap_or(i64::MAX);
        let content = sku_content(position, sku);
        match found {
            None => {
                let made = sku_insert(tx, was.id, &content).await?;
                stock_open(tx, made, sku.stock.opening()).await?;
            }
            Some(known) => {
                sku_save(tx, known.id, &content).await?;
                change_stock(tx, known, sku, index).await?;
            }
        }
    }
    note(tx, AuditAction::ProductUpdated, was.id, version, input).await
}

/// The known SKU of each given one: by id, else by its values among those on sale, else among the removed.
fn match_skus<'a>(
    known: &'a [Sku],
    input: &ProductInput,
    errors: &mut Vec<FieldError>,
) -> Vec<Option<&'a Sku>> {
    let mut matched: Vec<Option<&Sku>> = Vec::with_capacity(input.skus.len());
    for (index, sku) in input.skus.iter().enumerate() {
        let found = match sku.id {
            Some(id) => {
                let found = known.iter().find(|other| other.id == id);
                if found.is_none() {
                    errors.push(unknown_sku(index));
                }
                found
            }
            None => [SkuState::Active, SkuState::Removed].into_iter().find_map(|state| {
                known.iter().find(|other| {
                    let named = input.skus.iter().any(|given| given.id == Some(other.id));
                    other.state == state && other.values == sku.values && !named
                })
            }),
        };
        let twice = found.is_some_and(|found| matched.iter().flatten().any(|other| other.id == found.id));
        if twice {
            errors.push(FieldError::new(
                format!("skus[{index}].id"),
                "duplicate",
                "the SKU is there twice",
                "SKU重复",
            ));
        }
        if let (Some(Sku { state: SkuState::Active, .. }), StockInput::Open(_)) = (found, sku.stock) {
            errors.push(FieldError::new(
                format!("skus[{index}].stock"),
                "existing",
                "the stock of an existing SKU is changed at /stock/{sku_id}",
                "已有SKU的库存请在库存中修改",
            ));
        }
        matched.push(found);
    }
    matched
}

async fn change_stock(tx: &mut TenantTx, known: &Sku, sku: &SkuInput, index: usize) -> Answer<()> {
    let note = MovementNote::default();
    let changed = match (known.state, sku.stock) {
        // Nobody can have sold a removed SKU meanwhile, so a count is as good as a new one's.
        (SkuState::Removed, stock) if stock != StockInput::Keep => {
            stock_set(tx, known.id, stock.opening(), note).await
        }
        (SkuState::Active, StockInput::Change(delta)) if delta != 0 => {
            stock_adjust(tx, known.id, delta, note).await
        }
        (SkuState::Removed, _) => {
            stock_tell(tx, known.id).await?;
            return Ok(());
        }
        _ => return Ok(()),
    };
    changed.map(|_| ()).map_err(|refusal| match refusal {
        qianpu_tenants::store::stock::StockRefusal::Rule(rule) => {
            ApiError::field(FieldError::of(format!("skus[{index}].stock"), rule.code()))
        }
        other => other.into(),
    })
}

async fn pictures_exist(tx: &TenantTx, input: &ProductInput, errors: &mut Vec<FieldError>) -> Answer<()> {
    for (index, id) in input.pictures.iter().enumerate().take(qianpu_domain::catalog::MAX_PICTURES) {
        let usable = match media_get(tx, *id).await {
            Ok(media) => media.purpose == "picture",
            Err(StoreError::NotFound) => false,
            Err(other) => return Err(other.into()),
        };
        if !usable {
            errors.push(FieldError::new(
                format!("pictures[{index}]"),
                "unknown",
                "no such picture",
                "图片不存在，请重新上传",
            ));
        }
    }
    Ok(())
}

fn unknown_sku(index: usize) -> FieldError {
    FieldError::new(format!("skus[{index}].id"), "unknown", "no such SKU of this product", "商品没有该SKU")
}

fn coded(error: StoreError) -> ApiError {
    match error {
        StoreError::Conflict("product_code" | "exists") => code_taken().into(),
        other => other.into(),
    }
}

async fn note(
    tx: &mut TenantTx,
    action: AuditAction,
    id: ProductId,
    version: i64,
    input: &ProductInput,
) -> Answer<()> {
    let public = id.to_string();
    outbox_append(tx, EventType::ProductChanged, &public, version, json!({})).await?;
    let detail = json!({ "title": input.title.trim(), "skus": input.skus.len(), "version": version });
    audit_append(tx, action, "product", &public, detail).await?;
    Ok(())
}
