// What is left of the account's calls, and setting it back; the same two interfaces for every WeChat channel.
// https://developers.weixin.qq.com/doc/offiaccount/openApi/get_api_quota.html, …/clear_quota.html

import {
  accountOf, call, calls, decodeState, done, encodeState, Failure, integer, unexpected,
  type Answer, type Context, type Json, type Operation,
} from "sdk/qianpu";
import { asked, changing, read, readOnly } from "./platform";

/** As many as are asked about at once. */
const MOST = 20;
/** Interfaces the platform does not count for this account: unknown to it, or not granted. */
const NOT_COUNTED = ["76021", "76022"];

/** None where no limit is named: without the field, or with nought in it. */
function rate(given: Json, shared: boolean): Json[] {
  const [calls, seconds] = [integer(given?.call_count), integer(given?.refresh_second)];
  return calls !== null && calls > 0 && seconds !== null && seconds > 0 ? [{ calls, seconds, shared }] : [];
}

function row(cx: Context, path: string, answer: Answer): Json {
  let body: Json;
  try {
    body = read(cx, answer);
  } catch (error) {
    if (error instanceof Failure && NOT_COUNTED.includes(error.remote?.code ?? "")) {
      return { interface: path, daily: null, rates: [] };
    }
    throw error;
  }
  const number = (field: string): number => {
    const value = integer(body.quota?.[field]);
    if (value === null) throw unexpected(`the answer has no quota.${field}`);
    return value;
  };
  return {
    interface: path,
    daily: { limit: number("daily_limit"), used: number("used"), left: number("remain") },
    rates: [...rate(body.rate_limit, false), ...rate(body.component_rate_limit, true)],
  };
}

export const ask: Operation = {
  start(cx, { interfaces }) {
    if (interfaces.length === 0) return done([]);
    if (interfaces.length > MOST) {
      const message = `at most ${MOST} interfaces at once`;
      throw new Failure({ tag: "fix-request", val: [{ path: "interfaces", code: "too_many", message }] }, message);
    }
    const requests = interfaces.map((path: string) => asked(cx, "/cgi-bin/openapi/quota/get", { cgi_path: path }));
    return calls(requests, encodeState({ interfaces }));
  },
  resume(cx, answers, held) {
    const { interfaces } = decodeState(held, (one) => Array.isArray(one.interfaces) && one.interfaces.length > 0);
    if (interfaces.length !== answers.length) throw unexpected("one answer for each interface was expected");
    return done(interfaces.map((path: string, at: number) => row(cx, path, answers[at]!)));
  },
};

export const clear: Operation = {
  start: (cx) => call(changing(cx, "/cgi-bin/clear_quota", { appid: accountOf(cx).externalId })),
  resume(cx, answers) {
    // This call answers with errcode even when it succeeds.
    if (integer(readOnly(cx, answers).errcode) !== 0) throw unexpected("the answer has no errcode");
    return done(null);
  },
};
