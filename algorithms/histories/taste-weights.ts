/**
 * What a person's deeds say of their taste, as signed weights: above 0 for an item, below 0 against
 * it. Training and serving both come here, so that a vector solved from a history says the same of a
 * person as the training would have.
 *
 *   weight = ± kind's weight (× value where the value scales it) × 2^(−age ÷ the kind's half-life)
 *
 * Age is measured from the person's own newest deed, never from a clock: nothing changes while they
 * sleep. A value of a kind that is held against the person's own mean (stars) is compared with the
 * mean of their earlier ones, and speaks the louder the farther it lies from it.
 */
import { type OwnMeanPrior, ownMean, thousandthsOf } from '../popularity/own-mean.ts';

export interface TasteKind {
  readonly weight: number;
  readonly polarity: 'positive' | 'negative' | 'by-own-mean' | 'none';
  readonly value: { readonly scalesWeight: boolean } | null;
  /** In the unit of the deeds' times. */
  readonly halfLife: number;
}

export interface Deed {
  readonly kind: string;
  readonly value: number | null;
  readonly occurredAt: number;
}

export interface TasteOptions {
  readonly kinds: ReadonlyMap<string, TasteKind>;
  readonly prior: OwnMeanPrior;
}

/** Sum, in thousandths, and count of the own values before the first of the deeds. */
export interface EarlierValues {
  readonly sum: number;
  readonly count: number;
}

/** What is older than these deeds: all the own values there are, less those among them. */
export const earlierValuesOf = (
  deeds: readonly Deed[],
  all: { readonly sumThousandths: number; readonly count: number },
  kinds: TasteOptions['kinds'],
): EarlierValues => {
  let sum = all.sumThousandths;
  let count = all.count;
  for (const { kind, value } of deeds) {
    if (value === null || kinds.get(kind)?.polarity !== 'by-own-mean') continue;
    sum -= thousandthsOf(value);
    count--;
  }
  return { sum, count };
};

export const NO_EARLIER_VALUES: EarlierValues = { sum: 0, count: 0 };

/** A value this far from the person's mean speaks with full strength. */
const FULL_STRENGTH_DISTANCE = 1.5;
const STRENGTH_MIN = 0.4;

/** One weight a deed, oldest first; 0 for a deed of a kind that is unknown or says nothing. */
export const tasteWeights = (
  deeds: readonly Deed[],
  earlier: EarlierValues,
  options: TasteOptions,
): Float64Array => {
  const weights = tasteStrengths(deeds, earlier, options);
  const newest = deeds.at(-1)?.occurredAt ?? 0;
  for (let index = 0; index < deeds.length; index++) {
    if (weights[index] === 0) continue;
    const { kind, occurredAt } = deeds[index]!;
    weights[index]! *= fading(newest - occurredAt, options.kinds.get(kind)!.halfLife);
  }
  return weights;
};

/** What is left of a strength after so long. */
export const fading = (age: number, halfLife: number): number => 2 ** (-age / halfLife);

/** The same before they fade. */
export const tasteStrengths = (
  deeds: readonly Deed[],
  earlier: EarlierValues,
  { kinds, prior }: TasteOptions,
): Float64Array => {
  const strengths = new Float64Array(deeds.length);
  let { sum, count } = earlier;
  for (let index = 0; index < deeds.length; index++) {
    const { kind: name, value } = deeds[index]!;
    const kind = kinds.get(name);
    if (kind === undefined || kind.polarity === 'none') continue;
    const mean = ownMean(sum, count, prior);
    if (kind.polarity === 'by-own-mean' && value !== null) {
      sum += thousandthsOf(value);
      count++;
    }
    strengths[index] = signedStrength(kind, value, mean);
  }
  return strengths;
};

const signedStrength = (kind: TasteKind, value: number | null, mean: number): number => {
  switch (kind.polarity) {
    case 'positive':
      return kind.value?.scalesWeight && value !== null ? kind.weight * value : kind.weight;
    case 'negative':
      return -kind.weight;
    case 'by-own-mean': {
      const distance = (value ?? mean) - mean;
      const clarity = Math.min(1, Math.abs(distance) / FULL_STRENGTH_DISTANCE);
      const strength = kind.weight * (STRENGTH_MIN + (1 - STRENGTH_MIN) * clarity);
      return distance >= 0 ? strength : -strength;
    }
    case 'none':
      return 0;
  }
};

/**
 * Of each item only the deeds on the side that weighs more keep their weight: who disliked what
 * they once clicked does not like it a little. Changes `weights`.
 */
export const keepStrongerSide = (items: ArrayLike<number>, weights: Float64Array): void => {
  const verdicts = new Map<number, number>();
  for (let k = 0; k < weights.length; k++) {
    verdicts.set(items[k]!, (verdicts.get(items[k]!) ?? 0) + weights[k]!);
  }
  for (let k = 0; k < weights.length; k++) {
    const isFor = verdicts.get(items[k]!)! > 0;
    if (isFor !== weights[k]! > 0) weights[k] = 0;
  }
};
