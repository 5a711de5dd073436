/**
 * The port of the live bus: hints that something changed, at most once, in order per channel and
 * publisher. With every hint dropped, lists are right all the same, within two seconds. The rules
 * B1–B3 stand in `live-bus.contract.ts`.
 */
import type { LogId, Offset, StatePartition } from '../../schemas/ids.ts';

/** The state of `partition` moved on from offset `from` to `to`, and these keys changed. */
export interface StateHint {
  readonly partition: StatePartition;
  readonly from: Offset;
  readonly to: Offset;
  readonly keys: readonly string[];
}

export const STATE_HINTS = 'state-hints';

/**
 * What a partition is going to hold once it covers the hint's `to`: its log is durable up to there, and makes the
 * same of it whenever it is read. With the values, as bytes, so only for a bus within one process; keys
 * that nobody reads but their owner are left out.
 */
export interface StateAhead {
  /** What readers are to be told once they have the values. */
  readonly hint: StateHint;
  readonly position: {
    readonly coveredOffset: Offset;
    readonly logId: LogId | null;
    readonly recordHash: number;
  };
  readonly changes: readonly { readonly key: string; readonly value: Uint8Array | undefined }[];
}

export const STATE_AHEAD = 'state-ahead';

export interface Subscription {
  close(): void;
}

export interface LiveBusCounters {
  readonly published: number;
  readonly delivered: number;
  readonly dropped: number;
}

export interface LiveBus {
  /** Never waits for subscribers. Messages must survive structuredClone and JSON. */
  publish(channel: string, message: unknown): void;
  subscribe(channel: string, receive: (message: unknown) => void): Subscription;
  counters(): LiveBusCounters;
  close(): Promise<void>;
}
