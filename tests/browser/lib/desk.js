// The review desk in a browser that is watched: what must never happen on any page is a fault of the visit.
import assert from "node:assert/strict";

import { none } from "./checks.js";
import { chromium } from "./modules.js";
import { eventually } from "./stack.js";

export const PASSWORD = "eleven green tables";
export const LANGUAGES = ["en-GB", "fr-FR", "de-DE", "ru-RU"];

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const PATIENCE = 30_000;

// Clicks that come so soon after the next case was shown are taken for the second of a double click.
const TOO_FAST = 350;

/** Whether a page asks for what became of a decision. */
function isPart(request) {
  return "stoa-part" in request.headers();
}

/** Whether a page watches the queue, or asks whether it still may. */
function isWatching(request) {
  return new URL(request.url()).pathname === "/feed" || request.method() === "HEAD";
}

/** Whether a page asks for the next case, which may be nobody's any more. */
function isNext(request) {
  return new URL(request.url()).pathname === "/next";
}

export function launch() {
  return chromium.launch({ executablePath: process.env.STOA_TEST_CHROMIUM, args: FLAGS });
}

/** A person at a browser of their own. */
export class Visit {
  static async open(browser, stack, options = {}) {
    const visit = new Visit();
    visit.desk = stack.desk;
    visit.places = [stack.desk, ...stack.others];
    visit.faults = [];
    const size = { viewport: { width: 1280, height: 900 }, locale: "en-GB", timezoneId: "Europe/Paris" };
    visit.context = await browser.newContext({ ...size, ...options });
    visit.context.setDefaultTimeout(PATIENCE);
    await visit.watch();
    visit.page = await visit.context.newPage();
    return visit;
  }

  async watch() {
    const fault = (what) => this.faults.push(what);
    // The corpus calls this wherever it runs, frames of other origins included.
    await this.context.exposeFunction("ran", (what) => fault(`ran: ${what}`));
    await this.context.exposeFunction("violated", (what) => fault(`against the policy: ${what}`));
    await this.context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) => {
        window.violated(`${event.effectiveDirective} ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`);
      });
    });
    this.context.on("console", (message) => {
      // While the desk is away its pages can't reach it.
      if (this.isAway) return;
      // A page whose status is an error is told there, too; which ones are, the tests themselves say.
      const isStatus = message.text().startsWith("Failed to load resource: the server responded");
      if (["error", "warning"].includes(message.type()) && !isStatus) fault(`console: ${message.text()}`);
    });
    this.context.on("weberror", (error) => fault(`script: ${error.error()}`));
    this.context.on("dialog", (dialog) => {
      fault(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    this.context.on("request", (request) => {
      const isKnown = this.places.some((place) => request.url().startsWith(`${place}/`));
      if (!isKnown) fault(`asked ${request.url()}`);
    });
    this.context.on("response", (answer) => {
      const request = answer.request();
      const isAsked = request.isNavigationRequest() || isPart(request) || isNext(request) || isWatching(request) || this.isSending;
      if (!isAsked && answer.status() >= 400) fault(`${answer.status()} for ${answer.url()}`);
    });
  }

  /** Goes to a page of the desk, and returns its status. */
  async go(path) {
    const answer = await this.page.goto(path.startsWith("http") ? path : `${this.desk}${path}`);
    await this.painted();
    return answer.status();
  }

  /** Waits until there is something to see: keys that come before are lost. */
  painted() {
    return this.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  }

  /** Does something that leads to another page, and returns the status of the answer. */
  async follow(act) {
    const answers = [];
    const note = (request) => isPart(request) && answers.push(request.response());
    this.page.on("request", note);
    const [answer] = await Promise.all([this.page.waitForNavigation({ waitUntil: "load" }), act()]);
    let status = answer?.status() ?? 200;
    // A decision's answer comes after the next case, which is there already.
    if (!answer && !new URL(this.page.url()).hash) {
      await this.page.waitForTimeout(TOO_FAST);
      const [first] = await eventually("what became of the decision", () => answers.length > 0 && answers);
      status = (await first)?.status() ?? 200;
    }
    this.page.off("request", note);
    await this.painted();
    return status;
  }

  /** Sends a form as a script of the page would, and returns the status of the answer. */
  async send(path, form) {
    this.isSending = true;
    const status = await this.page.evaluate(
      async ([path, form]) => (await fetch(path, { method: "POST", body: new URLSearchParams(form) })).status,
      [path, form],
    );
    this.isSending = false;
    return status;
  }

  press(key) {
    return this.follow(() => this.page.keyboard.press(key));
  }

  /** Rejects for the reason with a number, by keys. */
  async reject(digit) {
    await this.page.keyboard.press("r");
    await this.page.waitForSelector("#asking:not(:empty)");
    return this.press(String(digit));
  }

  click(selector) {
    return this.follow(() => this.page.click(selector));
  }

  /** Sets a password at a link; names are asked for the first account alone. */
  async setUp(link, id, name) {
    await this.go(link);
    if (name) {
      await this.page.fill("#id", id);
      await this.page.fill("#name", name);
    }
    await this.page.fill("#password", PASSWORD);
    assert.equal(await this.click("main button"), 200);
  }

  async signIn(id, password = PASSWORD) {
    await this.go("/sign-in");
    await this.page.fill("#id", id);
    await this.page.fill("#password", password);
    return this.click("main button");
  }

  signOut() {
    return this.click('form[action="/sign-out"] button');
  }

  /** What an element says, without the marks that keep its arguments apart. */
  async text(selector) {
    return (await this.page.textContent(selector)).replace(/[\u2068\u2069]/g, "");
  }

  heading() {
    return this.text("h1");
  }

  /** What the page tells of what was done, or was not. */
  told() {
    return this.text(".told:not([hidden])");
  }

  async close() {
    await this.context.close();
    none(this.faults, "the visit");
  }
}

/** Ends what a file of tests began, whatever became of it. */
export async function end(stack, browser, ...visits) {
  await browser?.close();
  await stack?.stop();
  none(
    visits.flatMap((visit) => visit?.faults ?? []),
    "the visits",
  );
}

/** Signs in the first account, an admin. */
export async function admin(browser, stack, options) {
  const visit = await Visit.open(browser, stack, options);
  await visit.setUp(stack.setUp, "ada", "Ada Admin");
  assert.equal(await visit.signIn("ada"), 200);
  return visit;
}

/** Has an admin make an account, and signs it in at a browser of its own. */
export async function person(browser, stack, by, id, { role = "moderator", sites = "*", ...options } = {}) {
  await by.go("/users");
  const form = by.page.locator('form[action="/users"]');
  await form.locator("#id").fill(id);
  await form.locator("#name").fill(`${id} ${role}`);
  await form.locator("#role").selectOption(role);
  await form.locator("#sites").fill(sites);
  await by.follow(() => form.locator("button").click());
  const link = await by.page.textContent(".told code");
  const visit = await Visit.open(browser, stack, options);
  await visit.setUp(link);
  assert.equal(await visit.signIn(id), 200);
  return visit;
}
