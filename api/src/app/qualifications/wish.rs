//! What somebody applies with, checked before anything is kept: against what the platform says that the category takes,
//! and against the documents that were uploaded here.

use super::{account_of, apply, brands, terms};
use crate::app::media::Purpose;
use crate::app::shops::suspension::name_of;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use jiff::civil::Date;
use jiff::tz::{TimeZone, offset};
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::ids::{ChannelAccountId, MediaId};
use qianpu_domain::qualification::{QualificationKind, documents, needed, platform_id, span, within};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::{
    BrandName, BrandRight, BrandWish, CategoryTerms, CategoryWish, QualificationState as Theirs,
    SentDocuments, Trademark, Validity,
};
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::job_enqueue;
use qianpu_tenants::store::media::media_get;
use qianpu_tenants::store::qualification::{NewQualification, Qualification, qualification_insert};
use serde_json::{Value, json};

/// A category as somebody applies for it.
#[derive(Debug, Clone)]
pub struct TypedCategory {
    /// The platform's id.
    pub category_id: String,
    /// Kind of document → uploaded documents.
    pub documents: Vec<(String, Vec<MediaId>)>,
    /// A platform where the shop sells already, and its account there.
    pub elsewhere: Option<(String, String)>,
    /// Accepted brands.
    pub brand_ids: Vec<String>,
}

/// From when until when; none = for ever.
pub type Span = Option<(Timestamp, Timestamp)>;

/// A brand as somebody applies for it.
#[derive(Debug, Clone)]
pub struct TypedBrand {
    /// The platform's id.
    pub brand_id: String,
    /// As the platform's library has it.
    pub name_zh: String,
    /// As the platform's library has it.
    pub name_en: String,
    /// The class of goods of the trademark.
    pub class: i64,
    /// The trademark.
    pub mark: TypedMark,
    /// By what right the shop uses it; none = it is the merchant's own.
    pub granted: Option<TypedGrant>,
}

/// A trademark as somebody typed it.
#[derive(Debug, Clone)]
pub struct TypedMark {
    /// Who registered it; none = its registration was applied for.
    pub registrant: Option<String>,
    /// Its number, or the number of the application.
    pub number: String,
    /// Of a registered one.
    pub valid: Span,
    /// Of one that was applied for.
    pub accepted_at: Option<Timestamp>,
    /// The certificate, or the notice of acceptance.
    pub certificates: Vec<MediaId>,
    /// Changes and renewals, of a registered one.
    pub renewals: Vec<MediaId>,
}

/// What the owner of a brand allowed.
#[derive(Debug, Clone)]
pub struct TypedGrant {
    /// Over how many hands.
    pub level: i64,
    /// From when until when.
    pub valid: Span,
    /// The letters of authority.
    pub letters: Vec<MediaId>,
    /// The owner's identity papers.
    pub owner_papers: Vec<MediaId>,
}

/// Problems, and what was right.
#[derive(Default)]
struct Checked {
    errors: Vec<FieldError>,
}

impl Checked {
    fn take<T: Default>(&mut self, outcome: Result<T, FieldError>) -> T {
        outcome.unwrap_or_else(|error| {
            self.errors.push(error);
            T::default()
        })
    }
    /// Pictures that were uploaded here as documents, by the names by which the host loads them.
    async fn pictures(
        &mut self,
        state: &AppState,
        tx: &TenantTx,
        path: &str,
        ids: &[MediaId],
    ) -> Answer<Vec<String>> {
        let most = i64::try_from(state.config.qualifications.document_max_bytes).unwrap_or(i64::MAX);
        for id in ids {
            let file = match media_get(tx, *id).await {
                Err(StoreError::NotFound) => None,
                found => Some(found?),
            };
            let file = file.filter(|file| file.purpose == Purpose::Document.as_str());
            let (code, en, zh) = match file {
                Some(file) if !["image/jpeg", "image/png"].contains(&file.content_type.as_str()) => {
                    self.errors.push(only_pictures(path));
                    continue;
                }
                None => (
                    "not_found",
                    "upload the file as a document first".to_owned(),
                    "请先上传资料图片".to_owned(),
                ),
                Some(file) if file.size_bytes > most => {
                    let (en, zh) =
                        (format!("at most {most} bytes each"), format!("每张图片最大 {} KB", most / 1024));
                    ("too_large", en, zh)
                }
                Some(_) => continue,
            };
            self.errors.push(FieldError::new(path, code, en, zh));
        }
        Ok(ids.iter().map(ToString::to_string).collect())
    }
    fn end(self) -> Answer<()> {
        if self.errors.is_empty() { Ok(()) } else { Err(ApiError::fields(self.errors)) }
    }
}

/// A document is a picture of these two kinds here, though more can be uploaded for other purposes.
pub fn only_pictures(path: &str) -> FieldError {
    FieldError::new(path, "unsupported_type", "JPEG or PNG", "平台仅支持 JPEG 或 PNG 图片")
}

fn choice(path: &str) -> FieldError {
    FieldError::new(path, "unknown", "choose one of the list", "请从列表中选择")
}

