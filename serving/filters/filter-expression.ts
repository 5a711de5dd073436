/**
 * Attribute expressions of lists, such as `year>=1990 and genre in (Drama, Comedy)`: a parser by
 * recursive descent that turns the text into a predicate over catalogue records. Nothing of the text
 * is ever evaluated as code; length, depth and number of conditions are bounded.
 *
 *   either     = all { "or" all }
 *   all        = one { "and" one }
 *   one        = "not" one | "(" either ")" | condition
 *   condition  = name ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
 *              | name [ "not" ] "in" "(" value { "," value } ")"
 *
 * Values are numbers, true, false, words, or texts in quotes; several words in a row are one text.
 * Texts are compared without regard to case. A name means the item's attribute of that name, else
 * one of its own fields (see `valuesOf`); a field with several values matches when one of them does.
 */
import { FreshetError } from '../../schemas/errors.ts';
import type { AttributeValue, CatalogueItemRecord } from '../../schemas/records.ts';

export type ItemPredicate = (record: CatalogueItemRecord) => boolean;

const CONDITIONS_MAX = 32;
const DEPTH_MAX = 8;
const VALUES_MAX = 64;

interface Token {
  readonly type: 'word' | 'text' | 'number' | 'symbol' | 'end';
  readonly text: string;
  /** From 1. */
  readonly at: number;
}

const TOKEN =
  /\s*(?:(?<text>"[^"]*"|'[^']*')|(?<symbol><=|>=|!=|<>|==|[=<>(),])|(?<number>-?\d+(?:\.\d+)?(?![\p{L}\p{N}_.-]))|(?<word>[\p{L}\p{N}_][\p{L}\p{N}_.:&'’-]*))/uy;

export const parseFilter = (expression: string): ItemPredicate => {
  const parser = new FilterParser(tokensOf(expression));
  return parser.parse();
};

const wrong = (expected: string, got: string, at: number): FreshetError =>
  new FreshetError('bad_request', {
    problem: `Expected ${expected} in filter at character ${at}, got ${got}.`,
  });

const tokensOf = (expression: string): Token[] => {
  const tokens: Token[] = [];
  let at = 0;
  while (expression.slice(at).trim() !== '') {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(expression);
    const start = at + (/^\s*/.exec(expression.slice(at))?.[0].length ?? 0) + 1;
    if (match === null) {
      throw wrong('a name, value or operator', JSON.stringify(expression[start - 1]), start);
    }
    tokens.push(tokenOf(match, start));
    at = TOKEN.lastIndex;
  }
  tokens.push({ type: 'end', text: 'the end', at: expression.length + 1 });
  return tokens;
};

const tokenOf = ({ groups }: RegExpExecArray, at: number): Token => {
  if (groups?.text !== undefined) return { type: 'text', text: groups.text.slice(1, -1), at };
  if (groups?.symbol !== undefined) return { type: 'symbol', text: groups.symbol, at };
  if (groups?.number !== undefined) return { type: 'number', text: groups.number, at };
  return { type: 'word', text: groups?.word ?? '', at };
};

const KEYWORDS = new Set(['and', 'or', 'not', 'in']);

class FilterParser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #conditions = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): ItemPredicate {
    const predicate = this.#either(0);
    const rest = this.#peek();
    if (rest.type !== 'end') throw wrong('and, or or the end', rest.text, rest.at);
    return predicate;
  }

  #either(depth: number): ItemPredicate {
    const predicates = [this.#all(depth)];
    while (this.#takeWord('or')) predicates.push(this.#all(depth));
    return predicates.length === 1
      ? predicates[0]!
      : (record) => predicates.some((predicate) => predicate(record));
  }

  #all(depth: number): ItemPredicate {
    const predicates = [this.#one(depth)];
    while (this.#takeWord('and')) predicates.push(this.#one(depth));
    return predicates.length === 1
      ? predicates[0]!
      : (record) => predicates.every((predicate) => predicate(record));
  }

  #one(depth: number): ItemPredicate {
    const token = this.#peek();
    if (depth > DEPTH_MAX) throw wrong(`at most ${DEPTH_MAX} levels`, 'more', token.at);
    if (this.#takeWord('not')) {
      const predicate = this.#one(depth + 1);
      return (record) => !predicate(record);
    }
    if (this.#takeSymbol('(')) {
      const predicate = this.#either(depth + 1);
      this.#expectSymbol(')');
      return predicate;
    }
    return this.#condition();
  }

  #condition(): ItemPredicate {
    const name = this.#take();
    const isName = (name.type === 'word' && !isKeyword(name)) || name.type === 'text';
    if (!isName) throw wrong('a name', name.text, name.at);
    this.#conditions++;
    if (this.#conditions > CONDITIONS_MAX) {
      throw wrong(`at most ${CONDITIONS_MAX} conditions`, 'more', name.at);
    }
    if (this.#takeWord('in')) return this.#membership(name.text);
    if (this.#takeWord('not')) {
      const operator = this.#take();
      if (operator.text.toLowerCase() !== 'in') throw wrong('in', operator.text, operator.at);
      const predicate = this.#membership(name.text);
      return (record) => !predicate(record);
    }
    const operator = this.#take();
    const compare = operator.type === 'symbol' ? COMPARISONS[operator.text] : undefined;
    if (compare === undefined) {
      throw wrong('one of =, !=, <, <=, >, >=, in', operator.text, operator.at);
    }
    return compare(name.text, this.#value());
  }

  #membership(name: string): ItemPredicate {
    this.#expectSymbol('(');
    const values = [this.#value()];
    while (this.#takeSymbol(',')) {
      values.push(this.#value());
      if (values.length > VALUES_MAX) {
        throw wrong(`at most ${VALUES_MAX} values`, 'more', this.#peek().at);
      }
    }
    this.#expectSymbol(')');
    return (record) => {
      const own = valuesOf(record, name);
      return values.some((value) => own.some((candidate) => isSame(candidate, value)));
    };
  }

  /** Several words in a row are one text: `genre = Film Noir`. */
  #value(): AttributeValue {
    const first = this.#take();
    if (first.type === 'text') return first.text;
    const words = [first.text];
    const isValue = first.type === 'number' || (first.type === 'word' && !isKeyword(first));
    if (!isValue) throw wrong('a value', first.text, first.at);
    for (;;) {
      const token = this.#peek();
      const goesOn = token.type === 'number' || (token.type === 'word' && !isKeyword(token));
      if (!goesOn) break;
      words.push(this.#take().text);
    }
    if (words.length === 1 && first.type === 'number') return Number(first.text);
    const text = words.join(' ');
    return text === 'true' ? true : text === 'false' ? false : text;
  }

  #peek(): Token {
    return this.#tokens[this.#next]!;
  }

  #take(): Token {
    const token = this.#peek();
    if (token.type !== 'end') this.#next++;
    return token;
  }

  #takeWord(word: string): boolean {
    const token = this.#peek();
    if (token.type !== 'word' || token.text.toLowerCase() !== word) return false;
    this.#next++;
    return true;
  }

  #takeSymbol(symbol: string): boolean {
    const token = this.#peek();
    if (token.type !== 'symbol' || token.text !== symbol) return false;
    this.#next++;
    return true;
  }

  #expectSymbol(symbol: string): void {
    const token = this.#peek();
    if (!this.#takeSymbol(symbol)) throw wrong(symbol, token.text, token.at);
  }
}

