/**
 * Keeps the people who acted last in memory, for whoever looks for others like somebody: what each of
 * them chose, from the state, as lists judge it. A view (I7): nothing goes by it but candidates, and it
 * may be dropped and read again at any time.
 *
 * Hints say who acted; those are read again with the next poll, so many a second at most, and when more
 * act than that the ones who acted longest ago are passed over. After a start the whole state is read
 * page by page, as many people at a time; where there is no room for all, those who acted last stay. So
 * it is again where somebody was passed over and there is room.
 */
import type { PeopleIndex } from '../../algorithms/neighbourhood/people-index.ts';
import type { Clock } from '../../schemas/environment.ts';
import type { StatePartition, SubjectId } from '../../schemas/ids.ts';
import { subjectOfUser } from '../../schemas/ids.ts';
import { decodeSubjectState } from '../../schemas/state/subject-codec.ts';
import { subjectKey } from '../../schemas/state/subject-state.ts';
import type { StateStore } from '../../storage/state-store/state-store.ts';
import type { PeopleOptions } from '../options.ts';
import { type ProfileOptions, profileOf } from '../profile.ts';

/** Only people: an anonymous session is nobody to be like. */
const USER_PREFIX = subjectKey(subjectOfUser('' as never));
const SUBJECT_PREFIX_LENGTH = subjectKey('').length;
/** Read in one piece of work: about a millisecond. */
const PIECE = 25;

export interface PeopleFollowerOptions {
  readonly stateStore: StateStore;
  readonly index: PeopleIndex;
  readonly profiles: ProfileOptions;
  readonly clock: Clock;
  readonly options: PeopleOptions;
}

export interface PeopleCounts {
  readonly held: number;
  readonly max: number;
  /** Who acted and is not read again yet. */
  readonly waiting: number;
  /** Who acted and was passed over because too many did. */
  readonly passedOver: number;
  readonly bytes: number;
}

export class PeopleFollower {
  readonly #given: PeopleFollowerOptions;
  /** The partition of each key; who acted last at the end. */
  readonly #waiting = new Map<string, StatePartition>();
  /** Partitions still to be read, with the last key that was. */
  readonly #unread = new Map<StatePartition, string | undefined>();
  #passedOver = 0;

  constructor(given: PeopleFollowerOptions) {
    this.#given = given;
  }

  counts(): PeopleCounts {
    const { index, options } = this.#given;
    return {
      held: index.peopleCount,
      max: options.peopleMax,
      waiting: this.#waiting.size,
      passedOver: this.#passedOver,
      bytes: index.sizeBytes,
    };
  }

  changed(partition: StatePartition, keys: readonly string[]): void {
    const { index, options } = this.#given;
    const { peopleMax, readPerPoll } = options;
    if (peopleMax === 0) return;
    for (const key of keys) {
      if (!key.startsWith(USER_PREFIX)) continue;
      this.#waiting.delete(key);
      this.#waiting.set(key, partition);
    }
    for (const [key, from] of this.#waiting) {
      if (this.#waiting.size <= readPerPoll) break;
      this.#waiting.delete(key);
      this.#passedOver += 1;
      // While there is room, whoever was passed over is found where the others were.
      if (!index.isFull && !this.#unread.has(from)) this.#unread.set(from, undefined);
    }
  }

  /** Whoever was forgotten is not to be met again, also where no hint told of it. */
  letGoOf(subject: SubjectId): void {
    this.#waiting.delete(subjectKey(subject));
    this.#given.index.remove(subject);
  }

  /** The partition's state is another: whoever was known may be somebody else now. */
  reset(partition: StatePartition): void {
    if (this.#given.options.peopleMax === 0) return;
    if (this.#unread.size === 0) this.#given.index.clear();
    this.#unread.set(partition, undefined);
  }

  /** Reads again who acted, and some of those not read yet. */
  async refresh(): Promise<void> {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    const byPartition = Map.groupBy(waiting, ([, partition]) => partition);
    for (const [partition, entries] of byPartition) {
      const keys = entries.map(([key]) => key);
      for (let from = 0; from < keys.length; from += PIECE) {
        await this.#read(partition, keys.slice(from, from + PIECE));
        await turn();
      }
    }
    await this.#readUnread();
  }

  async #read(partition: StatePartition, keys: readonly string[]): Promise<void> {
    const values = await this.#given.stateStore.getMany(partition, keys);
    for (const [place, key] of keys.entries()) this.#take(key, values[place]);
  }

  async #readUnread(): Promise<void> {
    const { stateStore, options } = this.#given;
    let left = options.readPerPoll;
    while (left > 0 && this.#unread.size > 0) {
      const [partition, after] = this.#unread.entries().next().value!;
      const page = await stateStore.scan(partition, {
        prefix: USER_PREFIX,
        limit: PIECE,
        ...(after === undefined ? {} : { after }),
      });
      for (const { key, value } of page) this.#take(key, value);
      left -= PIECE;
      if (page.length < PIECE) this.#unread.delete(partition);
      else this.#unread.set(partition, page.at(-1)!.key);
      await turn();
    }
  }

  #take(key: string, value: Uint8Array | undefined): void {
    const { index, profiles, clock } = this.#given;
    const subject = key.slice(SUBJECT_PREFIX_LENGTH) as SubjectId;
    if (value === undefined) {
      index.remove(subject);
      return;
    }
    const state = decodeSubjectState(value);
    const actedAt = state.lastEventAt;
    if (!index.hasRoomFor(subject, actedAt)) return;
    const { positives } = profileOf(subject, state, clock.now(), profiles);
    const newestFirst = positives.map(({ slot, entry }) => ({ item: slot, at: entry.occurredAt }));
    index.put(subject, { newestFirst, actedAt });
  }
}

/** Lets requests and answers have theirs. */
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));
