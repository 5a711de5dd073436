/**
 * What the machine itself does in the same run: the ground that ratios stand on. The disk's flush of
 * one page, and a server of bare node:http that reads a body and answers.
 */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadResult } from './ingest-load.ts';
import { type Options, runProgram, startProgram } from './program.ts';

const FLUSHES = 400;

export interface FlushTime {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A page written and flushed, again and again, in a file of the directory that is measured. */
export const measureFlush = (directory: string): FlushTime => {
  const file = openSync(join(directory, 'flush-time'), 'w');
  const page = Buffer.alloc(4_096, 1);
  const times: number[] = [];
  for (let flush = 0; flush < FLUSHES; flush++) {
    const begun = performance.now();
    writeSync(file, page, 0, page.length, 0);
    fdatasyncSync(file);
    times.push(performance.now() - begun);
  }
  closeSync(file);
  times.sort((left, right) => left - right);
  return { p50Ms: times[FLUSHES / 2]!, p99Ms: times[Math.floor(FLUSHES * 0.99)]! };
};

export const runIngestLoad = (options: Options): Promise<LoadResult> =>
  runProgram<LoadResult>('bench/ingest-load.ts', options);

/** The same load on a server that does nothing with it. */
export const measureBareServer = async (options: Options): Promise<LoadResult> => {
  const server = await startProgram('bench/bare-server.ts');
  try {
    return await runIngestLoad({ ...options, port: Number(server.firstLine) });
  } finally {
    await server.stop();
  }
};

export interface Spread {
  readonly median: number;
  readonly spread: readonly [number, number];
}

export const spreadOf = (values: readonly number[]): Spread => {
  const sorted = [...values].sort((left, right) => left - right);
  return {
    median: sorted[Math.floor(sorted.length / 2)] ?? 0,
    spread: [sorted[0] ?? 0, sorted.at(-1) ?? 0],
  };
};
