/**
 * One WebSocket for the whole page: keeps its subscriptions over reconnects, asks to resume where
 * it stopped, and waits longer after each failure. Knows nothing of what the messages mean.
 */
import type { LiveMessage, LiveParams, LiveRequest } from '../../schemas/api/live.ts';

export type ConnectionState = 'connecting' | 'live' | 'reconnecting';

export interface LiveConnection {
  subscribe(id: string, channel: string, params?: LiveParams): void;
  unsubscribe(id: string): void;
  close(): void;
}

export interface LiveConnectionOptions {
  readonly url: string;
  onMessage(message: LiveMessage): void;
  onState(state: ConnectionState): void;
}

interface Wanted {
  readonly channel: string;
  readonly params: LiveParams;
  /** Sequence number of the newest message; undefined before the first. */
  seq: number | undefined;
}

const RETRY_MS_FIRST = 250;
const RETRY_MS_MAX = 10_000;

export const openLiveConnection = (options: LiveConnectionOptions): LiveConnection => {
  const wanted = new Map<string, Wanted>();
  let socket: WebSocket | undefined;
  let retryMs = RETRY_MS_FIRST;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isClosed = false;

  const send = (message: LiveRequest): void => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  };
  const ask = (id: string, { channel, params, seq }: Wanted): void => {
    if (seq === undefined) send({ op: 'subscribe', id, channel, params });
    else send({ op: 'resume', id, seq, channel, params });
  };
  const connect = (): void => {
    socket = new WebSocket(options.url);
    socket.addEventListener('open', () => {
      retryMs = RETRY_MS_FIRST;
      options.onState('live');
      for (const [id, want] of wanted) ask(id, want);
    });
    socket.addEventListener('message', (event: MessageEvent<string>) => {
      const message = JSON.parse(event.data) as LiveMessage;
      if ('seq' in message) {
        const want = wanted.get(message.id);
        if (!want) return;
        want.seq = message.seq;
      }
      options.onMessage(message);
    });
    socket.addEventListener('close', () => {
      if (isClosed) return;
      options.onState('reconnecting');
      timer = setTimeout(connect, retryMs);
      retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
    });
  };

  connect();
  return {
    subscribe(id, channel, params = {}) {
      const want: Wanted = { channel, params, seq: undefined };
      wanted.set(id, want);
      ask(id, want);
    },
    unsubscribe(id) {
      if (wanted.delete(id)) send({ op: 'unsubscribe', id });
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
      socket?.close();
    },
  };
};
