/**
 * The operations of a tape in plain loops, each as its formula stands in the papers: what the kernel is
 * compared with, and, on an arena of f64, what gradients are checked on. Attention: Vaswani and others
 * (2017); layer norm: Ba and others (2016); GELU by its tanh form: Hendrycks and Gimpel (2016).
 */
import { OPERATIONS, type OperationName, WORDS } from './tape.ts';

export type Arena = Float32Array | Float64Array;
type Operation = (arena: Arena, ...args: number[]) => void;

const EPSILON = 1e-5;
const STEEP = 1.5957691216;
const CUBIC = 0.0713548163;

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

const norm: Operation = (z, x, gain, bias, y, facts, rows, columns) => {
  for (let row = 0; row < rows!; row++) {
    const at = x! + row * columns!;
    let mean = 0;
    for (let c = 0; c < columns!; c++) mean += z[at + c]! / columns!;
    let variance = 0;
    for (let c = 0; c < columns!; c++) variance += (z[at + c]! - mean) ** 2 / columns!;
    const inverse = 1 / Math.sqrt(variance + EPSILON);
    for (let c = 0; c < columns!; c++) {
      z[y! + row * columns! + c] = (z[at + c]! - mean) * inverse * z[gain! + c]! + z[bias! + c]!;
    }
    z[facts! + 2 * row] = mean;
    z[facts! + 2 * row + 1] = inverse;
  }
};

const normBack: Operation = (z, gy, x, gain, facts, gx, gGain, gBias, rows, columns) => {
  for (let row = 0; row < rows!; row++) {
    const start = row * columns!;
    const mean = z[facts! + 2 * row]!;
    const inverse = z[facts! + 2 * row + 1]!;
    const unit = (c: number): number => (z[x! + start + c]! - mean) * inverse;
    const scaled = (c: number): number => z[gy! + start + c]! * z[gain! + c]!;
    let sum = 0;
    let along = 0;
    for (let c = 0; c < columns!; c++) {
      sum += scaled(c) / columns!;
      along += (scaled(c) * unit(c)) / columns!;
      z[gGain! + c]! += z[gy! + start + c]! * unit(c);
      z[gBias! + c]! += z[gy! + start + c]!;
    }
    for (let c = 0; c < columns!; c++) {
      z[gx! + start + c]! += (scaled(c) - sum - unit(c) * along) * inverse;
    }
  }
};

const addProduct: Operation = (z, m, n, depth, a, aRow, aColumn, b, bRow, bColumn, c, cRow) => {
  for (let i = 0; i < m!; i++) {
    for (let j = 0; j < n!; j++) {
      let sum = 0;
      for (let k = 0; k < depth!; k++) {
        sum += z[a! + i * aRow! + k * aColumn!]! * z[b! + k * bRow! + j * bColumn!]!;
      }
      z[c! + i * cRow! + j]! += sum;
    }
  }
};

const isDropped = (place: number, rate: number): boolean => {
  let hash = place ^ (place >>> 16);
  hash = Math.imul(hash, 0x7feb352d);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x846ca68b);
  hash ^= hash >>> 16;
  return hash >>> 8 < Math.trunc(rate * 2 ** 24);
};

const dropout: Operation = (z, x, y, length, rate, seed, salt) => {
  const key = (Math.imul(z[seed!]!, 0x9e3779b1) + Math.imul(salt!, 0x85ebca6b)) | 0;
  for (let k = 0; k < length!; k++) {
    z[y! + k] = isDropped((key + k) | 0, rate!) ? 0 : z[x! + k]! / (1 - rate!);
  }
};

/** In place; returns log Σ e^x. */
const softmax = (z: Arena, at: number, length: number): number => {
  let most = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < length; k++) most = Math.max(most, z[at + k]!);
  let sum = 0;
  for (let k = 0; k < length; k++) sum += Math.exp(z[at + k]! - most);
  for (let k = 0; k < length; k++) z[at + k] = Math.exp(z[at + k]! - most) / sum;
  return most + Math.log(sum);
};

