/**
 * The library's only randomness: xoshiro128** (Blackman and Vigna, 2018) seeded through
 * splitmix32, so that neighbouring seeds give unrelated streams. The same seed gives the same
 * numbers on every machine. Not for secrets.
 */
export interface SeededRandom {
  /** Uniform in [0, 1), 53 random bits. */
  next(): number;
  /** Uniform whole number in [0, bound). */
  below(bound: number): number;
  /** Standard normal. */
  normal(): number;
  /** Gamma with the given shape and scale 1. */
  gamma(shape: number): number;
  /** Beta(a, b), a and b above 0. */
  beta(a: number, b: number): number;
  /** A generator of its own for a named part of the work. */
  fork(label: number): SeededRandom;
}

const splitmix32 = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
};

const rotateLeft = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

class Xoshiro128 implements SeededRandom {
  readonly #seed: number;
  readonly #state: Uint32Array;

  constructor(seed: number) {
    this.#seed = seed;
    // Both halves of the seed count: numbers above 2^32 are seeds, too.
    const low = splitmix32(seed);
    const high = splitmix32(Math.floor(seed / 2 ** 32));
    this.#state = Uint32Array.from({ length: 4 }, () => low() ^ rotateLeft(high(), 7));
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1;
  }

  #word(): number {
    const state = this.#state;
    const result = Math.imul(rotateLeft(Math.imul(state[1]!, 5), 7), 9) >>> 0;
    const shifted = state[1]! << 9;
    state[2]! ^= state[0]!;
    state[3]! ^= state[1]!;
    state[1]! ^= state[2]!;
    state[0]! ^= state[3]!;
    state[2]! ^= shifted;
    state[3] = rotateLeft(state[3]!, 11);
    return result;
  }

  next(): number {
    return ((this.#word() >>> 5) * 2 ** 26 + (this.#word() >>> 6)) / 2 ** 53;
  }

  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  normal(): number {
    // 1 − u keeps the logarithm's argument above 0.
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }

  /** Marsaglia and Tsang (2000); below shape 1 by the boost u^(1/shape). */
  gamma(shape: number): number {
    if (shape < 1) return this.gamma(shape + 1) * (1 - this.next()) ** (1 / shape);
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v <= 0) continue;
      const u = 1 - this.next();
      if (Math.log(u) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
    }
  }

  beta(a: number, b: number): number {
    const x = this.gamma(a);
    const y = this.gamma(b);
    // Both underflow only for tiny parameters, where the mass sits at the two ends.
    if (x + y === 0) return this.next() < a / (a + b) ? 1 : 0;
    return x / (x + y);
  }

  fork(label: number): SeededRandom {
    const mix = splitmix32((this.#seed ^ Math.imul(label + 1, 0x9e3779b1)) >>> 0);
    return new Xoshiro128(mix() * 2 ** 20 + (mix() >>> 12));
  }
}

export const seededRandom = (seed: number): SeededRandom => new Xoshiro128(seed);

/** Fisher–Yates, in place. */
export const shuffle = <Values extends { length: number; [index: number]: number }>(
  values: Values,
  random: SeededRandom,
): Values => {
  for (let i = values.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const held = values[i]!;
    values[i] = values[j]!;
    values[j] = held;
  }
  return values;
};
