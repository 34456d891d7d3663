//! Articles of a public account: written here, brought to the platform and published there in its own time. Where things
//! are: this file writes them; [`super::publish`] is the work of publishing.

use super::account_of;
use super::publish::{check_job, publish_job};
use super::reply::page_address;
use crate::error::{Answer, ApiError};
use crate::state::AppState;
use qianpu_domain::article::{AUTHOR, ArticleState, DIGEST, TITLE, article_text};
use qianpu_domain::audit::AuditAction;
use qianpu_domain::error::{ErrorCode, FieldError};
use qianpu_domain::follower::answer_line;
use qianpu_domain::ids::{ArticleId, ChannelAccountId, ListingId, MediaId};
use qianpu_domain::listing::ListingState;
use qianpu_tenants::audit::audit_append;
use qianpu_tenants::authz::{Grant, Perm, perm};
use qianpu_tenants::db::TenantTx;
use qianpu_tenants::error::StoreError;
use qianpu_tenants::jobs::job_enqueue;
use qianpu_tenants::page::{Page, PageRequest};
use qianpu_tenants::store::article::{
    Article, ArticleFacts, ArticleMove, article_delete, article_get, article_insert, article_list,
    article_move, article_save,
};
use qianpu_tenants::store::channel_account::ChannelAccount;
use qianpu_tenants::store::listing::{ListingFilter, ListingRow, listing_get, listing_list};
use qianpu_tenants::store::media::media_get;
use qianpu_tenants::store::product::product_get;
use serde_json::json;

/// An article as somebody typed it.
#[derive(Debug, Clone, Default)]
pub struct TypedArticle {
    /// Title.
    pub title: String,
    /// Who wrote it.
    pub author: String,
    /// What stands below the title where it is shared.
    pub digest: String,
    /// Paragraphs.
    pub content: String,
    /// Where "read the original" leads.
    pub source_url: String,
    /// The cover.
    pub cover_id: String,
    /// The product whose card stands at the end.
    pub listing_id: String,
}

async fn facts(tx: &TenantTx, account: &ChannelAccount, typed: &TypedArticle) -> Answer<ArticleFacts> {
    let mut errors = Vec::new();
    let mut keep = |outcome: Result<String, FieldError>| {
        outcome.unwrap_or_else(|error| {
            errors.push(error);
            String::new()
        })
    };
    let title = keep(answer_line("title", &typed.title, TITLE, true));
    let author = keep(answer_line("author", &typed.author, AUTHOR, false));
    let digest = keep(answer_line("digest", &typed.digest, DIGEST, false));
    let content = keep(article_text(&typed.content));
    let source_url = match typed.source_url.trim() {
        "" => None,
        url => Some(keep(page_address("source_url", url))),
    };
    let cover = typed.cover_id.trim().parse::<MediaId>().ok();
    let known = match cover {
        Some(id) => match media_get(tx, id).await {
            Ok(media) => media.purpose == "picture",
            Err(StoreError::NotFound) => false,
            Err(error) => return Err(error.into()),
        },
        None => false,
    };
    if !known {
        errors.push(FieldError::new(
            "cover_id",
            "unknown",
            "upload a picture as the cover",
            "请上传封面图片",
        ));
    }
    let listing = listing_of(tx, account, &typed.listing_id).await?;
    if let Err(error) = &listing {
        errors.push(error.clone());
    }
    match (cover, listing) {
        (Some(cover), Ok(listing)) if errors.is_empty() => {
            Ok(ArticleFacts { title, author, digest, content, source_url, cover, listing })
        }
        _ => Err(errors.into()),
    }
}

/// The listing whose card is to stand in the article. A third-party platform may not ask for cards.
async fn listing_of(
    tx: &TenantTx,
    account: &ChannelAccount,
    text: &str,
) -> Answer<Result<Option<ListingId>, FieldError>> {
    let wrong = |code, en: &str, zh: &str| Ok(Err(FieldError::new("listing_id", code, en, zh)));
    let text = text.trim();
    if text.is_empty() {
        return Ok(Ok(None));
    }
    if account.app.is_some() {
        let en = "product cards need an account that is linked directly";
        return wrong("not_here", en, "通过第三方平台授权的公众号不能插入商品卡片，请直接关联该公众号");
    }
    let listing = match text.parse::<ListingId>() {
        Ok(id) => match listing_get(tx, id).await {
            Ok(listing) => Some(listing),
            Err(StoreError::NotFound) => None,
            Err(error) => return Err(error.into()),
        },
        Err(_) => None,
    };
    let good =
        |row: &ListingRow| row.listing.state == ListingState::Listed && row.native_product_id.is_some();
    match listing.filter(good) {
        Some(listing) => Ok(Ok(Some(listing.id))),
        None => wrong("unknown", "a product that is listed in a WeChat shop", "请选择已在微信小店上架的商品"),
    }
}

