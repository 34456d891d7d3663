//! Applications to open a shop. The ID card number and the contact are sealed; whoever may open the
//! application may open them, so reading takes the [`Sealer`].

use crate::db::TenantTx;
use crate::entity::{application, application_document};
use crate::error::{StoreError, StoreResult};
use crate::secrets::Sealer;
use qianpu_domain::ids::{ApplicationId, CategoryId, MediaId, TenantId, UserId};
use qianpu_domain::onboarding::{
    AgreementVersion, Application, ApplicationState, Document, DocumentState, ReturnReason, ShopDetails,
    SignedAgreement, Step, SubjectDetails,
};
use qianpu_domain::subject::{CreditCode, IdCardNumber, Phone, ShopName, SubjectKind};
use qianpu_domain::time::Timestamp;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Set};

mod queue;
pub use queue::{
    ApplicationRow, application_counts, application_find_by_provider, application_list,
    application_list_by_provider,
};

/// What the ID card number is sealed for.
pub const PURPOSE_ID_CARD: &str = "application.id_card";
/// What the contact is sealed for.
pub const PURPOSE_CONTACT: &str = "application.contact";

/// An application with what is kept beside the decision.
#[derive(Clone, Debug)]
pub struct StoredApplication {
    /// Its id.
    pub id: ApplicationId,
    /// The merchant.
    pub merchant: TenantId,
    /// Who applies.
    pub applicant: UserId,
    /// Where mail goes.
    pub applicant_email: String,
    /// Language of the mail, `zh` or `en`.
    pub locale: String,
    /// The application.
    pub application: Application,
    /// Name of the reviewer, to show.
    pub reviewer_name: Option<String>,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// For guarded updates.
    pub version: i64,
}

/// Adds an empty application for a person of the merchant.
pub async fn application_insert(
    tx: &mut TenantTx,
    applicant: UserId,
    email: &str,
    locale: &str,
) -> StoreResult<ApplicationId> {
    let id = tx.new_id();
    let now = tx.now().micros();
    application::ActiveModel {
        tenant_id: Set(tx.tenant()),
        id: Set(id),
        provider_id: Set(tx.provider()?),
        applicant_id: Set(applicant.0),
        applicant_email: Set(email.to_lowercase()),
        locale: Set(locale.to_owned()),
        state: Set(ApplicationState::Draft.as_str().to_owned()),
        step: Set(Step::Subject.as_str().to_owned()),
        legal_name: Set(String::new()),
        shop_name: Set(String::new()),
        return_reasons: Set("[]".to_owned()),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        subject_kind: Set(None),
        credit_code: Set(None),
        id_card_sealed: Set(None),
        contact_sealed: Set(None),
        category_id: Set(None),
        agreement_version: Set(None),
        agreement_sha256: Set(None),
        agreement_by: Set(None),
        agreement_at: Set(None),
        reviewer_id: Set(None),
        reviewer_name: Set(None),
        reject_reason: Set(None),
        submitted_at: Set(None),
        decided_at: Set(None),
    }
    .insert(tx.conn())
    .await?;
    Ok(ApplicationId(id))
}

/// An application of the merchant, whole.
pub async fn application_get(
    tx: &TenantTx,
    sealer: &Sealer,
    id: ApplicationId,
) -> StoreResult<StoredApplication> {
    let row = application::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    let row = row.ok_or(StoreError::NotFound)?;
    let documents = application_document::Entity::find()
        .filter(application_document::Column::TenantId.eq(tx.tenant()))
        .filter(application_document::Column::ApplicationId.eq(id.0))
        .order_by_asc(application_document::Column::RequirementCode)
        .limit(200)
        .all(tx.conn())
        .await?;
    from_model(tx, sealer, row, documents)
}

/// The merchant's newest application: the one its wizard opens.
pub async fn application_newest(tx: &TenantTx) -> StoreResult<Option<ApplicationId>> {
    let row = application::Entity::find()
        .filter(application::Column::TenantId.eq(tx.tenant()))
        .order_by_desc(application::Column::CreatedAt)
        .order_by_desc(application::Column::Id)
        .limit(1)
        .one(tx.conn())
        .await?;
    Ok(row.map(|row| ApplicationId(row.id)))
}

