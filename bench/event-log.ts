/**
 * What the embedded log and state sustain, beside what the disk does: appends one by one and in batches,
 * reads, the call from one thread to another, and applies. Run it alone with `node bench/event-log.ts`,
 * or take `measureEventLog` and `measureStateStore` into a larger run.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { systemClock } from '../runtime/clock.ts';
import {
  epochMs,
  type LogId,
  NO_OFFSET,
  offset,
  partitionIndex,
  statePartition,
} from '../schemas/ids.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { AppendRecord, EventLog } from '../storage/event-log/event-log.ts';
import { openLmdbEventLog } from '../storage/event-log/lmdb-event-log.ts';
import { openLmdbStateStore } from '../storage/state-store/lmdb-state-store.ts';

export interface Measurement {
  readonly what: string;
  readonly perSecond?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly cpuMicroseconds?: number;
}

const PARTITIONS = 4;
const TOPIC = TOPICS.interactions.name;

/** About what an encoded interaction takes. */
const RECORD: AppendRecord = {
  key: new TextEncoder().encode('u:user-12345'),
  value: new Uint8Array(160).fill(7),
  timestamp: epochMs(1_700_000_000_000),
};

const openLog = (directory: string): Promise<EventLog> =>
  openLmdbEventLog({
    directory,
    topics: [{ spec: TOPICS.interactions, partitionCount: PARTITIONS }],
    clock: systemClock,
    random: () => 0.5,
  });

export const measureEventLog = async (): Promise<readonly Measurement[]> => {
  const directory = mkdtempSync(join(tmpdir(), 'freshet-bench-'));
  const log = await openLog(directory);
  const measured = [
    await measureFlush(directory),
    await measureAppends(log, { callers: 1, batch: 1, appends: 2_000 }),
    await measureAppends(log, { callers: 64, batch: 1, appends: 60_000 }),
    await measureAppends(log, { callers: 256, batch: 1, appends: 120_000 }),
    await measureAppends(log, { callers: 1, batch: 100, appends: 1_000 }),
    await measureAppends(log, { callers: 8, batch: 100, appends: 5_000 }),
    await measureReads(log),
    await measureCalls(log, directory),
  ];
  await log.close();
  rmSync(directory, { recursive: true });
  return measured;
};

export const measureStateStore = async (): Promise<readonly Measurement[]> => {
  const measured: Measurement[] = [];
  for (const shape of [
    { keys: 1, valueBytes: 1_000, population: 100_000 },
    { keys: 100, valueBytes: 1_000, population: 10_000 },
    { keys: 400, valueBytes: 1_000, population: 100_000 },
  ]) {
    measured.push(...(await measureApplies(shape)));
  }
  return measured;
};

/** A page written and flushed: what every durable append costs at the least. */
const measureFlush = async (directory: string): Promise<Measurement> => {
  const file = openSync(join(directory, 'flush'), 'w');
  const page = Buffer.alloc(4_096, 1);
  const measured = await measure('fdatasync of one page', 500, async () => {
    writeSync(file, page);
    fdatasyncSync(file);
  });
  closeSync(file);
  return measured;
};

const measureAppends = async (
  log: EventLog,
  { callers, batch, appends }: { callers: number; batch: number; appends: number },
): Promise<Measurement> => {
  const records = new Array<AppendRecord>(batch).fill(RECORD);
  const what = `append, batches of ${batch}, ${callers} callers`;
  return measure(
    what,
    appends,
    async (number) => {
      await log.append(TOPIC, partitionIndex(number % PARTITIONS), records);
    },
    { callers, each: batch },
  );
};

const measureReads = async (log: EventLog): Promise<Measurement> => {
  const P0 = partitionIndex(0);
  const { end } = await log.watermarks(TOPIC, P0);
  let at = offset(0);
  const slices: number[] = [];
  const measured = await measure('read, slices of 1,000', Math.floor(end / 1_000), async () => {
    const slice = await log.read(TOPIC, P0, at, { recordsMax: 1_000, bytesMax: 1_000_000 });
    slices.push(slice.length);
    at = offset(slice[slice.length - 1]!.offset + 1);
  });
  const mean = slices.reduce((sum, length) => sum + length, 0) / slices.length;
  return scaled(measured, mean);
};

/** From the call of append to the moment that another thread has read the record. */
const measureCalls = async (log: EventLog, directory: string): Promise<Measurement> => {
  const P1 = partitionIndex(1);
  const { end } = await log.watermarks(TOPIC, P1);
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { directory, end } });
  const heard = (): Promise<void> =>
    new Promise((resolve) => worker.once('message', () => resolve()));
  await heard();
  const measured = await measure(
    'append until another thread has read it and said so',
    500,
    async () => {
      const reply = heard();
      await log.append(TOPIC, P1, [RECORD]);
      await reply;
    },
  );
  const exited = new Promise((resolve) => worker.once('exit', resolve));
  worker.postMessage('stop');
  await exited;
  return measured;
};