async fn category(
    state: &AppState,
    tx: &TenantTx,
    terms: &CategoryTerms,
    accepted: &[String],
    typed: &TypedCategory,
) -> Answer<CategoryWish> {
    let mut checked = Checked::default();
    if !terms.place.needs_application {
        let (en, zh) = ("everybody may sell in this category", "该类目无需申请，可以直接发布商品");
        checked.errors.push(FieldError::new("category_id", "not_needed", en, zh));
    }
    let mut sent = Vec::new();
    for kind in &terms.documents {
        let path = format!("documents.{}", kind.code);
        let of_kind = typed.documents.iter().filter(|(code, _)| *code == kind.code);
        let ids: Vec<MediaId> = of_kind.flat_map(|(_, ids)| ids.iter().copied()).collect();
        checked.take(documents(&path, ids.len(), usize::from(kind.mandatory), kind.most));
        let ids = checked.pictures(state, tx, &path, &ids).await?;
        if !ids.is_empty() {
            sent.push(SentDocuments { kind: kind.code.clone(), ids });
        }
    }
    for (code, _) in &typed.documents {
        if !terms.documents.iter().any(|kind| kind.code == *code) {
            checked.errors.push(choice(&format!("documents.{code}")));
        }
    }
    let elsewhere = match &typed.elsewhere {
        None => None,
        Some((platform, account)) => {
            if !terms.elsewhere.contains(platform) {
                checked.errors.push(choice("elsewhere_platform"));
            }
            Some((platform.clone(), checked.take(needed("elsewhere_account", account))))
        }
    };
    if terms.needs_brand && typed.brand_ids.is_empty() {
        let (en, zh) = ("choose an accepted brand of the shop", "该类目需要选择已审核通过的品牌");
        checked.errors.push(FieldError::new("brand_ids", "required", en, zh));
    }
    if typed.brand_ids.len() > 50 || typed.brand_ids.iter().any(|id| !accepted.contains(id)) {
        let (en, zh) = ("only accepted brands of the shop", "只能选择已审核通过的品牌");
        checked.errors.push(FieldError::new("brand_ids", "unknown", en, zh));
    }
    checked.end()?;
    Ok(CategoryWish {
        path: terms.place.path.iter().map(|step| step.id.clone()).collect(),
        documents: sent,
        elsewhere,
        brand_ids: typed.brand_ids.clone(),
    })
}

/// Applies for a category: kept with the job that sends it.
pub async fn for_category(
    state: &AppState,
    grant: &Grant<perm::ShopDeskManage>,
    id: ChannelAccountId,
    typed: &TypedCategory,
) -> Answer<Qualification> {
    usable(state, grant, id).await?;
    let terms = terms(state, grant, id, &typed.category_id).await?;
    let accepted = match typed.brand_ids.is_empty() {
        true => Vec::new(),
        false => accepted_brands(state, grant, id).await?.into_iter().map(|name| name.brand_id).collect(),
    };
    let mut tx = state.db.begin(grant.ctx()).await?;
    let wanted = category(state, &tx, &terms, &accepted, typed).await?;
    let name = terms.place.path.iter().map(|step| step.name.as_str()).collect::<Vec<_>>().join(" / ");
    let subject = wanted.path.last().cloned().unwrap_or_default();
    let content = serde_json::to_value(&wanted).map_err(ApiError::internal)?;
    let kept = keep(&mut tx, id, QualificationKind::Category, (&subject, &name), &content).await?;
    tx.commit().await?;
    Ok(kept)
}

/// Brands of the shop that are in force.
pub async fn accepted_brands(
    state: &AppState,
    grant: &Grant<perm::ShopDeskManage>,
    id: ChannelAccountId,
) -> Answer<Vec<BrandName>> {
    let brands = brands(state, grant, id).await?.items.into_iter();
    let force = |state: &Theirs| matches!(state, Theirs::Accepted | Theirs::Expiring);
    Ok(brands.filter(|brand| force(&brand.standing.state)).map(|brand| brand.name).collect())
}

async fn usable(state: &AppState, grant: &Grant<perm::ShopDeskManage>, id: ChannelAccountId) -> Answer<()> {
    let tx = state.db.read(grant.ctx()).await?;
    if account_of(&tx, grant, id).await?.state.usable() {
        return Ok(());
    }
    Err(ApiError::new(ErrorCode::ChannelAccountUnusable))
}

fn validity(checked: &mut Checked, path: &str, valid: Span) -> Option<Validity> {
    let (from, until) = valid?;
    checked.take(span(path, from, until));
    Some(Validity { from, until })
}

