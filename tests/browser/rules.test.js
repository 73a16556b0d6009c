// Rules are edited, backtested, put to shadow, made live and taken back; two editors at once; lists and insights.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { admin, launch, person } from "./lib/desk.js";
import { eventually, Stack } from "./lib/stack.js";
import { tramway } from "./lib/tramway.js";

let stack;
let browser;
let ada;
let mia;
let held;

before(async () => {
  [stack, browser] = await Promise.all([Stack.start(), launch()]);
  held = await tramway(stack);
  ada = await admin(browser, stack);
  mia = await person(browser, stack, ada, "mia", { role: "editor" });
});

after(async () => {
  await ada?.close();
  await mia?.close();
  await browser?.close();
  await stack?.stop();
});

const mode = async (rule) => (await stack.admin("/rules")).rules.find((one) => one.id === rule)?.mode;
const hash = async () => (await stack.admin("/rules")).hash;

/** Types into the file that is shown, as somebody at a keyboard does. */
async function type(visit, change) {
  const text = await visit.page.inputValue("#text");
  await visit.page.fill("#text", change(text));
}

/** Waits for what the check says while one types. */
function says(visit, part) {
  return eventually(part, async () => (await visit.text("#checked")).includes(part));
}

const RULE = `
  - id: tram-bell
    description: A word of the tests.
    when: comment.text.contains("tram")
    then: { verdict: hold, labels: [bell] }
    explain: { en: "A bell." }
    examples:
      match: ["the tram rings"]
      pass: ["the bus hoots"]
`;

test("a rule is edited, backtested, put to shadow, made live and taken back", async () => {
  const first = await hash();
  assert.equal(await mia.go("/rules/edit"), 200);
  await type(mia, (text) => text.replace("author.sanction ==", "author.sanctions =="));
  await says(mia, "did you mean `author.sanction`?");
  await mia.page.click(".diagnostics a");
  const selected = await mia.page.evaluate(() => {
    const text = document.getElementById("text");
    return text.value.slice(text.selectionStart, text.selectionEnd);
  });
  assert.match(selected, /^author\.sanctions == "ban"/);
  await type(mia, (text) => `${text.replace("author.sanctions", "author.sanction")}${RULE.replace("hoots", "trams")}`);
  await says(mia, "1 error");
  await type(mia, (text) => text.replace("the bus trams", "the bus hoots"));
  await says(mia, "It could become live, with 22 rules.");

  await mia.page.fill("#try", "Le tram sonne");
  assert.equal(await mia.click('button[value="try"]'), 200);
  assert.match(await mia.text('.told[role="status"]'), /held.*bell[^]*tram-bell · acted/);
  assert.equal(await mia.click('button[value="difference"]'), 200);
  assert.match(await mia.text("pre.diff"), /\+ {2}- id: tram-bell/);
  assert.equal(await mia.click('button[value="backtest"]'), 200);
  await mia.page.waitForSelector('.backtest[data-state="done"] canvas');
  assert.match(await mia.text(".backtest"), /26 comments were compared\. [1-9]\d* verdicts? would change\./);
  assert.equal(await mia.page.locator(".backtest canvas").count(), 3);

  await mia.page.fill("#note", "tried out first");
  assert.equal(await mia.click('button[value="save:shadow"]'), 200);
  assert.match(await mia.told(), /Saved: this is live now/);
  assert.equal(await mode("tram-bell"), "shadow");

  assert.equal(await mia.go("/rules/results/tram-bell"), 200);
  assert.match(await mia.text("dl.facts"), /shadow/);
  await mia.page.check('[name="mode"][value="live"]');
  assert.equal(await mia.click('form[action$="/mode"] button'), 200);
  assert.equal(await mode("tram-bell"), "live");

  assert.equal(await mia.go("/rules/versions"), 200);
  assert.match(await mia.text("tbody"), /mia[^]*tried out first[^]*starter/);
  assert.equal(await mia.click("#compare button"), 200);
  assert.match(await mia.text("pre.diff"), /- {4}mode: shadow/);
  await mia.go("/rules/versions");
  const back = mia.page.locator(`form[action="/rules/rollback"]:has([name="to"][value="${first}"])`);
  assert.equal(await mia.follow(() => back.locator("button").click()), 200);
  assert.equal(await hash(), first);
  assert.equal(await mode("tram-bell"), undefined);
});

