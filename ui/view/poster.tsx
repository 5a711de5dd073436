/** A tile that stands for a film: a composition from its id, its initial, its year. */
import { posterBackground } from './tint.ts';

interface PosterProps {
  readonly itemId: string;
  readonly title: string;
}

export const Poster = ({ itemId, title }: PosterProps) => (
  <span className="poster" style={{ background: posterBackground(itemId) }} aria-hidden="true">
    <span className="initial">{initialOf(title)}</span>
    <span className="year">{yearIn(itemId)}</span>
  </span>
);

const initialOf = (title: string): string => {
  const [first = ''] = title.replace(/^(The|A|An) /, '');
  return first.toUpperCase();
};

/** The demo's ids end in the year (`heat-1995`); others show none. */
export const yearIn = (itemId: string): string => /-((?:19|20)\d\d)$/.exec(itemId)?.[1] ?? '';
