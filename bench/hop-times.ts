/**
 * What the hop recorder wrote, as figures: how long probed events took from each hop to the next, and
 * how late the threads of the program ran meanwhile.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOPS, type Hop } from '../schemas/journey.ts';
import type { ProbeJourney } from './freshness-probe.ts';
import { HOP_DIRECTORY_NAME, type ThreadRecord } from './hop-recorder.ts';
import type { Figure } from './result.ts';

/** What Node.js is told so that the program writes its hops into the directory when it ends. */
export const recordingHops = (directory: string) => ({
  args: ['--import', join(import.meta.dirname, 'hop-recorder.ts')],
  environment: { [HOP_DIRECTORY_NAME]: directory },
});

export const readHops = (directory: string): readonly ThreadRecord[] =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(join(directory, name), 'utf8')) as ThreadRecord);

/** Of each hop and partition, offsets and times in the order of both. */
class Passings {
  readonly #byPlace = new Map<string, { readonly offsets: number[]; readonly times: number[] }>();

  constructor(threads: readonly ThreadRecord[]) {
    const all = threads.flatMap(({ passed }) => passed).sort((a, b) => a[3] - b[3]);
    for (const [hop, partition, offset, atMs] of all) {
      const place = `${hop} ${partition}`;
      const known = this.#byPlace.get(place) ?? { offsets: [], times: [] };
      this.#byPlace.set(place, known);
      if (offset <= (known.offsets.at(-1) ?? -1)) continue;
      known.offsets.push(offset);
      known.times.push(atMs);
    }
  }

  /** When everything up to the offset had passed. */
  at(hop: Hop, partition: number, offset: number): number {
    const { offsets, times } = this.#byPlace.get(`${hop} ${partition}`) ?? EMPTY;
    let from = 0;
    for (let to = offsets.length; from < to; ) {
      const middle = (from + to) >>> 1;
      if (offsets[middle]! >= offset) to = middle;
      else from = middle + 1;
    }
    return times[from] ?? Number.NaN;
  }
}

const EMPTY = { offsets: [], times: [] };

const HOP_NAMES: readonly string[] = [
  'due → sent by the probe',
  '→ received and checked',
  '→ handed to the log',
  '→ durable',
  '→ read by the stream',
  '→ flush begun',
  '→ signals for items durable',
  '→ state applied',
  '→ heard by serving',
  '→ list made and handed to the socket',
  '→ taken by the probe',
];

export const hopFigures = (
  threads: readonly ThreadRecord[],
  journeys: readonly ProbeJourney[],
): readonly Figure[] => {
  const passings = new Passings(threads);
  const stops = journeys.map(({ partition, offset, dueMs, sentMs, changedMs }) => [
    dueMs,
    sentMs,
    ...HOPS.map((hop) => passings.at(hop, partition, offset)),
    changedMs,
  ]);
  return HOP_NAMES.flatMap((name, hop) => {
    const times = stops.map((at) => at[hop + 1]! - at[hop]!).sort((left, right) => left - right);
    return QUANTILES.map(
      ([quantile, share]): Figure => ({
        name: `${name}, ${quantile}`,
        value: times[Math.floor(share * times.length)] ?? Number.NaN,
        unit: 'ms',
      }),
    );
  });
};

const QUANTILES = [
  ['p50', 0.5],
  ['p99', 0.99],
] as const;

const MAIN_THREAD = 0;

/** While the probes ran: a thread that is late makes everything late that waits for it. */
export const threadFigures = (
  threads: readonly ThreadRecord[],
  rounds: readonly (readonly ProbeJourney[])[],
): readonly Figure[] => {
  const spans = rounds
    .filter((journeys) => journeys.length > 0)
    .map((journeys) => ({ fromMs: journeys[0]!.dueMs, toMs: journeys.at(-1)!.dueMs }));
  const seconds = spans.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0) / 1_000;
  const isWithin = ([atMs]: readonly [number, number]): boolean =>
    spans.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs);
  return threads.flatMap(({ thread, stalls, collections }) => {
    const name = thread === MAIN_THREAD ? 'main thread' : `stream thread ${thread}`;
    const late = stalls.filter(isWithin).map(([, ms]) => ms);
    const collected = collections.filter(isWithin).map(([, ms]) => ms);
    return [
      { name: `${name}: over 10 ms late`, value: late.length / seconds, unit: 'times a second' },
      { name: `${name}: late at most`, value: Math.max(0, ...late), unit: 'ms' },
      { name: `${name}: longest collection`, value: Math.max(0, ...collected), unit: 'ms' },
    ];
  });
};
