/**
 * Who goes together with whom: an item's neighbours with time-decayed weights, forward (this item,
 * then the neighbour) and backward, and how many distinct people stand behind each, up to three.
 *
 * The list is bounded: one neighbour more than the cap, and only the heaviest are kept. The room
 * between cap and kept is where newcomers gather weight before they are weighed against the rest.
 * Below the cap the list is a function of the deltas in any order; pruning is where order matters.
 */
import {
  addShare,
  type DecayScale,
  halve,
  unitsOf,
} from '../../algorithms/popularity/decayed-counter.ts';
import { hash128Into, newHash128 } from '../../schemas/hash.ts';
import type { EpochMs, ItemId } from '../../schemas/ids.ts';
import {
  BACKWARD,
  FIRST_PERSON,
  FORWARD,
  type ItemColumns,
  PEOPLE,
  SECOND_PERSON,
  SLOT_WORDS,
} from '../../schemas/state/item-columns.ts';
import type { ItemOptions } from '../options.ts';

export interface CovisitationCounters {
  saturated: number;
  pruned: number;
  missed: number;
}

export interface HashWords {
  readonly low: number;
  readonly high: number;
}

const PEOPLE_ENOUGH = 3;
/** At this many deltas of one person we stop counting them, up and down. */
const DELTAS_MAX = 255;
const words = newHash128();

export const hashWordsOf = (item: ItemId): HashWords => {
  hash128Into(words, item);
  return { low: words[0]!, high: words[1]! };
};

/** One side of a pair, addressed to the item whose list it changes. Used again for the next one. */
export interface PairChange {
  /** True where the item addressed came first. */
  isForward: boolean;
  weight: number;
  sign: number;
  at: EpochMs;
  subjectHash: number;
}

export class CovisitationOperator {
  readonly #scale: DecayScale;
  readonly #options: ItemOptions;
  readonly #counters: CovisitationCounters;

  constructor(scale: DecayScale, options: ItemOptions, counters: CovisitationCounters) {
    this.#scale = scale;
    this.#options = options;
    this.#counters = counters;
  }

