// The queue and the case stay as they are while one looks; what others do meanwhile is told in place, from /feed.
"use strict";

(() => {
  // Milliseconds until what is lost is asked for again.
  const RETRY = 5_000;
  const fresh = new Set();
  const title = document.title;
  let lease = 0;

  const texts = () => document.getElementById("live")?.dataset ?? {};
  const isMine = (news) => news.by !== undefined && news.by === texts().me;
  const say = (text, name) => (text ?? "").replace("{name}", name ?? "");

  function what(news) {
    const text = texts();
    switch (news.what) {
      case "decided":
        return say(news.verdict === "approve" ? text.approved : text.rejected, news.by);
      case "closed":
        return text.closed;
      case "claimed":
        return say(text.claimed, news.by);
      case "noted":
        return say(text.noted, news.by);
      case "changed":
        return text.changed;
      default:
        return "";
    }
  }

  // Whether the queue that is shown has such cases.
  function isHere(news) {
    const watched = document.getElementById("watched");
    if (!watched) return false;
    const { site, label, rule } = watched.dataset;
    return (
      (!site || site === news.site) &&
      (!label || news.labels.includes(label)) &&
      (!rule || news.rules.includes(rule))
    );
  }

  function count() {
    const bar = document.getElementById("fresh");
    if (!bar) return;
    bar.hidden = fresh.size === 0;
    bar.querySelector("[data-count]").textContent = document.getElementById("watched").dataset.fresh.replace("{n}", String(fresh.size));
    document.title = fresh.size === 0 ? title : `(${fresh.size}) ${title}`;
  }

  function row(item, news) {
    const isOver = news.what === "decided" || news.what === "closed";
    if (isOver || news.what === "opened") item.classList.toggle("over", isOver);
    const state = item.querySelector(".state");
    state.textContent = what(news);
    state.hidden = state.textContent === "";
  }

  function tell(text) {
    const bar = document.getElementById("happened");
    if (!bar || !text) return;
    bar.querySelector("[data-text]").textContent = text;
    bar.hidden = false;
  }

  // A case that is shown: what was decided, or is another's, is not decided from here.
  function shown(news) {
    const isOver = news.what === "decided" || news.what === "closed";
    if (isMine(news) && !isOver) return;
    tell(what(news));
    if (isOver || news.what === "claimed" || news.what === "changed") {
      for (const button of document.querySelectorAll(".decide button")) button.disabled = true;
    }
  }

  function happened(news) {
    const item = document.querySelector(`[data-case="${CSS.escape(news.case)}"]`);
    if (item?.matches("article")) shown(news);
    else if (item) row(item, news);
    else if (news.what === "opened" && isHere(news)) fresh.add(news.case);
    if (news.what === "decided" || news.what === "closed") fresh.delete(news.case);
    count();
    document.dispatchEvent(new CustomEvent("stoa:case", { detail: news }));
  }

  // Says when one's own claim is over.
  function watch() {
    clearTimeout(lease);
    const until = document.querySelector("[data-lease]")?.dataset.lease;
    const left = Date.parse(until) - Date.now();
    if (!Number.isNaN(left)) lease = setTimeout(() => tell(texts().over), Math.max(0, left));
  }

  document.addEventListener("stoa:shown", watch);
  watch();
  if (!document.getElementById("live")) return;

  // Browsers keep few connections to a place: pages that nobody looks at have none, and catch up later.
  let heard = texts().heard;
  let source = null;
  let isOver = false;

  function follow() {
    source = new EventSource(heard ? `/feed?last=${heard}` : "/feed");
    source.addEventListener("case", (event) => {
      heard = event.lastEventId;
      happened(JSON.parse(event.data));
    });
    source.addEventListener("reload", () => tell(texts().missed));
    source.addEventListener("end", end);
    source.addEventListener("error", lost);
  }

  function end() {
    isOver = true;
    source?.close();
    tell(texts().ended);
  }

  // After an answer that is none of the desk's, as of a proxy while it is started, the browser does not try again.
  async function lost() {
    if (source?.readyState !== EventSource.CLOSED) return;
    source = null;
    const page = await fetch(location.href, { method: "HEAD" }).catch(() => null);
    if (page?.status === 401) end();
    else setTimeout(() => source || document.hidden || isOver || follow(), RETRY);
  }

  document.addEventListener("visibilitychange", () => {
    source?.close();
    source = null;
    if (!document.hidden && !isOver) follow();
  });
  if (!document.hidden) follow();
})();
