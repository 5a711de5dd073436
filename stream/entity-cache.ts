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
  /** What it counts for among the changes. */
  pendingBytes: number;
  /** Its value when it was last read or written: the bytes, and their upper bound. */
  storedBytes: number;
  storedBytesMax: number;
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
  /** Of the first of those that changed, encoded ahead. */
  #encoded: StateChange[] = [];
  /**
   * About the bytes that `changes` will give, keys included. Upper bounds would be more than twice as
   * many, and applies half as full: an entity counts as what it took when it was last stored and an
   * eighth, since numbers grow in place, and what was added to it counts in full.
   */
  changedBytes = 0;

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
    const storedBytes = bytes === undefined ? 0 : bytes.length;
    const storedBytesMax = this.#bytesMaxOf(entity);
    const slot = { key, entity, isChanged: false, pendingBytes: 0, storedBytes, storedBytesMax };
    this.#young.set(key, slot);
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
    const { key, storedBytes, storedBytesMax } = slot;
    const added = Math.max(0, this.#bytesMaxOf(entity) - storedBytesMax);
    const value = entity === undefined ? 0 : storedBytes + (storedBytes >>> 3) + added;
    const pendingBytes = 3 * key.length + value;
    this.changedBytes += pendingBytes - slot.pendingBytes;
    slot.pendingBytes = pendingBytes;
    if (this.#encoded.length > 0) this.#encoded = [];
    if (slot.isChanged) return;
    slot.isChanged = true;
    this.#changed.push(slot);
  }

  /** Encodes so many more of what changed, so that `changes` has less to do; true while some are left. */
  encodeAhead(count: number): boolean {
    const end = Math.min(this.#encoded.length + count, this.#changed.length);
    while (this.#encoded.length < end) {
      const slot = this.#changed[this.#encoded.length]!;
      const { key, entity } = slot;
      const value = entity === undefined ? undefined : this.#codec.encode(entity);
      this.#encoded.push({ key, value });
      slot.storedBytes = value === undefined ? 0 : value.length;
      slot.storedBytesMax = this.#bytesMaxOf(entity);
    }
    return end < this.#changed.length;
  }

  /** The changes since the last call, encoded. */
  changes(): StateChange[] {
    this.encodeAhead(this.#changed.length);
    const changes = this.#encoded;
    for (const slot of this.#changed) {
      slot.isChanged = false;
      slot.pendingBytes = 0;
    }
    this.#encoded = [];
    this.#changed = [];
    this.changedBytes = 0;
    return changes;
  }

  #bytesMaxOf(entity: Entity | undefined): number {
    return entity === undefined ? 0 : this.#codec.bytesMaxOf(entity);
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
    this.#encoded = [];
    this.changedBytes = 0;
  }
}
