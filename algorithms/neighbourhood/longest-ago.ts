/**
 * Who acted longest ago, among numbered places: a binary heap by time that knows where in it each place
 * stands, so that whoever acts again moves instead of standing there twice. A step costs the logarithm
 * of how many there are; memory is 20 bytes a place.
 */
const NOWHERE = -1;

export class LongestAgo {
  /** Places; none acted before its parent, which stands at half its index. */
  readonly #heap: number[] = [];
  #times = new Float64Array(1024);
  #standsAt = new Int32Array(1024).fill(NOWHERE);

  /** The place of whoever acted longest ago. */
  get first(): number | undefined {
    return this.#heap[0];
  }

  timeOf(place: number): number {
    return this.#times[place]!;
  }

  /** The place is taken in, or moves to where its time belongs. */
  set(place: number, time: number): void {
    if (place >= this.#times.length) this.#makeRoom(place);
    this.#times[place] = time;
    if (this.#standsAt[place] === NOWHERE) {
      this.#standsAt[place] = this.#heap.length;
      this.#heap.push(place);
    }
    this.#settle(place);
  }

  remove(place: number): void {
    const at = this.#standsAt[place] ?? NOWHERE;
    if (at === NOWHERE) return;
    this.#standsAt[place] = NOWHERE;
    const last = this.#heap.pop()!;
    if (last === place) return;
    this.#stand(last, at);
    this.#settle(last);
  }

  #settle(place: number): void {
    this.#sink(place);
    this.#rise(place);
  }

  #rise(place: number): void {
    let at = this.#standsAt[place]!;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#heap[above]!;
      if (this.timeOf(parent) <= this.timeOf(place)) return;
      this.#stand(parent, at);
      this.#stand(place, above);
      at = above;
    }
  }

  #sink(place: number): void {
    let at = this.#standsAt[place]!;
    for (;;) {
      const below = this.#earlierBelow(at);
      if (below === undefined) return;
      const child = this.#heap[below]!;
      if (this.timeOf(place) <= this.timeOf(child)) return;
      this.#stand(child, at);
      this.#stand(place, below);
      at = below;
    }
  }

  #earlierBelow(at: number): number | undefined {
    const left = 2 * at + 1;
    const right = left + 1;
    if (left >= this.#heap.length) return undefined;
    if (right >= this.#heap.length) return left;
    return this.timeOf(this.#heap[right]!) < this.timeOf(this.#heap[left]!) ? right : left;
  }

  #stand(place: number, at: number): void {
    this.#heap[at] = place;
    this.#standsAt[place] = at;
  }

  #makeRoom(place: number): void {
    const length = 2 * (place + 1);
    const times = new Float64Array(length);
    times.set(this.#times);
    this.#times = times;
    const standsAt = new Int32Array(length).fill(NOWHERE);
    standsAt.set(this.#standsAt);
    this.#standsAt = standsAt;
  }
}
