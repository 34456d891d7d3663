//! Our product in the terms every channel understands.

use crate::config::Config;
use qianpu_domain::ids::ProductId;
use qianpu_sdk::{Picture, ProductDraft, SkuDraft, Spec};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::store::product::{picture_list, product_get};
use qianpu_tenants::store::sku::sku_list;
use qianpu_tenants::store::stock::stock_levels;

use super::stock_job::offered;

/// Reads a product as it is now, with its version.
pub async fn read(
    tx: &TenantTx,
    config: &Config,
    id: ProductId,
    category_path: &[String],
) -> StoreResult<(ProductDraft, i64)> {
    let product = product_get(tx, id).await?;
    let skus = sku_list(tx, id).await?;
    let levels = stock_levels(tx, &skus.iter().map(|sku| sku.id).collect::<Vec<_>>()).await?;
    let pictures = picture_list(tx, &[id]).await?.remove(&id).unwrap_or_default();
    let base = config.app.public_url.trim_end_matches('/');
    let pictures: Vec<Picture> = pictures
        .into_iter()
        .map(|media| Picture { url: format!("{base}/media/{media}"), asset: Some(media.to_string()) })
        .collect();
    let draft = ProductDraft {
        out_product_id: product.id.to_string(),
        title: product.title,
        short_title: Some(product.subtitle).filter(|text| !text.is_empty()),
        description: product.description,
        description_pictures: pictures.clone(),
        pictures,
        category_path: category_path.to_vec(),
        attributes: std::collections::BTreeMap::new(),
        brand_id: None,
        freight_template_id: None,
        weight_grams: skus.iter().filter_map(|sku| sku.weight_g).max(),
        skus: skus
            .into_iter()
            .map(|sku| SkuDraft {
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
                price: sku.price,
                market_price: sku.market_price,
                stock: levels.get(&sku.id).map_or(0, offered),
                code: sku.code,
                barcode: sku.barcode,
                picture: None,
            })
            .collect(),
    };
    Ok((draft, product.version))
}
