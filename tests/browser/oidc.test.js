// Signing in at a provider of OpenID Connect, configured as docs/console.md says.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { admin, end, launch, Visit } from "./lib/desk.js";
import { article, held } from "./lib/events.js";
import { Provider } from "./lib/provider.js";
import { Stack } from "./lib/stack.js";

const SECRET = "what the provider knows the desk by";
const PEOPLE = {
  mia: { sub: "s-1", preferred_username: "Mia@courrier.example", name: "Mia Marchal", groups: ["readers", "moderators"] },
  rex: { sub: "s-2", preferred_username: "rex", name: "Rex Reader", groups: ["readers"] },
  other: { sub: "s-3", preferred_username: "ada", name: "Another Ada", groups: ["moderators"] },
};

let folder;
let provider;
let stack;
let browser;
let ada;

/** What the documentation configures, for this provider, with one group more. */
function documented() {
  const docs = readFileSync(new URL("../../docs/console.md", import.meta.url), "utf8");
  const [, lines] = docs.match(/```toml\n(\[oidc\]\n[^]*?)```/);
  const file = join(folder, "oidc-secret");
  writeFileSync(file, `${SECRET}\n`);
  const own = lines.replace("https://id.example", provider.issuer).replace("/run/secrets/oidc-secret", file);
  assert.ok(own.includes(provider.issuer) && own.includes(file), own);
  return `${own}\n[[oidc.groups]]\ngroup = "chiefs"\nrole = "admin"\nsites = ["*"]\n`;
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "stoa-oidc-"));
  provider = await Provider.start({ client: "stoa", secret: SECRET, people: structuredClone(PEOPLE) });
  stack = await Stack.start({ lines: documented() });
  stack.others.push(provider.issuer);
  provider.comesBack = `${stack.desk}/sign-in/oidc/callback`;
  browser = await launch();
  await stack.publish([article(), ...held(1)]);
  await stack.open(1);
  ada = await admin(browser, stack);
});

