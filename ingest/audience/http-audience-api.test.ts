/** The calls of the audience against a listening server that holds them to the API's own schemas. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventInput } from '../../schemas/api/events.ts';
import { ImpressionInput } from '../../schemas/api/impressions.ts';
import { epochMs, eventId, itemId, type ListId, userId } from '../../schemas/ids.ts';
import { HttpAudienceApi } from './http-audience-api.ts';

interface Received {
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

const NEVER = new AbortController().signal;
const received: Received[] = [];
let answer: { status: number; body: unknown } = { status: 200, body: {} };
let server: Server;
let baseUrl = '';

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request as AsyncIterable<Buffer>) text += chunk.toString();
    received.push({
      url: request.url ?? '',
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
    });
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

const errorsOf = (schema: TSchema, value: unknown): unknown[] => [...Value.Errors(schema, value)];

describe('the audience over HTTP', () => {
  it('asks for a list by the name of a person, whatever it is', async () => {
    answer = {
      status: 200,
      body: { listId: 'l1', items: [{ itemId: 'heat-1995' }], models: { als: null, blend: 'b2' } },
    };
    const api = new HttpAudienceApi({ baseUrl, key: 'secret' });
    const list = await api.recommendations(userId('../ü'), 20, NEVER);
    expect(list).toEqual({
      listId: 'l1',
      placement: 'home',
      itemIds: ['heat-1995'],
      models: { blend: 'b2' },
    });
    expect(received.at(-1)?.url).toBe(
      '/v1/users/..%2F%C3%BC/recommendations?limit=20&explain=false&placement=home',
    );
    expect(received.at(-1)?.headers.authorization).toBe('Bearer secret');
  });

  it('sends events and impressions that the schemas take', async () => {
    const api = new HttpAudienceApi({ baseUrl });
    answer = { status: 200, body: { refused: [{}] } };
    const event = {
      eventId: eventId('live-1'),
      userId: userId('horror-fan-3'),
      itemId: itemId('saw-2004'),
      kind: 'rating',
      value: 4.5,
      occurredAt: epochMs(Date.UTC(2026, 0, 1)),
      context: { listId: 'l1' as ListId, rank: 3, placement: 'home', undoes: null },
    };
    const click = {
      ...event,
      eventId: eventId('live-2'),
      kind: 'click',
      value: null,
      context: null,
    };
    expect(await api.postEvents([event, click], NEVER)).toBe(1);
    const { events } = received.at(-1)!.body as { events: unknown[] };
    expect(events.flatMap((sent) => errorsOf(EventInput, sent))).toEqual([]);

    const shown = {
      listId: 'l1' as ListId,
      placement: 'home',
      itemIds: [itemId('saw-2004')],
      models: {},
      userId: userId('horror-fan-3'),
      occurredAt: event.occurredAt,
    };
    await api.postImpressions([shown], NEVER);
    const { impressions } = received.at(-1)!.body as { impressions: unknown[] };
    expect(impressions.flatMap((sent) => errorsOf(ImpressionInput, sent))).toEqual([]);
  });

  it('says which call failed and how', async () => {
    answer = { status: 503, body: { error: { code: 'unavailable' } } };
    const api = new HttpAudienceApi({ baseUrl });
    await expect(api.postEvents([], NEVER)).rejects.toThrow(/\/v1\/events answered 503/);
    const nobody = new HttpAudienceApi({ baseUrl: 'http://127.0.0.1:1' });
    await expect(nobody.postEvents([], NEVER)).rejects.toThrow(/does not answer/);
  });
});
