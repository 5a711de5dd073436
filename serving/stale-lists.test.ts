/** Lists while the store of states is away, or knows less than it did: from memory, and marked. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ListAnswer } from '../schemas/api/lists.ts';
import { partitionIndex, statePartition, subjectOfUser, userId } from '../schemas/ids.ts';
import { TOPICS } from '../schemas/topics.ts';
import { partitionOf } from '../storage/event-log/partitioner.ts';
import {
  item,
  openTestServing,
  PARTITIONS,
  type TestServing,
  World,
} from '../test/serving/serving-fixture.ts';

const POLL_MS = 1_001;
const REMEMBERED = 2;
const ADA = subjectOfUser(userId('ada'));
const ADAS = statePartition(
  TOPICS.interactions.name,
  partitionIndex(partitionOf(ADA, PARTITIONS.userPartitions)),
);

let world: World;
let under: TestServing;
beforeEach(async () => {
  world = new World();
  await world.putItems(...Array.from({ length: 12 }, (_, at) => item(`film-${at}`)));
  await world.putItemStates({
    'film-1': { popularity: 9, pairs: [{ to: 'film-7', forward: 8, backward: 8 }] },
    'film-7': { popularity: 2, pairs: [{ to: 'film-1', forward: 8, backward: 8 }] },
  });
  under = await openTestServing(world, { remember: { statesMax: REMEMBERED } });
  await world.act(ADA, { item: 'film-1' });
});
afterEach(() => under.close());

const listOf = async (person: string): Promise<ListAnswer> => {
  const { status, body } = await under.get<ListAnswer>(`/v1/users/${person}/recommendations`);
  expect(status).toBe(200);
  return body;
};

const idsOf = ({ items }: ListAnswer): readonly string[] => items.map(({ itemId }) => itemId);

describe('while the store is away', () => {
  it('a list goes by what was read of the person last, and says that it is stale', async () => {
    const before = await listOf('ada');
    expect(before.asOf).not.toHaveProperty('stale');
    world.stateStore.isAway = true;
    await world.clock.advance(POLL_MS);
    const after = await listOf('ada');
    expect(after.asOf.stale).toBe(true);
    expect(after.rung).toBe('personalised');
    expect(idsOf(after)).toEqual(idsOf(before));
  });

  it('who was never read gets what everybody likes, and it says so too', async () => {
    world.stateStore.isAway = true;
    await world.clock.advance(POLL_MS);
    const list = await listOf('ada');
    expect(list.asOf.stale).toBe(true);
    expect(list.items).toHaveLength(10);
    const popular = await under.get<ListAnswer>('/v1/lists/popular');
    expect(popular.body.asOf.stale).toBe(true);
  });

  it('is fresh as soon as the store is there again', async () => {
    world.stateStore.isAway = true;
    await world.clock.advance(POLL_MS);
    await listOf('ada');
    world.stateStore.isAway = false;
    await world.clock.advance(POLL_MS);
    await world.clock.advance(POLL_MS);
    expect((await listOf('ada')).asOf).not.toHaveProperty('stale');
  });

  it('only so many people are remembered, those who were asked for last', async () => {
    for (const person of ['ada', 'ben', 'cem']) {
      await world.act(subjectOfUser(userId(person)), { item: 'film-1' });
      await listOf(person);
    }
    world.stateStore.isAway = true;
    await world.clock.advance(POLL_MS);
    expect((await listOf('ada')).rung).not.toBe('personalised');
    expect((await listOf('cem')).rung).toBe('personalised');
  });

  it('nobody is remembered who was forgotten', async () => {
    await listOf('ada');
    under.serving.letGoOf(ADA);
    world.stateStore.isAway = true;
    await world.clock.advance(POLL_MS);
    expect((await listOf('ada')).rung).not.toBe('personalised');
  });
});

describe('when the store lost a partition', () => {
  it('its people are remembered until it is made again, from the first list on', async () => {
    const before = await listOf('ada');
    await world.loseState(ADAS);
    const stale = await under.get<ListAnswer>('/v1/users/ada/recommendations?limit=9');
    expect(stale.body.asOf.stale).toBe(true);
    expect(stale.body.rung).toBe('personalised');
    await world.cover(ADA, { item: 'film-1' });
    await world.clock.advance(POLL_MS);
    const after = await listOf('ada');
    expect(after.asOf).not.toHaveProperty('stale');
    expect(idsOf(after)).toEqual(idsOf(before));
  });

  it('who is gone from a store that lost nothing is not remembered', async () => {
    await listOf('ada');
    await world.removeSubject(ADA);
    await world.clock.advance(POLL_MS);
    const list = await listOf('ada');
    expect(list.asOf).not.toHaveProperty('stale');
    expect(list.rung).not.toBe('personalised');
  });
});
