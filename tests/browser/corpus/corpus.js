// Text that a page must show and nothing else: what tries to run calls `ran`.
import { readFileSync } from "node:fs";

const KIB = 1024;
const strings = JSON.parse(readFileSync(new URL("strings.json", import.meta.url), "utf8"));

/** Each text with its name. */
export const CORPUS = Object.entries({
  ...strings,
  "64 KiB without a space": "W".repeat(64 * KIB),
  "10 000 combining marks": `z${"\u0300\u0316\u0489\u0334\u035c".repeat(2000)}`,
  "2 000 line ends": "a\n".repeat(2000),
  "500 tags": "<b><i onclick=ran('nested')>".repeat(500),
}).map(([name, text]) => ({ name, text }));

/** The beginning of a text that fits in so many bytes. */
export function cut(text, bytes) {
  const encoder = new TextEncoder();
  let room = bytes;
  let fits = "";
  for (const character of text) {
    room -= encoder.encode(character).length;
    if (room < 0) break;
    fits += character;
  }
  return fits;
}

/** The same as an id may have it: without control characters. */
export function id(text) {
  return cut(text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ""), 200).trim();
}
