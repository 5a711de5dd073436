/**
 * One visit of a person to the running program. Each `act` is one event: the next step of the film
 * they are at, or the first step of the next film that takes their fancy as they read down the list
 * they were really served. After a film that they rated they ask for the list anew, as a page would
 * show it; what the list does not offer they look for themselves.
 */
import type { SeededRandom } from '../../algorithms/random/seeded-random.ts';
import type { EpochMs, EventId, ListId } from '../../schemas/ids.ts';
import type { InteractionContext } from '../../schemas/records.ts';
import type { ServedList, ShownList } from './audience-api.ts';
import type { AudienceWorld } from './audience-world.ts';
import { FilmChoice } from './film-choice.ts';
import { type AudienceEvent, opinionOf } from './history.ts';
import type { Person, TasteNow } from './people.ts';
import { BROWSED_PER_RATED, browsedVisit, ratedVisit, type Step } from './visit.ts';

export interface LiveSessionOptions {
  readonly world: AudienceWorld;
  readonly person: Person;
  readonly random: SeededRandom;
  /** What the person likes now; a visit is short against a drift. */
  readonly taste: TasteNow;
  /** Films rated before; the session adds to it. */
  readonly seen: Set<number>;
  /** Films to rate before leaving. */
  readonly ratings: number;
  readonly nextEventId: () => EventId;
}

/** A step on the way, with the film and the place in the list that led to it. */
interface PendingStep {
  readonly film: number;
  readonly step: Step;
  readonly listId: ListId | null;
  readonly rank: number | null;
  readonly placement: string | null;
}

/** Chance that eyes reach the next place of a list: the tenth is seen by a quarter. */
const READS_ON = 0.86;
/** A film is clicked with the chance 1 / (1 + e^−(slope × (affinity − middle))). */
const CLICK_SLOPE = 1.8;
const CLICK_MIDDLE = 1.6;
/** Looks at lists without a click before they leave. */
const IDLE_LOOKS_MAX = 3;
/** Share of unsatisfying lists after which they look for a film themselves. */
const OWN_SEARCH_SHARE = 0.6;

export class LiveSession {
  readonly #options: LiveSessionOptions;
  #pending: PendingStep[] = [];
  #list: ServedList | undefined;
  /** Places of the list that were looked at. */
  #readTo = 0;
  #rated = 0;
  #idleLooks = 0;
  #last: number | undefined;
  #lastEventId: EventId | null = null;

  constructor(options: LiveSessionOptions) {
    this.#options = options;
  }

  get person(): Person {
    return this.#options.person;
  }

  get isOver(): boolean {
    return (
      this.#pending.length === 0 &&
      (this.#rated >= this.#options.ratings || this.#idleLooks > IDLE_LOOKS_MAX)
    );
  }

  /** True where the next `act` wants a list first. */
  get wantsList(): boolean {
    return this.#pending.length === 0 && this.#list === undefined && !this.isOver;
  }

  serve(list: ServedList): void {
    this.#list = list;
    this.#readTo = 0;
  }

  /** The next event, if any; none where the person read on without a click. */
  act(time: EpochMs): AudienceEvent | undefined {
    if (this.#pending.length === 0) this.#takeUp(time);
    const next = this.#pending.shift();
    return next === undefined ? undefined : this.#eventOf(next, time);
  }

  /** The list as far as it was looked at, once done with it; for impressions. */
  takeShown(time: EpochMs): ShownList | undefined {
    const list = this.#list;
    if (list === undefined || this.#readTo === 0 || this.#pending.length > 0) return undefined;
    this.#list = undefined;
    const itemIds = list.itemIds.slice(0, this.#readTo);
    return { ...list, itemIds, userId: this.person.userId, occurredAt: time };
  }

  #takeUp(time: EpochMs): void {
    const fromList = this.#readDown();
    if (fromList !== undefined) {
      this.#idleLooks = 0;
      this.#begin(fromList, this.#readTo);
      return;
    }
    this.#idleLooks++;
    if (this.#options.random.next() >= OWN_SEARCH_SHARE) return;
    const own = this.#choice(time).next(this.#last, this.#options.random);
    if (own !== undefined) this.#begin(own, null);
  }

  /** Reads down the list until a film is clicked or interest ends. */
  #readDown(): number | undefined {
    const { world, random, taste } = this.#options;
    const itemIds = this.#list?.itemIds ?? [];
    for (const itemId of itemIds) {
      this.#readTo++;
      const film = world.films.indexOf.get(itemId);
      if (film !== undefined && random.next() < clickChance(taste.affinities[film]!)) return film;
      if (random.next() >= READS_ON) return undefined;
    }
    return undefined;
  }

  #choice(time: EpochMs): FilmChoice {
    const { world, taste, seen } = this.#options;
    const fashions = world.fashions.activeAt(time);
    return new FilmChoice({ films: world.films, taste, fashions, seen, time });
  }

  #begin(film: number, rank: number | null): void {
    const { world, person, random, taste, seen } = this.#options;
    const opinion = opinionOf(world, taste, film);
    const isRated = !seen.has(film) && random.next() >= BROWSED_PER_RATED / (1 + BROWSED_PER_RATED);
    const steps = isRated
      ? ratedVisit(person, opinion, random)
      : browsedVisit(opinion.affinity, random);
    const place =
      rank === null || this.#list === undefined
        ? { listId: null, rank: null, placement: null }
        : { listId: this.#list.listId, rank, placement: this.#list.placement };
    this.#pending = steps.map((step) => ({ film, step, ...place }));
    this.#last = film;
    if (!isRated) return;
    this.#rated++;
    seen.add(film);
  }

  #eventOf({ film, step, ...place }: PendingStep, time: EpochMs): AudienceEvent {
    const undoes = step.undoes ? this.#lastEventId : null;
    this.#lastEventId = this.#options.nextEventId();
    return {
      eventId: this.#lastEventId,
      userId: this.person.userId,
      itemId: this.#options.world.films.items[film]!.itemId,
      kind: step.kind,
      value: step.value,
      occurredAt: time,
      context: contextOf({ ...place, undoes }),
    };
  }
}

const clickChance = (affinity: number): number =>
  1 / (1 + Math.exp(-CLICK_SLOPE * (affinity - CLICK_MIDDLE)));

const contextOf = (context: InteractionContext): InteractionContext | null =>
  context.listId === null && context.undoes === null ? null : context;
