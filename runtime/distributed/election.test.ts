/** Of several processes one is elected, and each knows how it stands, or that it does not know. */
import { describe, expect, it } from 'vitest';
import type { OwnedWork, PartitionOwnership } from '../../storage/event-log/partition-ownership.ts';
import { settled } from '../../test/serving/serving-fixture.ts';
import { joinElection } from './election.ts';

/** Gives the office away when it is told to. */
class TestOwnership implements PartitionOwnership {
  #work: OwnedWork = async () => undefined;
  #term = new AbortController();

  run(work: OwnedWork, signal: AbortSignal): Promise<void> {
    this.#work = work;
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  }

  give(units: readonly string[]): void {
    this.#term = new AbortController();
    void this.#work(units, this.#term.signal);
  }

  takeBack(): void {
    this.#term.abort();
  }
}

describe('an election', () => {
  it('is open until the group has found itself, and again whenever the office is given away', async () => {
    const ownership = new TestOwnership();
    const election = joinElection(ownership, () => undefined);
    const standing = () => [election.isElected(), election.isAnother()];
    expect(standing()).toEqual([false, false]);
    ownership.give([]);
    expect(standing()).toEqual([false, true]);
    ownership.takeBack();
    expect(standing()).toEqual([false, false]);
    ownership.give(['trainer']);
    expect(standing()).toEqual([true, false]);
    ownership.takeBack();
    await settled();
    expect(standing()).toEqual([false, false]);
    await election.stop();
  });
});
