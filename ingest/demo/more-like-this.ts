/**
 * More like this by content alone: which films of the demo catalogue are about the same things.
 * Run by developers, it writes `docs/more-like-this.md`: `node ingest/demo/more-like-this.ts`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { limitPerGroup } from '../../algorithms/content/group-limit.ts';
import { itemTokens } from '../../algorithms/content/item-tokens.ts';
import { fitTfIdf } from '../../algorithms/content/tf-idf.ts';
import type { CatalogueItemRecord } from '../../schemas/records.ts';
import { loadDemoCatalogue } from './demo-catalogue.ts';

export const SHOWN_FILMS = [
  'the-matrix-1999',
  'toy-story-1995',
  'saw-2004',
  'pretty-woman-1990',
  'the-godfather-1972',
  'star-wars-episode-iv-a-new-hope-1977',
  'titanic-1997',
  'jaws-1975',
  'finding-nemo-2003',
  'the-dark-knight-2008',
] as const;

const LIST_LENGTH = 10;
/** Candidates looked at before franchises are cut to their share. */
const CANDIDATES = 100;
const PER_FRANCHISE = 3;
/** A film that nobody knows keeps this much of its score. */
const LEAST_PRIOR = 0.4;

export interface SimilarFilm {
  readonly film: CatalogueItemRecord;
  readonly score: number;
  /** What they share, the largest share first. */
  readonly because: readonly string[];
}

/** Answers, for an id of the catalogue, the films most like it. */
export const moreLikeThis = (
  films: readonly CatalogueItemRecord[],
): ((id: string) => SimilarFilm[]) => {
  const model = fitTfIdf(
    films.map((film) => itemTokens(film)),
    { priors: films.map(priorOf) },
  );
  return (id) => {
    const index = films.findIndex(({ itemId }) => itemId === id);
    const nearest = model.similar(index, CANDIDATES).map((found) => ({
      film: films[found.index]!,
      score: found.score,
      because: model.explain(index, found.index).map(({ token }) => token),
    }));
    return limitPerGroup(nearest, ({ film }) => franchiseOf(film), PER_FRANCHISE).slice(
      0,
      LIST_LENGTH,
    );
  };
};

const priorOf = ({ attributes }: CatalogueItemRecord): number =>
  LEAST_PRIOR + ((1 - LEAST_PRIOR) * Number(attributes.renown)) / 100;

const franchiseOf = ({ attributes }: CatalogueItemRecord): string | undefined =>
  typeof attributes.franchise === 'string' ? attributes.franchise : undefined;

const titleOf = ({ title, attributes }: CatalogueItemRecord): string =>
  `${title} (${attributes.year})`;

const wordsOf = (token: string): string => token.slice(token.indexOf(':') + 1);

const tableOf = (film: CatalogueItemRecord, similar: readonly SimilarFilm[]): string =>
  [
    `## ${titleOf(film)}`,
    '',
    '| film | score | mostly because of |',
    '|---|---|---|',
    ...similar.map(({ film: other, score, because }) => {
      const words = because.filter((token) => !token.startsWith('year:')).slice(0, 3);
      return `| ${titleOf(other)} | ${score.toFixed(2)} | ${words.map(wordsOf).join(', ')} |`;
    }),
    '',
  ].join('\n');

const INTRODUCTION = `# More like this, by content

What \`GET /v1/items/{id}/similar?by=content\` rests on before anyone has clicked: tf–idf over
franchise, themes, people, categories and their pairs, years and words of the title
(\`algorithms/content/\`). A franchise takes at most ${PER_FRANCHISE} places of a list here; a film keeps
${LEAST_PRIOR * 100} to 100 % of its score by how widely it is known. Written by
\`node ingest/demo/more-like-this.ts\`.

`;

if (import.meta.main) {
  const films = loadDemoCatalogue();
  const similarTo = moreLikeThis(films);
  const sections = SHOWN_FILMS.map((id) => {
    const film = films.find(({ itemId }) => itemId === id)!;
    return tableOf(film, similarTo(id));
  });
  const path = join(import.meta.dirname, '../../docs/more-like-this.md');
  writeFileSync(path, `${INTRODUCTION}${sections.join('\n')}`);
  process.stdout.write(`${path} written\n`);
}
