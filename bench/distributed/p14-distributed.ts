/**
 * P14 on Kafka and Redis: how long one to four stream processes of the program take over the same log,
 * first live (they append what follows from the events), then, the state thrown away, as a rebuild. All
 * processes and servers share this machine's cores, so more processes than cores can bring nothing here.
 */
import { availableParallelism } from 'node:os';
import { Redis } from 'ioredis';
import type { InstanceProcess } from '../instance-process.ts';
import { lineChartSvg } from '../line-chart.ts';
import type { Benchmark, BenchResult, BenchSize, Figure } from '../result.ts';
import { type BenchSite, fillLogUntilNow, onBenchSite, secondsUntilCovered } from './bench-site.ts';

const COUNTS = { userPartitions: 8, itemPartitions: 8 };
const PLAN = { seed: 14, people: 20_000, items: 3_700, ...COUNTS };
const EVENTS = { full: 300_000, small: 20_000 };
const PROCESSES = [1, 2, 3, 4] as const;

export const distributedGrowth: Benchmark = {
  id: 'P14-distributed',
  title: 'One to four stream processes over one log on Kafka and Redis',
  run: (size) => onBenchSite(COUNTS, (site) => measureProcesses(site, size)),
};

interface Times {
  readonly processes: number;
  readonly live: number;
  readonly rebuild: number;
}

const measureProcesses = async (site: BenchSite, size: BenchSize): Promise<BenchResult> => {
  const times: Times[] = [];
  for (const processes of PROCESSES) times.push(await timesOf(site, { processes, size }));
  const cores = availableParallelism();
  const one = times[0]!;
  return {
    id: 'P14-distributed',
    title: distributedGrowth.title,
    seed: PLAN.seed,
    figures: [
      ...times.flatMap(({ processes, live, rebuild }): Figure[] => {
        const name = `${processes} stream ${processes === 1 ? 'process' : 'processes'}`;
        return [
          { name: `${name}: live`, value: live, unit: 's' },
          { name: `${name}: rebuild`, value: rebuild, unit: 's' },
        ];
      }),
      ...times.slice(1).flatMap(({ processes, live, rebuild }): Figure[] => [
        {
          name: `${processes} processes ÷ one, live (${cores} cores for all)`,
          value: one.live / live,
          unit: '×',
          isRatio: true,
        },
        {
          name: `${processes} processes ÷ one, rebuild`,
          value: one.rebuild / rebuild,
          unit: '×',
          isRatio: true,
        },
      ]),
    ],
    notes: [
      `${EVENTS[size]} events of ${PLAN.people} people and ${PLAN.items} items, 8 + 8 partitions; seconds of the clock from the start of the processes until all is covered, their own start (some seconds of processor time each) included. ${cores} cores for broker, Redis, ClickHouse and all processes.`,
    ],
    drawings: { 'stream-processes.svg': chart(times, cores) },
  };
};

const timesOf = async (
  site: BenchSite,
  { processes, size }: { readonly processes: number; readonly size: BenchSize },
): Promise<Times> => {
  const namespace = `processes_${processes}`;
  await site.prepare(namespace);
  const log = await site.openLog(namespace);
  await fillLogUntilNow(log, { ...PLAN, events: EVENTS[size] });
  await log.close();
  const live = await run(site, { namespace, processes });
  const redis = new Redis(site.redis.url);
  await redis.flushall();
  redis.disconnect();
  return { processes, live, rebuild: await run(site, { namespace, processes }) };
};

const run = async (
  site: BenchSite,
  { namespace, processes }: { readonly namespace: string; readonly processes: number },
): Promise<number> => {
  const [log, state] = [await site.openLog(namespace), await site.openState(namespace)];
  const covering = secondsUntilCovered(log, state, COUNTS);
  const started: InstanceProcess[] = await Promise.all(
    Array.from({ length: processes }, () => site.startProcess({ namespace, roles: 'stream' })),
  );
  const { seconds } = await covering;
  await Promise.all(started.map((each) => each.stop()));
  await Promise.all([log.close(), state.close()]);
  return seconds;
};

const chart = (times: readonly Times[], cores: number): string =>
  lineChartSvg({
    title: 'Stream processes on Kafka and Redis, and the time they take',
    xLabel: `stream processes, on ${cores} cores with all servers`,
    yLabel: 'seconds',
    series: [
      {
        name: 'live, appending what follows',
        points: times.map(({ processes, live }) => [processes, live] as const),
      },
      {
        name: 'rebuild',
        points: times.map(({ processes, rebuild }) => [processes, rebuild] as const),
      },
    ],
  });
