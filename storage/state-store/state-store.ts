/**
 * The port of the state: keys and values in partitions, each with exactly one writer and one input
 * partition of the log. State and the offset that it covers change in one atomic step (I2). The
 * rules S1–S7 stand in `state-store.contract.ts`.
 */
import type { LogId, Offset, StatePartition } from '../../schemas/ids.ts';

export interface StatePosition {
  /** Rises by one with every claim; an apply under an older epoch is refused. */
  readonly epoch: number;
  /** The last log record that the state covers; NO_OFFSET before the first. */
  readonly coveredOffset: Offset;
  /** The log that the offset belongs to; null before the first apply. */
  readonly logId: LogId | null;
  /** Hash of the record at coveredOffset, to notice a log that diverged; 0 before the first. */
  readonly recordHash: number;
}

export interface StateChange {
  readonly key: string;
  /** undefined deletes the key. */
  readonly value: Uint8Array | undefined;
}

export interface ApplyRequest {
  readonly epoch: number;
  /** What coveredOffset must be now. */
  readonly expectedOffset: Offset;
  /** What it becomes. */
  readonly coveredOffset: Offset;
  readonly logId: LogId;
  readonly recordHash: number;
  readonly changes: readonly StateChange[];
}

export type ApplyResult =
  | { readonly outcome: 'applied' }
  /** The very same apply was done before under this epoch; its reply was lost. */
  | { readonly outcome: 'already-applied' }
  /** Nothing was changed; this is what is stored. */
  | { readonly outcome: 'mismatch'; readonly stored: StatePosition };

export type ChangesSince =
  | {
      readonly complete: true;
      readonly keys: readonly string[];
      readonly coveredOffset: Offset;
    }
  /** The record of changes begins later: read everything again. */
  | {
      readonly complete: false;
      readonly reachesBackTo: Offset;
      readonly coveredOffset: Offset;
    };

export interface StateStoreLimits {
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  /** As much as one apply should hold, so that nobody waits long for it. */
  readonly keysPerApply: number;
  readonly bytesPerApply: number;
  /** What is refused: far more, for a record that touches much and cannot be split. */
  readonly keysPerApplyMax: number;
  readonly bytesPerApplyMax: number;
}

export interface ScanOptions {
  readonly prefix: string;
  /** Keys strictly after this one, for paging. */
  readonly after?: string;
  readonly limit: number;
}

export interface StateStore {
  readonly limits: StateStoreLimits;

  /** Becomes the owner of a partition: raises the epoch, so that an older owner is refused. */
  claim(partition: StatePartition): Promise<StatePosition>;
  position(partition: StatePartition): Promise<StatePosition | undefined>;
  getMany(
    partition: StatePartition,
    keys: readonly string[],
  ): Promise<readonly (Uint8Array | undefined)[]>;
  /** In byte order of the UTF-8 keys. */
  scan(
    partition: StatePartition,
    options: ScanOptions,
  ): Promise<readonly { readonly key: string; readonly value: Uint8Array }[]>;
  apply(partition: StatePartition, request: ApplyRequest): Promise<ApplyResult>;
  changesSince(partition: StatePartition, offset: Offset): Promise<ChangesSince>;
  /** Throws a partition's state away, its position included; the epoch goes on rising. */
  clear(partition: StatePartition): Promise<void>;
  sizeBytes(): Promise<number>;
  close(): Promise<void>;
}
