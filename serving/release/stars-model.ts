/** The stars that a person would give to an item, with an interval, from the stars that they gave. */
import type { History } from '../../algorithms/histories/histories.ts';
import type { Forecast, RatingForecast } from '../../algorithms/ratings/rating-forecast.ts';
import type { KindTable } from '../../schemas/kinds.ts';
import type { HistoryEntry } from '../../schemas/state/subject-state.ts';
import type { ItemSlots } from '../item-slots.ts';
import { NO_ITEM, type ReleaseItems } from './release-items.ts';

export class StarsModel {
  readonly #forecasts: RatingForecast;
  readonly #items: ReleaseItems;

  constructor(forecasts: RatingForecast, items: ReleaseItems) {
    this.#forecasts = forecasts;
    this.#items = items;
  }

  /** undefined for an item that came after the release. */
  forecast(
    history: readonly HistoryEntry[],
    slot: number,
    { slots, kinds }: { readonly slots: ItemSlots; readonly kinds: KindTable },
  ): Forecast | undefined {
    const item = this.#items.itemOf(slot);
    if (item === NO_ITEM) return undefined;
    return this.#forecasts.forecast(this.#ratingsOf(history, slots, kinds), item);
  }

  #ratingsOf(history: readonly HistoryEntry[], slots: ItemSlots, kinds: KindTable): History {
    const items: number[] = [];
    const values: number[] = [];
    for (const { itemId, kind, value } of history) {
      if (value === null || kinds.get(kind)?.polarity !== 'by-own-mean') continue;
      const slot = slots.find(itemId);
      const item = slot === undefined ? NO_ITEM : this.#items.itemOf(slot);
      if (item === NO_ITEM) continue;
      items.push(item);
      values.push(value);
    }
    return { items: Uint32Array.from(items), weights: Float32Array.from(values), times: null };
  }
}
