/**
 * P10 on Kafka and Redis: a stream and a serving process, started with a million events behind the last
 * state, until both say that they are ready; then started with no state at all.
 */
import { Redis } from 'ioredis';
import type { Benchmark, BenchResult, BenchSize } from '../result.ts';
import {
  type BenchSite,
  fillLogBefore,
  fillLogUntilNow,
  onBenchSite,
  secondsUntilCovered,
  untilReady,
} from './bench-site.ts';

const COUNTS = { userPartitions: 4, itemPartitions: 4 };
const PLAN = { seed: 10, people: 20_000, items: 3_700, ...COUNTS };
const EVENTS = { full: 1_000_000, small: 50_000 };
/** What the state covers before the rest is logged. */
const BEFORE = { full: 10_000, small: 1_000 };
const READY_SECONDS_MAX = 90;
const NAMESPACE = 'recovery';

export const distributedRecovery: Benchmark = {
  id: 'P10-distributed',
  title: 'Recovery with 1,000,000 events behind the state on one Redis, and rebuild',
  run: (size) => onBenchSite(COUNTS, (site) => measureRecovery(site, size)),
};

const measureRecovery = async (site: BenchSite, size: BenchSize): Promise<BenchResult> => {
  await site.prepare(NAMESPACE);
  const log = await site.openLog(NAMESPACE);
  await fillLogBefore(log, { ...PLAN, seed: PLAN.seed + 1, events: BEFORE[size] });
  await secondsToReady(site);
  await fillLogUntilNow(log, { ...PLAN, events: EVENTS[size] });
  await log.close();
  const recovered = await secondsToReady(site);
  const redis = new Redis(site.redis.url);
  await redis.flushall();
  redis.disconnect();
  const rebuilt = await secondsToReady(site);
  return {
    id: 'P10-distributed',
    title: distributedRecovery.title,
    seed: PLAN.seed,
    figures: [
      {
        name: 'until stream and serving were ready',
        value: recovered.ready,
        unit: 's',
        reach: { atMost: READY_SECONDS_MAX },
      },
      { name: 'until nothing was behind', value: recovered.covered, unit: 's' },
      {
        name: 'events a second meanwhile',
        value: EVENTS[size] / recovered.covered,
        unit: 'events/s',
      },
      { name: 'until ready without any state', value: rebuilt.ready, unit: 's' },
      {
        name: 'rebuild, start of the processes included',
        value: (EVENTS[size] + BEFORE[size]) / rebuilt.covered,
        unit: 'events/s',
      },
    ],
    notes: [
      `${EVENTS[size]} events of ${PLAN.people} people and ${PLAN.items} items, 4 + 4 partitions; one stream and one serving process, their start and the warehouse copying beside it included; all servers on the same cores.`,
    ],
  };
};

const secondsToReady = async (site: BenchSite) => {
  const [log, state] = [await site.openLog(NAMESPACE), await site.openState(NAMESPACE)];
  const begun = performance.now();
  const covering = secondsUntilCovered(log, state, COUNTS);
  const started = await Promise.all(
    ['stream', 'serving'].map((roles) => site.startProcess({ namespace: NAMESPACE, roles })),
  );
  await Promise.all(started.map(untilReady));
  const ready = (performance.now() - begun) / 1_000;
  const { seconds: covered } = await covering;
  await Promise.all(started.map((each) => each.stop()));
  await Promise.all([log.close(), state.close()]);
  return { ready, covered };
};
