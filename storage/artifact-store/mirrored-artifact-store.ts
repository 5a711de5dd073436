/**
 * Releases of a store that all processes share, with copies on this machine's own disk: what was read
 * once is read from there, so that a restart finds the release in use also while the shared store is
 * away. Versions never change, so a copy is as good as the release; one that is damaged is not used.
 */
import type { Logger } from '../../schemas/environment.ts';
import type { ArtifactStore, Release } from './artifact-store.ts';

export interface MirroredArtifactStoreOptions {
  readonly shared: ArtifactStore;
  readonly own: ArtifactStore;
  readonly logger: Logger;
  /** Copies that stay, the newest; the one read last is always among them. */
  readonly copiesKept?: number;
}

const COPIES_KEPT = 3;

export const mirroredArtifactStore = (options: MirroredArtifactStoreOptions): ArtifactStore => {
  const { shared, own, logger, copiesKept = COPIES_KEPT } = options;

  const copyOf = async (version: string): Promise<Release | undefined> => {
    try {
      return await own.read(version);
    } catch {
      // Not there, or damaged: the shared store has it.
      return undefined;
    }
  };

  /** Serving does not depend on the copy: a full disk costs it, and nothing else. */
  const keepCopy = async ({ manifest, files }: Release): Promise<void> => {
    const { files: _, ...told } = manifest;
    const contents = [...files].map(([name, bytes]) => ({ name, bytes }));
    try {
      await own.publish(told, contents);
      await own.prune({ keep: copiesKept, inUse: manifest.version });
    } catch (error) {
      logger.warn('A release is not kept on this disk', { version: manifest.version, error });
    }
  };

  return {
    publish: (manifest, files) => shared.publish(manifest, files),
    async read(version) {
      const copy = await copyOf(version);
      if (copy !== undefined) return copy;
      const release = await shared.read(version);
      await keepCopy(release);
      return release;
    },
    async list() {
      try {
        return await shared.list();
      } catch (error) {
        logger.warn('The shared releases cannot be seen; those on this disk are told', { error });
        return own.list();
      }
    },
    async prune(limits) {
      const removed = await shared.prune(limits);
      await own.prune(limits);
      return removed;
    },
    async close() {
      await Promise.all([shared.close(), own.close()]);
    },
  };
};
