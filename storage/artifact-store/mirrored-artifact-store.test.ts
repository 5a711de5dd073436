import { describe, expect, it } from 'vitest';
import { FreshetError } from '../../schemas/errors.ts';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { artifactStoreContract, file, release } from './artifact-store.contract.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { MemoryArtifactStore } from './memory-artifact-store.ts';
import { mirroredArtifactStore } from './mirrored-artifact-store.ts';

artifactStoreContract({
  name: 'a mirrored artifact store',
  create: async () => {
    const shared = new MemoryArtifactStore();
    const store = mirroredArtifactStore({
      shared,
      own: new MemoryArtifactStore(),
      logger: silentLogger,
    });
    return {
      store,
      reopen: async () => store,
      damage: async (version, name) => shared.damage(version, name),
      remove: () => store.close(),
    };
  },
  lacksReopen: 'memory ends with its process',
});

/** A shared store whose server can be away. */
const away = (store: ArtifactStore, isAway: () => boolean): ArtifactStore => {
  const here = async <Result>(ask: () => Promise<Result>): Promise<Result> => {
    if (isAway()) throw new FreshetError('unavailable', { why: 'the server is away' });
    return ask();
  };
  return {
    publish: (manifest, files) => here(() => store.publish(manifest, files)),
    read: (version) => here(() => store.read(version)),
    list: () => here(() => store.list()),
    prune: (limits) => here(() => store.prune(limits)),
    close: () => store.close(),
  };
};

describe('a mirrored artifact store', () => {
  it('reads what it read before while the shared one is away, and tells what it has', async () => {
    let isAway = false;
    const shared = new MemoryArtifactStore();
    const own = new MemoryArtifactStore();
    const store = mirroredArtifactStore({
      shared: away(shared, () => isAway),
      own,
      logger: silentLogger,
    });
    await shared.publish(release('1'), [file('a', 'one')]);
    await shared.publish(release('2'), [file('a', 'two')]);
    const read = await store.read('2');
    isAway = true;
    expect(await store.read('2')).toEqual(read);
    expect((await store.list()).map(({ version }) => version)).toEqual(['2']);
    await expect(store.read('1')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('reads from the shared one where the copy is damaged', async () => {
    const shared = new MemoryArtifactStore();
    const own = new MemoryArtifactStore();
    const store = mirroredArtifactStore({ shared, own, logger: silentLogger });
    await shared.publish(release('1'), [file('a', 'one')]);
    const read = await store.read('1');
    own.damage('1', 'a');
    expect(await store.read('1')).toEqual(read);
  });

  it('keeps so many copies, the one read last among them', async () => {
    const shared = new MemoryArtifactStore();
    const own = new MemoryArtifactStore();
    const store = mirroredArtifactStore({ shared, own, logger: silentLogger, copiesKept: 1 });
    for (const version of ['1', '2', '3']) await shared.publish(release(version), [file('a', 'x')]);
    for (const version of ['3', '2', '1']) await store.read(version);
    expect((await own.list()).map(({ version }) => version)).toEqual(['3', '1']);
  });
});
