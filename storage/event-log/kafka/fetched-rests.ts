/**
 * What a fetch brought beyond what its reader asked for, kept for a moment for whoever reads on from
 * there. A batch comes whole, of up to a megabyte, and a reader may want 256 records of it at a time: the
 * broker would send the same bytes again for each of them. Records never change, so nobody sees anything
 * else; of a compacted topic a record may have to be gone at once, and nothing of it is kept.
 */
import type { Clock } from '../../../schemas/environment.ts';
import type { Offset } from '../../../schemas/ids.ts';
import type { FetchedRecords } from './record-batch.ts';
import type { Place } from './topic-place.ts';

interface Rest {
  readonly fetched: FetchedRecords;
  readonly keptAtMs: number;
}

/** Up to 4 MiB each, mostly one. */
const RESTS_MAX = 16;
const KEPT_MS_MAX = 1_000;

export class FetchedRests {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** The oldest first. */
  readonly #rests = new Map<string, Rest>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  keep(place: Place, fetched: FetchedRecords): void {
    if (fetched.isTaken || place.info.cleanup === 'compact') return;
    this.#letGoOfOld();
    const [oldest] = this.#rests.keys();
    if (this.#rests.size >= RESTS_MAX) this.#rests.delete(oldest!);
    this.#rests.set(nameOf(place, fetched.next), {
      fetched,
      keptAtMs: this.#clock.monotonicMs(),
    });
  }

  /** Of the one who takes it from now on. */
  take(place: Place, from: Offset): FetchedRecords | undefined {
    this.#letGoOfOld();
    const name = nameOf(place, from);
    const rest = this.#rests.get(name);
    this.#rests.delete(name);
    return rest?.fetched;
  }

  clear(): void {
    this.#rests.clear();
  }

  #letGoOfOld(): void {
    const oldestMs = this.#clock.monotonicMs() - KEPT_MS_MAX;
    for (const [name, { keptAtMs }] of this.#rests) {
      if (keptAtMs >= oldestMs) return;
      this.#rests.delete(name);
    }
  }
}

const nameOf = ({ kafkaName, partition }: Place, next: Offset): string =>
  `${kafkaName}/${partition}/${next}`;
