/**
 * The port of the live bus: hints that something changed, at most once, in order per channel and
 * publisher. With every hint dropped, lists are right all the same, within two seconds. The rules
 * B1–B3 stand in `live-bus.contract.ts`.
 */
import type { Offset, StatePartition } from '../../schemas/ids.ts';

/** The state of `partition` moved on from offset `from` to `to`, and these keys changed. */
export interface StateHint {
  readonly partition: StatePartition;
  readonly from: Offset;
  readonly to: Offset;
  readonly keys: readonly string[];
}

export const STATE_HINTS = 'state-hints';

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
