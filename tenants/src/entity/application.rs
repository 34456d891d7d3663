//! Row of `applications`.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "applications")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub provider_id: Uuid,
    pub applicant_id: Uuid,
    pub applicant_email: String,
    pub locale: String,
    pub state: String,
    pub step: String,
    pub subject_kind: Option<String>,
    pub legal_name: String,
    pub credit_code: Option<String>,
    pub id_card_sealed: Option<Vec<u8>>,
    pub contact_sealed: Option<Vec<u8>>,
    pub shop_name: String,
    pub category_id: Option<Uuid>,
    pub agreement_version: Option<String>,
    pub agreement_sha256: Option<String>,
    pub agreement_by: Option<Uuid>,
    pub agreement_at: Option<i64>,
    pub reviewer_id: Option<Uuid>,
    pub reviewer_name: Option<String>,
    pub return_reasons: String,
    pub reject_reason: Option<String>,
    pub submitted_at: Option<i64>,
    pub decided_at: Option<i64>,
    pub version: i64,
    pub created_at: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
