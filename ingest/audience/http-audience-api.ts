/** The audience's way to a running instance: the same HTTP calls as any site makes. */
import type { EventsAnswer } from '../../schemas/api/events.ts';
import type { ListAnswer } from '../../schemas/api/lists.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { ListId, UserId } from '../../schemas/ids.ts';
import type { AudienceApi, ServedList, ShownList } from './audience-api.ts';
import type { AudienceEvent } from './history.ts';

export interface HttpAudienceApiOptions {
  /** For example `http://127.0.0.1:8090`; a base path may follow. */
  readonly baseUrl: string;
  /** Sent with every event; with the event id it tells repetitions. */
  readonly source: string;
  readonly placement: string;
  readonly timeoutMs: number;
  /** A key with the scopes `ingest` and `read`, where the instance wants one. */
  readonly key: string | null;
}

export const DEFAULT_HTTP_AUDIENCE_OPTIONS: HttpAudienceApiOptions = {
  baseUrl: 'http://127.0.0.1:8090',
  source: 'audience',
  placement: 'home',
  timeoutMs: 10_000,
  key: null,
};

/** Node's fetch keeps connections open between calls. */
export class HttpAudienceApi implements AudienceApi {
  readonly #options: HttpAudienceApiOptions;

  constructor(options: Partial<HttpAudienceApiOptions> = {}) {
    this.#options = { ...DEFAULT_HTTP_AUDIENCE_OPTIONS, ...options };
  }

  async recommendations(user: UserId, limit: number, signal: AbortSignal): Promise<ServedList> {
    const { placement } = this.#options;
    const query = new URLSearchParams({ limit: String(limit), explain: 'false', placement });
    const path = `/v1/users/${encodeURIComponent(user)}/recommendations?${query}`;
    const answer = (await this.#call(path, {}, signal)) as ListAnswer;
    return {
      listId: answer.listId as ListId,
      placement,
      itemIds: answer.items.map(({ itemId }) => itemId),
      models: definedOf(answer.models),
    };
  }

  async postEvents(events: readonly AudienceEvent[], signal: AbortSignal): Promise<number> {
    const body = { events: events.map((event) => eventBody(event, this.#options.source)) };
    const answer = (await this.#call('/v1/events', post(body), signal)) as EventsAnswer;
    return answer.refused.length;
  }

  async postImpressions(lists: readonly ShownList[], signal: AbortSignal): Promise<void> {
    const impressions = lists.map((list) => impressionBody(list, this.#options.source));
    await this.#call('/v1/impressions', post({ impressions }), signal);
  }

  async #call(path: string, init: RequestInit, signal: AbortSignal): Promise<unknown> {
    const { baseUrl, timeoutMs, key } = this.#options;
    const headers = new Headers(init.headers);
    if (key !== null) headers.set('authorization', `Bearer ${key}`);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    let response: Response;
    try {
      response = await fetch(`${baseUrl}${path}`, { ...init, headers, signal: limit });
    } catch (cause) {
      signal.throwIfAborted();
      throw new FreshetError('unavailable', { why: `${baseUrl} does not answer` }, { cause });
    }
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    throw new FreshetError('unavailable', { why: `${path} answered ${response.status}: ${text}` });
  }
}

const post = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

const timeOf = (ms: number): string => new Date(ms).toISOString();

const eventBody = (event: AudienceEvent, source: string): Record<string, unknown> => ({
  eventId: event.eventId,
  source,
  userId: event.userId,
  itemId: event.itemId,
  kind: event.kind,
  ...(event.value === null ? {} : { value: event.value }),
  occurredAt: timeOf(event.occurredAt),
  ...(event.context === null ? {} : { context: definedOf(event.context) }),
});

const impressionBody = (list: ShownList, source: string): Record<string, unknown> => ({
  source,
  listId: list.listId,
  ...(list.placement === null ? {} : { placement: list.placement }),
  userId: list.userId,
  items: list.itemIds.map((itemId, at) => ({ itemId, rank: at + 1 })),
  ...(Object.keys(list.models).length === 0 ? {} : { models: list.models }),
  occurredAt: timeOf(list.occurredAt),
});

/** Fields that are null are left out: requests know absent, not null. */
const definedOf = <Value>(fields: Readonly<Record<string, Value | null>> | object) =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as Record<
    string,
    NonNullable<Value>
  >;
