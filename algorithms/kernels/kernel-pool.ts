/**
 * Threads that share waves of kernel calls. A wave's arguments lie in the shared memory beside a
 * counter; each thread takes the next number until there are none, so an uneven wave is balanced
 * by itself. A message starts a wave on a thread and another ends it (about 50 µs together), so a
 * call should be worth a millisecond. The owning thread only waits, and its event loop stays free.
 *
 * One wave at a time; a second waits for the first. Threads start with the first wave and do not
 * keep the process alive between waves. The only file of this library that starts a thread.
 */
import { Worker } from 'node:worker_threads';
import type { FitContext } from '../model/fit-context.ts';
import { checkCount } from '../model/option-checks.ts';
import { InstanceTable, type KernelEngine, type Wave } from './kernel-engine.ts';
import { KernelMemory } from './kernel-memory.ts';
import type { KernelBuild, KernelModule } from './kernel-module.ts';
import type { WaveAnswer, WaveOrder } from './kernel-worker.ts';

/** How often a wave's progress is told, at most. */
const REPORTS = 50;

interface WaveListener {
  readonly onProgress: (share: number) => void;
  /** Lets the other threads find no more calls. */
  readonly stop: () => void;
}

export class KernelPool implements KernelEngine {
  readonly memory = new KernelMemory();
  readonly threadCount: number;
  readonly #instances = new InstanceTable(this.memory.memory);
  readonly #workers: Worker[] = [];
  #lastWave: Promise<unknown> = Promise.resolve();

  constructor(threadCount: number) {
    checkCount('threadCount', threadCount);
    this.threadCount = threadCount;
  }

  functions<Exports>(module: KernelModule<Exports>, build: KernelBuild): Exports {
    return this.#instances.of(module.compiled(build)) as Exports;
  }

  run<Exports>(wave: Wave<Exports>, context: FitContext): Promise<Float64Array> {
    const mine = this.#lastWave.then(() => this.#runNow(wave, context));
    this.#lastWave = mine.catch(() => undefined);
    return mine;
  }

  async #runNow<Exports>(wave: Wave<Exports>, context: FitContext): Promise<Float64Array> {
    context.signal?.throwIfAborted();
    const { calls, module, build, kernel, scratchBytes } = wave;
    if (calls.length === 0) return new Float64Array(0);
    this.#start();
    using region = this.memory.region();
    const width = calls[0]!.length;
    const words = region.f64(calls.length * width);
    calls.forEach((call, k) => {
      words.set(call, k * width);
    });
    const results = region.f64(calls.length);
    const counter = region.i32(1);
    const stop = (): void => {
      Atomics.store(counter, 0, calls.length);
    };
    context.signal?.addEventListener('abort', stop, { once: true });
    try {
      const order = {
        module: module.compiled(build),
        kernel,
        counter: counter.byteOffset,
        words: words.byteOffset,
        results: results.byteOffset,
        count: calls.length,
        width,
        reportEvery: Math.ceil(calls.length / REPORTS),
      };
      let told = 0;
      // The threads' messages may overtake each other.
      const onProgress = (share: number): void => {
        told = Math.max(told, share);
        context.onProgress?.(told);
      };
      const failures = await Promise.all(
        this.#workers.slice(0, calls.length).map((worker) => {
          const scratch = scratchBytes === undefined ? null : region.bytes(scratchBytes);
          return this.#order(worker, { ...order, scratch }, { onProgress, stop });
        }),
      );
      context.signal?.throwIfAborted();
      const failed = failures.find((failure) => failure !== null);
      if (failed) throw failed;
      return results.slice();
    } finally {
      context.signal?.removeEventListener('abort', stop);
    }
  }

  #start(): void {
    while (this.#workers.length < this.threadCount) {
      const worker = new Worker(new URL('./kernel-worker.ts', import.meta.url), {
        workerData: this.memory.memory,
      });
      worker.setMaxListeners(0);
      worker.unref();
      this.#workers.push(worker);
    }
  }

  /** Resolves once the thread found no more calls: null, or why it stopped early. */
  #order(
    worker: Worker,
    order: WaveOrder,
    { onProgress, stop }: WaveListener,
  ): Promise<Error | null> {
    return new Promise((resolve) => {
      const end = (failure: Error | null): void => {
        worker.off('message', onAnswer);
        worker.off('error', onEnd);
        worker.off('exit', onExit);
        worker.unref();
        if (failure) stop();
        resolve(failure);
      };
      const onAnswer = (answer: WaveAnswer): void => {
        if (answer.kind === 'done') end(answer.failure);
        else onProgress(answer.share);
      };
      // A thread that is gone is replaced at the next wave.
      const onEnd = (failure: Error): void => {
        this.#workers.splice(this.#workers.indexOf(worker), 1);
        end(failure);
      };
      const onExit = (): void =>
        onEnd(new Error('Expected the kernel thread to stay, got its end.'));
      worker.on('message', onAnswer);
      worker.on('error', onEnd);
      worker.on('exit', onExit);
      worker.ref();
      worker.postMessage(order);
    });
  }

  async close(): Promise<void> {
    await this.#lastWave;
    await Promise.all(this.#workers.splice(0).map((worker) => worker.terminate()));
  }
}
