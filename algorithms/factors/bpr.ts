/**
 * BPR: Bayesian personalised ranking (Rendle and others, 2009). People and items are vectors, and a
 * person's product with an item that they met shall be larger than with one that they did not:
 *
 *   for (u, i, j):  x = p_u·(q_i − q_j) + b_i − b_j,  step along ∂ log σ(x) less λ times the numbers
 *
 * Each epoch draws as many triples as there are pairs: a pair evenly, an item that the person has
 * not met evenly. One after the other, so the same seed gives the same bits.
 *
 * It is blind to order and learns what separates met from unmet. Unlike the models that score a
 * history, it knows the people that it was fitted on; a stranger's history is folded in by the same
 * steps with the items frozen. Cost: 5 · factors multiply-adds a triple.
 */
import { checkHistories, type Histories, type History } from '../histories/histories.ts';
import { type SparseRows, userItemsOf } from '../histories/user-items.ts';
import { AlgorithmError } from '../model/algorithm-error.ts';
import { type FitContext, pause } from '../model/fit-context.ts';
import type { ItemModel } from '../model/item-model.ts';
import { arrayOf, decodeModel, encodeModel } from '../model/model-bytes.ts';
import { checkCount, checkNonNegative, checkPositive } from '../model/option-checks.ts';
import { type SeededRandom, seededRandom } from '../random/seeded-random.ts';

export interface BprOptions {
  readonly factors: number;
  readonly epochs: number;
  readonly rate: number;
  /** λ of people's vectors, of items' vectors and of items' own terms. */
  readonly userRegularisation: number;
  readonly itemRegularisation: number;
  readonly biasRegularisation: number;
  /** Passes over a stranger's history when it is folded in. */
  readonly foldInPasses: number;
}

export const DEFAULT_BPR_OPTIONS: BprOptions = {
  factors: 64,
  epochs: 40,
  rate: 0.05,
  userRegularisation: 0.01,
  itemRegularisation: 0.01,
  biasRegularisation: 0.01,
  foldInPasses: 20,
};

const checkOptions = (options: BprOptions): void => {
  checkCount('factors', options.factors);
  checkCount('epochs', options.epochs, 0);
  checkPositive('rate', options.rate);
  checkNonNegative('userRegularisation', options.userRegularisation);
  checkNonNegative('itemRegularisation', options.itemRegularisation);
  checkNonNegative('biasRegularisation', options.biasRegularisation);
  checkCount('foldInPasses', options.foldInPasses, 0);
};

interface Fitted {
  readonly options: BprOptions;
  readonly seed: number;
  readonly users: Float32Array;
  readonly items: Float32Array;
  readonly biases: Float32Array;
}

const FORMAT = 'bpr/1';
const TRIPLES_PER_PAUSE = 20_000;
/** An item that the person has not met is looked for so often; then the triple is left out. */
const DRAWS_MAX = 100;

/** σ(−x): how far the order of the two items is from certain. */
const doubt = (x: number): number => 1 / (1 + Math.exp(x));

const startRows = (count: number, factors: number, random: SeededRandom): Float32Array =>
  Float32Array.from({ length: count * factors }, () => (random.next() - 0.5) / factors);

export class BprModel implements ItemModel {
  readonly itemCount: number;
  readonly userCount: number;
  readonly #fitted: Fitted;

  constructor(fitted: Fitted) {
    this.#fitted = fitted;
    this.itemCount = fitted.biases.length;
    this.userCount = fitted.users.length / fitted.options.factors;
  }

  get sizeBytes(): number {
    const { users, items, biases } = this.#fitted;
    return users.byteLength + items.byteLength + biases.byteLength;
  }

  /** Scores for somebody of the training data, by their row there. */
  scoreUser(user: number, scores: Float64Array): void {
    const { users, options } = this.#fitted;
    this.#scoreVector(users.subarray(user * options.factors, (user + 1) * options.factors), scores);
  }

  /** Scores for whoever comes: their vector is learned from the history, the items as they are. */
  score(history: History, scores: Float64Array): void {
    this.#scoreVector(this.#foldIn(history), scores);
  }

