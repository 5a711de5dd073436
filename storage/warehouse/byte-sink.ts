/** A buffer that grows as values are written to it, little-endian. */
const SHORT_TEXT = 64;

export class ByteSink {
  #buffer: Buffer;
  #at = 0;

  constructor(sizeHint: number) {
    this.#buffer = Buffer.allocUnsafe(Math.max(sizeHint, 1024));
  }

  /** What was written so far; the sink is not to be used afterwards. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#at] = value;
    this.#at += 1;
  }

  /** At most 32 bits, signed or unsigned. */
  integer(value: number, bytes: number): void {
    this.#reserve(4);
    let rest = value;
    for (let index = 0; index < bytes; index += 1) {
      this.#buffer[this.#at + index] = rest & 255;
      rest = Math.floor(rest / 256);
    }
    this.#at += bytes;
  }

  /** 64 bits from a number: below 2^53 both halves are exact, and floor makes the sign right. */
  safeInteger(value: number): void {
    this.#reserve(8);
    const high = Math.floor(value / 0x1_0000_0000);
    this.#buffer.writeUInt32LE(value - high * 0x1_0000_0000, this.#at);
    this.#buffer.writeInt32LE(high | 0, this.#at + 4);
    this.#at += 8;
  }

  wide(value: bigint, bytes: number): void {
    this.#reserve(bytes);
    for (let index = 0; index < bytes; index += 8) {
      const part = BigInt.asUintN(64, value >> BigInt(index * 8));
      if (bytes - index >= 8) this.#buffer.writeBigUInt64LE(part, this.#at + index);
      else this.#buffer.writeUInt32LE(Number(part & 0xffff_ffffn), this.#at + index);
    }
    this.#at += bytes;
  }

  float32(value: number): void {
    this.#reserve(4);
    this.#at = this.#buffer.writeFloatLE(value, this.#at);
  }

  float64(value: number): void {
    this.#reserve(8);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  /** A length in seven-bit groups, the lowest first. */
  length(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 128) {
      this.#buffer[this.#at++] = (rest & 127) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#at++] = rest;
  }

  text(value: string): void {
    if (value.length < SHORT_TEXT && this.#shortAscii(value)) return;
    const bytes = Buffer.byteLength(value);
    this.length(bytes);
    this.#reserve(bytes);
    this.#at += this.#buffer.write(value, this.#at);
  }

  /** Filled up with zero bytes. */
  padded(value: string, bytes: number): void {
    if (Buffer.byteLength(value) > bytes) {
      throw new TypeError(`Expected at most ${bytes} bytes, got ${JSON.stringify(value)}.`);
    }
    this.#reserve(bytes);
    this.#buffer.fill(0, this.#at, this.#at + bytes);
    this.#buffer.write(value, this.#at);
    this.#at += bytes;
  }

  /** Most texts are short ids: a loop is cheaper than a call into the runtime. */
  #shortAscii(value: string): boolean {
    this.#reserve(SHORT_TEXT + 1);
    const buffer = this.#buffer;
    const start = this.#at + 1;
    for (let index = 0; index < value.length; index += 1) {
      const code = value.charCodeAt(index);
      if (code > 127) return false;
      buffer[start + index] = code;
    }
    buffer[this.#at] = value.length;
    this.#at = start + value.length;
    return true;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(grown, 0, 0, this.#at);
    this.#buffer = grown;
  }
}
