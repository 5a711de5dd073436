/**
 * What serving makes of a person's state: which of their events speak for and against which items,
 * and how strongly; what they have seen; what they hid. A pure function of (state, kinds, now), where
 * `now` decides only what still counts as seen: taste fades measured from the person's own newest
 * event, so a list does not change because nothing happened.
 */
import { newestDeeds } from '../algorithms/factors/person-events.ts';
import {
  earlierValuesOf,
  keepStrongerSide,
  tasteWeights,
} from '../algorithms/histories/taste-weights.ts';
import type { EpochMs, Offset, SubjectId } from '../schemas/ids.ts';
import type { KindTable } from '../schemas/kinds.ts';
import type { EvictedSeen, HistoryEntry, SubjectState } from '../schemas/state/subject-state.ts';
import type { Catalogue } from './catalogue.ts';
import type { ItemSlots } from './item-slots.ts';
import type { LadderOptions } from './options.ts';

export interface TasteEvent {
  readonly entry: HistoryEntry;
  readonly slot: number;
  /** Above 0; what it counts after fading. */
  readonly weight: number;
}

/** An item that the person spoke for, all their events on it together. */
export interface TasteItem {
  readonly slot: number;
  readonly weight: number;
  /** The newest first. */
  readonly events: readonly TasteEvent[];
}

export interface Profile {
  readonly subject: SubjectId | null;
  readonly version: Offset | null;
  readonly newestEventAt: EpochMs | null;
  /** Newest first. */
  readonly positives: readonly TasteEvent[];
  readonly negatives: readonly TasteEvent[];
  /** The items of the positives, once each, the newest first. */
  readonly items: readonly TasteItem[];
  readonly seen: SeenItems;
  readonly hidden: ReadonlySet<number>;
}

const DAY_MS = 86_400_000;
const FOR_EVER_DAY = 65_535;

/** The items that a person has seen: by slot from the history, by 32-bit hash beyond it. */
export class SeenItems {
  readonly #slots: ReadonlySet<number>;
  readonly #evicted: readonly EvictedSeen[];
  readonly #today: number;
  /** Slots of those beyond the history that are known; made when first asked for. */
  #evictedSlots: ReadonlySet<number> | undefined;

  constructor(slots: ReadonlySet<number>, evicted: readonly EvictedSeen[], now: EpochMs) {
    this.#slots = slots;
    this.#evicted = evicted;
    this.#today = Math.floor(now / DAY_MS);
  }

  /** Those that the history names. */
  get slots(): ReadonlySet<number> {
    return this.#slots;
  }