  #scoreVector(person: Float32Array, scores: Float64Array): void {
    const { items, biases } = this.#fitted;
    const { factors } = this.#fitted.options;
    for (let item = 0; item < this.itemCount; item++) {
      let sum = biases[item]!;
      for (let k = 0; k < factors; k++) sum += person[k]! * items[item * factors + k]!;
      scores[item] = sum;
    }
  }

  /** The items are given, so only the first line of the update is made; drawn by the model's seed. */
  #foldIn({ items: met, weights }: History): Float32Array {
    const { options, seed, items, biases } = this.#fitted;
    const { factors, rate, userRegularisation, foldInPasses } = options;
    const random = seededRandom(seed).fork(4);
    const person = new Float32Array(factors);
    const liked = met.filter((item, k) => item < this.itemCount && (weights?.[k] ?? 1) > 0);
    const known = new Set(liked);
    for (let pass = 0; pass < foldInPasses; pass++) {
      for (const item of known) {
        const other = unmetItem(this.itemCount, (candidate) => known.has(candidate), random);
        if (other < 0) return person;
        const [i, j] = [item * factors, other * factors];
        let x = biases[item]! - biases[other]!;
        for (let k = 0; k < factors; k++) x += person[k]! * (items[i + k]! - items[j + k]!);
        const pull = doubt(x);
        for (let k = 0; k < factors; k++) {
          const gradient = pull * (items[i + k]! - items[j + k]!);
          person[k]! += rate * (gradient - userRegularisation * person[k]!);
        }
      }
    }
    return person;
  }

  serialise(): Uint8Array {
    const { options, seed, users, items, biases } = this.#fitted;
    const facts = { options, seed };
    return encodeModel({ format: FORMAT, facts, arrays: { users, items, biases } });
  }

  static read(bytes: Uint8Array): BprModel {
    const parts = decodeModel(bytes, FORMAT);
    return new BprModel({
      options: parts.facts.options as BprOptions,
      seed: parts.facts.seed as number,
      users: arrayOf(parts, 'users', 'f32'),
      items: arrayOf(parts, 'items', 'f32'),
      biases: arrayOf(parts, 'biases', 'f32'),
    });
  }
}

export const readBpr = (bytes: Uint8Array): BprModel => BprModel.read(bytes);

/** An item that is not met, drawn evenly; −1 where none is found. */
const unmetItem = (
  itemCount: number,
  isMet: (item: number) => boolean,
  random: SeededRandom,
): number => {
  for (let draw = 0; draw < DRAWS_MAX; draw++) {
    const item = random.below(itemCount);
    if (!isMet(item)) return item;
  }
  return -1;
};

export const fitBpr = async (
  histories: Histories,
  options: BprOptions,
  context: FitContext,
): Promise<BprModel> => {
  checkOptions(options);
  checkHistories(histories);
  const userItems = userItemsOf(histories);
  const pairs = likedPairs(userItems);
  const random = seededRandom(context.seed);
  const fitted: Fitted = {
    options,
    seed: context.seed,
    users: startRows(histories.userCount, options.factors, random.fork(1)),
    items: startRows(histories.itemCount, options.factors, random.fork(2)),
    biases: new Float32Array(histories.itemCount),
  };
  const triples = random.fork(3);
  const total = pairs.users.length * options.epochs;
  for (let triple = 0; triple < total; triple++) {
    if (triple % TRIPLES_PER_PAUSE === 0) await pause(context, triple / total);
    const place = triples.below(pairs.users.length);
    const user = pairs.users[place]!;
    const isMet = (item: number): boolean => holds(userItems, user, item);
    const other = unmetItem(histories.itemCount, isMet, triples);
    if (other >= 0) learnTriple(fitted, user, pairs.items[place]!, other);
  }
  checkNumbers(fitted);
  await pause(context, 1);
  return new BprModel(fitted);
};

/** Pairs of a weight above 0. One that was disliked is met all the same, and never a wrong answer. */
const likedPairs = (userItems: SparseRows): { users: Uint32Array; items: Uint32Array } => {
  const users: number[] = [];
  const items: number[] = [];
  for (let user = 0; user < userItems.rowCount; user++) {
    for (let k = userItems.starts[user]!; k < userItems.starts[user + 1]!; k++) {
      if (!(userItems.values[k]! > 0)) continue;
      users.push(user);
      items.push(userItems.columns[k]!);
    }
  }
  return { users: Uint32Array.from(users), items: Uint32Array.from(items) };
};

/** Columns rise within a row. */
const holds = ({ starts, columns }: SparseRows, row: number, column: number): boolean => {
  let low = starts[row]!;
  let high = starts[row + 1]!;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (columns[middle]! < column) low = middle + 1;
    else high = middle;
  }
  return low < starts[row + 1]! && columns[low] === column;
};

const learnTriple = (
  { options, users, items, biases }: Fitted,
  user: number,
  item: number,
  other: number,
): void => {
  const { factors, rate, userRegularisation, itemRegularisation, biasRegularisation } = options;
  const [u, i, j] = [user * factors, item * factors, other * factors];
  let x = biases[item]! - biases[other]!;
  for (let k = 0; k < factors; k++) x += users[u + k]! * (items[i + k]! - items[j + k]!);
  const pull = doubt(x);
  biases[item]! += rate * (pull - biasRegularisation * biases[item]!);
  biases[other]! += rate * (-pull - biasRegularisation * biases[other]!);
  for (let k = 0; k < factors; k++) {
    const [ofUser, ofItem, ofOther] = [users[u + k]!, items[i + k]!, items[j + k]!];
    users[u + k] = ofUser + rate * (pull * (ofItem - ofOther) - userRegularisation * ofUser);
    items[i + k] = ofItem + rate * (pull * ofUser - itemRegularisation * ofItem);
    items[j + k] = ofOther + rate * (-pull * ofUser - itemRegularisation * ofOther);
  }
};

const checkNumbers = ({ users, items, biases }: Fitted): void => {
  if ([users, items, biases].every((numbers) => numbers.every(Number.isFinite))) return;
  throw new AlgorithmError('bad_data', {
    what: 'the learned vectors',
    expected: 'finite, for which the rate must be lower',
    got: 'numbers without end',
  });
};
