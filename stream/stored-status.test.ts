import { expect, it } from 'vitest';
import { FreshetError } from '../schemas/errors.ts';
import { createStreamFixture, interaction } from '../test/stream/stream-fixture.ts';
import { storedStatus } from './stored-status.ts';
import { createStream } from './stream.ts';

it('tells of partitions that another stream runs what that stream tells of them', async () => {
  const fixture = createStreamFixture();
  const stream = createStream(fixture.deps);
  await stream.start();
  await fixture.interact(interaction({ item: 'a' }), interaction({ item: 'b', user: 'ben' }));
  await stream.caughtUp();
  const told = await storedStatus(fixture.deps, fixture.deps.partitions);
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
  const told = await storedStatus({ ...deps, warehouse }, deps.partitions);
  expect(told.partitions.length).toBeGreaterThan(0);
  expect(told.sinks.map(({ problem }) => problem)).toContainEqual(
    expect.stringContaining('nobody listens there'),
  );
});
