//! Publishing: freight template → pictures → read what is there → add or update → listing → read.
//!
//! Invariant: once `product/add` answered with an id, the operation ends in `Done` with that id, whatever fails
//! afterwards ([`Published::unfinished`]).

use crate::WechatStore;
use crate::listing::{self, Move, NO_PRODUCT};
use crate::product;
use qianpu_sdk::wire::{id, text};
use qianpu_sdk::{
    Answer, AuditState, Catalog, ChannelError, Context, ErrorClass, ListingState, Part, PartContent, Picture,
    ProductDraft, Published, PublishedRefs, RemoteListing, Request, ShelfState, Step, Turn, decode_state,
    encode_state,
};
use qianpu_wechat_wire::call::{API, CALLS, account_post, read, read_only};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Pages of the product list that are searched for a product that may exist already.
const SEARCH_PAGES: u32 = 10;
const SEARCH_PAGE: u32 = 30;
/// Freight templates whose details are read to find the default one.
const MAX_TEMPLATES: usize = 20;

#[derive(Serialize, Deserialize)]
struct Job {
    draft: ProductDraft,
    refs: PublishedRefs,
    template: String,
    stage: Stage,
}

#[derive(Serialize, Deserialize)]
enum Stage {
    /// Asked for the ids of freight templates.
    Templates,
    /// Asked for the details of these freight templates.
    TemplateDetails(Vec<String>),
    /// Sent these pictures.
    Pictures(Vec<Picture>),
    /// Asked for a page of the product list, looking for one of ours.
    Search { pages: u32 },
    /// Asked for the products of that page.
    SearchDetails { ids: Vec<String>, pages: u32, next: Option<String> },
    /// Asked for the product as it is.
    Before,
    /// Sent the draft.
    Writing,
    /// Asked for it to be listed.
    Listing,
    /// Asked for the product as it is now.
    After,
}

impl Catalog for WechatStore {
    fn publish(&self, cx: &Context<'_>, draft: &ProductDraft, refs: &PublishedRefs) -> Turn<Published> {
        product::check(draft)?;
        let template = draft.freight_template_id.clone().or_else(|| id(&cx.settings["freight_template_id"]));
        let job = Job {
            draft: draft.clone(),
            refs: refs.clone(),
            template: String::new(),
            stage: Stage::Templates,
        };
        match template {
            Some(template) => pictures(cx, Job { template, ..job }),
            None => {
                let body = json!({ "offset": 0, "limit": 100 });
                let request =
                    account_post(cx, "/channels/ec/merchant/getfreighttemplatelist", &body)?.idempotent();
                go(request, job)
            }
        }
    }

