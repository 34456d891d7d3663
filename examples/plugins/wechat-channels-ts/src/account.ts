// Tokens of an account, through the provider's app or by its own id and secret; and what is known of it.

import {
  accountOf, appOf, appToken, calls, call, done, Failure, failed, integer, isObject, secretQuery, unexpected, word,
  type Json, type Operation,
} from "sdk/qianpu";
import { done as told, object, switchedOff } from "./assistant";
import { ATTRIBUTES, ROOMS } from "./live";
import { asked, readOnly, requiredWord, tokenPost } from "./platform";

/** A token and when it ends. The token is a handle: its field stands in `secret_fields` of the manifest. */
export function token(body: Json, field: string, now: number): Json {
  const value = requiredWord(body, field);
  const seconds = integer(body.expires_in);
  if (seconds === null || seconds < 1 || seconds > 31_536_000) throw unexpected("the answer has no usable expires_in");
  return { value, expires_at: now + seconds * 1_000_000 };
}

export const authorizerTokens = (body: Json, now: number): Json => ({
  access_token: token(body, "authorizer_access_token", now),
  refresh_token: word(body?.authorizer_refresh_token),
});

export const refresh: Operation = {
  start(cx) {
    const { externalId, secret, refreshToken } = accountOf(cx);
    if (secret) {
      // stable_token answers with the token that is valid now: asking again does not invalidate it.
      const body = { grant_type: "client_credential", appid: externalId, secret, force_refresh: false };
      return call(tokenPost("/cgi-bin/stable_token", body, ["secret"]));
    }
    if (!refreshToken) throw failed("the account has neither a secret nor a refresh token", "reauthorise");
    const body = {
      component_appid: appOf(cx).appId, authorizer_appid: externalId, authorizer_refresh_token: refreshToken,
    };
    // A replaced refresh token works for five more minutes and leads to the same new one: it may be sent twice.
    const request = tokenPost("/cgi-bin/component/api_authorizer_token", body, ["authorizer_refresh_token"]);
    return call(secretQuery(request, "component_access_token", appToken(cx)));
  },
  resume(cx, answers) {
    const body = readOnly(cx, answers);
    if (!accountOf(cx).secret) return done(authorizerTokens(body, cx.now));
    return done({ access_token: token(body, "access_token", cx.now), refresh_token: null });
  },
};

/** Rooms and the account's attributes are two switches of the assistant. One that is on proves that the token works and
 *  that it is a channels account. */
export const profile: Operation = {
  start: (cx) => calls([asked(cx, ATTRIBUTES, {}), asked(cx, ROOMS, {})]),
  resume(cx, answers) {
    const [attributes, rooms] = answers;
    if (answers.length !== 2 || !attributes || !rooms) throw unexpected("two answers were expected");
    let name: string | null = null;
    try {
      const found = object(told(cx, attributes).finder_attr);
      if (!isObject(found)) throw unexpected("the answer has no finder_attr");
      name = word(found.nickname);
    } catch (error) {
      if (!(error instanceof Failure) || !switchedOff(error)) throw error;
      told(cx, rooms);
    }
    return done({
      external_id: accountOf(cx).externalId, kind: "channels_account", user_name: null, name, avatar_url: null,
      subject: null, native_state: null, active: true, opened_at: null, scopes: [],
    });
  },
};
