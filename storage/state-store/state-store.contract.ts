/**
 * The rules of the StateStore, run against every adapter. An adapter says how it is created, reopened
 * and opened a second time, and which rules do not hold for it and why; its limits are read from the
 * store itself.
 *
 * Rules beyond the port's own: S8 after close every call rejects with its code; S9 clear takes the state
 * away while the epoch goes on rising.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type LogId,
  NO_OFFSET,
  type Offset,
  offset,
  partitionIndex,
  type StatePartition,
  statePartition,
} from '../../schemas/ids.ts';
import type { ApplyRequest, StateChange, StateStore } from './state-store.ts';

export interface StateStoreFixture {
  readonly store: StateStore;
  /** Closes the store and opens it again on what it stored. */
  reopen(): Promise<StateStore>;
  /** Another store on the same state, as another thread or process has it; closed by the fixture. */
  openAnother(): Promise<StateStore>;
  remove(): Promise<void>;
}

/** Of stores that another call opens on the same state, and that leave nothing behind. */
export const fixtureOf = (open: () => StateStore): StateStoreFixture => {
  const store = open();
  return {
    store,
    reopen: async () => {
      await store.close();
      return open();
    },
    openAnother: async () => open(),
    remove: async () => undefined,
  };
};

/** Parts of the contract that an adapter may be unable to show, each with the reason. */
export type StateCapability = 'reopen' | 'open another';

export interface StateStoreUnderTest {
  readonly name: string;
  readonly create: (options: { changedKeysKept: number }) => Promise<StateStoreFixture>;
  readonly lacks?: Partial<Record<StateCapability, string>>;
}

const P0 = statePartition('contract', partitionIndex(0));
const P1 = statePartition('contract', partitionIndex(1));
const LOG = 'log-a' as LogId;
const CHANGED_KEYS_KEPT = 50;

