/** What serving keeps of somebody in memory is gone once it is told so, whether a hint came or not. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ListAnswer } from '../schemas/api/lists.ts';
import { itemId, subjectOfUser, userId } from '../schemas/ids.ts';
import type { HistoryEntry } from '../schemas/state/subject-state.ts';
import { promote } from '../test/serving/promotion.ts';
import { type TrainedRelease, trainRelease } from '../test/serving/release.fixture.ts';
import {
  item,
  openTestServing,
  settled,
  type TestServing,
  World,
} from '../test/serving/serving-fixture.ts';
import { DEFAULT_SERVING_OPTIONS } from './options.ts';

const IDS = Array.from({ length: 40 }, (_, index) => itemId(`film-${index}`));
const ADA = subjectOfUser(userId('ada'));
const BEN = subjectOfUser(userId('ben'));
/** A list is kept for a second. */
const NOT_CACHED_MS = 1_001;
const TURNS_MAX = 500;
const { release, moved } = DEFAULT_SERVING_OPTIONS;
const OPTIONS = { release: { ...release, foldInMax: 0 }, moved: { ...moved, isOn: true } };

const first = await trainRelease({ version: 'first', itemIds: IDS, hasSequences: true });
const second = await trainRelease({
  version: 'second',
  itemIds: IDS,
  hasSequences: true,
  seed: 2,
  dimensions: 4,
});

let world: World;
let under: TestServing;
beforeEach(async () => {
  world = new World();
  await world.putItems(...IDS.map((id) => item(id)));
  for (const { manifest, files } of [first, second]) {
    await world.artifactStore.publish(manifest, files);
  }
  under = await openTestServing(world, OPTIONS);
  for (const person of [ADA, BEN]) {
    await world.act(person, { item: 'film-0' }, { item: 'film-4' }, { item: 'film-8' });
  }
});
afterEach(() => under.close());

const use = async ({ manifest: { version } }: TrainedRelease): Promise<void> => {
  const formerVersion = under.serving.status().release!.version;
  await promote(world.eventLog, version, { formerVersion, at: world.clock.now() });
  for (let turn = 0; turn < TURNS_MAX; turn++) {
    if (under.serving.status().release!.version === version) return;
    await new Promise((done) => setImmediate(done));
  }
  throw new Error(`not in use after ${TURNS_MAX} turns`);
};

const listOf = async (person: string, { serving = under } = {}): Promise<ListAnswer> =>
  (await serving.get<ListAnswer>(`/v1/users/${person}/recommendations?limit=40&diversity=0`)).body;

const partsOf = ({ items }: ListAnswer) => items.map(({ itemId: id, parts }) => [id, parts]);

/** Of a serving that never made a list before. */
const partsAfresh = async (person: string) => {
  const serving = await openTestServing(world, OPTIONS);
  const parts = partsOf(await listOf(person, { serving }));
  await serving.close();
  return parts;
};

/** Another history at the same offset: only what is kept of the person can be taken for the other. */
const putAnother = async (person: string): Promise<void> => {
  const history = ['film-1', 'film-5', 'film-9'].map(
    (id, place): HistoryEntry => ({
      eventId: `other-${place}` as HistoryEntry['eventId'],
      itemId: itemId(id),
      kind: 'like',
      value: null,
      occurredAt: world.clock.now(),
      isCounted: true,
      busy: 0,
    }),
  );
  await world.putSubject(person, { history });
};

describe('of somebody who was let go of', () => {
  it('no answer is given again that was made for them', async () => {
    world.liveBus.isDropping = true;
    const before = await listOf('ada');
    const his = await listOf('ben');
    await world.removeSubject(ADA);
    expect((await listOf('ada')).listId).toBe(before.listId);
    under.serving.letGoOf(ADA);
    const after = await listOf('ada');
    expect(after.listId).not.toBe(before.listId);
    expect(before.rung).toBe('content');
    expect(after.rung).toBe('latest');
    expect((await listOf('ben')).listId).toBe(his.listId);
  });

  it('neither the vector is kept nor what models proposed to them, but everybody else’s is', async () => {
    await use(first);
    await listOf('ada');
    await listOf('ben');
    for (const person of [ADA, BEN]) await putAnother(person);
    expect(under.serving.status().release!.vectorsKept).toBe(2);
    under.serving.letGoOf(ADA);
    expect(under.serving.status().release!.vectorsKept).toBe(1);
    await world.clock.advance(NOT_CACHED_MS);
    expect(partsOf(await listOf('ada'))).toEqual(await partsAfresh('ada'));
    expect(partsOf(await listOf('ben'))).not.toEqual(await partsAfresh('ben'));
  });

  it('nothing is kept under the release before, which may come back', async () => {
    await use(first);
    await listOf('ada');
    await use(second);
    await putAnother(ADA);
    under.serving.letGoOf(ADA);
    await use(first);
    expect(under.serving.status().release!.vectorsKept).toBe(0);
    expect(partsOf(await listOf('ada'))).toEqual(await partsAfresh('ada'));
  });

  it('what they did moves no item with what they do next', async () => {
    await use(first);
    await settled();
    const { events } = under.serving.status().moved;
    under.serving.letGoOf(ADA);
    for (const person of [ADA, BEN]) await world.append(person, { item: 'film-12' });
    await settled();
    expect(under.serving.status().moved.events).toBe(events + 1);
  });
});
