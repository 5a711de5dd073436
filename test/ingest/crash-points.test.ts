import { expect, it } from 'vitest';
import { INGEST_CRASH_POINTS } from '../../ingest/crash-points.ts';
import { openTestIngest } from './ingest-fixture.ts';

it('every crash point of ingest is passed by an event and an import', async () => {
  const passed = new Set<string>();
  const { ingest, close } = await openTestIngest({ crashPoint: (name) => passed.add(name) });
  await ingest.events.take([{ userId: 'ada', itemId: 'x', kind: 'click' } as never]);
  const importId = 'a'.repeat(64);
  await ingest.imports.recordImport(importId, {
    status: 'running',
    source: 'x',
    items: 0,
    events: 1,
    eventsSent: 0,
    shiftMs: 0,
    startedAt: 0 as never,
    finishedAt: null,
  });
  const event = { sequence: 0, userId: 'ada', sessionId: null, itemId: 'x', kind: 'click' };
  await ingest.imports.appendEvents(importId, [{ ...event, value: null, occurredAt: 0 as never }]);
  await close();
  expect([...passed].sort()).toEqual([...INGEST_CRASH_POINTS].sort());
});
