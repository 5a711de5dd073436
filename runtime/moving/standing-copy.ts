/**
 * A state partition as of one position, while its owner goes on applying. A store answers one call whole,
 * but a partition is more than one call: so everything is read first, at whatever moments, and then, again
 * and again, what has changed since. Once nothing was applied between asking what changed and having read
 * it, all that was read is of that position. Rounds become shorter, as less changes in a short time.
 */
import { FreshetError } from '../../schemas/errors.ts';
import { NO_OFFSET, type Offset, type StatePartition } from '../../schemas/ids.ts';
import type {
  StateChange,
  StatePosition,
  StateStore,
} from '../../storage/state-store/state-store.ts';

const SCAN_LIMIT = 500;
const KEYS_PER_READ = 500;
/** A partition that is applied to without a pause may need some. */
const ROUNDS_MAX = 2_000;

export type StandingStore = Pick<StateStore, 'position' | 'scan' | 'changesSince' | 'getMany'>;

/**
 * Writes entries, of which the last of a key counts and undefined means gone, and returns the position
 * that they are of; undefined where there is none. Throws `unavailable` where the partition was thrown
 * away meanwhile, or moves too fast: then what was written is worth nothing.
 */
export const copyAsOfOnePosition = async (
  store: StandingStore,
  partition: StatePartition,
  write: (entries: readonly StateChange[]) => Promise<void>,
): Promise<StatePosition | undefined> => {
  const began = await store.position(partition);
  if (began === undefined || began.coveredOffset === NO_OFFSET) return undefined;
  await writeAll(store, partition, write);
  let since = began.coveredOffset;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const changed = await changesOf(store, partition, since);
    await writeKeys(store, partition, changed.keys, write);
    const now = await store.position(partition);
    if (now?.coveredOffset === changed.coveredOffset && now.logId === began.logId) return now;
    since = changed.coveredOffset;
  }
  throw moved(partition);
};

const writeAll = async (
  store: StandingStore,
  partition: StatePartition,
  write: (entries: readonly StateChange[]) => Promise<void>,
): Promise<void> => {
  let after: string | undefined;
  for (;;) {
    const range = { prefix: '', limit: SCAN_LIMIT, ...(after === undefined ? {} : { after }) };
    const page = await store.scan(partition, range);
    if (page.length > 0) await write(page);
    after = page.at(-1)?.key;
    if (page.length < SCAN_LIMIT) return;
  }
};

const changesOf = async (
  store: StandingStore,
  partition: StatePartition,
  since: Offset,
): Promise<{ readonly keys: readonly string[]; readonly coveredOffset: Offset }> => {
  const changed = await store.changesSince(partition, since);
  if (!changed.complete) throw moved(partition);
  return changed;
};

const writeKeys = async (
  store: StandingStore,
  partition: StatePartition,
  keys: readonly string[],
  write: (entries: readonly StateChange[]) => Promise<void>,
): Promise<void> => {
  for (let from = 0; from < keys.length; from += KEYS_PER_READ) {
    const asked = keys.slice(from, from + KEYS_PER_READ);
    const values = await store.getMany(partition, asked);
    await write(asked.map((key, index) => ({ key, value: values[index] })));
  }
};

const moved = (partition: StatePartition): FreshetError =>
  new FreshetError('unavailable', { why: `${partition} changes faster than it can be copied` });
