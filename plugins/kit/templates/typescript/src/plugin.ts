// {{title}}: a channel plugin for Qianpu.
//
// It describes requests and reads answers; the server makes the calls. What is here speaks the WeChat shop's interface
// (token, profile, pushes, orders), so that it can be tried against `qianpu sandbox` at once. Put your platform's facts
// in its place, one operation at a time: `qianpu plugin dev` runs every check at each save.

import * as orders from "./orders";
import { webhook } from "./pushes";
import { accountGet, read, TOKENS, CALLS } from "./platform";
import {
  call, channel, done, Failure, integer, isObject, jsonBody, request, unexpected, word,
  type Operation,
} from "../sdk/qianpu";

const manifest = {
  schema: "qianpu.manifest/1",
  slug: "{{slug}}",
  version: "0.1.0",
  name_en: "{{title}}",
  name_zh: "{{title}}",
  kinds: [{ code: "{{kind}}", name_en: "{{title}} shop", name_zh: "{{title}} 店铺" }],
  // The merchant types id and secret. Links through an app of the provider come with the capability `app`.
  link_modes: ["direct"],
  push_rules: [{ mode: "direct", formats: ["json"] }],
  // The only hosts it reaches; the operator agrees to them.
  hosts: [{ name: "api", base_url: "https://api.weixin.qq.com" }],
  buckets: [
    { name: CALLS, per_minute: 1200, burst: 60 },
    { name: TOKENS, per_minute: 60, burst: 20 },
  ],
  capabilities: ["auth", "webhook", "account", "orders"],
  // Fields of answers that hold tokens: the plugin sees handles there.
  secret_fields: ["access_token"],
};

const refresh: Operation = {
  start(cx) {
    if (!cx.account?.secret) throw new Failure({ tag: "reauthorise" }, "the account has no secret");
    return call({
      ...request("post", "api", "/cgi-bin/stable_token"),
      // The secret is a handle; the server puts the value there when it sends the request.
      body: jsonBody({
        grant_type: "client_credential", appid: cx.account.externalId, secret: cx.account.secret,
        force_refresh: false,
      }),
      redact: ["secret"],
      idempotent: true,
      bucket: TOKENS,
    });
  },
  resume(cx, answers) {
    const body = read(answers);
    const value = word(body.access_token);
    const seconds = integer(body.expires_in);
    if (!value || !seconds || seconds < 1 || seconds > 31_536_000) throw unexpected("the answer has no usable token");
    return done({ access_token: { value, expires_at: cx.now + seconds * 1_000_000 }, refresh_token: null });
  },
};

const profile: Operation = {
  start: (cx) => call(accountGet(cx, "/channels/ec/basics/info/get")),
  resume(cx, answers) {
    const { info } = read(answers);
    if (!isObject(info)) throw unexpected("the answer has no info");
    const state = word(info.status);
    // A state we do not know is not guessed.
    const active = state === "open_finished" ? true
      : ["opening", "closing", "close_finished"].includes(state ?? "") ? false : null;
    return done({
      external_id: cx.account?.externalId ?? null, kind: "{{kind}}", user_name: word(info.username),
      name: word(info.nickname), avatar_url: word(info.headimg_url), subject: word(info.subject_type),
      native_state: state, active, opened_at: null, scopes: [],
    });
  },
};

export const { plugin, operations, pushes } = channel(
  manifest,
  {
    "account.refresh": refresh,
    "account.profile": profile,
    "order.list": orders.list,
    "order.fetch": orders.fetch,
  },
  webhook,
);
