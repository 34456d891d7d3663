// What pushes mean. One third-party platform receives the events of channels accounts, public accounts and shops at one
// address, and any of its channels may be asked what one of them says: so all of them are here.

import { digest } from "qianpu:channel/crypto@0.1.0";
import { canonical, hex, id, integer, isObject, unexpected, utf8, word, type Json, type Notice } from "sdk/qianpu";

/** What it is, the object with the details (empty: the message itself), and the field that names the subject. */
type Rule = [kind: string, body: string, subject: string];

const ORDER = (kind: string): Rule => [kind, "order_info", "order_id"];
const COUPON = (body: string): Rule => ["coupon.changed", body, "coupon_id"];
const MEMBER = (body: string): Rule => ["member.changed", body, ""];
const PERSON = (kind: string): Rule => [kind, "", "FromUserName"];

/** Names are compared without regard to case. */
const EVENTS: Record<string, Rule> = {
  // shop: orders
  channels_ec_order_new: ORDER("order.created"),
  channels_ec_order_pay: ORDER("order.paid"),
  channels_ec_order_wait_shipping: ORDER("order.paid"),
  channels_ec_order_cancel: ORDER("order.cancelled"),
  channels_ec_order_deliver: ORDER("order.shipped"),
  channels_ec_order_confirm: ORDER("order.confirmed"),
  channels_ec_order_settle: ORDER("order.settled"),
  channels_ec_order_ext_info_update: ORDER("order.changed"),
  product_order_status_update: ["order.changed", "ProductOrderStatusUpdate", "order_id"],
  // shop: after-sale and disputes
  channels_ec_aftersale_update: ["aftersale.changed", "finder_shop_aftersale_status_update", "after_sale_order_id"],
  channels_ec_complaint_update: ["dispute.changed", "finder_shop_complaint", "complaint_id"],
  channels_ec_guarantee_update: ["guarantee.changed", "finder_shop_guarantee_status_update", "guarantee_order_id"],
  channels_ec_present_aftersale_update:
    ["gift_aftersale.changed", "finder_shop_present_aftersale_status_update", "after_sale_order_id"],
  // shop: members, sharers, agencies, talks
  channels_ec_vip_join: MEMBER("user_info"),
  channels_ec_vip_close: MEMBER("user_info"),
  channels_ec_vip_grade_info_update: MEMBER("user_info"),
  channels_ec_vip_score_update: MEMBER("user_info"),
  channels_ec_vip_score_exchange: MEMBER("exchange_info"),
  channels_ec_sharer_change: ["sharer.changed", "", ""],
  head_supplier_item_update: ["supplier_item.changed", "item_info", "product_id"],
  user_enter_tempsession: ["session.entered", "", ""],
  // shop: products
  product_spu_audit: ["product.audit", "ProductSpuAudit", "product_id"],
  product_spu_listing: ["product.listing", "ProductSpuListing", "product_id"],
  product_spu_update: ["product.changed", "ProductSpuUpdate", "product_id"],
  channels_ec_stock_no_enough: ["stock.low", "channels_ec_stock_no_enough", "product_id"],
  // shop: what it may sell
  product_category_audit: ["category.audit", "ProductCategoryAudit", "audit_id"],
  channels_ec_brand: ["brand.changed", "BrandEvent", "brand_id"],
  // shop: coupons
  channels_ec_coupon_receive: COUPON("receive_info"),
  channels_ec_coupon_create: COUPON("coupon_info"),
  channels_ec_coupon_delete: COUPON("coupon_info"),
  channels_ec_coupon_expire: COUPON("coupon_info"),
  channels_ec_coupon_info_change: COUPON("coupon_info"),
  channels_ec_coupon_invalid: COUPON("coupon_info"),
  channels_ec_user_coupon_expire: COUPON("user_coupon_info"),
  channels_ec_user_coupon_unuse: COUPON("use_info"),
  channels_ec_user_coupon_use: COUPON("use_info"),
  // shop: the account
  channels_ec_close_store: ["account.closed", "", ""],
  set_shop_nickname: ["account.renamed", "", ""],
  // shop: money
  channels_ec_withdraw_notify: ["funds.withdrawal", "withdraw_info", "withdraw_id"],
  qrcode_status: ["funds.code", "qrcode_info", "ticket"],
  channels_ec_acct_notify: ["funds.account", "account_info", ""],
  // public account
  subscribe: PERSON("follower.subscribed"),
  unsubscribe: PERSON("follower.unsubscribed"),
  scan: PERSON("follower.interacted"),
  click: PERSON("follower.interacted"),
  view: PERSON("follower.interacted"),
  view_miniprogram: PERSON("follower.interacted"),
  location: PERSON("follower.interacted"),
  publishjobfinish: ["content.published", "PublishEventInfo", "publish_id"],
  freepublishjobfinish: ["content.published", "PublishEventInfo", "publish_id"],
  templatesendjobfinish: ["message.settled", "", "MsgID"],
  subscribe_msg_sent_event: ["message.settled", "SubscribeMsgSentEvent", ""],
  masssendjobfinish: ["content.published", "", "MsgID"],
};

