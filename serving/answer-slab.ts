/**
 * Room for answers as bytes, a slab for some dozens of them: memory of its own for each answer would cost
 * more than writing it does, and the garbage collector most of its work. A slab goes when the
 * last of its answers does; answers of one moment die together.
 */

const SLAB_BYTES = 256 * 1024;
/** A larger answer gets memory of its own. */
const ANSWER_BYTES_MAX = SLAB_BYTES / 8;

export class AnswerSlab {
  #slab: Buffer = Buffer.alloc(0);
  #used = 0;

  /** The same bytes to keep, which nobody may change. */
  copyOf(bytes: Uint8Array): Buffer {
    const { length } = bytes;
    if (length > ANSWER_BYTES_MAX) return Buffer.from(bytes);
    if (this.#used + length > this.#slab.length) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += length;
    this.#slab.set(bytes, start);
    return this.#slab.subarray(start, this.#used);
  }
}
