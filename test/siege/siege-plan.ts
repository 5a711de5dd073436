/**
 * The blows of a siege, all out of one seed: whom each hits, after how many events, and for how long the
 * victim stays away (in events, too, so that a slow machine sees the same siege).
 */
import { INGEST_CRASH_POINTS } from '../../ingest/crash-points.ts';
import { STREAM_CRASH_POINTS } from '../../stream/crash-points.ts';
import { integerBelow, pick, type Random } from '../faults/seeded-random.ts';

export type ServerKind = 'kafka' | 'redis' | 'clickhouse';

/** Who or what is hit, and how. */
type Stroke =
  | {
      readonly what: 'program';
      readonly seats: readonly number[];
      /** Killed once more, so long after it was started again. */
      readonly whileStartingMs: number | undefined;
    }
  /** Asked to end, while it is busy. */
  | { readonly what: 'stop'; readonly seat: number }
  /** Dies by itself, on its so-manieth pass of a crash point. */
  | { readonly what: 'point'; readonly seat: number; readonly point: string; readonly pass: number }
  /** Stands still for longer than others wait for it, and goes on. */
  | { readonly what: 'sleeper'; readonly seat: number }
  | {
      readonly what: 'server';
      readonly server: ServerKind;
      readonly which: number;
      /** Of what Redis wrote last, gone with it, as by a power cut. */
      readonly lostBytes: number;
    }
  | { readonly what: 'empty-redis' }
  | { readonly what: 'slot'; readonly partition: number };

export type Blow = Stroke & {
  /** Falls once so many events were let through. */
  readonly afterEvents: number;
  /** The victim comes back after so many more. */
  readonly awayEvents: number;
};

export interface SiegeSize {
  readonly events: number;
  /** Processes of the program that are killed. */
  readonly kills: number;
  readonly serverKills: number;
  /** Processes that are asked to end. */
  readonly stops: number;
  /** Whether to die at every crash point, too: on its first pass and on a later one. */
  readonly points: boolean;
  /** Processes that are stopped for longer than others wait for them. */
  readonly sleepers: number;
  /** How often Redis is emptied. */
  readonly emptied: number;
  /** How often the slot of a partition is handed to another master. */
  readonly slots: number;
  readonly seats: number;
  /** Those that take events in. */
  readonly frontSeats: readonly number[];
  /** Those that run the stream; they may sleep, since nobody sends to them. */
  readonly streamSeats: readonly number[];
  readonly partitions: number;
}

/** Those of a server that takes events in and of the stream; imports and rebuilds are others' commands. */
export const SITE_CRASH_POINTS: readonly string[] = [
  ...STREAM_CRASH_POINTS,
  ...INGEST_CRASH_POINTS,
].filter((point) => !/^(import|stream\.rebuild)\./.test(point));

const NTH_PASS = 3;
const SHARE_WHILE_STARTING = 0.2;
const SHARE_OF_TWO = 0.1;
const SHARE_AWAY = 0.3;
const SHARE_OF_LOST_TAILS = 0.5;
const STARTING_MS_MAX = 2_500;
const LOST_BYTES_MAX = 65_536;
const KINDS: readonly ServerKind[] = ['kafka', 'redis', 'clickhouse'];
/** Brokers, or masters of Redis. */
const SERVERS_OF_A_KIND_MAX = 3;

export const planSiege = (random: Random, size: SiegeSize): readonly Blow[] => {
  const parts = shuffled(random, partsOf(random, size));
  const step = size.events / (parts.length + 1);
  return parts.map((part, at) => ({
    ...part,
    afterEvents: Math.floor(step * (at + 0.5 + random() / 2)),
    awayEvents: awayOf(random, part, step),
  }));
};

const partsOf = (random: Random, size: SiegeSize): readonly Stroke[] => {
  const parts: Stroke[] = [];
  for (let left = size.kills; left > 0; ) {
    const first = integerBelow(random, size.seats);
    const isTwo = left > 1 && random() < SHARE_OF_TWO;
    const seats = isTwo ? [first, (first + 1) % size.seats] : [first];
    const isStarting = random() < SHARE_WHILE_STARTING;
    const whileStartingMs = isStarting ? integerBelow(random, STARTING_MS_MAX) : undefined;
    parts.push({ what: 'program', seats, whileStartingMs });
    left -= seats.length;
  }
  const firstHit = integerBelow(random, SERVERS_OF_A_KIND_MAX);
  for (let at = 0; at < size.serverKills; at += 1) {
    const lostBytes = random() < SHARE_OF_LOST_TAILS ? integerBelow(random, LOST_BYTES_MAX) : 0;
    const server = KINDS[at % KINDS.length]!;
    // In turn: by chance alone one of three brokers might never be hit.
    const which = (firstHit + Math.floor(at / KINDS.length)) % SERVERS_OF_A_KIND_MAX;
    parts.push({ what: 'server', server, which, lostBytes });
  }
  for (let at = 0; at < size.stops; at += 1) {
    parts.push({ what: 'stop', seat: integerBelow(random, size.seats) });
  }
  if (size.points) parts.push(...pointsOf(random, size));
  for (let at = 0; at < size.sleepers; at += 1) {
    parts.push({ what: 'sleeper', seat: pick(random, size.streamSeats) });
  }
  for (let at = 0; at < size.emptied; at += 1) parts.push({ what: 'empty-redis' });
  for (let at = 0; at < size.slots; at += 1) {
    parts.push({ what: 'slot', partition: integerBelow(random, size.partitions) });
  }
  return parts;
};

const pointsOf = (random: Random, size: SiegeSize): readonly Stroke[] =>
  SITE_CRASH_POINTS.flatMap((point) =>
    [1, NTH_PASS].map((pass) => ({
      what: 'point' as const,
      seat: pick(random, point.startsWith('ingest.') ? size.frontSeats : size.streamSeats),
      point,
      pass,
    })),
  );

const awayOf = (random: Random, part: Stroke, step: number): number => {
  if (part.what === 'sleeper') return Math.floor(step / 2);
  return random() < SHARE_AWAY ? Math.floor(random() * 0.4 * step) : 0;
};

const shuffled = <Value>(random: Random, values: readonly Value[]): readonly Value[] =>
  values
    .map((value) => ({ value, at: random() }))
    .sort((left, right) => left.at - right.at)
    .map(({ value }) => value);
