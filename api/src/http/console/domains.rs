//! Domains by page, the same for providers and merchants.

use super::apply::may_be_mended;
use crate::app::domains::{self, proof};
use crate::app::shops;
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path};
use crate::http::route::PageRoutes;
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Surface;
use qianpu_domain::host::DomainState;
use qianpu_domain::ids::DomainId;
use qianpu_tenants::authz::perm;
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::domain::Domain;
use qianpu_tenants::store::shop::Shop;
use serde::Serialize;

type Manages<T = ()> = Authed<perm::DomainManage, T>;

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    for surface in [Surface::Provider, Surface::Merchant] {
        let home = home_of(surface);
        pages.get(&home, domains_page);
        pages.post(&home, claim_form);
        pages.post(&format!("{home}/{{domain_id}}/verify"), verify_form);
        pages.post(&format!("{home}/{{domain_id}}/remove"), remove_form);
    }
}

fn home_of(surface: Surface) -> String {
    format!("/console/{}/domains", surface.as_str())
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct DomainItem {
    at: String,
    host: String,
    shop: String,
    state: &'static str,
    unproven: bool,
    error: String,
    record_name: String,
    value: String,
    file: String,
    address: String,
    checked_at: Option<i64>,
}

#[derive(Serialize)]
struct DomainsView {
    form: FormView,
    home: String,
    rows: Vec<DomainItem>,
    shops: Vec<Choice>,
    for_shops: bool,
}

fn item<T>(auth: &Manages<T>, domain: Domain, shops: &[Shop]) -> DomainItem {
    let shop = shops.iter().find(|shop| Some(shop.id) == domain.shop).map(|shop| shop.name.clone());
    DomainItem {
        at: format!("{}/{}", home_of(auth.caller.surface()), domain.id),
        record_name: proof::record_name(&domain.host),
        value: proof::value(&domain.token),
        file: format!("http://{}{}", domain.host, proof::file_path(&domain.token)),
        address: auth.state.address_at(&domain.host),
        shop: shop.unwrap_or_default(),
        state: domain.state.as_str(),
        unproven: domain.state != DomainState::Verified,
        error: domain.error.unwrap_or_default(),
        checked_at: domain.checked_at.map(|at| at.micros()),
        host: domain.host,
    }
}

async fn view<T>(auth: &Manages<T>, form: FormView) -> Answer<DomainsView> {
    let for_shops = auth.caller.surface() == Surface::Merchant;
    let shops = match auth.caller.grant::<perm::ShopRead>() {
        Ok(grant) if for_shops => {
            shops::list(&auth.state, &grant, None, PageRequest::first(100)).await?.items
        }
        _ => Vec::new(),
    };
    let found = domains::list(&auth.state, &auth.grant, PageRequest::first(domains::MOST)).await?;
    Ok(DomainsView {
        form,
        home: home_of(auth.caller.surface()),
        rows: found.items.into_iter().map(|domain| item(auth, domain, &shops)).collect(),
        shops: shops
            .iter()
            .map(|shop| Choice { value: shop.id.to_string(), label: shop.name.clone() })
            .collect(),
        for_shops,
    })
}

async fn domains_page(auth: Manages) -> PageAnswer {
    let view = view(&auth, FormView::default()).await?;
    auth.page("domains/list", view)
}

/// Back to the list, or the list again with what was refused.
async fn answer<T>(auth: &Manages<T>, fields: &Fields, done: Answer<()>, flash: Flash) -> PageAnswer {
    match done {
        Ok(()) => Ok(auth.redirect_with(&flash, &home_of(auth.caller.surface()))),
        Err(error) if may_be_mended(&error) => {
            let view = view(auth, FormView::refused_by(fields, &error, auth.info.lang)).await?;
            auth.refused_page("domains/list", view)
        }
        Err(error) => Err(error),
    }
}

async fn claim_form(auth: Manages<Fields>) -> PageAnswer {
    let fields = &auth.input;
    let mut errors = Vec::new();
    let shop = fields.parsed("shop_id", &mut errors);
    let done = match errors.is_empty() {
        true => domains::claim(&auth.state, &auth.grant, fields.text("host"), shop).await.map(drop),
        false => Err(errors.into()),
    };
    answer(&auth, fields, done, Flash::success("domains.claimed")).await
}

async fn verify_form(auth: Manages<(Path<DomainId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let found = domains::verify(&auth.state, &auth.grant, *id).await;
    let flash = match &found {
        Ok(domain) if domain.state == DomainState::Verified => Flash::success("domains.was_verified"),
        _ => Flash::failure("domains.not_verified"),
    };
    answer(&auth, fields, found.map(drop), flash).await
}

async fn remove_form(auth: Manages<(Path<DomainId>, Fields)>) -> PageAnswer {
    let (Path(id), fields) = &auth.input;
    let done = domains::remove(&auth.state, &auth.grant, *id).await;
    answer(&auth, fields, done, Flash::success("domains.was_removed")).await
}
