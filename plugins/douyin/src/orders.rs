//! Listing and fetching orders.

use crate::call::{account_call, read_only};
use crate::{Douyin, order};
use qianpu_domain::time::Span;
use qianpu_sdk::wire::{id, integer};
use qianpu_sdk::{
    Answer, ChannelError, ChannelOrder, Context, Orders, Page, Request, Step, TimeWindow, Turn, decode_state,
    encode_state,
};
use serde_json::json;

/// The platform's ceiling.
const PAGE: i64 = 100;
/// Ours: the documents name no longest window.
const MAX_WINDOW: Span = Span::days(31);

pub(crate) fn get(cx: &Context<'_>, order_id: &str) -> Result<Request, ChannelError> {
    Ok(account_call(cx, "/order/orderDetail", &json!({ "shop_order_id": order_id }))?.idempotent())
}

/// `start:page`: orders that change while pages are read leave their place in the list, so the next page begins at
/// the last moment that was seen, and only orders of one and the same second are paged by number.
fn read_cursor(cursor: &str) -> Option<(i64, i64)> {
    let (start, page) = cursor.split_once(':')?;
    Some((start.parse().ok()?, page.parse().ok().filter(|page| *page >= 0)?))
}

impl Orders for Douyin {
    fn list_changed(&self, cx: &Context<'_>, window: TimeWindow, cursor: Option<&str>) -> Turn<Page<String>> {
        let length = window.to.since(window.from);
        if length.as_micros() < 0 || length > MAX_WINDOW {
            return Err(ChannelError::field("window", "range", "时间范围不能超过 31 天"));
        }
        let (start, page) = match cursor {
            None => (window.from.seconds(), 0),
            Some(cursor) => read_cursor(cursor)
                .ok_or_else(|| ChannelError::field("cursor", "invalid", "翻页标记无法识别"))?,
        };
        let params = json!({
            "update_time_start": start, "update_time_end": window.to.seconds(),
            "page": page, "size": PAGE, "order_by": "update_time", "order_asc": true,
        });
        let request = account_call(cx, "/order/searchList", &params)?.idempotent();
        Ok(Step::call(request, encode_state(&(start, page))?))
    }

    fn resume_list_changed(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<Page<String>> {
        let (start, page): (i64, i64) = decode_state(state)?;
        let data = read_only(cx, answers)?;
        let rows = data["shop_order_list"]
            .as_array()
            .ok_or_else(|| ChannelError::unexpected("the answer has no shop_order_list"))?;
        let items = rows
            .iter()
            .map(|row| id(&row["order_id"]).ok_or_else(|| ChannelError::unexpected("a row has no order_id")))
            .collect::<Result<Vec<_>, _>>()?;
        let full = i64::try_from(items.len()).unwrap_or(i64::MAX) >= PAGE;
        let last = rows.last().and_then(|row| integer(&row["update_time"])).filter(|at| *at > start);
        let next_cursor = full.then(|| match last {
            Some(at) => format!("{at}:0"),
            None => format!("{start}:{}", page + 1),
        });
        Ok(Step::Done(Page { items, next_cursor }))
    }

    fn fetch(&self, cx: &Context<'_>, order_id: &str) -> Turn<ChannelOrder> {
        Ok(Step::call(get(cx, order_id)?, Vec::new()))
    }

    fn resume_fetch(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<ChannelOrder> {
        order::read(&read_only(cx, answers)?).map(Step::Done)
    }
}
