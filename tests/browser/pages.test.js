// Every page in both themes and each language: accessible, on a small screen and enlarged, too.
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { accessible, fits } from "./lib/checks.js";
import { admin, end, LANGUAGES, launch, person, Visit } from "./lib/desk.js";
import { appeal, comment, tooNew } from "./lib/events.js";
import { eventually, Stack } from "./lib/stack.js";
import { tramway } from "./lib/tramway.js";

const SIZES = [
  { what: "360 px", viewport: { width: 360, height: 740 } },
  // 1280 px at 200 %.
  { what: "200 %", viewport: { width: 640, height: 450 } },
];
const PICTURE = { width: 1000, height: 700 };
const HIGHEST = 1200;

let stack;
let browser;
let session;
let held;
let decision;
let refused;
let parked;

/** Each page: its address, what is done there before it is looked at, and its status if that is not 200. */
const PAGES = [
  { name: "queue", path: () => "/" },
  { name: "case", path: () => `/cases/${held[0]}` },
  { name: "case-decided", path: () => `/cases/${held[1]}` },
  {
    name: "statement",
    path: () => `/cases/${held[0]}`,
    act: async (page) => {
      await page.locator('[name="reason"]').first().check();
      await Promise.all([page.waitForNavigation(), page.click('button[formaction*="/preview"]')]);
    },
  },
  { name: "thread", path: () => "/threads/lavallee/valmorin-ligne-d" },
  { name: "author", path: () => "/authors/lavallee/u-rage" },
  { name: "search", path: () => "/search?site=lavallee&q=tram+OR+abri" },
  { name: "decisions", path: () => "/decisions?verdict=reject" },
  { name: "decision", path: () => `/decisions/${decision}` },
  { name: "rules", path: () => "/rules" },
  { name: "rule", path: () => "/rules/results/insult" },
  { name: "rules-edit", path: () => "/rules/edit", act: (page) => page.click('button[value="difference"]') },
  { name: "rules-versions", path: () => "/rules/versions" },
  { name: "lists", path: () => "/lists?q=connard" },
  { name: "list", path: () => "/lists/insults-fr" },
  { name: "insights", path: () => "/insights?by=hour" },
  { name: "appeals", path: () => "/appeals" },
  { name: "texts", path: () => "/texts" },
  { name: "transparency", path: () => "/transparency" },
  { name: "audit", path: () => "/audit" },
  { name: "parked", path: () => "/parked" },
  { name: "parked-one", path: () => `/parked/moderation-rules/${parked}` },
  { name: "rejections", path: () => "/rejections" },
  { name: "rejection", path: () => `/rejections/${refused}` },
  { name: "sites", path: () => "/sites" },
  { name: "webhooks", path: () => "/webhooks" },
  { name: "keys", path: () => "/", act: (page) => page.keyboard.press("?") },
  { name: "bulk", path: () => `/bulk?case=${held[0]}&case=${held[2]}` },
  {
    name: "measure",
    path: () => `/cases/${held[0]}`,
    act: async (page) => {
      await page.locator("summary").last().click();
      await page.selectOption("#sanction", "warn");
      await Promise.all([page.waitForNavigation(), page.click('form[action*="/measure"] button')]);
    },
  },
  { name: "account", path: () => "/account" },
  { name: "second-step", path: () => "/account/second-step" },
  { name: "tokens", path: () => "/tokens" },
  { name: "accounts", path: () => "/users" },
  { name: "nothing-here", path: () => "/cases/none", status: 404 },
  { name: "sign-in", path: () => "/sign-in", signedOut: true },
  { name: "set-up", path: () => stack.link, signedOut: true },
];

async function look(visit, { name, path, act, status = 200 }) {
  assert.equal(await visit.go(path()), status, name);
  await act?.(visit.page);
}

