import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFreshetError } from '../errors.ts';
import { decodeSubjectState, encodeSubjectState } from './subject-codec.ts';
import { anySubjectState } from './subject-state.arbitrary.ts';

/** Bytes of version 1 as they were first written. They must be readable for ever. */
const GOLDEN_V1 =
  '012a8082ebcf8b010401d83601010068e5cf8b0180b5180301056c61746572a0eee6cf8b0101db4cefbeadde01cefaedfeffff03208082ebcf8b01ac02066c697374656eb0726891ed7cbf3f01630c616dc3a96c69652df09f8eac564075e8cf8b01012d0190b5e44c5e7a308b5c2f6f6d1f9a00095f5f70726f746f5f5f820068e5cf8b0100016109686561742d31393935';

const golden = {
  lastOffset: 41,
  lastEventAt: 1_700_000_400_000,
  eventCount: 4,
  evictedCount: 1,
  ownValueSumThousandths: 3_500,
  ownValueCount: 1,
  sessions: [{ firstAt: 1_700_000_000_000, lastAt: 1_700_000_400_000, events: 3 }],
  pendingUndos: [{ eventId: 'later', occurredAt: 1_700_000_100_000 }],
  evictedCounts: [{ day: 19_675, hash: 0xdeadbeef }],
  evictedSeen: [{ itemHash: 0xfeedface, untilDay: 65_535 }],
  history: [
    {
      eventId: 'a',
      itemId: 'heat-1995',
      kind: 'view',
      value: null,
      occurredAt: 1_700_000_000_000,
      isCounted: true,
      busy: 0,
    },
    {
      eventId: '0190b5e4-4c5e-7a30-8b5c-2f6f6d1f9a00',
      itemId: '__proto__',
      kind: 'rating',
      value: 4.5,
      occurredAt: 1_700_000_200_000,
      isCounted: false,
      busy: 1,
    },
    {
      eventId: 'c',
      itemId: 'amélie-🎬',
      kind: 'listen',
      value: 0.123,
      occurredAt: 1_700_000_400_000,
      isCounted: false,
      busy: 300,
    },
  ],
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

describe('the bytes of a subject state', () => {
  it('read the golden bytes of version 1', () => {
    expect(decodeSubjectState(Buffer.from(GOLDEN_V1, 'hex'))).toEqual(golden);
  });

  it('are those of version 1 still', () => {
    expect(hex(encodeSubjectState(decodeSubjectState(Buffer.from(GOLDEN_V1, 'hex'))))).toBe(
      GOLDEN_V1,
    );
  });

  it('give back every state', () => {
    fc.assert(
      fc.property(anySubjectState, (state) => {
        expect(decodeSubjectState(encodeSubjectState(state))).toEqual(state);
      }),
    );
  });

  it('are refused when cut short, longer than they say, or of a later version', () => {
    const bytes = Buffer.from(GOLDEN_V1, 'hex');
    for (let length = 0; length < bytes.length; length++) {
      expect(refusal(bytes.subarray(0, length))).toBe(true);
    }
    expect(refusal(Buffer.concat([bytes, Buffer.from([0])]))).toBe(true);
    expect(refusal(Buffer.from([2, ...bytes.subarray(1)]))).toBe(true);
  });

  it('stay within 2 KB for fifty events with UUIDs', () => {
    const history = Array.from({ length: 50 }, (_, index) => ({
      ...golden.history[1]!,
      itemId: `metropolis-${index}`,
    }));
    const state = { ...golden, history, evictedCounts: [], evictedSeen: [], pendingUndos: [] };
    expect(encodeSubjectState(state as never).length).toBeLessThanOrEqual(2048);
  });
});

const refusal = (bytes: Uint8Array): boolean => {
  try {
    decodeSubjectState(bytes);
    return false;
  } catch (error) {
    return isFreshetError(error, 'state_corrupt');
  }
};
