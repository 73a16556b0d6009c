// What the top of each page leads to: on one line, by keyboard, on a small screen, enlarged, and without scripts.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { accessible, fits } from "./lib/checks.js";
import { admin, end, LANGUAGES, launch, person, Visit } from "./lib/desk.js";
import { Stack } from "./lib/stack.js";

let stack;
let browser;
let ada;
let session;

before(async () => {
  stack = await Stack.start();
  browser = await launch();
  ada = await admin(browser, stack);
  session = await ada.context.storageState();
});

after(() => end(stack, browser, ada));

const summaries = (page) => page.locator("header summary");

for (const locale of LANGUAGES) {
  test(`${locale}: one line, and every menu fits`, async () => {
    const visit = await Visit.open(browser, stack, { locale, storageState: session });
    await visit.go("/");
    const middles = await visit.page.$$eval("header :is(a:not(.skip), summary, button)", (all) =>
      all.filter((one) => one.checkVisibility()).map((one) => one.getBoundingClientRect()).map(({ y, height }) => y + height / 2),
    );
    assert.ok(middles.length > 8, "queue, appeals, search, menus, account and the way out");
    assert.ok(Math.max(...middles) - Math.min(...middles) < 8, `middles at ${middles.join(", ")}`);
    for (const viewport of [{ width: 1280, height: 900 }, { width: 640, height: 450 }, { width: 360, height: 740 }]) {
      await visit.page.setViewportSize(viewport);
      for (let at = 0; at < (await summaries(visit.page).count()); at += 1) {
        const where = `${locale}, menu ${at} at ${viewport.width}`;
        await summaries(visit.page).nth(at).click();
        const boxes = await visit.page.$$eval("header details[open] li a", (all) =>
          all.map((one) => one.getBoundingClientRect()).map(({ left, right }) => [left, right]),
        );
        assert.ok(boxes.length > 1, where);
        for (const [left, right] of boxes) assert.ok(left >= 0 && right <= viewport.width, `${where}: ${left} to ${right}`);
        await fits(visit.page, where);
        if (viewport.width < 1280) await accessible(visit.page, where);
      }
    }
    await visit.close();
  });
}

test("menus open, are gone through and close by keyboard", async () => {
  const { page } = ada;
  await ada.go("/");
  await page.focus('header a[href="/search"]');
  await page.keyboard.press("Tab");
  const first = page.locator("header details").first();
  assert.ok(await first.locator("summary").evaluate((one) => one === document.activeElement));
  await page.keyboard.press("Enter");
  await first.locator('a[href="/decisions"]').waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("href")), "/decisions");
  await page.keyboard.press("Escape");
  await first.locator('a[href="/decisions"]').waitFor({ state: "hidden" });
  assert.ok(await first.locator("summary").evaluate((one) => one === document.activeElement), "back to what opened it");
  await page.keyboard.press("Space");
  await first.locator("a").last().waitFor();
  // Going on closes it.
  for (let at = 0; at < 4; at += 1) await page.keyboard.press("Tab");
  await first.locator("a").last().waitFor({ state: "hidden" });
  // And so does another one, or a click beside it.
  await summaries(page).nth(1).click();
  await summaries(page).nth(2).click();
  assert.equal(await page.locator("header details[open]").count(), 1);
  await page.click("h1");
  assert.equal(await page.locator("header details[open]").count(), 0);
});

test("where one is can be seen, in the menu and without opening it", async () => {
  await ada.go("/rules/versions");
  assert.equal(await ada.page.locator("header summary[aria-current]").innerText(), "Rulebook");
  assert.equal(await ada.page.locator('header a[aria-current="true"]').getAttribute("href"), "/rules");
  await ada.go("/lists");
  assert.equal(await ada.page.locator('header a[aria-current="page"]').getAttribute("href"), "/lists");
  await ada.go("/");
  assert.equal(await ada.page.locator("header [aria-current]").count(), 1);
});

test("without scripts menus open all the same", async () => {
  const context = await browser.newContext({ javaScriptEnabled: false, storageState: session, locale: "en-GB" });
  const page = await context.newPage();
  await page.goto(`${stack.desk}/`);
  await page.click('header summary:has-text("Operation")');
  await page.click('header a[href="/audit"]');
  await page.waitForURL(`${stack.desk}/audit`);
  await context.close();
});

test("who may less sees less, and no menu of one", async () => {
  const mia = await person(browser, stack, ada, "mia");
  await mia.go("/");
  assert.deepEqual(await summaries(mia.page).allInnerTexts(), ["Results", "Rulebook"]);
  for (const [path, count] of [
    ["/texts", 0],
    ["/audit", 0],
    ["/parked", 0],
    ["/users", 0],
    ["/tokens", 1],
    ["/lists", 1],
  ]) {
    assert.equal(await mia.page.locator(`header a[href="${path}"]`).count(), count, path);
  }
  await mia.close();
});
