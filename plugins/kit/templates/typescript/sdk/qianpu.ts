// The interface qianpu:channel@0.1.0 in TypeScript: types, failures, and the three exports of a component.
// Names and forms of operations: docs/plugins/interface.md of Qianpu.

import { write } from "qianpu:channel/log@0.1.0";

export type Json = any;
export type Pairs = [string, string][];

export interface Token { value: string; expiresAt: number }
export interface Account {
  externalId: string;
  secret: string | null;
  accessToken: Token | null;
  refreshToken: string | null;
}
export interface App { appId: string; secret: string; ticket: string | null; accessToken: Token | null }
export interface Context {
  /** UTC microseconds. There is no other clock. */
  now: number;
  nonce: string;
  app: App | null;
  account: Account | null;
  settings: string;
  locale: "zh" | "en";
  more: string;
}

export interface Request {
  method: "get" | "post" | "put" | "patch" | "delete";
  /** Name of a host of the manifest. */
  host: string;
  path: string;
  query: Pairs;
  headers: Pairs;
  body: { tag: "empty" } | { tag: "bytes"; val: { contentType: string; bytes: Uint8Array } };
  redact: string[];
  bucket: string | null;
  idempotent: boolean;
  timeoutMs: number | null;
}
export type Answer =
  | { tag: "response"; val: { status: number; headers: Pairs; body: Uint8Array } }
  | { tag: "network-error"; val: string }
  | { tag: "timed-out" };

export type Step =
  | { tag: "call"; val: { requests: Request[]; parallel: boolean; state: Uint8Array } }
  | { tag: "wait"; val: { ms: number; state: Uint8Array } }
  | { tag: "done"; val: string };

export interface Operation {
  start(cx: Context, input: Json): Step;
  resume(cx: Context, answers: Answer[], state: Uint8Array): Step;
}

export interface Push { origin: "app" | "account"; method: string; query: Pairs; headers: Pairs; body: Uint8Array }
export interface Credentials {
  appIds: string[];
  token: string;
  encodingAesKey: string;
  previousEncodingAesKey: string | null;
  formats: ("json" | "xml")[];
  /** Microseconds. */
  maxAge: number;
}
export interface Verified {
  origin: "app" | "account";
  format: "json" | "xml";
  plaintext: Uint8Array;
  appId: string;
  signedAt: number;
}
export interface Reply { status: number; contentType: string; body: Uint8Array }
/** `notice` is `qianpu.notice/1`; `secret` a ticket or code that came in the push. */
export interface Notice { notice: Json; secret: string | null }
export type RefusalName =
  | "bad-signature" | "stale" | "malformed" | "undecryptable" | "wrong-app" | "wrong-format";

export interface Webhook {
  verify(push: Push, credentials: Credentials, now: number): Verified;
  decode(verified: Verified): Notice[];
  handshake(push: Push, credentials: Credentials, now: number): Reply;
  acknowledge(verified: Verified): Reply;
  refuse(refusal: RefusalName): Reply;
}

type Class =
  | { tag: "retry-after-refresh" | "reauthorise" | "business-refusal" | "fatal" | "unexpected" }
  | { tag: "retry-later" | "quota"; val: number }
  | { tag: "fix-request"; val: { path: string; code: string; message: string }[] };
export interface Remote { code: string; message: string; rid: string | null }

/** What went wrong, and what is to be done about it. Throw it from an operation. */
export class Failure extends Error {
  constructor(readonly kind: Class, readonly detail: string, readonly remote: Remote | null = null) {
    super(detail);
  }
}
export const unexpected = (detail: string) => new Failure({ tag: "unexpected" }, detail);
export const retryLater = (seconds: number, detail: string) =>
  new Failure({ tag: "retry-later", val: seconds * 1_000_000 }, detail);

/** Why a push is not taken. Throw it from `verify` and `handshake`. */
export class Refusal extends Error {
  constructor(readonly reason: RefusalName) {
    super(reason);
  }
}

export const failed = (detail: string, kind: "reauthorise" | "fatal" | "retry-after-refresh") =>
  new Failure({ tag: kind }, detail);

/** Makes this request; `resume` gets its answer. */
export function call(request: Request, state: Uint8Array = new Uint8Array()): Step {
  return { tag: "call", val: { requests: [request], parallel: false, state } };
}
/** Makes these requests, several at a time; `resume` gets one answer for each, in this order. */
export function calls(requests: Request[], state: Uint8Array = new Uint8Array()): Step {
  return { tag: "call", val: { requests, parallel: true, state } };
}
export const done = (outcome: Json): Step => ({ tag: "done", val: JSON.stringify(outcome) });
/** One page of a list; the cursor comes back as `cursor` of the next one's input. */
export const page = (items: Json[], next: string | null): Step => done({ items, next_cursor: next });

