// What platforms, editors, authors and moderators wrote elsewhere than in comments is shown as text, too.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { CORPUS, cut, id } from "./corpus/corpus.js";
import { harmless, leaf } from "./lib/checks.js";
import { admin, end, launch, Visit } from "./lib/desk.js";
import { appeal, article, comment, tooNew } from "./lib/events.js";
import { eventually, Stack } from "./lib/stack.js";

const SMALL = { viewport: { width: 360, height: 740 } };
const NOTE = 16 * 1024;
// Characters of a text of statements, of a note to the rules, and of an appeal.
const TEXT = 4000;
const REMARK = 2000;
const SHORT = 300;

let stack;
let browser;
let ada;
/** The cases, in the order of the corpus. */
let cases;

/** The same in so many characters, which are not white space alone. */
function short(text, most) {
  return [...text].slice(0, most).join("").trim() || "-";
}

/** The ids of the comment that is made of a text; each is of a site of its own. */
function ids({ text }, at) {
  return { site: `s${at} ${id(text)}`, article: `a${at} ${id(text)}`, author: { id: `u${at} ${id(text)}` } };
}

/** A rule that has a text wherever it may, and holds one comment. */
function rule({ text }, at) {
  const said = JSON.stringify(short(text, TEXT));
  return `
  - id: hostile-${at}
    description: ${said}
    when: comment.text.contains("marker-${at}-")
    then: { verdict: hold, labels: [odd-${at}] }
    reason: { code: odd, ground: terms, reference: ${JSON.stringify(short(text, SHORT))} }
    explain: { en: ${said}, fr: ${said} }
    examples: { match: [${JSON.stringify(`marker-${at}- ${short(text, SHORT)}`)}], pass: ["nothing"] }
`;
}

function files(rules, terms) {
  const rest = "lists:\n  odd: { file: lists/odd.txt }\n\nrules:";
  return {
    "stoa.yaml": `${rest}${rules.join("")}
  - id: listed
    when: comment.text.hits("odd")
    then: { verdict: hold, labels: [odd] }
    explain: { en: "Odd." }
    examples: { match: ["dinosaur"], pass: ["nothing"] }
`,
    "lists/odd.txt": ["dinosaur", ...terms].join("\n"),
    // Nothing names them.
    "lists/<img src=x onerror=ran('file')>.txt": "<script>ran('a file of a list')</script>",
  };
}

/** Whether rules could become live. */
async function could(body) {
  const asked = stack.admin("/rules?dry_run=true", { method: "PUT", body });
  return asked.then(
    () => true,
    (error) => {
      if (!/: 4\d\d /.test(error.message)) throw error;
      return false;
    },
  );
}

/** Those of the corpus that rules, or a list, can have. */
async function possible(made) {
  const all = [];
  for (const [at, entry] of CORPUS.entries()) if (await could({ files: made(entry, at) })) all.push(at);
  assert.ok(all.length >= CORPUS.length / 2, `${all.length} of ${CORPUS.length}`);
  return all;
}

before(async () => {
  const env = ({ public: url }) => ({
    STOA_MODERATION_RULES__HTTP__PUBLIC_URL: url,
    STOA_MODERATION_RULES__HTTP__PROXIES__0: "127.0.0.1",
  });
  stack = await Stack.start({ env });
  stack.others.push(stack.public);
  browser = await launch();
  const asRules = await possible((entry, at) => files([rule(entry, at)], []));
  const asTerms = await possible(({ text }) => files([], [short(text, SHORT).split("\n")[0]]));
  const rules = CORPUS.map((entry, at) => (asRules.includes(at) ? rule(entry, at) : rule({ text: "<b>plain</b>" }, at)));
  const terms = asTerms.map((at) => short(CORPUS[at].text, SHORT).split("\n")[0]);
  const { hash } = await stack.admin("/rules");
  const note = short(CORPUS[0].text, REMARK);
  const headers = { "if-match": `"${hash}"` };
  await stack.admin("/rules", { method: "PUT", body: { files: files(rules, [...new Set(terms)]), note }, headers });
  const events = CORPUS.flatMap((entry, at) => {
    const data = ids(entry, at);
    const about = { site: data.site, article: data.article, title: short(entry.text, SHORT) };
    return [
      article({ ...about, author: undefined, url: `https://courrier.example/${at}` }),
      comment(`c-${at}`, `marker-${at}- ${short(entry.text, SHORT)}`, { ...data, language: "en" }),
    ];
  });
  await stack.publish(events);
  await stack.open(CORPUS.length);
  cases = [];
  for (const at of CORPUS.keys()) cases.push(await stack.caseOf(`c-${at}`));
  ada = await admin(browser, stack, SMALL);
});

