/**
 * The memory that kernels work on: one `WebAssembly.Memory`, shared by all threads of an engine, and
 * an allocator over it. A fit takes a region, allocates arrays from it, and releases the region when
 * it is done; what it wants to keep it copies out first. Released space is used again, never given
 * back to the system. Allocation is the owning thread's alone; workers only get positions.
 *
 * Arrays start as zeros and at multiples of 64 bytes; an array's `byteOffset` is the address that a
 * kernel is given. A view of released memory still reads and writes: keep none.
 */
import { AlgorithmError } from '../model/algorithm-error.ts';

const PAGE = 65_536;
const PAGES_MAX = 65_536;
const ALIGNMENT = 64;

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

interface Piece {
  readonly start: number;
  readonly bytes: number;
}

export class KernelMemory {
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: PAGES_MAX, shared: true });
  /** Free pieces by rising address, none touching another. */
  #free: Piece[] = [];
  /** From here on nothing was ever used. The first piece stays empty: address 0 means none. */
  #top = ALIGNMENT;

  region(): KernelRegion {
    return new KernelRegion(this);
  }

  get sizeBytes(): number {
    return this.memory.buffer.byteLength;
  }

  /** How much is in use now. */
  get usedBytes(): number {
    return this.#free.reduce((used, { bytes }) => used - bytes, this.#top - ALIGNMENT);
  }

  take(wanted: number): Piece {
    const bytes = Math.max(aligned(wanted), ALIGNMENT);
    const index = this.#free.findIndex((piece) => piece.bytes >= bytes);
    if (index < 0) return this.#takeFresh(bytes);
    const { start, bytes: available } = this.#free[index]!;
    const rest = { start: start + bytes, bytes: available - bytes };
    this.#free.splice(index, 1, ...(rest.bytes > 0 ? [rest] : []));
    new Uint8Array(this.memory.buffer, start, bytes).fill(0);
    return { start, bytes };
  }

  #takeFresh(bytes: number): Piece {
    const start = this.#top;
    const pages = Math.ceil((start + bytes) / PAGE);
    if (pages > PAGES_MAX) {
      const mebibytes = Math.round((start + bytes) / 2 ** 20);
      throw new AlgorithmError('bad_data', {
        what: 'the size of the arrays of one fit',
        expected: 'at most 4,096 MiB',
        got: `${mebibytes} MiB`,
      });
    }
    const missing = pages - this.memory.buffer.byteLength / PAGE;
    if (missing > 0) this.memory.grow(missing);
    this.#top = start + bytes;
    return { start, bytes };
  }

  give(pieces: readonly Piece[]): void {
    const all = [...this.#free, ...pieces].sort((a, b) => a.start - b.start);
    const merged: Piece[] = [];
    for (const piece of all) {
      const last = merged.at(-1);
      if (last && last.start + last.bytes === piece.start) {
        merged[merged.length - 1] = { start: last.start, bytes: last.bytes + piece.bytes };
      } else merged.push(piece);
    }
    this.#free = merged;
  }
}

/** What one piece of work allocated, given back together: `using region = memory.region()`. */
export class KernelRegion {
  readonly #memory: KernelMemory;
  #pieces: Piece[] = [];

  constructor(memory: KernelMemory) {
    this.#memory = memory;
  }

  /** The address of so many zero bytes. */
  bytes(count: number): number {
    const piece = this.#memory.take(count);
    this.#pieces.push(piece);
    return piece.start;
  }

  f32(length: number): Float32Array {
    const start = this.bytes(length * 4);
    return new Float32Array(this.#memory.memory.buffer, start, length);
  }

  f64(length: number): Float64Array {
    const start = this.bytes(length * 8);
    return new Float64Array(this.#memory.memory.buffer, start, length);
  }

  u32(length: number): Uint32Array {
    const start = this.bytes(length * 4);
    return new Uint32Array(this.#memory.memory.buffer, start, length);
  }

  i32(length: number): Int32Array {
    const start = this.bytes(length * 4);
    return new Int32Array(this.#memory.memory.buffer, start, length);
  }

  i8(length: number): Int8Array {
    const start = this.bytes(length);
    return new Int8Array(this.#memory.memory.buffer, start, length);
  }

  /** Copies of arrays, so that kernels can read them. */
  copyF32(values: ArrayLike<number>): Float32Array {
    const copy = this.f32(values.length);
    copy.set(values);
    return copy;
  }

  copyU32(values: ArrayLike<number>): Uint32Array {
    const copy = this.u32(values.length);
    copy.set(values);
    return copy;
  }

  release(): void {
    this.#memory.give(this.#pieces);
    this.#pieces = [];
  }

  [Symbol.dispose](): void {
    this.release();
  }
}
