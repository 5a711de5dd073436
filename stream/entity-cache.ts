/**
 * The decoded entities of one owned partition: a synchronous view that reads its own writes. What a
 * batch needs is prefetched in one call; what it changed is encoded once, when the batch is applied.
 *
 * Bounded by two generations: when the young one is full it becomes the old one, and what was not
 * touched since is let go. Only while nothing waits to be written.
 */
import type { StateChange } from '../storage/state-store/state-store.ts';

/** An entity's place in the cache; good until the next `trim`. */
export interface Slot<Entity> {
  readonly key: string;
  /** undefined where the store has none. */
  entity: Entity | undefined;
  isChanged: boolean;
  bytesMax: number;
}

export interface EntityCodec<Entity> {
  decode(bytes: Uint8Array): Entity;
  encode(entity: Entity): Uint8Array;
  /** An upper bound of what encoding it would give, without doing so. */
  bytesMaxOf(entity: Entity): number;
}

export class EntityCache<Entity> {
  readonly #codec: EntityCodec<Entity>;
  readonly #generationMax: number;
  #young = new Map<string, Slot<Entity>>();
  #old = new Map<string, Slot<Entity>>();
  #changed: Slot<Entity>[] = [];
  /** Upper bound of the bytes that `changes` will give, keys included. */
  changedBytesMax = 0;

  constructor(codec: EntityCodec<Entity>, entitiesMax: number) {
    this.#codec = codec;
    this.#generationMax = Math.max(1, Math.ceil(entitiesMax / 2));
  }

  get changedCount(): number {
    return this.#changed.length;
  }

  /** The slot of an entity that is known, or known to be absent; undefined where it must be loaded. */
  find(key: string): Slot<Entity> | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) {
      this.#old.delete(key);
      this.#young.set(key, old);
    }
    return old;
  }

  load(key: string, bytes: Uint8Array | undefined): void {
    const entity = bytes === undefined ? undefined : this.#codec.decode(bytes);
    this.#young.set(key, { key, entity, isChanged: false, bytesMax: 0 });
  }

  /** The slot of an entity that was prefetched. */
  slotOf(key: string): Slot<Entity> {
    const slot = this.find(key);
    if (slot === undefined) throw new Error(`Expected ${key} to be prefetched, it was not.`);
    return slot;
  }

  /** Sets the entity, or deletes it; one that was changed in place is set again. */
  set(slot: Slot<Entity>, entity: Entity | undefined): void {
    slot.entity = entity;
    const bytesMax =
      3 * slot.key.length + (entity === undefined ? 0 : this.#codec.bytesMaxOf(entity));
    this.changedBytesMax += bytesMax - slot.bytesMax;
    slot.bytesMax = bytesMax;
    if (slot.isChanged) return;
    slot.isChanged = true;
    this.#changed.push(slot);
  }

  /** The changes since the last call, encoded. */
  changes(): StateChange[] {
    const changes: StateChange[] = [];
    for (const slot of this.#changed) {
      const { key, entity } = slot;
      changes.push({ key, value: entity === undefined ? undefined : this.#codec.encode(entity) });
      slot.isChanged = false;
      slot.bytesMax = 0;
    }
    this.#changed = [];
    this.changedBytesMax = 0;
    return changes;
  }

  /** Lets go of what has not been used for long. Call when nothing waits to be applied. */
  trim(): void {
    if (this.#young.size < this.#generationMax || this.#changed.length > 0) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
    this.#changed = [];
    this.changedBytesMax = 0;
  }
}
