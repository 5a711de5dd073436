/**
 * Where an import goes: into a log of this process, or to a running server over HTTP.
 *
 * Events carry the import's id and their number in the sorted whole. Within one log partition the
 * numbers rise, so the stream drops what it has taken in before with one mark per import, at any age;
 * and a sink that is asked to go on after a kill finds out by itself what the log already holds.
 */
import type { EpochMs } from '../../schemas/ids.ts';
import type { CatalogueItemRecord } from '../../schemas/records.ts';

export interface BackfillEvent {
  /** Its place in the sorted import, from 0. */
  readonly sequence: number;
  readonly userId: string | null;
  readonly sessionId: string | null;
  readonly itemId: string;
  readonly kind: string;
  readonly value: number | null;
  readonly occurredAt: EpochMs;
}

/** What the control log keeps about an import. */
export interface ImportState {
  readonly status: 'running' | 'done';
  /** In words. */
  readonly source: string;
  readonly items: number;
  readonly events: number;
  /** Events before this number are durable. */
  readonly eventsSent: number;
  /** Added to every time of the source: original time = occurredAt − shiftMs. */
  readonly shiftMs: number;
  readonly startedAt: EpochMs;
  readonly finishedAt: EpochMs | null;
}

export interface BackfillSink {
  /** Undefined for an import never heard of. */
  importState(importId: string): Promise<ImportState | undefined>;
  recordImport(importId: string, state: ImportState): Promise<void>;
  /** Resolves once the items are durable. */
  appendItems(items: readonly CatalogueItemRecord[]): Promise<void>;
  /**
   * Takes events whose numbers rise from call to call; resolves once they are durable. A second
   * call may be made before the first resolves. What the log holds already is left out.
   */
  appendEvents(importId: string, events: readonly BackfillEvent[]): Promise<void>;
}
