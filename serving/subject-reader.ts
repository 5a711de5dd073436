/**
 * A person's or session's state: one read of one key, whoever asks. For lists there is more: while the
 * store is away, or is being made again from the log, what it told last of a person counts.
 */
import { FreshetError } from '../schemas/errors.ts';
import {
  type PartitionIndex,
  type SessionId,
  type StatePartition,
  type SubjectId,
  statePartition,
  subjectOfSession,
  subjectOfUser,
  type UserId,
} from '../schemas/ids.ts';
import { decodeSubjectState } from '../schemas/state/subject-codec.ts';
import { type SubjectState, subjectKey } from '../schemas/state/subject-state.ts';
import { TOPICS } from '../schemas/topics.ts';
import { partitionOf } from '../storage/event-log/partitioner.ts';
import type { StateStore } from '../storage/state-store/state-store.ts';
import type { Audience } from './recommend.ts';
import type { RememberedStates } from './remembered-states.ts';

const SUBJECT_PREFIX = subjectKey('');
const USER_PREFIX = subjectOfUser('' as UserId);

export interface Subject {
  readonly id: SubjectId;
  readonly audience: Audience;
  readonly key: string;
  readonly partition: PartitionIndex;
  readonly statePartition: StatePartition;
}

export interface KnownState {
  readonly state: SubjectState | undefined;
  /** It comes from memory, or from a store that knows less than it did. */
  readonly isStale: boolean;
}

export interface SubjectReaderOptions {
  readonly stateStore: Pick<StateStore, 'getMany'>;
  readonly partitionCount: number;
  readonly remembered: RememberedStates;
  /** Whether the store knows less of a partition than it did, since that is being made again. */
  readonly isBehind: (partition: StatePartition) => boolean;
  /** Finds that out now. */
  readonly look: (partition: StatePartition) => Promise<void>;
}

export class SubjectReader {
  readonly #given: SubjectReaderOptions;
  readonly #names: readonly StatePartition[];
  #reads = 0;

  constructor(given: SubjectReaderOptions) {
    this.#given = given;
    this.#names = Array.from({ length: given.partitionCount }, (_, index) =>
      statePartition(TOPICS.interactions.name, index as PartitionIndex),
    );
  }

  get readCount(): number {
    return this.#reads;
  }

  ofUser(id: UserId): Subject {
    return this.#subject(subjectOfUser(id), 'user');
  }

  ofSession(id: SessionId): Subject {
    return this.#subject(subjectOfSession(id), 'session');
  }

  /** By the key of the state. */
  ofKey(key: string): Subject {
    const id = key.slice(SUBJECT_PREFIX.length) as SubjectId;
    return this.#subject(id, id.startsWith(USER_PREFIX) ? 'user' : 'session');
  }

  async read(subject: Subject): Promise<SubjectState | undefined> {
    return decoded(await this.#stored(subject));
  }

  /** For lists: while the store cannot tell, what it told last. */
  async known(subject: Subject): Promise<KnownState> {
    const { remembered, isBehind, look } = this.#given;
    const own = remembered.of(subject.key);
    try {
      let stored = await this.#stored(subject);
      // Whom the store knew and knows no longer: forgotten, or all of it is gone.
      if (stored === undefined && own !== undefined) {
        await look(subject.statePartition);
        stored = await this.#stored(subject);
      }
      if (!isBehind(subject.statePartition)) {
        remembered.put(subject.key, stored);
        return { state: decoded(stored), isStale: false };
      }
      return { state: newer(decoded(stored), decoded(own)), isStale: true };
    } catch (error) {
      if (!(error instanceof FreshetError) || error.code !== 'state_unavailable') throw error;
      return { state: decoded(own), isStale: true };
    }
  }

  /** Drops what memory holds of somebody who was forgotten. */
  letGoOf(id: SubjectId): void {
    this.#given.remembered.letGoOf(subjectKey(id));
  }

  async #stored(subject: Subject): Promise<Uint8Array | undefined> {
    this.#reads++;
    const [value] = await this.#given.stateStore.getMany(subject.statePartition, [subject.key]);
    return value;
  }

  #subject(id: SubjectId, audience: Audience): Subject {
    const partition = partitionOf(id, this.#given.partitionCount);
    return {
      id,
      audience,
      key: subjectKey(id),
      partition,
      statePartition: this.#names[partition]!,
    };
  }
}

const decoded = (value: Uint8Array | undefined): SubjectState | undefined =>
  value === undefined ? undefined : decodeSubjectState(value);

const newer = (
  left: SubjectState | undefined,
  right: SubjectState | undefined,
): SubjectState | undefined => {
  if (left === undefined || right === undefined) return left ?? right;
  return left.lastOffset >= right.lastOffset ? left : right;
};
