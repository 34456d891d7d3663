//! Publishing: pictures → read what is there → add or edit, with audit → on the shelf if it is not → read.
//!
//! Invariant: once `/product/addV2` answered with an id, the operation ends in `Done` with that id, whatever fails
//! afterwards ([`Published::unfinished`]).

use crate::Douyin;
use crate::call::{account_call, read, read_only, rows};
use crate::listing::{self, Move};
use crate::product::{self, MAX_PICTURES};
use qianpu_sdk::wire::{id, text};
use qianpu_sdk::{
    Answer, AuditState, Catalog, ChannelError, Context, ErrorClass, ListingState, Picture, ProductDraft,
    Published, PublishedRefs, RemoteListing, Request, ShelfState, Step, Turn, decode_state, encode_state,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Pages of the product list that are searched for a product that may exist already.
const SEARCH_PAGES: u32 = 5;
const SEARCH_PAGE: u32 = 100;

#[derive(Serialize, Deserialize)]
struct Job {
    draft: ProductDraft,
    refs: PublishedRefs,
    stage: Stage,
}

#[derive(Serialize, Deserialize)]
enum Stage {
    /// Sent these pictures.
    Pictures(Vec<Picture>),
    /// Asked for this page of products with our title, looking for ours.
    Search(u32),
    /// Asked for the product as it is.
    Before,
    /// Sent the draft.
    Writing,
    /// Asked for the product as it is now.
    Written,
    /// Asked for it to be put on the shelf.
    Putting,
    /// Asked for the product a last time.
    After,
}

#[derive(Serialize, Deserialize)]
enum Fetching {
    Product(String),
    Refusal(Box<RemoteListing>),
}

impl Catalog for Douyin {
    fn publish(&self, cx: &Context<'_>, draft: &ProductDraft, refs: &PublishedRefs) -> Turn<Published> {
        product::check(draft)?;
        let missing = product::missing_pictures(draft, refs);
        let job = Job { draft: draft.clone(), refs: refs.clone(), stage: Stage::Before };
        if missing.is_empty() {
            return find(cx, job);
        }
        let requests = missing.iter().map(|picture| upload(cx, picture)).collect::<Result<Vec<_>, _>>()?;
        let state = encode_state(&Job { stage: Stage::Pictures(missing), ..job })?;
        Ok(Step::Call { requests, parallel: true, state })
    }

    fn resume_publish(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Published> {
        let mut job: Job = decode_state(state)?;
        match std::mem::replace(&mut job.stage, Stage::Before) {
            Stage::Pictures(sent) => uploaded(cx, job, &sent, answers),
            Stage::Search(page) => searched(cx, job, page, &read_only(cx, answers)?),
            Stage::Before => before(cx, job, &read_only(cx, answers)?),
            Stage::Writing => written(cx, job, read_only(cx, answers)),
            Stage::Written => shelved(cx, job, read_only(cx, answers)),
            Stage::Putting => put(cx, job, read_only(cx, answers)),
            Stage::After => Ok(Step::Done(finish(job, read_only(cx, answers)))),
        }
    }

    fn fetch(&self, cx: &Context<'_>, product_id: &str) -> Turn<RemoteListing> {
        let state = encode_state(&Fetching::Product(product_id.to_owned()))?;
        Ok(Step::call(listing::get(cx, product_id)?, state))
    }
    fn resume_fetch(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<RemoteListing> {
        match decode_state(state)? {
            Fetching::Product(product_id) => {
                let found = listing::read(&read_only(cx, answers)?, &product_id)?;
                if found.audit != AuditState::Refused {
                    return Ok(Step::Done(found));
                }
                let request = listing::refusals(cx, &product_id)?;
                Ok(Step::call(request, encode_state(&Fetching::Refusal(Box::new(found)))?))
            }
            // Without the reason the state is still true.
            Fetching::Refusal(found) => Ok(Step::Done(match read_only(cx, answers) {
                Ok(data) => listing::with_reason(*found, &data),
                Err(_) => *found,
            })),
        }
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

/// Into the material library: the platform fetches the picture from its address and answers with one of its own.
/// Uploading twice leaves one picture (`need_distinct`).
fn upload(cx: &Context<'_>, picture: &Picture) -> Result<Request, ChannelError> {
    let name = picture.url.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("picture");
    let name: String = name.chars().take(50).collect();
    let params =
        json!({ "folder_id": "0", "url": picture.url, "material_name": name, "need_distinct": true });
    Ok(account_call(cx, "/material/uploadImageSync", &params)?.idempotent().timeout_ms(30_000))
}

fn uploaded(cx: &Context<'_>, mut job: Job, sent: &[Picture], answers: &[Answer]) -> Turn<Published> {
    if sent.len() != answers.len() {
        return Err(ChannelError::unexpected("the number of answers is not that of the pictures"));
    }
    for (picture, answer) in sent.iter().zip(answers) {
        let data = read(answer.response()?, cx)?;
        let url = text(&data["byte_url"])
            .ok_or_else(|| ChannelError::unexpected("the answer to an upload has no byte_url"))?;
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
        (None, true) => search(cx, job, 1),
        (None, false) => write(cx, job),
    }
}

fn search(cx: &Context<'_>, job: Job, page: u32) -> Turn<Published> {
    let params = json!({ "page": page, "size": SEARCH_PAGE, "name": job.draft.title.trim() });
    let request = account_call(cx, "/product/listV2", &params)?.idempotent();
    go(request, Job { stage: Stage::Search(page), ..job })
}

fn searched(cx: &Context<'_>, mut job: Job, page: u32, data: &Value) -> Turn<Published> {
    let found = &data["data"];
    if !found.is_array() {
        return Err(ChannelError::unexpected("the answer has no list of products"));
    }
    let ours = |row: &&Value| text(&row["outer_product_id"]).as_deref() == Some(&job.draft.out_product_id);
    let ours = rows(found).iter().find(ours).and_then(|row| id(&row["product_id"]));
    let full = rows(found).len() >= SEARCH_PAGE as usize;
    if ours.is_none() && full && page < SEARCH_PAGES {
        return search(cx, job, page + 1);
    }
    job.refs.in_doubt = false;
    job.refs.product_id = ours;
    find(cx, job)
}

fn before(cx: &Context<'_>, mut job: Job, data: &Value) -> Turn<Published> {
    let product_id = job.refs.product_id.clone().unwrap_or_default();
    let found = listing::read(data, &product_id)?;
    // Somebody deleted it at the platform: our ids mean nothing any more, and it is made anew.
    if found.shelf == ShelfState::Deleted {
        job.refs.product_id = None;
        job.refs.skus.clear();
        return write(cx, job);
    }
    job.refs.skus.extend(found.skus.clone());
    // The old version goes on; ours is sent when the audit has ended.
    if found.audit == AuditState::Pending {
        let waiting =
            ChannelError::retry_later_seconds(300, "an earlier version is still in the platform's audit");
        return Ok(Step::Done(Published {
            refs: job.refs,
            listing: found,
            warnings: vec!["上一个版本仍在平台审核中，审核结束后再提交新版本".to_owned()],
            unfinished: Some(waiting),
        }));
    }
    write(cx, job)
}

fn write(cx: &Context<'_>, job: Job) -> Turn<Published> {
    let params = product::params(cx, &job.draft, &job.refs);
    // An edit says how the product shall be, so sending it twice does no harm; an add does.
    let request = match job.refs.product_id {
        Some(_) => account_call(cx, "/product/editV2", &params)?.idempotent(),
        None => account_call(cx, "/product/addV2", &params)?,
    };
    go(request.timeout_ms(30_000), Job { stage: Stage::Writing, ..job })
}

fn written(cx: &Context<'_>, mut job: Job, answer: Result<Value, ChannelError>) -> Turn<Published> {
    let written = answer.and_then(|data| {
        let product_id = id(&data["product_id"]).or_else(|| job.refs.product_id.clone());
        let product_id =
            product_id.ok_or_else(|| ChannelError::unexpected("the answer has no product_id"))?;
        Ok((data, product_id))
    });
    let (data, product_id) = match written {
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
    for sku in rows(&data["sku"]) {
        if let (Some(out_sku_id), Some(sku_id)) = (text(&sku["outer_sku_id"]), id(&sku["sku_id"])) {
            job.refs.skus.insert(out_sku_id, sku_id);
        }
    }
    go(listing::get(cx, &product_id)?, Job { stage: Stage::Written, ..job })
}

fn is_unclear(error: &ChannelError) -> bool {
    match error.class {
        ErrorClass::Unexpected => true,
        // A limit refuses before anything is done; "busy", a lost connection and a time-out do not tell.
        ErrorClass::RetryLater { .. } => error.remote_code().is_none_or(|code| !code.starts_with("60000")),
        _ => false,
    }
}

/// A product that was taken off the shelf stays off when its new version passes; it shall be on sale.
fn shelved(cx: &Context<'_>, job: Job, answer: Result<Value, ChannelError>) -> Turn<Published> {
    let product_id = job.refs.product_id.clone().unwrap_or_default();
    match answer.and_then(|data| listing::read(&data, &product_id)) {
        Ok(found) if found.shelf == ShelfState::Off && found.audit == AuditState::Approved => {
            go(listing::put(cx, &product_id, Move::On)?, Job { stage: Stage::Putting, ..job })
        }
        Ok(found) => Ok(Step::Done(finished(job, found))),
        Err(error) => Ok(Step::Done(unfinished(job.refs, product_id, error))),
    }
}

fn put(cx: &Context<'_>, job: Job, answer: Result<Value, ChannelError>) -> Turn<Published> {
    let product_id = job.refs.product_id.clone().unwrap_or_default();
    match answer {
        Ok(_) => go(listing::get(cx, &product_id)?, Job { stage: Stage::After, ..job }),
        Err(error) => Ok(Step::Done(unfinished(job.refs, product_id, error))),
    }
}

fn finish(job: Job, answer: Result<Value, ChannelError>) -> Published {
    let product_id = job.refs.product_id.clone().unwrap_or_default();
    match answer.and_then(|data| listing::read(&data, &product_id)) {
        Ok(found) => finished(job, found),
        Err(error) => unfinished(job.refs, product_id, error),
    }
}

fn finished(mut job: Job, found: RemoteListing) -> Published {
    job.refs.skus.extend(found.skus.clone());
    let mut warnings = Vec::new();
    if job.draft.pictures.len() > MAX_PICTURES {
        warnings.push("抖店最多 5 张主图，只使用了前 5 张".to_owned());
    }
    Published { refs: job.refs, listing: found, warnings, unfinished: None }
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
