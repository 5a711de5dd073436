/** A client of the live socket for tests: what it was sent, and a wait for the next of a kind. */
import { WebSocket } from 'ws';
import type { LiveMessage } from '../../schemas/api/live.ts';

type Of<Type extends LiveMessage['type']> = Extract<LiveMessage, { type: Type }>;

export class LiveClient {
  readonly socket: WebSocket;
  readonly messages: LiveMessage[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  #seen = 0;
  #wake: () => void = () => undefined;

  constructor(port: number, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/v1/live`, { headers });
    this.socket.on('message', (data) => {
      this.messages.push(JSON.parse(data.toString()) as LiveMessage);
      this.#wake();
    });
    this.socket.on('error', () => undefined);
    this.closed = new Promise((done) => {
      this.socket.on('close', (code, reason) => done({ code, reason: reason.toString() }));
    });
  }

  opened(): Promise<boolean> {
    return new Promise((done) => {
      this.socket.on('open', () => done(true));
      this.socket.on('close', () => done(false));
    });
  }

  send(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** The next message of the type, others before it passed over. */
  async next<Type extends LiveMessage['type']>(type: Type): Promise<Of<Type>> {
    for (;;) {
      while (this.#seen < this.messages.length) {
        const message = this.messages[this.#seen++]!;
        if (message.type === type) return message as Of<Type>;
      }
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}

export const connect = async (
  port: number,
  headers?: Record<string, string>,
): Promise<LiveClient> => {
  const client = new LiveClient(port, headers);
  await client.opened();
  return client;
};

/** What a client makes of a list and a diff: the ids in their new order. */
export const applied = (before: readonly string[], diff: Of<'diff'>): string[] => {
  const ranks = new Map(before.map((id, index) => [id, index + 1]));
  for (const id of diff.left) ranks.delete(id);
  for (const { itemId, to } of diff.moved) ranks.set(itemId, to);
  for (const { itemId, rank } of diff.entered) ranks.set(itemId, rank);
  return [...ranks].sort((left, right) => left[1] - right[1]).map(([id]) => id);
};
