/**
 * What forgetting leaves of a person in the state: nothing, below the caps. The twin is a log that the
 * person never was in.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeRecordAs } from '../schemas/avro/record-codec.ts';
import { offset, partitionIndex, userId } from '../schemas/ids.ts';
import type { InteractionRecord } from '../schemas/records.ts';
import { createKeyFile } from '../storage/event-log/sealing/key-file.ts';
import { PersonKeys } from '../storage/event-log/sealing/person-keys.ts';
import { SealedEventLog } from '../storage/event-log/sealing/sealed-event-log.ts';
import { seededBytes } from '../storage/event-log/sealing/seeded-bytes.fixture.ts';
import {
  createStreamFixture,
  interaction,
  type StreamFixture,
  T0,
} from '../test/stream/stream-fixture.ts';
import { rebaseRecord } from './rebase.ts';
import { rebuildState } from './rebuild.ts';
import { createStream } from './stream.ts';

const SEED = 37;
const GONE = 'gone';
const FIRST = partitionIndex(0);
const randomBytes = seededBytes(SEED);

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'freshet-forgetting-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let made = 0;
const sealedFixture = () => {
  const path = join(root, `${made++}.keys`);
  createKeyFile(path, randomBytes);
  const keys = PersonKeys.ofFile({ path, randomBytes });
  const { eventLog } = createStreamFixture().deps;
  return {
    keys,
    below: eventLog,
    fixture: createStreamFixture({ eventLog: new SealedEventLog({ log: eventLog, keys }) }),
  };
};

const begin = (fixture: StreamFixture): Promise<void> =>
  fixture.append('control', 'Control', [{ key: 'rebase', record: rebaseRecord(T0, T0) }]);

const settle = async (fixture: StreamFixture): Promise<void> => {
  const stream = createStream(fixture.deps);
  await stream.start();
  await stream.caughtUp();
  await stream.stop();
};

const forget = (fixture: StreamFixture, minute: number): Promise<void> => {
  const receivedAt = (T0 + minute * 60_000) as typeof T0;
  const record = { userId: userId(GONE), requestId: 'request', receivedAt };
  return fixture.append('interactions', 'Forget', [{ key: `u:${GONE}`, record }]);
};

const ITEMS = 13;

/** Of each item all that is counted. When it was last touched is no count. */
const countsOf = async (fixture: StreamFixture): Promise<ReadonlyMap<string, unknown>> => {
  const counts = new Map<string, unknown>();
  for (let at = 0; at < ITEMS; at++) {
    const item = await fixture.item(`item-${at}`);
    if (item === undefined) continue;
    const { lastEventAt: _, ...counted } = item;
    const isEmpty =
      item.popularity === 0n && item.ratingCount === 0 && item.neighbours.length === 0;
    if (!isEmpty || item.interactionCount > 0) counts.set(item.itemId, counted);
  }
  return counts;
};

const KINDS = ['click', 'like', 'rating', 'purchase', 'dislike'] as const;
interface Deed {
  readonly person: number;
  readonly item: number;
  readonly kind: number;
  readonly minute: number;
}
/** At most two others: a pair's people are exact below three. */
const deeds = fc.array(
  fc.record({
    person: fc.integer({ min: 0, max: 2 }),
    item: fc.integer({ min: 0, max: ITEMS - 1 }),
    kind: fc.integer({ min: 0, max: KINDS.length - 1 }),
    minute: fc.integer({ min: 0, max: 4_000 }),
  }),
  { minLength: 1, maxLength: 45 },
);

const eventOf = ({ person, item, kind, minute }: Deed, at: number): InteractionRecord =>
  interaction({
    id: `event-${at}`,
    user: [GONE, 'ada', 'bob'][person]!,
    item: `item-${item}`,
    kind: KINDS[kind]!,
    minute,
    receivedMinute: 4_000 + at,
    ...(KINDS[kind] === 'rating' ? { value: 1 + (item % 9) / 2 } : {}),
  });

