/**
 * The catalogue in memory: the newest record of every item, and whether lists may show it now.
 * A change takes effect in the next answer, since every list asks `isVisible` when it is made.
 *
 * An item that only events name is not shown: anybody who may post events could otherwise put
 * names of their own into other people's lists.
 */
import type { EpochMs, ItemId } from '../schemas/ids.ts';
import type { CatalogueItemRecord } from '../schemas/records.ts';
import { grownBytes, grownColumn, grownIntegers, type ItemSlots } from './item-slots.ts';

const SHOWN = 1;
/** Shown within its time only. */
const TIMED = 2;
const NO_TIME = Number.NEGATIVE_INFINITY;
const NO_CATEGORIES: readonly number[] = [];
const NO_MEMBERS: ReadonlySet<number> = new Set();
/** A category that no item ever had. */
export const UNKNOWN_CATEGORY = -2;

export class Catalogue {
  readonly slots: ItemSlots;
  #records: (CatalogueItemRecord | undefined)[] = [];
  #flags = new Uint8Array(0);
  #availableFrom = new Float64Array(0);
  #expiresAt = new Float64Array(0);
  /** Bits of the categories' numbers, modulo 64: enough to tell how much two items share. */
  #categoriesLow = new Int32Array(0);
  #categoriesHigh = new Int32Array(0);
  #categories: (readonly number[] | undefined)[] = [];
  /** The first of them, from 1; 0 for none. */
  #firstCategories = new Int32Array(0);
  readonly #categoryOfName = new Map<string, number>();
  readonly #categoryNames: string[] = [];
  readonly #members: Set<number>[] = [];
  readonly #texts = new Map<string, string>();
  #heads: (string | undefined)[] = [];
  #version = 0;
  #itemCount = 0;

  constructor(slots: ItemSlots) {
    this.slots = slots;
  }

  /** Rises with every change. */
  get version(): number {
    return this.#version;
  }

  get itemCount(): number {
    return this.#itemCount;
  }

