/** The settings of skip-gram with negative sampling, shared by all that train with it. */
import { checkCount, checkNonNegative, checkPositive, checkRange } from '../model/option-checks.ts';

export interface SkipGramOptions {
  readonly dimensions: number;
  /** How far away in the sequence an item counts as context; each centre draws from 1 to this. */
  readonly window: number;
  /** Wrong answers beside each right one. */
  readonly negatives: number;
  /** Wrong answers are drawn in proportion to countᵉ; 0 draws all items alike. */
  readonly negativeExponent: number;
  /**
   * Items above this share of all events are left out now and then, as word2vec does (kept with
   * probability √(t ÷ share) + t ÷ share); 0 leaves none out.
   */
  readonly subsampling: number;
  readonly epochs: number;
  /** The learning rate falls in a line from the first event to the last. */
  readonly rate: number;
  readonly lastRate: number;
}

export const checkSkipGramOptions = (options: SkipGramOptions): void => {
  checkCount('dimensions', options.dimensions);
  checkCount('window', options.window);
  checkCount('negatives', options.negatives);
  checkRange('negativeExponent', options.negativeExponent, { min: -2, max: 2 });
  checkRange('subsampling', options.subsampling, { min: 0, max: 1 });
  checkCount('epochs', options.epochs, 0);
  checkPositive('rate', options.rate);
  checkNonNegative('lastRate', options.lastRate);
};
