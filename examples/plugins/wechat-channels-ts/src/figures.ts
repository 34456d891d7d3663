// Figures of a day: the compass for those who sell 罗盘达人版.
//
// https://developers.weixin.qq.com/doc/channels/API/compass/finder/getfinderproductdata.html; where the documents were not at
// hand, field names are those of the open client libraries SKIT.FlurlHttpClient.Wechat (ECCompass) and WxJava
// (weixin-java-channel, bean/compass). Figures are whole numbers written as text, money in fen; ratios are left out.

import {
  call, done, Failure, id, integer, isObject, unexpected, word,
  type Answer, type Context, type Json, type Operation,
} from "sdk/qianpu";
import { only } from "./assistant";
import { asked } from "./platform";

/** A field of the platform, what it says, and whether it is money. */
type Field = [field: string, name: string, money?: true];

const ACCOUNT: Field[] = [
  ["pay_gmv", "paid", true], ["live_pay_gmv", "paid_live", true], ["feed_pay_gmv", "paid_videos", true],
  ["window_pay_gmv", "paid_window", true], ["product_pay_gmv", "paid_shares", true],
  ["other_pay_gmv", "paid_elsewhere", true],
];

const PRODUCT: Field[] = [
  ["pay_gmv", "paid", true], ["pure_pay_gmv", "net", true], ["pay_gmv_per_uv", "per_buyer", true],
  ["pay_refund_gmv", "deal_refunded", true], ["refund_gmv", "refunded", true], ["create_gmv", "ordered", true],
  ["actual_commission", "commission", true], ["predict_commission", "commission_expected", true],
  ["pay_cnt", "paid_orders"], ["pay_uv", "buyers"], ["pay_product_cnt", "paid_items"],
  ["product_click_uv", "clickers"], ["product_click_cnt", "clicks"],
  ["create_cnt", "orders"], ["create_uv", "orderers"], ["create_product_cnt", "ordered_items"],
  ["pay_refund_cnt", "deal_refund_orders"], ["pay_refund_uv", "deal_refund_buyers"],
  ["pay_refund_product_cnt", "deal_refund_items"],
  ["refund_cnt", "refund_orders"], ["refund_uv", "refund_buyers"], ["refund_product_cnt", "refund_items"],
];

/** Groups of people, by the platform's numbers from 1. */
const GROUPS = ["saw", "clicked", "bought", "bought_first", "bought_again", "watched"];
const MOST_PRODUCTS = 1000;
/** Traits of people, and kinds of one. */
const MOST_KINDS = 50;

const two = (number: number): string => String(number).padStart(2, "0");
const ds = ({ year, month, day }: Json): string => `${String(year).padStart(4, "0")}${two(month)}${two(day)}`;
const ask = (cx: Context, path: string, body: Json) => call(asked(cx, `/channels/ec/compass/finder/${path}/get`, body));

function told(cx: Context, answers: Answer[], held: Uint8Array): Json {
  if (held.length !== 0) throw unexpected("a state that is not ours");
  return only(cx, answers);
}

/** What is not there was not told; what is there has to be a whole number. */
function figure(block: Json, [field, , money]: Field): number | null {
  const value = block[field];
  if (value === undefined || value === null || value === "") return null;
  const number = integer(value);
  if (number === null || (number < 0 && !money)) throw unexpected(`${field} is no figure`);
  return number;
}

/** `null` where there is no block, or nothing in it. */
function figures(block: Json, fields: Field[]): Json {
  if (block === undefined || block === null) return null;
  if (!isObject(block)) throw unexpected("the figures are no object");
  if (Object.keys(block).length === 0) return null;
  return Object.fromEntries(fields.map((field) => [field[1], figure(block, field)]));
}

/** The rows of a list; `null` where the platform left it out. */
function list(body: Json, field: string): Json[] | null {
  const rows = body?.[field];
  if (rows === undefined || rows === null) return null;
  if (!Array.isArray(rows)) throw unexpected(`${field} is no list`);
  return rows;
}

function product(row: Json): Json {
  const product_id = id(row?.product_id);
  if (!product_id) throw unexpected("a product has no product_id");
  return { product_id, title: word(row.title) ?? "", figures: figures(row.data, PRODUCT) ?? {} };
}

export const overview: Operation = {
  start: (cx, day) => ask(cx, "overall", { ds: ds(day) }),
  resume: (cx, answers, held) => done({ figures: figures(told(cx, answers, held).data, ACCOUNT), promoters: null }),
};

export const products: Operation = {
  start: (cx, day) => ask(cx, "product/list", { ds: ds(day) }),
  resume(cx, answers, held) {
    const rows = list(told(cx, answers, held), "product_list");
    if (rows === null) return done({ items: null, more: false });
    return done({ items: rows.slice(0, MOST_PRODUCTS).map(product), more: rows.length > MOST_PRODUCTS });
  },
};

export const oneProduct: Operation = {
  start: (cx, { day, product_id }) => ask(cx, "product/data", { ds: ds(day), product_id }),
  resume(cx, answers, held) {
    const info = told(cx, answers, held).product_info;
    const there = isObject(info) && isObject(info.data) && Object.keys(info.data).length > 0;
    return done(there ? product(info) : null);
  },
};

export const people: Operation = {
  start(cx, { day, group }) {
    const type = GROUPS.indexOf(group) + 1;
    if (type === 0) {
      const message = "平台没有这类人群的数据";
      throw new Failure({ tag: "fix-request", val: [{ path: "group", code: "unknown", message }] }, message);
    }
    return ask(cx, "sale/profile/data", { ds: ds(day), type });
  },
  resume(cx, answers, held) {
    const rows = list(told(cx, answers, held).data, "field_list");
    const named = (row: Json, field: string): string => {
      const found = word(row?.[field]);
      if (!found) throw unexpected(`a row has no ${field}`);
      return found;
    };
    const kind = (row: Json): Json => {
      const value = typeof row?.dim_value === "number" ? String(row.dim_value) : named(row, "dim_value");
      return { name: named(row, "dim_key"), value };
    };
    const traits = rows && rows.slice(0, MOST_KINDS).map((row) => ({
      name: named(row, "field_name"), kinds: (list(row, "data_list") ?? []).slice(0, MOST_KINDS).map(kind),
    }));
    return done({ groups: GROUPS, traits });
  },
};
