//! Brands of a shop: `brand/…`.
//!
//! Facts: the client libraries WxJava (`Brand`, `BrandInfo`, `BrandRegisterDetail`, `BrandGrantDetail`) and
//! SKIT.FlurlHttpClient.Wechat (`ChannelsECBrand…`). A brand has one id for all shops, so the shop's list tells whether
//! an application arrived; the list is told in short, reasons only brand by brand.

use crate::category::{decided, told};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    Answer, ApplicationStanding, Brand, BrandApplication, BrandName, BrandRight, BrandWish, ChannelError,
    Context, ErrorClass, Page, QualificationState, Request, Step, Trademark, Turn, Validity, decode_state,
    encode_state,
};
use qianpu_wechat_wire::call::{account_post, read, read_only, required_id};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Brands of a page; each is read by a call of its own.
const PAGE: usize = 10;
/// The platform's ceiling for a page.
const WIDE: usize = 50;
/// Pages that are looked through for one brand.
const PAGES: u32 = 20;

fn listing(cx: &Context<'_>, next_key: &str, size: usize) -> Result<Request, ChannelError> {
    let body = json!({ "page_size": size, "next_key": next_key });
    Ok(account_post(cx, "/channels/ec/brand/list/get", &body)?.idempotent())
}

fn get(cx: &Context<'_>, brand_id: &str) -> Result<Request, ChannelError> {
    Ok(account_post(cx, "/channels/ec/brand/get", &json!({ "brand_id": brand_id }))?.idempotent())
}

fn rows(body: &Value) -> Result<&[Value], ChannelError> {
    match &body["brands"] {
        // The platform leaves an empty list out.
        Value::Null if body.get("errcode").is_some() => Ok(&[]),
        Value::Array(rows) => Ok(rows),
        _ => Err(ChannelError::unexpected("the answer has no brands")),
    }
}

fn ids(body: &Value) -> Result<Vec<String>, ChannelError> {
    rows(body)?.iter().map(|row| required_id(row, "brand_id")).collect()
}

/// Where the next page begins: a full page that names a key goes on.
fn next(body: &Value, count: usize, size: usize) -> Option<String> {
    id(&body["next_key"]).filter(|key| !key.is_empty() && count >= size)
}

fn name(row: &Value) -> Result<BrandName, ChannelError> {
    Ok(BrandName {
        brand_id: required_id(row, "brand_id")?,
        name_zh: text(&row["ch_name"]).unwrap_or_default(),
        name_en: text(&row["en_name"]).unwrap_or_default(),
    })
}

fn brand(body: &Value) -> Result<Brand, ChannelError> {
    let row = &body["brand"];
    let state = match integer(&row["status"]) {
        Some(1) => QualificationState::Checking,
        Some(2) => QualificationState::Refused,
        Some(3) => QualificationState::Accepted,
        Some(4) => QualificationState::Withdrawn,
        Some(5) => QualificationState::Expiring,
        Some(6) => QualificationState::Expired,
        Some(other) => QualificationState::Unknown(other.to_string()),
        None => return Err(ChannelError::unexpected("the answer has no brand.status")),
    };
    let reason = text(&row["audit_result"]["reject_reason"]).filter(|_| state == QualificationState::Refused);
    let own = match integer(&row["grant_type"]) {
        Some(1) => Some(true),
        Some(2) => Some(false),
        _ => None,
    };
    let span = if own == Some(false) { &row["grant_details"] } else { &row["register_details"] };
    let until = integer(&span["end_time"]).filter(|at| *at > 0 && span["is_permanent"] != json!(true));
    Ok(Brand {
        name: name(row)?,
        standing: ApplicationStanding { state, reason },
        application_id: id(&row["audit_result"]["audit_id"]).filter(|id| id != "0"),
        class: id(&row["classification_no"]).unwrap_or_default(),
        own,
        until: until.map(Timestamp::from_seconds),
    })
}

#[derive(Serialize, Deserialize)]
enum Listing {
    Ids,
    Brands(Option<String>),
}

pub(crate) fn list(cx: &Context<'_>, cursor: Option<&str>) -> Turn<Page<Brand>> {
    Ok(Step::call(listing(cx, cursor.unwrap_or_default(), PAGE)?, encode_state(&Listing::Ids)?))
}

