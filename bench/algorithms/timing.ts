/**
 * How the algorithms are timed: warmed up, repeated, the median of the rounds with their spread. What
 * runs on one core is measured in the process's core time, so that neighbours do not count.
 */
import { seededRandom } from '../../algorithms/random/seeded-random.ts';
import { type Spread, spreadOf } from '../machine-base.ts';

export const SEED = 1;
const ROUNDS = 7;

/** Core seconds of one call, from rounds of about `roundSeconds`. */
export const secondsPerCall = (call: (k: number) => void, roundSeconds = 0.2): Spread => {
  let calls = 1;
  for (;;) {
    const seconds = coreSeconds(() => {
      for (let k = 0; k < calls; k++) call(k);
    });
    if (seconds > roundSeconds / 4) {
      calls = Math.max(1, Math.round((calls * roundSeconds) / seconds));
      break;
    }
    calls *= 4;
  }
  const rounds = Array.from({ length: ROUNDS }, () => {
    const seconds = coreSeconds(() => {
      for (let k = 0; k < calls; k++) call(k);
    });
    return seconds / calls;
  });
  return spreadOf(rounds);
};

export const coreSeconds = (work: () => void): number => {
  const start = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
};

/** Seconds by the wall. */
export const timedAsync = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
};

/** What seconds per call are as calls per second. */
export const rateOf = ({ median, spread }: Spread): Spread => ({
  median: 1 / median,
  spread: [1 / spread[1], 1 / spread[0]],
});

/** Normal factors whose norms differ by a factor of about three, as trained ones do. */
export const factorsLikeTrained = (rows: number, dimensions: number, seed = SEED): Float32Array => {
  const random = seededRandom(seed);
  const factors = new Float32Array(rows * dimensions);
  for (let row = 0; row < rows; row++) {
    const size = Math.exp(0.4 * random.normal()) / Math.sqrt(dimensions);
    for (let i = 0; i < dimensions; i++) factors[row * dimensions + i] = size * random.normal();
  }
  return factors;
};
