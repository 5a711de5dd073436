/** The release in use. Switched in one assignment, between two lists. */
import type { ServingRelease } from './serving-release.ts';

export class ReleaseHolder {
  readonly #onSwitch: () => void;
  #current: ServingRelease | undefined;
  #switches = 0;

  constructor(onSwitch: () => void) {
    this.#onSwitch = onSwitch;
  }

  get current(): ServingRelease | undefined {
    return this.#current;
  }

  /** Rises with every switch. */
  get epoch(): number {
    return this.#switches;
  }

  switchTo(next: ServingRelease | undefined): void {
    const former = this.#current;
    if (former === next) return;
    this.#current = next;
    this.#switches++;
    // Lists are made within a turn of the event loop: none can be at work with it now.
    former?.release();
    this.#onSwitch();
  }
}
