/**
 * Which partition a key belongs to: murmur2 over the key's UTF-8 bytes, as Kafka's default
 * partitioner does it, so that equal keys share a partition in every adapter (rule L3).
 */
import { type PartitionIndex, partitionIndex } from '../../schemas/ids.ts';

const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;
const ROTATION = 24;

const encoder = new TextEncoder();

export const partitionOf = (key: string | Uint8Array, partitionCount: number): PartitionIndex => {
  const bytes = typeof key === 'string' ? encoder.encode(key) : key;
  return partitionIndex((murmur2(bytes) & 0x7fffffff) % partitionCount);
};

export const murmur2 = (bytes: Uint8Array): number => {
  const length = bytes.length;
  let hash = SEED ^ length;
  const wordsEnd = length & ~3;
  for (let at = 0; at < wordsEnd; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    word = Math.imul(word, MULTIPLIER);
    word ^= word >>> ROTATION;
    word = Math.imul(word, MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ word;
  }
  const rest = length - wordsEnd;
  if (rest === 3) hash ^= bytes[wordsEnd + 2]! << 16;
  if (rest >= 2) hash ^= bytes[wordsEnd + 1]! << 8;
  if (rest >= 1) hash = Math.imul(hash ^ bytes[wordsEnd]!, MULTIPLIER);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, MULTIPLIER);
  return hash ^ (hash >>> 15);
};
