/**
 * Stands between a client and the engine. While it is told to, it hands a request on, waits until the
 * engine has answered, and cuts the connection instead of handing back the answer.
 */
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export class CutReplyProxy {
  readonly #server: Server;
  readonly #target: string;
  /** Requests whose reply is lost from now on, by the text that they contain. */
  cuts: ((statement: string) => boolean) | undefined;
  cutCount = 0;

  constructor(target: string) {
    this.#target = target;
    this.#server = createServer((incoming, outgoing) => {
      const { method, headers, url } = incoming;
      const onward = request(
        `${this.#target}${url}`,
        { method, headers, agent: false },
        (answer) => {
          const pieces: Buffer[] = [];
          answer.on('data', (piece: Buffer) => pieces.push(piece));
          answer.on('end', () => {
            if (this.cuts?.(decodeURIComponent(url ?? '') + sent)) {
              this.cutCount += 1;
              outgoing.destroy();
              return;
            }
            outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
            outgoing.end(Buffer.concat(pieces));
          });
        },
      );
      let sent = '';
      incoming.on('data', (piece: Buffer) => {
        sent += piece.toString('latin1');
      });
      onward.on('error', () => outgoing.destroy());
      incoming.pipe(onward);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
