//! What a rule answers: a text, a link, or a product. A product is looked up when the answer is sent, so that the card
//! shows what it costs then.

use crate::state::AppState;
use qianpu_domain::catalog::ProductState;
use qianpu_domain::error::FieldError;
use qianpu_domain::follower::{LONGEST_DESCRIPTION, LONGEST_TITLE, answer_line, answer_text};
use qianpu_domain::ids::{ProductId, ShopId};
use qianpu_domain::shop::ShopState;
use qianpu_sdk::OutgoingMessage;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreResult;
use qianpu_tenants::store::domain::domain_in_use;
use qianpu_tenants::store::product::{picture_list, product_get};
use qianpu_tenants::store::shop::shop_get;
use qianpu_tenants::store::sku::sku_list;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Longest address of a link.
const LONGEST_URL: usize = 1024;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reply {
    /// A text.
    Text {
        /// The text.
        text: String,
    },
    /// A card that leads to a page.
    Link {
        /// Title.
        title: String,
        /// What stands below it.
        description: String,
        /// The page.
        url: String,
    },
    /// A card of a product of the shop.
    Product {
        /// Its id.
        product_id: String,
    },
}

/// An answer as somebody typed it; of a kind, only its own fields count.
#[derive(Debug, Clone, Default)]
pub struct TypedReply {
    /// `text`, `link` or `product`.
    pub kind: String,
    /// Of a text.
    pub text: String,
    /// Of a link.
    pub title: String,
    /// Of a link.
    pub description: String,
    /// Of a link.
    pub url: String,
    /// Of a product.
    pub product_id: String,
}

impl Reply {
    /// The word for its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text { .. } => "text",
            Self::Link { .. } => "link",
            Self::Product { .. } => "product",
        }
    }
    /// As it is stored.
    pub fn stored(&self) -> Value {
        match self {
            Self::Text { text } => json!({ "kind": "text", "text": text }),
            Self::Link { title, description, url } => {
                json!({ "kind": "link", "title": title, "description": description, "url": url })
            }
            Self::Product { product_id } => json!({ "kind": "product", "product_id": product_id }),
        }
    }
    /// From the stored form.
    pub fn read(value: &Value) -> Option<Self> {
        serde_json::from_value(value.clone()).ok()
    }
    /// Checks what was typed. Whether the product is the shop's is looked up beside it.
    pub fn typed(typed: &TypedReply) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut keep = |outcome: Result<String, FieldError>| outcome.map_err(|error| errors.push(error)).ok();
        let reply = match typed.kind.as_str() {
            "text" => keep(answer_text(&typed.text)).map(|text| Self::Text { text }),
            "link" => {
                let title = keep(answer_line("title", &typed.title, LONGEST_TITLE, true));
                let description =
                    keep(answer_line("description", &typed.description, LONGEST_DESCRIPTION, false));
                let url = keep(page_address("url", &typed.url));
                title.zip(description).zip(url).map(|((title, description), url)| Self::Link {
                    title,
                    description,
                    url,
                })
            }
            "product" => match typed.product_id.parse::<ProductId>() {
                Ok(id) => Some(Self::Product { product_id: id.to_string() }),
                Err(_) => keep(Err(FieldError::required("product_id"))).map(|text| Self::Text { text }),
            },
            _ => {
                let error =
                    FieldError::new("kind", "unknown", "text, link or product", "应为文字、链接或商品");
                keep(Err(error)).map(|text| Self::Text { text })
            }
        };
        reply.ok_or(errors)
    }
}

/// An address of a page on the web.
pub(crate) fn page_address(path: &str, text: &str) -> Result<String, FieldError> {
    let url = url::Url::parse(text.trim()).ok().filter(|url| {
        matches!(url.scheme(), "https" | "http") && url.host().is_some() && text.len() <= LONGEST_URL
    });
    url.map(String::from).ok_or_else(|| {
        FieldError::new(
            path,
            "invalid",
            "an address like https://shop.example/page",
            "请填写以 https:// 开头的网址",
        )
    })
}

/// The address of a shop's pages, without a slash at the end: its own domain, or its place at ours.
pub(crate) async fn front(state: &AppState, tx: &TenantTx, shop: ShopId) -> StoreResult<String> {
    match domain_in_use(tx, Some(shop)).await? {
        Some(host) => Ok(state.address_at(&host)),
        None => {
            let slug = shop_get(tx, shop).await?.slug;
            Ok(format!("{}/s/{slug}", state.config.app.public_url.trim_end_matches('/')))
        }
    }
}

/// A product as its card shows it.
#[derive(Debug, Clone)]
pub struct ProductCard {
    /// Title.
    pub title: String,
    /// The price, from the cheapest.
    pub price: String,
    /// Its page.
    pub url: String,
    /// Its first picture.
    pub picture_url: Option<String>,
}

/// The card of a product; none when nobody can buy it in the shop now.
pub(crate) async fn card(
    state: &AppState,
    tx: &TenantTx,
    shop: ShopId,
    id: ProductId,
) -> StoreResult<Option<ProductCard>> {
    let product = product_get(tx, id).await?;
    let open = shop_get(tx, shop).await?.state == ShopState::Trading;
    if product.shop != shop || product.state != ProductState::OnSale || !open {
        return Ok(None);
    }
    let front = front(state, tx, shop).await?;
    let cover = picture_list(tx, &[id]).await?.remove(&id).and_then(|pictures| pictures.first().copied());
    let prices = sku_list(tx, id).await?;
    let least = prices.iter().map(|sku| sku.price).min();
    Ok(Some(ProductCard {
        title: product.title,
        price: least.map(|price| format!("¥{price}")).unwrap_or_default(),
        url: format!("{front}/p/{id}"),
        picture_url: cover.map(|media| format!("{front}/m/{media}")),
    }))
}

/// The message an answer is now; none when its product cannot be bought any more.
pub(crate) async fn outgoing(
    state: &AppState,
    tx: &TenantTx,
    shop: ShopId,
    reply: &Reply,
) -> StoreResult<Option<OutgoingMessage>> {
    Ok(match reply {
        Reply::Text { text } => Some(OutgoingMessage::Text { text: text.clone() }),
        Reply::Link { title, description, url } => Some(OutgoingMessage::Card {
            title: title.clone(),
            description: description.clone(),
            url: url.clone(),
            picture_url: None,
        }),
        Reply::Product { product_id } => {
            let Ok(id) = product_id.parse() else { return Ok(None) };
            card(state, tx, shop, id).await?.map(|card| OutgoingMessage::Card {
                title: card.title,
                description: card.price,
                url: card.url,
                picture_url: card.picture_url,
            })
        }
    })
}