test("of two editors the second is told, and loses nothing", async () => {
  await ada.go("/rules/edit");
  await mia.go("/rules/edit");
  await type(ada, (text) => text.replace("Abusive words against other people.", "Abusive words."));
  assert.equal(await ada.click('button[value="save:live"]'), 200);
  await type(mia, (text) => `${text}\n# mia was here\n`);
  assert.equal(await mia.click('button[value="save:live"]'), 412);
  assert.match(await mia.text('.told[role="alert"]'), /nothing of what you typed is lost/);
  assert.match(await mia.page.inputValue("#text"), /# mia was here/);
  assert.equal(await mia.click('button[value="rebase"]'), 200);
  assert.match(await mia.text("pre.diff"), /-.*Abusive words\.[^]*\+.*against other people[^]*\+# mia was here/);
});

test("an error in another file is shown where it is", async () => {
  await ada.go("/rules/edit");
  await type(ada, (text) => text.replace("author.sanction ==", "author.sanctions =="));
  await ada.click('button[value="open:lists/insults-fr.txt"]');
  await ada.click('#checked button[value^="show:"]');
  const chosen = await ada.page.evaluate(() => {
    const sheet = document.activeElement;
    return sheet.value.slice(sheet.selectionStart, sheet.selectionEnd);
  });
  assert.match(chosen, /author\.sanctions ==/);
});

test("without scripts the editor does the same by its buttons", async () => {
  const { origins, cookies } = await mia.context.storageState();
  const context = await browser.newContext({ javaScriptEnabled: false, storageState: { origins, cookies }, locale: "en-GB" });
  const page = await context.newPage();
  await page.goto(`${stack.desk}/rules/edit`);
  await page.fill("#text", (await page.inputValue("#text")).replace("author.sanction ==", "author.sanctions =="));
  await page.click('button[value="check"]');
  assert.match(await page.textContent("#checked"), /unknown fact `author.sanctions`/);
  await page.click('button[value="open:lists/insults-fr.txt"]');
  assert.match(await page.textContent("nav.files"), /stoa\.yaml changed/);
  await page.click('button[value="open:stoa.yaml"]');
  assert.match(await page.inputValue("#text"), /author\.sanctions/);
  await page.goto(`${stack.desk}/insights`);
  assert.equal(await page.locator(".chart details[open] table").count(), 8);
  await context.close();
});

test("a term is added to a list, and rules hit it", async () => {
  await mia.go("/lists/insults-fr");
  await mia.page.fill("#add", "dinosaur");
  assert.equal(await mia.click('form[action="/lists/insults-fr"][method="post"] button'), 200);
  await mia.go("/lists?q=Dinosaur");
  assert.match(await mia.text("main"), /This text hits:[^]*insults-fr/);
  await mia.go("/lists/insults-fr");
  await mia.page.check('[name="remove"][value="dinosaur"]');
  assert.equal(await mia.click('form[action="/lists/insults-fr"][method="post"] button'), 200);
  assert.doesNotMatch(await mia.text("main"), /dinosaur/);
});

test("insights draw what the tables say, in both themes, and weigh little", async () => {
  await ada.go(`/cases/${held[0]}`);
  await ada.page.keyboard.press("a");
  await eventually("a decision", async () => (await stack.decided(held[0])).length === 1);
  const client = await ada.context.newCDPSession(ada.page);
  await client.send("Network.enable");
  let bytes = 0;
  client.on("Network.loadingFinished", (event) => (bytes += event.encodedDataLength));
  await client.send("Network.clearBrowserCache");
  for (const most of [150 * 1024, 30 * 1024]) {
    bytes = 0;
    await ada.go("/insights");
    await ada.page.waitForSelector(".chart canvas");
    assert.ok(bytes > 1_000 && bytes <= most, `${bytes} bytes`);
  }
  assert.equal(await ada.page.locator(".chart canvas").count(), 8);
  await ada.page.click(".chart summary");
  const cells = await ada.page.locator(".chart details table").first().locator("tbody tr").last().allTextContents();
  assert.match(cells[0], /\d{4}-\d\d-\d\d\s*[1-9]/);
  // What is drawn is not the paper.
  const ink = () =>
    ada.page.evaluate(() => {
      const canvas = document.querySelector(".chart canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.some((value) => value > 0);
    });
  assert.ok(await ink());
  await ada.page.emulateMedia({ colorScheme: "dark" });
  await ada.go("/insights?by=hour");
  assert.ok(await ink());
  await ada.page.emulateMedia({ colorScheme: "light" });
});
