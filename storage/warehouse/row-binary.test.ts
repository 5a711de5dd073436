import { describe, expect, it } from 'vitest';
import { rowEncoder } from './row-binary.ts';

const bytesOf = (type: string, value: unknown): string =>
  rowEncoder([{ name: 'cell', type }])([{ cell: value }])
    .subarray(1)
    .toString('hex');

describe('a row in binary', () => {
  it.each([
    ['UInt64', 1, '0100000000000000'],
    ['UInt64', 2 ** 53 - 1, 'ffffffffffff1f00'],
    ['UInt64', 2n ** 64n - 1n, 'ffffffffffffffff'],
    ['Int64', -1, 'ffffffffffffffff'],
    ['Int64', -(2 ** 53) + 1, '010000000000e0ff'],
    ['Int16', -2, 'feff'],
    ['Float64', 0.5, '000000000000e03f'],
    ['String', 'é', '02c3a9'],
    ['String', 'x'.repeat(200), `c801${'78'.repeat(200)}`],
    ['String', 'é'.repeat(63), `7e${'c3a9'.repeat(63)}`],
    ['Nullable(UInt8)', null, '01'],
    ['Nullable(UInt8)', 7, '0007'],
    ['Array(UInt8)', [1, 2], '020102'],
    ['Map(String, UInt8)', { a: 1 }, '01016101'],
    ["DateTime64(3, 'UTC')", new Date(1), '0100000000000000'],
    ['DateTime64(6)', 1, 'e803000000000000'],
    ['DateTime64(0)', 1_999, '0100000000000000'],
    ['DateTime', 1_999, '01000000'],
    ['Date', '1970-01-02', '0100'],
    ['Decimal(9, 2)', '-1.5', '6affffff'],
    ['FixedString(3)', 'a', '610000'],
    ['UUID', '00112233-4455-6677-8899-aabbccddeeff', '7766554433221100ffeeddccbbaa9988'],
    ["Enum8('a' = -1)", 'a', 'ff'],
  ])('%s %s', (type, value, hex) => {
    expect(bytesOf(type, value)).toBe(hex);
  });

  it('says with one byte where the default of the column applies', () => {
    const encode = rowEncoder([
      { name: 'a', type: 'UInt8' },
      { name: 'b', type: 'UInt8' },
    ]);
    expect(encode([{ a: 1 }, {}]).toString('hex')).toBe('0001010101');
  });

  it.each([
    ['UInt8', 256],
    ['UInt8', -1],
    ['Int32', 1.5],
    ['UInt64', 2 ** 53],
    ['UInt64', -1],
    ['Int64', 2n ** 63n],
    ['Float64', '1'],
    ['String', 1],
    ['String', null],
    ['Bool', 'yes'],
    ['Array(UInt8)', 'ab'],
    ['Map(String, UInt8)', 1],
    ['Tuple(UInt8, UInt8)', [1]],
    ['DateTime', Number.NaN],
    ['Date', 'soon'],
    ['Decimal(9, 2)', '1.234'],
    ['FixedString(2)', 'abc'],
    ['UUID', 'abc'],
    ["Enum8('a' = 1)", 'b'],
  ])('%s refuses %s, naming the column', (type, value) => {
    expect(() => bytesOf(type, value)).toThrow('column cell: Expected');
  });

  it('of a type that is not known is refused before the first row', () => {
    expect(() => rowEncoder([{ name: 'cell', type: 'Dynamic' }])).toThrow('Dynamic');
  });
});
