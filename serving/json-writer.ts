/**
 * JSON written straight into bytes. As a text, an answer of nine kilobytes is fifteen hundred pieces that
 * the engine joins, copies and turns into bytes, which costs as much as finding what to say; here each
 * piece is copied once, by a loop, since nearly all of it is short and ASCII.
 *
 * What was written holds until the next `begin`.
 */

const FIRST_BYTES = 32 * 1024;
/** Bytes that one code unit takes at most, in UTF-8 or as an escape. */
const BYTES_PER_UNIT = 6;
const QUOTE = 34;
const BACKSLASH = 92;
const POINT = 46;
const ZERO = 48;
const FIRST_PRINTED = 32;
const LAST_PRINTED = 126;
/** Six digits behind the point, as parts of scores have. */
const UNIT = 1_000_000;

export class JsonWriter {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;

  begin(): void {
    this.#length = 0;
  }

  /** What was written since `begin`; a view. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  get text(): string {
    return this.#bytes.toString('utf8', 0, this.#length);
  }

  /** What is JSON already. */
  raw(json: string): void {
    this.#reserve(json.length * BYTES_PER_UNIT);
    const bytes = this.#bytes;
    const start = this.#length;
    for (let index = 0; index < json.length; index++) {
      const code = json.charCodeAt(index);
      if (code > LAST_PRINTED) {
        this.#length = start + bytes.write(json, start);
        return;
      }
      bytes[start + index] = code;
    }
    this.#length = start + json.length;
  }

  quoted(text: string): void {
    this.#reserve((text.length + 1) * BYTES_PER_UNIT);
    const bytes = this.#bytes;
    const start = this.#length;
    bytes[start] = QUOTE;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      const isPlain =
        code >= FIRST_PRINTED && code <= LAST_PRINTED && code !== QUOTE && code !== BACKSLASH;
      if (!isPlain) {
        this.raw(JSON.stringify(text));
        return;
      }
      bytes[start + 1 + index] = code;
    }
    bytes[start + 1 + text.length] = QUOTE;
    this.#length = start + text.length + 2;
  }

  quotedOrNull(text: string | null): void {
    if (text === null) this.raw('null');
    else this.quoted(text);
  }

  /** As JSON.stringify has it; numbers of at most six digits behind the point by hand. */
  number(value: number): void {
    const units = Math.round(value * UNIT);
    const isShort = value >= 0 && value < UNIT && units / UNIT === value && !Object.is(value, -0);
    if (!isShort) {
      this.raw(JSON.stringify(value));
      return;
    }
    this.#reserve(16);
    const whole = Math.floor(units / UNIT);
    this.#whole(whole);
    const rest = units - whole * UNIT;
    if (rest > 0) this.#behindPoint(rest);
  }

  #whole(whole: number): void {
    let edge = 10;
    while (whole >= edge) edge *= 10;
    for (let rest = whole; edge > 1; ) {
      edge /= 10;
      const digit = (rest / edge) | 0;
      this.#bytes[this.#length++] = ZERO + digit;
      rest -= digit * edge;
    }
  }

  /** `rest` is in units, above 0; zeros at the end are left out. */
  #behindPoint(rest: number): void {
    this.#bytes[this.#length++] = POINT;
    for (let left = rest, edge = UNIT / 10; left > 0; edge /= 10) {
      const digit = (left / edge) | 0;
      this.#bytes[this.#length++] = ZERO + digit;
      left -= digit * edge;
    }
  }

  #reserve(byteCount: number): void {
    const needed = this.#length + byteCount;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
