/**
 * Rows fetched into the processor's cache all at once: those of a person's items lie anywhere in memory, and
 * read one after the other each waits for the one before (a fifth of a microsecond where nothing of it is
 * near), where two dozen at once wait about as long as one.
 */

/** Numbers of 32 bits in what the processor fetches at a time. */
const LINE = 16;

export const fetched = (rows: readonly Float32Array[]): readonly Float32Array[] => {
  let sum = 0;
  for (const row of rows) for (let at = 0; at < row.length; at += LINE) sum += row[at]!;
  // Nobody needs the sum, but what it is made of is read only if somebody looks at it.
  return Number.isNaN(sum) ? [] : rows;
};
