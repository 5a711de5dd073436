/**
 * People's vectors are made anew under another release when a list needs one (I7). Behind a switch this
 * makes those of whoever is likely to be next, before they ask: first who has a page open, then who acted
 * last. It does what a list would do, with the state as it is then, so the vectors are the same to the bit;
 * whoever acts meanwhile has another offset by then, and a list that goes by it makes its own.
 *
 * In pieces, in what the thread has to spare, of one release at a time: the next switch ends it.
 */
import type { Clock, IdleTime, Logger } from '../../schemas/environment.ts';
import type { RecentlyActive } from '../people/recently-active.ts';
import { type ProfileOptions, profileOf } from '../profile.ts';
import type { SubjectReader } from '../subject-reader.ts';
import { leisurely } from './leisure.ts';
import type { ServingRelease } from './serving-release.ts';
import type { TasteModel } from './taste-model.ts';

/** People in one piece of work: some .4 ms. */
const PIECE = 4;

export interface FoldInCounts {
  /** People of this pass whose vectors were made, or who are gone. */
  readonly done: number;
  readonly left: number;
}

export interface FoldInPassOptions {
  /** State keys of whoever has a page open. */
  readonly watched: () => readonly string[];
  readonly active: Pick<RecentlyActive, 'newestFirst' | 'letGoOf'>;
  readonly subjects: Pick<SubjectReader, 'ofKey' | 'read'>;
  readonly profiles: ProfileOptions;
  readonly clock: Clock;
  readonly idleMs?: IdleTime | undefined;
  readonly peopleMax: number;
  readonly logger: Logger;
}

export class FoldInPass {
  readonly #given: FoldInPassOptions;
  #ending = new AbortController();
  #work: Promise<void> = Promise.resolve();
  #taste: TasteModel | undefined;
  #left: readonly string[] = [];
  #done = 0;

  constructor(given: FoldInPassOptions) {
    this.#given = given;
  }

  counts(): FoldInCounts {
    return { done: this.#done, left: this.#left.length };
  }

  /** Lists go by it from now on: what was made for another ends here. */
  switchTo(release: ServingRelease | undefined): void {
    if (release?.taste === this.#taste) return;
    this.#taste = release?.taste;
    this.again();
  }

  /** From the first one on: what was known of people may be another now. */
  again(): void {
    this.#ending.abort();
    this.#ending = new AbortController();
    this.#done = 0;
    this.#left = this.#taste === undefined ? [] : this.#inOrder();
    const { signal } = this.#ending;
    this.#work = this.#work
      .then(() => this.#foldIn(signal))
      .catch((error) => {
        if (signal.aborted) return;
        this.#left = [];
        this.#given.logger.warn('Vectors are made when lists need them', { error });
      });
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#work;
  }

  #inOrder(): readonly string[] {
    const { watched, active, peopleMax } = this.#given;
    if (peopleMax === 0) return [];
    return [...new Set([...watched(), ...active.newestFirst()])].slice(0, peopleMax);
  }

  async #foldIn(signal: AbortSignal): Promise<void> {
    const { subjects, clock, idleMs } = this.#given;
    const rest = leisurely({ clock, idleMs, signal });
    while (this.#left.length > 0 && !signal.aborted) {
      const piece = this.#left.slice(0, PIECE).map((key) => subjects.ofKey(key));
      const states = await Promise.all(piece.map((subject) => subjects.read(subject)));
      // The release may have gone while they were read.
      if (signal.aborted) return;
      for (const [place, { id, key }] of piece.entries()) {
        const state = states[place];
        if (state === undefined) this.#given.active.letGoOf(key);
        else this.#taste!.vectorOf(profileOf(id, state, clock.now(), this.#given.profiles));
      }
      this.#left = this.#left.slice(PIECE);
      this.#done += piece.length;
      await rest();
    }
  }
}
