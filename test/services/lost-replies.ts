/** Loses answers on their way through a `FaultProxy`: the request arrives and is done, the connection breaks. */
import type { TrafficEditor } from './fault-proxy.ts';

export class LostReplies {
  /** Requests whose answer is lost from now on, by the text that they contain. */
  to: ((request: string) => boolean) | undefined;
  count = 0;

  readonly editor = (): TrafficEditor => {
    let losesNext = false;
    return {
      request: (bytes) => {
        if (this.to?.(bytes.toString('latin1'))) losesNext = true;
      },
      reply: (bytes) => {
        if (!losesNext) return bytes;
        this.count += 1;
        return 'cut';
      },
    };
  };
}
