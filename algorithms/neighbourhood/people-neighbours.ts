/**
 * User-based collaborative filtering over an index of people that changes as they act: who chose much
 * of what this person chose, and what else they chose.
 *
 *   likeness(v)  = Σ over shared items wₖ · rareness(k)  ÷  √(items of v)
 *   score(i)     = Σ over the `neighbours` most alike who chose i of likeness²
 *
 * wₖ is what the person's choice of item k weighs, times `decay` for each newer one, rareness(k) = 1 ÷ √(people who chose k). Whoever
 * shares fewer than `sharedMin` items is no neighbour. An item that fewer than `supportMin` neighbours
 * chose is not proposed: nobody's list shows what one other person did.
 *
 * Who may be near is found among the `peoplePerItem` who chose each item last, so the cost is bounded
 * by events × `peoplePerItem` + `neighbours` × items of a person, whatever the index holds.
 * The plain version stands in `people-neighbours-reference.ts`; like every user-based method it holds
 * what people did, so it belongs into memory beside the state, never into a release.
 */
import { keepNearest } from './nearest.ts';
import type { PeopleIndex } from './people-index.ts';

export interface PeopleNeighbourOptions {
  readonly neighbours: number;
  readonly sharedMin: number;
  readonly supportMin: number;
  readonly peoplePerItem: number;
  /** What each older choice of whoever asks keeps of the weight of the one after it. */
  readonly decay: number;
}

export const DEFAULT_PEOPLE_NEIGHBOUR_OPTIONS: PeopleNeighbourOptions = {
  neighbours: 100,
  sharedMin: 1,
  supportMin: 3,
  peoplePerItem: 200,
  decay: 0.9,
};

/** What a person chose, newest first: an item once, and what it weighs, above 0. */
export interface ChosenItem {
  readonly item: number;
  readonly weight: number;
}

export interface Neighbour {
  readonly key: string;
  readonly likeness: number;
  /** Places in what was asked about. */
  readonly shared: readonly number[];
}

/** Who is near, for one question: valid until the index changes. */
export interface NearPeople {
  readonly chosen: readonly ChosenItem[];
  /** Of each chosen item what sharing it adds, before the neighbour's own scale. */
  readonly terms: Float64Array;
  readonly places: Uint32Array;
  readonly likeness: Float64Array;
}

const NONE = -1;

export class PeopleNeighbours {
  readonly #index: PeopleIndex;
  readonly #options: PeopleNeighbourOptions;
  /** By place of a person; wiped by what was touched. */
  #likeness = new Float64Array(1024);
  #shared = new Uint16Array(1024);
  #touched = new Uint32Array(1024);
  /** By item; wiped the same way. */
  #scores = new Float64Array(1024);
  #support = new Uint16Array(1024);
  /** Place of an item among those chosen, and among those asked about; NONE for all others. */
  #chosenAt = new Int32Array(1024).fill(NONE);
  #askedAt = new Int32Array(1024).fill(NONE);

  constructor(index: PeopleIndex, options: PeopleNeighbourOptions) {
    this.#index = index;
    this.#options = options;
  }

  get sharedMin(): number {
    return this.#options.sharedMin;
  }

  /** How alike somebody would be who chose the very same. */
  likenessOfSame(chosen: readonly ChosenItem[]): number {
    const sum = this.#termsOf(chosen).reduce((total, term) => total + term, 0);
    return sum / Math.sqrt(Math.max(1, chosen.length));
  }

  near(chosen: readonly ChosenItem[], except: string | undefined): NearPeople {
    const terms = this.#termsOf(chosen);
    const places = this.#nearestPlaces(chosen, terms, except);
    this.#mark(chosen);
    const likeness = new Float64Array(places.length);
    for (let k = 0; k < places.length; k++) likeness[k] = this.#likenessOf(places[k]!, terms);
    this.#unmark(chosen);
    return { chosen, terms, places, likeness };
  }