interface Head {
  /** Queries of this window and head; keys and values stand `width` and 2·`width` on. */
  readonly q: number;
  /** The same window's and head's place in an array of outputs. */
  readonly out: number;
  readonly square: number;
  readonly distances: number;
  readonly width: number;
}

const eachHead = (
  { windows, length, heads, headWidth }: Record<string, number>,
  work: (head: Head) => void,
): void => {
  const width = heads! * headWidth!;
  for (let window = 0; window < windows!; window++) {
    for (let head = 0; head < heads!; head++) {
      const first = window * length!;
      work({
        q: first * 3 * width + head * headWidth!,
        out: first * width + head * headWidth!,
        square: (window * heads! + head) * length! * length!,
        distances: head * length!,
        width,
      });
    }
  }
};

const attention: Operation = (z, qkv, bias, shares, y, windows, length, heads, headWidth) => {
  const shape = { windows, length, heads, headWidth } as Record<string, number>;
  eachHead(shape, ({ q, out, square, distances, width }) => {
    for (let i = 0; i < length!; i++) {
      const row = shares! + square + i * length!;
      z.fill(0, row, row + length!);
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        for (let c = 0; c < headWidth!; c++) {
          sum += z[qkv! + q + 3 * width * i + c]! * z[qkv! + q + 3 * width * j + width + c]!;
        }
        z[row + j] = sum / Math.sqrt(headWidth!) + z[bias! + distances + i - j]!;
      }
      softmax(z, row, i + 1);
      for (let c = 0; c < headWidth!; c++) {
        let sum = 0;
        for (let j = 0; j <= i; j++) {
          sum += z[row + j]! * z[qkv! + q + 3 * width * j + 2 * width + c]!;
        }
        z[y! + out + width * i + c] = sum;
      }
    }
  });
};

const attentionBack: Operation = (z, gy, qkv, shares, gqkv, gBias, ...sizes) => {
  const [windows, length, heads, headWidth] = sizes;
  const scale = 1 / Math.sqrt(headWidth!);
  const shape = { windows, length, heads, headWidth } as Record<string, number>;
  eachHead(shape, ({ q, out, square, distances, width }) => {
    const placeOf = (position: number, part: number): number =>
      q + 3 * width * position + part * width;
    for (let i = 0; i < length!; i++) {
      const row = shares! + square + i * length!;
      const own = gy! + out + width * i;
      const gShare = new Float64Array(i + 1);
      let sum = 0;
      for (let j = 0; j <= i; j++) {
        for (let c = 0; c < headWidth!; c++) {
          gShare[j]! += z[own + c]! * z[qkv! + placeOf(j, 2) + c]!;
          z[gqkv! + placeOf(j, 2) + c]! += z[row + j]! * z[own + c]!;
        }
        sum += gShare[j]! * z[row + j]!;
      }
      for (let j = 0; j <= i; j++) {
        const g = z[row + j]! * (gShare[j]! - sum);
        z[gBias! + distances + i - j]! += g;
        for (let c = 0; c < headWidth!; c++) {
          z[gqkv! + placeOf(i, 0) + c]! += g * scale * z[qkv! + placeOf(j, 1) + c]!;
          z[gqkv! + placeOf(j, 1) + c]! += g * scale * z[qkv! + placeOf(i, 0) + c]!;
        }
      }
    }
  });
};

