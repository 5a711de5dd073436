import { describe, expect, it } from 'vitest';
import type { DurationMs, EpochMs, Offset } from '../../schemas/ids.ts';
import type { InteractionRecord } from '../../schemas/records.ts';
import { interaction, T0 } from '../../test/stream/stream-fixture.ts';
import { DedupeOperator } from './dedupe.ts';

const WEEK_MS = 7 * 86_400_000;
const ADA = 'subject:u:ada';

const dedupeOf = (idsMax = 1_000): DedupeOperator =>
  new DedupeOperator({ windowMs: WEEK_MS as DurationMs, idsMax });

const at = (record: InteractionRecord, ms: number): InteractionRecord => ({
  ...record,
  receivedAt: (T0 + ms) as EpochMs,
});

describe('dedupe', () => {
  it('knows an event again by source, id and subject', () => {
    const dedupe = dedupeOf();
    const event = interaction({ id: 'one', item: 'a', source: 'shop' });
    expect(dedupe.judge(event, ADA, 0 as Offset)).toBe('new');
    expect(dedupe.judge(event, ADA, 1 as Offset)).toBe('duplicate');
    expect(dedupe.judge({ ...event, source: 'app' }, ADA, 2 as Offset)).toBe('new');
    expect(dedupe.judge(event, 'subject:s:ada', 3 as Offset)).toBe('new');
  });

  it('calls the same id with another item, kind, value or undone event a conflict', () => {
    const dedupe = dedupeOf();
    const event = interaction({ id: 'one', item: 'a', kind: 'rating', value: 4, minute: -5 });
    const sent = { ...event, receivedAt: T0 };
    dedupe.judge(sent, ADA, 0 as Offset);
    const others = [
      interaction({ id: 'one', item: 'b', kind: 'rating', value: 4, minute: -5 }),
      interaction({ id: 'one', item: 'a', kind: 'watch', value: 4, minute: -5 }),
      interaction({ id: 'one', item: 'a', kind: 'rating', value: 4.5, minute: -5 }),
      interaction({ id: 'one', item: 'a', kind: 'rating', value: 4, minute: -5, undoes: 'x' }),
    ];
    for (const other of others) {
      expect(dedupe.judge({ ...other, receivedAt: T0 }, ADA, 1 as Offset)).toBe('conflict');
    }
    expect(dedupe.judge(sent, ADA, 2 as Offset)).toBe('duplicate');
  });

  it('does not take another time for other content: the server may have filled it in', () => {
    const dedupe = dedupeOf();
    const first = interaction({ id: 'one', item: 'a', minute: 0 });
    const again = { ...first, occurredAt: (T0 + 5) as EpochMs, receivedAt: (T0 + 5) as EpochMs };
    dedupe.judge(first, ADA, 0 as Offset);
    expect(dedupe.judge(again, ADA, 1 as Offset)).toBe('duplicate');
  });

  it('remembers an id for the window to the millisecond, and not a millisecond longer', () => {
    for (const [after, verdict] of [
      [WEEK_MS, 'duplicate'],
      [WEEK_MS + 1, 'new'],
    ] as const) {
      const dedupe = dedupeOf();
      const event = interaction({ id: 'one', item: 'a' });
      dedupe.judge(event, ADA, 0 as Offset);
      dedupe.expire((T0 + after) as EpochMs);
      // In a later chunk, so that the first may go.
      expect(dedupe.judge(at(event, after), ADA, 256 as Offset)).toBe(verdict);
    }
  });

  it('knows a duplicate six days later', () => {
    const dedupe = dedupeOf();
    const event = interaction({ id: 'one', item: 'a' });
    dedupe.judge(event, ADA, 0 as Offset);
    for (let day = 1; day <= 6; day++) {
      const other = at(interaction({ id: `day-${day}`, item: 'a' }), day * 86_400_000);
      dedupe.judge(other, ADA, (day * 1_000) as Offset);
      dedupe.expire(other.receivedAt);
    }
    expect(dedupe.judge(at(event, 6 * 86_400_000), ADA, 7_000 as Offset)).toBe('duplicate');
  });

  it('forgets the oldest chunks at the cap, and counts that', () => {
    const dedupe = dedupeOf(600);
    const events = Array.from({ length: 1_000 }, (_, index) =>
      interaction({ id: `event-${index}`, item: 'a' }),
    );
    for (const [index, event] of events.entries()) {
      expect(dedupe.judge(event, ADA, index as Offset)).toBe('new');
      dedupe.expire(T0);
      expect(dedupe.idCount).toBeLessThanOrEqual(600);
    }
    expect(dedupe.shrunkChunks).toBe(2);
    expect(dedupe.judge(events[999]!, ADA, 1_000 as Offset)).toBe('duplicate');
    expect(dedupe.judge(events[0]!, ADA, 1_001 as Offset)).toBe('new');
  });

  it('keeps the rejected offsets of a chunk whose ids went at the cap', () => {
    const dedupe = dedupeOf(1);
    const event = interaction({ id: 'one', item: 'a' });
    dedupe.judge(event, ADA, 0 as Offset);
    dedupe.reject(1 as Offset, T0);
    dedupe.judge(interaction({ id: 'two', item: 'a' }), ADA, 300 as Offset);
    dedupe.expire(T0);
    expect(dedupe.changes().map(({ value }) => value !== undefined)).toEqual([true, true]);
  });
});
