/**
 * What was found damaged and put out of the way: the warehouse's directory, files of the state. Nobody
 * needs it, since both were made again from the log; it is kept for a week for whoever wants to know what
 * happened, and of the warehouse only the newest, since that may be large.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock, Logger } from '../../schemas/environment.ts';
import type { DurationMs, EpochMs } from '../../schemas/ids.ts';
import type { DataPaths } from '../data-directory.ts';
import { allocatedBytesOf } from '../disk-usage.ts';

export const SET_ASIDE_DAYS = 7;
const KEPT_MS = SET_ASIDE_DAYS * 86_400_000;
const LOOK_EVERY_MS = 3_600_000 as DurationMs;
const STATE_FILE = /\.damaged$/;

export interface SetAside {
  readonly path: string;
  readonly at: EpochMs;
  readonly bytes: number;
}

/** Oldest first; the names say the order where the file system's clock is too coarse. */
export const findSetAside = async ({ root, state, warehouse }: DataPaths): Promise<SetAside[]> => {
  const prefix = `${basename(warehouse)}.damaged-`;
  const paths = (await namesIn(root))
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(root, name));
  for (const partition of await namesIn(state)) {
    const folder = join(state, partition);
    for (const name of await namesIn(folder)) {
      if (STATE_FILE.test(name)) paths.push(join(folder, name));
    }
  }
  const found = await Promise.all(paths.map(describe));
  return found
    .filter((aside) => aside !== undefined)
    .sort((left, right) => left.at - right.at || (left.path < right.path ? -1 : 1));
};

/** Removes what is due; returns what it removed. */
export const removeSetAside = async (paths: DataPaths, now: EpochMs): Promise<string[]> => {
  const found = await findSetAside(paths);
  const newest = found.findLast(({ path }) => isWarehouse(path, paths));
  const due = found.filter(
    (aside) => now - aside.at > KEPT_MS || (isWarehouse(aside.path, paths) && aside !== newest),
  );
  for (const { path } of due) await rm(path, { recursive: true, force: true });
  return due.map(({ path }) => path);
};

/** Looks at once, then every hour. */
export const keepSetAsideForAWhile = (
  paths: DataPaths,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): { stop(): Promise<void> } => {
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const removed = await removeSetAside(paths, clock.now());
        if (removed.length > 0) logger.info('what was set aside is removed', { removed });
      } catch (error) {
        logger.warn('what was set aside cannot be removed', { error });
      }
      await clock.sleep(LOOK_EVERY_MS, stopping.signal).catch(() => undefined);
    }
  };
  const running = run();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
};

const isWarehouse = (path: string, { warehouse }: DataPaths): boolean =>
  path.startsWith(`${warehouse}.damaged-`);

const namesIn = (directory: string): Promise<readonly string[]> =>
  readdir(directory).catch(() => []);

/** A rename moves the time of the last change of its inode: that is when it was set aside. */
const describe = async (path: string): Promise<SetAside | undefined> => {
  const facts = await stat(path).catch(() => undefined);
  if (facts === undefined) return undefined;
  const bytes = await allocatedBytesOf(path);
  return { path, at: Math.floor(facts.ctimeMs) as EpochMs, bytes };
};
