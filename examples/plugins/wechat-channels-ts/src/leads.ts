// Leads 留资: forms, and what people left in them.
//
// https://developers.weixin.qq.com/doc/channels/API/leads/get_leads_component_id.html and
// …/get_leads_info_by_component_id.html; the moment a lead was left is as the open client library WxJava reads it.

import { call, id, moment, page, unexpected, word, type Json, type Operation } from "sdk/qianpu";
import { next, only, rows, state } from "./assistant";
import { asked } from "./platform";

const STATES = { 1: "draft", 2: "in_audit", 3: "refused", 4: "open", 5: "deleted" };
const seconds = (micros: number) => Math.floor(micros / 1_000_000);

/** These operations keep no state. */
function own(held: Uint8Array) {
  if (held.length !== 0) throw unexpected("a state that is not ours");
}

/** Text, a number, or a list of texts such as province, city and district. */
function value(said: Json): string {
  if (Array.isArray(said)) return said.filter((part) => typeof part === "string").join(" ");
  return typeof said === "string" || typeof said === "number" ? String(said) : "";
}

export const forms: Operation = {
  start: (cx, { cursor }) =>
    call(asked(cx, "/channels/leads/get_leads_component_id", cursor ? { last_buffer: cursor } : {})),
  resume(cx, answers, held) {
    own(held);
    const body = only(cx, answers);
    const items = rows(body.item).flatMap((row): Json[] => {
      const form_id = id(row?.leads_component_id);
      return form_id ? [{ form_id, title: word(row.leads_description) ?? "", state: state(row.status, STATES) }] : [];
    });
    return page(items, next(body));
  },
};

export const list: Operation = {
  start(cx, { form_id, window, cursor }) {
    const asking = {
      leads_component_id: form_id, start_time: seconds(window.from), end_time: seconds(window.to),
      // This version tells more of each lead.
      version: 1,
      ...(cursor ? { last_buffer: cursor } : {}),
    };
    return call(asked(cx, "/channels/leads/get_leads_info_by_component_id", asking));
  },
  resume(cx, answers, held) {
    own(held);
    const body = only(cx, answers);
    const items = rows(body.user_data).map((row) => ({
      host: word(row?.anchor_nickname),
      room_started_at: moment(row?.live_start_time),
      left_at: moment(row?.time),
      answers: rows(row?.leads_data).map((one) => [word(one?.title) ?? "", value(one?.value)]),
    }));
    return page(items, next(body));
  },
};
