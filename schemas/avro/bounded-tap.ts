/**
 * The two ends of a record's bytes: a tap that reads them and one that writes them, in place of
 * avsc's own, with the methods that avsc's types call. avsc's tap runs past the end of its buffer in
 * silence, follows any count and any length, and loses the sign of longs below −2^52; this one
 * checks every step against the bytes that are left, so that no message costs more than its length.
 */
import { isUtf8 } from 'node:buffer';
import { FreshetError } from '../errors.ts';

const NO_BYTES = Buffer.alloc(0);
const TWO_27 = 2 ** 27;
const VARINT_BYTES_MAX = 10;
const SHORT_TEXT_BYTES = 48;
const LAST_INT = 0x7fff_ffff;

export const badRecord = (problem: string): FreshetError =>
  new FreshetError('bad_record', { problem });

export class ReadingTap {
  buf: Buffer = NO_BYTES;
  pos = 0;
  #end = 0;

  open(bytes: Buffer, start: number): void {
    this.buf = bytes;
    this.pos = start;
    this.#end = bytes.length;
  }

  /** Lets go of the bytes. */
  close(): void {
    this.buf = NO_BYTES;
    this.pos = 0;
    this.#end = 0;
  }

  get bytesLeft(): number {
    return this.#end - this.pos;
  }

  readBoolean(): boolean {
    const byte = this.#byte();
    if (byte > 1) throw badRecord(`a boolean of ${byte} at byte ${this.pos - 1}`);
    return byte === 1;
  }

  readInt(): number {
    const value = this.readLong();
    if (value !== (value | 0)) throw badRecord(`${value} for a 32-bit integer`);
    return value;
  }

  /** An integer that JavaScript can hold exactly. */
  readLong(): number {
    const first = this.#byte();
    if (first < 128) return (first >>> 1) ^ -(first & 1);
    return this.#readLongAfter(first);
  }

  #readLongAfter(first: number): number {
    const start = this.pos - 1;
    let low = first & 127;
    let byte = first;
    for (let shift = 7; shift < 28 && byte >= 128; shift += 7) {
      byte = this.#byte();
      low |= (byte & 127) << shift;
    }
    let magnitude = low >>> 1;
    for (let scale = TWO_27; byte >= 128; scale *= 128) {
      if (this.pos - start >= VARINT_BYTES_MAX) {
        throw badRecord(`a number of more than ${VARINT_BYTES_MAX} bytes at byte ${start}`);
      }
      byte = this.#byte();
      magnitude += (byte & 127) * scale;
    }
    const sign = low & 1;
    if (magnitude > Number.MAX_SAFE_INTEGER - sign) {
      throw badRecord(`a number beyond 2^53 at byte ${start}`);
    }
    return sign === 0 ? magnitude : -magnitude - 1;
  }

  readFloat(): number {
    const start = this.#advance(4, 'a float');
    return this.buf.readFloatLE(start);
  }

  readDouble(): number {
    const start = this.#advance(8, 'a double');
    return this.buf.readDoubleLE(start);
  }

  readFixed(length: number): Uint8Array {
    const start = this.#advance(length, 'a fixed value');
    return new Uint8Array(this.buf.subarray(start, start + length));
  }

  readBytes(): Uint8Array {
    const length = this.readLong();
    const start = this.#advance(length, 'a byte string');
    return new Uint8Array(this.buf.subarray(start, start + length));
  }

  readString(): string {
    const length = this.readLong();
    const start = this.#advance(length, 'a text');
    const end = start + length;
    if (length > SHORT_TEXT_BYTES || !isAsciiRange(this.buf, start, end)) {
      if (!isUtf8(this.buf.subarray(start, end))) {
        throw badRecord(`a text that is not UTF-8 at byte ${start}`);
      }
    }
    return this.buf.toString('utf8', start, end);
  }

  /**
   * How many things of at least `bytesEach` follow in this block of an array or map, 0 at its end;
   * refuses a count that the bytes left cannot hold.
   */
  readBlockCount(bytesEach: number): number {
    const start = this.pos;
    const signed = this.readLong();
    const count = signed < 0 ? -signed : signed;
    if (signed < 0) this.readLong(); // the block's size in bytes, for those who skip
    if (count * bytesEach > this.bytesLeft) {
      throw badRecord(
        `a count of ${count} where ${this.bytesLeft} bytes are left, at byte ${start}`,
      );
    }
    return count;
  }

  skipBoolean(): void {
    this.readBoolean();
  }

  skipInt(): void {
    this.readInt();
  }

  skipLong(): void {
    this.readLong();
  }

  skipFloat(): void {
    this.#advance(4, 'a float');
  }

  skipDouble(): void {
    this.#advance(8, 'a double');
  }

  skipFixed(length: number): void {
    this.#advance(length, 'a fixed value');
  }

  skipBytes(): void {
    this.#advance(this.readLong(), 'a byte string');
  }

  /** Reads it, since text that is not UTF-8 is refused even where nobody wants it. */
  skipString(): void {
    this.readString();
  }

  #byte(): number {
    if (this.pos >= this.#end) throw badRecord(`an end after ${this.#end} bytes, too early`);
    return this.buf[this.pos++]!;
  }

  /** Whether bytes that were read before come again here; moves past them if so. */
  passSame(start: number, length: number): boolean {
    const { buf, pos } = this;
    if (length === 0 || pos + length > this.#end) return false;
    for (let index = 0; index < length; index++) {
      if (buf[pos + index] !== buf[start + index]) return false;
    }
    this.pos = pos + length;
    return true;
  }

  /** Moves past a double and returns where it starts, for those who have a view of the bytes. */
  passDouble(): number {
    return this.#advance(8, 'a double');
  }

  /** Moves past `length` bytes; returns where they start. */
  #advance(length: number, what: string): number {
    const start = this.pos;
    if (length < 0 || length > this.#end - start) {
      throw badRecord(
        `${what} of ${length} bytes where ${this.#end - start} are left, at byte ${start}`,
      );
    }
    this.pos = start + length;
    return start;
  }
}

