// Live rooms 直播, reservations 预约 and the figures of a room 直播大屏.
//
// https://developers.weixin.qq.com/doc/channels/API/live/getfinderlivenoticerecordlist.html,
// …/livedashboard/getlivelist.html and …/livedashboard/getlivedata.html; what is inside the blocks of the last one is as
// the open client library WxJava (weixin-java-channel, bean/live/dashboard) reads it. Its blocks are text of JSON.

import {
  call, calls, decodeState, done, encodeState, Failure, id, moment, unexpected, word,
  type Json, type Operation,
} from "sdk/qianpu";
import { block, count, done as told, object, only, rows, switchedOff } from "./assistant";
import { asked } from "./platform";

/** Rooms that are on. */
export const ROOMS = "/channels/ec/finderlive/getfinderliverecordlist";
const RESERVATIONS = "/channels/ec/finderlive/getfinderlivenoticerecordlist";
/** The account's attributes. */
export const ATTRIBUTES = "/channels/finderlive/get_finder_attr_by_appid";

/** Rooms of a day whose figures are read; each is a call. */
const MOST_SESSIONS = 20;
/** Products of a room that are kept. */
const MOST_PRODUCTS = 100;

/** A row without an id is none. */
const withId = (list: Json[], field: string, row: (id: string, one: Json) => Json): Json[] =>
  list.flatMap((one) => {
    const found = id(one?.[field]);
    return found ? [row(found, one)] : [];
  });

export const now: Operation = {
  start: (cx) => calls([ROOMS, RESERVATIONS, ATTRIBUTES].map((path) => asked(cx, path, {}))),
  resume(cx, answers, held) {
    const [rooms, reservations, attributes] = answers;
    if (answers.length !== 3 || !rooms || !reservations || !attributes || held.length !== 0) {
      throw unexpected("three answers were expected");
    }
    const [on, announced] = [told(cx, rooms), told(cx, reservations)];
    let account: Json = null;
    try {
      const found = object(told(cx, attributes).finder_attr);
      account = { public_id: id(found?.uniq_id), name: word(found?.nickname), followers: count(found?.fans_count) };
    } catch (error) {
      if (!(error instanceof Failure) || !switchedOff(error)) throw error;
    }
    return done({
      rooms: withId(rows(on.live_list), "export_id", (room_id, one) => ({
        room_id, title: word(one.description) ?? "", cover_url: word(one.cover_url), host: word(one.nickname),
      })),
      reservations: withId(rows(announced.live_notice_list), "notice_id", (notice_id, one) => ({
        notice_id, title: word(one.description) ?? "", starts_at: moment(one.start_time),
        native_state: id(one.status) ?? "", state_text: word(one.status_wording), host: word(one.nickname),
      })),
      account,
    });
  },
};

export const day: Operation = {
  start(cx, { year, month, day }) {
    const request = asked(cx, "/channels/livedashboard/getlivelist", { ds: year * 10_000 + month * 100 + day });
    return call(request, encodeState({ step: "list" }));
  },
  resume(cx, answers, held) {
    const known = (one: Json) => one.step === "list" || (one.step === "figures" && Array.isArray(one.rooms));
    const { step, rooms, more } = decodeState(held, known);
    if (step === "figures") {
      if (rooms.length !== answers.length) throw unexpected("one answer for each room was expected");
      const sessions = answers.map((answer, at) => session(rooms[at], told(cx, answer)));
      return done({ sessions, more });
    }
    const body = only(cx, answers);
    const found = withId(rows(body.live_items), "export_id", (room, one) => ({ room, began: moment(one.create_time) }));
    const some = found.slice(0, MOST_SESSIONS);
    const hidden = body.has_more === true || found.length > some.length;
    if (some.length === 0) return done({ sessions: [], more: hidden });
    const path = "/channels/livedashboard/getlivedata";
    const requests = some.map(({ room }) => asked(cx, path, { export_id: room }));
    return calls(requests, encodeState({ step: "figures", rooms: some, more: hidden }));
  },
};

/** A figure that is not told is `null`, never 0. */
function session({ room, began }: Json, body: Json): Json {
  const dashboard = block(body, "live_dashboard_data");
  const summary = dashboard?.live_dashboard_data?.summary;
  const sales = block(body, "live_ec_data_summary");
  const products = block(body, "single_live_ec_spu_data_page_v2");
  const living = block(body, "live_comparison_index")?.is_living;
  return {
    room_id: room,
    started_at: moment(dashboard?.start_time) ?? began,
    seconds: count(dashboard?.live_duration),
    on_air: typeof living === "boolean" ? living : null,
    figures: {
      viewers: count(summary?.new_watch_uv),
      most_online: count(summary?.max_online_watch_uv),
      impressions: count(summary?.impression_uv),
      average_seconds: count(summary?.average_watch_seconds_per_audience),
      new_followers: count(summary?.new_follow_uv),
      commenters: count(summary?.comment_uv),
      sharers: count(summary?.sharing_uv),
      sales: count(sales?.total_gmv),
      paid_orders: count(sales?.total_pay_pv),
      buyers: count(sales?.total_pay_uv),
      orders: count(sales?.total_create_pv),
      clicks: count(sales?.total_clk_pv),
      refunded: count(sales?.refund_amount),
      refunds: count(sales?.refund_pv),
    },
    products: rows(products?.spu_data_list).flatMap(product).slice(0, MOST_PRODUCTS),
  };
}

/** By its id in the shop it comes from. */
function product(one: Json): Json[] {
  const product_id = id(one?.base_data?.src_spu_id) ?? id(one?.base_data?.spu_id);
  if (!product_id) return [];
  return [{
    product_id, title: word(one.base_data.spu_name) ?? "", sales: count(one.gmv), paid_orders: count(one.pay_pv),
    clicks: count(one.clk_uv), explained: count(one.explanation_count),
  }];
}
