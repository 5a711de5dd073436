/**
 * P3 on Kafka and Redis: what one stream process and one Redis take in a second. Once as the program is
 * started, reading its log from the beginning into an empty state; once the stream alone, beside the
 * same applies written by nobody but the adapter. All servers share this machine's cores.
 */
import { spreadOf } from '../machine-base.ts';
import { runProgram } from '../program.ts';
import type { Benchmark, BenchResult, BenchSize } from '../result.ts';
import {
  type BenchSite,
  fillLogUntilNow,
  onBenchSite,
  rateOfCurve,
  secondsUntilCovered,
} from './bench-site.ts';
import type { ReplayAnswer } from './replay-process.ts';

const COUNTS = { userPartitions: 4, itemPartitions: 4 };
const PLAN = { seed: 3, people: 20_000, items: 3_700, ...COUNTS };
const EVENTS = { full: 200_000, small: 30_000 };
const REPETITIONS = { full: 3, small: 1 };

export const distributedReplay: Benchmark = {
  id: 'P3-distributed',
  title: 'Stream path in replay on Kafka and Redis, one stream process and one Redis',
  run: (size) => onBenchSite(COUNTS, (site) => measureReplays(site, size)),
};

const measureReplays = async (site: BenchSite, size: BenchSize): Promise<BenchResult> => {
  const events = EVENTS[size];
  const alone: ReplayAnswer[] = [];
  const programs: number[] = [];
  for (let round = 0; round < REPETITIONS[size]; round += 1) {
    programs.push(await programRate(site, `program_${round}`, events));
    alone.push(await replayAlone(site, `alone_${round}`, events));
  }
  const program = spreadOf(programs);
  const stream = spreadOf(alone.map(({ streamMs }) => (1_000 * events) / streamMs));
  const raw = spreadOf(alone.map(({ rawMs }) => (1_000 * events) / rawMs));
  const ratio = spreadOf(alone.map(({ rawMs, streamMs }) => rawMs / streamMs));
  const cpu = spreadOf(alone.map(({ streamCpuMs }) => (1_000 * streamCpuMs) / events));
  const [first] = alone;
  return {
    id: 'P3-distributed',
    title: distributedReplay.title,
    seed: PLAN.seed,
    figures: [
      {
        name: 'a stream process of the program',
        value: program.median,
        unit: 'events/s',
        spread: program.spread,
        reach: { atLeast: 12_000 },
      },
      {
        name: 'the stream alone',
        value: stream.median,
        unit: 'events/s',
        spread: stream.spread,
      },
      {
        name: 'the same applies written again, without it',
        value: raw.median,
        unit: 'events/s',
        spread: raw.spread,
      },
      {
        name: 'the stream ÷ its applies alone',
        value: ratio.median,
        unit: '×',
        spread: ratio.spread,
        isRatio: true,
        reach: { atLeast: 0.6 },
      },
      { name: 'processor time of the stream’s process', value: cpu.median, unit: 'µs/event' },
      {
        name: 'applies for each thousand events',
        value: (1_000 * first!.applies) / events,
        unit: '',
      },
      { name: 'values written for an event', value: first!.values / events, unit: '' },
      { name: 'bytes written for an event', value: first!.bytes / events, unit: 'B' },
    ],
    notes: [
      `${events} events of ${PLAN.people} people and ${PLAN.items} items, 4 + 4 partitions, ${REPETITIONS[size]} times; the program’s rate counts from when a tenth was covered. Broker, Redis and ClickHouse are on the same cores.`,
    ],
  };
};

const programRate = async (site: BenchSite, namespace: string, events: number): Promise<number> => {
  const [log, state] = [await site.openLog(namespace), await site.openState(namespace)];
  await fillLogUntilNow(log, { ...PLAN, events });
  // It may have covered much before it listens.
  const covering = secondsUntilCovered(log, state, COUNTS);
  const program = await site.startProcess({ namespace, roles: 'stream' });
  const { curve } = await covering;
  await program.stop();
  await Promise.all([log.close(), state.close()]);
  return rateOfCurve(curve);
};

const replayAlone = async (
  site: BenchSite,
  namespace: string,
  events: number,
): Promise<ReplayAnswer> => {
  const log = await site.openLog(namespace);
  await fillLogUntilNow(log, { ...PLAN, events });
  await log.close();
  return runProgram<ReplayAnswer>('bench/distributed/replay-process.ts', {
    ...COUNTS,
    brokers: site.brokers.join(','),
    redis: site.redis.url,
    namespace,
  });
};
