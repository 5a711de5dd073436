import { describe, expect, it } from 'vitest';
import { partitionIndex, statePartition } from '../../schemas/ids.ts';
import { MemoryStateDisk, MemoryStateStore } from './memory-state-store.ts';
import { applyRequest, fixtureOf, stateStoreContract } from './state-store.contract.ts';

stateStoreContract({
  name: 'MemoryStateStore',
  create: async ({ changedKeysKept }) => {
    const disk = new MemoryStateDisk();
    return fixtureOf(() => new MemoryStateStore({ disk, changedKeysKept }));
  },
});

const P0 = statePartition('contract', partitionIndex(0));

describe('MemoryStateStore in a simulation', () => {
  it('applies nothing before its completion runs, and answers nothing after a crash', async () => {
    const waiting: (() => void)[] = [];
    const store = new MemoryStateStore({ schedule: (complete) => void waiting.push(complete) });
    const answers: unknown[] = [];
    void store.claim(P0).then((answer) => answers.push(answer));
    const disk = store.crash({ keepUnflushed: true });
    for (const complete of waiting) complete();
    expect(answers).toEqual([]);
    expect(await new MemoryStateStore({ disk }).position(P0)).toBeUndefined();
  });

  it('a power cut goes back to the last flush, position and values together', async () => {
    const store = new MemoryStateStore();
    await store.claim(P0);
    await store.apply(P0, applyRequest({ to: 1, set: { a: 'flushed' } }));
    store.flush();
    await store.apply(P0, applyRequest({ from: 1, to: 2, set: { a: 'lost', b: 'lost' } }));
    const after = new MemoryStateStore({ disk: store.crash({ keepUnflushed: false }) });
    expect(await after.position(P0)).toMatchObject({ coveredOffset: 1 });
    expect(await after.scan(P0, { prefix: '', limit: 9 })).toHaveLength(1);
  });

  it('a killed process loses no apply', async () => {
    const store = new MemoryStateStore();
    await store.claim(P0);
    await store.apply(P0, applyRequest({ to: 2, set: { a: 'kept' } }));
    const after = new MemoryStateStore({ disk: store.crash({ keepUnflushed: true }) });
    expect(await after.position(P0)).toMatchObject({ coveredOffset: 2 });
  });
});
