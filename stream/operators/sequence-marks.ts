/**
 * Exactly once for sources that number their events, an import above all: one mark per source takes
 * the place of its ids, so a repetition changes nothing at any age. Within a partition the numbers
 * rise; what is at or below the mark was taken in before.
 *
 * One small value per import and partition stays for ever, under `mark:<source>`.
 */
import type { InteractionRecord } from '../../schemas/records.ts';
import { ByteReader, ByteWriter, checkEnd, checkVersion } from '../../schemas/state/byte-cursor.ts';
import type { StateChange } from '../../storage/state-store/state-store.ts';

const VERSION = 1;
const writer = new ByteWriter();

export class SequenceMarks {
  static readonly prefix = 'mark:';
  readonly #marks = new Map<string, number>();
  readonly #changed = new Set<string>();

  load(key: string, value: Uint8Array): void {
    const reader = new ByteReader(value);
    checkVersion(reader, VERSION, 'sequence mark');
    this.#marks.set(key, reader.varint());
    checkEnd(reader, 'sequence mark');
  }

  /** undefined for a record that is not numbered. */
  judge({ sequence, backfill, source }: InteractionRecord): 'new' | 'duplicate' | undefined {
    if (sequence === null) return undefined;
    const key =
      backfill === null
        ? `${SequenceMarks.prefix}source:${source}`
        : `${SequenceMarks.prefix}import:${backfill}`;
    if (sequence <= (this.#marks.get(key) ?? -1)) return 'duplicate';
    this.#marks.set(key, sequence);
    this.#changed.add(key);
    return 'new';
  }

  changes(): StateChange[] {
    const changes: StateChange[] = [];
    for (const key of this.#changed) {
      writer.reset();
      writer.u8(VERSION);
      writer.varint(this.#marks.get(key)!);
      changes.push({ key, value: writer.take() });
    }
    this.#changed.clear();
    return changes;
  }
}
