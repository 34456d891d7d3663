//! Live rooms 直播, reservations 预约 and the figures of a room 直播大屏.
//!
//! From <https://developers.weixin.qq.com/doc/channels/API/live/getfinderlivenoticerecordlist.html>,
//! `…/livedashboard/getlivelist.html` and `…/livedashboard/getlivedata.html`; what is inside the blocks of the last one is
//! as the open client library WxJava (`weixin-java-channel`, `bean/live/dashboard`) reads it. Its blocks are text of JSON.

use crate::answers::{block, count, done, moment, object, only, rows, switched_off};
use qianpu_domain::money::Fen;
use qianpu_domain::time::Timestamp;
use qianpu_sdk::wire::{id, text};
use qianpu_sdk::{
    Answer, ChannelError, Context, Live, LiveAccount, LiveDay, LiveFigures, LiveNow, LiveProduct,
    LiveReservation, LiveRoom, LiveSession, LiveSessions, Step, Turn, decode_state, encode_state,
};
use qianpu_wechat_wire::call::account_post;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Rooms that are on.
pub(crate) const ROOMS: &str = "/channels/ec/finderlive/getfinderliverecordlist";
/// Reservations.
const RESERVATIONS: &str = "/channels/ec/finderlive/getfinderlivenoticerecordlist";
/// The account's attributes.
pub(crate) const ATTRIBUTES: &str = "/channels/finderlive/get_finder_attr_by_appid";

/// Rooms of a day whose figures are read; each is a call.
const SESSIONS: usize = 20;
/// Products of a room that are kept.
const PRODUCTS: usize = 100;

/// Live rooms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rooms;

#[derive(Serialize, Deserialize)]
enum Day {
    List,
    Figures { rooms: Vec<(String, Option<i64>)>, more: bool },
}

fn room(row: &Value) -> Option<LiveRoom> {
    Some(LiveRoom {
        room_id: id(&row["export_id"])?,
        title: text(&row["description"]).unwrap_or_default(),
        cover_url: text(&row["cover_url"]),
        host: text(&row["nickname"]),
    })
}

fn reservation(row: &Value) -> Option<LiveReservation> {
    Some(LiveReservation {
        notice_id: id(&row["notice_id"])?,
        title: text(&row["description"]).unwrap_or_default(),
        starts_at: moment(&row["start_time"]),
        native_state: id(&row["status"]).unwrap_or_default(),
        state_text: text(&row["status_wording"]),
        host: text(&row["nickname"]),
    })
}

fn account(body: &Value) -> LiveAccount {
    let attributes = object(&body["finder_attr"]);
    LiveAccount {
        public_id: id(&attributes["uniq_id"]),
        name: text(&attributes["nickname"]),
        followers: count(&attributes["fans_count"]),
    }
}

fn product(row: &Value) -> Option<LiveProduct> {
    let base = &row["base_data"];
    Some(LiveProduct {
        product_id: id(&base["src_spu_id"]).or_else(|| id(&base["spu_id"]))?,
        title: text(&base["spu_name"]).unwrap_or_default(),
        sales: count(&row["gmv"]).map(Fen::new),
        paid_orders: count(&row["pay_pv"]),
        clicks: count(&row["clk_uv"]),
        explained: count(&row["explanation_count"]),
    })
}

fn session(room_id: String, created: Option<i64>, body: &Value) -> Result<LiveSession, ChannelError> {
    let dashboard = block(body, "live_dashboard_data")?;
    let summary = &dashboard["live_dashboard_data"]["summary"];
    let sales = block(body, "live_ec_data_summary")?;
    let products = block(body, "single_live_ec_spu_data_page_v2")?;
    Ok(LiveSession {
        room_id,
        started_at: moment(&dashboard["start_time"]).or_else(|| created.map(Timestamp::from_seconds)),
        seconds: count(&dashboard["live_duration"]),
        on_air: block(body, "live_comparison_index")?["is_living"].as_bool(),
        figures: LiveFigures {
            viewers: count(&summary["new_watch_uv"]),
            most_online: count(&summary["max_online_watch_uv"]),
            impressions: count(&summary["impression_uv"]),
            average_seconds: count(&summary["average_watch_seconds_per_audience"]),
            new_followers: count(&summary["new_follow_uv"]),
            commenters: count(&summary["comment_uv"]),
            sharers: count(&summary["sharing_uv"]),
            sales: count(&sales["total_gmv"]).map(Fen::new),
            paid_orders: count(&sales["total_pay_pv"]),
            buyers: count(&sales["total_pay_uv"]),
            orders: count(&sales["total_create_pv"]),
            clicks: count(&sales["total_clk_pv"]),
            refunded: count(&sales["refund_amount"]).map(Fen::new),
            refunds: count(&sales["refund_pv"]),
        },
        products: rows(&products["spu_data_list"]).into_iter().filter_map(product).take(PRODUCTS).collect(),
    })
}

