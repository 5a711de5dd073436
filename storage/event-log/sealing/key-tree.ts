/**
 * A key for everybody there may ever be, from one seed, and each of them can be destroyed alone: the
 * tree of Goldreich, Goldwasser and Micali (1986), punctured as Boneh and Waters do (2013). A person's
 * address is a path of sixteen steps down the tree; each step makes the seed of a child from the seed of
 * its parent, and no step can be undone. To destroy a key, the seeds on its path are given up and those
 * beside the path kept: all other keys are made as before, and this one by nobody.
 *
 * So a key exists before anybody needs it and costs nothing while its person stays: nothing has to be
 * durable before a person's first record is. A destroyed one costs 240 seeds at most, 7 KB here and on
 * the disk.
 */
import {
  CHACHA_BLOCK_WORDS,
  CHACHA_INPUT_WORDS,
  CHACHA_KEY_WORDS,
  chachaBlock,
} from './chacha20.ts';

/** 64 bits: among ten million people two share one with a chance of 3 in a million. */
export interface PersonAddress {
  /** 32 bits each, signed. */
  readonly high: number;
  readonly low: number;
}

/** Where a part of the tree begins. */
export interface TreePlace {
  /** Steps from the root. */
  readonly depth: number;
  /** An address below it, with zeros behind the first `depth` steps. */
  readonly prefix: PersonAddress;
}

/** The seed of a part of the tree. */
export interface TreeNode extends TreePlace {
  readonly seed: Int32Array;
}

export interface Puncture {
  /** What must be given up. */
  readonly removed: TreeNode;
  /** What must be kept in its place. */
  readonly kept: readonly TreeNode[];
}

export const SEED_WORDS = 4;
export const TREE_DEPTH = 16;
const CHILDREN = 16;
const STEPS_PER_WORD = 8;
const CHILDREN_PER_BLOCK = CHACHA_BLOCK_WORDS / SEED_WORDS;
/** Beyond the inputs that make children. */
const KEY_INPUT = 16;

/** What is left below a seed that was given up. */
class Branch {
  /** Of its children, one after another; those held count. */
  readonly #seeds = new Int32Array(CHILDREN * SEED_WORDS);
  #held = 0;
  #below: Map<number, Branch> | undefined;

  hold(step: number, seed: Int32Array): void {
    this.#seeds.set(seed, step * SEED_WORDS);
    this.#held |= 1 << step;
  }

  giveUp(step: number): void {
    this.#seeds.fill(0, step * SEED_WORDS, (step + 1) * SEED_WORDS);
    this.#held &= ~(1 << step);
  }

