/**
 * One list that somebody watches: made once however many watch it, and made anew when the person it
 * is for does something, or when items change.
 */

import type { EpochMs } from '../../schemas/ids.ts';
import { passHop } from '../../schemas/journey.ts';
import type { HistoryEntry, SubjectState } from '../../schemas/state/subject-state.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { MadeList } from '../list-service.ts';
import type { Subject } from '../subject-reader.ts';

/** A list as it stood at one moment. Never changed, so subscribers can share it. */
export interface Shown extends MadeList {
  /** Rises with every making of the list. */
  readonly version: number;
}

/** The event that made a list change. */
export interface Cause {
  readonly entry: HistoryEntry;
  readonly receivedAt: EpochMs | undefined;
}

export interface ListWatcher {
  /** `isOwn`: the person did something, so something is told even if no item moved. */
  show(shown: Shown, cause: Cause | null, isOwn: boolean): void;
  /** Drops what it was shown before the newest. */
  keepNewest(): void;
}

/** How a list is made: for a person from their state, otherwise from what is in memory. */
export type ListMaker =
  | {
      readonly subject: Subject;
      readonly make: (state: SubjectState | undefined) => MadeList;
    }
  | { readonly subject: null; readonly make: () => MadeList };

export interface LiveListParts {
  readonly key: string;
  readonly maker: ListMaker;
  readonly read: (subject: Subject) => Promise<SubjectState | undefined>;
  readonly receivedAt: (subject: Subject, state: SubjectState) => Promise<EpochMs | undefined>;
}

export class LiveList {
  readonly key: string;
  readonly #given: LiveListParts;
  readonly #watchers = new Set<ListWatcher>();
  #state: SubjectState | undefined;
  #shown: Shown | undefined;
  #version = 0;
  #making: Promise<void> | undefined;
  #isStale = false;

  constructor(given: LiveListParts) {
    this.#given = given;
    this.key = given.key;
  }

  get subjectKey(): string | null {
    return this.#given.maker.subject?.key ?? null;
  }

  /** The list as it is now; undefined before it was first watched. */
  get shown(): Shown | undefined {
    return this.#shown;
  }

  /** Resolves once there is a list; from then on the watcher is shown all that becomes of it. */
  async watch(watcher: ListWatcher): Promise<void> {
    if (this.#shown === undefined) await this.subjectChanged();
    this.#watchers.add(watcher);
  }

  unwatch(watcher: ListWatcher): void {
    this.#watchers.delete(watcher);
  }

  /** Reads the person's state and makes the list; calls that come meanwhile are one more reading. */
  subjectChanged(): Promise<void> {
    this.#isStale = true;
    this.#making ??= this.#makeWhileStale().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  /** The person was forgotten: what was shown before is nobody's to come back to. */
  async letGo(): Promise<void> {
    await this.subjectChanged();
    for (const watcher of this.#watchers) watcher.keepNewest();
  }

  /** Makes the list of the state that is known. */
  itemsChanged(): void {
    if (this.#shown === undefined || this.#making !== undefined) return;
    this.#tell(this.#make(), null, false);
  }

  async #makeWhileStale(): Promise<void> {
    const { maker } = this.#given;
    while (this.#isStale) {
      this.#isStale = false;
      const before = this.#state;
      this.#state = maker.subject === null ? undefined : await this.#given.read(maker.subject);
      const cause = await this.#causeSince(before);
      this.#tell(this.#make(), cause, true);
      this.#passTold();
    }
  }

  /** Of this person: others of the partition may have been told before. */
  #passTold(): void {
    const { subject } = this.#given.maker;
    if (subject === null || this.#state === undefined) return;
    const { partition } = subject;
    const offset = this.#state.lastOffset;
    passHop({ hop: 'told', topic: TOPICS.interactions.name, partition, offset });
  }

  #make(): Shown {
    const { maker } = this.#given;
    const made = maker.subject === null ? maker.make() : maker.make(this.#state);
    return { ...made, version: ++this.#version };
  }

  #tell(shown: Shown, cause: Cause | null, isOwn: boolean): void {
    this.#shown = shown;
    for (const watcher of this.#watchers) watcher.show(shown, cause, isOwn);
  }

  /** The person's newest event, if one came since; an undo takes one away and has none. */
  async #causeSince(before: SubjectState | undefined): Promise<Cause | null> {
    const state = this.#state;
    const { subject } = this.#given.maker;
    const entry = state?.history.at(-1);
    const isNew = (state?.eventCount ?? 0) > (before?.eventCount ?? 0);
    if (state === undefined || subject === null || entry === undefined || !isNew) return null;
    if (this.#shown === undefined) return null;
    return { entry, receivedAt: await this.#given.receivedAt(subject, state) };
  }
}
