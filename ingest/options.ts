/** What can be set about ingest; `runtime/` maps settings onto it. */
import type { DurationMs } from '../schemas/ids.ts';

const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export interface IngestOptions {
  /** Bytes of a request's body once decoded. */
  readonly bodyBytesMax: number;
  /** Events, impressions or items in one request. */
  readonly batchMax: number;
  /** Older events are refused: they belong into an import. */
  readonly ageMax: DurationMs;
  /** How far a producer's clock may be ahead. */
  readonly aheadMax: DurationMs;
  /** Bytes waiting for their append, all topics together; beyond it requests are answered 503. */
  readonly queueBytesMax: number;
  /**
   * Live events that may be in the log and not yet in the lists; beyond it clients wait, at first, and
   * are then answered 503 with Retry-After. About half a second of what two cores take in.
   */
  readonly aheadOfStreamMax: number;
  /** How long an append may take before those who wait for it are answered 503. */
  readonly appendWithin: DurationMs;
  /** Recent events that the edge remembers, to tell duplicates at once; 40 bytes each. */
  readonly recentEventsMax: number;
  /** Recent impressions, likewise. */
  readonly recentImpressionsMax: number;
  /** Items written whose new form serving has not shown yet; about 1 KB each. */
  readonly recentItemsMax: number;
}

export const DEFAULT_INGEST_OPTIONS: IngestOptions = {
  bodyBytesMax: MIB,
  batchMax: 500,
  ageMax: (7 * DAY_MS) as DurationMs,
  aheadMax: (5 * MINUTE_MS) as DurationMs,
  queueBytesMax: 64 * MIB,
  aheadOfStreamMax: 20_000,
  appendWithin: 10_000 as DurationMs,
  recentEventsMax: 1_000_000,
  recentImpressionsMax: 100_000,
  recentItemsMax: 10_000,
};
