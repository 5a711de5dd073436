/**
 * Documents of weighted tokens compared by the cosine of their tf–idf vectors (Salton and Buckley,
 * 1988): a token counts by its weight in the document times the root of the logarithm of how rare it is. The
 * model is an immutable sparse index: rows by document, postings by token, 12 bytes for each pair
 * of document and token in either.
 *
 * Caveat: rarity is that of the fitted documents. Tokens first seen later count for nothing until
 * the next fit (four thousand films take some 50 ms).
 */
import { largest } from '../selection/largest.ts';

export interface WeightedToken {
  readonly token: string;
  /** Above 0; weights of one token in one document add up. */
  readonly weight: number;
}

export type TokenDocument = readonly WeightedToken[];

export interface ScoredDocument {
  readonly index: number;
  readonly score: number;
}

/** One token that two documents share, and what it adds to their score. */
export interface SharedToken {
  readonly token: string;
  readonly share: number;
}

export interface TfIdfOptions {
  /**
   * Multiplies the score of each document when it is a candidate, so that of two films equally
   * alike the better known one comes first. Default 1 for all.
   */
  readonly priors?: ArrayLike<number>;
}

export interface TfIdfModel {
  readonly documentCount: number;
  /** The `count` documents most like document `index`, itself left out; best first. */
  similar(index: number, count: number): ScoredDocument[];
  /** The `count` documents most like a list of tokens: a query, or an item newer than the fit. */
  similarTo(tokens: TokenDocument, count: number): ScoredDocument[];
  /** Score of `candidate` as seen from `index`: cosine times the candidate's prior. */
  score(index: number, candidate: number): number;
  /** The shared tokens of the two, largest share first; the shares add up to the score. */
  explain(index: number, candidate: number): SharedToken[];
}

/** A vector of unit length over the fitted tokens. */
interface SparseVector {
  readonly tokens: ArrayLike<number>;
  readonly values: ArrayLike<number>;
}

/** Rows of a sparse matrix: row r has the entries from starts[r] to starts[r + 1]. */
interface SparseRows {
  readonly starts: Uint32Array;
  readonly columns: Uint32Array;
  readonly values: Float64Array;
}

export const fitTfIdf = (
  documents: readonly TokenDocument[],
  options: TfIdfOptions = {},
): TfIdfModel => {
  const tokens = new TokenTable(documents);
  const vectors = documents.map((document) => tokens.vectorOf(document));
  const rows = rowsOf(vectors);
  return new SparseTfIdf(tokens, rows, transposed(rows, tokens.size), options.priors);
};

/** Numbers the tokens and knows how rare each is. */
class TokenTable {
  readonly #indexes = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #rarity: Float64Array;

  constructor(documents: readonly TokenDocument[]) {
    const counts: number[] = [];
    for (const document of documents) {
      for (const token of new Set(document.map((entry) => entry.token))) {
        const index = this.#indexes.get(token) ?? this.#add(token);
        counts[index] = (counts[index] ?? 0) + 1;
      }
    }
    // √ln(1 + N / n): above 0 even for a token that every document has. The root, because rarity
    // enters twice, once from either side, and would let one rare token decide alone.
    this.#rarity = Float64Array.from(counts, (count) =>
      Math.sqrt(Math.log1p(documents.length / count)),
    );
  }

  #add(token: string): number {
    this.#indexes.set(token, this.#names.length);
    this.#names.push(token);
    return this.#names.length - 1;
  }

  get size(): number {
    return this.#names.length;
  }

  nameOf(index: number): string {
    return this.#names[index] ?? '';
  }

  vectorOf(document: TokenDocument): SparseVector {
    const entries = new Map<number, number>();
    for (const { token, weight } of document) {
      const index = this.#indexes.get(token);
      if (index !== undefined) entries.set(index, (entries.get(index) ?? 0) + weight);
    }
    const tokens = [...entries.keys()].sort((a, b) => a - b);
    const values = tokens.map((index) => entries.get(index)! * this.#rarity[index]!);
    const norm = Math.hypot(...values);
    return { tokens, values: norm > 0 ? values.map((value) => value / norm) : values };
  }
}

class SparseTfIdf implements TfIdfModel {
  readonly #tokens: TokenTable;
  readonly #rows: SparseRows;
  readonly #postings: SparseRows;
  readonly #priors: ArrayLike<number> | undefined;
  /** Sums of one query; all zero between queries. */
  readonly #sums: Float64Array;

