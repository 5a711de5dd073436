/**
 * Where a decompressor writes: grows as needed and stops at a limit. What was written can be repeated,
 * also where a copy overlaps what it writes: a distance of one repeats the last byte.
 */
export class InflatedBytes {
  readonly #bytesMax: number;
  #bytes: Buffer;
  #length = 0;

  constructor(expectedBytes: number, bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#bytes = Buffer.allocUnsafe(Math.min(expectedBytes, bytesMax));
  }

  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  append(source: Buffer, start: number, length: number): void {
    if (start + length > source.length) {
      throw new RangeError(`Expected ${length} bytes, got ${source.length - start}`);
    }
    this.#room(length);
    source.copy(this.#bytes, this.#length, start, start + length);
    this.#length += length;
  }

  repeat(distance: number, length: number): void {
    if (distance < 1 || distance > this.#length) {
      throw new RangeError(`Expected a distance from 1 to ${this.#length}, got ${distance}`);
    }
    this.#room(length);
    if (distance >= length) {
      const from = this.#length - distance;
      this.#bytes.copyWithin(this.#length, from, from + length);
      this.#length += length;
      return;
    }
    for (let left = length; left > 0; left -= 1) {
      this.#bytes[this.#length] = this.#bytes[this.#length - distance]!;
      this.#length += 1;
    }
  }

  #room(length: number): void {
    const needed = this.#length + length;
    if (needed > this.#bytesMax) {
      throw new RangeError(`Expected at most ${this.#bytesMax} bytes, got more`);
    }
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.min(this.#bytesMax, 2 * needed));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
