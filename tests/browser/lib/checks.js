// What holds for every page: it is accessible, and fits.
import assert from "node:assert/strict";

import { axe } from "./modules.js";

// WCAG 2.2 AA is these together; what else axe takes for good practice holds, too.
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Fails with what was found, if anything was. */
export function none(found, where) {
  assert.equal(found.length, 0, `${where}: ${JSON.stringify(found, null, 2)}`);
}

/** Has axe-core look at a page as it is. */
export async function accessible(page, where) {
  await page.evaluate(axe);
  const violations = await page.evaluate(async (values) => {
    const options = { runOnly: { type: "tag", values }, rules: { "target-size": { enabled: true } }, preload: false };
    const { violations } = await window.axe.run(document, options);
    const nodes = (violation) => violation.nodes.slice(0, 3).map(({ html, failureSummary }) => [html, failureSummary]);
    return violations.map((violation) => ({ id: violation.id, nodes: nodes(violation) }));
  }, TAGS);
  none(violations, where);
}

/** What is wider than the window: by its tag, class and id. */
export async function fits(page, where) {
  const wide = await page.evaluate(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const all = [...document.body.querySelectorAll("*")];
    const beyond = all.filter((one) => one.getBoundingClientRect().right > clientWidth + 1);
    return [`${scrollWidth} of ${clientWidth}`, ...beyond.slice(0, 5).map((one) => one.outerHTML.slice(0, 120))];
  });
  none(wide, where);
}

/** Every link leads to the web or to the desk. */
export async function leadsNowhereElse(page, where) {
  const links = await page.$$eval("a[href], form[action], [src]", (all) =>
    all.map((one) => one.href ?? one.action ?? one.src),
  );
  const odd = links.filter((link) => !/^https?:/.test(link));
  none(odd, where);
}

/** Does what people do without thinking: the pointer over everything, and the focus through the page. */
export async function touch(page) {
  await page.evaluate(() => {
    for (const one of document.querySelectorAll("*")) {
      for (const kind of ["mouseover", "mouseenter", "pointerover"]) one.dispatchEvent(new MouseEvent(kind));
      one.focus?.();
    }
  });
}

/** Looks at a page as it is, and says what of the corpus did something. */
export async function harmless(visit, where) {
  await touch(visit.page);
  await leadsNowhereElse(visit.page, where);
  await fits(visit.page, where);
  none(visit.faults.splice(0), where);
}

/** Goes through the pages of a list, and returns how many entries they have. */
export async function leaf(visit, first, entry) {
  let seen = 0;
  for (let path = first; path; ) {
    assert.equal(await visit.go(path), 200, path);
    await harmless(visit, path);
    seen += await visit.page.locator(entry).count();
    const next = visit.page.locator('[rel="next"]').first();
    path = (await next.count()) > 0 && (await next.getAttribute("href"));
  }
  return seen;
}
