// Listing what changed, and reading one order.

import { accountPost, read } from "./platform";
import {
  call, done, Failure, id, integer, isObject, moment, page, unexpected, word,
  type Json, type Operation,
} from "../sdk/qianpu";

const DAY = 86_400_000_000;
const rows = (value: Json): Json[] => (Array.isArray(value) ? value : []);
const required = (value: string | null, field: string): string => {
  if (value === null) throw unexpected(`the answer has no ${field}`);
  return value;
};
const fen = (of: Json, field: string): number => {
  const amount = integer(of?.[field]);
  if (amount === null || amount < 0) throw unexpected(`the order has no amount ${field}`);
  return amount;
};

export const list: Operation = {
  start(cx, { window, cursor }) {
    const length = window.to - window.from;
    if (length < 0 || length > 7 * DAY) {
      const field = { path: "window", code: "range", message: "时间范围不能超过 7 天" };
      throw new Failure({ tag: "fix-request", val: [field] }, "the window is too long");
    }
    const seconds = (moment: number) => Math.floor(moment / 1_000_000);
    return call(accountPost(cx, "/channels/ec/order/list/get", {
      update_time_range: { start_time: seconds(window.from), end_time: seconds(window.to) },
      page_size: 100,
      next_key: cursor ?? "",
    }));
  },
  resume(_cx, answers) {
    const body = read(answers);
    // The platform leaves the list out when it is empty, and then says that all is well.
    if (body.order_id_list === undefined ? body.errcode === undefined : !Array.isArray(body.order_id_list)) {
      throw unexpected("the answer has no order_id_list");
    }
    const items = rows(body.order_id_list).map((row) => required(id(row), "order id"));
    return page(items, body.has_more === true ? word(body.next_key) : null);
  },
};

export const fetch: Operation = {
  start: (cx, { order_id }) => call(accountPost(cx, "/channels/ec/order/get", { order_id })),
  resume: (_cx, answers) => done(order(read(answers).order)),
};

const STATES: Record<string, Json> = {
  10: "awaiting_payment",
  20: "paid",
  21: "part_shipped",
  30: "shipped",
  100: "completed",
  190: { cancelled: "oversold" },
  200: { cancelled: "all_refunded" },
  250: { cancelled: "unpaid" },
};
const SCENES: Record<string, string> = {
  0: "other", 1: "other", 2: "live", 3: "short_video", 4: "share", 5: "window", 6: "article",
};

function order(order: Json): Json {
  const status = required(id(order?.status), "status");
  const created = moment(order.create_time);
  const { product_infos, price_info, pay_info, delivery_info, ext_info } = order.order_detail ?? {};
  if (created === null || rows(product_infos).length === 0) throw unexpected("the order has no time or no lines");
  const [goods, total] = [fen(price_info, "product_price"), fen(price_info, "order_price")];
  const freight = integer(price_info.freight) ?? 0;
  const scene = id(ext_info?.order_scene) ?? "";
  return {
    external_id: required(id(order.order_id), "order_id"),
    native_state: status,
    // Never guess: what is not in the table stays what the platform said.
    state: STATES[status] ?? { unknown: status },
    created_at: created,
    updated_at: moment(order.update_time) ?? created,
    paid_at: moment(pay_info?.pay_time),
    shipped_at: moment(delivery_info?.ship_done_time),
    confirmed_at: moment(ext_info?.confirm_receipt_time),
    settled_at: null,
    transaction_id: id(pay_info?.transaction_id),
    lines: rows(product_infos).map(line),
    amounts: { goods, freight, discount: goods + freight - total, total, merchant_receivable: null },
    buyer_open_id: word(order.openid),
    buyer_union_id: word(order.unionid),
    address: address(delivery_info?.address_info),
    attribution: {
      scene: scene === "" ? "other" : SCENES[scene] ?? { unknown: scene }, native_scene: scene, account: null,
      live_id: null,
    },
    buyer_notes: word(ext_info?.customer_notes),
    merchant_notes: word(ext_info?.merchant_notes),
    parcels: [],
    after_sale_ids: [],
  };
}

function line(info: Json): Json {
  const quantity = integer(info.sku_cnt);
  if (quantity === null || quantity < 1) throw unexpected("a line has no sku_cnt");
  const unit = fen(info, "sale_price");
  return {
    product_id: required(id(info.product_id), "product_id"),
    sku_id: required(id(info.sku_id), "sku_id"),
    out_product_id: word(info.out_product_id),
    out_sku_id: word(info.out_sku_id),
    sku_code: word(info.sku_code),
    title: word(info.title) ?? "",
    spec_text: rows(info.sku_attrs).map((attribute) => attribute?.attr_value).filter(word).join(" / "),
    picture_url: word(info.thumb_img),
    quantity,
    unit_price: unit,
    line_total: integer(info.real_price) === null ? unit * quantity : fen(info, "real_price"),
    after_sale_quantity: 0,
    after_sale_done_quantity: 0,
  };
}

function address(info: Json): Json {
  if (!isObject(info) || Object.keys(info).length === 0) return null;
  const part = (field: string) => word(info[field]) ?? "";
  return {
    name: part("user_name"), phone: part("tel_number"), province: part("province_name"), city: part("city_name"),
    district: part("county_name"), detail: part("detail_info") + part("house_number"),
  };
}
