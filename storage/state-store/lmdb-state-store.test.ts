import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbStateStore } from './lmdb-state-store.ts';
import { stateStoreContract } from './state-store.contract.ts';
import type { StateStore } from './state-store.ts';

stateStoreContract({
  name: 'LmdbStateStore',
  create: async ({ changedKeysKept }) => {
    const directory = await mkdtemp(join(tmpdir(), 'freshet-state-'));
    const opened: StateStore[] = [];
    const open = async () => {
      const store = await openLmdbStateStore({ directory, changedKeysKept });
      opened.push(store);
      return store;
    };
    const store = await open();
    return {
      store,
      reopen: async () => {
        await store.close();
        return open();
      },
      openAnother: open,
      remove: async () => {
        for (const each of opened) await each.close();
        await rm(directory, { recursive: true });
      },
    };
  },
});
