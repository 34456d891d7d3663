// XML as platforms push it, read into the value that the same message has as JSON: elements that occur several times
// become a list, an element without others inside is text. There are no document types and no entities but the
// predefined ones, and there are bounds: what a stranger sends is read before it is proven.

import type { Json } from "./qianpu";

const DEEPEST = 16;
const MOST = 20_000;

interface Open { name: string; text: string; children: Record<string, Json> | null }

const START = /<([^\s<>/&"'=!?]+)(?:\s+[^\s<>/&"'=]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*\s*(\/?)>/y;
const END = /<\/([^\s<>/&"'=]+)\s*>/y;
const WORDS: Record<string, string> = { lt: "<", gt: ">", amp: "&", apos: "'", quot: '"' };

/** The root element's content; `undefined` for what is no such document. */
export function parsedXml(source: string): Json {
  try {
    return read(source);
  } catch {
    return undefined;
  }
}

const local = (name: string): string => name.slice(name.indexOf(":") + 1);

function character(name: string | undefined): string {
  const number = /^#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}))$/.exec(name ?? "");
  if (!number) {
    if (name === undefined || !Object.hasOwn(WORDS, name)) throw new Error("no such entity");
    return WORDS[name]!;
  }
  const code = number[1] ? parseInt(number[1], 16) : parseInt(number[2]!, 10);
  if (code === 0 || (code >= 0xd800 && code <= 0xdfff)) throw new Error("no such character");
  return String.fromCodePoint(code);
}
const unescaped = (words: string): string =>
  words.replace(/&(?:([^&;\s]{1,12});)?/g, (_, name: string | undefined) => character(name));

function read(source: string): Json {
  const open: Open[] = [];
  let root: Json;
  let elements = 0;
  const said = (words: string) => {
    const element = open[open.length - 1];
    if (element) element.text += words;
    else if (words.trim() !== "") throw new Error("text outside");
  };
  const close = (element: Open) => {
    const value = element.children ?? element.text.trim();
    const parent = open[open.length - 1];
    if (!parent) {
      root = value;
      return;
    }
    // Without a prototype no name means anything.
    const children = (parent.children ??= Object.create(null) as Record<string, Json>);
    const before = children[element.name];
    if (before === undefined) children[element.name] = value;
    else if (Array.isArray(before)) before.push(value);
    else children[element.name] = [before, value];
  };
  const behind = (mark: string, from: number): number => {
    const found = source.indexOf(mark, from);
    if (found < 0) throw new Error(`no ${mark}`);
    return found;
  };
  const match = (pattern: RegExp, at: number): RegExpExecArray => {
    pattern.lastIndex = at;
    const found = pattern.exec(source);
    if (!found) throw new Error("no tag");
    return found;
  };
  for (let at = 0; at < source.length; ) {
    const mark = source.indexOf("<", at);
    said(unescaped(source.slice(at, mark < 0 ? source.length : mark)));
    if (mark < 0) break;
    if (source.startsWith("<![CDATA[", mark)) {
      const end = behind("]]>", mark);
      said(source.slice(mark + 9, end));
      at = end + 3;
    } else if (source.startsWith("<!--", mark)) {
      at = behind("-->", mark + 4) + 3;
    } else if (source.startsWith("<?", mark)) {
      at = behind("?>", mark) + 2;
    } else if (source.startsWith("</", mark)) {
      const tag = match(END, mark);
      const element = open.pop();
      if (!element || element.name !== local(tag[1]!)) throw new Error("another end");
      close(element);
      at = END.lastIndex;
    } else {
      const tag = match(START, mark);
      if (root !== undefined || open.length >= DEEPEST || ++elements > MOST) throw new Error("too much");
      const element = { name: local(tag[1]!), text: "", children: null };
      if (tag[2]) close(element);
      else open.push(element);
      at = START.lastIndex;
    }
  }
  // A root without elements is text, not a message.
  return open.length === 0 && typeof root === "object" ? root : undefined;
}
