// Reading answers of the interfaces of the assistant 视频号助手.

import {
  Failure, integer, isObject, parsed, unexpected, word,
  type Answer, type Context, type Json,
} from "sdk/qianpu";
import { read } from "./platform";

/** "The interface is not permitted": here a switch of the assistant, one for each group of interfaces. */
const NOT_PERMITTED = "48001";
/** Further answers to a question about attributes that nobody may ask. */
const NO_ATTRIBUTES = ["1", "100000"];

/** An answer that says `errcode` 0. 48001 is no lost authorisation: the account stays linked while one switch is off, and
 *  its owner is told which. */
export function done(cx: Context, answer: Answer): Json {
  try {
    const body = read(cx, answer);
    if (integer(body.errcode) !== 0) throw unexpected("the answer has no errcode");
    return body;
  } catch (error) {
    if (!(error instanceof Failure) || error.remote?.code !== NOT_PERMITTED) throw error;
    const message = `${error.remote.message}；请在视频号助手「开放能力 - 开放场景」打开对应接口的开关`;
    throw new Failure({ tag: "business-refusal" }, error.detail, { ...error.remote, message });
  }
}

/** The one answer of a call. */
export function only(cx: Context, answers: Answer[]): Json {
  const [answer] = answers;
  if (answers.length !== 1 || !answer) throw unexpected("one answer was expected");
  return done(cx, answer);
}

/** Whether the failure only says that this group of interfaces is switched off. */
export const switchedOff = ({ remote }: Failure): boolean =>
  remote !== null && (remote.code === NOT_PERMITTED || NO_ATTRIBUTES.includes(remote.code));

/** The rows of a list; the documents write some lists as one object. */
export const rows = (value: Json): Json[] => (Array.isArray(value) ? value : isObject(value) ? [value] : []);
/** An object, or the first one of a list. */
export const object = (value: Json): Json => rows(value)[0] ?? null;

/** A block that is JSON, or text of JSON; `null` where there is none. */
export function block(body: Json, name: string): Json {
  const value = body[name];
  if (typeof value !== "string") return value ?? null;
  if (value.trim() === "") return null;
  const inner = parsed(value);
  if (inner === undefined) throw unexpected(`${name} is not JSON`);
  return inner;
}

/** A count; negative ones are none. */
export function count(value: Json): number | null {
  const number = integer(value);
  return number !== null && number >= 0 ? number : null;
}

/** Where the next page begins, of lists that say whether there is one. */
export const next = (body: Json): string | null => (body.continue_flag === true ? word(body.last_buffer) : null);

/** A state that is one of the words of the interface, or what the platform said. */
export const state = (value: Json, words: Record<number, string>): Json => {
  const code = integer(value);
  return (code !== null && words[code]) || { unknown: code === null ? "" : String(code) };
};
