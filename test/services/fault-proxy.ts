/**
 * Stands between a client and a server on loopback and makes the network bad: answers come late, all
 * connections are cut, nothing gets through for a while, nobody is let in, or single answers are lost
 * while the request arrived. An editor per connection may look at what passes and take out answers.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface FaultProxyOptions {
  /** Where clients connect. */
  readonly port: number;
  /** Where the server listens. */
  readonly targetPort: number;
  /** Makes the editor of one connection; everything passes unchanged when left out. */
  readonly editor?: () => TrafficEditor;
}

export interface TrafficEditor {
  /** What the client sent; it is passed on as it is. */
  request(bytes: Buffer): void;
  /** What the server answered; returns what the client gets of it, or that the connection breaks. */
  reply(bytes: Buffer): Buffer | 'cut';
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

const HOST = '127.0.0.1';

export const startFaultProxy = async (options: FaultProxyOptions): Promise<FaultProxy> => {
  const proxy = new FaultProxy(options);
  await proxy.admit();
  return proxy;
};

export class FaultProxy {
  readonly #options: FaultProxyOptions;
  readonly #pairs = new Set<Pair>();
  #listening: Server | undefined;
  #isStalled = false;
  #replyDelayMs = 0;

  constructor(options: FaultProxyOptions) {
    this.#options = options;
  }

  /** Every answer from now on takes this much longer. */
  delayReplies(ms: number): void {
    this.#replyDelayMs = ms;
  }

  /** Breaks the connections that there are. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  /** Nothing passes in either direction, and nobody is told. */
  stall(): void {
    this.#isStalled = true;
    this.strand();
  }

  /** The same for the connections that there are; new ones work. */
  strand(): void {
    for (const { client, server } of this.#pairs) {
      client.pause();
      server.pause();
    }
  }

  resume(): void {
    this.#isStalled = false;
    for (const { client, server } of this.#pairs) {
      client.resume();
      server.resume();
    }
  }

  /** Breaks what there is and lets nobody in until `admit`. */
  async refuse(): Promise<void> {
    const listening = this.#listening;
    this.#listening = undefined;
    this.cut();
    if (listening) await new Promise<void>((resolve) => listening.close(() => resolve()));
  }

  async admit(): Promise<void> {
    const server = createServer((client) => this.#pass(client));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#options.port, HOST, resolve);
    });
    this.#listening = server;
  }

  stop(): Promise<void> {
    return this.refuse();
  }

  #pass(client: Socket): void {
    const server = connect(this.#options.targetPort, HOST);
    const pair = { client, server };
    this.#pairs.add(pair);
    const breakBoth = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.setNoDelay(true);
      socket.on('error', breakBoth);
      // What was sent before the end still arrives.
      socket.on('close', () => {
        this.#pairs.delete(pair);
        other.end();
      });
      if (this.#isStalled) socket.pause();
    }
    const editor = this.#options.editor?.();
    client.on('data', (bytes) => {
      editor?.request(bytes);
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      const passed = editor ? editor.reply(bytes) : bytes;
      if (passed === 'cut') breakBoth();
      else if (passed.length > 0) this.#deliver(client, passed);
    });
  }

  #deliver(client: Socket, bytes: Buffer): void {
    if (this.#replyDelayMs === 0) client.write(bytes);
    else setTimeout(() => client.destroyed || client.write(bytes), this.#replyDelayMs);
  }
}
