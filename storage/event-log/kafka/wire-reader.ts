/**
 * Reads the primitive types of Kafka's protocol. Every length and count is checked against the bytes
 * that are left before anything is made of it: a broken answer is an error, never a large allocation.
 */
export class WireReader {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get position(): number {
    return this.#at;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  int8(): number {
    return this.#bytes.readInt8(this.#take(1));
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2));
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#take(4));
  }

  /** Offsets and times are far below 2^53; what is not is a broken answer. */
  int64(): number {
    const at = this.#take(8);
    const value = this.#bytes.readInt32BE(at) * 0x1_0000_0000 + this.#bytes.readUInt32BE(at + 4);
    if (!Number.isSafeInteger(value)) throw new RangeError(`Expected a safe integer, got ${value}`);
    return value;
  }

  bigint64(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8));
  }

  /** A view, not a copy. */
  raw(length: number): Buffer {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  skip(length: number): void {
    this.#take(length);
  }

  string(): string | null {
    const length = this.int16();
    return length < 0 ? null : this.raw(length).toString('utf8');
  }

  compactString(): string | null {
    const length = this.unsignedVarint() - 1;
    return length < 0 ? null : this.raw(length).toString('utf8');
  }

  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.#take(1)]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    throw new RangeError('Expected a varint of at most 5 bytes, got a longer one');
  }

  varint(): number {
    const zigzag = this.unsignedVarint();
    return (zigzag >>> 1) ^ -(zigzag & 1);
  }

  varlong(): number {
    let value = 0;
    let unit = 1;
    for (let read = 0; read < 10; read += 1) {
      const byte = this.#bytes[this.#take(1)]!;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      unit *= 0x80;
    }
    throw new RangeError('Expected a varlong of at most 10 bytes, got a longer one');
  }

  /** Each item takes at least a byte, so a count beyond what is left is a lie. */
  array<Item>(read: () => Item): readonly Item[] {
    return this.#items(this.int32(), read);
  }

  compactArray<Item>(read: () => Item): readonly Item[] {
    return this.#items(this.unsignedVarint() - 1, read);
  }

  /** Fields that newer servers may add to a structure; none of them matters here. */
  skipTags(): void {
    for (let count = this.unsignedVarint(); count > 0; count -= 1) {
      this.unsignedVarint();
      this.skip(this.unsignedVarint());
    }
  }

  #items<Item>(count: number, read: () => Item): readonly Item[] {
    if (count > this.left)
      throw new RangeError(`Expected at most ${this.left} items, got ${count}`);
    const items: Item[] = [];
    for (let index = 0; index < count; index += 1) items.push(read());
    return items;
  }

  #take(length: number): number {
    const at = this.#at;
    if (length < 0 || length > this.#end - at) {
      throw new RangeError(`Expected ${length} bytes, got ${this.#end - at}`);
    }
    this.#at = at + length;
    return at;
  }
}
