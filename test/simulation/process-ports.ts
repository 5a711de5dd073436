/** The ports as one process has them: the services at the far end of the network. */
import type { Offset, PartitionIndex, StatePartition } from '../../schemas/ids.ts';
import type {
  AppendRecord,
  EventLog,
  LogRecord,
  ReadLimits,
} from '../../storage/event-log/event-log.ts';
import type { LiveBus } from '../../storage/live-bus/live-bus.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import { allRowsOf, type MemoryWarehouse } from '../../storage/warehouse/memory-warehouse.ts';
import type { Warehouse } from '../../storage/warehouse/warehouse.ts';
import type { Network } from './network.ts';
import type { Scheduler } from './scheduler.ts';
import type { LogService, StateService } from './services.ts';
import type { SimProcess } from './sim-process.ts';

export interface Between {
  readonly process: SimProcess;
  readonly network: Network;
  readonly scheduler: Scheduler;
}

const TAIL_POLL_MS = 1_000;

export const eventLogOf = (
  { process, network, scheduler }: Between,
  service: LogService,
): EventLog => {
  const log: EventLog = {
    limits: service.log.limits,
    topic: (name) => network.call(process, `topic ${name}`, () => service.log.topic(name)),
    append: (topic, partition, records) => {
      // What the caller does with its records later must not change what travels.
      const copies: readonly AppendRecord[] = records.map((record) => ({ ...record }));
      return network.call(process, `append ${topic}.${partition} ×${copies.length}`, () =>
        service.append(topic, partition, copies),
      );
    },
    read: (topic, partition, from, limits) =>
      network.call(process, `read ${topic}.${partition} @${from}`, () =>
        service.log.read(topic, partition, from, limits),
      ),
    tail: (topic, partition, from, options) =>
      tail({ topic, partition, from, options, log, untilMore }),
    watermarks: (topic, partition) =>
      network.call(process, `watermarks ${topic}.${partition}`, () =>
        service.log.watermarks(topic, partition),
      ),
    sizeBytes: (name, partition) =>
      network.call(process, `size ${name}`, () => service.log.sizeBytes(name, partition)),
    clean: (name, retention, now) =>
      network.call(process, `clean ${name}`, () => service.log.clean(name, retention, now)),
    close: async () => undefined,
  };
  /** Resolves when something may have been appended, or when nobody cares any more. */
  const untilMore = (topic: string, partition: PartitionIndex): Waiting => {
    let cancel = (): void => undefined;
    const more = new Promise<void>((resolve) => {
      const wake = (): void => {
        cancel();
        if (!process.isDead) resolve();
      };
      const forget = service.onAppend(topic, partition, () => {
        scheduler.after(0.05, `hears of ${topic}.${partition}`, wake, process);
      });
      const poll = scheduler.after(TAIL_POLL_MS, `looks at ${topic}.${partition}`, wake, process);
      cancel = () => {
        forget();
        poll.isCancelled = true;
      };
    });
    return { more, cancel };
  };
  return log;
};

interface Waiting {
  readonly more: Promise<void>;
  cancel(): void;
}

async function* tail(given: {
  readonly topic: string;
  readonly partition: PartitionIndex;
  readonly from: Offset;
  readonly options: ReadLimits & { readonly signal: AbortSignal };
  readonly log: EventLog;
  readonly untilMore: (topic: string, partition: PartitionIndex) => Waiting;
}): AsyncIterable<readonly LogRecord[]> {
  const { topic, partition, options, log, untilMore } = given;
  const { signal, ...limits } = options;
  const aborted = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  for (let next = given.from; !signal.aborted; ) {
    // Asked for before reading, so that nothing can be missed in between.
    const { more, cancel } = untilMore(topic, partition);
    try {
      const records = await log.read(topic, partition, next, limits);
      if (records.length === 0) await Promise.race([more, aborted]);
      if (signal.aborted) return;
      if (records.length === 0) continue;
      next = (records.at(-1)!.offset + 1) as Offset;
      yield records;
    } finally {
      cancel();
    }
  }
}

