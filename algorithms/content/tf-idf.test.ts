import { describe, expect, it } from 'vitest';
import { limitPerGroup } from './group-limit.ts';
import { itemTokens, titleWords } from './item-tokens.ts';
import { fitTfIdf } from './tf-idf.ts';

const tokens = (...names: string[]) => names.map((token) => ({ token, weight: 1 }));

describe('tf–idf', () => {
  it('lets a rare token count more than a frequent one', () => {
    const model = fitTfIdf([
      tokens('drama', 'sharks'),
      tokens('sharks', 'comedy'),
      tokens('drama', 'war'),
      tokens('drama', 'love'),
    ]);
    expect(model.similar(0, 3).map(({ index }) => index)).toEqual([1, 2, 3]);
  });

  it('explains a score by shares that add up to it', () => {
    const model = fitTfIdf([tokens('a', 'b', 'c'), tokens('b', 'c', 'd'), tokens('e')]);
    const shares = model.explain(0, 1);
    expect(shares.map(({ token }) => token).sort()).toEqual(['b', 'c']);
    expect(shares.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(model.score(0, 1), 12);
    expect(model.explain(0, 2)).toEqual([]);
  });

  it('puts the better known of two equals first', () => {
    const model = fitTfIdf([tokens('a', 'x'), tokens('a', 'y'), tokens('a', 'z')], {
      priors: [1, 0.5, 0.9],
    });
    expect(model.similar(0, 2).map(({ index }) => index)).toEqual([2, 1]);
  });

  it('answers nothing for a document without tokens or with unknown ones', () => {
    const model = fitTfIdf([[], tokens('a'), tokens('a')]);
    expect(model.similar(0, 5)).toEqual([]);
    expect(model.similarTo(tokens('unheard of'), 5)).toEqual([]);
    expect(fitTfIdf([]).similarTo(tokens('a'), 5)).toEqual([]);
  });

  it('gives the same answer to the same question twice', () => {
    const model = fitTfIdf([tokens('a', 'b'), tokens('a'), tokens('b')]);
    expect(model.similar(0, 2)).toEqual(model.similar(0, 2));
  });
});

describe('tokens of an item', () => {
  const film = {
    title: 'Alien³: The Amélie Ending II',
    categories: ['Horror', '1990s'],
    tags: ['outer space'],
    people: ['David Fincher', 'Sigourney Weaver'],
    attributes: { franchise: 'Alien', year: 1992, director: 'David Fincher', colour: true },
  };
  const found = new Map(itemTokens(film).map(({ token, weight }) => [token, weight]));

  it('are its words, categories and their pairs, tags, people and attributes', () => {
    expect([...found.keys()]).toEqual([
      'word:alien³',
      'word:amelie',
      'word:ending',
      'category:Horror',
      'category:1990s',
      'categories:1990s × Horror',
      'tag:outer space',
      'person:David Fincher',
      'person:Sigourney Weaver',
      'franchise:Alien',
      'year:0:199',
      'year:5:199',
    ]);
  });

  it('weigh a franchise most', () => {
    expect(Math.max(...found.values())).toBe(found.get('franchise:Alien'));
  });

  it('leave numerals and words without meaning out of titles', () => {
    expect(titleWords("The Lord of the Ring's 2")).toEqual(['lord', 'ring']);
    expect(titleWords('Русский ковчег')).toEqual(['русскии', 'ковчег']);
  });
});

describe('a limit per group', () => {
  it('keeps the first of each group and all that have none', () => {
    const list = ['a1', 'a2', '-', 'a3', 'b1', '-'];
    const groupOf = (name: string) => (name === '-' ? undefined : name[0]);
    expect(limitPerGroup(list, groupOf, 2)).toEqual(['a1', 'a2', '-', 'b1', '-']);
  });
});
