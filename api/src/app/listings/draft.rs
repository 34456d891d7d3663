//! Our product in the terms every channel understands, as the rules of the account and the listing make it.

use crate::config::Config;
use qianpu_domain::catalog::ProductState;
use qianpu_domain::ids::{ChannelAccountId, ListingId, ProductId, SkuId};
use qianpu_domain::listing_rule::{LeftOut, ListingRule, TITLE_MOST};
use qianpu_sdk::{Picture, ProductDraft, SkuDraft, Spec};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::{StoreError, StoreResult};
use qianpu_tenants::store::listing::{ListingBrand, ListingRow};
use qianpu_tenants::store::listing_rule::rule_for;
use qianpu_tenants::store::product::{picture_list, product_get};
use qianpu_tenants::store::sku::sku_list;
use qianpu_tenants::store::stock::stock_levels;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

use super::stock_job::offered;

/// What is to be drafted.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    pub product: ProductId,
    pub account: ChannelAccountId,
    /// None where there is no listing yet.
    pub listing: Option<ListingId>,
    pub category_path: &'a [String],
    pub attributes: &'a BTreeMap<String, String>,
    pub brand: Option<&'a ListingBrand>,
}

impl<'a> Subject<'a> {
    /// A listing as it stands.
    pub fn of(row: &'a ListingRow) -> Self {
        Self {
            product: row.product,
            account: row.account,
            listing: Some(row.id),
            category_path: &row.category_path,
            attributes: &row.attributes,
            brand: row.brand.as_ref(),
        }
    }
}

/// A product as it would be sent now.
#[derive(Debug, Clone)]
pub struct Drafted {
    pub draft: ProductDraft,
    /// The product's version.
    pub version: i64,
    /// Whether the product is sold at all; while it is not, the channel is to show none of it.
    pub on_sale: bool,
    /// Names what is sent, quantities apart: those are set by calls of their own.
    pub hash: String,
    /// What held for it.
    pub rule: ListingRule,
    /// Parts of the title that the channel has no room for.
    pub left_out: Vec<LeftOut>,
}

/// Reads a product as it is now.
pub async fn read(tx: &TenantTx, config: &Config, subject: &Subject<'_>) -> StoreResult<Drafted> {
    let id = subject.product;
    let product = product_get(tx, id).await?;
    let rule = rule_for(tx, subject.account, subject.listing).await?;
    let skus = sku_list(tx, id).await?;
    let levels = stock_levels(tx, &skus.iter().map(|sku| sku.id).collect::<Vec<SkuId>>()).await?;
    let pictures = picture_list(tx, &[id]).await?.remove(&id).unwrap_or_default();
    let base = config.app.public_url.trim_end_matches('/');
    let pictures: Vec<Picture> = pictures
        .into_iter()
        .map(|media| Picture { url: format!("{base}/media/{media}"), asset: Some(media.to_string()) })
        .collect();
    let (title, left_out) = rule.title(&product.title, TITLE_MOST);
    let draft = ProductDraft {
        out_product_id: product.id.to_string(),
        title,
        short_title: Some(product.subtitle).filter(|text| !text.is_empty()),
        description: product.description,
        description_pictures: pictures.clone(),
        pictures,
        category_path: subject.category_path.to_vec(),
        attributes: subject.attributes.clone(),
        brand_id: subject.brand.map(|brand| brand.id.clone()),
        freight_template_id: None,
        weight_grams: skus.iter().filter_map(|sku| sku.weight_g).max(),
        skus: skus
            .into_iter()
            .map(|sku| {
                let price = rule.price(sku.price);
                SkuDraft {
                    out_sku_id: sku.id.to_string(),
                    specs: product
                        .specifications
                        .iter()
                        .zip(&sku.values)
                        .map(|(specification, value)| Spec {
                            name: specification.name.clone(),
                            value: value.clone(),
                        })
                        .collect(),
                    price,
                    market_price: rule.market_price(sku.market_price, price),
                    stock: levels.get(&sku.id).map_or(0, |level| offered(level, &rule)),
                    code: sku.code,
                    barcode: sku.barcode,
                    picture: None,
                }
            })
            .collect(),
    };
    let on_sale = product.state == ProductState::OnSale;
    Ok(Drafted { hash: hash(&draft)?, version: product.version, on_sale, draft, rule, left_out })
}

fn hash(draft: &ProductDraft) -> StoreResult<String> {
    let mut content = draft.clone();
    for sku in &mut content.skus {
        sku.stock = 0;
    }
    // A picture is the same wherever this installation is reached.
    for picture in content.pictures.iter_mut().chain(&mut content.description_pictures) {
        if picture.asset.is_some() {
            picture.url.clear();
        }
    }
    let bytes = serde_json::to_vec(&content).map_err(|_| StoreError::Corrupt("a draft"))?;
    Ok(hex::encode(Sha256::digest(&bytes)))
}