after(async () => {
  await end(stack, browser, ada);
  await provider?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Goes from a page of the desk to the provider, and says there who one is. */
async function leave(visit, who, path = "/account") {
  assert.equal(await visit.go(path), 401);
  assert.equal(await visit.click('a[href^="/sign-in/oidc"]'), 200);
  assert.equal(await visit.heading(), "Who are you?");
  await visit.page.selectOption('[name="who"]', who);
}

/** Signs in at the provider, and is where one was going. */
async function enter(visit, who, path) {
  await leave(visit, who, path);
  await visit.page.click("#yes");
  await visit.page.waitForURL(`${stack.desk}${path ?? "/account"}`);
  await visit.painted();
}

/** Comes back from the provider without having been let in. */
async function refused(visit, who, lie = {}, button = "#yes") {
  await leave(visit, who);
  provider.lie = lie;
  const status = await visit.click(button);
  provider.lie = {};
  const told = await visit.told();
  assert.equal(await visit.go("/account"), 401);
  return [status, told];
}

const fact = (visit, name) => visit.page.locator(`dt:has-text("${name}") + dd`).first().innerText();

test("who is known at the provider comes in, to where they were going, as their groups say", async () => {
  const mia = await Visit.open(browser, stack);
  await enter(mia, "mia", "/appeals");
  assert.equal(provider.asked.at(-1).get("scope"), "openid profile groups");
  assert.equal(await mia.go("/account"), 200);
  assert.equal(await fact(mia, "Name"), "mia");
  assert.equal(await fact(mia, "Full name"), "Mia Marchal");
  assert.equal(await fact(mia, "Role"), "moderator");
  assert.equal(await fact(mia, "Sites"), "courrier");
  assert.equal(await mia.page.locator("#password").count(), 0, "there is no password");
  assert.equal(await mia.go("/account/second-step"), 404);
  assert.equal(await mia.go("/users"), 403);
  // What they do is theirs.
  const id = await stack.caseOf("c-1");
  await mia.go(`/cases/${id}`);
  assert.equal(await mia.click("#approve"), 200);
  assert.deepEqual(await stack.decided(id), ["approve by mia"]);
  await mia.signOut();
  assert.equal(await mia.go("/account"), 401);
  await mia.close();
});

test("the way back needs no script", async () => {
  const context = await browser.newContext({ javaScriptEnabled: false, locale: "en-GB" });
  const page = await context.newPage();
  await page.goto(`${stack.desk}/search`);
  await page.click('a[href^="/sign-in/oidc"]');
  await page.selectOption('[name="who"]', "mia");
  await page.click("#yes");
  await page.waitForURL(`${stack.desk}/search`);
  assert.equal(await page.locator('a[href="/account"]').innerText(), "Mia Marchal");
  await context.close();
});

test("who is in no group that may is told so, and has no account", async () => {
  const rex = await Visit.open(browser, stack);
  assert.deepEqual(await refused(rex, "rex"), [
    403,
    "You are known, but in no group that may use this console. Ask whoever keeps your groups.",
  ]);
  await rex.close();
  await ada.go("/users");
  assert.doesNotMatch(await ada.text(".cards"), /rex/i);
});

test("another group counts from the next sign-in on, and so does none", async () => {
  const mia = await Visit.open(browser, stack);
  await enter(mia, "mia");
  assert.equal(await fact(mia, "Role"), "moderator");
  provider.people.mia.groups = ["moderators", "chiefs"];
  await mia.go("/account");
  assert.equal(await fact(mia, "Role"), "moderator", "the session is as it was");
  await mia.signOut();
  await enter(mia, "mia");
  assert.equal(await fact(mia, "Role"), "admin");
  assert.equal(await fact(mia, "Sites"), "all");
  assert.equal(await mia.go("/users"), 200);
  await mia.signOut();
  provider.people.mia.groups = [];
  assert.equal((await refused(mia, "mia"))[0], 403);
  provider.people.mia = structuredClone(PEOPLE.mia);
  await mia.close();
});

test("a name that somebody has here stays theirs", async () => {
  const other = await Visit.open(browser, stack);
  await enter(other, "other");
  assert.equal(await fact(other, "Name"), "ada-2");
  assert.equal(await fact(other, "Role"), "moderator");
  await other.close();
  await ada.go("/account");
  assert.equal(await fact(ada, "Full name"), "Ada Admin");
});

test("what the provider did not say, or not now, not here, or of another is not believed", async () => {
  const visit = await Visit.open(browser, stack);
  const now = Math.floor(Date.now() / 1000);
  for (const [what, lie] of [
    ["another nonce", { claims: { nonce: "n".repeat(22) } }],
    ["no nonce", { claims: { nonce: undefined } }],
    ["another key", { forged: true }],
    ["no signature", { header: { alg: "none" } }],
    ["for another client", { claims: { aud: "another" } }],
    ["of another provider", { claims: { iss: "http://localhost:1" } }],
    ["over", { claims: { exp: now - 600, iat: now - 900 } }],
  ]) {
    assert.deepEqual(await refused(visit, "mia", lie), [422, "Your organisation did not sign you in."], what);
  }
  assert.deepEqual(await refused(visit, "mia", {}, "#no"), [422, "Your organisation did not sign you in."]);
  await enter(visit, "mia");
  await visit.close();
});

test("a sign-in ends where it began, and once", async () => {
  const unknown = /did not begin in this browser/;
  const [mia, thief] = [await Visit.open(browser, stack), await Visit.open(browser, stack)];
  for (const query of ["?state=made-up&code=made-up", "?state=&code=x", "?code=x"]) {
    assert.equal(await mia.go(`/sign-in/oidc/callback${query}`), 422, query);
    assert.match(await mia.told(), unknown);
  }
  // Somebody else has the address before its owner comes with it.
  await leave(mia, "mia");
  const caught = new Promise((done) => (provider.caught = done));
  await mia.click("#yes");
  const way = await caught;
  provider.caught = undefined;
  assert.equal(await thief.go(way), 422);
  assert.match(await thief.told(), unknown);
  assert.equal(await thief.go("/account"), 401);
  // With another state than it began with.
  assert.equal(await mia.go(way.replace(/state=[^&]*/, "state=another")), 422);
  // It leads on by itself.
  await Promise.all([mia.page.waitForURL(`${stack.desk}/account`), mia.page.goto(way).catch(() => {})]);
  assert.match(await mia.heading(), /Your account/);
  assert.equal(await mia.go(way), 422, "a second time");
  await mia.close();
  await thief.close();
});

test("who is disabled here stays out", async () => {
  await ada.go("/users");
  await ada.page.check('form[action="/users/ada-2"] [name="disabled"]');
  assert.equal(await ada.click('form[action="/users/ada-2"] button'), 200);
  const other = await Visit.open(browser, stack);
  assert.deepEqual(await refused(other, "other"), [422, "Your account here is disabled."]);
  await other.close();
});

test("a provider that does not answer is told, and people with a password come in as ever", async () => {
  const visit = await Visit.open(browser, stack, { locale: "de-DE" });
  await leave(visit, "mia");
  await provider.stop();
  await visit.go("/account");
  assert.equal(await visit.click('a[href^="/sign-in/oidc"]'), 502);
  assert.match(await visit.told(), /antwortet im Moment nicht/);
  assert.equal(await visit.signIn("ada"), 200);
  await visit.close();
});
