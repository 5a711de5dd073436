/** A person's or session's state: one read of one key, whoever asks. */
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

export interface Subject {
  readonly id: SubjectId;
  readonly audience: Audience;
  readonly key: string;
  readonly partition: PartitionIndex;
  readonly statePartition: StatePartition;
}

export class SubjectReader {
  readonly #stateStore: StateStore;
  readonly #partitionCount: number;
  readonly #names: readonly StatePartition[];
  #reads = 0;

  constructor(stateStore: StateStore, partitionCount: number) {
    this.#stateStore = stateStore;
    this.#partitionCount = partitionCount;
    this.#names = Array.from({ length: partitionCount }, (_, index) =>
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

  async read(subject: Subject): Promise<SubjectState | undefined> {
    this.#reads++;
    const [value] = await this.#stateStore.getMany(subject.statePartition, [subject.key]);
    return value === undefined ? undefined : decodeSubjectState(value);
  }

  #subject(id: SubjectId, audience: Audience): Subject {
    const partition = partitionOf(id, this.#partitionCount);
    return {
      id,
      audience,
      key: subjectKey(id),
      partition,
      statePartition: this.#names[partition]!,
    };
  }
}