/// Saves the next state of an application if it is still as it was read.
pub async fn application_save(
    tx: &mut TenantTx,
    sealer: &Sealer,
    was: &StoredApplication,
    next: &Application,
    reviewer_name: Option<&str>,
) -> StoreResult<()> {
    let mut row = application::ActiveModel {
        state: Set(next.state.as_str().to_owned()),
        step: Set(next.step.as_str().to_owned()),
        reviewer_id: Set(next.reviewer.map(|id| id.0)),
        reviewer_name: Set(reviewer_name.map(str::to_owned)),
        return_reasons: Set(reasons_text(&next.return_reasons)),
        reject_reason: Set(next.reject_reason.clone()),
        submitted_at: Set(next.submitted_at.map(Timestamp::micros)),
        decided_at: Set(next.decided_at.map(Timestamp::micros)),
        version: Set(was.version + 1),
        updated_at: Set(tx.now().micros()),
        ..Default::default()
    };
    // Sealing draws a new nonce each time, so it is done only when the step changed.
    if next.subject != was.application.subject
        && let Some(subject) = &next.subject
    {
        let contact = serde_json::json!([subject.contact_name, subject.contact_phone.reveal()]).to_string();
        let ctx = tx.ctx();
        let id_card = sealer.seal(ctx, PURPOSE_ID_CARD, subject.id_card.reveal().as_bytes())?;
        let contact = sealer.seal(ctx, PURPOSE_CONTACT, contact.as_bytes())?;
        row.subject_kind = Set(Some(subject.kind.as_str().to_owned()));
        row.legal_name = Set(subject.legal_name.clone());
        row.credit_code = Set(subject.credit_code.as_ref().map(|code| code.as_str().to_owned()));
        row.id_card_sealed = Set(Some(id_card));
        row.contact_sealed = Set(Some(contact));
    }
    if let Some(shop) = &next.shop {
        row.shop_name = Set(shop.name.as_str().to_owned());
        row.category_id = Set(Some(shop.category.0));
    }
    if let Some(signed) = &next.agreement {
        row.agreement_version = Set(Some(signed.agreement.version.clone()));
        row.agreement_sha256 = Set(Some(signed.agreement.sha256.clone()));
        row.agreement_by = Set(Some(signed.by.0));
        row.agreement_at = Set(Some(signed.at.micros()));
    }
    let done = application::Entity::update_many()
        .set(row)
        .filter(application::Column::TenantId.eq(tx.tenant()))
        .filter(application::Column::Id.eq(was.id.0))
        .filter(application::Column::Version.eq(was.version))
        .exec(tx.conn())
        .await?;
    if done.rows_affected != 1 {
        return Err(StoreError::VersionConflict);
    }
    for document in &next.documents {
        if was.application.document(&document.requirement) != Some(document) {
            document_put(tx, was.id, document).await?;
        }
    }
    Ok(())
}

async fn document_put(tx: &mut TenantTx, id: ApplicationId, document: &Document) -> StoreResult<()> {
    use application_document::Column;
    let (reason, waived_by) = match &document.state {
        DocumentState::Returned { reason } => (Some(reason.clone()), None),
        DocumentState::Waived { by } => (None, Some(by.0)),
        DocumentState::Missing | DocumentState::Pending | DocumentState::Accepted => (None, None),
    };
    let row = application_document::ActiveModel {
        tenant_id: Set(tx.tenant()),
        application_id: Set(id.0),
        requirement_code: Set(document.requirement.clone()),
        provider_id: Set(tx.provider()?),
        media_id: Set(document.media.map(|id| id.0)),
        state: Set(document.state.as_str().to_owned()),
        reason: Set(reason),
        waived_by: Set(waived_by),
        expires_on: Set(document.expires_on.map(|day| day.to_string())),
        updated_at: Set(tx.now().micros()),
    };
    let conflict = sea_orm::sea_query::OnConflict::columns([
        Column::TenantId,
        Column::ApplicationId,
        Column::RequirementCode,
    ])
    .update_columns([
        Column::MediaId,
        Column::State,
        Column::Reason,
        Column::WaivedBy,
        Column::ExpiresOn,
        Column::UpdatedAt,
    ])
    .to_owned();
    application_document::Entity::insert(row).on_conflict(conflict).exec_without_returning(tx.conn()).await?;
    Ok(())
}

