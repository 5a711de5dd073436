import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { epochMs } from '../ids.ts';
import { formatTime, parseTime } from './time.ts';

describe('a time of the API', () => {
  it('is read as RFC 3339 has it', () => {
    const cases: readonly (readonly [string, string])[] = [
      ['2026-01-31T18:30:00Z', '2026-01-31T18:30:00.000Z'],
      ['2026-01-31t18:30:00.1z', '2026-01-31T18:30:00.100Z'],
      ['2026-01-31T18:30:00.123456789Z', '2026-01-31T18:30:00.123Z'],
      ['2026-01-31T18:30:00+05:30', '2026-01-31T13:00:00.000Z'],
      ['2026-01-31T23:30:00-01:00', '2026-02-01T00:30:00.000Z'],
      ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
      ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
      ['1969-12-31T23:59:59.999Z', '1969-12-31T23:59:59.999Z'],
    ];
    for (const [text, utc] of cases) expect(formatTime(parseTime(text)!)).toBe(utc);
  });

  it('is refused where no calendar knows it', () => {
    const none = [
      '2025-02-29T00:00:00Z',
      '2026-04-31T00:00:00Z',
      '2026-13-01T00:00:00Z',
      '2026-00-01T00:00:00Z',
      '2026-01-00T00:00:00Z',
      '2026-01-01T24:00:00Z',
      '2026-01-01T00:60:00Z',
      '2026-01-01T00:00:61Z',
      '2026-01-01T00:00:00+24:00',
      '2026-01-01T00:00:00',
      '2026-01-01',
      '2026-01-01 00:00:00Z',
      '١٩٩٥-01-01T00:00:00Z',
      '',
    ];
    for (const text of none) expect([text, parseTime(text)]).toEqual([text, undefined]);
  });

  it('comes back as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }), (at) => {
        expect(parseTime(formatTime(epochMs(at)))).toBe(at);
      }),
    );
  });
});
