/**
 * Who uses how much of the disk, and when it will be full at the rate of the last day. Looked at
 * now and then in the background, never while a request waits.
 */
import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../schemas/environment.ts';
import type { DurationMs } from '../schemas/ids.ts';
import type { DataPaths } from './data-directory.ts';

export interface DiskUsage {
  readonly owners: readonly { readonly owner: string; readonly bytes: number }[];
  readonly freeBytes: number | null;
  readonly daysUntilFull: number | null;
}

export interface DiskWatch {
  latest(): DiskUsage;
  stop(): void;
}

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

const LOOK_EVERY_MS = 60_000 as DurationMs;
const DAY_MS = 86_400_000;
/** A forecast needs an hour of history; before that it would be noise. */
const FORECAST_AFTER_MS = 3_600_000;
const BLOCK_BYTES = 512;

export const watchDisk = async (paths: DataPaths, clock: Clock): Promise<DiskWatch> => {
  const stopping = new AbortController();
  const samples: Sample[] = [];
  let latest = await look(paths, samples, clock);
  const goOn = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, stopping.signal);
      latest = await look(paths, samples, clock);
    }
  };
  // Ends by the rejection of the sleep that the abort interrupts.
  goOn().catch(() => {});
  return { latest: () => latest, stop: () => stopping.abort() };
};

const look = async (paths: DataPaths, samples: Sample[], clock: Clock): Promise<DiskUsage> => {
  const owners = await Promise.all(
    (['log', 'state', 'warehouse', 'artifacts'] as const).map(async (owner) => ({
      owner,
      bytes: await usedBytes(paths[owner]),
    })),
  );
  const { bavail, bsize } = await statfs(paths.root);
  const freeBytes = bavail * bsize;
  const bytes = owners.reduce((sum, owner) => sum + owner.bytes, 0);
  const atMs = clock.monotonicMs();
  samples.push({ atMs, bytes });
  while (samples[0] && samples[0].atMs < atMs - DAY_MS) samples.shift();
  return { owners, freeBytes, daysUntilFull: forecast(samples, freeBytes) };
};

const forecast = (samples: readonly Sample[], freeBytes: number): number | null => {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || last.atMs - first.atMs < FORECAST_AFTER_MS) return null;
  const perDay = ((last.bytes - first.bytes) / (last.atMs - first.atMs)) * DAY_MS;
  return perDay > 0 ? freeBytes / perDay : null;
};

/** What is allocated, since LMDB's files are sparse. Files may vanish while one looks. */
const usedBytes = async (directory: string): Promise<number> => {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  let total = 0;
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) total += await usedBytes(path);
    else if (entry.isFile()) {
      const facts = await stat(path).catch(() => undefined);
      total += (facts?.blocks ?? 0) * BLOCK_BYTES;
    }
  }
  return total;
};