const softmaxHead: Operation = (z, h, rows, width, table, bias, items, targets, ...rest) => {
  const [gh, gTable, gBias, loss, scale] = rest;
  const shares = new Float64Array(items!);
  z.fill(0, gh!, gh! + rows! * width!);
  for (let row = 0; row < rows!; row++) {
    const target = z[targets! + row]!;
    if (target < 0) continue;
    const own = row * width!;
    for (let item = 0; item < items!; item++) {
      let sum = z[bias! + item]!;
      for (let c = 0; c < width!; c++) sum += z[h! + own + c]! * z[table! + item * width! + c]!;
      shares[item] = sum;
    }
    const wanted = shares[target]!;
    z[loss!]! += softmax(shares, 0, items!) - wanted;
    shares[target]! -= 1;
    for (let item = 0; item < items!; item++) {
      const g = shares[item]! * scale!;
      z[gBias! + item]! += g;
      for (let c = 0; c < width!; c++) {
        z[gh! + own + c]! += g * z[table! + item * width! + c]!;
        z[gTable! + item * width! + c]! += g * z[h! + own + c]!;
      }
    }
  }
};

const geluShare = (x: number): number => logistic(x * (STEEP + CUBIC * x * x));

const REFERENCE: Readonly<Record<OperationName, Operation>> = {
  zero: (z, at, length) => z.fill(0, at!, at! + length!),
  add(z, from, into, length) {
    for (let k = 0; k < length!; k++) z[into! + k]! += z[from! + k]!;
  },
  fillRows(z, row, into, rows, columns) {
    for (let k = 0; k < rows!; k++) z.copyWithin(into! + k * columns!, row!, row! + columns!);
  },
  addColumnSums(z, from, into, rows, columns) {
    for (let k = 0; k < rows! * columns!; k++) z[into! + (k % columns!)]! += z[from! + k]!;
  },
  addProduct,
  norm,
  normBack,
  gelu(z, x, y, length) {
    for (let k = 0; k < length!; k++) z[y! + k] = z[x! + k]! * geluShare(z[x! + k]!);
  },
  geluBack(z, gy, x, gx, length) {
    for (let k = 0; k < length!; k++) {
      const value = z[x! + k]!;
      const share = geluShare(value);
      const slope = value * (STEEP + 3 * CUBIC * value * value) * share * (1 - share);
      z[gx! + k] = z[gy! + k]! * (share + slope);
    }
  },
  relu(z, x, y, length) {
    for (let k = 0; k < length!; k++) z[y! + k] = Math.max(z[x! + k]!, 0);
  },
  reluBack(z, gy, x, gx, length) {
    for (let k = 0; k < length!; k++) z[gx! + k] = z[x! + k]! > 0 ? z[gy! + k]! : 0;
  },
  dropout,
  gather(z, table, ids, y, rows, columns) {
    for (let row = 0; row < rows!; row++) {
      const id = z[ids! + row]!;
      const at = y! + row * columns!;
      if (id < 0) z.fill(0, at, at + columns!);
      else z.copyWithin(at, table! + id * columns!, table! + (id + 1) * columns!);
    }
  },
  scatter(z, gy, ids, gTable, rows, columns) {
    for (let row = 0; row < rows!; row++) {
      const id = z[ids! + row]!;
      if (id < 0) continue;
      for (let c = 0; c < columns!; c++) {
        z[gTable! + id * columns! + c]! += z[gy! + row * columns! + c]!;
      }
    }
  },
  attention,
  attentionBack,
  softmaxHead,
  addMultiplied(z, a, b, into, length) {
    for (let k = 0; k < length!; k++) z[into! + k]! += z[a! + k]! * z[b! + k]!;
  },
  logistic(z, x, labels, gx, loss, length, scale) {
    for (let k = 0; k < length!; k++) {
      const value = z[x! + k]!;
      const label = z[labels! + k]!;
      z[loss!]! += Math.max(value, 0) - value * label + Math.log1p(Math.exp(-Math.abs(value)));
      z[gx! + k] = (logistic(value) - label) * scale!;
    }
  },
};

export const runReference = (arena: Arena, words: Float64Array): void => {
  for (let at = 0; at < words.length; at += WORDS) {
    const name = OPERATIONS[words[at]!]!;
    REFERENCE[name](arena, ...words.subarray(at + 1, at + WORDS));
  }
};
