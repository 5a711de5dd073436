/**
 * The state as its readers in this process may see it: what is stored, and over it what the stream has
 * foretold of each partition, until that is stored too. Between the two lie the flushes of the item
 * signals, for which nobody's list has to wait: what is foretold follows from a durable log, so it comes
 * true whatever happens to the batch, if not in this process then in the next (I1, I3).
 *
 * One foretelling a partition is kept, the one that reaches furthest: a batch that has to be begun anew may
 * be cut elsewhere, and readers do not go back. It counts while the store stands within it.
 */
import { NO_OFFSET, type Offset, type StatePartition } from '../../schemas/ids.ts';
import {
  type LiveBus,
  STATE_AHEAD,
  STATE_HINTS,
  type StateAhead,
  type StateHint,
} from '../../storage/live-bus/live-bus.ts';
import { compareKeys } from '../../storage/state-store/key-order.ts';
import type {
  ChangesSince,
  ScanOptions,
  StatePosition,
  StateStore,
} from '../../storage/state-store/state-store.ts';

type Entry = { readonly key: string; readonly value: Uint8Array };

interface Foretold {
  readonly position: StateAhead['position'];
  readonly values: ReadonlyMap<string, Uint8Array | undefined>;
}

/** Reads alone go by what is foretold; everything else is the store's. */
export class ForetoldState implements StateStore {
  readonly limits: StateStore['limits'];
  readonly #store: StateStore;
  readonly #liveBus: Pick<LiveBus, 'publish' | 'subscribe'>;
  readonly #foretold = new Map<StatePartition, Foretold>();
  readonly #subscriptions: readonly { close(): void }[];

  constructor(store: StateStore, liveBus: Pick<LiveBus, 'publish' | 'subscribe'>) {
    this.#store = store;
    this.#liveBus = liveBus;
    this.limits = store.limits;
    this.#subscriptions = [
      liveBus.subscribe(STATE_AHEAD, (message) => this.#hear(message as StateAhead)),
      // Once it is stored nothing of it is to stay in memory.
      liveBus.subscribe(STATE_HINTS, (message) => {
        this.#letGo((message as StateHint).partition).catch(() => undefined);
      }),
    ];
  }

  /** Partitions of which something is foretold and not yet seen to be stored. */
  get foretoldCount(): number {
    return this.#foretold.size;
  }

  #hear({ hint, position, changes }: StateAhead): void {
    const reached = this.#foretold.get(hint.partition)?.position.coveredOffset;
    if (reached !== undefined && reached >= position.coveredOffset) return;
    const values = new Map(changes.map(({ key, value }) => [key, value]));
    this.#foretold.set(hint.partition, { position, values });
    // Only now: whoever follows the hint finds the values here.
    this.#liveBus.publish(STATE_HINTS, hint);
  }

  async #letGo(partition: StatePartition): Promise<void> {
    const foretold = this.#foretold.get(partition);
    if (foretold !== undefined) await this.#isAhead(partition, foretold);
  }

  /** Whether the store stands before it; else it is let go of. */
  async #isAhead(partition: StatePartition, foretold: Foretold): Promise<boolean> {
    const stored = await this.#store.position(partition);
    if (stored !== undefined && stored.coveredOffset < foretold.position.coveredOffset) return true;
    if (this.#foretold.get(partition) === foretold) this.#foretold.delete(partition);
    return false;
  }

  /**
   * What is stored, with what is foretold laid over it. The position is looked at after the reading: if
   * the store stands before what is foretold even then, nothing newer was read.
   */
  async #read<Result>(
    partition: StatePartition,
    read: () => Promise<Result>,
    lay: (stored: Result, foretold: Foretold) => Result,
  ): Promise<Result> {
    const foretold = this.#foretold.get(partition);
    const stored = await read();
    if (foretold === undefined) return stored;
    const isAhead = await this.#isAhead(partition, foretold);
    const isNewest = this.#foretold.get(partition) === foretold;
    return isAhead && isNewest ? lay(stored, foretold) : this.#read(partition, read, lay);
  }

  position(partition: StatePartition): Promise<StatePosition | undefined> {
    return this.#read(
      partition,
      () => this.#store.position(partition),
      (stored, { position }) => stored && { ...stored, ...position },
    );
  }

  getMany(
    partition: StatePartition,
    keys: readonly string[],
  ): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#read(
      partition,
      () => this.#store.getMany(partition, keys),
      (stored, { values }) =>
        keys.map((key, index) => (values.has(key) ? values.get(key) : stored[index])),
    );
  }

  async scan(partition: StatePartition, options: ScanOptions): Promise<readonly Entry[]> {
    let last: string | undefined;
    const found = await this.#read(
      partition,
      async () => {
        const page = await this.#store.scan(partition, options);
        last = page.length >= options.limit ? page.at(-1)?.key : undefined;
        return page;
      },
      (page, foretold) => mergedPage(page, foretold, options, last).slice(0, options.limit),
    );
    if (last === undefined || found.length === options.limit) return found;
    // Somebody on this page is forgotten: a short page would say that there are no more.
    const limit = options.limit - found.length;
    return [...found, ...(await this.scan(partition, { ...options, after: last, limit }))];
  }

  changesSince(partition: StatePartition, since: Offset): Promise<ChangesSince> {
    return this.#read(
      partition,
      () => this.#storedChanges(partition, since),
      (changes, { position, values }) => {
        const { coveredOffset } = position;
        if (!changes.complete || since > coveredOffset) return changes;
        const keys = since === coveredOffset ? [] : [...changes.keys, ...values.keys()];
        return { complete: true, keys: [...new Set(keys)], coveredOffset };
      },
    );
  }

  /** A reader may stand where only what is foretold reaches: to the store that is beyond its end. */
  async #storedChanges(partition: StatePartition, since: Offset): Promise<ChangesSince> {
    const stored = await this.#store.position(partition);
    const reached = this.#foretold.get(partition)?.position.coveredOffset ?? NO_OFFSET;
    const isBetween = stored !== undefined && since > stored.coveredOffset && since <= reached;
    return this.#store.changesSince(partition, isBetween ? stored.coveredOffset : since);
  }

  claim(partition: StatePartition): ReturnType<StateStore['claim']> {
    return this.#store.claim(partition);
  }

  apply(...request: Parameters<StateStore['apply']>): ReturnType<StateStore['apply']> {
    return this.#store.apply(...request);
  }

  clear(partition: StatePartition): Promise<void> {
    this.#foretold.delete(partition);
    return this.#store.clear(partition);
  }

  sizeBytes(): Promise<number> {
    return this.#store.sizeBytes();
  }

  /** Leaves the store itself to whoever opened it. */
  async close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.close();
    this.#foretold.clear();
  }
}

/** The page with what is foretold of its keys, in the order of a scan. */
const mergedPage = (
  page: readonly Entry[],
  { values }: Foretold,
  { prefix, after }: ScanOptions,
  last: string | undefined,
): Entry[] => {
  const entries = new Map(page.map(({ key, value }) => [key, value]));
  for (const [key, value] of values) {
    if (!key.startsWith(prefix)) continue;
    if (after !== undefined && compareKeys(key, after) <= 0) continue;
    if (last !== undefined && compareKeys(key, last) > 0) continue;
    if (value === undefined) entries.delete(key);
    else entries.set(key, value);
  }
  return [...entries]
    .map(([key, value]) => ({ key, value }))
    .sort((left, right) => compareKeys(left.key, right.key));
};
