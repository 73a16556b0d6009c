// Keys for the review desk, and times in the zone of who looks. Every page works without them.
"use strict";

// Elements are looked up when they are needed: another script puts the next case in their place.
const keys = document.getElementById("keys");
let isRejecting = false;

function move(step) {
  const items = [...document.querySelectorAll("[data-item]")];
  const at = items.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : items.length - 1) : at + step;
  items[next]?.focus();
}

function ask(rejecting) {
  isRejecting = rejecting;
  const asking = document.getElementById("asking");
  if (asking) asking.textContent = rejecting ? asking.dataset.text : "";
}

function reject(digit) {
  const reason = document.querySelector(`[data-digit="${digit}"]`);
  if (!reason) return;
  reason.checked = true;
  document.getElementById("reject").click();
}

let picked = null;

// Ticks the case that has the focus; with the shift key all from the one that was ticked last.
function pick(box, isRange) {
  const boxes = [...document.querySelectorAll(".pick input")];
  const [from, to] = [boxes.indexOf(picked), boxes.indexOf(box)];
  if (isRange && from >= 0) {
    for (const each of boxes.slice(Math.min(from, to), Math.max(from, to) + 1)) each.checked = picked.checked;
  }
  picked = box;
}

document.addEventListener("click", (event) => {
  if (event.target.matches(".pick input")) pick(event.target, event.shiftKey);
});

const blurring = document.getElementById("blur");

function blur() {
  const isBlurred = document.body.classList.toggle("blur");
  blurring?.setAttribute("aria-pressed", String(isBlurred));
}

blurring?.addEventListener("click", blur);

// The page's language, as the browser's own user writes it: fr-CH where that is asked for, and the page is in French.
const page = document.documentElement.lang;
const locale = navigator.languages.find((one) => one.split("-")[0] === page) ?? page;
const absolute = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "long" });
const shown = {
  date: new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }),
  time: new Intl.DateTimeFormat(locale, { timeStyle: "short" }),
};

function localise(root) {
  for (const time of root.querySelectorAll("time[data-show]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = absolute.format(at);
    const format = shown[time.dataset.show];
    if (format) time.textContent = format.format(at);
  }
}

localise(document);

const menus = [...document.querySelectorAll("header details")];

// A menu is closed by going on elsewhere, or with Escape, which leads back to what opened it.
function fold(kept) {
  for (const menu of menus) if (menu !== kept) menu.open = false;
}

for (const kind of ["click", "focusin"]) {
  document.addEventListener(kind, (event) => fold(event.target.closest("header details")));
}

document.addEventListener("keydown", (event) => {
  const open = menus.find((menu) => menu.open);
  if (event.key !== "Escape" || !open) return;
  if (open.contains(document.activeElement)) open.querySelector("summary").focus();
  fold(null);
});

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input:not([type=radio]):not([type=checkbox]), textarea, select, dialog");
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || isTyping) return;
  if (isRejecting && /^[1-9]$/.test(event.key)) {
    reject(event.key);
    return;
  }
  ask(false);
  switch (event.key) {
    case "j":
      move(1);
      break;
    case "k":
      move(-1);
      break;
    case "w":
      document.getElementById("work")?.click();
      break;
    case "a":
      document.getElementById("approve")?.click();
      break;
    case "r":
      if (document.getElementById("reject")) ask(true);
      break;
    case "z":
      document.getElementById("undo")?.click();
      break;
    case "x":
    case "X": {
      const box = document.activeElement.closest("li")?.querySelector(".pick input");
      if (!box) return;
      box.checked = !box.checked;
      pick(box, event.key === "X");
      break;
    }
    case "u":
      [...document.querySelectorAll('[data-key="u"]')].pop()?.click();
      break;
    case "b":
      blur();
      break;
    case "?":
      keys?.showModal();
      break;
    default:
      return;
  }
  event.preventDefault();
});
