/**
 * The rules of the ArtifactStore, run against every adapter.
 *
 * A1 publish is atomic: a reader sees the whole release or none; a kill while publishing leaves
 * nothing visible. A2 every read verifies the checksums; a damaged release is refused by name and the
 * others go on. A3 which release is in use is not a field here. A4 prune keeps the newest N and the one
 * in use.
 *
 * Beyond the port's own: A5 a published version never changes and is refused a second time; A6 names
 * that could leave the store are refused; A7 what is handed over or out is a copy.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { epochMs } from '../../schemas/ids.ts';
import type { ArtifactFile, ArtifactStore, ReleaseManifest } from './artifact-store.ts';

export interface ArtifactStoreFixture {
  readonly store: ArtifactStore;
  /** Opens the store again on what it stored, as another process would. */
  reopen(): Promise<ArtifactStore>;
  /** Flips a bit of a stored file, behind the store's back. */
  damage(version: string, file: string): Promise<void>;
  remove(): Promise<void>;
}

export interface ArtifactStoreUnderTest {
  readonly name: string;
  readonly create: () => Promise<ArtifactStoreFixture>;
  /** Why the store cannot be opened again, where that is so. */
  readonly lacksReopen?: string;
}

export const release = (
  version: string,
  facts: ReleaseManifest['facts'] = {},
): ReleaseManifest => ({
  version,
  createdAt: epochMs(1_700_000_000_000),
  facts,
});

export const file = (name: string, text: string): ArtifactFile => ({
  name,
  bytes: Buffer.from(text),
});

const FILES = [file('als.bin', 'numbers'), file('blend.json', '{}'), file('empty', '')];

