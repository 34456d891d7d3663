//! Articles of an account: the list with what was sold by them, and the form of one.

use super::super::apply::may_be_mended;
use super::super::goods::picture_address;
use super::{Reach, of_account};
use crate::app::followers::article_sales;
use crate::app::followers::articles::{self, TypedArticle};
use crate::app::media::{self, Purpose};
use crate::error::Answer;
use crate::http::extract::{Authed, Fields, Path, Query, Upload};
use crate::http::route::PageRoutes;
use crate::http::v1::MEDIA_LIMIT;
use crate::http::wire::{cursor_text, page_request};
use crate::pages::respond::PageAnswer;
use crate::pages::{Flash, FormView};
use qianpu_domain::access::Permission;
use qianpu_domain::article::ArticleState;
use qianpu_domain::ids::{ArticleId, ChannelAccountId, ListingId};
use qianpu_tenants::authz::{Perm, perm};
use qianpu_tenants::page::PageRequest;
use qianpu_tenants::store::article::Article;
use qianpu_tenants::store::channel_account::ChannelAccount;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const ARTICLES: &str = "/console/merchant/articles";

pub(super) fn routes(pages: &mut PageRoutes<'_>) {
    pages.get("/console/merchant/channel_accounts/{channel_account_id}/articles", articles_page);
    pages.get("/console/merchant/channel_accounts/{channel_account_id}/articles/new", new_article_page);
    pages.post("/console/merchant/channel_accounts/{channel_account_id}/articles/new", new_article_form);
    pages.get("/console/merchant/articles/{article_id}", article_page);
    pages.post("/console/merchant/articles/{article_id}", article_form);
    pages.post("/console/merchant/articles/{article_id}/publish", publish_article_form);
    pages.post("/console/merchant/articles/{article_id}/look", look_article_form);
    pages.post("/console/merchant/articles/{article_id}/delete", delete_article_form);
}

#[derive(Deserialize, IntoParams)]
struct ArticlesQuery {
    cursor: Option<String>,
}

#[derive(Serialize)]
struct ArticleRow {
    href: String,
    title: String,
    cover: String,
    state: &'static str,
    url: Option<String>,
    error: Option<String>,
    at: i64,
}

#[derive(Serialize)]
struct ArticlesView {
    reach: Reach,
    add: String,
    articles: Vec<ArticleRow>,
    orders: i64,
    total: i64,
    may_manage: bool,
    next_page: Option<String>,
}

async fn articles_page(
    auth: Authed<perm::FollowerRead, (Path<ChannelAccountId>, Query<ArticlesQuery>)>,
) -> PageAnswer {
    let (Path(id), Query(query)) = &auth.input;
    let page = page_request(Some(20), query.cursor.as_deref())?;
    let (account, found) = articles::list(&auth.state, &auth.grant, *id, page).await?;
    let sales = article_sales::of(&auth.state, &auth.grant, *id).await?;
    let home = of_account(*id, "articles");
    let row = |article: Article| ArticleRow {
        href: format!("{ARTICLES}/{}", article.id),
        title: article.facts.title,
        cover: picture_address(article.facts.cover),
        state: article.state.as_str(),
        url: article.url,
        error: article.error,
        at: article.published_at.unwrap_or(article.created_at).micros(),
    };
    let view = ArticlesView {
        reach: Reach::of(&account, "articles"),
        add: format!("{home}/new"),
        next_page: found.next.map(|next| format!("{home}?cursor={}", cursor_text(&next))),
        articles: found.items.into_iter().map(row).collect(),
        orders: sales.orders,
        total: sales.total.get(),
        may_manage: auth.caller.may(Permission::FollowerManage),
    };
    auth.page("followers/articles", view)
}

#[derive(Serialize)]
struct Choice {
    value: String,
    label: String,
}

#[derive(Serialize)]
struct ArticleView {
    form: FormView,
    reach: Reach,
    at: String,
    back: String,
    heading: Option<String>,
    state: Option<&'static str>,
    open: bool,
    going: bool,
    known: bool,
    deletable: bool,
    url: Option<String>,
    error: Option<String>,
    cover: Option<String>,
    cards: Vec<Choice>,
    /// A third-party platform may not ask for cards.
    through_app: bool,
    may_manage: bool,
}

async fn view<P: Perm, T>(
    auth: &Authed<P, T>,
    account: &ChannelAccount,
    article: Option<&Article>,
    form: FormView,
) -> Answer<ArticleView> {
    let grant = auth.caller.grant::<perm::FollowerRead>()?;
    let cards = articles::cards(&auth.state, &grant, account).await?;
    let state = article.map(|article| article.state);
    let may_manage = auth.caller.may(Permission::FollowerManage);
    let back = of_account(account.id, "articles");
    let open = state.is_none_or(ArticleState::open);
    let choice = |(listing, title): (ListingId, String)| Choice { value: listing.to_string(), label: title };
    Ok(ArticleView {
        form,
        reach: Reach::of(account, "articles"),
        at: article.map_or_else(|| format!("{back}/new"), |article| format!("{ARTICLES}/{}", article.id)),
        back,
        heading: article.map(|article| article.facts.title.clone()),
        open: open && may_manage,
        going: state == Some(ArticleState::Publishing),
        known: article.is_some(),
        deletable: may_manage && state.is_some_and(|state| state.open() || state == ArticleState::Published),
        state: state.map(ArticleState::as_str),
        url: article.and_then(|article| article.url.clone()),
        error: article.and_then(|article| article.error.clone()),
        cover: article.map(|article| picture_address(article.facts.cover)),
        cards: cards.into_iter().map(choice).collect(),
        through_app: account.app.is_some(),
        may_manage,
    })
}

