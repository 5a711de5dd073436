import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CandidateBoard } from './candidate-board.ts';
import { DEFAULT_SERVING_OPTIONS, PARTS, type PartName, type PartWeight } from './options.ts';

const SLOTS = 400;
const CAPACITY = 1_024;

const anyProposal = fc.record({
  slot: fc.nat(SLOTS - 1),
  // Few different amounts, so that sums are often equal.
  amount: fc.oneof(
    fc.nat(5).map((whole) => (whole + 1) / 8),
    fc.double({ min: 1e-9, max: 1e6, noNaN: true }),
  ),
});
const anyProposals = fc.tuple(...PARTS.map(() => fc.array(anyProposal, { maxLength: 120 })));
const anyWeights = fc
  .array(
    fc.record({
      weight: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 20, noNaN: true })),
      epsilon: fc.constantFrom(1e-9, 0.002, 0.5),
      mass: fc.constantFrom(0, 0.3, 1),
    }),
    { minLength: PARTS.length, maxLength: PARTS.length },
  )
  .map(
    (weights) =>
      Object.fromEntries(PARTS.map((part, index) => [part, weights[index]!])) as Record<
        PartName,
        PartWeight
      >,
  );
const anyWeighing = fc.oneof(fc.constant(DEFAULT_SERVING_OPTIONS.ladder.parts), anyWeights);

const fill = (
  board: CandidateBoard,
  proposals: readonly (readonly { readonly slot: number; readonly amount: number }[])[],
): void => {
  proposals.forEach((own, part) => {
    for (const { slot, amount } of own) board.scores[part]!.add(slot, amount);
    board.scores[part]!.keepBest(60);
  });
};

describe('the board of candidates', () => {
  it('finds the same best few, to the bit, as if every sum had been made', () => {
    const board = new CandidateBoard();
    fc.assert(
      fc.property(
        anyProposals,
        anyWeighing,
        fc.uniqueArray(fc.nat(SLOTS - 1), { maxLength: 30 }),
        fc.integer({ min: 1, max: 50 }),
        (proposals, weights, blocked, count) => {
          board.begin(CAPACITY, weights);
          fill(board, proposals);
          for (const slot of blocked) board.block(slot);
          board.keep((slot) => slot % 7 !== 3);
          const few = board.best(count);
          // As many as there are: none of them is left out by its bound.
          const all = board.best(board.keptCount);
          expect(few.slots).toEqual(all.slots.slice(0, count));
          expect(few.scores).toEqual(all.scores.slice(0, count));
          for (const [index, slot] of all.slots.entries()) {
            expect(blocked).not.toContain(slot);
            const sum = board.partsOf(slot).reduce((total, part) => total + part, 0);
            expect(sum).toBe(all.scores[index]);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('remembers nothing of the request before', () => {
    const [used, fresh] = [new CandidateBoard(), new CandidateBoard()];
    const weights = DEFAULT_SERVING_OPTIONS.ladder.parts;
    fc.assert(
      fc.property(anyProposals, anyProposals, (before, proposals) => {
        used.begin(CAPACITY, weights);
        fill(used, before);
        used.keep(() => true);
        used.best(10);
        const [again, first] = [used, fresh].map((board) => {
          board.begin(CAPACITY, weights);
          fill(board, proposals);
          board.block(5);
          board.keep((slot) => slot % 2 === 0);
          return board.best(20);
        });
        expect(again).toEqual(first);
      }),
      { numRuns: 100 },
    );
  });
});
