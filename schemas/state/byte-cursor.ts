/**
 * Writing and reading the compact binary values of the state, number by number. Integers are
 * little-endian or LEB128; times are signed 48-bit milliseconds; text is UTF-8 behind its length.
 * A reader that runs past the end throws `state_corrupt`: a half value never becomes a state.
 *
 * Short ASCII text, nearly all there is, is copied by a loop: cheaper than a call into the engine.
 */
import { FreshetError } from '../errors.ts';

const TWO_32 = 0x1_0000_0000;
const FIRST_BYTES = 1024;

export class ByteWriter {
  buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  length = 0;

  reset(): void {
    this.length = 0;
  }

  /** A copy of what was written. */
  take(): Buffer {
    const bytes = Buffer.allocUnsafe(this.length);
    this.buffer.copy(bytes, 0, 0, this.length);
    return bytes;
  }

  reserve(byteCount: number): void {
    const needed = this.length + byteCount;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
  }

  u8(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }

  u16(value: number): void {
    this.reserve(2);
    this.buffer[this.length++] = value;
    this.buffer[this.length++] = value >>> 8;
  }

  u32(value: number): void {
    this.reserve(4);
    const { buffer } = this;
    buffer[this.length++] = value;
    buffer[this.length++] = value >>> 8;
    buffer[this.length++] = value >>> 16;
    buffer[this.length++] = value >>> 24;
  }

  /** A signed integer of 48 bits: any time a calendar knows. */
  i48(value: number): void {
    const high = Math.floor(value / TWO_32);
    this.u32(value - high * TWO_32);
    this.u16(high);
  }

  f64(value: number): void {
    this.reserve(8);
    this.buffer.writeDoubleLE(value, this.length);
    this.length += 8;
  }

  /** A non-negative integer below 2^53. */
  varint(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= 0x8000_0000) {
      this.buffer[this.length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    let small = rest | 0;
    while (small >= 128) {
      this.buffer[this.length++] = (small & 127) | 128;
      small >>>= 7;
    }
    this.buffer[this.length++] = small;
  }

  /** A signed integer, small in either direction. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  text(value: string): void {
    const { length } = value;
    this.reserve(length + 2);
    const start = this.length;
    if (length < 128) {
      const { buffer } = this;
      let at = start + 1;
      let index = 0;
      for (; index < length; index++) {
        const code = value.charCodeAt(index);
        if (code > 127) break;
        buffer[at++] = code;
      }
      if (index === length) {
        buffer[start] = length;
        this.length = at;
        return;
      }
    }
    const byteCount = Buffer.byteLength(value);
    this.varint(byteCount);
    this.reserve(byteCount);
    this.length += this.buffer.write(value, this.length);
  }

  raw(bytes: Buffer, start: number, end: number): void {
    if (end <= start) return;
    this.reserve(end - start);
    bytes.copy(this.buffer, this.length, start, end);
    this.length += end - start;
  }
}

export class ByteReader {
  buffer: Buffer;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.buffer = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Starts over with other bytes. */
  open(bytes: Buffer): void {
    this.buffer = bytes;
    this.position = 0;
  }

  get atEnd(): boolean {
    return this.position === this.buffer.length;
  }

  u8(): number {
    this.#need(1);
    return this.buffer[this.position++]!;
  }

  u16(): number {
    this.#need(2);
    const { buffer } = this;
    return buffer[this.position++]! | (buffer[this.position++]! << 8);
  }

  u32(): number {
    return this.i32() >>> 0;
  }

  i32(): number {
    this.#need(4);
    const { buffer } = this;
    const at = this.position;
    this.position = at + 4;
    return buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24);
  }

  i48(): number {
    const low = this.u32();
    const high = (this.u16() << 16) >> 16;
    return high * TWO_32 + low;
  }

  f64(): number {
    this.#need(8);
    const value = this.buffer.readDoubleLE(this.position);
    this.position += 8;
    return value;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
      if (scale > Number.MAX_SAFE_INTEGER) throw corrupt('a number of more than 53 bits');
    }
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  text(): string {
    const byteCount = this.varint();
    this.#need(byteCount);
    const start = this.position;
    this.position = start + byteCount;
    return this.buffer.toString('utf8', start, this.position);
  }

  /** How many things of at least `bytesEach` follow; refuses a count that cannot be true. */
  count(bytesEach: number): number {
    const count = this.varint();
    if (count * bytesEach > this.buffer.length - this.position) {
      throw corrupt(`a count of ${count} in a value of ${this.buffer.length} bytes`);
    }
    return count;
  }

  skip(byteCount: number): void {
    this.#need(byteCount);
    this.position += byteCount;
  }

  #need(byteCount: number): void {
    if (this.position + byteCount > this.buffer.length) {
      throw corrupt(`a value that ends early, after ${this.buffer.length} bytes`);
    }
  }
}

export const corrupt = (problem: string): FreshetError =>
  new FreshetError('state_corrupt', { partition: 'the value given', problem });

/** Refuses a value written by a newer Freshet, or bytes that were never a value of this sort. */
export const checkVersion = (reader: ByteReader, newest: number, what: string): number => {
  const version = reader.u8();
  if (version < 1 || version > newest) {
    throw corrupt(`a ${what} of version ${version}, known up to ${newest}`);
  }
  return version;
};

/** Refuses bytes after the end of a value. */
export const checkEnd = (reader: ByteReader, what: string): void => {
  if (!reader.atEnd) {
    throw corrupt(`${reader.buffer.length - reader.position} bytes after the end of a ${what}`);
  }
};
