/**
 * P2: from an event to the changed list, read and pushed, while 5,000 other events a second are taken in
 * durably, streamed and copied to the warehouse. Times count from when an event was due. The program
 * notes when which hop was passed, so the table also says where the time goes.
 */
import {
  BACKGROUND,
  FRESHNESS_ITEMS,
  FRESHNESS_SEED,
  type FreshnessRounds,
  freshnessFigures,
  measureFreshness,
  PROBE,
} from './freshness-rounds.ts';
import type { ThreadRecord } from './hop-recorder.ts';
import { hopFigures, readHops, recordingHops, threadFigures } from './hop-times.ts';
import {
  EMPTY_INSTANCE,
  makeDataDirectory,
  removeDataDirectory,
  startInstanceProcess,
} from './instance-process.ts';
import { type FlushTime, measureFlush } from './machine-base.ts';
import type { Benchmark, BenchResult } from './result.ts';

const REPETITIONS = 3;

export const freshness: Benchmark = {
  id: 'P2',
  title: 'Event to changed list, embedded, at 5,000 events/s',
  async run(): Promise<BenchResult> {
    const directory = makeDataDirectory();
    const hops = makeDataDirectory();
    try {
      const instance = await startInstanceProcess(directory, EMPTY_INSTANCE, recordingHops(hops));
      const flush = measureFlush(directory);
      let measured: FreshnessRounds;
      try {
        const both = { ingest: instance, serving: instance };
        const { seconds } = PROBE;
        measured = await measureFreshness(both, { repetitions: REPETITIONS, seconds });
      } finally {
        await instance.stop();
      }
      return resultOf(flush, measured, readHops(hops));
    } finally {
      removeDataDirectory(directory);
      removeDataDirectory(hops);
    }
  },
};

const resultOf = (
  flush: FlushTime,
  measured: FreshnessRounds,
  threads: readonly ThreadRecord[],
): BenchResult => {
  const journeys = measured.rounds.map((round) => round.journeys);
  return {
    id: 'P2',
    title: freshness.title,
    seed: FRESHNESS_SEED,
    figures: [
      { name: 'fdatasync of a page, p50', value: flush.p50Ms, unit: 'ms' },
      ...freshnessFigures(measured, { p50: 5, p99: 25 }),
      ...hopFigures(threads, journeys.flat()),
      ...threadFigures(threads, journeys),
    ],
    notes: [
      `${REPETITIONS} × ${PROBE.seconds} s of ${PROBE.rate} probes a second, half pushed, half read in a loop; ${FRESHNESS_ITEMS} items, ${BACKGROUND.users} people`,
    ],
  };
};
