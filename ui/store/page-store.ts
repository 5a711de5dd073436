/**
 * The page's one store: what a person can do, what the server pushes, and the state that both make.
 * It knows no React, so that it can be tested without a page.
 */
import type { LiveDiff, LiveMessage, LiveSnapshot } from '../../schemas/api/live.ts';
import type { SystemAnswer } from '../../schemas/api/system.ts';
import { eventId, itemId as toItemId, userId } from '../../schemas/ids.ts';
import { activityEntry } from './activity.ts';
import type { ApiClient } from './api-client.ts';
import { monotonicNowMs } from './clock.ts';
import { applyDiff, listOfSnapshot } from './list-diff.ts';
import { type LiveConnection, openLiveConnection } from './live-connection.ts';
import { createSource } from './observable.ts';
import type { ListChange, PageState } from './page-state.ts';
import { loadPeople, newPerson, type PeopleStorage, savePeople } from './people.ts';
import { type EarlierReport, summaryOf } from './system-summary.ts';

export interface PageStore {
  readonly get: () => PageState;
  readonly watch: (onChange: () => void) => () => void;
  /** Connects; returns what disconnects. */
  readonly start: () => () => void;
  readonly become: (personId: string) => void;
  readonly becomeNew: () => void;
  readonly open: (itemId: string) => void;
  readonly close: () => void;
  readonly rate: (itemId: string, title: string, stars: number) => void;
  readonly hide: (itemId: string, title: string) => void;
  readonly search: (text: string) => void;
  readonly dismiss: () => void;
}

export interface PageStoreOptions {
  readonly api: ApiClient;
  readonly liveUrl: string;
  readonly storage: PeopleStorage;
}

const LIST_ITEMS = 24;
const TRENDING_ITEMS = 10;
const ACTIVITY_ENTRIES = 12;