  constructor(
    tokens: TokenTable,
    rows: SparseRows,
    postings: SparseRows,
    priors: ArrayLike<number> | undefined,
  ) {
    this.#tokens = tokens;
    this.#rows = rows;
    this.#postings = postings;
    this.#priors = priors;
    this.#sums = new Float64Array(this.documentCount);
  }

  get documentCount(): number {
    return this.#rows.starts.length - 1;
  }

  similar(index: number, count: number): ScoredDocument[] {
    return this.#nearest(this.#vectorAt(index), count, index);
  }

  similarTo(tokens: TokenDocument, count: number): ScoredDocument[] {
    return this.#nearest(this.#tokens.vectorOf(tokens), count, -1);
  }

  score(index: number, candidate: number): number {
    return this.explain(index, candidate).reduce((sum, { share }) => sum + share, 0);
  }

  explain(index: number, candidate: number): SharedToken[] {
    const own = this.#vectorAt(index);
    const values = new Map(Array.from(own.tokens, (token, at) => [token, own.values[at] ?? 0]));
    const other = this.#vectorAt(candidate);
    return Array.from(other.tokens, (token, at) => ({
      token: this.#tokens.nameOf(token),
      share: (values.get(token) ?? 0) * (other.values[at] ?? 0) * this.#priorOf(candidate),
    }))
      .filter(({ share }) => share > 0)
      .sort((a, b) => b.share - a.share);
  }

  #priorOf(index: number): number {
    return this.#priors?.[index] ?? 1;
  }

  #vectorAt(index: number): SparseVector {
    const { starts, columns, values } = this.#rows;
    const from = starts[index] ?? 0;
    const to = starts[index + 1] ?? from;
    return { tokens: columns.subarray(from, to), values: values.subarray(from, to) };
  }

  #nearest(vector: SparseVector, count: number, except: number): ScoredDocument[] {
    const touched = this.#accumulate(vector);
    // One more than wanted: the document itself may be among them.
    const best = largest(touched, touched.length, count + 1, (index) =>
      index === except ? 0 : this.#sums[index]! * this.#priorOf(index),
    );
    const scored = best
      .filter((index) => index !== except)
      .map((index) => ({ index, score: this.#sums[index]! * this.#priorOf(index) }))
      .filter(({ score }) => score > 0)
      .slice(0, count);
    for (const index of touched) this.#sums[index] = 0;
    return scored;
  }

  /** Adds the products into the sums and answers which documents have any. */
  #accumulate(vector: SparseVector): number[] {
    const { starts, columns, values } = this.#postings;
    const touched: number[] = [];
    for (let at = 0; at < vector.tokens.length; at++) {
      const token = vector.tokens[at]!;
      const own = vector.values[at]!;
      for (let entry = starts[token]!; entry < starts[token + 1]!; entry++) {
        const index = columns[entry]!;
        if (this.#sums[index] === 0) touched.push(index);
        this.#sums[index]! += own * values[entry]!;
      }
    }
    return touched;
  }
}

const rowsOf = (vectors: readonly SparseVector[]): SparseRows => {
  const starts = new Uint32Array(vectors.length + 1);
  vectors.forEach((vector, row) => {
    starts[row + 1] = starts[row]! + vector.tokens.length;
  });
  const columns = new Uint32Array(starts.at(-1) ?? 0);
  const values = new Float64Array(columns.length);
  vectors.forEach((vector, row) => {
    columns.set(vector.tokens, starts[row]);
    values.set(vector.values, starts[row]);
  });
  return { starts, columns, values };
};

const transposed = (rows: SparseRows, columnCount: number): SparseRows => {
  const starts = new Uint32Array(columnCount + 1);
  for (const column of rows.columns) starts[column + 1]!++;
  for (let column = 0; column < columnCount; column++) starts[column + 1]! += starts[column]!;
  const next = starts.slice();
  const columns = new Uint32Array(rows.columns.length);
  const values = new Float64Array(rows.values.length);
  for (let row = 0; row + 1 < rows.starts.length; row++) {
    for (let entry = rows.starts[row]!; entry < rows.starts[row + 1]!; entry++) {
      const place = next[rows.columns[entry]!]!++;
      columns[place] = row;
      values[place] = rows.values[entry]!;
    }
  }
  return { starts, columns, values };
};
