/**
 * The release in use, switched in one assignment between two lists; and the one before it, so that a
 * rollback waits for no disk. There is room for two: who brings a third lets go of the former first.
 */
import type { SubjectId } from '../../schemas/ids.ts';
import type { ServingRelease } from './serving-release.ts';

export class ReleaseHolder {
  readonly #onSwitch: () => void;
  #current: ServingRelease | undefined;
  #former: ServingRelease | undefined;
  #switches = 0;

  constructor(onSwitch: () => void) {
    this.#onSwitch = onSwitch;
  }

  get current(): ServingRelease | undefined {
    return this.#current;
  }

  get former(): ServingRelease | undefined {
    return this.#former;
  }

  /** Rises with every switch. */
  get epoch(): number {
    return this.#switches;
  }

  switchTo(next: ServingRelease | undefined): void {
    const leaving = this.#current;
    if (leaving === next) return;
    if (next !== this.#former) this.letGoOfFormer();
    next?.lookAgain();
    this.#current = next;
    this.#former = leaving;
    this.#switches++;
    this.#onSwitch();
  }

  /** People's states may be others at the same offsets: of the former one, too, which may come back. */
  forgetVectors(): void {
    this.#current?.forgetVectors();
    this.#former?.forgetVectors();
  }

  /** Of the former one, too, which may come back. */
  letGoOf(subject: SubjectId): void {
    this.#current?.letGoOf(subject);
    this.#former?.letGoOf(subject);
  }

  /** Lists are made within a turn of the event loop: none can be at work with it. */
  letGoOfFormer(): void {
    this.#former?.release(this.#current);
    this.#former = undefined;
  }
}
