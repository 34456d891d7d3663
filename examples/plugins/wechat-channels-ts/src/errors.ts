// What the platform's error codes mean, by one table. A code that is not in it is a refusal in the platform's own words:
// nothing is guessed from it.

import { Failure } from "sdk/qianpu";

type Meaning =
  /** The token is not accepted. */
  | "token"
  /** The merchant links again, or grants more. */
  | "link"
  /** The platform's rules say no. */
  | "refused"
  /** It will never work for this account. */
  | "never"
  | "next minute"
  | "next day"
  /** Again after so many seconds. */
  | number
  /** Our request is at fault; the field, where the code names one. */
  | { fix: string | null };

const fix = (field: string): Meaning => ({ fix: field });
const FIX: Meaning = { fix: null };

const TABLE: [meaning: Meaning, ...codes: number[]][] = [
  // busy
  [2, -1],
  ["next day", 45009],
  ["next minute", 45011],
  ["token", 40001, 40014, 42001],
  // the grant
  ["link", 42007, 48001, 61003, 61007, 61016, 61023],
  // the app's ticket comes every ten minutes
  [600, 61005, 61006],
  ["refused", 61009, 61010],
  ["never", 61011],
  // our address is not on the allow-list: an operator has to add it, then the same call works
  [600, 45035, 61004, 40164],
  // requests at fault
  [fix("app_id"), 40013, 41002],
  [fix("app_secret"), 40125, 41004],
  [fix("access_token"), 41001],
  [FIX, 41018, 40003, 40029, 40163, 42003, 40066, 40097, 40170, 43002, 43003, 44002, 45002, 47001, 61014],
  // limits that no waiting of ours helps with
  ["refused", 45015, 45047, 48006],
  // the account is barred or closed
  ["never", 48004, 50002, 10080000, 10080001, 10080002],
  // the thing is being changed
  [30, 10020067],
];
const MEANINGS = new Map(TABLE.flatMap(([meaning, ...codes]) => codes.map((code) => [code, meaning] as const)));

const SECOND = 1_000_000;
const MINUTE = 60 * SECOND;
const DAY = 86_400 * SECOND;
/** Beijing has kept UTC+8 all year round since 1991. */
const BEIJING = 8 * 3600 * SECOND;

/** Every error text ends with ` rid: xxxx`. */
function split(message: string): { message: string; rid: string | null } {
  const found = /^(.*)rid:\s*(\S+)\s*$/s.exec(message);
  return found ? { message: found[1]!.trim(), rid: found[2]! } : { message: message.trim(), rid: null };
}

function kind(meaning: Meaning, message: string, now: number): Failure["kind"] {
  switch (meaning) {
    case "token":
      return { tag: "retry-after-refresh" };
    case "link":
      return { tag: "reauthorise" };
    case "refused":
      return { tag: "business-refusal" };
    case "never":
      return { tag: "fatal" };
    case "next minute":
      return { tag: "retry-later", val: MINUTE - (now % MINUTE) };
    case "next day":
      return { tag: "quota", val: (Math.floor((now + BEIJING) / DAY) + 1) * DAY - BEIJING };
  }
  if (typeof meaning === "number") return { tag: "retry-later", val: meaning * SECOND };
  const fields = meaning.fix === null ? [] : [{ path: meaning.fix, code: "refused_by_platform", message }];
  return { tag: "fix-request", val: fields };
}

/** What an error code leads to. */
export function refused(code: number, said: string, now: number): Failure {
  const { message, rid } = split(said);
  return new Failure(kind(MEANINGS.get(code) ?? "refused", message, now), "", { code: String(code), message, rid });
}
