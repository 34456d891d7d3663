// Pushes: proving that they are genuine, and what they mean. A push only says "go and fetch".

import { aesCbcOpen, digest, equal } from "qianpu:channel/crypto@0.1.0";
import {
  base64, canonical, hex, id, integer, isObject, parsed, Refusal, text, unexpected, utf8, word,
  type Credentials, type Push, type RefusalName, type Reply, type Webhook,
} from "../sdk/qianpu";

const MOST_AHEAD = 600_000_000;
const plain = (status: number, body: string): Reply =>
  ({ status, contentType: "text/plain; charset=utf-8", body: utf8(body) });

function parameter(push: Push, name: string): string {
  const found = push.query.find(([given]) => given === name);
  if (!found) throw new Refusal("bad-signature");
  return found[1];
}

/** SHA-1 over the sorted parts and the token, which stays in the server. */
function signedWith(token: string, parts: string[], given: string) {
  const pieces = [{ tag: "secret" as const, val: token }, ...parts.map((part) => ({ tag: "bytes" as const, val: utf8(part) }))];
  if (!equal(utf8(hex(digest("sha1", pieces, true))), utf8(given))) throw new Refusal("bad-signature");
}

function signedAt(timestamp: string, credentials: Credentials, now: number): number {
  const seconds = integer(timestamp);
  if (seconds === null) throw new Refusal("malformed");
  const age = now - seconds * 1_000_000;
  if (age > credentials.maxAge || age < -MOST_AHEAD) throw new Refusal("stale");
  return seconds * 1_000_000;
}

/** 16 random bytes, the length, the message, the app id; padded to blocks of 32. */
function opened(encrypted: string, credentials: Credentials): { message: Uint8Array; appId: string } {
  const data = base64(encrypted);
  if (!data || data.length === 0 || data.length % 16 !== 0) throw new Refusal("malformed");
  for (const secret of [credentials.encodingAesKey, credentials.previousEncodingAesKey]) {
    if (!secret) continue;
    try {
      const bytes = aesCbcOpen({ secret, form: "base64" }, { tag: "key-prefix" }, data);
      const pad = bytes[bytes.length - 1]!;
      const body = bytes.slice(0, bytes.length - pad);
      const size = (body[16]! * 2 ** 24) + (body[17]! << 16) + (body[18]! << 8) + body[19]!;
      const good = pad >= 1 && pad <= 32 && bytes.slice(body.length).every((byte) => byte === pad);
      if (good && 20 + size <= body.length) {
        return { message: body.slice(20, 20 + size), appId: text(body.slice(20 + size)) };
      }
    } catch {
      // Not this key.
    }
  }
  throw new Refusal("undecryptable");
}

/** Events with a meaning: what it is, where the details stand, and which field names the subject. */
const EVENTS: Record<string, [kind: string, body: string, subject: string]> = {
  channels_ec_order_new: ["order.created", "order_info", "order_id"],
  channels_ec_order_pay: ["order.paid", "order_info", "order_id"],
  channels_ec_order_wait_shipping: ["order.paid", "order_info", "order_id"],
  channels_ec_order_cancel: ["order.cancelled", "order_info", "order_id"],
  channels_ec_order_deliver: ["order.shipped", "order_info", "order_id"],
  channels_ec_order_confirm: ["order.confirmed", "order_info", "order_id"],
  channels_ec_order_settle: ["order.settled", "order_info", "order_id"],
  channels_ec_order_ext_info_update: ["order.changed", "order_info", "order_id"],
};

export const webhook: Webhook = {
  verify(push, credentials, now) {
    if (push.method !== "post") throw new Refusal("malformed");
    const [given, timestamp, nonce] =
      [parameter(push, "msg_signature"), parameter(push, "timestamp"), parameter(push, "nonce")];
    const encrypted = word(parsed(push.body)?.Encrypt);
    if (!encrypted) throw new Refusal("malformed");
    signedWith(credentials.token, [timestamp, nonce, encrypted], given);
    const at = signedAt(timestamp, credentials, now);
    if (!credentials.formats.includes("json")) throw new Refusal("wrong-format");
    const { message, appId } = opened(encrypted, credentials);
    if (!credentials.appIds.includes(appId)) throw new Refusal("wrong-app");
    return { origin: push.origin, format: "json", plaintext: message, appId, signedAt: at };
  },

  decode(verified) {
    const message = parsed(verified.plaintext);
    if (!isObject(message)) throw unexpected("the push is not a JSON object");
    const name = word(message.MsgType) === "event" ? word(message.Event) : null;
    if (!name) throw unexpected("the push is no event, or one without a name");
    const rule = Object.hasOwn(EVENTS, name) ? EVENTS[name] : undefined;
    const subject = rule ? id(message[rule[1]]?.[rule[2]]) : null;
    if (rule && !subject) throw unexpected(`the event ${name} has no ${rule[2]}`);
    // The same for every delivery of one push.
    const bytes = [{ tag: "bytes" as const, val: utf8(canonical(message)) }];
    const seconds = integer(message.CreateTime);
    const notice = {
      dedup_key: `${name.slice(0, 60)}:${hex(digest("sha1", bytes, false))}`,
      native_type: name,
      // Never an error and never a guess: what is not in the table is kept by its name.
      kind: rule ? rule[0] : `unknown:${name}`,
      account_external_id: null,
      account_user_name: word(message.ToUserName),
      subject_id: subject,
      occurred_at: seconds === null ? verified.signedAt : seconds * 1_000_000,
      hint: rule ? message[rule[1]] : {},
      raw: message,
    };
    return [{ notice, secret: null }];
  },

  handshake(push, credentials, now) {
    if (push.method !== "get") throw new Refusal("malformed");
    const [timestamp, nonce] = [parameter(push, "timestamp"), parameter(push, "nonce")];
    signedWith(credentials.token, [timestamp, nonce], parameter(push, "signature"));
    signedAt(timestamp, credentials, now);
    return plain(200, parameter(push, "echostr"));
  },

  acknowledge: () => plain(200, "success"),
  /** Names no reason: the platform does not read it and a forger should not. */
  refuse: (refusal: RefusalName) =>
    ["malformed", "wrong-format"].includes(refusal) ? plain(400, "bad request") : plain(403, "forbidden"),
};