/** What the app itself is told, and which field holds a ticket or a code. */
const APP_EVENTS: Record<string, [kind: string, secret: string | null]> = {
  component_verify_ticket: ["app.ticket", "ComponentVerifyTicket"],
  authorized: ["account.authorized", "AuthorizationCode"],
  updateauthorized: ["account.updated", "AuthorizationCode"],
  unauthorized: ["account.unauthorized", null],
};

/** Fields that nobody may read later. */
const HIDDEN = ["ComponentVerifyTicket", "AuthorizationCode", "PreAuthCode"];

const own = <T>(table: Record<string, T>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** The platform gives events no id. A repeated delivery carries the same message under a new cipher, so the content is
 *  the identity; two different events of one second differ in content. */
function dedupKey(name: string, message: Json): string {
  const bytes = [{ tag: "bytes" as const, val: utf8(canonical(message)) }];
  return `${[...name].slice(0, 60).join("")}:${hex(digest("sha1", bytes, false))}`;
}

/** One push is one notice. */
export function notice(message: Json, signedAt: number): Notice {
  const seconds = integer(message.CreateTime);
  const occurred_at = seconds !== null && Math.abs(seconds) < 9_000_000_000 ? seconds * 1_000_000 : signedAt;
  if (message.InfoType !== undefined) return ofApp(message, occurred_at);
  const type = word(message.MsgType);
  if (!type) throw unexpected("a push without InfoType and MsgType");
  return type.toLowerCase() === "event" ? ofEvent(message, occurred_at) : ofMessage(type, message, occurred_at);
}

function ofApp(message: Json, occurred_at: number): Notice {
  const native_type = word(message.InfoType);
  if (!native_type) throw unexpected("InfoType is empty");
  const [kind, field] = own(APP_EVENTS, native_type) ?? [`unknown:${native_type}`, null];
  const secret = field ? word(message[field]) : null;
  if (kind === "app.ticket" && !secret) throw unexpected("a ticket push without a ticket");
  const account = id(message.AuthorizerAppid);
  if (kind.startsWith("account.") && !account) throw unexpected("a grant push without AuthorizerAppid");
  const ends = integer(message.AuthorizationCodeExpiredTime);
  const raw = { ...message };
  for (const name of HIDDEN) if (name in raw) raw[name] = "***";
  return {
    notice: {
      dedup_key: dedupKey(native_type, message), native_type, kind, account_external_id: account,
      account_user_name: null, subject_id: account, occurred_at,
      hint: ends === null ? {} : { code_expires_at: ends * 1_000_000 }, raw,
    },
    secret,
  };
}

/** The documents of channels_ec_present_aftersale_update name its object in one way and show it in another. */
function bodyOf(meaning: string, body: string, message: Json): Json {
  const gift = meaning === "gift_aftersale.changed" && !isObject(message[body]);
  return message[gift ? "finder_shop_aftersale_status_update" : body];
}

/** What an event says beside its envelope, where it has no object of its own. Whom it is about stays out. */
function toldBeside(message: Json): Json {
  const told: Json = {};
  for (const name of ["sharer_type", "bind_status", "close_timestamp", "old_nickname", "new_nickname"]) {
    if (Object.hasOwn(message, name)) told[name] = message[name];
  }
  return told;
}

/** A member's telephone number is not needed for anything and is not kept. */
function withoutPeople(body: Json): Json {
  if (!isObject(body)) return body;
  const { phone_number: _, ...kept } = body;
  return kept;
}

function ofEvent(message: Json, occurred_at: number): Notice {
  const name = word(message.Event);
  if (!name) throw unexpected("an event without a name");
  const rule = own(EVENTS, name.toLowerCase());
  // Never an error and never a guess: what is not in the table is kept by its name.
  let kind = `unknown:${name}`;
  let subject_id: string | null = null;
  let hint: Json = {};
  if (rule) {
    const [meaning, body, field] = rule;
    const details = body ? bodyOf(meaning, body, message) : message;
    subject_id = field ? id(details?.[field]) : null;
    if (field && !subject_id) throw unexpected(`the event ${name} has no ${field}`);
    // Number 7 of an order's other news is the buyer's urge, which no call tells.
    const urged = name.toLowerCase() === "channels_ec_order_ext_info_update" && integer(details?.type) === 7;
    kind = urged ? "order.urged" : meaning;
    hint = meaning === "message.settled" ? settled(message) : body ? withoutPeople(details ?? null) : toldBeside(message);
  }
  const interaction = interactionOf(name, message);
  return {
    notice: {
      dedup_key: dedupKey(name, message), native_type: name, kind,
      // The sources disagree on the name of the field in channels_ec_close_store.
      account_external_id: id(message.appid) ?? id(message.bind_appid),
      account_user_name: word(message.ToUserName), subject_id, occurred_at, hint,
      ...(interaction ? { interaction } : {}), raw: message,
    },
    secret: null,
  };
}

function ofMessage(native_type: string, message: Json, occurred_at: number): Notice {
  const sent = id(message.MsgId);
  const said = word(message.Content);
  const interaction = native_type === "text" && said
    ? { did: "said", text: said } : { did: "sent_other", what: [...native_type].slice(0, 40).join("") };
  return {
    notice: {
      dedup_key: sent ? `msg:${sent}` : dedupKey(native_type, message), native_type, kind: "message",
      account_external_id: null, account_user_name: word(message.ToUserName), subject_id: word(message.FromUserName),
      occurred_at, hint: { message_type: native_type }, interaction, raw: message,
    },
    secret: null,
  };
}

/** What a person did at a public account; `null` for events that nobody's doing caused. A code that somebody follows by
 *  has its scene behind `qrscene_`, one that a follower scans has it plain. */
function interactionOf(name: string, message: Json): Json {
  const given = message.EventKey;
  const key = typeof given === "string" || typeof given === "number" ? String(given) : "";
  switch (name.toLowerCase()) {
    case "subscribe":
      return { did: "followed", scene: (key.startsWith("qrscene_") && key.slice(8)) || null };
    case "unsubscribe":
      return { did: "left" };
    case "scan":
      return { did: "scanned", scene: key };
    case "click":
    case "scancode_push":
    case "scancode_waitmsg":
      return { did: "clicked", key };
    case "view":
    case "view_miniprogram":
      return { did: "opened", page: key };
  }
  return null;
}

/** What became of notices, in one form for template messages and for subscription notices, whose list is one object in XML
 *  when there is one. */
function settled(message: Json): Json {
  const open_id = word(message.FromUserName);
  const list = message.SubscribeMsgSentEvent?.List;
  const rows: Json[] = Array.isArray(list) ? list.slice(0, 100) : isObject(list) ? [list] : [];
  if (rows.length === 0) {
    const native = word(message.Status) ?? "";
    const delivered = native === "success";
    return { results: [{ message_id: id(message.MsgID), template_id: null, open_id, delivered, native }] };
  }
  return {
    results: rows.map((row) => ({
      message_id: null, template_id: word(row?.TemplateId), open_id, delivered: integer(row?.ErrorCode) === 0,
      native: word(row?.ErrorStatus) ?? "",
    })),
  };
}
