import { describe, expect, it } from 'vitest';
import { loadDemoCatalogue } from './demo-catalogue.ts';
import { moreLikeThis } from './more-like-this.ts';

const similarTo = moreLikeThis(loadDemoCatalogue());

describe('more like this, by content', () => {
  it.each([
    ['the-matrix-1999', ['the-matrix-reloaded-2003', 'ghost-in-the-shell-1995', 'dark-city-1998']],
    ['toy-story-1995', ['toy-story-2-1999', 'toy-story-3-2010', 'a-bugs-life-1998']],
    ['saw-2004', ['saw-ii-2005', 'se7en-1995']],
    ['pretty-woman-1990', ['runaway-bride-1999', 'notting-hill-1999']],
    ['the-godfather-1972', ['the-godfather-part-ii-1974', 'once-upon-a-time-in-america-1984']],
    ['titanic-1997', ['the-english-patient-1996', 'the-notebook-2004']],
    ['jaws-1975', ['jaws-2-1978', 'deep-blue-sea-1999']],
    ['finding-nemo-2003', ['finding-dory-2016', 'ratatouille-2007']],
    ['the-dark-knight-2008', ['batman-begins-2005', 'the-dark-knight-rises-2012']],
    [
      'star-wars-episode-iv-a-new-hope-1977',
      ['star-wars-episode-v-the-empire-strikes-back-1980', 'dune-1984'],
    ],
  ])('finds for %s what a film lover expects', (id, expected) => {
    expect(similarTo(id).map(({ film }) => film.itemId)).toEqual(expect.arrayContaining(expected));
  });
});
