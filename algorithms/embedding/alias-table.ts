/**
 * Walker's alias method: drawing by weight with one random number, whatever the number of weights.
 * Each of n equal places keeps a share for itself and leaves the rest to one other, its alias.
 */
export interface AliasTable {
  /** What part of its place each keeps, 0 to 1. */
  readonly keeps: Float64Array;
  readonly aliases: Uint32Array;
}

/** Of finite weights of at least 0 with a sum above 0. */
export const aliasesOf = (weights: ArrayLike<number>): AliasTable => {
  const size = weights.length;
  let total = 0;
  for (let k = 0; k < size; k++) total += weights[k]!;
  const keeps = Float64Array.from({ length: size }, (_, k) => (weights[k]! / total) * size);
  const aliases = Uint32Array.from({ length: size }, (_, k) => k);
  const poor: number[] = [];
  const rich: number[] = [];
  keeps.forEach((share, place) => {
    (share < 1 ? poor : rich).push(place);
  });
  while (poor.length > 0 && rich.length > 0) {
    const taker = poor.pop()!;
    const giver = rich.at(-1)!;
    aliases[taker] = giver;
    keeps[giver]! -= 1 - keeps[taker]!;
    if (keeps[giver]! < 1) poor.push(rich.pop()!);
  }
  // What is left over differs from 1 by rounding alone.
  for (const place of [...poor, ...rich]) keeps[place] = 1;
  return { keeps, aliases };
};
