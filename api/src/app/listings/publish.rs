//! Asking for a product to be on sale at an account: what is needed for it, and whether there is anything to send.

use super::brand::ChosenBrand;
use super::draft::{self, Drafted, Subject};
use super::mapping::{self, Remember};
use super::{PUBLISH_JOB, listing_job, stock_push};
use crate::app::channels::accounts::{category_path, check_category_path};
use crate::app::channels::call::CallError;
use crate::app::channels::find;
use crate::app::shops::suspension;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::audit::AuditAction;
use qianpu_domain::catalog::ProductState;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ChannelAccountId, ProductId};
use qianpu_domain::listing::{Content, ListingState};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::jobs::job_enqueue;
use qianpu_tenants::store::channel_account::{ChannelAccount, account_get};
use qianpu_tenants::store::channel_mapping::mapping_find;
use qianpu_tenants::store::listing::{
    ListingBrand, ListingFacts, ListingRow, NewListing, listing_find, listing_get, listing_insert,
    listing_save,
};
use qianpu_tenants::store::product::{Product, product_get};
use qianpu_tenants::store::shop::shop_get;
use serde_json::json;
use std::collections::BTreeMap;

/// Attributes of one product, and letters of a name or a value.
const MOST_ATTRIBUTES: usize = 50;
const MOST_LETTERS: usize = 40;

/// A product to be published on an account.
#[derive(Debug, Clone)]
pub struct Publish {
    pub product: ProductId,
    pub account: ChannelAccountId,
    /// The channel's category ids from the top to the leaf; none = those of before, else the account's.
    pub category_path: Option<Vec<String>>,
    /// Attributes the category asks for, name → value; none = those of before.
    pub attributes: Option<BTreeMap<String, String>>,
    /// The brand, or that there is none; none = what was before.
    pub brand: Option<ChosenBrand>,
}

impl Publish {
    /// A product as it was published there before, or as it is offered where it was not.
    pub const fn as_before(product: ProductId, account: ChannelAccountId) -> Self {
        Self { product, account, category_path: None, attributes: None, brand: None }
    }
}

/// Checks names and values of attributes.
pub fn check_attributes(attributes: &BTreeMap<String, String>) -> Answer<()> {
    let good = |text: &String| {
        (1..=MOST_LETTERS).contains(&text.chars().count()) && !text.contains(char::is_control)
    };
    if attributes.len() <= MOST_ATTRIBUTES && attributes.iter().all(|(name, value)| good(name) && good(value))
    {
        return Ok(());
    }
    let (en, zh) = (
        format!("up to {MOST_ATTRIBUTES} attributes, each name and value of 1 to {MOST_LETTERS} letters"),
        format!("最多 {MOST_ATTRIBUTES} 个属性，属性名和属性值各 1 到 {MOST_LETTERS} 个字"),
    );
    Err(FieldError::new("attributes", "invalid", en, zh).into())
}

/// A product and an account that go together, with what the product would be there.
pub(super) struct Prepared {
    pub account: ChannelAccount,
    pub product: Product,
    pub known: Option<ListingRow>,
    pub category_path: Vec<String>,
    pub attributes: BTreeMap<String, String>,
    pub brand: Option<ListingBrand>,
    pub drafted: Drafted,
}

impl Prepared {
    /// What is wanted beside what was sent last.
    pub fn content(&self) -> Content {
        let Some(row) = &self.known else { return Content::Changed };
        match &row.sent_hash {
            Some(sent) if *sent == self.drafted.hash => Content::Same,
            Some(_) => Content::Changed,
            // Another category is another product for the platform, whatever our version says.
            None if row.category_path != self.category_path || row.brand != self.brand => Content::Changed,
            // It was sent before there were rules.
            None if !self.drafted.rule.is_empty() => Content::Changed,
            None => Content::Unknown,
        }
    }
}