async fn brand(state: &AppState, tx: &TenantTx, typed: &TypedBrand) -> Answer<BrandWish> {
    let mut checked = Checked::default();
    let text = |text: &str| text.trim().to_owned();
    let brand_id = checked.take(platform_id("brand_id", &typed.brand_id));
    let name = BrandName { brand_id, name_zh: text(&typed.name_zh), name_en: text(&typed.name_en) };
    let names = [name.name_zh.as_str(), name.name_en.as_str()].join(" ");
    checked.take(needed("name", &names));
    let class = checked.take(within("class", typed.class, 1, 45));
    let mark = &typed.mark;
    let number = checked.take(needed("number", &mark.number));
    checked.take(documents("certificates", mark.certificates.len(), 1, 1));
    let certificates = checked.pictures(state, tx, "certificates", &mark.certificates).await?;
    let mark = match (&mark.registrant, mark.accepted_at) {
        (Some(registrant), _) => {
            checked.take(documents("renewals", mark.renewals.len(), 0, 5));
            Trademark::Registered {
                registrant: checked.take(needed("registrant", registrant)),
                number,
                valid: validity(&mut checked, "valid_until", mark.valid),
                certificates,
                renewals: checked.pictures(state, tx, "renewals", &mark.renewals).await?,
            }
        }
        (None, accepted_at) => {
            if accepted_at.is_none() {
                checked.errors.push(FieldError::required("accepted_on"));
            }
            let accepted_at = accepted_at.unwrap_or(tx.now());
            Trademark::AppliedFor { accepted_at, number, certificates }
        }
    };
    let right = match &typed.granted {
        None => BrandRight::Own,
        Some(granted) => {
            checked.take(documents("letters", granted.letters.len(), 1, 9));
            checked.take(documents("owner_papers", granted.owner_papers.len(), 0, 2));
            BrandRight::Granted {
                level: checked.take(within("level", granted.level, 1, 3)),
                valid: validity(&mut checked, "granted_until", granted.valid),
                letters: checked.pictures(state, tx, "letters", &granted.letters).await?,
                owner_papers: checked.pictures(state, tx, "owner_papers", &granted.owner_papers).await?,
            }
        }
    };
    checked.end()?;
    Ok(BrandWish { name, class, mark, right })
}

/// Applies for a brand, or anew for one the shop has.
pub async fn for_brand(
    state: &AppState,
    grant: &Grant<perm::ShopDeskManage>,
    id: ChannelAccountId,
    typed: &TypedBrand,
) -> Answer<Qualification> {
    usable(state, grant, id).await?;
    let mut tx = state.db.begin(grant.ctx()).await?;
    let wanted = brand(state, &tx, typed).await?;
    let brand_id = wanted.name.brand_id.clone();
    let names = [wanted.name.name_zh.as_str(), wanted.name.name_en.as_str()];
    let name = names.join(" ").trim().to_owned();
    let content = serde_json::to_value(&wanted).map_err(ApiError::internal)?;
    let kept = keep(&mut tx, id, QualificationKind::Brand, (&brand_id, &name), &content).await?;
    tx.commit().await?;
    Ok(kept)
}

async fn keep(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    kind: QualificationKind,
    (subject_id, subject_name): (&str, &str),
    content: &Value,
) -> Answer<Qualification> {
    let by = name_of(tx.ctx());
    let new = NewQualification { account, kind, subject_id, subject_name, content, asked_by: &by };
    let one = match qualification_insert(tx, &new).await {
        Ok(one) => one,
        Err(StoreError::Conflict(_)) => return Err(ApiError::new(ErrorCode::QualificationOpen)),
        Err(error) => return Err(error.into()),
    };
    let detail = json!({ "kind": kind.as_str(), "subject_id": subject_id, "subject_name": subject_name,
        "channel_account_id": account.to_string() });
    audit_append(tx, AuditAction::QualificationAsked, "qualification", &one.id.to_string(), detail).await?;
    job_enqueue(tx, apply::new_job(one.id)).await?;
    Ok(one)
}

/// A day in Beijing, where platforms count them: its beginning, or its last second.
fn moment(path: &str, text: &str, ends: bool) -> Result<Timestamp, FieldError> {
    let wrong = || FieldError::new(path, "invalid", "expected YYYY-MM-DD", "日期格式应为 YYYY-MM-DD");
    let day: Date = text.trim().parse().map_err(|_| wrong())?;
    let at = day.to_zoned(TimeZone::fixed(offset(8))).map_err(|_| wrong())?;
    let begins = Timestamp::from_seconds(at.timestamp().as_second());
    Ok(if ends { begins.plus(qianpu_domain::time::Span::seconds(86_399)) } else { begins })
}

/// A day as people type it.
pub fn day(path: &str, text: Option<&str>) -> Result<Option<Timestamp>, FieldError> {
    text.filter(|text| !text.trim().is_empty()).map(|text| moment(path, text, false)).transpose()
}

/// Two days as people type them; neither = for ever.
pub fn days(from: (&str, Option<&str>), until: (&str, Option<&str>)) -> Result<Span, FieldError> {
    let there = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    match (there(from.1), there(until.1)) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(FieldError::required(until.0)),
        (None, Some(_)) => Err(FieldError::required(from.0)),
        (Some(begin), Some(end)) => Ok(Some((moment(from.0, &begin, false)?, moment(until.0, &end, true)?))),
    }
}
