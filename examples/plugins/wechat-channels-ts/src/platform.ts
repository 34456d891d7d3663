// Calls of api.weixin.qq.com, and reading their answers.

import {
  accountToken, appToken, integer, isObject, json, jsonBody, request, secretQuery, unexpected, word,
  type Answer, type Context, type Json, type Request,
} from "sdk/qianpu";
import { refused } from "./errors";

/** Requests go to `api`; `login` and `open` are pages that a person opens. */
export const HOSTS = [
  { name: "api", base_url: "https://api.weixin.qq.com" },
  { name: "login", base_url: "https://mp.weixin.qq.com" },
  { name: "open", base_url: "https://open.weixin.qq.com" },
];

/** Limits that are ours, the same for every WeChat channel: they share the platform's host. */
export const BUCKETS = [
  { name: "calls", per_minute: 1200, burst: 60 },
  { name: "tokens", per_minute: 60, burst: 20 },
  { name: "menus", per_minute: 5, burst: 20 },
];

const post = (path: string, body: Json): Request => ({ ...request("post", "api", path), body: jsonBody(body) });

/** A call about tokens: of nobody's token yet. */
export const tokenPost = (path: string, body: Json, redact: string[]): Request =>
  ({ ...post(path, body), redact, bucket: "tokens", idempotent: true });

/** With the token of the provider's app. The parameter's old name, which is the one all documents know. */
export const appPost = (cx: Context, path: string, body: Json): Request =>
  secretQuery({ ...post(path, body), bucket: "tokens", idempotent: true }, "component_access_token", appToken(cx));

/** With the account's token: a call that may be sent twice. */
export const asked = (cx: Context, path: string, body: Json): Request =>
  ({ ...changing(cx, path, body), idempotent: true });

/** With the account's token: a call that may not. */
export const changing = (cx: Context, path: string, body: Json): Request =>
  secretQuery({ ...post(path, body), bucket: "calls" }, "access_token", accountToken(cx));

/** An answer, when the platform says that all is well: HTTP status, then `errcode`. */
export function read(cx: Context, answer: Answer): Json {
  const body = json(answer);
  if (!isObject(body)) throw unexpected("the answer is not a JSON object");
  if (body.errcode === undefined || body.errcode === null) return body;
  const code = integer(body.errcode);
  if (code === null) throw unexpected("errcode is not a number");
  if (code !== 0) throw refused(code, typeof body.errmsg === "string" ? body.errmsg : "", cx.now);
  return body;
}

/** The same for the one answer of a call. */
export function readOnly(cx: Context, answers: Answer[]): Json {
  const [answer] = answers;
  if (answers.length !== 1 || !answer) throw unexpected("one answer was expected");
  return read(cx, answer);
}

export function required(value: string | null, field: string): string {
  if (value === null) throw unexpected(`the answer has no ${field}`);
  return value;
}
export const requiredWord = (body: Json, field: string): string => required(word(body?.[field]), field);
