//! Limited-time discounts: `product/limiteddiscounttask/…`.
//!
//! Facts are the platform's documents: a product has one discount at a time that is not over; status 0 begins later,
//! 1 runs, 2 is over; only one that is over can be deleted; stopping cannot be undone. Nothing is idempotent, so every
//! writing operation reads first: what begins later, then what runs, so that one that begins meanwhile is not missed.

use crate::{WechatStore, coupon};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{integer, text};
use qianpu_sdk::{
    Answer, ChannelError, Context, Coupon, CouponChange, CouponHolder, CouponMove, Discount, DiscountEnd,
    DiscountEnding, DiscountSku, DiscountState, ErrorClass, HeldCoupon, NewCoupon, NewDiscount, Page,
    Promotions, Request, Step, Turn, decode_state, encode_state,
};
use qianpu_wechat_wire::call::{account_post, read_only, required_id};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The platform's ceiling.
const PAGE: i64 = 50;
/// Pages that are looked through before something is written.
const MOST_PAGES: u8 = 20;

const AHEAD: i64 = 0;
const RUNNING: i64 = 1;
const ENDED: i64 = 2;

/// What is done once the discounts were looked through.
#[derive(Serialize, Deserialize)]
enum Purpose {
    Add(NewDiscount),
    End(DiscountEnding),
}

#[derive(Serialize, Deserialize)]
enum Doing {
    Looking { purpose: Purpose, status: i64, pages: u8 },
    Adding,
    Ending,
}

fn list(cx: &Context<'_>, status: Option<i64>, cursor: Option<&str>) -> Result<Request, ChannelError> {
    let mut body = json!({ "page_size": PAGE });
    if let Some(fields) = body.as_object_mut() {
        status.map(|status| fields.insert("status".to_owned(), json!(status)));
        cursor.map(|cursor| fields.insert("next_key".to_owned(), json!(cursor)));
    }
    Ok(account_post(cx, "/channels/ec/product/limiteddiscounttask/list/get", &body)?.idempotent())
}

fn moment(row: &Value, field: &str) -> Result<Timestamp, ChannelError> {
    let seconds = integer(&row[field]).filter(|seconds| *seconds > 0);
    let missing = || ChannelError::unexpected(format!("a discount has no {field}"));
    seconds.map(Timestamp::from_seconds).ok_or_else(missing)
}

fn sku(row: &Value) -> Result<DiscountSku, ChannelError> {
    let price = integer(&row["sale_price"]).filter(|price| *price >= 0);
    Ok(DiscountSku {
        sku_id: required_id(row, "sku_id")?,
        price: Fen::new(price.ok_or_else(|| ChannelError::unexpected("a discount has no sale_price"))?),
        quantity: integer(&row["sale_stock"]).unwrap_or(0),
    })
}

