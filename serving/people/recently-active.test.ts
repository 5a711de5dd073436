import { beforeEach, describe, expect, it } from 'vitest';
import { statePartition } from '../../schemas/ids.ts';
import { subjectKey } from '../../schemas/state/subject-state.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { PARTITIONS, World } from '../../test/serving/serving-fixture.ts';
import { RecentlyActive } from './recently-active.ts';

let world: World;
beforeEach(() => {
  world = new World();
});

const openActive = (max: number): RecentlyActive =>
  new RecentlyActive({
    stateStore: world.stateStore,
    max,
    partitionCount: PARTITIONS.userPartitions,
  });

const keysOf = (...subjects: readonly string[]): string[] => subjects.map((id) => subjectKey(id));

describe('who acted last', () => {
  it('is known from hints, newest first and so many at most, and let go of by name', () => {
    const active = openActive(3);
    active.changed(keysOf('u:1', 'u:2'));
    active.changed([...keysOf('u:3', 'u:1'), 'partition']);
    expect(active.newestFirst()).toEqual(keysOf('u:1', 'u:3', 'u:2'));
    active.changed(keysOf('s:4'));
    expect(active.newestFirst()).toEqual(keysOf('s:4', 'u:1', 'u:3'));
    active.letGoOf(subjectKey('u:1'));
    expect(active.newestFirst()).toEqual(keysOf('s:4', 'u:3'));
  });

  it('is nobody where none are wanted', async () => {
    const active = openActive(0);
    active.changed(keysOf('u:1'));
    await world.act('u:1', { item: 'film' });
    await lookBackAll(active);
    expect(active.newestFirst()).toEqual([]);
  });

  it('is asked of the state before the first hint; who was heard of since stands before them', async () => {
    const { partition } = await world.act('u:0', { item: 'film' });
    const early = ['u:0'];
    // All of one partition, and more records than the narrowest window has.
    for (let person = 1; early.length < 90; person++) {
      const subject = `u:${person}`;
      const acted = await world.append(subject, { item: 'film' });
      if (acted.partition !== partition) continue;
      early.push(subject);
      await world.cover(subject, { item: 'film' });
    }
    const active = openActive(1_000);
    active.changed(keysOf('u:now', early[3]!));
    await active.lookBack(statePartition(TOPICS.interactions.name, partition));
    const found = active.newestFirst();
    expect(found.slice(0, 2)).toEqual(keysOf(early[3]!, 'u:now'));
    expect(found).toHaveLength(early.length + 1);
    expect(new Set(found)).toEqual(new Set(keysOf('u:now', ...early)));
    // The narrowest window stands before what only a wider one showed.
    expect(new Set(found.slice(2, 2 + 64))).toEqual(new Set(keysOf(...early.slice(-64))));
  });
});

const lookBackAll = async (active: RecentlyActive): Promise<void> => {
  for (let index = 0; index < PARTITIONS.userPartitions; index++) {
    await active.lookBack(statePartition(TOPICS.interactions.name, index as never));
  }
};