/// Looks at everything that has to be true before a product can be sent, and at what would be sent.
pub(super) async fn prepare(tx: &TenantTx, state: &AppState, command: &Publish) -> Answer<Prepared> {
    let account = account_get(tx, command.account).await?;
    let product = product_get(tx, command.product).await?;
    if !account.state.usable() {
        return Err(CallError::NotUsable(account.state).into());
    }
    if find(&account.channel)?.catalog().is_none() {
        let (en, zh) = ("this kind of account sells no products", "该类账号不支持发布商品");
        return Err(FieldError::new("channel_account_id", "no_catalog", en, zh).into());
    }
    suspension::needs_trading(&shop_get(tx, account.shop).await?)?;
    if product.shop != account.shop {
        suspension::needs_trading(&shop_get(tx, product.shop).await?)?;
    }
    if product.state != ProductState::OnSale {
        return Err(ApiError::new(ErrorCode::ProductWrongState));
    }
    let known = listing_find(tx, product.id, account.id).await?;
    let remembered = match product.category {
        Some(category) => mapping_find(tx, &account.channel, category).await?,
        None => None,
    };
    let filled = |path: Vec<String>| Some(path).filter(|path| !path.is_empty());
    // What was said now, what the listing has, what was chosen for the category before, what the account has.
    let chosen = command.category_path.clone().and_then(filled);
    let own = known.as_ref().and_then(|row| filled(row.category_path.clone()));
    let from_memory = chosen.is_none() && own.is_none();
    let path = chosen
        .or(own)
        .or_else(|| remembered.as_ref().and_then(|one| filled(one.category_path.clone())))
        .unwrap_or_else(|| category_path(&account));
    if path.is_empty() {
        return Err(ApiError::new(ErrorCode::CategoryPathMissing));
    }
    // Attributes belong to the channel's category: remembered ones are offered where it is the same one.
    let offered = remembered.filter(|one| from_memory || one.category_path == path).map(|one| one.attributes);
    let own = known.as_ref().map(|row| row.attributes.clone()).filter(|own| !own.is_empty());
    let attributes = command.attributes.clone().or(own).or(offered).unwrap_or_default();
    let brand = match &command.brand {
        Some(chosen) => chosen.brand().cloned(),
        None => known.as_ref().and_then(|row| row.brand.clone()),
    };
    let subject = Subject {
        product: product.id,
        account: account.id,
        listing: known.as_ref().map(|row| row.id),
        category_path: &path,
        attributes: &attributes,
        brand: brand.as_ref(),
    };
    let drafted = draft::read(tx, &state.config, &subject).await?;
    Ok(Prepared { account, product, known, category_path: path, attributes, brand, drafted })
}

/// Notes at the listing what is wanted. The answer says whether it has to be sent.
pub(super) async fn ask(tx: &mut TenantTx, prepared: &Prepared) -> Answer<(ListingRow, bool)> {
    let id = match &prepared.known {
        None => {
            let new = NewListing {
                shop: prepared.account.shop,
                product: prepared.product.id,
                account: prepared.account.id,
                category_path: &prepared.category_path,
                attributes: &prepared.attributes,
                brand: prepared.brand.as_ref(),
                product_version: prepared.product.version,
            };
            listing_insert(tx, &new).await?
        }
        Some(row) => {
            let next = row.listing.request(prepared.product.version, prepared.content());
            let facts = ListingFacts {
                category_path: Some(&prepared.category_path),
                attributes: Some(&prepared.attributes),
                brand: Some(prepared.brand.as_ref()),
                ..ListingFacts::default()
            };
            listing_save(tx, row, &next, &facts).await?;
            row.id
        }
    };
    let row = listing_get(tx, id).await?;
    let send = matches!(row.listing.state, ListingState::Queued | ListingState::Publishing);
    if !send {
        stock_push::want_all(tx, &row).await?;
    }
    Ok((row, send))
}

/// Asks for a product to be on sale at an account, in its newest version. Asking again for what was sent already
/// changes nothing.
pub async fn publish(
    state: &AppState,
    grant: &Grant<perm::ListingWrite>,
    command: &Publish,
) -> Answer<ListingRow> {
    if let Some(path) = &command.category_path {
        check_category_path(path)?;
    }
    if let Some(attributes) = &command.attributes {
        check_attributes(attributes)?;
    }
    let mut tx = state.db.begin(grant.ctx()).await?;
    let account = account_get(&tx, command.account).await?;
    let product = product_get(&tx, command.product).await?;
    if !grant.covers_shop(account.shop) || !grant.covers_shop(product.shop) {
        return Err(ApiError::not_found());
    }
    let prepared = prepare(&tx, state, command).await?;
    let (row, send) = ask(&mut tx, &prepared).await?;
    if send {
        job_enqueue(&mut tx, listing_job(PUBLISH_JOB, row.id)).await?;
        let detail = json!({
            "product_id": product.id.to_string(), "channel_account_id": account.id.to_string(),
            "version": product.version, "brand_id": row.brand.as_ref().map(|brand| &brand.id),
        });
        audit_append(&mut tx, AuditAction::ListingPublish, "listing", &row.id.to_string(), detail).await?;
    }
    if let (Some(_), Some(category)) = (&command.category_path, product.category) {
        let choice = Remember {
            channel: account.channel,
            category,
            category_path: prepared.category_path,
            attributes: prepared.attributes,
        };
        mapping::keep(&mut tx, &choice).await?;
    }
    tx.commit().await?;
    Ok(row)
}
