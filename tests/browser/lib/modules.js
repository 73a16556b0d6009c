// The two packages that the tests are built on, from where scripts/browser-tests has put them.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const folder = process.env.STOA_TEST_MODULES;
if (!folder) throw new Error("STOA_TEST_MODULES is not set: start these tests with scripts/browser-tests");
const require = createRequire(`${folder}/`);

export const { chromium } = require("playwright-core");
export const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
