// What others wrote is shown as text, on every page that shows it, and leaves the page as it is.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { CORPUS, cut, id } from "./corpus/corpus.js";
import { harmless, leaf, touch } from "./lib/checks.js";
import { admin, end, launch, Visit } from "./lib/desk.js";
import { article, comment, report } from "./lib/events.js";
import { Stack } from "./lib/stack.js";

const SMALL = { viewport: { width: 360, height: 740 } };
const NAME = 1024;
const TITLE = 4096;
const BODY = 64 * 1024;
const NOTE = 16 * 1024;

let stack;
let browser;
let ada;
/** The cases, in the order of the corpus. */
let cases;

/** An article, a comment and a report that are made of a text wherever they may be. */
function made({ text }, at) {
  const ids = { article: `a${at} ${id(text)}`, comment: `c${at} ${id(text)}` };
  const author = { id: `u${at} ${id(text)}`, display_name: cut(text, NAME) };
  // Markup has to show something, or the comment is refused as empty.
  const [format, before] = [["plain", ""], ["html", "They say: "], ["markdown", "They say: "]][at % 3];
  return [
    article({ ...ids, comment: undefined, title: cut(text, TITLE), body: text, url: `https://courrier.example/${at}` }),
    comment(ids.comment, cut(before + text, BODY), { ...ids, author, format }),
    report(ids.comment, { ...ids, text: cut(text, NOTE), reporter: { id: `r${at} ${id(text)}` } }),
  ];
}

/** An event that has such a text wherever it may, and no body. */
function broken({ text }) {
  const event = comment("c-1", "", { article: id(text), author: { id: id(text) } });
  return { ...event, id: `${event.id} ${id(text)}`.slice(0, 80), subject: cut(text, 200) };
}

before(async () => {
  stack = await Stack.start();
  browser = await launch();
  const events = CORPUS.flatMap(made);
  await stack.publish(events);
  // And what ingest refuses, with its bytes.
  await stack.publish(CORPUS.map(broken), { refused: CORPUS.length });
  ada = await admin(browser, stack, SMALL);
  const comments = CORPUS.map((entry, at) => made(entry, at)[1].data.comment);
  cases = [];
  for (const one of comments) cases.push(await stack.caseOf(one));
});

after(() => end(stack, browser));

test("the corpus runs where it is not escaped, or the other tests show nothing", async () => {
  const visit = await Visit.open(browser, stack);
  await visit.context.route("**/raw", (route) => {
    const body = CORPUS.map(({ text }) => text).find((text) => text === visit.raw);
    return route.fulfill({ contentType: "text/html", body: `<!DOCTYPE html><main>${body}</main>` });
  });
  const ran = [];
  for (const { name, text } of CORPUS.filter(({ text }) => text.includes("<") && text.length < 1000)) {
    visit.raw = text;
    await visit.page.goto(`${stack.desk}/raw`).catch(() => {});
    await touch(visit.page).catch(() => {});
    await visit.page.waitForTimeout(20);
    if (visit.faults.splice(0).some((fault) => fault.startsWith("ran"))) ran.push(name);
  }
  assert.ok(ran.length >= 12, `only these ran: ${ran.join(", ")}`);
  await visit.context.close();
});

for (const [first, entry] of [
  ["/", "[data-item]"],
  ["/search?site=courrier&sort=newest", ".lines > li"],
  ["/decisions", ".lines > li"],
  ["/rejections", ".lines > li"],
]) {
  test(`all pages of ${first}`, async () => {
    const seen = await leaf(ada, first, entry);
    assert.ok(seen >= CORPUS.length, `${seen} were shown`);
  });
}

test("what was refused, as it came", async () => {
  for (const { seq } of await stack.refused()) {
    const path = `/rejections/${seq}`;
    assert.equal(await ada.go(path), 200);
    await harmless(ada, path);
  }
});

for (const [at, entry] of CORPUS.entries()) {
  test(`what shows ${entry.name}`, async () => {
    const { text } = entry;
    const path = `/cases/${cases[at]}`;
    assert.equal(await ada.go(path), 200);
    // Typing thousands of lines takes Chromium minutes.
    const note = cut(text.trim(), 4000) || "-";
    await ada.page.$eval("#note", (field, note) => (field.value = note), note);
    assert.equal(await ada.click('form[action*="/notes"] button'), 200);
    await harmless(ada, path);
    assert.ok((await ada.page.textContent(".subject")).length > 0, "the words are there");
    const [, { data }] = made(entry, at);
    const segments = [data.article, data.author.id].map(encodeURIComponent);
    const pages = [`/threads/courrier/${segments[0]}`, `/authors/courrier/${segments[1]}`];
    assert.equal(await ada.go(`/bulk?case=${cases[at]}`), 200);
    await harmless(ada, `/bulk?case=${cases[at]}`);
    for (const path of pages) {
      assert.equal(await ada.go(path), 200, path);
      await harmless(ada, path);
      assert.ok((await ada.page.locator(".lines .words").count()) > 0, path);
    }
  });
}
