// One's own account: the second step, sessions, settings and tokens.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { admin, end, launch, PASSWORD, person, Visit } from "./lib/desk.js";
import { article, comment, held, report } from "./lib/events.js";
import { Stack } from "./lib/stack.js";
import { code, step } from "./lib/totp.js";

let stack;
let browser;
let ada;

before(async () => {
  // Each browser names an address, as a proxy does: one address may try to sign in ten times a minute.
  stack = await Stack.start({ env: () => ({ STOA_CONSOLE__HTTP__PROXIES__0: "127.0.0.1" }) });
  browser = await launch();
  await stack.publish([article(), ...held(2)]);
  await stack.open(2);
  ada = await admin(browser, stack, from(1));
});

after(() => end(stack, browser, ada));

function from(address) {
  return { extraHTTPHeaders: { "x-forwarded-for": `192.0.2.${address}` } };
}

/** Gives a password, and is asked for a code. */
async function half(visit, id) {
  assert.equal(await visit.signIn(id), 200);
  assert.equal(await visit.page.locator("#password").count(), 0);
}

async function give(visit, text) {
  await visit.page.fill("#code", text);
  return visit.click("main form button");
}

test("a second step is set up, asked for, and every code counts once", async () => {
  const tom = await person(browser, stack, ada, "tom", from(10));
  await tom.go("/account");
  assert.equal(await tom.click('a[href="/account/second-step"]'), 200);
  const secret = await tom.page.locator("main p code").innerText();
  assert.match(secret, /^[A-Z2-7]{32}$/);
  assert.ok(await tom.page.locator("svg.qr path").getAttribute("d"), "there is a picture of it");
  assert.equal(await give(tom, "000000" === code(secret, step()) ? "111111" : "000000"), 422);
  assert.match(await tom.told(), /wrong/);
  const first = step();
  assert.equal(await give(tom, code(secret, first)), 200);
  const spare = await tom.page.locator("section code").allInnerTexts();
  assert.equal(spare.length, 10);
  assert.match(await tom.text("main"), /10 spare codes are left/);
  await tom.go("/account/second-step");
  for (const shown of [secret, ...spare]) assert.ok(!(await tom.page.content()).includes(shown), "shown once");
  await tom.signOut();

  await half(tom, "tom");
  assert.equal(await tom.go("/"), 401, "the password alone opens nothing");
  await half(tom, "tom");
  assert.equal(await give(tom, code(secret, first)), 422, "it was used to set it up");
  assert.match(await tom.told(), /wrong, or was used already/);
  assert.equal(await give(tom, code(secret, first + 1)), 200);
  assert.match(await tom.heading(), /Queue/);
  await tom.signOut();

  // Another browser has seen the code.
  const thief = await Visit.open(browser, stack, from(11));
  await half(thief, "tom");
  assert.equal(await give(thief, code(secret, first + 1)), 422);
  for (const guess of ["", "12345", "1234567", "abcdef"].filter(Boolean)) assert.equal(await give(thief, guess), 422);
  assert.equal(await give(thief, code(secret, step() - 10)), 422);
  assert.equal(await give(thief, spare[9]), 422, "five wrong ones end the sign-in");
  assert.match(await thief.told(), /begin anew/);
  await thief.close();

  // Without the authenticator: a spare code, once, however it is typed.
  await half(tom, "tom");
  assert.equal(await give(tom, ` ${spare[0].toUpperCase().replaceAll("-", " ")} `), 200);
  await tom.go("/account/second-step");
  assert.match(await tom.text("main"), /9 spare codes are left/);
  await tom.signOut();
  const later = await Visit.open(browser, stack, from(12));
  await half(later, "tom");
  assert.equal(await give(later, spare[0]), 422);
  assert.equal(await give(later, spare[1]), 200);
  // It is turned off with one, too.
  await later.go("/account/second-step");
  assert.equal(await give(later, spare[1]), 422);
  assert.equal(await give(later, spare[2]), 200);
  assert.equal(await later.page.locator("svg.qr").count(), 1, "it can be set up anew");
  assert.notEqual(await later.page.locator("main p code").innerText(), secret);
  await later.close();
  await tom.close();
});

test("who has lost it all is helped by an admin", async () => {
  const lea = await person(browser, stack, ada, "lea", from(20));
  await lea.go("/account/second-step");
  const secret = await lea.page.locator("main p code").innerText();
  assert.equal(await give(lea, code(secret, step())), 200);
  await lea.signOut();
  await half(lea, "lea");
  const form = 'form[action="/users/lea/second-step"]';
  await ada.go("/users");
  assert.equal(await ada.click(`${form} button`), 200);
  assert.equal(await ada.page.locator(form).count(), 0, "there is none to take away");
  const other = await Visit.open(browser, stack, from(21));
  assert.equal(await other.signIn("lea"), 200);
  assert.match(await other.heading(), /Queue/);
  await ada.go("/audit");
  assert.match(await ada.text(".lines"), /lea/);
  await other.close();
  await lea.close();
});

