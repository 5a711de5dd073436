import { describe, expect, it } from 'vitest';
import { epochMs, offset } from '../schemas/ids.ts';
import type { LogRecord } from '../storage/event-log/event-log.ts';
import { partsOf } from './record-parts.ts';

const recordAt = (at: number): LogRecord => ({
  offset: offset(at),
  key: null,
  value: null,
  timestamp: epochMs(0),
});

const partLengths = (keysOfEach: readonly number[], keysMax: number): readonly number[] => {
  const slice = keysOfEach.map((_, at) => recordAt(at));
  const pipeline = {
    prepare: (log: LogRecord) => ({ log }),
    keyCountOf: ({ log }: { readonly log: LogRecord }) => keysOfEach[log.offset]!,
  };
  const parts = [...partsOf(slice, pipeline, keysMax)];
  expect(parts.flat().map(({ log }) => log)).toEqual(slice);
  return parts.map(({ length }) => length);
};

describe('parts of a slice', () => {
  it('end once they change as many keys as an apply holds', () => {
    expect(partLengths([40, 70, 10, 90, 5, 5], 100)).toEqual([2, 2, 2]);
  });

  it('hold the one record that changes more alone', () => {
    expect(partLengths([300, 300], 100)).toEqual([1, 1]);
  });

  it('let others have their turn after a thousand records that change nothing', () => {
    expect(partLengths(new Array(2_500).fill(0), 100)).toEqual([1_024, 1_024, 452]);
  });

  it('of nothing are none', () => {
    expect(partLengths([], 100)).toEqual([]);
  });
});
