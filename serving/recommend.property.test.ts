import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ListAnswer } from '../schemas/api/lists.ts';
import { itemHashLow } from '../schemas/hash.ts';
import { itemId } from '../schemas/ids.ts';
import { promote } from '../test/serving/promotion.ts';
import { trainRelease } from '../test/serving/release.fixture.ts';
import {
  type EventInput,
  FIXTURE_NOW,
  item,
  openTestServing,
  type PairInput,
  World,
} from '../test/serving/serving-fixture.ts';
import { PARTS } from './options.ts';

const COUNT = 30;
const idOf = (index: number): string => `i${index}`;
const anyItem = fc.nat(COUNT - 1);

const anyEvent: fc.Arbitrary<EventInput> = fc.oneof(
  fc.record({
    item: anyItem.map(idOf),
    kind: fc.constantFrom('click', 'view', 'like', 'purchase', 'dislike', 'hide'),
    at: fc.nat(40 * 86_400_000).map((age) => FIXTURE_NOW - age),
  }),
  fc.record({
    item: anyItem.map(idOf),
    kind: fc.constant('rating'),
    value: fc.integer({ min: 1, max: 10 }).map((halves) => halves / 2),
    at: fc.nat(40 * 86_400_000).map((age) => FIXTURE_NOW - age),
  }),
);

const anyState = fc.record({
  popularity: fc.nat(50),
  fast: fc.nat(9),
  slow: fc.nat(30),
  pairs: fc.uniqueArray(
    fc.record({
      to: anyItem.map(idOf),
      forward: fc.nat(9),
      people: fc.constantFrom<PairInput['people']>(1, 2, 3),
    }),
    { selector: ({ to }) => to, maxLength: 8 },
  ),
});

const anyWorld = fc.record({
  states: fc.array(anyState, { maxLength: COUNT }),
  events: fc.array(anyEvent, { maxLength: 12 }),
  evicted: fc.uniqueArray(anyItem, { maxLength: 5 }),
  hidden: fc.uniqueArray(anyItem, { maxLength: COUNT - 1 }),
  limit: fc.integer({ min: 1, max: 12 }),
  diversity: fc.constantFrom(0, 0.15, 0.8),
  /** Items that a release knows; 0 for no release. */
  trained: fc.constantFrom(0, 7, COUNT),
});

describe('any list of any person', () => {
  it('has parts that add up to the score in every bit, pages that repeat nothing, and is never empty', async () => {
    await fc.assert(
      fc.asyncProperty(anyWorld, async (given) => {
        const world = new World();
        const shown = Array.from({ length: COUNT }, (_, index) =>
          item(idOf(index), {
            categories: [`c${index % 4}`],
            hidden: given.hidden.includes(index),
          }),
        );
        await world.putItems(...shown);
        await world.putItemStates(
          Object.fromEntries(given.states.map((state, index) => [idOf(index), state])),
        );
        if (given.events.length > 0) await world.act('u:ada', ...given.events);
        await world.putSubject('u:ada', {
          evictedSeen: given.evicted.map((index) => ({
            itemHash: itemHashLow(idOf(index)),
            untilDay: 65_535,
          })),
        });
        if (given.trained > 0) await promoteRelease(world, given.trained);
        const under = await openTestServing(world);
        try {
          await checkAllPages(under, given);
        } finally {
          await under.close();
        }
      }),
      { numRuns: 25 },
    );
  });
});

const promoteRelease = async (world: World, count: number): Promise<void> => {
  const itemIds = Array.from({ length: count }, (_, index) => itemId(idOf(index)));
  const { manifest, files } = await trainRelease({ version: 'r', itemIds });
  await world.artifactStore.publish(manifest, files);
  await promote(world.eventLog, 'r', { at: FIXTURE_NOW });
};

const checkAllPages = async (
  under: Awaited<ReturnType<typeof openTestServing>>,
  given: {
    readonly limit: number;
    readonly diversity: number;
    readonly events: readonly EventInput[];
    readonly trained: number;
  },
): Promise<void> => {
  const hidden = new Set(
    given.events.filter(({ kind }) => kind === 'hide').map((event) => event.item),
  );
  const seen = new Set<string>();
  let cursor: string | null = '';
  for (let page = 0; cursor !== null; page++) {
    const url: string = `/v1/users/ada/recommendations?limit=${given.limit}&diversity=${given.diversity}`;
    const answer: { readonly body: ListAnswer } = await under.get<ListAnswer>(
      `${url}${cursor && `&cursor=${cursor}`}`,
    );
    const { items, models } = answer.body;
    const versions = new Set(Object.values(models).filter((version) => version !== null));
    expect([...versions].every((version) => version === 'r')).toBe(true);
    expect(models.als === null).toBe(given.trained === 0);
    for (const { itemId, parts, score, rank } of items) {
      expect(seen.has(itemId)).toBe(false);
      expect(hidden.has(itemId)).toBe(false);
      seen.add(itemId);
      expect(rank).toBe(seen.size);
      expect(PARTS.reduce((sum, part) => sum + (parts[part] ?? 0), 0)).toBe(score);
    }
    if (page === 0 && hidden.size === 0) expect(items.length).toBeGreaterThan(0);
    cursor = answer.body.nextCursor;
  }
};
