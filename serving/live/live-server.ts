/**
 * The live socket: takes upgrades of `/v1/live` from allowed origins, bounds how many there are,
 * beats every 15 seconds, and ends what does not answer. The same over server-sent events for one
 * channel is in `event-stream-route.ts`.
 */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  type Carrier,
  CLOSE_GOING_AWAY,
  LiveConnection,
  type LiveParts,
} from './live-connection.ts';

const PATH = '/v1/live';

export interface LiveServerParts extends LiveParts {
  readonly basePath: string;
  /** Whether what this address forwards is believed. */
  readonly trustsProxy: (address: string) => boolean;
}

export interface LiveCounts {
  readonly sockets: number;
  readonly subscriptions: number;
  readonly lists: number;
  readonly parked: number;
  readonly refreshes: number;
  readonly coalesced: number;
  readonly ended: number;
}

export class LiveServer {
  readonly #parts: LiveServerParts;
  readonly #sockets: WebSocketServer;
  readonly #connections = new Map<LiveConnection, { readonly address: string; kill(): void }>();
  readonly #perAddress = new Map<string, number>();
  readonly #stopping = new AbortController();
  #beating: Promise<void> = Promise.resolve();

  constructor(parts: LiveServerParts) {
    this.#parts = parts;
    this.#sockets = new WebSocketServer({
      noServer: true,
      maxPayload: parts.options.messageBytesMax,
      perMessageDeflate: false,
      clientTracking: false,
    });
  }

  get parts(): LiveServerParts {
    return this.#parts;
  }

  start(): void {
    this.#parts.hub.start();
    this.#beating = this.#beatForEver();
  }

  attach(server: Server): void {
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const connection of this.#connections.keys()) {
      connection.close(CLOSE_GOING_AWAY, 'the server stops');
    }
    // Whoever does not answer the close is not waited for.
    for (const [connection, { kill }] of this.#connections) {
      connection.end();
      kill();
    }
    this.#connections.clear();
    await Promise.all([
      this.#parts.hub.stop(),
      this.#parts.activity.stop(),
      this.#parts.system?.stop(),
    ]);
    await this.#beating;
  }

  /** Drops what is kept of somebody who was forgotten, by the key of their state. */
  letGoOf(subjectKey: string): void {
    this.#parts.parked.letGoOf(subjectKey);
    this.#parts.hub.letGoOf(subjectKey);
  }

  counts(): LiveCounts {
    let subscriptions = 0;
    for (const connection of this.#connections.keys())
      subscriptions += connection.subscriptionCount;
    const { hub, parked, counters } = this.#parts;
    return {
      sockets: this.#connections.size,
      subscriptions,
      lists: hub.listCount,
      parked: parked.count,
      refreshes: hub.refreshCount,
      ...counters,
    };
  }

  /** Why one more client from this address is not taken; undefined if it is. */
  refusal(address: string): string | undefined {
    const { socketsMax, socketsPerAddressMax } = this.#parts.options;
    if (this.#connections.size >= socketsMax) return `at most ${socketsMax} sockets`;
    return (this.#perAddress.get(address) ?? 0) >= socketsPerAddressMax
      ? `at most ${socketsPerAddressMax} sockets of one address`
      : undefined;
  }

  /** A client over any carrier; it stays until `leave`. */
  join(carrier: Carrier, address: string): LiveConnection {
    const connection = new LiveConnection(this.#parts, carrier);
    this.#connections.set(connection, { address, kill: () => carrier.terminate() });
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
    return connection;
  }

  leave(connection: LiveConnection): void {
    const client = this.#connections.get(connection);
    connection.end();
    if (client === undefined) return;
    this.#connections.delete(connection);
    const left = (this.#perAddress.get(client.address) ?? 1) - 1;
    if (left > 0) this.#perAddress.set(client.address, left);
    else this.#perAddress.delete(client.address);
  }

  /** Behind a trusted proxy, whom it says that it speaks for. */
  addressOf(request: IncomingMessage): string {
    const { trustsProxy } = this.#parts;
    const direct = request.socket.remoteAddress ?? '';
    if (!trustsProxy(direct)) return direct;
    const forwarded = [request.headers['x-forwarded-for'] ?? []].flat().join().split(',');
    return (
      forwarded
        .map((address) => address.trim())
        .findLast((address) => address !== '' && !trustsProxy(address)) ?? direct
    );
  }

  /** Undefined origins are no browser's. */
  isAllowedOrigin(origin: string | undefined, host: string | undefined): boolean {
    if (origin === undefined) return true;
    if (host !== undefined && (origin === `http://${host}` || origin === `https://${host}`))
      return true;
    return this.#parts.options.allowedOrigins.includes(origin);
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const address = this.addressOf(request);
    const refusal = this.#refusalOf(request, address);
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (client) => this.#welcome(client, address));
  }

  #refusalOf({ url, headers }: IncomingMessage, address: string): string | undefined {
    if (url?.split('?')[0] !== this.#parts.basePath + PATH) return '404 Not Found';
    if (!this.isAllowedOrigin(headers.origin, headers.host)) return '403 Forbidden';
    if (this.#stopping.signal.aborted) return '503 Service Unavailable';
    return this.refusal(address) === undefined ? undefined : '429 Too Many Requests';
  }

  #welcome(client: WebSocket, address: string): void {
    const connection = this.join(carrierOf(client), address);
    client.on('message', (data, isBinary) => {
      if (isBinary) connection.refuseBinary();
      else void connection.receive(data.toString());
    });
    client.on('pong', () => connection.heard());
    client.on('close', () => this.leave(connection));
    // A broken frame or one too large: ws closes with the fitting code by itself.
    client.on('error', () => undefined);
  }

  async #beatForEver(): Promise<void> {
    const { clock, options } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await clock.sleep(options.heartbeatMs, signal);
      } catch {
        return;
      }
      for (const [connection, { kill }] of [...this.#connections]) {
        if (!connection.beat()) kill();
      }
    }
  }
}

const carrierOf = (client: WebSocket): Carrier => ({
  get queuedBytes() {
    return client.bufferedAmount;
  },
  send(message, taken) {
    client.send(message, (error) => {
      if (error === undefined || error === null) taken();
    });
    if (message.startsWith('{"type":"heartbeat"')) client.ping();
  },
  close: (code, reason) => client.close(code, reason),
  terminate: () => client.terminate(),
});