after(() => end(stack, browser));

/** Goes to a page, which shows something and does nothing else. */
async function look(path, status = 200) {
  assert.equal(await ada.go(path), status, path);
  await harmless(ada, path);
}

test("rules, their versions, and what they did", async () => {
  await look("/rules");
  for (const at of CORPUS.keys()) await look(`/rules/results/hostile-${at}`);
  await look("/rules/versions");
  await look("/insights");
  await look("/sites");
});

test("the editor: all files, what they come to, and what is tried", async () => {
  await look("/rules/edit");
  for (const button of ["difference", "check", "open:lists/odd.txt"]) {
    assert.equal(await ada.click(`button[value="${button}"]`), 200, button);
    await harmless(ada, button);
  }
  await ada.go("/rules/edit");
  await ada.page.fill("#text", (await ada.page.inputValue("#text")).replace("hostile-3\n", "'<img src=x onerror=ran(3)>'\n"));
  await eventually("the draft is checked", async () => (await ada.page.locator(".diagnostics").count()) > 0);
  await harmless(ada, "an error that names what is wrong");
  await ada.page.fill("#note", short(CORPUS[1].text, REMARK));
  await ada.page.fill("#try", `marker-1- ${CORPUS[1].text}`);
  assert.ok([200, 422].includes(await ada.click('button[value="try"]')));
  await harmless(ada, "what was tried");
});

test("lists: their terms, and what is added", async () => {
  await look("/lists");
  await look("/lists/odd");
  await ada.go("/lists/odd");
  await ada.page.fill("#add", "<svg/onload=ran('added')>");
  await ada.page.fill("#note", short(CORPUS[2].text, REMARK));
  assert.equal(await ada.click('form[action="/lists/odd"][method="post"] button'), 200);
  await harmless(ada, "the list with one more");
  assert.match(await ada.text("fieldset.terms"), /<svg\/onload=ran\('added'\)>/);
});

/** A text without braces, which only what is filled in may stand in. */
function unbraced(text) {
  return text.replaceAll(/[{}]/g, "|");
}

test("texts of statements, and what the author will read", async () => {
  for (const [at, { name, text }] of CORPUS.entries()) {
    const { version } = await stack.admin("/texts");
    const own = short(unbraced(text), TEXT);
    const body = { texts: { redress: { en: own, fr: own } }, note: short(text, REMARK) };
    const sent = stack.admin("/texts", { method: "PUT", body, headers: { "if-match": `"${version}"` } });
    const isTaken = await sent.then(() => true, () => false);
    await look("/texts?key=redress");
    if (!isTaken || at % 2 > 0) continue;
    assert.ok((await ada.page.inputValue("#text-en")).length > 0, name);
    assert.equal(await ada.click('button[value="preview"]'), 200);
    await harmless(ada, `a preview of ${name}`);
    if (at % 10 > 0) continue;
    await ada.go(`/cases/${cases[at]}`);
    await ada.page.locator('[name="reason"]').first().check();
    assert.equal(await ada.click('button[formaction*="/preview"]'), 200);
    await harmless(ada, `a statement with ${name}`);
  }
});

