/**
 * Loses single answers of a Kafka broker on their way to the client: the request has arrived and was
 * carried out, and nobody learns of it. Requests and answers are frames of a length and a body; an
 * answer carries its request's correlation id, the request also says what it asks for.
 */
import type { TrafficEditor } from './fault-proxy.ts';

export const PRODUCE_API = 0;

/** What becomes of the answer to a request of this kind. */
export type ReplyFate = 'pass' | 'lose' | 'cut';

export const losingReplies = (fateOf: (apiKey: number) => ReplyFate) => (): TrafficEditor => {
  const requests = new FrameSplitter();
  const replies = new FrameSplitter();
  const apiKeys = new Map<number, number>();
  return {
    request: (bytes) => {
      for (const frame of requests.push(bytes)) {
        apiKeys.set(frame.readInt32BE(8), frame.readInt16BE(4));
      }
    },
    reply: (bytes) => {
      const passed: Buffer[] = [];
      for (const frame of replies.push(bytes)) {
        const correlation = frame.readInt32BE(4);
        const fate = fateOf(apiKeys.get(correlation) ?? -1);
        apiKeys.delete(correlation);
        if (fate === 'cut') return 'cut';
        if (fate === 'pass') passed.push(frame);
      }
      return Buffer.concat(passed);
    },
  };
};

class FrameSplitter {
  #held: Buffer = Buffer.alloc(0);

  /** The whole frames, their length included, that are there now. */
  push(bytes: Buffer): readonly Buffer[] {
    this.#held = Buffer.concat([this.#held, bytes]);
    const frames: Buffer[] = [];
    while (this.#held.length >= 4) {
      const end = 4 + this.#held.readInt32BE(0);
      if (this.#held.length < end) break;
      frames.push(this.#held.subarray(0, end));
      this.#held = this.#held.subarray(end);
    }
    return frames;
  }
}
