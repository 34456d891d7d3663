// Pushes: proving that they are genuine. What they mean is in events.ts.
//
// The signature is SHA-1 over the sorted token, time, nonce and encrypted text. The cipher is AES-256-CBC with the first
// bytes of the key as vector, padded to blocks of 32: a pad may be longer than ordinary un-padders take.

import { aesCbcOpen, digest, equal } from "qianpu:channel/crypto@0.1.0";
import {
  base64, hex, integer, isObject, parsed, Refusal, text, unexpected, utf8, word,
  type Credentials, type Json, type Push, type Reply, type Webhook,
} from "sdk/qianpu";
import { parsedXml } from "sdk/xml";
import { notice } from "./events";

/** How far a signed time may lie ahead of ours. */
const MOST_AHEAD = 600_000_000;
const RANDOM = 16;
const BLOCK = 32;

const plain = (status: number, body: string): Reply =>
  ({ status, contentType: "text/plain; charset=utf-8", body: utf8(body) });

/** A message of either format, as one value; `null` for what is none. */
function message(bytes: Uint8Array): { format: "json" | "xml"; value: Json } | null {
  let source: string;
  try {
    source = text(bytes).replace(/^\ufeff/, "").trim();
  } catch {
    return null;
  }
  const format = source[0] === "<" ? "xml" : source[0] === "{" ? "json" : null;
  const value = format === "xml" ? parsedXml(source) : format === "json" ? parsed(source) : undefined;
  return format && isObject(value) ? { format, value } : null;
}

function parameter(push: Push, name: string, missing: "bad-signature" | "malformed" = "bad-signature"): string {
  const found = push.query.find(([given]) => given === name);
  if (!found) throw new Refusal(missing);
  return found[1];
}

/** The token stays in the server. */
function signedWith(token: string, parts: string[], given: string) {
  const bytes = parts.map((part) => ({ tag: "bytes" as const, val: utf8(part) }));
  const signature = hex(digest("sha1", [{ tag: "secret", val: token }, ...bytes], true));
  if (!equal(utf8(signature), utf8(given))) throw new Refusal("bad-signature");
}

function signedAt(timestamp: string, credentials: Credentials, now: number): number {
  const seconds = integer(timestamp);
  if (seconds === null) throw new Refusal("malformed");
  const age = now - seconds * 1_000_000;
  if (age > credentials.maxAge || age < -MOST_AHEAD) throw new Refusal("stale");
  return seconds * 1_000_000;
}

interface Opened { message: Uint8Array; appId: string }

/** 16 random bytes, the length, the message, the app id; padded. The key before opens what was on its way. */
function opened(encrypted: string, credentials: Credentials): Opened {
  const data = base64(encrypted);
  if (!data || data.length === 0 || data.length % 16 !== 0) throw new Refusal("malformed");
  for (const secret of [credentials.encodingAesKey, credentials.previousEncodingAesKey]) {
    const found = secret ? openedWith(secret, data) : null;
    if (found) return found;
  }
  throw new Refusal("undecryptable");
}

function openedWith(secret: string, data: Uint8Array): Opened | null {
  try {
    const bytes = aesCbcOpen({ secret, form: "base64" }, { tag: "key-prefix" }, data);
    const pad = bytes[bytes.length - 1] ?? 0;
    if (pad < 1 || pad > BLOCK || pad > bytes.length) return null;
    if (!bytes.subarray(bytes.length - pad).every((byte) => byte === pad)) return null;
    const rest = bytes.subarray(RANDOM, bytes.length - pad);
    if (bytes.length - pad < RANDOM + 4) return null;
    const length = rest[0]! * 2 ** 24 + (rest[1]! << 16) + (rest[2]! << 8) + rest[3]!;
    if (4 + length > rest.length) return null;
    return { message: rest.slice(4, 4 + length), appId: text(rest.slice(4 + length)) };
  } catch {
    // Not this key.
    return null;
  }
}

export const webhook: Webhook = {
  verify(push, credentials, now) {
    if (push.method !== "post") throw new Refusal("malformed");
    // Never `signature`: it does not cover the message.
    const given = parameter(push, "msg_signature");
    const [timestamp, nonce] = [parameter(push, "timestamp"), parameter(push, "nonce")];
    const envelope = message(push.body);
    const encrypted = word(envelope?.value.Encrypt);
    if (!envelope || !encrypted) throw new Refusal("malformed");
    signedWith(credentials.token, [timestamp, nonce, encrypted], given);
    const at = signedAt(timestamp, credentials, now);
    if (!credentials.formats.includes(envelope.format)) throw new Refusal("wrong-format");
    const { message: plaintext, appId } = opened(encrypted, credentials);
    if (!credentials.appIds.includes(appId)) throw new Refusal("wrong-app");
    return { origin: push.origin, format: envelope.format, plaintext, appId, signedAt: at };
  },

  decode(verified) {
    const found = message(verified.plaintext);
    if (!found) throw unexpected("the decrypted push is neither a JSON object nor XML");
    return [notice(found.value, verified.signedAt)];
  },

  /** The check of an address: the answer is `echostr` as it came. */
  handshake(push, credentials, now) {
    if (push.method !== "get") throw new Refusal("malformed");
    const given = parameter(push, "signature");
    const [timestamp, nonce] = [parameter(push, "timestamp"), parameter(push, "nonce")];
    signedWith(credentials.token, [timestamp, nonce], given);
    signedAt(timestamp, credentials, now);
    return plain(200, parameter(push, "echostr", "malformed"));
  },

  /** Always accepted, and never encrypted. */
  acknowledge: () => plain(200, "success"),
  /** Names no reason: the platform does not read it and a forger should not. */
  refuse: (refusal) =>
    refusal === "malformed" || refusal === "wrong-format" ? plain(400, "bad request") : plain(403, "forbidden"),
};
