//! What is told after a shop is open: suspended and resumed shops, documents that end, renewed documents.

use super::link;
use crate::app::documents::KeptDocument;
use crate::error::Answer;
use crate::mail::Mail;
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::access::Role;
use qianpu_domain::onboarding::{ExpiryStage, days_left, suspended_from};
use qianpu_domain::policy::ExpiryTerms;
use qianpu_domain::time::Date;
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::application::StoredApplication;
use qianpu_tenants::store::shop::Shop;
use qianpu_tenants::store::staff::{StaffMember, staff_with_roles};
use qianpu_tenants::store::tenant::tenant_get;

const DOCUMENTS: &str = "/console/merchant/documents";
const RENEWALS: &str = "/console/provider/documents";

/// A mail to several people: the texts, and in Chinese and English what is put into them.
pub(super) struct Notice {
    pub texts: &'static str,
    pub arguments: Vec<(&'static str, (String, String))>,
    pub points: Vec<(String, String)>,
    pub path: String,
}

async fn tell(
    state: &AppState,
    tx: &mut TenantTx,
    provider: &str,
    people: Vec<StaffMember>,
    notice: &Notice,
) -> Answer<()> {
    for person in people {
        let lang = Lang::parse(&person.locale).unwrap_or(Lang::Zh);
        let pick = |(zh, en): &(String, String)| lang.pick(zh, en).to_owned();
        let arguments = notice.arguments.iter().map(|(name, text)| ((*name).to_owned(), pick(text)));
        let mail = Mail {
            to: person.email,
            lang,
            texts: notice.texts.into(),
            arguments: arguments.chain([("provider".to_owned(), provider.to_owned())]).collect(),
            points: notice.points.iter().map(pick).collect(),
            link: link(state, &notice.path),
            from_name: provider.to_owned(),
        };
        state.mailer.enqueue(tx, &mail).await?;
    }
    Ok(())
}

pub(super) fn same(text: &str) -> (String, String) {
    (text.to_owned(), text.to_owned())
}

/// To the merchant's owner, and to whoever runs its shops.
pub(super) async fn tell_merchant(
    state: &AppState,
    tx: &mut TenantTx,
    roles: &[Role],
    notice: &Notice,
) -> Answer<()> {
    let parent = state.db.read_parent(tx.ctx()).await?;
    let provider = tenant_get(&parent).await?.name;
    drop(parent);
    let people = staff_with_roles(tx, roles).await?;
    tell(state, tx, &provider, people, notice).await
}

pub(super) const RUNNERS: &[Role] = &[Role::MerchantOwner, Role::MerchantManager];
const OWNER: &[Role] = &[Role::MerchantOwner];

/// A shop was suspended.
pub(in crate::app) async fn shop_suspended(
    state: &AppState,
    tx: &mut TenantTx,
    shop: &Shop,
    reason: &str,
) -> Answer<()> {
    let notice = Notice {
        texts: "shops.mail_suspended.",
        arguments: vec![("shop", same(&shop.name))],
        points: vec![same(reason)],
        path: format!("/console/merchant/shops/{}", shop.id),
    };
    tell_merchant(state, tx, RUNNERS, &notice).await
}

/// A shop was suspended because its documents ended.
pub(in crate::app) async fn shop_suspended_for_documents(
    state: &AppState,
    tx: &mut TenantTx,
    shop: &Shop,
    reason: &str,
) -> Answer<()> {
    let notice = Notice {
        texts: "shops.mail_suspended_documents.",
        arguments: vec![("shop", same(&shop.name))],
        points: vec![same(reason)],
        path: DOCUMENTS.to_owned(),
    };
    tell_merchant(state, tx, RUNNERS, &notice).await
}

/// A shop trades again.
pub(in crate::app) async fn shop_resumed(state: &AppState, tx: &mut TenantTx, shop: &Shop) -> Answer<()> {
    let notice = Notice {
        texts: "shops.mail_resumed.",
        arguments: vec![("shop", same(&shop.name))],
        points: Vec::new(),
        path: format!("/console/merchant/shops/{}", shop.id),
    };
    tell_merchant(state, tx, RUNNERS, &notice).await
}

/// Documents of a shop end soon, or have ended.
pub(in crate::app) async fn documents_expiring(
    state: &AppState,
    tx: &mut TenantTx,
    stored: &StoredApplication,
    documents: &[KeptDocument],
    terms: &ExpiryTerms,
) -> Answer<()> {
    let now = tx.now();
    let ended =
        documents.iter().any(|it| matches!(it.stage, Some(ExpiryStage::Expired | ExpiryStage::Overdue)));
    let points = documents
        .iter()
        .filter_map(|document| {
            let last = document.expires_on?;
            let left = days_left(last, now)?;
            let (zh, en) = (&document.requirement.name_zh, &document.requirement.name_en);
            let until = suspended_from(last, terms).filter(|_| terms.suspends);
            let then_zh = until.map_or_else(String::new, |day| format!("；{day} 起店铺将被暂停"));
            let then_en =
                until.map_or_else(String::new, |day| format!("; the shop is suspended from {day} on"));
            Some(if left < 0 {
                (format!("{zh}：已于 {last} 到期{then_zh}"), format!("{en}: ended on {last}{then_en}"))
            } else {
                (
                    format!("{zh}：有效期至 {last}，还剩 {left} 天"),
                    format!("{en}: valid until {last}, {left} days left"),
                )
            })
        })
        .collect();
    let shop = stored.application.shop.as_ref().map_or("", |shop| shop.name.as_str());
    let notice = Notice {
        texts: if ended { "documents.mail_expired." } else { "documents.mail_expiring." },
        arguments: vec![("shop", same(shop))],
        points,
        path: DOCUMENTS.to_owned(),
    };
    tell_merchant(state, tx, OWNER, &notice).await
}

/// A renewed document waits for the provider's reviewers.
pub(in crate::app) async fn document_to_review(
    state: &AppState,
    tx: &mut TenantTx,
    stored: &StoredApplication,
    document: &(String, String),
) -> Answer<()> {
    let parent = state.db.read_parent(tx.ctx()).await?;
    let provider = tenant_get(&parent).await?.name;
    let people = staff_with_roles(&parent, &[Role::ProviderOwner, Role::ProviderReviewer]).await?;
    drop(parent);
    let shop = stored.application.shop.as_ref().map_or("", |shop| shop.name.as_str());
    let notice = Notice {
        texts: "documents.mail_to_review.",
        arguments: vec![("shop", same(shop)), ("document", document.clone())],
        points: Vec::new(),
        path: RENEWALS.to_owned(),
    };
    tell(state, tx, &provider, people, &notice).await
}

/// A renewed document took the place of the old one.
pub(in crate::app) async fn document_accepted(
    state: &AppState,
    tx: &mut TenantTx,
    document: &(String, String),
    until: Option<Date>,
) -> Answer<()> {
    let until = match until {
        Some(day) => same(&day.to_string()),
        None => ("长期".to_owned(), "no end".to_owned()),
    };
    let notice = Notice {
        texts: "documents.mail_accepted.",
        arguments: vec![("document", document.clone()), ("until", until)],
        points: Vec::new(),
        path: DOCUMENTS.to_owned(),
    };
    tell_merchant(state, tx, OWNER, &notice).await
}

/// A renewed document is not good.
pub(in crate::app) async fn document_returned(
    state: &AppState,
    tx: &mut TenantTx,
    document: &(String, String),
    reason: &str,
) -> Answer<()> {
    let notice = Notice {
        texts: "documents.mail_returned.",
        arguments: vec![("document", document.clone())],
        points: vec![same(reason)],
        path: DOCUMENTS.to_owned(),
    };
    tell_merchant(state, tx, OWNER, &notice).await
}
