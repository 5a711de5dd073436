/**
 * Loaded into the measured program (`node --import`): notes in each of its threads when which hop was
 * passed, how late the thread's event loop ran and how long it collected garbage, and writes that down
 * when the thread ends. Times are of the machine's monotonic clock, which all processes share.
 */
import { subscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PerformanceObserver } from 'node:perf_hooks';
import { threadId } from 'node:worker_threads';
import type { Hop, HopPassed } from '../schemas/journey.ts';

/** Where to write; the program hands its environment on to its threads. */
export const HOP_DIRECTORY_NAME = 'BENCH_HOP_DIRECTORY';

export interface ThreadRecord {
  readonly thread: number;
  /** Of interactions: hop, partition, offset, time. */
  readonly passed: readonly (readonly [Hop, number, number, number])[];
  /** Time, and how long the thread collected. */
  readonly collections: readonly (readonly [atMs: number, ms: number])[];
  /** Time, and how late a timer of this thread came. */
  readonly stalls: readonly (readonly [atMs: number, ms: number])[];
}

export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

const PASSED_MAX = 2_000_000;
const LOOK_MS = 5;
const STALL_MS = 10;

const record = (directory: string): void => {
  const passed: (readonly [Hop, number, number, number])[] = [];
  const collections: (readonly [number, number])[] = [];
  const stalls: (readonly [number, number])[] = [];
  // `performance.now()` counts from the thread's start.
  const ahead = monotonicMs() - performance.now();
  subscribe('freshet.journey', (message) => {
    const { hop, topic, partition, offset, atMs } = message as HopPassed;
    if (topic !== 'interactions' || passed.length >= PASSED_MAX) return;
    passed.push([hop, partition, offset, atMs === undefined ? monotonicMs() : atMs + ahead]);
  });
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries())
      collections.push([startTime + ahead, duration]);
  }).observe({ entryTypes: ['gc'] });
  let dueMs = performance.now() + LOOK_MS;
  setInterval(() => {
    const lateMs = performance.now() - dueMs;
    if (lateMs > STALL_MS) stalls.push([performance.now() + ahead, lateMs]);
    dueMs = performance.now() + LOOK_MS;
  }, LOOK_MS).unref();
  process.on('exit', () => {
    const content: ThreadRecord = { thread: threadId, passed, collections, stalls };
    writeFileSync(join(directory, `${process.pid}.${threadId}.json`), JSON.stringify(content));
  });
};

const directory = process.env[HOP_DIRECTORY_NAME];
if (directory !== undefined) record(directory);
