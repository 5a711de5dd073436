import { describe, expect, it } from 'vitest';
import type { StatePartition, UserId } from '../schemas/ids.ts';
import { PARTITION_KEY } from '../schemas/state/item-state.ts';
import { decodeUserPartition } from '../schemas/state/partition-state.ts';
import {
  createStreamFixture,
  interaction,
  partitionsOf,
  T0,
} from '../test/stream/stream-fixture.ts';
import { countedInteractions } from './counted-interactions.ts';
import { createStream } from './stream.ts';

const countedIn = async (
  { deps }: ReturnType<typeof createStreamFixture>,
  to = Number.POSITIVE_INFINITY,
): Promise<readonly string[]> => {
  const found: string[] = [];
  const { eventLog: log, kinds, options } = deps;
  const partition = partitionsOf(1)[0]!;
  const given = { log, partition, to: to as never, kinds, options };
  for await (const records of countedInteractions(given)) {
    found.push(...records.map(({ itemId, value }) => `${itemId}${value ?? ''}`));
  }
  return found;
};

describe('the interactions that count', () => {
  it('are those that the stream accepts: no doubles, conflicts, unknown kinds, or what comes too late', async () => {
    const fixture = createStreamFixture({ userPartitions: 1 });
    await fixture.interact(
      interaction({ id: 'one', item: 'a' }),
      interaction({ id: 'one', item: 'a', minute: 1 }),
      interaction({ id: 'one', item: 'other', minute: 2 }),
      interaction({ id: 'one', user: 'bob', item: 'b', minute: 3 }),
      interaction({ id: 'odd', item: 'c', kind: 'unheard' }),
      interaction({ id: 'many', item: 'd', kind: 'rating', value: 9 }),
      interaction({ id: 'late', item: 'e', minute: -60 * 24 * 8, receivedMinute: 4 }),
      interaction({ id: 'old-0', item: 'f', backfill: 'old', sequence: 0, minute: -60 * 24 * 400 }),
      interaction({ id: 'old-0', item: 'f', backfill: 'old', sequence: 0, minute: -60 * 24 * 400 }),
      interaction({ id: 'old-1', item: 'g', backfill: 'old', sequence: 1, minute: -60 * 24 * 400 }),
    );
    expect(await countedIn(fixture)).toEqual(['f', 'g', 'a', 'b']);
    const stream = createStream(fixture.deps);
    await stream.start();
    await stream.caughtUp();
    await stream.stop();
    const { stateStore } = fixture.deps;
    const [stored] = await stateStore.getMany('interactions.0' as StatePartition, [PARTITION_KEY]);
    const { counters } = decodeUserPartition(stored!);
    expect(counters).toMatchObject({ received: 10, accepted: 5, tooLate: 1 });
  });

  it('leave out what was taken back, each undo once, also one that came first', async () => {
    const fixture = createStreamFixture({ userPartitions: 1 });
    await fixture.interact(
      interaction({ id: 'one', item: 'a' }),
      interaction({ id: 'one', user: 'bob', item: 'b', minute: 1 }),
      interaction({ item: 'a', kind: 'undo', undoes: 'one', minute: 2 }),
      interaction({ item: 'c', kind: 'undo', undoes: 'early', minute: 3 }),
      interaction({ id: 'early', item: 'c', minute: 4 }),
      interaction({ id: 'last', item: 'd', minute: 5 }),
    );
    expect(await countedIn(fixture)).toEqual(['b', 'd']);
  });

  it('leave out what came before a person asked to be forgotten', async () => {
    const fixture = createStreamFixture({ userPartitions: 1 });
    await fixture.interact(interaction({ item: 'a' }), interaction({ user: 'bob', item: 'b' }));
    const forget = { userId: 'ada' as UserId, requestId: 'one', receivedAt: T0 };
    await fixture.append('interactions', 'Forget', [{ key: 'u:ada', record: forget }]);
    await fixture.interact(interaction({ item: 'c', minute: 1 }));
    expect(await countedIn(fixture)).toEqual(['b', 'c']);
    expect(await countedIn(fixture, 1)).toEqual(['a']);
  });
});
