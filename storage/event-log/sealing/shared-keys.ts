/**
 * The keys of people where several processes seal and open one log: they lie in a topic of that log
 * (`key-topic.ts`), as durable as what they open. Each process holds the tree in memory and follows the
 * topic; nobody asks anybody for a key.
 *
 * What must not happen is that somebody's event is acknowledged after its key was given up, by a process
 * that had not heard of it. So a key is retired first, on record, and an append is acknowledged only by who
 * knows the topic as it was ten seconds ago or later. Whoever retired a key waits longer than that: then
 * nothing more can come under it but what was answered with an error, and what came in between can be
 * found by reading (`untilNobodySeals`). No process needs to know which others there are.
 */
import type { Clock, Logger } from '../../../schemas/environment.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import type { DurationMs, Offset } from '../../../schemas/ids.ts';
import { TOPICS, type TopicSpec } from '../../../schemas/topics.ts';
import type { AppendRecord, EventLog, LogRecord } from '../event-log.ts';
import { firstRecord } from '../partition-slices.ts';
import type { RandomBytes } from './key-file.ts';
import {
  KEY_PARTITION,
  KEY_TOPIC,
  type KeptKeys,
  keyRecordOf,
  lost,
  momentRecord,
  newTree,
  punctureRecords,
  readKeys,
  retiredRecord,
  staleOffsets,
  withdrawnRecords,
} from './key-topic.ts';
import { KeyTree, type PersonAddress, type TreePlace } from './key-tree.ts';
import { addressOfText, addressText } from './person-address.ts';
import { PersonKeys } from './person-keys.ts';
import { addressOfRecord } from './sealed-record.ts';

export interface SharedKeysOptions {
  /** As it is stored: nothing is sealed or opened on the way. */
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly randomBytes: RandomBytes;
  /** The keys can no longer be followed. */
  readonly onFatal: (error: Error) => void;
  readonly timing?: Partial<SharedKeysTiming>;
}

export interface SharedKeysTiming {
  /** What is older than this is not known well enough to acknowledge an append by. */
  readonly knownMsMax: number;
  readonly lookEveryMs: number;
  /** Between two looks at whether the brokers have cleaned. */
  readonly cleanedEveryMs: number;
  /** How long a file may still lie on a broker's disk that no reader is given any more. */
  readonly fileGoneMs: number;
}

export const DEFAULT_SHARED_KEYS_TIMING: SharedKeysTiming = {
  knownMsMax: 10_000,
  lookEveryMs: 1_000,
  cleanedEveryMs: 1_200,
  fileGoneMs: 2_000,
};

/** Clocks of machines do not run equally fast. */
const CLOCK_MARGIN = 1.1;
const SLICE = { recordsMax: 4_096, bytesMax: 1_048_576 };
const SEALED_TOPICS = Object.values<TopicSpec>(TOPICS).filter(({ isSealed }) => isSealed === true);

export const openSharedKeys = async (options: SharedKeysOptions): Promise<SharedKeys> => {
  const { keys, next } = await providedKeys(options);
  return new SharedKeys(options, keys, next);
};

/** As they stand now, for whoever reads a log once through; undefined where nobody has sealed anything. */
export const readPersonKeys = async ({
  log,
  randomBytes,
}: Pick<SharedKeysOptions, 'log' | 'randomBytes'>): Promise<PersonKeys | undefined> => {
  const { keys } = await readKeys(log);
  return keys && new PersonKeys({ salt: keys.salt, tree: treeOf(keys), randomBytes });
};

export class SharedKeys {
  /** For whoever takes things in: under a retired key nothing more is sealed. */
  readonly edge: PersonKeys;
  /**
   * For the stream, which speaks of what lies in the log: what it sets aside of somebody who is being
   * forgotten is sealed under the key that goes.
   */
  readonly stream: PersonKeys;
  readonly #options: SharedKeysOptions;
  readonly #timing: SharedKeysTiming;
  readonly #treeId: string;
  readonly #tree: KeyTree;
  readonly #stopping = new AbortController();
  readonly #following: Promise<unknown>;
  readonly #waiting = new Set<() => void>();
  readonly #announcedMs = new Map<string, number>();
  /** On record, since this process began; whoever goes by this has heard of it. */
  readonly #retired = new Set<string>();
  /** Seeds that others kept too late, since what is above them had been given up. */
  #refused: TreePlace[] = [];
  #followed: Offset;
  #knownMs: number;

