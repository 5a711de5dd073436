/** Writes the primitive types of Kafka's protocol, big-endian, into a buffer that grows. */
const FIRST_BYTES = 256;

export class WireWriter {
  #bytes: Buffer;
  #at = 0;

  constructor(expectedBytes = FIRST_BYTES) {
    this.#bytes = Buffer.allocUnsafe(expectedBytes);
  }

  get length(): number {
    return this.#at;
  }

  /** What was written so far; later writes may go elsewhere. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  int8(value: number): this {
    this.#room(1);
    this.#bytes[this.#at++] = value & 0xff;
    return this;
  }

  int16(value: number): this {
    this.#room(2);
    this.#at = this.#bytes.writeInt16BE(value, this.#at);
    return this;
  }

  int32(value: number): this {
    this.#room(4);
    this.#at = this.#bytes.writeInt32BE(value, this.#at);
    return this;
  }

  /** An integer within the safe ones, or a bigint. */
  int64(value: number | bigint): this {
    this.#room(8);
    this.#at = this.#bytes.writeBigInt64BE(BigInt(value), this.#at);
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
    return this;
  }

  /** null has the length -1. */
  string(text: string | null): this {
    if (text === null) return this.int16(-1);
    const bytes = Buffer.from(text, 'utf8');
    return this.int16(bytes.length).raw(bytes);
  }

  /** As newer versions write it: the length plus one, as a varint. */
  compactString(text: string): this {
    const bytes = Buffer.from(text, 'utf8');
    return this.unsignedVarint(bytes.length + 1).raw(bytes);
  }

  unsignedVarint(value: number): this {
    let rest = value >>> 0;
    this.#room(5);
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#at++] = rest;
    return this;
  }

  /** A signed 32-bit number whose small values of either sign are short. */
  varint(value: number): this {
    return this.unsignedVarint((value << 1) ^ (value >> 31));
  }

  /** The same of up to 64 bits. */
  varlong(value: number): this {
    if (value >= -0x4000_0000 && value < 0x4000_0000) return this.varint(value);
    let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
    this.#room(10);
    while (rest >= 0x80n) {
      this.#bytes[this.#at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#at++] = Number(rest);
    return this;
  }

  setInt32(value: number, at: number): void {
    this.#bytes.writeInt32BE(value, at);
  }

  setUint32(value: number, at: number): void {
    this.#bytes.writeUInt32BE(value, at);
  }

  setInt64(value: number | bigint, at: number): void {
    this.#bytes.writeBigInt64BE(BigInt(value), at);
  }

  #room(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

export const varintBytes = (value: number): number => {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x20_0000) return 3;
  return zigzag < 0x1000_0000 ? 4 : 5;
};

export const varlongBytes = (value: number): number => {
  if (value >= -0x4000_0000 && value < 0x4000_0000) return varintBytes(value);
  let bytes = 1;
  // Twice the distance from zero is about the zigzag number, exact enough in powers of two.
  for (let rest = value < 0 ? -2 * value - 1 : 2 * value; rest >= 0x80; rest /= 0x80) bytes += 1;
  return bytes;
};
