/**
 * Which lists are watched, and when each is made anew: a person's at once when the person did
 * something; all of them, some four times a second at most, when items changed, and never so often
 * that it takes more than a fifth of the time.
 */
import type { LiveChannel, LiveParams } from '../../schemas/api/live.ts';
import type { Clock, Logger } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { DurationMs, EpochMs } from '../../schemas/ids.ts';
import { sessionId, userId } from '../../schemas/ids.ts';
import type { SubjectState } from '../../schemas/state/subject-state.ts';
import type { Catalogue } from '../catalogue.ts';
import type { FreshnessMeter } from '../freshness.ts';
import { type ListQuestion, questionOf } from '../list-query.ts';
import type { ListService } from '../list-service.ts';
import type { ServingOptions } from '../options.ts';
import type { Rankings } from '../rankings.ts';
import type { Subject, SubjectReader } from '../subject-reader.ts';
import { type ListMaker, LiveList } from './live-list.ts';

export interface LiveHubParts {
  readonly lists: ListService;
  readonly subjects: SubjectReader;
  readonly catalogue: Catalogue;
  readonly freshness: FreshnessMeter;
  readonly rankings: Rankings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly options: ServingOptions;
}

/** A channel that shows a list. */
export type ListChannel = Exclude<LiveChannel, { readonly kind: 'activity' | 'system' }>;

/** Making lists for changed items may take one part in so many of the time. */
const PAUSE_FACTOR = 4;
/** After this much work the event loop gets a turn: about one list. */
const TURN_MS = 1;

export class LiveHub {
  readonly #given: LiveHubParts;
  readonly #lists = new Map<string, LiveList>();
  readonly #holders = new Map<LiveList, number>();
  readonly #ofSubject = new Map<string, Set<LiveList>>();
  readonly #stopping = new AbortController();
  #areItemsChanged = false;
  #wake: (() => void) | undefined;
  #refreshing: Promise<void> = Promise.resolve();
  #refreshes = 0;

  constructor(given: LiveHubParts) {
    this.#given = given;
  }

  get listCount(): number {
    return this.#lists.size;
  }

  get refreshCount(): number {
    return this.#refreshes;
  }

  start(): void {
    this.#refreshing = this.#refreshForEver();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake?.();
    await this.#refreshing;
  }

  /** The list of a channel, shared by all that watch it. Each opening ends with a release. */
  open(channel: ListChannel, params: LiveParams): LiveList {
    const key = keyOf(channel, params);
    const list = this.#lists.get(key) ?? this.#create(key, channel, params);
    this.#holders.set(list, (this.#holders.get(list) ?? 0) + 1);
    return list;
  }

  #create(key: string, channel: ListChannel, params: LiveParams): LiveList {
    if (this.#lists.size >= this.#given.options.live.listsMax) {
      throw new FreshetError('unavailable', { why: 'too many different lists are watched' });
    }
    const list = new LiveList({
      key,
      maker: this.#makerOf(channel, params),
      read: async (subject) => (await this.#given.subjects.known(subject)).state,
      receivedAt: (subject, state) => this.#receivedAt(subject, state),
    });
    this.#lists.set(key, list);
    if (list.subjectKey !== null) this.#listsOf(list.subjectKey).add(list);
    return list;
  }

