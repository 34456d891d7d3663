//! Coupons: `coupon/…`.
//!
//! Facts are the platform's documents: a coupon is made as a draft (1), put in force (2), runs out (3), is taken back (4)
//! and deleted (5); lists tell ids only, of one state each, at most 200 a page. Nothing is idempotent, and unlike a
//! discount a coupon can be there twice: before one is made, drafts that nobody knows are looked at, because one with the
//! same content is what a lost answer left behind.

use crate::coupon_terms::{body, read as read_coupon};
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    Answer, ChannelError, Context, Coupon, CouponChange, CouponHolder, CouponMove, CouponState, CouponStep,
    ErrorClass, HeldCoupon, HeldState, NewCoupon, Page, Request, Step, Turn, decode_state, encode_state,
};
use qianpu_wechat_wire::call::{account_post, read, read_only, required_id};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Each coupon of a page is read by a call of its own.
const PAGE: i64 = 10;
const AT_ONCE: usize = 10;
/// The platform's ceiling: as many drafts are looked at before one is made.
const DRAFTS: i64 = 200;
const DRAFT: i64 = 1;
const LAST: i64 = 4;
/// "No such coupon".
const MISSING: &str = "10021037";

fn get(cx: &Context<'_>, coupon_id: &str) -> Result<Request, ChannelError> {
    Ok(account_post(cx, "/channels/ec/coupon/get", &json!({ "coupon_id": coupon_id }))?.idempotent())
}

fn ids(body: &Value) -> Result<Vec<String>, ChannelError> {
    let rows: &[Value] = match &body["coupons"] {
        // The platform leaves an empty list out.
        Value::Null if body.get("errcode").is_some() => &[],
        Value::Array(rows) => rows,
        _ => return Err(ChannelError::unexpected("the answer has no coupons")),
    };
    rows.iter().map(|row| required_id(row, "coupon_id")).collect()
}

/// Where a list goes on: the state, the page and the platform's context of it.
#[derive(Clone, Serialize, Deserialize)]
struct Place(i64, i64, String);

impl Place {
    fn read(cursor: Option<&str>) -> Result<Self, ChannelError> {
        let Some(cursor) = cursor else { return Ok(Self(DRAFT, 1, String::new())) };
        serde_json::from_str(cursor).map_err(|_| ChannelError::unexpected("a cursor that is not ours"))
    }
    fn next(self, body: &Value, count: usize, size: i64) -> Result<Option<String>, ChannelError> {
        let full = i64::try_from(count).is_ok_and(|count| count >= size);
        let next = match full {
            true => Self(self.0, self.1 + 1, text(&body["page_ctx"]).unwrap_or_default()),
            false if self.0 < LAST => Self(self.0 + 1, 1, String::new()),
            false => return Ok(None),
        };
        let text = serde_json::to_string(&next);
        text.map(Some).map_err(|error| ChannelError::unexpected(format!("a cursor: {error}")))
    }
    fn list(&self, cx: &Context<'_>, size: i64) -> Result<Request, ChannelError> {
        let body = json!({ "status": self.0, "page": self.1, "page_size": size, "page_ctx": self.2 });
        Ok(account_post(cx, "/channels/ec/coupon/get_list", &body)?.idempotent())
    }
}

fn all(requests: Vec<Request>, state: &impl Serialize) -> Result<Step<Page<Coupon>>, ChannelError> {
    Ok(Step::Call { requests, parallel: true, state: encode_state(state)? })
}

fn coupons_of(cx: &Context<'_>, answers: &[Answer]) -> Result<Vec<Coupon>, ChannelError> {
    if answers.is_empty() {
        return Err(ChannelError::unexpected("no answer to the coupons"));
    }
    answers.iter().map(|answer| read_coupon(&read(answer.response()?, cx.now)?)).collect()
}

#[derive(Serialize, Deserialize)]
enum Listing {
    Ids(Place),
    Coupons(Option<String>),
}

pub(crate) fn list(cx: &Context<'_>, cursor: Option<&str>) -> Turn<Page<Coupon>> {
    let place = Place::read(cursor)?;
    Ok(Step::call(place.list(cx, PAGE)?, encode_state(&Listing::Ids(place))?))
}

