//! The window 橱窗.
//!
//! From <https://developers.weixin.qq.com/doc/channels/API/windowproduct/list_get.html>, `…/get.html` and `…/off.html`.
//! The list names products only; each is read on its own. Of `off` the document says that it has no effect any more for
//! products of the merchant's own shop: whether they are shown follows the shop's shelf. So it is read back.

use crate::answers::{count, done, only, rows};
use qianpu_domain::money::Fen;
use qianpu_sdk::wire::{id, integer, text};
use qianpu_sdk::{
    Answer, Barred, ChannelError, Context, ErrorClass, Page, Request, Showcase, ShowcaseItem, ShowcaseRef,
    ShowcaseState, Step, Turn, decode_state, encode_state,
};
use qianpu_wechat_wire::call::account_post;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window;

/// As many as are read one by one; the platform would list 200.
const PAGE: usize = 20;

#[derive(Serialize, Deserialize)]
enum Listing {
    List,
    Details { items: Vec<ShowcaseRef>, next: Option<String> },
}

#[derive(Serialize, Deserialize)]
enum Changing {
    Change(ShowcaseRef),
    ReadBack(ShowcaseRef),
}

fn fetch(cx: &Context<'_>, item: &ShowcaseRef) -> Result<Request, ChannelError> {
    let body = json!({ "product_id": item.product_id, "appid": item.source_id });
    Ok(account_post(cx, "/channels/ec/window/product/get", &body)?.idempotent())
}

/// A product of which nothing is told.
fn bare(item: ShowcaseRef) -> ShowcaseItem {
    ShowcaseItem {
        item,
        state: ShowcaseState::Unknown(String::new()),
        title: None,
        picture_url: None,
        price: None,
        stock: None,
        hidden: false,
        barred: None,
    }
}

fn barred(product: &Value) -> Option<Barred> {
    (product["banned"] == true).then(|| match integer(&product["banned_details"]["reason"]) {
        Some(0) => Barred::Category,
        Some(1) => Barred::NotApplied,
        Some(2) => Barred::BranchClosed,
        other => Barred::Unknown(other.map(|code| code.to_string()).unwrap_or_default()),
    })
}

fn detail(item: ShowcaseRef, body: &Value) -> Result<ShowcaseItem, ChannelError> {
    let product = &body["product"];
    if !product.is_object() {
        return Err(ChannelError::unexpected("the answer has no product"));
    }
    Ok(ShowcaseItem {
        state: match integer(&product["status"]) {
            Some(1) => ShowcaseState::Shown,
            Some(2) => ShowcaseState::Off,
            Some(3) => ShowcaseState::Gone,
            other => ShowcaseState::Unknown(other.map(|code| code.to_string()).unwrap_or_default()),
        },
        title: text(&product["title"]),
        picture_url: text(&product["img_url"]),
        price: count(&product["selling_price"]).map(Fen::new),
        stock: count(&product["stock"]),
        hidden: product["is_hide_for_window"] == true,
        barred: barred(product),
        item,
    })
}

/// One product of a page. That the platform refuses to tell of it leaves it bare; any other failure is one of the page.
fn row(cx: &Context<'_>, item: ShowcaseRef, answer: &Answer) -> Result<ShowcaseItem, ChannelError> {
    match done(cx, answer) {
        Ok(body) => detail(item, &body),
        Err(error) if error.class == ErrorClass::BusinessRefusal => Ok(bare(item)),
        Err(error) => Err(error),
    }
}

impl Showcase for Window {
    fn list(&self, cx: &Context<'_>, cursor: Option<&str>) -> Turn<Page<ShowcaseItem>> {
        let mut body = json!({ "page_size": PAGE });
        match cursor {
            Some(cursor) => body["last_buffer"] = json!(cursor),
            None => body["page_index"] = json!(1),
        }
        let request = account_post(cx, "/channels/ec/window/product/list/get", &body)?.idempotent();
        Ok(Step::call(request, encode_state(&Listing::List)?))
    }

    fn resume_list(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<ShowcaseItem>> {
        match decode_state(state)? {
            Listing::List => {
                let body = only(cx, answers)?;
                let listed = rows(&body["products"]);
                let full = listed.len() >= PAGE;
                let items: Vec<ShowcaseRef> = listed
                    .into_iter()
                    .filter_map(|row| {
                        Some(ShowcaseRef {
                            product_id: id(&row["product_id"])?,
                            source_id: text(&row["appid"]).unwrap_or_default(),
                        })
                    })
                    .collect();
                let next = full.then(|| text(&body["last_buffer"])).flatten();
                // What is sold for commission is described by a list the document does not describe.
                let own = items.iter().filter(|item| !item.source_id.is_empty());
                let requests = own.map(|item| fetch(cx, item)).collect::<Result<Vec<_>, _>>()?;
                if requests.is_empty() {
                    let items = items.into_iter().map(bare).collect();
                    return Ok(Step::Done(Page { items, next_cursor: next }));
                }
                let state = encode_state(&Listing::Details { items, next })?;
                Ok(Step::Call { requests, parallel: true, state })
            }
            Listing::Details { items, next } => {
                if items.iter().filter(|item| !item.source_id.is_empty()).count() != answers.len() {
                    return Err(ChannelError::unexpected("one answer for each product was expected"));
                }
                let mut answers = answers.iter();
                let items = items
                    .into_iter()
                    .map(|item| match (item.source_id.is_empty(), &mut answers) {
                        (true, _) => Ok(bare(item)),
                        (false, answers) => {
                            let answer = answers.next();
                            row(cx, item, answer.unwrap_or(&Answer::TimedOut))
                        }
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(Step::Done(Page { items, next_cursor: next }))
            }
        }
    }

    fn add(&self, cx: &Context<'_>, item: &ShowcaseRef) -> Turn<ShowcaseItem> {
        let body =
            json!({ "product_id": item.product_id, "appid": item.source_id, "is_hide_for_window": false });
        let request = account_post(cx, "/channels/ec/window/product/add", &body)?;
        Ok(Step::call(request, encode_state(&Changing::Change(item.clone()))?))
    }
    fn resume_add(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ShowcaseItem> {
        changed(cx, state, answers)
    }

    fn remove(&self, cx: &Context<'_>, item: &ShowcaseRef) -> Turn<ShowcaseItem> {
        let body = json!({ "product_id": item.product_id, "appid": item.source_id });
        let request = account_post(cx, "/channels/ec/window/product/off", &body)?.idempotent();
        Ok(Step::call(request, encode_state(&Changing::Change(item.clone()))?))
    }
    fn resume_remove(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ShowcaseItem> {
        changed(cx, state, answers)
    }
}

fn changed(cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<ShowcaseItem> {
    match decode_state(state)? {
        Changing::Change(item) => {
            only(cx, answers)?;
            let request = fetch(cx, &item)?;
            Ok(Step::call(request, encode_state(&Changing::ReadBack(item))?))
        }
        Changing::ReadBack(item) => detail(item, &only(cx, answers)?).map(Step::Done),
    }
}