describe(`a person who was forgotten, seed ${SEED}`, () => {
  it('leaves items, counts, pairs and ratings as in a log that they never were in', async () => {
    await fc.assert(
      fc.asyncProperty(deeds, async (given) => {
        const events = given.map(eventOf);
        const fixture = createStreamFixture();
        await begin(fixture);
        await fixture.interact(...events);
        await forget(fixture, 9_000);
        await settle(fixture);
        const twin = createStreamFixture();
        await begin(twin);
        await twin.interact(...events.filter(({ userId: id }) => id !== GONE));
        await settle(twin);
        expect(await countsOf(fixture)).toEqual(await countsOf(twin));
        for (const id of ['u:ada', 'u:bob']) {
          const [own, other] = [await fixture.subject(id), await twin.subject(id)];
          expect(own && { ...own, lastOffset: 0 }).toEqual(other && { ...other, lastOffset: 0 });
        }
        expect(await fixture.subject(`u:${GONE}`)).toBeUndefined();
      }),
      { seed: SEED, numRuns: 40 },
    );
  });

  it('stays forgotten in a rebuild that cannot read a record of theirs, to the same bits', async () => {
    const { keys, fixture } = sealedFixture();
    await begin(fixture);
    const events = Array.from({ length: 60 }, (_, at) =>
      eventOf({ person: at % 3, item: (at * at) % 11, kind: at % 3, minute: at }, at),
    );
    await fixture.interact(...events);
    await forget(fixture, 9_000);
    await settle(fixture);
    keys.destroy(keys.addressOf(`u:${GONE}`));
    await fixture.interact(
      interaction({ user: GONE, item: 'item-new', minute: 4_500, receivedMinute: 9_100 }),
      interaction({ user: 'ada', item: 'item-1', minute: 4_501, receivedMinute: 9_101 }),
    );
    await settle(fixture);
    const without = { without: /^(partition$|dedupe:)/ };
    const before = await fixture.dump(without);
    const endsBefore = await fixture.signalsEnd();
    await rebuildState(fixture.deps);
    expect(await fixture.dump(without)).toEqual(before);
    expect(await fixture.signalsEnd()).toEqual(endsBefore);
    // Who came back is a new person.
    const back = await fixture.subject(`u:${GONE}`);
    expect(back?.history.map(({ itemId }) => itemId)).toEqual(['item-new']);
  });

  it('does not make the log look like another one where theirs is the last record covered', async () => {
    const { keys, fixture } = sealedFixture();
    await begin(fixture);
    await fixture.interact(interaction({ user: GONE, item: 'a' }));
    await forget(fixture, 1);
    await settle(fixture);
    keys.destroy(keys.addressOf(`u:${GONE}`));
    const stream = createStream(fixture.deps);
    await stream.start();
    await stream.caughtUp();
    const { partitions } = await stream.status();
    await stream.stop();
    expect(partitions.map(({ problem }) => problem)).toEqual(partitions.map(() => null));
  });

  it('has dead letters that name them to nobody, and that are gone with the key', async () => {
    const { keys, fixture, below } = sealedFixture();
    await begin(fixture);
    await fixture.interact(interaction({ user: GONE, item: 'a', kind: 'unheard' }));
    await settle(fixture);
    const lettersIn = (log: typeof below) =>
      log.read('dead-letters', FIRST, offset(0), { recordsMax: 10, bytesMax: 100_000 });
    const [raw] = await lettersIn(below);
    expect(Buffer.from(raw!.value!).includes(GONE)).toBe(false);
    const [letter] = await lettersIn(fixture.deps.eventLog);
    expect(decodeRecordAs('DeadLetter', letter!.value!).reason).toBe('unknown_kind');
    keys.destroy(keys.addressOf(`u:${GONE}`));
    expect(await lettersIn(fixture.deps.eventLog)).toMatchObject([{ isErased: true, value: null }]);
  });

  it('is counted by a rebuild among the accepted, so that every record is accounted for', async () => {
    const { keys, fixture } = sealedFixture();
    await begin(fixture);
    await fixture.interact(
      interaction({ user: GONE, item: 'a' }),
      interaction({ user: 'ada', item: 'a' }),
    );
    await forget(fixture, 1);
    await settle(fixture);
    keys.destroy(keys.addressOf(`u:${GONE}`));
    await rebuildState(fixture.deps);
    const stream = createStream(fixture.deps);
    await stream.start();
    await stream.caughtUp();
    const { partitions } = await stream.status();
    await stream.stop();
    const sums = partitions
      .filter(({ partition }) => partition.startsWith('interactions'))
      .map(({ counters }) => [counters.received, counters.accepted, counters.erased ?? 0])
      .reduce((one, other) => one.map((count, at) => count! + other[at]!));
    expect(sums).toEqual([3, 3, 2]);
  });
});
