/** A process that is asked for no lists: what it takes events in by, and nothing besides. */
import { expect, it, vi } from 'vitest';
import { partitionIndex } from '../schemas/ids.ts';
import { partitionOf } from '../storage/event-log/partitioner.ts';
import { item, openTestServing, PARTITIONS, World } from '../test/serving/serving-fixture.ts';

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
  const { serving, close } = await openTestServing(world, { makesLists: false });
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
