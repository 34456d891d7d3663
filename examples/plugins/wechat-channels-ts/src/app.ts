// The provider's app: a third-party platform 第三方平台 that many merchants grant. Its ticket and token, the link that a
// merchant opens, and the accounts that granted.

import {
  appOf, decodeState, done, encodeState, Failure, call, id, integer, isObject, moment, page, pageAt, retryLater,
  unexpected, word,
  type Json, type Operation,
} from "sdk/qianpu";
import { authorizerTokens, token } from "./account";
import { appPost, readOnly, required, requiredWord, tokenPost } from "./platform";

/** Channels accounts only. */
const AUTH_TYPE = "5";
/** The platform would list 500; smaller pages keep answers small. */
const LIST_PAGE = 100;
const SECOND = 1_000_000;

export const requestTicket: Operation = {
  start(cx) {
    const app = appOf(cx);
    // The field is called component_secret here and component_appsecret elsewhere; both are the platform's words.
    const body = { component_appid: app.appId, component_secret: app.secret };
    return call(tokenPost("/cgi-bin/component/api_start_push_ticket", body, ["component_secret"]));
  },
  resume(cx, answers) {
    // This call answers with errcode even when it succeeds.
    if (integer(readOnly(cx, answers).errcode) !== 0) throw unexpected("the answer has no errcode");
    return done(null);
  },
};

export const appToken: Operation = {
  start(cx) {
    const app = appOf(cx);
    if (!app.ticket) throw retryLater(600, "the platform has not pushed a verify ticket yet");
    const body = {
      component_appid: app.appId, component_appsecret: app.secret, component_verify_ticket: app.ticket,
    };
    const redact = ["component_appsecret", "component_verify_ticket"];
    return call(tokenPost("/cgi-bin/component/api_component_token", body, redact));
  },
  resume: (cx, answers) => done(token(readOnly(cx, answers), "component_access_token", cx.now)),
};

export const beginLink: Operation = {
  start(cx, { redirect_uri, external_id }) {
    const request = appPost(cx, "/cgi-bin/component/api_create_preauthcode", { component_appid: appOf(cx).appId });
    return call(request, encodeState({ redirect_uri, external_id: external_id ?? null }));
  },
  resume(cx, answers, state) {
    const { redirect_uri, external_id } = decodeState(state, (held) => typeof held.redirect_uri === "string");
    const body = readOnly(cx, answers);
    // The documents say 1800 seconds and show 600: only the answer counts.
    const told = integer(body.expires_in);
    const seconds = told !== null && told >= 1 && told <= 86_400 ? told : 600;
    // The platform's pages check the order.
    const query: [string, string][] = [
      ["component_appid", appOf(cx).appId],
      ["pre_auth_code", requiredWord(body, "pre_auth_code")],
      ["redirect_uri", redirect_uri],
      ["auth_type", AUTH_TYPE],
    ];
    if (external_id) query.push(["biz_appid", external_id]);
    const phone: [string, string][] = [["action", "bindcomponent"], ["no_scan", "1"], ...query];
    return done({
      open: {
        desktop_url: pageAt("login", "/cgi-bin/componentloginpage", query),
        mobile_url: `${pageAt("open", "/wxaopen/safe/bindcomponent", phone)}#wechat_redirect`,
        expires_at: cx.now + seconds * SECOND,
      },
    });
  },
};

export const completeLink: Operation = {
  start(cx, { code }) {
    const body = { component_appid: appOf(cx).appId, authorization_code: code };
    const request = appPost(cx, "/cgi-bin/component/api_query_auth", body);
    // A code is good for one exchange.
    return call({ ...request, redact: [...request.redact, "authorization_code"], idempotent: false });
  },
  resume(cx, answers) {
    const info = readOnly(cx, answers).authorization_info;
    const tokens = authorizerTokens(info, cx.now);
    if (tokens.refresh_token === null) throw unexpected("the answer has no authorizer_refresh_token");
    const external_id = required(id(info.authorizer_appid), "authorizer_appid");
    return done({ external_id, tokens, scopes: scopes(info.func_info), profile: null });
  },
};

export const authorisedAccounts: Operation = {
  start(cx, { cursor }) {
    const offset = cursor === null || cursor === undefined ? 0 : integer(cursor);
    if (offset === null || offset < 0) {
      const field = { path: "cursor", code: "invalid", message: "the cursor is not one of ours" };
      throw new Failure({ tag: "fix-request", val: [field] }, "the cursor is not one of ours");
    }
    const body = { component_appid: appOf(cx).appId, offset, count: LIST_PAGE };
    return call(appPost(cx, "/cgi-bin/component/api_get_authorizer_list", body), encodeState({ offset }));
  },
  resume(cx, answers, state) {
    const { offset } = decodeState(state, (held) => Number.isSafeInteger(held.offset));
    const body = readOnly(cx, answers);
    const total = integer(body.total_count);
    if (total === null) throw unexpected("the answer has no total_count");
    const items = (Array.isArray(body.list) ? body.list : []).map((row: Json) => ({
      external_id: required(id(row?.authorizer_appid), "authorizer_appid"),
      refresh_token: word(row.refresh_token),
      authorised_at: moment(row.auth_time),
    }));
    const next = offset + items.length;
    return page(items, items.length > 0 && next < total ? String(next) : null);
  },
};

export const authorisedProfile: Operation = {
  start(cx, { external_id }) {
    const body = { component_appid: appOf(cx).appId, authorizer_appid: external_id };
    return call(appPost(cx, "/cgi-bin/component/api_get_authorizer_info", body));
  },
  resume(cx, answers) {
    const { authorizer_info: info, authorization_info: granted } = readOnly(cx, answers);
    if (!isObject(info)) throw unexpected("the answer has no authorizer_info");
    const state = integer(info.account_status);
    return done({
      external_id: id(granted?.authorizer_appid),
      kind: kind(info),
      user_name: word(info.user_name),
      name: word(info.nick_name),
      avatar_url: word(info.head_img),
      subject: word(info.principal_name),
      native_state: state === null ? null : String(state),
      // 1 normal, 18 warned; 14 closed, 16 banned, 19 frozen. Another one is not guessed.
      active: state === 1 || state === 18 ? true : state === 14 || state === 16 || state === 19 ? false : null,
      opened_at: null,
      scopes: scopes(granted?.func_info),
    });
  },
};

/** Blocks that are there, and not empty, for accounts of one kind only. */
const BLOCKS: [block: string, kind: string][] = [
  ["store_info", "wechat_store"],
  ["channels_info", "channels_account"],
  ["talent_info", "talent"],
  ["supplier_info", "supplier"],
];

/** Whoever granted: the server compares it with the kind that was to be linked. */
function kind(info: Json): string {
  const found = BLOCKS.find(([block]) => (id(info[block]?.id) ?? "0") !== "0");
  if (found) return found[1];
  const program = info.MiniProgramInfo;
  return isObject(program) && Object.keys(program).length > 0 ? "mini_program" : "official_account";
}

/** `func_info:[{funcscope_category:{id}}]` → ids. */
function scopes(granted: Json): string[] {
  const rows: Json[] = Array.isArray(granted) ? granted : [];
  return rows.map((row) => id(row?.funcscope_category?.id)).filter((one): one is string => one !== null);
}
