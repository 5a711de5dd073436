import { expect, it } from 'vitest';
import { FreshetError } from '../schemas/errors.ts';
import type { StateStore } from '../storage/state-store/state-store.ts';
import { createStreamFixture, interaction } from '../test/stream/stream-fixture.ts';
import { StoredStatus } from './stored-status.ts';
import { createStream } from './stream.ts';

it('tells of partitions that another stream runs what that stream tells of them', async () => {
  const fixture = createStreamFixture();
  const stream = createStream(fixture.deps);
  await stream.start();
  await fixture.interact(interaction({ item: 'a' }), interaction({ item: 'b', user: 'ben' }));
  await stream.caughtUp();
  const told = await new StoredStatus(fixture.deps).of(fixture.deps.partitions);
  const { interactions, lag, isCaughtUp, partitions } = await stream.status();
  expect(told).toMatchObject({ interactions, lag, isCaughtUp, isHealthy: true, halted: [] });
  const seen = (all: typeof partitions) =>
    all.map(({ partition, coveredOffset, end, clock, counters }) => [
      partition,
      coveredOffset,
      end,
      clock,
      counters,
    ]);
  expect(seen(told.partitions)).toEqual(seen(partitions));
  await stream.stop();
});

it('still tells how the partitions stand while the warehouse is away, and that it is', async () => {
  const { deps } = createStreamFixture();
  const warehouse = {
    coveredOffset: async () => {
      throw new FreshetError('unavailable', { why: 'nobody listens there' });
    },
  };
  const told = await new StoredStatus({ ...deps, warehouse }).of(deps.partitions);
  expect(told.partitions.length).toBeGreaterThan(0);
  expect(told.sinks.map(({ problem }) => problem)).toContainEqual(
    expect.stringContaining('nobody listens there'),
  );
});

it('tells what it told last while the state is away, so that no counter falls', async () => {
  const fixture = createStreamFixture();
  const { deps } = fixture;
  const stream = createStream(deps);
  await stream.start();
  await fixture.interact(interaction({ item: 'a' }), interaction({ item: 'b', user: 'ben' }));
  await stream.caughtUp();
  await stream.stop();
  let isAway = false;
  const away = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
    if (isAway) throw new FreshetError('state_unavailable', { problem: 'nobody is there' });
    return ask();
  };
  const stateStore: Pick<StateStore, 'position' | 'getMany'> = {
    position: (partition) => away(() => deps.stateStore.position(partition)),
    getMany: (partition, keys) => away(() => deps.stateStore.getMany(partition, keys)),
  };
  const stored = new StoredStatus({ ...deps, stateStore });
  const before = await stored.of(deps.partitions);
  isAway = true;
  expect(await stored.of(deps.partitions)).toEqual(before);
  expect(before.interactions.accepted).toBe(2);
});
