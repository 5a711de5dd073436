/**
 * A dense model over the core of a large catalogue. Dense linear models grow with the square of
 * the items; beyond a few thousand they are fitted on the items with the most events, which carry
 * nearly all of what can be learned, and the long tail is left to the sources that are cheap an
 * item (neighbours, content, factors). Events of other items are skipped, in training and in
 * scoring alike; an item outside the core scores 0.
 *
 * Where the catalogue is not larger than the limit the core is all of it.
 */
import {
  checkHistories,
  type Histories,
  type History,
  itemCounts,
} from '../histories/histories.ts';
import type { ExplainingItemModel } from '../model/item-model.ts';
import { arrayOf, decodeModel, encodeModel } from '../model/model-bytes.ts';
import { checkCount } from '../model/option-checks.ts';

/** Memory of the statistics, in f64: 36 · I² bytes for three blocks, so 900 MB. */
export const NEXT_ITEM_CORE_LIMIT = 5_000;

const FORMAT = 'core-items/1';
const OUTSIDE = -1;

export class CoreItemModel implements ExplainingItemModel {
  readonly itemCount: number;
  /** The core, rising. */
  readonly items: Uint32Array;
  readonly inner: ExplainingItemModel;
  readonly #placeOf: Int32Array;
  readonly #innerScores: Float64Array;

  constructor(itemCount: number, items: Uint32Array, inner: ExplainingItemModel) {
    this.itemCount = itemCount;
    this.items = items;
    this.inner = inner;
    this.#placeOf = placesOf(itemCount, items);
    this.#innerScores = new Float64Array(items.length);
  }

  get sizeBytes(): number {
    return this.inner.sizeBytes + this.items.byteLength + this.#placeOf.byteLength;
  }

  score(history: History, scores: Float64Array): void {
    scores.fill(0);
    this.inner.score(this.#insideOf(history).history, this.#innerScores);
    for (let place = 0; place < this.items.length; place++) {
      scores[this.items[place]!] = this.#innerScores[place]!;
    }
  }

  explain(history: History, item: number): Float64Array {
    const parts = new Float64Array(history.items.length);
    const place = this.#placeOf[item] ?? OUTSIDE;
    if (place === OUTSIDE) return parts;
    const { history: inside, from } = this.#insideOf(history);
    this.inner.explain(inside, place).forEach((part, k) => {
      parts[from[k]!] = part;
    });
    return parts;
  }

  /** The events of the core, and where in the history each of them stood. */
  #insideOf({ items }: History): { readonly history: History; readonly from: Uint32Array } {
    const from = Uint32Array.from(items.keys()).filter(
      (k) => (this.#placeOf[items[k]!] ?? OUTSIDE) !== OUTSIDE,
    );
    const inside = from.map((k) => this.#placeOf[items[k]!]!);
    return { history: { items: inside, weights: null, times: null }, from };
  }

  serialise(): Uint8Array {
    return encodeModel({
      format: FORMAT,
      facts: { itemCount: this.itemCount },
      arrays: { items: this.items, inner: this.inner.serialise() },
    });
  }
}

const placesOf = (itemCount: number, items: Uint32Array): Int32Array => {
  const places = new Int32Array(itemCount).fill(OUTSIDE);
  items.forEach((item, place) => {
    places[item] = place;
  });
  return places;
};

/** The `limit` items with the most events, rising; equal ones: the lower index. */
export const coreItemsOf = (histories: Histories, limit: number): Uint32Array => {
  checkCount('limit', limit);
  const counts = itemCounts(histories);
  const order = Uint32Array.from(counts.keys());
  if (order.length > limit) order.sort((a, b) => counts[b]! - counts[a]! || a - b);
  return order.slice(0, limit).sort();
};

/** The histories without the events of other items, items numbered by their place in the core. */
export const restrictedTo = (histories: Histories, items: Uint32Array): Histories => {
  const places = placesOf(histories.itemCount, items);
  const starts = new Uint32Array(histories.userCount + 1);
  const kept: number[] = [];
  for (let user = 0; user < histories.userCount; user++) {
    for (let k = histories.starts[user]!; k < histories.starts[user + 1]!; k++) {
      if (places[histories.items[k]!] !== OUTSIDE) kept.push(k);
    }
    starts[user + 1] = kept.length;
  }
  const { weights, times } = histories;
  return {
    userCount: histories.userCount,
    itemCount: items.length,
    starts,
    items: Uint32Array.from(kept, (k) => places[histories.items[k]!]!),
    weights: weights && Float32Array.from(kept, (k) => weights[k]!),
    times: times && Float64Array.from(kept, (k) => times[k]!),
  };
};

/** Fits on the core of at most `limit` items. */
export const fitOnCore = async (
  histories: Histories,
  limit: number,
  fitCore: (core: Histories) => Promise<ExplainingItemModel>,
): Promise<CoreItemModel> => {
  checkHistories(histories);
  const items = coreItemsOf(histories, limit);
  const inner = await fitCore(restrictedTo(histories, items));
  return new CoreItemModel(histories.itemCount, items, inner);
};

export const readCoreModel = (
  bytes: Uint8Array,
  readInner: (bytes: Uint8Array) => ExplainingItemModel,
): CoreItemModel => {
  const parts = decodeModel(bytes, FORMAT);
  return new CoreItemModel(
    parts.facts.itemCount as number,
    arrayOf(parts, 'items', 'u32'),
    readInner(arrayOf(parts, 'inner', 'u8')),
  );
};
