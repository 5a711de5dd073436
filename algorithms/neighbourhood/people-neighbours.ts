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
 * Of each item only the `peoplePerItem` who came to it last are looked at, so the cost of a score is
 * bounded by events × `peoplePerItem` + `neighbours` × items of a person, whatever the index holds.
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
  peoplePerItem: 400,
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

  constructor(index: PeopleIndex, options: PeopleNeighbourOptions) {
    this.#index = index;
    this.#options = options;
  }

  get sharedMin(): number {
    return this.#options.sharedMin;
  }

  /** How alike somebody would be who chose the very same. */
  likenessOfSame(chosen: readonly ChosenItem[]): number {
    const sum = chosen.reduce((total, choice, age) => total + this.#termOf(choice, age), 0);
    return sum / Math.sqrt(Math.max(1, chosen.length));
  }

  /** Calls `give` with the score, above 0, of each item that enough neighbours chose. */
  score(
    chosen: readonly ChosenItem[],
    except: string | undefined,
    give: (item: number, score: number) => void,
  ): void {
    const found: number[] = [];
    this.#withNeighbours(chosen, except, (places) => {
      for (const place of places) this.#addGifts(place, found);
    });
    for (const item of found) {
      if (this.#support[item]! >= this.#options.supportMin) give(item, this.#scores[item]!);
      this.#scores[item] = 0;
      this.#support[item] = 0;
    }
  }

  #addGifts(place: number, found: number[]): void {
    const gift = this.#likeness[place]! ** 2;
    for (const item of this.#index.itemsAt(place)) {
      if (item >= this.#scores.length) this.#makeRoomForItem(item);
      if (this.#support[item]! === 0) found.push(item);
      this.#scores[item]! += gift;
      this.#support[item]! += 1;
    }
  }

  /** Calls `give` with what each choice (by its place in `chosen`) gave to each of these items. */
  contribute(
    chosen: readonly ChosenItem[],
    { items, except }: { readonly items: ReadonlySet<number>; readonly except: string | undefined },
    give: (item: number, place: number, amount: number) => void,
  ): void {
    this.#withNeighbours(chosen, except, (places) => {
      const isNear = new Set(places);
      chosen.forEach((choice, k) => {
        const { item: own } = choice;
        const term = this.#termOf(choice, k);
        const amounts = new Map<number, number>();
        for (const place of this.#lookedAt(own)) {
          if (!isNear.has(place)) continue;
          const theirs = this.#index.itemsAt(place);
          const amount = (this.#likeness[place]! * term) / Math.sqrt(theirs.length);
          for (const item of theirs) {
            if (items.has(item)) amounts.set(item, (amounts.get(item) ?? 0) + amount);
          }
        }
        for (const [item, amount] of amounts) give(item, k, amount);
      });
    });
  }

  /** The most alike first. */
  nearest(
    chosen: readonly ChosenItem[],
    except: string | undefined,
    count: number,
  ): readonly Neighbour[] {
    let found: Neighbour[] = [];
    this.#withNeighbours(chosen, except, (places) => {
      const order = [...places].sort(
        (one, other) => this.#likeness[other]! - this.#likeness[one]! || one - other,
      );
      found = order.slice(0, count).map((place) => ({
        key: this.#index.keyAt(place)!,
        likeness: this.#likeness[place]!,
        shared: sharedPlaces(chosen, this.#index.itemsAt(place)),
      }));
    });
    return found;
  }

  #lookedAt(item: number): readonly number[] {
    const people = this.#index.peopleOf(item);
    const { peoplePerItem } = this.#options;
    return people.length > peoplePerItem ? people.slice(-peoplePerItem) : people;
  }

  #termOf({ item, weight }: ChosenItem, age: number): number {
    const people = Math.max(1, this.#index.peopleOf(item).length);
    return (weight * this.#options.decay ** age) / Math.sqrt(people);
  }

  /** Runs `work` with the places of the nearest, their likeness at hand. */
  #withNeighbours(
    chosen: readonly ChosenItem[],
    except: string | undefined,
    work: (places: Uint32Array) => void,
  ): void {
    this.#makeRoom();
    const touched = this.#touched.subarray(0, this.#meet(chosen));
    const own = except === undefined ? undefined : this.#index.placeOf(except);
    for (const place of touched) {
      const isNone = place === own || this.#shared[place]! < this.#options.sharedMin;
      const length = this.#index.itemsAt(place).length;
      this.#likeness[place] = isNone ? 0 : this.#likeness[place]! / Math.sqrt(length);
    }
    keepNearest(this.#likeness, touched, this.#options.neighbours);
    work(touched.filter((place) => this.#likeness[place]! > 0));
    for (const place of touched) {
      this.#likeness[place] = 0;
      this.#shared[place] = 0;
    }
  }

  /** Sums up whoever shares something; answers how many those are. */
  #meet(chosen: readonly ChosenItem[]): number {
    let count = 0;
    for (const [age, choice] of chosen.entries()) {
      const term = this.#termOf(choice, age);
      const people = this.#index.peopleOf(choice.item);
      const first = Math.max(0, people.length - this.#options.peoplePerItem);
      for (let k = first; k < people.length; k++) {
        const place = people[k]!;
        if (this.#shared[place]! === 0) this.#touched[count++] = place;
        this.#shared[place]! += 1;
        this.#likeness[place]! += term;
      }
    }
    return count;
  }

  #makeRoomForItem(item: number): void {
    const length = 2 * (item + 1);
    this.#scores = grown(this.#scores, new Float64Array(length));
    this.#support = grown(this.#support, new Uint16Array(length));
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

const grown = <Column extends Float64Array | Uint16Array>(column: Column, into: Column): Column => {
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
