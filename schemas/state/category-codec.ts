/**
 * The bytes of `category:<name>`: the counters of a category within one item partition, the sum over
 * its items. Version 1: u8 version | i48 landmark | zigzag interactions | three 64-bit counters.
 */
import type { EpochMs } from '../ids.ts';
import { ByteReader, ByteWriter, checkEnd, checkVersion } from './byte-cursor.ts';

export const CATEGORY_PREFIX = 'category:';
const VERSION = 1;
const COUNTER_WORDS = 6;
const writer = new ByteWriter();

/** Counters as words, which the stream changes in place: POPULARITY, TREND_FAST and TREND_SLOW. */
export interface CategoryColumns {
  landmark: EpochMs;
  interactionCount: number;
  readonly counters: Int32Array;
}

export const emptyCategory = (landmark: EpochMs): CategoryColumns => ({
  landmark,
  interactionCount: 0,
  counters: new Int32Array(COUNTER_WORDS),
});

export const encodeCategoryColumns = (category: CategoryColumns): Uint8Array => {
  writer.reset();
  writer.u8(VERSION);
  writer.i48(category.landmark);
  writer.zigzag(category.interactionCount);
  for (const word of category.counters) writer.u32(word);
  return writer.take();
};

export const decodeCategoryColumns = (bytes: Uint8Array): CategoryColumns => {
  const reader = new ByteReader(bytes);
  checkVersion(reader, VERSION, 'category state');
  const landmark = reader.i48() as EpochMs;
  const interactionCount = reader.zigzag();
  const counters = new Int32Array(COUNTER_WORDS);
  for (let index = 0; index < COUNTER_WORDS; index++) counters[index] = reader.i32();
  checkEnd(reader, 'category state');
  return { landmark, interactionCount, counters };
};