impl Live for Rooms {
    fn now(&self, cx: &Context<'_>) -> Turn<LiveNow> {
        let asked = |path| Ok(account_post(cx, path, &json!({}))?.idempotent());
        let requests = [ROOMS, RESERVATIONS, ATTRIBUTES].map(asked);
        let requests = requests.into_iter().collect::<Result<Vec<_>, ChannelError>>()?;
        Ok(Step::Call { requests, parallel: true, state: Vec::new() })
    }

    fn resume_now(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<LiveNow> {
        let ([rooms, reservations, attributes], true) = (answers, state.is_empty()) else {
            return Err(ChannelError::unexpected("three answers were expected"));
        };
        let (on, announced) = (done(cx, rooms)?, done(cx, reservations)?);
        let account = match done(cx, attributes) {
            Ok(body) => Some(account(&body)),
            Err(error) if switched_off(&error) => None,
            Err(error) => return Err(error),
        };
        Ok(Step::Done(LiveNow {
            rooms: crate::answers::rows(&on["live_list"]).into_iter().filter_map(room).collect(),
            reservations: crate::answers::rows(&announced["live_notice_list"])
                .into_iter()
                .filter_map(reservation)
                .collect(),
            account,
        }))
    }

    fn day(&self, cx: &Context<'_>, day: &LiveDay) -> Turn<LiveSessions> {
        let ds = i64::from(day.year) * 10_000 + i64::from(day.month) * 100 + i64::from(day.day);
        let request = account_post(cx, "/channels/livedashboard/getlivelist", &json!({ "ds": ds }))?;
        Ok(Step::call(request.idempotent(), encode_state(&Day::List)?))
    }

    fn resume_day(&self, cx: &Context<'_>, state: &[u8], answers: &[Answer]) -> Turn<LiveSessions> {
        match decode_state(state)? {
            Day::List => {
                let body = only(cx, answers)?;
                let found: Vec<(String, Option<i64>)> = rows(&body["live_items"])
                    .into_iter()
                    .filter_map(|row| Some((id(&row["export_id"])?, count(&row["create_time"]))))
                    .collect();
                let more = body["has_more"] == true || found.len() > SESSIONS;
                let rooms: Vec<(String, Option<i64>)> = found.into_iter().take(SESSIONS).collect();
                if rooms.is_empty() {
                    return Ok(Step::Done(LiveSessions { sessions: Vec::new(), more }));
                }
                let path = "/channels/livedashboard/getlivedata";
                let asked = |(room, _): &(String, Option<i64>)| {
                    Ok(account_post(cx, path, &json!({ "export_id": room }))?.idempotent())
                };
                let requests = rooms.iter().map(asked).collect::<Result<Vec<_>, ChannelError>>()?;
                Ok(Step::Call {
                    requests,
                    parallel: true,
                    state: encode_state(&Day::Figures { rooms, more })?,
                })
            }
            Day::Figures { rooms, more } => {
                if rooms.len() != answers.len() {
                    return Err(ChannelError::unexpected("one answer for each room was expected"));
                }
                let sessions = rooms
                    .into_iter()
                    .zip(answers)
                    .map(|((room, created), answer)| session(room, created, &done(cx, answer)?))
                    .collect::<Result<Vec<_>, ChannelError>>()?;
                Ok(Step::Done(LiveSessions { sessions, more }))
            }
        }
    }
}
