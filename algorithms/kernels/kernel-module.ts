/**
 * One compiled file of kernels and its two builds. `plain` gives the same bits on every machine and
 * is for whatever is stored or replayed; `relaxed` fuses multiply and add where the machine can,
 * which rounds once instead of twice, and is for training and for scans that are scored again
 * exactly. Where an engine lacks relaxed SIMD, `relaxed` is the plain build.
 */
export type KernelBuild = 'plain' | 'relaxed';

export class KernelModule<_Exports = unknown> {
  readonly name: string;
  readonly #bytes: Readonly<Record<KernelBuild, string>>;
  readonly #compiled = new Map<KernelBuild, WebAssembly.Module>();

  constructor(name: string, bytes: Readonly<Record<KernelBuild, string>>) {
    this.name = name;
    this.#bytes = bytes;
  }

  /** Compiled at its first use, which takes some milliseconds. */
  compiled(build: KernelBuild): WebAssembly.Module {
    const known = this.#compiled.get(build);
    if (known) return known;
    const module = this.#compile(build);
    this.#compiled.set(build, module);
    return module;
  }

  #compile(build: KernelBuild): WebAssembly.Module {
    const bytes = bytesOf(this.#bytes[build]);
    if (build === 'relaxed' && !WebAssembly.validate(bytes)) return this.compiled('plain');
    return new WebAssembly.Module(bytes);
  }
}

const bytesOf = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

/** The functions of a module, working on `memory`. */
export const instantiate = (
  compiled: WebAssembly.Module,
  memory: WebAssembly.Memory,
): WebAssembly.Exports => new WebAssembly.Instance(compiled, { env: { memory } }).exports;
