//! Articles of public accounts.

use crate::db::TenantTx;
use crate::entity::article as row;
use crate::error::{StoreError, StoreResult};
use crate::page::{Cursor, Page, PageRequest};
use crate::store::keyset::newest_first;
use qianpu_domain::article::ArticleState;
use qianpu_domain::ids::{ArticleId, ChannelAccountId, ListingId, MediaId};
use qianpu_domain::time::Timestamp;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter};

/// What is written of an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArticleFacts {
    /// Title.
    pub title: String,
    /// Who wrote it.
    pub author: String,
    /// What stands below the title where it is shared.
    pub digest: String,
    /// As it was typed.
    pub content: String,
    /// Where "read the original" leads.
    pub source_url: Option<String>,
    /// The cover.
    pub cover: MediaId,
    /// The product whose card stands at the end, as it is listed at a channel.
    pub listing: Option<ListingId>,
}

/// An article.
#[derive(Clone, Debug)]
pub struct Article {
    /// Its id.
    pub id: ArticleId,
    /// The account.
    pub account: ChannelAccountId,
    /// What is written.
    pub facts: ArticleFacts,
    /// Where it stands.
    pub state: ArticleState,
    /// What the platform knows of it, as JSON of the interface for plugins.
    pub refs: serde_json::Value,
    /// The platform's id of its publishing.
    pub publish_id: Option<String>,
    /// The platform's id of it, once published.
    pub external_id: Option<String>,
    /// Where it is read.
    pub url: Option<String>,
    /// Why it was refused.
    pub error: Option<String>,
    /// Since when people can read it.
    pub published_at: Option<Timestamp>,
    /// For `If-Match`.
    pub version: i64,
    /// When it was begun.
    pub created_at: Timestamp,
}

fn from_model(row: row::Model) -> StoreResult<Article> {
    Ok(Article {
        id: ArticleId(row.id),
        account: ChannelAccountId(row.channel_account_id),
        facts: ArticleFacts {
            title: row.title,
            author: row.author,
            digest: row.digest,
            content: row.content,
            source_url: row.source_url,
            cover: MediaId(row.cover_id),
            listing: row.listing_id.map(ListingId),
        },
        state: ArticleState::from_text(&row.state).ok_or(StoreError::Corrupt("articles.state"))?,
        refs: serde_json::from_str(&row.refs).map_err(|_| StoreError::Corrupt("articles.refs"))?,
        publish_id: row.publish_id,
        external_id: row.external_id,
        url: row.url,
        error: row.error_text,
        published_at: row.published_at.map(Timestamp::from_micros),
        version: row.version,
        created_at: Timestamp::from_micros(row.created_at),
    })
}

/// Begins an article.
pub async fn article_insert(
    tx: &mut TenantTx,
    account: ChannelAccountId,
    facts: &ArticleFacts,
) -> StoreResult<Article> {
    let now = tx.now().micros();
    let facts = facts.clone();
    let model = row::Model {
        tenant_id: tx.tenant(),
        id: tx.new_id(),
        channel_account_id: account.0,
        title: facts.title,
        author: facts.author,
        digest: facts.digest,
        content: facts.content,
        source_url: facts.source_url,
        cover_id: facts.cover.0,
        listing_id: facts.listing.map(|listing| listing.0),
        state: ArticleState::Draft.as_str().to_owned(),
        refs: "{}".to_owned(),
        publish_id: None,
        external_id: None,
        url: None,
        error_text: None,
        published_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    row::ActiveModel::from(model.clone()).insert(tx.conn()).await?;
    from_model(model)
}

/// One article.
pub async fn article_get(tx: &TenantTx, id: ArticleId) -> StoreResult<Article> {
    let found = row::Entity::find_by_id((tx.tenant(), id.0)).one(tx.conn()).await?;
    found.map(from_model).transpose()?.ok_or(StoreError::NotFound)
}

/// Articles of an account, newest first.
pub async fn article_list(
    tx: &TenantTx,
    account: ChannelAccountId,
    page: PageRequest,
) -> StoreResult<Page<Article>> {
    let query = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0));
    let rows = newest_first(query, row::Column::CreatedAt, row::Column::Id, page).all(tx.conn()).await?;
    let rows = rows.into_iter().map(from_model).collect::<StoreResult<Vec<_>>>()?;
    Ok(Page::from_rows(rows, page.limit, |row| Cursor { at: row.created_at, id: row.id.0 }))
}

