/**
 * Ten times what the program can take in, for five minutes, half of it one person's and half of one
 * item: what is let in must be answered in time, the rest told when to come again, memory must not grow,
 * lists must go on, and soon afterwards all must be as before.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type InstanceProcess,
  makeDataDirectory,
  postCatalogue,
  recordsBehind,
  removeDataDirectory,
  startInstanceProcess,
} from './instance-process.ts';
import { latencyOf } from './latency.ts';
import type { OverloadResult } from './overload-load.ts';
import { runProgram } from './program.ts';
import type { Benchmark, BenchResult, BenchSize, Figure } from './result.ts';

const SEED = 27;
const ITEMS = 2_000;
const BATCH = 100;
/** As many as are needed to keep it busy. */
const CAPACITY_CONNECTIONS = 32;
const CONNECTIONS = 512;
const TIMES = 10;
const CALM_SHARE = 0.3;
const RECOVERED_SECONDS_MAX = 30;
const MIB = 1_024 ** 2;
const LOOK_MS = 100;

interface Seconds {
  readonly capacity: number;
  readonly calm: number;
  readonly overload: number;
}

const SECONDS: Readonly<Record<BenchSize, Seconds>> = {
  full: { capacity: 15, calm: 20, overload: 300 },
  small: { capacity: 4, calm: 4, overload: 10 },
};

export const overload: Benchmark = {
  id: 'overload',
  title: 'Ten times the capacity for five minutes, half of one person and one item',
  async run(size: BenchSize): Promise<BenchResult> {
    const directory = makeDataDirectory();
    const instance = await startInstanceProcess(directory);
    try {
      await postCatalogue(instance, ITEMS);
      return {
        id: overload.id,
        title: overload.title,
        seed: SEED,
        figures: figuresOf(await measure(instance, SECONDS[size])),
        notes: [`Requests of ${BATCH} events; lists are read one after the other beside them.`],
      };
    } finally {
      await instance.stop();
      removeDataDirectory(directory);
    }
  },
};

/** A stretch of load, and what was seen of the program meanwhile. */
interface Stretch {
  readonly load: OverloadResult;
  readonly listMs: readonly number[];
  /** Resident, without mapped files. */
  readonly ownBytesMax: number;
  readonly queuedBytesMax: number;
  readonly behindMax: number;
}

interface Measured {
  readonly capacity: Stretch;
  readonly calm: Stretch;
  readonly overload: Stretch;
  readonly recoveredSeconds: number;
}

const measure = async (instance: InstanceProcess, seconds: Seconds): Promise<Measured> => {
  const send = (rate: number, lasts: number, connections = CONNECTIONS): Promise<Stretch> =>
    watched(instance, { port: instance.port, rate, seconds: lasts, connections });
  await send(0, seconds.capacity, CAPACITY_CONNECTIONS);
  await instance.caughtUp();
  const capacity = await send(0, seconds.capacity, CAPACITY_CONNECTIONS);
  await instance.caughtUp();
  const requests = capacity.load.admitted / capacity.load.seconds;
  const calm = await send(requests * CALM_SHARE, seconds.calm);
  await instance.caughtUp();
  const overloaded = await send(requests * TIMES, seconds.overload);
  const begun = performance.now();
  const isCalm = async (): Promise<boolean> => {
    const { load } = await send(requests * CALM_SHARE, 1);
    const isInTime = load.admittedMs.p99 <= 2 * Math.max(1, calm.load.admittedMs.p99);
    return load.refused === 0 && isInTime;
  };
  while (!(await isCalm())) {
    if (performance.now() - begun > 10 * RECOVERED_SECONDS_MAX * 1_000) break;
  }
  const recoveredSeconds = (performance.now() - begun) / 1_000;
  return { capacity, calm, overload: overloaded, recoveredSeconds };
};