test("the public page of an appeal, and appeals at the desk", async () => {
  const author = await Visit.open(browser, stack, SMALL);
  let sent = 0;
  for (const [at, entry] of CORPUS.entries()) {
    const whole = await stack.admin(`/cases/${cases[at]}`);
    const { statement, decision } = whole.decisions.at(-1);
    assert.ok(statement.appeal_url.startsWith(stack.public));
    // Each author comes from elsewhere: an address may ask so often and no more.
    await author.context.setExtraHTTPHeaders({ "x-forwarded-for": `192.0.2.${at + 1}` });
    assert.equal(await author.go(statement.appeal_url), 200);
    await harmless(author, `the page of ${entry.name}`);
    assert.ok((await author.text("blockquote")).startsWith(`marker-${at}-`));
    const text = cut(entry.text, NOTE);
    if (at % 2 === 0) {
      const typed = short(text, TEXT);
      await author.page.$eval("#text", (field, text) => (field.value = text), typed);
      const status = await author.click("form button");
      assert.ok([200, 422].includes(status), `${status} for ${entry.name}`);
      sent += status === 200 ? 1 : 0;
      await harmless(author, `after ${entry.name} was sent`);
    } else {
      const data = { ...ids(entry, at), author: ids(entry, at).author.id, text, appeal: `p${at} ${id(entry.text)}` };
      await stack.publish([appeal(`c-${at}`, decision, data)]);
      sent += 1;
    }
  }
  await author.close();
  await eventually(`${sent} appeals`, async () => (await leaf(ada, "/appeals", ".lines > li")) === sent);
  for (const one of cases) await look(`/cases/${one}`);
});

test("transparency, and what is asked for anywhere", async () => {
  await look("/transparency");
  const pages = [
    ["/transparency", "site"],
    ["/search", "site", "q", "author", "article", "label", "language"],
    ["/decisions", "site", "rule", "moderator", "author"],
    ["/appeals", "site", "author"],
    ["/audit", "by"],
    ["/insights", "site"],
    ["/rejections", "code"],
    ["/", "site", "label", "rule"],
    ["/lists", "q"],
    ["/lists/odd", "q"],
  ];
  for (const [at, { text }] of CORPUS.entries()) {
    const said = short(text, 100);
    for (const [path, ...names] of pages.filter((_, page) => (page + at) % 3 === 0)) {
      const query = new URLSearchParams(names.map((name) => [name, said]));
      const status = await ada.go(`${path}?${query}`);
      assert.ok(status < 500, `${status} for ${path}?${query}`);
      await harmless(ada, `${path}?${query}`);
    }
  }
});

test("what is parked, as it came", async () => {
  const events = CORPUS.map((entry, at) => {
    const data = ids(entry, at);
    const sent = tooNew(`n${at} ${id(entry.text)}`, { ...data, article: `${data.article} late`, body: entry.text });
    return { ...sent, id: `${sent.id} ${id(entry.text)}` };
  });
  await stack.smuggle(events);
  assert.equal(await ada.signIn("ada"), 200);
  const role = `${stack.moderation}/admin/parked?limit=200`;
  const parked = await eventually("everything is parked", async () => {
    const { parked } = await stack.ask(role);
    return parked.length === CORPUS.length && parked;
  });
  assert.ok((await leaf(ada, "/parked", ".lines > li")) >= CORPUS.length);
  for (const [at, { id }] of parked.entries()) {
    const path = `/parked/moderation-rules/${id}`;
    await look(path);
    assert.ok((await ada.text(".bytes")).includes("stoa.comment.submitted.v2"));
    if (at % 10 > 0) continue;
    await ada.page.fill("#reason", short(CORPUS[at].text, 1000).replaceAll("\n", " "));
    await ada.page.check('[name="confirm"]');
    assert.equal(await ada.click('form[action$="/drop"] button'), 200);
    await harmless(ada, "what was dropped");
  }
  await look("/audit");
});
