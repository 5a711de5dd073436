/**
 * How long events take from their arrival in the log until a list can show them, measured on the
 * oldest event of each hint that is sampled, so that the figure is what the unluckiest event saw.
 */
import { decodeRecord } from '../schemas/avro/record-codec.ts';
import type { Clock } from '../schemas/environment.ts';
import type { EpochMs, Offset, PartitionIndex } from '../schemas/ids.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { EventLog } from '../storage/event-log/event-log.ts';
import { firstRecord } from '../storage/event-log/partition-slices.ts';

const SAMPLES_KEPT = 1_024;
/** Between two samples of one partition: a sample costs a read of the log. */
const SAMPLE_EVERY_MS = 50;
const isBackfill = (value: Uint8Array): boolean => {
  const named = decodeRecord(value);
  return named.name === 'Interaction' && named.record.backfill !== null;
};

export interface FreshnessSummary {
  readonly samples: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
}

export class FreshnessMeter {
  readonly #eventLog: EventLog;
  readonly #clock: Clock;
  readonly #samples = new Float64Array(SAMPLES_KEPT);
  readonly #latest = new Map<PartitionIndex, { readonly ms: number; readonly atMs: number }>();
  #count = 0;

  constructor(eventLog: EventLog, clock: Clock) {
    this.#eventLog = eventLog;
    this.#clock = clock;
  }

  /** Something up to `to` became readable at this moment. */
  async observe(partition: PartitionIndex, from: Offset, to: Offset): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const latest = this.#latest.get(partition);
    if (latest !== undefined && nowMs - latest.atMs < SAMPLE_EVERY_MS) return;
    const readableAt = this.#clock.now();
    this.#latest.set(partition, { ms: latest?.ms ?? 0, atMs: nowMs });
    // The oldest event of a long gap says how long serving was away, not how long events take.
    const first = Math.max(from + 1, to - 4_096) as Offset;
    const receivedAt = await this.receivedAt(partition, first);
    if (receivedAt === undefined) return;
    const ms = Math.max(0, readableAt - receivedAt);
    this.#latest.set(partition, { ms, atMs: nowMs });
    this.#samples[this.#count++ % SAMPLES_KEPT] = ms;
  }

  /** When the record at that offset (or the next there is) arrived; undefined where it is gone. */
  async receivedAt(partition: PartitionIndex, at: Offset): Promise<EpochMs | undefined> {
    try {
      const record = await firstRecord(this.#eventLog, TOPICS.interactions.name, partition, at);
      // Imported events wait for each other by the thousand: they say nothing about one click.
      if (!record?.value || isBackfill(record.value)) return undefined;
      return record.timestamp;
    } catch {
      // Retention may have taken it, or the log is away: then there is no figure, and no harm.
      return undefined;
    }
  }

  /** Of the newest sample of the partition, or of any. */
  latestMs(partition: PartitionIndex | null): number | null {
    if (partition !== null) return this.#latest.get(partition)?.ms ?? null;
    let newest: { readonly ms: number; readonly atMs: number } | undefined;
    for (const sample of this.#latest.values()) {
      if (newest === undefined || sample.atMs > newest.atMs) newest = sample;
    }
    return newest?.ms ?? null;
  }

  summary(): FreshnessSummary {
    const kept = this.#samples.slice(0, Math.min(this.#count, SAMPLES_KEPT)).sort();
    const at = (quantile: number): number | null =>
      kept.length === 0
        ? null
        : kept[Math.min(kept.length - 1, Math.floor(quantile * kept.length))]!;
    return { samples: kept.length, p50: at(0.5), p90: at(0.9), p99: at(0.99) };
  }
}
