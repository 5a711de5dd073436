/** The embedded state in two threads of one process: one owns it, the other reads it. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { offset, partitionIndex, statePartition } from '../../schemas/ids.ts';
import { openLmdbStateStore } from './lmdb-state-store.ts';
import { applyRequest } from './state-store.contract.ts';

const P0 = statePartition('contract', partitionIndex(0));
const KEYS = Array.from({ length: 30 }, (_, at) => `key-${at}`);

describe('LmdbStateStore in two threads', () => {
  it('[S7] the reader sees every apply whole while the file grows under it, and the owner goes on', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'freshet-state-'));
    const reader = await openLmdbStateStore({ directory, readOnly: true });
    const script = join(import.meta.dirname, 'state-owner.fixture.ts');
    const owner = new Worker(script, { argv: [directory, P0] });
    const broken: string[] = [];
    let newest = -1;
    let reads = 0;
    while (newest < 400) {
      const values = await reader.getMany(P0, KEYS);
      const texts = values.map((value) => value && new TextDecoder().decode(value));
      const numbers = new Set(texts.map((text) => Number.parseInt(text ?? '-1', 10)));
      const [number = -1] = numbers;
      if (numbers.size !== 1 || number < newest) broken.push([...numbers].join());
      newest = Math.max(newest, number);
      reads += 1;
      const changes = await reader.changesSince(P0, offset(newest));
      if (newest >= 0 && !changes.complete) broken.push(`changes at ${newest}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(broken).toEqual([]);
    expect(reads).toBeGreaterThan(10);
    // Never terminated: lmdb-js would wait for ever for a transaction that was cut off.
    const exited = once(owner, 'exit');
    owner.postMessage('stop');
    await exited;
    expect(await reader.position(P0)).toMatchObject({ epoch: 1 });
    await reader.close();
    rmSync(directory, { recursive: true });
  });

  it('a reading store refuses to write, as a mistake of the caller', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'freshet-state-'));
    const reader = await openLmdbStateStore({ directory, readOnly: true });
    await expect(reader.claim(P0)).rejects.toThrow(/opened for writing/);
    await expect(reader.apply(P0, applyRequest({ to: 1 }))).rejects.toThrow(/opened for writing/);
    expect(await reader.position(P0)).toBeUndefined();
    await reader.close();
    rmSync(directory, { recursive: true });
  });
});
