import { beforeEach, describe, expect, it } from 'vitest';
import type { EventInput, EventsAnswer } from '../../schemas/api/events.ts';
import type { LiveMessage, LiveParams } from '../../schemas/api/live.ts';
import type { ApiClient } from './api-client.ts';
import type { LiveConnectionOptions } from './live-connection.ts';
import { diff, entry, listAnswer, snapshot } from './messages.fixture.ts';
import { PageStore } from './page-store.ts';

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What the store sends, and answers as the server gives them. */
class Recorder implements ApiClient {
  readonly sent: EventInput[] = [];
  isFailing = false;

  item: ApiClient['item'] = async () => Promise.reject(new Error('no such film'));
  similar: ApiClient['similar'] = async () => listAnswer('s1');
  next: ApiClient['next'] = async () => listAnswer('n1');
  why: ApiClient['why'] = async () =>
    ({ stars: { value: 4.2, low: 3.1, high: 5 } }) as Awaited<ReturnType<ApiClient['why']>>;
  search: ApiClient['search'] = async (text) => {
    if (this.isFailing) throw new Error('Freshet is away');
    if (text === 'slow') await settled();
    return { items: [], nextCursor: null, tookMs: text.length };
  };
  history: ApiClient['history'] = async () => ({ events: [], nextCursor: null });

  async send(event: EventInput): Promise<EventsAnswer> {
    if (this.isFailing) throw new Error('Freshet is away');
    this.sent.push(event);
    const eventIds = [`e${this.sent.length}`];
    return { accepted: 1, duplicates: 0, refused: [], eventIds, positions: [] };
  }
}

let api: Recorder;
let now = 0;
let channels: [string, string, LiveParams | undefined][];
let connection: LiveConnectionOptions;
let kept: Map<string, string>;

const newStore = (): PageStore => {
  const store = new PageStore({
    api,
    liveUrl: 'ws://localhost/v1/live',
    connect: (options) => {
      connection = options;
      return {
        subscribe: (id, channel, params) => channels.push([id, channel, params]),
        close: () => {},
      };
    },
    storage: {
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
    },
    now: () => now,
    newId: () => `id${kept.size}${channels.length}`,
  });
  store.start();
  return store;
};

const receive = (message: LiveMessage): void => connection.onMessage(message);

beforeEach(() => {
  api = new Recorder();
  now = 1_000;
  channels = [];
  kept = new Map();
});

describe('the store of the page', () => {
  it('follows the person’s list, trending, activity and the system', () => {
    const store = newStore();
    const mine = `user:${store.get().person.id}`;
    expect(channels.map(([, channel]) => channel)).toEqual([
      'list:trending',
      'activity',
      'system',
      mine,
    ]);
  });

  it('times the change of the list from the click that caused it', async () => {
    const store = newStore();
    receive(snapshot('mine', 'a', 'b'));
    const rated = store.rate('a', 'Film a', 5);
    now += 85;
    receive(diff({ left: ['a'], cause: ['e1', 'a'] }));
    await rated;
    expect(store.get().list?.change?.clickToListMs).toBe(85);
    expect(store.get().ratings.get('a')).toBe(5);
  });

  it('offers to take a rating back, and does', async () => {
    const store = newStore();
    await store.rate('a', 'Film a', 5);
    expect(store.get().notice?.undo).toEqual({ itemId: 'a', eventId: 'e1' });
    await store.undo();
    expect(api.sent.at(-1)).toMatchObject({ kind: 'undo', context: { undoes: 'e1' } });
    expect(store.get().ratings.has('a')).toBe(false);
    expect(store.get().notice).toBeNull();
  });

  it('takes stars back and says why when they could not be sent', async () => {
    const store = newStore();
    api.isFailing = true;
    await store.rate('a', 'Film a', 5);
    expect(store.get().ratings.has('a')).toBe(false);
    expect(store.get().notice).toMatchObject({ text: 'Freshet is away', isError: true });
    api.isFailing = false;
    await store.rate('b', 'Film b', 3);
    api.isFailing = true;
    const failing = [store.rate('b', 'Film b', 4), store.rate('c', 'Film c', 4)];
    await Promise.all(failing);
    expect([...store.get().ratings]).toEqual([['b', 3]]);
  });

  it('takes back that nothing answers once the server is there again', async () => {
    const store = newStore();
    connection.onState('reconnecting');
    api.isFailing = true;
    await store.rate('a', 'Film a', 5);
    expect(store.get().notice?.isError).toBe(true);
    connection.onState('live');
    expect(store.get()).toMatchObject({ connection: 'live', notice: null });
  });

  it('says that a search had no answer, and asks again once the server is there again', async () => {
    const store = newStore();
    connection.onState('reconnecting');
    api.isFailing = true;
    store.search('heat');
    await settled();
    expect(store.get().search).toEqual({ text: 'heat', results: null, hasFailed: true });
    api.isFailing = false;
    connection.onState('live');
    await settled();
    expect(store.get().search).toEqual({ text: 'heat', results: [], hasFailed: false });
  });

  it('becomes somebody else, and remembers it', () => {
    const store = newStore();
    receive(snapshot('mine', 'a'));
    store.become({ id: 'horror-fan-7', name: 'horror-fan-7' });
    expect(channels.at(-1)?.[1]).toBe('user:horror-fan-7');
    expect(store.get().list).toBeNull();
    expect(newStore().get().person.id).toBe('horror-fan-7');
  });

  it('is the same person when the page is loaded anew, from the first time on', () => {
    const { person } = newStore().get();
    expect(newStore().get().person).toEqual(person);
  });

  it('makes new people, each with an id of their own', () => {
    const store = newStore();
    store.becomeNew();
    expect(store.get().own.length).toBe(2);
    expect(new Set(store.get().own.map(({ id }) => id)).size).toBe(2);
    expect(store.get().person.name).toBe('you, number 2');
  });

  it('opens a film with what is like it, even where a part of it fails', async () => {
    const store = newStore();
    store.open('heat-1995');
    await settled();
    expect(api.sent[0]).toMatchObject({ itemId: 'heat-1995', kind: 'click' });
    expect(store.get().film?.similar?.items[0]).toMatchObject(entry('s1', 1));
    expect(store.get().film?.next?.items[0]).toMatchObject(entry('n1', 1));
    expect(store.get().film?.stars).toEqual({ value: 4.2, low: 3.1, high: 5 });
    expect(store.get().notice?.text).toBe('no such film');
  });

  it('closes a film of which nothing came, and says why', async () => {
    const store = newStore();
    api.similar = api.next = () => Promise.reject(new Error('no such film'));
    store.open('heat-1995');
    await settled();
    expect(store.get().film).toBeNull();
    expect(store.get().notice).toMatchObject({ text: 'no such film', isError: true });
  });

  it('says that it looks, not that nothing was found, until the first answer is there', () => {
    const store = newStore();
    store.search('');
    store.search('slow');
    expect(store.get().search).toEqual({ text: 'slow', results: null, hasFailed: false });
  });

  it('shows what was searched for last, whatever comes first', async () => {
    const store = newStore();
    store.search('slow');
    store.search('quick');
    await settled();
    await settled();
    expect(store.get().search.text).toBe('quick');
    store.search('  ');
    expect(store.get().search.results).toBeNull();
  });

  it('begins anew where the browser kept nonsense', () => {
    kept.set('freshet-people-2', '{"own":[{"id":7}]}');
    expect(newStore().get().person.name).toBe('you');
    kept.set('freshet-people-2', 'not JSON');
    expect(newStore().get().person.name).toBe('you');
  });
});
