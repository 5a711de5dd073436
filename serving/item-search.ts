/**
 * Finding items by what somebody types: every word is taken as the beginning of a word of the title
 * or of a person's name; accents and case are folded, one typo in a word of four letters or more is
 * forgiven. Ranked by how well the words match times how popular the item is.
 *
 * Words are kept once, sorted when asked after a change; each knows the items that it occurs in.
 */
import type { Catalogue } from './catalogue.ts';

const TYPO_LENGTH_MIN = 4;
const EXACT = 1;
const PREFIX = 0.75;
const TYPO = 0.35;
/** A word of a person's name counts less than one of the title. */
const PERSON = 0.6;
/** For an item whose whole title was typed. */
const WHOLE_TITLE = 3;
const QUERY_WORDS_MAX = 8;

export interface Found {
  readonly slot: number;
  readonly quality: number;
}

interface Word {
  readonly text: string;
  /** By slot: 1 in the title, PERSON in a name. */
  readonly items: Map<number, number>;
}

export class ItemSearch {
  readonly #catalogue: Catalogue;
  readonly #words = new Map<string, Word>();
  #sorted: readonly Word[] = [];
  #isSorted = true;
  #wordsOfSlot: (readonly Word[] | undefined)[] = [];

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue;
  }

  get wordCount(): number {
    return this.#words.size;
  }

  changed(slots: readonly number[]): void {
    for (const slot of slots) {
      this.#forget(slot);
      const record = this.#catalogue.record(slot);
      if (record === undefined) continue;
      const words = new Set<Word>();
      for (const text of wordsOf(record.title)) words.add(this.#note(text, slot, 1));
      for (const person of record.people) {
        for (const text of wordsOf(person)) words.add(this.#note(text, slot, PERSON));
      }
      this.#wordsOfSlot[slot] = [...words];
    }
  }

  /** Items that match every word, in no order. */
  find(query: string): Found[] {
    const words = wordsOf(query).slice(0, QUERY_WORDS_MAX);
    if (words.length === 0) return [];
    let found = this.#matches(words[0]!);
    for (const word of words.slice(1)) {
      const next = this.#matches(word);
      const both = new Map<number, number>();
      for (const [slot, quality] of found) {
        const other = next.get(slot);
        if (other !== undefined) both.set(slot, quality * other);
      }
      found = both;
    }
    const typed = words.join(' ');
    return [...found].map(([slot, quality]) => {
      const isWhole = wordsOf(this.#catalogue.titleOf(slot)).join(' ') === typed;
      return { slot, quality: isWhole ? quality * WHOLE_TITLE : quality };
    });
  }

  /** Items whose whole title it is; those whose title begins with it where there is none. */
  byTitle(title: string): number[] {
    const wanted = wordsOf(title).join(' ');
    const found = this.find(title).map(({ slot }) => slot);
    const titles = found.map((slot) => wordsOf(this.#catalogue.titleOf(slot)).join(' '));
    const whole = found.filter((_, index) => titles[index] === wanted);
    if (whole.length > 0) return whole;
    const begun = found.filter((_, index) => titles[index]!.startsWith(wanted));
    return begun.length > 0 ? begun : found;
  }

  #note(text: string, slot: number, field: number): Word {
    let word = this.#words.get(text);
    if (word === undefined) {
      word = { text, items: new Map() };
      this.#words.set(text, word);
      this.#isSorted = false;
    }
    word.items.set(slot, Math.max(field, word.items.get(slot) ?? 0));
    return word;
  }

  #forget(slot: number): void {
    for (const word of this.#wordsOfSlot[slot] ?? []) {
      word.items.delete(slot);
      if (word.items.size > 0) continue;
      this.#words.delete(word.text);
      this.#isSorted = false;
    }
    this.#wordsOfSlot[slot] = undefined;
  }

  /** The best quality of one typed word, by slot. */
  #matches(typed: string): Map<number, number> {
    const matches = new Map<number, number>();
    const take = (word: Word, quality: number): void => {
      for (const [slot, field] of word.items) {
        if (quality * field > (matches.get(slot) ?? 0)) matches.set(slot, quality * field);
      }
    };
    const words = this.#sortedWords();
    for (let at = lowerBound(words, typed); at < words.length; at++) {
      const word = words[at]!;
      if (!word.text.startsWith(typed)) break;
      take(word, word.text === typed ? EXACT : PREFIX);
    }
    if (typed.length < TYPO_LENGTH_MIN) return matches;
    for (const word of words) if (beginsWithOneTypo(word.text, typed)) take(word, TYPO);
    return matches;
  }

  #sortedWords(): readonly Word[] {
    if (!this.#isSorted) {
      this.#sorted = [...this.#words.values()].sort((left, right) =>
        left.text < right.text ? -1 : 1,
      );
      this.#isSorted = true;
    }
    return this.#sorted;
  }
}

const lowerBound = (words: readonly Word[], text: string): number => {
  let from = 0;
  let to = words.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (words[middle]!.text < text) from = middle + 1;
    else to = middle;
  }
  return from;
};

/** Letters that are no letter with an accent, but are typed as others. */
const SPELLINGS: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  ı: 'i',
};

export const wordsOf = (text: string): string[] =>
  text
    .toLowerCase()
    .replace(/[ßæœøłđðþı]/g, (letter) => SPELLINGS[letter]!)
    .normalize('NFD')
    .replace(/[\p{Mn}'’]/gu, '')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');

/**
 * Whether some beginning of the word is one typo away from what was typed: a letter more, one less,
 * another one, or two changed places.
 */
export const beginsWithOneTypo = (word: string, typed: string): boolean => {
  let at = 0;
  while (at < typed.length && word[at] === typed[at]) at++;
  if (at === typed.length) return false;
  return (
    word.startsWith(typed.slice(at + 1), at + 1) ||
    word.startsWith(typed.slice(at + 1), at) ||
    word.startsWith(typed.slice(at), at + 1) ||
    (word[at] === typed[at + 1] &&
      word[at + 1] === typed[at] &&
      word.startsWith(typed.slice(at + 2), at + 2))
  );
};
