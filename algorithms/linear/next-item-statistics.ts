/**
 * What the next-item model is solved from, kept between refreshes: XᵀX and YᵀX over all positions
 * of all sequences. What a person adds is a function of their ordered sequence alone; a longer
 * sequence adds the difference of two such functions, and after a late event or an undo the old
 * sequence is subtracted and the new one added.
 *
 * Memory: with I items and K blocks XᵀX takes 4·(K·I)² bytes (f64, the lower half; 36·I² for three
 * blocks) and YᵀX 8·K·I². Cost: see position-tables.
 */
import { checkHistories, type Histories } from '../histories/histories.ts';
import { type SymmetricMatrix, symmetricMatrix } from '../linear-algebra/dense-linear-algebra.ts';
import { checkCount } from '../model/option-checks.ts';
import { SequenceBatch } from './next-item-batch.ts';
import {
  checkShape,
  type NextItemShape,
  type PairBand,
  PositionTables,
  settledPlace,
  targetWeights,
} from './position-tables.ts';

type Items = ArrayLike<number>;
type Sign = 1 | -1;

/** How many sizes of appended parts keep their tables. */
const SETTLED_TABLES = 8;

/** Which part of a sequence is added: sources from `first` on, seen from positions `seenFrom` on. */
interface ScatteredPart {
  readonly items: Items;
  readonly first: number;
  readonly seenFrom: number;
}

export class NextItemStatistics {
  readonly itemCount: number;
  readonly shape: NextItemShape;
  /** XᵀX; row (block · itemCount + item). */
  readonly gram: SymmetricMatrix;
  /** YᵀX, a row a target item. */
  readonly cross: Float64Array;
  /** Target weights by place, up to the place from which they stay the same. */
  readonly #targetWeights: Float64Array[][] = [];
  readonly #settled: number;
  readonly #reach: number;
  /** By number of added events, for those that are added most. */
  readonly #settledTables = new Map<number, PositionTables>();

  constructor(itemCount: number, shape: NextItemShape) {
    checkCount('itemCount', itemCount, 0);
    checkShape(shape);
    this.itemCount = itemCount;
    this.shape = shape;
    this.gram = symmetricMatrix(itemCount * shape.blocks.length);
    this.cross = new Float64Array(itemCount * this.gram.size);
    this.#settled = settledPlace(shape);
    this.#reach = Math.max(...shape.blocks.map(({ length }) => length));
  }

  get sizeBytes(): number {
    return this.gram.lower.byteLength + this.cross.byteLength;
  }

  /** Adds a whole sequence, oldest first; sign −1 takes it back. */
  addSequence(items: Items, sign: Sign = 1): void {
    const batch = this.#batch(sign);
    batch.add(Uint32Array.from(items));
    batch.flush();
  }

  /** Adds what `items` adds beyond its first `knownCount` events. */
  appendTo(items: Items, knownCount: number, sign: Sign = 1): void {
    if (items.length <= knownCount || this.itemCount === 0) return;
    const first = Math.max(knownCount - this.#reach, 0);
    const tables = this.#tablesFor(knownCount, items.length);
    this.#scatterPairs({ items, first, seenFrom: knownCount }, tables, sign);
    this.#scatterTargets(items, knownCount, sign);
  }

  /** Tables of the positions from `knownCount` on, for sources from `knownCount` − reach on. */
  #tablesFor(knownCount: number, length: number): PositionTables {
    const added = length - knownCount;
    // Further in than every block reaches, the weights depend on the number of events alone.
    const isSettled = knownCount >= this.#reach;
    const kept = isSettled ? this.#settledTables.get(added) : undefined;
    if (kept) return kept;
    const first = Math.max(knownCount - this.#reach, 0);
    const tables = new PositionTables(this.shape, { first, capacity: length - first });
    for (let p = Math.max(knownCount, 1); p < length; p++) tables.addPosition(p);
    if (isSettled && added <= SETTLED_TABLES) this.#settledTables.set(added, tables);
    return tables;
  }

  /** All sequences at once, in order of their lengths. */
  addAll(histories: Histories): void {
    checkHistories(histories);
    const { userCount, starts, items } = histories;
    const lengthOf = (user: number): number => starts[user + 1]! - starts[user]!;
    const users = Uint32Array.from({ length: userCount }, (_, user) => user);
    users.sort((a, b) => lengthOf(a) - lengthOf(b) || a - b);
    const batch = this.#batch(1);
    for (const user of users) batch.add(items.subarray(starts[user]!, starts[user + 1]!));
    batch.flush();
  }

  #batch(sign: Sign): SequenceBatch {
    const { itemCount, shape, gram } = this;
    const addTarget = (items: Items, place: number): void => this.#addTarget(items, place, sign);
    return new SequenceBatch({ itemCount, shape, gram, addTarget }, { sign });
  }