const isKeyword = (token: Token): boolean => KEYWORDS.has(token.text.toLowerCase());

type Comparison = (name: string, value: AttributeValue) => ItemPredicate;

const some =
  (test: (own: AttributeValue, value: AttributeValue) => boolean): Comparison =>
  (name, value) =>
  (record) =>
    valuesOf(record, name).some((own) => test(own, value));

const equal = some((own, value) => isSame(own, value));
const notEqual: Comparison = (name, value) => {
  const isEqual = equal(name, value);
  return (record) => !isEqual(record);
};

const COMPARISONS: Readonly<Record<string, Comparison | undefined>> = Object.assign(
  Object.create(null) as Record<string, Comparison>,
  {
    '=': equal,
    '==': equal,
    '!=': notEqual,
    '<>': notEqual,
    '<': some((own, value) => order(own, value) < 0),
    '<=': some((own, value) => order(own, value) <= 0),
    '>': some((own, value) => order(own, value) > 0),
    '>=': some((own, value) => order(own, value) >= 0),
  },
);

const isSame = (own: AttributeValue, value: AttributeValue): boolean => {
  if (typeof own === 'number' || typeof value === 'number') return Number(own) === Number(value);
  return String(own).toLowerCase() === String(value).toLowerCase();
};

/** NaN, which no comparison holds for, where the two cannot be ordered. */
const order = (own: AttributeValue, value: AttributeValue): number => {
  if (typeof value === 'number') return typeof own === 'boolean' ? Number.NaN : Number(own) - value;
  if (typeof own !== 'string' || typeof value !== 'string') return Number.NaN;
  return own === value ? 0 : own < value ? -1 : 1;
};

/** An attribute of that name, else the item's own field. */
const valuesOf = (record: CatalogueItemRecord, name: string): readonly AttributeValue[] => {
  if (Object.hasOwn(record.attributes, name)) return [record.attributes[name]!];
  switch (name.toLowerCase()) {
    case 'category':
    case 'categories':
    case 'genre':
    case 'genres':
      return record.categories;
    case 'tag':
    case 'tags':
      return record.tags;
    case 'person':
    case 'people':
      return record.people;
    case 'title':
      return [record.title];
    case 'itemid':
      return [record.itemId];
    case 'price':
      return record.price === null ? [] : [record.price];
    case 'year':
      return record.publishedAt === null ? [] : [new Date(record.publishedAt).getUTCFullYear()];
    default:
      return [];
  }
};
