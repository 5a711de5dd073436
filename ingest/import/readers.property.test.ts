import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CsvReader } from './csv-reader.ts';
import { type PythonValue, parsePythonLiteral } from './python-literal.ts';

const readCsvText = (text: string): { rows: string[][]; broken: string[] } => {
  const rows: string[][] = [];
  const broken: string[] = [];
  const reader = new CsvReader({
    delimiter: ',',
    onRow: ({ fields }) => rows.push([...fields]),
    onBroken: (problem, line) => broken.push(`${line}: ${problem}`),
  });
  text.split('\n').forEach((line, index) => {
    reader.take(line, index + 1);
  });
  reader.end();
  return { rows, broken };
};

const quoted = (field: string): string =>
  /[",\n]/.test(field) || field === '' ? `"${field.replaceAll('"', '""')}"` : field;
const field = fc.string({
  unit: fc.constantFrom('a', '"', ',', '\n', ' ', 'é', '🎬'),
  maxLength: 6,
});

describe('the CSV reader', () => {
  it('reads what was written, as csv-parse does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { maxLength: 6 }),
        (table) => {
          const text = table.map((row) => row.map(quoted).join(',')).join('\n');
          const { rows, broken } = readCsvText(text);
          expect(broken).toEqual([]);
          expect(rows).toEqual(table);
          expect(rows).toEqual(parse(text, { relax_column_count: true, skip_empty_lines: true }));
        },
      ),
    );
  });

  it('never throws and accounts for every line', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '"', ',', '\n'), maxLength: 40 }),
        (text) => {
          readCsvText(text);
        },
      ),
    );
  });

  it('reports a quote that is never closed and goes on behind its line', () => {
    const lines = Array.from({ length: 2_000 }, (_, n) => (n === 10 ? '10,"open' : `${n},x`));
    const { rows, broken } = readCsvText(lines.join('\n'));
    expect(broken).toEqual(['11: a quote that is never closed']);
    expect(rows).toHaveLength(1_999);
  });
});

/** As Python's repr writes it, in the quotes that fit. */
const repr = (value: PythonValue): string => {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return Object.is(value, -0) ? '-0.0' : String(value);
  if (typeof value === 'string') {
    const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
    const escaped = value.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`);
    return `${quote}${escaped.replaceAll('\n', '\\n').replaceAll('\0', '\\x00')}${quote}`;
  }
  if (value instanceof Map) {
    return `{${[...value].map(([key, entry]) => `${repr(key)}: ${repr(entry)}`).join(', ')}}`;
  }
  return `[${(value as readonly PythonValue[]).map(repr).join(', ')}]`;
};

const { literal } = fc.letrec<{ literal: PythonValue }>((tie) => ({
  literal: fc.oneof(
    { maxDepth: 3 },
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom("'", '"', '\\', '\n', '\0', 'a', '__proto__') }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('literal'), { maxLength: 4 }),
    fc
      .array(fc.tuple(fc.string(), tie('literal')), { maxLength: 4 })
      .map((entries) => new Map(entries)),
  ),
}));

describe('the Python literal parser', () => {
  it('reads what repr writes', () => {
    fc.assert(
      fc.property(literal, (value) => {
        expect(parsePythonLiteral(repr(value))).toEqual(value);
      }),
    );
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...`[]{}()'",:\\ aN1.-xTrue`) }), (text) => {
        parsePythonLiteral(text);
      }),
    );
  });

  it.each([
    [
      "[{'id': 16, 'name': \"Ocean's\"}]",
      [
        new Map<string, PythonValue>([
          ['id', 16],
          ['name', "Ocean's"],
        ]),
      ],
    ],
    ["('a', 1,)", ['a', 1]],
    ["{'a': nan}", new Map([['a', null]])],
    ["'\\xe9\\u00e9\\U0001f3ac\\d'", 'éé🎬\\d'],
    ['[]', []],
    ['1_000', 1000],
  ])('reads %s', (text, value) => {
    expect(parsePythonLiteral(text)).toEqual(value);
  });

  it.each([
    '[',
    "'open",
    '__import__',
    'os.system()',
    '{1',
    '1 2',
    '',
    "{'a'}",
    '\\x',
    "'\\xZZ'",
    '['.repeat(100_000),
  ])('refuses %.20s', (text) => {
    expect(parsePythonLiteral(text)).toBeUndefined();
  });
});