/** A state for `call`. It holds no secrets. */
export const encodeState = (state: Json): Uint8Array => utf8(JSON.stringify(state));
/** What `encodeState` wrote; `fits` says whether it is one of this operation. */
export function decodeState(state: Uint8Array, fits: (state: Json) => boolean): Json {
  let value: Json;
  try {
    value = JSON.parse(text(state));
  } catch {
    value = undefined;
  }
  if (!isObject(value) || !fits(value)) throw unexpected("the state is not one of this operation");
  return value;
}

/** The account the operation is for. */
export function accountOf(cx: Context): Account {
  if (!cx.account) throw failed("the operation needs a linked account", "reauthorise");
  return cx.account;
}
/** The provider's app. */
export function appOf(cx: Context): App {
  if (!cx.app) throw failed("the operation needs a channel app", "fatal");
  return cx.app;
}
/** The account's token: a handle. Without one the server refreshes first. */
export function accountToken(cx: Context): string {
  const token = accountOf(cx).accessToken;
  if (!token) throw failed("the account has no access token yet", "retry-after-refresh");
  return token.value;
}
/** The same for the app's own token. */
export function appToken(cx: Context): string {
  const token = appOf(cx).accessToken;
  if (!token) throw failed("the channel app has no access token yet", "retry-after-refresh");
  return token.value;
}

export function request(method: Request["method"], host: string, path: string): Request {
  const body = { tag: "empty" } as const;
  return {
    method, host, path, query: [], headers: [], body, redact: [], bucket: null, idempotent: false, timeoutMs: null,
  };
}
export function jsonBody(value: Json): Request["body"] {
  return { tag: "bytes", val: { contentType: "application/json; charset=utf-8", bytes: utf8(JSON.stringify(value)) } };
}

/** Adds a query parameter that stands in no log. */
export const secretQuery = (one: Request, name: string, value: string): Request =>
  ({ ...one, query: [...one.query, [name, value]], redact: [...one.redact, name] });
/** An address for a person's browser: the server puts the base URL it uses for that host of the manifest in front. */
export const pageAt = (host: string, path: string, query: Pairs): string =>
  `{host:${host}}${path}?${query.map(([name, value]) => `${name}=${percent(value)}`).join("&")}`;
const percent = (value: string): string =>
  encodeURIComponent(value).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

/** The one answer of a call as JSON. */
export function only(answers: Answer[]): Json {
  const answer = answers[0];
  if (answers.length !== 1 || !answer) throw unexpected(`expected one answer, got ${answers.length}`);
  return json(answer);
}

/** An answer as JSON. What is no answer, or not 2xx, is a failure. */
export function json(answer: Answer): Json {
  if (answer.tag === "network-error") throw retryLater(10, `network error: ${answer.val}`);
  if (answer.tag === "timed-out") throw retryLater(10, "the platform did not answer in time");
  const { status } = answer.val;
  if (status === 429 || status >= 500) throw retryLater(10, `HTTP status ${status}`);
  if (status < 200 || status > 299) throw unexpected(`HTTP status ${status}`);
  const value = parsed(answer.val.body);
  if (value === undefined) throw unexpected("the answer is not JSON");
  return value;
}

/** Deeper than anything a platform sends. Reading what is much deeper would exhaust the stack, and end in a trap. */
const DEEPEST = 64;

function deep(source: string): boolean {
  let depth = 0;
  for (const token of source.matchAll(/"(?:[^"\\]|\\.)*"|[[{]|[\]}]/g)) {
    const first = token[0][0];
    if (first === "{" || first === "[") depth++;
    else if (first !== '"') depth--;
    if (depth > DEEPEST) return true;
  }
  return false;
}

/** JSON without loss: whole numbers of 16 digits and more (ids) become text. `undefined` for what is no JSON. */
export function parsed(from: Uint8Array | string): Json {
  try {
    let source = typeof from === "string" ? from : text(from);
    if (deep(source)) return undefined;
    if (/\d{16}/.test(source)) {
      const token = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
      source = source.replace(token, (one) => (/^\d{16,}$/.test(one) ? `"${one}"` : one));
    }
    return JSON.parse(source);
  } catch {
    return undefined;
  }
}

