/** The artifact store in memory: the model that the others are compared with. */
import { FreshetError } from '../../schemas/errors.ts';
import type {
  ArtifactFile,
  ArtifactStore,
  PruneOptions,
  Release,
  ReleaseManifest,
  StoredManifest,
} from './artifact-store.ts';
import { mustFit, newestFirst, storedManifestOf, versionsToPrune } from './release-manifest.ts';

export class MemoryArtifactStore implements ArtifactStore {
  readonly #releases = new Map<string, Release>();

  async publish(
    manifest: ReleaseManifest,
    files: readonly ArtifactFile[],
  ): Promise<StoredManifest> {
    const stored = storedManifestOf(manifest, files);
    if (this.#releases.has(stored.version)) {
      throw new FreshetError('artifact_exists', { version: stored.version });
    }
    const copies = files.map(({ name, bytes }) => [name, Uint8Array.from(bytes)] as const);
    this.#releases.set(stored.version, { manifest: stored, files: new Map(copies) });
    return structuredClone(stored);
  }

  async read(version: string): Promise<Release> {
    const { manifest, files } = this.#find(version);
    for (const file of manifest.files) mustFit(version, file, files.get(file.name)!);
    return structuredClone({ manifest, files });
  }

  async list(): Promise<readonly StoredManifest[]> {
    const manifests = [...this.#releases.values()].map(({ manifest }) => manifest);
    return structuredClone(manifests).sort(newestFirst);
  }

  async prune(options: PruneOptions): Promise<readonly string[]> {
    const versions = (await this.list()).map(({ version }) => version);
    const removed = versionsToPrune(versions, options);
    for (const version of removed) this.#releases.delete(version);
    return removed;
  }

  async close(): Promise<void> {
    this.#releases.clear();
  }

  /** For tests: flips a bit of a stored file. */
  damage(version: string, file: string): void {
    this.#find(version).files.get(file)![0]! ^= 1;
  }

  #find(version: string): Release {
    const release = this.#releases.get(version);
    if (release === undefined) throw new FreshetError('not_found', { what: `release ${version}` });
    return release;
  }
}
