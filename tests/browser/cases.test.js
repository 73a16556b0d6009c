// Cases are worked: by keyboard alone, by two at once, with the back button and a nervous finger.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { admin, end, launch, PASSWORD, person, Visit } from "./lib/desk.js";
import { article, held } from "./lib/events.js";
import { Stack } from "./lib/stack.js";

const TEN = 10;

let stack;
let browser;
let ada;
let ben;
let next = TEN + 1;

/** A case that no other test knows. */
async function fresh() {
  const [event] = held(1, next);
  next += 1;
  await stack.publish([event]);
  return stack.caseOf(event.data.comment);
}

before(async () => {
  stack = await Stack.start();
  browser = await launch();
  await stack.publish([article(), ...held(TEN)]);
  await stack.open(TEN);
  ada = await admin(browser, stack);
  ben = await person(browser, stack, ada, "ben");
});

after(() => end(stack, browser, ada, ben));

test("ten cases are worked by keyboard alone, from signing in to the empty queue", async () => {
  const visit = await Visit.open(browser, stack);
  const { keyboard } = visit.page;
  await visit.go("/");
  await visit.page.waitForSelector("#id:focus");
  await keyboard.type("ben");
  await keyboard.press("Tab");
  await keyboard.type(PASSWORD);
  assert.equal(await visit.press("Enter"), 200);
  assert.match(await visit.heading(), /Queue 10 open/);
  await keyboard.press("?");
  await visit.page.waitForSelector("dialog[open]");
  await keyboard.press("Escape");
  // Chromium closes it a moment later, and until then keys are the dialog's.
  await visit.page.waitForSelector("dialog", { state: "hidden" });
  await keyboard.press("j");
  await keyboard.press("j");
  await keyboard.press("k");
  assert.equal(await visit.press("Enter"), 200);
  const expected = new Map();
  for (let at = 0; at < TEN; at += 1) {
    const id = new URL(visit.page.url()).pathname.split("/")[2];
    assert.ok(id, `case ${at + 1} comes by itself`);
    if (at % 3 === 0) assert.equal(await visit.press("w"), 200);
    if (at % 2 === 0) {
      assert.equal(await visit.press("a"), 200);
      expected.set(id, ["approve by ben"]);
    } else {
      assert.equal(await visit.reject(1 + (at % 4)), 200);
      expected.set(id, ["reject by ben"]);
    }
  }
  assert.equal(new URL(visit.page.url()).pathname, "/");
  assert.match(await visit.heading(), /Queue 0 open/);
  assert.equal(expected.size, TEN, "each was another one");
  for (const [id, decided] of expected) assert.deepEqual(await stack.decided(id), decided);
  await visit.close();
});

test("a rejection has the reason that was chosen, and the archive has it", async () => {
  const id = await fresh();
  await ben.go(`/cases/${id}`);
  const reasons = await ben.page.locator('[name="reason"]').evaluateAll((all) => all.map((one) => one.value));
  assert.ok(reasons.length > 2, reasons.join());
  // Without a reason the browser sends nothing.
  await ben.page.click("#reject");
  assert.deepEqual(await stack.decided(id), []);
  await ben.page.check(`[name="reason"][value="${reasons[2]}"]`);
  assert.equal(await ben.click("#reject"), 200);
  const whole = await stack.admin(`/cases/${id}`);
  const decision = whole.decisions.findLast(({ by }) => by.kind === "moderator");
  assert.equal(decision.verdict, "reject");
  assert.ok(decision.labels.includes(reasons[2]) || JSON.stringify(decision).includes(reasons[2]));
  await stack.archived("courrier", whole.comment, "rejected");
});

test("a decision is undone, and the case is there again", async () => {
  const id = await fresh();
  await ben.go(`/cases/${id}`);
  await ben.click("#approve");
  assert.match(await ben.told(), /approved/);
  assert.equal(await ben.click('.told form[action*="/undo"] button'), 200);
  assert.equal(new URL(ben.page.url()).pathname, `/cases/${id}`);
  assert.match(await ben.told(), /undone/);
  assert.equal(await ben.page.locator("#approve").count(), 1);
  assert.deepEqual(await stack.decided(id), ["approve by ben", "hold by ben"]);
  await ben.click("#approve");
});

/** Lets a visit decide what it knows to be over: as if the news had not come yet. */
function unknowing(visit) {
  return visit.page.$$eval(".decide button", (buttons) => {
    for (const button of buttons) button.disabled = false;
  });
}

test("of two on one case the second is told, and nothing is decided twice", async () => {
  const id = await fresh();
  await Promise.all([ada.go(`/cases/${id}`), ben.go(`/cases/${id}`)]);
  assert.equal(await ada.click("#approve"), 200);
  await ben.page.waitForSelector("#happened:not([hidden])");
  assert.match(await ben.text("#happened"), /ada/);
  assert.ok(await ben.page.isDisabled("#approve"));
  await unknowing(ben);
  assert.equal(await ben.reject(1), 409);
  assert.match(await ben.told(), /Nothing was decided by you/);
  await ben.go(`/cases/${id}`);
  assert.equal(await ben.page.locator("#approve, #reject").count(), 0, "the case as it is now");
  assert.match(await ben.text(".decisions"), /approved by ada/);
  assert.deepEqual(await stack.decided(id), ["approve by ada"]);
});

test("what one works on, another can't decide, and is told who has it", async () => {
  const id = await fresh();
  await ben.go(`/cases/${id}`);
  const carl = await person(browser, stack, ada, "carl");
  await carl.go(`/cases/${id}`);
  assert.equal(await carl.press("w"), 200);
  await ben.page.waitForSelector("#happened:not([hidden])");
  assert.match(await ben.text("#happened"), /carl/);
  await unknowing(ben);
  assert.equal(await ben.click("#approve"), 409);
  assert.match(await ben.told(), /Nothing was decided by you/);
  assert.deepEqual(await stack.decided(id), []);
  await carl.click("#approve");
  assert.deepEqual(await stack.decided(id), ["approve by carl"]);
  await carl.close();
});

test("the back button leads to the case as it is, and decides nothing again", async () => {
  const id = await fresh();
  await ben.go(`/cases/${id}`);
  await ben.click("#approve");
  await Promise.all([ben.page.waitForEvent("load"), ben.page.evaluate(() => history.back())]);
  await ben.page.waitForURL(`**/cases/${id}`);
  assert.equal(await ben.page.locator("#approve, #reject").count(), 0);
  assert.deepEqual(await stack.decided(id), ["approve by ben"]);
});

test("a double click decides once", async () => {
  const [first, second] = [await fresh(), await fresh()];
  await ben.go(`/cases/${first}`);
  await ben.page.dblclick("#approve");
  await ben.page.waitForSelector(".told:not([hidden]) #undo");
  assert.deepEqual(await stack.decided(first), ["approve by ben"]);
  assert.deepEqual(await stack.decided(second), [], "the case that came next was not clicked");
});

test("a note is kept with its author, as text", async () => {
  const id = await fresh();
  await ben.go(`/cases/${id}`);
  await ben.page.fill("#note", "Ask <b>Jo</b>.\nBefore noon.");
  assert.equal(await ben.click('form[action*="/notes"] button'), 200);
  const notes = await ben.page.locator('section[aria-labelledby="notes-title"] li').allInnerTexts();
  assert.equal(notes.length, 1);
  assert.match(notes[0], /^ben .*Ask <b>Jo<\/b>\.\nBefore noon\.$/s);
});
