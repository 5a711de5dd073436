/** Fills the item index from the item-side state partitions, and keeps it equal to them. */
import type { EpochMs, StatePartition } from '../schemas/ids.ts';
import { PARTITION_KEY } from '../schemas/state/item-state.ts';
import { decodeItemPartition, type ItemPartitionState } from '../schemas/state/partition-state.ts';
import type { StateStore } from '../storage/state-store/state-store.ts';
import type { ItemIndex } from './item-index.ts';
import type { StateChangeNotice, StateListener } from './state-follower.ts';

const ITEM_PREFIX = 'item:';
/** Items taken over in one go: a millisecond or two. A quarter of a second of events changes hundreds. */
const PIECE = 64;

export interface ItemFollowerOptions {
  readonly stateStore: StateStore;
  readonly itemIndex: ItemIndex;
  readonly scanPage: number;
  readonly onChange: (slots: readonly number[]) => void;
}

export class ItemFollower implements StateListener {
  readonly #options: ItemFollowerOptions;
  readonly #facts = new Map<StatePartition, ItemPartitionState>();
  /** Which items each partition holds, to notice those that a rebuilt one no longer has. */
  readonly #slots = new Map<StatePartition, Set<number>>();

  constructor(options: ItemFollowerOptions) {
    this.#options = options;
  }

  /** The lowest clock of all partitions that hold something; null before the first. */
  itemTime(): EpochMs | null {
    const clocks = [...this.#facts.values()].map(({ clock }) => clock).filter((clock) => clock > 0);
    return clocks.length === 0 ? null : (Math.min(...clocks) as EpochMs);
  }

  /** Mean of all ratings there are; null before the first. */
  ratingMean(): number | null {
    let count = 0;
    let tenths = 0;
    for (const facts of this.#facts.values()) {
      count += facts.ratingCount;
      tenths += facts.ratingSumTenths;
    }
    return count === 0 ? null : tenths / 10 / count;
  }

  async changed({ partition, keys: changed }: StateChangeNotice): Promise<void> {
    const { stateStore, itemIndex } = this.#options;
    const wanted = changed.filter((key) => key.startsWith(ITEM_PREFIX));
    const [facts] = await stateStore.getMany(partition, [PARTITION_KEY]);
    this.#takeFacts(partition, facts);
    const slots: number[] = [];
    for (let from = 0; from < wanted.length; from += PIECE) {
      if (from > 0) await turn();
      const keys = wanted.slice(from, from + PIECE);
      const values = await stateStore.getMany(partition, keys);
      for (const [index, value] of values.entries()) {
        if (value === undefined) itemIndex.remove(keys[index]!.slice(ITEM_PREFIX.length));
        else slots.push(itemIndex.put(value));
      }
    }
    const held = this.#slotsOf(partition);
    for (const slot of slots) held.add(slot);
    this.#options.onChange(slots);
  }

  async reset(partition: StatePartition): Promise<void> {
    const { stateStore, itemIndex, scanPage } = this.#options;
    const [facts] = await stateStore.getMany(partition, [PARTITION_KEY]);
    this.#takeFacts(partition, facts);
    const before = this.#slotsOf(partition);
    const held = new Set<number>();
    for (let after: string | undefined; ; ) {
      const page = await stateStore.scan(partition, {
        prefix: ITEM_PREFIX,
        limit: scanPage,
        ...(after === undefined ? {} : { after }),
      });
      for (const { value } of page) held.add(itemIndex.put(value));
      if (page.length < scanPage) break;
      after = page.at(-1)!.key;
    }
    for (const slot of before) {
      if (!held.has(slot)) itemIndex.remove(itemIndex.slots.idOf(slot)!);
    }
    this.#slots.set(partition, held);
    this.#options.onChange([]);
  }

  #slotsOf(partition: StatePartition): Set<number> {
    let slots = this.#slots.get(partition);
    if (slots === undefined) {
      slots = new Set();
      this.#slots.set(partition, slots);
    }
    return slots;
  }

  #takeFacts(partition: StatePartition, bytes: Uint8Array | undefined): void {
    if (bytes === undefined) this.#facts.delete(partition);
    else this.#facts.set(partition, decodeItemPartition(bytes));
  }
}

/** Lets requests and answers have theirs. */
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));