export const stateStoreOf = ({ process, network }: Between, service: StateService): StateStore => {
  const ask = <Result>(what: string, execute: () => Promise<Result>): Promise<Result> =>
    network.call(process, what, execute);
  return {
    limits: service.store.limits,
    // A client that gave up a claim has closed its connection: it must not fence itself later.
    claim: (partition: StatePartition) =>
      network.call(
        process,
        `claim ${partition}`,
        () => service.claim(partition, process),
        'never late',
      ),
    position: (partition) => ask(`position ${partition}`, () => service.store.position(partition)),
    getMany: (partition, keys) =>
      ask(`getMany ${partition} ×${keys.length}`, () => service.store.getMany(partition, keys)),
    scan: (partition, options) =>
      ask(`scan ${partition}`, () => service.store.scan(partition, options)),
    apply: (partition, request) =>
      ask(`apply ${partition} →${request.coveredOffset}`, () =>
        service.apply(partition, request, process),
      ),
    changesSince: (partition, offset) =>
      ask(`changesSince ${partition}`, () => service.store.changesSince(partition, offset)),
    clear: (partition) => ask(`clear ${partition}`, () => service.store.clear(partition)),
    sizeBytes: () => ask('size', () => service.store.sizeBytes()),
    close: async () => undefined,
  };
};

export const warehouseOf = (
  { process, network, scheduler }: Between,
  shared: MemoryWarehouse,
): Warehouse => {
  const adapter = shared.another();
  /** The memory warehouse answers at once: the waiting is done here. */
  const ask = <Result>(what: string, execute: () => Promise<Result>): Promise<Result> =>
    network.call(
      process,
      what,
      () =>
        new Promise<Result>((resolve, reject) => {
          scheduler.after(scheduler.latency(5), what, () => execute().then(resolve, reject));
        }),
    );
  return {
    insert: async (table, pieces, range) => {
      const rows = await allRowsOf(pieces);
      return ask(`insert ${table} ×${rows.length}`, () => adapter.insert(table, rows, range));
    },
    coveredOffset: (place) => ask(`covered ${place.table}`, () => adapter.coveredOffset(place)),
    query: (statement) => adapter.query(statement),
    stream: (statement) => adapter.stream(statement),
    command: (statement) => adapter.command(statement),
    migrate: () => ask('migrate', () => adapter.migrate()),
    ping: () => adapter.ping(),
    close: async () => undefined,
  };
};

/** Hints between processes: in order per publisher, each lost with the given probability. */
export class HintBus {
  readonly #scheduler: Scheduler;
  readonly #dropped: number;
  readonly #subscribers = new Set<{
    readonly process: SimProcess;
    readonly channel: string;
    readonly receive: (message: unknown) => void;
  }>();

  constructor(scheduler: Scheduler, dropped: number) {
    this.#scheduler = scheduler;
    this.#dropped = dropped;
  }

  of(process: SimProcess): LiveBus {
    let lastAtMs = 0;
    return {
      publish: (channel, message) => {
        if (process.isDead) return;
        const { nowMs } = this.#scheduler;
        // Later than the one before, however little.
        lastAtMs = Math.max(lastAtMs + 0.001, nowMs + this.#scheduler.latency(0.3));
        for (const { process: to, channel: heard, receive } of this.#subscribers) {
          if (heard !== channel || this.#scheduler.draw() < this.#dropped) continue;
          this.#scheduler.after(lastAtMs - nowMs, 'hint', () => receive(message), to);
        }
      },
      subscribe: (channel, receive) => {
        const subscriber = { process, channel, receive };
        this.#subscribers.add(subscriber);
        return { close: () => void this.#subscribers.delete(subscriber) };
      },
      counters: () => ({ published: 0, delivered: 0, dropped: 0 }),
      close: async () => undefined,
    };
  }
}
