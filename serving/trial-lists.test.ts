import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EpochMs, eventId, itemId, sessionId, userId } from '../schemas/ids.ts';
import type { InteractionRecord } from '../schemas/records.ts';
import { item, openTestServing, type TestServing, World } from '../test/serving/serving-fixture.ts';
import type { ListsBefore } from './trial-lists.ts';

const FILMS = ['heat', 'ronin', 'toy', 'amelie'].map((id) => item(id, { categories: ['Drama'] }));

let under: TestServing;
beforeEach(async () => {
  const world = new World();
  await world.putItems(...FILMS);
  await world.putItemStates({
    heat: { popularity: 50, fast: 4, slow: 20, pairs: [{ to: 'ronin', forward: 9 }] },
    ronin: { popularity: 20, fast: 1, slow: 8, pairs: [{ to: 'heat', backward: 9 }] },
    toy: { popularity: 80, fast: 6, slow: 60 },
  });
  under = await openTestServing(world);
});
afterEach(() => under.close());

const chosen = (item: string, more: Partial<InteractionRecord> = {}): InteractionRecord => ({
  source: 'test',
  eventId: eventId('chosen'),
  userId: userId('ada'),
  sessionId: null,
  itemId: itemId(item),
  kind: 'like',
  value: null,
  occurredAt: 0 as EpochMs,
  receivedAt: 0 as EpochMs,
  backfill: null,
  sequence: null,
  context: null,
  ...more,
});

const listsBefore = (event: InteractionRecord): Promise<ListsBefore | undefined> =>
  under.serving.trials.before(event);

describe('lists of just before somebody chose something', () => {
  it('are those of each source and of the blend, from what the person had done', async () => {
    await under.world.act('u:ada', { item: 'heat', kind: 'like' });
    const found = (await listsBefore(chosen('ronin')))!;
    expect(found.lists.get('together')).toEqual([found.target]);
    expect(found.lists.get('blend')![0]).toBe(found.target);
    expect(found.lists.get('popular')).toContain(found.target);
    expect(found.lists.get('taste')).toEqual([]);
  });

  it('are not asked for where the event says nothing of lists', async () => {
    await under.world.act('u:ada', { item: 'heat', kind: 'rating', value: 4 });
    const silent = [
      chosen('ronin', { userId: userId('nobody-yet') }),
      chosen('heat'),
      chosen('ronin', { kind: 'dislike' }),
      chosen('ronin', { kind: 'rating', value: 1 }),
      chosen('ronin', { kind: 'undo' }),
      chosen('unknown-film'),
    ];
    for (const event of silent) expect(await listsBefore(event)).toBeUndefined();
    expect(await listsBefore(chosen('ronin', { kind: 'rating', value: 5 }))).toBeDefined();
  });

  it('are those of an anonymous session, too', async () => {
    await under.world.act('s:7', { item: 'heat', kind: 'like' });
    const event = chosen('ronin', { userId: null, sessionId: sessionId('7') });
    expect((await listsBefore(event))?.lists.get('together')).toHaveLength(1);
  });

  it('have no two sides while there is no release', async () => {
    await under.world.act('u:ada', { item: 'heat', kind: 'like' });
    const { subject } = (await listsBefore(chosen('ronin')))!;
    expect(await under.serving.trials.bothSides(subject)).toBeUndefined();
  });
});