export const stateStoreContract = (adapter: StateStoreUnderTest): void => {
  const rule = (needs: StateCapability, name: string, test: () => Promise<void>): void => {
    const reason = adapter.lacks?.[needs];
    if (reason === undefined) it(name, test);
    else it.skip(`${name} (skipped: ${reason})`, test);
  };

  describe(`${adapter.name} keeps the rules of the StateStore`, () => {
    let fixture: StateStoreFixture;
    let store: StateStore;
    beforeEach(async () => {
      fixture = await adapter.create({ changedKeysKept: CHANGED_KEYS_KEPT });
      store = fixture.store;
    });
    afterEach(() => fixture.remove());

    const apply = (partition: StatePartition, parts: ApplyParts) =>
      store.apply(partition, applyRequest(parts));
    const valuesOf = async (partition: StatePartition) =>
      (await store.scan(partition, { prefix: '', limit: 1_000 })).map(
        ({ key, value }) => `${key}=${textOf(value)}`,
      );

    it('[S1] what is absent is undefined, in a partition that exists and in one that does not', async () => {
      expect(await store.position(P0)).toBeUndefined();
      expect(await store.getMany(P0, ['a', 'b'])).toEqual([undefined, undefined]);
      expect(await store.scan(P0, { prefix: '', limit: 10 })).toEqual([]);
      await store.claim(P0);
      expect(await store.getMany(P0, ['a', '__proto__', 'constructor'])).toEqual([
        undefined,
        undefined,
        undefined,
      ]);
    });

    it('[S1] an empty value is not an absent one, and a deleted one is', async () => {
      await store.claim(P0);
      await apply(P0, { to: 1, set: { empty: '', gone: 'x' } });
      await apply(P0, { from: 1, to: 2, remove: ['gone', 'never there'] });
      const [empty, gone] = await store.getMany(P0, ['empty', 'gone']);
      expect(empty).toHaveLength(0);
      expect(gone).toBeUndefined();
    });

    it('[S2] an apply changes values and position together', async () => {
      expect(await store.claim(P0)).toEqual({
        epoch: 1,
        coveredOffset: NO_OFFSET,
        logId: null,
        recordHash: 0,
      });
      expect(await apply(P0, { to: 4, hash: 77, set: { a: '1', b: '2' } })).toEqual({
        outcome: 'applied',
      });
      expect(await store.position(P0)).toEqual({
        epoch: 1,
        coveredOffset: 4,
        logId: LOG,
        recordHash: 77,
      });
      expect(await valuesOf(P0)).toEqual(['a=1', 'b=2']);
    });

    rule('reopen', '[S2] values and position are there after reopening', async () => {
      await store.claim(P0);
      await apply(P0, { to: 4, hash: 0xffffffff, set: { a: '1' } });
      store = await fixture.reopen();
      expect(await store.position(P0)).toMatchObject({ coveredOffset: 4, recordHash: 0xffffffff });
      expect(await valuesOf(P0)).toEqual(['a=1']);
    });

    it('[S2] an apply over a limit is refused by code and changes nothing', async () => {
      await store.claim(P0);
      await apply(P0, { to: 1, set: { a: 'before' } });
      const { keyBytesMax, valueBytesMax, keysPerApplyMax, bytesPerApplyMax } = store.limits;
      const tooMuch: readonly (readonly StateChange[])[] = [
        [change('a', 'after'), change('k'.repeat(keyBytesMax + 1), 'x')],
        [change('a', 'after'), { key: 'b', value: new Uint8Array(valueBytesMax + 1) }],
        Array.from({ length: keysPerApplyMax + 1 }, (_, at) => change(`a${at}`, 'after')),
        Array.from({ length: Math.ceil(bytesPerApplyMax / valueBytesMax) }, (_, at) => ({
          key: `a${at}`,
          value: new Uint8Array(valueBytesMax),
        })),
      ];
      for (const changes of tooMuch) {
        const request = { ...applyRequest({ from: 1, to: 2 }), changes };
        await expect(store.apply(P0, request)).rejects.toMatchObject({ code: 'apply_too_large' });
      }
      expect(await valuesOf(P0)).toEqual(['a=before']);
      expect(await store.position(P0)).toMatchObject({ coveredOffset: 1 });
    });

    it('[S2] an apply and a key of exactly the limits fit', async () => {
      await store.claim(P0);
      const { keyBytesMax, keysPerApplyMax } = store.limits;
      const long = 'é'.repeat(keyBytesMax / 2);
      const changes = Array.from({ length: keysPerApplyMax - 1 }, (_, at) =>
        change(`k${at}`, `${at}`),
      );
      const request = { ...applyRequest({ to: 1 }), changes: [...changes, change(long, 'long')] };
      expect(await store.apply(P0, request)).toEqual({ outcome: 'applied' });
      expect(textOf((await store.getMany(P0, [long]))[0])).toBe('long');
    });

    it('[S3] an apply whose expected offset is not the stored one changes nothing and says what is', async () => {
      await store.claim(P0);
      await apply(P0, { to: 4, hash: 9, set: { a: '1' } });
      const stored = { epoch: 1, coveredOffset: 4, logId: LOG, recordHash: 9 };
      for (const parts of [
        { from: 3, to: 5 },
        { from: 5, to: 6 },
        { from: NO_OFFSET, to: 9 },
        { from: 4, to: 5, log: 'log-b' },
      ]) {
        expect(await apply(P0, { ...parts, set: { a: 'wrong' } })).toEqual({
          outcome: 'mismatch',
          stored,
        });
      }
      expect(await valuesOf(P0)).toEqual(['a=1']);
    });

    it('[S3] an apply under an older epoch is refused, whatever its offset', async () => {
      await store.claim(P0);
      await apply(P0, { to: 4, set: { a: 'first owner' } });
      expect(await store.claim(P0)).toMatchObject({ epoch: 2, coveredOffset: 4 });
      expect(await apply(P0, { from: 4, to: 5, set: { a: 'zombie' } })).toMatchObject({
        outcome: 'mismatch',
        stored: { epoch: 2, coveredOffset: 4 },
      });
      expect(await apply(P0, { epoch: 2, from: 4, to: 5, set: { a: 'second owner' } })).toEqual({
        outcome: 'applied',
      });
      expect(await apply(P0, { from: 4, to: 5, set: { a: 'zombie' } })).toMatchObject({
        outcome: 'mismatch',
      });
      expect(await valuesOf(P0)).toEqual(['a=second owner']);
    });

    it('[S3] the same apply again, its reply lost, is reported as done and not done twice', async () => {
      await store.claim(P0);
      const lost = { to: 4, hash: 9, set: { a: '1' } };
      await apply(P0, lost);
      expect(await apply(P0, lost)).toEqual({ outcome: 'already-applied' });
      await apply(P0, { from: 4, to: 6, hash: 10, set: { a: '2' } });
      expect(await apply(P0, lost)).toMatchObject({ outcome: 'mismatch' });
      expect(await valuesOf(P0)).toEqual(['a=2']);
    });

    it('[S3] an apply that only looks like the last one is not taken for it', async () => {
      await store.claim(P0);
      await apply(P0, { to: 4, hash: 9 });
      expect(await apply(P0, { to: 4, hash: 8 })).toMatchObject({ outcome: 'mismatch' });
      expect(await apply(P0, { from: 0, to: 4, hash: 9 })).toMatchObject({ outcome: 'mismatch' });
      expect(await apply(P0, { epoch: 2, to: 4, hash: 9 })).toMatchObject({ outcome: 'mismatch' });
    });

    rule(
      'open another',
      '[S3] of two owners the later one is served, the earlier one fenced',
      async () => {
        const other = await fixture.openAnother();
        const first = await store.claim(P0);
        const second = await other.claim(P0);
        expect(second.epoch).toBe(first.epoch + 1);
        expect(await apply(P0, { epoch: first.epoch, to: 1, set: { a: 'zombie' } })).toMatchObject({
          outcome: 'mismatch',
          stored: { epoch: second.epoch },
        });
        const request = applyRequest({ epoch: second.epoch, to: 1, set: { a: 'owner' } });
        expect(await other.apply(P0, request)).toEqual({ outcome: 'applied' });
        expect(await valuesOf(P0)).toEqual(['a=owner']);
      },
    );

    it('[S4] scan is in the byte order of the keys, within the prefix, in pages', async () => {
      await store.claim(P0);
      const keys = [
        'b',
        'a',
        'a:',
        'a:1',
        'a:10',
        'a:2',
        'a:z',
        'a;',
        '~',
        'é',
        '\u{ff5e}',
        '😀',
        '\u0001',
      ];
      await apply(P0, { to: 1, set: Object.fromEntries(keys.map((key) => [key, key])) });
      const sorted = [...keys].sort((left, right) =>
        Buffer.compare(Buffer.from(left), Buffer.from(right)),
      );
      expect((await store.scan(P0, { prefix: '', limit: 99 })).map(({ key }) => key)).toEqual(
        sorted,
      );
      const paged: string[] = [];
      for (let after: string | undefined; ; ) {
        const options = { prefix: 'a:', limit: 2, ...(after !== undefined && { after }) };
        const page = await store.scan(P0, options);
        if (page.length === 0) break;
        paged.push(...page.map(({ key }) => key));
        after = page[page.length - 1]!.key;
      }
      expect(paged).toEqual(['a:', 'a:1', 'a:10', 'a:2', 'a:z']);
    });

    it('[S4] what is read is a copy, and so is what is written', async () => {
      await store.claim(P0);
      const value = new TextEncoder().encode('original');
      const request = { ...applyRequest({ to: 1 }), changes: [{ key: 'a', value }] };
      const applied = store.apply(P0, request);
      await applied;
      value.fill(0);
      const [first] = await store.getMany(P0, ['a']);
      expect(textOf(first)).toBe('original');
      first!.fill(0);
      (await store.scan(P0, { prefix: 'a', limit: 1 }))[0]!.value.fill(0);
      expect(await valuesOf(P0)).toEqual(['a=original']);
    });

    it('[S5] a key of one partition is not in another', async () => {
      await store.claim(P0);
      await store.claim(P1);
      await apply(P0, { to: 1, set: { a: 'zero' } });
      await apply(P1, { to: 7, set: { b: 'one' } });
      expect(await valuesOf(P0)).toEqual(['a=zero']);
      expect(await valuesOf(P1)).toEqual(['b=one']);
      expect(await store.position(P0)).toMatchObject({ coveredOffset: 1 });
      expect(await store.position(P1)).toMatchObject({ coveredOffset: 7 });
    });

    it('[S6] changesSince names every key changed after the offset, deletions too', async () => {
      await store.claim(P0);
      await apply(P0, { to: 4, set: { a: '1', b: '1' } });
      await apply(P0, { from: 4, to: 6, set: { b: '2' }, remove: ['a'] });
      await apply(P0, { from: 6, to: 9, set: { c: '3' } });
      expect(await changed(store, NO_OFFSET)).toEqual({ keys: ['a', 'b', 'c'], coveredOffset: 9 });
      expect(await changed(store, 4)).toEqual({ keys: ['a', 'b', 'c'], coveredOffset: 9 });
      expect(await changed(store, 5)).toEqual({ keys: ['a', 'b', 'c'], coveredOffset: 9 });
      expect(await changed(store, 6)).toEqual({ keys: ['c'], coveredOffset: 9 });
      expect(await changed(store, 9)).toEqual({ keys: [], coveredOffset: 9 });
    });

    it('[S6] a change that did not move the offset is named to who is at that offset', async () => {
      await store.claim(P0);
      await apply(P0, { to: 4, set: { a: '1' } });
      await apply(P0, { from: 4, to: 4, set: { b: '1' } });
      expect((await changed(store, 4)).keys).toEqual(['b']);
    });

    it('[S6] beyond its memory it says how far it reaches back, and is right from there on', async () => {
      await store.claim(P0);
      for (let at = 0; at < 30; at += 1) {
        const set = Object.fromEntries(
          Array.from({ length: 5 }, (_, key) => [`k${at}.${key}`, 'x']),
        );
        await apply(P0, { from: at - 1, to: at, set });
      }
      const tooFar = await store.changesSince(P0, offset(2));
      expect(tooFar).toMatchObject({ complete: false, coveredOffset: 29 });
      const reachesBackTo = (tooFar as { reachesBackTo: Offset }).reachesBackTo;
      expect(reachesBackTo).toBe(29 - CHANGED_KEYS_KEPT / 5);
      const found = await store.changesSince(P0, reachesBackTo);
      expect(found).toMatchObject({ complete: true });
      expect(found.complete && found.keys.length).toBe(CHANGED_KEYS_KEPT);
    });

    it('[S6] an offset that the state has not reached is not answered as if nothing changed', async () => {
      expect(await store.changesSince(P0, offset(3))).toMatchObject({ complete: false });
      expect(await store.changesSince(P0, NO_OFFSET)).toMatchObject({ complete: true, keys: [] });
      await store.claim(P0);
      await apply(P0, { to: 2, set: { a: '1' } });
      expect(await store.changesSince(P0, offset(3))).toMatchObject({
        complete: false,
        coveredOffset: 2,
      });
    });

    rule('open another', '[S7] a reader sees each apply whole or not at all', async () => {
      const reader = await fixture.openAnother();
      await store.claim(P0);
      const keys = Array.from({ length: 40 }, (_, at) => `k${at}`);
      let isWriting = true;
      const reading = (async () => {
        while (isWriting) {
          const seen = new Set((await reader.getMany(P0, keys)).map(textOf));
          expect(seen.size).toBe(1);
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      for (let at = 0; at < 40; at += 1) {
        const set = Object.fromEntries(keys.map((key) => [key, `${at}`]));
        await apply(P0, { from: at - 1, to: at, set });
        await new Promise((resolve) => setImmediate(resolve));
      }
      isWriting = false;
      await reading;
      expect((await reader.getMany(P0, ['k0'])).map(textOf)).toEqual(['39']);
    });

    it('[S8] after close every call rejects with its code, and closing again does nothing', async () => {
      await store.claim(P0);
      await store.close();
      await store.close();
      const calls: readonly (() => Promise<unknown>)[] = [
        () => store.claim(P0),
        () => store.position(P0),
        () => store.getMany(P0, ['a']),
        () => store.scan(P0, { prefix: '', limit: 1 }),
        () => apply(P0, { to: 1 }),
        () => store.changesSince(P0, NO_OFFSET),
        () => store.clear(P0),
        () => store.sizeBytes(),
      ];
      for (const call of calls) {
        await expect(call()).rejects.toMatchObject({ code: 'state_closed' });
      }
    });

    it('[S9] clear takes values and position away, and fences who owned the state', async () => {
      await store.claim(P0);
      await store.claim(P1);
      await apply(P0, { to: 8, hash: 3, set: { a: '1' } });
      await apply(P1, { to: 8, set: { b: '1' } });
      await store.clear(P0);
      expect(await valuesOf(P0)).toEqual([]);
      expect(await store.position(P0)).toEqual({
        epoch: 2,
        coveredOffset: NO_OFFSET,
        logId: null,
        recordHash: 0,
      });
      expect(await apply(P0, { to: 1, set: { a: 'zombie' } })).toMatchObject({
        outcome: 'mismatch',
      });
      expect(await store.claim(P0)).toMatchObject({ epoch: 3 });
      expect(await valuesOf(P1)).toEqual(['b=1']);
    });

    it('[S9] who followed the changes before a clear is told to read everything again', async () => {
      await store.claim(P0);
      await apply(P0, { to: 8, set: { a: '1' } });
      await store.clear(P0);
      expect(await store.changesSince(P0, offset(8))).toMatchObject({ complete: false });
      const { epoch } = await store.claim(P0);
      await apply(P0, { epoch, to: 20, log: 'log-b', set: { z: '1' } });
      expect(await store.changesSince(P0, offset(7))).toMatchObject({ complete: false });
      expect(await store.changesSince(P0, offset(20))).toMatchObject({ complete: true });
    });

    it('says how large it is', async () => {
      await store.claim(P0);
      await apply(P0, { to: 1, set: { a: 'x'.repeat(100_000) } });
      expect(await store.sizeBytes()).toBeGreaterThanOrEqual(100_000);
    });
  });
};

interface ApplyParts {
  readonly epoch?: number;
  readonly from?: number;
  readonly to?: number;
  readonly hash?: number;
  readonly log?: string;
  readonly set?: Readonly<Record<string, string>>;
  readonly remove?: readonly string[];
}

export const applyRequest = ({
  epoch = 1,
  from = NO_OFFSET,
  to = 0,
  hash = 0,
  log = LOG,
  set = {},
  remove = [],
}: ApplyParts): ApplyRequest => ({
  epoch,
  expectedOffset: offset(from),
  coveredOffset: offset(to),
  logId: log as LogId,
  recordHash: hash,
  changes: [
    ...Object.entries(set).map(([key, value]) => change(key, value)),
    ...remove.map((key) => ({ key, value: undefined })),
  ],
});

const change = (key: string, value: string): StateChange => ({
  key,
  value: new TextEncoder().encode(value),
});

const textOf = (value: Uint8Array | undefined): string | undefined =>
  value && new TextDecoder().decode(value);

const changed = async (store: StateStore, since: number) => {
  const found = await store.changesSince(P0, offset(since));
  if (!found.complete) throw new Error('Expected the changes to reach back that far.');
  return { keys: [...found.keys].sort(), coveredOffset: found.coveredOffset };
};