  constructor(options: SharedKeysOptions, kept: KeptKeys, next: Offset) {
    this.#options = options;
    this.#timing = { ...DEFAULT_SHARED_KEYS_TIMING, ...options.timing };
    this.#treeId = kept.treeId;
    this.#tree = treeOf(kept);
    const given = { salt: kept.salt, tree: this.#tree, randomBytes: options.randomBytes };
    this.edge = new PersonKeys(given);
    this.stream = new PersonKeys(given);
    for (const address of kept.retired) this.#retire(address);
    this.#followed = next;
    this.#knownMs = Number.NEGATIVE_INFINITY;
    this.#following = Promise.all([this.#follow(), this.#watch()]);
  }

  /** Resolves once what was appended may be acknowledged; rejects where nobody knows what became of it. */
  async untilCertain(appended: readonly AppendRecord[]): Promise<void> {
    const { clock } = this.#options;
    const { knownMsMax } = this.#timing;
    if (clock.monotonicMs() - this.#knownMs > knownMsMax) {
      await this.#look().catch((cause: unknown) => {
        throw unknownOutcome(knownMsMax, 'no word from the keys of people', cause);
      });
    }
    if (this.#retired.size === 0 || !appended.some((record) => this.#isLate(record))) return;
    throw unknownOutcome(knownMsMax, 'somebody among them was being forgotten meanwhile');
  }

  /** Resolves once everything is known that was on record at the time of the call. */
  async know(): Promise<void> {
    await this.#look();
  }

