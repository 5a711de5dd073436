/**
 * P2 on Kafka and Redis: an ingest, a stream and a serving process; from an event to the changed list,
 * read and pushed, while 5,000 other events a second pass through all three. They and all servers share
 * this machine's cores with the load and the probes.
 */
import {
  BACKGROUND,
  FRESHNESS_ITEMS,
  FRESHNESS_SEED,
  freshnessFigures,
  measureFreshness,
  PROBE,
} from '../freshness-rounds.ts';
import { hopFigures, readHops, recordingHops, threadFigures } from '../hop-times.ts';
import {
  type InstanceProcess,
  makeDataDirectory,
  removeDataDirectory,
} from '../instance-process.ts';
import type { ProcessUse } from '../program.ts';
import type { Benchmark, BenchResult, BenchSize, Figure } from '../result.ts';
import { type BenchSite, onBenchSite } from './bench-site.ts';

const COUNTS = { userPartitions: 4, itemPartitions: 4 };
const NAMESPACE = 'freshness';
const FORM = { full: { repetitions: 3, seconds: 12 }, small: { repetitions: 1, seconds: 6 } };
const PUSHED_P99_MAX = 150;
const ROLES = ['ingest', 'stream', 'serving'] as const;

export const distributedFreshness: Benchmark = {
  id: 'P2-distributed',
  title: 'Event to changed list on Kafka and Redis, at 5,000 events/s',
  run: (size) => onBenchSite(COUNTS, (site) => measureOn(site, size)),
};

const measureOn = async (site: BenchSite, size: BenchSize): Promise<BenchResult> => {
  await site.prepare(NAMESPACE);
  const directory = makeDataDirectory();
  try {
    const started = await Promise.all(
      ROLES.map((roles) =>
        site.startProcess({ namespace: NAMESPACE, roles, node: recordingHops(directory) }),
      ),
    );
    const [ingest, , serving] = started as [InstanceProcess, InstanceProcess, InstanceProcess];
    const measured = await measureFreshness({ ingest, serving }, FORM[size]);
    const uses = started.map((each) => each.use());
    await Promise.all(started.map((each) => each.stop()));
    const threads = readHops(directory);
    const journeys = measured.rounds.map((round) => round.journeys);
    return {
      id: 'P2-distributed',
      title: distributedFreshness.title,
      seed: FRESHNESS_SEED,
      figures: [
        ...freshnessFigures(measured, { p99: PUSHED_P99_MAX }),
        ...ROLES.flatMap((role, at) => useFigures(role, uses[at])),
        ...hopFigures(threads, journeys.flat()),
        ...threadFigures(threads, journeys),
      ],
      notes: [
        `${FORM[size].repetitions} × ${FORM[size].seconds} s of ${PROBE.rate} probes a second, half pushed, half read in a loop; ${FRESHNESS_ITEMS} items, ${BACKGROUND.users} people, 4 + 4 partitions. Broker, Redis, ClickHouse, three processes, load and probes on the same cores.`,
      ],
    };
  } finally {
    removeDataDirectory(directory);
  }
};

const useFigures = (role: string, use: ProcessUse | undefined): readonly Figure[] =>
  use === undefined
    ? []
    : [
        { name: `${role}: processor time in all`, value: use.cpuMs / 1_000, unit: 's' },
        { name: `${role}: resident`, value: use.residentBytes / 1024 ** 2, unit: 'MiB' },
      ];
