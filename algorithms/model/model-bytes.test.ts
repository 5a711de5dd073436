import { describe, expect, it } from 'vitest';
import { arrayOf, decodeModel, encodeModel } from './model-bytes.ts';

const parts = {
  format: 'test/1',
  facts: { itemCount: 3, note: '__proto__ 🎬' },
  arrays: { a: Uint16Array.of(1, 2, 3), b: Float64Array.of(0.5), c: new Int8Array(0) },
};

describe('a model as bytes', () => {
  it('comes back as it was, also from the middle of a buffer', () => {
    const bytes = encodeModel(parts);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    const read = decodeModel(shifted.subarray(3), 'test/1');
    expect(read.facts).toEqual(parts.facts);
    expect(arrayOf(read, 'a', 'u16')).toEqual(parts.arrays.a);
    expect(arrayOf(read, 'b', 'f64')).toEqual(parts.arrays.b);
    expect(arrayOf(read, 'c', 'i8')).toHaveLength(0);
  });

  it('is refused with a sentence where it is damaged, foreign or cut short', () => {
    const bytes = encodeModel(parts);
    expect(() => decodeModel(bytes, 'other/1')).toThrow(/Expected other\/1 .* got test\/1/);
    expect(() => decodeModel(bytes.subarray(0, bytes.length - 8), 'test/1')).toThrow(
      /all of array/,
    );
    expect(() => decodeModel(bytes.subarray(0, 20), 'test/1')).toThrow(/a whole header/);
    expect(() =>
      decodeModel(
        Uint8Array.from({ length: 40 }, () => 7),
        'test/1',
      ),
    ).toThrow(/FRMODEL1/);
    expect(() => arrayOf(decodeModel(bytes, 'test/1'), 'a', 'f32')).toThrow(/array a of f32/);
  });
});
