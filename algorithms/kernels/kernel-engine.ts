/**
 * Who runs kernels. A fit describes its work as waves: calls of one kernel that may run in any order
 * and beside each other, because each writes only what is its own. So the bits of a result depend
 * on the calls alone, not on how many threads share them (a wave that wants to depend on the
 * thread count, such as racing updates, does so in its calls).
 *
 * `inlineEngine` makes the calls on the calling thread; `KernelPool` shares them among threads.
 */
import { type FitContext, pause } from '../model/fit-context.ts';
import { KernelMemory } from './kernel-memory.ts';
import { instantiate, type KernelBuild, type KernelModule } from './kernel-module.ts';

export interface Wave<Exports = Record<string, unknown>> {
  readonly module: KernelModule<Exports>;
  readonly build: KernelBuild;
  readonly kernel: keyof Exports & string;
  /** The arguments of each call, addresses and numbers. */
  readonly calls: readonly (readonly number[])[];
  /** If given, each thread has so many bytes of its own, whose address goes before the arguments. */
  readonly scratchBytes?: number;
}

export interface KernelEngine {
  readonly memory: KernelMemory;
  /** How many threads share a wave. */
  readonly threadCount: number;
  /** A module's functions on this thread, over the shared memory. */
  functions<Exports>(module: KernelModule<Exports>, build: KernelBuild): Exports;
  /**
   * Makes all calls of a wave and gives what each returned (0 for nothing). Reports the share
   * that is done; an abort rejects once no call is running any more.
   */
  run<Exports>(wave: Wave<Exports>, context: FitContext): Promise<Float64Array>;
  close(): Promise<void>;
}

type KernelFunction = (...words: readonly number[]) => number | undefined;

export class InstanceTable {
  readonly #memory: WebAssembly.Memory;
  readonly #instances = new Map<WebAssembly.Module, WebAssembly.Exports>();

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
  }

  of(compiled: WebAssembly.Module): WebAssembly.Exports {
    let exports = this.#instances.get(compiled);
    if (!exports) {
      exports = instantiate(compiled, this.#memory);
      this.#instances.set(compiled, exports);
    }
    return exports;
  }
}

class InlineEngine implements KernelEngine {
  readonly memory = new KernelMemory();
  readonly threadCount = 1;
  readonly #instances = new InstanceTable(this.memory.memory);

  functions<Exports>(module: KernelModule<Exports>, build: KernelBuild): Exports {
    return this.#instances.of(module.compiled(build)) as Exports;
  }

  async run<Exports>(wave: Wave<Exports>, context: FitContext): Promise<Float64Array> {
    const { module, build, kernel, calls, scratchBytes } = wave;
    const call = this.functions(module, build)[kernel] as KernelFunction;
    using region = this.memory.region();
    const first = scratchBytes === undefined ? [] : [region.bytes(scratchBytes)];
    const results = new Float64Array(calls.length);
    for (let k = 0; k < calls.length; k++) {
      results[k] = call(...first, ...calls[k]!) ?? 0;
      await pause(context, (k + 1) / calls.length);
    }
    return results;
  }

  async close(): Promise<void> {}
}

export const inlineEngine = (): KernelEngine => new InlineEngine();
