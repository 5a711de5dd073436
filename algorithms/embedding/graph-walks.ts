/**
 * Walks over the item graph, which are then learned like histories. A plain walk draws each next
 * item by the edges of the last (DeepWalk; Perozzi and others, 2014). node2vec (Grover and
 * Leskovec, 2016) weighs an edge also by where the walk came from: 1 ÷ p back to that item, 1 to
 * what that item points at as well, 1 ÷ q to anything else. A small p stays near, a small q leaves.
 *
 * The second-order choice is drawn by rejection: propose by the edge's weight, accept with the
 * factor's share of the largest factor. Exact, and without a table for every pair of items.
 */
import type { SeededRandom } from '../random/seeded-random.ts';
import type { ItemGraph } from './item-graph.ts';
import type { ItemSequences } from './skip-gram.ts';

export interface WalkOptions {
  readonly walksPerItem: number;
  /** Items of a walk, the first one among them. */
  readonly walkLength: number;
  /** p: how unlikely a walk is to turn back. 1 and 1 are plain walks. */
  readonly returnWeight: number;
  /** q: how unlikely it is to leave the neighbourhood of where it came from. */
  readonly leaveWeight: number;
}

/** A walk ends early at an item without edges; items without edges start none. */
export const walksOf = (
  graph: ItemGraph,
  options: WalkOptions,
  random: SeededRandom,
): ItemSequences => {
  const { walksPerItem, walkLength } = options;
  const sources = Array.from({ length: graph.itemCount }, (_, item) => item).filter(
    (item) => graph.edgeCount(item) > 0,
  );
  const items = new Uint32Array(sources.length * walksPerItem * walkLength);
  const starts = new Uint32Array(sources.length * walksPerItem + 1);
  let walk = 0;
  let length = 0;
  for (let round = 0; round < walksPerItem; round++) {
    for (const source of sources) {
      const start = length;
      items[length++] = source;
      while (length - start < walkLength && graph.edgeCount(items[length - 1]!) > 0) {
        const before = length - start > 1 ? items[length - 2]! : null;
        items[length] = nextOf(graph, { before, at: items[length - 1]! }, options, random);
        length += 1;
      }
      starts[++walk] = length;
    }
  }
  return { itemCount: graph.itemCount, starts, items: items.slice(0, length) };
};

interface Position {
  readonly before: number | null;
  readonly at: number;
}

const nextOf = (
  graph: ItemGraph,
  { before, at }: Position,
  { returnWeight, leaveWeight }: WalkOptions,
  random: SeededRandom,
): number => {
  if (before === null || (returnWeight === 1 && leaveWeight === 1)) return graph.draw(at, random);
  const [back, away] = [1 / returnWeight, 1 / leaveWeight];
  // The only edge is no choice, and its factor may be very small.
  if (graph.edgeCount(at) === 1) return graph.draw(at, random);
  const largest = Math.max(back, 1, away);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const proposed = graph.draw(at, random);
    const factor = proposed === before ? back : graph.hasEdge(before, proposed) ? 1 : away;
    if (random.next() * largest < factor) return proposed;
  }
  return graph.draw(at, random);
};

/** Only where nearly all edges have a tiny factor is the plain choice taken in the end. */
const ATTEMPTS_MAX = 1000;
