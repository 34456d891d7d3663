//! The applicant's moves: the four steps, saved one by one, and handing in.

use super::decide::make_move;
use super::{Desk, desk, name_is_free, person};
use crate::app::{categories, media};
use crate::error::Answer;
use crate::state::AppState;
use jiff::civil::Date;
use qianpu_domain::ids::{ApplicationId, CategoryId, MediaId};
use qianpu_domain::onboarding::{self, AgreementVersion, ApplicationState, SaveShop, SaveSubject};
use qianpu_domain::subject::ShopName;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::store::application::application_get;

type Edit = Grant<perm::ApplicationEdit>;

/// Step 1: who applies.
pub async fn save_subject(
    state: &AppState,
    grant: &Edit,
    id: ApplicationId,
    seen: Option<i64>,
    command: SaveSubject,
) -> Answer<Desk> {
    make_move(state, grant.ctx(), id, seen, |application, rules, now| {
        onboarding::save_subject(application, &rules.requirements, command, now)
    })
    .await?;
    desk(state, grant.ctx(), id).await
}

/// Step 2: one document. The file must be an uploaded document of this merchant.
pub async fn attach_document(
    state: &AppState,
    grant: &Edit,
    id: ApplicationId,
    requirement: &str,
    media: MediaId,
    expires_on: Option<Date>,
) -> Answer<Desk> {
    let tx = state.db.read(grant.ctx()).await?;
    media::is_document(&tx, media).await?;
    drop(tx);
    make_move(state, grant.ctx(), id, None, |application, rules, now| {
        onboarding::attach_document(application, &rules.requirements, requirement, media, expires_on, now)
    })
    .await?;
    desk(state, grant.ctx(), id).await
}

/// Step 3: the shop.
pub async fn save_shop(
    state: &AppState,
    grant: &Edit,
    id: ApplicationId,
    seen: Option<i64>,
    name: String,
    category: CategoryId,
) -> Answer<Desk> {
    if let Ok(name) = ShopName::parse(name.trim()) {
        name_is_free(state, grant.ctx(), &name, "name").await?;
    }
    let mut errors = Vec::new();
    categories::check_choice(&state.db, grant.ctx(), category, &mut errors).await?;
    if !errors.is_empty() {
        return Err(errors.into());
    }
    make_move(state, grant.ctx(), id, seen, |application, rules, _| {
        let command = SaveShop {
            name,
            category,
            registered_brands: rules.brands.clone(),
            authorised_brands: rules.authorised.clone(),
        };
        onboarding::save_shop(application, &rules.requirements, &command)
    })
    .await?;
    desk(state, grant.ctx(), id).await
}

/// Step 4, and again after approval when the agreement got a newer version.
pub async fn sign_agreement(
    state: &AppState,
    grant: &Edit,
    id: ApplicationId,
    signed: AgreementVersion,
) -> Answer<Desk> {
    let by = person(grant.ctx())?;
    make_move(state, grant.ctx(), id, None, |application, rules, now| {
        onboarding::sign_agreement(application, signed, &rules.agreement.version, by, now)
    })
    .await?;
    desk(state, grant.ctx(), id).await
}

/// Hands in, for the first time or again.
pub async fn submit(state: &AppState, grant: &Edit, id: ApplicationId) -> Answer<Desk> {
    let tx = state.db.read(grant.ctx()).await?;
    let stored = application_get(&tx, &state.keys.sealer, id).await?;
    drop(tx);
    if let Some(shop) = stored.application.shop.as_ref().filter(|_| stored.application.state.editable()) {
        name_is_free(state, grant.ctx(), &shop.name, "shop.name").await?;
    }
    make_move(state, grant.ctx(), id, None, |application, rules, now| match application.state {
        ApplicationState::Returned => onboarding::resubmit(application, &rules.requirements, now),
        _ => onboarding::submit(application, &rules.requirements, now),
    })
    .await?;
    desk(state, grant.ctx(), id).await
}
