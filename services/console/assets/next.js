// The next case is fetched while one reads, and shown as soon as one decides; what became of the decision comes after.
"use strict";

(() => {
  // A second click of a double click is none at the case that came in between.
  const PAUSE = 300;
  const sent = [];
  let next = null;
  let shownAt = -PAUSE;
  let asking = 0;

  const current = () => document.querySelector("article[data-case]");

  async function fetched(id) {
    if (!id || !document.querySelector(".decide")) return null;
    const query = new URLSearchParams();
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (["site", "label", "rule"].includes(name)) query.append(name, value);
    }
    query.append("not", [...sent.slice(-9), id].join(","));
    const answer = await fetch(`/next?${query}`);
    if (!answer.ok || !answer.redirected) return null;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const main = page.getElementById("main");
    const article = main?.querySelector("article[data-case]");
    return article && { id: article.dataset.case, url: answer.url, title: page.title, main };
  }

  // The page says whether the next case is there, for those who test it.
  async function preload() {
    const turn = ++asking;
    next = null;
    delete document.documentElement.dataset.next;
    const found = await fetched(current()?.dataset.case).catch(() => null);
    if (turn !== asking) return;
    next = found ?? null;
    document.documentElement.dataset.next = next ? next.id : "";
  }

  function show({ url, title, main }) {
    history.pushState(null, "", url);
    document.title = title;
    document.getElementById("main").replaceWith(document.adoptNode(main));
    localise(main);
    window.scrollTo(0, 0);
    main.focus();
    shownAt = performance.now();
    document.dispatchEvent(new Event("stoa:shown"));
    preload();
  }

  // What became of a decision, above the case that is shown by now; refusals stay.
  function tell(html) {
    const told = document.getElementById("told");
    for (const old of told.querySelectorAll(".told:not(.bad)")) old.remove();
    const part = new DOMParser().parseFromString(html, "text/html").body;
    told.prepend(...part.childNodes);
  }

  async function send(form, body, from) {
    const options = { method: "POST", body, headers: { "stoa-part": "1" } };
    const answer = await fetch(form.action, options).catch(() => null);
    if (answer?.headers.has("stoa-part")) {
      tell(await answer.text());
      return;
    }
    const lost = document.createElement("p");
    lost.className = "told bad";
    lost.setAttribute("role", "alert");
    const link = document.createElement("a");
    link.href = from;
    link.textContent = document.getElementById("live").dataset.look;
    const { ended, lost: unknown } = document.getElementById("live").dataset;
    lost.append(answer?.status === 401 ? ended : unknown, " ", link);
    tell(lost.outerHTML);
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    // A button with an address of its own decides nothing.
    if (!form.matches(".decide form") || event.submitter?.hasAttribute("formaction")) return;
    if (performance.now() - shownAt < PAUSE || form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    sent.push(current().dataset.case);
    if (!next) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, event.submitter));
    const from = location.href;
    show(next);
    send(form, body, from);
  });

  // What was swapped in is in no browser's memory of pages: going back asks the server how the case is now.
  window.addEventListener("popstate", () => location.reload());
  window.addEventListener("pageshow", (event) => event.persisted && location.reload());
  document.addEventListener("stoa:case", ({ detail }) => {
    if (next?.id === detail.case) preload();
  });
  preload();
})();
