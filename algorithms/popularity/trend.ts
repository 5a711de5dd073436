/**
 * What rises: recent activity against what the item's own past lets expect. Two decayed counts of
 * the same events with a short and a long half-life are, divided by their mean lifetimes, two
 * rates; the trend says by how many standard deviations the short one exceeds the long one,
 *
 *   trend = (short − expected) ÷ √(expected + caution),   expected = long · (τ_short ÷ τ_long)
 *
 * as for counts of a Poisson process, with τ = half-life ÷ ln 2. `caution` keeps an item with one
 * click from looking like news. Caveat: a weekly rhythm is no news either, so the long half-life
 * should be at least a week.
 */
import { AlgorithmError } from '../model/algorithm-error.ts';
import { checkNonNegative, checkPositive } from '../model/option-checks.ts';

export interface TrendOptions {
  readonly shortHalfLifeMs: number;
  readonly longHalfLifeMs: number;
  readonly caution: number;
}

const HOUR_MS = 3_600_000;

export const DEFAULT_TREND_OPTIONS: TrendOptions = {
  shortHalfLifeMs: 6 * HOUR_MS,
  longHalfLifeMs: 7 * 24 * HOUR_MS,
  caution: 3,
};

export const checkTrendOptions = (options: TrendOptions): void => {
  checkPositive('shortHalfLifeMs', options.shortHalfLifeMs);
  checkPositive('longHalfLifeMs', options.longHalfLifeMs);
  checkNonNegative('caution', options.caution);
  if (options.longHalfLifeMs <= options.shortHalfLifeMs) {
    throw new AlgorithmError('bad_option', {
      name: 'longHalfLifeMs',
      expected: `above shortHalfLifeMs (${options.shortHalfLifeMs})`,
      got: options.longHalfLifeMs,
    });
  }
};

/** The two decayed counts of an item, read at the same moment. */
export interface TrendCounts {
  readonly short: number;
  readonly long: number;
}

/** How much of the short count the long one lets expect. */
export const expectedShort = ({ long }: TrendCounts, options: TrendOptions): number =>
  Math.max(long, 0) * (options.shortHalfLifeMs / options.longHalfLifeMs);

/** In standard deviations; 0 or below where nothing rises. Undone events may leave it at 0. */
export const trendOf = (counts: TrendCounts, options: TrendOptions): number => {
  const expected = expectedShort(counts, options);
  const spread = Math.sqrt(expected + options.caution);
  return spread > 0 ? (Math.max(counts.short, 0) - expected) / spread : 0;
};
