/**
 * The BackfillSink that sends to a running server. What the server cannot take now (503, 429, a cut
 * connection) is sent again after a pause: a batch that arrives twice changes nothing.
 */
import type { ImportEventRow } from '../../schemas/api/imports.ts';
import type { Clock } from '../../schemas/environment.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { DurationMs } from '../../schemas/ids.ts';
import type { CatalogueItemRecord } from '../../schemas/records.ts';
import type { BackfillEvent, BackfillSink, ImportState } from './backfill-sink.ts';

export interface HttpBackfillSinkOptions {
  /** Of the server, with its base path and without a slash at the end. */
  readonly url: string;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly headers?: Readonly<Record<string, string>>;
  /** How often something is sent before the import gives up; it can go on later. */
  readonly attemptsMax?: number;
}

/** Below the server's limit of a mebibyte: a character takes up to three bytes. */
const BODY_CHARACTERS_MAX = 300_000;
const ATTEMPTS_MAX = 30;
const PAUSE_MS = 1_000;

export class HttpBackfillSink implements BackfillSink {
  readonly #options: HttpBackfillSinkOptions;
  #last: Promise<void> = Promise.resolve();

  constructor(options: HttpBackfillSinkOptions) {
    this.#options = options;
  }

  async importState(importId: string): Promise<ImportState | undefined> {
    this.#last = Promise.resolve();
    const response = await this.#send('GET', `imports/${importId}`);
    return response.status === 404 ? undefined : ((await response.json()) as ImportState);
  }

  async recordImport(importId: string, state: ImportState): Promise<void> {
    await this.#send('PUT', `imports/${importId}`, JSON.stringify(state));
  }

  async appendItems(items: readonly CatalogueItemRecord[]): Promise<void> {
    for (const list of lists(items.map((item) => JSON.stringify(item)))) {
      await this.#send('POST', `imports/${NO_IMPORT}/items`, `{"items":${list}}`);
    }
  }

  appendEvents(importId: string, events: readonly BackfillEvent[]): Promise<void> {
    const rows = events.map((event) => JSON.stringify(rowOf(event)));
    // One request after the other, and none behind one that failed: the server takes lower numbers
    // for known once it has higher ones.
    const sent = this.#last.then(async () => {
      for (const list of lists(rows)) {
        await this.#send('POST', `imports/${importId}/events`, `{"events":${list}}`);
      }
    });
    sent.catch(() => undefined);
    this.#last = sent;
    return sent;
  }

  async #send(method: string, path: string, body?: string): Promise<Response> {
    const { url, clock, headers, attemptsMax = ATTEMPTS_MAX } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      const answer = await fetch(`${url}/v1/${path}`, {
        method,
        headers: {
          ...headers,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body }),
      }).catch((cause: Error) => cause);
      if (!(answer instanceof Error)) {
        if (answer.ok || (method === 'GET' && answer.status === 404)) return answer;
        if (!MAY_PASS.has(answer.status)) throw await refusal(answer);
      }
      if (attempt >= attemptsMax) throw unreachable(url, answer);
      await clock.sleep(pauseFor(answer));
    }
  }
}

/** Items belong to no import in particular, but the path wants one. */
const NO_IMPORT = '0'.repeat(64);
const MAY_PASS: ReadonlySet<number> = new Set([429, 503, 507]);

const rowOf = (event: BackfillEvent): ImportEventRow => [
  event.sequence,
  event.userId,
  event.sessionId,
  event.itemId,
  event.kind,
  event.value,
  event.occurredAt,
];

/** JSON arrays of at most so many characters. */
function* lists(elements: readonly string[]): Iterable<string> {
  let from = 0;
  let characters = 0;
  for (let at = 0; at < elements.length; at += 1) {
    characters += elements[at]!.length;
    if (characters > BODY_CHARACTERS_MAX && at > from) {
      yield `[${elements.slice(from, at).join(',')}]`;
      from = at;
      characters = elements[at]!.length;
    }
  }
  if (from < elements.length) yield `[${elements.slice(from).join(',')}]`;
}

const pauseFor = (answer: Response | Error): DurationMs => {
  const seconds = answer instanceof Error ? Number.NaN : Number(answer.headers.get('retry-after'));
  return (seconds > 0 ? seconds * 1000 : PAUSE_MS) as DurationMs;
};

const refusal = async (answer: Response): Promise<FreshetError> => {
  const body = (await answer.json().catch(() => undefined)) as
    | { error?: { message?: string } }
    | undefined;
  const problem = body?.error?.message ?? `The server answered ${answer.status}.`;
  return new FreshetError('bad_request', { problem });
};

const unreachable = (url: string, answer: Response | Error): FreshetError => {
  const got = answer instanceof Error ? answer.message : `status ${answer.status}`;
  return new FreshetError('unavailable', { why: `${url} does not take the import (${got})` });
};
