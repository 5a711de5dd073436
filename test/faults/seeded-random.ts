/** A small seeded generator (splitmix32), so that a run can be repeated from its printed seed. */
export type Random = () => number;

export const seededRandom = (seed: number): Random => {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
};

export const integerBelow = (random: Random, bound: number): number => Math.floor(random() * bound);

export const pick = <Value>(random: Random, values: readonly Value[]): Value =>
  values[integerBelow(random, values.length)] as Value;
