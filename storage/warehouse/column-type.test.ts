import { describe, expect, it } from 'vitest';
import { enumMember, parseColumnType } from './column-type.ts';

describe('a column type', () => {
  it('is read with its arguments, types apart from literals', () => {
    expect(parseColumnType("DateTime64(3, 'UTC')")).toEqual({
      name: 'DateTime64',
      inner: [],
      literals: ['3', 'UTC'],
    });
    expect(parseColumnType('Map(String, Array(Nullable(Float64)))')).toMatchObject({
      name: 'Map',
      inner: [{ name: 'String' }, { name: 'Array', inner: [{ name: 'Nullable' }] }],
    });
  });

  it('is the same whether its words are kept in a dictionary or not', () => {
    expect(parseColumnType('LowCardinality(Nullable(String))')).toEqual(
      parseColumnType('Nullable(String)'),
    );
    expect(parseColumnType('SimpleAggregateFunction(sum, UInt64)')).toEqual(
      parseColumnType('UInt64'),
    );
  });

  it('is read past the names of tuple members', () => {
    expect(parseColumnType('Tuple(item String, `its weight` Decimal(9, 2), Int8)')).toMatchObject({
      inner: [{ name: 'String' }, { name: 'Decimal', literals: ['9', '2'] }, { name: 'Int8' }],
    });
  });

  it('is read past commas and brackets in the names of enum members', () => {
    const { literals } = parseColumnType("Enum8('a, (b)' = -1, 'it\\'s' = 2)");
    expect(literals.map(enumMember)).toEqual([
      ['a, (b)', -1],
      ["it's", 2],
    ]);
  });
});