/// The article with this publishing.
pub async fn article_by_publishing(
    tx: &TenantTx,
    account: ChannelAccountId,
    publish_id: &str,
) -> StoreResult<Option<Article>> {
    let found = row::Entity::find()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::ChannelAccountId.eq(account.0))
        .filter(row::Column::PublishId.eq(publish_id))
        .one(tx.conn())
        .await?;
    found.map(from_model).transpose()
}

async fn update(tx: &mut TenantTx, seen: &Article, columns: Vec<(row::Column, Expr)>) -> StoreResult<()> {
    let mut query = row::Entity::update_many()
        .col_expr(row::Column::Version, Expr::col(row::Column::Version).add(1))
        .col_expr(row::Column::UpdatedAt, Expr::value(tx.now().micros()))
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(seen.id.0))
        .filter(row::Column::Version.eq(seen.version));
    for (column, value) in columns {
        query = query.col_expr(column, value);
    }
    if query.exec(tx.conn()).await?.rows_affected == 1 { Ok(()) } else { Err(StoreError::VersionConflict) }
}

/// Changes what is written; the article is a draft again.
pub async fn article_save(tx: &mut TenantTx, seen: &Article, facts: &ArticleFacts) -> StoreResult<()> {
    use row::Column as C;
    let columns = vec![
        (C::Title, Expr::value(facts.title.as_str())),
        (C::Author, Expr::value(facts.author.as_str())),
        (C::Digest, Expr::value(facts.digest.as_str())),
        (C::Content, Expr::value(facts.content.as_str())),
        (C::SourceUrl, Expr::value(facts.source_url.clone())),
        (C::CoverId, Expr::value(facts.cover.0)),
        (C::ListingId, Expr::value(facts.listing.map(|listing| listing.0))),
        (C::State, Expr::value(ArticleState::Draft.as_str())),
        (C::ErrorText, Expr::value(None::<String>)),
    ];
    update(tx, seen, columns).await
}

/// What became of an article at the platform.
#[derive(Clone, Debug, Default)]
pub struct ArticleMove {
    /// What the platform knows of it.
    pub refs: Option<serde_json::Value>,
    /// The platform's id of its publishing.
    pub publish_id: Option<String>,
    /// The platform's id of it, and where it is read.
    pub published: Option<(String, String)>,
    /// Why it was refused.
    pub error: Option<String>,
}

/// Moves an article on, if it is still as it was seen.
pub async fn article_move(
    tx: &mut TenantTx,
    seen: &Article,
    to: ArticleState,
    change: &ArticleMove,
) -> StoreResult<()> {
    use row::Column as C;
    let short = |text: &String| text.chars().take(500).collect::<String>();
    let mut columns = vec![
        (C::State, Expr::value(to.as_str())),
        (C::ErrorText, Expr::value(change.error.as_ref().map(short))),
    ];
    if let Some(refs) = &change.refs {
        columns.push((C::Refs, Expr::value(refs.to_string())));
    }
    if let Some(publish_id) = &change.publish_id {
        columns.push((C::PublishId, Expr::value(publish_id.as_str())));
    }
    if let Some((id, url)) = &change.published {
        columns.push((C::ExternalId, Expr::value(id.as_str())));
        columns.push((C::Url, Expr::value(url.as_str())));
        columns.push((C::PublishedAt, Expr::value(tx.now().micros())));
    }
    update(tx, seen, columns).await
}

/// Deletes an article here; what was published stays at the platform.
pub async fn article_delete(tx: &mut TenantTx, id: ArticleId) -> StoreResult<()> {
    row::Entity::delete_many()
        .filter(row::Column::TenantId.eq(tx.tenant()))
        .filter(row::Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}
