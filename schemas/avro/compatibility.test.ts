import avro from 'avsc';
import { describe, expect, it } from 'vitest';
import { type AvroField, type AvroSchema, fullProblems, readingProblems } from './compatibility.ts';
import { fingerprintOf, REGISTRY } from './registry.ts';

const record = (...fields: readonly AvroField[]): AvroSchema => ({
  type: 'record' as AvroSchema,
  name: 'R',
  namespace: 'test',
  fields,
});
const field = (type: AvroSchema, extra: Partial<AvroField> = {}): AvroField => ({
  name: 'f',
  type,
  ...extra,
});
const enumOf = (symbols: readonly string[], extra: object = {}): AvroSchema => ({
  type: 'enum',
  name: 'E',
  symbols,
  ...extra,
});

const READABLE: readonly (readonly [string, AvroSchema, AvroSchema])[] = [
  ['the same', record(field('string')), record(field('string'))],
  ['a field more, with a default', record(), record(field('string', { default: '' }))],
  ['a field less', record(field('string')), record()],
  [
    'fields in another order',
    record(field('int'), { name: 'g', type: 'string' }),
    record({ name: 'g', type: 'string' }, field('int')),
  ],
  [
    'a field renamed with an alias',
    record({ name: 'old', type: 'int' }),
    record(field('int', { aliases: ['old'] })),
  ],
  ['int to long', 'int', 'long'],
  ['int to double', 'int', 'double'],
  ['long to double', 'long', 'double'],
  ['string to bytes', 'string', 'bytes'],
  ['a value to its nullable', record(field('string')), record(field(['null', 'string']))],
  ['a union to a wider one', ['null', 'int'], ['null', 'string', 'int']],
  ['a union to one that promotes', ['null', 'int'], ['null', 'double']],
  ['arrays of what is readable', { type: 'array', items: 'int' }, { type: 'array', items: 'long' }],
  ['maps of what is readable', { type: 'map', values: 'int' }, { type: 'map', values: 'long' }],
  ['fewer symbols to more', enumOf(['A']), enumOf(['A', 'B'])],
  ['an unknown symbol to a default', enumOf(['A', 'B']), enumOf(['A'], { default: 'A' })],
  [
    'a logical type to its own',
    { type: 'long', logicalType: 'timestamp-millis' } as AvroSchema,
    'long',
  ],
  [
    'a record by an alias',
    { type: 'record', name: 'Old', fields: [] },
    { type: 'record', name: 'New', aliases: ['Old'], fields: [] },
  ],
  [
    'a type that is used twice',
    record(field(record2()), { name: 'g', type: 'Inner' }),
    record(field(record2()), { name: 'g', type: 'test.Inner' }),
  ],
];

function record2(): AvroSchema {
  return { type: 'record', name: 'Inner', fields: [{ name: 'a', type: 'int' }] };
}

