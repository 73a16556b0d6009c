// Threads, authors, search and the log of decisions, and the ways between them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { admin, end, launch, person } from "./lib/desk.js";
import { eventually, Stack } from "./lib/stack.js";
import { tramway } from "./lib/tramway.js";

let stack;
let browser;
let ada;
let held;

before(async () => {
  stack = await Stack.start();
  browser = await launch();
  held = await tramway(stack);
  ada = await admin(browser, stack);
});

after(() => end(stack, browser, ada));

test("a case leads to its thread and its author, and both lead back", async () => {
  const loud = await stack.caseOf("c-16");
  await ada.go(`/cases/${loud}`);
  assert.equal(await ada.click('a[href^="/threads/"]'), 200);
  assert.match(await ada.heading(), /tramway/);
  assert.equal(await ada.page.locator(".lines > li").count(), 26);
  const open = ada.page.locator(`a[href="/cases/${loud}"]`);
  assert.equal(await open.count(), 1);
  assert.equal(await ada.follow(() => open.click()), 200);
  assert.equal(await ada.click('a[href^="/authors/"]'), 200);
  assert.equal(await ada.heading(), "Ras le bol");
  assert.equal(await ada.page.locator(`a[href="/cases/${loud}"]`).count(), 1);
});

test("words are found, marked, and narrowed by the form", async () => {
  await eventually("everything is indexed", async () => {
    await ada.go("/search?site=lavallee&q=abri");
    return (await ada.page.locator(".lines > li").count()) >= 1;
  });
  for (const mark of await ada.page.locator(".lines mark").allTextContents()) assert.match(mark, /abris?/i);
  await ada.page.selectOption('[name="status"]', "pending");
  await ada.page.fill('[name="q"]', "abruti");
  assert.equal(await ada.click('[role="search"] button'), 200);
  assert.equal(await ada.page.locator(".lines > li").count(), 1);
  await ada.page.fill('[name="q"]', '"abruti');
  assert.equal(await ada.click('[role="search"] button'), 422);
  assert.match(await ada.told(), /quotation mark/);
  assert.equal(await ada.page.inputValue('[name="q"]'), '"abruti');
});

test("a decision is in the log, with what stands in its place", async () => {
  await ada.go(`/cases/${held[1]}`);
  await ada.click("#approve");
  await ada.go("/decisions");
  await ada.page.selectOption('[name="by"]', "moderator");
  assert.equal(await ada.click(".asking button"), 200);
  const entries = ada.page.locator(".lines > li");
  assert.equal(await entries.count(), 1);
  assert.match(await entries.first().innerText(), /^approved by .?ada/);
  assert.equal(await ada.follow(() => entries.first().locator('a[href^="/decisions/d-"]').last().click()), 200);
  assert.match(await ada.text(".lines"), /held by rules/);
});

test("who is for another site finds nothing of this one", async () => {
  const visit = await person(browser, stack, ada, "cora", { role: "viewer", sites: "gazette" });
  for (const path of ["/threads/lavallee/valmorin-ligne-d", "/authors/lavallee/u-rage"]) {
    assert.ok([403, 404].includes(await visit.go(path)), path);
  }
  await visit.go("/decisions");
  assert.equal(await visit.page.locator(".lines > li").count(), 0);
  await visit.close();
});
