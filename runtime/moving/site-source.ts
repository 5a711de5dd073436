/**
 * A site that stands still, as whoever moves or restores it reads it: each thing once, from its beginning
 * to its end. Behind it are the stores of a stopped embedded instance, or the files of a backup.
 */
import type { LogId, Offset, PartitionIndex, StatePartition } from '../../schemas/ids.ts';
import type { Release, StoredManifest } from '../../storage/artifact-store/artifact-store.ts';
import type { LogRecord, Watermarks } from '../../storage/event-log/event-log.ts';
import type { PersonKeys } from '../../storage/event-log/sealing/person-keys.ts';
import type { StateChange } from '../../storage/state-store/state-store.ts';
import type { CoveredPartition, Row } from '../../storage/warehouse/warehouse.ts';
import type { PartitionCounts } from '../topic-plan.ts';

export interface LogPlace {
  readonly topic: string;
  readonly partition: PartitionIndex;
}

export interface SourceTopic {
  readonly logId: LogId;
  /** By partition. */
  readonly watermarks: readonly Watermarks[];
}

export interface SourcePosition {
  readonly coveredOffset: Offset;
  readonly recordHash: number;
}

export type Sealing = Pick<PersonKeys, 'open' | 'seal'>;

export interface SiteSource {
  readonly counts: PartitionCounts;
  topic(name: string): Promise<SourceTopic>;
  /** As they are stored: what is sealed stays so. Offsets rise; there may be gaps. */
  records(place: LogPlace, from: number): AsyncIterable<readonly LogRecord[]>;
  /** For whoever must know what a record is about; undefined where nothing was ever sealed. */
  sealing(): Promise<Sealing | undefined>;
  /** undefined where the stream never ran, or where its state is not to be believed. */
  position(partition: StatePartition): Promise<SourcePosition | undefined>;
  /** Of one position. A key may come more than once: the last time counts. */
  entries(partition: StatePartition): AsyncIterable<readonly StateChange[]>;
  /** Oldest first. */
  releases(): Promise<readonly StoredManifest[]>;
  release(version: string): Promise<Release>;
  /** Up to where the warehouse holds a partition. */
  covered(place: CoveredPartition): Promise<Offset>;
  /** Up to there, from an offset on, by offset. */
  rows(place: CoveredPartition, from: number): AsyncIterable<readonly Row[]>;
}