fn reasons_text(reasons: &[ReturnReason]) -> String {
    let list: Vec<_> = reasons
        .iter()
        .map(|reason| serde_json::json!({"step": reason.step.as_str(), "text": reason.text}))
        .collect();
    serde_json::Value::Array(list).to_string()
}

fn reasons_of(text: &str) -> Option<Vec<ReturnReason>> {
    let list: Vec<serde_json::Value> = serde_json::from_str(text).ok()?;
    list.iter()
        .map(|item| {
            Some(ReturnReason {
                step: Step::from_text(item.get("step")?.as_str()?)?,
                text: item.get("text")?.as_str()?.to_owned(),
            })
        })
        .collect()
}

fn from_model(
    tx: &TenantTx,
    sealer: &Sealer,
    row: application::Model,
    documents: Vec<application_document::Model>,
) -> StoreResult<StoredApplication> {
    let bad = |column| StoreError::Corrupt(column);
    let documents = documents
        .into_iter()
        .map(|row| {
            let by = row.waived_by.map(UserId);
            Ok(Document {
                requirement: row.requirement_code,
                media: row.media_id.map(MediaId),
                state: DocumentState::from_parts(&row.state, row.reason, by)
                    .ok_or(bad("application_documents.state"))?,
                expires_on: row
                    .expires_on
                    .map(|day| day.parse().map_err(|_| bad("application_documents.expires_on")))
                    .transpose()?,
            })
        })
        .collect::<StoreResult<Vec<_>>>()?;
    let agreement = match (row.agreement_version, row.agreement_sha256, row.agreement_by, row.agreement_at) {
        (Some(version), Some(sha256), Some(by), Some(at)) => Some(SignedAgreement {
            agreement: AgreementVersion { version, sha256 },
            by: UserId(by),
            at: Timestamp::from_micros(at),
        }),
        _ => None,
    };
    let shop = match row.category_id {
        Some(category) => Some(ShopDetails {
            name: ShopName::parse(&row.shop_name).map_err(|_| bad("applications.shop_name"))?,
            category: CategoryId(category),
        }),
        None => None,
    };
    let subject = match (row.subject_kind, row.id_card_sealed, row.contact_sealed) {
        (Some(kind), Some(id_card), Some(contact)) => {
            let id_card = text(sealer.open(tx.ctx(), PURPOSE_ID_CARD, &id_card)?)?;
            let contact = text(sealer.open(tx.ctx(), PURPOSE_CONTACT, &contact)?)?;
            let (name, phone): (String, String) =
                serde_json::from_str(&contact).map_err(|_| bad("applications.contact_sealed"))?;
            Some(SubjectDetails {
                kind: SubjectKind::from_text(&kind).ok_or(bad("applications.subject_kind"))?,
                legal_name: row.legal_name,
                credit_code: row
                    .credit_code
                    .map(|code| CreditCode::parse(&code).map_err(|_| bad("applications.credit_code")))
                    .transpose()?,
                id_card: IdCardNumber::stored(&id_card).map_err(|_| bad("applications.id_card_sealed"))?,
                contact_name: name,
                contact_phone: Phone::parse(&phone).map_err(|_| bad("applications.contact_sealed"))?,
            })
        }
        _ => None,
    };
    let application = Application {
        state: ApplicationState::from_text(&row.state).ok_or(bad("applications.state"))?,
        step: Step::from_text(&row.step).ok_or(bad("applications.step"))?,
        subject,
        documents,
        shop,
        agreement,
        reviewer: row.reviewer_id.map(UserId),
        return_reasons: reasons_of(&row.return_reasons).ok_or(bad("applications.return_reasons"))?,
        reject_reason: row.reject_reason,
        submitted_at: row.submitted_at.map(Timestamp::from_micros),
        decided_at: row.decided_at.map(Timestamp::from_micros),
    };
    Ok(StoredApplication {
        id: ApplicationId(row.id),
        merchant: TenantId(row.tenant_id),
        applicant: UserId(row.applicant_id),
        applicant_email: row.applicant_email,
        locale: row.locale,
        application,
        reviewer_name: row.reviewer_name,
        created_at: Timestamp::from_micros(row.created_at),
        updated_at: Timestamp::from_micros(row.updated_at),
        version: row.version,
    })
}

fn text(bytes: Vec<u8>) -> StoreResult<String> {
    String::from_utf8(bytes).map_err(|_| StoreError::Corrupt("a sealed text"))
}
