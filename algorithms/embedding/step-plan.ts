/**
 * From sequences to what is learned: steps, each up to four context items (the inputs) that shall
 * foretell one centre item among wrong ones (the outputs). All chance is decided here, in plain
 * code, so that whatever learns the steps, the kernel or its plain reference, learns the same ones.
 *
 * A step is a row of numbers: count of inputs, four inputs (unused ones name the row after the last
 * item), count of outputs, the outputs with the right one first. Contexts of one centre share their
 * wrong answers. Inputs of a step are different items, and so are outputs, since all of a step's
 * vectors move at once: an item that stands twice in a window counts once.
 */
import type { SeededRandom } from '../random/seeded-random.ts';
import type { Noise } from './noise.ts';

export const INPUTS_MAX = 4;
const INPUT_COUNT = 0;
const INPUTS = 1;
const OUTPUT_COUNT = INPUTS + INPUTS_MAX;
const OUTPUTS = OUTPUT_COUNT + 1;

/** The places of a step's row. */
export const STEP_LAYOUT = {
  inputCount: INPUT_COUNT,
  inputs: INPUTS,
  outputCount: OUTPUT_COUNT,
  outputs: OUTPUTS,
} as const;

export const stepLengthOf = (negatives: number): number => OUTPUTS + 1 + negatives;

/** How many steps one centre makes at most. */
export const stepsPerCentre = (window: number): number => Math.ceil((2 * window) / INPUTS_MAX);

export interface StepPlanSettings {
  readonly window: number;
  readonly negatives: number;
  /** The row that stands for no item. */
  readonly unused: number;
  /** How many steps `plan` holds. */
  readonly capacity: number;
}

export class StepPlan {
  readonly plan: Uint32Array;
  readonly stepLength: number;
  #stepCount = 0;
  readonly #settings: StepPlanSettings;
  readonly #noise: Noise;
  readonly #contexts: Uint32Array;
  readonly #outputs: Uint32Array;

  /** `plan` is where the steps are written, for a kernel an array of its memory. */
  constructor(plan: Uint32Array, settings: StepPlanSettings, noise: Noise) {
    this.plan = plan;
    this.stepLength = stepLengthOf(settings.negatives);
    this.#settings = settings;
    this.#noise = noise;
    this.#contexts = new Uint32Array(2 * settings.window);
    this.#outputs = new Uint32Array(1 + settings.negatives);
  }

  get stepCount(): number {
    return this.#stepCount;
  }

  /** Whether another centre may not fit any more. */
  get isFull(): boolean {
    return this.#stepCount + stepsPerCentre(this.#settings.window) > this.#settings.capacity;
  }

  clear(): void {
    this.#stepCount = 0;
  }

  /** Adds the steps of the item at `place` of a sequence. */
  addCentre(
    sequence: Uint32Array,
    length: number,
    { place, random }: { readonly place: number; readonly random: SeededRandom },
  ): void {
    const reach = 1 + random.below(this.#settings.window);
    const from = Math.max(place - reach, 0);
    const to = Math.min(place + reach, length - 1);
    let contextCount = 0;
    for (let at = from; at <= to; at++) {
      if (at === place) continue;
      contextCount += addDistinct(this.#contexts, contextCount, sequence[at]!);
    }
    if (contextCount === 0) return;
    const outputCount = this.#drawOutputs(sequence[place]!, random);
    for (let first = 0; first < contextCount; first += INPUTS_MAX) {
      this.#addStep(first, Math.min(contextCount - first, INPUTS_MAX), outputCount);
    }
  }

  #drawOutputs(centre: number, random: SeededRandom): number {
    const outputs = this.#outputs;
    outputs[0] = centre;
    let count = 1;
    for (let draw = 0; draw < this.#settings.negatives; draw++) {
      count += addDistinct(outputs, count, this.#noise.draw(random));
    }
    return count;
  }

  #addStep(first: number, inputCount: number, outputCount: number): void {
    const { plan } = this;
    const at = this.#stepCount * this.stepLength;
    plan[at + INPUT_COUNT] = inputCount;
    for (let k = 0; k < INPUTS_MAX; k++) {
      plan[at + INPUTS + k] = k < inputCount ? this.#contexts[first + k]! : this.#settings.unused;
    }
    plan[at + OUTPUT_COUNT] = outputCount;
    for (let k = 0; k < outputCount; k++) plan[at + OUTPUTS + k] = this.#outputs[k]!;
    this.#stepCount += 1;
  }
}

/** Writes `item` behind the first `count` unless it is among them; 1 if it did. */
const addDistinct = (items: Uint32Array, count: number, item: number): 0 | 1 => {
  for (let k = 0; k < count; k++) if (items[k] === item) return 0;
  items[count] = item;
  return 1;
};
