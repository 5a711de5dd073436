/** Schemas and records of others, honest and hostile. Bytes are written by avsc, as others' clients do. */
import avro from 'avsc';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFreshetError } from '../errors.ts';
import { foreignSchemaOf } from './foreign-schema.ts';
import { encodeRecord } from './record-codec.ts';
import { RECORD_SAMPLES } from './record-samples.ts';
import { REGISTRY } from './registry.ts';

const ID = 42;

const framed = (schema: object, value: object): Uint8Array => {
  const body = avro.Type.forSchema(schema as Parameters<typeof avro.Type.forSchema>[0], {
    wrapUnions: false,
  }).toBuffer(value);
  return Buffer.concat([Buffer.from([0, 0, 0, 0, ID]), body]);
};

const recordOf = (fields: readonly object[], more: object = {}) => ({
  type: 'record',
  name: 'Click',
  namespace: 'shop.web',
  fields,
  ...more,
});

/** `problem` of what is thrown, with its code. */
const refusalOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (isFreshetError(error)) return `${error.code}: ${String(error.details.problem)}`;
    throw error;
  }
  return 'nothing was refused';
};

const EVERYTHING = recordOf([
  { name: 'itemId', type: 'string' },
  { name: 'ok', type: 'boolean' },
  { name: 'small', type: 'int' },
  { name: 'large', type: 'long' },
  { name: 'near', type: 'float' },
  { name: 'exact', type: { type: 'double' } },
  { name: 'raw', type: 'bytes' },
  { name: 'nothing', type: 'null' },
  { name: 'maybe', type: ['null', 'string', 'long'] },
  { name: 'device', type: { type: 'enum', name: 'Device', symbols: ['PHONE', 'DESK'] } },
  { name: 'mark', type: { type: 'fixed', name: 'Mark', size: 2 } },
  { name: 'tags', type: { type: 'array', items: 'string' } },
  { name: 'labels', type: { type: 'map', values: 'int' } },
  { name: 'other', type: 'Device' },
  { name: '__proto__', type: 'string' },
]);

describe('a record by a schema of others', () => {
  it('says what its writer wrote, whatever the types', () => {
    const value = {
      itemId: 'amélie-🎬',
      ok: true,
      small: -7,
      large: 2 ** 40,
      near: 0.5,
      exact: 0.1,
      raw: Buffer.of(1, 2),
      nothing: null,
      maybe: 'x',
      device: 'DESK',
      mark: Buffer.of(3, 4),
      tags: ['a', 'b'],
      labels: { one: 1 },
      other: 'PHONE',
      ['__proto__']: 'a plain name',
    };
    const schema = foreignSchemaOf(EVERYTHING, ID);
    const found = schema.decode(framed(EVERYTHING, value));
    expect(Object.entries(found)).toEqual(
      Object.entries(value).map(([name, each]) => [
        name,
        Buffer.isBuffer(each) ? new Uint8Array(each) : each,
      ]),
    );
    expect(schema.fields.has('itemId')).toBe(true);
  });

  it('has times as texts and no number that it cannot hold', () => {
    const long = (logicalType: string) => ({ type: 'long', logicalType });
    const schema = recordOf([
      { name: 'ms', type: long('timestamp-millis') },
      { name: 'us', type: long('timestamp-micros') },
      { name: 'before', type: long('timestamp-millis') },
      { name: 'hash', type: 'long' },
      { name: 'negative', type: 'long' },
    ]);
    const varint = (value: bigint): readonly number[] => {
      const bytes: number[] = [];
      let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
      for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
      return [...bytes, Number(rest)];
    };
    const bytes = [1_700_000_000_123n, 1_700_000_000_123_456n, -1n, 2n ** 62n, -(2n ** 50n)];
    const found = foreignSchemaOf(schema, ID).decode(
      Uint8Array.of(0, 0, 0, 0, ID, ...bytes.flatMap(varint)),
    );
    expect({ ...found }).toEqual({
      ms: '2023-11-14T22:13:20.123Z',
      us: '2023-11-14T22:13:20.123Z',
      before: '1969-12-31T23:59:59.999Z',
      hash: Number.NaN,
      negative: -(2 ** 50),
    });
  });

  it('reads our own records by our own schemas alike', () => {
    const { schema, id } = REGISTRY.find(({ record }) => record === 'Impression')!;
    const sample = RECORD_SAMPLES.impression!;
    const found = foreignSchemaOf(schema, id).decode(encodeRecord(sample.name, sample.record));
    expect(found).toMatchObject({ listId: 'l-42', items: [{ rank: 1 }, { rank: 2 }] });
    expect(found.occurredAt).toBe('2023-11-14T22:13:20.000Z');
  });

  it('of a type that holds itself goes as deep as is sensible', () => {
    const list = recordOf([
      { name: 'itemId', type: 'string' },
      { name: 'next', type: ['null', 'Click'] },
    ]);
    const chain = (length: number): object | null =>
      length === 0 ? null : { itemId: 'x', next: chain(length - 1) };
    const schema = foreignSchemaOf(list, ID);
    expect(schema.decode(framed(list, chain(60)!)).itemId).toBe('x');
    const links = Array.from({ length: 100_000 }, () => [0, 2]);
    const deep = Uint8Array.from([0, 0, 0, 0, ID, ...links.flat()]);
    expect(refusalOf(() => schema.decode(deep))).toContain('more than 64 values in one another');
  });
});

