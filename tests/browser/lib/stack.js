// A `stoa up` of its own for a file of tests, on free ports, with a folder that is gone afterwards.
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { append } from "./journal.js";

const TOKEN = "a-token-of-the-browser-tests";
const PATIENCE = 60_000;
const BATCH = 500;
// Below what the system hands out by itself.
const PORTS = { from: 20_000, count: 9_000 };

export async function eventually(what, check) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`${what}: not within ${PATIENCE / 1000} s`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

function isFree(port) {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}

/** The first of the four public ports, such that the admin listeners are free, too. */
async function freePort() {
  return eventually("free ports", async () => {
    const port = PORTS.from + Math.floor(Math.random() * PORTS.count);
    const ports = [-1, 0, 1, 2].flatMap((step) => [port + step, port + step + 1000]);
    const free = await Promise.all(ports.map(isFree));
    return free.every(Boolean) && port;
  });
}

/** What `stoa up` does by itself where there is no folder of configuration: listeners, and no tokens to read. */
function listening(port) {
  const at = (step) => `127.0.0.1:${port + step}`;
  const roles = [["CONSOLE", -1], ["INGEST", 0], ["MODERATION_RULES", 1], ["ARCHIVE", 2]];
  const listeners = roles.flatMap(([role, step]) => [
    [`STOA_${role}__HTTP__LISTEN`, at(step)],
    [`STOA_${role}__ADMIN__LISTEN`, at(step + 1000)],
    ...(role === "CONSOLE" ? [] : [[`STOA_${role}__OPEN`, "true"]]),
  ]);
  return {
    ...Object.fromEntries(listeners),
    STOA_CONSOLE__MODERATION__URL: `http://${at(1001)}`,
    STOA_CONSOLE__ARCHIVE__URL: `http://${at(2)}`,
    STOA_CONSOLE__ARCHIVE__ADMIN_URL: `http://${at(1002)}`,
    STOA_CONSOLE__INGEST__URL: `http://${at(1000)}`,
  };
}

export class Stack {
  /**
   * Starts one; `env` says what else its environment has, `lines` are those of a console.toml, and `ruling` those of a
   * moderation-rules.toml.
   */
  static async start({ env = () => ({}), lines, ruling } = {}) {
    const stack = new Stack();
    stack.folder = await mkdtemp(join(tmpdir(), "stoa-browser-"));
    const port = await freePort();
    stack.port = port;
    stack.desk = `http://127.0.0.1:${port - 1}`;
    stack.ingest = `http://127.0.0.1:${port}`;
    stack.public = `http://127.0.0.1:${port + 1}`;
    stack.moderation = `http://127.0.0.1:${port + 1001}`;
    stack.archive = `http://127.0.0.1:${port + 2}`;
    // Where else a browser may go.
    stack.others = [];
    stack.args = ["up", "--data", join(stack.folder, "data"), "--port", String(port), "--token", TOKEN];
    stack.env = { ...process.env, ...env(stack) };
    if (lines || ruling) {
      const config = join(stack.folder, "config");
      await mkdir(config);
      if (lines) await writeFile(join(config, "console.toml"), lines);
      if (ruling) await writeFile(join(config, "moderation-rules.toml"), ruling);
      stack.args.push("--config", config);
      Object.assign(stack.env, listening(port));
    }
    process.once("exit", () => stack.abandon());
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));
    await stack.begin();
    stack.setUp = await eventually("the first link", () => stack.printed.match(/http\S+\/set-up\/\S+/)?.[0]);
    return stack;
  }

  /** Starts the process, for the first time or again, and waits until all of it is there. */
  async begin() {
    this.child = spawn(process.env.STOA_TEST_BIN, this.args, { env: this.env, stdio: ["ignore", "pipe", "pipe"] });
    this.ended = new Promise((done) => this.child.once("exit", done));
    this.printed = "";
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on("data", (data) => (this.printed += data));
    }
    const roles = [-1, 0, 1, 2].map((step) => `http://127.0.0.1:${this.port + step + 1000}/readyz`);
    await eventually("stoa up", async () => {
      if (this.child.exitCode !== null) throw new Error(`stoa up ended: ${this.printed}`);
      const ready = await Promise.all(roles.map((url) => fetch(url).catch(() => null)));
      return ready.every((answer) => answer?.ok);
    });
  }

  /** Ends the process, in order or as a crash would. */
  end(signal) {
    this.child.kill(signal);
    return this.ended;
  }

  /** Stops it, has something done to its data, and starts it again. */
  async restart(meanwhile) {
    await this.end("SIGTERM");
    await meanwhile(join(this.folder, "data"));
    await this.begin();
  }

  abandon() {
    this.child.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }

  async stop() {
    await this.end("SIGTERM");
    rmSync(this.folder, { recursive: true, force: true });
  }

  async ask(url, { method = "GET", body, type = "application/json", headers: more } = {}) {
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": type, ...more };
    const answer = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** Sends events, all of which must be taken unless some are meant to be refused. */
  async publish(events, { refused = 0 } = {}) {
    const type = "application/cloudevents-batch+json";
    const rejected = [];
    for (let at = 0; at < events.length; at += BATCH) {
      const body = events.slice(at, at + BATCH);
      const answer = await this.ask(`${this.ingest}/v1/events`, { method: "POST", body, type });
      rejected.push(...answer.rejected);
    }
    if (rejected.length !== refused) throw new Error(`refused: ${JSON.stringify(rejected)}`);
  }

  /** What moderation-rules tells at its admin listener. */
  admin(path, asked) {
    return this.ask(`${this.moderation}/admin${path}`, asked);
  }

  /** Puts events into the bus past ingest, which would not have them; everything is started again. */
  smuggle(events) {
    return this.restart((data) => append(join(data, "bus", "stoa.content"), events.map((event) => JSON.stringify(event))));
  }

  /** What ingest refused, the newest first. */
  async refused() {
    const admin = new URL(this.ingest);
    admin.port = String(Number(admin.port) + 1000);
    return (await this.ask(`${admin.origin}/admin/rejections`)).rejections;
  }

  /** Waits until so many cases are open. */
  open(count) {
    return eventually(`${count} open cases`, async () => (await this.admin("/cases?limit=1")).open === count);
  }

  /** The case of a comment, open or closed. */
  async caseOf(comment) {
    return eventually(`a case of ${comment}`, async () => {
      for (const status of ["open", "closed"]) {
        const found = await this.admin(`/cases?${new URLSearchParams({ status, comment })}`);
        if (found.cases.length > 0) return found.cases[0].case;
      }
      return undefined;
    });
  }

  /** What moderators decided about a case, oldest first, as verdict and name. */
  async decided(id) {
    const { decisions } = await this.admin(`/cases/${id}`);
    const made = decisions.filter((decision) => decision.by.kind === "moderator");
    return made.map((decision) => `${decision.verdict} by ${decision.by.id}`);
  }

  /** Waits until the archive shows a comment with a status. */
  archived(site, comment, status) {
    const url = `${this.archive}/v1/sites/${encodeURIComponent(site)}/comments/${encodeURIComponent(comment)}`;
    return eventually(`${comment} ${status} in the archive`, async () => {
      const answer = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });
      return answer.ok && (await answer.json()).status === status;
    });
  }
}
