/**
 * Who acted last, people and anonymous sessions alike: their state keys in the order of what they did, as
 * hints tell of it. A view like any other: bounded, and whoever is not in it is only not thought of first.
 *
 * Before the first hint, as after a start, the state itself is asked whom its last records were about, in
 * windows that grow: whoever stands in a narrower one acted later. So the order of those is a rough one.
 *
 * Memory: some 100 bytes each.
 */
import { NO_OFFSET, type Offset, type StatePartition } from '../../schemas/ids.ts';
import { subjectKey } from '../../schemas/state/subject-state.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';

const SUBJECT_PREFIX = subjectKey('');
/** Records of the narrowest window, and how much wider the next one is. */
const WINDOW_FIRST = 64;
const WINDOW_GROWTH = 4;

export interface RecentlyActiveOptions {
  readonly stateStore: Pick<StateStore, 'position' | 'changesSince'>;
  /** Of whom it is known that they acted; 0 for nobody. */
  readonly max: number;
  readonly partitionCount: number;
}

export class RecentlyActive {
  readonly #given: RecentlyActiveOptions;
  /** Who acted last at the end. */
  #keys = new Set<string>();

  constructor(given: RecentlyActiveOptions) {
    this.#given = given;
  }

  /** These keys changed just now, the last one last. */
  changed(keys: readonly string[]): void {
    if (this.#given.max === 0) return;
    for (const key of keys) {
      if (!key.startsWith(SUBJECT_PREFIX)) continue;
      this.#keys.delete(key);
      this.#keys.add(key);
    }
    this.#cut();
  }

  /** Asks the state of a partition who acted before the first hint. */
  async lookBack(partition: StatePartition): Promise<void> {
    const { max, partitionCount } = this.#given;
    if (max === 0) return;
    const newestFirst = await this.#lastOf(partition, Math.ceil(max / partitionCount));
    const earlier = newestFirst.filter((key) => !this.#keys.has(key)).reverse();
    this.#keys = new Set([...earlier, ...this.#keys]);
    this.#cut();
  }

  letGoOf(key: string): void {
    this.#keys.delete(key);
  }

  newestFirst(): string[] {
    return [...this.#keys].reverse();
  }

  async #lastOf(partition: StatePartition, max: number): Promise<string[]> {
    const { stateStore } = this.#given;
    const covered = (await stateStore.position(partition))?.coveredOffset ?? NO_OFFSET;
    const found = new Set<string>();
    let since = covered;
    for (let window = WINDOW_FIRST; found.size < max && since > NO_OFFSET; ) {
      since = Math.max(NO_OFFSET, covered - Math.min(window, max)) as Offset;
      const changes = await stateStore.changesSince(partition, since);
      if (!changes.complete) break;
      for (const key of changes.keys) if (key.startsWith(SUBJECT_PREFIX)) found.add(key);
      if (window >= max) break;
      window *= WINDOW_GROWTH;
    }
    return [...found].slice(0, max);
  }

  #cut(): void {
    for (const key of this.#keys) {
      if (this.#keys.size <= this.#given.max) return;
      this.#keys.delete(key);
    }
  }
}