export const createPageStore = (options: PageStoreOptions): PageStore => {
  const { api } = options;
  const people = loadPeople(options.storage);
  const source = createSource<PageState>({
    connection: 'connecting',
    people: people.all,
    person: people.current,
    list: null,
    trending: null,
    activity: [],
    system: null,
    ratings: new Map(),
    film: null,
    search: { text: '', results: [] },
    notice: null,
  });
  const set = (change: Partial<PageState>): void =>
    source.update((before) => ({ ...before, ...change }));
  let live: LiveConnection | undefined;
  /** When this page last sent an event: the list that it changes is timed from here. */
  let actedAtMs: number | undefined;
  let report: EarlierReport | undefined;
  let searching: AbortController | undefined;

  const fail = (error: unknown): void => {
    set({
      notice: { text: error instanceof Error ? error.message : 'Something failed.', undo: null },
    });
  };

  const changeOf = (diff: LiveDiff): ListChange => {
    const isOwn = actedAtMs !== undefined && diff.id === 'mine';
    const clickToListMs = isOwn && actedAtMs !== undefined ? monotonicNowMs() - actedAtMs : null;
    if (isOwn) actedAtMs = undefined;
    return {
      cause: diff.cause,
      eventToPushMs: diff.eventToPushMs,
      clickToListMs,
      enteredCount: diff.entered.length,
      movedCount: diff.moved.length,
    };
  };

  const takeList = (name: 'list' | 'trending', message: LiveSnapshot | LiveDiff): void => {
    source.update((state) => {
      const before = state[name];
      if (message.type === 'snapshot') {
        return { ...state, [name]: listOfSnapshot(message.list, before) };
      }
      if (before === null) return state;
      const isNews = message.cause !== null || before.change?.cause == null;
      const change = isNews ? changeOf(message) : before.change;
      return { ...state, [name]: applyDiff(before, message, change) };
    });
  };

  const takeSystem = (answer: SystemAnswer): void => {
    const { summary, report: newest } = summaryOf(answer, report);
    report = newest;
    set({ system: summary });
  };

  const takeMessage = (message: LiveMessage): void => {
    switch (message.type) {
      case 'snapshot':
      case 'diff':
        takeList(message.id === 'mine' ? 'list' : 'trending', message);
        return;
      case 'activity':
        source.update((state) => ({
          ...state,
          activity: [...message.events.map(activityEntry).toReversed(), ...state.activity].slice(
            0,
            ACTIVITY_ENTRIES,
          ),
        }));
        return;
      case 'system':
        takeSystem(message.system);
        return;
      case 'error':
        fail(new Error(message.error.message));
        return;
      case 'resumed':
      case 'unsubscribed':
      case 'heartbeat':
        return;
    }
  };

  const followPerson = (): void => {
    const { person } = source.get();
    live?.subscribe('mine', `user:${person.id}`, { limit: LIST_ITEMS });
    api
      .history(person.id)
      .then(({ events }) => {
        const ratings = new Map<string, number>();
        for (const event of events.toReversed()) {
          if (event.kind === 'rating' && event.value !== null)
            ratings.set(event.itemId, event.value);
        }
        if (source.get().person.id === person.id) set({ ratings });
      })
      .catch(fail);
  };

  const become = (personId: string): void => {
    const state = source.get();
    const person = state.people.find(({ id }) => id === personId);
    if (!person) return;
    savePeople(options.storage, { all: state.people, current: person });
    actedAtMs = undefined;
    set({ person, list: null, ratings: new Map() });
    followPerson();
  };

  const act = async (event: {
    readonly itemId: string;
    readonly kind: string;
    readonly value?: number;
    readonly undoes?: string;
  }): Promise<string | undefined> => {
    actedAtMs = monotonicNowMs();
    const { itemId, kind, value, undoes } = event;
    try {
      const answer = await api.send({
        userId: userId(source.get().person.id),
        itemId: toItemId(itemId),
        kind,
        ...(value === undefined ? {} : { value }),
        ...(undoes === undefined ? {} : { context: { undoes: eventId(undoes) } }),
      });
      const refusal = answer.refused[0];
      if (refusal) throw new Error(refusal.message);
      return answer.eventIds[0] ?? undefined;
    } catch (error) {
      actedAtMs = undefined;
      fail(error);
      return undefined;
    }
  };

  const undoable = (text: string, itemId: string, eventId: string | undefined): void => {
    if (eventId === undefined) return;
    const undo = (): void => {
      void act({ itemId, kind: 'undo', undoes: eventId });
      const ratings = new Map(source.get().ratings);
      ratings.delete(itemId);
      set({ notice: null, ratings });
    };
    set({ notice: { text, undo } });
  };

  const open = (itemId: string): void => {
    set({ film: { itemId, item: null, similar: null, next: null } });
    void act({ itemId, kind: 'click' });
    const update = (part: Partial<NonNullable<PageState['film']>>): void =>
      source.update((state) =>
        state.film?.itemId === itemId ? { ...state, film: { ...state.film, ...part } } : state,
      );
    api.item(itemId).then((item) => update({ item }), fail);
    api.similar(itemId).then((similar) => update({ similar }), fail);
    api.next(itemId).then((next) => update({ next }), fail);
  };

  return {
    get: source.get,
    watch: source.watch,
    start() {
      live = openLiveConnection({
        url: options.liveUrl,
        onMessage: takeMessage,
        onState: (connection) => set({ connection }),
      });
      live.subscribe('trending', 'list:trending', { limit: TRENDING_ITEMS });
      live.subscribe('activity', 'activity');
      live.subscribe('system', 'system');
      followPerson();
      return () => live?.close();
    },
    become,
    becomeNew() {
      const person = newPerson(source.get().people);
      set({ people: [...source.get().people, person] });
      become(person.id);
    },
    open,
    close: () => set({ film: null }),
    rate(itemId, title, stars) {
      set({ ratings: new Map(source.get().ratings).set(itemId, stars) });
      void act({ itemId, kind: 'rating', value: stars }).then((eventId) =>
        undoable(`${stars} of 5 stars for ${title}.`, itemId, eventId),
      );
    },
    hide(itemId, title) {
      void act({ itemId, kind: 'hide' }).then((eventId) =>
        undoable(`${title} will not come again.`, itemId, eventId),
      );
    },
    search(text) {
      searching?.abort();
      searching = new AbortController();
      set({ search: { text, results: text === '' ? [] : source.get().search.results } });
      if (text === '') return;
      const { signal } = searching;
      api.search(text, signal).then(
        ({ items }) => set({ search: { text, results: items } }),
        (error: unknown) => {
          if (!signal.aborted) fail(error);
        },
      );
    },
    dismiss: () => set({ notice: null }),
  };
};
