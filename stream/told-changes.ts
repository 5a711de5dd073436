/** What of an apply's changes is told to those who follow the state: to each whatever it reads. */
import { DEDUPE_PREFIX } from '../schemas/state/dedupe-chunk.ts';
import { VECTOR_PREFIX } from '../schemas/state/vector-state.ts';
import type { StateAhead } from '../storage/live-bus/live-bus.ts';
import type { StateChange } from '../storage/state-store/state-store.ts';
import { SequenceMarks } from './operators/sequence-marks.ts';

/** Nobody but the owner reads these. */
const INTERNAL = [DEDUPE_PREFIX, SequenceMarks.prefix];
/** Whoever follows the state wants none of these: a vector changes with its subject. */
const UNHINTED = [...INTERNAL, VECTOR_PREFIX];

export const hintedKeysOf = (changes: readonly StateChange[]): readonly string[] => {
  const keys: string[] = [];
  for (const { key } of changes) {
    if (!UNHINTED.some((prefix) => key.startsWith(prefix))) keys.push(key);
  }
  return keys;
};

/** Copied: small buffers share a pool, which would travel whole. */
export const foretoldChangesOf = (changes: readonly StateChange[]): StateAhead['changes'] =>
  changes
    .filter(({ key }) => !INTERNAL.some((prefix) => key.startsWith(prefix)))
    .map(({ key, value }) => ({ key, value: value && new Uint8Array(value) }));
