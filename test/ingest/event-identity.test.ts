import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { payloadHash } from '../../schemas/event-identity.ts';
import type { InteractionRecord } from '../../schemas/records.ts';
import { payloadHash as payloadHashOfStream } from '../../stream/operators/dedupe.ts';

const record = fc.record({
  itemId: fc.string(),
  kind: fc.constantFrom('click', 'rating', 'undo'),
  value: fc.option(fc.double({ min: 0, max: 5, noNaN: true })),
  occurredAt: fc.nat(),
  receivedAt: fc.nat(),
  context: fc.option(fc.record({ undoes: fc.option(fc.string()) })),
}) as unknown as fc.Arbitrary<InteractionRecord>;

describe('what makes two events say the same', () => {
  it('is the same for the edge, which tells early, and the stream, which decides', () => {
    fc.assert(
      fc.property(record, (event) => {
        expect(payloadHash(event)).toBe(payloadHashOfStream(event));
      }),
    );
  });
});
