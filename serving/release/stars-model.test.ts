import { afterEach, describe, expect, it } from 'vitest';
import { historiesOf } from '../../algorithms/histories/histories.ts';
import {
  DEFAULT_EXPLICIT_ALS_OPTIONS,
  fitExplicitAls,
} from '../../algorithms/ratings/explicit-als.ts';
import { RatingForecast, readRatingForecast } from '../../algorithms/ratings/rating-forecast.ts';
import { RatingSpread } from '../../algorithms/ratings/rating-spread.ts';
import type { ExplanationAnswer } from '../../schemas/api/explanations.ts';
import { type EpochMs, eventId, type ItemId, itemId } from '../../schemas/ids.ts';
import { DEFAULT_KINDS, kindTable } from '../../schemas/kinds.ts';
import { fileOfModel } from '../../schemas/release.ts';
import type { HistoryEntry } from '../../schemas/state/subject-state.ts';
import { promote } from '../../test/serving/promotion.ts';
import { trainRelease } from '../../test/serving/release.fixture.ts';
import { releaseItemsOn } from '../../test/serving/release-items.fixture.ts';
import {
  item,
  openTestServing,
  settled,
  type TestServing,
  World,
} from '../../test/serving/serving-fixture.ts';
import { ItemSlots } from '../item-slots.ts';
import { StarsModel } from './stars-model.ts';

const KINDS = kindTable(DEFAULT_KINDS);
const ITEMS = 8;
const ids = Array.from({ length: ITEMS }, (_, k) => itemId(`film${k}`));

/** Two camps: people of one love even films, those of the other odd ones. */
const campForecast = async (): Promise<RatingForecast> => {
  const events = Array.from({ length: 40 }, (_, user) =>
    Array.from({ length: ITEMS }, (_, item) => ({
      user,
      item,
      weight: (user + item) % 2 === 0 ? 4.5 : 2,
    })),
  ).flat();
  const histories = historiesOf(events, { userCount: 40, itemCount: ITEMS });
  const options = { ...DEFAULT_EXPLICIT_ALS_OPTIONS, factors: 2 };
  const model = await fitExplicitAls(histories, options, { seed: 1 });
  const errors = Array.from({ length: 100 }, (_, k) => ({ error: (k % 7) / 7 - 0.5, ratings: 3 }));
  return new RatingForecast(model, RatingSpread.of(errors), { min: 0.5, max: 5 });
};

const rated = (item: ItemId, value: number): HistoryEntry => ({
  eventId: eventId(`e-${item}`),
  itemId: item,
  kind: 'rating',
  value,
  occurredAt: 0 as EpochMs,
  isCounted: true,
  busy: 0,
});

const starsModel = async () => {
  const slots = new ItemSlots();
  slots.ofId(itemId('not-in-the-release'));
  const items = releaseItemsOn(ids, slots);
  const late = slots.ofId(itemId('came-later'));
  const forecasts = readRatingForecast((await campForecast()).serialise());
  return { model: new StarsModel(forecasts, items), slots, late };
};

describe('predicted stars', () => {
  it('follow the stars that the person gave, within the scale, with an interval around them', async () => {
    const { model, slots } = await starsModel();
    const given = { slots, kinds: KINDS };
    const history = [rated(ids[0]!, 5), rated(ids[1]!, 1), rated(ids[2]!, 5)];
    const even = model.forecast(history, slots.ofId(ids[4]!), given)!;
    const odd = model.forecast(history, slots.ofId(ids[5]!), given)!;
    expect(even.value).toBeGreaterThan(odd.value + 1);
    for (const { low, value, high } of [even, odd]) {
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(low);
      expect(Math.min(low, value, high)).toBeGreaterThanOrEqual(0.5);
      expect(Math.max(low, value, high)).toBeLessThanOrEqual(5);
    }
  });

  it('go by the stars alone, and are there for somebody without any', async () => {
    const { model, slots } = await starsModel();
    const given = { slots, kinds: KINDS };
    const slot = slots.ofId(ids[4]!);
    const clicked = { ...rated(ids[0]!, 5), kind: 'click', value: null };
    expect(model.forecast([clicked], slot, given)).toEqual(model.forecast([], slot, given));
  });

  it('are not told of an item that came after the release', async () => {
    const { model, slots, late } = await starsModel();
    expect(model.forecast([], late, { slots, kinds: KINDS })).toBeUndefined();
  });
});

describe('why an item stands where it does', () => {
  let under: TestServing | undefined;
  afterEach(() => under?.close());

  const starsOf = async (itemId: string): Promise<ExplanationAnswer['stars']> =>
    (await under!.get<ExplanationAnswer>(`/v1/users/ada/recommendations/${itemId}`)).body.stars;

  it('comes with the stars that the person would give it, listed or seen, once a release predicts them', async () => {
    const world = new World();
    await world.putItems(...ids.map((id) => item(id)), item('came-later'));
    await world.act(
      'u:ada',
      { item: 'film0', id: 'e-0', kind: 'rating', value: 5 },
      { item: 'film1', id: 'e-1', kind: 'rating', value: 1 },
      { item: 'film2', id: 'e-2', kind: 'rating', value: 5 },
    );
    under = await openTestServing(world);
    expect(await starsOf('film4')).toBeNull();
    const { manifest, files } = await trainRelease({ version: 'r1', itemIds: ids });
    const { als } = manifest.facts.models;
    const facts = { ...manifest.facts, models: { ...manifest.facts.models, ratings: als! } };
    const ratings = { name: fileOfModel('ratings'), bytes: (await campForecast()).serialise() };
    await world.artifactStore.publish({ ...manifest, facts }, [...files, ratings]);
    await promote(world.eventLog, 'r1', { formerVersion: null, at: world.clock.now() });
    while (under.serving.status().release?.version !== 'r1') await settled();
    const [even, odd, seen] = [
      await starsOf('film4'),
      await starsOf('film5'),
      await starsOf('film0'),
    ];
    expect(even!.value).toBeGreaterThan(odd!.value + 1);
    for (const stars of [even!, odd!, seen!]) {
      expect(stars.low).toBeLessThan(stars.value);
      expect(stars.high).toBeGreaterThan(stars.low);
      expect(Math.round(stars.value * 10) / 10).toBe(stars.value);
    }
    expect(await starsOf('came-later')).toBeNull();
  });
});
