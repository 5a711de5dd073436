/**
 * Which slot an item of a release has, and which item a slot. The items of a release keep their
 * numbers for as long as it serves; slots that came into being after it have no item in it.
 */
import { UNKNOWN_ITEM } from '../../algorithms/factors/person-events.ts';
import type { Pieces } from '../../algorithms/model/pieces.ts';
import type { ItemId } from '../../schemas/ids.ts';
import type { ItemSlots } from '../item-slots.ts';

export const NO_ITEM = UNKNOWN_ITEM;
/** Ids that are looked up in one piece of work. */
const IDS_AT_ONCE = 1_000;

export class ReleaseItems {
  readonly count: number;
  readonly #ids: readonly ItemId[];
  #slots = new Int32Array(0);
  #items = new Int32Array(0);

  private constructor(ids: readonly ItemId[]) {
    this.count = ids.length;
    this.#ids = ids;
  }

  slotOf(item: number): number {
    return this.#slots[item]!;
  }

  /** NO_ITEM where the release does not know it. */
  itemOf(slot: number): number {
    return this.#items[slot] ?? NO_ITEM;
  }

  /** Those of the slots that are among the first `count` items. */
  itemsOf(slots: Iterable<number>, count: number): number[] {
    const items: number[] = [];
    for (const slot of slots) {
      const item = this.itemOf(slot);
      if (item !== NO_ITEM && item < count) items.push(item);
    }
    return items;
  }

  get sizeBytes(): number {
    return this.#slots.byteLength + this.#items.byteLength;
  }

  /** undefined where they are no ids, or one stands there twice. */
  static *inPieces(ids: readonly ItemId[]): Pieces<ReleaseItems | undefined> {
    const known = new Set<ItemId>();
    for (let item = 0; item < ids.length; item++) {
      if (typeof ids[item] !== 'string') return undefined;
      known.add(ids[item]!);
      if (item % IDS_AT_ONCE === IDS_AT_ONCE - 1) yield;
    }
    return known.size === ids.length ? new ReleaseItems(ids) : undefined;
  }

  /** Every id gets a slot, whether or not the catalogue holds it now. Until then nothing is known. */
  *takeSlots(slots: ItemSlots): Pieces<void> {
    const slotOfItem = new Int32Array(this.count);
    for (let item = 0; item < this.count; item++) {
      slotOfItem[item] = slots.ofId(this.#ids[item]!);
      if (item % IDS_AT_ONCE === IDS_AT_ONCE - 1) yield;
    }
    const itemOfSlot = new Int32Array(slots.count).fill(NO_ITEM);
    for (let item = 0; item < this.count; item++) itemOfSlot[slotOfItem[item]!] = item;
    this.#slots = slotOfItem;
    this.#items = itemOfSlot;
  }
}
