/**
 * What an item is about, as weighted tokens for `tf-idf.ts`: its categories and each pair of them
 * (genre × genre, genre × decade), tags, people, words of the title, attributes that are text.
 *
 * The weights were set by reading the lists of well-known films (`docs/more-like-this.md`): a shared
 * franchise says most, then a shared theme or director; words of a title say little.
 */
export interface ItemContent {
  readonly title: string;
  readonly categories: readonly string[];
  readonly tags: readonly string[];
  readonly people: readonly string[];
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

export interface TokenWeights {
  readonly titleWord: number;
  readonly category: number;
  readonly categoryPair: number;
  readonly tag: number;
  /** The first person named (a director, an author) and the others. */
  readonly firstPerson: number;
  readonly person: number;
  /** Attributes by name; text only. */
  readonly attributes: Readonly<Record<string, number>>;
  readonly otherAttribute: number;
  /**
   * Attributes that are numbers, by name: two items share a token where both lie in one of two
   * overlapping rows of ranges of this width, so that 1979 and 1980 are near each other.
   */
  readonly ranges: Readonly<Record<string, { readonly width: number; readonly weight: number }>>;
}

export const DEFAULT_TOKEN_WEIGHTS: TokenWeights = {
  titleWord: 0.15,
  category: 0.6,
  categoryPair: 0.35,
  tag: 1,
  firstPerson: 0.55,
  person: 0.35,
  attributes: { franchise: 1.6, director: 0, era: 0, source: 0.1, rating: 0.2 },
  otherAttribute: 0.2,
  ranges: { year: { width: 10, weight: 0.35 } },
};

/** Beyond this many categories their pairs would drown the rest. */
const PAIRED_CATEGORIES_MAX = 6;

/** Words that say nothing about what a title is about; numerals of sequels among them. */
const STOP_WORDS = new Set(
  'a an and at by de der die el for from i ii iii iv in into is it la le les my no of on or part the to v vi vii viii with you your'.split(
    ' ',
  ),
);

export const titleWords = (title: string): string[] =>
  title
    .normalize('NFD')
    .replaceAll(/\p{Mn}/gu, '')
    .toLowerCase()
    .replaceAll(/['’]s\b/g, '')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '' && !STOP_WORDS.has(word) && !/^\d$/.test(word));

export const itemTokens = (
  item: ItemContent,
  weights: TokenWeights = DEFAULT_TOKEN_WEIGHTS,
): { readonly token: string; readonly weight: number }[] => [
  ...titleWords(item.title).map((word) => ({ token: `word:${word}`, weight: weights.titleWord })),
  ...item.categories.map((name) => ({ token: `category:${name}`, weight: weights.category })),
  ...pairsOf(item.categories.slice(0, PAIRED_CATEGORIES_MAX)).map((pair) => ({
    token: `categories:${pair}`,
    weight: weights.categoryPair,
  })),
  ...item.tags.map((tag) => ({ token: `tag:${tag}`, weight: weights.tag })),
  ...item.people.map((name, at) => ({
    token: `person:${name}`,
    weight: at === 0 ? weights.firstPerson : weights.person,
  })),
  ...attributeTokens(item.attributes, weights),
  ...rangeTokens(item.attributes, weights),
];

const pairsOf = (names: readonly string[]): string[] => {
  const sorted = [...names].sort();
  return sorted.flatMap((first, at) =>
    sorted.slice(at + 1).map((second) => `${first} × ${second}`),
  );
};

const attributeTokens = (attributes: ItemContent['attributes'], weights: TokenWeights) =>
  Object.entries(attributes)
    .filter(([, value]) => typeof value === 'string')
    .map(([name, value]) => ({
      token: `${name}:${value}`,
      weight: Object.hasOwn(weights.attributes, name)
        ? weights.attributes[name]!
        : weights.otherAttribute,
    }))
    .filter(({ weight }) => weight > 0);

const rangeTokens = (attributes: ItemContent['attributes'], weights: TokenWeights) =>
  Object.entries(weights.ranges).flatMap(([name, { width, weight }]) => {
    const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    if (typeof value !== 'number') return [];
    return [0, width / 2].map((shift) => ({
      token: `${name}:${shift}:${Math.floor((value + shift) / width)}`,
      weight,
    }));
  });