  has(slot: number, slots: ItemSlots): boolean {
    if (this.#slots.has(slot)) return true;
    this.#evictedSlots ??= this.#findEvicted(slots);
    return this.#evictedSlots.has(slot);
  }

  /** Visits those that left the history and still count. */
  eachEvicted(slots: ItemSlots, visit: (slot: number) => void): void {
    for (const { itemHash, untilDay } of this.#evicted) {
      if (untilDay === FOR_EVER_DAY || untilDay >= this.#today)
        slots.eachOfHashLow(itemHash, visit);
    }
  }

  #findEvicted(slots: ItemSlots): ReadonlySet<number> {
    const found = new Set<number>();
    this.eachEvicted(slots, (slot) => found.add(slot));
    return found;
  }
}

export interface ProfileOptions {
  readonly slots: ItemSlots;
  readonly kinds: KindTable;
  readonly ladder: LadderOptions;
}

/** The profile of somebody of whom nothing is known. */
export const emptyProfile = (subject: SubjectId | null, now: EpochMs): Profile => ({
  subject,
  version: null,
  newestEventAt: null,
  positives: [],
  negatives: [],
  items: [],
  seen: new SeenItems(new Set(), [], now),
  hidden: new Set(),
});

export const profileOf = (
  subject: SubjectId | null,
  state: Pick<
    SubjectState,
    'history' | 'evictedSeen' | 'ownValueSumThousandths' | 'ownValueCount' | 'lastOffset'
  >,
  now: EpochMs,
  options: ProfileOptions,
): Profile => {
  const { history } = state;
  const places = history.map(({ itemId }) => options.slots.find(itemId) ?? UNKNOWN);
  const weights = weightsOf(state, places, options);
  const { eventsMax, negativesMax } = options.ladder;
  const newest = newestDeeds(weights, { positives: eventsMax, negatives: negativesMax });
  const eventAt = (place: number): TasteEvent => ({
    entry: history[place]!,
    slot: places[place]!,
    weight: Math.abs(weights[place]!),
  });
  const positives = newest.positives.map(eventAt);
  return {
    subject,
    version: state.lastOffset,
    newestEventAt: history.at(-1)?.occurredAt ?? null,
    positives,
    negatives: newest.negatives.map(eventAt),
    items: itemsOf(positives, options.ladder.itemsMax),
    seen: new SeenItems(seenSlots(history, places, now, options), state.evictedSeen, now),
    hidden: hiddenSlots(history, places),
  };
};

/** The place of an item that neither catalogue nor state knows. */
const UNKNOWN = -1;

const itemsOf = (positives: readonly TasteEvent[], itemsMax: number): TasteItem[] => {
  const items = new Map<number, { slot: number; weight: number; events: TasteEvent[] }>();
  for (const event of positives) {
    const item = items.get(event.slot);
    if (item !== undefined) {
      item.weight += event.weight;
      item.events.push(event);
    } else if (items.size < itemsMax) {
      items.set(event.slot, { slot: event.slot, weight: event.weight, events: [event] });
    }
  }
  return [...items.values()];
};

const hiddenSlots = (history: readonly HistoryEntry[], places: readonly number[]): Set<number> => {
  const hidden = new Set<number>();
  for (let index = 0; index < history.length; index++) {
    if (history[index]!.kind === 'hide' && places[index] !== UNKNOWN) hidden.add(places[index]!);
  }
  return hidden;
};

/** By place in the history: above 0 for an item, below against it, 0 for what says nothing here. */
const weightsOf = (
  state: Pick<SubjectState, 'history' | 'ownValueSumThousandths' | 'ownValueCount'>,
  places: readonly number[],
  { kinds, ladder }: ProfileOptions,
): Float64Array => {
  const prior = { mean: ladder.ownMeanPrior, strength: ladder.ownMeanPriorStrength };
  const { history, ownValueSumThousandths: sumThousandths, ownValueCount: count } = state;
  const earlier = earlierValuesOf(history, { sumThousandths, count }, kinds);
  const weights = tasteWeights(history, earlier, { kinds, prior });
  for (let index = 0; index < places.length; index++) {
    if (places[index] === UNKNOWN) weights[index] = 0;
  }
  keepStrongerSide(places, weights);
  return weights;
};

const seenSlots = (
  history: readonly HistoryEntry[],
  places: readonly number[],
  now: EpochMs,
  { kinds }: ProfileOptions,
): Set<number> => {
  const seen = new Set<number>();
  for (let index = 0; index < history.length; index++) {
    const { kind, occurredAt } = history[index]!;
    const seenFor = kinds.get(kind)?.seenFor ?? 0;
    if (seenFor > 0 && now - occurredAt < seenFor && places[index] !== UNKNOWN) {
      seen.add(places[index]!);
    }
  }
  return seen;
};

/** How much a person leans to each category: negative where they turn away from it. */
export class CategoryTaste {
  readonly #amounts: Float64Array;
  readonly total: number;

  constructor(profile: Profile, catalogue: Catalogue) {
    this.#amounts = new Float64Array(catalogue.categoryCount);
    for (const item of profile.items) this.#add(item, 1, catalogue);
    for (const event of profile.negatives) this.#add(event, -1, catalogue);
    let total = 0;
    for (const amount of this.#amounts) total += Math.abs(amount);
    this.total = total;
  }

  of(category: number): number {
    return this.#amounts[category] ?? 0;
  }

  #add(
    { slot, weight }: { readonly slot: number; readonly weight: number },
    sign: 1 | -1,
    catalogue: Catalogue,
  ): void {
    const categories = catalogue.categoriesOf(slot);
    const share = (sign * weight) / Math.sqrt(categories.length);
    for (const category of categories) this.#amounts[category]! += share;
  }
}
