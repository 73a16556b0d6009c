// A platform that reads decisions with amqplib, and knows of Stoa only its events.
//
//     node consumer.mjs URL FILE
//
// Writes one line a decision, and acknowledges it once the line is in the file. Connects again, for ever, when the
// connection ends. AMQPLIB is the folder of the library.

import { appendFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

const amqp = createRequire(import.meta.url)(process.env.AMQPLIB);
const [url, file] = process.argv.slice(2);
const queue = "platform.decisions";
writeFileSync(file, "");
let told = false;

async function listen() {
  const connection = await amqp.connect(url, { heartbeat: 5 });
  const ended = new Promise((resolve) => connection.on("close", resolve));
  connection.on("error", () => {});
  const channel = await connection.createChannel();
  channel.on("error", () => {});
  await channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum" } });
  await channel.bindQueue(queue, "stoa.decisions", "#");
  await channel.prefetch(50);
  await channel.consume(queue, (message) => {
    if (message === null) {
      connection.close().catch(() => {});
      return;
    }
    const read = JSON.parse(message.content.toString());
    for (const event of Array.isArray(read) ? read : [read]) {
      appendFileSync(file, `${JSON.stringify(event)}\n`);
    }
    channel.ack(message);
  });
  if (!told) {
    told = true;
    console.log("listening");
  }
  await ended;
}

for (;;) {
  await listen().catch(() => {});
  await sleep(500);
}
