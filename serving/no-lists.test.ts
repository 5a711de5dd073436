/** Processes that nobody asks for lists: what they take events in by, and what they try them against. */
import { expect, it, vi } from 'vitest';
import { partitionIndex } from '../schemas/ids.ts';
import { partitionOf } from '../storage/event-log/partitioner.ts';
import {
  item,
  openTestServing,
  PARTITIONS,
  settled,
  World,
} from '../test/serving/serving-fixture.ts';

it('a process without lists knows how far people and the catalogue are, and reads no values', async () => {
  const world = new World();
  await world.putItems(item('film-1'));
  await world.putItemStates({ 'film-1': { popularity: 9 } });
  await world.act('u:ada', { item: 'film-1' });
  const reads = [
    vi.spyOn(world.stateStore, 'getMany'),
    vi.spyOn(world.stateStore, 'scan'),
    vi.spyOn(world.artifactStore, 'read'),
  ];
  const { serving, close } = await openTestServing(world, { listsFor: 'nobody' });
  const { partition, offset } = await world.act('u:ada', { item: 'film-1' });
  await world.putItemStates({ 'film-1': { popularity: 10 } });
  const shown = await world.putItems(item('film-2'));
  await serving.untilItemsShown(shown);
  await serving.poll();
  expect(partition).toBe(partitionIndex(partitionOf('u:ada', PARTITIONS.userPartitions)));
  expect(serving.coveredOffset(partition)).toBe(offset);
  expect(serving.currentItem(item('film-2').itemId)).toMatchObject({ itemId: 'film-2' });
  expect(serving.status()).toMatchObject({ isReady: true, problems: [] });
  expect(reads.map(({ mock }) => mock.calls)).toEqual([[], [], []]);
  await close();
});

it('lists that are only tried go by items of a second ago, and by people as they are', async () => {
  const world = new World();
  await world.putItems(item('film-1'), item('film-2'));
  await world.putItemStates({ 'film-1': { popularity: 9 } });
  const { serving, close } = await openTestServing(world, { listsFor: 'trials' });
  const reads = vi.spyOn(world.stateStore, 'getMany');
  const { partition, offset } = await world.act('u:ada', { item: 'film-1' });
  for (let popularity = 10; popularity < 14; popularity++) {
    await world.putItemStates({ 'film-1': { popularity } });
  }
  await settled();
  expect(serving.coveredOffset(partition)).toBe(offset);
  const { itemEpoch } = serving.status();
  expect(reads.mock.calls).toEqual([]);
  await serving.poll();
  expect(serving.status().itemEpoch).toBeGreaterThan(itemEpoch);
  const items = reads.mock.calls.flatMap(([, keys]) =>
    keys.filter((key) => key.startsWith('item:')),
  );
  expect(items).toEqual(['item:film-1']);
  await close();
});
