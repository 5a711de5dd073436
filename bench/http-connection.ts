/**
 * One HTTP request at a time over one raw socket: a load shares the machine with what it measures, and
 * a client library would cost it more than the server spends.
 */
import { connect, type Socket } from 'node:net';

const LENGTH = 'content-length: ';
const HEAD_END = '\r\n\r\n';

export class HttpConnection {
  readonly #socket: Socket;
  #text = '';
  #onAnswer: ((answer: string) => void) | undefined;

  static async open(port: number): Promise<HttpConnection> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new HttpConnection(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (piece: string) => this.#take(piece));
  }

  /** The answer is told whole, head and body. */
  send(request: string, onAnswer: (answer: string) => void): void {
    this.#onAnswer = onAnswer;
    this.#socket.write(request, 'latin1');
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(piece: string): void {
    this.#text = this.#text === '' ? piece : this.#text + piece;
    const head = this.#text.indexOf(HEAD_END);
    if (head < 0) return;
    const at = this.#text.indexOf(LENGTH) + LENGTH.length;
    const length = Number(this.#text.slice(at, this.#text.indexOf('\r', at)));
    if (this.#text.length < head + HEAD_END.length + length) return;
    const answer = this.#text;
    this.#text = '';
    this.#onAnswer?.(answer);
  }
}
