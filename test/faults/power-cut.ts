/**
 * Simulates a power cut under the embedded stores: what was flushed is there afterwards, what was not is
 * there page by page or not at all, as the kernel happened to write it.
 *
 * The log. A commit flushes its pages, then writes and flushes the page that makes it current; nothing
 * else is under way when it is reported. So the file as it is at that report is what a disk holds for
 * certain. A cut takes that image and, for each page that has been written since, keeps the old one or
 * takes the new one at random; when the header itself is newer, its commit had already flushed the rest,
 * so all of it or none of it is there.
 *
 * The state. Its commits are not flushed, so of the data file anything may be there; the files beside it
 * (session, snapshot) are flushed before they count. The next start is under another boot.
 */
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PAGE_BYTES = 4_096;
export const HEADER_BYTES = 2 * PAGE_BYTES;

/** Follows what is flushed of a log; hand `committed` to the log's seams. */
export class LogPowerCut {
  readonly #directory: string;
  readonly #flushed = new Map<string, Buffer>();

  /** To be made once the log is open: opening flushes what it writes. */
  constructor(directory: string) {
    this.#directory = directory;
    for (const topic of readdirSync(directory)) this.committed(topic);
  }

  readonly committed = (topic: string): void => {
    this.#flushed.set(topic, readFileSync(join(this.#directory, topic, 'data.mdb')));
  };

  /** Writes what the disk holds after a cut at this moment to another directory. */
  cutTo(target: string, random: () => number): void {
    for (const [topic, flushed] of this.#flushed) {
      const current = readFileSync(join(this.#directory, topic, 'data.mdb'));
      cpSync(join(this.#directory, topic), join(target, topic), { recursive: true });
      writeFileSync(join(target, topic, 'data.mdb'), afterCut(flushed, current, random));
    }
  }
}

const afterCut = (flushed: Buffer, current: Buffer, random: () => number): Buffer => {
  const isHeaderNewer = !flushed
    .subarray(0, HEADER_BYTES)
    .equals(current.subarray(0, HEADER_BYTES));
  if (isHeaderNewer) return random() < 0.5 ? flushed : current;
  return mixPages(flushed, current, random);
};

/** Of every page one of the two, at random; the file ends somewhere between the two ends. */
export const mixPages = (left: Buffer, right: Buffer, random: () => number): Buffer => {
  const longest = Math.max(left.length, right.length);
  const mixed = Buffer.alloc(longest);
  for (let at = 0; at < longest; at += PAGE_BYTES) {
    const from = random() < 0.5 ? left : right;
    if (at < from.length) from.copy(mixed, at, at, at + PAGE_BYTES);
  }
  const shortest = Math.min(left.length, right.length);
  const pages = Math.round((random() * (longest - shortest)) / PAGE_BYTES);
  return mixed.subarray(0, shortest + pages * PAGE_BYTES);
};

/** Copies a state directory as it is after a cut: unflushed data files hold anything. */
export const cutStatePower = (directory: string, target: string, random: () => number): void => {
  cpSync(directory, target, { recursive: true });
  for (const partition of readdirSync(target)) {
    const sessionFile = join(target, partition, 'session.json');
    if (!existsSync(sessionFile)) continue;
    const session = JSON.parse(readFileSync(sessionFile, 'utf8')) as { state: string };
    writeFileSync(sessionFile, JSON.stringify({ ...session, bootId: 'before the power cut' }));
    if (session.state === 'closed') continue;
    const dataFile = join(target, partition, 'data.mdb');
    const data = readFileSync(dataFile);
    writeFileSync(dataFile, mixPages(data, Buffer.alloc(data.length), random));
  }
};