pub(crate) fn resume_list(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<Coupon>> {
    match decode_state(state)? {
        Listing::Ids(place) => {
            let body = read_only(cx, answers)?;
            let ids = ids(&body)?;
            let next_cursor = place.next(&body, ids.len(), PAGE)?;
            if ids.is_empty() {
                return Ok(Step::Done(Page { items: Vec::new(), next_cursor }));
            }
            let requests = ids.iter().map(|id| get(cx, id)).collect::<Result<Vec<_>, _>>()?;
            all(requests, &Listing::Coupons(next_cursor))
        }
        Listing::Coupons(next_cursor) => {
            let mut items = coupons_of(cx, answers)?;
            items.retain(|one| one.state != CouponState::Deleted);
            Ok(Step::Done(Page { items, next_cursor }))
        }
    }
}

pub(crate) fn one(cx: &Context<'_>, coupon_id: &str) -> Turn<Option<Coupon>> {
    Ok(Step::call(get(cx, coupon_id)?, Vec::new()))
}

pub(crate) fn resume_one(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Option<Coupon>> {
    if !state.is_empty() {
        return Err(ChannelError::unexpected("a state that is not ours"));
    }
    let body = match read_only(cx, answers) {
        Ok(body) => body,
        Err(error) if error.remote_code() == Some(MISSING) => return Ok(Step::Done(None)),
        Err(error) => return Err(error),
    };
    let coupon = read_coupon(&body)?;
    Ok(Step::Done(Some(coupon).filter(|one| one.state != CouponState::Deleted)))
}

#[derive(Serialize, Deserialize)]
enum Adding {
    Drafts(NewCoupon),
    /// Drafts that are compared now, and those that are left.
    Comparing(NewCoupon, Vec<String>),
    Telling,
}

pub(crate) fn add(cx: &Context<'_>, wanted: &NewCoupon) -> Turn<String> {
    body(&wanted.terms)?;
    let drafts = Place(DRAFT, 1, String::new());
    Ok(Step::call(drafts.list(cx, DRAFTS)?, encode_state(&Adding::Drafts(wanted.clone()))?))
}

pub(crate) fn resume_add(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<String> {
    match decode_state(state)? {
        Adding::Drafts(wanted) => {
            let body = read_only(cx, answers)?;
            let mut unknown = ids(&body)?;
            if i64::try_from(unknown.len()).is_ok_and(|count| count >= DRAFTS) {
                let detail = "the account has too many drafts of coupons; delete some first";
                return Err(ChannelError::new(ErrorClass::BusinessRefusal, detail));
            }
            unknown.retain(|id| !wanted.known.contains(id));
            compare(cx, wanted, unknown)
        }
        Adding::Comparing(wanted, left) => {
            let found = coupons_of(cx, answers)?;
            match found.iter().find(|one| one.state == CouponState::Draft && one.terms.same(&wanted.terms)) {
                Some(one) => Ok(Step::Done(one.external_id.clone())),
                None => compare(cx, wanted, left),
            }
        }
        Adding::Telling => required_id(&read_only(cx, answers)?["data"], "coupon_id").map(Step::Done),
    }
}

/// Looks at the next drafts that nobody knows, or makes the coupon when there are none.
fn compare(cx: &Context<'_>, wanted: NewCoupon, mut unknown: Vec<String>) -> Turn<String> {
    if unknown.is_empty() {
        let request = account_post(cx, "/channels/ec/coupon/create", &body(&wanted.terms)?)?;
        return Ok(Step::call(request, encode_state(&Adding::Telling)?));
    }
    let left = unknown.split_off(unknown.len().min(AT_ONCE));
    let requests = unknown.iter().map(|id| get(cx, id)).collect::<Result<Vec<_>, _>>()?;
    Ok(Step::Call { requests, parallel: true, state: encode_state(&Adding::Comparing(wanted, left))? })
}

#[derive(Serialize, Deserialize)]
enum Doing<T> {
    Reading(T),
    Telling,
}

fn told(body: &Value) -> Turn<()> {
    match body.get("errcode") {
        Some(_) => Ok(Step::Done(())),
        None => Err(ChannelError::unexpected("the answer has no errcode")),
    }
}

fn refused() -> ChannelError {
    ChannelError::new(ErrorClass::BusinessRefusal, "优惠券当前状态不能进行此操作")
}

pub(crate) fn change(cx: &Context<'_>, wanted: &CouponChange) -> Turn<()> {
    body(&wanted.terms)?;
    Ok(Step::call(get(cx, &wanted.external_id)?, encode_state(&Doing::Reading(wanted))?))
}

pub(crate) fn resume_change(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
    let answer = read_only(cx, answers)?;
    let wanted: CouponChange = match decode_state(state)? {
        Doing::Reading(wanted) => wanted,
        Doing::Telling => return told(&answer),
    };
    let found = read_coupon(&answer)?;
    if found.state != CouponState::Draft {
        return Err(refused());
    }
    if found.terms.same(&wanted.terms) {
        return Ok(Step::Done(()));
    }
    let mut asked = body(&wanted.terms)?;
    if let Some(fields) = asked.as_object_mut() {
        fields.insert("coupon_id".to_owned(), json!(wanted.external_id));
    }
    let request = account_post(cx, "/channels/ec/coupon/update", &asked)?;
    Ok(Step::call(request, encode_state(&Doing::<CouponChange>::Telling)?))
}

pub(crate) fn step(cx: &Context<'_>, wanted: &CouponMove) -> Turn<()> {
    Ok(Step::call(get(cx, &wanted.external_id)?, encode_state(&Doing::Reading(wanted))?))
}

pub(crate) fn resume_step(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
    let wanted: CouponMove = match decode_state(state)? {
        Doing::Reading(wanted) => wanted,
        Doing::Telling => return told(&read_only(cx, answers)?),
    };
    let answer = match read_only(cx, answers) {
        Ok(answer) => answer,
        Err(error) if error.remote_code() == Some(MISSING) && wanted.step == CouponStep::Delete => {
            return Ok(Step::Done(()));
        }
        Err(error) => return Err(error),
    };
    let found = read_coupon(&answer)?;
    let (target, code, from): (_, _, &[CouponState]) = match wanted.step {
        CouponStep::Publish => (CouponState::Live, 2, &[CouponState::Draft]),
        CouponStep::Withdraw => (CouponState::Withdrawn, 4, &[CouponState::Live]),
        CouponStep::Delete => {
            (CouponState::Deleted, 5, &[CouponState::Draft, CouponState::Withdrawn, CouponState::Expired])
        }
    };
    if found.state == target {
        return Ok(Step::Done(()));
    }
    if !from.contains(&found.state) {
        return Err(refused());
    }
    let asked = json!({ "coupon_id": wanted.external_id, "status": code });
    let request = account_post(cx, "/channels/ec/coupon/update_status", &asked)?;
    Ok(Step::call(request, encode_state(&Doing::<CouponMove>::Telling)?))
}

#[derive(Serialize, Deserialize)]
enum Holding {
    Ids(String, Place),
    Coupons(Option<String>),
}

pub(crate) fn held(cx: &Context<'_>, holder: &CouponHolder) -> Turn<Page<HeldCoupon>> {
    // One list of every state.
    let place = match &holder.cursor {
        Some(_) => Place::read(holder.cursor.as_deref())?,
        None => Place(LAST, 1, String::new()),
    };
    let body = json!({ "openid": holder.open_id, "page": place.1, "page_size": PAGE, "page_ctx": place.2 });
    let request = account_post(cx, "/channels/ec/coupon/get_user_coupon_list", &body)?.idempotent();
    Ok(Step::call(request.redacted("openid"), encode_state(&Holding::Ids(holder.open_id.clone(), place))?))
}

pub(crate) fn resume_held(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<HeldCoupon>> {
    match decode_state(state)? {
        Holding::Ids(open_id, place) => {
            let body = read_only(cx, answers)?;
            let rows: &[Value] = match &body["user_coupon_list"] {
                Value::Null if body.get("errcode").is_some() => &[],
                Value::Array(rows) => rows,
                _ => return Err(ChannelError::unexpected("the answer has no user_coupon_list")),
            };
            let next_cursor = place.next(&body, rows.len(), PAGE)?;
            if rows.is_empty() {
                return Ok(Step::Done(Page { items: Vec::new(), next_cursor }));
            }
            let request = |row: &Value| {
                let asked =
                    json!({ "openid": open_id, "user_coupon_id": required_id(row, "user_coupon_id")? });
                let request = account_post(cx, "/channels/ec/coupon/get_user_coupon", &asked)?;
                Ok(request.idempotent().redacted("openid"))
            };
            let requests = rows.iter().map(request).collect::<Result<Vec<_>, ChannelError>>()?;
            Ok(Step::Call { requests, parallel: true, state: encode_state(&Holding::Coupons(next_cursor))? })
        }
        Holding::Coupons(next_cursor) => {
            if answers.is_empty() {
                return Err(ChannelError::unexpected("no answer to the coupons"));
            }
            let one = |answer: &Answer| held_one(&read(answer.response()?, cx.now)?);
            Ok(Step::Done(Page { items: answers.iter().map(one).collect::<Result<_, _>>()?, next_cursor }))
        }
    }
}

fn held_one(body: &Value) -> Result<HeldCoupon, ChannelError> {
    // The document names a list, its client libraries an object.
    let row = match &body["user_coupon"] {
        Value::Null => &body["user_coupon_list"][0],
        there => there,
    };
    let moment = |field: &str| integer(&row[field]).filter(|at| *at > 0).map(Timestamp::from_seconds);
    Ok(HeldCoupon {
        external_id: required_id(row, "user_coupon_id")?,
        coupon_id: required_id(row, "coupon_id")?,
        state: match integer(&row["status"]) {
            Some(100) => HeldState::Usable,
            Some(101) => HeldState::Expired,
            Some(102) => HeldState::Used,
            other => HeldState::Unknown(other.map(|code| code.to_string()).unwrap_or_default()),
        },
        received_at: moment("create_time"),
        until: moment("end_time"),
        order_id: id(&row["order_id"]).filter(|id| id != "0"),
    })
}