const isAsciiRange = (bytes: Buffer, start: number, end: number): boolean => {
  let seen = 0;
  for (let at = start; at < end; at++) seen |= bytes[at]!;
  return seen < 128;
};

export class WritingTap {
  buf: Buffer = Buffer.allocUnsafeSlow(4096);
  /** Over the same bytes. */
  view = new DataView(this.buf.buffer);
  pos = 0;

  /** A copy of what was written. */
  take(): Buffer {
    const bytes = Buffer.allocUnsafe(this.pos);
    this.buf.copy(bytes, 0, 0, this.pos);
    return bytes;
  }

  writeHeader(magic: number, schemaId: number): void {
    this.#reserve(5);
    this.buf[this.pos++] = magic;
    this.pos = this.buf.writeInt32BE(schemaId, this.pos);
  }

  writeBoolean(value: boolean): void {
    this.#reserve(1);
    this.buf[this.pos++] = value ? 1 : 0;
  }

  writeInt(value: number): void {
    this.writeLong(value);
  }

  writeLong(value: number): void {
    this.#reserve(VARINT_BYTES_MAX);
    const { buf } = this;
    const sign = value < 0 ? 1 : 0;
    let magnitude = sign === 0 ? value : -(value + 1);
    if (magnitude >= 2 ** 30) {
      buf[this.pos++] = (magnitude % 64) * 2 + sign + 128;
      magnitude = Math.floor(magnitude / 64);
      while (magnitude > LAST_INT) {
        buf[this.pos++] = (magnitude % 128) + 128;
        magnitude = Math.floor(magnitude / 128);
      }
    } else {
      magnitude = magnitude * 2 + sign;
    }
    let rest = magnitude | 0;
    while (rest > 127) {
      buf[this.pos++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    buf[this.pos++] = rest;
  }

  writeFloat(value: number): void {
    this.#reserve(4);
    this.pos = this.buf.writeFloatLE(value, this.pos);
  }

  writeDouble(value: number): void {
    this.#reserve(8);
    this.view.setFloat64(this.pos, value, true);
    this.pos += 8;
  }

  writeFixed(bytes: Uint8Array, length = bytes.length): void {
    this.#reserve(length);
    this.buf.set(length === bytes.length ? bytes : bytes.subarray(0, length), this.pos);
    this.pos += length;
  }

  writeBytes(bytes: Uint8Array): void {
    this.writeLong(bytes.length);
    this.writeFixed(bytes);
  }

  writeString(text: string): void {
    const { length } = text;
    if (length <= SHORT_TEXT_BYTES && this.#writeAscii(text)) return;
    if (!text.isWellFormed()) throw badRecord('a text with half a surrogate pair');
    const byteCount = Buffer.byteLength(text);
    this.writeLong(byteCount);
    this.#reserve(byteCount);
    this.pos += this.buf.write(text, this.pos, byteCount, 'utf8');
  }

  /** Writes and returns true if the text, of less than 64 units, is ASCII; else leaves no trace. */
  #writeAscii(text: string): boolean {
    const { length } = text;
    this.#reserve(length + 1);
    const { buf } = this;
    let at = this.pos + 1;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 127) return false;
      buf[at++] = code;
    }
    buf[this.pos] = length * 2;
    this.pos = at;
    return true;
  }

  /** Writes again what stands at `start`. */
  repeat(start: number, length: number): void {
    this.#reserve(length);
    const { buf, pos } = this;
    for (let index = 0; index < length; index++) buf[pos + index] = buf[start + index]!;
    this.pos = pos + length;
  }

  /** What avsc writes a missing field's default with. */
  writeBinary(text: string, length: number): void {
    this.#reserve(length);
    this.buf.write(text, this.pos, length, 'latin1');
    this.pos += length;
  }

  #reserve(byteCount: number): void {
    const needed = this.pos + byteCount;
    if (needed <= this.buf.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buf.length * 2));
    this.buf.copy(larger, 0, 0, this.pos);
    this.buf = larger;
    this.view = new DataView(larger.buffer);
  }
}
