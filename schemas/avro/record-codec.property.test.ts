import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFreshetError } from '../errors.ts';
import type { NamedRecord } from '../records.ts';
import { goldenText } from './golden-record.ts';
import { anyRecord } from './record.arbitrary.ts';
import { decodeRecord, encodeRecord } from './record-codec.ts';
import { RECORD_SAMPLES } from './record-samples.ts';
import { REGISTRY } from './registry.ts';

const encoded = ({ name, record }: NamedRecord): Buffer =>
  Buffer.from(encodeRecord(name, record as never));

/** The record, or undefined where it was refused as it should be; any other error goes through. */
const decodedOrRefused = (bytes: Uint8Array): NamedRecord | undefined => {
  try {
    return decodeRecord(bytes);
  } catch (error) {
    if (isFreshetError(error, 'bad_record') || isFreshetError(error, 'unknown_schema')) {
      return undefined;
    }
    throw error;
  }
};

const partCount = (value: unknown): number =>
  typeof value !== 'object' || value === null || value instanceof Uint8Array
    ? 1
    : Object.values(value).reduce((sum: number, part) => sum + partCount(part), 1);

/** What every message must satisfy, whatever its bytes. */
const checkAnyMessage = (bytes: Uint8Array): void => {
  const decoded = decodedOrRefused(bytes);
  if (!decoded) return;
  // No byte of a message makes more than a record of a dozen fields.
  expect(partCount(decoded.record)).toBeLessThan(12 * bytes.length);
  // Whatever was let through can be written, and is then the same.
  expect(goldenText(decodeRecord(encoded(decoded)))).toBe(goldenText(decoded));
};

describe('records', () => {
  it('come back as they were written', () => {
    fc.assert(
      fc.property(anyRecord, (sample) => {
        const decoded = decodeRecord(encoded(sample));
        expect(decoded.name).toBe(sample.name);
        for (const [name, value] of Object.entries(sample.record)) {
          const read = (decoded.record as unknown as Record<string, unknown>)[name];
          // JSON has no −0, and Avro keeps the order of a map.
          expect(goldenText(read)).toBe(goldenText(value));
        }
      }),
      { numRuns: 300 },
    );
  });
});

const INTERESTING = [
  '80c2d72f',
  'ffc1d72f',
  'ff'.repeat(10),
  'ffffffffffffffffff01',
  '8280808080808020',
  '000000000000f87f',
  '000000000000f07f',
  'c0af',
  'eda080',
  '01',
  '02',
  '7f',
  '',
].map((hex) => Buffer.from(hex, 'hex'));

const header = fc.constantFrom(...REGISTRY.map(({ id }) => Buffer.from([0, 0, 0, 0, id])));
const sampleBytes = fc.oneof(
  fc.constantFrom(...Object.values(RECORD_SAMPLES)).map(encoded),
  anyRecord.map(encoded),
);
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('[24] bytes that nobody meant', () => {
  it('at random are refused, or are a record', () => {
    fc.assert(
      fc.property(fc.option(header), fc.uint8Array({ maxLength: 400 }), (start, body) => {
        checkAnyMessage(Buffer.concat([start ?? Buffer.alloc(0), body]));
      }),
      { numRuns: 2000 },
    );
  });

  it('of a record that was damaged are refused, or are a record', () => {
    fc.assert(
      fc.property(
        sampleBytes,
        fc.array(
          fc.record({ place, length: fc.nat({ max: 9 }), put: fc.constantFrom(...INTERESTING) }),
          {
            minLength: 1,
            maxLength: 4,
          },
        ),
        (bytes, damages) => {
          let damaged = bytes;
          for (const damage of damages) {
            const start = Math.floor(damage.place * damaged.length);
            const rest = damaged.subarray(start + damage.length);
            damaged = Buffer.concat([damaged.subarray(0, start), damage.put, rest]);
          }
          checkAnyMessage(damaged);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('of a record with one bit flipped, cut or doubled are refused, or are a record', () => {
    fc.assert(
      fc.property(sampleBytes, place, fc.nat({ max: 7 }), (bytes, where, bit) => {
        const at = Math.floor(where * bytes.length);
        const flipped = Buffer.from(bytes);
        flipped[at]! ^= 1 << bit;
        checkAnyMessage(flipped);
        expect(decodedOrRefused(bytes.subarray(0, at))).toBe(undefined);
        expect(decodedOrRefused(Buffer.concat([bytes, bytes.subarray(at)]))).toBe(undefined);
      }),
      { numRuns: 1000 },
    );
  });
});