  #scatterPairs(part: ScatteredPart, tables: PositionTables, sign: Sign): void {
    for (const pair of tables.pairs) {
      if (pair.k === pair.l) this.#scatterWithin(part, pair, sign);
      else this.#scatterAcross(part, pair, sign);
    }
  }

  /** First source that a block sees from the part's positions. */
  #firstSeen({ first, seenFrom }: ScatteredPart, block: number): number {
    return Math.max(first, seenFrom - this.shape.blocks[block]!.length);
  }

  /** Two blocks, l < k: the row of k is always the lower one. The newest event is never a source. */
  #scatterAcross(part: ScatteredPart, pair: PairBand, sign: Sign): void {
    const { lower } = this.gram;
    const { items, first } = part;
    const { width, reach, values } = pair;
    const firstB = this.#firstSeen(part, pair.l);
    for (let a = this.#firstSeen(part, pair.k); a < items.length - 1; a++) {
      const row = pair.k * this.itemCount + items[a]!;
      const rowStart = (row * (row + 1)) / 2 + pair.l * this.itemCount;
      const from = Math.max(a - reach, firstB);
      const to = Math.min(a + width - reach, items.length - 1);
      const band = (a - first) * width + reach - a;
      for (let b = from; b < to; b++) lower[rowStart + items[b]!]! += sign * values[band + b]!;
    }
  }

  /** One block with itself: only b ≤ a stands in the table, and only the lower half is stored. */
  #scatterWithin(part: ScatteredPart, pair: PairBand, sign: Sign): void {
    const { lower } = this.gram;
    const { items, first } = part;
    const { width, reach, values } = pair;
    const base = pair.k * this.itemCount;
    const firstSeen = this.#firstSeen(part, pair.k);
    for (let a = firstSeen; a < items.length - 1; a++) {
      const row = base + items[a]!;
      const rowStart = (row * (row + 1)) / 2;
      const band = (a - first) * width + reach - a;
      lower[rowStart + row]! += sign * values[band + a]!;
      for (let b = Math.max(a - reach, firstSeen); b < a; b++) {
        const column = base + items[b]!;
        const value = sign * values[band + b]!;
        if (column < row) lower[rowStart + column]! += value;
        else if (column > row) lower[(column * (column + 1)) / 2 + row]! += value;
        // The same item at two places: (a, b) and (b, a) meet on the diagonal.
        else lower[rowStart + row]! += 2 * value;
      }
    }
  }

  #scatterTargets(items: Items, knownCount: number, sign: Sign): void {
    for (let t = Math.max(knownCount, 1); t < items.length; t++) this.#addTarget(items, t, sign);
  }

  #addTarget(items: Items, t: number, sign: Sign): void {
    const { cross, itemCount } = this;
    const rowStart = items[t]! * this.gram.size;
    this.#weightsAt(t).forEach((weights, k) => {
      const blockStart = rowStart + k * itemCount;
      for (let distance = 1; distance < weights.length; distance++) {
        cross[blockStart + items[t - distance]!]! += sign * weights[distance]!;
      }
    });
  }

  #weightsAt(t: number): Float64Array[] {
    const place = Math.min(t, this.#settled);
    this.#targetWeights[place] ??= targetWeights(this.shape, place);
    return this.#targetWeights[place];
  }
}