  /** Writes the seed of a child; false where it is not held. */
  seedInto(out: Int32Array, step: number): boolean {
    if (((this.#held >>> step) & 1) === 0) return false;
    for (let word = 0; word < SEED_WORDS; word++)
      out[word] = this.#seeds[step * SEED_WORDS + word]!;
    return true;
  }

  below(step: number): Branch | undefined {
    return this.#below?.get(step);
  }

  madeBelow(step: number): Branch {
    this.#below ??= new Map();
    const known = this.#below.get(step);
    if (known !== undefined) return known;
    const made = new Branch();
    this.#below.set(step, made);
    return made;
  }

  /** Whether nothing is missing below but single addresses. A seed stands for all below it. */
  isWhole(depth: number): boolean {
    if (depth === TREE_DEPTH - 1) return true;
    return Array.from({ length: CHILDREN }, (_, step) => step).every(
      (step) => ((this.#held >>> step) & 1) === 1 || this.below(step)?.isWhole(depth + 1) === true,
    );
  }
}

const key = new Int32Array(CHACHA_KEY_WORDS);
const input = new Int32Array(CHACHA_INPUT_WORDS);
const block = new Int32Array(CHACHA_BLOCK_WORDS);
const keyAndInput = { key, input };
const walking = new Int32Array(SEED_WORDS);

export class KeyTree {
  /** Holds the root for its first child. */
  readonly #above = new Branch();
  readonly #root = new Branch();

  /** Throws a RangeError unless the nodes make a whole tree, less single addresses. */
  constructor(nodes: readonly TreeNode[]) {
    for (const node of nodes) this.#put(node);
    const isWhole = this.#above.seedInto(walking, 0) || this.#root.isWhole(0);
    if (!isWhole) throw new RangeError('Expected the keys of everybody, got less.');
  }

  /** Writes the key of the address; false where it was destroyed. */
  keyInto(out: Int32Array, address: PersonAddress): boolean {
    const from = this.#walkTo(address);
    if (from === undefined) return false;
    for (let depth = from; depth < TREE_DEPTH; depth++) {
      childSeedInto(walking, walking, stepOf(address, depth));
    }
    blockOf(walking, KEY_INPUT);
    for (let word = 0; word < CHACHA_KEY_WORDS; word++) out[word] = block[word]!;
    return true;
  }

  /** What destroying the key of the address comes to; undefined where it is destroyed. */
  punctureAt(address: PersonAddress): Puncture | undefined {
    const from = this.#walkTo(address);
    if (from === undefined) return undefined;
    const removed = { depth: from, prefix: prefixOf(address, from), seed: walking.slice() };
    const kept: TreeNode[] = [];
    let seed: Int32Array = removed.seed;
    for (let depth = from; depth < TREE_DEPTH; depth++) {
      const own = stepOf(address, depth);
      for (let step = 0; step < CHILDREN; step++) {
        if (step === own) continue;
        const prefix = childPrefix(prefixOf(address, depth), depth, step);
        kept.push({ depth: depth + 1, prefix, seed: childSeed(seed, step) });
      }
      seed = childSeed(seed, own);
    }
    return { removed, kept };
  }

  /** From now on the key is gone from here. */
  apply({ removed, kept }: Puncture): void {
    this.#branchOf(removed).giveUp(lastStepOf(removed));
    removed.seed.fill(0);
    for (const node of kept) this.#put(node);
  }

  /** Takes a seed from whoever destroyed a key; false, and nothing taken, where none above it is held. */
  hold(node: TreeNode): boolean {
    const from = this.#walkTo(node.prefix);
    if (from === undefined || from > node.depth) return false;
    this.#put(node);
    return true;
  }

  /** What is below is from now on made by what was held of it, or by nobody. */
  giveUp(place: TreePlace): void {
    this.#branchOf(place).giveUp(lastStepOf(place));
    walking.fill(0);
  }

  /** Writes the nearest seed above the address into `walking`; returns its depth. */
  #walkTo(address: PersonAddress): number | undefined {
    if (this.#above.seedInto(walking, 0)) return 0;
    let branch: Branch | undefined = this.#root;
    for (let depth = 0; branch !== undefined; depth++) {
      const step = stepOf(address, depth);
      if (branch.seedInto(walking, step)) return depth + 1;
      branch = branch.below(step);
    }
    return undefined;
  }

  #put(node: TreeNode): void {
    this.#branchOf(node).hold(lastStepOf(node), node.seed);
  }

  /** The branch that holds the node. */
  #branchOf({ depth, prefix }: TreePlace): Branch {
    if (depth === 0) return this.#above;
    let branch = this.#root;
    for (let step = 0; step < depth - 1; step++) branch = branch.madeBelow(stepOf(prefix, step));
    return branch;
  }
}

const lastStepOf = ({ depth, prefix }: TreePlace): number =>
  depth === 0 ? 0 : stepOf(prefix, depth - 1);

/** 0 to 15. */
const stepOf = ({ high, low }: PersonAddress, depth: number): number =>
  depth < STEPS_PER_WORD
    ? (high >>> (28 - 4 * depth)) & 15
    : (low >>> (28 - 4 * (depth - STEPS_PER_WORD))) & 15;

const prefixOf = ({ high, low }: PersonAddress, depth: number): PersonAddress => ({
  high: high & firstSteps(Math.min(depth, STEPS_PER_WORD)),
  low: low & firstSteps(Math.max(depth - STEPS_PER_WORD, 0)),
});

const firstSteps = (steps: number): number =>
  steps === 0 ? 0 : -1 << (4 * (STEPS_PER_WORD - steps));

const childPrefix = ({ high, low }: PersonAddress, depth: number, child: number): PersonAddress =>
  depth < STEPS_PER_WORD
    ? { high: high | (child << (28 - 4 * depth)), low }
    : { high, low: low | (child << (28 - 4 * (depth - STEPS_PER_WORD))) };

const childSeed = (seed: Int32Array, child: number): Int32Array => {
  const made = new Int32Array(SEED_WORDS);
  childSeedInto(made, seed, child);
  return made;
};

const childSeedInto = (out: Int32Array, seed: Int32Array, child: number): void => {
  blockOf(seed, Math.floor(child / CHILDREN_PER_BLOCK));
  const at = (child % CHILDREN_PER_BLOCK) * SEED_WORDS;
  for (let word = 0; word < SEED_WORDS; word++) out[word] = block[at + word]!;
};

/** A seed fills both halves of the key. */
const blockOf = (seed: Int32Array, number: number): void => {
  for (let word = 0; word < SEED_WORDS; word++) {
    key[word] = seed[word]!;
    key[word + SEED_WORDS] = seed[word]!;
  }
  input[0] = number;
  chachaBlock(block, keyAndInput);
};
