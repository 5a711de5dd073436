/** Random subject states for property tests, in the order and ranges that the stream keeps. */
import fc from 'fast-check';
import type { EpochMs, EventId, ItemId, Offset } from '../ids.ts';
import type { HistoryEntry, SubjectState } from './subject-state.ts';

const TIME_MAX = 2 ** 47 - 1;

export const anyTime = fc.integer({ min: -TIME_MAX, max: TIME_MAX }).map((at) => at as EpochMs);
export const anyId = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', '../etc', 'amélie-🎬', 'x'.repeat(128)),
  fc.uuid(),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
);
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const count = fc.oneof(fc.nat({ max: 300 }), fc.maxSafeNat());

const anyEntry: fc.Arbitrary<HistoryEntry> = fc.record({
  eventId: anyId.map((id) => id as EventId),
  itemId: anyId.map((id) => id as ItemId),
  kind: fc.constantFrom('click', 'view', 'rating', 'hide', 'listen'),
  value: fc.oneof(
    fc.constant(null),
    fc.integer({ min: 0, max: 260 }).map((tenths) => tenths / 10),
    fc.double({ noNaN: true }),
  ),
  occurredAt: anyTime,
  isCounted: fc.boolean(),
  busy: fc.nat({ max: 1000 }),
});

export const anySubjectState: fc.Arbitrary<SubjectState> = fc.record({
  lastOffset: fc.integer({ min: -1, max: 2 ** 50 }).map((at) => at as Offset),
  lastEventAt: anyTime,
  eventCount: count,
  history: fc.array(anyEntry, { maxLength: 6 }),
  evictedCount: count,
  ownValueSumThousandths: fc.integer({ min: -1e12, max: 1e12 }),
  ownValueCount: count,
  evictedSeen: fc.array(fc.record({ itemHash: u32, untilDay: u16 }), { maxLength: 4 }),
  evictedCounts: fc.array(fc.record({ day: u16, hash: u32 }), { maxLength: 4 }),
  pendingUndos: fc.array(
    fc.record({ eventId: anyId.map((id) => id as EventId), occurredAt: anyTime }),
    { maxLength: 2 },
  ),
  sessions: fc.array(
    fc.record({ firstAt: anyTime, length: fc.nat(), events: count }).map((session) => ({
      firstAt: session.firstAt,
      lastAt: (session.firstAt + session.length) as EpochMs,
      events: session.events,
    })),
    { maxLength: 3 },
  ),
});