  /** The last one out turns off the light. */
  release(list: LiveList): void {
    const holders = (this.#holders.get(list) ?? 0) - 1;
    if (holders > 0) {
      this.#holders.set(list, holders);
      return;
    }
    this.#holders.delete(list);
    this.#lists.delete(list.key);
    if (list.subjectKey === null) return;
    const lists = this.#ofSubject.get(list.subjectKey);
    lists?.delete(list);
    if (lists?.size === 0) this.#ofSubject.delete(list.subjectKey);
  }

  /** State keys of whoever's list is watched. */
  watchedSubjects(): readonly string[] {
    return [...this.#ofSubject.keys()];
  }

  subjectsChanged(keys: readonly string[]): void {
    if (this.#ofSubject.size === 0) return;
    for (const key of keys) {
      for (const list of this.#ofSubject.get(key) ?? []) {
        this.#noteFailure(list, list.subjectChanged());
      }
    }
  }

  /** Of somebody who was forgotten: what is watched goes by what there is now, hint or none. */
  letGoOf(key: string): void {
    for (const list of this.#ofSubject.get(key) ?? []) this.#noteFailure(list, list.letGo());
  }

  /** Any person's state may have changed. */
  allSubjectsChanged(): void {
    for (const lists of this.#ofSubject.values()) {
      for (const list of lists) this.#noteFailure(list, list.subjectChanged());
    }
  }

  itemsChanged(): void {
    if (this.#lists.size === 0) return;
    this.#areItemsChanged = true;
    this.#wake?.();
  }

  #noteFailure(list: LiveList, making: Promise<void>): void {
    making.catch((error: unknown) => {
      this.#given.logger.warn('A watched list could not be made', { list: list.key, error });
    });
  }

  #listsOf(subjectKey: string): Set<LiveList> {
    let lists = this.#ofSubject.get(subjectKey);
    if (lists === undefined) {
      lists = new Set();
      this.#ofSubject.set(subjectKey, lists);
    }
    return lists;
  }

  #makerOf(channel: ListChannel, params: LiveParams): ListMaker {
    const { lists, subjects, catalogue } = this.#given;
    switch (channel.kind) {
      case 'user':
      case 'session': {
        const subject =
          channel.kind === 'user'
            ? subjects.ofUser(userId(channel.id))
            : subjects.ofSession(sessionId(channel.id));
        return {
          subject,
          make: (state) => lists.forState(subject, state, this.#question(subject.id, params)),
        };
      }
      case 'item': {
        const slot = catalogue.slots.find(channel.id);
        if (slot === undefined || catalogue.record(slot) === undefined) {
          throw new FreshetError('not_found', { what: `item ${channel.id}` });
        }
        const about = `similar:blend:${channel.id}`;
        return {
          subject: null,
          make: () => lists.similar(slot, 'blend', this.#question(about, params)),
        };
      }
      case 'list': {
        const { name } = channel;
        return {
          subject: null,
          make: () => lists.named(name, this.#question(`list:${name}`, params)),
        };
      }
    }
  }

  /** Asked anew each time: a category may be known only since. */
  #question(about: string, params: LiveParams): ListQuestion {
    const { catalogue, options } = this.#given;
    return questionOf(about, params, { catalogue, diversity: options.ladder.diversity });
  }

  #receivedAt(subject: Subject, state: SubjectState): Promise<EpochMs | undefined> {
    return this.#given.freshness.receivedAt(subject.partition, state.lastOffset);
  }

  async #refreshForEver(): Promise<void> {
    const { clock, options, logger } = this.#given;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#untilItemsChange();
      if (signal.aborted) return;
      this.#areItemsChanged = false;
      const startedMs = clock.monotonicMs();
      try {
        await this.#refreshAll();
        // What was ordered less than a moment ago was taken as it was: look again after the pause.
        if (this.#given.rankings.takeWasBehind()) this.#areItemsChanged = true;
        const tookMs = clock.monotonicMs() - startedMs;
        const pauseMs = Math.max(options.live.itemRefreshMs, PAUSE_FACTOR * tookMs);
        await clock.sleep(pauseMs as DurationMs, signal);
      } catch (error) {
        if (signal.aborted) return;
        logger.error('Watched lists could not be made', { error });
      }
    }
  }

  async #refreshAll(): Promise<void> {
    const { clock } = this.#given;
    this.#refreshes++;
    let turnBeganMs = clock.monotonicMs();
    for (const list of [...this.#lists.values()]) {
      list.itemsChanged();
      if (clock.monotonicMs() - turnBeganMs < TURN_MS) continue;
      await new Promise((done) => setImmediate(done));
      turnBeganMs = clock.monotonicMs();
    }
  }

  #untilItemsChange(): Promise<void> {
    if (this.#areItemsChanged || this.#stopping.signal.aborted) return Promise.resolve();
    return new Promise((done) => {
      this.#wake = () => {
        this.#wake = undefined;
        done();
      };
    });
  }
}

const keyOf = (channel: ListChannel, { limit, category, placement }: LiveParams): string => {
  const about = channel.kind === 'list' ? channel.name : channel.id;
  return JSON.stringify([channel.kind, about, limit, category, placement]);
};
