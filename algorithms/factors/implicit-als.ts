/**
 * Implicit matrix factorisation by alternating least squares (iALS): a vector for each item such that
 * a person's vector, solved from what they did (`fold-in.ts`), gives high scores to what they did and
 * low ones to all else. Hu, Koren and Volinsky 2008; weights and regularisation as in "Revisiting
 * the performance of iALS" (Rendle et al. 2021), where the strength grows with a row's events.
 *
 * Users' vectors of the training are thrown away: everybody is folded in when they come, the
 * trained ones too, so that nobody's vector depends on when the training was.
 *
 * Cost an epoch, exact: d²/2 multiply-adds an event and d³/6 a row, for each side. By conjugate
 * gradients 8·d an event instead. Model: 4·d bytes an item.
 * Caveat: blind to order.
 */
import { checkHistories, type Histories, type History } from '../histories/histories.ts';
import { inlineEngine, type KernelEngine } from '../kernels/kernel-engine.ts';
import { AlgorithmError } from '../model/algorithm-error.ts';
import { type FitContext, partOf } from '../model/fit-context.ts';
import type { ExplainingItemModel } from '../model/item-model.ts';
import { arrayOf, checkLength, decodeModel, encodeModel } from '../model/model-bytes.ts';
import { seededRandom } from '../random/seeded-random.ts';
import { type AlsSide, alsSide, strideOf, sweep } from './als-side.ts';
import { confidenceRowsOf, eventWeights, transposeConfidences } from './confidences.ts';
import { FoldIn, type ItemFactors } from './fold-in.ts';
import { checkImplicitAlsOptions, type ImplicitAlsOptions } from './implicit-als-options.ts';

const FORMAT = 'implicit-als/1';

export class ImplicitAls implements ExplainingItemModel, ItemFactors {
  readonly itemCount: number;
  readonly factors: Float32Array;
  readonly options: ImplicitAlsOptions;
  /** Made at the first score, on an engine of the model's own. */
  #foldIn: FoldIn | null = null;

  constructor({ itemCount, factors, options }: ItemFactors) {
    this.itemCount = itemCount;
    this.factors = factors;
    this.options = options;
  }

  get sizeBytes(): number {
    return this.factors.byteLength;
  }

  #folding(): FoldIn {
    this.#foldIn ??= new FoldIn(inlineEngine(), this);
    return this.#foldIn;
  }

  /** The person's vector. */
  vectorOf(history: History): Float32Array {
    const vector = new Float32Array(this.options.dimensions);
    this.#folding().solve(this.#eventsOf(history), vector);
    return vector;
  }

  #eventsOf(history: History): { items: Uint32Array; weights: Float64Array } {
    return { items: history.items, weights: eventWeights(history, this.options.halfLife) };
  }

  score(history: History, scores: Float64Array): void {
    scores.set(this.#folding().scores(this.vectorOf(history)));
  }

  /**
   * A score is Σ cₖ · hᵀA⁻¹hₖ over the events with a positive weight, each event's share a term of it.
   * A dislike has no share of its own: it lowers those of the others (`effectOf`).
   */
  explain(history: History, item: number): Float64Array {
    const { items, weights } = this.#eventsOf(history);
    const towards = this.#solvedFor(history, item);
    return Float64Array.from(weights, (weight, k) =>
      weight > 0 && items[k]! < this.itemCount ? weight * this.#product(towards, items[k]!) : 0,
    );
  }

  /** How much lower an item's score would be without one event of the history. */
  effectOf(history: History, place: number, item: number): number {
    const { items, weights } = this.#eventsOf(history);
    const scoreWith = (kept: Float64Array): number => {
      const vector = new Float32Array(this.options.dimensions);
      this.#folding().solve({ items, weights: kept }, vector);
      return this.#product(vector, item);
    };
    return scoreWith(weights) - scoreWith(weights.with(place, 0));
  }

  /** A⁻¹h of an item, A being the history's. */
  #solvedFor(history: History, item: number): Float32Array {
    const d = this.options.dimensions;
    const towards = new Float32Array(d);
    const target = this.factors.subarray(item * d, (item + 1) * d);
    this.#folding().solveFor(this.#eventsOf(history), target, towards);
    return towards;
  }

  #product(vector: Float32Array, item: number): number {
    const d = this.options.dimensions;
    let sum = 0;
    for (let i = 0; i < d; i++) sum += vector[i]! * this.factors[item * d + i]!;
    return sum;
  }

  serialise(): Uint8Array {
    const facts = { itemCount: this.itemCount, options: this.options };
    return encodeModel({ format: FORMAT, facts, arrays: { factors: this.factors } });
  }
}

