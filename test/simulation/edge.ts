/** An edge of the simulation: the real ingest, and a follower of the state as serving has it. */
import { type Ingest, openIngest } from '../../ingest/ingest.ts';
import type { EventInput, EventsAnswer } from '../../schemas/api/events.ts';
import type { Logger } from '../../schemas/environment.ts';
import { FreshetError, isFreshetError } from '../../schemas/errors.ts';
import type { DurationMs, StatePartition } from '../../schemas/ids.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { DEFAULT_SERVING_OPTIONS } from '../../serving/options.ts';
import { type StateChangeNotice, StateFollower } from '../../serving/state-follower.ts';
import type { EventLog } from '../../storage/event-log/event-log.ts';
import type { LiveBus } from '../../storage/live-bus/live-bus.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import type { Random } from '../faults/seeded-random.ts';
import type { SimProcess } from './sim-process.ts';
import type { Watch } from './watch.ts';

export interface EdgeSurroundings {
  readonly process: SimProcess;
  readonly eventLog: EventLog;
  readonly stateStore: StateStore;
  readonly liveBus: LiveBus;
  readonly logger: Logger;
  readonly random: Random;
  readonly watch: Watch;
  readonly recentEventsMax: number;
  readonly followed: readonly StatePartition[];
}

const AGAIN_MS = 300 as DurationMs;
const SCAN_PAGE = 50;

export class Edge {
  readonly process: SimProcess;
  readonly #given: EdgeSurroundings;
  #ingest: Ingest | undefined;
  /** What the follower has read, by partition and key. */
  readonly copies = new Map<StatePartition, Map<string, Uint8Array>>();

  constructor(given: EdgeSurroundings) {
    this.process = given.process;
    this.#given = given;
  }

  start(): void {
    void this.#again(() => this.#open());
    void this.#again(() => this.#follow());
  }

  get ingest(): Ingest | undefined {
    return this.#ingest;
  }

  async take(events: readonly EventInput[]): Promise<EventsAnswer> {
    if (this.#ingest === undefined) {
      throw new FreshetError('unavailable', { why: 'the edge is starting' });
    }
    return this.process.waitFor(this.#ingest.events.take(events));
  }

  /** A start that fails because somebody does not answer is tried again; any other is a fault. */
  async #again(start: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await start();
        return;
      } catch (error) {
        if (!isFreshetError(error, 'unavailable')) {
          this.#given.watch.report(`${this.process.name} does not start: ${error}`);
          return;
        }
        await this.process.clock.sleep(AGAIN_MS);
      }
    }
  }

  async #open(): Promise<void> {
    const { eventLog, process, random, logger, recentEventsMax, watch } = this.#given;
    const ingest = await openIngest({
      log: eventLog,
      clock: process.clock,
      random,
      logger,
      kinds: kindTable(DEFAULT_KINDS),
      configVersion: 1,
      options: { recentEventsMax },
      currentItem: () => undefined,
      onStorageFailed: (error) => watch.report(`${process.name} gave its log up: ${error}`),
    });
    await ingest.seed();
    this.#ingest = ingest;
  }

  async #follow(): Promise<void> {
    const { stateStore, liveBus, process, logger, followed } = this.#given;
    const { follow } = DEFAULT_SERVING_OPTIONS;
    const follower = new StateFollower({
      stateStore,
      liveBus,
      clock: process.clock,
      logger,
      options: follow,
      onPoll: () => undefined,
    });
    for (const partition of followed) {
      const listener = {
        changed: ({ keys }: StateChangeNotice) => this.#read(partition, keys),
        reset: () => this.#readAll(partition),
      };
      const isItems = partition.startsWith(`${TOPICS.itemSignals.name}.`);
      follower.follow(partition, listener, isItems ? { rest: follow.itemRest } : {});
    }
    try {
      await follower.start();
    } catch (error) {
      void follower.stop();
      throw error;
    }
  }

  async #read(partition: StatePartition, keys: readonly string[]): Promise<void> {
    const values = await this.#given.stateStore.getMany(partition, keys);
    const copy = this.copies.get(partition) ?? new Map<string, Uint8Array>();
    this.copies.set(partition, copy);
    keys.forEach((key, index) => {
      const value = values[index];
      if (value === undefined) copy.delete(key);
      else copy.set(key, value);
    });
  }

  async #readAll(partition: StatePartition): Promise<void> {
    const copy = new Map<string, Uint8Array>();
    for (let after: string | undefined; ; ) {
      const page = await this.#given.stateStore.scan(partition, {
        prefix: '',
        limit: SCAN_PAGE,
        ...(after === undefined ? {} : { after }),
      });
      for (const { key, value } of page) copy.set(key, value);
      after = page.at(-1)?.key;
      if (page.length < SCAN_PAGE) break;
    }
    this.copies.set(partition, copy);
  }
}
