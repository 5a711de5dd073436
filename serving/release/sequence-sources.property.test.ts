import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inlineEngine } from '../../algorithms/kernels/kernel-engine.ts';
import { atOnce } from '../../algorithms/model/pieces.ts';
import { TopItems } from '../../algorithms/selection/top-items.ts';
import { epochMs, eventId, itemId } from '../../schemas/ids.ts';
import { trainRelease } from '../../test/serving/release.fixture.ts';
import { releaseItemsOn } from '../../test/serving/release-items.fixture.ts';
import { ItemSlots } from '../item-slots.ts';
import { emptyProfile, type Profile } from '../profile.ts';
import { KeptProposals } from './kept-proposals.ts';
import { LinearModel } from './linear-model.ts';
import type { ModelSource } from './model-source.ts';
import { PersonSequences } from './person-sequence.ts';
import { VectorModel } from './vector-model.ts';

const NO_BYTES = new Uint8Array(0);
const COUNT = 24;
/** Beyond what the release knows. */
const SLOTS = COUNT + 4;
const IDS = Array.from({ length: COUNT }, (_, index) => itemId(`i${index}`));
const NOW = epochMs(0);

const slots = new ItemSlots();
for (let slot = 0; slot < SLOTS; slot++) slots.ofId(itemId(`i${slot}`));
const items = releaseItemsOn(IDS, slots);
const sequences = new PersonSequences(items);
const engine = inlineEngine();
const { models } = await trainRelease({ version: 'r', itemIds: IDS, hasSequences: true });

const anyChoices = fc.array(fc.nat(SLOTS - 1), { maxLength: 12 });

/** Oldest first, as told; a profile has the newest first. */
const profileOf = (choices: readonly number[]): Profile => ({
  ...emptyProfile(null, NOW),
  positives: choices.toReversed().map((slot) => ({
    slot,
    weight: 1,
    entry: {
      eventId: eventId('e'),
      itemId: itemId(`i${slot}`),
      kind: 'like',
      value: null,
      occurredAt: NOW,
      isCounted: true,
      busy: 0,
    },
  })),
});

/** What training would have made of the same choices. */
const historyOf = (choices: readonly number[]) => {
  const known = choices.filter((slot) => slot < COUNT);
  const kept = known.filter((slot, place) => slot !== known[place - 1]);
  return { items: Uint32Array.from(kept), weights: null, times: null };
};

const proposedBy = (source: ModelSource, profile: Profile, left: ReadonlySet<number>) => {
  const found = new Map<number, number>();
  const proposals = { count: SLOTS, leftOut: left, now: NOW };
  source.propose(profile, proposals, (slot, amount) => found.set(slot, amount));
  return found;
};

const sumsOf = (source: ModelSource, profile: Profile): Float64Array => {
  const sums = new Float64Array(SLOTS);
  const all = Array.from(sums, (_, slot) => slot);
  source.contribute(profile, all, (slot, _, amount) => {
    sums[slot]! += amount;
  });
  return sums;
};

describe('any person’s choices', () => {
  it.each(['item2vec', 'graph'] as const)(
    'are a softmax of the logits of %s, which their events add up to',
    (kind) => {
      const model = models[kind]!;
      const dampings: number[] = [];
      const answers = atOnce(model.answersInPieces());
      const dimensions = model.searchDimensions;
      const vectors = { itemCount: COUNT, dimensions, factors: answers };
      const topItems = new TopItems(engine, vectors);
      const source = new VectorModel({ model, bytes: NO_BYTES, topItems, items, sequences });
      fc.assert(
        fc.property(anyChoices, (choices) => {
          const profile = profileOf(choices);
          const history = historyOf(choices);
          const logits = new Float64Array(COUNT);
          model.score(history, logits);
          const left = new Set(choices);
          const proposed = proposedBy(source, profile, left);
          expect(proposed.size).toBe(
            history.items.length === 0 ? 0 : COUNT - new Set(history.items).size,
          );
          const best = Math.max(...[...proposed.keys()].map((slot) => logits[slot]!));
          for (const [slot, raw] of proposed)
            expect(raw).toBeCloseTo(Math.exp(logits[slot]! - best), 4);
          // What its events do not give to a logit is the item's own damping, whoever it is for.
          const sums = sumsOf(source, profile);
          for (const slot of proposed.keys()) {
            dampings[slot] ??= sums[slot]! - logits[slot]!;
            expect(sums[slot]! - logits[slot]!).toBeCloseTo(dampings[slot], 6);
          }
        }),
        { numRuns: 40 },
      );
      source.release();
    },
  );

  it.each(['next-item', 'ease'] as const)(
    'are scored by %s as by the training, which their events add up to',
    (kind) => {
      const model = models[kind]!;
      const source = new LinearModel({ model, bytes: NO_BYTES, items, sequences });
      fc.assert(
        fc.property(anyChoices, (choices) => {
          const profile = profileOf(choices);
          const scores = new Float64Array(COUNT);
          model.score(historyOf(choices), scores);
          const proposed = proposedBy(source, profile, new Set());
          const sums = sumsOf(source, profile);
          for (let slot = 0; slot < COUNT; slot++) {
            expect(proposed.get(slot) ?? 0).toBe(Math.max(scores[slot]!, 0));
            expect(sums[slot]).toBeCloseTo(scores[slot]!, 9);
          }
        }),
        { numRuns: 40 },
      );
    },
  );
});

describe('what a model proposed to somebody', () => {
  const asked: string[] = [];
  const answering = (score: () => number): ModelSource => ({
    propose: ({ subject }, { leftOut }, give) => {
      asked.push(`${subject}`);
      for (let slot = 0; slot < 3; slot++) if (!leftOut.has(slot)) give(slot, score());
    },
    contribute: () => {},
    release: () => {},
  });
  const personAt = (subject: string | null, version: number): Profile => ({
    ...profileOf([1]),
    subject: subject as Profile['subject'],
    version: version as Profile['version'],
  });

  it('is kept while their state is the same and the question is, and asked again otherwise', () => {
    let score = 1;
    const kept = new KeptProposals(
      answering(() => score),
      { peopleMax: 4 },
    );
    const scoresFor = (profile: Profile, left: readonly number[] = []): number[] => [
      ...proposedBy(kept, profile, new Set(left)).values(),
    ];
    expect(scoresFor(personAt('u:a', 1))).toEqual([1, 1, 1]);
    score = 2;
    expect(scoresFor(personAt('u:a', 1))).toEqual([1, 1, 1]);
    expect(scoresFor(personAt('u:b', 1))).toEqual([2, 2, 2]);
    expect(scoresFor(personAt('u:a', 1), [0])).toEqual([2, 2]);
    expect(scoresFor(personAt('u:a', 2))).toEqual([2, 2, 2]);
    score = 3;
    expect(scoresFor(personAt('u:a', 2))).toEqual([2, 2, 2]);
    expect(scoresFor(personAt(null, 2))).toEqual([3, 3, 3]);
    kept.forget();
    expect(scoresFor(personAt('u:a', 2))).toEqual([3, 3, 3]);
    expect(asked).toEqual(['u:a', 'u:b', 'u:a', 'u:a', 'null', 'u:a']);
  });
});
