/** The calls that the page makes, typed by the same schemas that the server checks. */
import type { ErrorBody } from '../../schemas/api/errors.ts';
import type { EventInput, EventsAnswer } from '../../schemas/api/events.ts';
import type { ExplanationAnswer } from '../../schemas/api/explanations.ts';
import type { Item, ItemSearchAnswer } from '../../schemas/api/items.ts';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import type { HistoryAnswer } from '../../schemas/api/users.ts';

export interface ApiClient {
  item(itemId: string): Promise<Item>;
  search(text: string, signal: AbortSignal): Promise<ItemSearchAnswer>;
  similar(itemId: string): Promise<ListAnswer>;
  next(itemId: string): Promise<ListAnswer>;
  why(userId: string, itemId: string): Promise<ExplanationAnswer>;
  history(userId: string): Promise<HistoryAnswer>;
  send(event: EventInput): Promise<EventsAnswer>;
}

const SIDE_LIST_ITEMS = 8;
const SEARCH_ITEMS = 8;
const HISTORY_EVENTS = 100;

export const createApiClient = (base: string): ApiClient => {
  const get = <Answer>(path: string, signal?: AbortSignal): Promise<Answer> =>
    call<Answer>(`${base}v1/${path}`, signal ? { signal } : {});
  return {
    item: (itemId) => get(`items/${encodeURIComponent(itemId)}`),
    search: (text, signal) =>
      get(`items?search=${encodeURIComponent(text)}&limit=${SEARCH_ITEMS}`, signal),
    similar: (itemId) =>
      get(`items/${encodeURIComponent(itemId)}/similar?limit=${SIDE_LIST_ITEMS}`),
    next: (itemId) => get(`items/${encodeURIComponent(itemId)}/next?limit=${SIDE_LIST_ITEMS}`),
    why: (userId, itemId) =>
      get(`users/${encodeURIComponent(userId)}/recommendations/${encodeURIComponent(itemId)}`),
    history: (userId) => get(`users/${encodeURIComponent(userId)}/history?limit=${HISTORY_EVENTS}`),
    send: (event) =>
      call(`${base}v1/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(event),
      }),
  };
};

const call = async <Answer>(url: string, options: RequestInit): Promise<Answer> => {
  const response = await fetch(url, options).catch((cause: unknown) => {
    if (options.signal?.aborted) throw cause;
    throw new Error('Freshet does not answer.', { cause });
  });
  if (response.ok) return (await response.json()) as Answer;
  const body = (await response.json().catch(() => undefined)) as ErrorBody | undefined;
  throw new Error(body?.error.message ?? `The server answered ${response.status}.`);
};