  /** Slots of all items there are. */
  *present(): Generator<number> {
    for (let slot = 0; slot < this.#records.length; slot++) {
      if (this.#records[slot] !== undefined) yield slot;
    }
  }

  record(slot: number): CatalogueItemRecord | undefined {
    return this.#records[slot];
  }

  titleOf(slot: number): string {
    return this.#records[slot]?.title || (this.slots.idOf(slot) ?? '');
  }

  /** The title of an item by id, or the id where the catalogue does not know it. */
  titleOfId(id: ItemId): string {
    const slot = this.slots.find(id);
    return slot === undefined ? id : this.titleOf(slot);
  }

  /** `"itemId":…,"title":…` as JSON, made once per item. */
  jsonHead(slot: number): string {
    let head = this.#heads[slot];
    if (head === undefined) {
      const id = JSON.stringify(this.slots.idOf(slot) ?? '');
      const pieces = `"itemId":${id},"title":${JSON.stringify(this.titleOf(slot))}`;
      // One text in memory, not a tree of the pieces that it was joined of.
      head = Buffer.from(pieces).toString();
      this.#heads[slot] = head;
    }
    return head;
  }

  isVisible(slot: number, now: EpochMs): boolean {
    const flag = this.#flags[slot];
    if (flag !== TIMED) return flag === SHOWN;
    return this.#availableFrom[slot]! <= now && this.#expiresAt[slot]! > now;
  }

  visibleCount(now: EpochMs): number {
    let count = 0;
    for (let slot = 0; slot < this.#flags.length; slot++) if (this.isVisible(slot, now)) count++;
    return count;
  }

  categoriesOf(slot: number): readonly number[] {
    return this.#categories[slot] ?? NO_CATEGORIES;
  }

  /** -1 where it has none. */
  firstCategoryOf(slot: number): number {
    return (this.#firstCategories[slot] ?? 0) - 1;
  }

  categoryName(category: number): string {
    return this.#categoryNames[category] ?? '';
  }

  findCategory(name: string): number {
    return this.#categoryOfName.get(name) ?? UNKNOWN_CATEGORY;
  }

  get categoryCount(): number {
    return this.#categoryNames.length;
  }

  membersOf(category: number): ReadonlySet<number> {
    return this.#members[category] ?? NO_MEMBERS;
  }

  /** Share of categories that two items have in common: Jaccard, over 64 bits. */
  likeness(left: number, right: number): number {
    const shared =
      bitCount(this.#categoriesLow[left]! & this.#categoriesLow[right]!) +
      bitCount(this.#categoriesHigh[left]! & this.#categoriesHigh[right]!);
    if (shared === 0) return 0;
    const either =
      bitCount(this.#categoriesLow[left]! | this.#categoriesLow[right]!) +
      bitCount(this.#categoriesHigh[left]! | this.#categoriesHigh[right]!);
    return shared / either;
  }

  put(record: CatalogueItemRecord): void {
    const slot = this.slots.ofId(record.itemId);
    this.#makeRoom();
    if (this.#records[slot] === undefined) this.#itemCount++;
    this.#leaveCategories(slot);
    this.#records[slot] = this.#compact(record);
    const isTimed = record.availableFrom !== null || record.expiresAt !== null;
    this.#flags[slot] = !record.available || record.hidden ? 0 : isTimed ? TIMED : SHOWN;
    this.#availableFrom[slot] = record.availableFrom ?? NO_TIME;
    this.#expiresAt[slot] = record.expiresAt ?? Number.POSITIVE_INFINITY;
    this.#joinCategories(slot, record.categories);
    this.#heads[slot] = undefined;
    this.#version++;
  }

  remove(itemId: ItemId): void {
    const slot = this.slots.find(itemId);
    if (slot === undefined || this.#records[slot] === undefined) return;
    this.#leaveCategories(slot);
    this.#records[slot] = undefined;
    this.#flags[slot] = 0;
    this.#heads[slot] = undefined;
    this.#itemCount--;
    this.#version++;
  }

  #makeRoom(): void {
    const { capacity } = this.slots;
    if (this.#flags.length >= capacity) return;
    this.#flags = grownBytes(this.#flags, capacity);
    this.#availableFrom = grownColumn(this.#availableFrom, capacity);
    this.#expiresAt = grownColumn(this.#expiresAt, capacity);
    this.#categoriesLow = grownIntegers(this.#categoriesLow, capacity);
    this.#categoriesHigh = grownIntegers(this.#categoriesHigh, capacity);
    this.#firstCategories = grownIntegers(this.#firstCategories, capacity);
  }

  #leaveCategories(slot: number): void {
    for (const category of this.categoriesOf(slot)) this.#members[category]!.delete(slot);
    this.#categories[slot] = undefined;
    if (slot < this.#flags.length) {
      this.#categoriesLow[slot] = 0;
      this.#categoriesHigh[slot] = 0;
      this.#firstCategories[slot] = 0;
    }
  }

  #joinCategories(slot: number, names: readonly string[]): void {
    const categories = [...new Set(names)].map((name) => this.#categoryOf(name));
    this.#categories[slot] = categories;
    this.#firstCategories[slot] = (categories[0] ?? -1) + 1;
    for (const category of categories) {
      this.#members[category]!.add(slot);
      const bit = 1 << (category & 31);
      if ((category & 32) === 0) this.#categoriesLow[slot]! |= bit;
      else this.#categoriesHigh[slot]! |= bit;
    }
  }

  #categoryOf(name: string): number {
    const known = this.#categoryOfName.get(name);
    if (known !== undefined) return known;
    const category = this.#categoryNames.length;
    this.#categoryNames.push(name);
    this.#categoryOfName.set(name, category);
    this.#members.push(new Set());
    return category;
  }

  /** The record with texts that many items have held once. */
  #compact(record: CatalogueItemRecord): CatalogueItemRecord {
    const share = (texts: readonly string[]): readonly string[] =>
      texts.map((text) => this.#shared(text));
    return {
      ...record,
      categories: share(record.categories),
      tags: share(record.tags),
      people: share(record.people),
    };
  }

  #shared(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    this.#texts.set(text, text);
    return text;
  }
}

const bitCount = (word: number): number => {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
};
