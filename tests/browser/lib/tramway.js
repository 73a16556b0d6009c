// The sample thread of `stoa up --demo`, as pages are looked at with.
import { readFileSync } from "node:fs";

// How many comments of it rules hold.
const HELD = 5;
const SAMPLE = new URL("../../../cli/sample/thread.events.jsonl", import.meta.url);

/** Publishes the sample and returns its cases, the most urgent first. */
export async function tramway(stack) {
  const lines = readFileSync(SAMPLE, "utf8").split("\n");
  const events = lines.filter((line) => line.trim()).map((line) => JSON.parse(line));
  await stack.publish(events, { refused: 1 });
  await stack.open(HELD);
  return (await stack.admin("/cases")).cases.map((one) => one.case);
}
