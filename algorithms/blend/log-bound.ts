/**
 * The natural logarithm from below, at a seventh of the price: the logarithm bends downwards, so the
 * chord between two edges lies under it, by at most h²/8 where h is the edges' distance relative to the
 * lower one. Thirty-two chords an octave, found by the bits of the number in 32 bits.
 *
 *   logBound(y) ≤ log(y) + LOG_BOUND_EXCESS   and   log(y) ≤ logBound(y) + LOG_BOUND_GAP    for y ≥ 1
 *
 * For whoever looks for the best of many sums of logarithms: only those whose bound can reach the best
 * are worth computing.
 */

const CELL_BITS = 5;
const OCTAVES = 30;
const CELLS = OCTAVES << CELL_BITS;
const MANTISSA_BITS = 23;
const SHIFT = MANTISSA_BITS - CELL_BITS;
/** Bits of 1 in 32 bits, by cells. */
const FIRST = 0x3f80_0000 >>> SHIFT;
/** What is larger is computed. */
const Y_MAX = 2 ** (OCTAVES - 1);

/** h²/8 with h = 1/32, and what 32 bits may be off. */
export const LOG_BOUND_GAP = 2 ** (-2 * CELL_BITS) / 8 + 1e-6;
/** A number just below an edge may be taken for one just above it. */
export const LOG_BOUND_EXCESS = 1e-8;

/** Of each cell the chord: what it adds, and its slope. */
const chords = ((): Float64Array => {
  const made = new Float64Array(2 * CELLS);
  for (let cell = 0; cell < CELLS; cell++) {
    const octave = 2 ** (cell >>> CELL_BITS);
    const low = octave * (1 + (cell % (1 << CELL_BITS)) / (1 << CELL_BITS));
    const high = low + octave / (1 << CELL_BITS);
    const slope = (Math.log(high) - Math.log(low)) / (high - low);
    made[2 * cell] = Math.log(low) - slope * low;
    made[2 * cell + 1] = slope;
  }
  return made;
})();

const narrow = new Float32Array(1);
const bits = new Uint32Array(narrow.buffer);

export const logBound = (y: number): number => {
  if (y >= Y_MAX) return Math.log(y);
  narrow[0] = y;
  const at = 2 * ((bits[0]! >>> SHIFT) - FIRST);
  return chords[at]! + y * chords[at + 1]!;
};
