/**
 * P3: the whole stream path in replay, from a full log to empty state: decode, dedupe, sessions,
 * history, pair deltas, co-visitation, popularity and trend, state with its offset. The rate is per
 * core of processor time, all threads of the process counted, so that neighbours on the machine
 * matter little; beside it what decoding the same records alone costs.
 */
import { decodeRecord, encodeRecord } from '../schemas/avro/record-codec.ts';
import { spreadOf } from './machine-base.ts';
import type { Benchmark, BenchResult } from './result.ts';
import { measure } from './stream/replay-run.ts';
import { replayInThread } from './stream/replay-thread.ts';
import { syntheticInteractions } from './stream/synthetic-interactions.ts';

const PLAN = { seed: 3, events: 300_000, people: 20_000, items: 3_700 };
/** As the program makes them for one stream worker. */
const PARTITIONS = { userPartitions: 1, itemPartitions: 1 };
const REPETITIONS = 3;

export const streamReplay: Benchmark = {
  id: 'P3',
  title: 'Stream path in replay, embedded, per core of processor time',
  async run(): Promise<BenchResult> {
    const decoding: number[] = [];
    for (let run = 0; run < REPETITIONS; run++) decoding.push(await decodeRate());
    const costs = await replayInThread({ ...PLAN, ...PARTITIONS }, REPETITIONS);
    const [withVectors] = await replayInThread({ ...PLAN, ...PARTITIONS, hasVectors: true }, 1);
    const rates = costs.map(({ cpuMs }) => (1_000 * PLAN.events) / cpuMs);
    const walls = costs.map(({ wallMs }) => (1_000 * PLAN.events) / wallMs);
    const { median, spread } = spreadOf(rates);
    const decode = spreadOf(decoding);
    return {
      id: 'P3',
      title: streamReplay.title,
      seed: PLAN.seed,
      figures: [
        {
          name: 'events per second of one core',
          value: median,
          unit: 'events/s',
          reach: { atLeast: 50_000 },
          spread,
        },
        {
          name: 'the same with people’s vectors of 64 numbers',
          value: (1_000 * PLAN.events) / withVectors!.cpuMs,
          unit: 'events/s',
        },
        {
          name: 'processor time that vectors add, an event',
          value: (1_000 * (withVectors!.cpuMs - (1_000 * PLAN.events) / median)) / PLAN.events,
          unit: 'µs',
        },
        {
          name: 'events per second of the clock',
          value: spreadOf(walls).median,
          unit: 'events/s',
          spread: spreadOf(walls).spread,
        },
        {
          name: 'decoding alone, per second of one core',
          value: decode.median,
          unit: 'events/s',
          spread: decode.spread,
        },
        {
          name: 'whole path ÷ decoding alone',
          value: median / decode.median,
          unit: '×',
          isRatio: true,
        },
      ],
      notes: [
        `${PLAN.events} events of ${PLAN.people} people and ${PLAN.items} items, 1 + 1 partitions, ${REPETITIONS} times`,
      ],
    };
  },
};

/** P3 once, on fewer events: what others are compared with in their own run. */
export const streamRate = async (events: number): Promise<number> => {
  const [cost] = await replayInThread({ ...PLAN, ...PARTITIONS, events }, 1);
  return (1_000 * events) / cost!.cpuMs;
};

const decodeRate = async (): Promise<number> => {
  const events = 100_000;
  const values = [...syntheticInteractions({ ...PLAN, events })].map((record) =>
    encodeRecord('Interaction', record),
  );
  const { cpuMs } = await measure(async () => {
    for (const value of values) decodeRecord(value);
  });
  return (1_000 * events) / cpuMs;
};
