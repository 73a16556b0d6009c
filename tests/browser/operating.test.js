// What operators and auditors look at: the audit log, what is parked and refused, and sites.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { admin, end, launch, person } from "./lib/desk.js";
import { article, comment, held, tooNew } from "./lib/events.js";
import { eventually, Stack } from "./lib/stack.js";

let stack;
let browser;
let ada;

before(async () => {
  stack = await Stack.start();
  browser = await launch();
  await stack.publish([article(), ...held(2)]);
  await stack.open(2);
  ada = await admin(browser, stack);
});

after(() => end(stack, browser, ada));

test("an auditor reads who decided what, and takes it along as a table", async () => {
  const id = await stack.caseOf("c-1");
  await ada.go(`/cases/${id}`);
  await ada.click("#approve");
  const otto = await person(browser, stack, ada, "otto", { role: "auditor" });
  assert.equal(await otto.go("/audit"), 200);
  assert.match(await otto.told(), /^The chain is whole: \d+ records\./);
  await otto.page.selectOption('[name="act"]', "decided");
  assert.equal(await otto.click(".asking button"), 200);
  const entries = await otto.page.locator(".lines > li").allInnerTexts();
  assert.equal(entries.length, 1);
  assert.match(entries[0], /ada/);
  assert.ok(entries[0].includes(id));
  const [download] = await Promise.all([
    otto.page.waitForEvent("download"),
    otto.page.click('a[href^="/audit.csv"]'),
  ]);
  const rows = (await readFile(await download.path(), "utf8")).trimEnd().split("\r\n");
  assert.equal(rows.length, 2);
  assert.ok(rows[1].includes(`case=${id}; verdict=approve`));
  for (const path of ["/parked", "/rejections", "/users"]) assert.equal(await otto.go(path), 403);
  await otto.close();
});

test("a moderator sees no audit log, and no way there", async () => {
  const mia = await person(browser, stack, ada, "mia");
  await mia.go("/");
  assert.equal(await mia.page.locator('a[href="/audit"], a[href="/parked"]').count(), 0);
  assert.equal(await mia.go("/audit"), 403);
  await mia.close();
});

test("what was refused is shown with its reason and its bytes", async () => {
  await stack.publish([comment("c-9", "   ")], { refused: 1 });
  assert.equal(await ada.go("/rejections"), 200);
  await ada.follow(() => ada.page.locator(".lines a").first().click());
  assert.match(await ada.told(), /data\.body/);
  assert.match(await ada.text(".bytes"), /"comment":"c-9","revision":1/);
});

test("nothing is parked, and every role says so", async () => {
  assert.equal(await ada.go("/parked"), 200);
  assert.equal(await ada.page.locator("main .empty").count(), 3);
});

/** Waits until both readers have parked so many. */
function parked(count) {
  return eventually(`${count} parked`, async () => {
    await ada.go("/parked");
    return (await ada.page.locator(".lines > li").count()) === 2 * count;
  });
}

test("what a role can't take is parked with what follows, tried again, and dropped for a reason", async () => {
  const thread = { article: "a-late" };
  await stack.publish([article({ ...thread, url: "https://courrier.example/a-late" })]);
  await stack.smuggle([tooNew("c-new", thread)]);
  assert.equal(await ada.signIn("ada"), 200, "a restart ends sessions");
  await parked(1);
  await stack.publish([comment("c-after", "What is behind it waits.", thread)]);
  await parked(2);
  const waits = ada.page.locator('.lines a[href^="/parked/moderation-rules/"]');
  assert.match(await ada.text("main"), /not tried yet[^]*waits behind \d/);

  assert.equal(await ada.follow(() => waits.first().click()), 200);
  const tried = () => ada.page.locator("main > ul > li").count();
  const before = await tried();
  assert.match(await ada.text("main"), /unsupported_version/);
  assert.match(await ada.text(".bytes"), /"stoa\.comment\.submitted\.v2"/);
  assert.equal(await ada.click('form[action$="/retry"] button'), 200);
  assert.match(await ada.told(), /refused again/);
  assert.equal(await ada.follow(() => waits.first().click()), 200);
  assert.equal(await tried(), before + 1);

  // Nothing is dropped without a reason and the tick: the browser itself asks for both, and so does the desk.
  const path = new URL(ada.page.url()).pathname;
  const form = await ada.page.inputValue('[name="form"] >> nth=0');
  assert.equal(await ada.send(`${path}/drop`, { form, reason: "mine" }), 422);
  assert.equal(await ada.send(`${path}/drop`, { form, reason: " ", confirm: "yes" }), 422);
  await ada.page.fill("#reason", "sent by mistake");
  await ada.page.check('[name="confirm"]');
  assert.equal(await ada.click('form[action$="/drop"] button'), 200);
  assert.match(await ada.told(), /was dropped/);
  assert.equal(await ada.go(path), 404);
  await eventually("what waited behind it is taken", async () => {
    await ada.go("/parked");
    return (await waits.count()) === 0;
  });

  // The archive has it still, until it is dropped there, too.
  assert.equal(await ada.follow(() => ada.page.locator('.lines a[href^="/parked/archive/"]').first().click()), 200);
  await ada.page.fill("#reason", "sent by mistake");
  await ada.page.check('[name="confirm"]');
  assert.equal(await ada.click('form[action$="/drop"] button'), 200);
  await stack.archived("courrier", "c-after", "approved");
  await ada.go("/audit");
  assert.match(await ada.text(".lines"), /sent by mistake/);
});

test("sites have their counts, and lead to what is of them", async () => {
  await ada.go("/sites");
  assert.match(await ada.text(".cards li"), /courrier/);
  assert.equal(await ada.click('.cards a[href^="/?site="]'), 200);
  assert.equal(new URL(ada.page.url()).search, "?site=courrier");
});
