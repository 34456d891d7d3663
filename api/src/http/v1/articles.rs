//! `/channel_accounts/{id}/articles` and `/articles`: articles of public accounts, and what was sold by them.

use crate::app::followers::article_sales;
use crate::app::followers::articles::{self, TypedArticle};
use crate::error::Answer;
use crate::http::describe::{Accepted, Created, NoContent, Versioned};
use crate::http::extract::{Authed, IfMatch, Json, Path, Query};
use crate::http::route::Api;
use crate::http::wire::{Id, Money, Page, Time, page_request};
use qianpu_domain::ids::{ArticleId, ChannelAccountId, ListingId, MediaId};
use qianpu_tenants::authz::perm;
use qianpu_tenants::store::article::Article;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(super) fn routes(api: &mut Api<'_>) {
    let of_account = "/channel_accounts/{channel_account_id}";
    api.get(&format!("{of_account}/articles"), list_articles, "Articles of a public account, newest first");
    api.post(&format!("{of_account}/articles"), write_article, "Begin an article");
    api.get(
        &format!("{of_account}/article_sales"),
        get_article_sales,
        "What was sold by cards in articles of the account, in the last 30 days",
    );
    let one = "/articles/{article_id}";
    api.get(one, get_article, "One article");
    api.put(one, change_article, "Change an article that is not at the platform");
    api.delete(one, delete_article, "Delete an article here; what was published stays at the platform");
    api.post(
        &format!("{one}/publish"),
        publish_article,
        "Have an article published; the platform takes its time",
    );
    api.post(&format!("{one}/look"), look_at_article, "Ask the platform at once how far it is");
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ArticleBody {
    /// Up to 32 characters.
    title: String,
    /// Up to 16 characters.
    #[serde(default)]
    author: String,
    /// Up to 128 characters.
    #[serde(default)]
    digest: String,
    /// Paragraphs parted by empty lines; a line that begins with `# ` is a heading. Under 20,000 characters as HTML.
    content: String,
    /// Where "read the original" leads.
    #[serde(default)]
    source_url: Option<String>,
    /// A picture that was uploaded.
    cover_id: String,
    /// A product that is listed in a WeChat shop: its card stands at the end. Of accounts that are linked directly.
    #[serde(default)]
    listing_id: Option<String>,
}

impl From<&ArticleBody> for TypedArticle {
    fn from(body: &ArticleBody) -> Self {
        Self {
            title: body.title.clone(),
            author: body.author.clone(),
            digest: body.digest.clone(),
            content: body.content.clone(),
            source_url: body.source_url.clone().unwrap_or_default(),
            cover_id: body.cover_id.clone(),
            listing_id: body.listing_id.clone().unwrap_or_default(),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct ArticleView {
    #[schema(value_type = String)]
    id: Id<ArticleId>,
    #[schema(value_type = String)]
    channel_account_id: Id<ChannelAccountId>,
    title: String,
    author: String,
    digest: String,
    content: String,
    source_url: Option<String>,
    #[schema(value_type = String)]
    cover_id: Id<MediaId>,
    #[schema(value_type = Option<String>)]
    listing_id: Option<Id<ListingId>>,
    /// `draft`, `queued`, `submitting`, `publishing`, `published`, `refused`, or `unknown`: no answer came to the
    /// submission, so look at the platform before it is tried again.
    state: &'static str,
    /// Where it is read.
    url: Option<String>,
    /// Why it was refused.
    error: Option<String>,
    #[schema(value_type = Option<String>)]
    published_at: Option<Time>,
    version: i64,
    #[schema(value_type = String)]
    created_at: Time,
}

fn view(article: Article) -> ArticleView {
    let facts = article.facts;
    ArticleView {
        id: Id(article.id),
        channel_account_id: Id(article.account),
        title: facts.title,
        author: facts.author,
        digest: facts.digest,
        content: facts.content,
        source_url: facts.source_url,
        cover_id: Id(facts.cover),
        listing_id: facts.listing.map(Id),
        state: article.state.as_str(),
        url: article.url,
        error: article.error,
        published_at: article.published_at.map(Time),
        version: article.version,
        created_at: Time(article.created_at),
    }
}

fn versioned(article: Article) -> Versioned<ArticleView> {
    Versioned { version: article.version, body: view(article) }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct ListArticlesQuery {
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn list_articles(
    auth: Authed<perm::FollowerRead, (Path<ChannelAccountId>, Query<ListArticlesQuery>)>,
) -> Answer<Json<Page<ArticleView>>> {
    let (Path(account), Query(query)) = &auth.input;
    let page = page_request(query.limit, query.cursor.as_deref())?;
    Ok(Json(Page::of(articles::list(&auth.state, &auth.grant, *account, page).await?.1, view)))
}

async fn write_article(
    auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, Json<ArticleBody>)>,
) -> Answer<Created<ArticleView>> {
    let (Path(account), Json(body)) = &auth.input;
    Ok(Created(view(articles::write(&auth.state, &auth.grant, *account, &body.into()).await?)))
}

async fn get_article(auth: Authed<perm::FollowerRead, Path<ArticleId>>) -> Answer<Versioned<ArticleView>> {
    Ok(versioned(articles::get(&auth.state, &auth.grant, auth.input.0).await?.1))
}

async fn change_article(
    auth: Authed<perm::FollowerManage, (Path<ArticleId>, IfMatch, Json<ArticleBody>)>,
) -> Answer<Versioned<ArticleView>> {
    let (Path(id), IfMatch(seen), Json(body)) = &auth.input;
    Ok(versioned(articles::change(&auth.state, &auth.grant, *id, *seen, &body.into()).await?))
}

async fn delete_article(auth: Authed<perm::FollowerManage, Path<ArticleId>>) -> Answer<NoContent> {
    articles::delete(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(NoContent)
}

async fn publish_article(
    auth: Authed<perm::FollowerManage, Path<ArticleId>>,
) -> Answer<Accepted<ArticleView>> {
    Ok(Accepted(view(articles::publish(&auth.state, &auth.grant, auth.input.0).await?)))
}

async fn look_at_article(
    auth: Authed<perm::FollowerManage, Path<ArticleId>>,
) -> Answer<Accepted<ArticleView>> {
    Ok(Accepted(view(articles::look(&auth.state, &auth.grant, auth.input.0).await?)))
}

#[derive(Debug, Serialize, ToSchema)]
struct ArticleSalesView {
    /// Paid orders. The platform tells the account an order came by, not the article.
    orders: i64,
    total: Money,
    #[schema(value_type = String)]
    since: Time,
}

async fn get_article_sales(
    auth: Authed<perm::FollowerRead, Path<ChannelAccountId>>,
) -> Answer<Json<ArticleSalesView>> {
    let found = article_sales::of(&auth.state, &auth.grant, auth.input.0).await?;
    Ok(Json(ArticleSalesView { orders: found.orders, total: found.total.into(), since: Time(found.since) }))
}
