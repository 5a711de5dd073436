/**
 * How sure a measured mean is. Events of one person resemble each other, so everything here
 * resamples or sums whole people (clusters), never single events.
 *
 * Three tools: the bootstrap for a figure that is read once; the paired bootstrap for two models
 * on the same people; and a confidence sequence (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas,
 * 2021) for a comparison that is watched while it grows, where reading a fixed-size interval again
 * and again would sooner or later find a difference that is not there.
 */
import { AlgorithmError } from '../model/algorithm-error.ts';
import { checkCount, checkPositive, checkRange } from '../model/option-checks.ts';
import { seededRandom } from '../random/seeded-random.ts';

/** One entry a person: the sum of a metric over their events, and how many events that were. */
export interface Clusters {
  readonly sums: ArrayLike<number>;
  /** null where every person counts once. */
  readonly counts: ArrayLike<number> | null;
}

export interface BootstrapOptions {
  readonly resamples: number;
  /** Probability that the interval holds the truth. */
  readonly confidence: number;
  readonly seed: number;
}

export const DEFAULT_BOOTSTRAP_OPTIONS: BootstrapOptions = {
  resamples: 1000,
  confidence: 0.95,
  seed: 1,
};

export interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly standardError: number;
}

const checkClusters = ({ sums, counts }: Clusters): void => {
  if (counts && counts.length !== sums.length) {
    throw new AlgorithmError('bad_data', {
      what: 'the number of counts',
      expected: String(sums.length),
      got: counts.length,
    });
  }
};

const quantileOf = (sorted: Float64Array, share: number): number => {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const next = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (position - below) * (sorted[next]! - sorted[below]!);
};

/** Percentile bootstrap of Σ sums ÷ Σ counts over people; null where there are no events. */
export const bootstrapMean = (
  clusters: Clusters,
  options: Partial<BootstrapOptions> = {},
): Interval | null => {
  const { resamples, confidence, seed } = { ...DEFAULT_BOOTSTRAP_OPTIONS, ...options };
  checkCount('resamples', resamples);
  checkRange('confidence', confidence, { min: 0.5, max: 0.9999 });
  checkClusters(clusters);
  const { sums, counts } = clusters;
  const size = sums.length;
  const countAt = (cluster: number): number => (counts ? counts[cluster]! : 1);
  let sum = 0;
  let count = 0;
  for (let k = 0; k < size; k++) {
    sum += sums[k]!;
    count += countAt(k);
  }
  if (count === 0) return null;
  const random = seededRandom(seed);
  const means = new Float64Array(resamples);
  for (let draw = 0; draw < resamples; draw++) {
    let drawnSum = 0;
    let drawnCount = 0;
    for (let k = 0; k < size; k++) {
      const cluster = random.below(size);
      drawnSum += sums[cluster]!;
      drawnCount += countAt(cluster);
    }
    means[draw] = drawnCount === 0 ? sum / count : drawnSum / drawnCount;
  }
  means.sort();
  return {
    mean: sum / count,
    low: quantileOf(means, (1 - confidence) / 2),
    high: quantileOf(means, (1 + confidence) / 2),
    standardError: standardDeviationOf(means),
  };
};

const standardDeviationOf = (values: Float64Array): number => {
  const mean = values.reduce((total, value) => total + value, 0) / values.length;
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  return Math.sqrt(squares / Math.max(values.length - 1, 1));
};

/** Interval of mean(a) − mean(b) over the same people, resampled together. */
export const pairedBootstrap = (
  a: Clusters,
  b: Clusters,
  options: Partial<BootstrapOptions> = {},
): Interval | null => {
  if (a.sums.length !== b.sums.length) {
    throw new AlgorithmError('bad_data', {
      what: 'the second sample',
      expected: `${a.sums.length} people`,
      got: b.sums.length,
    });
  }
  for (let k = 0; k < a.sums.length; k++) {
    if ((a.counts?.[k] ?? 1) !== (b.counts?.[k] ?? 1)) {
      throw new AlgorithmError('bad_data', {
        what: `person ${k}`,
        expected: 'as many events in both samples',
        got: `${a.counts?.[k] ?? 1} and ${b.counts?.[k] ?? 1}`,
      });
    }
  }
  const differences = Float64Array.from(
    { length: a.sums.length },
    (_, k) => a.sums[k]! - b.sums[k]!,
  );
  return bootstrapMean({ sums: differences, counts: a.counts }, options);
};

/**
 * The interval that may be read after every person: with probability `confidence` it holds the
 * true mean at all times at once. `expectedSize` is the number of people at which it is narrowest.
 */
export const confidenceSequence = (
  values: ArrayLike<number>,
  { confidence = 0.95, expectedSize = 1000 } = {},
): Interval | null => {
  checkRange('confidence', confidence, { min: 0.5, max: 0.9999 });
  checkPositive('expectedSize', expectedSize);
  const size = values.length;
  if (size < 2) return null;
  const sample = Float64Array.from(values);
  const deviation = standardDeviationOf(sample);
  const mean = sample.reduce((total, value) => total + value, 0) / size;
  const alpha = 1 - confidence;
  const tuning = (-2 * Math.log(alpha) + Math.log(-2 * Math.log(alpha) + 1)) / expectedSize;
  const spread = size * tuning + 1;
  const margin =
    deviation *
    Math.sqrt(((2 * spread) / (size * size * tuning)) * Math.log(Math.sqrt(spread) / alpha));
  return {
    mean,
    low: mean - margin,
    high: mean + margin,
    standardError: deviation / Math.sqrt(size),
  };
};
