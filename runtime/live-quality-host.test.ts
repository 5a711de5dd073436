/** The alarms of the loop, from events and lists to the sentence: each goes off, and stays quiet. */
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type EpochMs, eventId, itemId, userId } from '../schemas/ids.ts';
import type { InteractionRecord } from '../schemas/records.ts';
import { silentLogger } from '../schemas/silent-logger.fixture.ts';
import { ClickHouseWarehouse } from '../storage/warehouse/clickhouse-warehouse.ts';
import { startTestEngine, type TestEngine } from '../storage/warehouse/embedded-engine.fixture.ts';
import type { Warehouse } from '../storage/warehouse/warehouse.ts';
import { promote } from '../test/serving/promotion.ts';
import { trainRelease } from '../test/serving/release.fixture.ts';
import {
  FIXTURE_NOW,
  item,
  openTestServing,
  settled,
  type TestServing,
  World,
} from '../test/serving/serving-fixture.ts';
import { fillWarehouse, type PlantedEvent } from '../test/training/training-fixture.ts';
import { systemClock } from './clock.ts';
import { type LiveQualityHost, watchLiveQuality } from './live-quality-host.ts';

const IDS = Array.from({ length: 60 }, (_, index) => itemId(`film-${index}`));
const PEOPLE = Array.from({ length: 24 }, (_, index) => `person${index}`);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let under: TestServing | undefined;
let host: LiveQualityHost | undefined;
afterEach(async () => {
  await host?.stop();
  under?.close();
});

interface Setting {
  /** What people who chose the films of one taste chose with them, as it is counted. */
  readonly met?: 'even' | 'odd';
  readonly releaseAgeMs?: number;
  readonly warehouse?: Warehouse;
}

/** People who like even films, and a release that knows it. */
const watch = async (setting: Setting): Promise<World> => {
  const { met = 'even', releaseAgeMs = 0, warehouse } = setting;
  const world = new World();
  await world.putItems(...IDS.map((id) => item(id)));
  const company = IDS.filter((_, k) => k % 2 === (met === 'even' ? 0 : 1)).slice(3);
  const pairs = company.map((to) => ({ to, forward: 5, backward: 5 }));
  await world.putItemStates({
    'film-0': { popularity: 9, pairs },
    'film-4': { popularity: 9, pairs },
  });
  for (const person of PEOPLE) {
    await world.act(`u:${person}`, { item: 'film-0', id: 'e-0' }, { item: 'film-4', id: 'e-4' });
  }
  under = await openTestServing(world);
  const createdAt = (FIXTURE_NOW - releaseAgeMs) as EpochMs;
  const release = await trainRelease({ version: 'r1', itemIds: IDS, createdAt });
  await world.artifactStore.publish(release.manifest, release.files);
  await promote(world.eventLog, 'r1', { formerVersion: null, at: world.clock.now() });
  while (under.serving.status().release?.version !== 'r1') await settled();
  host = watchLiveQuality({
    serving: under.serving,
    warehouse,
    clock: world.clock,
    logger: silentLogger,
    perSecond: PEOPLE.length,
  });
  for (const person of PEOPLE) host.observe(chosenBy(person));
  await settled();
  return world;
};

const chosenBy = (person: string): InteractionRecord => ({
  source: 'test',
  eventId: eventId(`chosen-${person}`),
  userId: userId(person),
  sessionId: null,
  itemId: itemId('film-2'),
  kind: 'like',
  value: null,
  occurredAt: FIXTURE_NOW,
  receivedAt: FIXTURE_NOW,
  backfill: null,
  sequence: null,
  context: null,
});

/** A look at five people each. */
const look = async (world: World, looks: number, everyMs: number): Promise<void> => {
  for (let turn = 0; turn < looks; turn++) await world.clock.advance(everyMs);
};