const sessions = (visit) => visit.page.locator("ul.plain > li");

test("sessions are seen where they are, and ended", async () => {
  const sam = await person(browser, stack, ada, "sam", from(30));
  const phone = await Visit.open(browser, stack, { ...from(31), viewport: { width: 360, height: 740 } });
  const office = await Visit.open(browser, stack, from(32));
  await phone.signIn("sam");
  await office.signIn("sam");
  await sam.go("/account");
  assert.equal(await sessions(sam).count(), 3);
  const texts = await sessions(sam).allInnerTexts();
  assert.equal(texts.filter((text) => text.includes("this browser")).length, 1);
  assert.match(texts.find((text) => text.includes("this browser")), /192\.0\.2\.30/);
  const theirs = sessions(sam).filter({ hasText: "192.0.2.31" });
  assert.equal(await sam.follow(() => theirs.locator("button").click()), 200);
  assert.equal(await sessions(sam).count(), 2);
  assert.equal(await phone.go("/"), 401);
  assert.equal(await office.go("/"), 200);
  await sam.follow(() => sam.page.locator('button[value="others"]').click());
  assert.equal(await sessions(sam).count(), 1);
  assert.equal(await office.go("/"), 401);
  assert.equal(await sam.go("/"), 200);
  for (const visit of [sam, phone, office]) await visit.close();
});

test("a changed password ends all sessions", async () => {
  const kim = await person(browser, stack, ada, "kim", from(40));
  const other = await Visit.open(browser, stack, from(41));
  await other.signIn("kim");
  await kim.go("/account");
  await kim.page.fill("#current", PASSWORD);
  await kim.page.fill("#password", "seven yellow lamps");
  await kim.click('form[action="/account/password"] button');
  assert.equal(await other.go("/"), 401);
  assert.equal(await kim.go("/"), 401);
  assert.equal(await kim.signIn("kim"), 422);
  assert.equal(await kim.signIn("kim", "seven yellow lamps"), 200);
  await other.close();
  await kim.close();
});

test("times are those of who looks, with the whole date and zone in the tooltip", async () => {
  for (const [locale, timezoneId, zone] of [
    ["en-GB", "Asia/Kolkata", /India Standard Time|GMT\+5:30|IST/],
    ["de-DE", "America/New_York", /GMT-[45]|EST|EDT/],
  ]) {
    const visit = await Visit.open(browser, stack, { ...from(50), locale, timezoneId });
    await visit.signIn("ada");
    await visit.go(`/cases/${await stack.caseOf("c-1")}`);
    const times = await visit.page.$$eval("time[data-show]", (all) =>
      all.map(({ dateTime, dataset, title, textContent }) => ({ dateTime, show: dataset.show, title, text: textContent })),
    );
    assert.ok(times.some(({ show }) => show === "date") && times.some(({ show }) => show === "age"));
    for (const { dateTime, show, title, text } of times) {
      const at = new Date(dateTime);
      const whole = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeZone: timezoneId }).format(at);
      assert.ok(title.startsWith(whole), `${title} for ${dateTime}`);
      assert.match(title, zone);
      const short = { dateStyle: "medium", timeStyle: "short", timeZone: timezoneId };
      if (show === "date") assert.equal(text, new Intl.DateTimeFormat(locale, short).format(at));
    }
    await visit.close();
  }
});

/** Asks as a program does. */
async function ask(secret, path = "/api/moderation/cases?limit=1") {
  const answer = await fetch(`${stack.desk}${path}`, { headers: { authorization: `Bearer ${secret}` } });
  return [answer.status, await answer.json()];
}

/** Makes a token, and returns its secret. */
async function make(visit, name, role = "viewer") {
  await visit.go("/tokens");
  await visit.page.fill("#name", name);
  await visit.page.selectOption("#role", role);
  assert.equal(await visit.click('form[action="/tokens"] button'), 200);
  return visit.page.locator("main .told code").innerText();
}

const card = (visit, name) => visit.page.locator(".cards > li").filter({ hasText: name });

