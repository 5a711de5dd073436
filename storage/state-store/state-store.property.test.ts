/** Random histories of the embedded store; a kill is a copy of its files while it is open. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { openLmdbStateStore } from './lmdb-state-store.ts';
import { type HistorySubject, historySteps, StateHistory } from './state-history.fixture.ts';

const lmdbSubject = (): HistorySubject => {
  const root = mkdtempSync(join(tmpdir(), 'freshet-state-'));
  let lives = 0;
  const directory = () => join(root, `life-${lives}`);
  return {
    open: (options) => openLmdbStateStore({ directory: directory(), bootId: 'boot 1', ...options }),
    kill: async () => {
      const before = directory();
      lives += 1;
      cpSync(before, directory(), { recursive: true });
    },
    remove: async () => rmSync(root, { recursive: true }),
  };
};

describe('LmdbStateStore and its model', () => {
  it('answer the same in any history of claims, applies, clears, reopenings and kills', async () => {
    await fc.assert(
      fc.asyncProperty(historySteps, (steps) => new StateHistory(lmdbSubject()).run(steps)),
      { numRuns: 25, seed: 1_234 },
    );
  });
});
