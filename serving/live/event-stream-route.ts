/**
 * One channel of the live socket as server-sent events, for clients that have no WebSocket: the same
 * messages, each named by its type and numbered by its seq. A client that comes back says by
 * `Last-Event-ID` where it was.
 */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { request as requestOf, textField } from '../../schemas/api/fields.ts';
import { LiveSubscribe } from '../../schemas/api/live.ts';
import { limitParameter } from '../../schemas/api/parameters.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { routeSchema } from '../routes/route-support.ts';
import type { Carrier } from './live-connection.ts';
import type { LiveServer } from './live-server.ts';

const StreamQuery = requestOf({
  channel: LiveSubscribe.properties.channel,
  limit: Type.Optional(limitParameter),
  placement: Type.Optional(textField({ description: 'As in lists.', minLength: 1 })),
  category: Type.Optional(textField({ description: 'As in lists.', minLength: 1 })),
});
type StreamQuery = Type.Static<typeof StreamQuery>;

/** The one subscription of a stream. */
const ID = 'stream';

export const registerEventStream = (app: FastifyInstance, live: LiveServer): void => {
  app.get<{ Querystring: StreamQuery }>(
    '/v1/live/stream',
    routeSchema({
      summary: 'One live channel as server-sent events',
      tag: 'live',
      querystring: StreamQuery,
      answer: Type.String({ description: 'text/event-stream of the messages of the live socket.' }),
    }),
    async (request, reply) => {
      const address = live.addressOf(request.raw);
      const refusal = live.refusal(address);
      if (refusal !== undefined) throw new FreshetError('unavailable', { why: refusal });
      const { channel, ...params } = request.query;
      const seq = seqOf(request.headers['last-event-id']);
      const waiting: string[] = [];
      const carrier = new StreamCarrier(reply.raw, waiting);
      const connection = live.join(carrier, address);
      try {
        // What cannot be subscribed is an HTTP error; only what can becomes a stream.
        await connection.open(
          seq === undefined
            ? { op: 'subscribe', id: ID, channel, params }
            : { op: 'resume', id: ID, channel, params, seq },
        );
      } catch (error) {
        live.leave(connection);
        throw error;
      }
      reply.hijack();
      reply.raw.on('close', () => live.leave(connection));
      reply.raw.on('error', () => live.leave(connection));
      if (reply.raw.destroyed) live.leave(connection);
      carrier.begin({
        ...reply.getHeaders(),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      // Nobody answers on a stream: as long as the network takes what is sent, the client is there.
      carrier.onTaken = () => connection.heard();
      return reply;
    },
  );
};

const seqOf = (header: string | string[] | undefined): number | undefined =>
  typeof header === 'string' && /^\d{1,16}$/.test(header) ? Number(header) : undefined;

/** Holds messages back until the answer has begun. */
class StreamCarrier implements Carrier {
  readonly #response: ServerResponse;
  readonly #waiting: string[];
  #hasBegun = false;
  onTaken: () => void = () => undefined;

  constructor(response: ServerResponse, waiting: string[]) {
    this.#response = response;
    this.#waiting = waiting;
  }

  get queuedBytes(): number {
    return this.#response.writableLength;
  }

  begin(headers: Readonly<Record<string, string | number | string[] | undefined>>): void {
    const given = Object.entries(headers).filter(([, value]) => value !== undefined);
    this.#response.writeHead(200, Object.fromEntries(given) as Record<string, string>);
    this.#hasBegun = true;
    for (const message of this.#waiting.splice(0)) this.send(message, () => undefined);
  }

  send(message: string, taken: () => void): void {
    if (!this.#hasBegun) {
      this.#waiting.push(message);
      return;
    }
    this.#response.write(framed(message), (error) => {
      if (error) return;
      this.onTaken();
      taken();
    });
  }

  close(): void {
    this.#response.end();
  }

  terminate(): void {
    this.#response.destroy();
  }
}

/** `type` and `seq` stand at known places of the messages that we write ourselves. */
const framed = (message: string): string => {
  const type = /^\{"type":"(\w+)"/.exec(message)?.[1] ?? 'message';
  const seq = /^\{"type":"\w+","id":"stream","seq":(\d+)/.exec(message)?.[1];
  return `${seq === undefined ? '' : `id: ${seq}\n`}event: ${type}\ndata: ${message}\n\n`;
};