describe('the alarm that lists fall apart', () => {
  it('goes off when models and counts have disagreed for a quarter of an hour, not before', async () => {
    const world = await watch({ met: 'odd' });
    await look(world, 6, 1_000);
    expect(host!.report().overlap).toBeLessThan(0.4);
    await look(world, 14, MINUTE);
    expect(host!.alarms()).toEqual([]);
    await look(world, 2, MINUTE);
    expect(host!.alarms()).toEqual([expect.stringContaining('in common for 15 minutes')]);
  });

  it('stays quiet where they agree', async () => {
    const world = await watch({ met: 'even' });
    await look(world, 6, 1_000);
    expect(host!.report().overlap).toBeGreaterThan(0.4);
    await look(world, 20, MINUTE);
    expect(host!.alarms()).toEqual([]);
  });
});

const engines: TestEngine[] = [];
afterAll(() => Promise.all(engines.map((engine) => engine.remove())));

/** So often was each of these films chosen, by somebody else each time, so long ago. */
interface Choices {
  readonly films: readonly number[];
  readonly times: number;
  readonly agoMs: number;
  readonly kind?: string;
}

/** How the alarm stands after a look at an engine in which this was chosen. */
const lookAtChoices = async (...choices: readonly Choices[]): Promise<void> => {
  const engine = await startTestEngine(systemClock, { database: 'choices' });
  engines.push(engine);
  const { connection } = engine.engine;
  const stored = new ClickHouseWarehouse({ connection, database: 'choices' });
  await stored.migrate();
  await fillWarehouse(stored, choices.flatMap(eventsOf));
  let answered = false;
  const query: Warehouse['query'] = async (...question) => {
    const rows = await stored.query(...question);
    answered = true;
    return rows;
  };
  const world = await watch({ warehouse: { query } as Warehouse });
  await look(world, 1, 1_000);
  while (!answered) await settled();
  await look(world, 1, 1_000);
};

const eventsOf = ({ films, times, agoMs, kind = 'like' }: Choices): readonly PlantedEvent[] =>
  films.flatMap((film) =>
    Array.from({ length: times }, (_, k) => ({
      user: `chooser${k}-${agoMs}-${kind}`,
      item: `film-${film}`,
      kind,
      at: FIXTURE_NOW - agoMs,
    })),
  );

const FIRST_TEN = Array.from({ length: 10 }, (_, k) => k);
const NEXT_TEN = FIRST_TEN.map((film) => film + 10);

describe('the alarm that people choose otherwise', () => {
  it('goes off where today has nothing of the week before', async () => {
    await lookAtChoices(
      { films: FIRST_TEN, times: 25, agoMs: HOUR },
      { films: NEXT_TEN, times: 25, agoMs: 4 * DAY },
    );
    expect(host!.report().drift).toBeCloseTo(1, 9);
    expect(host!.alarms()).toEqual([expect.stringContaining('far from the last seven days')]);
  });

  it('stays quiet where today is like the week before, whatever was earlier or was not liked', async () => {
    await lookAtChoices(
      { films: FIRST_TEN, times: 25, agoMs: HOUR },
      { films: FIRST_TEN, times: 50, agoMs: 3 * DAY },
      { films: NEXT_TEN, times: 50, agoMs: 9 * DAY },
      { films: NEXT_TEN, times: 50, agoMs: HOUR, kind: 'dislike' },
    );
    expect(host!.report().drift).toBeCloseTo(0, 6);
    expect(host!.alarms()).toEqual([]);
  });

  it('stays quiet where today has hardly begun', async () => {
    await lookAtChoices(
      { films: FIRST_TEN, times: 19, agoMs: HOUR },
      { films: NEXT_TEN, times: 50, agoMs: 3 * DAY },
    );
    expect(host!.report().drift).toBeNull();
    expect(host!.alarms()).toEqual([]);
  });
});

describe('the alarm of an old release', () => {
  it('goes off once it is older than thirty hours', async () => {
    const world = await watch({ releaseAgeMs: 30 * HOUR - MINUTE });
    await look(world, 1, 1_000);
    expect(host!.alarms()).toEqual([]);
    await look(world, 2, MINUTE);
    expect(host!.alarms()).toEqual(['The release in use is 30 hours old.']);
  });
});
