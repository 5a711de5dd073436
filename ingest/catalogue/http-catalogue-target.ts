/** The catalogue of a running server, for a feed that is applied to it from outside. */
import { API_LIMITS } from '../../schemas/api/fields.ts';
import type { ItemInput, ItemSearchAnswer } from '../../schemas/api/items.ts';
import { formatTime, parseTime } from '../../schemas/api/time.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { type EpochMs, epochMs, type ItemId } from '../../schemas/ids.ts';
import type { CatalogueItemRecord } from '../../schemas/records.ts';
import type { CatalogueTarget } from './item-sync.ts';

export interface HttpCatalogueTargetOptions {
  /** Of the server, with its base path and without a slash at the end. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
}

type AnsweredItem = ItemSearchAnswer['items'][number];

export class HttpCatalogueTarget implements CatalogueTarget {
  readonly #options: HttpCatalogueTargetOptions;

  constructor(options: HttpCatalogueTargetOptions) {
    this.#options = options;
  }

  async currentItems(): Promise<Iterable<CatalogueItemRecord>> {
    const items: CatalogueItemRecord[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const from: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const path = `items?sort=title&limit=${API_LIMITS.listMax}${from}`;
      const page = (await this.#call('GET', path)) as ItemSearchAnswer;
      items.push(...page.items.map(recordOf));
      cursor = page.nextCursor;
    }
    return items;
  }

  async write(items: readonly CatalogueItemRecord[]): Promise<void> {
    const answer = (await this.#call('POST', 'items', { items: items.map(inputOf) })) as {
      refused: readonly { message: string }[];
    };
    const first = answer.refused[0];
    if (first) throw new FreshetError('bad_request', { problem: first.message });
  }

  async remove(itemIds: readonly ItemId[]): Promise<void> {
    for (const itemId of itemIds) {
      await this.#call('DELETE', `items/${encodeURIComponent(itemId)}`);
    }
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const { url, headers } = this.#options;
    const response = await fetch(`${url}/v1/${path}`, {
      method,
      headers: {
        ...headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((cause: Error) => {
      throw new FreshetError('unavailable', { why: `${url} does not answer` }, { cause });
    });
    const answer: unknown = await response.json().catch(() => undefined);
    // What is gone already need not be deleted.
    if (response.ok || (method === 'DELETE' && response.status === 404)) return answer;
    const { error } = (answer ?? {}) as { error?: { message?: string } };
    const problem = error?.message ?? `The server answered ${response.status}.`;
    throw new FreshetError('bad_request', { problem });
  }
}

const textOf = (time: EpochMs | null): string | null => (time === null ? null : formatTime(time));
const timeOf = (text: string | null): EpochMs | null =>
  text === null ? null : (parseTime(text) ?? null);

const inputOf = ({ updatedAt, ...item }: CatalogueItemRecord): ItemInput => ({
  ...item,
  publishedAt: textOf(item.publishedAt),
  availableFrom: textOf(item.availableFrom),
  expiresAt: textOf(item.expiresAt),
});

const recordOf = (item: AnsweredItem): CatalogueItemRecord => ({
  itemId: item.itemId,
  title: item.title,
  categories: item.categories,
  tags: item.tags,
  people: item.people,
  attributes: item.attributes,
  publishedAt: timeOf(item.publishedAt),
  availableFrom: timeOf(item.availableFrom),
  expiresAt: timeOf(item.expiresAt),
  available: item.available,
  price: item.price,
  hidden: item.hidden,
  image: item.image,
  updatedAt: parseTime(item.updatedAt) ?? epochMs(0),
});
