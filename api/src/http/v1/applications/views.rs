//! Applications as they are sent.

use crate::app::applications::Desk;
use crate::http::describe::Versioned;
use crate::http::wire::{Id, Time};
use qianpu_domain::ids::{ApplicationId, CategoryId, MediaId, ShopId, TenantId};
use qianpu_domain::onboarding::{Document, DocumentState};
use qianpu_domain::subject::SubjectKind;
use qianpu_tenants::store::application::ApplicationRow;
use serde::Serialize;
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http::v1) struct ApplicationRowView {
    #[schema(value_type = String)]
    id: Id<ApplicationId>,
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    state: &'static str,
    step: &'static str,
    subject_kind: Option<&'static str>,
    legal_name: String,
    shop_name: String,
    applicant_email: String,
    reviewer: Option<String>,
    submitted_at: Option<Time>,
    decided_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
}

pub(in crate::http::v1) fn row_view(row: ApplicationRow) -> ApplicationRowView {
    ApplicationRowView {
        id: Id(row.id),
        merchant_id: Id(row.merchant),
        state: row.state.as_str(),
        step: row.step.as_str(),
        subject_kind: row.kind.map(SubjectKind::as_str),
        legal_name: row.legal_name,
        shop_name: row.shop_name,
        applicant_email: row.applicant_email,
        reviewer: row.reviewer_name,
        submitted_at: row.submitted_at.map(Time),
        decided_at: row.decided_at.map(Time),
        created_at: Time(row.created_at),
        updated_at: Time(row.updated_at),
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ApplicationView {
    #[schema(value_type = String)]
    id: Id<ApplicationId>,
    #[schema(value_type = String)]
    merchant_id: Id<TenantId>,
    state: &'static str,
    /// Where the wizard opens: `subject`, `documents`, `shop` or `agreement`.
    resume_at: &'static str,
    subject: Option<SubjectView>,
    documents: Vec<DocumentView>,
    shop: Option<ApplicationShopView>,
    agreement: AgreementStateView,
    /// What must be done before it can be handed in.
    missing: Vec<MissingView>,
    return_reasons: Vec<ReasonView>,
    reject_reason: Option<String>,
    reviewer: Option<String>,
    /// The shop that came of it.
    #[schema(value_type = Option<String>)]
    shop_id: Option<Id<ShopId>>,
    submitted_at: Option<Time>,
    decided_at: Option<Time>,
    created_at: Time,
    updated_at: Time,
    version: i64,
}

#[derive(Debug, Serialize, ToSchema)]
struct SubjectView {
    kind: &'static str,
    legal_name: String,
    credit_code: Option<String>,
    /// Masked; the number itself is never sent.
    id_card_masked: String,
    contact_name: String,
    /// Masked.
    contact_phone_masked: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct DocumentView {
    requirement: String,
    name_zh: String,
    name_en: String,
    /// Whether the subject kind needs it.
    required: bool,
    /// `missing`, `pending`, `accepted`, `returned` or `waived`.
    state: &'static str,
    reason: Option<String>,
    #[schema(value_type = Option<String>)]
    media_id: Option<Id<MediaId>>,
    /// `YYYY-MM-DD`.
    expires_on: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
struct ApplicationShopView {
    name: String,
    #[schema(value_type = String)]
    category_id: Id<CategoryId>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AgreementStateView {
    /// The version in force.
    current_version: String,
    current_sha256: String,
    signed_version: Option<String>,
    signed_at: Option<Time>,
}

#[derive(Debug, Serialize, ToSchema)]
struct MissingView {
    step: &'static str,
    path: String,
    code: &'static str,
    message_zh: String,
    message_en: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct ReasonView {
    step: &'static str,
    text: String,
}

fn document_views(desk: &Desk) -> Vec<DocumentView> {
    let kind = desk.application().kind();
    let view = |code: &str, document: Option<&Document>, names: Option<(&str, &str)>, required| {
        let missing = DocumentState::Missing;
        let state = document.map_or(&missing, |document| &document.state);
        DocumentView {
            requirement: code.to_owned(),
            name_zh: names.map_or(code, |(zh, _)| zh).to_owned(),
            name_en: names.map_or(code, |(_, en)| en).to_owned(),
            required,
            state: state.as_str(),
            reason: match state {
                DocumentState::Returned { reason } => Some(reason.clone()),
                _ => None,
            },
            media_id: document.and_then(|document| document.media).map(Id),
            expires_on: document.and_then(|document| document.expires_on).map(|day| day.to_string()),
        }
    };
    let known = &desk.rules.requirements;
    let mut views: Vec<DocumentView> = known
        .iter()
        .filter(|requirement| kind.is_some_and(|kind| requirement.kinds.contains(&kind)))
        .map(|requirement| {
            let names = Some((requirement.name_zh.as_str(), requirement.name_en.as_str()));
            view(&requirement.code, desk.application().document(&requirement.code), names, true)
        })
        .collect();
    let extra = desk.application().documents.iter().filter(|document| document.media.is_some());
    for document in extra {
        if !views.iter().any(|shown| shown.requirement == document.requirement) {
            let requirement = known.iter().find(|known| known.code == document.requirement);
            let names = requirement.map(|known| (known.name_zh.as_str(), known.name_en.as_str()));
            views.push(view(&document.requirement, Some(document), names, false));
        }
    }
    views
}

pub(super) fn desk_view(desk: &Desk) -> Versioned<ApplicationView> {
    let stored = &desk.stored;
    let application = desk.application();
    let current = &desk.rules.agreement.version;
    let body = ApplicationView {
        id: Id(stored.id),
        merchant_id: Id(stored.merchant),
        state: application.state.as_str(),
        resume_at: desk.resume_at().as_str(),
        subject: application.subject.as_ref().map(|subject| SubjectView {
            kind: subject.kind.as_str(),
            legal_name: subject.legal_name.clone(),
            credit_code: subject.credit_code.as_ref().map(|code| code.as_str().to_owned()),
            id_card_masked: subject.id_card.masked(),
            contact_name: subject.contact_name.clone(),
            contact_phone_masked: subject.contact_phone.masked(),
        }),
        documents: document_views(desk),
        shop: application.shop.as_ref().map(|shop| ApplicationShopView {
            name: shop.name.as_str().to_owned(),
            category_id: Id(shop.category),
        }),
        agreement: AgreementStateView {
            current_version: current.version.clone(),
            current_sha256: current.sha256.clone(),
            signed_version: application.agreement.as_ref().map(|signed| signed.agreement.version.clone()),
            signed_at: application.agreement.as_ref().map(|signed| Time(signed.at)),
        },
        missing: desk
            .missing()
            .into_iter()
            .map(|item| MissingView {
                step: item.step.as_str(),
                path: item.error.path,
                code: item.error.code,
                message_zh: item.error.message_zh,
                message_en: item.error.message_en,
            })
            .collect(),
        return_reasons: application
            .return_reasons
            .iter()
            .map(|reason| ReasonView { step: reason.step.as_str(), text: reason.text.clone() })
            .collect(),
        reject_reason: application.reject_reason.clone(),
        reviewer: stored.reviewer_name.clone(),
        shop_id: desk.shop.as_ref().map(|shop| Id(shop.id)),
        submitted_at: application.submitted_at.map(Time),
        decided_at: application.decided_at.map(Time),
        created_at: Time(stored.created_at),
        updated_at: Time(stored.updated_at),
        version: stored.version,
    };
    Versioned { version: stored.version, body }
}
