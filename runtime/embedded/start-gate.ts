/**
 * The steps at which a stream waits for the others that share its partitions: it says that it has come
 * so far, and goes on once it is told that all have.
 */
import { START_STEPS, type StartStep } from '../../stream/stream.ts';

interface Step {
  readonly reached: PromiseWithResolvers<void>;
  readonly opened: PromiseWithResolvers<void>;
}

export class StartGate {
  readonly #steps: ReadonlyMap<StartStep, Step> = new Map(
    START_STEPS.map((step) => [
      step,
      { reached: Promise.withResolvers<void>(), opened: Promise.withResolvers<void>() },
    ]),
  );

  /** The stream's side: it is there, and waits. */
  untilOpen(step: StartStep): Promise<void> {
    const { reached, opened } = this.#steps.get(step)!;
    reached.resolve();
    return opened.promise;
  }

  reached(step: StartStep): Promise<void> {
    return this.#steps.get(step)!.reached.promise;
  }

  open(step: StartStep): void {
    this.#steps.get(step)!.opened.resolve();
  }
}
