import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { historiesOfRows, historyOfItems } from '../histories/histories.ts';
import { seededRandom } from '../random/seeded-random.ts';
import {
  DEFAULT_GRAPH_EMBEDDING_OPTIONS,
  fitGraphEmbedding,
  readGraphEmbedding,
} from './graph-embedding.ts';
import { walksOf } from './graph-walks.ts';
import { itemGraphOf } from './item-graph.ts';
import { sequencesOf } from './item2vec.ts';

const SMALL = {
  ...DEFAULT_GRAPH_EMBEDDING_OPTIONS,
  dimensions: 8,
  epochs: 2,
  walksPerItem: 4,
  walkLength: 6,
};

const graphOf = (rows: number[][], itemCount: number, options = {}) =>
  itemGraphOf(sequencesOf(historiesOfRows(rows, itemCount), null), {
    steps: 1,
    stepDecay: 0.5,
    isDirected: true,
    edgesPerItem: 100,
    ...options,
  });

describe('the item graph', () => {
  it('draws by how often and how closely one item follows another', () => {
    const graph = graphOf(
      [
        [0, 1, 2],
        [0, 1],
        [0, 2],
      ],
      4,
      { steps: 2 },
    );
    const random = seededRandom(3);
    let ones = 0;
    for (let draw = 0; draw < 20_000; draw++) ones += Number(graph.draw(0, random) === 1);
    // Item 1 follows twice at once; item 2 once at once and once a step later, which counts half.
    expect(ones / 20_000).toBeCloseTo(2 / 3.5, 1);
    expect(graph.hasEdge(1, 2)).toBe(true);
    expect(graph.hasEdge(2, 1)).toBe(false);
    expect(graph.edgeCount(3)).toBe(0);
  });

  it('keeps the heaviest edges, and joins both ways where it has no direction', () => {
    const rows = [
      [0, 1],
      [0, 1],
      [0, 2],
      [3, 0],
      [3, 0],
      [3, 0],
    ];
    const graph = graphOf(rows, 4, { isDirected: false, edgesPerItem: 2 });
    expect([1, 2, 3].filter((item) => graph.hasEdge(0, item))).toEqual([1, 3]);
    expect(graph.hasEdge(1, 0)).toBe(true);
    expect(graphOf([[5, 5, 5]], 6).edgeCount(5)).toBe(0);
  });
});

describe('walks', () => {
  it('only go where edges lead', () => {
    const rows = fc.array(fc.array(fc.nat(6), { maxLength: 9 }), { maxLength: 6 });
    const weights = fc.record({
      returnWeight: fc.constantFrom(0.001, 0.5, 1, 1000),
      leaveWeight: fc.constantFrom(0.001, 1, 4),
      seed: fc.nat(),
    });
    fc.assert(
      fc.property(rows, weights, (data, { seed, ...factors }) => {
        const graph = graphOf(data, 7);
        const options = { walksPerItem: 3, walkLength: 5, ...factors };
        const { starts, items } = walksOf(graph, options, seededRandom(seed));
        for (let walk = 0; walk + 1 < starts.length; walk++) {
          expect(starts[walk + 1]! - starts[walk]!).toBeGreaterThan(1);
          for (let k = starts[walk]! + 1; k < starts[walk + 1]!; k++) {
            expect(graph.hasEdge(items[k - 1]!, items[k]!)).toBe(true);
          }
        }
      }),
    );
  });

  it('of node2vec weigh an edge by where they came from', () => {
    // Between 0 and 1 all know each other and 2; 3 hangs on 1 alone.
    const rows = [
      [0, 1],
      [0, 2],
      [1, 2],
      [1, 3],
    ];
    const graph = graphOf(rows, 4, { isDirected: false });
    const after = { back: 0, near: 0, away: 0 };
    const options = { walksPerItem: 30_000, walkLength: 3, returnWeight: 4, leaveWeight: 0.5 };
    const { starts, items } = walksOf(graph, options, seededRandom(8));
    for (let walk = 0; walk + 1 < starts.length; walk++) {
      const [first, second, third] = items.subarray(starts[walk]!, starts[walk + 1]!);
      if (first !== 0 || second !== 1) continue;
      after[third === 0 ? 'back' : third === 2 ? 'near' : 'away'] += 1;
    }
    const total = after.back + after.near + after.away;
    const sum = 1 / 4 + 1 + 1 / 0.5;
    expect(after.back / total).toBeCloseTo(1 / 4 / sum, 1);
    expect(after.near / total).toBeCloseTo(1 / sum, 1);
    expect(after.away / total).toBeCloseTo(2 / sum, 1);
  });
});

describe('graph embeddings', () => {
  it('bring together what only a third item joins', async () => {
    const rows = Array.from({ length: 40 }, (_, k) => {
      const side = 4 * (k % 2);
      return [
        [side, side + 1],
        [side + 1, side + 2],
        [side + 2, side + 3],
      ][k % 3]!;
    });
    const options = { ...SMALL, epochs: 30, walksPerItem: 30, rate: 0.1 };
    const model = await fitGraphEmbedding(historiesOfRows(rows, 9), options, { seed: 1 });
    expect([...model.similar(0, 3).items].sort()).toEqual([1, 2, 3]);
  });

  it('give finite scores whatever the data, explain them, and come back from bytes', async () => {
    const people = fc.array(fc.array(fc.nat(5), { maxLength: 8 }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(people, fc.array(fc.nat(6)), async (rows, met) => {
        const fitted = await fitGraphEmbedding(historiesOfRows(rows, 6), SMALL, { seed: 1 });
        const model = readGraphEmbedding(fitted.serialise());
        const scores = new Float64Array(6).fill(Number.NaN);
        model.score(historyOfItems(met), scores);
        scores.forEach((score, item) => {
          const parts = model.explain(historyOfItems(met), item);
          expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(score, 9);
        });
      }),
      { numRuns: 40 },
    );
  });

  it('refuse settings that mean nothing', async () => {
    const data = historiesOfRows([[0, 1]], 2);
    for (const options of [
      { steps: 0 },
      { stepDecay: 0 },
      { edgesPerItem: 0 },
      { walksPerItem: 0.5 },
      { walkLength: 1 },
      { returnWeight: 0 },
      { leaveWeight: Number.NaN },
    ]) {
      const refused = fitGraphEmbedding(data, { ...SMALL, ...options }, { seed: 1 });
      await expect(refused, JSON.stringify(options)).rejects.toThrow(/Expected option/);
    }
  });
});
