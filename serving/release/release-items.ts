/**
 * Which slot an item of a release has, and which item a slot. The items of a release keep their
 * numbers for as long as it serves; slots that came into being after it have no item in it.
 */
import type { Pieces } from '../../algorithms/model/pieces.ts';
import type { ItemId } from '../../schemas/ids.ts';
import type { ItemSlots } from '../item-slots.ts';

export const NO_ITEM = -1;
/** Ids that are looked up in one piece of work. */
const IDS_AT_ONCE = 1_000;

export class ReleaseItems {
  readonly count: number;
  readonly #slots: Int32Array;
  readonly #items: Int32Array;

  private constructor(slots: Int32Array, items: Int32Array) {
    this.count = slots.length;
    this.#slots = slots;
    this.#items = items;
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

  /** Every id gets a slot, whether or not the catalogue holds it now. undefined where they are no ids. */
  static *inPieces(ids: readonly ItemId[], slots: ItemSlots): Pieces<ReleaseItems | undefined> {
    const slotOfItem = new Int32Array(ids.length);
    for (let item = 0; item < ids.length; item++) {
      if (typeof ids[item] !== 'string') return undefined;
      slotOfItem[item] = slots.ofId(ids[item]!);
      if (item % IDS_AT_ONCE === IDS_AT_ONCE - 1) yield;
    }
    const itemOfSlot = new Int32Array(slots.count).fill(NO_ITEM);
    for (let item = 0; item < ids.length; item++) {
      // An id that stands there twice leads to one slot.
      if (itemOfSlot[slotOfItem[item]!] !== NO_ITEM) return undefined;
      itemOfSlot[slotOfItem[item]!] = item;
    }
    return new ReleaseItems(slotOfItem, itemOfSlot);
  }
}
