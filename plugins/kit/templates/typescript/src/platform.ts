// Calls of the platform, and what its error codes mean.

import {
  accountToken, Failure, integer, isObject, jsonBody, only, request, secretQuery, unexpected,
  type Answer, type Context, type Json, type Request,
} from "../sdk/qianpu";

export const CALLS = "calls";
export const TOKENS = "tokens";

const signed = (cx: Context, one: Request): Request =>
  secretQuery({ ...one, bucket: CALLS, idempotent: true }, "access_token", accountToken(cx));
export const accountGet = (cx: Context, path: string) => signed(cx, request("get", "api", path));
/** For calls that only read: they may be repeated. */
export const accountPost = (cx: Context, path: string, body: Json) =>
  signed(cx, { ...request("post", "api", path), body: jsonBody(body) });

/** Codes with a meaning; every other is a refusal in the platform's own words. */
const MEANING: Record<string, Failure["kind"]> = {
  "40001": { tag: "retry-after-refresh" },
  "40014": { tag: "retry-after-refresh" },
  "42001": { tag: "retry-after-refresh" },
  "-1": { tag: "retry-later", val: 2_000_000 },
  "45011": { tag: "retry-later", val: 60_000_000 },
  "48001": { tag: "reauthorise" },
  "40013": { tag: "fix-request", val: [{ path: "app_id", code: "refused_by_platform", message: "AppID" }] },
  "40125": { tag: "fix-request", val: [{ path: "app_secret", code: "refused_by_platform", message: "AppSecret" }] },
  "47001": { tag: "fix-request", val: [] },
  "48004": { tag: "fatal" },
  "50002": { tag: "fatal" },
};

/** The answer, when the platform says that all is well. */
export function read(answers: Answer[]): Json {
  const body = only(answers);
  if (!isObject(body)) throw unexpected("the answer is not a JSON object");
  if (body.errcode === undefined || body.errcode === null) return body;
  const code = integer(body.errcode);
  if (code === null) throw unexpected("errcode is not a number");
  if (code === 0) return body;
  const message = typeof body.errmsg === "string" ? body.errmsg : "";
  const kind = MEANING[String(code)] ?? { tag: "business-refusal" as const };
  throw new Failure(kind, "", { code: String(code), message, rid: null });
}
