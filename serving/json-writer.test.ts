import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonWriter } from './json-writer.ts';

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ maxLength: 9_000 }),
);
const anyNumber = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.integer({ min: 0, max: 2 ** 40 }).map((units) => units / 1e6),
  fc.nat(2_000_000).map((units) => units / 1e6),
  fc.constantFrom(0, -0, 1e-6, 1e-7, 999_999.999999, 1e6, 0.1 + 0.2),
);

describe('a writer of JSON', () => {
  it('writes texts and numbers as JSON.stringify does, one after the other', () => {
    const writer = new JsonWriter();
    fc.assert(
      fc.property(fc.array(fc.oneof(anyText, anyNumber), { maxLength: 20 }), (values) => {
        writer.begin();
        writer.raw('[');
        values.forEach((value, index) => {
          if (index > 0) writer.raw(',');
          if (typeof value === 'number') writer.number(value);
          else writer.quoted(value);
        });
        writer.raw(']');
        expect(writer.written.toString()).toBe(JSON.stringify(values));
        expect(writer.text).toBe(JSON.stringify(values));
      }),
    );
  });

  it('takes JSON as it is, whatever letters are in it, and null for no text', () => {
    const writer = new JsonWriter();
    const json = '{"título":"Äpfel 🍎"}';
    writer.raw(json);
    writer.quotedOrNull(null);
    writer.quotedOrNull('ü');
    expect(writer.text).toBe(`${json}null"ü"`);
  });
});
