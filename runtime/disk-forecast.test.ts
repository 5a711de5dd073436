import { describe, expect, it } from 'vitest';
import { daysUntilFull, ROOM_ABOVE_LIMIT } from './disk-forecast.ts';

const GIB = 1024 ** 3;
const unlimited = { bytes: 0, bytesPerDay: GIB, limitBytes: undefined };
const limited = { bytes: 0, bytesPerDay: GIB, limitBytes: (4 * GIB) / ROOM_ABOVE_LIMIT };

describe('the days until the disk is full', () => {
  it('are what is free over the rate, where nothing holds the growth', () => {
    expect(daysUntilFull([unlimited, unlimited], 10 * GIB)).toBe(5);
  });

  it('are none where retention stops everything before, or nothing grows', () => {
    expect(daysUntilFull([limited, limited], 10 * GIB)).toBeNull();
    expect(daysUntilFull([{ ...unlimited, bytesPerDay: -GIB }], GIB)).toBeNull();
    expect(daysUntilFull([], GIB)).toBeNull();
    const full = { ...limited, bytes: 9 * GIB };
    expect(daysUntilFull([full], GIB)).toBeNull();
  });

  it('count what is limited only until its limit, the rest on and on', () => {
    // Four days at two a day, then one a day.
    expect(daysUntilFull([limited, unlimited], 10 * GIB)).toBe(6);
    expect(daysUntilFull([unlimited, limited], 6 * GIB)).toBe(3);
    // The limit is out of reach: the disk is full before.
    expect(daysUntilFull([limited], 3 * GIB)).toBe(3);
  });
});
