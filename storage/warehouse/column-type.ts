/**
 * Reads ClickHouse's type texts, such as `Map(LowCardinality(String), Nullable(Float64))`, into a
 * tree that the writer of rows and the reader of answers walk.
 */
export interface ColumnType {
  /** Without arguments, for example `DateTime64`. */
  readonly name: string;
  readonly inner: readonly ColumnType[];
  /** Arguments that are not types: precision, time zone, enum members; unquoted where quoted. */
  readonly literals: readonly string[];
}

/** Types that add nothing to the shape of a value on the wire. */
const WRAPPERS = new Set(['LowCardinality', 'SimpleAggregateFunction']);
const WITH_TYPE_ARGUMENTS = new Set([...WRAPPERS, 'Nullable', 'Array', 'Map', 'Tuple', 'Nested']);

export const parseColumnType = (text: string): ColumnType => {
  const trimmed = text.trim();
  const open = trimmed.indexOf('(');
  if (open === -1) return { name: trimmed, inner: [], literals: [] };
  const name = trimmed.slice(0, open);
  const parts = splitArguments(trimmed.slice(open + 1, -1));
  if (!WITH_TYPE_ARGUMENTS.has(name)) return { name, inner: [], literals: parts.map(unquoted) };
  const inner = parts.map((part) => parseColumnType(name === 'Tuple' ? withoutName(part) : part));
  return WRAPPERS.has(name) ? inner.at(-1)! : { name, inner, literals: [] };
};

/** Splits at commas outside of brackets and quotes. */
const splitArguments = (text: string): readonly string[] => {
  const parts: string[] = [];
  let depth = 0;
  let isQuoted = false;
  let start = 0;
  for (let index = 0; index < text.length; index += 1) {
    const sign = text[index];
    if (isQuoted && sign === '\\') index += 1;
    else if (sign === "'") isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (sign === '(') depth += 1;
    else if (sign === ')') depth -= 1;
    else if (sign === ',' && depth === 0) {
      parts.push(text.slice(start, index).trim());
      start = index + 1;
    }
  }
  parts.push(text.slice(start).trim());
  return parts;
};

/** A member of a tuple may carry a name: `itemId String`. */
const withoutName = (part: string): string =>
  /^(?:`[^`]*`|[A-Za-z_]\w*)\s+([A-Za-z].*)$/s.exec(part)?.[1] ?? part;

const unquoted = (part: string): string => {
  const quoted = /^'(.*)'$/s.exec(part);
  return quoted === null ? part : unescaped(quoted[1]!);
};

const unescaped = (text: string): string => text.replace(/\\(.)/gs, '$1');

/** `'click' = 1` → ['click', 1]. */
export const enumMember = (literal: string): readonly [string, number] => {
  const match = /^'?(.*?)'?\s*=\s*(-?\d+)$/s.exec(literal);
  if (match === null) throw new TypeError(`Expected an enum member, got ${literal}.`);
  return [unescaped(match[1]!), Number(match[2])];
};