const answerCalls = async (port: NonNullable<typeof parentPort>): Promise<void> => {
  const { directory, end } = workerData as { directory: string; end: number };
  const log = await openLog(directory);
  const stop = new AbortController();
  port.once('message', () => stop.abort());
  const limits = { recordsMax: 100, bytesMax: 100_000, signal: stop.signal };
  port.postMessage('ready');
  for await (const _ of log.tail(TOPIC, partitionIndex(1), offset(end), limits))
    port.postMessage('seen');
  await log.close();
};

const measureApplies = async ({
  keys,
  valueBytes,
  population,
}: {
  keys: number;
  valueBytes: number;
  population: number;
}): Promise<readonly Measurement[]> => {
  const directory = mkdtempSync(join(tmpdir(), 'freshet-bench-'));
  const store = await openLmdbStateStore({ directory });
  const partition = statePartition('interactions', partitionIndex(0));
  const { epoch } = await store.claim(partition);
  let covered = NO_OFFSET as number;
  const applyKeys = async (chosen: readonly string[]) => {
    const changes = chosen.map((key) => ({ key, value: new Uint8Array(valueBytes).fill(covered) }));
    const expectedOffset = offset(covered);
    covered += 1;
    await store.apply(partition, {
      epoch,
      expectedOffset,
      coveredOffset: offset(covered),
      logId: 'bench' as LogId,
      recordHash: 0,
      changes,
    });
  };
  const keyOf = (number: number): string => `subject:u:user-${number}`;
  for (let first = 0; first < population; first += 400) {
    await applyKeys(Array.from({ length: 400 }, (_, at) => keyOf(first + at)));
  }
  // Steps of a large odd number visit the population as if at random.
  const choose = (number: number): readonly string[] =>
    Array.from({ length: keys }, (_, at) => keyOf(((number * keys + at) * 7_919) % population));
  const count = Math.max(200, Math.floor(20_000 / keys));
  const shape = `${keys} of ${population} keys, ${valueBytes} B`;
  const applies = await measure(`apply, ${shape}`, count, (number) => applyKeys(choose(number)));
  const reads = await measure(`getMany, ${shape}`, count, async (number) => {
    await store.getMany(partition, choose(number));
  });
  await store.close();
  rmSync(directory, { recursive: true });
  return [scaled(applies, keys), scaled(reads, keys)];
};

/** Runs `work` so many times from so many callers at once. */
const measure = async (
  what: string,
  times: number,
  work: (number: number) => Promise<void>,
  { callers = 1, each = 1 }: { callers?: number; each?: number } = {},
): Promise<Measurement> => {
  const latencies: number[] = [];
  let next = 0;
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const call = async () => {
    while (next < times) {
      const number = next;
      next += 1;
      const began = performance.now();
      await work(number);
      latencies.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: callers }, call));
  const seconds = (performance.now() - start) / 1_000;
  const cpu = process.cpuUsage(cpuBefore);
  latencies.sort((left, right) => left - right);
  return {
    what,
    perSecond: (times * each) / seconds,
    p50Ms: latencies[Math.floor(times * 0.5)]!,
    p99Ms: latencies[Math.floor(times * 0.99)]!,
    cpuMicroseconds: (cpu.user + cpu.system) / (times * each),
  };
};

const scaled = (measured: Measurement, each: number): Measurement => ({
  ...measured,
  perSecond: (measured.perSecond ?? 0) * each,
  cpuMicroseconds: (measured.cpuMicroseconds ?? 0) / each,
});

const print = ({ what, perSecond = 0, p50Ms = 0, p99Ms = 0, cpuMicroseconds = 0 }: Measurement) => {
  const columns = [
    what.padEnd(52),
    `${Math.round(perSecond).toLocaleString('en')}/s`.padStart(12),
    `p50 ${p50Ms.toFixed(2)} ms`.padStart(14),
    `p99 ${p99Ms.toFixed(2)} ms`.padStart(14),
    `${cpuMicroseconds.toFixed(1)} µs cpu`.padStart(14),
  ];
  process.stdout.write(`${columns.join('  ')}\n`);
};

if (!isMainThread && parentPort && workerData?.directory) await answerCalls(parentPort);
else if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const measured of [...(await measureEventLog()), ...(await measureStateStore())]) {
    print(measured);
  }
}