fn filled(article: &Article) -> FormView {
    let facts = &article.facts;
    FormView::filled([
        ("title", facts.title.clone()),
        ("author", facts.author.clone()),
        ("digest", facts.digest.clone()),
        ("content", facts.content.clone()),
        ("source_url", facts.source_url.clone().unwrap_or_default()),
        ("cover_id", facts.cover.to_string()),
        ("listing_id", facts.listing.map(|listing| listing.to_string()).unwrap_or_default()),
    ])
}

type Sent = Upload<MEDIA_LIMIT>;

/// The form with the cover that came with it: stored first, so that it is kept when another field is wrong.
async fn typed<P: Perm, I>(auth: &Authed<P, I>, sent: &Sent) -> Answer<Fields> {
    let mut fields = sent.fields.clone();
    if let Some(file) = sent.file("cover") {
        let grant = auth.caller.grant::<perm::MediaWrite>()?;
        let stored =
            media::store(&auth.state, &grant, Purpose::Picture, &file.file_name, file.bytes.clone()).await?;
        fields.0.retain(|(name, _)| name != "cover_id");
        fields.0.push(("cover_id".to_owned(), stored.id.to_string()));
    }
    Ok(fields)
}

fn article_of(fields: &Fields) -> TypedArticle {
    let text = |name: &str| fields.text(name).to_owned();
    TypedArticle {
        title: text("title"),
        author: text("author"),
        digest: text("digest"),
        content: text("content"),
        source_url: text("source_url"),
        cover_id: text("cover_id"),
        listing_id: text("listing_id"),
    }
}

async fn new_article_page(auth: Authed<perm::FollowerManage, Path<ChannelAccountId>>) -> PageAnswer {
    let (account, _) = articles::list(&auth.state, &auth.grant, auth.input.0, PageRequest::first(1)).await?;
    let view = view(&auth, &account, None, FormView::default()).await?;
    auth.page("followers/article", view)
}

async fn new_article_form(auth: Authed<perm::FollowerManage, (Path<ChannelAccountId>, Sent)>) -> PageAnswer {
    let (Path(id), sent) = &auth.input;
    let (account, _) = articles::list(&auth.state, &auth.grant, *id, PageRequest::first(1)).await?;
    let fields = typed(&auth, sent).await?;
    match articles::write(&auth.state, &auth.grant, *id, &article_of(&fields)).await {
        Ok(article) => {
            let saved = Flash::success("followers.article_saved");
            Ok(auth.redirect_with(&saved, &format!("{ARTICLES}/{}", article.id)))
        }
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(&fields, &error, auth.info.lang);
            let view = view(&auth, &account, None, form).await?;
            auth.refused_page("followers/article", view)
        }
        Err(error) => Err(error),
    }
}

async fn article_page(auth: Authed<perm::FollowerRead, Path<ArticleId>>) -> PageAnswer {
    let (account, article) = articles::get(&auth.state, &auth.grant, auth.input.0).await?;
    let view = view(&auth, &account, Some(&article), filled(&article)).await?;
    auth.page("followers/article", view)
}

async fn article_form(auth: Authed<perm::FollowerManage, (Path<ArticleId>, Sent)>) -> PageAnswer {
    let (Path(id), sent) = &auth.input;
    let (account, article) = articles::get(&auth.state, &auth.grant, *id).await?;
    let fields = typed(&auth, sent).await?;
    match articles::change(&auth.state, &auth.grant, *id, None, &article_of(&fields)).await {
        Ok(_) => {
            Ok(auth.redirect_with(&Flash::success("followers.article_saved"), &format!("{ARTICLES}/{id}")))
        }
        Err(error) if may_be_mended(&error) => {
            let form = FormView::refused_by(&fields, &error, auth.info.lang);
            let view = view(&auth, &account, Some(&article), form).await?;
            auth.refused_page("followers/article", view)
        }
        Err(error) => Err(error),
    }
}

async fn publish_article_form(auth: Authed<perm::FollowerManage, (Path<ArticleId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    articles::publish(&auth.state, &auth.grant, *id).await?;
    Ok(auth.redirect_with(&Flash::success("followers.article_submitted"), &format!("{ARTICLES}/{id}")))
}

async fn look_article_form(auth: Authed<perm::FollowerManage, (Path<ArticleId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    articles::look(&auth.state, &auth.grant, *id).await?;
    Ok(auth.redirect(&format!("{ARTICLES}/{id}")))
}

async fn delete_article_form(auth: Authed<perm::FollowerManage, (Path<ArticleId>, Fields)>) -> PageAnswer {
    let (Path(id), _) = &auth.input;
    let account = articles::delete(&auth.state, &auth.grant, *id).await?;
    Ok(auth.redirect_with(&Flash::success("followers.article_deleted"), &of_account(account, "articles")))
}
