/**
 * What the stream keeps of a whole state partition: one value under `partition`. JSON with the
 * fields in a fixed order: small, read by people, and the same bytes for the same contents.
 */
import type { EpochMs, Offset } from '../ids.ts';
import { corrupt } from './byte-cursor.ts';

/** received = accepted + duplicate + refused + deadLettered, always (I8). */
export interface StageCounters {
  received: number;
  accepted: number;
  duplicate: number;
  refused: number;
  deadLettered: number;
}

export interface UserCounters extends StageCounters {
  /** Of the accepted: older than the counts take; in the warehouse alone. */
  tooLate: number;
  /** Of the accepted: too late for sessions. */
  tooLateForSessions: number;
  backfilled: number;
  undone: number;
  undoPending: number;
  forgotten: number;
  /** Of the accepted: records of people forgotten before they were read, so nothing is known of them. */
  erased?: number;
  /** Chunks of ids dropped before their time because of the cap. */
  dedupeShrunk: number;
}

export interface UserPartitionState {
  clock: EpochMs;
  counters: UserCounters;
}

export interface ItemCounters extends StageCounters {
  /** Signals within the accepted envelopes that had been taken in before. */
  signalsDropped: number;
  signals: number;
  /** Shares cut or sums stopped because an event lies too far ahead of the landmark. */
  saturated: number;
  /** Neighbours dropped by pruning. */
  pruned: number;
  /** Takings-back that met a neighbour pruned before. */
  missed: number;
  /** Category counters not kept because of the cap. */
  categoriesRefused: number;
  rebases: number;
}

export interface CounterTotals {
  /** Decimal text of the 64-bit counters. */
  popularity: string;
  trendFast: string;
  trendSlow: string;
  interactionCount: number;
}

export interface ItemPartitionState {
  clock: EpochMs;
  /** What counters decay from; 0 before the first envelope. */
  landmark: EpochMs;
  itemCount: number;
  counters: ItemCounters;
  totals: CounterTotals;
  ratingCount: number;
  ratingSumTenths: number;
  /** Highest source offset taken in, by `<log id>/<topic>/<partition>`. */
  marks: Record<string, Offset>;
}

export interface ForwarderState {
  counters: StageCounters;
}

const VERSION = 1;

const NO_STAGE: StageCounters = {
  received: 0,
  accepted: 0,
  duplicate: 0,
  refused: 0,
  deadLettered: 0,
};

export const emptyUserPartition = (): UserPartitionState => ({
  clock: 0 as EpochMs,
  counters: {
    ...NO_STAGE,
    tooLate: 0,
    tooLateForSessions: 0,
    backfilled: 0,
    undone: 0,
    undoPending: 0,
    forgotten: 0,
    dedupeShrunk: 0,
  },
});

export const emptyItemPartition = (): ItemPartitionState => ({
  clock: 0 as EpochMs,
  landmark: 0 as EpochMs,
  itemCount: 0,
  counters: {
    ...NO_STAGE,
    signalsDropped: 0,
    signals: 0,
    saturated: 0,
    pruned: 0,
    missed: 0,
    categoriesRefused: 0,
    rebases: 0,
  },
  totals: { popularity: '0', trendFast: '0', trendSlow: '0', interactionCount: 0 },
  ratingCount: 0,
  ratingSumTenths: 0,
  marks: {},
});

export const emptyForwarder = (): ForwarderState => ({ counters: { ...NO_STAGE } });

export const markName = (logId: string, topic: string, partition: number): string =>
  `${logId}/${topic}/${partition}`;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export const encodePartitionState = (
  state: UserPartitionState | ItemPartitionState | ForwarderState,
): Uint8Array => encoder.encode(JSON.stringify({ version: VERSION, ...state }));

export const decodeUserPartition = (bytes: Uint8Array): UserPartitionState =>
  filled(emptyUserPartition(), parse(bytes));

export const decodeItemPartition = (bytes: Uint8Array): ItemPartitionState => {
  const state = filled(emptyItemPartition(), parse(bytes));
  return { ...state, marks: Object.assign(Object.create(null), state.marks) };
};

export const decodeForwarder = (bytes: Uint8Array): ForwarderState =>
  filled(emptyForwarder(), parse(bytes));

const parse = (bytes: Uint8Array): Record<string, unknown> => {
  let state: { version?: unknown };
  try {
    state = JSON.parse(decoder.decode(bytes));
  } catch {
    throw corrupt('a partition state that is no JSON');
  }
  if (state.version !== VERSION) {
    throw corrupt(`a partition state of version ${String(state.version)}, known up to ${VERSION}`);
  }
  return state as Record<string, unknown>;
};

/** The known fields in their order; a field that an older writer did not know keeps its default. */
const filled = <State extends { counters: object }>(
  empty: State,
  stored: Record<string, unknown>,
): State => {
  const known = Object.fromEntries(
    Object.entries(stored).filter(([name]) => Object.hasOwn(empty, name)),
  );
  return {
    ...empty,
    ...known,
    counters: { ...empty.counters, ...(stored.counters as object) },
  };
};
