import { beforeEach, describe, expect, it } from 'vitest';
import { newItemVector } from '../../algorithms/content/new-item-vectors.ts';
import { seededRandom } from '../../algorithms/random/seeded-random.ts';
import { itemId } from '../../schemas/ids.ts';
import { FIXTURE_NOW, item } from '../../test/serving/serving-fixture.ts';
import { Catalogue } from '../catalogue.ts';
import { ItemSlots } from '../item-slots.ts';
import { NewItemVectors } from './new-item-vectors.ts';
import { NO_ITEM } from './release-items.ts';

const KNOWN = 10;
const DIMENSIONS = 4;
const random = seededRandom(5);
const known = {
  itemCount: KNOWN,
  factors: Float32Array.from({ length: KNOWN * DIMENSIONS }, () => random.normal()),
  options: { dimensions: DIMENSIONS },
};

let catalogue: Catalogue;
/** By slot: pairs [slot, likeness] and triples [slot, both, forward]. */
let alike: Map<number, number[]>;
let together: Map<number, number[]>;
beforeEach(() => {
  catalogue = new Catalogue(new ItemSlots());
  alike = new Map();
  together = new Map();
  for (let index = 0; index < KNOWN + 4; index++) catalogue.put(item(`i${index}`));
});

const vectorsOf = (max = 100): NewItemVectors =>
  new NewItemVectors({
    known,
    itemOf: (slot) => (slot < KNOWN ? slot : NO_ITEM),
    ground: {
      catalogue,
      content: { neighboursOf: (slot) => Float32Array.from(alike.get(slot) ?? []) },
      itemIndex: {
        neighboursOf: (slot) => Float32Array.from(together.get(slot) ?? []),
        pairScale: () => 0.5,
      },
    },
    max,
  });

describe('vectors of items that came after the training', () => {
  it('are those of what they are like and were chosen together with', () => {
    alike.set(KNOWN, [1, 0.5, 3, 0.25, KNOWN + 1, 0.9]);
    together.set(KNOWN, [4, 6, 1]);
    const vectors = vectorsOf();
    vectors.makeSome(FIXTURE_NOW);
    const expected = newItemVector(known, {
      alike: [
        { item: 1, weight: 0.5 },
        { item: 3, weight: 0.25 },
      ],
      together: [{ item: 4, weight: 3 }],
    });
    expect(vectors.vectorOf(KNOWN)).toEqual(Float32Array.from(expected!));
    expect(vectors.vectorOf(1)).toBeUndefined();
  });

  it('come as soon as something is known of the item, and change with it', () => {
    const vectors = vectorsOf();
    for (let list = 0; list < 3; list++) vectors.makeSome(FIXTURE_NOW);
    expect(vectors.counts()).toEqual({ withVector: 0, waiting: 4, beyond: 0 });
    together.set(KNOWN + 2, [4, 6, 1]);
    for (let list = 0; list < 3; list++) vectors.makeSome(FIXTURE_NOW);
    expect(vectors.counts()).toEqual({ withVector: 1, waiting: 3, beyond: 0 });
    const before = vectors.vectorOf(KNOWN + 2);
    together.set(KNOWN + 2, [5, 6, 1]);
    vectors.changed([KNOWN + 2, 3]);
    expect(vectors.vectorOf(KNOWN + 2)).toBe(before);
    for (let list = 0; list < 3; list++) vectors.makeSome(FIXTURE_NOW);
    expect(vectors.vectorOf(KNOWN + 2)).not.toEqual(before);
    expect(vectors.counts()).toEqual({ withVector: 1, waiting: 3, beyond: 0 });
  });

  it('go with the item, and stay below their cap, which tells what is beyond it', () => {
    for (let index = 0; index < 3; index++) alike.set(KNOWN + index, [index, 0.5]);
    const vectors = vectorsOf(2);
    vectors.makeSome(FIXTURE_NOW);
    expect(vectors.counts()).toEqual({ withVector: 2, waiting: 0, beyond: 2 });
    catalogue.remove(itemId(`i${KNOWN}`));
    vectors.lookAgain();
    expect(vectors.counts()).toEqual({ withVector: 1, waiting: 1, beyond: 1 });
    vectors.makeSome(FIXTURE_NOW);
    expect(vectors.vectorOf(KNOWN)).toBeUndefined();
    expect(vectors.vectorOf(KNOWN + 2)).toBeDefined();
  });
});
