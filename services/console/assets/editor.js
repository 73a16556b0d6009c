// The editor of the rules: line numbers, checks while somebody types, and backtests that are watched.
"use strict";

const sheet = document.getElementById("text");
const numbersOf = document.querySelector("pre.lines");
const checkedAt = document.getElementById("checked");
const form = document.getElementById("edit");
let timer;
let asked = 0;
let isSent = false;
const began = sheet?.value;

function number() {
  const lines = sheet.value.split("\n").length;
  if (numbersOf.dataset.count !== String(lines)) {
    numbersOf.textContent = Array.from({ length: lines }, (_, at) => at + 1).join("\n");
    numbersOf.dataset.count = String(lines);
  }
  numbersOf.scrollTop = sheet.scrollTop;
}

function goTo(line, column) {
  const lines = sheet.value.split("\n");
  const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  const own = [...(lines[line - 1] ?? "")];
  const at = before + own.slice(0, Math.max(column - 1, 0)).join("").length;
  sheet.focus();
  sheet.setSelectionRange(at, before + (lines[line - 1] ?? "").length);
  const height = parseFloat(getComputedStyle(sheet).lineHeight);
  sheet.scrollTop = Math.max(0, (line - 4) * height);
  number();
}

async function check() {
  const own = ++asked;
  const answer = await fetch(sheet.dataset.check, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  if (!answer.ok || own !== asked) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  checkedAt.replaceChildren(...page.body.childNodes);
}

if (sheet) {
  number();
  if (sheet.dataset.line) goTo(Number(sheet.dataset.line), Number(sheet.dataset.column));
  sheet.addEventListener("scroll", number);
  sheet.addEventListener("input", () => {
    number();
    clearTimeout(timer);
    timer = setTimeout(() => check().catch(() => {}), 400);
  });
  checkedAt.addEventListener("click", (event) => {
    const link = event.target.closest("[data-line]");
    if (!link) return;
    event.preventDefault();
    goTo(Number(link.dataset.line), Number(link.dataset.column));
  });
  form.addEventListener("submit", () => {
    isSent = true;
  });
  addEventListener("beforeunload", (event) => {
    if (!isSent && sheet.value !== began) event.preventDefault();
  });
}

async function watch(part) {
  const answer = await fetch(part.dataset.poll);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const next = page.querySelector(".backtest");
  if (!next) return;
  part.replaceWith(document.adoptNode(next));
  if (next.dataset.state === "running") wait(next);
  else next.dispatchEvent(new Event("stoa:charts", { bubbles: true }));
}

function wait(part) {
  setTimeout(() => watch(part).catch(() => wait(part)), 1000);
}

const running = document.querySelector('.backtest[data-state="running"]');
if (running) wait(running);