/** An id: text, or a whole number; nothing else. */
export function id(value: Json): string | null {
  if (typeof value === "string") return value.trim() || null;
  return Number.isSafeInteger(value) && value >= 0 ? String(value) : null;
}
export function integer(value: Json): number | null {
  const number = typeof value === "string" && /^-?\d+$/.test(value.trim()) ? Number(value) : value;
  return Number.isSafeInteger(number) ? number : null;
}
export const word = (value: Json): string | null => (typeof value === "string" && value !== "" ? value : null);
export const isObject = (value: Json): boolean =>
  typeof value === "object" && value !== null && !Array.isArray(value);
/** A moment that a platform tells in seconds; 0 means "not yet". */
export function moment(value: Json): number | null {
  const seconds = integer(value);
  return seconds !== null && seconds > 0 && seconds < 9_000_000_000 ? seconds * 1_000_000 : null;
}
/** The same text for the same value, whatever the order of its keys: what a key for repeated pushes is made of. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join()}}`;
}

// QuickJS has no TextEncoder, TextDecoder and atob.
export function utf8(value: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of value) {
    const code = character.codePointAt(0)!;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
  }
  return new Uint8Array(bytes);
}
/** Throws where the bytes are not UTF-8. */
export function text(bytes: Uint8Array): string {
  let out = "";
  let codes: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at++]!;
    const more = first < 0x80 ? 0 : first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    if ((first >= 0x80 && first < 0xc2) || first > 0xf4) throw new Error("not UTF-8");
    let code = more === 0 ? first : first & (0x3f >> more);
    for (let left = more; left > 0; left--) {
      const next = bytes[at++];
      if (next === undefined || (next & 0xc0) !== 0x80) throw new Error("not UTF-8");
      code = (code << 6) | (next & 63);
    }
    codes.push(code);
    if (codes.length === 4096) {
      out += String.fromCodePoint(...codes);
      codes = [];
    }
  }
  return out + String.fromCodePoint(...codes);
}
export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
/** Standard base64; `null` for what is none. */
export function base64(value: string): Uint8Array | null {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const bytes: number[] = [];
  let held = 0;
  let bits = 0;
  for (const letter of value.trim().replace(/=+$/, "")) {
    const digit = letters.indexOf(letter);
    if (digit < 0) return null;
    held = ((held << 6) | digit) & 0xffff;
    bits += 6;
    if (bits >= 8) bytes.push((held >> (bits -= 8)) & 255);
  }
  return new Uint8Array(bytes);
}

/** Without this an exception would end in a trap that says nothing. */
function guarded<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof Failure) throw { class: error.kind, remote: error.remote, detail: error.detail };
    write("error", `${what}: ${error instanceof Error ? `${error.message} ${error.stack}` : String(error)}`);
    throw { class: { tag: "unexpected" }, remote: null, detail: `${what} went wrong; the log says more` };
  }
}
function judged<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof Refusal) throw error.reason;
    write("error", `${what}: ${error instanceof Error ? `${error.message} ${error.stack}` : String(error)}`);
    throw "malformed";
  }
}

/** The exports of a component. Operations that are not there are refused by name. */
export function channel(manifest: Json, table: Record<string, Operation>, webhook: Webhook) {
  const find = (name: string): Operation => {
    const found = Object.hasOwn(table, name) ? table[name] : undefined;
    if (!found) throw new Failure({ tag: "business-refusal" }, `the plugin does not know the operation ${name}`);
    return found;
  };
  return {
    plugin: { describe: () => JSON.stringify(manifest) },
    operations: {
      start: (cx: Context, name: string, input: string) =>
        guarded(name, () => find(name).start(cx, JSON.parse(input))),
      resume: (cx: Context, name: string, state: Uint8Array, answers: Answer[]) =>
        guarded(name, () => find(name).resume(cx, answers, state)),
    },
    pushes: {
      verify: (push: Push, credentials: Credentials, now: number) =>
        judged("verify", () => webhook.verify(push, credentials, now)),
      decode: (verified: Verified) =>
        guarded("decode", () =>
          webhook.decode(verified).map(({ notice, secret }) => ({ notice: JSON.stringify(notice), secret }))),
      handshake: (push: Push, credentials: Credentials, now: number) =>
        judged("handshake", () => webhook.handshake(push, credentials, now)),
      acknowledge: (verified: Verified) => webhook.acknowledge(verified),
      refuse: (refusal: RefusalName) => webhook.refuse(refusal),
    },
  };
}
