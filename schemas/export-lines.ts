/**
 * The lines of an export, each a JSON object: first what it is, then items, then events partition by
 * partition, and as the last line how many there were; without that one it is not whole. Times are
 * milliseconds since 1970, as in the log.
 */
import type { EpochMs } from './ids.ts';
import type { CatalogueItemRecord } from './records.ts';

export const EXPORT_FORMAT = 1;

export interface ExportHead {
  readonly freshetExport: number;
  readonly exportedAt: string;
  readonly instanceId: string;
  /** By topic and partition, the offset behind the last one that was looked at. */
  readonly upTo: Readonly<Record<string, readonly number[]>>;
}

export interface ExportedEvent {
  readonly userId?: string;
  readonly sessionId?: string;
  readonly itemId: string;
  readonly kind: string;
  readonly value?: number;
  readonly occurredAt: EpochMs;
}

export type ExportedItem = Omit<CatalogueItemRecord, 'updatedAt'>;

export interface ExportEnd {
  readonly items: number;
  readonly events: number;
}

export type ExportLine =
  | ExportHead
  | { readonly item: ExportedItem }
  | { readonly event: ExportedEvent }
  | { readonly end: ExportEnd };
