/** The checks that every model makes of its options, each with the same sentence when it fails. */
import { AlgorithmError } from './algorithm-error.ts';

const refuse = (name: string, expected: string, got: unknown): never => {
  throw new AlgorithmError('bad_option', { name, expected, got });
};

export const checkPositive = (name: string, value: number): void => {
  if (!(Number.isFinite(value) && value > 0)) refuse(name, 'a finite number above 0', value);
};

export const checkNonNegative = (name: string, value: number): void => {
  if (!(Number.isFinite(value) && value >= 0)) refuse(name, 'a finite number of at least 0', value);
};

export interface Range {
  readonly min: number;
  readonly max: number;
}

export const checkRange = (name: string, value: number, { min, max }: Range): void => {
  if (!(value >= min && value <= max)) refuse(name, `from ${min} to ${max}`, value);
};

/** A whole number of at least `min` (1 unless told). */
export const checkCount = (name: string, value: number, min = 1): void => {
  if (!(Number.isSafeInteger(value) && value >= min)) {
    refuse(name, `a whole number of at least ${min}`, value);
  }
};

export const checkOneOf = <Choice extends string>(
  name: string,
  value: string,
  choices: readonly Choice[],
): void => {
  if (!choices.includes(value as Choice)) refuse(name, `one of ${choices.join(', ')}`, value);
};
