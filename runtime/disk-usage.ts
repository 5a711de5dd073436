/**
 * Who uses how much of the disk, and when it will be full at the rate of the last day. Looked at
 * now and then in the background, never while a request waits.
 */
import { lstat, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../schemas/environment.ts';
import type { DurationMs } from '../schemas/ids.ts';
import type { DataPaths } from './data-directory.ts';
import { daysUntilFull, type OwnerGrowth } from './disk-forecast.ts';

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
  readonly bytesByOwner: Readonly<Record<string, number>>;
}

/** By owner, where retention holds it. */
export type DiskLimits = Readonly<Partial<Record<string, number>>>;

const LOOK_EVERY_MS = 60_000 as DurationMs;
const DAY_MS = 86_400_000;
/** A forecast needs an hour of history; before that it would be noise. */
const FORECAST_AFTER_MS = 3_600_000;
const BLOCK_BYTES = 512;

export const watchDisk = async (
  paths: DataPaths,
  limits: DiskLimits,
  clock: Clock,
): Promise<DiskWatch> => {
  const stopping = new AbortController();
  const samples: Sample[] = [];
  const look = (): Promise<DiskUsage> => lookAt({ paths, limits, samples, clock });
  let latest = await look();
  const goOn = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, stopping.signal);
      latest = await look();
    }
  };
  // Ends by the rejection of the sleep that the abort interrupts.
  goOn().catch(() => {});
  return { latest: () => latest, stop: () => stopping.abort() };
};

const lookAt = async ({
  paths,
  limits,
  samples,
  clock,
}: {
  readonly paths: DataPaths;
  readonly limits: DiskLimits;
  readonly samples: Sample[];
  readonly clock: Clock;
}): Promise<DiskUsage> => {
  const owners = await Promise.all(
    (['log', 'state', 'warehouse', 'artifacts'] as const).map(async (owner) => ({
      owner,
      bytes: await allocatedBytesOf(paths[owner]),
    })),
  );
  const { bavail, bsize } = await statfs(paths.root);
  const freeBytes = bavail * bsize;
  const atMs = clock.monotonicMs();
  const bytesByOwner = Object.fromEntries(owners.map(({ owner, bytes }) => [owner, bytes]));
  samples.push({ atMs, bytesByOwner });
  while (samples[0] && samples[0].atMs < atMs - DAY_MS) samples.shift();
  const growth = growthIn(samples, limits);
  return { owners, freeBytes, daysUntilFull: growth && daysUntilFull(growth, freeBytes) };
};

/** null while there is too little to go by. */
const growthIn = (
  samples: readonly Sample[],
  limits: DiskLimits,
): readonly OwnerGrowth[] | null => {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || last.atMs - first.atMs < FORECAST_AFTER_MS) return null;
  const days = (last.atMs - first.atMs) / DAY_MS;
  return Object.entries(last.bytesByOwner).map(([owner, bytes]) => ({
    bytes,
    bytesPerDay: (bytes - (first.bytesByOwner[owner] ?? bytes)) / days,
    limitBytes: limits[owner],
  }));
};

/** What is allocated, since LMDB's files are sparse. Files may vanish while one looks. */
export const allocatedBytesOf = async (path: string): Promise<number> => {
  const facts = await lstat(path).catch(() => undefined);
  if (facts?.isFile()) return facts.blocks * BLOCK_BYTES;
  if (!facts?.isDirectory()) return 0;
  let total = 0;
  for (const name of await readdir(path).catch(() => [])) {
    total += await allocatedBytesOf(join(path, name));
  }
  return total;
};
