/**
 * What an import could not read or had to change: counted by sort, the first few shown with file and
 * line. Above the limit of unreadable lines the import stops: it is then the wrong file or mapping.
 */
import { FreshetError } from '../../schemas/errors.ts';

export interface ProblemExample {
  /** `ratings.csv:17` */
  readonly place: string;
  readonly text: string;
}

export interface ProblemSummary {
  /** In words: `a rating that is no number`. */
  readonly problem: string;
  readonly count: number;
  readonly examples: readonly ProblemExample[];
}

const EXAMPLES_MAX = 3;
const SHOWN_TEXT_MAX = 80;

interface Counted {
  count: number;
  readonly examples: ProblemExample[];
}

export class ProblemLog {
  readonly #brokenMax: number;
  readonly #broken = new Map<string, Counted>();
  readonly #cleaned = new Map<string, Counted>();
  #brokenCount = 0;

  constructor(brokenMax: number) {
    this.#brokenMax = brokenMax;
  }

  /** A line that is left out because it cannot be read. */
  broken(problem: string, place: string, text: string): void {
    note(this.#broken, problem, place, text);
    this.#brokenCount += 1;
    if (this.#brokenCount <= this.#brokenMax) return;
    const examples = this.brokenLines
      .flatMap((summary) =>
        summary.examples.map((example) => `${example.place}: ${summary.problem}`),
      )
      .slice(0, EXAMPLES_MAX);
    throw new FreshetError('import_too_broken', {
      limit: this.#brokenMax,
      examples: examples.join('; '),
    });
  }

  /** Something that was put right or left out on purpose. */
  cleaned(what: string, place: string, text: string): void {
    note(this.#cleaned, what, place, text);
  }

  /** Lines that were read all the same, as what files were before UTF-8. */
  otherEncoding(file: string, lines: readonly number[]): void {
    for (const line of lines) {
      this.cleaned('a line that is not UTF-8, read as Windows-1252', `${file}:${line}`, '');
    }
  }

  get brokenLines(): readonly ProblemSummary[] {
    return summaries(this.#broken);
  }

  get cleanings(): readonly ProblemSummary[] {
    return summaries(this.#cleaned);
  }
}

const note = (into: Map<string, Counted>, problem: string, place: string, text: string): void => {
  const counted = into.get(problem) ?? { count: 0, examples: [] };
  into.set(problem, counted);
  counted.count += 1;
  if (counted.examples.length >= EXAMPLES_MAX) return;
  counted.examples.push({ place, text: shownLine(text) });
};

/** As a terminal may be given it: short, and without what would move its cursor. */
export const shownLine = (text: string): string => {
  const plain = text.replace(/\p{Cc}/gu, '\ufffd');
  return plain.length > SHOWN_TEXT_MAX ? `${plain.slice(0, SHOWN_TEXT_MAX)}…` : plain;
};

const summaries = (counted: ReadonlyMap<string, Counted>): readonly ProblemSummary[] =>
  [...counted].map(([problem, { count, examples }]) => ({ problem, count, examples }));
