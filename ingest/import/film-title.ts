/**
 * Titles as MovieLens writes them: `Matrix, The (1999)`, `City of Lost Children, The (Cité des
 * enfants perdus, La) (1995)`, `Star Wars: Episode IV (1977)`, sometimes with a span of years,
 * sometimes without a year at all.
 */
export interface FilmTitle {
  readonly title: string;
  readonly year: number | null;
}

/** The last year in brackets: `(1995)`, `(1995-1997)`, `(2006– )`; what follows it is kept. */
const YEAR = /\s*\(\s*((?:18|19|20)\d\d)\s*(?:[-–]\s*(?:(?:18|19|20)?\d\d)?\s*)?\)/g;
const ARTICLES =
  "The|A|An|Les|Le|La|L'|Los|Las|El|Il|I|Lo|Gli|Der|Die|Das|Den|Det|De|Het|Een|En|Et|Un|Une|Una|O|Os|As";
/** An article behind the last comma, before a bracket or the end. */
const TRAILING_ARTICLE = new RegExp(`^(.*), (${ARTICLES})$`);

export const parseFilmTitle = (text: string): FilmTitle => {
  const years = [...text.matchAll(YEAR)];
  const last = years.at(-1);
  const withoutYear = last
    ? text.slice(0, last.index) + text.slice(last.index + last[0].length)
    : text;
  const title = withArticlesInFront(withoutYear.trim().replace(/\s+/g, ' '));
  return { title: title === '' ? text.trim() : title, year: last ? Number(last[1]) : null };
};

/** Each part, the title and what stands in brackets behind it, has its own article. */
const withArticlesInFront = (title: string): string =>
  title
    .split(/( ?\(|\) ?)/)
    .map((part) => {
      const match = TRAILING_ARTICLE.exec(part);
      if (!match) return part;
      const [, name, article] = match;
      return article === "L'" ? `${article}${name}` : `${article} ${name}`;
    })
    .join('');
