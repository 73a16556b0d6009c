// Who gets in, and what is done with sessions, forms and addresses that are not theirs.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { admin, end, launch, PASSWORD, person, Visit } from "./lib/desk.js";
import { article, held } from "./lib/events.js";
import { Stack } from "./lib/stack.js";

let stack;
let browser;
let ada;

before(async () => {
  stack = await Stack.start();
  browser = await launch();
  await stack.publish([article(), ...held(4)]);
  await stack.open(4);
});

after(() => end(stack, browser, ada));

test("the set-up link makes the first account, once", async () => {
  const visit = await Visit.open(browser, stack);
  assert.equal(await visit.go(stack.setUp), 200);
  await visit.close();
  ada = await admin(browser, stack);
  assert.match(await ada.heading(), /Queue 4 open/);
  assert.equal(await ada.go(stack.setUp), 404);
});

test("only the right password opens the desk, and leads where one was going", async () => {
  const visit = await Visit.open(browser, stack);
  assert.equal(await visit.go("/users"), 401);
  for (const [id, password] of [
    ["ada", "eleven green chairs"],
    ["nobody", PASSWORD],
  ]) {
    assert.equal(await visit.signIn(id, password), 422);
    assert.match(await visit.told(), /name or the password/);
  }
  await visit.go("/users");
  await visit.page.fill("#id", "ada");
  await visit.page.fill("#password", PASSWORD);
  assert.equal(await visit.click("main button"), 200);
  assert.equal(new URL(visit.page.url()).pathname, "/users");
  await visit.signOut();
  assert.equal(await visit.go("/"), 401);
  await visit.close();
});

test("a session that was taken along is worth nothing after signing out", async () => {
  const owner = await person(browser, stack, ada, "olga");
  const thief = await Visit.open(browser, stack);
  await thief.context.addCookies(await owner.context.cookies());
  assert.equal(await thief.go("/"), 200, "the copy is whole, or the test shows nothing");
  const id = await stack.caseOf("c-1");
  assert.equal(await thief.go(`/cases/${id}`), 200);
  const form = await thief.page.inputValue('[name="form"] >> nth=0');
  await owner.signOut();
  await thief.page.waitForSelector("#happened:not([hidden])");
  assert.equal(await thief.send(`/cases/${id}/decision`, { form, verdict: "approve", version: "1" }), 401);
  assert.equal(await thief.go("/"), 401);
  assert.deepEqual(await stack.decided(id), []);
  await owner.close();
  await thief.close();
});

test("a form counts only from a page of the desk", async () => {
  const id = await stack.caseOf("c-2");
  await ada.go(`/cases/${id}`);
  const version = await ada.page.inputValue('[name="version"] >> nth=0');
  const action = `${stack.desk}/cases/${id}/decision`;
  // Another site's page that sends the form by itself, to the same host by its other name, too.
  const page = (target) => `<form method="post" action="${target}"><input name="verdict" value="approve">
    <input name="version" value="${version}"></form><script>document.forms[0].submit()</script>`;
  const other = createServer((request, answer) => {
    const target = request.url === "/name" ? action.replace("127.0.0.1", "localhost") : action;
    answer.writeHead(200, { "content-type": "text/html" }).end(page(target));
  });
  await new Promise((done) => other.listen(0, "127.0.0.1", done));
  const tab = await ada.context.newPage();
  for (const path of ["/", "/name"]) {
    const arrives = tab.waitForResponse((answer) => answer.url().endsWith("/decision"));
    await tab.goto(`http://127.0.0.1:${other.address().port}${path}`);
    assert.equal((await arrives).status(), 403, path);
  }
  await tab.close();
  other.closeAllConnections();
  other.close();
  // Going there is what the test wanted.
  ada.faults = ada.faults.filter((fault) => !fault.startsWith("asked http://"));
  // From the desk itself, but with what another page's form has, or none.
  const sent = { verdict: "approve", version };
  for (const form of [sent, { ...sent, form: "0".repeat(64) }]) assert.equal(await ada.send(action, form), 403);
  assert.deepEqual(await stack.decided(id), []);
  const form = await ada.page.inputValue('[name="form"] >> nth=0');
  assert.equal(await ada.send(action, { ...sent, form }), 200, "or the test shows nothing");
  assert.deepEqual(await stack.decided(id), ["approve by ada"]);
});

test("a case of a site that is not one's own is not there", async () => {
  const other = { site: "gazette", article: "g-1" };
  await stack.publish([article({ ...other, url: "https://gazette.example/g-1" }), ...held(1, 91, other)]);
  const theirs = await stack.caseOf("c-91");
  const ours = await stack.caseOf("c-3");
  const visit = await person(browser, stack, ada, "cora", { sites: "courrier" });
  assert.equal(await visit.go(`/cases/${ours}`), 200);
  assert.equal(await visit.go(`/cases/${theirs}`), 404);
  await visit.go(`/cases/${ours}`);
  const form = await visit.page.inputValue('[name="form"] >> nth=0');
  for (const act of ["decision", "claim", "notes"]) {
    const sent = { form, verdict: "approve", version: "1", text: "mine" };
    assert.equal(await visit.send(`/cases/${theirs}/${act}`, sent), 404, act);
  }
  assert.deepEqual(await stack.decided(theirs), []);
  await visit.close();
});

test("an admin makes, changes and shuts accounts", async () => {
  const vera = await person(browser, stack, ada, "vera", { role: "viewer" });
  const id = await stack.caseOf("c-4");
  await vera.go(`/cases/${id}`);
  assert.equal(await vera.page.locator("#approve").count(), 0, "a viewer decides nothing");
  assert.equal(await vera.go("/users"), 403);

  await ada.go("/users");
  await ada.page.selectOption("#role-vera", "moderator");
  assert.equal(await ada.click('form[action="/users/vera"] button'), 200);
  await vera.go(`/cases/${id}`);
  assert.equal(await vera.page.locator("#approve").count(), 1);

  await ada.page.check('form[action="/users/vera"] [name="disabled"]');
  await ada.click('form[action="/users/vera"] button');
  assert.equal(await vera.click("#approve"), 401);
  assert.equal(await vera.signIn("vera"), 422);
  assert.deepEqual(await stack.decided(id), []);

  // Nobody locks the last admin out.
  await ada.go("/users");
  await ada.page.check('form[action="/users/ada"] [name="disabled"]');
  assert.equal(await ada.click('form[action="/users/ada"] button'), 422);
  assert.equal(await ada.go("/users"), 200);
  await vera.close();
});
