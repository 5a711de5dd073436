/**
 * What was read of people last, as bytes: what their lists are made from while the store of states
 * cannot be read. Bounded; whoever was asked for longest ago goes first.
 */
import type { RememberOptions } from './options.ts';

export class RememberedStates {
  readonly #statesMax: number;
  /** In the order of asking. */
  readonly #states = new Map<string, Uint8Array>();

  constructor({ statesMax }: RememberOptions) {
    this.#statesMax = statesMax;
  }

  get size(): number {
    return this.#states.size;
  }

  of(key: string): Uint8Array | undefined {
    return this.#states.get(key);
  }

  put(key: string, state: Uint8Array | undefined): void {
    if (this.#statesMax === 0) return;
    this.#states.delete(key);
    if (state === undefined) return;
    // A copy: what came over a connection may hold on to all that arrived with it.
    this.#states.set(key, new Uint8Array(state));
    if (this.#states.size <= this.#statesMax) return;
    const [oldest] = this.#states.keys();
    if (oldest !== undefined) this.#states.delete(oldest);
  }

  letGoOf(key: string): void {
    this.#states.delete(key);
  }
}
