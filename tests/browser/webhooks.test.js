// What auditors see of webhooks, and what admins do about them.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { accessible, fits } from "./lib/checks.js";
import { admin, end, LANGUAGES, launch, person, Visit } from "./lib/desk.js";
import { article, comment } from "./lib/events.js";
import { eventually, Stack } from "./lib/stack.js";

const KIND = ["The hall looks lovely.", "See you there on Saturday.", "Will there be bread again?"];

let receiver;
let stack;
let browser;
let ada;
// What came, and how it is answered.
const came = [];
let status = 422;

before(async () => {
  receiver = createServer((request, answer) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      came.push({ id: request.headers["webhook-id"], event: JSON.parse(Buffer.concat(chunks)) });
      answer.writeHead(status).end();
    });
  });
  await new Promise((done) => receiver.listen(0, "127.0.0.1", done));
  const ruling = `
[[webhooks]]
name = "cms"
url = "http://127.0.0.1:${receiver.address().port}/hook?key=hidden"
secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
allow_http = true
allow_private = true
`;
  stack = await Stack.start({ ruling });
  browser = await launch();
  ada = await admin(browser, stack);
  await stack.publish([article(), ...KIND.map((body, at) => comment(`c-${at}`, body))]);
  await eventually("three requests", () => came.length >= KIND.length);
});

after(async () => {
  await end(stack, browser, ada);
  receiver.closeAllConnections();
  receiver.close();
});

test("an auditor sees the endpoint and its deliveries, and no buttons", async () => {
  const otto = await person(browser, stack, ada, "otto", { role: "auditor" });
  assert.equal(await otto.go("/webhooks"), 200);
  assert.match(await otto.text("main"), /3 events wait for another attempt/);
  assert.ok(!(await otto.text("main")).includes("hidden"));
  assert.equal(await otto.click(".lines a"), 200);
  assert.equal(await otto.heading(), "Webhook cms");
  await otto.page.selectOption('[name="outcome"]', "waits");
  assert.equal(await otto.click(".asking button"), 200);
  const lines = await otto.page.locator(".lines > li").allInnerTexts();
  assert.ok(lines.length >= 3, lines.join("\n"));
  for (const line of lines) assert.match(line, /comment\.decided · courrier\s+.*refused · 422/);
  assert.equal(await otto.page.locator('main form[method="post"]').count(), 0);
  assert.equal(await otto.send("/webhooks/cms/test", {}), 403);
  await otto.close();
});

test("a moderator sees nothing of it", async () => {
  const mia = await person(browser, stack, ada, "mia");
  assert.equal(await mia.go("/webhooks"), 403);
  assert.equal(await mia.page.locator('a[href="/webhooks"]').count(), 0);
  await mia.close();
});

test("an admin sends a ping, and is told what came of it", async () => {
  await ada.go("/webhooks/cms");
  assert.equal(await ada.click('form[action$="/test"] button'), 200);
  assert.equal(await ada.told(), "The ping: refused.");
  status = 204;
  assert.equal(await ada.click('form[action$="/test"] button'), 200);
  assert.equal(await ada.told(), "The ping: taken.");
  assert.equal(came.at(-1).event.type, "stoa.webhook.ping.v1");
});

test("disabled, it gets nothing; enabled, it gets what waited", async () => {
  await ada.go("/webhooks/cms");
  await ada.page.check('form[action$="/disable"] [name="confirm"]');
  assert.equal(await ada.click('form[action$="/disable"] button'), 200);
  assert.equal(await ada.told(), "It is disabled.");
  const before = came.length;
  await stack.publish([comment("c-later", "And the fountain?")]);
  await stack.archived("courrier", "c-later", "approved");
  await ada.go("/webhooks/cms");
  assert.equal(came.length, before);
  await ada.page.check('form[action$="/enable"] [name="confirm"]');
  assert.equal(await ada.click('form[action$="/enable"] button'), 200);
  assert.equal(await ada.told(), "It is enabled.");
  await eventually("all that waited", () => came.slice(before).some((it) => it.event.data.comment === "c-later"));
});

test("what was decided is sent again, with the ids that it had", async () => {
  await eventually("nothing waits", async () => {
    const { retrying, ready, unread } = await stack.admin("/webhooks/cms");
    return retrying + ready + unread === 0;
  });
  const ids = new Set(came.filter((it) => it.event.type !== "stoa.webhook.ping.v1").map((it) => it.id));
  const before = came.length;
  await ada.go("/webhooks/cms");
  await ada.page.fill("#since", "2020-01-01");
  await ada.page.uncheck('[name="given_up"]');
  await ada.page.check('form[action$="/replay"] [name="confirm"]');
  assert.equal(await ada.click('form[action$="/replay"] button'), 200);
  assert.equal(await ada.told(), "What was asked for is sent again.");
  await eventually("every event again", () => came.length - before >= ids.size);
  assert.deepEqual(new Set(came.slice(before).map((it) => it.id)), ids);
  await ada.go("/audit?act=webhook");
  assert.ok((await ada.page.locator(".lines > li").count()) >= 5);
});

test("its pages are for everybody, in every language", async () => {
  const storageState = await ada.context.storageState();
  for (const locale of LANGUAGES) {
    const visit = await Visit.open(browser, stack, { storageState, locale });
    for (const path of ["/webhooks", "/webhooks/cms"]) {
      assert.equal(await visit.go(path), 200);
      await accessible(visit.page, `${path} ${locale}`);
      for (const width of [1280, 360]) {
        await visit.page.setViewportSize({ width, height: 800 });
        await fits(visit.page, `${path} at ${width}`);
      }
    }
    await visit.close();
  }
});