  /** Calls `give` with the score, above 0, of each item that enough neighbours chose. */
  score({ places, likeness }: NearPeople, give: (item: number, score: number) => void): void {
    const found: number[] = [];
    for (let k = 0; k < places.length; k++) {
      const gift = likeness[k]! ** 2;
      const items = this.#index.itemsAt(places[k]!);
      for (let at = 0; at < items.length; at++) {
        const item = items[at]!;
        if (item >= this.#scores.length) this.#makeRoomForItem(item);
        if (this.#support[item]! === 0) found.push(item);
        this.#scores[item]! += gift;
        this.#support[item]! += 1;
      }
    }
    for (const item of found) {
      if (this.#support[item]! >= this.#options.supportMin) give(item, this.#scores[item]!);
      this.#scores[item] = 0;
      this.#support[item] = 0;
    }
  }

  /** Calls `give` with what each choice (by its place in `chosen`) gave to each of these items. */
  contribute(
    near: NearPeople,
    asked: readonly number[],
    give: (item: number, place: number, amount: number) => void,
  ): void {
    const amounts = new Float64Array(near.chosen.length * asked.length);
    this.#mark(near.chosen);
    asked.forEach((item, at) => {
      this.#makeRoomForItem(item);
      this.#askedAt[item] = at;
    });
    for (let k = 0; k < near.places.length; k++) this.#addGifts(near, k, asked.length, amounts);
    for (const item of asked) this.#askedAt[item] = NONE;
    this.#unmark(near.chosen);
    for (let place = 0; place < near.chosen.length; place++) {
      asked.forEach((item, at) => {
        const amount = amounts[place * asked.length + at]!;
        if (amount !== 0) give(item, place, amount);
      });
    }
  }

  /** What one neighbour gives to what is asked about, parted by what made them alike. */
  #addGifts({ places, likeness, terms }: NearPeople, k: number, width: number, into: Float64Array) {
    const place = places[k]!;
    const items = this.#index.itemsAt(place);
    const given = items.filter((item) => (this.#askedAt[item] ?? NONE) !== NONE);
    if (given.length === 0) return;
    const scale = likeness[k]! * this.#index.scales[place]!;
    for (const item of items) {
      const own = this.#chosenAt[item] ?? NONE;
      if (own === NONE) continue;
      for (const other of given) into[own * width + this.#askedAt[other]!]! += scale * terms[own]!;
    }
  }

  /** The most alike first. */
  nearest({ chosen, places, likeness }: NearPeople, count: number): readonly Neighbour[] {
    const keyOf = (k: number): string => this.#index.keyAt(places[k]!)!;
    const order = [...places.keys()].sort(
      (one, other) => likeness[other]! - likeness[one]! || (keyOf(one) < keyOf(other) ? -1 : 1),
    );
    return order.slice(0, count).map((k) => ({
      key: keyOf(k),
      likeness: likeness[k]!,
      shared: sharedPlaces(chosen, this.#index.itemsAt(places[k]!)),
    }));
  }

  #termsOf(chosen: readonly ChosenItem[]): Float64Array {
    return Float64Array.from(chosen, ({ item, weight }, age) => {
      const people = Math.max(1, this.#index.peopleOf(item).length);
      return (weight * this.#options.decay ** age) / Math.sqrt(people);
    });
  }

  #likenessOf(place: number, terms: Float64Array): number {
    const items = this.#index.itemsAt(place);
    let sum = 0;
    for (let k = 0; k < items.length; k++) {
      const own = this.#chosenAt[items[k]!] ?? NONE;
      if (own !== NONE) sum += terms[own]!;
    }
    return sum * this.#index.scales[place]!;
  }

  #nearestPlaces(
    chosen: readonly ChosenItem[],
    terms: Float64Array,
    except: string | undefined,
  ): Uint32Array {
    this.#makeRoom();
    const touched = this.#touched.subarray(0, this.#meet(chosen, terms));
    const own = except === undefined ? undefined : this.#index.placeOf(except);
    const { scales } = this.#index;
    const { sharedMin, neighbours } = this.#options;
    for (let k = 0; k < touched.length; k++) {
      const place = touched[k]!;
      const isNone = place === own || this.#shared[place]! < sharedMin;
      this.#likeness[place] = isNone ? 0 : this.#likeness[place]! * scales[place]!;
      this.#shared[place] = 0;
    }
    keepNearest(this.#likeness, touched, neighbours);
    const nearest = new Uint32Array(Math.min(touched.length, neighbours));
    let count = 0;
    for (let k = 0; k < touched.length; k++) {
      const place = touched[k]!;
      if (this.#likeness[place]! > 0) nearest[count++] = place;
      this.#likeness[place] = 0;
    }
    return nearest.subarray(0, count);
  }

  /** Sums up whoever shares something; answers how many those are. */
  #meet(chosen: readonly ChosenItem[], terms: Float64Array): number {
    let count = 0;
    for (let own = 0; own < chosen.length; own++) {
      const people = this.#index.peopleOf(chosen[own]!.item);
      const first = Math.max(0, people.length - this.#options.peoplePerItem);
      for (let k = first; k < people.length; k++) {
        const place = people[k]!;
        if (this.#shared[place]! === 0) this.#touched[count++] = place;
        this.#shared[place]! += 1;
        this.#likeness[place]! += terms[own]!;
      }
    }
    return count;
  }

  #mark(chosen: readonly ChosenItem[]): void {
    chosen.forEach(({ item }, place) => {
      this.#makeRoomForItem(item);
      this.#chosenAt[item] = place;
    });
  }

  #unmark(chosen: readonly ChosenItem[]): void {
    for (const { item } of chosen) this.#chosenAt[item] = NONE;
  }

  #makeRoomForItem(item: number): void {
    if (item < this.#scores.length) return;
    const length = 2 * (item + 1);
    this.#scores = grown(this.#scores, new Float64Array(length));
    this.#support = grown(this.#support, new Uint16Array(length));
    this.#chosenAt = grown(this.#chosenAt, new Int32Array(length).fill(NONE));
    this.#askedAt = grown(this.#askedAt, new Int32Array(length).fill(NONE));
  }

  #makeRoom(): void {
    const needed = this.#index.placeCount;
    if (this.#likeness.length >= needed) return;
    const length = needed * 2;
    this.#likeness = new Float64Array(length);
    this.#shared = new Uint16Array(length);
    this.#touched = new Uint32Array(length);
  }
}

const grown = <Column extends Float64Array | Uint16Array | Int32Array>(
  column: Column,
  into: Column,
): Column => {
  into.set(column);
  return into;
};

const sharedPlaces = (
  chosen: readonly ChosenItem[],
  theirs: readonly number[],
): readonly number[] => {
  const held = new Set(theirs);
  return [...chosen.keys()].filter((place) => held.has(chosen[place]!.item));
};
