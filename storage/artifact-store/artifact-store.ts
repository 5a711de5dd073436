/**
 * The port of the artifact store: releases of models, immutable, checksummed, published whole or
 * not at all. Which release is in use is the last promotion record of the control log, not a field
 * here. The rules A1–A4 stand in `artifact-store.contract.ts`.
 */
import type { EpochMs } from '../../schemas/ids.ts';

export interface ArtifactFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface ReleaseManifest {
  /** Sortable by time of publication, for example 20260101T030000Z-3f2a. */
  readonly version: string;
  readonly createdAt: EpochMs;
  /** Whatever the trainer records: log positions, metrics, settings. JSON. */
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface StoredFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface StoredManifest extends ReleaseManifest {
  readonly files: readonly StoredFile[];
}

export interface Release {
  readonly manifest: StoredManifest;
  readonly files: ReadonlyMap<string, Uint8Array>;
}

export interface PruneOptions {
  /** So many of the newest stay. */
  readonly keep: number;
  /** Stays always. */
  readonly inUse: string | null;
  /** These go however new they are, and none of them is among those that stay. */
  readonly unclaimed?: readonly string[];
}

export interface ArtifactStore {
  publish(manifest: ReleaseManifest, files: readonly ArtifactFile[]): Promise<StoredManifest>;
  /** Every byte verified; a damaged release is refused by name. The bytes are the caller's alone. */
  read(version: string): Promise<Release>;
  /** Newest first. */
  list(): Promise<readonly StoredManifest[]>;
  /** Returns the versions removed. */
  prune(options: PruneOptions): Promise<readonly string[]>;
  close(): Promise<void>;
}
