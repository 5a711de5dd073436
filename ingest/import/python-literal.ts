/**
 * Python literals as they stand in some data sets' CSV columns: `[{'id': 16, 'name': "Ocean's"}]`.
 * Lists, tuples, dicts with text keys, strings, numbers, True, False, None; nothing is ever run.
 * Undefined where the text is something else.
 */
export type PythonValue =
  | string
  | number
  | boolean
  | null
  | readonly PythonValue[]
  | ReadonlyMap<string, PythonValue>;

const DEPTH_MAX = 20;

export const parsePythonLiteral = (text: string): PythonValue | undefined => {
  const reader = new LiteralReader(text);
  try {
    const value = reader.value(0);
    return reader.isAtEnd() ? value : undefined;
  } catch (error) {
    if (error instanceof NotALiteral) return undefined;
    throw error;
  }
};

class NotALiteral extends Error {}

const NUMBER = /[+-]?(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z]+/y;
const PLAIN = /[^\\'"]*/y;
const WORDS: ReadonlyMap<string, PythonValue> = new Map<string, PythonValue>([
  ['None', null],
  ['True', true],
  ['False', false],
  ['nan', null],
  ['inf', null],
]);
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['a', '\x07'],
  ['b', '\b'],
  ['f', '\f'],
  ['v', '\v'],
  ['0', '\0'],
  ['\n', ''],
]);
const CODE_DIGITS: ReadonlyMap<string, number> = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
]);

class LiteralReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  isAtEnd(): boolean {
    this.#skipSpace();
    return this.#at >= this.#text.length;
  }

  value(depth: number): PythonValue {
    if (depth > DEPTH_MAX) throw new NotALiteral();
    this.#skipSpace();
    const first = this.#text[this.#at];
    switch (first) {
      case '[':
        return this.#sequence(']', depth);
      case '(':
        return this.#sequence(')', depth);
      case '{':
        return this.#dict(depth);
      case "'":
      case '"':
        return this.#string();
      default:
        return /[A-Za-z]/.test(first ?? '') ? this.#word() : this.#number();
    }
  }

  #sequence(close: string, depth: number): PythonValue[] {
    this.#at += 1;
    const values: PythonValue[] = [];
    while (!this.#takes(close)) {
      values.push(this.value(depth + 1));
      if (this.#takes(',')) continue;
      this.#expect(close);
      return values;
    }
    return values;
  }

  #dict(depth: number): Map<string, PythonValue> {
    this.#at += 1;
    const entries = new Map<string, PythonValue>();
    while (!this.#takes('}')) {
      const key = this.value(depth + 1);
      if (typeof key !== 'string' && typeof key !== 'number') throw new NotALiteral();
      this.#expect(':');
      entries.set(String(key), this.value(depth + 1));
      if (this.#takes(',')) continue;
      this.#expect('}');
      return entries;
    }
    return entries;
  }

  #string(): string {
    const quote = this.#text[this.#at]!;
    this.#at += 1;
    let value = '';
    for (;;) {
      value += this.#match(PLAIN) ?? '';
      const next = this.#text[this.#at];
      if (next === undefined) throw new NotALiteral();
      this.#at += 1;
      if (next === quote) return value;
      value += next === '\\' ? this.#escape() : next;
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at];
    if (letter === undefined) throw new NotALiteral();
    this.#at += 1;
    const digits = CODE_DIGITS.get(letter);
    if (digits === undefined)
      return ESCAPES.get(letter) ?? (/['"\\]/.test(letter) ? letter : `\\${letter}`);
    const code = this.#text.slice(this.#at, this.#at + digits);
    this.#at += digits;
    const point = Number.parseInt(code, 16);
    if (!/^[0-9a-fA-F]+$/.test(code) || code.length < digits || point > 0x10ffff)
      throw new NotALiteral();
    return String.fromCodePoint(point);
  }

  #word(): PythonValue {
    const value = WORDS.get(this.#match(WORD) ?? '');
    if (value === undefined) throw new NotALiteral();
    return value;
  }

  #number(): number {
    const text = this.#match(NUMBER);
    const value = text === undefined ? Number.NaN : Number(text.replaceAll('_', ''));
    if (!Number.isFinite(value)) throw new NotALiteral();
    return value;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (!found) return undefined;
    this.#at += found[0].length;
    return found[0];
  }

  #takes(character: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #expect(character: string): void {
    if (!this.#takes(character)) throw new NotALiteral();
  }

  #skipSpace(): void {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }
}
