//! A provider's brand and its own mail sender: at most one row of each.

use crate::db::TenantTx;
use crate::entity::{mail_sender, provider_brand};
use crate::error::{StoreError, StoreResult};
use qianpu_domain::brand::{Brand, Colour, SenderState};
use qianpu_domain::ids::MediaId;
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};

/// A brand as stored.
#[derive(Clone, Debug)]
pub struct StoredBrand {
    /// The brand.
    pub brand: Brand,
    /// Its picture.
    pub logo: Option<MediaId>,
    /// Changes with each change.
    pub version: i64,
}

/// The provider's brand, if it has one.
pub async fn brand_find(tx: &TenantTx) -> StoreResult<Option<StoredBrand>> {
    let Some(row) = provider_brand::Entity::find_by_id(tx.tenant()).one(tx.conn()).await? else {
        return Ok(None);
    };
    let colour = |text: &str| Colour::parse(text).ok_or(StoreError::Corrupt("provider_brands.colour"));
    Ok(Some(StoredBrand {
        brand: Brand {
            colour: colour(&row.colour)?,
            accent: colour(&row.accent)?,
            name: row.name,
            support_email: row.support_email,
            support_phone: row.support_phone,
        },
        logo: row.logo_id.map(MediaId),
        version: row.version,
    }))
}

/// Sets the brand; the logo too when one is given, otherwise the one it has stays.
pub async fn brand_put(tx: &mut TenantTx, brand: &Brand, logo: Option<MediaId>) -> StoreResult<()> {
    use provider_brand::Column;
    let was = brand_find(tx).await?;
    let row = provider_brand::ActiveModel {
        tenant_id: Set(tx.tenant()),
        name: Set(brand.name.clone()),
        colour: Set(brand.colour.text()),
        accent: Set(brand.accent.text()),
        support_email: Set(brand.support_email.clone()),
        support_phone: Set(brand.support_phone.clone()),
        logo_id: Set(logo.or_else(|| was.as_ref().and_then(|was| was.logo)).map(|id| id.0)),
        version: Set(was.map_or(0, |was| was.version) + 1),
        updated_at: Set(tx.now().micros()),
    };
    let known = OnConflict::column(Column::TenantId)
        .update_columns([
            Column::Name,
            Column::Colour,
            Column::Accent,
            Column::SupportEmail,
            Column::SupportPhone,
            Column::LogoId,
            Column::Version,
            Column::UpdatedAt,
        ])
        .to_owned();
    provider_brand::Entity::insert(row).on_conflict(known).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// A provider's own mail server.
#[derive(Clone, Debug)]
pub struct MailSender {
    /// Name of the server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// `required`, `starttls` or `none`.
    pub security: String,
    /// To log in with; empty for none.
    pub user_name: String,
    /// Sealed for the provider; none when there is nothing to log in with.
    pub sealed_password: Option<Vec<u8>>,
    /// The address mails come from.
    pub from_address: String,
    /// Whether mails go through it.
    pub state: SenderState,
    /// What the server said last, when it did not take a mail.
    pub error: Option<String>,
    /// When it was used last.
    pub checked_at: Option<Timestamp>,
}

/// The provider's own mail server, if it has one.
pub async fn sender_find(tx: &TenantTx) -> StoreResult<Option<MailSender>> {
    let Some(row) = mail_sender::Entity::find_by_id(tx.tenant()).one(tx.conn()).await? else {
        return Ok(None);
    };
    Ok(Some(MailSender {
        host: row.host,
        port: u16::try_from(row.port).map_err(|_| StoreError::Corrupt("mail_senders.port"))?,
        security: row.security,
        user_name: row.user_name,
        sealed_password: row.sealed_password,
        from_address: row.from_address,
        state: SenderState::from_text(&row.state).ok_or(StoreError::Corrupt("mail_senders.state"))?,
        error: row.error,
        checked_at: row.checked_at.map(Timestamp::from_micros),
    }))
}

/// Sets the mail server; whether it works has to be found out anew.
pub async fn sender_put(tx: &mut TenantTx, new: &MailSender) -> StoreResult<()> {
    sender_delete(tx).await?;
    let row = mail_sender::ActiveModel {
        tenant_id: Set(tx.tenant()),
        host: Set(new.host.clone()),
        port: Set(i64::from(new.port)),
        security: Set(new.security.clone()),
        user_name: Set(new.user_name.clone()),
        sealed_password: Set(new.sealed_password.clone()),
        from_address: Set(new.from_address.clone()),
        state: Set(SenderState::Untested.as_str().to_owned()),
        error: Set(None),
        checked_at: Set(None),
        version: Set(1),
        updated_at: Set(tx.now().micros()),
    };
    mail_sender::Entity::insert(row).exec_without_returning(tx.conn()).await?;
    Ok(())
}

/// Forgets the mail server.
pub async fn sender_delete(tx: &mut TenantTx) -> StoreResult<()> {
    mail_sender::Entity::delete_many()
        .filter(mail_sender::Column::TenantId.eq(tx.tenant()))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Notes how the last mail went, unless the server was changed meanwhile.
pub async fn sender_note(tx: &mut TenantTx, of: &MailSender, error: Option<&str>) -> StoreResult<()> {
    use mail_sender::Column;
    let state = if error.is_none() { SenderState::Working } else { SenderState::Broken };
    let error: Option<String> = error.map(|text| text.chars().take(300).collect());
    mail_sender::Entity::update_many()
        .col_expr(Column::State, Expr::value(state.as_str()))
        .col_expr(Column::Error, Expr::value(error))
        .col_expr(Column::CheckedAt, Expr::value(tx.now().micros()))
        .filter(Column::TenantId.eq(tx.tenant()))
        .filter(Column::Host.eq(of.host.as_str()))
        .filter(Column::Port.eq(i64::from(of.port)))
        .exec(tx.conn())
        .await?;
    Ok(())
}