fn discount(row: &Value) -> Result<Discount, ChannelError> {
    let skus = row["limited_discount_skus"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(Discount {
        external_id: required_id(row, "task_id")?,
        terms: NewDiscount {
            product_id: required_id(row, "product_id")?,
            starts_at: moment(row, "start_time")?,
            ends_at: moment(row, "end_time")?,
            skus: skus.iter().map(sku).collect::<Result<_, _>>()?,
        },
        state: match integer(&row["status"]) {
            Some(AHEAD) => DiscountState::Ahead,
            Some(RUNNING) => DiscountState::Running,
            Some(ENDED) => DiscountState::Ended,
            other => DiscountState::Unknown(other.map(|code| code.to_string()).unwrap_or_default()),
        },
    })
}

fn page(body: &Value) -> Result<Page<Discount>, ChannelError> {
    let rows: &[Value] = match &body["limited_discount_tasks"] {
        // The platform leaves an empty list out.
        Value::Null if body.get("errcode").is_some() => &[],
        Value::Array(rows) => rows,
        _ => return Err(ChannelError::unexpected("the answer has no limited_discount_tasks")),
    };
    let items = rows.iter().map(discount).collect::<Result<Vec<_>, _>>()?;
    let full = i64::try_from(items.len()).is_ok_and(|count| count >= PAGE);
    Ok(Page { items, next_cursor: text(&body["next_key"]).filter(|_| full) })
}

fn same(there: &NewDiscount, wanted: &NewDiscount) -> bool {
    there.starts_at.seconds() == wanted.starts_at.seconds()
        && there.ends_at.seconds() == wanted.ends_at.seconds()
        && there.skus.len() == wanted.skus.len()
        && wanted.skus.iter().all(|sku| there.skus.contains(sku))
}

/// What is known after the last page.
enum Found {
    /// A discount of the product that is not over, with the same content.
    Same(String),
    /// One with another content.
    Other,
    /// The discount that shall end.
    It,
    Nothing,
}

fn find(purpose: &Purpose, rows: &[Discount]) -> Found {
    match purpose {
        Purpose::Add(wanted) => match rows.iter().find(|one| one.terms.product_id == wanted.product_id) {
            Some(one) if same(&one.terms, wanted) => Found::Same(one.external_id.clone()),
            Some(_) => Found::Other,
            None => Found::Nothing,
        },
        Purpose::End(ending) if rows.iter().any(|one| one.external_id == ending.external_id) => Found::It,
        Purpose::End(_) => Found::Nothing,
    }
}

fn look(
    cx: &Context<'_>,
    purpose: Purpose,
    status: i64,
    pages: u8,
    cursor: Option<&str>,
) -> Result<Step<Option<String>>, ChannelError> {
    if pages >= MOST_PAGES {
        let detail = "the account has more discounts than are looked through before one is written";
        return Err(ChannelError::new(ErrorClass::BusinessRefusal, detail));
    }
    let state = encode_state(&Doing::Looking { purpose, status, pages: pages + 1 })?;
    Ok(Step::call(list(cx, Some(status), cursor)?, state))
}

fn add(cx: &Context<'_>, wanted: &NewDiscount) -> Turn<Option<String>> {
    let sku = |sku: &DiscountSku| json!({ "sku_id": sku.sku_id, "sale_price": sku.price.get(), "sale_stock": sku.quantity });
    let body = json!({
        "product_id": wanted.product_id, "start_time": wanted.starts_at.seconds(),
        "end_time": wanted.ends_at.seconds(),
        "limited_discount_skus": wanted.skus.iter().map(sku).collect::<Vec<_>>(),
    });
    // After a lost answer the whole operation starts again, and looks first.
    let request = account_post(cx, "/channels/ec/product/limiteddiscounttask/add", &body)?;
    Ok(Step::call(request, encode_state(&Doing::Adding)?))
}

fn end(cx: &Context<'_>, ending: &DiscountEnding) -> Turn<Option<String>> {
    let how = match ending.how {
        DiscountEnd::Stop => "stop",
        DiscountEnd::Delete => "delete",
    };
    let path = format!("/channels/ec/product/limiteddiscounttask/{how}");
    let request = account_post(cx, &path, &json!({ "task_id": ending.external_id }))?;
    Ok(Step::call(request, encode_state(&Doing::Ending)?))
}

/// Looks through the discounts, then writes. The outcome is the id of one that was made or found.
fn go_on(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Option<String>> {
    let body = read_only(cx, answers)?;
    let (purpose, status, pages) = match decode_state(state)? {
        Doing::Looking { purpose, status, pages } => (purpose, status, pages),
        Doing::Adding => return required_id(&body, "task_id").map(|id| Step::Done(Some(id))),
        Doing::Ending if body.get("errcode").is_some() => return Ok(Step::Done(None)),
        Doing::Ending => return Err(ChannelError::unexpected("the answer has no errcode")),
    };
    let Page { items, next_cursor } = page(&body)?;
    match (find(&purpose, &items), &purpose) {
        (Found::Same(id), _) => return Ok(Step::Done(Some(id))),
        (Found::Other, _) => {
            let words = "该商品已有未结束的限时抢购，请先停止它";
            return Err(ChannelError::field("product_id", "taken", words));
        }
        (Found::It, Purpose::End(ending)) => return end(cx, ending),
        (Found::It | Found::Nothing, _) => {}
    }
    match (next_cursor, status, &purpose) {
        (Some(cursor), ..) => look(cx, purpose, status, pages, Some(&cursor)),
        (None, AHEAD, _) => look(cx, purpose, RUNNING, pages, None),
        (None, _, Purpose::Add(wanted)) => add(cx, wanted),
        // Nothing to stop, or nothing left to take away.
        (None, _, Purpose::End(_)) => Ok(Step::Done(None)),
    }
}

fn only_done(step: Step<Option<String>>) -> Step<()> {
    step.map(drop)
}

impl Promotions for WechatStore {
    fn discounts(&self, cx: &Context<'_>, cursor: Option<&str>) -> Turn<Page<Discount>> {
        Ok(Step::call(list(cx, None, cursor)?, Vec::new()))
    }

    fn resume_discounts(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<Discount>> {
        if !state.is_empty() {
            return Err(ChannelError::unexpected("a state that is not ours"));
        }
        page(&read_only(cx, answers)?).map(Step::Done)
    }

    fn add_discount(&self, cx: &Context<'_>, wanted: &NewDiscount) -> Turn<String> {
        made(look(cx, Purpose::Add(wanted.clone()), AHEAD, 0, None)?)
    }

    fn resume_add_discount(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<String> {
        made(go_on(cx, state, answers)?)
    }

    fn end_discount(&self, cx: &Context<'_>, ending: &DiscountEnding) -> Turn<()> {
        let first = match ending.how {
            DiscountEnd::Stop => AHEAD,
            DiscountEnd::Delete => ENDED,
        };
        look(cx, Purpose::End(ending.clone()), first, 0, None).map(only_done)
    }

    fn resume_end_discount(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
        go_on(cx, state, answers).map(only_done)
    }

    fn coupons(&self, cx: &Context<'_>, cursor: Option<&str>) -> Turn<Page<Coupon>> {
        coupon::list(cx, cursor)
    }

    fn resume_coupons(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<Coupon>> {
        coupon::resume_list(cx, state, answers)
    }

    fn coupon(&self, cx: &Context<'_>, coupon_id: &str) -> Turn<Option<Coupon>> {
        coupon::one(cx, coupon_id)
    }

    fn resume_coupon(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Option<Coupon>> {
        coupon::resume_one(cx, state, answers)
    }

    fn add_coupon(&self, cx: &Context<'_>, wanted: &NewCoupon) -> Turn<String> {
        coupon::add(cx, wanted)
    }

    fn resume_add_coupon(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<String> {
        coupon::resume_add(cx, state, answers)
    }

    fn change_coupon(&self, cx: &Context<'_>, wanted: &CouponChange) -> Turn<()> {
        coupon::change(cx, wanted)
    }

    fn resume_change_coupon(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
        coupon::resume_change(cx, state, answers)
    }

    fn move_coupon(&self, cx: &Context<'_>, wanted: &CouponMove) -> Turn<()> {
        coupon::step(cx, wanted)
    }

    fn resume_move_coupon(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<()> {
        coupon::resume_step(cx, state, answers)
    }

    fn held_coupons(&self, cx: &Context<'_>, holder: &CouponHolder) -> Turn<Page<HeldCoupon>> {
        coupon::held(cx, holder)
    }

    fn resume_held_coupons(
        &self,
        cx: &Context<'_>,
        state: &[u8],
        answers: &[Answer],
    ) -> Turn<Page<HeldCoupon>> {
        coupon::resume_held(cx, state, answers)
    }
}

/// A discount that was made has an id.
fn made(step: Step<Option<String>>) -> Turn<String> {
    Ok(match step {
        Step::Call { requests, parallel, state } => Step::Call { requests, parallel, state },
        Step::Wait { ms, state } => Step::Wait { ms, state },
        Step::Done(Some(id)) => Step::Done(id),
        Step::Done(None) => return Err(ChannelError::unexpected("a discount without an id")),
    })
}
