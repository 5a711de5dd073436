import { describe, expect, it } from 'vitest';
import { KeyTree, type PersonAddress, type TreeNode } from './key-tree.ts';
import { seededBytes } from './seeded-bytes.fixture.ts';

const SEED = 7;
const bytes = seededBytes(SEED);
const addressByChance = (): PersonAddress => {
  const words = bytes(8);
  return { high: words.readInt32LE(0), low: words.readInt32LE(4) };
};
const root = (): TreeNode => ({
  depth: 0,
  prefix: { high: 0, low: 0 },
  seed: Int32Array.of(1, 2, 3, 4),
});
const keyOf = (tree: KeyTree, address: PersonAddress): string | undefined => {
  const out = new Int32Array(8);
  return tree.keyInto(out, address) ? out.join() : undefined;
};

describe(`the tree of keys, seed ${SEED}`, () => {
  it('gives each address a key of its own, the same whenever it is asked', () => {
    const tree = new KeyTree([root()]);
    const addresses = Array.from({ length: 500 }, addressByChance);
    const keys = addresses.map((address) => keyOf(tree, address));
    expect(new Set(keys).size).toBe(addresses.length);
    expect(addresses.map((address) => keyOf(new KeyTree([root()]), address))).toEqual(keys);
  });

  it('loses the keys that are destroyed and no other, also when it is made anew from what is kept', () => {
    const tree = new KeyTree([root()]);
    const stayed = Array.from({ length: 200 }, addressByChance);
    const first = addressByChance();
    // Neighbours down to the last step, and one that is destroyed twice.
    const gone = [
      first,
      { high: first.high, low: first.low ^ 1 },
      { high: first.high ^ 0x10, low: first.low },
      ...Array.from({ length: 40 }, addressByChance),
      first,
    ];
    const beside = { high: first.high, low: first.low ^ 2 };
    const before = [...stayed, beside].map((address) => keyOf(tree, address));
    const nodes = new Map<string, TreeNode>([['0 0 0', root()]]);
    const nameOf = ({ depth, prefix }: TreeNode): string => `${depth} ${prefix.high} ${prefix.low}`;
    for (const address of gone) {
      const puncture = tree.punctureAt(address);
      if (puncture === undefined) continue;
      nodes.delete(nameOf(puncture.removed));
      for (const node of puncture.kept) nodes.set(nameOf(node), node);
      tree.apply(puncture);
    }
    expect(tree.punctureAt(first)).toBeUndefined();
    for (const made of [tree, new KeyTree([...nodes.values()])]) {
      expect(gone.map((address) => keyOf(made, address))).toEqual(gone.map(() => undefined));
      expect([...stayed, beside].map((address) => keyOf(made, address))).toEqual(before);
    }
  });

  it('is refused where a part of it is missing', () => {
    const tree = new KeyTree([root()]);
    const { kept } = tree.punctureAt(addressByChance())!;
    expect(() => new KeyTree(kept)).not.toThrow();
    for (const missing of [0, 15, 120]) {
      expect(() => new KeyTree(kept.toSpliced(missing, 1))).toThrow(RangeError);
    }
    expect(() => new KeyTree([])).toThrow(RangeError);
  });

  it('keeps nothing from which a destroyed key could be made: no seed on its path', () => {
    const tree = new KeyTree([root()]);
    const address = addressByChance();
    const { removed, kept } = tree.punctureAt(address)!;
    expect(removed.depth).toBe(0);
    expect(kept).toHaveLength(16 * 15);
    const isAbove = ({ depth, prefix }: TreeNode): boolean =>
      Array.from({ length: depth }, (_, step) => step).every((step) => {
        const nibble = ({ high, low }: PersonAddress): number =>
          ((step < 8 ? high : low) >>> (28 - 4 * (step % 8))) & 15;
        return nibble(prefix) === nibble(address);
      });
    expect(kept.filter(isAbove)).toEqual([]);
  });
});
