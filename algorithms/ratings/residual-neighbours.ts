/**
 * Item–item models on residuals: what a base model leaves unexplained of a person's ratings says
 * something about the rest of the catalogue. With e the residuals, 0 where there is no rating:
 *
 *   correlation  s(a, b) = Σ e_a·e_b ÷ √(v_a·v_b) ÷ (n_ab + shrinkage), v an item's mean square;
 *                Σ s·e ÷ (Σ |s| + caution) over the person's `neighbours` items of largest |s|
 *   ridge        P = (EᵀE + λI)⁻¹, w(j → i) = −P(j, i) ÷ P(i, i); Σ w·e over the person's items
 *
 * Cost: Σ n² over people and, for the ridge, I³/2 multiply-adds; 12 bytes a pair of items.
 * Caveat: dense, so catalogues beyond `itemsMax` are refused.
 */
import type { SparseRows } from '../histories/user-items.ts';
import {
  type DenseLinearAlgebra,
  type SymmetricMatrix,
  symmetricIndex,
  symmetricMatrix,
} from '../linear-algebra/dense-linear-algebra.ts';
import { AlgorithmError } from '../model/algorithm-error.ts';
import type { FitContext } from '../model/fit-context.ts';
import { arrayOf, type ModelArray, type ModelParts } from '../model/model-bytes.ts';
import { checkCount, checkNonNegative, checkPositive } from '../model/option-checks.ts';

export interface ResidualNeighbourOptions {
  readonly shrinkage: number;
  readonly neighbours: number;
  readonly caution: number;
  /** λ. */
  readonly ridge: number;
  readonly itemsMax: number;
}

export const checkResidualNeighbourOptions = (options: ResidualNeighbourOptions): void => {
  checkNonNegative('neighbours.shrinkage', options.shrinkage);
  checkCount('neighbours.neighbours', options.neighbours);
  checkPositive('neighbours.caution', options.caution);
  checkPositive('neighbours.ridge', options.ridge);
  checkCount('neighbours.itemsMax', options.itemsMax);
};

/** What both models say of one item, from one person's residuals. */
export interface ResidualSignals {
  readonly correlation: number;
  readonly ridge: number;
}

interface Fitted {
  /** Lower halves: similarities, and the ridge's inverse. */
  readonly similarities: Float32Array;
  readonly inverse: Float64Array;
  readonly itemCount: number;
  readonly options: ResidualNeighbourOptions;
}

export class ResidualNeighbours {
  readonly #fitted: Fitted;

  constructor(fitted: Fitted) {
    this.#fitted = fitted;
  }

  get sizeBytes(): number {
    return this.#fitted.similarities.byteLength + this.#fitted.inverse.byteLength;
  }

  /** The residual of `item` itself, where it is among the ratings, is not looked at. */
  signals(items: ArrayLike<number>, residuals: ArrayLike<number>, item: number): ResidualSignals {
    const { similarities, inverse, itemCount, options } = this.#fitted;
    if (item >= itemCount) return { correlation: 0, ridge: 0 };
    const pivot = inverse[symmetricIndex(item, item)]!;
    const found = new Float64Array(items.length);
    let ridge = 0;
    for (let k = 0; k < items.length; k++) {
      if (items[k] === item) continue;
      const at = symmetricIndex(item, items[k]!);
      ridge -= (inverse[at]! / pivot) * residuals[k]!;
      found[k] = similarities[at]!;
    }
    const least = nthLargestSize(found, options.neighbours);
    let sum = 0;
    let total = options.caution;
    for (let k = 0; k < found.length; k++) {
      if (Math.abs(found[k]!) < least) continue;
      sum += found[k]! * residuals[k]!;
      total += Math.abs(found[k]!);
    }
    return { correlation: sum / total, ridge };
  }

  pack(): Pick<ModelParts, 'facts' | 'arrays'> {
    const { similarities, inverse, itemCount, options } = this.#fitted;
    const arrays: Record<string, ModelArray> = { similarities, inverse };
    return { facts: { itemCount, options }, arrays };
  }

  static unpack(parts: ModelParts, facts: Readonly<Record<string, unknown>>): ResidualNeighbours {
    return new ResidualNeighbours({
      similarities: arrayOf(parts, 'similarities', 'f32'),
      inverse: arrayOf(parts, 'inverse', 'f64'),
      itemCount: facts.itemCount as number,
      options: facts.options as ResidualNeighbourOptions,
    });
  }
}

const nthLargestSize = (values: Float64Array, n: number): number => {
  if (values.length <= n) return 0;
  const sizes = values.map(Math.abs).sort();
  return sizes[sizes.length - n]!;
};

/** `residuals` holds the base model's error of each rating; columns rise within a row. */
export const fitResidualNeighbours = async (
  residuals: SparseRows,
  options: ResidualNeighbourOptions,
  context: FitContext,
  algebra: DenseLinearAlgebra,
): Promise<ResidualNeighbours> => {
  checkResidualNeighbourOptions(options);
  const itemCount = residuals.columnCount;
  if (itemCount > options.itemsMax) {
    throw new AlgorithmError('bad_option', {
      name: 'neighbours.itemsMax',
      expected: `at least the ${itemCount} items`,
      got: options.itemsMax,
    });
  }
  const { products, common } = pairSums(residuals);
  const similarities = similaritiesOf(products, common, options.shrinkage);
  const inverse = await algebra.invert({ matrix: products, ridge: options.ridge }, context);
  return new ResidualNeighbours({ similarities, inverse: inverse.lower, itemCount, options });
};

interface PairSums {
  readonly products: SymmetricMatrix;
  readonly common: Uint32Array;
}

const pairSums = ({ rowCount, columnCount, starts, columns, values }: SparseRows): PairSums => {
  const products = symmetricMatrix(columnCount);
  const common = new Uint32Array(products.lower.length);
  for (let row = 0; row < rowCount; row++) {
    for (let a = starts[row]!; a < starts[row + 1]!; a++) {
      const start = (columns[a]! * (columns[a]! + 1)) / 2;
      for (let b = starts[row]!; b <= a; b++) {
        products.lower[start + columns[b]!]! += values[a]! * values[b]!;
        common[start + columns[b]!]! += 1;
      }
    }
  }
  return { products, common };
};

const similaritiesOf = (
  { size, lower }: SymmetricMatrix,
  common: Uint32Array,
  shrinkage: number,
): Float32Array => {
  const spreads = Float64Array.from({ length: size }, (_, item) => {
    const at = symmetricIndex(item, item);
    return common[at]! > 0 ? Math.sqrt(lower[at]! / common[at]!) : 0;
  });
  const similarities = new Float32Array(lower.length);
  for (let a = 0; a < size; a++) {
    for (let b = 0; b <= a; b++) {
      const at = (a * (a + 1)) / 2 + b;
      const scale = spreads[a]! * spreads[b]! * (common[at]! + shrinkage);
      if (common[at]! > 0 && scale > 0) similarities[at] = lower[at]! / scale;
    }
  }
  return similarities;
};
