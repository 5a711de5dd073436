/** K-fold: every event is tested once, by a model that was trained on the other folds. */
import { AlgorithmError } from '../model/algorithm-error.ts';
import { checkCount } from '../model/option-checks.ts';
import { seededRandom, shuffle } from '../random/seeded-random.ts';

/** For each of `count` events the fold that tests it. Sizes differ by one at most. */
export const kFolds = (
  count: number,
  { folds, seed }: { readonly folds: number; readonly seed: number },
): Uint8Array => {
  checkCount('folds', folds, 2);
  checkCount('count', count, 0);
  if (folds > 255 || folds > count) {
    throw new AlgorithmError('bad_option', {
      name: 'folds',
      expected: `at most 255 and at most the ${count} events`,
      got: folds,
    });
  }
  const order = shuffle(
    Uint32Array.from({ length: count }, (_, k) => k),
    seededRandom(seed),
  );
  const foldOf = new Uint8Array(count);
  for (let place = 0; place < count; place++) foldOf[order[place]!] = place % folds;
  return foldOf;
};