before(async () => {
  stack = await Stack.start();
  browser = await launch();
  await tramway(stack);
  held = await Promise.all(["c-16", "c-25", "c-21"].map((one) => stack.caseOf(one)));
  const ada = await admin(browser, stack);
  const mia = await person(browser, stack, ada, "mia");
  await mia.go(`/cases/${held[1]}`);
  await mia.reject(2);
  await mia.close();
  ({ decision } = (await stack.admin(`/cases/${held[1]}`)).decisions.at(-1));
  await ada.go(`/cases/${held[0]}`);
  await ada.page.fill("#note", "Second one today. Let us look at what he wrote before.");
  await ada.click('form[action*="/notes"] button');
  refused = (await stack.refused())[0].seq;
  const rejected = (await stack.admin("/decisions?verdict=reject")).decisions.find((one) => one.comment === "c-19");
  const words = "I only meant that it is full in the morning. Please read it again.";
  const against = appeal("c-19", rejected.decision, { site: "lavallee", article: "valmorin-ligne-d", text: words });
  await ada.go("/users");
  await ada.page.fill('form[action="/users"] #id', "noor");
  await ada.page.fill('form[action="/users"] #name', "Noor Visser");
  await ada.click('form[action="/users"] button');
  stack.link = await ada.page.textContent(".told code");
  // Of another thread, which roles can't take, and what waits behind it.
  const late = { site: "lavallee", article: "valmorin-ligne-e", author: { id: "u-claire", display_name: "Claire" } };
  await stack.smuggle([tooNew("c-90", late)]);
  await stack.publish([comment("c-91", "Et pour la ligne E, vous savez ?", late), against]);
  parked = await eventually("two are parked", async () => {
    const { parked } = await stack.ask(`${stack.moderation}/admin/parked`);
    return parked.length === 2 && String(parked[0].id);
  });
  await stack.open(5);
  assert.equal(await ada.signIn("ada"), 200);
  session = await ada.context.storageState();
  await ada.close();
});

after(() => end(stack, browser));

test("what is not accessible, or does not fit, is found", async () => {
  const visit = await Visit.open(browser, stack, SIZES[0]);
  await visit.go("/sign-in");
  await visit.page.evaluate(() => {
    document.querySelector("label").remove();
    document.querySelector("main").style.minInlineSize = "500px";
  });
  await assert.rejects(accessible(visit.page, "sign-in"), /label/);
  await assert.rejects(fits(visit.page, "sign-in"), /of 360/);
  await visit.close();
});

for (const locale of LANGUAGES) {
  for (const colorScheme of ["light", "dark"]) {
    for (const signedOut of [false, true]) {
      test(`${locale}, ${colorScheme}, signed ${signedOut ? "out" : "in"}`, async () => {
        const storageState = signedOut ? undefined : session;
        const visit = await Visit.open(browser, stack, { locale, colorScheme, storageState });
        for (const page of PAGES.filter((page) => Boolean(page.signedOut) === signedOut)) {
          await look(visit, page);
          const lang = await visit.page.getAttribute("html", "lang");
          assert.equal(lang, locale.slice(0, 2), page.name);
          await accessible(visit.page, page.name);
          for (const { what, viewport } of SIZES) {
            await visit.page.setViewportSize(viewport);
            await fits(visit.page, `${page.name} at ${what}`);
          }
          await visit.page.setViewportSize({ width: 1280, height: 900 });
        }
        await visit.close();
      });
    }
  }
}

async function pictures(folder) {
  await mkdir(folder, { recursive: true });
  for (const page of PAGES) {
    const storageState = page.signedOut ? undefined : session;
    const visit = await Visit.open(browser, stack, { viewport: PICTURE, storageState });
    await look(visit, page);
    const height = await visit.page.evaluate(() => document.documentElement.scrollHeight);
    const clip = { x: 0, y: 0, width: PICTURE.width, height: Math.min(Math.max(height, PICTURE.height), HIGHEST) };
    await visit.page.screenshot({ path: join(folder, `${page.name}.png`), fullPage: page.name !== "keys", clip });
    await visit.close();
  }
}

const folder = process.env.STOA_TEST_SCREENSHOTS;
if (folder) test("pictures for the documentation", () => pictures(folder));