  /** Takes a pair into the item's list. */
  take(item: ItemColumns, neighbour: HashWords, change: PairChange): void {
    const { weight, sign, at: time, subjectHash } = change;
    const share = sign * this.#scale.shareOf(weight, time, item.landmark);
    if (this.#scale.wasCut) this.#counters.saturated++;
    // Too old to be seen: such a pair leaves no trace, whichever way it is signed.
    if (share === 0) return;
    let at = item.findNeighbour(neighbour.low, neighbour.high);
    if (at < 0) {
      if (share < 0) {
        this.#counters.missed++;
        return;
      }
      at = ~at;
      item.insertNeighbour(at, neighbour.low, neighbour.high);
    }
    const { slots } = item;
    if (!addShare(slots, at + (change.isForward ? FORWARD : BACKWARD), share)) {
      this.#counters.saturated++;
    }
    if (share > 0) addPerson(slots, at, subjectHash);
    else removePerson(slots, at, subjectHash);
    if (share < 0 && isEmpty(slots, at)) item.removeNeighbour(at);
    else if (item.neighbourCount > this.#options.neighboursMax) {
      this.#counters.pruned += prune(item, this.#options.neighboursKept);
    }
  }
}

const addPerson = (slots: Int32Array, at: number, subjectHash: number): void => {
  const packed = slots[at + PEOPLE]!;
  const people = packed & 255;
  if (people >= PEOPLE_ENOUGH) return;
  const place = placeOf(slots, at, subjectHash);
  if (place >= 0) {
    const deltas = (packed >>> (8 + 8 * place)) & 255;
    if (deltas < DELTAS_MAX) slots[at + PEOPLE] = packed + (256 << (8 * place));
    return;
  }
  if (people === 2) {
    slots[at + PEOPLE] = PEOPLE_ENOUGH;
    slots[at + FIRST_PERSON] = 0;
    slots[at + SECOND_PERSON] = 0;
    return;
  }
  const first = slots[at + FIRST_PERSON]!;
  if (people === 1 && subjectHash < first) {
    // The smaller hash stands first, so that the order of arrival leaves no trace.
    slots[at + FIRST_PERSON] = subjectHash;
    slots[at + SECOND_PERSON] = first;
    slots[at + PEOPLE] = 2 | (1 << 8) | (((packed >>> 8) & 255) << 16);
    return;
  }
  slots[at + FIRST_PERSON + people] = subjectHash;
  slots[at + PEOPLE] = (packed + 1) | (1 << (8 + 8 * people));
};

const removePerson = (slots: Int32Array, at: number, subjectHash: number): void => {
  const packed = slots[at + PEOPLE]!;
  const people = packed & 255;
  if (people >= PEOPLE_ENOUGH) return;
  const place = placeOf(slots, at, subjectHash);
  if (place < 0) return;
  const deltas = (packed >>> (8 + 8 * place)) & 255;
  if (deltas === DELTAS_MAX) return;
  if (deltas > 1) {
    slots[at + PEOPLE] = packed - (256 << (8 * place));
    return;
  }
  if (place === 0 && people === 2) {
    slots[at + FIRST_PERSON] = slots[at + SECOND_PERSON]!;
    slots[at + PEOPLE] = 1 | (((packed >>> 16) & 255) << 8);
  } else if (place === 1) {
    slots[at + PEOPLE] = 1 | (packed & 0xff00);
  } else {
    slots[at + FIRST_PERSON] = 0;
    slots[at + PEOPLE] = 0;
  }
  slots[at + SECOND_PERSON] = 0;
};

/** Which of the first two people it is, or −1. */
const placeOf = (slots: Int32Array, at: number, subjectHash: number): number => {
  const people = slots[at + PEOPLE]! & 255;
  if (people >= 1 && slots[at + FIRST_PERSON] === subjectHash) return 0;
  return people === 2 && slots[at + SECOND_PERSON] === subjectHash ? 1 : -1;
};

/** Nobody is behind it any more, or (once there were three) nothing is left of its weight. */
const isEmpty = (slots: Int32Array, at: number): boolean => {
  const people = slots[at + PEOPLE]! & 255;
  return people === 0 || (people >= PEOPLE_ENOUGH && isWeightless(slots, at));
};

const isWeightless = (slots: Int32Array, at: number): boolean =>
  (slots[at + FORWARD]! |
    slots[at + FORWARD + 1]! |
    slots[at + BACKWARD]! |
    slots[at + BACKWARD + 1]!) ===
  0;

let weights = new Float64Array(128);
let selection = new Float64Array(128);

/** Keeps the heaviest neighbours (of equal ones, those with the lower hash); returns how many went. */
const prune = (item: ItemColumns, kept: number): number => {
  const { slots, neighbourCount } = item;
  if (weights.length < neighbourCount) {
    weights = new Float64Array(neighbourCount * 2);
    selection = new Float64Array(neighbourCount * 2);
  }
  for (let index = 0; index < neighbourCount; index++) {
    const at = index * SLOT_WORDS;
    weights[index] = unitsOf(slots, at + FORWARD) + unitsOf(slots, at + BACKWARD);
    selection[index] = weights[index]!;
  }
  const least = largest(selection, neighbourCount, kept);
  let above = 0;
  for (let index = 0; index < neighbourCount; index++) if (weights[index]! > least) above++;
  let equalLeft = kept - above;
  let to = 0;
  // Those that stay are moved together, run by run.
  let runStart = 0;
  for (let index = 0; index <= neighbourCount; index++) {
    const weight = index < neighbourCount ? weights[index]! : Number.NEGATIVE_INFINITY;
    if (weight > least || (weight === least && --equalLeft >= 0)) continue;
    if (to !== runStart && index > runStart) {
      slots.copyWithin(to * SLOT_WORDS, runStart * SLOT_WORDS, index * SLOT_WORDS);
    }
    to += index - runStart;
    runStart = index + 1;
  }
  item.neighbourCount = to;
  return neighbourCount - to;
};

/** The `rank`-th largest (from 1) of the first `count` values, which are reordered (quickselect). */
const largest = (values: Float64Array, count: number, rank: number): number => {
  let from = 0;
  let to = count - 1;
  const wanted = rank - 1;
  while (from < to) {
    const pivot = values[(from + to) >>> 1]!;
    let left = from;
    let right = to;
    while (left <= right) {
      while (values[left]! > pivot) left++;
      while (values[right]! < pivot) right--;
      if (left > right) break;
      const swapped = values[left]!;
      values[left] = values[right]!;
      values[right] = swapped;
      left++;
      right--;
    }
    if (wanted <= right) to = right;
    else if (wanted >= left) from = left;
    else break;
  }
  return values[wanted]!;
};

/** Divides all weights by 2^halvings, and lets go of neighbours of whom nothing is left. */
export const halveNeighbours = (item: ItemColumns, halvings: number): void => {
  if (halvings <= 0) return;
  for (let at = (item.neighbourCount - 1) * SLOT_WORDS; at >= 0; at -= SLOT_WORDS) {
    halve(item.slots, at + FORWARD, halvings);
    halve(item.slots, at + BACKWARD, halvings);
    if (isWeightless(item.slots, at)) item.removeNeighbour(at);
  }
};
