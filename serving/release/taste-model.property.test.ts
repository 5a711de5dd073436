import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FoldIn } from '../../algorithms/factors/fold-in.ts';
import { inlineEngine } from '../../algorithms/kernels/kernel-engine.ts';
import { TopItems } from '../../algorithms/selection/top-items.ts';
import { epochMs, eventId, itemId, type Offset, type SubjectId } from '../../schemas/ids.ts';
import { trainRelease } from '../../test/serving/release.fixture.ts';
import { releaseItemsOn } from '../../test/serving/release-items.fixture.ts';
import { Catalogue } from '../catalogue.ts';
import { ItemSlots } from '../item-slots.ts';
import { emptyProfile, type Profile, type TasteEvent } from '../profile.ts';
import { TasteModel } from './taste-model.ts';

const COUNT = 30;
/** Beyond what the release knows. */
const SLOTS = COUNT + 5;
const IDS = Array.from({ length: COUNT }, (_, index) => itemId(`i${index}`));
const NOW = epochMs(0);

const engine = inlineEngine();
const { models } = await trainRelease({ version: 'r', itemIds: IDS, dimensions: 6 });
const { als } = models;
const NOTHING_ALIKE = { neighboursOf: () => new Float32Array(0) };
const itemIndex = { neighboursOf: () => new Float32Array(0), pairScale: () => 1 };
const modelOver = (slots: ItemSlots): TasteModel =>
  new TasteModel({
    engine,
    foldIn: new FoldIn(engine, als),
    topItems: new TopItems(engine, { ...als, dimensions: als.options.dimensions }),
    itemCount: als.itemCount,
    items: releaseItemsOn(IDS, slots),
    vectorsMax: 10,
    newItemsMax: 0,
    ground: { catalogue: new Catalogue(slots), content: NOTHING_ALIKE, itemIndex },
  });

const anyEvent = fc.record({
  slot: fc.nat(SLOTS - 1),
  weight: fc.double({ min: 0.01, max: 2, noNaN: true }),
});
const anyPerson = fc.record({
  positives: fc.array(anyEvent, { maxLength: 20 }),
  negatives: fc.array(anyEvent, { maxLength: 5 }),
  version: fc.nat(3),
});

const eventsOf = (events: readonly { slot: number; weight: number }[]): TasteEvent[] =>
  events.map(({ slot, weight }) => ({
    slot,
    weight,
    entry: {
      eventId: eventId('e'),
      itemId: itemId(`i${slot}`),
      kind: 'like',
      value: null,
      occurredAt: NOW,
      isCounted: true,
      busy: 0,
    },
  }));

it('any person’s events add up to the score of every item, whichever people came before', () => {
  const slots = new ItemSlots();
  for (let slot = 0; slot < SLOTS; slot++) slots.ofId(itemId(`i${slot}`));
  const model = modelOver(slots);
  fc.assert(
    fc.property(fc.array(anyPerson, { minLength: 1, maxLength: 4 }), (people) => {
      const profiles = people.map(
        ({ positives, negatives }, person): Profile => ({
          ...emptyProfile(`u:${person}` as SubjectId, NOW),
          version: person as Offset,
          positives: eventsOf(positives),
          negatives: eventsOf(negatives),
        }),
      );
      model.forgetVectors();
      const vectors = profiles.map((profile) => model.vectorOf(profile));
      profiles.forEach((profile, person) => {
        const isKnown = profile.positives.some(({ slot }) => slot < COUNT);
        expect(vectors[person] !== undefined).toBe(isKnown);
        expect(model.vectorOf(profile)).toBe(vectors[person]);
        const sums = new Float64Array(SLOTS);
        const all = Array.from(sums, (_, slot) => slot);
        model.contribute(profile, all, (slot, _, amount) => {
          sums[slot]! += amount;
        });
        const proposals = { count: COUNT, leftOut: new Set<number>(), now: NOW };
        model.propose(profile, proposals, (slot, score) => {
          expect(sums[slot]).toBeCloseTo(score, 4);
        });
        expect(sums.subarray(COUNT).every((sum) => sum === 0)).toBe(true);
      });
    }),
    { numRuns: 40 },
  );
});
