//! Drafts 草稿箱 and publishing 发布能力.
//!
//! From <https://developers.weixin.qq.com/doc/offiaccount/Draft_Box/Add_draft.html>,
//! <https://developers.weixin.qq.com/doc/service/api/public/api_freepublish_get> and, for the card of a product,
//! <https://developers.weixin.qq.com/doc/service/api/draftbox/shop/api_ecsgetproductcardinfo>, which a third-party
//! platform may not call: an account that is linked through one has no cards.

use qianpu_sdk::wire::{integer, text};
use qianpu_sdk::{
    Answer, ArticleDraft, ArticleRefs, ChannelError, Content, Context, ErrorClass, Part, PartContent,
    Publishing, Request, Step, Turn, decode_state, encode_state,
};
use qianpu_wechat_wire::call::{API, CALLS, account_post, read_only, required_id, required_text};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Drafts and publishing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Articles;

/// "invalid media_id": the draft is not there any more.
const NO_DRAFT: &str = "40007";

#[derive(Serialize, Deserialize)]
struct Job {
    draft: ArticleDraft,
    refs: ArticleRefs,
    card: Option<String>,
    stage: Stage,
}

#[derive(Serialize, Deserialize)]
enum Stage {
    Cover,
    Card,
    Update,
    Add,
}

fn go(request: Request, job: Job, stage: Stage) -> Turn<ArticleRefs> {
    Ok(Step::call(request, encode_state(&Job { stage, ..job })?))
}

/// Uploads the cover as a permanent picture, unless it is there.
fn cover(cx: &Context<'_>, job: Job) -> Turn<ArticleRefs> {
    if job.refs.cover.as_ref().is_some_and(|(asset, _)| *asset == job.draft.cover) {
        return card(cx, job);
    }
    let part = Part {
        name: "media".to_owned(),
        filename: Some("cover.png".to_owned()),
        content_type: Some("image/png".to_owned()),
        content: PartContent::Asset(job.draft.cover.clone()),
    };
    // Uploading twice leaves an unused picture and does no other harm.
    let request = Request::post_multipart(API, "/cgi-bin/material/add_material", vec![part])
        .secret_query("access_token", cx.account_token()?.expose())
        .query("type", "image")
        .bucket(CALLS)
        .idempotent()
        .timeout_ms(30_000);
    go(request, job, Stage::Cover)
}

fn card(cx: &Context<'_>, job: Job) -> Turn<ArticleRefs> {
    let Some(product_id) = &job.draft.product_id else { return save(cx, job) };
    if cx.account()?.secret.is_none() {
        let text = "通过第三方平台授权的公众号不能插入商品卡片，请直接关联该公众号或去掉商品";
        return Err(ChannelError::field("product_id", "not_here", text));
    }
    let body = json!({ "product_id": product_id, "article_type": "news", "card_type": 0 });
    let request = account_post(cx, "/channels/ec/service/product/getcardinfo", &body)?.idempotent();
    go(request, job, Stage::Card)
}

fn article(job: &Job) -> Value {
    let draft = &job.draft;
    let thumb = job.refs.cover.as_ref().map(|(_, id)| id.as_str()).unwrap_or_default();
    let mut article = json!({ "article_type": "news", "title": draft.title, "author": draft.author,
        "digest": draft.digest, "content": draft.content, "thumb_media_id": thumb,
        "content_source_url": draft.source_url.as_deref().unwrap_or_default(),
        "need_open_comment": 0, "only_fans_can_comment": 0 });
    if let Some(key) = &job.card {
        article["product_info"] = json!({ "footer_product_info": { "product_key": key } });
    }
    article
}

fn save(cx: &Context<'_>, job: Job) -> Turn<ArticleRefs> {
    match &job.refs.draft_id {
        Some(id) => {
            let body = json!({ "media_id": id, "index": 0, "articles": article(&job) });
            go(account_post(cx, "/cgi-bin/draft/update", &body)?.idempotent(), job, Stage::Update)
        }
        None => add(cx, job),
    }
}

fn add(cx: &Context<'_>, job: Job) -> Turn<ArticleRefs> {
    let request = account_post(cx, "/cgi-bin/draft/add", &json!({ "articles": [article(&job)] }))?;
    go(request, job, Stage::Add)
}

impl Content for Articles {
    fn save_draft(&self, cx: &Context<'_>, draft: &ArticleDraft, refs: &ArticleRefs) -> Turn<ArticleRefs> {
        cover(cx, Job { draft: draft.clone(), refs: refs.clone(), card: None, stage: Stage::Cover })
    }

    fn resume_save_draft(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ArticleRefs> {
        let mut job: Job = decode_state(state)?;
        let answer = read_only(cx, answers);
        match job.stage {
            Stage::Cover => {
                let id = required_text(&answer?, "media_id")?;
                job.refs.cover = Some((job.draft.cover.clone(), id));
                card(cx, job)
            }
            Stage::Card => {
                job.card = Some(required_text(&answer?, "product_key")?);
                save(cx, job)
            }
            Stage::Update => match answer {
                Ok(body) if body.get("errcode").is_some() => Ok(Step::Done(job.refs)),
                Ok(_) => Err(ChannelError::unexpected("the answer has no errcode")),
                // Published or deleted at the platform meanwhile: a new one.
                Err(error) if error.remote_code() == Some(NO_DRAFT) => {
                    job.refs.draft_id = None;
                    add(cx, job)
                }
                Err(error) => Err(error),
            },
            Stage::Add => {
                job.refs.draft_id = Some(required_text(&answer?, "media_id")?);
                Ok(Step::Done(job.refs))
            }
        }
    }

    fn submit(&self, cx: &Context<'_>, draft_id: &str) -> Turn<String> {
        let request = account_post(cx, "/cgi-bin/freepublish/submit", &json!({ "media_id": draft_id }))?;
        Ok(Step::call(request, Vec::new()))
    }
    fn resume_submit(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<String> {
        own(state)?;
        Ok(Step::Done(required_id(&read_only(cx, answers)?, "publish_id")?))
    }

    fn publishing(&self, cx: &Context<'_>, publish_id: &str) -> Turn<Publishing> {
        let body = json!({ "publish_id": publish_id });
        let request = account_post(cx, "/cgi-bin/freepublish/get", &body)?.idempotent();
        Ok(Step::call(request, Vec::new()))
    }
    fn resume_publishing(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Publishing> {
        own(state)?;
        let body = read_only(cx, answers)?;
        let status = integer(&body["publish_status"])
            .ok_or_else(|| ChannelError::new(ErrorClass::Unexpected, "the answer has no publish_status"))?;
        Ok(Step::Done(match status {
            0 => {
                let items = &body["article_detail"]["item"];
                let first = if items.is_array() { &items[0] } else { items };
                Publishing::Published {
                    article_id: required_text(&body, "article_id")?,
                    url: text(&first["article_url"])
                        .ok_or_else(|| ChannelError::unexpected("the answer has no article_url"))?,
                }
            }
            1 => Publishing::Going,
            other => Publishing::Refused { native: other.to_string() },
        }))
    }
}

fn own(state: &[u8]) -> Result<(), ChannelError> {
    if state.is_empty() { Ok(()) } else { Err(ChannelError::unexpected("a state that is not ours")) }
}
