/**
 * The items as a graph: an edge a → b for what follows a within a few steps of a history, a step
 * further away counting less (the counts of `neighbourhood/transitions`), or for both directions
 * alike. Each item keeps its strongest edges; drawing a next item takes one random number (Walker's
 * alias method), whatever the number of edges.
 */
import type { SeededRandom } from '../random/seeded-random.ts';
import { aliasesOf } from './alias-table.ts';
import type { ItemSequences } from './skip-gram.ts';

export interface ItemGraphOptions {
  /** How many steps after an item another still counts as following it. */
  readonly steps: number;
  /** What each further step keeps of the weight. */
  readonly stepDecay: number;
  readonly isDirected: boolean;
  /** How many edges an item keeps, the heaviest. */
  readonly edgesPerItem: number;
}

export class ItemGraph {
  readonly itemCount: number;
  /** Edges of item i are starts[i] … starts[i + 1], targets rising. */
  readonly #starts: Uint32Array;
  readonly #targets: Uint32Array;
  readonly #keeps: Float64Array;
  readonly #aliases: Uint32Array;

  constructor(rows: readonly ReadonlyMap<number, number>[], edgesPerItem: number) {
    this.itemCount = rows.length;
    this.#starts = new Uint32Array(rows.length + 1);
    const kept = rows.map((row) => heaviest(row, edgesPerItem));
    kept.forEach((row, item) => {
      this.#starts[item + 1] = this.#starts[item]! + row.length;
    });
    const edgeCount = this.#starts[rows.length]!;
    this.#targets = new Uint32Array(edgeCount);
    this.#keeps = new Float64Array(edgeCount);
    this.#aliases = new Uint32Array(edgeCount);
    kept.forEach((row, item) => {
      const table = aliasesOf(row.map(([, weight]) => weight));
      this.#targets.set(
        row.map(([target]) => target),
        this.#starts[item],
      );
      this.#keeps.set(table.keeps, this.#starts[item]);
      this.#aliases.set(table.aliases, this.#starts[item]);
    });
  }

  edgeCount(item: number): number {
    return this.#starts[item + 1]! - this.#starts[item]!;
  }

  /** The target of one of the item's edges, drawn by weight; the item must have some. */
  draw(item: number, random: SeededRandom): number {
    const start = this.#starts[item]!;
    const point = random.next() * this.edgeCount(item);
    const place = Math.floor(point);
    const isKept = point - place < this.#keeps[start + place]!;
    return this.#targets[start + (isKept ? place : this.#aliases[start + place]!)]!;
  }

  hasEdge(from: number, to: number): boolean {
    let low = this.#starts[from]!;
    let high = this.#starts[from + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#targets[middle]! < to) low = middle + 1;
      else high = middle;
    }
    return low < this.#starts[from + 1]! && this.#targets[low] === to;
  }
}

/** The heaviest edges, by rising target; of equal ones the lower target stays. */
const heaviest = (row: ReadonlyMap<number, number>, limit: number): [number, number][] =>
  [...row]
    .sort(([a, x], [b, y]) => y - x || a - b)
    .slice(0, limit)
    .sort(([a], [b]) => a - b);

export const itemGraphOf = (sequences: ItemSequences, options: ItemGraphOptions): ItemGraph => {
  const { itemCount, starts, items } = sequences;
  const rows = Array.from({ length: itemCount }, () => new Map<number, number>());
  const add = (from: number, to: number, weight: number): void => {
    rows[from]!.set(to, (rows[from]!.get(to) ?? 0) + weight);
  };
  for (let row = 0; row + 1 < starts.length; row++) {
    for (let place = starts[row]!; place < starts[row + 1]!; place++) {
      const end = Math.min(place + options.steps, starts[row + 1]! - 1);
      let weight = 1;
      for (let next = place + 1; next <= end; next++) {
        const [from, to] = [items[place]!, items[next]!];
        if (from !== to) {
          add(from, to, weight);
          if (!options.isDirected) add(to, from, weight);
        }
        weight *= options.stepDecay;
      }
    }
  }
  return new ItemGraph(rows, options.edgesPerItem);
};
