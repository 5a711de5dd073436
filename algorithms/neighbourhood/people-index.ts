/**
 * Who met what of late, for neighbours among people: bounded, and changed person by person as they act.
 * A person is a key and the newest `itemsMax` items that they chose; an item leads to the people who
 * chose it, those who chose it last at the end. When there is no room for another person, the one
 * who acted longest ago goes. So what is held, and in which order, is the same in whatever order people
 * came: of two processes that know the same, each answers like the other.
 *
 * Memory: 20 bytes for each item of each person and some 170 a person: `peopleMax` 10,000 with 50 items
 * each take 12 MB. Changing a person costs what differs from before.
 */
import { LongestAgo } from './longest-ago.ts';

export interface PeopleIndexOptions {
  readonly peopleMax: number;
  /** Newest items of a person that are kept. */
  readonly itemsMax: number;
}

export interface PersonsChoices {
  /** Of an item that stands there twice the first counts. */
  readonly newestFirst: Iterable<PersonsChoice>;
  /** Any measure that rises with time. */
  readonly actedAt: number;
}

export interface PersonsChoice {
  readonly item: number;
  /** By the same measure. */
  readonly at: number;
}

const NOBODY: readonly number[] = [];

export class PeopleIndex {
  readonly #options: PeopleIndexOptions;
  readonly #places = new Map<string, number>();
  readonly #longestAgo = new LongestAgo();
  readonly #keys: (string | undefined)[] = [];
  readonly #items: (readonly number[])[] = [];
  /** When each of them was chosen. */
  readonly #times: (readonly number[])[] = [];
  #scales = new Float64Array(1024);
  readonly #free: number[] = [];
  readonly #peopleOf = new Map<number, number[]>();
  #pairs = 0;

  constructor(options: PeopleIndexOptions) {
    this.#options = options;
  }

  get peopleCount(): number {
    return this.#places.size;
  }

  /** Places are below this. */
  get placeCount(): number {
    return this.#keys.length;
  }

  get isFull(): boolean {
    return this.#places.size >= this.#options.peopleMax;
  }

  get sizeBytes(): number {
    return 20 * this.#pairs + 170 * this.#places.size;
  }

  placeOf(key: string): number | undefined {
    return this.#places.get(key);
  }

  keyAt(place: number): string | undefined {
    return this.#keys[place];
  }

  /** Distinct. */
  itemsAt(place: number): readonly number[] {
    return this.#items[place]!;
  }

  /** 1 ÷ √ of how many items are held of each person, by place. */
  get scales(): Float64Array {
    return this.#scales;
  }

  /** Places of the people who chose it, whoever chose it last at the end. */
  peopleOf(item: number): readonly number[] {
    return this.#peopleOf.get(item) ?? NOBODY;
  }

  /** Whether there is a place for somebody who acted then: their own, a free one, or one of an earlier act. */
  hasRoomFor(key: string, actedAt: number): boolean {
    if (!this.isFull || this.#places.has(key)) return true;
    const { first } = this.#longestAgo;
    return first !== undefined && this.#longestAgo.timeOf(first) <= actedAt;
  }

  /** What a person chose, in the place of what was known; nothing changes where there is no room. */
  put(key: string, { newestFirst, actedAt }: PersonsChoices): void {
    const chosen = this.#cut(newestFirst);
    if (chosen.size === 0) {
      this.remove(key);
      return;
    }
    if (!this.hasRoomFor(key, actedAt)) return;
    const place = this.#placeFor(key);
    this.#longestAgo.set(place, actedAt);
    const before = this.#chosenAt(place);
    for (const [item, at] of before) if (chosen.get(item) !== at) this.#leave(item, place);
    this.#items[place] = [...chosen.keys()];
    this.#times[place] = [...chosen.values()];
    for (const [item, at] of chosen) if (before.get(item) !== at) this.#enter(item, place);
    this.#scales[place] = 1 / Math.sqrt(chosen.size);
  }

  #chosenAt(place: number): ReadonlyMap<number, number> {
    const times = this.#times[place]!;
    return new Map(this.#items[place]!.map((item, k) => [item, times[k]!]));
  }

  remove(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    for (const item of this.#items[place]!) this.#leave(item, place);
    this.#items[place] = [];
    this.#times[place] = [];
    this.#keys[place] = undefined;
    this.#places.delete(key);
    this.#longestAgo.remove(place);
    this.#free.push(place);
  }

  clear(): void {
    for (const key of [...this.#places.keys()]) this.remove(key);
  }

  #cut(newestFirst: Iterable<PersonsChoice>): ReadonlyMap<number, number> {
    const chosen = new Map<number, number>();
    for (const { item, at } of newestFirst) {
      if (chosen.size === this.#options.itemsMax) break;
      if (!chosen.has(item)) chosen.set(item, at);
    }
    return chosen;
  }

  #placeFor(key: string): number {
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    if (this.isFull) this.remove(this.#keys[this.#longestAgo.first!]!);
    const place = this.#free.pop() ?? this.#keys.length;
    if (place >= this.#scales.length) this.#makeRoom();
    this.#keys[place] = key;
    this.#items[place] = [];
    this.#times[place] = [];
    this.#places.set(key, place);
    return place;
  }

  #makeRoom(): void {
    const grown = new Float64Array(this.#scales.length * 2);
    grown.set(this.#scales);
    this.#scales = grown;
  }

  #enter(item: number, place: number): void {
    this.#pairs += 1;
    const people = this.#peopleOf.get(item);
    if (people === undefined) {
      this.#peopleOf.set(item, [place]);
      return;
    }
    let [from, to] = [0, people.length];
    // Mostly it is the newest.
    if (this.#isBefore(people.at(-1)!, place, item)) from = to;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#isBefore(people[middle]!, place, item)) from = middle + 1;
      else to = middle;
    }
    people.splice(from, 0, place);
  }

  /** Whether one chose it before the other; at the same moment, who is first by name. */
  #isBefore(one: number, other: number, item: number): boolean {
    const difference = this.#timeOf(one, item) - this.#timeOf(other, item);
    return difference === 0 ? this.#keys[one]! < this.#keys[other]! : difference < 0;
  }

  #timeOf(place: number, item: number): number {
    return this.#times[place]![this.#items[place]!.indexOf(item)]!;
  }

  #leave(item: number, place: number): void {
    const people = this.#peopleOf.get(item)!;
    people.splice(people.indexOf(place), 1);
    if (people.length === 0) this.#peopleOf.delete(item);
    this.#pairs -= 1;
  }
}
