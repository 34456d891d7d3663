// The window 橱窗.
//
// The list names products only; each is read on its own. Of `off` the document says that it has no effect any more for
// products of the merchant's own shop: whether they are shown follows the shop's shelf. So it is read back.
// https://developers.weixin.qq.com/doc/channels/API/windowproduct/list_get.html, …/get.html, …/off.html

import {
  call, calls, decodeState, done, encodeState, Failure, id, isObject, page, unexpected, word,
  type Answer, type Context, type Json, type Operation, type Request, type Step,
} from "sdk/qianpu";
import { count, done as told, only, rows, state } from "./assistant";
import { asked, changing } from "./platform";

/** Which product of which shop; without a shop it is somebody else's, sold for commission. */
interface Ref { product_id: string; source_id: string }

/** As many as are read one by one; the platform would list 200. */
const PAGE = 20;
const STATES = { 1: "shown", 2: "off", 3: "gone" };
const BARRED = { 0: "category", 1: "not_applied", 2: "branch_closed" };

const fetch = (cx: Context, { product_id, source_id }: Ref): Request =>
  asked(cx, "/channels/ec/window/product/get", { product_id, appid: source_id });

/** A product of which nothing is told. */
const bare = (item: Ref): Json => ({
  item, state: { unknown: "" }, title: null, picture_url: null, price: null, stock: null, hidden: false, barred: null,
});

function detail(item: Ref, { product }: Json): Json {
  if (!isObject(product)) throw unexpected("the answer has no product");
  return {
    item,
    state: state(product.status, STATES),
    title: word(product.title),
    picture_url: word(product.img_url),
    price: count(product.selling_price),
    stock: count(product.stock),
    hidden: product.is_hide_for_window === true,
    barred: product.banned === true ? state(product.banned_details?.reason, BARRED) : null,
  };
}

/** One product of a page. That the platform refuses to tell of it leaves it bare; any other failure is one of the page. */
function row(cx: Context, item: Ref, answer: Answer): Json {
  try {
    return detail(item, told(cx, answer));
  } catch (error) {
    if (error instanceof Failure && error.kind.tag === "business-refusal") return bare(item);
    throw error;
  }
}

export const list: Operation = {
  start(cx, { cursor }) {
    const at = cursor ? { last_buffer: cursor } : { page_index: 1 };
    const request = asked(cx, "/channels/ec/window/product/list/get", { page_size: PAGE, ...at });
    return call(request, encodeState({ step: "list" }));
  },
  resume(cx, answers, held) {
    const known = (one: Json) => one.step === "list" || (one.step === "details" && Array.isArray(one.items));
    const { step, items, next } = decodeState(held, known);
    if (step === "list") return listed(cx, only(cx, answers));
    if (items.filter((item: Ref) => item.source_id !== "").length !== answers.length) {
      throw unexpected("one answer for each product was expected");
    }
    const left = answers.values();
    return page(items.map((item: Ref) => (item.source_id === "" ? bare(item) : row(cx, item, left.next().value!))), next);
  },
};

function listed(cx: Context, body: Json): Step {
  const products = rows(body.products);
  const items = products.flatMap((one): Ref[] => {
    const product_id = id(one.product_id);
    return product_id ? [{ product_id, source_id: word(one.appid) ?? "" }] : [];
  });
  // A page that is not full is the last one.
  const next = products.length >= PAGE ? word(body.last_buffer) : null;
  // What is sold for commission is told of by a list that the document does not describe.
  const requests = items.filter((item) => item.source_id !== "").map((item) => fetch(cx, item));
  if (requests.length === 0) return page(items.map(bare), next);
  return calls(requests, encodeState({ step: "details", items, next }));
}

/** A change, and then how the product stands. */
function change(request: (cx: Context, item: Ref) => Request): Operation {
  return {
    start(cx, { product_id, source_id }) {
      const item = { product_id, source_id };
      return call(request(cx, item), encodeState({ step: "change", item }));
    },
    resume(cx, answers, held) {
      const known = (one: Json) => ["change", "read back"].includes(one.step) && isObject(one.item);
      const { step, item } = decodeState(held, known);
      const body = only(cx, answers);
      return step === "change" ? call(fetch(cx, item), encodeState({ step: "read back", item })) : done(detail(item, body));
    },
  };
}

export const add = change((cx, { product_id, source_id }) =>
  changing(cx, "/channels/ec/window/product/add", { product_id, appid: source_id, is_hide_for_window: false }));
export const remove = change((cx, { product_id, source_id }) =>
  asked(cx, "/channels/ec/window/product/off", { product_id, appid: source_id }));
