/**
 * A stream of the simulation: the real one, over the ports of its process, with somebody who looks
 * after it. What halts because it was fenced has lost its partition to another, and is ended; what
 * halts for any other reason is a fault.
 */
import type { DurationMs } from '../../schemas/ids.ts';
import { createStream, type Stream, type StreamDependencies } from '../../stream/stream.ts';
import type { StreamStatus } from '../../stream/stream-status.ts';
import type { SimProcess } from './sim-process.ts';
import type { Watch } from './watch.ts';

export interface StreamSurroundings {
  readonly process: SimProcess;
  readonly dependencies: StreamDependencies;
  readonly watch: Watch;
  /** It was fenced: somebody has to take over. */
  readonly onFenced: () => void;
}

const LOOK_EVERY_MS = 700 as DurationMs;

export class StreamProcess {
  readonly process: SimProcess;
  readonly #given: StreamSurroundings;
  readonly #stream: Stream;

  constructor(given: StreamSurroundings) {
    this.process = given.process;
    this.#given = given;
    this.#stream = createStream(given.dependencies);
  }

  start(): void {
    void this.#stream.start();
    void this.#look();
  }

  status(): Promise<StreamStatus> {
    return this.#stream.status();
  }

  caughtUp(): Promise<void> {
    return this.#stream.caughtUp();
  }

  async #look(): Promise<void> {
    const { clock } = this.process;
    for (;;) {
      await clock.sleep(LOOK_EVERY_MS);
      const status = await this.#stream.status().catch(() => undefined);
      if (status !== undefined && this.#isFenced(status)) return;
    }
  }

  #isFenced({ partitions }: StreamStatus): boolean {
    const { watch, onFenced } = this.#given;
    const halted = partitions.filter(({ state }) => state === 'halted');
    for (const { partition, problem } of halted) {
      if (problem?.code === 'fenced') continue;
      watch.report(
        `${partition} halted in ${this.process.name}: ${problem?.code} ${problem?.message}`,
      );
    }
    if (halted.length > 0) onFenced();
    return halted.length > 0;
  }
}