/// What a card can show: products of the account's shop that are listed in WeChat shops, at most 50.
pub async fn cards<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    account: &ChannelAccount,
) -> Answer<Vec<(ListingId, String)>> {
    if account.app.is_some() {
        return Ok(Vec::new());
    }
    let tx = state.db.read(grant.ctx()).await?;
    let filter = ListingFilter {
        product: None,
        account: None,
        shops: Some(vec![account.shop]),
        state: Some(ListingState::Listed),
    };
    let mut shown = Vec::new();
    for row in listing_list(&tx, &filter, PageRequest::first(50)).await?.items {
        shown.push((row.id, product_get(&tx, row.product).await?.title));
    }
    Ok(shown)
}

async fn covered<P: Perm>(
    tx: &TenantTx,
    grant: &Grant<P>,
    id: ArticleId,
) -> Answer<(ChannelAccount, Article)> {
    let article = article_get(tx, id).await?;
    Ok((account_of(tx, grant, article.account).await?, article))
}

/// Articles of an account, newest first.
pub async fn list<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    account: ChannelAccountId,
    page: PageRequest,
) -> Answer<(ChannelAccount, Page<Article>)> {
    let tx = state.db.read(grant.ctx()).await?;
    let account = account_of(&tx, grant, account).await?;
    let found = article_list(&tx, account.id, page).await?;
    Ok((account, found))
}

/// One article.
pub async fn get<P: Perm>(
    state: &AppState,
    grant: &Grant<P>,
    id: ArticleId,
) -> Answer<(ChannelAccount, Article)> {
    let tx = state.db.read(grant.ctx()).await?;
    covered(&tx, grant, id).await
}

/// Begins an article.
pub async fn write(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    account: ChannelAccountId,
    typed: &TypedArticle,
) -> Answer<Article> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let account = account_of(&tx, grant, account).await?;
    let facts = facts(&tx, &account, typed).await?;
    let article = article_insert(&mut tx, account.id, &facts).await?;
    tx.commit().await?;
    Ok(article)
}

fn open(article: &Article, seen: Option<i64>) -> Answer<()> {
    if seen.is_some_and(|seen| seen != article.version) {
        return Err(ApiError::new(ErrorCode::VersionConflict));
    }
    if article.state.open() { Ok(()) } else { Err(ApiError::new(ErrorCode::ArticleWrongState)) }
}

/// Changes an article that is not at the platform.
pub async fn change(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    id: ArticleId,
    seen: Option<i64>,
    typed: &TypedArticle,
) -> Answer<Article> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let (account, article) = covered(&tx, grant, id).await?;
    open(&article, seen)?;
    let facts = facts(&tx, &account, typed).await?;
    article_save(&mut tx, &article, &facts).await?;
    let article = article_get(&tx, id).await?;
    tx.commit().await?;
    Ok(article)
}

/// Deletes an article here; what was published stays at the platform.
pub async fn delete(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    id: ArticleId,
) -> Answer<ChannelAccountId> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let (account, article) = covered(&tx, grant, id).await?;
    if !(article.state.open() || article.state == ArticleState::Published) {
        return Err(ApiError::new(ErrorCode::ArticleWrongState));
    }
    article_delete(&mut tx, id).await?;
    let detail = json!({ "title": article.facts.title });
    audit_append(&mut tx, AuditAction::ArticleDeleted, "article", &id.to_string(), detail).await?;
    tx.commit().await?;
    Ok(account.id)
}

/// Has an article published: a job brings it to the platform.
pub async fn publish(
    state: &AppState,
    grant: &Grant<perm::FollowerManage>,
    id: ArticleId,
) -> Answer<Article> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let (_, article) = covered(&tx, grant, id).await?;
    open(&article, None)?;
    article_move(&mut tx, &article, ArticleState::Queued, &ArticleMove::default()).await?;
    job_enqueue(&mut tx, publish_job(id)).await?;
    let detail = json!({ "title": article.facts.title });
    audit_append(&mut tx, AuditAction::ArticlePublished, "article", &id.to_string(), detail).await?;
    let article = article_get(&tx, id).await?;
    tx.commit().await?;
    Ok(article)
}

/// Looks at once how far the publishing is.
pub async fn look(state: &AppState, grant: &Grant<perm::FollowerManage>, id: ArticleId) -> Answer<Article> {
    let mut tx = state.db.begin(grant.ctx()).await?;
    let (_, article) = covered(&tx, grant, id).await?;
    if article.state == ArticleState::Publishing {
        job_enqueue(&mut tx, check_job(id, None)).await?;
        tx.commit().await?;
    }
    Ok(article)
}
