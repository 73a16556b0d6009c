// Many cases at once, measures against authors, and what one sees while others work.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { admin, end, launch, person } from "./lib/desk.js";
import { article, comment, held } from "./lib/events.js";
import { Stack } from "./lib/stack.js";

const AUTHOR = { author: { id: "u-loud", display_name: "Loud" } };
// From a key to the next case, in milliseconds.
const AT_ONCE = 100;

let stack;
let browser;
let ada;
let ben;

before(async () => {
  stack = await Stack.start();
  browser = await launch();
  await stack.publish([article(), ...held(6), ...held(3, 21, AUTHOR)]);
  await stack.open(9);
  ada = await admin(browser, stack);
  ben = await person(browser, stack, ada, "ben");
});

after(() => end(stack, browser, ada, ben));

/** What moderators decided about each of some comments. */
async function decided(...comments) {
  const found = [];
  for (const one of comments) found.push(...(await stack.decided(await stack.caseOf(one))));
  return found;
}

test("the next case is there at once", async () => {
  const ids = await Promise.all(["c-1", "c-2", "c-3"].map((one) => stack.caseOf(one)));
  const times = [];
  await ben.go(`/cases/${ids[0]}`);
  for (let at = 0; at < ids.length; at += 1) {
    // It is fetched while one reads.
    await ben.page.waitForFunction(() => document.documentElement.dataset.next);
    await ben.page.evaluate(() => {
      document.addEventListener("keydown", () => (window.pressed = performance.now()), { once: true, capture: true });
      document.addEventListener("stoa:shown", () => (window.took = performance.now() - window.pressed), { once: true });
    });
    assert.equal(await ben.press("a"), 200);
    times.push(await ben.page.evaluate(() => window.took));
  }
  assert.ok(Math.min(...times) < AT_ONCE, `took ${times.join(", ")} ms`);
});

test("cases are ticked by keys, looked at together, decided at once and undone at once", async () => {
  await ben.go("/");
  const before = await ben.page.locator("[data-case]").count();
  for (const key of ["j", "x", "j", "x", "j", "x"]) await ben.page.keyboard.press(key);
  const ticked = await ben.page.$$eval('input[name="case"]:checked', (all) => all.map((one) => one.value));
  assert.equal(ticked.length, 3);
  assert.equal(await ben.click("#bulk button"), 200);
  const boxes = ben.page.locator('.queue input[name="case"]');
  assert.equal(await boxes.count(), 3);
  for (const id of ticked) assert.deepEqual(await stack.decided(id), [], "nothing is done before one has seen it");
  // One of them is left.
  await boxes.last().uncheck();
  assert.equal(await ben.click('button[value="approve"]'), 200);
  let counts = [];
  for (const id of ticked) counts.push((await stack.decided(id)).length);
  assert.deepEqual(counts.sort(), [0, 1, 1]);
  assert.equal(await ben.press("z"), 200);
  counts = [];
  for (const id of ticked) counts.push((await stack.decided(id)).length);
  assert.deepEqual(counts.sort(), [0, 2, 2]);
  await ben.go("/");
  assert.equal(await ben.page.locator("[data-case]").count(), before);
});

test("all of an author is decided from the author's page", async () => {
  await ben.go("/authors/courrier/u-loud");
  assert.equal(await ben.click('a[href^="/bulk"]'), 200);
  assert.equal(await ben.page.locator('.queue input[name="case"]').count(), 3);
  await ben.page.locator('[name="reason"]').first().check();
  assert.equal(await ben.click('button[value="reject"]'), 200);
  assert.deepEqual(await decided("c-21", "c-22", "c-23"), Array(3).fill("reject by ben"));
  await ben.go("/authors/courrier/u-loud");
  assert.equal(await ben.page.locator('a[href^="/bulk"], a[href^="/cases/"]').count(), 0);
});

test("a measure says what it means before it is taken", async () => {
  await stack.publish([comment("c-31", "A moron wrote this headline.", AUTHOR)]);
  const id = await stack.caseOf("c-31");
  await ben.go(`/cases/${id}`);
  await ben.page.locator("summary").last().click();
  await ben.page.selectOption("#sanction", "premoderate");
  assert.equal(await ben.click('form[action*="/measure"] button'), 200);
  const { sanction } = await stack.admin("/authors/courrier/u-loud");
  assert.equal(sanction, null, "not yet");
  assert.equal(await ben.click('[name="sure"]'), 200);
  assert.equal((await stack.admin("/authors/courrier/u-loud")).sanction.sanction, "premoderate");
  await ben.go("/authors/courrier/u-loud");
  assert.match(await ben.text("aside .told"), /before publication/);
});

test("the queue tells what others do, and moves nothing", async () => {
  await stack.publish(held(2, 41));
  const [first, second] = await Promise.all([stack.caseOf("c-41"), stack.caseOf("c-42")]);
  await ben.go("/");
  const order = () => ben.page.$$eval("[data-case]", (all) => all.map((one) => one.dataset.case));
  const seen = await order();
  await ada.go(`/cases/${first}`);
  await ada.click("#approve");
  const row = ben.page.locator(`[data-case="${first}"]`);
  await row.locator(".state:not([hidden])").waitFor();
  assert.match(await row.locator(".state").textContent(), /ada/);
  await stack.publish(held(1, 51));
  await ben.page.waitForSelector("#fresh:not([hidden])");
  assert.deepEqual(await order(), seen);
  assert.ok(seen.includes(second));
  assert.equal(await ben.click("#fresh a"), 200);
  const now = await order();
  assert.ok(!now.includes(first));
  assert.ok(now.includes(await stack.caseOf("c-51")));
});
