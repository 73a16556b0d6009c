// What comes between: a deploy in the middle of a decision, a crash, and a claim that is over.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { admin, end, launch, PASSWORD, person } from "./lib/desk.js";
import { article, held } from "./lib/events.js";
import { Stack } from "./lib/stack.js";

let stack;
let browser;
let ada;
let ben;

before(async () => {
  stack = await Stack.start();
  browser = await launch();
  await stack.publish([article(), ...held(4)]);
  await stack.open(4);
  ada = await admin(browser, stack);
  ben = await person(browser, stack, ada, "ben");
});

after(() => end(stack, browser, ada, ben));

/** Does something while the desk may not be there. */
async function away(act) {
  for (const visit of [ada, ben]) visit.isAway = true;
  await act();
  for (const visit of [ada, ben]) visit.isAway = false;
}

test("a claim that is over is said to be", async () => {
  const id = await stack.caseOf("c-1");
  const cleo = await person(browser, stack, ada, "cleo");
  await cleo.page.clock.install();
  await cleo.go(`/cases/${id}`);
  assert.equal(await cleo.press("w"), 200);
  await cleo.page.clock.fastForward("09:00");
  assert.ok(await cleo.page.isHidden("#happened"));
  await cleo.page.clock.fastForward("01:30");
  await cleo.page.waitForSelector("#happened:not([hidden])");
  assert.match(await cleo.text("#happened"), /alone is over/);
  await cleo.close();
});

test("a decision into a deploy is not made, said to be unknown, and made afterwards by whom it was", async () => {
  const [id, other] = await Promise.all([stack.caseOf("c-2"), stack.caseOf("c-3")]);
  await ben.go(`/cases/${id}`);
  await ben.page.waitForFunction(() => document.documentElement.dataset.next);
  await away(async () => {
    await stack.end("SIGTERM");
    await ben.page.keyboard.press("a");
    await ben.page.waitForSelector("#told .bad");
    assert.notEqual(new URL(ben.page.url()).pathname, `/cases/${id}`, "the next case is there already");
    await stack.begin();
  });
  assert.deepEqual(await stack.decided(id), []);
  assert.deepEqual(await stack.decided(other), []);
  assert.equal(await ben.click("#told .bad a"), 200);
  assert.equal(new URL(ben.page.url()).pathname, `/cases/${id}`, "ben is still signed in");
  assert.equal(await ben.press("a"), 200);
  assert.deepEqual(await stack.decided(id), ["approve by ben"]);
});

test("a crash signs everyone out, and leads back to what one was doing", async () => {
  const id = await stack.caseOf("c-4");
  await ada.go(`/cases/${id}`);
  await away(async () => {
    await stack.end("SIGKILL");
    await stack.begin();
  });
  await ben.page.waitForSelector("#happened:not([hidden])");
  assert.match(await ben.text("#happened"), /signed out/);
  assert.equal(await ada.go(`/cases/${id}`), 401);
  await ada.page.fill("#id", "ada");
  await ada.page.fill("#password", PASSWORD);
  assert.equal(await ada.click("main button"), 200);
  assert.equal(new URL(ada.page.url()).pathname, `/cases/${id}`);
  assert.equal(await ada.press("a"), 200);
  assert.deepEqual(await stack.decided(id), ["approve by ada"]);
});