pub(crate) fn resume_list(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<Brand>> {
    match decode_state(state)? {
        Listing::Ids => {
            let body = read_only(cx, answers)?;
            let ids = ids(&body)?;
            let next_cursor = next(&body, ids.len(), PAGE);
            if ids.is_empty() {
                return Ok(Step::Done(Page { items: Vec::new(), next_cursor: None }));
            }
            let requests = ids.iter().map(|id| get(cx, id)).collect::<Result<Vec<_>, _>>()?;
            let state = encode_state(&Listing::Brands(next_cursor))?;
            Ok(Step::Call { requests, parallel: true, state })
        }
        Listing::Brands(next_cursor) => {
            if answers.is_empty() {
                return Err(ChannelError::unexpected("no answer to the brands"));
            }
            let one = |answer: &Answer| brand(&read(answer.response()?, cx.now)?);
            let items = answers.iter().map(one).collect::<Result<_, _>>()?;
            Ok(Step::Done(Page { items, next_cursor }))
        }
    }
}

pub(crate) fn known(cx: &Context<'_>, cursor: Option<&str>) -> Turn<Page<BrandName>> {
    let body = json!({ "page_size": WIDE, "next_key": cursor.unwrap_or_default() });
    let request = account_post(cx, "/channels/ec/brand/all", &body)?.idempotent();
    Ok(Step::call(request, encode_state(&"known")?))
}

pub(crate) fn resume_known(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<BrandName>> {
    if decode_state::<String>(state)? != "known" {
        return Err(ChannelError::unexpected("a state that is not ours"));
    }
    let body = read_only(cx, answers)?;
    let rows = body["brands"].as_array();
    let rows = rows.ok_or_else(|| ChannelError::unexpected("the answer has no brands"))?;
    let more = body["continue_flag"].as_bool() == Some(true);
    let next_cursor = id(&body["next_key"]).filter(|key| more && !key.is_empty());
    Ok(Step::Done(Page { items: rows.iter().map(name).collect::<Result<_, _>>()?, next_cursor }))
}

/// Looking for a brand among the shop's, and what is done with it then.
#[derive(Serialize, Deserialize)]
enum Job<T> {
    /// Looking through the list; so many pages were asked for.
    Looking(T, String, u32),
    /// Asked for the brand.
    Reading(T),
    Telling,
}

/// What a turn of the search came to.
enum Found<T, R> {
    /// It goes on.
    Going(Step<R>),
    /// The brand; none = the shop does not have it.
    Brand(T, Option<Box<Brand>>),
    /// The answer to what was asked for last.
    Told(Value),
}

fn look<T: Serialize, R>(cx: &Context<'_>, wanted: T, brand_id: &str) -> Result<Step<R>, ChannelError> {
    let state = encode_state(&Job::Looking(wanted, brand_id.to_owned(), 1))?;
    Ok(Step::call(listing(cx, "", WIDE)?, state))
}

fn looked<T, R>(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Result<Found<T, R>, ChannelError>
where
    T: Serialize + for<'de> Deserialize<'de>,
{
    let body = read_only(cx, answers)?;
    match decode_state::<Job<T>>(state)? {
        Job::Looking(wanted, brand_id, pages) => {
            let ids = ids(&body)?;
            if ids.contains(&brand_id) {
                let request = get(cx, &brand_id)?;
                return Ok(Found::Going(Step::call(request, encode_state(&Job::Reading(wanted))?)));
            }
            match next(&body, ids.len(), WIDE) {
                None => Ok(Found::Brand(wanted, None)),
                Some(_) if pages >= PAGES => {
                    let words = "店铺的品牌太多，无法确认该品牌的状态";
                    Err(ChannelError::new(ErrorClass::BusinessRefusal, words))
                }
                Some(key) => {
                    let state = encode_state(&Job::Looking(wanted, brand_id, pages + 1))?;
                    Ok(Found::Going(Step::call(listing(cx, &key, WIDE)?, state)))
                }
            }
        }
        Job::Reading(wanted) => Ok(Found::Brand(wanted, Some(Box::new(brand(&body)?)))),
        Job::Telling => Ok(Found::Told(body)),
    }
}

fn telling<T: Serialize, R>(request: Request) -> Turn<R> {
    Ok(Step::call(request, encode_state(&Job::<T>::Telling)?))
}

fn out_of_place<R>() -> Turn<R> {
    Err(ChannelError::unexpected("a state that is not ours"))
}

pub(crate) fn one(cx: &Context<'_>, brand_id: &str) -> Turn<Option<Brand>> {
    look(cx, (), brand_id)
}

pub(crate) fn resume_one(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Option<Brand>> {
    match looked::<(), _>(cx, state, answers)? {
        Found::Going(step) => Ok(step),
        Found::Brand((), found) => Ok(Step::Done(found.map(|found| *found))),
        Found::Told(_) => out_of_place(),
    }
}

fn valid(span: Option<Validity>) -> Value {
    match span {
        None => json!({ "is_permanent": true }),
        Some(Validity { from, until }) => {
            json!({ "is_permanent": false, "start_time": from.seconds(), "end_time": until.seconds() })
        }
    }
}

fn with(mut object: Value, more: Value) -> Value {
    if let (Some(to), Value::Object(from)) = (object.as_object_mut(), more) {
        to.extend(from);
    }
    object
}

/// The brand in the platform's words, with its limits: one certificate, five renewals, nine letters, two papers.
fn body(wanted: &BrandWish) -> Result<Value, ChannelError> {
    let most = |what: &str, count: usize, least: usize, most: usize| {
        if (least..=most).contains(&count) {
            return Ok(());
        }
        let words = format!("需要 {least}–{most} 张图片");
        Err(ChannelError::field(what, "count", words))
    };
    let (symbol, registered, applied) = match &wanted.mark {
        Trademark::Registered { registrant, number, valid: span, certificates, renewals } => {
            most("certificates", certificates.len(), 1, 1)?;
            most("renewals", renewals.len(), 0, 5)?;
            let fields = json!({ "registrant": registrant, "register_no": number,
                "register_certifications": certificates, "renew_certifications": renewals });
            (1, with(fields, valid(*span)), json!({}))
        }
        Trademark::AppliedFor { accepted_at, number, certificates } => {
            most("certificates", certificates.len(), 1, 1)?;
            let fields = json!({ "acceptance_time": accepted_at.seconds(), "acceptance_no": number,
                "acceptance_certification": certificates });
            (2, json!({}), fields)
        }
    };
    let (grant, details) = match &wanted.right {
        BrandRight::Own => (1, json!({})),
        BrandRight::Granted { level, valid: span, letters, owner_papers } => {
            most("letters", letters.len(), 1, 9)?;
            most("owner_papers", owner_papers.len(), 0, 2)?;
            let fields = json!({ "grant_level": level, "grant_certifications": letters,
                "brand_owner_id_photos": owner_papers });
            (2, with(fields, valid(*span)))
        }
    };
    Ok(json!({ "brand": {
        "brand_id": wanted.name.brand_id, "ch_name": wanted.name.name_zh, "en_name": wanted.name.name_en,
        "classification_no": wanted.class.to_string(), "trade_mark_symbol": symbol,
        "register_details": registered, "application_details": applied, "grant_type": grant,
        "grant_details": details,
    } }))
}

pub(crate) fn apply(cx: &Context<'_>, wanted: &BrandWish) -> Turn<String> {
    body(wanted)?;
    look(cx, wanted.clone(), &wanted.name.brand_id)
}

pub(crate) fn resume_apply(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<String> {
    let (wanted, found) = match looked::<BrandWish, _>(cx, state, answers)? {
        Found::Going(step) => return Ok(step),
        Found::Told(body) => return required_id(&body, "audit_id").map(Step::Done),
        Found::Brand(wanted, found) => (wanted, found),
    };
    let path = match found.map(|found| found.standing.state) {
        Some(QualificationState::Checking) => {
            let words = "该品牌正在平台审核中，审核结束后再提交";
            return Err(ChannelError::new(ErrorClass::BusinessRefusal, words));
        }
        Some(_) => "/channels/ec/brand/update",
        None => "/channels/ec/brand/add",
    };
    telling::<BrandWish, _>(account_post(cx, path, &body(&wanted)?)?.timeout_ms(30_000))
}

pub(crate) fn withdraw(cx: &Context<'_>, wanted: &BrandApplication) -> Turn<()> {
    look(cx, wanted.clone(), &wanted.brand_id)
}

pub(crate) fn resume_withdraw(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
    let (wanted, found) = match looked::<BrandApplication, _>(cx, state, answers)? {
        Found::Going(step) => return Ok(step),
        Found::Told(body) => return told(&body),
        Found::Brand(wanted, found) => (wanted, found),
    };
    match found.map(|found| found.standing.state) {
        Some(QualificationState::Checking) => {
            let body = json!({ "brand_id": wanted.brand_id, "audit_id": wanted.application_id });
            telling::<BrandApplication, _>(account_post(cx, "/channels/ec/brand/audit/cancel", &body)?)
        }
        Some(QualificationState::Withdrawn) | None => Ok(Step::Done(())),
        Some(_) => Err(decided()),
    }
}

pub(crate) fn delete(cx: &Context<'_>, brand_id: &str) -> Turn<()> {
    look(cx, brand_id.to_owned(), brand_id)
}

pub(crate) fn resume_delete(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
    match looked::<String, _>(cx, state, answers)? {
        Found::Going(step) => Ok(step),
        Found::Told(body) => told(&body),
        Found::Brand(_, None) => Ok(Step::Done(())),
        Found::Brand(brand_id, Some(_)) => {
            let body = json!({ "brand_id": brand_id });
            telling::<String, _>(account_post(cx, "/channels/ec/brand/delete", &body)?)
        }
    }
}
