/**
 * CSV as RFC 4180 has it, line by line: fields may be quoted, quotes in them doubled, and a quoted
 * field may go over several lines. A line without a quote is split, which is nearly all of them.
 *
 * A quote that is never closed would swallow the rest of the file: after so many lines it is taken
 * for damage, the line that opened it is reported, and reading goes on behind it.
 */
export interface CsvRow {
  readonly fields: readonly string[];
  /** Of the row's first line. */
  readonly line: number;
}

export interface CsvReaderOptions {
  readonly delimiter: string;
  readonly onRow: (row: CsvRow) => void;
  readonly onBroken: (problem: string, line: number, text: string) => void;
}

const OPEN_LINES_MAX = 500;

export class CsvReader {
  readonly #options: CsvReaderOptions;
  /** Lines of a row whose quoted field is still open. */
  #open: { readonly text: string; readonly line: number }[] = [];
  #quotesInOpen = 0;

  constructor(options: CsvReaderOptions) {
    this.#options = options;
  }

  take(text: string, line: number): void {
    if (this.#open.length === 0 && !text.includes('"')) {
      if (text !== '') this.#options.onRow({ fields: text.split(this.#options.delimiter), line });
      return;
    }
    this.#open.push({ text, line });
    this.#quotesInOpen += countQuotes(text);
    // Doubled quotes come in twos, so a row is complete where the number of quotes is even.
    if (this.#quotesInOpen % 2 === 0) this.#close();
    else if (this.#open.length > OPEN_LINES_MAX) this.#giveUp();
  }

  /** The file has ended. */
  end(): void {
    while (this.#open.length > 0) this.#giveUp();
  }

  #close(): void {
    const { line } = this.#open[0]!;
    const text = this.#open.map((open) => open.text).join('\n');
    this.#open = [];
    this.#quotesInOpen = 0;
    const fields = splitQuoted(text, this.#options.delimiter);
    if (fields) this.#options.onRow({ fields, line });
    else this.#options.onBroken('a quote in the middle of a field', line, text);
  }

  #giveUp(): void {
    const [first, ...others] = this.#open;
    this.#open = [];
    this.#quotesInOpen = 0;
    this.#options.onBroken('a quote that is never closed', first!.line, first!.text);
    for (const { text, line } of others) this.take(text, line);
  }
}

const countQuotes = (text: string): number => {
  let count = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) count += 1;
  return count;
};

/** Undefined where a quoted field is followed by something else than a delimiter. */
export const splitQuoted = (text: string, delimiter: string): string[] | undefined => {
  const fields: string[] = [];
  for (let at = 0; ; ) {
    if (text[at] === '"') {
      const field = quotedField(text, at);
      if (field === undefined) return undefined;
      fields.push(field.value);
      at = field.end;
      if (at < text.length && !text.startsWith(delimiter, at)) return undefined;
    } else {
      const end = text.indexOf(delimiter, at);
      fields.push(end < 0 ? text.slice(at) : text.slice(at, end));
      at = end < 0 ? text.length : end;
    }
    if (at >= text.length) return fields;
    at += delimiter.length;
  }
};

const quotedField = (text: string, start: number): { value: string; end: number } | undefined => {
  let value = '';
  for (let from = start + 1; ; ) {
    const quote = text.indexOf('"', from);
    if (quote < 0) return undefined;
    value += text.slice(from, quote);
    if (text[quote + 1] !== '"') return { value, end: quote + 1 };
    value += '"';
    from = quote + 2;
  }
};
