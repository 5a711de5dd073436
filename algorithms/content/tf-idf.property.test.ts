/** The sparse index against the textbook: dense vectors, every pair compared. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitTfIdf, type TokenDocument } from './tf-idf.ts';

const documents = fc.array(
  fc.array(
    fc.record({
      token: fc.constantFrom('a', 'b', 'c', 'd', '__proto__', 'constructor'),
      weight: fc.double({ min: 0.1, max: 4, noNaN: true }),
    }),
    { maxLength: 8 },
  ),
  { minLength: 1, maxLength: 12 },
);

const denseVectors = (corpus: readonly TokenDocument[]): number[][] => {
  const tokens = [...new Set(corpus.flatMap((document) => document.map(({ token }) => token)))];
  const rarity = tokens.map((token) => {
    const count = corpus.filter((document) => document.some((entry) => entry.token === token));
    return Math.sqrt(Math.log(1 + corpus.length / count.length));
  });
  return corpus.map((document) => {
    const row = tokens.map((token, column) => {
      const weight = document
        .filter((entry) => entry.token === token)
        .reduce((sum, entry) => sum + entry.weight, 0);
      return weight * rarity[column]!;
    });
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    return row.map((value) => (norm === 0 ? 0 : value / norm));
  });
};

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, at) => sum + value * b[at]!, 0);

describe('tf–idf', () => {
  it('scores every pair as the textbook does', () => {
    fc.assert(
      fc.property(documents, (corpus) => {
        const model = fitTfIdf(corpus);
        const vectors = denseVectors(corpus);
        vectors.forEach((own, index) => {
          vectors.forEach((other, candidate) => {
            expect(model.score(index, candidate)).toBeCloseTo(dot(own, other), 10);
          });
        });
      }),
    );
  });

  it('lists the most alike first, without the document itself', () => {
    fc.assert(
      fc.property(documents, fc.nat(), (corpus, pick) => {
        const model = fitTfIdf(corpus);
        const index = pick % corpus.length;
        const listed = model.similar(index, corpus.length);
        const expected = corpus
          .map((_, candidate) => model.score(index, candidate))
          .filter((score, candidate) => candidate !== index && score > 0)
          .sort((a, b) => b - a);
        expect(listed.map(({ index: candidate }) => candidate)).not.toContain(index);
        expect(listed.length).toBe(expected.length);
        listed.forEach(({ score }, at) => {
          expect(score).toBeCloseTo(expected[at]!, 10);
        });
      }),
    );
  });

  it('answers for a list of tokens as for the document that has them', () => {
    fc.assert(
      fc.property(documents, fc.nat(), (corpus, pick) => {
        const model = fitTfIdf(corpus);
        const index = pick % corpus.length;
        const listed = model.similarTo(corpus[index]!, corpus.length);
        expect(listed.filter((document) => document.index !== index)).toEqual(
          model.similar(index, corpus.length),
        );
      }),
    );
  });
});
