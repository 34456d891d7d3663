//! Listing and fetching orders.

use crate::{WechatStore, order};
use qianpu_domain::time::Span;
use qianpu_sdk::wire::{id, text};
use qianpu_sdk::{
    Answer, ChannelError, ChannelOrder, Context, Orders, Page, Request, Step, TimeWindow, Turn,
};
use qianpu_wechat_wire::call::{account_post, read_only};
use serde_json::json;

/// The platform's ceiling.
const PAGE: u32 = 100;
/// Longer windows are refused by the platform.
const MAX_WINDOW: Span = Span::days(7);

pub(crate) fn get(cx: &Context<'_>, order_id: &str) -> Result<Request, ChannelError> {
    Ok(account_post(cx, "/channels/ec/order/get", &json!({ "order_id": order_id }))?.idempotent())
}

impl Orders for WechatStore {
    fn list_changed(&self, cx: &Context<'_>, window: TimeWindow, cursor: Option<&str>) -> Turn<Page<String>> {
        let length = window.to.since(window.from);
        if length.as_micros() < 0 || length > MAX_WINDOW {
            return Err(ChannelError::field("window", "range", "时间范围不能超过 7 天"));
        }
        let body = json!({
            "update_time_range": { "start_time": window.from.seconds(), "end_time": window.to.seconds() },
            "page_size": PAGE,
            "next_key": cursor.unwrap_or_default(),
        });
        Ok(Step::call(account_post(cx, "/channels/ec/order/list/get", &body)?.idempotent(), Vec::new()))
    }

    fn resume_list_changed(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<Page<String>> {
        let body = read_only(cx, answers)?;
        let rows = match &body["order_id_list"] {
            // The platform leaves the list out when it is empty.
            serde_json::Value::Null if body.get("errcode").is_some() => &[][..],
            serde_json::Value::Array(rows) => rows,
            _ => return Err(ChannelError::unexpected("the answer has no order_id_list")),
        };
        let items = rows
            .iter()
            .map(|row| {
                id(row).ok_or_else(|| ChannelError::unexpected("an order id is neither text nor a number"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let more = body["has_more"].as_bool().unwrap_or(false);
        Ok(Step::Done(Page { items, next_cursor: text(&body["next_key"]).filter(|_| more) }))
    }

    fn fetch(&self, cx: &Context<'_>, order_id: &str) -> Turn<ChannelOrder> {
        Ok(Step::call(get(cx, order_id)?, Vec::new()))
    }

    fn resume_fetch(&self, cx: &Context<'_>, _state: &[u8], answers: &[Answer]) -> Turn<ChannelOrder> {
        order::read(&read_only(cx, answers)?).map(Step::Done)
    }
}
