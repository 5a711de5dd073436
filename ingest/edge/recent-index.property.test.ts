import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { offset, partitionIndex } from '../../schemas/ids.ts';
import { RecentIndex } from './recent-index.ts';

const CAPACITY = 16;
const P0 = partitionIndex(0);

type Command =
  | { readonly do: 'see'; readonly id: number }
  | { readonly do: 'settle' | 'remove'; readonly which: number };

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('see' as const), id: fc.nat(40) }) },
  fc.record({ do: fc.constantFrom('settle' as const, 'remove' as const), which: fc.nat(30) }),
);

describe('the index of recent events', () => {
  it('agrees with a list of the newest entries, whatever is added, settled and removed', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 300 }), (commands) => {
        const index = new RecentIndex(CAPACITY);
        /** Every entry ever added, with what became of it. */
        const model: { id: number; offset: number | undefined; isRemoved: boolean }[] = [];
        const held = () => model.slice(-CAPACITY).filter(({ isRemoved }) => !isRemoved);
        for (const step of commands) {
          if (step.do === 'see') {
            const known = index.find(`id ${step.id}`);
            const expected = held().find(({ id }) => id === step.id);
            expect(known?.offset).toBe(expected?.offset);
            expect(known === undefined).toBe(expected === undefined);
            if (known) {
              expect(known.payload).toBe(step.id);
              continue;
            }
            const number = index.add({ payload: step.id, partition: P0, ticket: model.length });
            expect(number).toBe(model.length);
            model.push({ id: step.id, offset: undefined, isRemoved: false });
          } else if (step.which < model.length) {
            const entry = model[step.which]!;
            if (step.do === 'settle') {
              index.settle(step.which, offset(2 ** 40 + step.which));
              if (!entry.isRemoved && step.which >= model.length - CAPACITY)
                entry.offset = 2 ** 40 + step.which;
            } else {
              index.remove(step.which);
              if (step.which >= model.length - CAPACITY) entry.isRemoved = true;
            }
          }
          expect(index.size).toBe(held().length);
        }
      }),
      { numRuns: 200 },
    );
  });
});
