// A platform with comments that Stoa moderates, over AMQP with amqplib.
//
//     node newsroom.mjs article ID TITLE           publishes an article
//     node newsroom.mjs comment ARTICLE AUTHOR TEXT [PARENT]
//     node newsroom.mjs edit COMMENT TEXT
//     node newsroom.mjs relay                      sends what waits in the outbox
//     node newsroom.mjs listen [SECONDS]           takes decisions until none comes for so long, or for ever
//     node newsroom.mjs show ARTICLE               the thread as readers see it
//
// Environment: STOA_AMQP_URL, STOA_QUEUE (of this platform, such as platform.courrier), STOA_SITE, NEWSROOM_DB (a file).
//
// Three things make it lose nothing and believe nothing twice. Take them along:
// - What happens is written together with its event, here as one line of a file. The event waits until the broker has
//   confirmed it; it may be sent twice, with the same id, and Stoa takes it once.
// - Decisions are kept before they are acknowledged. They may come twice, and in any order: of those about the latest
//   revision the one counts that no other supersedes.
// - Nothing is shown before it is approved. Stoa decides within moments; what it holds waits for a moderator.

import { randomUUID } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import amqp from "amqplib";

const SITE = process.env.STOA_SITE ?? "courrier";
const SOURCE = `https://${SITE}.example/comments`;
const FILE = process.env.NEWSROOM_DB ?? "newsroom.jsonl";

/** What is known, from the lines of the file. */
function read() {
  const known = { comments: new Map(), waiting: new Map(), decisions: new Map() };
  const lines = existsSync(FILE) ? readFileSync(FILE, "utf8").split("\n") : [];
  for (const line of lines.filter(Boolean)) {
    const { comment, event, sent, decision } = JSON.parse(line);
    if (comment) known.comments.set(comment.comment, { ...known.comments.get(comment.comment), ...comment });
    if (event) known.waiting.set(event.id, event);
    if (sent) known.waiting.delete(sent);
    if (decision) known.decisions.set(decision.decision, decision);
  }
  return known;
}

/** Takes off what a crash cut short: nothing that follows from it was done. */
function mend() {
  if (!existsSync(FILE)) return;
  const bytes = readFileSync(FILE);
  truncateSync(FILE, bytes.lastIndexOf("\n") + 1);
}

function write(line) {
  const file = openSync(FILE, "a");
  writeSync(file, `${JSON.stringify(line)}\n`);
  fsyncSync(file);
  closeSync(file);
}

function made(kind, data) {
  return {
    specversion: "1.0",
    id: randomUUID(),
    source: SOURCE,
    type: `stoa.${kind}.v1`,
    datacontenttype: "application/json",
    time: new Date().toISOString(),
    data: { site: SITE, ...data },
  };
}

function article(id, title) {
  write({ event: made("article.published", { article: id, title, body: "", published_at: new Date().toISOString() }) });
}

/** Writes a comment as it is now, with the event that tells of it. */
function tell(kind, comment) {
  const { author, ...data } = comment;
  const submitted_at = new Date().toISOString();
  write({ comment, event: made(kind, { ...data, author: { id: author, display_name: author }, submitted_at }) });
}

function comment(article, author, body, parent) {
  const id = `c-${randomUUID()}`;
  tell("comment.submitted", { comment: id, article, author, parent, revision: 1, body });
  console.log(id);
}

function edit(id, body) {
  const comment = read().comments.get(id);
  if (!comment) throw new Error(`there is no comment ${id}`);
  tell("comment.edited", { ...comment, revision: comment.revision + 1, body });
}

/** Works until it is done; after an interruption it begins again, on a new connection. */
async function again(work) {
  for (let wait = 500; ; wait = Math.min(2 * wait, 30_000)) {
    let connection;
    try {
      connection = await amqp.connect(process.env.STOA_AMQP_URL, { heartbeat: 10 });
      // What ends a connection also ends what waits for it: the error is told there.
      connection.on("error", () => {});
      return await work(connection);
    } catch (error) {
      console.error(`again in ${wait} ms: ${error.message}`);
    } finally {
      await connection?.close().catch(() => {});
    }
    await sleep(wait);
  }
}

/** Sends what waits. An event is no longer waited for once the broker has it in a queue, and on its disks. */
function relay() {
  return again(async (connection) => {
    const channel = await connection.createConfirmChannel();
    const options = { contentType: "application/cloudevents+json", persistent: true, mandatory: true };
    for (const event of read().waiting.values()) {
      let returned = false;
      channel.once("return", () => (returned = true));
      channel.publish("stoa.inbox", "", Buffer.from(JSON.stringify(event)), options);
      await channel.waitForConfirms();
      channel.removeAllListeners("return");
      if (returned) throw new Error("no queue takes what is sent to stoa.inbox");
      write({ sent: event.id });
    }
  });
}

/** Keeps a decision; one that is known changes nothing. */
function keep({ type, data }) {
  if (type === "stoa.event.rejected.v1") console.error(`refused: ${data.code} ${data.field}: ${data.message}`);
  if (type !== "stoa.comment.decided.v1") return;
  const { comment, revision, decision, verdict, supersedes, statement } = data;
  write({ decision: { comment, revision, decision, verdict, supersedes, statement } });
}

function listen(seconds) {
  return again(async (connection) => {
    const channel = await connection.createChannel();
    await channel.prefetch(100);
    let last = Date.now();
    let failed;
    const fail = (error) => (failed ??= error);
    connection.on("close", () => fail(new Error("the connection has ended")));
    channel.on("error", fail);
    await channel.consume(process.env.STOA_QUEUE, (message) => {
      if (message === null) return fail(new Error("the broker has ended the subscription"));
      const events = JSON.parse(message.content);
      for (const event of Array.isArray(events) ? events : [events]) keep(event);
      channel.ack(message);
      last = Date.now();
    });
    while (!seconds || Date.now() - last < seconds * 1000) {
      if (failed) throw failed;
      await sleep(100);
    }
    // What was acknowledged last is on its way until the channel is closed.
    await channel.close();
  });
}

/** The decision that stands about a comment as it is now. */
function standing(known, { comment, revision }) {
  const about = [...known.decisions.values()].filter((one) => one.comment === comment && one.revision === revision);
  const superseded = new Set(about.map((one) => one.supersedes));
  return about.find((one) => !superseded.has(one.decision));
}

function show(article) {
  const known = read();
  for (const comment of known.comments.values()) {
    if (comment.article !== article) continue;
    const verdict = standing(known, comment)?.verdict ?? "hold";
    const shown = { approve: comment.body, hold: "(waits)", reject: "(not published)" }[verdict];
    console.log(`${comment.comment}\t${comment.author}\t${shown}`);
  }
}

const commands = { article, comment, edit, relay, listen, show };
const [command, ...given] = process.argv.slice(2);
if (!Object.hasOwn(commands, command)) {
  console.error("newsroom.mjs article|comment|edit|relay|listen|show: see the head of the file");
  process.exit(1);
}
mend();
await commands[command](...given);
