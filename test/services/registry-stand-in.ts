/**
 * The part of a schema registry's REST interface that Freshet asks, for tests of what Freshet does with
 * its answers, its silence and its failures. It is nobody's product: what a real registry answers is tried
 * with a real one.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RegistryAnswer {
  readonly status: number;
  readonly body: unknown;
}

export class RegistryStandIn {
  readonly asked: string[] = [];
  readonly #server: Server;
  readonly #schemas = new Map<number, object>();
  /** Instead of what it has. */
  answer: ((request: IncomingMessage) => RegistryAnswer | 'silence' | undefined) | undefined;

  static async start(): Promise<RegistryStandIn> {
    const registry = new RegistryStandIn();
    await new Promise<void>((resolve) => registry.#server.listen(0, '127.0.0.1', resolve));
    return registry;
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      this.asked.push(request.url ?? '');
      const given = this.answer?.(request) ?? this.#answerTo(request.url ?? '');
      if (given === 'silence') return;
      response.writeHead(given.status, {
        'content-type': 'application/vnd.schemaregistry.v1+json',
      });
      response.end(typeof given.body === 'string' ? given.body : JSON.stringify(given.body));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  register(id: number, schema: unknown, more: object = {}): void {
    this.#schemas.set(id, { schema: JSON.stringify(schema), ...more });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answerTo(path: string): RegistryAnswer {
    const found = this.#schemas.get(Number(/^\/schemas\/ids\/(\d+)$/.exec(path)?.[1]));
    if (found !== undefined) return { status: 200, body: found };
    return { status: 404, body: { error_code: 40_403, message: 'Schema not found' } };
  }
}
