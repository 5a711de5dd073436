import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogId, Offset } from '../../schemas/ids.ts';
import { partitionIndex, statePartition } from '../../schemas/ids.ts';
import {
  STATE_AHEAD,
  STATE_HINTS,
  type StateAhead,
  type StateHint,
} from '../../storage/live-bus/live-bus.ts';
import { MemoryStateDisk, MemoryStateStore } from '../../storage/state-store/memory-state-store.ts';
import {
  applyRequest,
  fixtureOf,
  stateStoreContract,
} from '../../storage/state-store/state-store.contract.ts';
import { ForetoldState } from './foretold-state.ts';

const P0 = statePartition('contract', partitionIndex(0));
const LOG = 'log-a' as LogId;

/** A bus that delivers at once, and remembers the hints. */
class PlainBus {
  readonly hints: StateHint[] = [];
  onHint: (hint: StateHint) => void = () => {};
  readonly #receivers = new Map<string, (message: unknown) => void>();

  subscribe(channel: string, receive: (message: unknown) => void): { close(): void } {
    this.#receivers.set(channel, receive);
    return { close: () => void this.#receivers.delete(channel) };
  }

  publish(channel: string, message: unknown): void {
    if (channel === STATE_HINTS) {
      this.hints.push(message as StateHint);
      this.onHint(message as StateHint);
    }
    this.#receivers.get(channel)?.(message);
  }
}

stateStoreContract({
  name: 'ForetoldState of which nothing is foretold',
  create: async ({ changedKeysKept }) => {
    const disk = new MemoryStateDisk();
    /** Closing the view leaves its store open: here both end together. */
    return fixtureOf(() => {
      const store = new MemoryStateStore({ disk, changedKeysKept });
      const view = new ForetoldState(store, new PlainBus());
      const closeView = view.close.bind(view);
      view.close = async () => {
        await closeView();
        await store.close();
      };
      return view;
    });
  },
});

describe('a state of which something is foretold', () => {
  let store: MemoryStateStore;
  let bus: PlainBus;
  let view: ForetoldState;
  beforeEach(async () => {
    store = new MemoryStateStore();
    bus = new PlainBus();
    view = new ForetoldState(store, bus);
    await store.claim(P0);
    await store.apply(P0, applyRequest({ to: 10, set: { a: 'a10', b: 'b10', c: 'c10' } }));
  });
  afterEach(() => view.close());

  const foretell = (from: number, to: number, set: Record<string, string | undefined>): void => {
    const keys = Object.keys(set);
    const hint = { partition: P0, from: from as Offset, to: to as Offset, keys };
    const position = { coveredOffset: to as Offset, logId: LOG, recordHash: to };
    const changes = Object.entries(set).map(([key, value]) => ({
      key,
      value: value === undefined ? undefined : Buffer.from(value),
    }));
    bus.publish(STATE_AHEAD, { hint, position, changes } satisfies StateAhead);
  };
  const read = async (...keys: string[]): Promise<(string | undefined)[]> =>
    (await view.getMany(P0, keys)).map((value) => value && Buffer.from(value).toString());
  const covered = async (): Promise<number | undefined> => (await view.position(P0))?.coveredOffset;
  const scan = async (limit: number, after?: string): Promise<string[]> => {
    const options = { prefix: '', limit, ...(after === undefined ? {} : { after }) };
    return (await view.scan(P0, options)).map(({ value }) => Buffer.from(value).toString());
  };

  it('is read as it will be, position and values together, and hinted at once that can be read', async () => {
    const seen: Promise<(string | undefined)[]>[] = [];
    bus.onHint = ({ keys }) => void seen.push(read(...keys));
    foretell(10, 20, { a: 'a20', d: 'd20' });
    expect(await Promise.all(seen)).toEqual([['a20', 'd20']]);
    expect(await read('a', 'b', 'd')).toEqual(['a20', 'b10', 'd20']);
    expect(await view.position(P0)).toMatchObject({
      coveredOffset: 20,
      logId: LOG,
      recordHash: 20,
    });
  });

  it('[I2] is the store’s alone as soon as that has come as far', async () => {
    foretell(10, 20, { a: 'a20' });
    await store.apply(P0, applyRequest({ from: 10, to: 20, set: { a: 'stored' } }));
    expect(await read('a')).toEqual(['stored']);
    expect(await covered()).toBe(20);
    await store.apply(P0, applyRequest({ from: 20, to: 30, set: { a: 'a30' } }));
    expect(await read('a')).toEqual(['a30']);
    expect(await covered()).toBe(30);
  });

  it('does not go back where a batch is begun anew and cut elsewhere', async () => {
    foretell(10, 20, { a: 'a20' });
    foretell(10, 15, { a: 'a15' });
    expect(await read('a')).toEqual(['a20']);
    await store.apply(P0, applyRequest({ from: 10, to: 15, set: { a: 'a15' } }));
    expect(await read('a')).toEqual(['a20']);
    expect(await covered()).toBe(20);
    expect(bus.hints).toHaveLength(1);
    foretell(15, 25, { a: 'a25' });
    expect(await read('a')).toEqual(['a25']);
    expect(await covered()).toBe(25);
  });

  it('[S4] is scanned in order, page by page, with what comes, changes and goes', async () => {
    foretell(10, 20, { aa: 'aa20', b: undefined, c: 'c20', d: 'd20' });
    expect(await scan(9)).toEqual(['a10', 'aa20', 'c20', 'd20']);
    expect(await scan(2)).toEqual(['a10', 'aa20']);
    expect(await scan(2, 'aa')).toEqual(['c20', 'd20']);
    foretell(10, 30, { a: undefined, b: undefined });
    expect(await scan(1)).toEqual(['c10']);
  });

  it('[S6] names what is stored and what is foretold as changed', async () => {
    await store.apply(P0, applyRequest({ from: 10, to: 12, set: { b: 'b12' } }));
    foretell(12, 20, { c: 'c20' });
    const since = async (offset: number): Promise<string[]> => {
      const changes = await view.changesSince(P0, offset as Offset);
      expect(changes.coveredOffset).toBe(20);
      return changes.complete ? [...changes.keys].sort() : ['everything'];
    };
    expect(await since(10)).toEqual(['b', 'c']);
    expect(await since(12)).toEqual(['c']);
    expect(await since(20)).toEqual([]);
  });

  it('[S7] is never read half from before and half from after an apply that comes meanwhile', async () => {
    foretell(10, 20, { a: 'a20' });
    const getMany = store.getMany.bind(store);
    store.getMany = async (...words) => {
      store.getMany = getMany;
      const before = await getMany(...words);
      await store.apply(P0, applyRequest({ from: 10, to: 20, set: { a: 'a20' } }));
      await store.apply(P0, applyRequest({ from: 20, to: 30, set: { a: 'a30', b: 'b30' } }));
      return before;
    };
    expect(await read('a', 'b')).toEqual(['a30', 'b30']);
  });

  it('names what came in between to a reader who stands where only the foretelling reaches', async () => {
    foretell(10, 20, { a: 'a20' });
    foretell(10, 25, { a: 'a25', b: 'b25' });
    const between = await view.changesSince(P0, 20 as Offset);
    expect(between).toMatchObject({ complete: true, coveredOffset: 25 });
    expect((await view.changesSince(P0, 40 as Offset)).complete).toBe(false);
  });

  it('[I9] keeps nothing of it in memory once it is stored', async () => {
    foretell(10, 20, { a: 'a20' });
    await store.apply(P0, applyRequest({ from: 10, to: 20, set: { a: 'a20' } }));
    expect(view.foretoldCount).toBe(1);
    bus.publish(STATE_HINTS, { partition: P0, from: 10, to: 20, keys: ['a'] });
    await expect.poll(() => view.foretoldCount).toBe(0);
  });
});
