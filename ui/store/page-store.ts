/**
 * The page's one store: what a person can do, what the server pushes, and the state that both make.
 * It knows no React, so that it can be tested without a page.
 */
import type { LiveMessage } from '../../schemas/api/live.ts';
import { eventId, itemId as toItemId, userId } from '../../schemas/ids.ts';
import type { ApiClient } from './api-client.ts';
import type { LiveConnection, OpenLiveConnection } from './live-connection.ts';
import { SUBSCRIPTIONS, takeMessage } from './message-intake.ts';
import { createSource, type Source } from './observable.ts';
import { initialState, type OpenFilm, type PageState, type Person } from './page-state.ts';
import { loadPeople, newPerson, type PeopleStorage, savePeople } from './people.ts';

export interface PageStoreOptions {
  readonly api: ApiClient;
  readonly liveUrl: string;
  readonly connect: OpenLiveConnection;
  readonly storage: PeopleStorage;
  /** Milliseconds that only rise. */
  readonly now: () => number;
  readonly newId: () => string;
}

interface Act {
  readonly itemId: string;
  readonly kind: string;
  readonly value?: number;
  readonly undoes?: string;
}

const LIST_ITEMS = 24;
const TRENDING_ITEMS = 10;
/** For so long after an own act, what moves the list is taken for its effect. */
const ACT_FORGOTTEN_MS = 3_000;

export class PageStore {
  readonly #options: PageStoreOptions;
  readonly #source: Source<PageState>;
  #live: LiveConnection | undefined;
  /** When this page last sent an event: the list that it changes is timed from here. */
  #actedAt: number | undefined;
  #searching: AbortController | undefined;

  constructor(options: PageStoreOptions) {
    this.#options = options;
    const { own, current } = loadPeople(options.storage, options.newId);
    this.#source = createSource(initialState(own, current));
  }

  readonly get = (): PageState => this.#source.get();

  readonly watch = (onChange: () => void): (() => void) => this.#source.watch(onChange);

