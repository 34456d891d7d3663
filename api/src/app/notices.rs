//! What people are told by mail about invitations and applications, in their own language. Mails are
//! queued in the transaction of what they tell, so none is sent for something that did not happen.

mod account;
mod aftersale;
mod quota;
mod staff;
mod supervision;
mod tenancy;
mod webhooks;
mod whole;
pub(super) use account::{
    SignInChange, codes_guessed, email_asked, email_changed, email_to_confirm, password_changed,
    password_link, recovery_code_used, sign_in_changed,
};
pub(super) use aftersale::{aftersale_due, proof_wanted};
pub(super) use quota::{kind_changes_on, kind_switched_off, link_quota_turned};
pub(super) use staff::{StaffChange, staff_changed, staff_invitation};
pub(super) use supervision::{
    document_accepted, document_returned, document_to_review, documents_expiring, shop_resumed,
    shop_suspended, shop_suspended_for_documents,
};
pub(super) use tenancy::{
    domain_dropped, domain_failing, impersonation_started, provider_welcome, tenant_changed,
};
pub(super) use webhooks::webhook_disabled;
pub(super) use whole::{deletion_asked, deletion_done, deletion_withdrawn, export_ready};

use crate::error::Answer;
use crate::mail::Mail;
use crate::pages::lang::Lang;
use crate::state::AppState;
use qianpu_domain::access::Role;
use qianpu_domain::onboarding::{Application, ApplicationEvent, ApplicationState};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::store::application::StoredApplication;
use qianpu_tenants::store::staff::staff_with_roles;
use qianpu_tenants::store::tenant::tenant_get;

fn link(state: &AppState, path: &str) -> Option<String> {
    Some(format!("{}{path}", state.config.app.public_url.trim_end_matches('/')))
}

/// The link of an invitation.
pub(super) async fn invitation(
    state: &AppState,
    tx: &mut TenantTx,
    provider: &str,
    email: &str,
    merchant_name: &str,
    lang: Lang,
    token: &str,
) -> Answer<()> {
    let days = super::invitations::LIFE.as_seconds() / 86_400;
    let mail = Mail {
        to: email.to_owned(),
        lang,
        texts: "onboarding.mail_invitation.".into(),
        arguments: vec![
            ("provider".to_owned(), provider.to_owned()),
            ("merchant".to_owned(), if merchant_name.is_empty() { email } else { merchant_name }.to_owned()),
            ("days".to_owned(), days.to_string()),
        ],
        points: Vec::new(),
        link: link(state, &format!("/apply/invited/{token}")),
        from_name: provider.to_owned(),
    };
    Ok(state.mailer.enqueue(tx, &mail).await?)
}

/// A turn of an application: to the applicant, and to the reviewers when it was handed in.
pub(super) async fn application(
    state: &AppState,
    tx: &mut TenantTx,
    was: &StoredApplication,
    next: &Application,
    event: ApplicationEvent,
) -> Answer<()> {
    let texts = match event {
        ApplicationEvent::Submitted | ApplicationEvent::Resubmitted => "onboarding.mail_submitted.",
        ApplicationEvent::Approved if next.state == ApplicationState::Approved => {
            "onboarding.mail_approved_sign."
        }
        ApplicationEvent::Approved => "onboarding.mail_approved.",
        ApplicationEvent::Returned => "onboarding.mail_returned.",
        ApplicationEvent::Rejected => "onboarding.mail_rejected.",
        _ => return Ok(()),
    };
    let parent = state.db.read_parent(tx.ctx()).await?;
    let provider = tenant_get(&parent).await?.name;
    let reviewers = match event {
        ApplicationEvent::Submitted | ApplicationEvent::Resubmitted => {
            staff_with_roles(&parent, &[Role::ProviderOwner, Role::ProviderReviewer]).await?
        }
        _ => Vec::new(),
    };
    drop(parent);
    let shop = next.shop.as_ref().map_or("", |shop| shop.name.as_str()).to_owned();
    let arguments = vec![("provider".to_owned(), provider.clone()), ("shop".to_owned(), shop.clone())];
    let points = match event {
        ApplicationEvent::Returned => next.return_reasons.iter().map(|reason| reason.text.clone()).collect(),
        ApplicationEvent::Rejected => next.reject_reason.iter().cloned().collect(),
        _ => Vec::new(),
    };
    let mail = Mail {
        to: was.applicant_email.clone(),
        lang: Lang::parse(&was.locale).unwrap_or(Lang::Zh),
        texts: texts.into(),
        arguments,
        points,
        link: link(state, "/console/merchant/application"),
        from_name: provider.clone(),
    };
    state.mailer.enqueue(tx, &mail).await?;
    let subject = next.subject.as_ref().map_or("", |subject| subject.legal_name.as_str());
    for reviewer in reviewers {
        let mail = Mail {
            to: reviewer.email,
            lang: Lang::parse(&reviewer.locale).unwrap_or(Lang::Zh),
            texts: "onboarding.mail_to_review.".into(),
            arguments: vec![("shop".to_owned(), shop.clone()), ("subject".to_owned(), subject.to_owned())],
            points: Vec::new(),
            link: link(state, &format!("/console/provider/applications/{}", was.id)),
            from_name: provider.clone(),
        };
        state.mailer.enqueue(tx, &mail).await?;
    }
    Ok(())
}