test("a token is shown once, works, says when, and ends", async () => {
  const max = await person(browser, stack, ada, "max", from(60));
  const secret = await make(max, "reports");
  assert.match(secret, /^stoa_/);
  await max.go("/tokens");
  assert.ok(!(await max.page.content()).includes(secret), "shown once");
  assert.match(await card(max, "reports").innerText(), /not used so far/);
  const [status, { open }] = await ask(secret);
  assert.deepEqual([status, open], [200, 2]);
  await max.go("/tokens");
  assert.match(await card(max, "reports").innerText(), /last used just now/);
  assert.match(await card(max, "reports").locator("time").last().getAttribute("title"), /\d{4} at \d\d:\d\d:\d\d/);
  // No more than its role, and not what it is not.
  const [forbidden, problem] = await ask(secret, "/api/users");
  assert.deepEqual([forbidden, problem.status], [403, 403]);
  assert.equal((await ask(`${secret.slice(0, -1)}x`))[0], 401);
  assert.equal(await max.page.locator('#role option[value="admin"]').count(), 0);
  // Its cookie is none at /api, and the token none at the pages.
  const [page] = await Promise.all([fetch(`${stack.desk}/`, { headers: { authorization: `Bearer ${secret}` } })]);
  assert.equal(page.status, 401);
  assert.equal(await max.go("/api/tokens"), 401);
  await max.go("/tokens");
  assert.equal(await max.follow(() => card(max, "reports").locator("button").click()), 200);
  assert.equal((await ask(secret))[0], 401);
  await max.close();
});

test("a token is worth no more than its person, and an admin ends it", async () => {
  const ivy = await person(browser, stack, ada, "ivy", from(70));
  const [first, second] = [await make(ivy, "first", "moderator"), await make(ivy, "second")];
  const claim = async () => {
    const headers = { authorization: `Bearer ${first}`, "content-type": "application/json" };
    const path = `/api/moderation/cases/${await stack.caseOf("c-2")}/claim`;
    return (await fetch(`${stack.desk}${path}`, { method: "POST", headers, body: "{}" })).status;
  };
  assert.equal(await claim(), 200);
  await ada.go("/users");
  await ada.page.selectOption("#role-ivy", "viewer");
  await ada.click('form[action="/users/ivy"] button');
  assert.equal(await claim(), 403);
  await ada.go("/tokens");
  await ada.follow(() => card(ada, "second").locator("button").click());
  assert.equal((await ask(second))[0], 401);
  await ada.go("/users");
  await ada.page.check('form[action="/users/ivy"] [name="disabled"]');
  await ada.click('form[action="/users/ivy"] button');
  assert.equal((await ask(first))[0], 401);
  await ivy.context.close();
});

/** Elements of the page that show some words as they are: not blurred, themselves or around. */
function plain(visit, words) {
  return visit.page.evaluate((words) => {
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      if (!texts.currentNode.data.includes(words)) continue;
      let blurred = false;
      for (let one = texts.currentNode.parentElement; one; one = one.parentElement) {
        blurred ||= getComputedStyle(one).filter !== "none";
      }
      found.push(blurred);
    }
    return { all: found.length, shown: found.filter((blurred) => !blurred).length };
  }, words);
}

test("comments are blurred wherever they stand, and nothing else is", async () => {
  const author = { author: { id: "u-zed", display_name: "Zed" } };
  await stack.publish([
    comment("z-1", "Zwieback for everyone, and more of it.", author),
    comment("z-2", "Zwieback, you moron, is not bread.", { ...author, parent: "z-1" }),
    comment("z-3", "Zwieback again, says the idiot.", { ...author, parent: "z-1" }),
    report("z-2", { text: "What a reporter says." }),
  ]);
  const id = await stack.caseOf("z-2");
  await stack.archived("courrier", "z-3", "pending");
  const una = await person(browser, stack, ada, "una", from(80));
  await una.go(`/cases/${id}`);
  await una.page.fill("#note", "What a colleague notes.");
  await una.click('form[action*="/notes"] button');
  await una.go("/account");
  await una.page.check('[name="blur"]');
  await una.click('form[action="/account/settings"] button');
  const places = ["/", `/cases/${id}`, "/threads/courrier/a-1", "/authors/courrier/u-zed", `/bulk?case=${id}`];
  for (const path of [...places, "/search?site=courrier&q=Zwieback"]) {
    assert.equal(await una.go(path), 200);
    const { all, shown } = await plain(una, "Zwieback");
    assert.ok(all > 0, `${path} has it`);
    assert.equal(shown, 0, path);
    await una.page.keyboard.press("b");
    assert.equal((await plain(una, "Zwieback")).shown, all, `${path}, when asked for`);
    await una.page.click("#blur");
    assert.equal((await plain(una, "Zwieback")).shown, 0, path);
  }
  await una.go(`/cases/${id}`);
  assert.deepEqual(await plain(una, "moron"), { all: (await plain(una, "moron")).all, shown: 0 }, "what rules matched");
  for (const words of ["What a colleague notes.", "What a reporter says."]) {
    assert.deepEqual(await plain(una, words), { all: 1, shown: 1 }, words);
  }
  await una.close();
});
