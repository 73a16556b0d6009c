// Writes into a journal that nobody has open, as docs/journal-format.md describes it: events that no publisher may send.
import { createHash, randomBytes } from "node:crypto";
import { appendFileSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const SEGMENT_HEADER = 96;
const RECORD_HEADER = 120;
const MAGIC = Buffer.from([0xf7, 0x72, 0x63, 0xff]);
// An event by itself, as the bus keeps it.
const EVENT = 1;

const CASTAGNOLI = Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value >>> 0;
});

function crc32c(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = CASTAGNOLI[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

function sha256(...parts) {
  return createHash("sha256").update(Buffer.concat(parts)).digest();
}

function long(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}

function int(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** The sequence of the next record of a segment, and the chain hash of the one before. */
function end(segment) {
  let at = SEGMENT_HEADER;
  let next = segment.readBigUInt64LE(16);
  let chain = segment.subarray(32, 64);
  while (at < segment.length) {
    if (!segment.subarray(at, at + 4).equals(MAGIC)) throw new Error(`no record at ${at}`);
    next = segment.readBigUInt64LE(at + 16) + 1n;
    chain = segment.subarray(at + 88, at + 120);
    at += RECORD_HEADER + segment.readUInt32LE(at + 12);
  }
  return { next, chain };
}

/** A record of a write of its own, with its chain hash. */
function record(sequence, before, payload) {
  const time = long(Date.now() * 1000);
  const salt = randomBytes(16);
  const commitment = sha256(salt, payload);
  const kind = Buffer.from([EVENT]);
  const chain = sha256(before, long(sequence), time, kind, int(payload.length), commitment);
  // Number in its write, kind, flags and zeros.
  const place = Buffer.concat([int(0), kind, Buffer.alloc(3)]);
  const covered = [int(crc32c(payload)), int(payload.length), long(sequence), time, place, salt, commitment, chain];
  const head = Buffer.concat(covered);
  return { chain, bytes: Buffer.concat([MAGIC, int(crc32c(head)), head, payload]) };
}

/** Adds payloads to the journal in a folder. */
export function append(folder, payloads) {
  const name = readdirSync(folder).filter((name) => name.endsWith(".seg")).sort().at(-1);
  const file = join(folder, name);
  let { next, chain } = end(readFileSync(file));
  for (const payload of payloads) {
    const made = record(next, chain, Buffer.from(payload));
    appendFileSync(file, made.bytes);
    next += 1n;
    chain = made.chain;
  }
}
