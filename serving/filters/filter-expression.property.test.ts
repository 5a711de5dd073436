import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFreshetError } from '../../schemas/errors.ts';
import { epochMs } from '../../schemas/ids.ts';
import { item } from '../../test/serving/serving-fixture.ts';
import { parseFilter } from './filter-expression.ts';

const film = item('heat', {
  title: 'Heat',
  categories: ['Crime', 'Film Noir'],
  tags: ['heist'],
  people: ['Michael Mann'],
  attributes: { year: 1995, rated: 'R', remake: false, constructor: 'odd' },
  price: 3.5,
  publishedAt: epochMs(Date.UTC(1996, 0, 1)),
});
const fits = (expression: string): boolean => parseFilter(expression)(film);

describe('a filter expression', () => {
  it.each([
    ['year>=1990', true],
    ['year < 1990', false],
    ['year = 1995 and price <= 3.5', true],
    ['genre in (Drama, Comedy)', false],
    ['genre in (Drama, crime)', true],
    ['genre = Film Noir', true],
    ['category = "Film Noir" and not (tag = heist)', false],
    ["people = 'michael mann'", true],
    ['rated != R', false],
    ['rated != PG or year = 1', true],
    ['remake = false', true],
    ['remake = true', false],
    ['genre not in (Drama, Comedy)', true],
    ['missing = 1', false],
    ['missing != 1', true],
    ['constructor = odd', true],
    ['__proto__ = odd', false],
    ['title > A and title < Z', true],
    ['year > R', false],
    ['1995 = year', 'a name'],
    ['year', 'one of =, !='],
    ['year >=', 'a value in filter at character 8, got the end'],
    ['year = 1 or', 'a name'],
    ['(year = 1', ')'],
    ['year = 1)', 'and, or or the end'],
    ['year ; drop', 'a name, value or operator'],
    ['genre in ()', 'a value'],
    ['genre in (Drama', ')'],
    [`${'('.repeat(20)}year = 1${')'.repeat(20)}`, 'levels'],
    [Array.from({ length: 40 }, () => 'year = 1').join(' or '), 'conditions'],
  ])('%s', (expression, expected) => {
    if (typeof expected === 'boolean') expect(fits(expression)).toBe(expected);
    else expect(() => fits(expression)).toThrow(expected);
  });

  it('is refused with a message or gives a verdict, whatever the text', () => {
    const words = fc.constantFrom(
      'year',
      'and',
      'or',
      'not',
      'in',
      '(',
      ')',
      ',',
      '=',
      '>=',
      '1995',
      'R',
      '"x"',
      ' ',
    );
    const anything = fc.oneof(
      fc.string(),
      fc.array(words).map((parts) => parts.join(' ')),
    );
    fc.assert(
      fc.property(anything, (expression) => {
        try {
          expect(typeof fits(expression)).toBe('boolean');
        } catch (error) {
          expect(isFreshetError(error, 'bad_request')).toBe(true);
        }
      }),
    );
  });

  it('means what its tree means', () => {
    type Tree = { readonly text: string; readonly truth: boolean };
    const leaf: fc.Arbitrary<Tree> = fc
      .integer({ min: 1990, max: 2000 })
      .chain((year) =>
        fc.constantFrom(
          { text: `year >= ${year}`, truth: 1995 >= year },
          { text: `year = ${year}`, truth: 1995 === year },
          { text: `year != ${year}`, truth: 1995 !== year },
        ),
      );
    const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        leaf,
        tie('tree').map(({ text, truth }) => ({ text: `not (${text})`, truth: !truth })),
        fc.tuple(tie('tree'), tie('tree')).map(([left, right]) => ({
          text: `(${left.text}) and (${right.text})`,
          truth: left.truth && right.truth,
        })),
        fc.tuple(tie('tree'), tie('tree')).map(([left, right]) => ({
          text: `(${left.text}) or (${right.text})`,
          truth: left.truth || right.truth,
        })),
      ),
    }));
    fc.assert(
      fc.property(tree, ({ text, truth }) => {
        fc.pre((text.match(/year/g) ?? []).length <= 32);
        expect(fits(text)).toBe(truth);
      }),
    );
  });
});