const UNREADABLE: readonly (readonly [string, AvroSchema, AvroSchema, string])[] = [
  [
    'a field more, without a default',
    record(),
    record(field('string')),
    'f is not in the data and has no default',
  ],
  [
    'a field renamed without an alias',
    record({ name: 'old', type: 'int' }),
    record(field('int')),
    'f is not in the data',
  ],
  [
    'another type',
    record(field('string')),
    record(field('int')),
    'f: string cannot be read as int',
  ],
  ['long to int', 'long', 'int', 'long cannot be read as int'],
  ['double to long', 'double', 'long', 'double cannot be read as long'],
  [
    'a nullable to its value',
    record(field(['null', 'string'])),
    record(field('string')),
    'f: null cannot be read as string',
  ],
  [
    'a union to a narrower one',
    ['null', 'int', 'string'],
    ['null', 'int'],
    'string cannot be read as one of null, int',
  ],
  ['a symbol that is unknown', enumOf(['A', 'B']), enumOf(['A']), 'symbol B is unknown'],
  [
    'another name',
    { type: 'record', name: 'A', fields: [] },
    { type: 'record', name: 'B', fields: [] },
    'A cannot be read as B',
  ],
  [
    'another namespace',
    { type: 'record', name: 'R', namespace: 'a', fields: [] },
    { type: 'record', name: 'R', namespace: 'b', fields: [] },
    'a.R cannot be read as b.R',
  ],
  [
    'another size',
    { type: 'fixed', name: 'F', size: 4 },
    { type: 'fixed', name: 'F', size: 8 },
    'fixed of 4 bytes',
  ],
  [
    'an array of what is not readable',
    record(field({ type: 'array', items: 'long' })),
    record(field({ type: 'array', items: 'int' })),
    'f[]: long cannot be read as int',
  ],
  [
    'a map of what is not readable',
    record(field({ type: 'map', values: 'long' })),
    record(field({ type: 'map', values: 'int' })),
    'f{}: long',
  ],
  [
    'a field deep inside',
    record(field(['null', record2()])),
    record(
      field(['null', { type: 'record', name: 'Inner', fields: [{ name: 'b', type: 'int' }] }]),
    ),
    'f: record cannot be read as one of null, record',
  ],
  [
    'an array to a map',
    { type: 'array', items: 'int' },
    { type: 'map', values: 'int' },
    'array cannot be read as map',
  ],
];

/** What avsc itself says. */
const avscReads = (writer: AvroSchema, reader: AvroSchema): boolean => {
  const typeOf = (schema: AvroSchema) => avro.Type.forSchema(structuredClone(schema) as never);
  try {
    typeOf(reader).createResolver(typeOf(writer));
    return true;
  } catch {
    return false;
  }
};

describe('the compatibility checker', () => {
  for (const [what, writer, reader] of READABLE) {
    it(`lets through: ${what}`, () => {
      expect(readingProblems(writer, reader)).toEqual([]);
      expect(avscReads(writer, reader)).toBe(true);
    });
  }

  for (const [what, writer, reader, problem] of UNREADABLE) {
    it(`names: ${what}`, () => {
      expect(readingProblems(writer, reader).join()).toContain(problem);
      expect(avscReads(writer, reader)).toBe(false);
    });
  }

  it('asks for a default in both directions', () => {
    const without = record();
    expect(fullProblems(without, record(field('int', { default: 0 })))).toEqual([]);
    expect(fullProblems(record(field('int')), without)).toEqual([
      'new data, old reader: f is not in the data and has no default',
    ]);
    expect(fullProblems(without, record(field('int')))).toEqual([
      'old data, new reader: f is not in the data and has no default',
    ]);
  });
});

describe('[25] the registry', () => {
  it('keeps every two versions of a record readable as each other', () => {
    const problems = REGISTRY.flatMap((older) =>
      REGISTRY.filter(
        (newer) => newer.record === older.record && newer.version > older.version,
      ).flatMap((newer) =>
        fullProblems(older.schema as AvroSchema, newer.schema as AvroSchema).map(
          (problem) => `${older.file} and ${newer.file}: ${problem}`,
        ),
      ),
    );
    expect(problems).toEqual([]);
  });

  it('gives each id and file once, and versions without gaps', () => {
    expect(new Set(REGISTRY.map(({ id }) => id)).size).toBe(REGISTRY.length);
    for (const { record: name } of REGISTRY) {
      const versions = REGISTRY.filter((entry) => entry.record === name).map(
        ({ version }) => version,
      );
      expect(versions).toEqual(versions.map((_, at) => at + 1));
    }
    for (const { file, record: name, version } of REGISTRY) {
      const kebab = name.replace(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
      expect(file).toBe(`${kebab}.v${version}.avsc`);
    }
  });

  it('never changes a schema once it has an id', () => {
    const changed = REGISTRY.filter(
      ({ schema, fingerprint }) => fingerprintOf(schema) !== fingerprint,
    ).map(({ file }) => `${file} is not what it was: add a version instead`);
    expect(changed).toEqual([]);
  });
});