export const artifactStoreContract = (adapter: ArtifactStoreUnderTest): void => {
  describe(`${adapter.name} keeps the rules of the ArtifactStore`, () => {
    let fixture: ArtifactStoreFixture;
    let store: ArtifactStore;
    beforeEach(async () => {
      fixture = await adapter.create();
      store = fixture.store;
    });
    afterEach(() => fixture.remove());

    const publish = (...versions: string[]) =>
      versions.reduce<Promise<unknown>>(
        (before, version) => before.then(() => store.publish(release(version), FILES)),
        Promise.resolve(),
      );
    const versions = async (): Promise<readonly string[]> =>
      (await store.list()).map(({ version }) => version);

    it('[A1] a published release is read back whole, with the facts that were given', async () => {
      const facts = { positions: { 'interactions.0': 41 }, metric: 0.25, note: '☃ "quoted"\n' };
      const stored = await store.publish(release('2026-a', facts), FILES);
      const found = await store.read('2026-a');
      expect(found.manifest).toEqual(stored);
      expect(found.manifest).toMatchObject(release('2026-a', facts));
      expect([...found.files].map(([name, bytes]) => file(name, text(bytes)))).toEqual(FILES);
      expect(await store.list()).toEqual([stored]);
    });

    it('[A1] the list is newest first, whatever the order of publication', async () => {
      await publish('2026-02', '2026-03', '2026-01');
      expect(await versions()).toEqual(['2026-03', '2026-02', '2026-01']);
    });

    it('[A1] the later of two of one second is first, whatever letters end its version', async () => {
      const { createdAt } = release('any');
      const later = { ...release('2026-01-a'), createdAt: epochMs(createdAt + 1) };
      await store.publish(later, FILES);
      await store.publish(release('2026-01-b'), FILES);
      expect(await versions()).toEqual(['2026-01-a', '2026-01-b']);
      expect(await store.prune({ keep: 1, inUse: null })).toEqual(['2026-01-b']);
    });

    it('[A1] of two publishes of one version at once one wins, whole; others do not suffer', async () => {
      const all = await Promise.allSettled([
        store.publish(release('same'), [file('a', 'first')]),
        store.publish(release('same'), [file('a', 'second'), file('b', 'second')]),
        store.publish(release('other'), FILES),
      ]);
      expect(all.map(({ status }) => status).sort()).toEqual([
        'fulfilled',
        'fulfilled',
        'rejected',
      ]);
      const { manifest, files } = await store.read('same');
      expect([...files.keys()]).toEqual(manifest.files.map(({ name }) => name));
      expect(await versions()).toEqual(['same', 'other']);
    });

    it('[A2] a flipped bit in any file is refused by name, and the other releases go on', async () => {
      await publish('2026-01', '2026-02');
      await fixture.damage('2026-02', 'als.bin');
      await expect(store.read('2026-02')).rejects.toMatchObject({
        code: 'artifact_damaged',
        details: { version: '2026-02', file: 'als.bin' },
      });
      expect((await store.read('2026-01')).files.size).toBe(FILES.length);
    });

    it('[A2] a release that is not there is called so', async () => {
      await expect(store.read('2026-01')).rejects.toMatchObject({ code: 'not_found' });
    });

    it('[A4] prune keeps the newest and always the one in use, and says what went', async () => {
      await publish('1', '2', '3', '4', '5');
      expect(await store.prune({ keep: 2, inUse: '2' })).toEqual(['3', '1']);
      expect(await versions()).toEqual(['5', '4', '2']);
      expect(await store.prune({ keep: 2, inUse: '5' })).toEqual(['2']);
      expect(await store.prune({ keep: 2, inUse: null })).toEqual([]);
      expect(await store.prune({ keep: 0, inUse: 'unknown' })).toEqual(['5', '4']);
    });

    it('[A4] prune takes those named however new they are, never the one in use', async () => {
      await publish('1', '2', '3', '4', '5');
      expect(await store.prune({ keep: 2, inUse: '4', unclaimed: ['5', '4', '6'] })).toEqual([
        '5',
        '1',
      ]);
      expect(await versions()).toEqual(['4', '3', '2']);
    });

    it('[A4] a pruned release is gone for readers, and its version is free again', async () => {
      await publish('1', '2');
      await store.prune({ keep: 1, inUse: null });
      await expect(store.read('1')).rejects.toMatchObject({ code: 'not_found' });
      await publish('1');
      expect(await versions()).toEqual(['2', '1']);
    });

    it('[A5] a version is published once', async () => {
      await publish('1');
      await expect(store.publish(release('1'), [file('x', 'y')])).rejects.toMatchObject({
        code: 'artifact_exists',
      });
      expect([...(await store.read('1')).files.keys()]).toEqual(FILES.map(({ name }) => name));
    });

    for (const name of ['../x', '.hidden', '', 'a/b', 'a\\b', 'a b', 'ä', 'x'.repeat(129)]) {
      it(`[A6] ${JSON.stringify(name.slice(0, 12))} is refused as a version and as a file`, async () => {
        const refusal = { code: 'bad_value' };
        await expect(store.publish(release(name), FILES)).rejects.toMatchObject(refusal);
        await expect(store.publish(release('1'), [file(name, 'text')])).rejects.toMatchObject(
          refusal,
        );
        await expect(store.read(name)).rejects.toMatchObject({ code: 'not_found' });
        expect(await versions()).toEqual([]);
      });
    }

    it('[A6] ordinary words are ordinary names', async () => {
      const names = ['__proto__', 'constructor', 'manifest.json', 'SHA256SUMS', 'A', 'a'].filter(
        (name) => !name.startsWith('_'),
      );
      await store.publish(
        release('constructor'),
        names.map((name) => file(name, name)),
      );
      const { files } = await store.read('constructor');
      expect([...files].map(([name, bytes]) => [name, text(bytes)])).toEqual(
        names.map((name) => [name, name]),
      );
    });

    it('[A6] two files of one name are refused', async () => {
      const twins = [file('a', '1'), file('a', '2')];
      await expect(store.publish(release('1'), twins)).rejects.toMatchObject({ code: 'bad_value' });
    });

    it('[A7] changing what was handed over or out changes nothing stored', async () => {
      const bytes = Buffer.from('text');
      await store.publish(release('1'), [{ name: 'a', bytes }]);
      bytes.fill(0);
      (await store.read('1')).files.get('a')!.fill(0);
      expect(text((await store.read('1')).files.get('a')!)).toBe('text');
    });

    const reopening = '[A1] what was published is there for another process';
    const showReopening = async () => {
      await publish('1', '2');
      store = await fixture.reopen();
      expect(await versions()).toEqual(['2', '1']);
      expect((await store.read('1')).files.size).toBe(FILES.length);
    };
    if (adapter.lacksReopen === undefined) it(reopening, showReopening);
    else it.skip(`${reopening} (skipped: ${adapter.lacksReopen})`, showReopening);
  });
};

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