    fn resume_publish(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Published> {
        let mut job: Job = decode_state(state)?;
        match std::mem::replace(&mut job.stage, Stage::Templates) {
            Stage::Templates => templates(cx, job, &read_only(cx, answers)?),
            Stage::TemplateDetails(ids) => template_details(cx, job, ids, answers),
            Stage::Pictures(sent) => uploaded(cx, job, &sent, answers),
            Stage::Search { pages } => searched(cx, job, pages, &read_only(cx, answers)?),
            Stage::SearchDetails { ids, pages, next } => search_details(cx, job, &ids, pages, next, answers),
            Stage::Before => before(cx, job, read_only(cx, answers)),
            Stage::Writing => written(cx, job, read_only(cx, answers)),
            Stage::Listing => listed(cx, job, read_only(cx, answers)),
            Stage::After => after(job, read_only(cx, answers)),
        }
    }

    fn fetch(&self, cx: &Context<'_>, product_id: &str) -> Turn<RemoteListing> {
        Ok(Step::call(listing::get(cx, product_id)?, encode_state(&product_id)?))
    }
    fn resume_fetch(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<RemoteListing> {
        let product_id: String = decode_state(state)?;
        listing::read(&read_only(cx, answers)?, &product_id).map(Step::Done)
    }

    fn list(&self, cx: &Context<'_>, product_id: &str) -> Turn<RemoteListing> {
        listing::start(cx, product_id)
    }
    fn resume_list(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<RemoteListing> {
        listing::resume(cx, state, answers, Move::On)
    }

    fn delist(&self, cx: &Context<'_>, product_id: &str) -> Turn<RemoteListing> {
        listing::start(cx, product_id)
    }
    fn resume_delist(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<RemoteListing> {
        listing::resume(cx, state, answers, Move::Off)
    }
}

fn go(request: Request, job: Job) -> Turn<Published> {
    Ok(Step::call(request, encode_state(&job)?))
}

fn go_parallel(requests: Vec<Request>, job: Job) -> Turn<Published> {
    Ok(Step::Call { requests, parallel: true, state: encode_state(&job)? })
}

fn templates(cx: &Context<'_>, job: Job, body: &Value) -> Turn<Published> {
    let ids = body["template_id_list"]
        .as_array()
        .ok_or_else(|| ChannelError::unexpected("the answer has no template_id_list"))?;
    let mut ids: Vec<String> = ids.iter().filter_map(id).take(MAX_TEMPLATES).collect();
    match ids.len() {
        0 => Err(ChannelError::field(
            "freight_template_id",
            "missing",
            "微信小店还没有运费模板，请先在小店后台添加一个运费模板",
        )),
        1 => {
            let template = ids.remove(0);
            pictures(cx, Job { template, ..job })
        }
        _ => {
            let requests = ids
                .iter()
                .map(|template_id| {
                    let body = json!({ "template_id": template_id });
                    Ok(account_post(cx, "/channels/ec/merchant/getfreighttemplatedetail", &body)?
                        .idempotent())
                })
                .collect::<Result<Vec<_>, ChannelError>>()?;
            go_parallel(requests, Job { stage: Stage::TemplateDetails(ids), ..job })
        }
    }
}

/// A wrong template means wrong freight, so with several the shop's own default decides.
fn template_details(cx: &Context<'_>, job: Job, ids: Vec<String>, answers: &[Answer]) -> Turn<Published> {
    let mut default = None;
    for (template, answer) in ids.into_iter().zip(answers) {
        let body = read(answer.response()?, cx.now)?;
        let flag = &body["freight_template"]["is_default"];
        if flag.as_bool() == Some(true) || flag.as_i64() == Some(1) {
            default = Some(template);
            break;
        }
    }
    let template = default.ok_or_else(|| {
        ChannelError::field(
            "freight_template_id",
            "ambiguous",
            "微信小店有多个运费模板且没有默认模板，请指定运费模板",
        )
    })?;
    pictures(cx, Job { template, ..job })
}

fn pictures(cx: &Context<'_>, job: Job) -> Turn<Published> {
    let missing = product::missing_pictures(&job.draft, &job.refs);
    if missing.is_empty() {
        return find(cx, job);
    }
    let requests = missing.iter().map(|picture| upload(cx, picture)).collect::<Result<Vec<_>, _>>()?;
    go_parallel(requests, Job { stage: Stage::Pictures(missing), ..job })
}

/// `resp_type=1`: the answer is an address; `upload_type` 0 = bytes, 1 = an address the platform fetches.
fn upload(cx: &Context<'_>, picture: &Picture) -> Result<Request, ChannelError> {
    const PATH: &str = "/channels/ec/basics/img/upload";
    let request = match &picture.asset {
        Some(asset) => {
            let part = Part {
                name: "media".to_owned(),
                filename: Some("picture".to_owned()),
                content_type: Some("application/octet-stream".to_owned()),
                content: PartContent::Asset(asset.clone()),
            };
            Request::post_multipart(API, PATH, vec![part])
                .secret_query("access_token", cx.account_token()?.expose())
                .bucket(CALLS)
                .query("upload_type", "0")
        }
        None => account_post(cx, PATH, &json!({ "img_url": picture.url }))?.query("upload_type", "1"),
    };
    // Uploading twice leaves an unused picture and does no other harm.
    Ok(request.query("resp_type", "1").idempotent().timeout_ms(30_000))
}

fn uploaded(cx: &Context<'_>, mut job: Job, sent: &[Picture], answers: &[Answer]) -> Turn<Published> {
    for (picture, answer) in sent.iter().zip(answers) {
        let body = read(answer.response()?, cx.now)?;
        let url = text(&body["pic_file"]["img_url"])
            .ok_or_else(|| ChannelError::unexpected("the answer to an upload has no pic_file.img_url"))?;
        job.refs.pictures.insert(picture.url.clone(), url);
    }
    find(cx, job)
}

fn find(cx: &Context<'_>, job: Job) -> Turn<Published> {
    match (&job.refs.product_id, job.refs.in_doubt) {
        (Some(product_id), _) => {
            let request = listing::get(cx, product_id)?;
            go(request, Job { stage: Stage::Before, ..job })
        }
        (None, true) => search(cx, job, 0, None),
        (None, false) => write(cx, job),
    }
}

fn search(cx: &Context<'_>, job: Job, pages: u32, next: Option<String>) -> Turn<Published> {
    let body = json!({ "page_size": SEARCH_PAGE, "next_key": next.unwrap_or_default() });
    let request = account_post(cx, "/channels/ec/product/list/get", &body)?.idempotent();
    go(request, Job { stage: Stage::Search { pages: pages + 1 }, ..job })
}

fn searched(cx: &Context<'_>, mut job: Job, pages: u32, body: &Value) -> Turn<Published> {
    let ids: Vec<String> = body["product_ids"].as_array().into_iter().flatten().filter_map(id).collect();
    if ids.is_empty() {
        job.refs.in_doubt = false;
        return write(cx, job);
    }
    let requests =
        ids.iter().map(|product_id| listing::get(cx, product_id)).collect::<Result<Vec<_>, _>>()?;
    let next = text(&body["next_key"]);
    go_parallel(requests, Job { stage: Stage::SearchDetails { ids, pages, next }, ..job })
}

fn search_details(
    cx: &Context<'_>,
    mut job: Job,
    ids: &[String],
    pages: u32,
    next: Option<String>,
    answers: &[Answer],
) -> Turn<Published> {
    for (product_id, answer) in ids.iter().zip(answers) {
        let found = listing::read(&read(answer.response()?, cx.now)?, product_id)?;
        if found.out_product_id.as_deref() == Some(&job.draft.out_product_id) {
            job.refs.in_doubt = false;
            job.refs.skus.extend(found.skus);
            job.refs.product_id = Some(product_id.clone());
            return find(cx, job);
        }
    }
    if next.is_some() && pages < SEARCH_PAGES {
        return search(cx, job, pages, next);
    }
    job.refs.in_doubt = false;
    write(cx, job)
}

fn before(cx: &Context<'_>, mut job: Job, answer: Result<Value, ChannelError>) -> Turn<Published> {
    let product_id = job.refs.product_id.clone().unwrap_or_default();
    let found = match answer {
        Ok(body) => Some(listing::read(&body, &product_id)?),
        Err(error) if error.remote_code() == Some(NO_PRODUCT) => None,
        Err(error) => return Err(error),
    };
    match found {
        // Somebody deleted it at the platform: our ids mean nothing any more, and it is made anew.
        None => {
            job.refs.product_id = None;
            job.refs.skus.clear();
            write(cx, job)
        }
        Some(found) if found.shelf == ShelfState::Deleted => {
            job.refs.product_id = None;
            job.refs.skus.clear();
            write(cx, job)
        }
        // The platform takes no new version now. The old one goes on; ours is sent when the audit has ended.
        Some(found) if matches!(found.audit, AuditState::Pending | AuditState::Writing) => {
            job.refs.skus.extend(found.skus.clone());
            let wait = if found.audit == AuditState::Writing { 30 } else { 300 };
            let unfinished = ChannelError::retry_later_seconds(
                wait,
                "an earlier version is still in the platform's audit",
            );
            Ok(Step::Done(Published {
                refs: job.refs,
                listing: found,
                warnings: vec!["上一个版本仍在平台审核中，审核结束后再提交新版本".to_owned()],
                unfinished: Some(unfinished),
            }))
        }
        Some(found) => {
            job.refs.skus.extend(found.skus);
            write(cx, job)
        }
    }
}

fn write(cx: &Context<'_>, job: Job) -> Turn<Published> {
    let back = id(&cx.settings["return_address_id"]);
    let body = product::body(&job.draft, &job.refs, &job.template, back.as_deref());
    // An update says how the product shall be, so sending it twice does no harm; an add does.
    let request = match job.refs.product_id {
        Some(_) => account_post(cx, "/channels/ec/product/update", &body)?.idempotent(),
        None => account_post(cx, "/channels/ec/product/add", &body)?,
    };
    go(request.timeout_ms(30_000), Job { stage: Stage::Writing, ..job })
}

fn written(cx: &Context<'_>, mut job: Job, answer: Result<Value, ChannelError>) -> Turn<Published> {
    let written = answer.and_then(|body| {
        let product_id = id(&body["data"]["product_id"]).or_else(|| job.refs.product_id.clone());
        let product_id =
            product_id.ok_or_else(|| ChannelError::unexpected("the answer has no data.product_id"))?;
        Ok((body, product_id))
    });
    let (body, product_id) = match written {
        Ok(written) => written,
        // An add whose answer is lost or unclear may have worked. Saying so beats making the product twice.
        Err(error) if job.refs.product_id.is_none() && is_unclear(&error) => {
            job.refs.in_doubt = true;
            return Ok(Step::Done(unfinished(job.refs, String::new(), error)));
        }
        Err(error) => return Err(error),
    };
    job.refs.in_doubt = false;
    job.refs.product_id = Some(product_id.clone());
    for sku in body["data"]["skus"].as_array().into_iter().flatten() {
        if let (Some(out_sku_id), Some(sku_id)) = (text(&sku["out_sku_id"]), id(&sku["sku_id"])) {
            job.refs.skus.insert(out_sku_id, sku_id);
        }
    }
    let request = account_post(cx, "/channels/ec/product/listing", &json!({ "product_id": product_id }))?;
    go(request.idempotent(), Job { stage: Stage::Listing, ..job })
}

fn is_unclear(error: &ChannelError) -> bool {
    match error.class {
        ErrorClass::Unexpected => true,
        // A limit refuses before anything is done; "busy", a lost connection and a time-out do not tell.
        ErrorClass::RetryLater { .. } => error.remote_code().is_none_or(|code| code == "-1"),
        _ => false,
    }
}

fn listed(cx: &Context<'_>, job: Job, answer: Result<Value, ChannelError>) -> Turn<Published> {
    let product_id = job.refs.product_id.clone().unwrap_or_default();
    match answer {
        Ok(_) => {
            let request = listing::get(cx, &product_id)?;
            go(request, Job { stage: Stage::After, ..job })
        }
        Err(error) => Ok(Step::Done(unfinished(job.refs, product_id, error))),
    }
}

fn after(mut job: Job, answer: Result<Value, ChannelError>) -> Turn<Published> {
    let product_id = job.refs.product_id.clone().unwrap_or_default();
    match answer.and_then(|body| listing::read(&body, &product_id)) {
        Ok(found) => {
            job.refs.skus.extend(found.skus.clone());
            Ok(Step::Done(Published {
                refs: job.refs,
                listing: found,
                warnings: Vec::new(),
                unfinished: None,
            }))
        }
        Err(error) => Ok(Step::Done(unfinished(job.refs, product_id, error))),
    }
}

fn unfinished(refs: PublishedRefs, product_id: String, error: ChannelError) -> Published {
    let listing = RemoteListing {
        product_id,
        out_product_id: None,
        skus: refs.skus.clone(),
        state: ListingState::Publishing,
        shelf: ShelfState::New,
        audit: AuditState::Editing,
        reason: None,
        native: String::new(),
        shown: None,
    };
    Published { refs, listing, warnings: Vec::new(), unfinished: Some(error) }
}
