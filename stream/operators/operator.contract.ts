/**
 * What every operator keeps, whatever it computes. An operator is given as a state machine over
 * stored values: it takes events, says what follows from each, and its state is bytes under keys.
 *
 *  O1 the same events give the same outputs and the same bytes, every time;
 *  O2 where batches are cut changes neither outputs nor bytes;
 *  O3 state survives being stored and loaded between any two events.
 *
 * How an operator treats late and repeated events is its own rule and stands in its own test.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

export type StoredValues = Map<string, Uint8Array>;

export interface OperatorMachine<Event> {
  /** Takes an event in; returns what it puts out, as plain data. */
  take(event: Event): unknown;
  /** Writes what changed since the last call into the values. */
  save(values: StoredValues): void;
}

export interface OperatorUnderTest<Event> {
  readonly name: string;
  readonly events: fc.Arbitrary<readonly Event[]>;
  /** A machine in the state that the values hold. */
  load(values: StoredValues): Promise<OperatorMachine<Event>>;
}

interface Run {
  readonly outputs: readonly unknown[];
  readonly values: readonly (readonly [string, string])[];
}

const hex = (values: StoredValues): Run['values'] =>
  [...values]
    .map(([key, value]) => [key, Buffer.from(value).toString('hex')] as const)
    .sort(([left], [right]) => (left < right ? -1 : 1));

/** Runs the events; `cutAfter` says after which of them the batch ends and state is stored. */
const run = async <Event>(
  operator: OperatorUnderTest<Event>,
  events: readonly Event[],
  { cutAfter, isReloaded }: { cutAfter: (index: number) => boolean; isReloaded: boolean },
): Promise<Run> => {
  const values: StoredValues = new Map();
  const outputs: unknown[] = [];
  let machine = await operator.load(values);
  for (const [index, event] of events.entries()) {
    outputs.push(machine.take(event));
    if (!cutAfter(index)) continue;
    machine.save(values);
    if (isReloaded) machine = await operator.load(values);
  }
  machine.save(values);
  return { outputs, values: hex(values) };
};

export const describeOperator = <Event>(operator: OperatorUnderTest<Event>): void => {
  describe(`operator ${operator.name}`, () => {
    const never = (): boolean => false;

    it('[O1] the same events give the same outputs and the same bytes', async () => {
      await fc.assert(
        fc.asyncProperty(operator.events, async (events) => {
          const once = await run(operator, events, { cutAfter: never, isReloaded: false });
          const again = await run(operator, events, { cutAfter: never, isReloaded: false });
          expect(again).toEqual(once);
        }),
        { numRuns: 30 },
      );
    });

    it('[O2] where batches are cut changes neither outputs nor bytes', async () => {
      await fc.assert(
        fc.asyncProperty(operator.events, fc.infiniteStream(fc.boolean()), async (events, cuts) => {
          const whole = await run(operator, events, { cutAfter: never, isReloaded: false });
          const cutAfter = (): boolean => cuts.next().value;
          expect(await run(operator, events, { cutAfter, isReloaded: false })).toEqual(whole);
        }),
        { numRuns: 30 },
      );
    });

    it('[O3] state survives being stored and loaded between any two events', async () => {
      await fc.assert(
        fc.asyncProperty(operator.events, fc.infiniteStream(fc.boolean()), async (events, cuts) => {
          const whole = await run(operator, events, { cutAfter: never, isReloaded: false });
          const cutAfter = (): boolean => cuts.next().value;
          expect(await run(operator, events, { cutAfter, isReloaded: true })).toEqual(whole);
        }),
        { numRuns: 30 },
      );
    });
  });
};
