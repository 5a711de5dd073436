/**
 * A protection that could be taken away without a test noticing protects nothing: each is switched
 * off here, and what the other tests compare must then differ.
 */
import { describe, expect, it } from 'vitest';
import type { InteractionRecord } from '../schemas/records.ts';
import { MemoryWarehouse } from '../storage/warehouse/memory-warehouse.ts';
import { createStreamFixture, interaction } from '../test/stream/stream-fixture.ts';
import type { StreamSeams } from './seams.ts';
import { createStream } from './stream.ts';

class Crash extends Error {}

const events = (): InteractionRecord[] =>
  Array.from({ length: 20 }, (_, index) =>
    interaction({
      id: `event-${index}`,
      user: `user-${index % 3}`,
      item: `item-${index % 5}`,
      minute: index,
    }),
  );

/** What items came to after a run that crashed at a point, and a second one to the end. */
const itemsAfterCrash = async (
  seams: StreamSeams,
  crashAt: string | undefined,
  records = events(),
): Promise<readonly unknown[]> => {
  const fixture = createStreamFixture({ userPartitions: 1, itemPartitions: 1 });
  await fixture.interact(...records);
  const crashing = createStream({
    ...fixture.deps,
    seams,
    // Items are read by nobody yet, so that sources cannot know what is there already.
    partitions: { ...fixture.deps.partitions, itemSignals: [] },
    crashPoint: (name) => {
      if (name === crashAt) throw new Crash(name);
    },
  });
  await crashing.start();
  await crashing.caughtUp().catch(() => undefined);
  await crashing.stop();
  const sources = createStream({
    ...fixture.deps,
    seams,
    partitions: { ...fixture.deps.partitions, itemSignals: [] },
  });
  await sources.start();
  await sources.caughtUp();
  await sources.stop();
  const items = createStream({ ...fixture.deps, seams });
  await items.start();
  await items.caughtUp();
  await items.stop();
  return Promise.all(
    [0, 1, 2, 3, 4].map(async (index) => (await fixture.item(`item-${index}`))?.interactionCount),
  );
};

describe('without its protection', () => {
  it('marks: a signal that was appended twice counts twice', async () => {
    const calm = await itemsAfterCrash({}, undefined);
    const point = 'stream.between-append-and-apply';
    expect(await itemsAfterCrash({}, point)).toEqual(calm);
    expect(await itemsAfterCrash({ ignoreMarks: true }, point)).not.toEqual(calm);
  });

  it('append before apply: a crash in between loses what items should have heard', async () => {
    const calm = await itemsAfterCrash({}, undefined);
    const point = 'stream.between-apply-and-hint';
    expect(await itemsAfterCrash({}, point)).toEqual(calm);
    expect(await itemsAfterCrash({ applyBeforeAppend: true }, point)).not.toEqual(calm);
  });

  it('dedupe: an event that was sent twice is there twice', async () => {
    const historyOf = async (seams: StreamSeams): Promise<number | undefined> => {
      const fixture = createStreamFixture();
      const stream = createStream({ ...fixture.deps, seams });
      await stream.start();
      const event = interaction({ id: 'one', item: 'a' });
      await fixture.interact(event, event);
      await stream.caughtUp();
      await stream.stop();
      return (await fixture.subject('u:ada'))?.history.length;
    };
    expect(await historyOf({})).toBe(1);
    expect(await historyOf({ ignoreDuplicates: true })).toBe(2);
  });

  it('verdicts: the warehouse holds what the state refused', async () => {
    const rowsOf = async (seams: StreamSeams): Promise<number> => {
      const fixture = createStreamFixture({ userPartitions: 1 });
      const warehouse = new MemoryWarehouse();
      const stream = createStream({ ...fixture.deps, warehouse, seams });
      await stream.start();
      const event = interaction({ id: 'one', item: 'a' });
      await fixture.interact(event, event);
      await stream.caughtUp();
      for (;;) {
        const { sinks } = await stream.status();
        const sink = sinks.find(({ table }) => table === 'interactions')!;
        if (sink.coveredOffset === 1) {
          await stream.stop();
          return sink.rows;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    expect(await rowsOf({})).toBe(1);
    expect(await rowsOf({ copyRejected: true })).toBe(2);
  });
});