  /** Connects; returns what disconnects. */
  readonly start = (): (() => void) => {
    const live = this.#options.connect({
      url: this.#options.liveUrl,
      onMessage: (message) => this.#take(message),
      onState: (connection) => this.#connected(connection),
    });
    this.#live = live;
    live.subscribe(SUBSCRIPTIONS.trending, 'list:trending', { limit: TRENDING_ITEMS });
    live.subscribe(SUBSCRIPTIONS.activity, 'activity');
    live.subscribe(SUBSCRIPTIONS.system, 'system');
    this.#followPerson();
    return () => live.close();
  };

  readonly become = (person: Person): void => {
    if (person.id === this.get().person.id) return;
    savePeople(this.#options.storage, { own: this.get().own, current: person });
    this.#actedAt = undefined;
    this.#set({ person, list: null, ratings: new Map(), notice: null });
    this.#followPerson();
  };

  readonly becomeNew = (): void => {
    const person = newPerson(this.get().own, this.#options.newId);
    this.#set({ own: [...this.get().own, person] });
    this.become(person);
  };

  readonly open = (itemId: string): void => {
    const { api } = this.#options;
    this.#set({ film: { itemId, item: null, similar: null, next: null, stars: null } });
    void this.#send({ itemId, kind: 'click' });
    const show = (part: Partial<OpenFilm>): void =>
      this.#source.update((state) =>
        state.film?.itemId === itemId ? { ...state, film: { ...state.film, ...part } } : state,
      );
    const parts = [
      api.item(itemId).then((item) => show({ item })),
      api.similar(itemId).then((similar) => show({ similar })),
      api.next(itemId).then((next) => show({ next })),
    ];
    for (const part of parts) part.catch(this.#fail);
    void Promise.any(parts).catch(() => {
      // Nothing of it came: an empty drawer tells less than the notice does.
      if (this.get().film?.itemId === itemId) this.close();
    });
    api.why(this.get().person.id, itemId).then(({ stars }) => show({ stars }), this.#fail);
  };

  readonly close = (): void => this.#set({ film: null });

  readonly rate = async (itemId: string, title: string, stars: number): Promise<void> => {
    const before = this.get().ratings.get(itemId);
    this.#showStars(itemId, stars);
    const sent = await this.#send({ itemId, kind: 'rating', value: stars });
    if (sent === undefined) this.#showStars(itemId, before);
    else this.#offerUndo(`${stars} of 5 stars for ${title}.`, itemId, sent);
  };

  readonly hide = async (itemId: string, title: string): Promise<void> => {
    const sent = await this.#send({ itemId, kind: 'hide' });
    if (sent !== undefined) this.#offerUndo(`${title} will not be shown to you.`, itemId, sent);
  };

  /** Takes back what the notice offers to take back. */
  readonly undo = async (): Promise<void> => {
    const offered = this.get().notice?.undo;
    if (!offered) return;
    this.#showStars(offered.itemId, undefined);
    this.#set({ notice: null });
    await this.#send({ itemId: offered.itemId, kind: 'undo', undoes: offered.eventId });
  };

  readonly dismiss = (): void => this.#set({ notice: null });

  readonly search = (text: string): void => {
    this.#searching?.abort();
    const searching = new AbortController();
    this.#searching = searching;
    const isEmpty = text.trim() === '';
    const results = isEmpty ? null : this.get().search.results;
    this.#set({ search: { text, results, hasFailed: false } });
    if (isEmpty) return;
    this.#options.api.search(text.trim(), searching.signal).then(
      ({ items }) => {
        if (!searching.signal.aborted)
          this.#set({ search: { text, results: items, hasFailed: false } });
      },
      (error: unknown) => {
        if (searching.signal.aborted) return;
        this.#set({ search: { text, results: null, hasFailed: true } });
        this.#fail(error);
      },
    );
  };

  #set(change: Partial<PageState>): void {
    this.#source.update((before) => ({ ...before, ...change }));
  }

  /** What failed while the server was away says nothing any more once it is back, and can be asked again. */
  #connected(connection: PageState['connection']): void {
    const { notice, search } = this.get();
    const isBack = connection === 'live' && this.get().connection === 'reconnecting';
    this.#set({ connection, notice: isBack && notice?.isError ? null : notice });
    if (isBack && search.hasFailed) this.search(search.text);
  }

  #showStars(itemId: string, stars: number | undefined): void {
    const ratings = new Map(this.get().ratings);
    if (stars === undefined) ratings.delete(itemId);
    else ratings.set(itemId, stars);
    this.#set({ ratings });
  }

  readonly #fail = (error: unknown): void => {
    const text = error instanceof Error ? error.message : 'Something failed.';
    this.#set({ notice: { text, isError: true, undo: null } });
  };

  #take(message: LiveMessage): void {
    this.#source.update((state) => takeMessage(state, message, this.#sinceAct()));
  }

  #sinceAct(): number | null {
    if (this.#actedAt === undefined) return null;
    const elapsed = this.#options.now() - this.#actedAt;
    return elapsed > ACT_FORGOTTEN_MS ? null : elapsed;
  }

  #followPerson(): void {
    const { person } = this.get();
    this.#live?.subscribe(SUBSCRIPTIONS.mine, `user:${person.id}`, { limit: LIST_ITEMS });
    this.#options.api.history(person.id).then(({ events }) => {
      if (this.get().person.id !== person.id) return;
      const rated = events.filter(({ kind, value }) => kind === 'rating' && value !== null);
      const ratings = new Map<string, number>(
        rated.toReversed().map(({ itemId, value }) => [itemId, value ?? 0]),
      );
      // What was rated here while the answer was on its way is newer.
      for (const [itemId, stars] of this.get().ratings) ratings.set(itemId, stars);
      this.#set({ ratings });
    }, this.#fail);
  }

  /** Sends what the person did; answers the event's id, or nothing where it failed and was told. */
  async #send({ itemId, kind, value, undoes }: Act): Promise<string | undefined> {
    this.#actedAt = this.#options.now();
    try {
      const answer = await this.#options.api.send({
        userId: userId(this.get().person.id),
        itemId: toItemId(itemId),
        kind,
        ...(value === undefined ? {} : { value }),
        ...(undoes === undefined ? {} : { context: { undoes: eventId(undoes) } }),
      });
      const refusal = answer.refused[0];
      if (refusal) throw new Error(refusal.message);
      return answer.eventIds[0] ?? undefined;
    } catch (error) {
      this.#actedAt = undefined;
      this.#fail(error);
      return undefined;
    }
  }

  #offerUndo(text: string, itemId: string, sent: string): void {
    this.#set({ notice: { text, isError: false, undo: { itemId, eventId: sent } } });
  }
}
