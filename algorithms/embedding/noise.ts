/**
 * Which items stand in as wrong answers: each that occurs, with probability in proportion to
 * countᵉ (e = 0: all alike, .75: word2vec's). Walker's alias method: one random number a draw,
 * whatever the number of items.
 */
import type { SeededRandom } from '../random/seeded-random.ts';

export class Noise {
  readonly #items: Uint32Array;
  readonly #keeps: Float64Array;
  readonly #aliases: Uint32Array;

  constructor(counts: ArrayLike<number>, exponent: number) {
    this.#items = Uint32Array.from(counts as number[], (_, item) => item).filter(
      (item) => counts[item]! > 0,
    );
    const size = this.#items.length;
    const powers = Float64Array.from(this.#items, (item) => counts[item]! ** exponent);
    const total = powers.reduce((sum, power) => sum + power, 0);
    this.#keeps = powers.map((power) => (power / total) * size);
    this.#aliases = Uint32Array.from({ length: size }, (_, place) => place);
    this.#pair();
  }

  /** Gives each place that has less than its share the rest from one that has more. */
  #pair(): void {
    const poor: number[] = [];
    const rich: number[] = [];
    this.#keeps.forEach((share, place) => {
      (share < 1 ? poor : rich).push(place);
    });
    while (poor.length > 0 && rich.length > 0) {
      const taker = poor.pop()!;
      const giver = rich.at(-1)!;
      this.#aliases[taker] = giver;
      this.#keeps[giver]! -= 1 - this.#keeps[taker]!;
      if (this.#keeps[giver]! < 1) poor.push(rich.pop()!);
    }
    // What is left over differs from 1 by rounding alone.
    for (const place of [...poor, ...rich]) this.#keeps[place] = 1;
  }

  /** How many different items can be drawn. */
  get size(): number {
    return this.#items.length;
  }

  draw(random: SeededRandom): number {
    const point = random.next() * this.#items.length;
    const place = Math.floor(point);
    return this.#items[point - place < this.#keeps[place]! ? place : this.#aliases[place]!]!;
  }
}
