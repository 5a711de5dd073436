import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../schemas/silent-logger.fixture.ts';
import { artifactStoreContract, file, release } from './artifact-store.contract.ts';
import { openDirectoryArtifactStore } from './directory-artifact-store.ts';

const flipBit = async (directory: string, version: string, name: string): Promise<void> => {
  const folder = join(directory, version);
  const part = (await readdir(folder)).find(
    (entry) => entry === name || entry.endsWith(`-${name}`),
  )!;
  const bytes = await readFile(join(folder, part));
  bytes[0]! ^= 1;
  await writeFile(join(folder, part), bytes);
};

artifactStoreContract({
  name: 'DirectoryArtifactStore',
  create: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'freshet-artifacts-'));
    const openStore = () => openDirectoryArtifactStore({ directory, logger: silentLogger });
    return {
      store: await openStore(),
      reopen: openStore,
      damage: (version, name) => flipBit(directory, version, name),
      remove: () => rm(directory, { recursive: true }),
    };
  },
});

describe('a directory of releases', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'freshet-artifacts-'));
  });
  afterEach(() => rm(directory, { recursive: true }));
  const open = () => openDirectoryArtifactStore({ directory, logger: silentLogger });

  for (const part of ['manifest.json', 'SHA256SUMS']) {
    it(`[A2] a flipped bit in ${part} is refused, the list goes on without that release`, async () => {
      const store = await open();
      for (const version of ['1', '2']) await store.publish(release(version), [file('a', 'b')]);
      await flipBit(directory, '2', part);
      await expect(store.read('2')).rejects.toMatchObject({
        code: 'artifact_damaged',
        details: { version: '2' },
      });
      expect((await store.list()).map(({ version }) => version)).toEqual(['1']);
    });
  }

  it('[A2] bytes too many, a missing file and a release under another name are damage', async () => {
    const store = await open();
    for (const version of ['1', '2', '3']) await store.publish(release(version), [file('a', 'b')]);
    await appendFile(join(directory, '1', '0-a'), 'x');
    await rm(join(directory, '2', '0-a'));
    await rm(join(directory, '3', '0-a'));
    await rm(join(directory, '3'), { recursive: true });
    await mkdir(join(directory, '3'));
    for (const version of ['1', '2', '3']) {
      await expect(store.read(version)).rejects.toMatchObject({ code: 'artifact_damaged' });
    }
  });

  it('lists its checksums as sha256sum checks them', async () => {
    await (await open()).publish(release('1'), [file('a', 'hello')]);
    const sums = await readFile(join(directory, '1', 'SHA256SUMS'), 'utf8');
    expect(sums.split('\n')[0]).toBe(
      '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824  0-a',
    );
  });

  it('[A1] what a killed publisher left behind is never listed and goes with the next publish', async () => {
    const store = await open();
    await mkdir(join(directory, '.staged-abc'));
    await writeFile(join(directory, '.staged-abc', '0-a'), 'half');
    expect(await store.list()).toEqual([]);
    await store.publish(release('1'), [file('a', 'b')]);
    expect(await readdir(directory)).toEqual(['1']);
  });

  it('a disk without room is said so, and what was half written is taken away', async () => {
    const full = await openDirectoryArtifactStore({
      directory,
      logger: silentLogger,
      crashPoint: () => {
        throw Object.assign(new Error('write'), { code: 'ENOSPC', syscall: 'write' });
      },
    });
    await expect(full.publish(release('1'), [file('a', 'b')])).rejects.toMatchObject({
      code: 'disk_full',
    });
    expect(await readdir(directory)).toEqual([]);
  });
});
