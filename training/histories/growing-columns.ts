/** The events of a training as columns that grow: a row an event, people's rows one after another. */

/** The columns as they stand; the first `length` rows are filled. */
export interface EventColumns {
  readonly items: Uint32Array;
  /** Signed, before fading. */
  readonly strengths: Float32Array;
  /** Index in the table of kinds. */
  readonly kinds: Uint8Array;
  /** NaN where there is none. */
  readonly values: Float32Array;
  /** Milliseconds since 1970. */
  readonly times: Float64Array;
}

export interface EventRow {
  readonly item: number;
  readonly strength: number;
  readonly kind: number;
  readonly value: number | null;
  readonly time: number;
}

const FIRST_ROOM = 65_536;

const columnsFor = (room: number): EventColumns => ({
  items: new Uint32Array(room),
  strengths: new Float32Array(room),
  kinds: new Uint8Array(room),
  values: new Float32Array(room),
  times: new Float64Array(room),
});

export class GrowingColumns {
  #columns = columnsFor(FIRST_ROOM);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push({ item, strength, kind, value, time }: EventRow): void {
    if (this.#length === this.#columns.items.length) this.#grow();
    const at = this.#length++;
    this.#columns.items[at] = item;
    this.#columns.strengths[at] = strength;
    this.#columns.kinds[at] = kind;
    this.#columns.values[at] = value ?? Number.NaN;
    this.#columns.times[at] = time;
  }

  /** Views of what is filled. */
  filled(): EventColumns {
    const { items, strengths, kinds, values, times } = this.#columns;
    return {
      items: items.subarray(0, this.#length),
      strengths: strengths.subarray(0, this.#length),
      kinds: kinds.subarray(0, this.#length),
      values: values.subarray(0, this.#length),
      times: times.subarray(0, this.#length),
    };
  }

  /** By half: a doubling of a large history would ask for twice what it holds. */
  #grow(): void {
    const grown = columnsFor(Math.ceil(this.#length * 1.5));
    grown.items.set(this.#columns.items);
    grown.strengths.set(this.#columns.strengths);
    grown.kinds.set(this.#columns.kinds);
    grown.values.set(this.#columns.values);
    grown.times.set(this.#columns.times);
    this.#columns = grown;
  }
}
