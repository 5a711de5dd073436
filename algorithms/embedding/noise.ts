/**
 * Which items stand in as wrong answers: each that occurs, with probability in proportion to
 * countᵉ (e = 0: all alike, .75: word2vec's).
 */
import type { SeededRandom } from '../random/seeded-random.ts';
import { type AliasTable, aliasesOf } from './alias-table.ts';

export class Noise {
  readonly #items: Uint32Array;
  readonly #table: AliasTable;

  constructor(counts: ArrayLike<number>, exponent: number) {
    const items = Uint32Array.from({ length: counts.length }, (_, item) => item);
    this.#items = items.filter((item) => counts[item]! > 0);
    this.#table = aliasesOf(Float64Array.from(this.#items, (item) => counts[item]! ** exponent));
  }

  /** How many different items can be drawn. */
  get size(): number {
    return this.#items.length;
  }

  draw(random: SeededRandom): number {
    const { keeps, aliases } = this.#table;
    const point = random.next() * this.#items.length;
    const place = Math.floor(point);
    return this.#items[point - place < keeps[place]! ? place : aliases[place]!]!;
  }
}