export interface TrainedFactors extends ItemFactors {
  /** Solved once more after the items' last sweep where `endsWithUsers`. */
  readonly users: Float32Array;
}

/** Both sides, for those who want to look at them: `fitImplicitAls` keeps the items alone. */
export const trainImplicitAls = async (
  histories: Histories,
  options: ImplicitAlsOptions,
  context: FitContext,
  { engine, endsWithUsers }: { readonly engine: KernelEngine; readonly endsWithUsers: boolean },
): Promise<TrainedFactors> => {
  checkImplicitAlsOptions(options);
  checkHistories(histories);
  const userItems = confidenceRowsOf(histories, options.halfLife);
  using region = engine.memory.region();
  const users = alsSide(userItems, options, region);
  const items = alsSide(transposeConfidences(userItems), options, region);
  fillFactors(users, options, context.seed);
  fillFactors(items, options, context.seed + 1);
  const sweeps = options.epochs * 2 + (endsWithUsers ? 1 : 0);
  for (let k = 0; k < sweeps; k++) {
    const [side, other] = k % 2 === 0 ? [users, items] : [items, users];
    const part = partOf(context, { start: k / sweeps, end: (k + 1) / sweeps });
    await sweep(engine, side, other, options, part);
  }
  const factors = unpadded(items, options);
  checkFinite(factors);
  return { itemCount: items.rowCount, factors, options, users: unpadded(users, options) };
};

export const fitImplicitAls = async (
  histories: Histories,
  options: ImplicitAlsOptions,
  context: FitContext,
  engine: KernelEngine = inlineEngine(),
): Promise<ImplicitAls> =>
  new ImplicitAls(
    await trainImplicitAls(histories, options, context, { engine, endsWithUsers: false }),
  );

/** Small normal numbers; the padding stays 0. */
const fillFactors = (side: AlsSide, options: ImplicitAlsOptions, seed: number): void => {
  const d = options.dimensions;
  const stride = strideOf(d);
  const random = seededRandom(seed);
  const scale = options.initialScale / Math.sqrt(d);
  for (let row = 0; row < side.rowCount; row++) {
    for (let k = 0; k < d; k++) side.factors[row * stride + k] = scale * random.normal();
  }
};

const unpadded = (side: AlsSide, { dimensions }: ImplicitAlsOptions): Float32Array => {
  const stride = strideOf(dimensions);
  const factors = new Float32Array(side.rowCount * dimensions);
  for (let row = 0; row < side.rowCount; row++) {
    const start = row * stride;
    factors.set(side.factors.subarray(start, start + dimensions), row * dimensions);
  }
  return factors;
};

/** f32 ends at 3e38: weights beyond all measure are told, not served. */
const checkFinite = (factors: Float32Array): void => {
  if (factors.every(Number.isFinite)) return;
  throw new AlgorithmError('bad_data', {
    what: 'the weights of the histories',
    expected: 'small enough for 32-bit factors',
    got: 'factors that are no numbers',
  });
};

export const readImplicitAls = (bytes: Uint8Array): ImplicitAls => {
  const parts = decodeModel(bytes, FORMAT);
  const itemCount = parts.facts.itemCount as number;
  const options = parts.facts.options as ImplicitAlsOptions;
  const factors = arrayOf(parts, 'factors', 'f32');
  checkLength('factors', factors, itemCount * options.dimensions);
  return new ImplicitAls({ itemCount, options, factors });
};
