/** Hints of a partition whose listener rests from each change: taken over in one, none passed over. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type DurationMs,
  type LogId,
  type Offset,
  partitionIndex,
  statePartition,
} from '../schemas/ids.ts';
import { silentLogger } from '../schemas/silent-logger.fixture.ts';
import { TOPICS } from '../schemas/topics.ts';
import { STATE_HINTS, type StateHint } from '../storage/live-bus/live-bus.ts';
import { MemoryStateStore } from '../storage/state-store/memory-state-store.ts';
import { ManualClock, settled, TestLiveBus } from '../test/serving/serving-fixture.ts';
import { DEFAULT_SERVING_OPTIONS } from './options.ts';
import { type StateChangeNotice, StateFollower } from './state-follower.ts';

const ITEMS = statePartition(TOPICS.itemSignals.name, partitionIndex(0));
const LOG = 'log' as LogId;
const WORK_MS = 10;
const REST = { perWork: 20, restMsMax: 150 as DurationMs };

let clock: ManualClock;
let store: MemoryStateStore;
let bus: TestLiveBus;
let follower: StateFollower;
let notices: StateChangeNotice[];
let covered: number;
beforeEach(async () => {
  clock = new ManualClock();
  store = new MemoryStateStore();
  bus = new TestLiveBus();
  notices = [];
  covered = -1;
  follower = new StateFollower({
    stateStore: store,
    liveBus: bus,
    clock,
    logger: silentLogger,
    options: DEFAULT_SERVING_OPTIONS.follow,
    onPoll: () => undefined,
  });
  const listener = {
    changed: (notice: StateChangeNotice) => {
      notices.push(notice);
      clock.time += WORK_MS;
    },
    reset: () => undefined,
  };
  follower.follow(ITEMS, listener, { rest: REST });
  await change('a');
  await follower.start();
});
afterEach(() => follower.stop());

/** One more event, which changes these items. */
const change = async (...keys: readonly string[]): Promise<StateHint> => {
  const { epoch } = await store.claim(ITEMS);
  const [from, to] = [covered as Offset, (covered + 1) as Offset];
  covered += 1;
  const changes = keys.map((key) => ({ key, value: Uint8Array.of(covered) }));
  const place = { expectedOffset: from, coveredOffset: to, logId: LOG, recordHash: 0 };
  await store.apply(ITEMS, { epoch, changes, ...place });
  return { partition: ITEMS, from, to, keys };
};

const tell = async (hint: StateHint): Promise<void> => {
  bus.publish(STATE_HINTS, hint);
  await settled();
};

const told = (): readonly (readonly [Offset, readonly string[]])[] =>
  notices.map(({ to, keys }) => [to, keys]);

describe('a listener that rests', () => {
  it('hears the first change at once, and all of its rest in one', async () => {
    await tell(await change('a', 'b'));
    expect(told()).toEqual([[1, ['a', 'b']]]);
    await tell(await change('b'));
    await tell(await change('c'));
    await clock.advance(REST.restMsMax - 1);
    expect(told()).toHaveLength(1);
    await clock.advance(1);
    expect(told().slice(1)).toEqual([[3, ['b', 'c']]]);
    expect(follower.coveredOffset(ITEMS)).toBe(3);
  });

  it('rests in proportion to its work', async () => {
    await tell(await change('a'));
    await clock.advance(20 * WORK_MS);
    await tell(await change('b'));
    expect(told()).toEqual([
      [1, ['a']],
      [2, ['b']],
    ]);
  });

  it('looks for itself where a hint between two was lost', async () => {
    await tell(await change('a'));
    await tell(await change('b'));
    await change('lost');
    await tell(await change('c'));
    await clock.advance(REST.restMsMax);
    expect(told().slice(1)).toEqual([[4, expect.arrayContaining(['b', 'lost', 'c'])]]);
  });

  it('is asked by nobody else to wait: a look finds what it rests from', async () => {
    await tell(await change('a'));
    await tell(await change('b'));
    await follower.reachedNow(ITEMS, 2 as Offset);
    expect(told().slice(1)).toEqual([[2, ['b']]]);
    await clock.advance(REST.restMsMax);
    expect(told()).toHaveLength(2);
  });

  it('is told nothing once it was stopped', async () => {
    await tell(await change('a'));
    await tell(await change('b'));
    await follower.stop();
    await clock.advance(REST.restMsMax);
    expect(told()).toHaveLength(1);
  });
});