describe('a schema that means harm', () => {
  /** Each record holds the one before twice: 2^depth records of no bytes. */
  const doubling = (depth: number) => {
    let type: object | string = 'null';
    for (let level = 0; level < depth; level += 1) {
      const name = `R${level}`;
      type = {
        type: 'record',
        name,
        fields: [
          { name: 'a', type },
          { name: 'b', type: level === 0 ? 'null' : `R${level - 1}` },
        ],
      };
    }
    return recordOf([{ name: 'itemId', type }]);
  };
  const EMPTY = Uint8Array.of(0, 0, 0, 0, ID);

  it('may not stand for more values than its bytes can hold', () => {
    const schema = foreignSchemaOf(doubling(40), ID);
    expect(refusalOf(() => schema.decode(EMPTY))).toContain('more values than its bytes can hold');
  });

  it('may not hold itself without end', () => {
    const schema = foreignSchemaOf(recordOf([{ name: 'itemId', type: 'Click' }]), ID);
    expect(refusalOf(() => schema.decode(EMPTY))).toContain('values in one another');
  });

  it('may not announce what does not come', () => {
    const of = (type: object) => foreignSchemaOf(recordOf([{ name: 'itemId', type }]), ID);
    const huge = [...EMPTY, 0xfe, 0xff, 0xff, 0xff, 0x0f];
    for (const [type, body] of [
      [{ type: 'array', items: 'null' }, huge],
      [{ type: 'map', values: 'null' }, huge],
      [{ type: 'fixed', name: 'F', size: 2 ** 40 }, huge],
      [{ type: 'array', items: { type: 'array', items: 'string' } }, [...EMPTY, 4, 4]],
    ] as const) {
      expect(refusalOf(() => of(type).decode(Uint8Array.from(body)))).toMatch(/^bad_record/);
    }
  });

  const nested = (depth: number): object => {
    let type: object | string = 'string';
    for (let level = 0; level < depth; level += 1) type = { type: 'array', items: type };
    return type as object;
  };

  for (const [what, schema, problem] of [
    ['no JSON', undefined, 'a type that is none'],
    ['no record', { type: 'array', items: 'string' }, 'no record'],
    ['a name alone', '"string"', 'unknown type'],
    ['an unknown type', recordOf([{ name: 'a', type: 'money' }]), 'unknown type "money"'],
    ['a type of the prototype', recordOf([{ name: 'a', type: 'constructor' }]), 'unknown type'],
    ['a field without a name', recordOf([{ type: 'string' }]), 'a field that is no text'],
    ['a field that is none', recordOf([null as never]), 'a field that is no text'],
    [
      'two types of one name',
      recordOf([{ name: 'a', type: { type: 'fixed', name: 'Click', size: 1 } }]),
      'two types',
    ],
    ['types in one another', recordOf([{ name: 'a', type: nested(2_000) }]), 'in one another'],
    [
      'more types than anybody has',
      recordOf(Array.from({ length: 6_000 }, (_, at) => ({ name: `f${at}`, type: 'null' }))),
      'more than 5000 types',
    ],
  ] as const) {
    it(`is refused: ${what}`, () => {
      expect(refusalOf(() => foreignSchemaOf(schema, ID))).toMatch(
        /^bad_record: one by schema 42, which is /,
      );
      expect(refusalOf(() => foreignSchemaOf(schema, ID))).toContain(problem);
    });
  }

  it('or bytes that do, end in a record or a refusal', () => {
    const schema = foreignSchemaOf(EVERYTHING, ID);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
        const said = refusalOf(() => schema.decode(Buffer.concat([EMPTY, body])));
        expect(said).toMatch(/^(bad_record: one by schema 42 with |nothing)/);
      }),
    );
  });
});