  /** Puts on record that nothing more is to be sealed under these keys. */
  async announceRetired(addresses: readonly PersonAddress[]): Promise<void> {
    const { log, clock } = this.#options;
    const names = addresses.map(addressText).filter((name) => !this.#announcedMs.has(name));
    if (names.length === 0) return;
    const records = names.map((name) => retiredRecord(this.#treeId, name, clock.now()));
    await log.append(KEY_TOPIC, KEY_PARTITION, records);
    for (const name of names) this.#announcedMs.set(name, clock.monotonicMs());
  }

  /** Resolves once whatever was acknowledged under these keys is in the log, and nothing more can be. */
  async untilNobodySeals(addresses: readonly PersonAddress[], signal: AbortSignal): Promise<void> {
    await this.announceRetired(addresses);
    const latest = Math.max(
      ...addresses.map((address) => this.#announcedMs.get(addressText(address))!),
    );
    const over = latest + this.#timing.knownMsMax * CLOCK_MARGIN;
    const { clock } = this.#options;
    for (let left = over - clock.monotonicMs(); left > 0; left = over - clock.monotonicMs()) {
      await clock.sleep(left as DurationMs, signal);
    }
  }

  /**
   * Resolves once nobody can make these keys again: not from the topic, nor from what its brokers hold.
   * One process at a time may.
   */
  async destroy(addresses: readonly PersonAddress[], signal: AbortSignal): Promise<void> {
    await this.#look();
    for (const address of addresses) {
      while (!this.stream.isDestroyed(address)) await this.#puncture(address);
    }
    await this.#withdrawRefused();
    await this.#untilCleaned(signal);
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#following;
  }

  #isLate(record: AppendRecord): boolean {
    const address = addressOfRecord(record);
    return address !== undefined && this.#retired.has(addressText(address));
  }

  async #puncture(address: PersonAddress): Promise<void> {
    const { log, clock } = this.#options;
    const puncture = this.#tree.punctureAt(address);
    if (puncture === undefined) return;
    const at = clock.now();
    const records = punctureRecords(this.#treeId, puncture, { address: addressText(address), at });
    const { lastOffset } = await log.append(KEY_TOPIC, KEY_PARTITION, records);
    puncture.removed.seed.fill(0);
    await this.#untilFollowed((lastOffset + 1) as Offset);
  }

  /** Two who destroyed keys close by each other in one moment: what the later one kept brings one back. */
  async #withdrawRefused(): Promise<void> {
    if (this.#refused.length === 0) return;
    const { log, clock } = this.#options;
    const withdrawn = withdrawnRecords(this.#treeId, this.#refused, clock.now());
    await log.append(KEY_TOPIC, KEY_PARTITION, withdrawn);
    this.#refused = [];
  }

  /** Brokers clean files that are closed, and close one when something is appended a moment later. */
  async #untilCleaned(signal: AbortSignal): Promise<void> {
    const { log, clock } = this.#options;
    const stale = await staleOffsets(log);
    if (stale.length === 0) return;
    for (const at of stale) {
      while (await this.#canBeRead(at)) {
        await log.append(KEY_TOPIC, KEY_PARTITION, [momentRecord(clock.now())]);
        await clock.sleep(this.#timing.cleanedEveryMs as DurationMs, signal);
      }
    }
    await clock.sleep(this.#timing.fileGoneMs as DurationMs, signal);
  }

  async #canBeRead(at: Offset): Promise<boolean> {
    const record = await firstRecord(this.#options.log, KEY_TOPIC, KEY_PARTITION, at);
    return record?.offset === at;
  }

  async #follow(): Promise<void> {
    const { log, onFatal } = this.#options;
    const { signal } = this.#stopping;
    try {
      const tail = log.tail(KEY_TOPIC, KEY_PARTITION, this.#followed, { ...SLICE, signal });
      for await (const slice of tail) {
        for (const record of slice) this.#take(record);
        this.#wake();
      }
    } catch (error) {
      if (!signal.aborted) onFatal(error as Error);
    }
  }

  #take(record: LogRecord): void {
    this.#followed = (record.offset + 1) as Offset;
    const said = keyRecordOf(record);
    if (said.kind === 'nothing' || said.treeId !== this.#treeId) return;
    if (said.kind === 'kept') {
      if (!this.#tree.hold(said.node)) this.#refused.push(said.node);
    } else if (said.kind === 'given-up') {
      this.#tree.giveUp(said.place);
      this.edge.treeChanged();
      this.stream.treeChanged();
    } else if (said.kind === 'retired') {
      this.#retire(said.address);
    }
  }

  #retire(address: string): void {
    this.#retired.add(address);
    this.edge.retire(addressOfText(address));
  }

  async #watch(): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#look().catch((error: unknown) => {
        logger.debug('cannot see what became of the keys of people', { error });
      });
      await clock.sleep(this.#timing.lookEveryMs as DurationMs, signal).catch(() => undefined);
    }
  }

  /** Afterwards everything is known that was on record when it was called. */
  async #look(): Promise<void> {
    const { log, clock } = this.#options;
    const asOfMs = clock.monotonicMs();
    const { end } = await log.watermarks(KEY_TOPIC, KEY_PARTITION);
    await this.#untilFollowed(end);
    this.#knownMs = Math.max(this.#knownMs, asOfMs);
  }

  async #untilFollowed(end: Offset): Promise<void> {
    while (this.#followed < end) {
      if (this.#stopping.signal.aborted) throw new FreshetError('log_closed');
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

const treeOf = ({ nodes }: KeptKeys): KeyTree => {
  try {
    return new KeyTree(nodes);
  } catch (cause) {
    if (cause instanceof RangeError) throw lost('a part of them', cause);
    throw cause;
  }
};

/** Those that are there; where nobody has any yet, everybody plants a tree and goes by the oldest. */
const providedKeys = async ({
  log,
  clock,
  randomBytes,
}: Pick<SharedKeysOptions, 'log' | 'clock' | 'randomBytes'>): Promise<{
  readonly keys: KeptKeys;
  readonly next: Offset;
}> => {
  const found = await readKeys(log);
  if (found.keys !== undefined) return { keys: found.keys, next: found.next };
  await refuseWhereSealed(log);
  const { treeId, plant, takeOut } = newTree(randomBytes, clock.now());
  await log.append(KEY_TOPIC, KEY_PARTITION, plant);
  const { keys, next } = await readKeys(log);
  if (keys === undefined) throw lost('none, although some were just stored');
  if (keys.treeId !== treeId) await log.append(KEY_TOPIC, KEY_PARTITION, takeOut);
  return { keys, next };
};

/** New keys open nothing of what is there: then the old ones have to be found, not replaced. */
const refuseWhereSealed = async (log: EventLog): Promise<void> => {
  for (const { name } of SEALED_TOPICS) {
    const { partitionCount } = await log.topic(name);
    for (let index = 0; index < partitionCount; index += 1) {
      const partition = index as typeof KEY_PARTITION;
      const { low, end } = await log.watermarks(name, partition);
      if (end === low) continue;
      const newest = await firstRecord(log, name, partition, (end - 1) as Offset);
      if (newest !== undefined && addressOfRecord(newest) !== undefined) {
        throw lost(`none, while ${name} holds sealed records`);
      }
    }
  }
};

const unknownOutcome = (limitMs: number, problem: string, cause?: unknown): FreshetError =>
  new FreshetError('log_unacknowledged', { limitMs, problem }, { cause });
