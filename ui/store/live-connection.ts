/**
 * One WebSocket for the whole page: keeps its subscriptions over reconnects, asks to resume where
 * it stopped, and waits longer after each failure. A server that has been silent for longer than two
 * heartbeats is taken for gone. Knows nothing of what the messages mean.
 */
import type { LiveMessage, LiveParams, LiveRequest } from '../../schemas/api/live.ts';

export type ConnectionState = 'connecting' | 'live' | 'reconnecting';

export interface LiveConnection {
  subscribe(id: string, channel: string, params?: LiveParams): void;
  close(): void;
}

export interface LiveConnectionOptions {
  readonly url: string;
  onMessage(message: LiveMessage): void;
  onState(state: ConnectionState): void;
}

export type OpenLiveConnection = (options: LiveConnectionOptions) => LiveConnection;

interface Wanted {
  readonly channel: string;
  readonly params: LiveParams;
  /** Sequence number of the newest message; undefined before the first. */
  seq: number | undefined;
}

const RETRY_MS_FIRST = 250;
const RETRY_MS_MAX = 10_000;
const SILENCE_MS_MAX = 40_000;

export const openLiveConnection: OpenLiveConnection = (options) => new ReconnectingSocket(options);

class ReconnectingSocket implements LiveConnection {
  readonly #options: LiveConnectionOptions;
  readonly #wanted = new Map<string, Wanted>();
  #socket: WebSocket | undefined;
  #retryMs = RETRY_MS_FIRST;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(options: LiveConnectionOptions) {
    this.#options = options;
    this.#connect();
  }

  subscribe(id: string, channel: string, params: LiveParams = {}): void {
    // The same name for another channel: the server must let go of the old one first.
    if (this.#wanted.has(id)) this.#send({ op: 'unsubscribe', id });
    const want: Wanted = { channel, params, seq: undefined };
    this.#wanted.set(id, want);
    this.#ask(id, want);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#socket?.close();
  }

  #connect(): void {
    const socket = new WebSocket(this.#options.url);
    this.#socket = socket;
    socket.addEventListener('open', () => {
      this.#retryMs = RETRY_MS_FIRST;
      this.#options.onState('live');
      this.#listen();
      for (const [id, want] of this.#wanted) this.#ask(id, want);
    });
    socket.addEventListener('message', (event: MessageEvent<string>) => {
      this.#listen();
      this.#take(JSON.parse(event.data) as LiveMessage);
    });
    socket.addEventListener('close', () => this.#lost());
  }

  #take(message: LiveMessage): void {
    if ('seq' in message) {
      const want = this.#wanted.get(message.id);
      if (!want) return;
      want.seq = message.seq;
    }
    this.#options.onMessage(message);
  }

  #lost(): void {
    clearTimeout(this.#silence);
    if (this.#isClosed) return;
    this.#options.onState('reconnecting');
    this.#retry = setTimeout(() => this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }

  /** Starts the silence anew: something was heard. */
  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#socket?.close(), SILENCE_MS_MAX);
  }

  #ask(id: string, { channel, params, seq }: Wanted): void {
    if (seq === undefined) this.#send({ op: 'subscribe', id, channel, params });
    else this.#send({ op: 'resume', id, seq, channel, params });
  }

  #send(message: LiveRequest): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }
}
