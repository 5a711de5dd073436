/** What a seed means: the shape of the installation, how faulty the network is, and what happens when. */
import { STREAM_CRASH_POINTS, type StreamCrashPoint } from '../../stream/crash-points.ts';
import { integerBelow, pick, type Random } from '../faults/seeded-random.ts';
import { type NetworkFaults, PERFECT } from './network.ts';

/** `ms` after the beginning. */
export type Incident = { readonly ms: number } & (
  | { readonly kind: 'crash'; readonly keepUnflushed: boolean }
  | { readonly kind: 'crash point'; readonly point: StreamCrashPoint; readonly pass: number }
  | { readonly kind: 'zombie'; readonly forMs: number }
  | { readonly kind: 'stream paused'; readonly forMs: number }
  | { readonly kind: 'edge killed'; readonly edge: number }
  | { readonly kind: 'log crashed'; readonly keepUnflushed: boolean }
  | { readonly kind: 'state crashed'; readonly keepUnflushed: boolean }
  | { readonly kind: 'slow'; readonly factor: number; readonly forMs: number }
  | {
      readonly kind: 'clock';
      readonly edge: number;
      readonly skewMs: number;
      readonly forMs: number;
    }
  | { readonly kind: 'poison'; readonly topic: string }
  | { readonly kind: 'warehouse lost' }
);

export interface Profile {
  readonly isOneMachine: boolean;
  readonly userPartitions: number;
  readonly itemPartitions: number;
  readonly edges: number;
  readonly clients: number;
  readonly events: number;
  readonly importEvents: number;
  readonly pauseMs: number;
  /** Between clients and edges. */
  readonly clientNetwork: NetworkFaults;
  /** Between processes and services. */
  readonly serviceNetwork: NetworkFaults;
  readonly hintsDropped: number;
  readonly recentEventsMax: number;
  readonly readRecordsMax: number;
  readonly keysPerApply: number;
  readonly flushEveryMs: number;
  readonly incidents: readonly Incident[];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const LENGTH_MS = 4_000;
/** Of which a clock may be off: to 1970, to 2106, by an hour or a day. */
const EPOCH_1970 = 'to 1970';
const EPOCH_2106 = 'to 2106';
const CLOCK_JUMPS = [HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS, EPOCH_1970, EPOCH_2106] as const;

export const skewOf = (jump: (typeof CLOCK_JUMPS)[number], beginMs: number): number => {
  if (jump === EPOCH_1970) return -beginMs;
  return jump === EPOCH_2106 ? 4_294_967_296_000 - beginMs : jump;
};

export const profileOf = (random: Random, beginMs: number): Profile => {
  const isOneMachine = random() < 0.5;
  const some = (chance: number, most: number): number => (random() < chance ? random() * most : 0);
  const edges = isOneMachine ? 1 : 1 + integerBelow(random, 2);
  return {
    isOneMachine,
    userPartitions: 1 + integerBelow(random, 3),
    itemPartitions: 1 + integerBelow(random, 3),
    edges,
    clients: 1 + integerBelow(random, 4),
    events: 60 + integerBelow(random, 140),
    importEvents: random() < 0.5 ? 10 + integerBelow(random, 30) : 0,
    pauseMs: 20 + random() * 80,
    clientNetwork: {
      requestLost: some(0.6, 0.1),
      replyLost: some(0.6, 0.15),
      late: some(0.4, 0.05),
      doubled: some(0.5, 0.1),
    },
    serviceNetwork: isOneMachine
      ? PERFECT
      : {
          requestLost: some(0.5, 0.01),
          replyLost: some(0.5, 0.02),
          late: some(0.5, 0.02),
          doubled: some(0.6, 0.04),
        },
    hintsDropped: pick(random, [0, 0.3, 1]),
    recentEventsMax: pick(random, [4, 64, 10_000]),
    readRecordsMax: pick(random, [3, 40, 4_096]),
    keysPerApply: pick(random, [64, 120, 500, 2_000]),
    flushEveryMs: 100 + random() * 1_500,
    incidents: incidentsOf(random, { isOneMachine, edges, beginMs }),
  };
};

interface Installation {
  readonly isOneMachine: boolean;
  readonly edges: number;
  readonly beginMs: number;
}

const incidentsOf = (random: Random, installation: Installation): readonly Incident[] => {
  const makers = [...ANYWHERE, ...(installation.isOneMachine ? ON_ONE_MACHINE : BETWEEN_MACHINES)];
  const count = integerBelow(random, 8);
  return Array.from({ length: count }, () => ({
    ms: random() * LENGTH_MS,
    ...pick(random, makers)(random, installation),
  })).sort((left, right) => left.ms - right.ms);
};

type WithoutTime<Kind> = Kind extends unknown ? Omit<Kind, 'ms'> : never;
type Maker = (random: Random, installation: Installation) => WithoutTime<Incident>;

/** The warehouse's rebuild is not simulated here: `rebuild` runs at the end. */
const POINTS = STREAM_CRASH_POINTS.filter((name) => !name.includes('rebuild'));

const crashPoint: Maker = (random) => ({
  kind: 'crash point',
  point: pick(random, POINTS),
  pass: 1 + integerBelow(random, 6),
});

const ANYWHERE: readonly Maker[] = [
  crashPoint,
  (random) => ({ kind: 'slow', factor: 5 + random() * 100, forMs: random() * 1_500 }),
  (random, { edges, beginMs }) => ({
    kind: 'clock',
    edge: integerBelow(random, edges),
    skewMs: skewOf(pick(random, CLOCK_JUMPS), beginMs),
    forMs: random() * 2_000,
  }),
  (random) => ({
    kind: 'poison',
    topic: pick(random, ['interactions', 'interactions', 'item-signals', 'catalogue', 'control']),
  }),
  () => ({ kind: 'warehouse lost' }),
];

const ON_ONE_MACHINE: readonly Maker[] = [
  () => ({ kind: 'crash', keepUnflushed: true }),
  () => ({ kind: 'crash', keepUnflushed: false }),
  (random) => ({ kind: 'crash', keepUnflushed: random() < 0.5 }),
  crashPoint,
];

const BETWEEN_MACHINES: readonly Maker[] = [
  (random) => ({ kind: 'zombie', forMs: random() * 2_500 }),
  (random) => ({ kind: 'zombie', forMs: random() * 2_500 }),
  (random) => ({ kind: 'stream paused', forMs: random() * 2_500 }),
  (random, { edges }) => ({ kind: 'edge killed', edge: integerBelow(random, edges) }),
  (random) => ({ kind: 'log crashed', keepUnflushed: random() < 0.5 }),
  (random) => ({ kind: 'state crashed', keepUnflushed: random() < 0.4 }),
];
