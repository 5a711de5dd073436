/**
 * The next-item statistics position by position, as the definition says: build the feature row and
 * the target row of every position, and add their outer products. To be compared with, not to be
 * used: a position costs the square of the features that it sees.
 */
import type { History } from '../histories/histories.ts';
import {
  type SymmetricMatrix,
  symmetricIndex,
  symmetricMatrix,
} from '../linear-algebra/dense-linear-algebra.ts';
import type { NextItemShape } from './position-tables.ts';

export interface ReferenceStatistics {
  readonly gram: SymmetricMatrix;
  readonly cross: Float64Array;
}

const featuresAt = (
  items: History['items'],
  p: number,
  { shape, itemCount }: { readonly shape: NextItemShape; readonly itemCount: number },
): Float64Array => {
  const features = new Float64Array(shape.blocks.length * itemCount);
  shape.blocks.forEach(({ decay, length, isNormalised }, k) => {
    const reach = Math.min(length, p);
    let squares = 0;
    for (let age = 0; age < reach; age++) squares += decay ** (2 * age);
    const norm = isNormalised ? Math.sqrt(squares) : 1;
    for (let age = 0; age < reach; age++) {
      features[k * itemCount + items[p - 1 - age]!]! += decay ** age / norm;
    }
  });
  return features;
};

const targetAt = (
  items: History['items'],
  p: number,
  { shape, itemCount }: { readonly shape: NextItemShape; readonly itemCount: number },
): Float64Array => {
  const target = new Float64Array(itemCount);
  for (let j = 0; j < shape.targetLength && p + j < items.length; j++) {
    target[items[p + j]!]! += shape.targetDecay ** j;
  }
  return target;
};

export const nextItemReference = (
  sequences: readonly History['items'][],
  size: { readonly shape: NextItemShape; readonly itemCount: number },
): ReferenceStatistics => {
  const gram = symmetricMatrix(size.shape.blocks.length * size.itemCount);
  const cross = new Float64Array(size.itemCount * gram.size);
  for (const items of sequences) {
    for (let p = 1; p < items.length; p++) {
      const features = featuresAt(items, p, size);
      const target = targetAt(items, p, size);
      for (let row = 0; row < gram.size; row++) {
        for (let column = 0; column <= row; column++) {
          gram.lower[symmetricIndex(row, column)]! += features[row]! * features[column]!;
        }
      }
      target.forEach((wanted, item) => {
        for (let row = 0; row < gram.size; row++) {
          cross[item * gram.size + row]! += wanted * features[row]!;
        }
      });
    }
  }
  return { gram, cross };
};
