// Appeals: the author's words come to the desk, by the link of the statement and by event, and another decides them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { admin, end, launch, person } from "./lib/desk.js";
import { appeal, article, held } from "./lib/events.js";
import { eventually, Stack } from "./lib/stack.js";

const WORDS = "I quoted the mayor: <b>he</b> said it, not I.";

let stack;
let browser;
let ada;
let ben;

before(async () => {
  stack = await Stack.start();
  browser = await launch();
  await stack.publish([article(), ...held(2)]);
  await stack.open(2);
  ada = await admin(browser, stack);
  ben = await person(browser, stack, ada, "ben");
});

after(() => end(stack, browser, ada, ben));

/** Has ben reject what a comment's case is about; the case, and the decision with its statement. */
async function rejected(comment) {
  const id = await stack.caseOf(comment);
  await ben.go(`/cases/${id}`);
  assert.equal(await ben.reject(1), 200);
  const { decisions } = await stack.admin(`/cases/${id}`);
  return { id, decision: decisions.findLast(({ by }) => by.kind === "moderator") };
}

function appeals(status) {
  return eventually(`an appeal that is ${status}`, async () => {
    const found = await stack.admin(`/appeals?${new URLSearchParams({ status })}`);
    return found.appeals.length > 0 && found.appeals;
  });
}

test("an author appeals by the link, and another moderator takes the decision back", async () => {
  const { id, decision } = await rejected("c-1");
  const author = await browser.newPage();
  await author.goto(decision.statement.appeal_url);
  await author.fill("textarea", WORDS);
  await Promise.all([author.waitForNavigation(), author.click("button")]);
  assert.match(await author.textContent('[role="status"]'), /received/);
  await appeals("open");

  await ben.go("/");
  assert.ok(await ben.page.locator(`[data-case="${id}"]`).count(), "the case is open again");
  await ben.go(`/cases/${id}`);
  assert.equal(await ben.text("#appeals-title + ol p.words"), WORDS);
  assert.equal(await ben.page.locator("#approve").count(), 0, "whose decision it is does not decide about it");
  const form = await ben.page.locator('[name="form"]').first().inputValue();
  const version = (await stack.admin(`/cases/${id}`)).version;
  assert.equal(await ben.send(`/cases/${id}/decision`, { form, verdict: "approve", version }), 409);

  await ada.go("/appeals");
  await ada.click('main a[href^="/cases/"]');
  assert.equal(new URL(ada.page.url()).pathname, `/cases/${id}`);
  assert.equal(await ada.text("#appeals-title + ol p.words"), WORDS);
  assert.equal(await ada.press("a"), 200);
  await stack.archived("courrier", "c-1", "approved");
  const [told] = await appeals("reversed");
  assert.equal(told.resolution.moderator, "ada");

  await author.goto(decision.statement.appeal_url);
  assert.match(await author.textContent('[role="status"]'), /reversed/);
  assert.equal(await author.locator("form").count(), 0, "nothing is left to appeal against");
  await author.close();
});

test("what a platform sends for an author is decided by another moderator, and stands", async () => {
  const { id, decision } = await rejected("c-2");
  await stack.publish([appeal("c-2", decision.decision, { author: "u-c-2", text: "Nobody was meant." })]);
  await appeals("open");
  await ada.go(`/cases/${id}`);
  assert.equal(await ada.text("#appeals-title + ol p.words"), "Nobody was meant.");
  assert.equal(await ada.reject(1), 200);
  const [told] = await appeals("upheld");
  assert.equal(told.resolution.moderator, "ada");
  await stack.archived("courrier", "c-2", "rejected");
  await ada.go("/appeals");
  assert.equal(await ada.page.locator('main a[href^="/cases/"]').count(), 0, "no appeal is open");
});