const watched = async (
  instance: InstanceProcess,
  load: Readonly<Record<'port' | 'rate' | 'seconds' | 'connections', number>>,
): Promise<Stretch> => {
  const listMs: number[] = [];
  let ownBytesMax = 0;
  let queuedBytesMax = 0;
  let behindMax = 0;
  let isOver = false;
  const watching = (async () => {
    for (let person = 0; !isOver; person = (person + 1) % 100) {
      const begun = performance.now();
      await instance.get(`/v1/users/user-${person}/recommendations`);
      listMs.push(performance.now() - begun);
      const system = await instance.system();
      const use = instance.use();
      // Of the log, which grows, the kernel may take back what it has mapped.
      const ownBytes = use === undefined ? 0 : use.residentBytes - use.fileBytes;
      ownBytesMax = Math.max(ownBytesMax, ownBytes);
      queuedBytesMax = Math.max(queuedBytesMax, system.counters.ingest?.queuedBytes ?? 0);
      behindMax = Math.max(behindMax, recordsBehind(system).stream);
      await sleep(LOOK_MS);
    }
  })();
  const options = { ...load, batch: BATCH, seed: SEED };
  const sent = await runProgram<OverloadResult>('bench/overload-load.ts', options).finally(() => {
    isOver = true;
  });
  await watching;
  return { load: sent, listMs, ownBytesMax, queuedBytesMax, behindMax };
};

const figuresOf = ({ capacity, calm, overload, recoveredSeconds }: Measured): readonly Figure[] => {
  const { load } = overload;
  const eventsPerSecond = ({ load }: Stretch): number => (load.admitted * BATCH) / load.seconds;
  const listP99 = ({ listMs }: Stretch): number => latencyOf(listMs).p99;
  return [
    {
      name: 'capacity, as fast as answers come',
      value: eventsPerSecond(capacity),
      unit: 'events/s',
    },
    { name: 'capacity: answered, p99', value: capacity.load.admittedMs.p99, unit: 'ms' },
    {
      name: 'calm, three tenths of it: answered, p99',
      value: calm.load.admittedMs.p99,
      unit: 'ms',
    },
    { name: 'calm: a list read, p99', value: listP99(calm), unit: 'ms' },
    {
      name: 'overload: sent ÷ capacity',
      value: load.sent / load.seconds / (capacity.load.admitted / capacity.load.seconds),
      unit: '×',
      isRatio: true,
    },
    { name: 'overload: seconds', value: load.seconds, unit: 's' },
    { name: 'overload: due and not sent', value: load.unsent, unit: 'requests' },
    { name: 'overload: let in', value: eventsPerSecond(overload), unit: 'events/s' },
    {
      name: 'overload: let in ÷ capacity',
      value: eventsPerSecond(overload) / eventsPerSecond(capacity),
      unit: '×',
      isRatio: true,
    },
    { name: 'overload: refused', value: load.refused / load.seconds, unit: 'requests/s' },
    {
      name: 'overload: refused without a time',
      value: load.withoutTime,
      unit: 'requests',
      reach: { atMost: 0 },
    },
    { name: 'overload: failed', value: load.failed, unit: 'requests', reach: { atMost: 0 } },
    { name: 'overload: let in, p50', value: load.admittedMs.p50, unit: 'ms' },
    { name: 'overload: let in, p99', value: load.admittedMs.p99, unit: 'ms' },
    ...(load.refused === 0
      ? []
      : [{ name: 'overload: refused, p99', value: load.refusedMs.p99, unit: 'ms' }]),
    {
      name: 'overload ÷ capacity: answered, p99',
      value: load.admittedMs.p99 / capacity.load.admittedMs.p99,
      unit: '×',
      isRatio: true,
      reach: { atMost: 2 },
    },
    { name: 'overload: a list read, p99', value: listP99(overload), unit: 'ms' },
    {
      name: 'overload: waiting for the disk, at most',
      value: overload.queuedBytesMax / MIB,
      unit: 'MiB',
    },
    { name: 'overload: stream behind, at most', value: overload.behindMax, unit: 'records' },
    {
      name: 'resident without files at most, at capacity',
      value: capacity.ownBytesMax / MIB,
      unit: 'MiB',
    },
    {
      name: 'resident without files at most, overload',
      value: overload.ownBytesMax / MIB,
      unit: 'MiB',
    },
    {
      name: 'as before again, after',
      value: recoveredSeconds,
      unit: 's',
      reach: { atMost: RECOVERED_SECONDS_MAX },
    },
  ];
};
